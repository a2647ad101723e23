/* Layernorm of contiguous rows of C elements, in three passes over each:
 *   m = (sum of x) / C
 *   r = (sum of x - m) / C, v = s^2 (sum of (x - m)^2) / C - (s r)^2     r: what rounding m left, so nothing cancels
 *   y = (x - m - r) s / sqrt(v + s^2 eps) scale + bias
 * s = 2^-12 (math_square_scale): squares of |x| <= 1e18 do not overflow.
 *
 * A row's passes wait for each other through sums over lanes, a root and quotients, some 150 cycles for 30 of work
 * where C is small. So rows go by blocks that fit in L1, each pass over all rows of a block, and what a row's passes
 * tell each other is in scratch. */
#include "backend/lower_layernorm.h"
#include "backend/lower_math.h"
#include <string.h>

enum { ACCUMULATORS = 4 };

typedef struct {
  Lower *lw;
  ParamId x, y;
  Affine x_at, y_at;
  int64_t count;                                 /* C */
  int lanes;                                     /* of its vectors */
  RegId mean, rest, gain;                        /* in full vectors */
  RegId mean1, rest1, gain1;                     /* scalars */
  RegId sum[ACCUMULATORS], square[ACCUMULATORS]; /* vectors */
  RegId sum1, square1;                           /* scalars: what is left of the row */
  ParamId affine[2];
  bool has_affine[2];
} Row;

static RegId reg(const Row *r, int lanes, const char *name) {
  return kernel_reg(r->lw->kernel, REG_f32, lanes, "%s", name);
}

/* What a pass does with the elements at `at`; `which` of the accumulators it may use. */
typedef void (*Visit)(Row *, Affine at, int lanes, int which);

static void visit_row(Row *r, Visit visit) {
  Kernel *k = r->lw->kernel;
  int lanes = r->lanes;
  int64_t done = r->count / (lanes * ACCUMULATORS) * (lanes * ACCUMULATORS);
  if (done) {
    VarId c = emit_for(k, LOP_for, "c", 0, done, lanes * ACCUMULATORS);
    for (int i = 0; i < ACCUMULATORS; i++) visit(r, affine_plus(affine_var(c, 1), i * lanes), lanes, i);
    emit_end(k);
  }
  for (; done + lanes <= r->count; done += lanes) visit(r, affine(done), lanes, 0);
  if (done < r->count) {
    VarId c = emit_for(k, LOP_for, "c", done, r->count, 1);
    visit(r, affine_var(c, 1), 1, 0);
    emit_end(k);
  }
}

static RegId load_x(Row *r, Affine at, int lanes) {
  RegId x = reg(r, lanes, "x");
  emit_load(r->lw->kernel, x, r->x, affine_add(r->x_at, at));
  return x;
}

static RegId *sum_of(Row *r, int lanes, int which) { return lanes == 1 ? &r->sum1 : &r->sum[which]; }
static RegId *square_of(Row *r, int lanes, int which) { return lanes == 1 ? &r->square1 : &r->square[which]; }

static void add_x(Row *r, Affine at, int lanes, int which) {
  RegId sum = *sum_of(r, lanes, which);
  emit_op(r->lw->kernel, LOP_add, sum, sum, load_x(r, at, lanes), 0);
}

static RegId centred(Row *r, Affine at, int lanes) {
  RegId d = reg(r, lanes, "d");
  emit_op(r->lw->kernel, LOP_sub, d, load_x(r, at, lanes), lanes == 1 ? r->mean1 : r->mean, 0);
  return d;
}

static RegId scaled(Row *r, RegId d, int lanes) {
  RegId s = reg(r, lanes, "s"), out = reg(r, lanes, "ds");
  emit_const(r->lw->kernel, s, math_square_scale);
  emit_op(r->lw->kernel, LOP_mul, out, d, s, 0);
  return out;
}

static void add_moments(Row *r, Affine at, int lanes, int which) {
  Kernel *k = r->lw->kernel;
  RegId d = centred(r, at, lanes), ds = scaled(r, d, lanes);
  RegId sum = *sum_of(r, lanes, which), square = *square_of(r, lanes, which);
  emit_op(k, LOP_add, sum, sum, d, 0);
  emit_op(k, LOP_fma, square, ds, ds, square);
}

static void write_y(Row *r, Affine at, int lanes, int which) {
  (void)which;
  Kernel *k = r->lw->kernel;
  RegId y = reg(r, lanes, "y"), d = centred(r, at, lanes);
  emit_op(k, LOP_sub, y, d, lanes == 1 ? r->rest1 : r->rest, 0);
  emit_op(k, LOP_mul, y, y, lanes == 1 ? r->gain1 : r->gain, 0);
  for (int i = 0; i < 2; i++) {
    if (!r->has_affine[i]) continue;
    RegId a = reg(r, lanes, i ? "bias" : "scale");
    emit_load(k, a, r->affine[i], at);
    emit_op(k, i ? LOP_add : LOP_mul, y, y, a, 0);
  }
  emit_store(k, r->y, affine_add(r->y_at, at), y);
}

