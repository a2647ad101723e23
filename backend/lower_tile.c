/* The register tile of gemm and conv; see lower_tile.h. */
#include "backend/lower_tile.h"
#include <string.h>

enum { PANEL = 16 };

TileKernel tile_kernel(Lower *lw, const Op *anchor, ValueId x) {
  const Type *w = type_of(lw->graph, anchor->operands[1]);
  TileKernel t = {.lw = lw, .anchor = anchor, .k_size = w->dim[1], .columns = anchor->attrs.cols};
  if (anchor->attrs.panel != PANEL) die("panels of %lld columns", (long long)anchor->attrs.panel);
  t.x = lower_in(lw, x);
  t.w = lower_in(lw, anchor->operands[1]);
  t.has_bias = anchor->operand_count > 2 && anchor->operands[2];
  if (t.has_bias) t.bias = lower_in(lw, anchor->operands[2]);
  t.y = lower_out(lw, op_at(lw->graph, lw->ops[lw->op_count - 1])->first_result);
  return t;
}

void tile_begin(Tile *t) {
  Kernel *k = t->tk->lw->kernel;
  for (int r = 0; r < t->rows; r++)
    for (int p = 0; p < t->columns->count; p++) {
      t->acc[r][p] = kernel_reg(k, REG_f32, t->columns->lanes[p], "acc%d_%d", r, p);
      Affine at = affine_plus(t->column, t->columns->offset[p]);
      if (!t->tk->has_bias) emit_const(k, t->acc[r][p], 0);
      else if (r == 0) emit_load(k, t->acc[r][p], t->tk->bias, at);
      else emit_op(k, LOP_mov, t->acc[r][p], t->acc[0][p], 0, 0);
    }
}

/* One register of x per lane count in use. */
void tile_step(Tile *t, Affine x_at, int64_t row_stride, Affine k_at) {
  Kernel *k = t->tk->lw->kernel;
  RegId b[MAX_TILE_PIECES];
  for (int p = 0; p < t->columns->count; p++) {
    b[p] = kernel_reg(k, REG_f32, t->columns->lanes[p], "b%d", p);
    emit_load(k, b[p], t->tk->w, affine_plus(affine_add(t->panel, affine_scale(k_at, PANEL)), t->columns->offset[p]));
  }
  for (int r = 0; r < t->rows; r++) {
    RegId a = 0;
    for (int p = 0; p < t->columns->count; p++) {
      if (p == 0 || t->columns->lanes[p] != t->columns->lanes[p - 1]) {
        a = kernel_reg(k, REG_f32, t->columns->lanes[p], "a%d", r);
        emit_loads(k, a, t->tk->x, affine_plus(x_at, r * row_stride));
      }
      emit_op(k, LOP_fma, t->acc[r][p], a, b[p], t->acc[r][p]);
    }
  }
}

/* An operand of an epilogue op beside accumulator (row, piece): one element, one per channel, or the result's shape. */
static RegId load_operand(Tile *t, ValueId v, Affine y_at, Affine column, int lanes) {
  Lower *lw = t->tk->lw;
  const Type *type = type_of(lw->graph, v);
  RegId reg = kernel_reg(lw->kernel, REG_f32, lanes, "e");
  double number;
  int64_t n = type_elements(type);
  if (value_is_splat(lw->graph, v, &number)) emit_const(lw->kernel, reg, number);
  else if (n == 1) emit_loads(lw->kernel, reg, lower_in(lw, v), affine(0));
  else if (n == t->tk->columns && type->dim[type->rank - 1] == n) emit_load(lw->kernel, reg, lower_in(lw, v), column);
  else emit_load(lw->kernel, reg, lower_in(lw, v), affine_add(y_at, column));
  return reg;
}

