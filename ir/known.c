/* Contents of small integer values. Numbers are computed by the op's evaluator; symbolic entries are moved by it (a Dim
 * is an int64_t to an op that only moves elements) or combined as dims. */
#include "ir/known.h"
#include "ir/eval_util.h"
#include <string.h>

static bool all_numbers(const Dim *at, int64_t n) {
  for (int64_t i = 0; i < n; i++)
    if (!dim_is_number(at[i])) return false;
  return true;
}

/* Does the op carry elements over unchanged? controls: the operand whose contents choose which, -1: none. */
static bool moves_elements(OpKind kind, int *controls) {
  static const struct {
    OpKind kind;
    int controls;
  } movers[] = {{OP_reshape, -1}, {OP_transpose, -1}, {OP_expand, -1}, {OP_concat, -1},
                {OP_slice, -1},   {OP_gather, 1},     {OP_where, 0}};
  for (size_t i = 0; i < sizeof movers / sizeof *movers; i++)
    if (movers[i].kind == kind) return *controls = movers[i].controls, true;
  return false;
}

/* Runs the op's evaluator on the operands' contents. */
static const Dim *evaluate(Graph *g, const Op *op, const Type *result) {
  ArenaMark mark = arena_mark(g->arena);
  Tensor *in = ARENA_ARRAY(g->arena, Tensor, op->operand_count);
  const Tensor **pointers = ARENA_ARRAY(g->arena, const Tensor *, op->operand_count);
  for (uint32_t i = 0; i < op->operand_count; i++) {
    const Value *v = value_at(g, op->operands[i]);
    in[i] = (Tensor){.type = v->type,
                     .i = (int64_t *)arena_copy(g->arena, v->known, sizeof(Dim) * (size_t)type_elements(&v->type))};
    pointers[i] = &in[i];
  }
  Tensor out = tensor_new(result);
  Eval e = {.graph = g, .op = op, .in = pointers, .out = &out};
  op_info[op->kind].eval(&e);
  arena_release(g->arena, mark);
  int64_t n = type_elements(result);
  const Dim *known = arena_copy(g->arena, out.i, sizeof(Dim) * (size_t)n);
  tensor_free(&out);
  return known;
}

static bool sub(Dim a, Dim b, Dim *out) {
  if (a == b) return *out = 0, true;
  if (dim_is_number(b)) return dim_add(a, -b, out);
  if (dim_symbol_of(a) != dim_symbol_of(b) || dim_coefficient(a) < dim_coefficient(b)) return false;
  *out = dim_symbol(dim_symbol_of(a), dim_coefficient(a) - dim_coefficient(b));
  return true;
}

/* Symbols are at least 1: c * N is no number below c. */
static bool equal(Dim a, Dim b, Dim *out) {
  if (a == b) return *out = 1, true;
  if (dim_is_number(a) && dim_is_number(b)) return *out = 0, true;
  bool apart = dim_is_number(a)   ? a < dim_coefficient(b)
               : dim_is_number(b) ? b < dim_coefficient(a)
                                  : dim_symbol_of(a) == dim_symbol_of(b);
  *out = 0;
  return apart;
}

typedef bool (*Combine)(Dim, Dim, Dim *);
static const Combine combine[OP_COUNT] = {
    [OP_add] = dim_add, [OP_sub] = sub, [OP_mul] = dim_mul, [OP_div] = dim_div_exact, [OP_equal] = equal,
};

static const Dim *combined(Graph *g, const Op *op, const Type *result) {
  const Value *a = value_at(g, op->operands[0]), *b = value_at(g, op->operands[1]);
  int64_t n = type_elements(result), stride[2][MAX_RANK] = {{0}}, own[MAX_RANK], index[MAX_RANK] = {0};
  const Value *side[2] = {a, b};
  for (int s = 0; s < 2; s++) {
    type_strides(&side[s]->type, own);
    for (int i = 0; i < side[s]->type.rank; i++)
      if (side[s]->type.dim[i] != 1) stride[s][result->rank - side[s]->type.rank + i] = own[i];
  }
  Dim *out = ARENA_ARRAY(g->arena, Dim, n);
  for (int64_t k = 0; k < n; k++) {
    int64_t at[2] = {0, 0};
    for (int i = 0; i < result->rank; i++)
      for (int s = 0; s < 2; s++) at[s] += index[i] * stride[s][i];
    if (!combine[op->kind](a->known[at[0]], b->known[at[1]], &out[k])) return NULL;
    if (dim_is_number(out[k]) && integer_wrap(result->dtype, out[k]) != out[k]) return NULL;
    next_index(result, index);
  }
  return out;
}

/* Product of all elements: the number of elements of a shape. */
static const Dim *product(Graph *g, const Op *op, const Type *result) {
  const Value *v = value_at(g, op->operands[0]);
  if (type_elements(result) != 1) return NULL;
  Dim *out = ARENA_NEW(g->arena, Dim);
  *out = 1;
  for (int64_t i = 0, n = type_elements(&v->type); i < n; i++)
    if (!dim_mul(*out, v->known[i], out)) return NULL;
  return out;
}

static const Dim *symbolic(Graph *g, const Op *op, const Type *result) {
  const Value *v = value_at(g, op->operands[0]);
  if (op->kind == OP_cast && (result->dtype == DT_i64 || result->dtype == DT_i32)) {
    for (int64_t i = 0, n = type_elements(result); i < n; i++)
      if (dim_is_number(v->known[i]) && integer_wrap(result->dtype, v->known[i]) != v->known[i]) return NULL;
    return v->known;
  }
  if (combine[op->kind]) return combined(g, op, result);
  if (op->kind == OP_reduce_prod) return product(g, op, result);
  return NULL;
}

static const Dim *literal(Graph *g, const Op *op, const Type *result) {
  int64_t n = type_elements(result);
  Dim *out = ARENA_ARRAY(g->arena, Dim, n);
  for (int64_t i = 0; i < n; i++) out[i] = op->attrs.ints.at[op->attrs.ints.count == 1 ? 0 : i];
  return out;
}

const Dim *known_contents(Graph *g, const Op *op, const Type *result) {
  Dim count;
  if (dtype_is_float(result->dtype) || !type_count(result, &count) || !dim_is_number(count) || count > MAX_KNOWN)
    return NULL;
  if (!type_is_static(result)) return NULL;
  if (op->kind == OP_const) return literal(g, op, result);
  if (op->kind == OP_shape)
    return arena_copy(g->arena, type_of(g, op->operands[0])->dim + op->attrs.axis, sizeof(Dim) * (size_t)count);
  if (!(op_info[op->kind].traits & T_INTEGER)) return NULL;
  bool numbers = true;
  int controls = -1;
  for (uint32_t i = 0; i < op->operand_count; i++) {
    const Value *v = op->operands[i] ? value_at(g, op->operands[i]) : NULL;
    if (!v || !v->known) return NULL;
    numbers = numbers && all_numbers(v->known, type_elements(&v->type));
  }
  if (!numbers && !moves_elements(op->kind, &controls)) return symbolic(g, op, result);
  if (controls >= 0) {
    const Value *v = value_at(g, op->operands[controls]);
    if (!all_numbers(v->known, type_elements(&v->type))) return NULL;
  }
  const Dim *known = evaluate(g, op, result);
  /* A number below the range of dims would read as a symbol. */
  return numbers && !all_numbers(known, count) ? NULL : known;
}
