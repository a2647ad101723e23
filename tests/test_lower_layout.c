/* Lowering of ops that move elements: every op, type and path of copy (rows, strips, elements, tasks). */
#include "tests/lower_one.h"

static Attrs none(void) { return attrs_default(); }

/* One op of one operand. */
static void check1(const char *name, OpKind kind, DType dtype, const int64_t *dims, int rank, Attrs a) {
  TEST(name);
  One one = one_new();
  ValueId x = one_input(&one, dtype, rank, dims);
  one_check(&one, "layout", one_op(&one, kind, &x, 1, &a), 0);
  one_free(&one);
}

#define D(...) (const int64_t[]){__VA_ARGS__}, (int)(sizeof(int64_t[]){__VA_ARGS__} / 8)
#define I(...)                                                                                                         \
  (Ints) {                                                                                                             \
    (int32_t)(sizeof(int64_t[]){__VA_ARGS__} / 8), (const int64_t[]) { __VA_ARGS__ }                                   \
  }

static void test_transpose(void) {
#define TRANSPOSE(name, dtype, dims, ...)                                                                              \
  do {                                                                                                                 \
    Attrs a = none();                                                                                                  \
    a.perm = I(__VA_ARGS__);                                                                                           \
    check1(name, OP_transpose, dtype, dims, a);                                                                        \
  } while (0)
  TRANSPOSE("transpose_strips", DT_f32, D(19, 37), 1, 0);
  TRANSPOSE("transpose_strips_of_7", DT_f32, D(7, 7), 1, 0);
  TRANSPOSE("transpose_nchw_nhwc", DT_f32, D(2, 3, 5, 17), 0, 2, 3, 1);
  TRANSPOSE("transpose_nhwc_nchw", DT_f32, D(2, 5, 17, 3), 0, 3, 1, 2);
  TRANSPOSE("transpose_inner_rows", DT_f32, D(3, 4, 21), 1, 0, 2);
  TRANSPOSE("transpose_short_columns", DT_f32, D(2, 3, 2), 2, 1, 0);
  TRANSPOSE("transpose_identity", DT_f32, D(5, 6), 0, 1);
  TRANSPOSE("transpose_i64", DT_i64, D(9, 10), 1, 0);
  TRANSPOSE("transpose_u8", DT_u8, D(3, 4, 9), 2, 0, 1);
  TRANSPOSE("transpose_f64", DT_f64, D(11, 4), 1, 0);
  TRANSPOSE("transpose_rank_8", DT_f32, D(2, 2, 2, 2, 2, 2, 2, 2), 7, 6, 5, 4, 3, 2, 1, 0);
  TRANSPOSE("transpose_empty", DT_f32, D(0, 4), 1, 0);
}

static void test_expand(void) {
  Attrs a = none();
  a.shape = I(2, 3, 4);
  check1("expand_nothing", OP_expand, DT_f32, D(2, 3, 4), a);
  check1("expand_row", OP_expand, DT_f32, D(4), a);
  check1("expand_column", OP_expand, DT_i32, D(3, 1), a);
  a.shape = I(3, 1, 37);
  check1("expand_scalar", OP_expand, DT_f32, D(1), a);
  check1("expand_rank_0", OP_expand, DT_bool, (const int64_t[]){0}, 0, a);
  a.shape = I(2, 5, 19);
  check1("expand_middle", OP_expand, DT_f32, D(2, 1, 19), a);
  check1("expand_inner", OP_expand, DT_f32, D(2, 5, 1), a);
  a.shape = I(9001);
  check1("expand_tasks", OP_expand, DT_f32, D(1), a);
}

static void test_slice(void) {
#define SLICE(name, dtype, dims, starts_, steps_, shape_)                                                              \
  do {                                                                                                                 \
    Attrs a = none();                                                                                                  \
    a.starts = starts_;                                                                                                \
    a.steps = steps_;                                                                                                  \
    a.shape = shape_;                                                                                                  \
    check1(name, OP_slice, dtype, dims, a);                                                                            \
  } while (0)
  SLICE("slice_box", DT_f32, D(5, 7, 30), I(1, 2, 3), I(1, 1, 1), I(3, 4, 21));
  SLICE("slice_steps", DT_f32, D(9, 30), I(1, 0), I(2, 3), I(4, 10));
  SLICE("slice_backwards", DT_f32, D(9, 30), I(8, 29), I(-2, -1), I(5, 30));
  SLICE("slice_rows_backwards", DT_f32, D(4, 30), I(3, 0), I(-1, 1), I(4, 30));
  SLICE("slice_i64", DT_i64, D(12), I(11), I(-5), I(3));
  SLICE("slice_one_element", DT_f32, D(3, 3), I(1, 1), I(1, 1), I(1, 1));
  SLICE("slice_empty", DT_f32, D(3, 3), I(1, 1), I(1, 1), I(0, 1));
  SLICE("slice_tasks", DT_f32, D(9500), I(17), I(1), I(9000));
}

