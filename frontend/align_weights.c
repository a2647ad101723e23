/* Parameters found by where they stand. Exporters rename what they transpose or fold: "onnx::MatMul_601" is the
 * transpose of some fc1.weight. Network and export are brought to one form (normal_form.h) and walked side by side;
 * where the network computes with f(w), f being reshapes and transposes, and the export with the constant expression e,
 * the parameter w is the inverse of f on e: weights are expressions, so this can be said in the IR.
 *
 * The walk ends where the two programs differ; what is not found until then is missing. */
#include "frontend/normal_form.h"
#include "frontend/weights.h"
#include "ir/graph_edit.h"
#include <string.h>

enum { MAX_CHAIN = 16 };

typedef struct {
  Graph *g;     /* the network itself: expressions go there */
  Graph *net;   /* its copy in normal form */
  Graph *other; /* the export in normal form */
  Arena *arena;
  WeightFile *file;
  NameMap parameters; /* names to indices of ids */
  NameMap tensors;    /* names of the file to indices */
  const OpId *ids;
  ValueId *exprs;
  bool *used;
  uint32_t *net_number, *other_number; /* [value_count] of running values: statement that computes it */
} Align;

/* The other graph's constant expression as ops of g before `before`. */
static ValueId copy_expression(Align *a, ValueId v, OpId before) {
  const Op op = *def_of(a->other, v);
  char error[256] = "";
  ValueId operands[MAX_CHAIN];
  uint32_t index;
  if (op.operand_count > MAX_CHAIN) return 0;
  for (uint32_t i = 0; i < op.operand_count; i++)
    if (op.operands[i] && !(operands[i] = copy_expression(a, op.operands[i], before))) return 0;
  Attrs attrs = op.attrs;
  attrs.source = 0;
  OpId id = op_info[op.kind].traits & T_LEAF
                ? graph_try_leaf(a->g, op.kind, type_of(a->other, v), &attrs, NULL, before, error)
                : graph_try_op(a->g, op.kind, operands, op.operand_count, &attrs, NULL, before, error);
  if (op.kind == OP_weight && name_map_find(&a->tensors, op.attrs.name, &index)) a->used[index] = true;
  return id ? op_at(a->g, id)->first_result + (v - op.first_result) : 0;
}

/* Undoes the op at the end of a chain: v has its result's type, and gets its operand's. */
static ValueId undo(Align *a, const Op *op, ValueId v, OpId before) {
  const Type *operand = type_of(a->net, op->operands[0]);
  Attrs attrs = attrs_default();
  Dim perm[MAX_RANK];
  if (op->kind == OP_reshape) {
    attrs.shape = (Ints){operand->rank, operand->dim};
  } else {
    for (int i = 0; i < operand->rank; i++) perm[op->attrs.perm.at[i]] = i;
    attrs.perm = (Ints){operand->rank, perm};
  }
  return graph_new_op(a->g, op->kind, &v, 1, &attrs, NULL, before);
}

/* The same number of elements in the same order, whatever axes of 1 there are. */
static ValueId as_type(Align *a, ValueId v, const Type *wanted, OpId before) {
  const Type *t = type_of(a->g, v);
  if (type_equal(t, wanted)) return v;
  Attrs attrs = attrs_default();
  attrs.shape = (Ints){wanted->rank, wanted->dim};
  if (t->dtype != wanted->dtype || type_elements(t) != type_elements(wanted)) return 0;
  return graph_new_op(a->g, OP_reshape, &v, 1, &attrs, NULL, before);
}

/* Parameter `index` is `chain` undone on the other's e. */
static void found(Align *a, uint32_t index, const Op *const *chain, int length, const Type *outer, ValueId e) {
  OpId before = a->ids[index];
  if (a->exprs[index]) return;
  ValueId v = copy_expression(a, e, before);
  if (v) v = as_type(a, v, outer, before);
  for (int i = 0; v && i < length; i++) v = undo(a, chain[i], v, before);
  if (v && type_equal(type_of(a->g, v), type_of(a->g, op_at(a->g, before)->first_result))) a->exprs[index] = v;
}

static bool same_elements(const Type *x, const Type *y) {
  return type_is_static(x) && type_is_static(y) && x->dtype == y->dtype && type_elements(x) == type_elements(y);
}

