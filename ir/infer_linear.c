/* Matrix products. */
#include "ir/infer_util.h"

bool infer_gemm(Infer *f) {
  const Attrs *a = &f->op->attrs;
  if (!needs(f, 2) || !needs_float(f, 0) || !needs_same_dtype(f, 1) || !needs_rank(f, 0, 1, MAX_RANK)) return false;
  Type r = *infer_operand(f, 0);
  const Type *w = infer_operand(f, 1);
  Dim depth = r.dim[r.rank - 1];
  Dim *last = &r.dim[r.rank - 1];
  if (a->cols) {
    if (!packed_ok(f, depth)) return false;
    *last = a->cols;
  } else {
    if (!needs_rank(f, 1, 2, 2)) return false;
    Dim dims[2] = {depth, w->dim[1]};
    Type wanted = type_make(w->dtype, 2, dims);
    if (!needs_type(f, 1, &wanted)) return false;
    *last = w->dim[1];
  }
  return needs_vector(f, 2, r.dtype, *last) && give(f, r);
}

bool infer_matmul(Infer *f) {
  const Attrs *at = &f->op->attrs;
  if (!needs(f, 2) || !needs_same_dtype(f, 1) || !needs_rank(f, 0, 2, MAX_RANK) || !needs_rank(f, 1, 2, MAX_RANK) ||
      !flag_ok(f, "trans_a", at->trans_a) || !flag_ok(f, "trans_b", at->trans_b))
    return false;
  Type a = *infer_operand(f, 0), b = *infer_operand(f, 1), r;
  if (a.dtype == DT_bool) return infer_fail(f, "operand 1 is %s, needs numbers", type_text(f->graph, &a).s);
  a.rank = (uint8_t)(a.rank - 2);
  b.rank = (uint8_t)(b.rank - 2);
  Dim m = a.dim[a.rank + at->trans_a], ka = a.dim[a.rank + 1 - at->trans_a];
  Dim kb = b.dim[b.rank + at->trans_b], n = b.dim[b.rank + 1 - at->trans_b];
  if (ka != kb || !type_broadcast(&a, &b, &r))
    return infer_fail(f, "%s and %s do not multiply", type_text(f->graph, infer_operand(f, 0)).s,
                      type_text(f->graph, infer_operand(f, 1)).s);
  r.dim[r.rank] = m;
  r.dim[r.rank + 1] = n;
  r.rank = (uint8_t)(r.rank + 2);
  return give(f, r);
}
