/* Lowering of gemm: rows and columns around every tile's edges, thin and deep K, pointwise ops behind it. */
#include "tests/lower_test.h"

static const LowerTest test = {.family = "gemm", .passes = true};

static void gemm(int rows, int k, int columns, bool bias, bool behind) {
  LOWER_TEST(&test,
             "%%1 = input {name=\"x\"} : f32[%d,%d]\n%%2 = input {name=\"r\"} : f32[%d,%d]\n"
             "%%3 = weight {name=\"w.weight\"} : f32[%d,%d]\n%%4 = weight {name=\"w.bias\"} : f32[%d]\n"
             "%%5 = gemm %%1, %%3%s\n%%6 = gelu %%5\n%%7 = add %%6, %%2\noutput %s {name=\"y\"}\n",
             rows, k, rows, columns, k, columns, columns, bias ? ", %4" : "", behind ? "%7" : "%5");
}

int main(void) {
  /* tiles of 2, 5, 6 and 7 rows; one pass over all rows below 576, blocks of tiles from there */
  static const int rows[] = {1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 14, 15, 36, 49, 575, 576, 577, 601};
  /* vectors of 1, 4, 8, 16; panels of 16; tiles of one and three panels */
  static const int columns[] = {1,  2,  3,  4,  5,  7,  8,  9,  12, 15, 16, 17, 31,
                                32, 33, 40, 47, 48, 49, 63, 64, 65, 80, 96, 97};
  TEST("rows");
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) gemm(rows[i], 7, 40, true, false);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) gemm(rows[i], 3, 1, false, true);
  TEST("columns");
  for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) gemm(13, 7, columns[i], true, true);
  for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) gemm(577, 2, columns[i], false, false);
  TEST("depth");
  for (int k = 1; k <= 19; k++) gemm(7, k, 23, true, true);
  gemm(6, 300, 17, false, false);
  gemm(49, 768, 49, true, true);
  return test_result();
}
