/* Products y = x W by Strassen's seven products of halves (ir/strassen.h), one level deep: an eighth fewer FMAs.
 *
 * Row r of the upper half of x goes with row r + top of the lower one; an odd number of rows has a last pair without
 * its lower row, which counts as zeros. The sums of x's quarters are written once; then, for each group of columns, the
 * seven products' tiles go into a small buffer (`parts`), and one sweep over it adds up the quarters of the result,
 * with bias and epilogue. What a next product reads leaves this sweep as the sums of its quarters.
 *
 * Many rows: a task is a block of pairs and does all of it. Few: sums, then a task is a group of columns. */
#include "backend/lower_strassen.h"
#include "backend/lower_rows.h"
#include "ir/strassen.h"

enum { QUARTERS = 4, TASK_TILES = 6 };

/* Where the pairs of rows are. */
typedef struct {
  Lower *lw;
  int64_t rows, top; /* of x and y; pairs */
  int64_t block;     /* pairs of buffers [7, block, width], */
  Affine first;      /* which begin with this one */
} Pairs;

typedef struct {
  Pairs *pairs;
  Product product;               /* of one of the seven */
  TileKernel parts;              /* its tiles */
  TileKernel result;             /* y, bias and epilogue */
  int64_t depth, columns, width; /* of halves: K / 2, N / 2; columns of parts */
  bool makes_sums;               /* y is [7, block, columns], for the next product */
  bool sums_squares;             /* as TileKernel's */
  Tile tile;                     /* being finished */
} Strassen;

static Pairs pairs_of(Lower *lw, int64_t rows) {
  const int64_t top = (rows + 1) / 2;
  return (Pairs){.lw = lw, .rows = rows, .top = top, .block = top};
}

static Affine in_buffer(const Pairs *p, Affine row, int64_t width) {
  return affine_scale(affine_add(row, affine_scale(p->first, -1)), width);
}

/* Elements from a row of sums of so many columns to the next: a cache line more than a size whose rows would share a
 * few sets of a first-level cache, where the seven sums of an element and the rows of a tile lie. */
static int64_t sums_pitch(int64_t width) {
  enum { FEW_SETS = 256 };
  return width % FEW_SETS ? width : width + LINE_FLOATS;
}

/* Calls emit in loops over the pairs of a segment, and over the one without a lower row. */
typedef void (*EmitPair)(void *user, Affine row, bool whole);
static void each_pair(const Pairs *p, const RowSegment *s, EmitPair emit, void *user) {
  Kernel *k = p->lw->kernel;
  const int64_t whole = p->rows - p->top;
  for (int turn = 0; turn < (whole < p->top ? 2 : 1); turn++) {
    VarId tile = emit_for_bounds(k, LOP_for, "tile", s->low, s->high, 1);
    const Affine start = affine_plus(affine_var(tile, s->rows), s->first);
    const Bound left = bound(affine_plus(affine_scale(start, -1), whole));
    const Bound low[2] = {bound(affine(0)), turn ? left : bound_none()};
    const Bound high[2] = {bound(affine(s->rows)), !turn && whole < p->top ? left : bound_none()};
    VarId r = emit_for_bounds(k, LOP_for, "r", low, high, 1);
    emit(user, affine_add(start, affine_var(r, 1)), !turn);
    emit_end(k);
    emit_end(k);
  }
}

/* The sum of regs with these coefficients, one of which is 1. */
static RegId weighted_sum(Kernel *k, const signed char *coefficient, int step, const RegId *regs, int count,
                          int lanes) {
  RegId sum = 0;
  for (int sign = 1; sign >= -1; sign -= 2)
    for (int i = 0; i < count; i++) {
      if (coefficient[i * step] != sign) continue;
      RegId left = sum;
      sum = left ? kernel_reg(k, REG_f32, lanes, "sum") : regs[i];
      if (left) emit_op(k, sign < 0 ? LOP_sub : LOP_add, sum, left, regs[i], 0);
    }
  return sum;
}

/* to[p stride + at] = what product p multiplies. */
static void store_sums(Kernel *k, const RegId quarter[QUARTERS], int lanes, ParamId to, Affine at, int64_t stride) {
  for (int p = 0; p < STRASSEN_PRODUCTS; p++) {
    RegId sum = weighted_sum(k, strassen_products[p].x, 1, quarter, QUARTERS, lanes);
    emit_store(k, to, affine_plus(at, p * stride), sum);
  }
}

