/* Lowering of head: mean over positions, layernorm or none, classes around panels and tiles. */
#include "tests/lower_test.h"

static const LowerTest test = {.family = "head", .passes = true};

static void head(const LowerTest *t, int h, int w, int c, int classes, bool norm) {
  LOWER_TEST(t,
             "%%1 = input {name=\"x\"} : f32[1,%d,%d,%d]\n%%2 = reduce_mean %%1 {axes=[1,2] keepdims=0}\n"
             "%%3 = weight {name=\"n.weight\"} : f32[%d]\n%%4 = weight {name=\"n.bias\"} : f32[%d]\n"
             "%%5 = layernorm %%2, %%3, %%4 {axes=[1] eps=1e-06}\n%%6 = weight {name=\"w.weight\"} : f32[%d,%d]\n"
             "%%7 = weight {name=\"w.bias\"} : f32[%d]\n%%8 = gemm %s, %%6, %%7\noutput %%8 {name=\"y\"}\n",
             h, w, c, c, c, c, classes, classes, norm ? "%5" : "%2");
}

int main(void) {
  static const int channels[] = {1, 7, 40, 96, 131}, classes[] = {1, 3, 10, 16, 17, 47, 48, 49, 100};
  for (int norm = 0; norm < 2; norm++) {
    TEST(norm ? "norm" : "no norm");
    for (int i = 0; i < 5; i++) head(&test, 7, 7, channels[i], 10, norm);
    for (int i = 0; i < 9; i++) head(&test, 3, 2, 24, classes[i], norm);
    for (int i = 1; i <= 9; i += 2) head(&test, i, 10 - i, 8, 5, norm);
  }
  LowerTest large = test, far = test;
  large.low = -1e18, large.high = 1e18, large.absolute = 1e-3;
  far.low = 9999, far.high = 10001, far.absolute = 2e-2, far.relative = 1e-3;
  TEST("1e18");
  head(&large, 3, 3, 40, 10, true);
  TEST("a mean far from 0");
  head(&far, 3, 3, 40, 10, true);
  return test_result();
}
