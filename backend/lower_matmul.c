/* Family matmul: y [batch, M, N] = a [batch, M, K] b [batch, K, N] of two computed matrices; any strides.
 *
 * Two register tiles. Outer product, where b's rows are contiguous: rows x vectors accumulators (the target's gemm
 * tile), one spread element of a times one vector of b. Dot products, where the K axes of both are contiguous: rows x
 * columns accumulators along K, summed at the end. Types without vectors use the first with scalars. */
#include "backend/lower_nest.h"

enum { DOT_ROWS = 2, DOT_COLUMNS = 4 }; /* 8 accumulators + 4 + 1 operands of 16 registers */

typedef struct {
  Lower *lower;
  ParamId a, b, y;
  RegType type;
  int64_t m, n, k;
  int64_t am, ak, bk, bn; /* strides */
  int batch_rank;
  int64_t batch[MAX_RANK], sa[MAX_RANK], sb[MAX_RANK], sy[MAX_RANK];
  RegPool acc, left, right, part;
} Matmul;

/* Base addresses of a tile: a [m, 0], b [0, n], y [m, n]. */
typedef struct {
  Affine a, b, y;
} Tile;

static Tile open_tile(Matmul *mm, const Segment *rows, const Segment *columns, Nest *nest) {
  static const char *const names[] = {"i0", "i1", "i2", "i3", "i4", "i5", "i6", "i7"};
  int loop[MAX_RANK];
  for (int i = 0; i < mm->batch_rank; i++) loop[i] = nest_add(nest, names[i], 0, mm->batch[i], 1);
  int n = nest_add(nest, "n", columns->start, columns->start + columns->count, columns->block);
  int m = nest_add(nest, "m", rows->start, rows->start + rows->count, rows->block);
  nest_open(mm->lower->kernel, nest);
  Tile t = {nest_at(nest, m, mm->am), nest_at(nest, n, mm->bn),
            affine_add(nest_at(nest, m, mm->n), nest_at(nest, n, 1))};
  for (int i = 0; i < mm->batch_rank; i++) {
    t.a = affine_add(t.a, nest_at(nest, loop[i], mm->sa[i]));
    t.b = affine_add(t.b, nest_at(nest, loop[i], mm->sb[i]));
    t.y = affine_add(t.y, nest_at(nest, loop[i], mm->sy[i]));
  }
  return t;
}

static void outer_product_step(Matmul *mm, const Tile *t, int rows, int vectors, int lanes, Affine k) {
  Kernel *kernel = mm->lower->kernel;
  Affine a = affine_add(t->a, affine_scale(k, mm->ak)), b = affine_add(t->b, affine_scale(k, mm->bk));
  for (int v = 0; v < vectors; v++)
    emit_load(kernel, pool_reg(&mm->right, lanes, v), mm->b, affine_plus(b, v * lanes * mm->bn));
  for (int r = 0; r < rows; r++) {
    RegId left = pool_reg(&mm->left, lanes, 0);
    RegId product = mm->type == REG_f32 ? 0 : pool_reg(&mm->part, lanes, 0);
    emit_spread(kernel, left, lanes, mm->a, affine_plus(a, r * mm->am));
    for (int v = 0; v < vectors; v++)
      emit_multiply_add(kernel, mm->type, pool_reg(&mm->acc, lanes, r * vectors + v), left,
                        pool_reg(&mm->right, lanes, v), product);
  }
}

static void outer_product(Matmul *mm, const Segment *rows, const Segment *columns) {
  Kernel *kernel = mm->lower->kernel;
  Nest nest = {0};
  int lanes = columns->lanes, vectors = columns->block / lanes;
  Tile t = open_tile(mm, rows, columns, &nest);
  for (int i = 0; i < rows->block * vectors; i++) emit_const(kernel, pool_reg(&mm->acc, lanes, i), 0);
  if (mm->k) {
    VarId k = emit_for(kernel, LOP_for, "k", 0, mm->k, 1);
    outer_product_step(mm, &t, rows->block, vectors, lanes, affine_var(k, 1));
    emit_end(kernel);
  }
  for (int r = 0; r < rows->block; r++)
    for (int v = 0; v < vectors; v++)
      emit_store(kernel, mm->y, affine_plus(t.y, r * mm->n + v * lanes), pool_reg(&mm->acc, lanes, r * vectors + v));
  nest_close(kernel, &nest);
}

/* acc[r][c] += a[r, k .. k + lanes) b[k .. k + lanes, c] */
static void dot_step(Matmul *mm, const Tile *t, int rows, int columns, int lanes, Affine k) {
  Kernel *kernel = mm->lower->kernel;
  for (int c = 0; c < columns; c++)
    emit_load(kernel, pool_reg(&mm->right, lanes, c), mm->b, affine_plus(affine_add(t->b, k), c * mm->bn));
  for (int r = 0; r < rows; r++) {
    RegId left = pool_reg(&mm->left, lanes, 0);
    emit_load(kernel, left, mm->a, affine_plus(affine_add(t->a, k), r * mm->am));
    for (int c = 0; c < columns; c++)
      emit_multiply_add(kernel, mm->type, pool_reg(&mm->acc, lanes, r * columns + c), left,
                        pool_reg(&mm->right, lanes, c), 0);
  }
}