/* ---- sums of x ---- */

typedef struct {
  Pairs *pairs;
  ParamId x, sums, scale;
  bool scaled; /* column c of x times scale[c] */
  int64_t depth;
  Affine row;
  bool whole;
} SumsOfX;

static void emit_vector_sums(void *user, Affine at, int lanes) {
  const SumsOfX *s = user;
  Kernel *k = s->pairs->lw->kernel;
  RegId quarter[QUARTERS];
  for (int q = 0; q < QUARTERS; q++) {
    quarter[q] = kernel_reg(k, REG_f32, lanes, "x%d", q);
    const Affine row = affine_plus(s->row, q / 2 * s->pairs->top);
    const Affine element = affine_add(affine_plus(affine_scale(row, 2 * s->depth), q % 2 * s->depth), at);
    if (q >= 2 && !s->whole) {
      emit_const(k, quarter[q], 0);
      continue;
    }
    emit_load(k, quarter[q], s->x, element);
    if (s->scaled) {
      RegId scale = kernel_reg(k, REG_f32, lanes, "s");
      emit_load(k, scale, s->scale, affine_plus(at, q % 2 * s->depth));
      emit_op(k, LOP_mul, quarter[q], quarter[q], scale, 0);
    }
  }
  const int64_t pitch = sums_pitch(s->depth);
  store_sums(k, quarter, lanes, s->sums, affine_add(in_buffer(s->pairs, s->row, pitch), at), s->pairs->block * pitch);
}

static void emit_row_sums(void *user, Affine row, bool whole) {
  SumsOfX *s = user;
  s->row = row;
  s->whole = whole;
  emit_vectors(s->pairs->lw, s->depth, emit_vector_sums, s);
}

static void sums_body(void *user, const RowSegment *segment, Affine number) {
  SumsOfX *s = user;
  (void)number;
  each_pair(s->pairs, segment, emit_row_sums, s);
}

/* ---- products ---- */

/* `op` on the sums of its x, in [7, block, K / 2] with rows of sums_pitch(K / 2). */
static Strassen strassen(Pairs *pairs, const Op *op, ParamId sums, ParamId parts, int64_t width, ParamId y) {
  Strassen f = {.pairs = pairs, .result = tile_kernel(pairs->lw, op, sums, y), .width = width};
  f.parts = f.result;
  f.depth = f.result.k_size;
  f.columns = f.result.columns / 2;
  f.parts.y = parts;
  f.parts.start = START_ZERO;
  f.parts.panel_count = f.columns / PANEL;
  f.parts.prefetch_ahead = f.depth * PANEL; /* the next product's; behind the last: the next panel's first */
  return f;
}

/* K / 2 */
static int64_t half_depth(const Lower *lw, const Op *op) {
  const Type *x = type_of(lw->graph, op->operands[0]);
  return x->dim[x->rank - 1] / 2;
}

/* Columns of parts, and its size. */
static int64_t parts_width(const Target *t) { return (int64_t)t->lanes * t->gemm_vectors; }
static int64_t parts_size(const Pairs *p) { return STRASSEN_PRODUCTS * p->block * parts_width(p->lw->target); }

/* Quarters of the result with bias and epilogue; of a pair without lower row the upper two. */
static void finish_quarters(Strassen *f, RegId quarter[QUARTERS], int count, Affine row, Affine column, int lanes) {
  Kernel *k = f->pairs->lw->kernel;
  const int64_t all = 2 * f->columns;
  for (int q = 0; q < count; q += 2) {
    StmtId starts[2];
    for (int i = 0; i < 2; i++) {
      const Affine at = affine_plus(column, i * f->columns);
      starts[i] = kernel_next(k);
      RegId v = quarter[q + i];
      if (f->result.start == START_BIAS) {
        RegId b = kernel_reg(k, REG_f32, lanes, "b"), sum = kernel_reg(k, REG_f32, lanes, "v");
        emit_load(k, b, f->result.bias, at);
        emit_op(k, LOP_add, sum, v, b, 0);
        v = sum;
      }
      const Affine row_at = affine_scale(affine_plus(row, q / 2 * f->pairs->top), all);
      quarter[q + i] = tile_epilogue(&f->tile, v, row_at, at, lanes);
    }
    if (kernel_next(k) > starts[0]) kernel_interleave(k, starts, 2);
  }
}

