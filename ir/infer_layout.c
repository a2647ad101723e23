/* Operators that move elements. */
#include "ir/infer_util.h"

static Type with_shape(DType dtype, Ints shape) { return type_make(dtype, shape.count, shape.at); }

/* Is the number of elements the same, for every value of the symbols? Symbols are >= 1. */
static bool same_count(const Type *a, const Type *b) {
  const Type *side[2] = {a, b};
  int power[2][MAX_SYMBOLS] = {{0}};
  int64_t count[2] = {1, 1};
  for (int s = 0; s < 2; s++)
    for (int i = 0; i < side[s]->rank; i++) {
      Dim d = side[s]->dim[i];
      if (!dim_mul(count[s], dim_coefficient(d), &count[s])) return false;
      if (dim_symbol_of(d) >= 0) power[s][dim_symbol_of(d)]++;
    }
  if (count[0] != count[1]) return false;
  for (int i = 0; i < MAX_SYMBOLS && count[0]; i++)
    if (power[0][i] != power[1][i]) return false;
  return true;
}

bool infer_reshape(Infer *f) {
  Ints shape = f->op->attrs.shape;
  if (!needs(f, 1) || !shape_ok(f, shape)) return false;
  const Type *t = infer_operand(f, 0);
  Type r = with_shape(t->dtype, shape);
  if (!same_count(t, &r))
    return infer_fail(f, "%s does not have as many elements as %s", type_text(f->graph, t).s,
                      type_text(f->graph, &r).s);
  return give(f, r);
}

bool infer_transpose(Infer *f) {
  Ints perm = f->op->attrs.perm;
  if (!needs(f, 1)) return false;
  const Type *t = infer_operand(f, 0);
  if (perm.count != t->rank) return infer_fail(f, "perm has %d entries for rank %d", (int)perm.count, (int)t->rank);
  Type r = *t;
  bool seen[MAX_RANK] = {false};
  for (int i = 0; i < t->rank; i++) {
    int64_t p = perm.at[i];
    if (!axis_ok(f, p, t->rank)) return false;
    if (seen[p]) return infer_fail(f, "perm has axis %d twice", (int)p);
    seen[p] = true;
    r.dim[i] = t->dim[p];
  }
  return give(f, r);
}

bool infer_expand(Infer *f) {
  Ints shape = f->op->attrs.shape;
  if (!needs(f, 1) || !shape_ok(f, shape)) return false;
  const Type *t = infer_operand(f, 0);
  Type want = with_shape(t->dtype, shape), r;
  if (!type_broadcast(t, &want, &r) || !type_equal(&r, &want))
    return infer_fail(f, "%s does not broadcast to %s", type_text(f->graph, t).s, type_text(f->graph, &want).s);
  return give(f, r);
}

bool infer_concat(Infer *f) {
  if (!needs(f, f->op->operand_count) || !f->op->operand_count) return infer_fail(f, "operand 1 is missing");
  int64_t axis = f->op->attrs.axis;
  Type r = *infer_operand(f, 0);
  if (!axis_ok(f, axis, r.rank)) return false;
  for (uint32_t i = 1; i < f->op->operand_count; i++) {
    const Type *t = infer_operand(f, i);
    Type same = *t;
    if (t->rank == r.rank) same.dim[axis] = r.dim[axis];
    if (!type_equal(&same, &r))
      return infer_fail(f, "operand %u is %s, does not fit %s along axis %d", i + 1, type_text(f->graph, t).s,
                        type_text(f->graph, infer_operand(f, 0)).s, (int)axis);
    Dim sum;
    if (!dim_add(r.dim[axis], t->dim[axis], &sum))
      return infer_fail(f, "dim %s + %s along axis %d is no single term", dim_text(f->graph, r.dim[axis]).s,
                        dim_text(f->graph, t->dim[axis]).s, (int)axis);
    r.dim[axis] = sum;
  }
  return give(f, r);
}

/* Are elements start + i * step, 0 <= i < n, inside dim d, for every value of its symbol (>= 1)? */
static bool slice_inside(Dim d, int64_t start, int64_t step, Dim n) {
  if (n == 0) return true;
  if (dim_is_number(n)) {
    int64_t least = dim_coefficient(d); /* c * N >= c */
    if (start < 0 || start >= least) return false;
    return step > 0 ? n - 1 <= (least - 1 - start) / step : n - 1 <= start / -step;
  }
  if (dim_symbol_of(d) != dim_symbol_of(n) || step < 1 || start < 0) return false;
  /* start + (k N - 1) step < c N */
  int64_t c = dim_coefficient(d), k = dim_coefficient(n);
  return k <= c / step && start - step < c - k * step;
}

