/* Operators by index, and those that compute with shapes. */
#include "ir/infer_util.h"
#include <math.h>

/* Indices that are known must be in -dim .. dim - 1. A symbolic dim c * N is at least c. */
static bool indices_inside(Infer *f, Dim d) {
  const Type *t = infer_operand(f, 1);
  ValueId v = f->op->operands[1];
  const Dim *known = value_at(f->graph, v)->known;
  int64_t least = dim_coefficient(d);
  if (!known || !type_is_static(t)) return true;
  for (int64_t i = 0, n = type_elements(t); i < n; i++) {
    Dim x = known[i];
    if (dim_is_number(x) && dim_is_number(d) && (x < -least || x >= least))
      return infer_fail(f, "index %lld out of range for dim %lld", (long long)x, (long long)least);
  }
  return true;
}

static bool needs_index(Infer *f, uint32_t operand) {
  const Type *t = infer_operand(f, operand);
  if (!dtype_is_float(t->dtype) && t->dtype != DT_bool) return true;
  return infer_fail(f, "operand %u is %s, needs integers", operand + 1, type_text(f->graph, t).s);
}

bool infer_gather(Infer *f) {
  int64_t axis = f->op->attrs.axis;
  if (!needs(f, 2)) return false;
  const Type *data = infer_operand(f, 0), *index = infer_operand(f, 1);
  if (!axis_ok(f, axis, data->rank)) return false;
  if (!needs_index(f, 1)) return false;
  if (data->rank + index->rank - 1 > MAX_RANK)
    return infer_fail(f, "result has rank %d, the limit is %d", data->rank + index->rank - 1, MAX_RANK);
  Type r = {.dtype = data->dtype};
  for (int i = 0; i < axis; i++) r.dim[r.rank++] = data->dim[i];
  bool some = true;
  for (int i = 0; i < index->rank; i++) some = some && index->dim[i] != 0, r.dim[r.rank++] = index->dim[i];
  for (int i = (int)axis + 1; i < data->rank; i++) r.dim[r.rank++] = data->dim[i];
  if (data->dim[axis] == 0 && some)
    return infer_fail(f, "axis %d of %s is empty", (int)axis, type_text(f->graph, data).s);
  return indices_inside(f, data->dim[axis]) && give(f, r);
}

/* An index tensor of the data's rank that is no larger than they are beside the axis. */
static bool index_fits(Infer *f) {
  const Type *data = infer_operand(f, 0), *index = infer_operand(f, 1);
  int64_t axis = f->op->attrs.axis;
  if (!axis_ok(f, axis, data->rank) || !needs_index(f, 1)) return false;
  bool fits = index->rank == data->rank, some = true;
  for (int i = 0; i < index->rank && fits; i++) {
    Dim x = data->dim[i], n = index->dim[i];
    some = some && n != 0;
    fits = i == axis || n == x || (dim_is_number(n) && n <= dim_coefficient(x));
  }
  if (!fits)
    return infer_fail(f, "index %s does not fit %s along axis %d", type_text(f->graph, index).s,
                      type_text(f->graph, data).s, (int)axis);
  if (data->dim[axis] == 0 && some)
    return infer_fail(f, "axis %d of %s is empty", (int)axis, type_text(f->graph, data).s);
  return indices_inside(f, data->dim[axis]);
}

bool infer_gather_elements(Infer *f) {
  if (!needs(f, 2) || !index_fits(f)) return false;
  Type r = *infer_operand(f, 1);
  r.dtype = infer_operand(f, 0)->dtype;
  return give(f, r);
}

bool infer_scatter_elements(Infer *f) {
  if (!needs(f, 3) || !needs_mode(f, f->op->attrs.mode, "add mul min max") || !index_fits(f)) return false;
  Type updates = *infer_operand(f, 1);
  updates.dtype = infer_operand(f, 0)->dtype;
  if (updates.dtype == DT_bool && f->op->attrs.mode)
    return infer_fail(f, "operand 1 is %s, mode needs numbers", type_text(f->graph, infer_operand(f, 0)).s);
  return needs_type(f, 2, &updates) && give(f, *infer_operand(f, 0));
}

