/* Lowering of pools: both layouts, 1 to 3 axes and more, borders, rounding up, counting padding, all types. */
#include "tests/lower_one.h"

typedef struct {
  const char *name;
  int axes;
  int64_t in[4], kernel[4], strides[4], dilations[4], pads[8];
  int64_t channels;
} Case;

static const Case cases[] = {
    {"line", 1, {9}, {3}, {2}, {1}, {1, 1}, 5},
    {"plain", 2, {6, 8}, {2, 2}, {2, 2}, {1, 1}, {0}, 3},
    {"stem", 2, {11, 13}, {3, 3}, {2, 2}, {1, 1}, {1, 1, 1, 1}, 37},
    {"uneven_pads", 2, {7, 9}, {3, 4}, {1, 2}, {1, 1}, {2, 0, 1, 3}, 8},
    {"dilated", 2, {10, 9}, {3, 2}, {1, 2}, {2, 3}, {2, 1, 0, 2}, 4},
    {"hole_over_everything", 2, {1, 5}, {2, 2}, {1, 1}, {2, 1}, {1, 0, 1, 0}, 4},
    {"rounded_up", 2, {8, 10}, {3, 3}, {2, 3}, {1, 1}, {0, 1, 0, 1}, 6},
    {"global", 2, {7, 7}, {7, 7}, {1, 1}, {1, 1}, {0}, 20},
    {"kernel_1", 2, {5, 6}, {1, 1}, {2, 3}, {1, 1}, {0}, 4},
    {"volume", 3, {5, 6, 7}, {2, 3, 2}, {2, 1, 2}, {1, 1, 1}, {1, 0, 1, 0, 2, 1}, 9},
    {"four_axes", 4, {3, 4, 3, 5}, {2, 2, 2, 2}, {1, 2, 1, 2}, {1, 1, 1, 1}, {1, 0, 0, 0, 0, 0, 1, 0}, 3},
};

static void check(const Case *c, OpKind kind, DType dtype, bool last, bool round_up, bool count_pad) {
  One one = one_new();
  int64_t dims[8] = {2, c->channels};
  for (int i = 0; i < c->axes; i++) dims[(last ? 1 : 2) + i] = c->in[i];
  if (last) dims[c->axes + 1] = c->channels;
  ValueId x = one_input(&one, dtype, c->axes + 2, dims);
  Attrs a = attrs_default();
  a.layout = last ? "nhwc" : NULL;
  a.kernel = (Ints){c->axes, c->kernel};
  a.strides = (Ints){c->axes, c->strides};
  a.dilations = (Ints){c->axes, c->dilations};
  a.pads = (Ints){2 * c->axes, c->pads};
  a.ceil = round_up;
  a.count_pad = count_pad;
  one_check(&one, "pool", one_op(&one, kind, &x, 1, &a), kind == OP_avg_pool ? 1e-6 : 0);
  one_free(&one);
}

/* A NaN wins wherever it stands in the window. */
static void test_nan(void) {
  TEST("nan_stays");
  for (int at = 0; at < 6; at++)
    for (int last = 0; last < 2; last++) {
      One one = one_new();
      ValueId x = one_input(&one, DT_f32, 3, (const int64_t[]){1, last ? 6 : 8, last ? 8 : 6});
      Attrs a = attrs_default();
      a.layout = last ? "nhwc" : NULL;
      a.kernel = (Ints){1, (const int64_t[]){3}};
      for (int i = 0; i < 8; i++) one.input[0].f[last ? 8 * at + i : 6 * i + at] = NAN;
      one_check(&one, "pool", one_op(&one, OP_max_pool, &x, 1, &a), 0);
      one_free(&one);
    }
}

int main(void) {
  test_nan();
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    for (int flags = 0; flags < 8; flags++) {
      TEST(cases[i].name);
      check(&cases[i], OP_avg_pool, DT_f32, flags & 1, flags & 2, flags & 4);
      if (flags < 4) check(&cases[i], OP_max_pool, DT_f32, flags & 1, flags & 2, false);
    }
  static const DType types[] = {DT_f64, DT_u8, DT_i8, DT_i32, DT_i64};
  TEST("types");
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    for (int last = 0; last < 2; last++) {
      check(&cases[3], OP_max_pool, types[i], last, false, false);
      check(&cases[5], OP_max_pool, types[i], last, false, false);
      if (types[i] == DT_f64) check(&cases[3], OP_avg_pool, types[i], last, false, false);
    }
  return test_result();
}
