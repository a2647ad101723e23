/* ONNX operators that compute or change shapes, and nothing else. */
#include "frontend/onnx_translate.h"

static int64_t clamp(int64_t n, int64_t low, int64_t high) { return n < low ? low : n > high ? high : n; }

void onnx_shape(Import *im) {
  Attrs a = attrs_default();
  ValueId x = node_arg(im, 0);
  int rank = node_arg_type(im, 0)->rank;
  bool range = im->row->since >= 15;
  int64_t start = range ? node_int(im, "start") : 0, end = range ? node_int(im, "end") : rank;
  a.axis = clamp(start < 0 ? start + rank : start, 0, rank);
  a.end = clamp(end < 0 ? end + rank : end, 0, rank);
  node_result(im, 0, a.axis < a.end ? build_op(im, OP_shape, &a, 1, &x) : build_ints(im, 0, NULL));
}

/* The product of the shape. */
void onnx_size(Import *im) {
  Attrs a = attrs_default();
  ValueId x = node_arg(im, 0);
  a.end = node_arg_type(im, 0)->rank;
  if (!a.end) {
    node_result(im, 0, build_scalar(im, DT_i64, 1));
    return;
  }
  ValueId dims = build_op(im, OP_shape, &a, 1, &x);
  node_result(im, 0, build_reduce(im, OP_reduce_prod, dims, (Ints){1, (const Dim[]){0}}, false));
}

static void reshape_to(Import *im, int rank, const Dim *shape) {
  node_result(im, 0, build_reshape(im, node_arg(im, 0), rank, shape));
}

/* The dim that -1 stands for: product of x's dims by the product of the others. Dims that occur in both are cancelled
 * first, so that symbols meet as few others as possible. */
static bool remaining_dim(const Type *x, const Dim *shape, int rank, int hole, Dim *out) {
  bool used[MAX_RANK] = {0};
  Dim above = 1, below = 1;
  for (int i = 0; i < rank; i++) {
    int match = 0;
    if (i == hole) continue;
    while (match < x->rank && (used[match] || x->dim[match] != shape[i])) match++;
    if (match < x->rank)
      used[match] = true;
    else if (!dim_mul(below, shape[i], &below))
      return false;
    if (shape[i] == 0) return false;
  }
  for (int i = 0; i < x->rank; i++)
    if (!used[i] && !dim_mul(above, x->dim[i], &above)) return false;
  return dim_div_exact(above, below, out);
}

void onnx_reshape(Import *im) {
  Ints wanted;
  Dim shape[MAX_RANK];
  int hole = -1;
  if (!node_known(im, 1, &wanted)) return;
  const Type *x = node_arg_type(im, 0);
  bool zero_copies = im->row->since < 14 || !node_int(im, "allowzero");
  if (wanted.count > MAX_RANK) {
    node_error(im, "rank %d, at most %d is supported", wanted.count, MAX_RANK);
    return;
  }
  for (int i = 0; i < wanted.count; i++) {
    shape[i] = wanted.at[i];
    if (shape[i] == -1 && hole >= 0)
      node_error(im, "the shape has more than one -1");
    else if (shape[i] == -1)
      hole = i;
    else if (dim_is_number(shape[i]) && shape[i] < 0)
      node_error(im, "the shape has the dim %lld", (long long)shape[i]);
    else if (shape[i] == 0 && zero_copies && i >= x->rank)
      node_error(im, "0 copies dim %d, which is not there", i);
    else if (shape[i] == 0 && zero_copies)
      shape[i] = x->dim[i];
  }
  if (im->failed) return;
  if (hole >= 0 && !remaining_dim(x, shape, wanted.count, hole, &shape[hole])) {
    node_error(im, "the -1 in the shape cannot be worked out");
    return;
  }
  reshape_to(im, wanted.count, shape);
}

/* [a, b, c, d] at axis 2: [a b, c d]; axis may be the rank */
void onnx_flatten(Import *im) {
  const Type *x = node_arg_type(im, 0);
  int64_t axis = node_int(im, "axis");
  Dim shape[2] = {1, 1};
  if (axis < -x->rank || axis > x->rank) {
    node_error(im, "axis %lld out of range for rank %d", (long long)axis, x->rank);
    return;
  }
  if (axis < 0) axis += x->rank;
  for (int i = 0; i < x->rank; i++)
    if (!dim_mul(shape[i >= axis], x->dim[i], &shape[i >= axis])) {
      node_error(im, "two symbolic dims are multiplied");
      return;
    }
  reshape_to(im, 2, shape);
}