/* Pointwise ops of the group after the anchor, on one accumulator. */
static RegId apply_epilogue(Tile *t, RegId acc, Affine y_at, Affine column, int lanes) {
  Lower *lw = t->tk->lw;
  ValueId current = t->tk->anchor->first_result;
  for (uint32_t i = 0; i < lw->op_count; i++) {
    const Op *op = op_at(lw->graph, lw->ops[i]);
    if (!(op_info[op->kind].traits & T_POINTWISE)) continue;
    RegId operands[4];
    for (uint32_t o = 0; o < op->operand_count; o++)
      operands[o] = op->operands[o] == current ? acc : load_operand(t, op->operands[o], y_at, column, lanes);
    acc = lower_pointwise(lw, op, operands, lanes, "v");
    current = op->first_result;
  }
  return acc;
}

void tile_end(Tile *t, Affine y_at, int64_t row_stride) {
  for (int r = 0; r < t->rows; r++)
    for (int p = 0; p < t->columns->count; p++) {
      Affine row = affine_plus(y_at, r * row_stride), column = affine_plus(t->column, t->columns->offset[p]);
      RegId v = apply_epilogue(t, t->acc[r][p], row, column, t->columns->lanes[p]);
      emit_store(t->tk->lw->kernel, t->tk->y, affine_add(row, column), v);
    }
}

/* Full panels: one loop over panels and, where a tile is narrower than a panel, one over its column groups. */
static void full_panels(const TileKernel *tk, LoopOp loop, EmitTiles emit, void *user) {
  const Target *target = tk->lw->target;
  Kernel *k = tk->lw->kernel;
  int width = target->lanes * target->gemm_vectors;
  TileColumns c = {.count = target->gemm_vectors};
  for (int i = 0; i < c.count; i++) c.lanes[i] = target->lanes, c.offset[i] = i * target->lanes;
  VarId panel = emit_for(k, loop, "p", 0, tk->columns / PANEL, 1);
  Tile t = {.tk = tk, .columns = &c};
  t.panel = affine_var(panel, PANEL * tk->k_size);
  t.column = affine_var(panel, PANEL);
  if (width < PANEL) {
    VarId group = emit_for(k, LOP_for, "q", 0, PANEL, width);
    t.panel = affine_add(t.panel, affine_var(group, 1));
    t.column = affine_add(t.column, affine_var(group, 1));
  }
  emit(user, &t);
  if (width < PANEL) emit_end(k);
  emit_end(k);
}

/* The last panel's columns that exist, in groups of pieces no wider than a tile. */
static void last_panel(const TileKernel *tk, LoopOp loop, EmitTiles emit, void *user) {
  const Target *target = tk->lw->target;
  Kernel *k = tk->lw->kernel;
  int pieces[PANEL], left = (int)(tk->columns % PANEL), offset = 0;
  int count = lane_pieces(target, left, pieces);
  VarId once = loop == LOP_pfor ? emit_for(k, LOP_pfor, "last", 0, 1, 1) : 0;
  for (int i = 0; i < count;) {
    TileColumns c = {0};
    for (; i < count && c.count < target->gemm_vectors; i++) {
      c.lanes[c.count] = pieces[i];
      c.offset[c.count++] = offset;
      offset += pieces[i];
    }
    int64_t panel = tk->columns / PANEL;
    Tile t = {.tk = tk, .columns = &c, .panel = affine(panel * PANEL * tk->k_size), .column = affine(panel * PANEL)};
    emit(user, &t);
  }
  if (once) emit_end(k);
}

void tile_each_panel(const TileKernel *tk, LoopOp loop, EmitTiles emit, void *user) {
  if (tk->columns >= PANEL) full_panels(tk, loop, emit, user);
  if (tk->columns % PANEL) last_panel(tk, loop, emit, user);
}

RowTiles row_tiles(int64_t rows, int most) {
  int64_t tiles = (rows + most - 1) / most;
  if (!tiles) return (RowTiles){0};
  int64_t low = rows / tiles, high_count = rows % tiles;
  RowTiles t = {.count = {high_count, tiles - high_count}, .rows = {(int)low + 1, (int)low}};
  t.start[1] = high_count * (low + 1);
  return t;
}
