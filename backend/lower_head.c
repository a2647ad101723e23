/* head: mean over positions, perhaps layernorm over the channels, then gemm. The first kernel makes the normalised
 * means of each image, the second multiplies them. */
#include "backend/lower_layernorm.h"
#include "backend/lower_product.h"
#include "backend/lower_rows.h"

typedef struct {
  Lower *lw;
  ParamId x, to;
  int64_t height, width, channels;
  Affine image;
} Head;

/* Means of `lanes` channels: rows are summed, then their sums. */
static void emit_mean(void *user, Affine at, int lanes) {
  Head *h = user;
  Kernel *k = h->lw->kernel;
  RegId sum = kernel_reg(k, REG_f32, lanes, "sum"), row = kernel_reg(k, REG_f32, lanes, "row");
  RegId v = kernel_reg(k, REG_f32, lanes, "v");
  emit_const(k, sum, 0);
  VarId y = emit_for(k, LOP_for, "y", 0, h->height, 1);
  emit_const(k, row, 0);
  VarId x = emit_for(k, LOP_for, "x", 0, h->width, 1);
  Affine position = affine_add(affine_scale(h->image, h->height), affine_var(y, 1));
  position = affine_add(affine_scale(position, h->width), affine_var(x, 1));
  emit_load(k, v, h->x, affine_add(affine_scale(position, h->channels), at));
  emit_op(k, LOP_add, row, row, v, 0);
  emit_end(k);
  emit_op(k, LOP_add, sum, sum, row, 0);
  emit_end(k);
  emit_const(k, v, (double)(h->height * h->width));
  emit_op(k, LOP_div, sum, sum, v, 0);
  emit_store(k, h->to, affine_add(affine_scale(h->image, h->channels), at), sum);
}

void lower_head(Lower *lw) {
  const Graph *g = lw->graph;
  const Op *mean = op_at(g, lw->ops[0]), *norm = op_at(g, lw->ops[1]);
  uint32_t first = norm->kind == OP_layernorm ? 2 : 1; /* index of the gemm */
  const Op *gemm = op_at(g, lw->ops[first]);
  const Type *x = type_of(g, mean->operands[0]);
  Kernel *k = lower_kernel(lw);
  Head h = {.lw = lw, .height = x->dim[1], .width = x->dim[2], .channels = x->dim[3]};
  h.x = lower_in(lw, mean->operands[0]);
  h.to = lower_temp(lw, 0, DT_f32, x->dim[0] * h.channels);
  h.image = affine_var(emit_for(k, LOP_pfor, "n", 0, x->dim[0], 1), 1);
  emit_vectors(lw, h.channels, emit_mean, &h);
  Affine at = affine_scale(h.image, h.channels);
  if (first == 2) emit_layernorm_row(lw, norm, h.to, at, h.to, at);
  emit_end(k);
  lower_kernel(lw);
  ParamId in = lower_temp(lw, 0, DT_f32, x->dim[0] * h.channels);
  TileKernel tk = tile_kernel(lw, gemm, in, lower_out(lw, op_at(g, lw->ops[lw->op_count - 1])->first_result));
  tk.epilogue = lw->ops + first + 1;
  tk.epilogue_count = lw->op_count - first - 1;
  Product p = product_whole(&tk);
  product_all_rows(&p, x->dim[0]);
  emit_product(&p, LOP_pfor);
}
