/* Builders of IR ops for the translators; see onnx_import.h. */
#include "frontend/onnx_import.h"
#include "ir/graph_edit.h"
#include <string.h>

ValueId build_op(Import *im, OpKind kind, const Attrs *attrs, uint32_t count, const ValueId *operands) {
  char error[256] = "";
  if (im->failed) return 0;
  OpId id = graph_try_op(im->graph, kind, operands, count, attrs, im->loc, 0, error);
  if (!id) return node_error(im, "%s", error), 0;
  return op_at(im->graph, id)->first_result;
}

ValueId build_op1(Import *im, OpKind kind, ValueId a) { return build_op(im, kind, NULL, 1, &a); }

ValueId build_op2(Import *im, OpKind kind, ValueId a, ValueId b) {
  return build_op(im, kind, NULL, 2, (const ValueId[]){a, b});
}

ValueId build_cast(Import *im, ValueId v, DType to) {
  if (im->failed || build_type(im, v)->dtype == to) return v;
  Attrs a = attrs_default();
  a.to = dtype_name(to);
  return build_op(im, OP_cast, &a, 1, &v);
}

ValueId build_reshape(Import *im, ValueId v, int rank, const Dim *shape) {
  if (im->failed) return 0;
  if (rank > MAX_RANK) return node_error(im, "rank %d, at most %d is supported", rank, MAX_RANK), 0;
  Type wanted = type_make(build_type(im, v)->dtype, rank, shape);
  if (type_equal(&wanted, build_type(im, v))) return v;
  Attrs a = attrs_default();
  a.shape = (Ints){rank, wanted.dim};
  return build_op(im, OP_reshape, &a, 1, &v);
}

ValueId build_expand(Import *im, ValueId v, int rank, const Dim *shape) {
  if (im->failed) return 0;
  if (rank > MAX_RANK) return node_error(im, "rank %d, at most %d is supported", rank, MAX_RANK), 0;
  Type from = *build_type(im, v), wanted = type_make(from.dtype, rank, shape), to;
  if (!type_broadcast(&from, &wanted, &to)) return node_error(im, "shapes do not broadcast"), 0;
  if (type_equal(&from, &to)) return v;
  Attrs a = attrs_default();
  a.shape = (Ints){to.rank, to.dim};
  return build_op(im, OP_expand, &a, 1, &v);
}

ValueId build_transpose(Import *im, ValueId v, const Dim *perm) {
  Attrs a = attrs_default();
  a.perm = (Ints){build_type(im, v)->rank, perm};
  return build_op(im, OP_transpose, &a, 1, &v);
}

ValueId build_reduce(Import *im, OpKind kind, ValueId v, Ints axes, bool keepdims) {
  Attrs a = attrs_default();
  a.axes = axes;
  a.keepdims = keepdims;
  return build_op(im, kind, &a, 1, &v);
}

ValueId build_layernorm(Import *im, ValueId x, Ints axes, double eps) {
  Attrs a = attrs_default();
  a.axes = axes;
  a.eps = eps;
  return build_op(im, OP_layernorm, &a, 1, &x);
}

ValueId build_splat(Import *im, const Type *type, double value) {
  Attrs a = attrs_default();
  Dim whole = (Dim)value;
  char error[256] = "";
  if (im->failed) return 0;
  Dim n = 0;
  int32_t count = type_count(type, &n) && n == 0 ? 0 : 1;
  if (dtype_is_float(type->dtype))
    a.floats = (Floats){count, &value};
  else
    a.ints = (Ints){count, &whole};
  OpId id = graph_try_leaf(im->graph, OP_const, type, &a, im->loc, 0, error);
  if (!id) return node_error(im, "%s", error), 0;
  return op_at(im->graph, id)->first_result;
}

ValueId build_scalar(Import *im, DType dtype, double value) {
  Type t = type_make(dtype, 0, NULL);
  return build_splat(im, &t, value);
}

ValueId build_ints(Import *im, int32_t count, const Dim *at) {
  if (im->failed) return 0;
  Dim dim = count;
  return graph_const_ints(im->graph, DT_i64, 1, &dim, at, im->loc, 0);
}

ValueId build_per_channel(Import *im, ValueId v, int spatial) {
  Dim shape[2 * MAX_RANK] = {0};
  const Type *t = build_type(im, v);
  if (im->failed) return 0;
  if (t->rank != 1) return node_error(im, "a per-channel operand has rank %d, not 1", t->rank), 0;
  shape[0] = t->dim[0];
  for (int i = 1; i <= spatial; i++) shape[i] = 1;
  return build_reshape(im, v, 1 + spatial, shape);
}
