/* mlp with grn: h = act(x W1 + b1); g[c] = root of the sum over rows of h[., c]^2; n = g / (mean of g + eps);
 * y = (h (1 + gamma n) + beta) W2 + b2. beta is in b2 already (rule grn_shift_into_gemm).
 *
 *   1. h to temporary 0, each task's sums of squares per column to its own row of temporary 1
 *   2. the rows added in task order; scale s = 1 + gamma n to temporary 2
 *   3. whichever is smaller is scaled: W2's rows (more rows of h than columns of y) to temporary 3, or h in place
 *   4. the second product
 * By Strassen's products (lower_strassen.c) h is scaled as the sums of its quarters are taken: 3 is a part of 4.
 * Squares are of values times 2^-12 (math_square_scale): nothing overflows for |h| <= 1e18. */
#include "backend/lower_math.h"
#include "backend/lower_mlp.h"
#include "backend/lower_rows.h"
#include "backend/lower_strassen.h"
#include "backend/tiles.h"

enum { HIDDEN, SQUARES, SCALE, WEIGHTS, SUMS_OF_X, SUMS_OF_H }; /* temporaries */

typedef struct {
  const Mlp *m;
  Lower *lw;
  int64_t tasks;
  ParamId squares, scale, gamma, hidden, from, to;
  RegId sum, sum1; /* of g, in vectors and what is left */
  RegId mean;      /* scalar: mean of g + eps */
  Affine at;
} Grn;

static RegId reg(const Grn *g, int lanes, const char *name) {
  return kernel_reg(g->lw->kernel, REG_f32, lanes, "%s", name);
}

/* scale[c] = g[c]: root of the tasks' sums */
static void emit_root(void *user, Affine at, int lanes) {
  Grn *g = user;
  Kernel *k = g->lw->kernel;
  RegId s = reg(g, lanes, "s"), v = reg(g, lanes, "v");
  emit_const(k, s, 0);
  VarId task = emit_for(k, LOP_for, "t", 0, g->tasks, 1);
  emit_load(k, v, g->squares, affine_add(affine_var(task, g->m->hidden), at));
  emit_op(k, LOP_add, s, s, v, 0);
  emit_end(k);
  emit_op(k, LOP_sqrt, s, s, 0, 0);
  emit_const(k, v, 1 / math_square_scale);
  emit_op(k, LOP_mul, s, s, v, 0);
  emit_store(k, g->scale, at, s);
  RegId sum = lanes == 1 ? g->sum1 : lanes == g->lw->target->lanes ? g->sum : 0;
  if (sum) {
    emit_op(k, LOP_add, sum, sum, s, 0);
    return;
  }
  RegId part = reg(g, 1, "part"); /* a piece narrower than a vector */
  emit_op(k, LOP_hsum, part, s, 0, 0);
  emit_op(k, LOP_add, g->sum1, g->sum1, part, 0);
}

/* scale[c] = 1 + gamma[c] g[c] / (mean + eps) */
static void emit_scale(void *user, Affine at, int lanes) {
  Grn *g = user;
  Kernel *k = g->lw->kernel;
  RegId s = reg(g, lanes, "s"), gamma = reg(g, lanes, "gamma"), one = reg(g, lanes, "one"), mean = g->mean;
  emit_load(k, s, g->scale, at);
  if (lanes > 1) {
    mean = reg(g, lanes, "meanv");
    emit_op(k, LOP_splat, mean, g->mean, 0, 0);
  }
  emit_op(k, LOP_div, s, s, mean, 0);
  if (g->m->grn->operand_count > 1 && g->m->grn->operands[1]) {
    emit_load(k, gamma, g->gamma, at);
    emit_op(k, LOP_mul, s, s, gamma, 0);
  }
  emit_const(k, one, 1);
  emit_op(k, LOP_add, s, s, one, 0);
  emit_store(k, g->scale, at, s);
}

