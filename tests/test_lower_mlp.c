/* Lowering of mlp, with and without grn: rows around tiles and blocks, hidden sizes in one chunk and in several, odd
 * channels, what may stand behind; numbers of 1e18 through grn. */
#include "tests/lower_test.h"

static const LowerTest test = {.family = "mlp", .passes = true};

typedef enum { RESIDUAL, NOTHING, SCALED, GRN } Kind;

/* [1, rows, width, c] through `hidden`. */
static void mlp(const LowerTest *t, int rows, int width, int c, int hidden, int out, Kind kind) {
  char behind[256] = "output %7 {name=\"y\"}\n";
  if (kind == RESIDUAL) snprintf(behind, sizeof behind, "%%8 = add %%7, %%9\noutput %%8 {name=\"y\"}\n");
  if (kind == SCALED)
    snprintf(behind, sizeof behind, "%%8 = relu %%7\n%%12 = add %%9, %%8\noutput %%12 {name=\"y\"}\n");
  LOWER_TEST(t,
             "%%1 = input {name=\"x\"} : f32[1,%d,%d,%d]\n%%9 = input {name=\"r\"} : f32[1,%d,%d,%d]\n"
             "%%2 = weight {name=\"a.weight\"} : f32[%d,%d]\n%%3 = weight {name=\"a.bias\"} : f32[%d]\n"
             "%%4 = gemm %%1, %%2, %%3\n%%5 = gelu %%4\n%%10 = weight {name=\"g.weight\"} : f32[%d]\n"
             "%%11 = grn %%5, %%10 {axis=3 axes=[1,2] eps=1e-06}\n"
             "%%6 = weight {name=\"b.weight\"} : f32[%d,%d]\n%%7 = gemm %s, %%6\n%s",
             rows, width, c, rows, width, out, c, hidden, hidden, hidden, hidden, out, kind == GRN ? "%11" : "%5",
             behind);
}

static void sweep(Kind kind) {
  static const int channels[] = {1, 7, 40, 96};
  static const int rows[][2] = {{1, 1}, {1, 5}, {2, 3}, {7, 1}, {7, 7}, {5, 10}};
  for (int i = 0; i < 6; i++) mlp(&test, rows[i][0], rows[i][1], 7, 32, 7, kind);
  for (int i = 0; i < 4; i++) mlp(&test, 3, 5, channels[i], (channels[i] + 3) / 4 * 16, channels[i], kind);
  mlp(&test, 24, 24, 4, 16, 4, kind); /* 576 rows: blocks */
  mlp(&test, 577, 1, 7, 32, 7, kind);
  mlp(&test, 25, 29, 3, 48, 17, kind);
}

/* Then it is no mlp. */
static void sweep_partial_panels(void) {
  LowerTest two = test;
  TEST("hidden columns that are no whole panels");
  two.family = "gemm";
  mlp(&two, 24, 25, 5, 20, 5, RESIDUAL);
  mlp(&two, 3, 5, 7, 28, 7, GRN);
}

static void sweep_chunks(void) {
  TEST("hidden columns in several chunks");
  mlp(&test, 24, 24, 1, 784, 1, RESIDUAL); /* 7 of 7 panels */
  mlp(&test, 24, 25, 1, 784, 2, NOTHING);
  mlp(&test, 24, 24, 1, 848, 1, RESIDUAL); /* 53 panels do not divide */
  mlp(&test, 24, 24, 1, 784, 1, SCALED);   /* not a plain residual */
}

int main(void) {
  TEST("residual");
  sweep(RESIDUAL);
  TEST("nothing behind");
  sweep(NOTHING);
  TEST("more behind");
  mlp(&test, 3, 5, 7, 32, 7, SCALED);
  mlp(&test, 24, 24, 4, 16, 4, SCALED);
  TEST("grn");
  sweep(GRN);
  mlp(&test, 9, 9, 40, 160, 40, GRN); /* more rows than columns: the weights are scaled */
  sweep_partial_panels();
  sweep_chunks();
  TEST("grn of 1e18");
  LowerTest large = test;
  large.low = -1e18, large.high = 1e18, large.absolute = 1e13, large.relative = 1e-4;
  mlp(&large, 3, 3, 7, 32, 7, GRN);
  mlp(&large, 6, 7, 4, 16, 4, GRN);
  mlp(&large, 24, 24, 4, 16, 4, GRN);
  return test_result();
}
