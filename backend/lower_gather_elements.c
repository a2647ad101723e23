/* Families gather_elements and scatter_elements: an index tensor names places along one axis of data [d0, d1, ...].
 *
 *   gather:  for i: out[i] = data[i with index[i] on the axis]
 *   scatter: out = data; then, each line along the axis by one task from its first index to its last:
 *            out[i with index[i] on the axis] = updates[i], or what is there and it merged
 *
 * Lines share no element, so the order in which equal indices come is that of the index tensor. */
#include "backend/lower_copy.h"
#include "backend/lower_domain.h"
#include "backend/lower_expr.h"
#include "backend/lower_index.h"
#include <string.h>

typedef struct {
  Lower *lower;
  const Op *op;
  Domain domain;
  RegType type, index_type;
  ParamId data, index, result, updates;
  int own, element;     /* arrays of the domain: the index tensor's place; the data's, without the axis */
  int64_t stride, size; /* of the data's axis */
} Elements;

static Elements elements_of(Lower *lower, unsigned reduced) {
  const Op *op = op_at(lower->graph, lower->ops[0]);
  const Type *x = type_of(lower->graph, op->operands[0]), *index = type_of(lower->graph, op->operands[1]);
  int64_t strides[MAX_RANK];
  Elements e = {.lower = lower, .op = op, .type = reg_type_of(x->dtype), .index_type = reg_type_of(index->dtype)};
  type_strides(x, strides);
  e.size = x->dim[op->attrs.axis];
  e.stride = strides[op->attrs.axis];
  strides[op->attrs.axis] = 0;
  e.domain = domain_new(index, reduced);
  e.own = domain_add_broadcast(&e.domain, index);
  e.element = domain_add_strides(&e.domain, strides);
  domain_merge(&e.domain);
  return e;
}

static void gather_one(void *user, const Spot *s) {
  const Elements *e = user;
  Kernel *k = e->lower->kernel;
  RegId at = lower_index(k, e->index_type, e->index, s->at.at[e->own], e->size);
  RegId v = kernel_reg(k, e->type, 1, "v");
  emit_load_at(k, LOP_load, v, e->data, s->at.at[e->element], at, e->stride);
  emit_store(k, e->result, s->at.at[e->own], v);
}

void lower_gather_elements(Lower *lower) {
  Elements e = elements_of(lower, 0);
  if (!type_elements(type_of(lower->graph, e.op->first_result))) return;
  lower_kernel(lower);
  e.data = lower_in(lower, e.op->operands[0]);
  e.index = lower_in(lower, e.op->operands[1]);
  e.result = lower_out(lower, e.op->first_result);
  domain_visit(lower, &e.domain, false, 1, gather_one, &e);
}

/* What is there and the new element, as the op's mode merges them; a NaN wins. */
static RegId merged(const Elements *e, RegId there, RegId v) {
  const char *mode = e->op->attrs.mode;
  Expr x = expr_new(e->lower->kernel, e->type, 1, "merged");
  if (mode[0] == 'a' || !strcmp(mode, "mul")) return expr_op2(x, mode[0] == 'a' ? LOP_add : LOP_mul, there, v);
  bool least = mode[1] == 'i';
  RegId better = expr_mask(x, LOP_lt, least ? v : there, least ? there : v);
  RegId best = expr_select(x, better, v, there);
  if (e->type != REG_f32 && e->type != REG_f64) return best;
  return expr_select(x, expr_mask(x, LOP_eq, v, v), best, v);
}

static void scatter_line(void *user, const Spot *s) {
  const Elements *e = user;
  Kernel *k = e->lower->kernel;
  Position p = s->at;
  int axis = 0;
  while (axis < e->domain.count && !e->domain.axis[axis].reduced) axis++;
  Task line = {.blocks = 0};
  if (axis < e->domain.count) {
    line = loop_open(k, "r", e->domain.axis[axis].size);
    p = position_add(&e->domain, p, axis, line.item);
  }
  RegId at = lower_index(k, e->index_type, e->index, p.at[e->own], e->size), v = kernel_reg(k, e->type, 1, "v");
  emit_load(k, v, e->updates, p.at[e->own]);
  if (e->op->attrs.mode) {
    RegId there = kernel_reg(k, e->type, 1, "there");
    emit_load_at(k, LOP_load, there, e->result, p.at[e->element], at, e->stride);
    v = merged(e, there, v);
  }
  emit_store_at(k, e->result, p.at[e->element], at, e->stride, v);
  task_close(k, line);
}

void lower_scatter_elements(Lower *lower) {
  Elements e = elements_of(lower, 1u << op_at(lower->graph, lower->ops[0])->attrs.axis);
  const Type *y = type_of(lower->graph, e.op->first_result);
  if (!type_elements(y)) return;
  lower_kernel(lower);
  Copy copy = {0};
  copy_axis(&copy, type_elements(y), 1, 1);
  e.data = lower_in(lower, e.op->operands[0]);
  e.result = lower_out(lower, e.op->first_result);
  Copier copier = copier_new(lower, e.result, e.data, (DType)y->dtype);
  emit_copy(&copier, copy);
  if (!type_elements(type_of(lower->graph, e.op->operands[1]))) return;
  lower_kernel(lower);
  e.index = lower_in(lower, e.op->operands[1]);
  e.updates = lower_in(lower, e.op->operands[2]);
  e.result = lower_out(lower, e.op->first_result);
  domain_visit(lower, &e.domain, false, 1, scatter_line, &e);
}
