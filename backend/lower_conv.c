/* conv: channels last, packed weights, one group, then pointwise ops. The input is [N, H, W, I], or [N, I, H, W] where
 * the group begins with the transpose that the graph has there.
 *
 * A task is one output row of all images. For each panel of 16 output channels the row is cut into columns whose window
 * lies inside the image in x (even tiles of at most target->gemm_rows columns) and columns at the edges (one at a time,
 * with shortened kx). Windows that leave the image in y have their ky shortened. No test in the inner loops. */
#include "backend/lower_taps.h"
#include "backend/lower_tile.h"

typedef struct {
  TileKernel tk;
  Taps win;
  Affine image, row; /* loop variables n and oy */
} Conv;

/* All taps and input channels for a tile of t->rows output columns from `ox`. */
static void emit_window(Conv *c, Tile *t, Affine ox, bool edge) {
  Kernel *k = c->tk.lw->kernel;
  const Taps *v = &c->win;
  Affine y = affine_add(affine_scale(affine_add(affine_scale(c->image, v->oh), c->row), v->ow), ox);
  y = affine_scale(y, c->tk.columns);
  tile_begin(t, y, c->tk.columns);
  VarId ky = taps_loop_y(k, v, c->row);
  bool merged = !edge && v->dx == 1 && v->stride_i == 1; /* kx and i are one contiguous run */
  VarId kx = merged ? 0 : taps_loop_x(k, v, ox, edge);
  VarId i = emit_for(k, LOP_for, "i", 0, merged ? v->kw * v->i : v->i, 1);
  Affine at = affine_add(taps_address(v, c->image, c->row, ox, ky, kx), affine_var(i, v->stride_i));
  Affine flat = affine_add(affine_var(ky, v->kw * v->i), affine_var(i, 1));
  if (kx) flat = affine_add(flat, affine_var(kx, v->i));
  tile_step(t, at, v->sx * v->stride_x, flat);
  emit_end(k);
  if (kx) emit_end(k);
  emit_end(k);
  tile_end(t, y, c->tk.columns, y);
}

static void emit_edge(Conv *c, Tile *t, int64_t first, int64_t last) {
  if (first >= last) return;
  VarId ox = emit_for(c->tk.lw->kernel, LOP_for, "ox", first, last, 1);
  t->rows = 1;
  emit_window(c, t, affine_var(ox, 1), true);
  emit_end(c->tk.lw->kernel);
}

static void emit_row(void *user, Tile *t) {
  Conv *c = user;
  const Taps *v = &c->win;
  emit_edge(c, t, 0, v->inner_first);
  RowTiles tiles = row_tiles(v->inner_last - v->inner_first, c->tk.lw->target->gemm_rows);
  for (int s = 0; s < 2; s++) {
    if (!tiles.count[s]) continue;
    VarId tile = emit_for(c->tk.lw->kernel, LOP_for, "tile", 0, tiles.count[s], 1);
    t->rows = tiles.rows[s];
    emit_window(c, t, affine_plus(affine_var(tile, t->rows), v->inner_first + tiles.start[s]), false);
    emit_end(c->tk.lw->kernel);
  }
  emit_edge(c, t, v->inner_last, v->ow);
}

void lower_conv(Lower *lw) {
  const Op *op = op_at(lw->graph, lw->ops[0]);
  ValueId x = op->operands[0];
  if (op->kind == OP_transpose) op = op_at(lw->graph, lw->ops[1]);
  Kernel *k = lower_kernel(lw);
  ParamId in = lower_in(lw, x);
  Conv c = {.tk = tile_kernel(lw, op, in, lower_out(lw, op_at(lw->graph, lw->ops[lw->op_count - 1])->first_result))};
  uint32_t first = x == op->operands[0] ? 1 : 2; /* ops before the epilogue */
  c.tk.epilogue = lw->ops + first;
  c.tk.epilogue_count = lw->op_count - first;
  c.win = taps_describe(&op->attrs, type_of(lw->graph, op->operands[0]), type_of(lw->graph, op->first_result),
                        op->attrs.kernel.at[0], op->attrs.kernel.at[1], x != op->operands[0]);
  c.row = affine_var(emit_for(k, LOP_pfor, "oy", 0, c.win.oh, 1), 1);
  c.image = affine_var(emit_for(k, LOP_for, "n", 0, c.win.n, 1), 1);
  tile_each_panel(&c.tk, LOP_for, emit_row, &c);
  emit_end(k);
  emit_end(k);
}
