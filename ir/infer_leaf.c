/* Types of inputs, weights and literals are given, not computed; here they are checked. */
#include "ir/infer_util.h"

bool infer_none(Infer *f) { return infer_fail(f, "not an operator"); }

bool infer_output(Infer *f) { return needs(f, 1); }

/* Least and greatest value of an integer type as int64_t; u64 keeps its bits, so every pattern is one. */
static bool fits(DType t, int64_t x) {
  if (t == DT_bool) return x == 0 || x == 1;
  int bits = 8 * (int)dtype_bytes(t);
  if (bits == 64) return true;
  if (dtype_is_unsigned(t)) return x >= 0 && x < (int64_t)1 << bits;
  int64_t limit = (int64_t)1 << (bits - 1);
  return x >= -limit && x < limit;
}

static bool literal_ok(Infer *f, const Type *t) {
  const Attrs *a = &f->op->attrs;
  bool is_float = dtype_is_float(t->dtype);
  if (is_float ? a->ints.count : a->floats.count)
    return infer_fail(f, "a %s literal has %s elements", dtype_name(t->dtype), is_float ? "integer" : "float");
  int64_t count = is_float ? a->floats.count : a->ints.count, want = type_elements(t);
  if (count != want && count != 1)
    return infer_fail(f, "%lld elements for %s, needs %lld or 1", (long long)count, type_text(f->graph, t).s,
                      (long long)want);
  for (int32_t i = 0; i < a->ints.count; i++) {
    if (!dim_is_number(a->ints.at[i])) return infer_fail(f, "element %d is no number", (int)i);
    if (!fits(t->dtype, a->ints.at[i]))
      return infer_fail(f, "element %lld does not fit %s", (long long)a->ints.at[i], dtype_name(t->dtype));
  }
  return true;
}

bool infer_leaf(Infer *f) {
  const Type *t = &f->out[0];
  if (!dtype_known(t->dtype)) return infer_fail(f, "unknown data type %d", (int)t->dtype);
  if (t->rank > MAX_RANK) return infer_fail(f, "rank %d, the limit is %d", (int)t->rank, MAX_RANK);
  Ints dims = {t->rank, t->dim};
  if (!shape_ok(f, dims) || !give(f, *t)) return false;
  if (f->op->kind == OP_input) return true;
  if (!type_is_static(t)) return infer_fail(f, "type %s is not static", type_text(f->graph, t).s);
  if (f->op->kind == OP_const) return literal_ok(f, t);
  if (!f->op->attrs.name) return infer_fail(f, "a weight needs a name");
  int64_t source = f->op->attrs.source;
  if (source < 0 || (uint64_t)source >= f->graph->source_count)
    return infer_fail(f, "source %lld does not exist", (long long)source);
  return true;
}
