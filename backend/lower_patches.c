/* Windows as rows; see lower_patches.h. Windows do not leave the image; a task is one output row of all images. */
#include "backend/lower_patches.h"
#include "backend/lower_layernorm.h"
#include "backend/lower_taps.h"

/* count elements from x[from], x_stride apart, to contiguous to[at]. */
static void emit_copy(Lower *lw, ParamId x, Affine from, int64_t x_stride, ParamId to, Affine at, int64_t count) {
  Kernel *k = lw->kernel;
  int64_t done = 0;
  int lanes = x_stride == 1 ? lw->target->lanes : 1;
  while (done < count) {
    int64_t end = done + (count - done) / lanes * lanes;
    if (end > done) {
      VarId c = emit_for(k, LOP_for, "c", done, end, lanes);
      RegId v = kernel_reg(k, REG_f32, lanes, "v");
      emit_load(k, v, x, affine_add(from, affine_var(c, x_stride)));
      emit_store(k, to, affine_add(at, affine_var(c, 1)), v);
      emit_end(k);
    }
    done = end;
    lanes = 1;
  }
}

void emit_patches(Lower *lw, const Op *op, const Op *norm, ParamId x, ParamId to) {
  Kernel *k = lw->kernel;
  bool first = !op->attrs.layout;
  const Type *in = type_of(lw->graph, op->operands[0]), *out = type_of(lw->graph, op->first_result);
  Type last = *in;
  if (first) last.dim[1] = in->dim[2], last.dim[2] = in->dim[3], last.dim[3] = in->dim[1];
  Taps v = taps_describe(&op->attrs, &last, out, op->attrs.kernel.at[0], op->attrs.kernel.at[1], first);
  Affine oy = affine_var(emit_for(k, LOP_pfor, "oy", 0, v.oh, 1), 1), n = affine_var(emit_for(k, LOP_for, "n", 0, v.n, 1), 1);
  Affine ox = affine_var(emit_for(k, LOP_for, "ox", 0, v.ow, 1), 1);
  VarId ky = emit_for(k, LOP_for, "ky", 0, v.kh, 1), kx = emit_for(k, LOP_for, "kx", 0, v.kw, 1);
  Affine row = affine_add(affine_scale(affine_add(affine_scale(n, v.oh), oy), v.ow), ox);
  Affine at = affine_scale(row, v.kh * v.kw * v.i);
  at = affine_add(at, affine_add(affine_var(ky, v.kw * v.i), affine_var(kx, v.i)));
  Affine from = taps_address(&v, n, oy, ox, ky, kx);
  if (norm) emit_layernorm_row(lw, norm, x, from, to, at);
  else emit_copy(lw, x, from, v.stride_i, to, at, v.i);
  for (int i = 0; i < 5; i++) emit_end(k);
}

void lower_patches(Lower *lw) {
  const Op *op = op_at(lw->graph, lw->ops[0]);
  lower_kernel(lw);
  ParamId x = lower_in(lw, op->operands[0]);
  emit_patches(lw, op, NULL, x, lower_out(lw, op->first_result));
}
