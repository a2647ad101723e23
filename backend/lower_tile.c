/* Register-tiled matrix product; see lower_tile.h. */
#include "backend/lower_tile.h"
#include "backend/lower_math.h"

TileKernel tile_kernel(Lower *lw, const Op *op, ParamId x, ParamId y) {
  return tile_kernel_with(lw, op, x, lower_in(lw, op->operands[1]), y);
}

TileKernel tile_kernel_with(Lower *lw, const Op *op, ParamId x, ParamId w, ParamId y) {
  if (op->attrs.panel != PANEL) die("panels of %lld columns", (long long)op->attrs.panel);
  TileKernel t = {.lw = lw, .x = x, .w = w, .y = y, .columns = op->attrs.cols, .result = op->first_result};
  const Type *packed = type_of(lw->graph, op->operands[1]);
  t.k_size = packed->dim[packed->rank - 2];
  t.panel_stride = type_elements(packed) / packed->dim[0];
  t.prefetch = lw->target->lanes > 1;
  if (op->operand_count > 2 && op->operands[2]) {
    t.bias = lower_in(lw, op->operands[2]);
    t.start = START_BIAS;
  }
  return t;
}

static Affine piece_column(const Tile *t, int p) { return affine_plus(t->column, t->columns->column[p]); }

void tile_begin(Tile *t, Affine y_at, int64_t y_stride) {
  Kernel *k = t->tk->lw->kernel;
  for (int r = 0; r < t->rows; r++)
    for (int p = 0; p < t->columns->count; p++) {
      t->acc[r][p] = kernel_reg(k, REG_f32, t->columns->lanes[p], "acc%d_%d", r, p);
      Affine column = piece_column(t, p);
      if (t->tk->start == START_ZERO)
        emit_const(k, t->acc[r][p], 0);
      else if (t->tk->start == START_Y)
        emit_load(k, t->acc[r][p], t->tk->y, affine_add(affine_plus(y_at, r * y_stride), column));
      else if (r == 0)
        emit_load(k, t->acc[r][p], t->tk->bias, column);
      else
        emit_op(k, LOP_mov, t->acc[r][p], t->acc[0][p], 0, 0);
    }
}

void tile_step(Tile *t, Affine x_at, int64_t x_stride, Affine k_at) {
  Kernel *k = t->tk->lw->kernel;
  RegId b[MAX_TILE_PIECES];
  Affine line = affine_add(t->panel, affine_scale(k_at, PANEL));
  const int64_t ahead = t->tk->prefetch_ahead ? t->tk->prefetch_ahead : t->panels * t->tk->panel_stride;
  for (int p = 0; p < t->columns->count; p++) {
    b[p] = kernel_reg(k, REG_f32, t->columns->lanes[p], "b%d", p);
    emit_load(k, b[p], t->tk->w, affine_plus(line, t->columns->weight[p]));
  }
  for (int64_t p = 0; t->tk->prefetch && p < t->panels; p++)
    emit_prefetch(k, t->tk->w, affine_plus(line, p * t->tk->panel_stride + ahead));
  for (int r = 0; r < t->rows; r++) {
    RegId a = 0;
    for (int p = 0; p < t->columns->count; p++) {
      if (p == 0 || t->columns->lanes[p] != t->columns->lanes[p - 1]) {
        a = kernel_reg(k, REG_f32, t->columns->lanes[p], "a%d", r);
        emit_loads(k, a, t->tk->x, affine_plus(x_at, r * x_stride));
      }
      emit_op(k, LOP_fma, t->acc[r][p], a, b[p], t->acc[r][p]);
    }
  }
}

/* An operand of an epilogue op beside an accumulator: one element, one per channel, or of the result's shape. */
static RegId load_operand(const Tile *t, ValueId v, Affine row_at, Affine column, int lanes) {
  Lower *lw = t->tk->lw;
  const Type *type = type_of(lw->graph, v);
  RegId reg = kernel_reg(lw->kernel, REG_f32, lanes, "e");
  double number;
  int64_t n = type_elements(type);
  if (value_is_splat(lw->graph, v, &number))
    emit_const(lw->kernel, reg, number);
  else if (n == 1)
    emit_loads(lw->kernel, reg, lower_in(lw, v), affine(0));
  else if (n == t->tk->columns && type->dim[type->rank - 1] == n)
    emit_load(lw->kernel, reg, lower_in(lw, v), column);
  else
    emit_load(lw->kernel, reg, lower_in(lw, v), affine_add(row_at, column));
  return reg;
}

