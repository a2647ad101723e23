/* Windows over spatial axes as loops: the taps of a window that lie in the padding are cut off by the loop's bounds, so
 * no test stands inside. */
#ifndef NEXTC_LOWER_WINDOW_H
#define NEXTC_LOWER_WINDOW_H
#include "backend/lower_nest.h"
#include "ir/window.h"

enum { MAX_SPATIAL = MAX_RANK - 2 };

/* One spatial axis: `out` windows over `in` elements. */
typedef struct {
  Window w;
  int64_t in, out;
} Slide;

/* Spatial axes of op's operand 0 and result; returns how many. */
int slides_of(const Graph *, const Op *, bool channels_last, Slide *);

/* Are all taps of windows [first, last) inside the input, but for `begin` and `end` elements of it around? */
bool slide_complete(const Slide *, int64_t first, int64_t last, int64_t begin, int64_t end);
/* The windows [*first, *last) that are complete; *first == *last: none. */
void slide_interior(const Slide *, int64_t *first, int64_t *last);

/* Opens the loop over the taps of window o (a value in [first, last)) that lie in [-begin, in + end). Returns the tap's
 * number; *open counts up where there is a loop to end. */
Affine slide_taps(Kernel *, const Slide *, const char *name, Affine o, int64_t first, int64_t last, int64_t begin,
                  int64_t end, int *open);
/* Element of the input that tap k of window o reads. */
Affine slide_element(const Slide *, Affine o, Affine k);
#endif
