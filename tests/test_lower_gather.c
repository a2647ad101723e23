/* Lowering of gather: axes, index types, negative and wild indices. */
#include "tests/lower_one.h"

static One gather(DType dtype, int rank, const int64_t *dims, int64_t axis, DType index, int index_rank,
                  const int64_t *index_dims, double low, double high) {
  One one = one_new();
  ValueId in[2];
  Attrs a = attrs_default();
  a.axis = axis;
  in[0] = one_input(&one, dtype, rank, dims);
  in[1] = one_input(&one, index, index_rank, index_dims);
  one_range(&one, 1, low, high);
  one_op(&one, OP_gather, in, 2, &a);
  return one;
}

static void check(const char *name, DType dtype, int rank, const int64_t *dims, int64_t axis, DType index,
                  int index_rank, const int64_t *index_dims) {
  TEST(name);
  double n = (double)dims[axis];
  One one = gather(dtype, rank, dims, axis, index, index_rank, index_dims, -n, n - 1);
  one_check(&one, "gather", one.result, 0);
  one_free(&one);
}

#define D(...)                                                                                                         \
  (int)(sizeof(int64_t[]){__VA_ARGS__} / 8), (const int64_t[]) { __VA_ARGS__ }

/* What indices outside the axis give is said in lower_gather.c: the nearest element. */
static void test_outside(void) {
  TEST("outside_is_clamped");
  One one = gather(DT_f32, D(4, 3), 0, DT_i64, D(4), 0, 0);
  const int64_t index[4] = {-100, 100, INT64_MIN, INT64_MAX}, row[4] = {0, 3, 0, 3};
  double want[12];
  one_values(&one, 1, index);
  for (int i = 0; i < 4; i++)
    for (int j = 0; j < 3; j++) want[3 * i + j] = one_element(&one, 0, 3 * row[i] + j);
  one_check_against(&one, "gather", one.result, 0, want);
  one_free(&one);
}

int main(void) {
  check("rows", DT_f32, D(7, 21), 0, DT_i64, D(5));
  check("rows_i32_index", DT_f32, D(7, 21), 0, DT_i32, D(2, 3));
  check("middle_axis", DT_f32, D(3, 5, 4), 1, DT_i64, D(2, 2));
  check("last_axis", DT_f32, D(20, 5), 1, DT_i64, D(9));
  check("scalar_index", DT_f32, D(20, 5), 0, DT_i64, 0, NULL);
  check("long_slices", DT_f32, D(3, 9001), 0, DT_i64, D(2));
  check("i64", DT_i64, D(4, 3), 0, DT_i64, D(5));
  check("u8", DT_u8, D(4, 3), 1, DT_i32, D(5));
  check("f64", DT_f64, D(4, 3), 0, DT_i32, D(1));
  check("no_indices", DT_f32, D(4, 3), 0, DT_i64, D(0));
  test_outside();
  return test_result();
}