RegId tile_epilogue(const Tile *t, RegId acc, Affine row_at, Affine column, int lanes) {
  Lower *lw = t->tk->lw;
  ValueId current = t->tk->result;
  for (uint32_t i = 0; i < t->tk->epilogue_count; i++) {
    const Op *op = op_at(lw->graph, t->tk->epilogue[i]);
    RegId operands[4];
    for (uint32_t o = 0; o < op->operand_count; o++)
      operands[o] = op->operands[o] == current ? acc : load_operand(t, op->operands[o], row_at, column, lanes);
    acc = lower_pointwise(lw, op, operands, lanes, "v");
    current = op->first_result;
  }
  return acc;
}

/* squares[column] += (v 2^-12)^2, kept in `sum` over the tile's rows. */
void tile_add_square(Kernel *k, RegId sum, RegId v, int lanes) {
  RegId s = kernel_reg(k, REG_f32, lanes, "s"), vs = kernel_reg(k, REG_f32, lanes, "vs");
  emit_const(k, s, math_square_scale);
  emit_op(k, LOP_mul, vs, v, s, 0);
  emit_op(k, LOP_fma, sum, vs, vs, sum);
}

/* Epilogue and store of row r of piece p. */
static void end_vector(Tile *t, int r, int p, RegId sum, Affine y_at, Affine result_at) {
  Kernel *k = t->tk->lw->kernel;
  Affine column = piece_column(t, p);
  int lanes = t->columns->lanes[p];
  RegId v = tile_epilogue(t, t->acc[r][p], affine_plus(result_at, r * t->tk->columns), column, lanes);
  if (sum) tile_add_square(k, sum, v, lanes);
  emit_store(k, t->tk->y, affine_add(y_at, column), v);
}

/* A GELU is a chain of some 60 cycles; a core that works on vectors one after the other fills its queues with what has
 * to wait. Two vectors take turns (measured: 1 % of a mlp with v3, 0.3 % with v4; with three or four accumulators
 * spill). */
void tile_end(Tile *t, Affine y_at, int64_t y_stride, Affine result_at) {
  enum { TURNS = 2 };
  Kernel *k = t->tk->lw->kernel;
  for (int p = 0; p < t->columns->count; p++) {
    int lanes = t->columns->lanes[p];
    Affine squares_at = affine_add(t->tk->squares_at, piece_column(t, p));
    RegId sum = t->tk->sums_squares ? kernel_reg(k, REG_f32, lanes, "sq") : 0;
    if (sum) emit_load(k, sum, t->tk->squares, squares_at);
    for (int r = 0; r < t->rows;) {
      StmtId starts[TURNS];
      int count = 0;
      for (; count < TURNS && r < t->rows; count++, r++) {
        starts[count] = kernel_next(k);
        end_vector(t, r, p, sum, affine_plus(y_at, r * y_stride), result_at);
      }
      kernel_interleave(k, starts, count);
    }
    if (sum) emit_store(k, t->tk->squares, squares_at, sum);
  }
}

/* The loop over `groups` of columns; sets the tile's part of the rows where tasks have one, and counts the loops. Part
 * b of group p is task p parts + b: p is a loop of one turn from floor(task / parts). */
static VarId column_groups(Tile *t, LoopOp loop, const char *name, int64_t groups, int *loops) {
  Kernel *k = t->tk->lw->kernel;
  const int64_t parts = loop == LOP_pfor && t->tk->row_parts > 1 ? t->tk->row_parts : 1;
  VarId task = emit_for(k, loop, parts > 1 ? "task" : name, 0, groups * parts, 1);
  *loops = 1;
  if (parts == 1) return task;
  const Bound low[2] = {bound_floor(affine_var(task, 1), parts), bound_none()};
  const Bound high[2] = {bound_floor(affine_plus(affine_var(task, 1), parts), parts), bound_none()};
  VarId group = emit_for_bounds(k, LOP_for, name, low, high, 1);
  t->row_part = affine_add(affine_var(task, 1), affine_var(group, -parts));
  *loops = 2;
  return group;
}

