/* Checks that inference functions share; see infer_util.h. */
#include "ir/infer_util.h"
#include <stdio.h>
#include <string.h>

TypeText dim_text(const Graph *g, Dim d) {
  TypeText t;
  int symbol = dim_symbol_of(d);
  long long c = (long long)dim_coefficient(d);
  const char *name = symbol >= 0 && symbol < g->symbol_count ? g->symbols[symbol] : "?";
  if (symbol < 0)
    snprintf(t.s, sizeof t.s, "%lld", c);
  else if (c == 1)
    snprintf(t.s, sizeof t.s, "%.32s", name);
  else
    snprintf(t.s, sizeof t.s, "%lld*%.32s", c, name);
  return t;
}

TypeText dim_remedy(const Graph *g, Dim d) {
  TypeText t;
  snprintf(t.s, sizeof t.s, "give a number: --dim %.32s=NUMBER", dim_text(g, dim_symbol(dim_symbol_of(d), 1)).s);
  return t;
}

TypeText type_text(const Graph *g, const Type *type) {
  TypeText t;
  size_t used = (size_t)snprintf(t.s, sizeof t.s, "%s[", dtype_name(type->dtype));
  for (int i = 0; i < type->rank && used < sizeof t.s; i++)
    used += (size_t)snprintf(t.s + used, sizeof t.s - used, "%s%s", i ? "," : "", dim_text(g, type->dim[i]).s);
  if (used < sizeof t.s) snprintf(t.s + used, sizeof t.s - used, "]");
  return t;
}

/* Product of what is known of the dims: coefficients. False above 2^48. */
static bool size_ok(const Type *t) {
  int64_t limit = (int64_t)1 << 48, n = 1;
  for (int i = 0; i < t->rank; i++)
    if (dim_coefficient(t->dim[i]) == 0) return true;
  for (int i = 0; i < t->rank; i++) {
    int64_t c = dim_coefficient(t->dim[i]);
    if (c > limit / n) return false;
    n *= c;
  }
  return true;
}

bool give(Infer *f, Type result) {
  for (int i = 0; i < result.rank; i++)
    if (dim_is_number(result.dim[i]) && result.dim[i] < 0)
      return infer_fail(f, "result dim %d would be %lld", i, (long long)result.dim[i]);
  if (!size_ok(&result)) return infer_fail(f, "result %s is too large", type_text(f->graph, &result).s);
  f->out[0] = result;
  return true;
}

bool needs(Infer *f, uint32_t operands) {
  for (uint32_t i = 0; i < operands; i++)
    if (!infer_operand(f, i)) return infer_fail(f, "operand %u is missing", i + 1);
  return true;
}

bool needs_float(Infer *f, uint32_t index) {
  const Type *t = infer_operand(f, index);
  if (dtype_is_float(t->dtype)) return true;
  return infer_fail(f, "operand %u is %s, needs a float type", index + 1, type_text(f->graph, t).s);
}

bool needs_rank(Infer *f, uint32_t index, int least, int most) {
  const Type *t = infer_operand(f, index);
  if (t->rank >= least && t->rank <= most) return true;
  const char *more = most > least ? " or more" : "";
  return infer_fail(f, "operand %u is %s, needs rank %d%s", index + 1, type_text(f->graph, t).s, least, more);
}

bool needs_same_dtype(Infer *f, uint32_t index) {
  const Type *first = infer_operand(f, 0), *t = infer_operand(f, index);
  if (!t || t->dtype == first->dtype) return true;
  return infer_fail(f, "operand %u is %s, operand 1 is %s: data types differ", index + 1, type_text(f->graph, t).s,
                    type_text(f->graph, first).s);
}

bool needs_type(Infer *f, uint32_t index, const Type *wanted) {
  const Type *t = infer_operand(f, index);
  if (!t || type_equal(t, wanted)) return true;
  return infer_fail(f, "operand %u is %s, needs %s", index + 1, type_text(f->graph, t).s,
                    type_text(f->graph, wanted).s);
}

bool needs_vector(Infer *f, uint32_t index, DType dtype, Dim length) {
  Type wanted = type_make(dtype, 1, &length);
  return needs_type(f, index, &wanted);
}

bool needs_mode(Infer *f, const char *mode, const char *allowed) {
  if (!mode) return true;
  size_t n = strlen(mode);
  for (const char *p = allowed; *p; p += strcspn(p, " "), p += *p == ' ')
    if (strcspn(p, " ") == n && !memcmp(p, mode, n)) return true;
  return infer_fail(f, "mode '%.40s' is not one of: %s", mode, allowed);
}

bool axis_ok(Infer *f, int64_t axis, int rank) {
  if (axis >= 0 && axis < rank) return true;
  return infer_fail(f, "axis %lld out of range for rank %d", (long long)axis, rank);
}

bool axes_ok(Infer *f, Ints axes, int rank) {
  for (int32_t i = 0; i < axes.count; i++) {
    if (!axis_ok(f, axes.at[i], rank)) return false;
    if (i && axes.at[i] <= axes.at[i - 1])
      return infer_fail(f, "axes %lld, %lld are not ascending", (long long)axes.at[i - 1], (long long)axes.at[i]);
  }
  return true;
}

bool flag_ok(Infer *f, const char *name, int64_t value) {
  if (value == 0 || value == 1) return true;
  return infer_fail(f, "%s is %lld, needs 0 or 1", name, (long long)value);
}

bool shape_ok(Infer *f, Ints shape) {
  if (shape.count > MAX_RANK) return infer_fail(f, "shape has rank %d, the limit is %d", (int)shape.count, MAX_RANK);
  for (int32_t i = 0; i < shape.count; i++) {
    Dim d = shape.at[i];
    if (dim_is_number(d) && d < 0) return infer_fail(f, "shape has a negative dim %lld", (long long)d);
    if (!dim_is_number(d) && (dim_symbol_of(d) >= f->graph->symbol_count || dim_coefficient(d) < 1))
      return infer_fail(f, "shape entry %d is no dim of this graph", (int)i);
  }
  return true;
}

bool packed_ok(Infer *f, Dim rows) {
  const Attrs *a = &f->op->attrs;
  const Type *w = infer_operand(f, 1);
  if (a->cols < 1 || a->cols > (int64_t)1 << 31 || a->panel < 1 || a->panel > 4096)
    return infer_fail(f, "cols %lld, panel %lld make no packed weight", (long long)a->cols, (long long)a->panel);
  if (!flag_ok(f, "strassen", a->strassen) || (a->strassen && !halves_ok(f, rows, a->cols))) return false;
  Type wanted = packed_type(w->dtype, rows, a->cols, a);
  return needs_type(f, 1, &wanted);
}

bool halves_ok(Infer *f, Dim rows, Dim cols) {
  const int64_t panel = f->op->attrs.panel;
  return (rows % 2 == 0 && cols % (2 * panel) == 0) ||
         infer_fail(f, "strassen halves %s rows and %s columns in panels of %lld", dim_text(f->graph, rows).s,
                    dim_text(f->graph, cols).s, (long long)panel);
}

Type packed_type(DType dtype, Dim rows, Dim cols, const Attrs *a) {
  if (a->strassen) return type_make(dtype, 4, (Dim[]){cols / 2 / a->panel, 7, rows / 2, a->panel});
  return type_make(dtype, 3, (Dim[]){(cols + a->panel - 1) / a->panel, rows, a->panel});
}

bool has_axis(Ints axes, int axis) {
  for (int32_t i = 0; i < axes.count; i++)
    if (axes.at[i] == axis) return true;
  return false;
}
