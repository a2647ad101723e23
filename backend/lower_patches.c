/* Windows as rows; see lower_patches.h. Windows do not leave the image; a task is one output row of all images. */
#include "backend/lower_patches.h"
#include "backend/lower_layernorm.h"
#include "backend/lower_taps.h"

/* count elements from x[from], x_stride apart, to contiguous to[at]. */
static void emit_copy(Lower *lw, ParamId x, Affine from, int64_t x_stride, ParamId to, Affine at, int64_t count) {
  Kernel *k = lw->kernel;
  const DType dtype = k->params[x].dtype;
  int64_t done = 0;
  int lanes = x_stride == 1 && target_has_vectors(lw->target, dtype) ? lw->target->lanes : 1;
  while (done < count) {
    int64_t end = done + (count - done) / lanes * lanes;
    if (end > done) {
      VarId c = emit_for(k, LOP_for, "c", done, end, lanes);
      RegId v = kernel_reg(k, reg_type_of(dtype), lanes, "v");
      emit_load(k, v, x, affine_add(from, affine_var(c, x_stride)));
      emit_store(k, to, affine_add(at, affine_var(c, 1)), v);
      emit_end(k);
    }
    done = end;
    lanes = 1;
  }
}

typedef struct {
  Taps taps;
  Affine image, row;
  int64_t size; /* elements of a patch */
} Patches;

static Affine patch_at(const Patches *p, Affine ox) {
  Affine row = affine_add(affine_scale(p->image, p->taps.oh), p->row);
  return affine_scale(affine_add(affine_scale(row, p->taps.ow), ox), p->size);
}

/* Patch after patch, since they are what is written: normalised. */
static void emit_normalised(Lower *lw, const Patches *p, const Op *norm, ParamId x, ParamId to) {
  const Taps *t = &p->taps;
  NormRows rows = {.x = x, .y = to, .y_at = patch_at(p, affine(0))};
  rows.x_at = taps_address(t, p->image, p->row, affine(0), 0, 0);
  rows.loop[0].count = t->ow, rows.loop[0].x_step = t->sx * t->stride_x, rows.loop[0].y_step = p->size;
  rows.loop[1].count = t->kh, rows.loop[1].x_step = t->dy * t->stride_y, rows.loop[1].y_step = t->kw * t->i;
  rows.loop[2].count = t->kw, rows.loop[2].x_step = t->dx * t->stride_x, rows.loop[2].y_step = t->i;
  emit_layernorm_rows(lw, norm, &rows);
}

/* Patch after patch. A few channels of an image in planes: a patch's row of taps is written out. */
static void emit_copied(Lower *lw, const Patches *p, ParamId x, ParamId to) {
  enum { MOST = 32 };
  Kernel *k = lw->kernel;
  const Taps *t = &p->taps;
  Affine ox = affine_var(emit_for(k, LOP_for, "ox", 0, t->ow, 1), 1);
  VarId ky = emit_for(k, LOP_for, "ky", 0, t->kh, 1);
  bool written = t->stride_i != 1 && t->kw * t->i <= MOST;
  VarId kx = written ? 0 : emit_for(k, LOP_for, "kx", 0, t->kw, 1);
  Affine at = affine_add(patch_at(p, ox), affine_var(ky, t->kw * t->i));
  Affine from = taps_address(t, p->image, p->row, ox, ky, kx);
  if (!written) emit_copy(lw, x, from, t->stride_i, to, affine_add(at, affine_var(kx, t->i)), t->i);
  for (int64_t i = 0; written && i < t->kw * t->i; i++) {
    RegId v = kernel_reg(k, reg_type_of(k->params[x].dtype), 1, "v");
    emit_load(k, v, x, affine_plus(from, i / t->i * t->dx * t->stride_x + i % t->i * t->stride_i));
    emit_store(k, to, affine_plus(at, i), v);
  }
  if (!written) emit_end(k);
  emit_end(k);
  emit_end(k);
}

void emit_patches(Lower *lw, const Op *op, const Op *norm, ParamId x, ParamId to) {
  Kernel *k = lw->kernel;
  bool first = !op->attrs.layout;
  const Type *in = type_of(lw->graph, op->operands[0]), *out = type_of(lw->graph, op->first_result);
  Type last = *in;
  if (first) last.dim[1] = in->dim[2], last.dim[2] = in->dim[3], last.dim[3] = in->dim[1];
  Patches p = {.taps = taps_describe(&op->attrs, &last, out, op->attrs.kernel.at[0], op->attrs.kernel.at[1], first)};
  p.size = p.taps.kh * p.taps.kw * p.taps.i;
  p.row = affine_var(emit_for(k, LOP_pfor, "oy", 0, p.taps.oh, 1), 1);
  p.image = affine_var(emit_for(k, LOP_for, "n", 0, p.taps.n, 1), 1);
  if (norm)
    emit_normalised(lw, &p, norm, x, to);
  else
    emit_copied(lw, &p, x, to);
  emit_end(k);
  emit_end(k);
}

void lower_patches(Lower *lw) {
  const Op *op = op_at(lw->graph, lw->ops[0]);
  lower_kernel(lw);
  ParamId x = lower_in(lw, op->operands[0]);
  emit_patches(lw, op, NULL, x, lower_out(lw, op->first_result));
}
