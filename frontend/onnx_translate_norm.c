/* ONNX normalisations. */
#include "frontend/onnx_translate.h"

/* Axes [from, rank). */
static Ints axes_from(Import *im, int64_t from, int rank) {
  Dim list[MAX_RANK + 1];
  int32_t count = 0;
  for (int64_t i = from; i < rank; i++) list[count++] = i;
  return ints_copy(im->arena, list, count);
}

/* Does an operand have exactly the shape of the axes? */
static bool covers(const Type *x, Ints axes, const Type *t) {
  if (t->rank != axes.count) return false;
  for (int i = 0; i < t->rank; i++)
    if (t->dim[i] != x->dim[axes.at[i]]) return false;
  return true;
}

/* mean, and 1 / sqrt(mean((x - mean)^2) + eps) */
static void layernorm_statistics(Import *im, ValueId x, Ints axes, double eps) {
  DType t = build_type(im, x)->dtype;
  ValueId mean = build_reduce(im, OP_reduce_mean, x, axes, true);
  node_result(im, 1, mean);
  if (!node_wants_result(im, 2)) return;
  ValueId d = build_op2(im, OP_sub, x, mean);
  ValueId variance = build_reduce(im, OP_reduce_mean, build_op2(im, OP_mul, d, d), axes, true);
  ValueId root = build_op1(im, OP_sqrt, build_op2(im, OP_add, variance, build_scalar(im, t, eps)));
  node_result(im, 2, build_op1(im, OP_reciprocal, root));
}

void onnx_layernorm(Import *im) {
  ValueId x = node_arg(im, 0);
  Type t = *node_arg_type(im, 0);
  Attrs a = attrs_default();
  int64_t axis;
  if (!node_axis(im, node_int(im, "axis"), t.rank, &axis)) return;
  a.axes = axes_from(im, axis, t.rank);
  a.eps = node_float(im, "epsilon");
  ValueId scale = build_cast(im, node_arg(im, 1), t.dtype);
  ValueId bias = node_has_arg(im, 2) ? build_cast(im, node_arg(im, 2), t.dtype) : 0;
  if (im->failed) return;
  bool whole = covers(&t, a.axes, build_type(im, scale)) && (!bias || covers(&t, a.axes, build_type(im, bias)));
  ValueId y;
  if (whole) {
    y = build_op(im, OP_layernorm, &a, bias ? 3 : 2, (const ValueId[]){x, scale, bias});
  } else { /* scale and bias that broadcast */
    y = build_op2(im, OP_mul, build_op(im, OP_layernorm, &a, 1, &x), scale);
    if (bias) y = build_op2(im, OP_add, y, bias);
  }
  node_result(im, 0, y);
  if (node_wants_result(im, 1) || node_wants_result(im, 2)) layernorm_statistics(im, x, a.axes, a.eps);
}

/* x / sqrt(mean(x^2) + eps) scale */
void onnx_rmsnorm(Import *im) {
  ValueId x = node_arg(im, 0);
  Type t = *node_arg_type(im, 0);
  int64_t axis;
  if (!node_axis(im, node_int(im, "axis"), t.rank, &axis)) return;
  ValueId mean = build_reduce(im, OP_reduce_mean, build_op2(im, OP_mul, x, x), axes_from(im, axis, t.rank), true);
  ValueId root =
      build_op1(im, OP_sqrt, build_op2(im, OP_add, mean, build_scalar(im, t.dtype, node_float(im, "epsilon"))));
  node_result(im, 0, build_op2(im, OP_mul, build_op2(im, OP_div, x, root), build_cast(im, node_arg(im, 1), t.dtype)));
}

/* x s + (bias - mean s), s = scale / sqrt(var + eps): two operations on x, the rest on weights.
 * spatial < 0: scale and the others have x's shape without the batch axis. */
