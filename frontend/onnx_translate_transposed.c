/* ConvTranspose, x [N, C, d...], w [C, M / group, k...], as a convolution of what is spread out with zeros. */
#include "frontend/onnx_translate.h"
#include <string.h>

typedef struct {
  Attrs attrs; /* kernel, strides, dilations and pads, all given; group */
  int n;
  Dim extra[MAX_RANK]; /* output_padding */
} Transposed;

static Dim entry(Ints list, int i, Dim usual) { return list.count ? list.at[i] : usual; }

/* Pads from a given size of the result, or from auto_pad, whose size is the input's times stride. */
static bool transposed_pads(Import *im, const Type *x, Transposed *t, Dim *pads) {
  const char *mode = node_string(im, "auto_pad");
  Ints shape = node_ints(im, "output_shape");
  bool same = !strncmp(mode, "SAME", 4), upper = !strcmp(mode, "SAME_UPPER");
  for (int i = 0; i < t->n; i++) {
    Dim in = x->dim[i + 2], s = entry(t->attrs.strides, i, 1), k = t->attrs.kernel.at[i];
    if (!dim_is_number(in)) return node_error(im, "axis %d must have a fixed size", i + 2);
    if (!same && shape.count < t->n) {
      pads[i] = entry(t->attrs.pads, i, 0);
      pads[i + t->n] = entry(t->attrs.pads, i + t->n, 0);
      continue;
    }
    Dim out = shape.count >= t->n ? shape.at[shape.count - t->n + i] : in * s;
    Dim all = s * (in - 1) + t->extra[i] + (k - 1) * entry(t->attrs.dilations, i, 1) + 1 - out;
    if (all < 0) t->extra[i] -= all, all = 0;
    pads[i] = upper ? all / 2 : all - all / 2;
    pads[i + t->n] = all - pads[i];
  }
  return true;
}

/* stride - 1 zeros behind every element, then what a convolution needs around it to give the size wanted. */
static ValueId spread_out(Import *im, ValueId x, const Type *tx, const Transposed *t, const Dim *cut) {
  Dim wide[MAX_RANK + 8], pads[2 * (MAX_RANK + 8)] = {0}, flat[MAX_RANK], around[2 * MAX_RANK] = {0};
  int rank = 2 + 2 * t->n;
  if (rank > MAX_RANK) return node_error(im, "%d spatial axes are not supported", t->n), 0;
  wide[0] = flat[0] = tx->dim[0];
  wide[1] = flat[1] = tx->dim[1];
  for (int i = 0; i < t->n; i++) {
    Dim s = entry(t->attrs.strides, i, 1), reach = entry(t->attrs.dilations, i, 1) * (t->attrs.kernel.at[i] - 1);
    wide[2 + 2 * i] = tx->dim[2 + i];
    wide[3 + 2 * i] = 1;
    pads[rank + 3 + 2 * i] = s - 1;
    flat[2 + i] = tx->dim[2 + i] * s;
    around[2 + i] = reach - cut[i];
    around[2 + t->n + 2 + i] = reach - cut[t->n + i] + t->extra[i] - (s - 1);
  }
  Attrs a = attrs_default();
  if (t->attrs.strides.count) {
    a.pads = (Ints){2 * rank, pads};
    x = build_reshape(im, x, rank, wide);
    x = build_reshape(im, build_op(im, OP_pad, &a, 1, &x), 2 + t->n, flat);
  }
  a.pads = (Ints){2 * (2 + t->n), around};
  return build_op(im, OP_pad, &a, 1, &x);
}

/* [C, M / g, k...] as the mirrored weight [M, C / g, k...] of a convolution */
static ValueId mirrored(Import *im, ValueId w, const Transposed *t) {
  const Type tw = *build_type(im, w);
  Dim g = t->attrs.group, c = tw.dim[0] / g, m = tw.dim[1], cut[MAX_RANK + 1] = {g, c, m};
  Dim perm[MAX_RANK + 1] = {0, 2, 1}, whole[MAX_RANK] = {g * m, c};
  for (int i = 0; i < t->n; i++) cut[3 + i] = whole[2 + i] = tw.dim[2 + i], perm[3 + i] = 3 + i;
  w = build_reshape(im, w, 3 + t->n, cut);
  if (im->failed) return 0;
  w = build_reshape(im, build_transpose(im, w, perm), 2 + t->n, whole);
  for (int i = 0; i < t->n; i++) w = build_slice_axis(im, w, 2 + i, whole[2 + i] - 1, whole[2 + i], -1);
  return w;
}

