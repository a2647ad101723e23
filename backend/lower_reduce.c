/* Family reduce: one reduction over any axes.
 *
 *   trailing axes   rows: FOLD_VECTORS vectors of partial results, then across the lanes
 *   other axes      columns: the innermost axis stays, its vectors are accumulators
 *
 * Floats are computed in their own type, integers in i64 (so that sums of squares and means don't wrap early). The mean
 * is a division of the sum.
 *
 * l2 in f32 is done in two passes: the largest |x| of each result chooses a power of 2, by which every x is multiplied
 * before it is squared and by whose inverse the root is. It is 2^-80 from 2^40 on (1e18 becomes 8e-7), 2^100 below
 * 2^-50, else 1: no square overflows, nor is one lost beside the largest. Powers of 2 cost no bits. */
#include "backend/lower_fold.h"
#include <math.h>

typedef enum { LEAF_X, LEAF_SQUARE, LEAF_ABS, LEAF_SCALED_SQUARE } Leaf;
typedef enum { END_AS_IS, END_MEAN, END_ROOT } End;

static const struct {
  FoldOp fold;
  double first; /* of nothing */
  Leaf leaf;
  End end;
} rows[OP_COUNT] = {
    [OP_reduce_sum] = {FOLD_SUM, 0, LEAF_X, END_AS_IS},
    [OP_reduce_mean] = {FOLD_SUM, 0, LEAF_X, END_MEAN},
    [OP_reduce_max] = {FOLD_MAX, -INFINITY, LEAF_X, END_AS_IS},
    [OP_reduce_min] = {FOLD_MIN, INFINITY, LEAF_X, END_AS_IS},
    [OP_reduce_prod] = {FOLD_PROD, 1, LEAF_X, END_AS_IS},
    [OP_reduce_sumsq] = {FOLD_SUM, 0, LEAF_SQUARE, END_AS_IS},
    [OP_reduce_l1] = {FOLD_SUM, 0, LEAF_ABS, END_AS_IS},
    [OP_reduce_l2] = {FOLD_SUM, 0, LEAF_SQUARE, END_ROOT},
};

typedef struct {
  Lower *lower;
  const Op *op;
  Domain domain;
  DType dtype;
  RegType type; /* of accumulators */
  bool has_vectors;
  ParamId in, out;
  int in_array, out_array;
  Leaf leaf;  /* of the fold under way */
  Stat scale; /* LEAF_SCALED_SQUARE */
} Reduce;

static RegId leaf(Fold *f, const Position *at, int lanes, int v) {
  Reduce *r = f->user;
  Expr e = expr_new(f->lower->kernel, f->type, lanes, f->tag);
  RegId x = kernel_reg(e.kernel, f->type, lanes, "x");
  emit_load(e.kernel, x, r->in, at->at[r->in_array]);
  if (r->leaf == LEAF_SCALED_SQUARE) x = expr_op2(e, LOP_mul, x, stat_at(&r->scale, lanes, v));
  if (r->leaf == LEAF_X) return x;
  return r->leaf == LEAF_ABS ? expr_op1(e, LOP_abs, x) : expr_op2(e, LOP_mul, x, x);
}

/* The type's least for -inf, its largest for inf. */
static double first_value(DType t, double first) {
  if (dtype_is_float(t) || !isinf(first)) return first;
  int bits = t == DT_bool ? 1 : 8 * (int)dtype_bytes(t) - !dtype_is_unsigned(t);
  if (first < 0) return dtype_is_unsigned(t) ? 0 : -ldexp(1, bits);
  return bits < 53 ? ldexp(1, bits) - 1 : ldexp(1, bits);
}

static Stat fold_with(Reduce *r, const Spot *s, FoldOp op, double first, Leaf what, const char *tag) {
  Fold f = {.lower = r->lower, .domain = &r->domain, .op = op, .type = r->type, .tag = tag, .leaf = leaf, .user = r};
  f.has_vectors = r->has_vectors;
  f.keep_nan = what == LEAF_X;
  f.first = first_value(r->dtype, first);
  r->leaf = what;
  return fold(&f, s);
}

/* ---- l2 ---- */

typedef struct {
  double if_large, if_small;
} Scale;

