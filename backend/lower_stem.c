/* stem and downsample: a conv whose stride is its kernel, as a gemm of patches.
 *
 *   stem         patches, gemm, pointwise ops, perhaps layernorm over the columns
 *   downsample   layernorm over the channels, patches, gemm, pointwise ops
 *
 * One kernel lays the patches out as rows (normalised on the way), the next multiplies them; a norm behind the gemm is
 * done by the task that has whole rows, or by a third kernel where tasks are columns. */
#include "backend/lower_layernorm.h"
#include "backend/lower_patches.h"
#include "backend/lower_product.h"

typedef struct {
  Product product;
  const Op *norm; /* behind the gemm; NULL: none */
} Stem;

/* The rows of one tile after another. */
static void emit_norm(Stem *s, const RowSegment *segment) {
  TileKernel *tk = s->product.tk;
  VarId tile = emit_for_bounds(tk->lw->kernel, LOP_for, "tile", segment->low, segment->high, 1);
  Affine at = affine_scale(affine_plus(affine_var(tile, segment->rows), segment->first), tk->columns);
  NormRows rows = {.x = tk->y, .y = tk->y, .x_at = at, .y_at = at};
  rows.loop[0].count = segment->rows;
  rows.loop[0].x_step = rows.loop[0].y_step = tk->columns;
  emit_layernorm_rows(tk->lw, s->norm, &rows);
  emit_end(tk->lw->kernel);
}

static void block_body(void *user, const RowSegment *segment, Affine number) {
  Stem *s = user;
  (void)number;
  s->product.segment[0] = *segment;
  s->product.segments = 1;
  emit_product(&s->product, LOP_for);
  if (s->norm) emit_norm(s, segment);
}

/* The norm of all rows in a kernel of its own. */
static void norm_kernel(Lower *lw, const Op *norm, ValueId y, int64_t rows, int64_t columns) {
  Kernel *k = lower_kernel(lw);
  ParamId p = lower_out(lw, y);
  lower_in(lw, y); /* read, too */
  Affine at = affine_var(emit_for(k, LOP_pfor, "row", 0, rows, 1), columns);
  emit_layernorm_row(lw, norm, p, at, p, at);
  emit_end(k);
}

/* Op `patches` of the group begins at index `first`; `before` is the norm in front of it. */
static void lower_patch_gemm(Lower *lw, uint32_t first, const Op *before) {
  const Graph *g = lw->graph;
  const Op *patches = op_at(g, lw->ops[first]), *gemm = op_at(g, lw->ops[first + 1]),
           *last = op_at(g, lw->ops[lw->op_count - 1]);
  const Type *t = type_of(g, patches->first_result);
  Stem s = {.norm = last->kind == OP_layernorm ? last : NULL};
  int64_t rows = type_elements(t) / t->dim[3];
  lower_kernel(lw);
  ParamId x = lower_in(lw, before ? before->operands[0] : patches->operands[0]);
  emit_patches(lw, patches, before, x, lower_temp(lw, 0, DT_f32, type_elements(t)));
  lower_kernel(lw);
  ParamId in = lower_temp(lw, 0, DT_f32, type_elements(t));
  TileKernel tk = tile_kernel(lw, gemm, in, lower_out(lw, last->first_result));
  tk.epilogue = lw->ops + first + 2;
  tk.epilogue_count = lw->op_count - first - 2 - (s.norm ? 1 : 0);
  s.product = product_whole(&tk);
  if (product_by_rows(rows)) {
    if (s.norm) lower_in(lw, last->first_result); /* read back by the norm */
    emit_row_blocks(lw, rows, block_body, &s);
    return;
  }
  product_all_rows(&s.product, rows);
  emit_product(&s.product, LOP_pfor);
  if (s.norm) norm_kernel(lw, s.norm, last->first_result, rows, tk.columns);
}

void lower_stem(Lower *lw) { lower_patch_gemm(lw, 0, NULL); }

void lower_downsample(Lower *lw) { lower_patch_gemm(lw, 1, op_at(lw->graph, lw->ops[0])); }