/* squares[column] += those of the quarters in it, for both halves of the columns; or = 0. */
static void add_squares(Strassen *f, const RegId *quarter, int count, Affine column, int lanes) {
  Kernel *k = f->pairs->lw->kernel;
  for (int i = 0; i < 2; i++) {
    const Affine at = affine_add(f->result.squares_at, affine_plus(column, i * f->columns));
    RegId sum = kernel_reg(k, REG_f32, lanes, "sq");
    if (quarter)
      emit_load(k, sum, f->result.squares, at);
    else
      emit_const(k, sum, 0);
    for (int q = i; q < count; q += 2) tile_add_square(k, sum, quarter[q], lanes);
    emit_store(k, f->result.squares, at, sum);
  }
}

static void finish_vector(Strassen *f, int piece, Affine row, bool whole) {
  Kernel *k = f->pairs->lw->kernel;
  const int lanes = f->tile.columns->lanes[piece], offset = f->tile.columns->column[piece];
  const Affine part = affine_plus(in_buffer(f->pairs, row, f->width), offset),
               column = affine_plus(f->tile.column, offset);
  RegId m[STRASSEN_PRODUCTS], quarter[QUARTERS];
  for (int p = 0; p < STRASSEN_PRODUCTS; p++) {
    m[p] = kernel_reg(k, REG_f32, lanes, "m%d", p);
    emit_load(k, m[p], f->parts.y, affine_plus(part, p * f->pairs->block * f->width));
  }
  for (int q = 0; q < QUARTERS; q++)
    if (q < 2 || whole)
      quarter[q] = weighted_sum(k, &strassen_products[0].y[q], sizeof *strassen_products, m, STRASSEN_PRODUCTS, lanes);
  finish_quarters(f, quarter, whole ? QUARTERS : 2, row, column, lanes);
  if (f->sums_squares) add_squares(f, quarter, whole ? QUARTERS : 2, column, lanes);
  if (f->makes_sums) {
    for (int q = 2; q < QUARTERS && !whole; q++) emit_const(k, quarter[q] = kernel_reg(k, REG_f32, lanes, "zero"), 0);
    const int64_t pitch = sums_pitch(f->columns);
    store_sums(k, quarter, lanes, f->result.y, affine_add(in_buffer(f->pairs, row, pitch), column),
               f->pairs->block * pitch);
    return;
  }
  for (int q = 0; q < (whole ? QUARTERS : 2); q++) {
    const Affine row_at = affine_scale(affine_plus(row, q / 2 * f->pairs->top), 2 * f->columns);
    emit_store(k, f->result.y, affine_add(row_at, affine_plus(column, q % 2 * f->columns)), quarter[q]);
  }
}

static void finish_pair(void *user, Affine row, bool whole) {
  Strassen *f = user;
  for (int piece = 0; piece < f->tile.columns->count; piece++) finish_vector(f, piece, row, whole);
}

/* One group of columns. */
static void emit_group(void *user, Tile *t) {
  Strassen *f = user;
  Kernel *k = f->pairs->lw->kernel;
  Product p = f->product;
  Tile part = *t;
  if (t->row_part.count) f->result.squares_at = affine_scale(t->row_part, 2 * f->columns);
  for (int i = 0; f->sums_squares && i < t->columns->count; i++)
    add_squares(f, NULL, 0, affine_plus(t->column, t->columns->column[i]), t->columns->lanes[i]);
  VarId m = emit_for(k, LOP_for, "m", 0, STRASSEN_PRODUCTS, 1);
  part.panel = affine_add(t->panel, affine_var(m, f->depth * PANEL));
  const int64_t pitch = sums_pitch(f->depth);
  p.x_at = affine_add(in_buffer(f->pairs, affine(0), pitch), affine_var(m, f->pairs->block * pitch));
  p.y_at = affine_add(in_buffer(f->pairs, affine(0), f->width), affine_var(m, f->pairs->block * f->width));
  p.y_at = affine_add(p.y_at, affine_scale(t->column, -1));
  p.x_stride = pitch;
  p.k_count = f->depth;
  p.y_stride = f->width;
  for (int i = 0; i < p.segments; i++) {
    RowSegment s = product_segment(&p, i, t);
    emit_row_tiles(&p, &s, &part);
  }
  emit_end(k);
  f->tile = *t;
  f->tile.tk = &f->result;
  for (int i = 0; i < p.segments; i++) {
    RowSegment s = product_segment(&p, i, t);
    each_pair(f->pairs, &s, finish_pair, f);
  }
}