/* A loop over groups of `panels` whole panels from first_panel on, `groups` of them; narrower tiles loop inside. */
static void whole_panels(const TileKernel *tk, LoopOp loop, int64_t first, int64_t groups, int64_t panels,
                         EmitTiles emit, void *user) {
  const Target *target = tk->lw->target;
  Kernel *k = tk->lw->kernel;
  int64_t width = panels * PANEL, tile = (int64_t)target->lanes * target->gemm_vectors;
  if (tile > width) tile = width;
  TileColumns c = {.count = (int)(tile / target->lanes)};
  for (int i = 0; i < c.count; i++) {
    c.lanes[i] = target->lanes;
    c.column[i] = i * target->lanes;
    c.weight[i] = c.column[i] / PANEL * tk->panel_stride + c.column[i] % PANEL;
  }
  int loops;
  Tile t = {.tk = tk, .columns = &c, .panels = panels};
  VarId group = column_groups(&t, loop, "p", groups, &loops);
  Affine panel = affine_add(affine_plus(affine_var(group, panels), first), tk->first_panel);
  t.panel = affine_scale(panel, tk->panel_stride);
  t.column = affine_scale(panel, PANEL);
  if (tile < width) {
    VarId part = emit_for(k, LOP_for, "q", 0, width, tile);
    t.panel = affine_add(t.panel, affine_var(part, 1));
    t.column = affine_add(t.column, affine_var(part, 1));
  }
  emit(user, &t);
  if (tile < width) emit_end(k);
  for (int i = 0; i < loops; i++) emit_end(k);
}

/* The last panel's columns that exist, in groups of pieces no wider than a tile. */
static void partial_panel(const TileKernel *tk, LoopOp loop, EmitTiles emit, void *user) {
  const Target *target = tk->lw->target;
  Kernel *k = tk->lw->kernel;
  int pieces[PANEL], offset = 0;
  int count = lane_pieces(target, tk->columns % PANEL, pieces);
  int64_t panel = tk->columns / PANEL;
  int loops = 0;
  Tile rows = {.tk = tk};
  if (loop == LOP_pfor) column_groups(&rows, loop, "last", 1, &loops);
  for (int i = 0; i < count;) {
    TileColumns c = {0};
    for (; i < count && c.count < target->gemm_vectors; i++) {
      c.lanes[c.count] = pieces[i];
      c.weight[c.count] = offset;
      c.column[c.count++] = offset;
      offset += pieces[i];
    }
    Tile t = {.tk = tk, .columns = &c, .panels = 0, .row_part = rows.row_part};
    t.panel = affine(panel * tk->panel_stride);
    t.column = affine(panel * PANEL);
    emit(user, &t);
  }
  for (int i = 0; i < loops; i++) emit_end(k);
}

/* Whole panels, in groups of as many as a tile holds. */
static RowTiles groups_of(const Target *t, int64_t panels) {
  const int most = t->lanes * t->gemm_vectors / PANEL;
  return row_tiles(panels, most < 1 ? 1 : most);
}

int64_t panel_groups(const Target *t, int64_t panels) {
  const RowTiles groups = groups_of(t, panels);
  return groups.count[0] + groups.count[1];
}

static int64_t panels_of(const TileKernel *tk) { return tk->panel_count ? tk->panel_count : tk->columns / PANEL; }

int64_t tile_groups(const TileKernel *tk) { return panel_groups(tk->lw->target, panels_of(tk)); }

void tile_each_panel(const TileKernel *tk, LoopOp loop, EmitTiles emit, void *user) {
  const RowTiles groups =
      groups_of(tk->lw->target, panels_of(tk)); /* 16 panels by at most 3: 4 x 3 + 2 x 2, no thin rest */
  for (int i = 0; i < 2; i++)
    if (groups.count[i]) whole_panels(tk, loop, groups.start[i], groups.count[i], groups.rows[i], emit, user);
  if (!tk->panel_count && tk->columns % PANEL) partial_panel(tk, loop, emit, user);
}

RowTiles row_tiles(int64_t rows, int most) {
  int64_t tiles = (rows + most - 1) / most;
  if (!tiles) return (RowTiles){0};
  int64_t low = rows / tiles, high_count = rows % tiles;
  RowTiles t = {.count = {high_count, tiles - high_count}, .rows = {(int)low + 1, (int)low}};
  t.start[1] = high_count * (low + 1);
  return t;
}

int64_t tile_blocks(int64_t tiles, int most) {
  enum { THREADS = 4 };
  int64_t blocks = (tiles + most - 1) / most;
  return blocks >= THREADS ? (blocks + THREADS - 1) / THREADS * THREADS : blocks;
}

void block_bounds(int64_t tiles, int64_t blocks, Affine block, Bound low[2], Bound high[2]) {
  low[0] = bound_floor(affine_scale(block, tiles), blocks);
  high[0] = bound_floor(affine_plus(affine_scale(block, tiles), tiles), blocks);
  low[1] = high[1] = bound_none();
}
