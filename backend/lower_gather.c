/* Family gather: result [outer, indices, inner] from data [outer, axis, inner].
 *
 *   for o, i: at = index[i]; at += at < 0 ? n : 0; at = min(max(at, 0), n - 1); copy inner elements
 *
 * An index outside [-n, n) is clamped: whatever the data say, nothing outside the operand is read. */
#include "backend/lower_nest.h"

enum { INNER_BLOCK = 4096 }; /* elements copied at once: long slices are cut so that there are tasks */

typedef struct {
  Lower *lower;
  ParamId data, index, result;
  int64_t outer, n, indices, inner;
  bool vectors;
  RegPool value;
  RegId at, mask, zero, size, last, wrapped;
} Gather;

static void make_registers(Gather *g, RegType type, RegType element) {
  Kernel *k = g->lower->kernel;
  g->value = pool_new(k, element, "v");
  g->at = kernel_reg(k, type, 1, "at");
  g->wrapped = kernel_reg(k, type, 1, "wrapped");
  g->zero = kernel_reg(k, type, 1, "zero");
  g->size = kernel_reg(k, type, 1, "size");
  g->last = kernel_reg(k, type, 1, "last");
  g->mask = kernel_reg(k, REG_i32, 1, "negative");
}

static void load_index(Gather *g, Affine position) {
  Kernel *k = g->lower->kernel;
  emit_const(k, g->zero, 0);
  emit_const(k, g->size, (double)g->n);
  emit_const(k, g->last, (double)(g->n - 1));
  emit_load(k, g->at, g->index, position);
  emit_op(k, LOP_lt, g->mask, g->at, g->zero, 0);
  emit_op(k, LOP_add, g->wrapped, g->at, g->size, 0);
  emit_op(k, LOP_select, g->at, g->mask, g->wrapped, g->at);
  emit_op(k, LOP_max, g->at, g->at, g->zero, 0);
  emit_op(k, LOP_min, g->at, g->at, g->last, 0);
}

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
  load_index(g, nest_at(&nest, i, 1));
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
  make_registers(&g, reg_type_of(index->dtype), reg_type_of(x->dtype));
  int64_t blocks = g.inner / INNER_BLOCK, rest = g.inner % INNER_BLOCK;
  if (blocks) gather_blocks(&g, 0, blocks, INNER_BLOCK);
  if (rest) gather_blocks(&g, blocks * INNER_BLOCK, 1, rest);
}
