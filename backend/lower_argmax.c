/* Family argmax: for each place outside the axis a loop over it, with the best element and its index in registers. A
 * NaN comes before every number; mode=last takes the last of equals. One lane: the families of vision models have one
 * of these, on a thousand logits. */
#include "backend/lower_domain.h"
#include "backend/lower_expr.h"

typedef struct {
  Lower *lower;
  const Op *op;
  Domain domain;
  RegType type;
  ParamId in, out;
  int in_array, out_array;
} Argmax;

/* Mask: does x come before best, or (last) beside it? */
static RegId is_better(const Argmax *m, Expr e, RegId x, RegId best) {
  Expr mask = expr_as(e, REG_i32);
  LoopOp op = m->op->attrs.mode ? LOP_le : LOP_lt;
  RegId better = m->op->attrs.largest ? expr_mask(e, op, best, x) : expr_mask(e, op, x, best);
  if (e.type != REG_f32 && e.type != REG_f64) return better;
  RegId number = expr_mask(e, LOP_eq, x, x), best_number = expr_mask(e, LOP_eq, best, best);
  RegId all = expr_lit(mask, -1);
  RegId nan_wins = m->op->attrs.mode ? all : best_number; /* x is a NaN */
  return expr_select(mask, number, better, nan_wins);
}

static void visit(void *user, const Spot *s) {
  Argmax *m = user;
  Kernel *k = m->lower->kernel;
  Expr e = expr_new(k, m->type, 1, "better"), whole = expr_new(k, REG_i64, 1, "at");
  int axis = 0;
  while (axis < m->domain.count && !m->domain.axis[axis].reduced) axis++;
  RegId best = kernel_reg(k, m->type, 1, "best"), at = expr_op1(whole, LOP_mov, expr_lit(whole, 0));
  emit_load(k, best, m->in, s->at.at[m->in_array]);
  if (axis < m->domain.count) {
    VarId i = emit_for(k, LOP_for, "r", 1, m->domain.axis[axis].size, 1);
    Position p = position_add(&m->domain, s->at, axis, affine_var(i, 1));
    RegId x = kernel_reg(k, m->type, 1, "x"), index = kernel_reg(k, REG_i64, 1, "index_r");
    emit_load(k, x, m->in, p.at[m->in_array]);
    emit_index(k, index, affine_var(i, 1));
    RegId better = is_better(m, e, x, best);
    emit_op(k, LOP_select, best, better, x, best);
    emit_op(k, LOP_select, at, better, index, at);
    emit_end(k);
  }
  emit_store(k, m->out, s->at.at[m->out_array], at);
}

void lower_argmax(Lower *lower) {
  const Op *op = op_at(lower->graph, lower->ops[0]);
  const Type *t = type_of(lower->graph, op->operands[0]);
  if (!type_elements(type_of(lower->graph, op->first_result))) return;
  lower_kernel(lower);
  Argmax m = {.lower = lower, .op = op, .type = reg_type_of(t->dtype), .domain = domain_new(t, 1u << op->attrs.axis)};
  m.in = lower_in(lower, op->operands[0]);
  m.out = lower_out(lower, op->first_result);
  m.in_array = domain_add_broadcast(&m.domain, t);
  m.out_array = domain_add_part(&m.domain, false);
  domain_merge(&m.domain);
  domain_visit(lower, &m.domain, false, 1, visit, &m);
}