static void clear(Row *r, RegId *sums, RegId *sum1) {
  for (int i = 0; i < ACCUMULATORS; i++) emit_const(r->lw->kernel, sums[i], 0);
  if (*sum1 != sums[0]) emit_const(r->lw->kernel, *sum1, 0);
}

/* Scalar: the accumulators together, over C. */
static RegId mean_of(Row *r, const RegId *sums, RegId sum1, const char *name) {
  Kernel *k = r->lw->kernel;
  int lanes = r->lanes;
  emit_op(k, LOP_add, sums[0], sums[0], sums[1], 0);
  emit_op(k, LOP_add, sums[2], sums[2], sums[3], 0);
  emit_op(k, LOP_add, sums[0], sums[0], sums[2], 0);
  RegId out = reg(r, 1, name), count = reg(r, 1, "count");
  if (lanes == 1)
    emit_op(k, LOP_mov, out, sums[0], 0, 0);
  else {
    emit_op(k, LOP_hsum, out, sums[0], 0, 0);
    emit_op(k, LOP_add, out, out, sum1, 0);
  }
  emit_const(k, count, (double)r->count);
  emit_op(k, LOP_div, out, out, count, 0);
  return out;
}

static RegId widen(Row *r, RegId scalar, const char *name) {
  int lanes = r->lanes;
  if (lanes == 1) return scalar;
  RegId wide = reg(r, lanes, name);
  emit_op(r->lw->kernel, LOP_splat, wide, scalar, 0, 0);
  return wide;
}

/* s / sqrt(v - (s rest)^2 + s^2 eps) */
static RegId gain_of(Row *r, RegId v, double eps) {
  Kernel *k = r->lw->kernel;
  RegId rs = scaled(r, r->rest1, 1), e = reg(r, 1, "eps"), gain = reg(r, 1, "gain");
  emit_op(k, LOP_mul, rs, rs, rs, 0);
  emit_op(k, LOP_sub, v, v, rs, 0);
  emit_const(k, e, eps * math_square_scale * math_square_scale);
  emit_op(k, LOP_add, v, v, e, 0);
  emit_op(k, LOP_sqrt, v, v, 0, 0);
  emit_const(k, e, math_square_scale);
  emit_op(k, LOP_div, gain, e, v, 0);
  return gain;
}

/* Lanes, 4 or more, that cut C into the fewest vectors and scalars. */
static int row_lanes(const Target *t, int64_t count) {
  int best = t->lanes;
  for (int lanes = t->lanes / 2; lanes >= 4; lanes /= 2)
    if (count / lanes + count % lanes < count / best + count % best) best = lanes;
  return best;
}

static Row row_new(Lower *lw, const Op *norm, ParamId x, ParamId y) {
  const Type *t = type_of(lw->graph, norm->first_result);
  Row r = {.lw = lw, .x = x, .y = y, .count = 1};
  for (int i = 0; i < norm->attrs.axes.count; i++) r.count *= t->dim[norm->attrs.axes.at[i]];
  r.lanes = row_lanes(lw->target, r.count);
  for (uint32_t i = 0; i < 2; i++) {
    r.has_affine[i] = norm->operand_count > i + 1 && norm->operands[i + 1];
    if (r.has_affine[i]) r.affine[i] = lower_in(lw, norm->operands[i + 1]);
  }
  for (int i = 0; i < ACCUMULATORS; i++) r.sum[i] = reg(&r, r.lanes, "sum"), r.square[i] = reg(&r, r.lanes, "sq");
  r.sum1 = r.lanes == 1 ? r.sum[0] : reg(&r, 1, "sum1");
  r.square1 = r.lanes == 1 ? r.square[0] : reg(&r, 1, "sq1");
  return r;
}

/* The passes. mean1, or mean1, rest1 and gain1, are theirs to set; wide forms of what is set are the caller's. */
static void pass_mean(Row *r) {
  clear(r, r->sum, &r->sum1);
  visit_row(r, add_x);
  r->mean1 = mean_of(r, r->sum, r->sum1, "mean");
}

static void pass_moments(Row *r, double eps) {
  clear(r, r->sum, &r->sum1);
  clear(r, r->square, &r->square1);
  visit_row(r, add_moments);
  r->rest1 = mean_of(r, r->sum, r->sum1, "rest");
  r->gain1 = gain_of(r, mean_of(r, r->square, r->square1, "var"), eps);
}

void emit_layernorm_row(Lower *lw, const Op *norm, ParamId x, Affine x_at, ParamId y, Affine y_at) {
  Row r = row_new(lw, norm, x, y);
  r.x_at = x_at;
  r.y_at = y_at;
  pass_mean(&r);
  r.mean = widen(&r, r.mean1, "meanv");
  pass_moments(&r, norm->attrs.eps);
  r.rest = widen(&r, r.rest1, "restv");
  r.gain = widen(&r, r.gain1, "gainv");
  visit_row(&r, write_y);
}

