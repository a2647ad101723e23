/* Quantized operators as what they mean: integers become floats around their zero point, products are computed in
 * floats (exact as long as sums stay below 2^24), and results are rounded back. */
#include "frontend/onnx_translate.h"
#include <string.h>

/* Scale or zero point p for x along `axis`: one number, one an element of the axis, or (block > 0) one a block of it.
 */
static ValueId spread(Import *im, ValueId p, const Type *x, int64_t axis, int64_t block) {
  if (im->failed) return 0;
  const Type t = *build_type(im, p);
  Dim shape[MAX_RANK + 1], wide[MAX_RANK + 1];
  if (t.rank == 0 || (t.rank == 1 && t.dim[0] == 1)) return build_reshape(im, p, 0, NULL);
  if (axis < -x->rank || axis >= x->rank)
    return node_error(im, "axis %lld out of range for rank %d", (long long)axis, x->rank), 0;
  if (axis < 0) axis += x->rank;
  if (block <= 0) {
    if (t.rank != 1 || t.dim[0] != x->dim[axis])
      return node_error(im, "a scale does not fit axis %lld", (long long)axis), 0;
    for (int i = 0; i < x->rank; i++) shape[i] = i == axis ? t.dim[0] : 1;
    return build_reshape(im, p, x->rank, shape);
  }
  if (t.rank != x->rank || t.rank == MAX_RANK || !dim_is_number(t.dim[axis]) || !dim_is_number(x->dim[axis]) ||
      t.dim[axis] != (x->dim[axis] + block - 1) / block)
    return node_error(im, "scales do not fit blocks of %lld", (long long)block), 0;
  for (int i = 0, to = 0; i < t.rank; i++) {
    shape[to] = wide[to] = t.dim[i];
    to++;
    if (i == axis) shape[to] = 1, wide[to] = block, to++;
  }
  p = build_expand(im, build_reshape(im, p, t.rank + 1, shape), t.rank + 1, wide);
  for (int i = 0; i < t.rank; i++) shape[i] = i == axis ? t.dim[i] * block : t.dim[i];
  p = build_reshape(im, p, t.rank, shape);
  return x->dim[axis] == shape[axis] ? p : build_slice_axis(im, p, (int)axis, 0, x->dim[axis], 1);
}

/* x - zero as floats; zero may be left out. */
static ValueId centred(Import *im, ValueId x, ValueId zero, DType to, int64_t axis, int64_t block) {
  if (im->failed) return 0;
  const Type t = *build_type(im, x);
  x = build_cast(im, x, to);
  return zero ? build_op2(im, OP_sub, x, spread(im, build_cast(im, zero, to), &t, axis, block)) : x;
}

static int64_t least(DType t) { return dtype_is_unsigned(t) ? 0 : -((int64_t)1 << (8 * dtype_bytes(t) - 1)); }
static int64_t greatest(DType t) { return least(t) + ((int64_t)1 << (8 * dtype_bytes(t))) - 1; }

/* Nearest integer of x + zero, inside the type. x is pulled in first: rounding is exact below 2^22 alone. */
static ValueId quantized(Import *im, ValueId x, ValueId zero, DType to) {
  if (im->failed) return 0;
  DType t = (DType)build_type(im, x)->dtype;
  if (dtype_is_float(to) || to == DT_bool || dtype_bytes(to) > 2)
    return node_error(im, "quantizing to %s is not supported", dtype_name(to)), 0;
  x = build_op1(im, OP_round, build_clip(im, x, -200000, 200000));
  if (zero) x = build_op2(im, OP_add, x, build_cast(im, zero, t));
  return build_cast(im, build_clip(im, x, (double)least(to), (double)greatest(to)), to);
}

void onnx_dequantize(Import *im) {
  const Type t = *node_arg_type(im, 0);
  DType to = (DType)node_arg_type(im, 1)->dtype;
  int64_t axis = strstr(im->row->attrs, "axis:") ? node_int(im, "axis") : 1;
  int64_t block = strstr(im->row->attrs, "block_size:") ? node_int(im, "block_size") : 0;
  if (node_has_attr(im, "output_dtype") && node_int(im, "output_dtype"))
    node_error(im, "output_dtype is not supported");
  ValueId x = centred(im, node_arg(im, 0), node_arg(im, 2), to, axis, block);
  node_result(im, 0, build_op2(im, OP_mul, x, spread(im, node_arg(im, 1), &t, axis, block)));
}

