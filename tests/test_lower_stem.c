/* Lowering of stem, downsample and patches: images that leave pixels over, odd channels, tasks of rows and of columns,
 * the norm before, behind or nowhere. */
#include "tests/lower_test.h"

static const LowerTest stem_test = {.family = "stem", .passes = true};
static const LowerTest down_test = {.family = "downsample", .passes = true};
static const LowerTest patches_test = {.family = "patches", .passes = true, .exact = true};

static void stem(const LowerTest *test, int h, int w, int in, int out, int size, bool norm) {
  LOWER_TEST(
      test,
      "%%1 = input {name=\"x\"} : f32[1,%d,%d,%d]\n%%2 = patches %%1 {kernel=[%d,%d] strides=[%d,%d]}\n"
      "%%3 = weight {name=\"w.weight\"} : f32[%d,%d]\n%%4 = weight {name=\"w.bias\"} : f32[%d]\n"
      "%%5 = gemm %%2, %%3, %%4\n%%6 = weight {name=\"n.weight\"} : f32[%d]\n%%7 = weight {name=\"n.bias\"} : f32[%d]\n"
      "%%8 = layernorm %%5, %%6, %%7 {axes=[3] eps=1e-06}\noutput %s {name=\"y\"}\n",
      in, h, w, size, size, size, size, size * size * in, out, out, out, out, norm ? "%8" : "%5");
}

static void downsample(const LowerTest *test, int h, int w, int in, int out) {
  LOWER_TEST(
      test,
      "%%1 = input {name=\"x\"} : f32[1,%d,%d,%d]\n%%2 = weight {name=\"n.weight\"} : f32[%d]\n"
      "%%3 = weight {name=\"n.bias\"} : f32[%d]\n%%4 = layernorm %%1, %%2, %%3 {axes=[3] eps=1e-06}\n"
      "%%5 = patches %%4 {layout=nhwc kernel=[2,2] strides=[2,2]}\n%%6 = weight {name=\"w.weight\"} : f32[%d,%d]\n"
      "%%7 = weight {name=\"w.bias\"} : f32[%d]\n%%8 = gemm %%5, %%6, %%7\noutput %%8 {name=\"y\"}\n",
      h, w, in, in, in, 4 * in, out, out);
}

static void patches(const char *type, int h, int w, int c, int size, int stride, bool last) {
  char image[64];
  if (last)
    snprintf(image, sizeof image, "1,%d,%d,%d", h, w, c);
  else
    snprintf(image, sizeof image, "1,%d,%d,%d", c, h, w);
  LOWER_TEST(&patches_test,
             "%%1 = input {name=\"x\"} : %s[%s]\n%%2 = patches %%1 {%skernel=[%d,%d] strides=[%d,%d]}\n"
             "output %%2 {name=\"y\"}\n",
             type, image, last ? "layout=nhwc " : "", size, size, stride, stride);
}

int main(void) {
  static const int channels[] = {1, 7, 40, 96};
  static const int sizes[][2] = {{4, 4}, {5, 7}, {8, 9}, {23, 31}, {32, 12}, {97, 98}, {98, 101}};
  TEST("stem");
  for (int c = 0; c < 4; c++)
    for (int s = 0; s < 5; s++) stem(&stem_test, sizes[s][0], sizes[s][1], 3, channels[c], 4, s % 2 == 0);
  stem(&stem_test, 97, 98, 3, 8, 4, true);
  stem(&stem_test, 98, 101, 1, 7, 4, true);
  stem(&stem_test, 97, 99, 3, 17, 4, false);
  stem(&stem_test, 15, 15, 5, 9, 2, true);
  stem(&stem_test, 33, 32, 3, 12, 16, true);
  TEST("downsample");
  for (int c = 0; c < 4; c++) downsample(&down_test, 5, 8, channels[c], 7);
  for (int c = 0; c < 4; c++) downsample(&down_test, 4, 7, 3, channels[c]);
  downsample(&down_test, 49, 50, 5, 9);
  downsample(&down_test, 56, 57, 2, 17);
  TEST("patches");
  for (int c = 0; c < 4; c++)
    for (int last = 0; last < 2; last++) {
      patches("f32", 9, 11, channels[c], 2, 2, last);
      patches("f32", 9, 11, channels[c], 3, 2, last);
      patches("f32", 4, 4, channels[c], 4, 4, last);
      patches("f64", 9, 11, channels[c], 3, 2, last);
    }
  LowerTest large = down_test, far = down_test;
  large.low = -1e18, large.high = 1e18, large.absolute = 1e-3;
  far.low = 9999, far.high = 10001, far.absolute = 2e-3;
  TEST("1e18");
  for (int c = 1; c < 4; c++) downsample(&large, 4, 6, channels[c], 7);
  TEST("a mean far from 0");
  for (int c = 1; c < 4; c++) downsample(&far, 4, 6, channels[c], 7);
  return test_result();
}
