/* runtime/vec_generic.h: the corners of integers, conversions, rounding, slices. */
#include "runtime/vec_generic.h"
#include "tests/test.h"

static const int32_t corners[] = {INT32_MIN, INT32_MIN + 1, -65536,        -7,       -1, 0, 1, 2,
                                  7,         65536,         INT32_MAX - 1, INT32_MAX};
enum { CORNERS = sizeof corners / sizeof *corners };

/* The low 32 bits of a 64-bit result are what wraps. */
static int32_t low(int64_t x) { return (int32_t)(uint32_t)(uint64_t)x; }

static void integers(void) {
  TEST("i32 wraps like the low half of i64");
  for (int i = 0; i < CORNERS; i++) {
    const int64_t a = corners[i];
    CHECK(nx_neg_i32(corners[i]) == low(-a));
    CHECK(nx_abs_i32(corners[i]) == low(a < 0 ? -a : a));
    for (int s = 0; s < 32; s++) {
      CHECK(nx_shl_i32(corners[i], s) == low(a * ((int64_t)1 << s)));
      CHECK(nx_shr_i32(corners[i], s) == (a - ((a % (1LL << s)) + (1LL << s)) % (1LL << s)) / (1LL << s));
    }
    for (int j = 0; j < CORNERS; j++) {
      const int64_t b = corners[j];
      CHECK(nx_add_i32(corners[i], corners[j]) == low(a + b));
      CHECK(nx_sub_i32(corners[i], corners[j]) == low(a - b));
      CHECK(nx_mul_i32(corners[i], corners[j]) == low(a * b));
      CHECK(nx_div_i32(corners[i], corners[j]) == (b ? low(a / b) : 0));
      CHECK(nx_mod_i32(corners[i], corners[j]) == (b ? low(a % b) : 0));
    }
  }
  TEST("i64 wraps");
  CHECK(nx_add_i64(INT64_MAX, 1) == INT64_MIN && nx_sub_i64(INT64_MIN, 1) == INT64_MAX);
  CHECK(nx_mul_i64(INT64_MIN, -1) == INT64_MIN && nx_neg_i64(INT64_MIN) == INT64_MIN);
  CHECK(nx_abs_i64(INT64_MIN) == INT64_MIN && nx_abs_i64(-5) == 5);
  CHECK(nx_div_i64(INT64_MIN, -1) == INT64_MIN && nx_div_i64(7, 0) == 0 && nx_div_i64(-7, 2) == -3);
  CHECK(nx_mod_i64(INT64_MIN, -1) == 0 && nx_mod_i64(7, 0) == 0 && nx_mod_i64(-7, 2) == -1);
  CHECK(nx_shl_i64(-1, 63) == INT64_MIN && nx_shr_i64(INT64_MIN, 63) == -1 && nx_shr_i64(-5, 1) == -3);
}

static void conversions(void) {
  TEST("to integers: towards zero; out of range and NaN: the least");
  CHECK(nx_cvt_f32_i32(-2.9f) == -2 && nx_cvt_f32_i32(2.9f) == 2);
  CHECK(nx_cvt_f32_i32(2147483648.0f) == INT32_MIN && nx_cvt_f32_i32(-2147483648.0f) == INT32_MIN);
  CHECK(nx_cvt_f32_i32(2147483520.0f) == 2147483520 && nx_cvt_f32_i32(NAN) == INT32_MIN);
  CHECK(nx_cvt_f32_i32(-INFINITY) == INT32_MIN && nx_cvt_f32_i32(INFINITY) == INT32_MIN);
  CHECK(nx_cvt_f64_i32(2147483647.9) == INT32_MAX && nx_cvt_f64_i32(-2147483648.9) == INT32_MIN);
  CHECK(nx_cvt_f64_i64(9223372036854774784.0) == 9223372036854774784);
  CHECK(nx_cvt_f64_i64(9223372036854775808.0) == INT64_MIN);
  CHECK(nx_cvt_f32_i64(-1e30f) == INT64_MIN && nx_cvt_f32_i64(1e10f) == 10000000000);
  CHECK(nx_cvt_f64_f32(0.1) == 0.1f && nx_cvt_f32_f64(0.1f) == (double)0.1f);
  TEST("bits");
  CHECK(nx_bits_f32_i32(1.0f) == 0x3f800000 && nx_bits_i32_f32(0x40490fdb) == 3.14159274f);
  CHECK(nx_bits_f64_i64(1.0) == 0x3ff0000000000000 && nx_bits_i64_f64(INT64_MIN) == 0);
  TEST("round: halves to even");
  for (int i = -4000; i <= 4000; i++) {
    CHECK(nx_round_f32((float)i / 8) == rintf((float)i / 8));
    CHECK(nx_round_f64((double)i / 8) == rint((double)i / 8));
  }
  CHECK(nx_round_f32(4194303.5f) == 4194304.0f && nx_round_f32(-4194302.5f) == -4194302.0f);
  CHECK(nx_floor_f32(-0.5f) == -1.0f && nx_floor_f64(2.5) == 2.0);
  CHECK(nx_sqrt_f32(9.0f) == 3.0f && nx_sqrt_f64(2.25) == 1.5 && nx_abs_f32(-2.0f) == 2.0f && nx_abs_f64(-2.0) == 2.0);
}

static void bounds(void) {
  TEST("floor_div, lower, higher");
  for (int a = -20; a <= 20; a++)
    for (int b = 1; b < 6; b++) CHECK(nx_floor_div(a, b) == (int64_t)floor((double)a / b));
  CHECK(nx_lower(-1, 2) == -1 && nx_higher(-1, 2) == 2);
  TEST("slices cover the tasks, in order, none twice, sizes within one");
  for (int64_t tasks = 0; tasks < 40; tasks++)
    for (int slices = 1; slices < 12; slices++) {
      int64_t at = 0, first, last;
      for (int s = 0; s < slices; s++) {
        nx_slice(tasks, s, slices, &first, &last);
        CHECK(first == at && last - first >= tasks / slices && last - first <= tasks / slices + 1);
        at = last;
      }
      CHECK(at == tasks);
    }
  int64_t first, last;
  nx_slice(INT64_MAX, 2, 3, &first, &last);
  CHECK(last == INT64_MAX);
}

int main(void) {
  integers();
  conversions();
  bounds();
  return test_result();
}