/* ---- many rows ---- */

typedef struct {
  Pairs pairs;
  SumsOfX sums;
  Strassen product[2];
  int products;
} Block;

static void block_body(void *user, const RowSegment *s, Affine number) {
  Block *b = user;
  Kernel *k = b->pairs.lw->kernel;
  Bound next = s->low[0];
  next.value = affine_plus(next.value, next.divisor);
  const Bound high[2] = {next, bound_none()};
  VarId base = emit_for_bounds(k, LOP_for, "base", s->low, high, 1); /* one turn: the block's first tile */
  b->pairs.first = affine_plus(affine_var(base, s->rows), s->first);
  each_pair(&b->pairs, s, emit_row_sums, &b->sums);
  for (int i = 0; i < b->products; i++) {
    Strassen *f = &b->product[i];
    f->product = (Product){.tk = &f->parts, .segment = {*s}, .segments = 1};
    if (f->sums_squares) f->result.squares_at = affine_scale(number, 2 * f->columns);
    tile_each_panel(&f->parts, LOP_for, emit_group, f);
  }
  emit_end(k);
}

/* A product of all rows, by tasks of columns. */
static void emit_columns(Strassen *f) {
  f->product = (Product){.tk = &f->parts};
  product_all_rows(&f->product, f->pairs->top);
  tile_each_panel(&f->parts, LOP_pfor, emit_group, f);
}

static void set_epilogue(Strassen *f, const OpId *ops, uint32_t count) {
  f->result.epilogue = ops;
  f->result.epilogue_count = count;
}

/* ---- one gemm ---- */

/* Sums of x of the open kernel into `to`. */
static SumsOfX sums_of_x(Pairs *pairs, const StrassenGemm *g) {
  Lower *lw = pairs->lw;
  SumsOfX s = {.pairs = pairs, .depth = half_depth(lw, g->op), .scaled = g->scale_temp != NO_TEMP};
  s.x = g->x_temp == NO_TEMP ? lower_in(lw, g->op->operands[0])
                             : lower_temp(lw, g->x_temp, DT_f32, pairs->rows * 2 * s.depth);
  if (s.scaled) s.scale = lower_temp(lw, g->scale_temp, DT_f32, 2 * s.depth);
  return s;
}

static int64_t sums_size(const Pairs *p, int64_t width) { return STRASSEN_PRODUCTS * p->block * sums_pitch(width); }

/* What follows the sums, in the open kernel. */
static Strassen product_of_sums(Pairs *pairs, const StrassenGemm *g, ParamId sums) {
  Lower *lw = pairs->lw;
  const int64_t columns = g->op->attrs.cols;
  const ParamId parts = lower_scratch(lw, 2, DT_f32, parts_size(pairs));
  const ParamId y = g->y_temp == NO_TEMP ? lower_out(lw, g->y)
                    : g->makes_sums      ? lower_temp(lw, g->y_temp, DT_f32, sums_size(pairs, columns / 2))
                                         : lower_temp(lw, g->y_temp, DT_f32, pairs->rows * columns);
  Strassen f = strassen(pairs, g->op, sums, parts, parts_width(lw->target), y);
  f.makes_sums = g->makes_sums;
  f.sums_squares = g->squares_temp != NO_TEMP;
  if (f.sums_squares) f.result.squares = lower_temp(lw, g->squares_temp, DT_f32, g->squares_rows * columns);
  set_epilogue(&f, g->epilogue, g->epilogue_count);
  return f;
}

/* Sums of x as a kernel, in temporary sums_temp. */
static void sums_kernel(Pairs *pairs, const StrassenGemm *g) {
  lower_kernel(pairs->lw);
  SumsOfX s = sums_of_x(pairs, g);
  s.sums = lower_temp(pairs->lw, g->sums_temp, DT_f32, sums_size(pairs, s.depth));
  emit_row_blocks_of(pairs->lw, pairs->top, 1, sums_body, &s);
}

/* Then by columns. */
static void columns_kernel(Pairs *pairs, const StrassenGemm *g) {
  lower_kernel(pairs->lw);
  Strassen f = product_of_sums(
      pairs, g, lower_temp(pairs->lw, g->sums_temp, DT_f32, sums_size(pairs, half_depth(pairs->lw, g->op))));
  emit_columns(&f);
}

