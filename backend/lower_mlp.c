/* mlp: y = (act(x W1 + b1) W2 + b2), then pointwise ops (the residual): a ConvNeXt block behind its depthwise conv.
 *
 * Many rows, no grn: a task is a block of rows; 384 to 768 hidden columns at a time are computed into scratch and
 * multiplied on while they are in L2, so nothing of the hidden size is ever in the arena. With several such chunks y
 * begins as bias + residual and each chunk adds to it.
 * Few rows, or grn: one kernel computes the hidden map, the next reads it. grn (lower_mlp_grn.c) stands between. */
#include "backend/lower_mlp.h"
#include "backend/lower_rows.h"

static Mlp mlp_describe(Lower *lw) {
  const Graph *g = lw->graph;
  Mlp m = {.lw = lw, .first = op_at(g, lw->ops[0])};
  uint32_t i = 1;
  m.act = lw->ops + 1;
  while (op_info[op_at(g, lw->ops[i])->kind].traits & T_POINTWISE) i++;
  m.act_count = i - 1;
  if (op_at(g, lw->ops[i])->kind == OP_grn) m.grn = op_at(g, lw->ops[i++]);
  m.second = op_at(g, lw->ops[i++]);
  m.tail = lw->ops + i;
  m.tail_count = lw->op_count - i;
  m.y = op_at(g, lw->ops[lw->op_count - 1])->first_result;
  m.hidden = m.first->attrs.cols;
  m.columns = m.second->attrs.cols;
  m.rows = type_elements(type_of(g, m.y)) / m.columns;
  return m;
}

/* Hidden columns in chunks of at most 768, all equal; 0: they don't divide. */
static int64_t chunk_count(int64_t hidden) {
  enum { MOST_PANELS = 48, MOST_CHUNKS = 8 };
  int64_t panels = hidden / PANEL;
  for (int64_t n = (panels + MOST_PANELS - 1) / MOST_PANELS; n <= MOST_CHUNKS; n++)
    if (panels % n == 0) return n;
  return 0;
}

/* Behind the second gemm: nothing, or one add of a tensor of the result's shape? */
static bool tail_is_residual(const Mlp *m, ValueId *residual) {
  const Graph *g = m->lw->graph;
  *residual = 0;
  if (!m->tail_count) return true;
  const Op *add = op_at(g, m->tail[0]);
  if (m->tail_count > 1 || add->kind != OP_add || add->operands[0] == add->operands[1]) return false;
  *residual = add->operands[add->operands[0] == m->second->first_result ? 1 : 0];
  return type_equal(type_of(g, *residual), type_of(g, m->y));
}

typedef struct {
  Mlp m;
  int64_t chunks;
  Product one, two;
  TileKernel tk1, tk2;
  ValueId residual;
  Affine row_at; /* where emit_start works */
} Fused;

/* y = bias + residual on one vector. */
static void emit_start(void *user, Affine at, int lanes) {
  Fused *f = user;
  Lower *lw = f->m.lw;
  Kernel *k = lw->kernel;
  RegId v = kernel_reg(k, REG_f32, lanes, "start");
  Affine element = affine_add(f->row_at, at);
  if (f->residual)
    emit_load(k, v, lower_in(lw, f->residual), element);
  else
    emit_const(k, v, 0);
  if (f->m.second->operand_count > 2 && f->m.second->operands[2]) {
    RegId b = kernel_reg(k, REG_f32, lanes, "b");
    emit_load(k, b, f->tk2.bias, at);
    emit_op(k, LOP_add, v, v, b, 0);
  }
  emit_store(k, f->tk2.y, element, v);
}

static void emit_block_start(Fused *f, const RowSegment *s) {
  Kernel *k = f->m.lw->kernel;
  f->row_at = affine_scale(emit_segment_rows(k, s), f->m.columns);
  emit_vectors(f->m.lw, f->m.columns, emit_start, f);
  emit_end(k);
  emit_end(k);
}