bool infer_slice(Infer *f) {
  const Attrs *a = &f->op->attrs;
  if (!needs(f, 1) || !shape_ok(f, a->shape)) return false;
  const Type *t = infer_operand(f, 0);
  if (a->starts.count != t->rank || a->steps.count != t->rank || a->shape.count != t->rank)
    return infer_fail(f, "needs one start, step and dim for each of %d axes", (int)t->rank);
  for (int i = 0; i < t->rank; i++) {
    Dim start = a->starts.at[i], step = a->steps.at[i];
    if (!dim_is_number(start) || !dim_is_number(step)) return infer_fail(f, "start and step must be numbers");
    if (step == 0) return infer_fail(f, "step of axis %d is 0", i);
    if (!slice_inside(t->dim[i], start, step, a->shape.at[i]))
      return infer_fail(f, "%s elements from %lld by %lld leave axis %d of %s", dim_text(f->graph, a->shape.at[i]).s,
                        (long long)start, (long long)step, i, type_text(f->graph, t).s);
  }
  return give(f, with_shape(t->dtype, a->shape));
}

bool infer_pad(Infer *f) {
  const Attrs *a = &f->op->attrs;
  if (!needs(f, 1) || !needs_mode(f, a->mode, "edge reflect wrap")) return false;
  const Type *t = infer_operand(f, 0);
  if (a->pads.count != 2 * t->rank)
    return infer_fail(f, "pads has %d entries for rank %d", (int)a->pads.count, (int)t->rank);
  Type r = *t;
  for (int i = 0; i < t->rank; i++) {
    Dim begin = a->pads.at[i], end = a->pads.at[i + t->rank];
    Dim both;
    if (!dim_is_number(begin) || !dim_is_number(end)) return infer_fail(f, "pads must be numbers");
    if (!dim_add(begin, end, &both) || !dim_add(t->dim[i], both, &r.dim[i]))
      return infer_fail(f, "dim %s padded by %lld and %lld is no single term", dim_text(f->graph, t->dim[i]).s,
                        (long long)begin, (long long)end);
    if (a->mode && t->dim[i] == 0 && r.dim[i] > 0) return infer_fail(f, "axis %d is empty, mode %s", i, a->mode);
    if (dim_is_number(t->dim[i]) && (-begin > t->dim[i] || -end > t->dim[i]))
      return infer_fail(f, "pads %lld and %lld remove more than dim %lld", (long long)begin, (long long)end,
                        (long long)t->dim[i]);
    if (!dim_is_number(t->dim[i]) && (begin || end))
      return infer_fail(f, "dim %s cannot be padded", dim_text(f->graph, t->dim[i]).s);
  }
  return give(f, r);
}

bool infer_tile(Infer *f) {
  Ints shape = f->op->attrs.shape;
  if (!needs(f, 1) || !shape_ok(f, shape)) return false;
  const Type *t = infer_operand(f, 0);
  if (shape.count != t->rank) return infer_fail(f, "shape has %d entries for rank %d", (int)shape.count, (int)t->rank);
  Dim times;
  for (int i = 0; i < t->rank; i++)
    if (shape.at[i] != t->dim[i] && (!t->dim[i] || !dim_div_exact(shape.at[i], t->dim[i], &times)))
      return infer_fail(f, "dim %s is no multiple of %s", dim_text(f->graph, shape.at[i]).s,
                        dim_text(f->graph, t->dim[i]).s);
  return give(f, with_shape(t->dtype, shape));
}

bool infer_pack(Infer *f) {
  int64_t panel = f->op->attrs.panel;
  if (!needs(f, 1) || !needs_rank(f, 0, 2, 2)) return false;
  const Type *t = infer_operand(f, 0);
  if (!type_is_static(t)) return infer_fail(f, "type %s is not static", type_text(f->graph, t).s);
  if (panel < 1 || panel > 4096) return infer_fail(f, "panel %lld is not in 1 .. 4096", (long long)panel);
  const Attrs *a = &f->op->attrs;
  if (!flag_ok(f, "strassen", a->strassen) ||
      (a->strassen && (!needs_float(f, 0) || !halves_ok(f, t->dim[0], t->dim[1]))))
    return false;
  return give(f, packed_type(t->dtype, t->dim[0], t->dim[1], a));
}
