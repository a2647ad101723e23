/* Family grn against the tensor evaluator: channels last and first, one image and several, in shares and whole. */
#include "tests/lower_test.h"

static void grn(const LowerTest *t, const char *dtype, const char *dims, const char *axes, int axis, int channels,
                int which) {
  LOWER_TEST(t,
             "%%1 = input {name=\"x\"} : %s[%s]\n%%2 = input {name=\"g\"} : %s[%d]\n%%3 = input {name=\"b\"} : %s[%d]\n"
             "%%4 = grn %%1, %s, %s {axes=[%s] axis=%d eps=1e-6}\noutput %%4 {name=\"y\"}\n",
             dtype, dims, dtype, channels, dtype, channels, which & 1 ? "%2" : "_", which & 2 ? "%3" : "_", axes, axis);
}

static void test_sizes(void) {
  static const int channels[] = {1, 3, 7, 8, 9, 16, 40, 96}, rows[] = {1, 2, 6, 7};
  LowerTest t = {.family = "grn"};
  TEST("sizes");
  for (int c = 0; c < 8; c++)
    for (int r = 0; r < 4; r++) {
      char dims[60];
      snprintf(dims, sizeof dims, "%d,%d,%d,%d", 1 + r % 2, rows[r], rows[3 - r], channels[c]);
      grn(&t, "f32", dims, "1,2", 3, channels[c], (c + r) % 4);
      snprintf(dims, sizeof dims, "%d,%d,%d,%d", 1 + r % 2, channels[c], rows[r], rows[3 - r]);
      grn(&t, "f32", dims, "2,3", 1, channels[c], (c + r + 1) % 4);
    }
}

static void put_nan(Tensor *t, int input) {
  if (!input) t->f[20] = (double)NAN;
}

int main(void) {
  LowerTest t = {.family = "grn"};
  test_sizes();
  TEST("shares");
  grn(&t, "f32", "1,14,14,96", "1,2", 3, 96, 3);
  grn(&t, "f32", "2,13,13,136", "1,2", 3, 136, 3);
  grn(&t, "f32", "1,20,20,40", "1,2", 3, 40, 3);
  grn(&t, "f32", "1,17,1,4096", "1,2", 3, 4096, 3);
  grn(&t, "f32", "12,30,40", "1", 0, 12, 3);
  TEST("other axes, double, nothing");
  grn(&t, "f32", "3,4,5,6", "0,2", 3, 6, 3);
  grn(&t, "f32", "3,4,5,6", "1,3", 0, 3, 3);
  grn(&t, "f64", "1,4,5,6", "1,2", 3, 6, 3);
  grn(&t, "f32", "0,4,5,6", "1,2", 3, 6, 3);
  grn(&t, "f32", "8,9", "0", 1, 9, 3);
  TEST("1e18 does not overflow");
  t.low = -1e18, t.high = 1e18, t.relative = 1e-5;
  grn(&t, "f32", "1,48,48,12", "1,2", 3, 12, 0);
  grn(&t, "f32", "1,5,48,48", "2,3", 1, 5, 0);
  TEST("NaN");
  t.low = -1, t.high = 1, t.fill = put_nan;
  grn(&t, "f32", "1,4,4,16", "1,2", 3, 16, 3);
  return test_result();
}
