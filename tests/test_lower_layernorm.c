/* Family layernorm against the tensor evaluator: rows, columns, mixed axes, scale and bias left out, hard inputs. */
#include "tests/lower_test.h"

/* affine: dims of scale and bias; which: bit 0 scale, bit 1 bias */
static void layernorm(const LowerTest *t, const char *dtype, const char *dims, const char *axes, const char *affine,
                      int which) {
  LOWER_TEST(t,
             "%%1 = input {name=\"x\"} : %s[%s]\n%%2 = input {name=\"s\"} : %s[%s]\n%%3 = input {name=\"b\"} : %s[%s]\n"
             "%%4 = layernorm %%1, %s, %s {axes=[%s] eps=1e-6}\noutput %%4 {name=\"y\"}\n",
             dtype, dims, dtype, affine, dtype, affine, which & 1 ? "%2" : "_", which & 2 ? "%3" : "_", axes);
}

static void test_sizes(void) {
  static const int channels[] = {1, 3, 7, 8, 9, 16, 40, 96}, rows[] = {1, 2, 6, 7};
  LowerTest t = {.family = "layernorm"};
  TEST("sizes");
  for (size_t c = 0; c < 8; c++)
    for (size_t r = 0; r < 4; r++) {
      char dims[40], last[20], middle[20];
      snprintf(dims, sizeof dims, "2,%d,%d", rows[r], channels[c]);
      snprintf(last, sizeof last, "%d", channels[c]);
      snprintf(middle, sizeof middle, "%d", rows[r]);
      layernorm(&t, "f32", dims, "2", last, (int)(c + r) % 4);
      layernorm(&t, "f32", dims, "1", middle, (int)(c + r + 1) % 4);
    }
}

static void test_axes(void) {
  LowerTest t = {.family = "layernorm"};
  TEST("axes");
  layernorm(&t, "f32", "2,5,3,9", "1,2,3", "5,3,9", 3);
  layernorm(&t, "f32", "2,5,3,9", "1,3", "5,9", 3);
  layernorm(&t, "f32", "2,5,3,9", "0,2", "2,3", 3);
  layernorm(&t, "f32", "1,12,4,6", "1", "12", 3);
  layernorm(&t, "f64", "3,7", "1", "7", 3);
  layernorm(&t, "f64", "3,7", "0", "3", 1);
  layernorm(&t, "f32", "50000", "0", "50000", 3);
  layernorm(&t, "f32", "0,7", "1", "7", 3);
}

static void put_constant(Tensor *t, int input) {
  for (int64_t i = 0; !input && i < type_elements(&t->type); i++) t->f[i] = (double)1e18f;
}

static void put_outlier(Tensor *t, int input) {
  if (!input) t->f[0] = 1e6;
}

static void put_nan(Tensor *t, int input) {
  if (!input) t->f[20] = (double)NAN;
}

static void both_ways(const LowerTest *t) {
  layernorm(t, "f32", "6,96", "1", "96", 0);
  layernorm(t, "f32", "96,6", "0", "96", 0);
  layernorm(t, "f32", "96,17", "0", "96", 0);
}

static void test_hard_inputs(void) {
  LowerTest t = {.family = "layernorm", .low = -1e18, .high = 1e18, .absolute = 1e-5, .relative = 1e-5};
  TEST("1e18 does not overflow");
  both_ways(&t);
  TEST("a mean far from 0 costs nothing");
  t.low = 9999, t.high = 10001;
  both_ways(&t);
  t.low = 1e18, t.high = 1.001e18;
  both_ways(&t);
  TEST("an outlier in front");
  t.low = -1, t.high = 1, t.fill = put_outlier;
  both_ways(&t);
  TEST("small numbers beside eps");
  t.low = -1e-10, t.high = 1e-10, t.fill = NULL, t.absolute = 1e-10;
  both_ways(&t);
  TEST("NaN");
  t.fill = put_nan, t.low = -1, t.high = 1, t.absolute = 1e-6;
  both_ways(&t);
}

/* The evaluator's double sums of 1e18 leave a mean that is a little off, so here the answer is given. */
static void test_equal_elements(void) {
  TEST("equal elements give 0, whatever they are");
  LowerTest t = {.family = "layernorm", .fill = put_constant, .absolute = 1e-30};
  LowerRun r = {.test = &t};
  CHECK(lt_open(&r, "%1 = input {name=\"x\"} : f32[3,96]\n%2 = layernorm %1 {axes=[1]}\noutput %2 {name=\"y\"}\n"));
  memset(r.want[0].f, 0, 3 * 96 * sizeof(double));
  for (int i = 0; i < target_count; i++) lt_on_target(&r, &targets[i]);
  tensor_free(&r.in[0]);
  tensor_free(&r.want[0]);
  graph_free(r.graph);
  context_free(r.context);
}

int main(void) {
  test_sizes();
  test_axes();
  test_hard_inputs();
  test_equal_elements();
  return test_result();
}