/* The network's constant n is the export's e. */
static void align_constants(Align *a, ValueId n, ValueId e) {
  const Op *chain[MAX_CHAIN];
  const Type *outer = type_of(a->net, n);
  int length = 0;
  uint32_t index;
  const Op *op = def_of(a->net, n);
  if (!same_elements(outer, type_of(a->other, e))) return;
  while ((op->kind == OP_reshape || op->kind == OP_transpose) && length < MAX_CHAIN) {
    chain[length++] = op;
    op = def_of(a->net, op->operands[0]);
  }
  if (op->kind == OP_weight) {
    if (name_map_find(&a->parameters, op->attrs.name, &index)) found(a, index, chain, length, outer, e);
    return;
  }
  const Op *p = def_of(a->net, n), *q = def_of(a->other, e); /* both compute: operand by operand */
  while (q->kind == OP_reshape && p->kind != OP_reshape) q = def_of(a->other, q->operands[0]);
  while (p->kind == OP_reshape && q->kind != OP_reshape) p = def_of(a->net, p->operands[0]);
  if (p->kind != q->kind || p->operand_count != q->operand_count) return;
  for (uint32_t i = 0; i < p->operand_count; i++)
    if (p->operands[i] && q->operands[i]) align_constants(a, p->operands[i], q->operands[i]);
}

static bool is_constant(const Graph *g, ValueId v) { return v && value_at(g, v)->constant; }

/* Do the two statements do the same to the same running values? */
static bool same_statement(const Align *a, const Op *p, const Op *q) {
  if (p->kind != q->kind || p->operand_count != q->operand_count) return false;
  for (uint32_t i = 0; i < p->operand_count; i++) {
    ValueId n = p->operands[i], e = q->operands[i];
    if (!n != !e || is_constant(a->net, n) != is_constant(a->other, e)) return false;
    if (n && !is_constant(a->net, n) && a->net_number[n] != a->other_number[e]) return false;
  }
  return !p->result_count || type_equal(type_of(a->net, p->first_result), type_of(a->other, q->first_result));
}

static void walk(Align *a) {
  OpId x = 0, y = 0;
  for (uint32_t number = 1;; number++) {
    x = next_running(a->net, x);
    y = next_running(a->other, y);
    if (!x || !y || !same_statement(a, op_at(a->net, x), op_at(a->other, y))) return;
    const Op *p = op_at(a->net, x), *q = op_at(a->other, y);
    for (uint32_t i = 0; i < p->operand_count; i++)
      if (is_constant(a->net, p->operands[i])) align_constants(a, p->operands[i], q->operands[i]);
    for (uint32_t r = 0; r < p->result_count; r++) {
      a->net_number[p->first_result + r] = number;
      a->other_number[q->first_result + r] = number;
    }
  }
}

static void align_graphs(Align *a, size_t count) {
  for (size_t i = 0; i < count; i++) name_map_add(&a->parameters, op_at(a->g, a->ids[i])->attrs.name, (uint32_t)i);
  for (size_t i = 0; i < a->file->count; i++) name_map_add(&a->tensors, a->file->names[i], (uint32_t)i);
  normal_form(a->net);
  normal_form(a->other);
  a->net_number = ARENA_ARRAY(a->arena, uint32_t, a->net->value_count);
  a->other_number = ARENA_ARRAY(a->arena, uint32_t, a->other->value_count);
  walk(a);
}

void align_weights(Graph *g, WeightFile *file, const OpId *ids, size_t count, ValueId *exprs, bool *used) {
  Context *quiet = context_new(); /* what is wrong with the graph of a weights file is nobody's concern */
  Arena *arena = arena_new();
  Align a = {.g = g, .arena = arena, .file = file, .ids = ids, .exprs = exprs, .used = used};
  a.parameters.arena = a.tensors.arena = arena;
  a.other = load_onnx(quiet, file->source->path, NULL, 0);
  a.net = a.other ? graph_clone(g) : NULL;
  if (a.other) align_graphs(&a, count);
  graph_free(a.net);
  graph_free(a.other);
  arena_free(arena);
  context_free(quiet);
}
