/* Lowering of any conv as plain loops: both layouts, groups, 1 to 3 axes and more, borders, tails of the tiles. */
#include "tests/lower_one.h"

typedef struct {
  const char *name;
  int axes;
  int64_t in[4], kernel[4], strides[4], dilations[4], pads[8];
  int64_t channels, group, out;
} Case;

static const Case cases[] = {
    {"line", 1, {23}, {3}, {1}, {1}, {1, 1}, 4, 1, 5},
    {"line_strided", 1, {23}, {4}, {3}, {1}, {0, 2}, 4, 2, 6},
    {"plain", 2, {6, 30}, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, 3, 1, 9},
    {"one_column_of_vectors", 2, {4, 10}, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, 2, 1, 4},
    {"patches", 2, {8, 12}, {4, 4}, {4, 4}, {1, 1}, {0}, 3, 1, 37},
    {"pointwise", 2, {5, 9}, {1, 1}, {1, 1}, {1, 1}, {0}, 7, 1, 21},
    {"pointwise_strided", 2, {5, 9}, {1, 1}, {2, 2}, {1, 1}, {0}, 7, 1, 21},
    {"pointwise_padded", 2, {3, 5}, {1, 1}, {1, 1}, {1, 1}, {1, 2, 1, 0}, 2, 1, 4},
    {"groups", 2, {6, 19}, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, 12, 3, 15},
    {"groups_of_vectors", 2, {5, 7}, {3, 3}, {2, 2}, {1, 1}, {1, 1, 1, 1}, 8, 2, 32},
    {"depthwise", 2, {9, 20}, {7, 7}, {1, 1}, {1, 1}, {3, 3, 3, 3}, 21, 21, 21},
    {"depthwise_strided", 2, {9, 11}, {3, 3}, {2, 2}, {1, 1}, {1, 1, 1, 1}, 6, 6, 6},
    {"depthwise_multiplied", 2, {5, 11}, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, 3, 3, 6},
    {"dilated", 2, {9, 20}, {3, 3}, {1, 1}, {2, 3}, {2, 3, 1, 4}, 2, 1, 4},
    {"dilated_strided", 2, {9, 20}, {3, 2}, {2, 3}, {2, 3}, {2, 3, 1, 4}, 2, 1, 4},
    {"window_wider_than_input", 2, {3, 4}, {7, 7}, {1, 1}, {1, 1}, {3, 3, 3, 3}, 2, 1, 3},
    {"taps_all_in_padding", 2, {2, 2}, {2, 2}, {1, 1}, {1, 1}, {3, 2, 1, 4}, 2, 1, 3},
    {"volume", 3, {4, 5, 13}, {2, 3, 3}, {1, 2, 1}, {1, 1, 1}, {1, 0, 1, 0, 1, 1}, 2, 1, 5},
    {"volume_groups", 3, {4, 5, 6}, {2, 3, 3}, {1, 1, 1}, {1, 1, 1}, {1, 0, 1, 0, 1, 1}, 4, 2, 6},
    {"four_axes", 4, {3, 2, 3, 4}, {2, 2, 2, 2}, {1, 1, 1, 1}, {1, 1, 1, 1}, {1, 0, 0, 0, 0, 0, 1, 1}, 4, 2, 4},
};

static void check(const Case *c, DType dtype, bool last, bool bias, int64_t batch) {
  One one = one_new();
  int64_t x[8] = {batch, c->channels}, w[8] = {c->out, c->channels / c->group};
  for (int i = 0; i < c->axes; i++) {
    x[(last ? 1 : 2) + i] = c->in[i];
    w[(last ? 0 : 2) + i] = c->kernel[i];
  }
  if (last) {
    x[c->axes + 1] = c->channels;
    w[c->axes] = c->channels / c->group;
    w[c->axes + 1] = c->out;
  }
  ValueId in[3] = {one_input(&one, dtype, c->axes + 2, x), one_input(&one, dtype, c->axes + 2, w)};
  if (bias) in[2] = one_input(&one, dtype, 1, &c->out);
  Attrs a = attrs_default();
  a.layout = last ? "nhwc" : NULL;
  a.kernel = (Ints){c->axes, c->kernel};
  a.strides = (Ints){c->axes, c->strides};
  a.dilations = (Ints){c->axes, c->dilations};
  a.pads = (Ints){2 * c->axes, c->pads};
  a.group = c->group;
  one_check(&one, "conv_direct", one_op(&one, OP_conv, in, bias ? 3 : 2, &a), 2e-5);
  one_free(&one);
}

int main(void) {
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    for (int flags = 0; flags < 4; flags++) {
      TEST(cases[i].name);
      check(&cases[i], DT_f32, flags & 1, flags & 2, flags == 3 ? 1 : 2);
    }
  TEST("f64");
  for (int last = 0; last < 2; last++) check(&cases[2], DT_f64, last, true, 1);
  return test_result();
}
