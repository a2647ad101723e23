/* Family argmax against the tensor evaluator: every axis and type, equal elements, NaN. */
#include "tests/lower_test.h"

static void argmax(const LowerTest *t, const char *type, int axis) {
  for (int i = 0; i < 8; i++)
    LOWER_TEST(t,
               "%%1 = input {name=\"x\"} : %s\n%%2 = argmax %%1 {axis=%d keepdims=%d largest=%d %s}\n"
               "output %%2 {name=\"y\"}\n",
               type, axis, i & 1, i >> 1 & 1, i & 4 ? "mode=last" : "");
}

static void put_special(Tensor *t, int input) {
  (void)input;
  int64_t row = t->type.dim[1];
  t->f[row + 2] = t->f[2 * row + 3] = t->f[2 * row + 5] = t->f[3 * row] = (double)NAN;
  t->f[0] = (double)INFINITY;
  t->f[1] = -(double)INFINITY;
}

int main(void) {
  static const char *const types[] = {"f32", "f64", "i32", "i64", "u8", "i8", "u16", "i16", "u32", "bool"};
  LowerTest plain = {.family = "argmax"}, ties = {.family = "argmax", .low = 0, .high = 3};
  LowerTest special = {.family = "argmax", .fill = put_special}, all = {.family = "argmax", .low = -4e9, .high = 4e9};
  for (size_t t = 0; t < 10; t++) {
    char type[40];
    TEST(types[t]);
    snprintf(type, sizeof type, "%s[3,7,5]", types[t]);
    for (int axis = 0; axis < 3; axis++) argmax(t > 1 ? &ties : &plain, type, axis);
  }
  TEST("u32 above 2^31");
  argmax(&all, "u32[4,9]", 1);
  TEST("NaN comes first");
  argmax(&special, "f32[4,9]", 1);
  argmax(&special, "f64[4,9]", 1);
  TEST("a thousand classes, one, none");
  argmax(&plain, "f32[2,1000]", 1);
  argmax(&plain, "f32[2,1]", 1);
  argmax(&plain, "f32[0,3]", 1);
  return test_result();
}
