/* Family softmax: three passes over an axis.
 *
 *   top = max x;  sum = sum of y = e^(x - top);  y = y / sum
 *   mode=log:     sum of e^(x - top);            y = (x - top) - log(sum)
 *
 * The last axis is done in rows of vectors, another one in columns: vectors of the innermost axis, each lane with its
 * own maximum and sum. The sum lies between 1 and the axis' length. A NaN among x makes all of its results NaN, if not
 * by the maximum then by the sum. */
#include "backend/lower_fold.h"
#include "backend/lower_math.h"
#include <math.h>

typedef struct {
  Lower *lower;
  Domain domain;
  RegType type;
  bool log, has_vectors;
  ParamId in, out;
  int array;
  Stat top, shift; /* shift: 1 / sum, or log(sum) */
} Softmax;

static RegId load(Softmax *m, ParamId p, const Position *at, int lanes, const char *name) {
  RegId x = kernel_reg(m->lower->kernel, m->type, lanes, "%s", name);
  emit_load(m->lower->kernel, x, p, at->at[m->array]);
  return x;
}

static RegId load_x(Fold *f, const Position *at, int lanes, int v) {
  (void)v;
  Softmax *m = f->user;
  return load(m, m->in, at, lanes, "x");
}

static RegId shifted(Softmax *m, const Position *at, int lanes, int v) {
  RegId x = load(m, m->in, at, lanes, "x");
  return expr_op2(expr_like(m->lower->kernel, x, "d"), LOP_sub, x, stat_at(&m->top, lanes, v));
}

static RegId exponential(Fold *f, const Position *at, int lanes, int v) {
  Softmax *m = f->user;
  RegId y = math_exp(f->lower->kernel, shifted(m, at, lanes, v), "e");
  if (!m->log) emit_store(f->lower->kernel, m->out, at->at[m->array], y);
  return y;
}

static RegId shift_of_sum(Expr e, void *user, RegId sum) {
  const Softmax *m = user;
  return m->log ? expr_libm(e, "log", sum, 0) : expr_op2(e, LOP_div, expr_lit(e, 1), sum);
}

static void finish(void *user, const Position *at, int lanes, int v) {
  Softmax *m = user;
  Kernel *k = m->lower->kernel;
  RegId x = m->log ? shifted(m, at, lanes, v) : load(m, m->out, at, lanes, "y");
  RegId y = expr_op2(expr_like(k, x, "y"), m->log ? LOP_sub : LOP_mul, x, stat_at(&m->shift, lanes, v));
  emit_store(k, m->out, at->at[m->array], y);
}

static void visit(void *user, const Spot *s) {
  Softmax *m = user;
  Fold f = {.lower = m->lower, .domain = &m->domain, .type = m->type, .has_vectors = m->has_vectors, .user = m};
  f.op = FOLD_MAX, f.first = -INFINITY, f.tag = "top", f.leaf = load_x;
  m->top = fold(&f, s);
  stat_widen(m->lower, m->has_vectors, s, &m->top);
  f.op = FOLD_SUM, f.first = 0, f.tag = "sum", f.leaf = exponential;
  Stat sum = fold(&f, s);
  m->shift = stat_map(m->lower->kernel, s, &sum, "shift", shift_of_sum, m);
  stat_widen(m->lower, m->has_vectors, s, &m->shift);
  fold_each(m->lower, &m->domain, m->has_vectors, s, finish, m);
}

void lower_softmax(Lower *lower) {
  const Op *op = op_at(lower->graph, lower->ops[0]);
  const Type *t = type_of(lower->graph, op->first_result);
  if (!type_elements(t)) return;
  lower_kernel(lower);
  Softmax m = {.lower = lower, .type = reg_type_of(t->dtype), .log = op->attrs.mode != NULL};
  m.domain = domain_new(t, 1u << op->attrs.axis);
  m.in = lower_in(lower, op->operands[0]);
  m.out = lower_out(lower, op->first_result);
  m.array = domain_add_broadcast(&m.domain, t);
  domain_merge(&m.domain);
  /* logarithms come from C's library, one at a time: a row needs one, columns one a lane */
  m.has_vectors = target_has_vectors(lower->target, t->dtype) && (!m.log || domain_has_rows(&m.domain));
  domain_visit(lower, &m.domain, m.has_vectors, FOLD_VECTORS, visit, &m);
}
