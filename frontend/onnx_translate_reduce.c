/* ONNX operators that reduce axes, and softmax. */
#include "frontend/onnx_translate.h"

static Ints all_axes(Import *im, int from, int rank) {
  Dim list[MAX_RANK];
  int32_t count = 0;
  for (int i = from; i < rank; i++) list[count++] = i;
  return ints_copy(im->arena, list, count);
}

/* Axes as an attribute or as the second operand. None given: all of them, unless noop_with_empty_axes says none. */
static Ints reduced_axes(Import *im) {
  int rank = node_arg_type(im, 0)->rank;
  Ints axes = node_ints(im, "axes");
  if (node_has_arg(im, 1)) node_known(im, 1, &axes);
  if (axes.count)
    node_axes(im, axes, rank, &axes);
  else if (node_has_attr(im, "noop_with_empty_axes") && node_int(im, "noop_with_empty_axes"))
    axes = (Ints){0};
  else
    axes = all_axes(im, 0, rank);
  return axes;
}

static bool keepdims(Import *im) { return node_int(im, "keepdims") != 0; }

/* Bools (ReduceMax, ReduceMin since opset 20) are reduced as u8, whose extremes are right for nothing reduced. */
void onnx_reduce(Import *im) {
  Ints axes = reduced_axes(im);
  ValueId x = node_arg(im, 0);
  bool bools = node_arg_type(im, 0)->dtype == DT_bool;
  if (bools) x = build_cast(im, x, DT_u8);
  x = build_reduce(im, im->row->kind, x, axes, keepdims(im));
  node_result(im, 0, bools ? build_cast(im, x, DT_bool) : x);
}

void onnx_reduce_log_sum(Import *im) {
  Ints axes = reduced_axes(im);
  node_result(im, 0, build_op1(im, OP_log, build_reduce(im, OP_reduce_sum, node_arg(im, 0), axes, keepdims(im))));
}

/* Largest finite number of a float type. */
static double largest(DType t) {
  switch (t) {
  case DT_f16: return 65504;
  case DT_bf16: return 0x1.FEp127;
  case DT_f64: return 0x1.FFFFFFFFFFFFFp1023;
  default: return 0x1.FFFFFEp127;
  }
}

/* m + log(sum(e^(x - m))), m = max(x) made finite, so that e^x cannot overflow and -inf - -inf does not occur */
void onnx_reduce_log_sum_exp(Import *im) {
  Ints axes = reduced_axes(im);
  ValueId x = node_arg(im, 0);
  DType t = node_arg_type(im, 0)->dtype;
  ValueId m = build_reduce(im, OP_reduce_max, x, axes, true);
  m = build_op2(im, OP_max, m, build_scalar(im, t, -largest(t)));
  m = build_op2(im, OP_min, m, build_scalar(im, t, largest(t)));
  ValueId sum = build_reduce(im, OP_reduce_sum, build_op1(im, OP_exp, build_op2(im, OP_sub, x, m)), axes, true);
  ValueId y = build_op2(im, OP_add, m, build_op1(im, OP_log, sum));
  if (keepdims(im) || im->failed) {
    node_result(im, 0, y);
    return;
  }
  Dim shape[MAX_RANK];
  int rank = 0;
  for (int i = 0, next = 0; i < build_type(im, y)->rank; i++) {
    if (next < axes.count && axes.at[next] == i)
      next++;
    else
      shape[rank++] = build_type(im, y)->dim[i];
  }
  node_result(im, 0, build_reshape(im, y, rank, shape));
}

static void arg_extreme(Import *im, int largest_first) {
  Attrs a = attrs_default();
  ValueId x = node_arg(im, 0);
  node_axis(im, node_int(im, "axis"), node_arg_type(im, 0)->rank, &a.axis);
  a.keepdims = keepdims(im);
  a.largest = largest_first;
  if (node_has_attr(im, "select_last_index") && node_int(im, "select_last_index")) a.mode = "last";
  node_result(im, 0, build_op(im, OP_argmax, &a, 1, &x));
}

void onnx_argmax(Import *im) { arg_extreme(im, 1); }
void onnx_argmin(Import *im) { arg_extreme(im, 0); }

void onnx_global_pool(Import *im) {
  int rank = node_arg_type(im, 0)->rank;
  if (rank < 3) node_error(im, "input has rank %d, at least 3 is needed", rank);
  node_result(im, 0, build_reduce(im, im->row->kind, node_arg(im, 0), all_axes(im, 2, rank), true));
}

static ValueId softmax_of(Import *im, ValueId x, int64_t axis, const char *mode) {
  Attrs a = attrs_default();
  a.axis = axis;
  a.mode = mode;
  return build_op(im, OP_softmax, &a, 1, &x);
}

static void softmax(Import *im, const char *mode) {
  int64_t axis;
  if (node_axis(im, node_int(im, "axis"), node_arg_type(im, 0)->rank, &axis))
    node_result(im, 0, softmax_of(im, node_arg(im, 0), axis, mode));
}

/* Before opset 13: over all axes from `axis` on, taken as one. */
static void softmax_flat(Import *im, const char *mode) {
  ValueId x = node_arg(im, 0);
  Type t = *node_arg_type(im, 0);
  int64_t axis;
  if (!node_axis(im, node_int(im, "axis"), t.rank, &axis)) return;
  if (axis == t.rank - 1) {
    node_result(im, 0, softmax_of(im, x, axis, mode));
    return;
  }
  Type flat = {.dtype = t.dtype, .rank = (uint8_t)(axis + 1)};
  for (int i = 0; i < axis; i++) flat.dim[i] = t.dim[i];
  flat.dim[axis] = 1;
  for (int i = (int)axis; i < t.rank; i++)
    if (!dim_mul(flat.dim[axis], t.dim[i], &flat.dim[axis])) node_error(im, "two symbolic dims are multiplied");
  ValueId y = softmax_of(im, build_reshape(im, x, flat.rank, flat.dim), axis, mode);
  node_result(im, 0, build_reshape(im, y, t.rank, t.dim));
}

void onnx_softmax(Import *im) { softmax(im, NULL); }
void onnx_softmax_flat(Import *im) { softmax_flat(im, NULL); }
void onnx_log_softmax(Import *im) { softmax(im, "log"); }
void onnx_log_softmax_flat(Import *im) { softmax_flat(im, "log"); }