static void batchnorm(Import *im, int spatial) {
  DType t = node_arg_type(im, 0)->dtype;
  ValueId v[5];
  for (size_t i = 0; i < 5; i++) v[i] = build_cast(im, node_arg(im, i), t);
  ValueId root = build_op1(im, OP_sqrt, build_op2(im, OP_add, v[4], build_scalar(im, t, node_float(im, "epsilon"))));
  ValueId s = build_op2(im, OP_div, v[1], root);
  ValueId b = build_op2(im, OP_sub, v[2], build_op2(im, OP_mul, v[3], s));
  if (spatial >= 0) {
    s = build_per_channel(im, s, spatial);
    b = build_per_channel(im, b, spatial);
  }
  node_result(im, 0, build_op2(im, OP_add, build_op2(im, OP_mul, v[0], s), b));
}

void onnx_batchnorm(Import *im) {
  int rank = node_arg_type(im, 0)->rank;
  batchnorm(im, rank < 2 ? 0 : rank - 2);
}

void onnx_batchnorm_spatial(Import *im) {
  if (node_int(im, "spatial"))
    onnx_batchnorm(im);
  else
    batchnorm(im, -1);
}

void onnx_batchnorm_mode(Import *im) {
  if (node_int(im, "training_mode"))
    node_error(im, "training_mode=1 is not supported");
  else
    onnx_batchnorm(im);
}

static ValueId scaled_per_channel(Import *im, ValueId x, int spatial) {
  x = build_op2(im, OP_mul, x, build_per_channel(im, node_arg(im, 1), spatial));
  return build_op2(im, OP_add, x, build_per_channel(im, node_arg(im, 2), spatial));
}

void onnx_instancenorm(Import *im) {
  int rank = node_arg_type(im, 0)->rank;
  if (rank < 3) node_error(im, "input has rank %d, at least 3 is needed", rank);
  ValueId y = build_layernorm(im, node_arg(im, 0), axes_from(im, 2, rank), node_float(im, "epsilon"));
  node_result(im, 0, scaled_per_channel(im, y, rank - 2));
}

/* [N, C, ...] as [N, groups, C / groups, ...], normalised over all but the first two axes. */
static void groupnorm(Import *im, bool scale_by_group) {
  Type t = *node_arg_type(im, 0);
  Dim groups = node_int(im, "num_groups"), shape[MAX_RANK + 1];
  if (t.rank < 2 || t.rank == MAX_RANK) {
    node_error(im, "input of rank %d is not supported", t.rank);
    return;
  }
  shape[0] = t.dim[0];
  shape[1] = groups;
  if (groups < 1 || !dim_is_number(t.dim[1]) || !dim_div_exact(t.dim[1], groups, &shape[2])) {
    node_error(im, "num_groups=%lld does not divide the channels", (long long)groups);
    return;
  }
  for (int i = 2; i < t.rank; i++) shape[i + 1] = t.dim[i];
  ValueId y = build_reshape(im, node_arg(im, 0), t.rank + 1, shape);
  y = build_layernorm(im, y, axes_from(im, 2, t.rank + 1), node_float(im, "epsilon"));
  if (scale_by_group) y = scaled_per_channel(im, y, t.rank - 1);
  y = build_reshape(im, y, t.rank, t.dim);
  if (!scale_by_group) y = scaled_per_channel(im, y, t.rank - 2);
  node_result(im, 0, y);
}

void onnx_groupnorm_by_group(Import *im) { groupnorm(im, true); }
void onnx_groupnorm(Import *im) { groupnorm(im, false); }

/* x / norm; 0 where the norm is 0 */
void onnx_lpnorm(Import *im) {
  ValueId x = node_arg(im, 0);
  Type t = *node_arg_type(im, 0);
  int64_t axis, p = node_int(im, "p");
  if (!node_axis(im, node_int(im, "axis"), t.rank, &axis)) return;
  if (p != 1 && p != 2) node_error(im, "p=%lld is not supported", (long long)p);
  ValueId norm = build_reduce(im, p == 1 ? OP_reduce_l1 : OP_reduce_l2, x, (Ints){1, &axis}, true);
  ValueId zero = build_scalar(im, t.dtype, 0), one = build_scalar(im, t.dtype, 1);
  ValueId divisor = build_op(im, OP_where, NULL, 3, (const ValueId[]){build_op2(im, OP_equal, norm, zero), one, norm});
  node_result(im, 0, build_op2(im, OP_div, x, divisor));
}
