/* Windows as loops; see lower_window.h. */
#include "backend/lower_window.h"

int slides_of(const Graph *g, const Op *op, bool channels_last, Slide *out) {
  const Type *x = type_of(g, op->operands[0]), *y = type_of(g, op->first_result);
  int n = x->rank - 2, first = channels_last ? 1 : 2;
  for (int i = 0; i < n; i++) out[i] = (Slide){window_at(&op->attrs, i, n), x->dim[first + i], y->dim[first + i]};
  return n;
}

bool slide_complete(const Slide *s, int64_t first, int64_t last, int64_t begin, int64_t end) {
  return first * s->w.stride - s->w.begin >= -begin &&
         (last - 1) * s->w.stride - s->w.begin + window_span(&s->w) <= s->in + end;
}

void slide_interior(const Slide *s, int64_t *first, int64_t *last) {
  *first = 0;
  while (*first < s->out && *first * s->w.stride < s->w.begin) ++*first;
  *last = *first;
  while (*last < s->out && slide_complete(s, *first, *last + 1, 0, 0)) ++*last;
}

/* Tap k reads element o stride - w.begin + k dilation; it is inside for
 *   ceil((w.begin - begin - o stride) / dilation) <= k < floor((in + end - 1 + w.begin - o stride) / dilation) + 1 */
Affine slide_taps(Kernel *k, const Slide *s, const char *name, Affine o, int64_t first, int64_t last, int64_t begin,
                  int64_t end, int *open) {
  const Window *w = &s->w;
  bool cut_low = !slide_complete(s, first, first + 1, begin, INT32_MAX);
  bool cut_high = !slide_complete(s, last - 1, last, INT32_MAX, end);
  if (w->kernel == 1 && !cut_low && !cut_high) return affine(0);
  Affine back = affine_scale(o, -w->stride);
  Bound low[2] = {bound(affine(0)), bound_none()}, high[2] = {bound(affine(w->kernel)), bound_none()};
  if (cut_low) low[1] = bound_ceil(affine_plus(back, w->begin - begin), w->dilation);
  if (cut_high) high[1] = bound_floor(affine_plus(back, s->in + end - 1 + w->begin + w->dilation), w->dilation);
  ++*open;
  return affine_var(emit_for_bounds(k, LOP_for, name, low, high, 1), 1);
}

Affine slide_element(const Slide *s, Affine o, Affine k) {
  return affine_plus(affine_add(affine_scale(o, s->w.stride), affine_scale(k, s->w.dilation)), -s->w.begin);
}
