/* gemm: y [M, N] = x [M, K] W + b, then pointwise ops, with W packed in panels of 16 columns.
 *
 * M is cut into even tiles of at most target->gemm_rows rows (49 = 4 * 6 + 5 * 5: never a thin remainder). Many rows: a
 * task is a block of 16 tiles and goes through all panels, each panel staying in L1 while the rows pass. Few rows: a task
 * is one panel and goes through all rows. The choice depends on M alone. */
#include "backend/lower_tile.h"

enum { BLOCK_TILES = 16, ROW_BLOCKS = 8 };

typedef struct {
  TileKernel tk;
  int64_t rows;    /* M */
  int tile_rows;   /* of the tiles being emitted */
  int64_t count;   /* of these tiles */
  int64_t start;   /* row of the first */
  Affine block;    /* number of the first tile of the task's block */
  bool blocked;
} Gemm;

/* All of K for one tile of rows whose number is `tile`. */
static void emit_tile(Gemm *g, Tile *t, VarId tile) {
  Kernel *k = g->tk.lw->kernel;
  Affine row = affine_plus(affine_var(tile, g->tile_rows), g->start);
  t->rows = g->tile_rows;
  tile_begin(t);
  VarId kk = emit_for(k, LOP_for, "k", 0, g->tk.k_size, 1);
  tile_step(t, affine_add(affine_scale(row, g->tk.k_size), affine_var(kk, 1)), g->tk.k_size, affine_var(kk, 1));
  emit_end(k);
  tile_end(t, affine_scale(row, g->tk.columns), g->tk.columns);
}

/* The row tiles of one size inside a panel. */
static void emit_rows(void *user, Tile *t) {
  Gemm *g = user;
  Kernel *k = g->tk.lw->kernel;
  Bound low[2] = {bound(affine(0)), bound_none()}, high[2] = {bound(affine(g->count)), bound_none()};
  if (g->blocked) {
    low[0] = bound(g->block);
    high[1] = bound(affine_plus(g->block, BLOCK_TILES));
  }
  VarId tile = emit_for_bounds(k, LOP_for, "i", low, high, 1);
  emit_tile(g, t, tile);
  emit_end(k);
}

/* Both sizes of row tiles inside a panel. */
static void emit_all_rows(void *user, Tile *t) {
  Gemm *g = user;
  RowTiles tiles = row_tiles(g->rows, g->tk.lw->target->gemm_rows);
  for (int i = 0; i < 2; i++) {
    if (!tiles.count[i]) continue;
    g->tile_rows = tiles.rows[i];
    g->count = tiles.count[i];
    g->start = tiles.start[i];
    emit_rows(g, t);
  }
}

static void emit_blocks(Gemm *g) {
  Kernel *k = g->tk.lw->kernel;
  RowTiles tiles = row_tiles(g->rows, g->tk.lw->target->gemm_rows);
  g->blocked = true;
  for (int i = 0; i < 2; i++) {
    if (!tiles.count[i]) continue;
    g->tile_rows = tiles.rows[i];
    g->count = tiles.count[i];
    g->start = tiles.start[i];
    VarId block = emit_for(k, LOP_pfor, "block", 0, (g->count + BLOCK_TILES - 1) / BLOCK_TILES, 1);
    g->block = affine_var(block, BLOCK_TILES);
    tile_each_panel(&g->tk, LOP_for, emit_rows, g);
    emit_end(k);
  }
}

void lower_gemm(Lower *lw) {
  const Op *op = op_at(lw->graph, lw->ops[0]);
  const Type *y = type_of(lw->graph, op->first_result);
  lower_kernel(lw);
  Gemm g = {.tk = tile_kernel(lw, op, op->operands[0]), .rows = type_elements(y) / y->dim[y->rank - 1]};
  if (g.rows >= (int64_t)ROW_BLOCKS * BLOCK_TILES * lw->target->gemm_rows) emit_blocks(&g);
  else tile_each_panel(&g.tk, LOP_pfor, emit_all_rows, &g);
}
