/* Comparing tensors with their references. */
#include "cli/compare.h"
#include "tests/test.h"
#include <math.h>

static const Tolerance tolerance = {.rtol = 1e-4, .atol = 1e-5};

static Tensor floats(double a, double b) {
  Type t = type_make(DT_f32, 1, (const Dim[]){2});
  Tensor out = tensor_new(&t);
  out.f[0] = a;
  out.f[1] = b;
  return out;
}

static Tensor integers(int64_t a, int64_t b) {
  Type t = type_make(DT_i64, 1, (const Dim[]){2});
  Tensor out = tensor_new(&t);
  out.i[0] = a;
  out.i[1] = b;
  return out;
}

/* Compares and frees both. */
static Difference compare(Arena *arena, Tensor got, Tensor want) {
  Difference d = difference_none();
  difference_add(&d, arena, "output 0", &got, &want, tolerance);
  tensor_free(&got);
  tensor_free(&want);
  return d;
}

static void accepts_what_is_near(Arena *a) {
  TEST("accepts_what_is_near");
  CHECK(compare(a, floats(1, 0), floats(1, 0)).ok);
  CHECK(compare(a, floats(1.00010, 0.9e-5), floats(1, 0)).ok);
  CHECK(compare(a, floats((double)NAN, (double)INFINITY), floats((double)NAN, (double)INFINITY)).ok);
  CHECK(compare(a, integers(7, -7), integers(7, -7)).ok);
  Difference d = compare(a, floats(2.0001, 0), floats(2, 0));
  CHECK(fabs(d.max_abs - 1e-4) < 1e-9 && fabs(d.max_rel - 5e-5) < 1e-9);
}

static void refuses_what_is_far(Arena *a) {
  TEST("refuses_what_is_far");
  CHECK(!compare(a, floats(1.00012, 0), floats(1, 0)).ok);
  CHECK(!compare(a, floats(1, 1.1e-5), floats(1, 0)).ok);
  CHECK(!compare(a, floats((double)NAN, 0), floats(1, 0)).ok);
  CHECK(!compare(a, floats(1, 0), floats((double)NAN, 0)).ok);
  CHECK(!compare(a, floats((double)INFINITY, 0), floats((double)-INFINITY, 0)).ok);
  CHECK(!compare(a, floats((double)INFINITY, 0), floats(1, 0)).ok);
  CHECK(!compare(a, floats(1, 0), floats((double)INFINITY, 0)).ok);
  CHECK(!compare(a, integers(7, 8), integers(7, 9)).ok);
  CHECK_STR(compare(a, floats(1, 3), floats(1, 2)).why, "output 0: element 1 is 3, not 2");
  CHECK_STR(compare(a, integers(1, 3), integers(1, 2)).why, "output 0: element 1 is 3, not 2");
}

static void takes_halves_for_what_they_are(Arena *a) {
  TEST("takes_halves_for_what_they_are");
  for (int i = 0; i < 2; i++) {
    DType t = i ? DT_bf16 : DT_f16;
    double near = i ? 1.07 : 1.009, far = i ? 1.2 : 1.03;
    Difference d = difference_none(), e = difference_none();
    Tensor got = floats(near, 1), off = floats(far, 1), want = floats(1, 1);
    got.type.dtype = off.type.dtype = want.type.dtype = (uint8_t)t;
    difference_add(&d, a, "output 0", &got, &want, tolerance_default(t));
    difference_add(&e, a, "output 0", &off, &want, tolerance_default(t));
    CHECK(d.ok && !e.ok);
    tensor_free(&got);
    tensor_free(&off);
    tensor_free(&want);
  }
  CHECK(tolerance_default(DT_f32).rtol == tolerance.rtol && tolerance_default(DT_f32).atol == tolerance.atol);
}

static void refuses_other_types(Arena *a) {
  TEST("refuses_other_types");
  CHECK_STR(compare(a, integers(1, 2), floats(1, 2)).why, "output 0: is i64[2], not f32[2]");
  Type t = type_make(DT_f32, 2, (const Dim[]){1, 2});
  CHECK_STR(compare(a, tensor_new(&t), floats(0, 0)).why, "output 0: is f32[1,2], not f32[2]");
}

static void keeps_the_first_fault(Arena *a) {
  TEST("keeps_the_first_fault");
  Difference d = difference_none();
  difference_fail(&d, a, "first %d", 1);
  difference_fail(&d, a, "second");
  CHECK(!d.ok);
  CHECK_STR(d.why, "first 1");
}

int main(void) {
  Arena *a = arena_new();
  accepts_what_is_near(a);
  refuses_what_is_far(a);
  takes_halves_for_what_they_are(a);
  refuses_other_types(a);
  keeps_the_first_fault(a);
  arena_free(a);
  return test_result();
}
