/* Family grn: y = x + (gamma (x n) + beta) = x (1 + gamma n) + beta, n = g / (mean of g + eps), g the l2 norm of x
 * over axes.
 *
 *   kernel 1   sums of squares, t0: one for each kept place and each of `parts` shares of the first reduced axis
 *   kernel 2   (where parts > 1) sums over the shares, in their order
 *              both end in the root: t1 [kept axes], g
 *   kernel 3   mean over the channels and 1 + gamma n: t2 [kept axes]
 *   kernel 4   y
 *
 * The shares make tasks out of one image. Their number is a divisor of the axis' size, so that all are alike, and
 * follows from shapes alone. x is multiplied by s = 2^-12 (math_square_scale) before it is squared: |x| up to 1e18 does
 * not overflow. g is then s times its value, and s eps is what is added to its mean. */
#include "backend/lower_fold.h"
#include "backend/lower_math.h"

typedef struct {
  Lower *lower;
  const Op *op;
  const Type *type; /* of x */
  RegType reg_type;
  bool has_vectors;
  unsigned reduced, channel; /* masks of axes */
  int64_t kept;              /* elements of g */
  int64_t parts;
  /* the open kernel */
  Domain domain;
  ParamId in, out, affine;
  bool has_affine, root;
  int in_array, out_array, affine_array;
  Stat factor;
} Grn;

static RegId load(Grn *g, ParamId p, const Position *at, int array, int lanes, const char *name) {
  Kernel *k = g->lower->kernel;
  RegId r = kernel_reg(k, g->reg_type, lanes, "%s", name);
  bool moves = g->domain.count && g->domain.axis[g->domain.count - 1].stride[array];
  if (lanes > 1 && !moves)
    emit_loads(k, r, p, at->at[array]);
  else
    emit_load(k, r, p, at->at[array]);
  return r;
}

static ParamId temp(Grn *g, int number) {
  int64_t elements = number == 0 ? g->kept * g->parts : g->kept;
  return lower_temp(g->lower, number, (DType)g->type->dtype, elements);
}

static Stat sum_of(Grn *g, const Spot *s, RegId (*leaf)(Fold *, const Position *, int, int)) {
  Fold f = {.lower = g->lower, .domain = &g->domain, .op = FOLD_SUM, .type = g->reg_type, .tag = "sum", .leaf = leaf};
  f.has_vectors = g->has_vectors;
  f.user = g;
  return fold(&f, s);
}

/* ---- kernels 1 and 2: sums ---- */

static RegId square(Fold *f, const Position *at, int lanes, int v) {
  Grn *g = f->user;
  (void)v;
  RegId x = load(g, g->in, at, g->in_array, lanes, "x");
  Expr e = expr_like(f->lower->kernel, x, "x");
  x = expr_op2(e, LOP_mul, x, expr_lit(e, math_square_scale));
  return expr_op2(e, LOP_mul, x, x);
}

static RegId partial(Fold *f, const Position *at, int lanes, int v) {
  Grn *g = f->user;
  (void)v;
  return load(g, g->in, at, g->in_array, lanes, "part");
}

static void store_sums(Grn *g, const Spot *s, const Stat *sum) {
  for (int v = 0; v < s->vectors; v++) {
    Kernel *k = g->lower->kernel;
    RegId r = sum->reg[v];
    if (g->root) r = expr_op1(expr_like(k, r, "root"), LOP_sqrt, r);
    emit_store(k, g->out, spot_vector(&g->domain, s, v).at[g->out_array], r);
  }
}

static void visit_squares(void *user, const Spot *s) {
  Stat sum = sum_of(user, s, square);
  store_sums(user, s, &sum);
}

static void visit_parts(void *user, const Spot *s) {
  Stat sum = sum_of(user, s, partial);
  store_sums(user, s, &sum);
}

/* How many shares: as many as there are tasks in the data, where that divides `size`. */
static int64_t part_count(int64_t size, int64_t elements) {
  int64_t n = elements / TASK_ELEMENTS;
  if (n > size) n = size;
  while (n > 1 && size % n) n--;
  return n > 1 ? n : 1;
}

/* Splits the first reduced axis into shares (outermost in t0) and what each sums up. */
static void split_axis(Grn *g) {
  Domain *d = &g->domain;
  g->parts = 1;
  int a = 0;
  while (a < d->count && !d->axis[a].reduced) a++;
  if (domain_has_rows(d) || a == d->count || d->count == MAX_RANK) return;
  g->parts = part_count(d->axis[a].size, type_elements(g->type));
  if (g->parts == 1) return;
  for (int i = d->count++; i > a; i--) d->axis[i] = d->axis[i - 1];
  Axis *share = &d->axis[a], *rest = &d->axis[a + 1];
  rest->size /= g->parts;
  share->size = g->parts;
  share->reduced = false;
  share->stride[g->in_array] *= rest->size;
  share->stride[g->out_array] = g->kept;
}

static void sum_squares(Grn *g) {
  lower_kernel(g->lower);
  g->domain = domain_new(g->type, g->reduced);
  g->in_array = domain_add_broadcast(&g->domain, g->type);
  g->out_array = domain_add_part(&g->domain, false);
  domain_merge(&g->domain);
  split_axis(g);
  g->root = g->parts == 1;
  g->in = lower_in(g->lower, g->op->operands[0]);
  g->out = temp(g, g->root ? 1 : 0);
  domain_visit(g->lower, &g->domain, g->has_vectors, FOLD_VECTORS, visit_squares, g);
}