bool infer_resize(Infer *f) {
  int64_t axis = f->op->attrs.axis;
  if (!needs(f, 3) || !needs_float(f, 0) || !needs_rank(f, 1, 2, 2) || !needs_index(f, 1)) return false;
  Type r = *infer_operand(f, 0), weight = *infer_operand(f, 1);
  if (!axis_ok(f, axis, r.rank)) return false;
  weight.dtype = r.dtype;
  if (!needs_type(f, 2, &weight)) return false;
  if (!type_is_static(&weight) || weight.dim[1] < 1 || weight.dim[1] > 4096)
    return infer_fail(f, "index %s is no table of taps", type_text(f->graph, infer_operand(f, 1)).s);
  if (!dim_is_number(r.dim[axis]) || r.dim[axis] == 0)
    return infer_fail(f, "axis %d of %s has no fixed size", (int)axis, type_text(f->graph, &r).s);
  if (!indices_inside(f, r.dim[axis])) return false;
  r.dim[axis] = weight.dim[0];
  return give(f, r);
}

bool infer_shape(Infer *f) {
  const Attrs *a = &f->op->attrs;
  if (!needs(f, 1)) return false;
  int rank = infer_operand(f, 0)->rank;
  if (a->axis < 0 || a->axis > a->end || a->end > rank)
    return infer_fail(f, "axes %lld .. %lld out of range for rank %d", (long long)a->axis, (long long)a->end, rank);
  Dim n = a->end - a->axis;
  return give(f, type_make(DT_i64, 1, &n));
}

/* Number of i with start + i * delta before limit; false where it is more than 2^48. */
static bool float_length(double start, double limit, double delta, Dim *out) {
  double n = ceil((limit - start) / delta);
  if (!(n < 281474976710656.0)) return false;
  *out = n > 0 ? (Dim)n : 0;
  return true;
}

static bool integer_length(Dim start, Dim limit, Dim delta, Dim *out) {
  if (!dim_is_number(start) || !dim_is_number(delta)) return false;
  if (!dim_is_number(limit)) return start == 0 && delta > 0 && dim_div_exact(limit, delta, out);
  bool up = delta > 0;
  if (up ? limit <= start : limit >= start) return *out = 0, true;
  uint64_t distance = up ? (uint64_t)limit - (uint64_t)start : (uint64_t)start - (uint64_t)limit;
  uint64_t by = up ? (uint64_t)delta : (uint64_t)-delta;
  uint64_t n = distance / by + (distance % by != 0);
  *out = (Dim)n;
  return n <= (uint64_t)1 << 48;
}

bool infer_range(Infer *f) {
  if (!needs(f, 3)) return false;
  const Type *t = infer_operand(f, 0);
  const Value *v[3];
  double x[3] = {0};
  Dim n, one;
  bool known = true;
  for (uint32_t i = 0; i < 3; i++) {
    const Type *ti = infer_operand(f, i);
    if (!needs_same_dtype(f, i)) return false;
    if (!type_count(ti, &one) || one != 1)
      return infer_fail(f, "operand %u is %s, needs one element", i + 1, type_text(f->graph, ti).s);
    v[i] = value_at(f->graph, f->op->operands[i]);
    known = known && (dtype_is_float(t->dtype) ? value_is_splat(f->graph, f->op->operands[i], &x[i]) : !!v[i]->known);
  }
  if (t->dtype == DT_bool) return infer_fail(f, "operand 1 is %s, needs numbers", type_text(f->graph, t).s);
  if (!known) return infer_fail(f, "start, limit and delta must be known");
  bool is_float = dtype_is_float(t->dtype);
  if (is_float ? x[2] == 0 : v[2]->known[0] == 0) return infer_fail(f, "delta is 0");
  bool ok = is_float ? float_length(x[0], x[1], x[2], &n)
                     : integer_length(v[0]->known[0], v[1]->known[0], v[2]->known[0], &n);
  if (!ok) return infer_fail(f, "the length of the range is too large, or no single term");
  return give(f, type_make(t->dtype, 1, &n));
}
