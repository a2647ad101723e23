/* Family softmax against the tensor evaluator: both modes, every axis, sizes around the vector width, large values. */
#include "tests/lower_test.h"

static void softmax(const LowerTest *t, const char *type, int axis) {
  for (int log = 0; log < 2; log++)
    LOWER_TEST(t, "%%1 = input {name=\"x\"} : %s\n%%2 = softmax %%1 {axis=%d %s}\noutput %%2 {name=\"y\"}\n", type,
               axis, log ? "mode=log" : "");
}

static void put_special(Tensor *t, int input) {
  (void)input;
  int64_t n = type_elements(&t->type), row = t->type.dim[1];
  t->f[1] = (double)NAN;
  t->f[row + 2] = -(double)INFINITY;
  for (int64_t i = 0; i < row; i++) t->f[2 * row + i] = -(double)INFINITY;
  t->f[n - 1] = (double)INFINITY;
}

int main(void) {
  static const int channels[] = {1, 3, 7, 8, 9, 16, 40, 96}, rows[] = {1, 2, 6, 7};
  LowerTest plain = {.family = "softmax"}, large = {.family = "softmax", .low = -1e18, .high = 1e18};
  LowerTest spread = {.family = "softmax", .low = -100, .high = 100};
  LowerTest special = {.family = "softmax", .fill = put_special};
  TEST("sizes and axes");
  for (size_t c = 0; c < 8; c++)
    for (size_t r = 0; r < 4; r++) {
      char type[40];
      snprintf(type, sizeof type, "f32[2,%d,%d]", rows[r], channels[c]);
      softmax(&plain, type, (int)((c + r) % 3));
      softmax(&spread, type, 2);
    }
  TEST("a thousand classes");
  softmax(&plain, "f32[3,1000]", 1);
  softmax(&spread, "f32[1000,12]", 0);
  TEST("values of 1e18");
  softmax(&large, "f32[5,33]", 1);
  softmax(&large, "f32[5,33]", 0);
  TEST("NaN and infinities");
  softmax(&special, "f32[5,19]", 1);
  TEST("double, ranks, nothing");
  softmax(&plain, "f64[3,5,4]", 1);
  softmax(&plain, "f64[19]", 0);
  softmax(&plain, "f32[1]", 0);
  softmax(&plain, "f32[2,3,2,3,2,3,2,9]", 3);
  softmax(&plain, "f32[0,4]", 1);
  softmax(&plain, "f32[4,0]", 1);
  return test_result();
}
