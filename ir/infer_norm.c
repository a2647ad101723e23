/* Operators along axes: reductions, argmax, softmax, normalisations. */
#include "ir/infer_util.h"

/* Dims of t without axes (keep: with 1s instead). */
static Type without(const Type *t, Ints axes, bool keep) {
  Type r = {.dtype = t->dtype};
  for (int i = 0; i < t->rank; i++) {
    if (!has_axis(axes, i))
      r.dim[r.rank++] = t->dim[i];
    else if (keep)
      r.dim[r.rank++] = 1;
  }
  return r;
}

bool infer_reduce(Infer *f) {
  const Attrs *a = &f->op->attrs;
  if (!needs(f, 1) || !flag_ok(f, "keepdims", a->keepdims)) return false;
  const Type *t = infer_operand(f, 0);
  if (t->dtype == DT_bool) return infer_fail(f, "operand 1 is %s, needs numbers", type_text(f->graph, t).s);
  return axes_ok(f, a->axes, t->rank) && give(f, without(t, a->axes, a->keepdims));
}

bool infer_argmax(Infer *f) {
  const Attrs *a = &f->op->attrs;
  if (!needs(f, 1) || !flag_ok(f, "keepdims", a->keepdims) || !flag_ok(f, "largest", a->largest) ||
      !needs_mode(f, a->mode, "last"))
    return false;
  const Type *t = infer_operand(f, 0);
  if (!axis_ok(f, a->axis, t->rank)) return false;
  if (t->dim[a->axis] == 0) return infer_fail(f, "axis %d of %s is empty", (int)a->axis, type_text(f->graph, t).s);
  Ints axes = {1, &a->axis};
  Type r = without(t, axes, a->keepdims);
  r.dtype = DT_i64;
  return give(f, r);
}

bool infer_topk(Infer *f) {
  const Attrs *a = &f->op->attrs;
  if (!needs(f, 1) || !flag_ok(f, "largest", a->largest)) return false;
  Type r = *infer_operand(f, 0);
  if (!axis_ok(f, a->axis, r.rank)) return false;
  Dim size = r.dim[a->axis];
  if (!dim_is_number(size))
    return infer_fail(f, "axis %d of %s has no fixed size", (int)a->axis, type_text(f->graph, &r).s);
  if (a->k < 0 || a->k > size) return infer_fail(f, "k %lld of %lld elements", (long long)a->k, (long long)size);
  r.dtype = DT_i64;
  r.dim[a->axis] = a->k;
  return give(f, r);
}

bool infer_cumsum(Infer *f) {
  const Attrs *a = &f->op->attrs;
  if (!needs(f, 1) || !flag_ok(f, "exclusive", a->exclusive) || !flag_ok(f, "reverse", a->reverse)) return false;
  const Type *t = infer_operand(f, 0);
  if (t->dtype == DT_bool) return infer_fail(f, "operand 1 is %s, needs numbers", type_text(f->graph, t).s);
  return axis_ok(f, a->axis, t->rank) && give(f, *t);
}

bool infer_axis(Infer *f) {
  if (!needs(f, 1) || !needs_float(f, 0) || !needs_mode(f, f->op->attrs.mode, "log")) return false;
  const Type *t = infer_operand(f, 0);
  return axis_ok(f, f->op->attrs.axis, t->rank) && give(f, *t);
}

static bool eps_ok(Infer *f) {
  double eps = f->op->attrs.eps;
  return eps >= 0 && eps <= 1e30 ? true : infer_fail(f, "eps %g is not in 0 .. 1e30", eps);
}

bool infer_layernorm(Infer *f) {
  Ints axes = f->op->attrs.axes;
  if (!needs(f, 1) || !needs_float(f, 0) || !eps_ok(f)) return false;
  const Type *t = infer_operand(f, 0);
  if (!axes.count) return infer_fail(f, "needs axes");
  if (!axes_ok(f, axes, t->rank)) return false;
  Type affine = {.dtype = t->dtype, .rank = (uint8_t)axes.count};
  for (int32_t i = 0; i < axes.count; i++) affine.dim[i] = t->dim[axes.at[i]];
  return needs_type(f, 1, &affine) && needs_type(f, 2, &affine) && give(f, *t);
}

bool infer_grn(Infer *f) {
  const Attrs *a = &f->op->attrs;
  if (!needs(f, 1) || !needs_float(f, 0) || !eps_ok(f)) return false;
  const Type *t = infer_operand(f, 0);
  if (!a->axes.count) return infer_fail(f, "needs axes");
  if (!axes_ok(f, a->axes, t->rank) || !axis_ok(f, a->axis, t->rank)) return false;
  if (has_axis(a->axes, (int)a->axis)) return infer_fail(f, "axis %d is also one of axes", (int)a->axis);
  return needs_vector(f, 1, t->dtype, t->dim[a->axis]) && needs_vector(f, 2, t->dtype, t->dim[a->axis]) && give(f, *t);
}
