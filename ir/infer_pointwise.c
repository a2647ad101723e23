/* Elementwise operators: one operand, or broadcast. */
#include "ir/infer_util.h"
#include <string.h>

static bool not_bool(Infer *f, const Type *t) {
  if (t->dtype != DT_bool) return true;
  return infer_fail(f, "operand 1 is %s, needs numbers", type_text(f->graph, t).s);
}

bool infer_same(Infer *f) {
  if (!needs(f, 1) || !not_bool(f, infer_operand(f, 0))) return false;
  return give(f, *infer_operand(f, 0));
}

bool infer_same_float(Infer *f) {
  if (!needs(f, 1) || !needs_float(f, 0)) return false;
  if (f->op->kind == OP_gelu && !needs_mode(f, f->op->attrs.mode, "tanh")) return false;
  return give(f, *infer_operand(f, 0));
}

bool infer_is_nan(Infer *f) {
  if (!needs(f, 1) || !needs_float(f, 0)) return false;
  Type t = *infer_operand(f, 0);
  t.dtype = DT_bool;
  return give(f, t);
}

bool infer_cast(Infer *f) {
  DType to;
  const char *name = f->op->attrs.to;
  if (!needs(f, 1)) return false;
  if (!name) return infer_fail(f, "needs the attribute 'to'");
  if (!dtype_from_name(name, strlen(name), &to)) return infer_fail(f, "unknown data type '%.40s'", name);
  Type t = *infer_operand(f, 0);
  t.dtype = (uint8_t)to;
  return give(f, t);
}

/* Shape of operands a and b together. */
static bool joined(Infer *f, uint32_t a, uint32_t b, Type *out) {
  const Type *x = infer_operand(f, a), *y = infer_operand(f, b);
  if (type_broadcast(x, y, out)) return true;
  return infer_fail(f, "%s and %s do not broadcast", type_text(f->graph, x).s, type_text(f->graph, y).s);
}

static bool two_alike(Infer *f, Type *out) { return needs(f, 2) && needs_same_dtype(f, 1) && joined(f, 0, 1, out); }

bool infer_broadcast(Infer *f) {
  Type t;
  if (!two_alike(f, &t) || !not_bool(f, &t)) return false;
  if (f->op->kind == OP_mod && !needs_mode(f, f->op->attrs.mode, "fmod")) return false;
  return give(f, t);
}

bool infer_compare(Infer *f) {
  Type t;
  if (!two_alike(f, &t)) return false;
  t.dtype = DT_bool;
  return give(f, t);
}

static bool needs_bool(Infer *f, uint32_t index) {
  const Type *t = infer_operand(f, index);
  if (t->dtype == DT_bool) return true;
  return infer_fail(f, "operand %u is %s, needs bool", index + 1, type_text(f->graph, t).s);
}

bool infer_logical(Infer *f) {
  uint32_t count = op_info[f->op->kind].min_operands;
  if (!needs(f, count)) return false;
  for (uint32_t i = 0; i < count; i++)
    if (!needs_bool(f, i)) return false;
  Type t = *infer_operand(f, 0);
  if (count == 2 && !joined(f, 0, 1, &t)) return false;
  return give(f, t);
}

bool infer_where(Infer *f) {
  Type t, result;
  if (!needs(f, 3) || !needs_bool(f, 0)) return false;
  const Type *c = infer_operand(f, 0), *a = infer_operand(f, 1), *b = infer_operand(f, 2);
  if (a->dtype != b->dtype)
    return infer_fail(f, "operand 3 is %s, operand 2 is %s: data types differ", type_text(f->graph, b).s,
                      type_text(f->graph, a).s);
  if (!joined(f, 1, 2, &t)) return false;
  if (!type_broadcast(&t, c, &result))
    return infer_fail(f, "%s and %s do not broadcast", type_text(f->graph, c).s, type_text(f->graph, &t).s);
  return give(f, result);
}