static void sum_parts(Grn *g) {
  if (g->parts == 1) return;
  lower_kernel(g->lower);
  Type t = type_make((DType)g->type->dtype, 2, (Dim[]){g->parts, g->kept});
  g->domain = domain_new(&t, 1);
  g->in_array = domain_add_broadcast(&g->domain, &t);
  g->out_array = domain_add_part(&g->domain, false);
  domain_merge(&g->domain);
  g->root = true;
  g->in = temp(g, 0);
  g->out = temp(g, 1);
  domain_visit(g->lower, &g->domain, g->has_vectors, FOLD_VECTORS, visit_parts, g);
}

/* ---- kernel 3: 1 + gamma n ---- */

/* 1 / (mean + s eps) */
static RegId factor_of_sum(Expr e, void *user, RegId sum) {
  const Grn *g = user;
  RegId mean = expr_op2(e, LOP_div, sum, expr_lit(e, (double)domain_size(&g->domain, true)));
  RegId below = expr_op2(e, LOP_add, mean, expr_lit(e, math_square_scale * g->op->attrs.eps));
  return expr_op2(e, LOP_div, expr_lit(e, 1), below);
}

static void store_scale(void *user, const Position *at, int lanes, int v) {
  Grn *g = user;
  RegId r = load(g, g->in, at, g->in_array, lanes, "g");
  Expr e = expr_like(g->lower->kernel, r, "scale");
  r = expr_op2(e, LOP_mul, r, stat_at(&g->factor, lanes, v));
  if (g->has_affine) r = expr_op2(e, LOP_mul, r, load(g, g->affine, at, g->affine_array, lanes, "gamma"));
  emit_store(e.kernel, g->out, at->at[g->in_array], expr_op2(e, LOP_add, r, expr_lit(e, 1)));
}

static void visit_scales(void *user, const Spot *s) {
  Grn *g = user;
  Stat sum = sum_of(g, s, partial);
  g->factor = stat_map(g->lower->kernel, s, &sum, "factor", factor_of_sum, g);
  stat_widen(g->lower, g->has_vectors, s, &g->factor);
  fold_each(g->lower, &g->domain, g->has_vectors, s, store_scale, g);
}

static void open_affine(Grn *g, uint32_t operand) {
  g->has_affine = g->op->operand_count > operand && g->op->operands[operand];
  if (g->has_affine) g->affine = lower_in(g->lower, g->op->operands[operand]);
}

/* Axes of x that are not reduced, and which of them is the channel. */
static void make_scales(Grn *g) {
  lower_kernel(g->lower);
  Type t = {.dtype = g->type->dtype};
  unsigned channel = 0;
  for (int i = 0; i < g->type->rank; i++) {
    if (g->reduced >> i & 1) continue;
    if (g->channel >> i & 1) channel = 1u << t.rank;
    t.dim[t.rank++] = g->type->dim[i];
  }
  g->domain = domain_new(&t, channel);
  g->in_array = domain_add_broadcast(&g->domain, &t);
  g->affine_array = domain_add_part(&g->domain, true);
  domain_merge(&g->domain);
  g->in = temp(g, 1);
  open_affine(g, 1);
  g->out = temp(g, 2);
  domain_visit(g->lower, &g->domain, g->has_vectors, FOLD_VECTORS, visit_scales, g);
}

/* ---- kernel 4 ---- */

static void visit_results(void *user, const Spot *s) {
  Grn *g = user;
  Kernel *k = g->lower->kernel;
  RegId x = load(g, g->in, &s->at, 0, s->lanes, "x");
  RegId scale = load(g, temp(g, 2), &s->at, 1, s->lanes, "scale");
  Expr e = expr_like(k, x, "y");
  RegId y = g->has_affine ? expr_fma(e, x, scale, load(g, g->affine, &s->at, 2, s->lanes, "beta"))
                          : expr_op2(e, LOP_mul, x, scale);
  emit_store(k, g->out, s->at.at[0], y);
}

static void apply(Grn *g) {
  int64_t strides[MAX_RANK];
  lower_kernel(g->lower);
  g->domain = domain_new(g->type, 0);
  domain_add_broadcast(&g->domain, g->type);
  part_strides(g->type, ~g->reduced, strides);
  domain_add_strides(&g->domain, strides);
  part_strides(g->type, g->channel, strides);
  domain_add_strides(&g->domain, strides);
  domain_merge(&g->domain);
  g->in = lower_in(g->lower, g->op->operands[0]);
  temp(g, 2);
  open_affine(g, 2);
  g->out = lower_out(g->lower, g->op->first_result);
  domain_visit(g->lower, &g->domain, g->has_vectors, 1, visit_results, g);
}

void lower_grn(Lower *lower) {
  const Op *op = op_at(lower->graph, lower->ops[0]);
  const Type *t = type_of(lower->graph, op->first_result);
  if (!type_elements(t)) return;
  Grn g = {.lower = lower, .op = op, .type = t, .reg_type = reg_type_of(t->dtype)};
  g.has_vectors = target_has_vectors(lower->target, t->dtype);
  g.reduced = axes_mask(op->attrs.axes);
  g.channel = 1u << op->attrs.axis;
  g.kept = 1;
  for (int i = 0; i < t->rank; i++)
    if (!(g.reduced >> i & 1)) g.kept *= t->dim[i];
  sum_squares(&g);
  sum_parts(&g);
  make_scales(&g);
  apply(&g);
}