static void dot_products(Matmul *mm, const Segment *rows, const Segment *columns) {
  Kernel *kernel = mm->lower->kernel;
  Nest nest = {0};
  int lanes = mm->lower->target->lanes, count = rows->block * columns->block;
  int64_t full = mm->k / lanes * lanes;
  Tile t = open_tile(mm, rows, columns, &nest);
  for (int i = 0; i < count; i++) emit_const(kernel, pool_reg(&mm->acc, lanes, i), 0);
  VarId k = emit_for(kernel, LOP_for, "k", 0, full, lanes);
  dot_step(mm, &t, rows->block, columns->block, lanes, affine_var(k, 1));
  emit_end(kernel);
  for (int i = 0; i < count; i++)
    emit_op(kernel, LOP_hsum, pool_reg(&mm->acc, 1, i), pool_reg(&mm->acc, lanes, i), 0, 0);
  if (mm->k > full) {
    k = emit_for(kernel, LOP_for, "k", full, mm->k, 1);
    dot_step(mm, &t, rows->block, columns->block, 1, affine_var(k, 1));
    emit_end(kernel);
  }
  for (int i = 0; i < count; i++)
    emit_store(kernel, mm->y, affine_plus(t.y, i / columns->block * mm->n + i % columns->block),
               pool_reg(&mm->acc, 1, i));
  nest_close(kernel, &nest);
}

/* Leading axes of the result with the strides of each operand (0 where it is broadcast). */
static void set_batch(Matmul *mm, const Type *a, const Type *b, const Type *y) {
  int64_t strides[3][MAX_RANK];
  const Type *types[3] = {a, b, y};
  int64_t *out[3] = {mm->sa, mm->sb, mm->sy};
  for (int i = 0; i < 3; i++) type_strides(types[i], strides[i]);
  for (int axis = 0; axis < y->rank - 2; axis++) {
    if (y->dim[axis] == 1) continue;
    for (int i = 0; i < 3; i++) {
      int at = axis - (y->rank - types[i]->rank);
      out[i][mm->batch_rank] = at < 0 || types[i]->dim[at] == 1 ? 0 : strides[i][at];
    }
    mm->batch[mm->batch_rank++] = y->dim[axis];
  }
}

static Matmul matmul_of(Lower *lw, const Op *op) {
  const Graph *g = lw->graph;
  const Type *a = type_of(g, op->operands[0]), *b = type_of(g, op->operands[1]), *y = type_of(g, op->first_result);
  bool ta = op->attrs.trans_a, tb = op->attrs.trans_b;
  Matmul mm = {.lower = lw, .type = reg_type_of(y->dtype)};
  mm.m = y->dim[y->rank - 2];
  mm.n = y->dim[y->rank - 1];
  mm.k = a->dim[a->rank - (ta ? 2 : 1)];
  mm.am = ta ? 1 : mm.k;
  mm.ak = ta ? mm.m : 1;
  mm.bk = tb ? 1 : mm.n;
  mm.bn = tb ? mm.k : 1;
  set_batch(&mm, a, b, y);
  mm.a = lower_in(lw, op->operands[0]);
  mm.b = lower_in(lw, op->operands[1]);
  mm.y = lower_out(lw, op->first_result);
  mm.acc = pool_new(lw->kernel, mm.type, "acc");
  mm.left = pool_new(lw->kernel, mm.type, "a");
  mm.right = pool_new(lw->kernel, mm.type, "b");
  mm.part = pool_new(lw->kernel, mm.type, "ab");
  return mm;
}

void lower_matmul(Lower *lw) {
  if (lw->op_count != 1) die("a matmul group of %u ops", lw->op_count);
  const Op *op = op_at(lw->graph, lw->ops[0]);
  const Type *y = type_of(lw->graph, op->first_result);
  if (!type_elements(y)) return;
  lower_kernel(lw);
  Matmul mm = matmul_of(lw, op);
  const Target *target = lw->target;
  bool vectors = target_has_vectors(target, y->dtype);
  bool rows_contiguous = mm.bn == 1 && mm.n >= 4;
  bool dots = vectors && !rows_contiguous && mm.ak == 1 && mm.bk == 1 && mm.k >= target->lanes;
  Segment rows[2], columns[MAX_SEGMENTS];
  int row_count = segments_of_rows(0, mm.m, dots ? DOT_ROWS : target->gemm_rows, rows);
  int column_count = dots ? segments_of_rows(0, mm.n, DOT_COLUMNS, columns)
                          : segments_of_lanes(target, vectors && mm.bn == 1, 0, mm.n, target->gemm_vectors, columns);
  for (int c = 0; c < column_count; c++)
    for (int r = 0; r < row_count; r++) {
      if (dots)
        dot_products(&mm, &rows[r], &columns[c]);
      else
        outer_product(&mm, &rows[r], &columns[c]);
    }
}
