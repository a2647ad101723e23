/* Family gather: result [outer, indices, inner] from data [outer, axis, inner].
 *
 *   for o, i: at = index[i], made to lie in 0 .. n - 1; copy inner elements */
#include "backend/lower_index.h"
#include "backend/lower_nest.h"

enum { INNER_BLOCK = 4096 }; /* elements copied at once: long slices are cut so that there are tasks */

typedef struct {
  Lower *lower;
  ParamId data, index, result;
  int64_t outer, n, indices, inner;
  bool vectors;
  RegPool value;
  RegType index_type;
  RegId at;
} Gather;

/* Elements of one slice, [s->start, s->start + s->count) of a block of `inner`. */
static void copy_segment(Gather *g, const Segment *s, Affine from, Affine to) {
  Kernel *k = g->lower->kernel;
  RegId v = pool_reg(&g->value, s->lanes, 0);
  bool loop = s->count > s->block;
  Affine j =
      loop ? affine_var(emit_for(k, LOP_for, "j", s->start, s->start + s->count, s->block), 1) : affine(s->start);
  emit_load_at(k, LOP_load, v, g->data, affine_add(from, j), g->at, g->inner);
  emit_store(k, g->result, affine_add(to, j), v);
  if (loop) emit_end(k);
}

/* Elements [start, start + blocks * block) of every slice. */
static void gather_blocks(Gather *g, int64_t start, int64_t blocks, int64_t block) {
  Kernel *k = g->lower->kernel;
  Nest nest = {0};
  int o = nest_add(&nest, "o", 0, g->outer, 1);
  int i = nest_add(&nest, "i", 0, g->indices, 1);
  int b = nest_add(&nest, "b", 0, blocks, 1);
  nest_open(k, &nest);
  g->at = lower_index(k, g->index_type, g->index, nest_at(&nest, i, 1), g->n);
  Affine within = affine_plus(nest_at(&nest, b, block), start);
  Affine from = affine_add(nest_at(&nest, o, g->n * g->inner), within);
  Affine to = affine_add(affine_add(nest_at(&nest, o, g->indices * g->inner), nest_at(&nest, i, g->inner)), within);
  Segment s[MAX_SEGMENTS];
  int count = segments_of_lanes(g->lower->target, g->vectors, 0, block, 1, s);
  for (int n = 0; n < count; n++) copy_segment(g, &s[n], from, to);
  nest_close(k, &nest);
}

void lower_gather(Lower *lw) {
  if (lw->op_count != 1) die("a gather group of %u ops", lw->op_count);
  const Op *op = op_at(lw->graph, lw->ops[0]);
  const Type *x = type_of(lw->graph, op->operands[0]), *index = type_of(lw->graph, op->operands[1]);
  if (!type_elements(type_of(lw->graph, op->first_result))) return;
  lower_kernel(lw);
  Gather g = {.lower = lw, .outer = 1, .inner = 1, .n = x->dim[op->attrs.axis], .indices = type_elements(index)};
  for (int a = 0; a < x->rank; a++) *(a < op->attrs.axis ? &g.outer : &g.inner) *= a == op->attrs.axis ? 1 : x->dim[a];
  if (!g.n) die("gather of a dim of 0");
  g.data = lower_in(lw, op->operands[0]);
  g.index = lower_in(lw, op->operands[1]);
  g.result = lower_out(lw, op->first_result);
  g.vectors = target_has_vectors(lw->target, x->dtype);
  g.index_type = reg_type_of(index->dtype);
  g.value = pool_new(lw->kernel, reg_type_of(x->dtype), "v");
  int64_t blocks = g.inner / INNER_BLOCK, rest = g.inner % INNER_BLOCK;
  if (blocks) gather_blocks(&g, 0, blocks, INNER_BLOCK);
  if (rest) gather_blocks(&g, blocks * INNER_BLOCK, 1, rest);
}
