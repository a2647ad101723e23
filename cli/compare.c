/* Comparing tensors; see compare.h. */
#include "cli/compare.h"
#include "ir/nir.h"
#include <math.h>

Tolerance tolerance_default(DType t) {
  if (t == DT_f16) return (Tolerance){.rtol = 1e-2, .atol = 1e-2};
  if (t == DT_bf16) return (Tolerance){.rtol = 8e-2, .atol = 8e-2};
  return (Tolerance){.rtol = 1e-4, .atol = 1e-5};
}

Difference difference_none(void) { return (Difference){.ok = true}; }

void difference_fail(Difference *d, Arena *arena, const char *format, ...) {
  va_list args;
  va_start(args, format);
  if (d->ok) d->why = arena_vprintf(arena, format, args);
  va_end(args);
  d->ok = false;
}

static bool same_number(double a, double b) { return a == b || (isnan(a) && isnan(b)); }

static void add_float(Difference *d, Arena *arena, const char *what, int64_t i, double got, double want, Tolerance t) {
  if (same_number(got, want)) return;
  double distance = fabs(got - want);
  if (!isfinite(distance)) distance = INFINITY;
  if (distance > d->max_abs) d->max_abs = distance;
  if (fabs(want) > t.atol && distance / fabs(want) > d->max_rel) d->max_rel = distance / fabs(want);
  if (!isfinite(distance) || distance > t.atol + t.rtol * fabs(want))
    difference_fail(d, arena, "%s: element %lld is %.9g, not %.9g", what, (long long)i, got, want);
}

static void add_integer(Difference *d, Arena *arena, const char *what, int64_t i, int64_t got, int64_t want) {
  if (got == want) return;
  double distance = fabs((double)got - (double)want);
  if (distance > d->max_abs) d->max_abs = distance;
  if (want && distance / fabs((double)want) > d->max_rel) d->max_rel = distance / fabs((double)want);
  difference_fail(d, arena, "%s: element %lld is %lld, not %lld", what, (long long)i, (long long)got, (long long)want);
}

static const char *static_type_text(const Type *t, Arena *arena) {
  Text text = {.arena = arena};
  nir_type(&text, NULL, t); /* no symbols, no graph */
  return text_string(&text);
}

void difference_add(Difference *d, Arena *arena, const char *what, const Tensor *got, const Tensor *want,
                    Tolerance tolerance) {
  if (!type_equal(&got->type, &want->type)) {
    difference_fail(d, arena, "%s: is %s, not %s", what, static_type_text(&got->type, arena),
                    static_type_text(&want->type, arena));
    return;
  }
  d->compared = true;
  int64_t count = type_elements(&want->type);
  for (int64_t i = 0; i < count; i++) {
    if (got->f)
      add_float(d, arena, what, i, got->f[i], want->f[i], tolerance);
    else
      add_integer(d, arena, what, i, got->i[i], want->i[i]);
  }
}