/* ---- blocks of rows ---- */
/* A block: turns of the first loop with at most ROWS rows and, but for one turn, ELEMENTS elements. */
enum { ROWS = 16, ELEMENTS = 1024, LOOPS = 3, NOTES = 3, MEAN = 0, REST = 1, GAIN = 2, SCRATCH = 1 };

typedef struct {
  Row row;
  const NormRows *rows;
  int64_t inner, step; /* rows of one turn of the first loop; turns of one block */
  ParamId notes;       /* [NOTES][step inner] */
  Bound low, high[2];
  Affine first; /* first turn of the block */
  Affine note;
} Block;

/* Opens the loops over the block's rows. */
static void open_rows(Block *b) {
  Kernel *k = b->row.lw->kernel;
  const NormRows *rows = b->rows;
  Affine at = affine_var(emit_for_bounds(k, LOP_for, "row", (Bound[2]){b->low, bound_none()}, b->high, 1), 1);
  b->note = affine_add(at, affine_scale(b->first, -1));
  b->row.x_at = affine_add(rows->x_at, affine_scale(at, rows->loop[0].x_step));
  b->row.y_at = affine_add(rows->y_at, affine_scale(at, rows->loop[0].y_step));
  for (int i = 1; i < LOOPS && rows->loop[i].count; i++) {
    at = affine_var(emit_for(k, LOP_for, "inner", 0, rows->loop[i].count, 1), 1);
    b->note = affine_add(affine_scale(b->note, rows->loop[i].count), at);
    b->row.x_at = affine_add(b->row.x_at, affine_scale(at, rows->loop[i].x_step));
    b->row.y_at = affine_add(b->row.y_at, affine_scale(at, rows->loop[i].y_step));
  }
}

static void close_rows(Block *b) {
  for (int i = 0; i < LOOPS && (!i || b->rows->loop[i].count); i++) emit_end(b->row.lw->kernel);
}

static Affine note_at(const Block *b, int which) { return affine_plus(b->note, which * b->step * b->inner); }

static void write_note(Block *b, int which, RegId value) {
  emit_store(b->row.lw->kernel, b->notes, note_at(b, which), value);
}

/* What was written, as a scalar and in a vector. */
static void read_note(Block *b, int which, RegId *scalar, RegId *wide, const char *name) {
  Kernel *k = b->row.lw->kernel;
  *scalar = reg(&b->row, 1, name);
  emit_load(k, *scalar, b->notes, note_at(b, which));
  *wide = *scalar;
  if (b->row.lanes == 1) return;
  *wide = kernel_reg(k, REG_f32, b->row.lanes, "%sv", name);
  emit_loads(k, *wide, b->notes, note_at(b, which));
}

static void emit_block(Block *b, double eps) {
  Row *r = &b->row;
  open_rows(b);
  pass_mean(r);
  write_note(b, MEAN, r->mean1);
  close_rows(b);
  open_rows(b);
  read_note(b, MEAN, &r->mean1, &r->mean, "mean");
  pass_moments(r, eps);
  write_note(b, REST, r->rest1);
  write_note(b, GAIN, r->gain1);
  close_rows(b);
  open_rows(b);
  read_note(b, MEAN, &r->mean1, &r->mean, "mean");
  read_note(b, REST, &r->rest1, &r->rest, "rest");
  read_note(b, GAIN, &r->gain1, &r->gain, "gain");
  visit_row(r, write_y);
  close_rows(b);
}

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

void emit_layernorm_rows(Lower *lw, const Op *norm, const NormRows *rows) {
  Block b = {.row = row_new(lw, norm, rows->x, rows->y), .rows = rows, .inner = 1, .first = affine(0)};
  for (int i = 1; i < LOOPS && rows->loop[i].count; i++) b.inner *= rows->loop[i].count;
  int64_t count = rows->loop[0].count, fit = least(ROWS, ELEMENTS / b.row.count) / b.inner;
  b.step = least(count, fit < 1 ? 1 : fit);
  b.notes = lower_scratch(lw, SCRATCH, DT_f32, NOTES * b.step * b.inner);
  b.low = bound(affine(0));
  b.high[0] = bound(affine(count));
  b.high[1] = bound_none();
  if (b.step == count) {
    emit_block(&b, norm->attrs.eps);
    return;
  }
  VarId block = emit_for(lw->kernel, LOP_for, "block", 0, count, b.step);
  b.first = affine_var(block, 1);
  b.low = bound(b.first);
  b.high[1] = bound(affine_plus(b.first, b.step));
  emit_block(&b, norm->attrs.eps);
  emit_end(lw->kernel);
}
