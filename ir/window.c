/* Geometry of sliding windows; see window.h. */
#include "ir/window.h"

static int64_t entry(const Ints *list, int i, int64_t otherwise) { return i < list->count ? list->at[i] : otherwise; }

Window window_at(const Attrs *a, int i, int n) {
  return (Window){.kernel = entry(&a->kernel, i, 1),
                  .stride = entry(&a->strides, i, 1),
                  .dilation = entry(&a->dilations, i, 1),
                  .begin = entry(&a->pads, i, 0),
                  .end = entry(&a->pads, i + n, 0)};
}

/* floor((d + rest) / stride) for d = c N, where that is one term: stride divides c and 0 <= rest < stride. */
static bool symbolic_count(const Window *w, Dim in, Dim *out) {
  int64_t rest = w->begin + w->end - window_span(w) + w->stride;
  return rest >= 0 && rest < w->stride && dim_div_exact(in, w->stride, out);
}

bool window_count(const Window *w, Dim in, bool round_up, Dim *out) {
  if (!dim_is_number(in)) return !round_up && symbolic_count(w, in, out);
  int64_t room = in + w->begin + w->end - window_span(w);
  if (room < 0 || in < 1) return false;
  int64_t n = (room + (round_up ? w->stride - 1 : 0)) / w->stride + 1;
  if (round_up && (n - 1) * w->stride >= in + w->begin) n--;
  *out = n;
  return n >= 1;
}
