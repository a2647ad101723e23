/* Products as loops over row tiles and panels; see lower_product.h. */
#include "backend/lower_product.h"

Product product_whole(TileKernel *tk) {
  return (Product){.tk = tk, .x_stride = tk->k_size, .y_stride = tk->columns, .k_count = tk->k_size};
}

bool product_by_rows(int64_t rows) {
  enum { LEAST = 576 }; /* six blocks of 96: two to six threads get about equal shares */
  return rows >= LEAST;
}

static RowSegment whole_segment(const RowTiles *tiles, int i) {
  RowSegment s = {.rows = tiles->rows[i], .first = tiles->start[i]};
  s.low[0] = bound(affine(0));
  s.high[0] = bound(affine(tiles->count[i]));
  s.low[1] = s.high[1] = bound_none();
  return s;
}

/* Few groups of columns don't share out evenly between threads: then each is cut into parts of the rows, which follow
 * each other, so that one thread reads the weights once as before. Parts of one tile or two would not be equal: then of
 * one. */
int64_t row_parts(int64_t groups, int64_t tiles) {
  enum { TASKS = 16 };
  if (!groups || groups >= TASKS) return 1;
  const int64_t parts = (TASKS + groups - 1) / groups;
  return 2 * parts <= tiles ? parts : tiles;
}

void product_all_rows(Product *p, int64_t rows) {
  RowTiles tiles = row_tiles(rows, p->tk->lw->target->gemm_rows);
  p->segments = 0;
  for (int i = 0; i < 2; i++)
    if (tiles.count[i]) p->segment[p->segments++] = whole_segment(&tiles, i);
  /* a task that adds up squares has whole columns */
  p->tk->row_parts = p->tk->sums_squares ? 1 : row_parts(tile_groups(p->tk), tiles.count[0] + tiles.count[1]);
}

void emit_row_tiles(const Product *p, const RowSegment *s, Tile *t) {
  Kernel *k = p->tk->lw->kernel;
  VarId tile = emit_for_bounds(k, LOP_for, "i", s->low, s->high, 1);
  Affine row = affine_plus(affine_var(tile, s->rows), s->first);
  Affine y_at = affine_add(p->y_at, affine_scale(row, p->y_stride));
  t->rows = s->rows;
  tile_begin(t, y_at, p->y_stride);
  VarId kk = emit_for(k, LOP_for, "k", 0, p->k_count, 1);
  Affine x_at = affine_add(affine_add(p->x_at, affine_scale(row, p->x_stride)), affine_var(kk, 1));
  tile_step(t, x_at, p->x_stride, affine_add(p->k_first, affine_var(kk, 1)));
  emit_end(k);
  tile_end(t, y_at, p->y_stride, affine_scale(row, p->tk->columns));
  emit_end(k);
}

RowSegment product_segment(const Product *p, int i, const Tile *t) {
  RowSegment s = p->segment[i];
  if (t->row_part.count) block_bounds(s.high[0].value.constant, p->tk->row_parts, t->row_part, s.low, s.high);
  return s;
}

static void clear_squares(const Tile *t) {
  Kernel *k = t->tk->lw->kernel;
  for (int p = 0; p < t->columns->count; p++) {
    RegId zero = kernel_reg(k, REG_f32, t->columns->lanes[p], "zero");
    emit_const(k, zero, 0);
    Affine column = affine_plus(t->column, t->columns->column[p]);
    emit_store(k, t->tk->squares, affine_add(t->tk->squares_at, column), zero);
  }
}

static void emit_segments(void *user, Tile *t) {
  const Product *p = user;
  if (p->tk->sums_squares) clear_squares(t);
  for (int i = 0; i < p->segments; i++) {
    RowSegment s = product_segment(p, i, t);
    emit_row_tiles(p, &s, t);
  }
}

void emit_product(Product *p, LoopOp loop) { tile_each_panel(p->tk, loop, emit_segments, p); }

int64_t row_block_count(const Target *t, int64_t rows, int block_tiles) {
  RowTiles tiles = row_tiles(rows, t->gemm_rows);
  return tile_blocks(tiles.count[0], block_tiles) + tile_blocks(tiles.count[1], block_tiles);
}

int64_t emit_row_blocks(Lower *lw, int64_t rows, BlockBody body, void *user) {
  return emit_row_blocks_of(lw, rows, BLOCK_TILES, body, user);
}

int64_t most_block_rows(const Target *t, int64_t rows, int block_tiles) {
  RowTiles tiles = row_tiles(rows, t->gemm_rows);
  int64_t most = 0;
  for (int i = 0; i < 2; i++) {
    int64_t blocks = tile_blocks(tiles.count[i], block_tiles);
    int64_t n = blocks ? (tiles.count[i] + blocks - 1) / blocks * tiles.rows[i] : 0;
    if (n > most) most = n;
  }
  return most;
}

int64_t emit_row_blocks_of(Lower *lw, int64_t rows, int block_tiles, BlockBody body, void *user) {
  RowTiles tiles = row_tiles(rows, lw->target->gemm_rows);
  int64_t done = 0;
  for (int i = 0; i < 2; i++) {
    if (!tiles.count[i]) continue;
    int64_t blocks = tile_blocks(tiles.count[i], block_tiles);
    RowSegment s = whole_segment(&tiles, i);
    VarId block = emit_for(lw->kernel, LOP_pfor, "block", 0, blocks, 1);
    block_bounds(tiles.count[i], blocks, affine_var(block, 1), s.low, s.high);
    body(user, &s, affine_plus(affine_var(block, 1), done));
    emit_end(lw->kernel);
    done += blocks;
  }
  return done;
}

Affine emit_segment_rows(Kernel *k, const RowSegment *s) {
  VarId tile = emit_for_bounds(k, LOP_for, "tile", s->low, s->high, 1);
  VarId row = emit_for(k, LOP_for, "r", 0, s->rows, 1);
  return affine_add(affine_plus(affine_var(tile, s->rows), s->first), affine_var(row, 1));
}