void onnx_quantize(Import *im) {
  const Type t = *node_arg_type(im, 0);
  int64_t axis = strstr(im->row->attrs, "axis:") ? node_int(im, "axis") : 1;
  int64_t block = strstr(im->row->attrs, "block_size:") ? node_int(im, "block_size") : 0;
  DType to = node_has_arg(im, 2) ? (DType)node_arg_type(im, 2)->dtype : DT_u8;
  if (node_has_attr(im, "precision") && node_int(im, "precision")) node_error(im, "precision is not supported");
  int64_t given = node_has_attr(im, "output_dtype") ? node_int(im, "output_dtype") : 0;
  if (given && !(given <= 64 && dtype_known((int)given)))
    node_error(im, "output_dtype %lld is not supported", (long long)given);
  else if (given)
    to = (DType)given;
  ValueId x = build_cast(im, node_arg(im, 0), (DType)node_arg_type(im, 1)->dtype);
  x = build_op2(im, OP_div, x, spread(im, node_arg(im, 1), &t, axis, block));
  ValueId zero = node_arg(im, 2) ? spread(im, node_arg(im, 2), &t, axis, block) : 0;
  node_result(im, 0, quantized(im, x, zero, to));
}

/* scale = (max - min) / 255 with 0 inside of min .. max; zero = -min / scale */
void onnx_dynamic_quantize(Import *im) {
  Ints axes = {node_arg_type(im, 0)->rank, (const Dim[MAX_RANK]){0, 1, 2, 3, 4, 5, 6, 7}};
  ValueId x = node_arg(im, 0), zero = build_scalar(im, DT_f32, 0);
  ValueId low = build_op2(im, OP_min, build_reduce(im, OP_reduce_min, x, axes, false), zero);
  ValueId high = build_op2(im, OP_max, build_reduce(im, OP_reduce_max, x, axes, false), zero);
  ValueId scale = build_op2(im, OP_div, build_op2(im, OP_sub, high, low), build_scalar(im, DT_f32, 255));
  ValueId point = quantized(im, build_op2(im, OP_div, build_op1(im, OP_neg, low), scale), 0, DT_u8);
  node_result(im, 0, quantized(im, build_op2(im, OP_div, x, scale), point, DT_u8));
  node_result(im, 1, scale);
  node_result(im, 2, point);
}

/* a b of centred operands */
static ValueId product(Import *im, ValueId a, ValueId b) {
  if (im->failed) return 0;
  const Value *right = value_at(im->graph, b);
  return build_op2(im, right->constant && right->type.rank == 2 ? OP_gemm : OP_matmul, a, b);
}

static bool at_least_matrices(Import *im, size_t a, size_t b) {
  return (node_arg_type(im, a)->rank >= 2 && node_arg_type(im, b)->rank >= 2) || node_error(im, "a vector as operand");
}

void onnx_matmul_integer(Import *im) {
  if (!at_least_matrices(im, 0, 1)) return;
  ValueId a = centred(im, node_arg(im, 0), node_arg(im, 2), DT_f32, -2, 0);
  ValueId b = centred(im, node_arg(im, 1), node_arg(im, 3), DT_f32, -1, 0);
  node_result(im, 0, build_cast(im, product(im, a, b), DT_i32));
}

/* Result y * (a's scale * b's scale / y's scale), rounded. Scales of b may be one a column. */
static ValueId rescaled(Import *im, ValueId y, const ValueId scale[3], int64_t axis, ValueId zero) {
  if (im->failed) return 0;
  const Type t = *build_type(im, y);
  ValueId factor = build_op2(im, OP_mul, spread(im, scale[0], &t, axis, 0), spread(im, scale[1], &t, axis, 0));
  factor = build_cast(im, build_op2(im, OP_div, factor, spread(im, scale[2], &t, axis, 0)), DT_f32);
  y = build_op2(im, OP_mul, y, factor);
  return im->failed ? 0 : quantized(im, y, spread(im, zero, &t, axis, 0), (DType)build_type(im, zero)->dtype);
}

void onnx_qlinear_matmul(Import *im) {
  if (!at_least_matrices(im, 0, 3)) return;
  ValueId a = centred(im, node_arg(im, 0), node_arg(im, 2), DT_f32, -2, 0);
  ValueId b = centred(im, node_arg(im, 3), node_arg(im, 5), DT_f32, -1, 0);
  const ValueId scale[3] = {node_arg(im, 1), node_arg(im, 4), node_arg(im, 6)};
  node_result(im, 0, rescaled(im, product(im, a, b), scale, -1, node_arg(im, 7)));
}

void onnx_conv_integer(Import *im) {
  ValueId x = centred(im, node_arg(im, 0), node_arg(im, 2), DT_f32, 1, 0);
  ValueId w = centred(im, node_arg(im, 1), node_arg(im, 3), DT_f32, 0, 0);
  node_result(im, 0, build_cast(im, onnx_build_conv(im, x, w, 0, 1), DT_i32));
}

void onnx_qlinear_conv(Import *im) {
  ValueId x = centred(im, node_arg(im, 0), node_arg(im, 2), DT_f32, 1, 0);
  ValueId w = centred(im, node_arg(im, 3), node_arg(im, 5), DT_f32, 0, 0);
  ValueId bias = node_arg(im, 8) ? build_cast(im, node_arg(im, 8), DT_f32) : 0;
  const ValueId scale[3] = {node_arg(im, 1), node_arg(im, 4), node_arg(im, 6)};
  node_result(im, 0, rescaled(im, onnx_build_conv(im, x, w, bias, 3), scale, 1, node_arg(im, 7)));
}
