/* Family resize: along one axis, each result is a weighted sum of a few elements. Data [outer, size, inner], tables
 * [rows, taps]:
 *
 *   for o, r: for each vector of inner: sum over t of weight[r, t] x[o, index[r, t], vector]
 *
 * The taps of a row are read once for its inner elements, which are columns where images are channels last. */
#include "backend/lower_expr.h"
#include "backend/lower_index.h"
#include "backend/lower_nest.h"

enum { INNER_BLOCK = 4096, VECTORS = 4 };

typedef struct {
  Lower *lower;
  ParamId x, index, weight, result;
  RegType index_type, type;
  int64_t outer, size, inner, rows, taps;
  bool vectors;
  RegPool sum, value, spread;
} Resize;

/* One block of a segment: its sums stay in registers over the taps. */
static void sum_taps(Resize *z, const Segment *s, Affine from, Affine to, Affine table) {
  Kernel *k = z->lower->kernel;
  int count = s->block / s->lanes;
  for (int v = 0; v < count; v++) emit_const(k, pool_reg(&z->sum, s->lanes, v), 0);
  VarId t = emit_for(k, LOP_for, "t", 0, z->taps, 1);
  Affine tap = affine_add(table, affine_var(t, 1));
  RegId at = lower_index(k, z->index_type, z->index, tap, z->size), w = pool_reg(&z->spread, s->lanes, 0);
  RegId product = pool_reg(&z->spread, s->lanes, 1);
  emit_spread(k, w, s->lanes, z->weight, tap);
  for (int v = 0; v < count; v++) {
    RegId x = pool_reg(&z->value, s->lanes, v);
    emit_load_at(k, LOP_load, x, z->x, affine_plus(from, (int64_t)v * s->lanes), at, z->inner);
    emit_multiply_add(k, z->type, pool_reg(&z->sum, s->lanes, v), x, w, product);
  }
  emit_end(k);
  for (int v = 0; v < count; v++)
    emit_store(k, z->result, affine_plus(to, (int64_t)v * s->lanes), pool_reg(&z->sum, s->lanes, v));
}

/* Elements [start, start + blocks * block) of every row. */
static void resize_blocks(Resize *z, int64_t start, int64_t blocks, int64_t block) {
  Kernel *k = z->lower->kernel;
  Nest nest = {0};
  int o = nest_add(&nest, "o", 0, z->outer, 1), r = nest_add(&nest, "r", 0, z->rows, 1);
  int b = nest_add(&nest, "b", 0, blocks, 1);
  nest_open(k, &nest);
  Affine within = affine_plus(nest_at(&nest, b, block), start);
  Affine from = affine_add(nest_at(&nest, o, z->size * z->inner), within);
  Affine to = affine_add(affine_add(nest_at(&nest, o, z->rows * z->inner), nest_at(&nest, r, z->inner)), within);
  Segment s[MAX_SEGMENTS];
  int count = segments_of_lanes(z->lower->target, z->vectors, 0, block, VECTORS, s);
  for (int n = 0; n < count; n++) {
    bool loop = s[n].count > s[n].block;
    Affine j = affine(s[n].start);
    if (loop) j = affine_var(emit_for(k, LOP_for, "j", s[n].start, s[n].start + s[n].count, s[n].block), 1);
    sum_taps(z, &s[n], affine_add(from, j), affine_add(to, j), nest_at(&nest, r, z->taps));
    if (loop) emit_end(k);
  }
  nest_close(k, &nest);
}

void lower_resize(Lower *lw) {
  const Op *op = op_at(lw->graph, lw->ops[0]);
  const Type *x = type_of(lw->graph, op->operands[0]), *index = type_of(lw->graph, op->operands[1]);
  if (!type_elements(type_of(lw->graph, op->first_result))) return;
  lower_kernel(lw);
  Resize z = {.lower = lw,
              .outer = 1,
              .inner = 1,
              .size = x->dim[op->attrs.axis],
              .rows = index->dim[0],
              .taps = index->dim[1]};
  for (int a = 0; a < x->rank; a++) *(a < op->attrs.axis ? &z.outer : &z.inner) *= a == op->attrs.axis ? 1 : x->dim[a];
  z.x = lower_in(lw, op->operands[0]);
  z.index = lower_in(lw, op->operands[1]);
  z.weight = lower_in(lw, op->operands[2]);
  z.result = lower_out(lw, op->first_result);
  z.type = reg_type_of(x->dtype);
  z.index_type = reg_type_of(index->dtype);
  z.vectors = target_has_vectors(lw->target, x->dtype);
  z.sum = pool_new(lw->kernel, z.type, "sum");
  z.value = pool_new(lw->kernel, z.type, "v");
  z.spread = pool_new(lw->kernel, z.type, "w");
  int64_t blocks = z.inner / INNER_BLOCK, rest = z.inner % INNER_BLOCK;
  if (blocks) resize_blocks(&z, 0, blocks, INNER_BLOCK);
  if (rest) resize_blocks(&z, blocks * INNER_BLOCK, 1, rest);
}
