/* Family layout: one op that moves elements, as strided copies into boxes of its result.
 *
 *   reshape transpose expand slice   one copy
 *   concat                           one copy an operand
 *   tile                             one copy; each repeated axis is two, (repetition, element)
 *   pad                              each axis is cut into runs of constant source stride (0 edge, -1 mirrored, 1
 * middle); one copy or fill for each combination, so no test stands in a loop */
#include "backend/lower_copy.h"
#include <stdlib.h>
#include <string.h>

/* Parameters of the open kernel; operand `in`, result of the group's op. */
static Copier copier_of(Lower *lw, const Op *op, uint32_t in) {
  ParamId from = lower_in(lw, op->operands[in]);
  ParamId to = lower_out(lw, op->first_result);
  return copier_new(lw, to, from, type_of(lw->graph, op->first_result)->dtype);
}

/* Copy of the whole result with the given strides of the operand. */
static void copy_result(Lower *lw, const Op *op, const int64_t *from_strides, int64_t from_at) {
  const Type *t = type_of(lw->graph, op->first_result);
  int64_t strides[MAX_RANK];
  type_strides(t, strides);
  Copy c = {.from_at = from_at};
  for (int i = 0; i < t->rank; i++) copy_axis(&c, t->dim[i], from_strides[i], strides[i]);
  lower_kernel(lw);
  Copier p = copier_of(lw, op, 0);
  emit_copy(&p, c);
}

static void layout_reshape(Lower *lw, const Op *op) {
  int64_t strides[MAX_RANK];
  type_strides(type_of(lw->graph, op->first_result), strides);
  copy_result(lw, op, strides, 0);
}

static void layout_transpose(Lower *lw, const Op *op) {
  int64_t strides[MAX_RANK], permuted[MAX_RANK];
  type_strides(type_of(lw->graph, op->operands[0]), strides);
  for (int i = 0; i < op->attrs.perm.count; i++) permuted[i] = strides[op->attrs.perm.at[i]];
  copy_result(lw, op, permuted, 0);
}

static void layout_expand(Lower *lw, const Op *op) {
  const Type *x = type_of(lw->graph, op->operands[0]), *y = type_of(lw->graph, op->first_result);
  int64_t strides[MAX_RANK], spread[MAX_RANK] = {0};
  type_strides(x, strides);
  for (int i = 0; i < x->rank; i++) spread[y->rank - x->rank + i] = x->dim[i] == 1 ? 0 : strides[i];
  copy_result(lw, op, spread, 0);
}

static void layout_slice(Lower *lw, const Op *op) {
  const Type *x = type_of(lw->graph, op->operands[0]);
  int64_t strides[MAX_RANK], stepped[MAX_RANK], at = 0;
  type_strides(x, strides);
  for (int i = 0; i < x->rank; i++) {
    at += op->attrs.starts.at[i] * strides[i];
    stepped[i] = op->attrs.steps.at[i] * strides[i];
  }
  copy_result(lw, op, stepped, at);
}

static void layout_concat(Lower *lw, const Op *op) {
  enum { OPERANDS_A_KERNEL = 32 };
  const Type *y = type_of(lw->graph, op->first_result);
  int64_t to_strides[MAX_RANK], from_strides[MAX_RANK], at = 0;
  uint32_t copied = 0;
  type_strides(y, to_strides);
  for (uint32_t i = 0; i < op->operand_count; i++) {
    const Type *x = type_of(lw->graph, op->operands[i]);
    if (!type_elements(x)) continue;
    if (copied++ % OPERANDS_A_KERNEL == 0) lower_kernel(lw);
    type_strides(x, from_strides);
    Copy c = {.to_at = at * to_strides[op->attrs.axis]};
    for (int a = 0; a < x->rank; a++) copy_axis(&c, x->dim[a], from_strides[a], to_strides[a]);
    Copier p = copier_of(lw, op, i);
    emit_copy(&p, c);
    at += x->dim[op->attrs.axis];
  }
}

/* Axes before `axis` are in c. Whole repetitions first, then what is left of one. */
static void tile_axis(Copier *p, const Type *x, const Type *y, int axis, Copy c) {
  int64_t from[MAX_RANK], to[MAX_RANK];
  if (axis == x->rank) {
    emit_copy(p, c);
    return;
  }
  type_strides(x, from);
  type_strides(y, to);
  int64_t size = x->dim[axis], whole = y->dim[axis] / size, rest = y->dim[axis] % size;
  if (whole) {
    Copy repeated = c;
    if (whole > 1) copy_axis(&repeated, whole, 0, size * to[axis]);
    copy_axis(&repeated, size, from[axis], to[axis]);
    tile_axis(p, x, y, axis + 1, repeated);
  }
  if (!rest) return;
  c.to_at += whole * size * to[axis];
  copy_axis(&c, rest, from[axis], to[axis]);
  tile_axis(p, x, y, axis + 1, c);
}

