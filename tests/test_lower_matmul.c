/* Lowering of matmul: a sweep around the tile sizes, transposed operands, broadcast batches, all types. */
#include "tests/lower_one.h"

static void check(const char *name, DType dtype, int rank_a, const int64_t *a, int rank_b, const int64_t *b, bool ta,
                  bool tb) {
  TEST(name);
  One one = one_new();
  ValueId in[2] = {one_input(&one, dtype, rank_a, a), one_input(&one, dtype, rank_b, b)};
  Attrs attrs = attrs_default();
  attrs.trans_a = ta;
  attrs.trans_b = tb;
  one_check(&one, "matmul", one_op(&one, OP_matmul, in, 2, &attrs), 1e-5);
  one_free(&one);
}

static void check_2d(const char *name, DType dtype, int64_t m, int64_t k, int64_t n) {
  for (int ta = 0; ta < 2; ta++)
    for (int tb = 0; tb < 2; tb++)
      check(name, dtype, 2, ta ? (const int64_t[]){k, m} : (const int64_t[]){m, k}, 2,
            tb ? (const int64_t[]){n, k} : (const int64_t[]){k, n}, ta, tb);
}

static void test_sizes(void) {
  static const int64_t m[] = {1, 2, 5, 6, 7, 13}, n[] = {1, 3, 4, 7, 8, 15, 16, 17, 29, 48}, k[] = {1, 7, 8, 9, 20};
  for (size_t i = 0; i < sizeof m / sizeof *m; i++)
    for (size_t j = 0; j < sizeof n / sizeof *n; j++)
      for (size_t l = 0; l < sizeof k / sizeof *k; l++) check_2d("sizes", DT_f32, m[i], k[l], n[j]);
}

#define D(...)                                                                                                         \
  (int)(sizeof(int64_t[]){__VA_ARGS__} / 8), (const int64_t[]) { __VA_ARGS__ }

static void test_batches(void) {
  check("batch", DT_f32, D(3, 4, 5), D(3, 5, 9), false, false);
  check("batch_heads", DT_f32, D(2, 3, 4, 8), D(2, 3, 10, 8), false, true);
  check("batch_of_a_only", DT_f32, D(3, 4, 5), D(5, 9), false, false);
  check("batch_of_b_only", DT_f32, D(4, 5), D(3, 5, 9), false, false);
  check("batch_broadcast_both", DT_f32, D(2, 1, 4, 5), D(3, 5, 9), false, false);
  check("batch_rank_8", DT_f32, D(2, 1, 2, 1, 2, 2, 3, 5), D(2, 2, 2, 2, 2, 1, 5, 9), false, false);
}

int main(void) {
  test_sizes();
  test_batches();
  check_2d("nothing_to_sum", DT_f32, 3, 0, 5);
  check_2d("empty", DT_f32, 0, 4, 5);
  check_2d("f64", DT_f64, 5, 9, 11);
  check_2d("i32", DT_i32, 5, 9, 11);
  check_2d("i64", DT_i64, 7, 4, 3);
  check_2d("u8_wraps", DT_u8, 3, 40, 5);
  return test_result();
}
