/* Indices that come from data; see lower_index.h. */
#include "backend/lower_index.h"
#include "backend/lower_expr.h"

RegId lower_index(Kernel *k, RegType type, ParamId index, Affine position, int64_t n) {
  Expr e = expr_new(k, type, 1, "at");
  RegId at = expr_reg(e), zero = expr_lit(e, 0);
  emit_load(k, at, index, position);
  RegId wrapped = expr_op2(e, LOP_add, at, expr_lit(e, (double)n));
  at = expr_select(e, expr_mask(e, LOP_lt, at, zero), wrapped, at);
  at = expr_op2(e, LOP_max, at, zero);
  return expr_op2(e, LOP_min, at, expr_lit(e, (double)(n - 1)));
}
