/* Families topk and cumsum: loops along one axis, a line by itself. */
#include "backend/lower_domain.h"
#include "backend/lower_expr.h"

typedef struct {
  Lower *lower;
  const Op *op;
  Domain domain;
  RegType type;
  ParamId in, out;
  int in_array, out_array;
  int64_t length, in_stride, out_stride; /* of the axis */
} Line;

static Line line_of(Lower *lower) {
  const Op *op = op_at(lower->graph, lower->ops[0]);
  const Type *x = type_of(lower->graph, op->operands[0]), *y = type_of(lower->graph, op->first_result);
  int64_t axis = op->attrs.axis, in[MAX_RANK], out[MAX_RANK];
  Line l = {.lower = lower, .op = op, .type = reg_type_of(x->dtype), .length = x->dim[axis]};
  type_strides(x, in);
  type_strides(y, out);
  l.in_stride = in[axis];
  l.out_stride = out[axis];
  in[axis] = out[axis] = 0;
  Type lines = *y;
  lines.dim[axis] = 1;
  l.domain = domain_new(&lines, 0);
  l.in_array = domain_add_strides(&l.domain, in);
  l.out_array = domain_add_strides(&l.domain, out);
  domain_merge(&l.domain);
  return l;
}

static void visit_lines(Line *l, Visit *visit) {
  if (!type_elements(type_of(l->lower->graph, l->op->first_result))) return;
  lower_kernel(l->lower);
  l->in = lower_in(l->lower, l->op->operands[0]);
  l->out = lower_out(l->lower, l->op->first_result);
  domain_visit(l->lower, &l->domain, false, 1, visit, l);
}

/* Mask: does a come before b, equals aside? A NaN comes before every number. */
static RegId comes_before(const Line *l, Expr e, RegId a, RegId b) {
  RegId before = l->op->attrs.largest ? expr_mask(e, LOP_lt, b, a) : expr_mask(e, LOP_lt, a, b);
  if (e.type != REG_f32 && e.type != REG_f64) return before;
  Expr mask = expr_as(e, REG_i32);
  RegId b_wins = expr_select(mask, expr_mask(e, LOP_eq, b, b), expr_lit(mask, -1), expr_lit(mask, 0));
  return expr_select(mask, expr_mask(e, LOP_eq, a, a), before, b_wins);
}

/* place += how many of elements [low, high) come before x; equals do where they stand in front of it. */
static void count_before(const Line *l, const Spot *s, RegId x, RegId place, Bound low, Bound high, bool in_front) {
  Kernel *k = l->lower->kernel;
  VarId j = emit_for_bounds(k, LOP_for, "j", (Bound[2]){low, bound_none()}, (Bound[2]){high, bound_none()}, 1);
  Expr e = expr_new(k, l->type, 1, "before"), count = expr_new(k, REG_i32, 1, "count");
  RegId y = kernel_reg(k, l->type, 1, "y");
  emit_load(k, y, l->in, affine_add(s->at.at[l->in_array], affine_var(j, l->in_stride)));
  RegId mask = in_front ? comes_before(l, e, x, y) : comes_before(l, e, y, x);
  if (in_front) mask = expr_op2(count, LOP_xor, mask, expr_lit(count, -1));
  emit_op(k, LOP_sub, place, place, mask, 0); /* a set mask is -1 */
  emit_end(k);
}

static void visit_topk(void *user, const Spot *s) {
  const Line *l = user;
  Kernel *k = l->lower->kernel;
  VarId i = emit_for(k, LOP_for, "r", 0, l->length, 1);
  Affine at = affine_var(i, 1);
  RegId x = kernel_reg(k, l->type, 1, "x"), place = kernel_reg(k, REG_i32, 1, "place");
  RegId index = kernel_reg(k, REG_i64, 1, "index_r");
  Expr e = expr_new(k, REG_i32, 1, "inside");
  RegId size = expr_lit(e, (double)l->op->attrs.k);
  emit_load(k, x, l->in, affine_add(s->at.at[l->in_array], affine_var(i, l->in_stride)));
  emit_const(k, place, 0);
  emit_index(k, index, at);
  count_before(l, s, x, place, bound(affine(0)), bound(at), true);
  count_before(l, s, x, place, bound(affine_plus(at, 1)), bound(affine(l->length)), false);
  emit_if(k, expr_mask(e, LOP_lt, place, size));
  emit_store_at(k, l->out, s->at.at[l->out_array], place, l->out_stride, index);
  emit_end(k);
  emit_end(k);
}

void lower_topk(Lower *lower) {
  Line l = line_of(lower);
  if (l.length > INT32_MAX) die("topk of %lld elements", (long long)l.length);
  visit_lines(&l, visit_topk);
}

static void visit_cumsum(void *user, const Spot *s) {
  const Line *l = user;
  const Attrs *a = &l->op->attrs;
  Kernel *k = l->lower->kernel;
  RegId sum = kernel_reg(k, l->type, 1, "sum"), x = kernel_reg(k, l->type, 1, "x");
  emit_const(k, sum, 0);
  VarId i = emit_for(k, LOP_for, "r", 0, l->length, 1);
  Affine at = a->reverse ? affine_plus(affine_var(i, -1), l->length - 1) : affine_var(i, 1);
  Affine from = affine_add(s->at.at[l->in_array], affine_scale(at, l->in_stride));
  Affine to = affine_add(s->at.at[l->out_array], affine_scale(at, l->out_stride));
  emit_load(k, x, l->in, from);
  if (a->exclusive) emit_store(k, l->out, to, sum);
  emit_op(k, LOP_add, sum, sum, x, 0);
  if (!a->exclusive) emit_store(k, l->out, to, sum);
  emit_end(k);
}

void lower_cumsum(Lower *lower) {
  Line l = line_of(lower);
  visit_lines(&l, visit_cumsum);
}