static void scale_kernel(Grn *g) {
  Kernel *k = lower_kernel(g->lw);
  int64_t hidden = g->m->hidden;
  int lanes = g->lw->target->lanes;
  g->squares = lower_temp(g->lw, SQUARES, DT_f32, g->tasks * hidden);
  g->scale = lower_temp(g->lw, SCALE, DT_f32, hidden);
  if (g->m->grn->operand_count > 1 && g->m->grn->operands[1]) g->gamma = lower_in(g->lw, g->m->grn->operands[1]);
  emit_for(k, LOP_pfor, "all", 0, 1, 1);
  g->sum = reg(g, lanes, "sum");
  g->sum1 = lanes == 1 ? g->sum : reg(g, 1, "sum1");
  emit_const(k, g->sum, 0);
  if (lanes > 1) emit_const(k, g->sum1, 0);
  emit_vectors(g->lw, hidden, emit_root, g);
  g->mean = reg(g, 1, "mean");
  RegId c = reg(g, 1, "c");
  if (lanes > 1) {
    emit_op(k, LOP_hsum, g->mean, g->sum, 0, 0);
    emit_op(k, LOP_add, g->mean, g->mean, g->sum1, 0);
  } else
    emit_op(k, LOP_mov, g->mean, g->sum, 0, 0);
  emit_const(k, c, (double)hidden);
  emit_op(k, LOP_div, g->mean, g->mean, c, 0);
  emit_const(k, c, g->m->grn->attrs.eps);
  emit_op(k, LOP_add, g->mean, g->mean, c, 0);
  emit_vectors(g->lw, hidden, emit_scale, g);
  emit_end(k);
}

/* h[row, c] *= scale[c] */
static void emit_scaled_h(void *user, Affine at, int lanes) {
  Grn *g = user;
  Kernel *k = g->lw->kernel;
  RegId h = reg(g, lanes, "h"), s = reg(g, lanes, "s");
  emit_load(k, h, g->hidden, affine_add(g->at, at));
  emit_load(k, s, g->scale, at);
  emit_op(k, LOP_mul, h, h, s, 0);
  emit_store(k, g->hidden, affine_add(g->at, at), h);
}

static void scale_rows(Grn *g) {
  Kernel *k = lower_kernel(g->lw);
  g->hidden = lower_temp(g->lw, HIDDEN, DT_f32, g->m->rows * g->m->hidden);
  g->scale = lower_temp(g->lw, SCALE, DT_f32, g->m->hidden);
  g->at = affine_var(emit_for(k, LOP_pfor, "row", 0, g->m->rows, 1), g->m->hidden);
  emit_vectors(g->lw, g->m->hidden, emit_scaled_h, g);
  emit_end(k);
}

static int64_t packed_size(const Grn *g) { return (g->m->columns + PANEL - 1) / PANEL * PANEL * g->m->hidden; }

/* to[panel, k, .] = from[panel, k, .] * scale[k] */
static void scale_weights(Grn *g) {
  Kernel *k = lower_kernel(g->lw);
  int lanes = g->lw->target->lanes;
  g->from = lower_in(g->lw, g->m->second->operands[1]);
  g->scale = lower_temp(g->lw, SCALE, DT_f32, g->m->hidden);
  g->to = lower_temp(g->lw, WEIGHTS, DT_f32, packed_size(g));
  VarId panel = emit_for(k, LOP_pfor, "p", 0, packed_size(g) / (PANEL * g->m->hidden), 1);
  VarId row = emit_for(k, LOP_for, "k", 0, g->m->hidden, 1);
  RegId s = reg(g, lanes, "s"), w = reg(g, lanes, "w");
  Affine at = affine_add(affine_var(panel, PANEL * g->m->hidden), affine_var(row, PANEL));
  emit_loads(k, s, g->scale, affine_var(row, 1));
  for (int i = 0; i < PANEL; i += lanes) {
    emit_load(k, w, g->from, affine_plus(at, i));
    emit_op(k, LOP_mul, w, w, s, 0);
    emit_store(k, g->to, affine_plus(at, i), w);
  }
  emit_end(k);
  emit_end(k);
}

