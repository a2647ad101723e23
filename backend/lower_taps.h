/* Windows over channels-last images: geometry, tap loops and addresses that conv and dwconv share. */
#ifndef NEXTC_LOWER_TAPS_H
#define NEXTC_LOWER_TAPS_H
#include "backend/lower.h"

typedef struct {
  int64_t n, h, w, i;                             /* input [n, h, w, i] in the channels-last sense */
  int64_t oh, ow;                                 /* output positions */
  int64_t kh, kw;                                 /* taps */
  int64_t sy, sx, dy, dx;                         /* strides, dilations */
  int64_t top, left;                              /* padding before */
  int64_t stride_n, stride_y, stride_x, stride_i; /* of the input in memory, in elements */
  int64_t inner_first, inner_last;                /* output columns whose taps are all inside in x */
  bool padded_y;                                  /* some row's taps leave the image */
} Taps;

/* in, out: [N, H, W, C]. channels_first: the input lies in memory as [N, C, H, W]. */
Taps taps_describe(const Attrs *, const Type *in, const Type *out, int64_t kh, int64_t kw, bool channels_first);

/* Opens the loop over the taps of output row `row` (column `ox`) that fall inside the image. edge: false where all do.
 */
VarId taps_loop_y(Kernel *, const Taps *, Affine row);
VarId taps_loop_x(Kernel *, const Taps *, Affine ox, bool edge);

/* Element of the input at image n, tap (ky, kx) of output (row, ox), channel 0. ky, kx 0: the first. */
Affine taps_address(const Taps *, Affine n, Affine row, Affine ox, VarId ky, VarId kx);
#endif
