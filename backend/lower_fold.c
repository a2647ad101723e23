/* Reductions over the reduced axes of a domain; see lower_fold.h. */
#include "backend/lower_fold.h"

enum { RADIX = 32, MAX_LOOPS = MAX_RANK };

/* Iterations of a loop: position start + i * step along an axis of the domain. */
typedef struct {
  int axis;
  int64_t start, count, step;
} Steps;

/* What is reduced at once: `vectors` registers of `lanes`, over nested loops. */
typedef struct {
  Steps loop[MAX_LOOPS];
  int count;
  int lanes, vectors;
} Part;

/* ---- parts ---- */

/* The reduced axes but for a row's innermost. */
static Part outer_part(const Domain *d, int lanes, int vectors) {
  Part p = {.lanes = lanes, .vectors = vectors};
  for (int a = 0; a < d->count - domain_has_rows(d); a++)
    if (d->axis[a].reduced) p.loop[p.count++] = (Steps){a, 0, d->axis[a].size, 1};
  return p;
}

/* A row: blocks of FOLD_VECTORS vectors, single vectors, single elements. */
static int row_parts(Lower *lower, const Domain *d, bool has_vectors, Part *out) {
  if (!d->count) return out[0] = outer_part(d, 1, 1), 1;
  int lanes = has_vectors ? lower->target->lanes : 1, n = 0;
  int64_t size = d->axis[d->count - 1].size, done = 0;
  int widths[3][2] = {{lanes, FOLD_VECTORS}, {lanes, 1}, {1, 1}};
  for (int i = 0; i < 3; i++) {
    int64_t step = (int64_t)widths[i][0] * widths[i][1], count = (size - done) / step;
    if (!count || (i == 0 && count < 2)) continue;
    Part p = outer_part(d, widths[i][0], widths[i][1]);
    p.loop[p.count++] = (Steps){d->count - 1, done, count, step};
    done += count * step;
    out[n++] = p;
  }
  return n;
}

static int spot_parts(Lower *lower, const Domain *d, bool has_vectors, const Spot *s, Part *out) {
  if (s->row) return row_parts(lower, d, has_vectors, out);
  out[0] = outer_part(d, s->lanes, s->vectors);
  return 1;
}

/* ---- accumulators ---- */

static Expr part_expr(const Fold *f, const Part *p) { return expr_new(f->lower->kernel, f->type, p->lanes, f->tag); }

static void start(const Fold *f, const Part *p, RegId *acc) {
  Expr e = part_expr(f, p);
  for (int v = 0; v < p->vectors; v++) acc[v] = expr_op1(e, LOP_mov, expr_lit(e, f->first));
}

static const LoopOp fold_ops[] = {
    [FOLD_SUM] = LOP_add, [FOLD_PROD] = LOP_mul, [FOLD_MAX] = LOP_max, [FOLD_MIN] = LOP_min};

/* acc = acc op x. max and min give x where it is a NaN; where acc is one, it stays if that is asked for. */
static void combine(const Fold *f, RegId acc, RegId x) {
  Kernel *k = f->lower->kernel;
  LoopOp op = fold_ops[f->op];
  if (!f->keep_nan || f->type == REG_i64 || f->op < FOLD_MAX) {
    emit_op(k, op, acc, acc, x, 0);
    return;
  }
  Expr e = expr_like(k, acc, f->tag);
  RegId number = expr_mask(e, LOP_eq, acc, acc);
  emit_op(k, LOP_select, acc, number, expr_op2(e, op, acc, x), acc);
}

/* ---- loops ---- */

static void fold_loops(Fold *f, const Part *part, int depth, const Position *p, RegId *acc);

static void fold_leaves(Fold *f, const Part *part, const Position *p, RegId *acc) {
  Spot spot = {*p, part->lanes, part->vectors, false};
  for (int v = 0; v < part->vectors; v++) {
    Position at = spot_vector(f->domain, &spot, v);
    combine(f, acc[v], f->leaf(f, &at, part->lanes, v));
  }
}

static Position step_position(const Fold *f, const Steps *s, const Position *p, Affine i) {
  return position_add(f->domain, *p, s->axis, affine_plus(affine_scale(i, s->step), s->start));
}

/* One iteration's share: a loop inside has accumulators of its own, so that every sum stays short. */
static void fold_inside(Fold *f, const Part *part, int depth, const Position *p, RegId *acc) {
  RegId own[FOLD_VECTORS];
  bool apart = f->op == FOLD_SUM && depth < part->count;
  if (apart) start(f, part, own);
  fold_loops(f, part, depth, p, apart ? own : acc);
  for (int v = 0; apart && v < part->vectors; v++) combine(f, acc[v], own[v]);
}

/* Iterations of one loop below a block of RADIX^level of them: blocks of the next smaller size. */
static void fold_block(Fold *f, const Part *part, int depth, int64_t unit, Affine first, const Position *p,
                       RegId *acc) {
  Kernel *k = f->lower->kernel;
  const Steps *s = &part->loop[depth];
  int64_t units = (s->count + unit - 1) / unit;
  bool top = unit * RADIX >= s->count;
  Bound low[2] = {bound(first), bound_none()};
  Bound high[2] = {bound(top ? affine(units) : affine_plus(first, RADIX)), top ? bound_none() : bound(affine(units))};
  Affine i = affine_var(emit_for_bounds(k, LOP_for, unit == 1 ? "r" : "block", low, high, 1), 1);
  if (unit == 1) {
    Position inner = step_position(f, s, p, i);
    fold_inside(f, part, depth + 1, &inner, acc);
  } else {
    RegId own[FOLD_VECTORS];
    start(f, part, own);
    fold_block(f, part, depth, unit / RADIX, affine_scale(i, RADIX), p, own);
    for (int v = 0; v < part->vectors; v++) combine(f, acc[v], own[v]);
  }
  emit_end(k);
}

