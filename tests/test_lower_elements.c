/* Lowering of gather_elements, scatter_elements, topk, cumsum and resize. */
#include "tests/lower_test.h"

static void small_indices(Tensor *t, int input) {
  DType type = (DType)t->type.dtype;
  bool natural = dtype_is_unsigned(type) || type == DT_bool;
  (void)input;
  for (int64_t i = 0; t->i && i < type_elements(&t->type); i++) t->i[i] = natural ? i % 2 : i * 5 % 7 - 3;
}

static void few_values(Tensor *t, int input) {
  for (int64_t i = 0, n = type_elements(&t->type); i < n; i++) {
    int64_t v = i * 7 % 5 - 2;
    if (t->f)
      t->f[i] = input == 0 && i % 6 == 4 ? NAN : (double)v;
    else
      t->i[i] = v < 0 && dtype_is_unsigned((DType)t->type.dtype) ? -v : v;
  }
}

static void test_gather(void) {
  static const LowerTest test = {.family = "gather_elements", .fill = small_indices};
  static const char *const cases[] = {"f32[4,9] i64[4,20] 1 f32[4,20]", "f32[4,9] i32[2,9] 0 f32[2,9]",
                                      "u8[5] i64[3] 0 u8[3]",           "f64[2,4,3] i64[2,5,3] 1 f64[2,5,3]",
                                      "i64[4,3] i64[4,0] 1 i64[4,0]",   "f32[1] i64[1] 0 f32[1]"};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char x[32], index[32], axis[4], y[32];
    TEST(cases[i]);
    sscanf(cases[i], "%31s %31s %3s %31s", x, index, axis, y);
    LOWER_TEST(&test,
               "%%1 = input {name=\"x\"} : %s\n%%2 = input {name=\"i\"} : %s\n"
               "%%3 = gather_elements %%1, %%2 {axis=%s} : %s\noutput %%3 {name=\"y\"}\n",
               x, index, axis, y);
  }
}

static void test_scatter(void) {
  static const LowerTest test = {.family = "scatter_elements", .fill = small_indices};
  static const char *const modes[] = {"", "mode=add", "mode=mul", "mode=min", "mode=max"};
  for (size_t m = 0; m < sizeof modes / sizeof *modes; m++)
    for (int axis = 0; axis < 3; axis++)
      for (int whole = 0; whole < 2; whole++) {
        const char *dtype = whole ? "i32" : "f32";
        TEST(modes[m]);
        LOWER_TEST(&test,
                   "%%1 = input {name=\"x\"} : %s[4,5,6]\n%%2 = input {name=\"i\"} : i64[3,4,5]\n"
                   "%%3 = input {name=\"u\"} : %s[3,4,5]\n"
                   "%%4 = scatter_elements %%1, %%2, %%3 {axis=%d %s} : %s[4,5,6]\noutput %%4 {name=\"y\"}\n",
                   dtype, dtype, axis, modes[m], dtype);
      }
  TEST("scatter of nothing, of bools, into one element");
  LOWER_TEST(&test,
             "%%1 = input {name=\"x\"} : f32[4]\n%%2 = input {name=\"i\"} : i64[0]\n%%3 = input {name=\"u\"} : f32[0]\n"
             "%%4 = scatter_elements %%1, %%2, %%3 : f32[4]\noutput %%4 {name=\"y\"}\n");
  LOWER_TEST(
      &test,
      "%%1 = input {name=\"x\"} : bool[4]\n%%2 = input {name=\"i\"} : i64[2]\n%%3 = input {name=\"u\"} : bool[2]\n"
      "%%4 = scatter_elements %%1, %%2, %%3 : bool[4]\noutput %%4 {name=\"y\"}\n");
  LOWER_TEST(&test,
             "%%1 = input {name=\"x\"} : f32[1]\n%%2 = input {name=\"i\"} : i32[1]\n%%3 = input {name=\"u\"} : f32[1]\n"
             "%%4 = scatter_elements %%1, %%2, %%3 : f32[1]\noutput %%4 {name=\"y\"}\n");
}

/* NaNs: the evaluator lets one win whatever the order is. */
static void test_scatter_nan(void) {
  static const LowerTest test = {.family = "scatter_elements", .fill = few_values};
  for (int least = 0; least < 2; least++) {
    TEST(least ? "NaN in min" : "NaN in max");
    LOWER_TEST(
        &test,
        "%%1 = input {name=\"x\"} : f32[14]\n%%2 = input {name=\"i\"} : i64[30]\n%%3 = input {name=\"u\"} : f32[30]\n"
        "%%4 = scatter_elements %%1, %%2, %%3 {mode=%s} : f32[14]\noutput %%4 {name=\"y\"}\n",
        least ? "min" : "max");
  }
}

static void test_topk(void) {
  static const LowerTest test = {.family = "topk", .fill = few_values};
  static const char *const dtypes[] = {"f32", "f64", "i64", "u8", "i32"};
  for (size_t t = 0; t < sizeof dtypes / sizeof *dtypes; t++)
    for (int axis = 0; axis < 3; axis++)
      for (int k = 0; k <= 3; k += 3) {
        TEST(dtypes[t]);
        int shape[3] = {3, 11, 4};
        shape[axis] = k;
        LOWER_TEST(&test,
                   "%%1 = input {name=\"x\"} : %s[3,11,4]\n%%2 = topk %%1 {axis=%d k=%d largest=%d} : i64[%d,%d,%d]\n"
                   "output %%2 {name=\"y\"}\n",
                   dtypes[t], axis, k, axis != 1, shape[0], shape[1], shape[2]);
      }
}

static void test_cumsum(void) {
  static const LowerTest test = {.family = "cumsum"};
  for (int axis = 0; axis < 3; axis++)
    for (int kind = 0; kind < 4; kind++) {
      TEST("cumsum");
      LOWER_TEST(
          &test,
          "%%1 = input {name=\"x\"} : %s[3,11,4]\n%%2 = cumsum %%1 {axis=%d exclusive=%d reverse=%d} : %s[3,11,4]\n"
          "output %%2 {name=\"y\"}\n",
          kind % 3 ? "f32" : "i8", axis, kind & 1, kind >> 1, kind % 3 ? "f32" : "i8");
    }
}

static void test_resize(void) {
  static const LowerTest test = {.family = "resize", .fill = small_indices};
  static const char *const cases[] = {"f32[2,6,5] 1 7 2 f32[2,7,5]",   "f32[3,9] 1 4 3 f32[3,4]",
                                      "f32[5,70] 0 9 1 f32[9,70]",     "f64[2,4,3] 1 5 2 f64[2,5,3]",
                                      "f32[1,5000] 0 2 2 f32[2,5000]", "f32[0,3] 1 2 2 f32[0,2]"};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char x[32], y[32];
    int axis, rows, taps;
    TEST(cases[i]);
    sscanf(cases[i], "%31s %d %d %d %31s", x, &axis, &rows, &taps, y);
    LOWER_TEST(
        &test,
        "%%1 = input {name=\"x\"} : %s\n%%2 = input {name=\"i\"} : i64[%d,%d]\n%%3 = input {name=\"w\"} : %.3s[%d,%d]\n"
        "%%4 = resize %%1, %%2, %%3 {axis=%d} : %s\noutput %%4 {name=\"y\"}\n",
        x, rows, taps, x, rows, taps, axis, y);
  }
}

int main(void) {
  test_gather();
  test_scatter();
  test_scatter_nan();
  test_topk();
  test_cumsum();
  test_resize();
  return test_result();
}