static void layout_tile(Lower *lw, const Op *op) {
  lower_kernel(lw);
  Copier p = copier_of(lw, op, 0);
  tile_axis(&p, type_of(lw->graph, op->operands[0]), type_of(lw->graph, op->first_result), 0, (Copy){0});
}

/* Result elements [to, to + count) of an axis come from operand elements from, from + stride, ... or are filled. */
typedef struct {
  int64_t to, count, from, stride;
  bool fill;
} Run;

/* Which operand element is element i - begin of the padded axis? -1: none, it is filled. */
static int64_t source_element(const char *mode, int64_t i, int64_t n) {
  if (i >= 0 && i < n) return i;
  if (!mode || !strcmp(mode, "constant")) return -1;
  if (!strcmp(mode, "edge") || n == 1) return i < 0 ? 0 : n - 1;
  int64_t period = !strcmp(mode, "wrap") ? n : 2 * (n - 1);
  int64_t j = (i % period + period) % period;
  return j < n ? j : period - j;
}

/* Greedy: a run takes elements as long as the step from one to the next stays the same (of -1, 0, 1). */
static Run *axis_runs(const char *mode, int64_t begin, int64_t n, int64_t size, int *count) {
  Run *runs = malloc(sizeof *runs * (size_t)(size ? size : 1));
  if (!runs) die_memory(0);
  *count = 0;
  for (int64_t i = 0; i < size; i++) {
    int64_t s = source_element(mode, i - begin, n);
    Run *r = *count ? &runs[*count - 1] : NULL;
    bool joins = r && r->fill == (s < 0);
    if (joins && !r->fill && r->count == 1) {
      r->stride = s - r->from;
      joins = r->stride >= -1 && r->stride <= 1;
    } else if (joins && !r->fill) {
      joins = s == r->from + r->count * r->stride;
    }
    if (joins)
      r->count++;
    else
      runs[(*count)++] = (Run){.to = i, .count = 1, .from = s, .fill = s < 0};
  }
  return runs;
}

typedef struct {
  Copier copy, fill;
  const Type *y;
  int64_t from[MAX_RANK], to[MAX_RANK]; /* strides */
  Run *runs[MAX_RANK];
  int run_count[MAX_RANK];
} Pad;

/* Axes before `axis` are in c. A filled run takes all of the axes behind it. */
static void pad_axis(Pad *p, int axis, Copy c) {
  if (axis == p->y->rank) {
    emit_copy(&p->copy, c);
    return;
  }
  for (int i = 0; i < p->run_count[axis]; i++) {
    const Run *r = &p->runs[axis][i];
    Copy part = c;
    part.to_at += r->to * p->to[axis];
    copy_axis(&part, r->count, r->stride * p->from[axis], p->to[axis]);
    if (!r->fill) {
      part.from_at += r->from * p->from[axis];
      pad_axis(p, axis + 1, part);
      continue;
    }
    for (int a = axis + 1; a < p->y->rank; a++) copy_axis(&part, p->y->dim[a], 0, p->to[a]);
    emit_copy(&p->fill, part);
  }
}

static void layout_pad(Lower *lw, const Op *op) {
  const Type *x = type_of(lw->graph, op->operands[0]), *y = type_of(lw->graph, op->first_result);
  lower_kernel(lw);
  Pad p = {.copy = copier_of(lw, op, 0), .y = y};
  p.fill = p.copy;
  p.fill.fill = true;
  p.fill.value = op->attrs.value;
  p.fill.pool = pool_new(lw->kernel, p.copy.pool.type, "fill");
  type_strides(x, p.from);
  type_strides(y, p.to);
  for (int a = 0; a < y->rank; a++)
    p.runs[a] = axis_runs(op->attrs.mode, op->attrs.pads.at[a], x->dim[a], y->dim[a], &p.run_count[a]);
  pad_axis(&p, 0, (Copy){0});
  for (int a = 0; a < y->rank; a++) free(p.runs[a]);
}

static const struct {
  OpKind kind;
  void (*lower)(Lower *, const Op *);
} layouts[] = {
    {OP_reshape, layout_reshape}, {OP_transpose, layout_transpose}, {OP_expand, layout_expand},
    {OP_slice, layout_slice},     {OP_concat, layout_concat},       {OP_tile, layout_tile},
    {OP_pad, layout_pad},
};

void lower_layout(Lower *lw) {
  if (lw->op_count != 1) die("a layout group of %u ops", lw->op_count);
  const Op *op = op_at(lw->graph, lw->ops[0]);
  if (!type_elements(type_of(lw->graph, op->first_result))) return;
  for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++)
    if (layouts[i].kind == op->kind) {
      layouts[i].lower(lw, op);
      return;
    }
  die("no layout lowering of %s", op_info[op->kind].name);
}