static void hidden_kernel(Grn *g) {
  const Mlp *m = g->m;
  lower_kernel(g->lw);
  ParamId x = lower_in(g->lw, m->first->operands[0]);
  TileKernel tk = tile_kernel(g->lw, m->first, x, lower_temp(g->lw, HIDDEN, DT_f32, m->rows * m->hidden));
  tk.epilogue = m->act;
  tk.epilogue_count = m->act_count;
  tk.sums_squares = true;
  tk.squares = lower_temp(g->lw, SQUARES, DT_f32, g->tasks * m->hidden);
  mlp_emit_product(&tk, m->rows);
}

static void second_kernel(Grn *g, bool scaled_weights) {
  const Mlp *m = g->m;
  Lower *lw = g->lw;
  lower_kernel(lw);
  ParamId hidden = lower_temp(lw, HIDDEN, DT_f32, m->rows * m->hidden);
  ParamId w = scaled_weights ? lower_temp(lw, WEIGHTS, DT_f32, packed_size(g)) : lower_in(lw, m->second->operands[1]);
  TileKernel tk = tile_kernel_with(lw, m->second, hidden, w, lower_out(lw, m->y));
  tk.epilogue = m->tail;
  tk.epilogue_count = m->tail_count;
  mlp_emit_product(&tk, m->rows);
}

static void hidden_by_strassen(const Grn *g) {
  const Mlp *m = g->m;
  StrassenGemm s = strassen_gemm(m->first);
  s.epilogue = m->act;
  s.epilogue_count = m->act_count;
  s.y_temp = HIDDEN;
  s.squares_temp = SQUARES;
  s.squares_rows = g->tasks;
  s.sums_temp = SUMS_OF_X;
  lower_strassen_gemm(g->lw, m->rows, &s);
}

static void second_by_strassen(const Grn *g) {
  const Mlp *m = g->m;
  StrassenGemm s = strassen_gemm(m->second);
  s.epilogue = m->tail;
  s.epilogue_count = m->tail_count;
  s.x_temp = HIDDEN;
  s.scale_temp = SCALE;
  s.y = m->y;
  s.sums_temp = SUMS_OF_H;
  lower_strassen_gemm(g->lw, m->rows, &s);
}

/* Tasks that each add up their own sums of squares. */
static int64_t task_count(const Mlp *m, const Target *t) {
  if (m->first->attrs.strassen) return strassen_shares(t, m->rows, m->hidden);
  return product_by_rows(m->rows) ? row_block_count(t, m->rows, BLOCK_TILES) : 1;
}

/* The most of all targets, each with the tile of the open group: places are the same on all. */
static int64_t most_tasks(const Mlp *m) {
  int64_t most = 0;
  for (int i = 0; i < target_count; i++) {
    const Target t = target_for_group(m->first, &targets[i]);
    const int64_t n = task_count(m, &t);
    if (n > most) most = n;
  }
  return most;
}

void lower_mlp_grn(const Mlp *m) {
  Grn g = {.m = m, .lw = m->lw, .tasks = task_count(m, m->lw->target)};
  const bool strassen = m->first->attrs.strassen, scaled_weights = m->rows > m->columns;
  lower_reserve_temp(m->lw, SQUARES, DT_f32, m->hidden * most_tasks(m));
  if (strassen)
    hidden_by_strassen(&g);
  else
    hidden_kernel(&g);
  scale_kernel(&g);
  if (strassen) {
    second_by_strassen(&g);
    return;
  }
  if (scaled_weights)
    scale_weights(&g);
  else
    scale_rows(&g);
  second_kernel(&g, scaled_weights);
}
