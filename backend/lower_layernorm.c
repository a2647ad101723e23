/* Family layernorm: (x - mean) / sqrt(var + eps) over some axes, then scale and bias.
 *
 * Trailing axes are done in rows of vectors, others in columns: vectors of the innermost axis that stays. Passes:
 *   1. m = x0 + mean(x - x0), x0 the first element. Equal elements give m = x0 exactly, and a mean far from 0 costs no
 *      more bits than the spread of x has.
 *   2. r = mean(x - m): what rounding m to f32 left.
 *   3. v = mean(s^2 (x - m - r)^2)
 *   4. (x - m - r) s / sqrt(v + s^2 eps) scale + bias
 * s is 2^-12 (math_square_scale): squares of |x| <= 1e18 don't overflow; those that underflow are far below s^2 eps. */
#include "backend/lower_fold.h"
#include "backend/lower_math.h"

typedef struct {
  Lower *lower;
  const Op *op;
  Domain domain;
  RegType type;
  bool has_vectors;
  ParamId in, out, affine[2]; /* scale, bias */
  bool has_affine[2];
  int array, affine_array;
  Stat middle, rest, gain;
} Norm;

static RegId load_x(Norm *n, const Position *at, int lanes) {
  RegId x = kernel_reg(n->lower->kernel, n->type, lanes, "x");
  emit_load(n->lower->kernel, x, n->in, at->at[n->array]);
  return x;
}

/* x - middle: x - x0 in the first pass, x - m in the second. */
static RegId difference(Fold *f, const Position *at, int lanes, int v) {
  Norm *n = f->user;
  RegId x = load_x(n, at, lanes);
  return expr_op2(expr_like(f->lower->kernel, x, "d"), LOP_sub, x, stat_at(&n->middle, lanes, v));
}

static RegId centred(Norm *n, const Position *at, int lanes, int v) {
  Expr e = expr_new(n->lower->kernel, n->type, lanes, "d");
  RegId d = expr_op2(e, LOP_sub, load_x(n, at, lanes), stat_at(&n->middle, lanes, v));
  return expr_op2(e, LOP_sub, d, stat_at(&n->rest, lanes, v));
}

static RegId square(Fold *f, const Position *at, int lanes, int v) {
  RegId d = centred(f->user, at, lanes, v);
  Expr e = expr_like(f->lower->kernel, d, "d");
  d = expr_op2(e, LOP_mul, d, expr_lit(e, math_square_scale));
  return expr_op2(e, LOP_mul, d, d);
}

static RegId divide_by_count(Expr e, void *user, RegId sum) {
  const Norm *n = user;
  return expr_op2(e, LOP_div, sum, expr_lit(e, (double)domain_size(&n->domain, true)));
}

/* s / sqrt(v + s^2 eps) */
static RegId gain_of_variance(Expr e, void *user, RegId v) {
  const Norm *n = user;
  double s = math_square_scale;
  RegId sum = expr_op2(e, LOP_add, v, expr_lit(e, s * s * n->op->attrs.eps));
  return expr_op2(e, LOP_div, expr_lit(e, s), expr_op1(e, LOP_sqrt, sum));
}

static Stat mean_of(Norm *n, const Spot *s, RegId (*leaf)(Fold *, const Position *, int, int)) {
  Fold f = {.lower = n->lower, .domain = &n->domain, .op = FOLD_SUM, .type = n->type, .tag = "sum", .leaf = leaf};
  f.has_vectors = n->has_vectors;
  f.user = n;
  Stat sum = fold(&f, s);
  return stat_map(n->lower->kernel, s, &sum, "mean", divide_by_count, n);
}

/* The element at the start of each reduced axis. */
static Stat first_elements(Norm *n, const Spot *s) {
  Stat r = {.row = s->row};
  for (int v = 0; v < s->vectors; v++) {
    Position at = spot_vector(&n->domain, s, v);
    r.reg[v] = load_x(n, &at, s->lanes);
  }
  return r;
}

static void find_mean(Norm *n, const Spot *s) {
  Kernel *k = n->lower->kernel;
  Stat first = first_elements(n, s);
  n->middle = first;
  stat_widen(n->lower, n->has_vectors, s, &n->middle);
  Stat mean = mean_of(n, s, difference);
  for (int v = 0; v < s->vectors; v++)
    mean.reg[v] = expr_op2(expr_like(k, mean.reg[v], "middle"), LOP_add, first.reg[v], mean.reg[v]);
  n->middle = mean;
  stat_widen(n->lower, n->has_vectors, s, &n->middle);
  n->rest = mean_of(n, s, difference);
  stat_widen(n->lower, n->has_vectors, s, &n->rest);
}

/* Scale or bias at a position: along with rows' elements, or one element for all lanes of a column. */
static RegId load_affine(Norm *n, int which, const Position *at, int lanes) {
  Kernel *k = n->lower->kernel;
  RegId r = kernel_reg(k, n->type, lanes, which ? "bias" : "scale");
  bool spread = lanes > 1 && !domain_has_rows(&n->domain);
  if (spread)
    emit_loads(k, r, n->affine[which], at->at[n->affine_array]);
  else
    emit_load(k, r, n->affine[which], at->at[n->affine_array]);
  return r;
}

static void apply(void *user, const Position *at, int lanes, int v) {
  Norm *n = user;
  Expr e = expr_new(n->lower->kernel, n->type, lanes, "y");
  RegId y = expr_op2(e, LOP_mul, centred(n, at, lanes, v), stat_at(&n->gain, lanes, v));
  RegId scale = n->has_affine[0] ? load_affine(n, 0, at, lanes) : 0;
  RegId bias = n->has_affine[1] ? load_affine(n, 1, at, lanes) : 0;
  if (scale && bias)
    y = expr_fma(e, y, scale, bias);
  else if (scale)
    y = expr_op2(e, LOP_mul, y, scale);
  else if (bias)
    y = expr_op2(e, LOP_add, y, bias);
  emit_store(e.kernel, n->out, at->at[n->array], y);
}

static void visit(void *user, const Spot *s) {
  Norm *n = user;
  find_mean(n, s);
  Stat variance = mean_of(n, s, square);
  n->gain = stat_map(n->lower->kernel, s, &variance, "gain", gain_of_variance, n);
  stat_widen(n->lower, n->has_vectors, s, &n->gain);
  fold_each(n->lower, &n->domain, n->has_vectors, s, apply, n);
}

void lower_layernorm(Lower *lower) {
  const Op *op = op_at(lower->graph, lower->ops[0]);
  const Type *t = type_of(lower->graph, op->first_result);
  if (!type_elements(t)) return;
  lower_kernel(lower);
  Norm n = {
      .lower = lower, .op = op, .type = reg_type_of(t->dtype), .domain = domain_new(t, axes_mask(op->attrs.axes))};
  n.in = lower_in(lower, op->operands[0]);
  for (uint32_t i = 0; i < 2; i++) {
    n.has_affine[i] = op->operand_count > i + 1 && op->operands[i + 1];
    if (n.has_affine[i]) n.affine[i] = lower_in(lower, op->operands[i + 1]);
  }
  n.out = lower_out(lower, op->first_result);
  n.array = domain_add_broadcast(&n.domain, t);
  n.affine_array = domain_add_part(&n.domain, true);
  domain_merge(&n.domain);
  n.has_vectors = target_has_vectors(lower->target, t->dtype);
  domain_visit(lower, &n.domain, n.has_vectors, FOLD_VECTORS, visit, &n);
}
