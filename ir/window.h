/* Windows that slide over a spatial axis: convolutions and pools. */
#ifndef NEXTC_WINDOW_H
#define NEXTC_WINDOW_H
#include "ir/ir.h"

typedef struct {
  int64_t kernel, stride, dilation; /* >= 1 */
  int64_t begin, end;               /* padding in front and behind, elements */
} Window;

/* Spatial axis number i of n, as the attributes say (empty lists are 1s and 0s); kernel from attrs.kernel. */
Window window_at(const Attrs *, int i, int n);
/* As many elements as a window spans. */
static inline int64_t window_span(const Window *w) { return (w->kernel - 1) * w->dilation + 1; }
/* Output dim of an input dim; false where it is none >= 1 or no single term. round_up: attrs.ceil, the last window
 * begins inside the input or the padding in front of it. */
bool window_count(const Window *, Dim in, bool round_up, Dim *out);
#endif
