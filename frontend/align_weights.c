/* Parameters found by where they stand. Exporters rename what they transpose or fold: "onnx::MatMul_601" is the
 * transpose of some fc1.weight. Network and export are brought to one form (normal_form.h) and walked side by side;
 * where the network computes with f(w), f being reshapes and transposes, and the export with the constant expression e,
 * the parameter w is the inverse of f on e: weights are expressions, so this can be said in the IR.
 *
 * A BatchNorm that the exporter folded into the conv before it is there no more, but a BatchNorm that changes nothing
 * is: the folded kernel and bias become the conv's kernel and the norm's shift, whose mean is 0, variance 1 - eps and
 * gain 1.
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

/* ---- folded norms ---- */

/* The parameters of a BatchNorm, as indices of ids but for the shift's value, and its eps. */
typedef struct {
  ValueId shift;
  uint32_t gain, mean, variance;
  double eps;
} Norm;

static bool is_parameter(const Align *a, ValueId v, uint32_t *index) {
  const Op *op = def_of(a->net, v);
  return op->kind == OP_weight && name_map_find(&a->parameters, op->attrs.name, index);
}

/* An operand of a sum or product that is of the kind, and the other operand; NULL: neither is. */
static const Op *operand_of_kind(const Graph *g, const Op *op, OpKind kind, ValueId *other) {
  for (int i = 0; i < 2; i++) {
    const Op *found = def_of(g, op->operands[i]);
    *other = op->operands[1 - i];
    if (found->kind == kind) return found;
  }
  return NULL;
}

/* shift - mean gain / sqrt(variance + eps) */
static bool is_norm_shift(const Align *a, ValueId v, Norm *out) {
  const Graph *g = a->net;
  ValueId mean, variance;
  while (def_of(g, v)->kind == OP_reshape) v = def_of(g, v)->operands[0];
  const Op *sub = def_of(g, v);
  uint32_t index;
  if (sub->kind != OP_sub || !is_parameter(a, sub->operands[0], &index)) return false;
  out->shift = sub->operands[0];
  const Op *mul = def_of(g, sub->operands[1]);
  const Op *div = mul->kind == OP_mul ? operand_of_kind(g, mul, OP_div, &mean) : NULL;
  if (!div || !is_parameter(a, mean, &out->mean) || !is_parameter(a, div->operands[0], &out->gain)) return false;
  const Op *root = def_of(g, div->operands[1]);
  const Op *sum = root->kind == OP_sqrt ? def_of(g, root->operands[0]) : NULL;
  const Op *eps = sum && sum->kind == OP_add ? operand_of_kind(g, sum, OP_const, &variance) : NULL;
  if (!eps || eps->attrs.floats.count != 1 || !is_parameter(a, variance, &out->variance)) return false;
  out->eps = eps->attrs.floats.at[0];
  return true;
}

/* The one use of v, where it is of this kind and has a constant beside v. */
static const Op *only_use(const Graph *g, ValueId v, OpKind kind, ValueId *constant) {
  const Value *value = value_at(g, v);
  const Op *op = value->use_count == 1 ? op_at(g, value->uses[0].op) : NULL;
  if (!op || op->kind != kind || op->operand_count != 2) return NULL;
  *constant = op->operands[op->operands[0] == v];
  return is_constant(g, *constant) ? op : NULL;
}

static void found_splat(Align *a, uint32_t index, double x) {
  OpId before = a->ids[index];
  const Type t = *type_of(a->g, op_at(a->g, before)->first_result);
  Attrs attrs = attrs_default();
  char error[256] = "";
  attrs.floats = (Floats){1, &x};
  if (a->exprs[index]) return;
  OpId id = graph_try_leaf(a->g, OP_const, &t, &attrs, NULL, before, error);
  if (id) a->exprs[index] = op_at(a->g, id)->first_result;
}

/* The network's conv without a bias, its BatchNorm, and the export's conv with one: the norm's last statement, 0 where
 * it is something else. */
static OpId folded_norm(Align *a, OpId x, OpId y) {
  const Op *p = op_at(a->net, x), *q = op_at(a->other, y);
  ValueId scale, shift;
  Norm norm;
  if (p->kind != q->kind || p->operand_count != 2 || q->operand_count != 3 || !p->result_count) return 0;
  Op biased = *q;
  biased.operand_count = 2;
  if (!same_statement(a, p, &biased) || !is_constant(a->other, q->operands[2])) return 0;
  const Op *mul = only_use(a->net, p->first_result, OP_mul, &scale);
  const Op *add = mul ? only_use(a->net, mul->first_result, OP_add, &shift) : NULL;
  if (!add || !is_norm_shift(a, shift, &norm)) return 0;
  align_constants(a, p->operands[1], q->operands[1]);
  align_constants(a, norm.shift, q->operands[2]);
  found_splat(a, norm.gain, 1);
  found_splat(a, norm.mean, 0);
  found_splat(a, norm.variance, 1 - norm.eps);
  return value_at(a->net, add->first_result)->def;
}

/* ---- the walk ---- */

static void walk(Align *a) {
  OpId x = 0, y = 0;
  for (uint32_t number = 1;; number++) {
    x = next_running(a->net, x);
    y = next_running(a->other, y);
    if (!x || !y) return;
    if (same_statement(a, op_at(a->net, x), op_at(a->other, y))) {
      const Op *p = op_at(a->net, x), *q = op_at(a->other, y);
      for (uint32_t i = 0; i < p->operand_count; i++)
        if (is_constant(a->net, p->operands[i])) align_constants(a, p->operands[i], q->operands[i]);
    } else if (!(x = folded_norm(a, x, y))) {
      return;
    }
    const Op *p = op_at(a->net, x), *q = op_at(a->other, y);
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