/* Of the largest |x|; a NaN or 0 among them changes nothing. */
static RegId choose_scale(Expr e, void *user, RegId largest) {
  const Scale *s = user;
  RegId large = expr_mask(e, LOP_lt, expr_lit(e, 0x1p40), largest);
  RegId small = expr_mask(e, LOP_lt, largest, expr_lit(e, 0x1p-50));
  RegId r = expr_select(e, small, expr_lit(e, s->if_small), expr_lit(e, 1));
  return expr_select(e, large, expr_lit(e, s->if_large), r);
}

static Stat scaled_root(Reduce *r, const Spot *s) {
  Kernel *k = r->lower->kernel;
  Stat largest = fold_with(r, s, FOLD_MAX, 0, LEAF_ABS, "largest");
  Scale down = {0x1p-80, 0x1p100}, up = {0x1p80, 0x1p-100};
  r->scale = stat_map(k, s, &largest, "scale", choose_scale, &down);
  Stat inverse = stat_map(k, s, &largest, "unscale", choose_scale, &up);
  stat_widen(r->lower, r->has_vectors, s, &r->scale);
  Stat sum = fold_with(r, s, FOLD_SUM, 0, LEAF_SCALED_SQUARE, "sum");
  for (int v = 0; v < s->vectors; v++) {
    Expr e = expr_like(k, sum.reg[v], "root");
    sum.reg[v] = expr_op2(e, LOP_mul, expr_op1(e, LOP_sqrt, sum.reg[v]), inverse.reg[v]);
  }
  return sum;
}

/* ---- results ---- */

static RegId finish(Expr e, void *user, RegId x) {
  Reduce *r = user;
  End end = rows[r->op->kind].end;
  if (end == END_MEAN) return expr_op2(e, LOP_div, x, expr_lit(e, (double)domain_size(&r->domain, true)));
  if (end == END_AS_IS) return x;
  if (e.type != REG_i64) return expr_op1(e, LOP_sqrt, x);
  /* cut off, also at the type's largest; a sum that wrapped below 0 counts as 0 */
  Expr wide = expr_as(e, REG_f64);
  x = expr_op1(wide, LOP_sqrt, expr_to(e, REG_f64, expr_at_least(e, 0, x)));
  return expr_at_most(e, first_value(r->dtype, INFINITY), expr_to(wide, REG_i64, x));
}

static void visit(void *user, const Spot *s) {
  Reduce *r = user;
  Kernel *k = r->lower->kernel;
  Stat result;
  if (rows[r->op->kind].end == END_ROOT && r->type == REG_f32)
    result = scaled_root(r, s);
  else {
    result = fold_with(r, s, rows[r->op->kind].fold, rows[r->op->kind].first, rows[r->op->kind].leaf, "acc");
    result = stat_map(k, s, &result, "result", finish, r);
  }
  for (int v = 0; v < s->vectors; v++) {
    Position at = spot_vector(&r->domain, s, v);
    emit_store(k, r->out, at.at[r->out_array], result.reg[v]);
  }
}

void lower_reduce(Lower *lower) {
  const Op *op = op_at(lower->graph, lower->ops[0]);
  const Type *t = type_of(lower->graph, op->operands[0]);
  if (!type_elements(type_of(lower->graph, op->first_result))) return;
  lower_kernel(lower);
  Reduce r = {.lower = lower, .op = op, .dtype = t->dtype, .domain = domain_new(t, axes_mask(op->attrs.axes))};
  r.type = dtype_is_float(t->dtype) ? reg_type_of(t->dtype) : REG_i64;
  r.in = lower_in(lower, op->operands[0]);
  r.out = lower_out(lower, op->first_result);
  r.in_array = domain_add_broadcast(&r.domain, t);
  r.out_array = domain_add_part(&r.domain, false);
  domain_merge(&r.domain);
  /* across the lanes there are sums and maxima only */
  bool product = rows[op->kind].fold == FOLD_PROD && domain_has_rows(&r.domain);
  r.has_vectors = target_has_vectors(lower->target, t->dtype) && !product;
  domain_visit(lower, &r.domain, r.has_vectors, FOLD_VECTORS, visit, &r);
}