int64_t strassen_shares(const Target *t, int64_t rows, int64_t columns) {
  const int64_t top = (rows + 1) / 2;
  if (product_by_rows(rows)) return row_block_count(t, top, TASK_TILES);
  const RowTiles tiles = row_tiles(top, t->gemm_rows);
  return row_parts(panel_groups(t, columns / 2 / PANEL), tiles.count[0] + tiles.count[1]);
}

void lower_strassen_gemm(Lower *lw, int64_t rows, const StrassenGemm *g) {
  Pairs pairs = pairs_of(lw, rows);
  if (!product_by_rows(rows)) {
    sums_kernel(&pairs, g);
    columns_kernel(&pairs, g);
    return;
  }
  pairs.block = most_block_rows(lw->target, pairs.top, TASK_TILES);
  lower_kernel(lw);
  Block b = {.pairs = pairs, .products = 1};
  b.sums = sums_of_x(&b.pairs, g);
  b.sums.sums = lower_scratch(lw, 0, DT_f32, sums_size(&b.pairs, b.sums.depth));
  b.product[0] = product_of_sums(&b.pairs, g, b.sums.sums);
  emit_row_blocks_of(lw, pairs.top, TASK_TILES, block_body, &b);
}

void lower_gemm_strassen(Lower *lw, int64_t rows) {
  StrassenGemm g = strassen_gemm(op_at(lw->graph, lw->ops[0]));
  g.y = op_at(lw->graph, lw->ops[lw->op_count - 1])->first_result;
  g.epilogue = lw->ops + 1;
  g.epilogue_count = lw->op_count - 1;
  lower_strassen_gemm(lw, rows, &g);
}

StrassenGemm strassen_gemm(const Op *op) {
  return (StrassenGemm){.op = op, .x_temp = NO_TEMP, .y_temp = NO_TEMP, .scale_temp = NO_TEMP, .squares_temp = NO_TEMP};
}

/* ---- two ---- */

/* The first leaves sums for the second. */
static StrassenGemm gemm_of_mlp(const Mlp *m, bool second) {
  StrassenGemm g = strassen_gemm(second ? m->second : m->first);
  g.y = m->y;
  g.sums_temp = second;
  if (!second) g.y_temp = 1;
  g.makes_sums = !second;
  g.epilogue = second ? m->tail : m->act;
  g.epilogue_count = second ? m->tail_count : m->act_count;
  return g;
}

static void lower_blocks(const Mlp *m) {
  Lower *lw = m->lw;
  Block b = {.pairs = pairs_of(lw, m->rows), .products = 2};
  const int64_t width = parts_width(lw->target);
  b.pairs.block = most_block_rows(lw->target, b.pairs.top, TASK_TILES);
  lower_kernel(lw);
  const StrassenGemm first = gemm_of_mlp(m, false);
  b.sums = sums_of_x(&b.pairs, &first);
  b.sums.sums = lower_scratch(lw, 0, DT_f32, sums_size(&b.pairs, b.sums.depth));
  ParamId between = lower_scratch(lw, 1, DT_f32, sums_size(&b.pairs, m->hidden / 2));
  ParamId parts = lower_scratch(lw, 2, DT_f32, parts_size(&b.pairs));
  b.product[0] = strassen(&b.pairs, m->first, b.sums.sums, parts, width, between);
  b.product[1] = strassen(&b.pairs, m->second, between, parts, width, lower_out(lw, m->y));
  b.product[0].makes_sums = true;
  set_epilogue(&b.product[0], m->act, m->act_count);
  set_epilogue(&b.product[1], m->tail, m->tail_count);
  emit_row_blocks_of(lw, b.pairs.top, TASK_TILES, block_body, &b);
}

static void lower_columns(const Mlp *m) {
  Pairs pairs = pairs_of(m->lw, m->rows);
  const StrassenGemm first = gemm_of_mlp(m, false), second = gemm_of_mlp(m, true);
  sums_kernel(&pairs, &first);
  columns_kernel(&pairs, &first);
  columns_kernel(&pairs, &second);
}

void lower_mlp_strassen(const Mlp *m) {
  if (product_by_rows(m->rows))
    lower_blocks(m);
  else
    lower_columns(m);
}
