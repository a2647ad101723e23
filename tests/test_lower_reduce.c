/* Family reduce against the tensor evaluator: every op, axes in every position, sizes around the vector width. */
#include "tests/lower_test.h"

static const LowerTest plain = {.family = "reduce"};

static void reduce(const LowerTest *t, const char *op, const char *type, const char *axes) {
  LOWER_TEST(t, "%%1 = input {name=\"x\"} : %s\n%%2 = %s %%1 {axes=[%s]}\noutput %%2 {name=\"y\"}\n", type, op, axes);
}

static const char *const ops[] = {"reduce_sum",  "reduce_mean",  "reduce_max", "reduce_min",
                                  "reduce_prod", "reduce_sumsq", "reduce_l1",  "reduce_l2"};
enum { OPS = sizeof ops / sizeof *ops };

static void test_sizes(void) {
  static const int channels[] = {1, 3, 7, 8, 9, 16, 40, 96}, rows[] = {1, 2, 6, 7};
  static const char *const axes[] = {"0", "1", "2", "0,1", "1,2", "0,2", "0,1,2", ""};
  for (size_t c = 0; c < 8; c++)
    for (size_t r = 0; r < 4; r++)
      for (size_t a = 0; a < 8; a++) {
        char type[40];
        snprintf(type, sizeof type, "f32[2,%d,%d]", rows[r], channels[c]);
        size_t op = (c + 3 * r + 5 * a) % OPS;
        TEST(ops[op]);
        reduce(&plain, ops[op], type, axes[a]);
      }
}

static void test_all_ops(void) {
  static const char *const types[] = {"f32", "f64", "i32", "i64", "u8", "i8", "u16", "i16", "u32"};
  for (int o = 0; o < OPS; o++)
    for (size_t t = 0; t < 9; t++) {
      char type[40];
      TEST(ops[o]);
      snprintf(type, sizeof type, "%s[3,5,19]", types[t]);
      reduce(&plain, ops[o], type, "2");
      reduce(&plain, ops[o], type, "0");
      reduce(&plain, ops[o], type, "");
      snprintf(type, sizeof type, "%s[3,0,4]", types[t]);
      reduce(&plain, ops[o], type, "1");
      reduce(&plain, ops[o], type, "0,1,2");
      reduce(&plain, ops[o], type, "0");
    }
}

static void put_special(Tensor *t, int input) {
  (void)input;
  int64_t n = type_elements(&t->type);
  t->f[0] = (double)NAN;
  t->f[n / 2] = (double)INFINITY;
  t->f[n - 1] = -(double)INFINITY;
}

static void test_special_values(void) {
  LowerTest t = {.family = "reduce", .fill = put_special};
  for (int o = 0; o < OPS; o++) {
    TEST(ops[o]);
    reduce(&t, ops[o], "f32[6,40]", "1");
    reduce(&t, ops[o], "f32[40,12]", "0");
    reduce(&t, ops[o], "f64[4,5]", "1");
  }
}

static void put_tiny(Tensor *t, int input) {
  (void)input;
  for (int64_t i = 0; i < type_elements(&t->type); i++) t->f[i] = (double)(float)(t->f[i] * 1e-25);
}

static void test_accuracy(void) {
  LowerTest t = {.family = "reduce", .low = 0.5, .high = 1.5, .relative = 1e-6};
  TEST("50000 terms keep six digits");
  reduce(&t, "reduce_sum", "f32[50000]", "0");
  reduce(&t, "reduce_mean", "f32[2,50000]", "1");
  reduce(&t, "reduce_sumsq", "f32[50000,3]", "0");
  reduce(&t, "reduce_l1", "f32[224,3,224]", "0,2");
  TEST("l2 neither overflows nor loses small numbers");
  t.low = 1e17, t.high = 1e18;
  reduce(&t, "reduce_l2", "f32[50000]", "0");
  reduce(&t, "reduce_l2", "f32[5000,9]", "0");
  t.low = 0.5, t.high = 1.5, t.fill = put_tiny;
  reduce(&t, "reduce_l2", "f32[40]", "0");
  reduce(&t, "reduce_l2", "f32[40,5]", "0");
}

static void test_shapes(void) {
  TEST("ranks and keepdims");
  reduce(&plain, "reduce_mean", "f32[]", "");
  reduce(&plain, "reduce_l2", "f32[1,1]", "0,1");
  reduce(&plain, "reduce_sum", "f32[2,3,2,3,2,3,2,9]", "1,3,5,7");
  reduce(&plain, "reduce_sum", "f32[2,3,2,3,2,3,2,9]", "0,2,4,6");
  reduce(&plain, "reduce_max", "f32[1,49,1,96]", "1,2");
  LOWER_TEST(&plain, "%%1 = input {name=\"x\"} : f32[1,7,7,40]\n%%2 = reduce_mean %%1 {axes=[1,2] keepdims=1}\n"
                     "output %%2 {name=\"y\"}\n");
}

int main(void) {
  test_sizes();
  test_all_ops();
  test_special_values();
  test_accuracy();
  test_shapes();
  return test_result();
}