/* Windows that do not overlap, kernel = stride: a 1x1 convolution to M k k channels, which then move into place. */
static bool is_blocks(const Transposed *t, const Dim *cut) {
  if (t->n != 2 || t->attrs.group != 1 || t->attrs.dilations.count) return false;
  for (int i = 0; i < 2; i++)
    if (entry(t->attrs.strides, i, 1) != t->attrs.kernel.at[i] || cut[i] || cut[i + 2] || t->extra[i]) return false;
  return true;
}

static ValueId blocks(Import *im, ValueId x, ValueId w) {
  const Type tx = *build_type(im, x), tw = *build_type(im, w);
  Dim m = tw.dim[1], kh = tw.dim[2], kw = tw.dim[3], h = tx.dim[2], v = tx.dim[3];
  Attrs a = attrs_default();
  a.kernel = (Ints){2, (const Dim[]){1, 1}};
  w = build_transpose(im, w, (const Dim[]){1, 2, 3, 0});
  w = build_reshape(im, w, 4, (const Dim[]){m * kh * kw, tw.dim[0], 1, 1});
  x = build_op(im, OP_conv, &a, 2, (const ValueId[]){x, w});
  x = build_reshape(im, x, 6, (const Dim[]){tx.dim[0], m, kh, kw, h, v});
  if (im->failed) return 0;
  x = build_transpose(im, x, (const Dim[]){0, 1, 4, 2, 5, 3});
  return build_reshape(im, x, 4, (const Dim[]){tx.dim[0], m, h * kh, v * kw});
}

void onnx_conv_transpose(Import *im) {
  Transposed t = {.attrs = attrs_default()};
  ValueId x = node_arg(im, 0), w = node_arg(im, 1);
  const Type tx = *node_arg_type(im, 0), tw = *node_arg_type(im, 1);
  Dim cut[2 * MAX_RANK] = {0};
  Ints extra = node_ints(im, "output_padding");
  t.n = tw.rank - 2;
  if (t.n < 1 || tx.rank != tw.rank || !type_is_static(&tw)) {
    node_error(im, "a weight of rank %d on an input of rank %d", tw.rank, tx.rank);
    return;
  }
  Ints kernel = {t.n, tw.dim + 2};
  t.attrs.kernel = kernel;
  t.attrs.strides = onnx_window_list(im, "strides", t.n, 1, 1);
  t.attrs.dilations = onnx_window_list(im, "dilations", t.n, 1, 1);
  if (!node_ints(im, "output_shape").count) t.attrs.pads = onnx_window_list(im, "pads", 2 * t.n, 0, 0);
  t.attrs.group = node_int(im, "group");
  if (extra.count && extra.count != t.n) node_error(im, "output_padding has %d entries", extra.count);
  for (int i = 0; i < t.n && !im->failed; i++) t.extra[i] = entry(extra, i, 0);
  if (t.attrs.group < 1 || tx.dim[1] != tw.dim[0] || tw.dim[0] % t.attrs.group)
    node_error(im, "%lld groups do not fit the weight and the input", (long long)t.attrs.group);
  if (im->failed || !transposed_pads(im, &tx, &t, cut)) return;
  ValueId bias = node_arg(im, 2);
  if (is_blocks(&t, cut)) {
    x = blocks(im, x, w);
    if (bias) x = build_op2(im, OP_add, x, build_per_channel(im, bias, t.n));
    node_result(im, 0, x);
    return;
  }
  Attrs a = attrs_default();
  a.kernel = kernel;
  a.dilations = t.attrs.dilations;
  a.group = t.attrs.group;
  const ValueId operands[3] = {spread_out(im, x, &tx, &t, cut), mirrored(im, w, &t), bias};
  node_result(im, 0, build_op(im, OP_conv, &a, bias ? 3 : 2, operands));
}