/* One block of rows: hidden chunk by chunk. */
static void fused_body(void *user, const RowSegment *s, Affine number) {
  Fused *f = user;
  Kernel *k = f->m.lw->kernel;
  (void)number;
  int64_t width = f->m.hidden / f->chunks;
  if (f->chunks > 1) emit_block_start(f, s);
  Bound next = s->low[0];
  next.value = affine_plus(next.value, next.divisor);
  Bound high[2] = {next, bound_none()};
  VarId base = emit_for_bounds(k, LOP_for, "base", s->low, high, 1); /* one turn: the block's first tile */
  Affine first_row = affine_plus(affine_var(base, s->rows), s->first);
  Affine scratch = affine_scale(first_row, -width);
  VarId chunk = f->chunks > 1 ? emit_for(k, LOP_for, "h", 0, f->chunks, 1) : 0;
  Affine skipped = chunk ? affine_var(chunk, width) : affine(0);
  f->one.segment[0] = f->two.segment[0] = *s;
  f->one.segments = f->two.segments = 1;
  f->tk1.first_panel = chunk ? affine_var(chunk, width / PANEL) : affine(0);
  f->tk1.panel_count = width / PANEL;
  f->one.y_at = affine_add(scratch, affine_scale(skipped, -1));
  f->two.x_at = scratch;
  f->two.k_first = skipped;
  f->two.k_count = width;
  emit_product(&f->one, LOP_for);
  emit_product(&f->two, LOP_for);
  if (chunk) emit_end(k);
  emit_end(k);
}

static void lower_fused(Mlp m, int64_t chunks, ValueId residual) {
  Lower *lw = m.lw;
  Fused f = {.m = m, .chunks = chunks, .residual = residual};
  int64_t width = m.hidden / chunks;
  lower_kernel(lw);
  ParamId x = lower_in(lw, m.first->operands[0]);
  ParamId hidden = lower_scratch(lw, 0, DT_f32, most_block_rows(lw->target, m.rows, BLOCK_TILES) * width);
  f.tk1 = tile_kernel(lw, m.first, x, hidden);
  f.tk1.epilogue = m.act;
  f.tk1.epilogue_count = m.act_count;
  f.tk2 = tile_kernel(lw, m.second, hidden, lower_out(lw, m.y));
  if (chunks == 1) {
    f.tk2.epilogue = m.tail;
    f.tk2.epilogue_count = m.tail_count;
  } else {
    f.tk2.start = START_Y;
    lower_in(lw, m.y);
  }
  f.one = product_whole(&f.tk1);
  f.two = product_whole(&f.tk2);
  f.one.y_stride = f.two.x_stride = width;
  emit_row_blocks(lw, m.rows, fused_body, &f);
}

static void product_body(void *user, const RowSegment *s, Affine number) {
  Product *p = user;
  p->segment[0] = *s;
  p->segments = 1;
  if (p->tk->sums_squares) p->tk->squares_at = affine_scale(number, p->tk->columns);
  emit_product(p, LOP_for);
}

void mlp_emit_product(TileKernel *tk, int64_t rows) {
  Product p = product_whole(tk);
  if (product_by_rows(rows))
    emit_row_blocks(tk->lw, rows, product_body, &p);
  else {
    product_all_rows(&p, rows);
    emit_product(&p, LOP_pfor);
  }
}

/* Hidden map in temporary 0. */
static void lower_in_two(Mlp m) {
  Lower *lw = m.lw;
  lower_kernel(lw);
  ParamId x = lower_in(lw, m.first->operands[0]);
  TileKernel one = tile_kernel(lw, m.first, x, lower_temp(lw, 0, DT_f32, m.rows * m.hidden));
  one.epilogue = m.act;
  one.epilogue_count = m.act_count;
  mlp_emit_product(&one, m.rows);
  lower_kernel(lw);
  ParamId hidden = lower_temp(lw, 0, DT_f32, m.rows * m.hidden);
  TileKernel two = tile_kernel(lw, m.second, hidden, lower_out(lw, m.y));
  two.epilogue = m.tail;
  two.epilogue_count = m.tail_count;
  mlp_emit_product(&two, m.rows);
}

void lower_mlp(Lower *lw) {
  Mlp m = mlp_describe(lw);
  ValueId residual;
  bool simple = tail_is_residual(&m, &residual);
  int64_t chunks = chunk_count(m.hidden);
  if (m.grn)
    lower_mlp_grn(&m);
  else if (m.first->attrs.strassen)
    lower_mlp_strassen(&m);
  else if (product_by_rows(m.rows) && (chunks == 1 || (chunks && simple)))
    lower_fused(m, chunks, residual);
  else
    lower_in_two(m);
}