static void fold_loops(Fold *f, const Part *part, int depth, const Position *p, RegId *acc) {
  if (depth == part->count) {
    fold_leaves(f, part, p, acc);
    return;
  }
  const Steps *s = &part->loop[depth];
  if (s->count == 0) return;
  if (s->count == 1) {
    Position inner = step_position(f, s, p, affine(0));
    fold_loops(f, part, depth + 1, &inner, acc);
    return;
  }
  int64_t unit = 1;
  while (f->op == FOLD_SUM && unit * RADIX < s->count) unit *= RADIX;
  if (f->op == FOLD_SUM) {
    fold_block(f, part, depth, unit, affine(0), p, acc);
    return;
  }
  Task loop = loop_open(f->lower->kernel, "r", s->count);
  Position inner = step_position(f, s, p, loop.item);
  fold_loops(f, part, depth + 1, &inner, acc);
  task_close(f->lower->kernel, loop);
}

/* ---- results ---- */

/* The lanes of one register to a scalar. min(a, b) = -max(-a, -b). A NaN that must stay is carried by a sum: of the
 * lanes that are one, and of zeros. */
static RegId horizontal(const Fold *f, RegId wide) {
  Kernel *k = f->lower->kernel;
  Expr e = expr_like(k, wide, f->tag), scalar = expr_new(k, f->type, 1, f->tag);
  if (e.lanes == 1) return wide;
  if (f->op == FOLD_SUM) return expr_op1(scalar, LOP_hsum, wide);
  if (f->op == FOLD_PROD) die("no horizontal product");
  bool min = f->op == FOLD_MIN;
  RegId r = expr_op1(scalar, LOP_hmax, min ? expr_op1(e, LOP_neg, wide) : wide);
  if (min) r = expr_op1(scalar, LOP_neg, r);
  if (!f->keep_nan) return r;
  RegId rest = expr_select(e, expr_mask(e, LOP_eq, wide, wide), expr_lit(e, 0), wide);
  return expr_op2(scalar, LOP_add, r, expr_op1(scalar, LOP_hsum, rest));
}

/* Accumulators of a part into acc[0], in pairs. */
static RegId merge(const Fold *f, const Part *p, RegId *acc) {
  for (int half = p->vectors / 2; half; half /= 2)
    for (int v = 0; v < half; v++) combine(f, acc[v], acc[v + half]);
  return acc[0];
}

static Stat fold_row(Fold *f, const Spot *s) {
  Part parts[3];
  int n = row_parts(f->lower, f->domain, f->has_vectors, parts);
  Stat total = {.row = true};
  for (int i = 0; i < n; i++) {
    RegId acc[FOLD_VECTORS];
    start(f, &parts[i], acc);
    fold_loops(f, &parts[i], 0, &s->at, acc);
    RegId part = horizontal(f, merge(f, &parts[i], acc));
    if (total.reg[0])
      combine(f, total.reg[0], part);
    else
      total.reg[0] = part;
  }
  if (!n) start(f, &(Part){.lanes = 1, .vectors = 1}, total.reg);
  return total;
}

Stat fold(Fold *f, const Spot *s) {
  if (s->row) return fold_row(f, s);
  Stat total = {0};
  Part part = outer_part(f->domain, s->lanes, s->vectors);
  start(f, &part, total.reg);
  fold_loops(f, &part, 0, &s->at, total.reg);
  return total;
}

RegId stat_at(const Stat *s, int lanes, int v) {
  if (!s->row) return s->reg[v];
  return lanes > 1 ? s->wide : s->reg[0];
}

void stat_widen(Lower *lower, bool has_vectors, const Spot *spot, Stat *s) {
  Kernel *k = lower->kernel;
  if (!spot->row || !has_vectors || lower->target->lanes == 1) return;
  const Reg *r = &k->regs[s->reg[0]];
  Expr e = expr_new(k, r->type, lower->target->lanes, arena_printf(k->arena, "%s_all", r->name));
  s->wide = expr_op1(e, LOP_splat, s->reg[0]);
}

Stat stat_map(Kernel *k, const Spot *spot, const Stat *s, const char *tag, StatMap *map, void *user) {
  Stat r = {.row = spot->row};
  for (int v = 0; v < spot->vectors; v++) r.reg[v] = map(expr_like(k, s->reg[v], tag), user, s->reg[v]);
  return r;
}

void fold_each(Lower *lower, const Domain *d, bool has_vectors, const Spot *s, Each *each, void *user) {
  Part parts[3];
  int n = spot_parts(lower, d, has_vectors, s, parts);
  for (int i = 0; i < n; i++) {
    const Part *part = &parts[i];
    Spot inner = {s->at, part->lanes, part->vectors, false};
    Task open[MAX_LOOPS];
    for (int a = 0; a < part->count; a++) {
      const Steps *steps = &part->loop[a];
      open[a] = loop_open(lower->kernel, "e", steps->count);
      inner.at =
          position_add(d, inner.at, steps->axis, affine_plus(affine_scale(open[a].item, steps->step), steps->start));
    }
    for (int v = 0; v < part->vectors; v++) {
      Position at = spot_vector(d, &inner, v);
      each(user, &at, part->lanes, v);
    }
    for (int a = part->count; a-- > 0;) task_close(lower->kernel, open[a]);
  }
}