static void test_tile(void) {
#define TILE(name, dtype, dims, ...)                                                                                   \
  do {                                                                                                                 \
    Attrs a = none();                                                                                                  \
    a.shape = I(__VA_ARGS__);                                                                                          \
    check1(name, OP_tile, dtype, dims, a);                                                                             \
  } while (0)
  TILE("tile_both", DT_f32, D(3, 5), 6, 15);
  TILE("tile_one", DT_f32, D(2, 1, 3), 2, 4, 3);
  TILE("tile_none", DT_f32, D(2, 17), 2, 17);
  TILE("tile_i64", DT_i64, D(2, 3), 4, 9);
  TILE("tile_to_nothing", DT_f32, D(2, 3), 0, 3);
  TILE("tile_rank_5", DT_u8, D(2, 2, 2, 2, 2), 4, 4, 4, 4, 4);
}

static void test_pad(void) {
#define PAD(name, dtype, mode_, dims, ...)                                                                             \
  do {                                                                                                                 \
    Attrs a = none();                                                                                                  \
    a.mode = mode_;                                                                                                    \
    a.value = 3;                                                                                                       \
    a.pads = I(__VA_ARGS__);                                                                                           \
    check1(name, OP_pad, dtype, dims, a);                                                                              \
  } while (0)
  PAD("pad_images", DT_f32, NULL, D(2, 3, 5, 9), 0, 0, 2, 1, 0, 0, 1, 3);
  PAD("pad_one_side", DT_f32, NULL, D(4, 20), 0, 0, 1, 0);
  PAD("pad_nothing", DT_f32, NULL, D(4, 20), 0, 0, 0, 0);
  PAD("pad_crop", DT_f32, NULL, D(6, 20), -1, -2, -3, 4);
  PAD("pad_empty_operand", DT_f32, NULL, D(0, 3), 1, 1, 1, 1);
  PAD("pad_i64", DT_i64, NULL, D(2, 3), 1, 1, 1, 1);
  PAD("pad_f64", DT_f64, NULL, D(2, 3), 1, 1, 1, 1);
  PAD("pad_i8", DT_i8, NULL, D(2, 3), 1, 1, 1, 1);
  PAD("pad_edge", DT_f32, "edge", D(3, 4, 10), 0, 2, 3, 0, 1, 2);
  PAD("pad_edge_of_1", DT_f32, "edge", D(1, 4), 2, 0, 2, 1);
  PAD("pad_reflect", DT_f32, "reflect", D(3, 4, 10), 0, 2, 3, 0, 1, 9);
  PAD("pad_reflect_1", DT_i32, "reflect", D(4, 5), 1, 1, 1, 1);
  PAD("pad_reflect_of_1", DT_f32, "reflect", D(1, 3), 2, 0, 1, 0);
  PAD("pad_wrap", DT_f32, "wrap", D(3, 4, 10), 0, 2, 3, 0, 1, 10);
  PAD("pad_wrap_twice", DT_f32, "wrap", D(3), 7, 8);
  PAD("pad_edge_crop", DT_f32, "edge", D(5, 6), -1, 2, 2, -2);
}

static void test_concat(void) {
  const int64_t dims[3][3] = {{2, 3, 5}, {2, 0, 5}, {2, 4, 5}};
  const DType types[] = {DT_f32, DT_i64, DT_bool, DT_u16};
  for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
    TEST("concat_middle_with_empty");
    One one = one_new();
    ValueId in[3];
    for (int i = 0; i < 3; i++) in[i] = one_input(&one, types[t], 3, dims[i]);
    Attrs a = none();
    a.axis = 1;
    one_check(&one, "layout", one_op(&one, OP_concat, in, 3, &a), 0);
    one_free(&one);
  }
  TEST("concat_same_operand");
  One one = one_new();
  ValueId x = one_input(&one, DT_f32, 2, (const int64_t[]){3, 17});
  Attrs a = none();
  a.axis = 1;
  one_check(&one, "layout", one_op(&one, OP_concat, (ValueId[]){x, x}, 2, &a), 0);
  one_free(&one);
  TEST("concat_70_operands");
  one = one_new();
  ValueId many[70];
  for (int i = 0; i < 70; i++) many[i] = one_input(&one, DT_f32, 2, (const int64_t[]){2, 1});
  one_check(&one, "layout", one_op(&one, OP_concat, many, 70, &a), 0);
  one_free(&one);
}

int main(void) {
  test_transpose();
  test_expand();
  test_slice();
  test_tile();
  test_pad();
  test_concat();
  return test_result();
}