/* Axes as an attribute, since opset 13 as the second operand. */
static bool given_axes(Import *im, Ints *axes) {
  if (im->row->since < 13) {
    *axes = node_ints(im, "axes");
    return true;
  }
  *axes = (Ints){0};
  return !node_has_arg(im, 1) || node_known(im, 1, axes);
}

void onnx_squeeze(Import *im) {
  Ints axes;
  Dim shape[MAX_RANK];
  int rank = 0;
  if (!given_axes(im, &axes)) return;
  const Type *x = node_arg_type(im, 0);
  bool any = axes.count == 0;
  if (!node_axes(im, axes, x->rank, &axes)) return;
  for (int i = 0, next = 0; i < x->rank; i++) {
    bool drop = any ? x->dim[i] == 1 : next < axes.count && axes.at[next] == i;
    if (drop && !any) next++;
    if (drop && x->dim[i] != 1) {
      node_error(im, "axis %d has not the size 1", i);
      return;
    }
    if (!drop) shape[rank++] = x->dim[i];
  }
  reshape_to(im, rank, shape);
}

void onnx_unsqueeze(Import *im) {
  Ints axes;
  Dim shape[MAX_RANK];
  if (!given_axes(im, &axes)) return;
  const Type *x = node_arg_type(im, 0);
  int rank = x->rank + axes.count;
  if (rank > MAX_RANK) {
    node_error(im, "rank %d, at most %d is supported", rank, MAX_RANK);
    return;
  }
  if (!node_axes(im, axes, rank, &axes)) return;
  for (int i = 0, next = 0, from = 0; i < rank; i++) {
    bool made = next < axes.count && axes.at[next] == i;
    if (made) next++;
    shape[i] = made ? 1 : x->dim[from++];
  }
  reshape_to(im, rank, shape);
}

static bool shape_arg(Import *im, size_t i, Ints *shape) {
  if (!node_known(im, i, shape)) return false;
  if (shape->count > MAX_RANK) return node_error(im, "rank %d, at most %d is supported", shape->count, MAX_RANK);
  for (int32_t k = 0; k < shape->count; k++)
    if (dim_is_number(shape->at[k]) && shape->at[k] < 0)
      return node_error(im, "the shape has the dim %lld", (long long)shape->at[k]);
  return true;
}

void onnx_expand(Import *im) {
  Ints shape;
  if (shape_arg(im, 1, &shape)) node_result(im, 0, build_expand(im, node_arg(im, 0), shape.count, shape.at));
}

void onnx_tile(Import *im) {
  Ints repeats;
  Dim shape[MAX_RANK];
  Attrs a = attrs_default();
  ValueId x = node_arg(im, 0);
  if (!shape_arg(im, 1, &repeats)) return;
  const Type *t = node_arg_type(im, 0);
  if (repeats.count != t->rank) {
    node_error(im, "%d repeats for rank %d", repeats.count, t->rank);
    return;
  }
  for (int i = 0; i < t->rank; i++)
    if (!dim_mul(t->dim[i], repeats.at[i], &shape[i])) {
      node_error(im, "two symbolic dims are multiplied");
      return;
    }
  a.shape = (Ints){t->rank, shape};
  node_result(im, 0, build_op(im, OP_tile, &a, 1, &x));
}

/* A literal where the shape is fixed, else an expanded scalar. */
void onnx_constant_of_shape(Import *im) {
  Ints shape;
  if (!shape_arg(im, 0, &shape)) return;
  Type t = type_make(DT_f32, shape.count, shape.at);
  double value = 0;
  const OnnxAttr *a = node_attr(im->node, "value");
  if (a && !onnx_one_element(im, a->proto->t, &t, &value)) return;
  Dim count;
  if (!type_is_static(&t))
    node_result(im, 0, build_expand(im, build_scalar(im, t.dtype, value), t.rank, t.dim));
  else if (!type_count(&t, &count))
    node_error(im, "the tensor is too large");
  else
    node_result(im, 0, build_splat(im, &t, value));
}
