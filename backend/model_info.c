/* Figures of a model; see model_info.h. */
#include "backend/model_info.h"
#include "backend/lower.h"
#include "backend/storage.h"
#include <string.h>

/* K of [..., K] x [K, N]. */
static int64_t gemm_depth(const Graph *g, const Op *op) {
  const Type *x = type_of(g, op->operands[0]);
  return x->dim[x->rank - 1];
}

static int64_t matmul_depth(const Graph *g, const Op *op) {
  const Type *a = type_of(g, op->operands[0]);
  if (a->rank < 2) return a->dim[0];
  return a->dim[a->rank - (op->attrs.trans_a ? 2 : 1)];
}

/* Weights of one output channel. */
static int64_t conv_depth(const Graph *g, const Op *op) {
  const Type *w = type_of(g, op->operands[1]);
  if (op->attrs.cols) return w->dim[1]; /* packed: [panels, K, panel] */
  int64_t channels = op->attrs.layout ? w->dim[w->rank - 1] : w->dim[0];
  return channels ? type_elements(w) / channels : 0;
}

static int64_t dwconv_depth(const Graph *g, const Op *op) {
  const Type *w = type_of(g, op->operands[1]); /* [KH, KW, C] */
  return w->dim[0] * w->dim[1];
}

static const struct {
  OpKind kind;
  int64_t (*depth)(const Graph *, const Op *); /* products added up in one result element */
} products[] = {{OP_gemm, gemm_depth}, {OP_matmul, matmul_depth}, {OP_conv, conv_depth}, {OP_dwconv, dwconv_depth}};

int64_t op_macs(const Graph *g, const Op *op) {
  for (size_t i = 0; i < sizeof products / sizeof *products; i++)
    if (products[i].kind == op->kind) return type_elements(type_of(g, op->first_result)) * products[i].depth(g, op);
  return 0;
}

static int64_t bytes_of(const Graph *g, ValueId v) { return (int64_t)type_bytes(type_of(g, v)); }

/* Is v, or a view of it, used outside the group? */
static bool leaves_group(const Graph *g, ValueId v, int32_t group) {
  const Value *value = value_at(g, v);
  for (uint32_t i = 0; i < value->use_count; i++) {
    const Op *user = op_at(g, value->uses[i].op);
    if (user->kind == OP_reshape ? leaves_group(g, user->first_result, group) : user->sched.kernel != group)
      return true;
  }
  return false;
}

OpTraffic op_traffic(const Graph *g, OpId id) {
  const Op *op = op_at(g, id);
  OpTraffic t = {0};
  if (!op_is_runtime(g, id)) return t;
  for (uint32_t i = 0; i < op->operand_count; i++) {
    ValueId v = op->operands[i];
    bool skipped = !v;
    for (uint32_t j = 0; j < i && !skipped; j++) skipped = op->operands[j] == v;
    if (skipped) continue;
    if (value_at(g, v)->constant)
      t.weights += bytes_of(g, v);
    else if (def_of(g, storage_root(g, v))->sched.kernel != op->sched.kernel)
      t.in += bytes_of(g, v);
  }
  for (uint32_t r = 0; r < op->result_count; r++)
    if (leaves_group(g, op->first_result + r, op->sched.kernel)) t.out += bytes_of(g, op->first_result + r);
  return t;
}

static bool is_float_weight(const Graph *g, const Op *op) {
  return op->kind == OP_weight && dtype_is_float((DType)type_of(g, op->first_result)->dtype);
}

static bool same_tensor(const Op *a, const Op *b) {
  return a->attrs.source == b->attrs.source && !strcmp(a->attrs.name, b->attrs.name);
}

/* Adds up the weights among marked ops (all ops where marked is NULL); a tensor named by two ops counts once. */
static int64_t sum_weights(const Graph *g, const bool *marked) {
  int64_t sum = 0;
  FOR_EACH_OP(g, id) {
    const Op *op = op_at(g, id);
    if ((marked && !marked[id]) || !is_float_weight(g, op)) continue;
    bool repeated = false;
    for (OpId before = g->first; before != id && !repeated; before = op_at(g, before)->next)
      repeated =
          (!marked || marked[before]) && is_float_weight(g, op_at(g, before)) && same_tensor(op_at(g, before), op);
    if (!repeated) sum += type_elements(type_of(g, op->first_result));
  }
  return sum;
}

static void mark_operands(const Graph *g, ValueId v, bool *marked) {
  if (!v || marked[value_at(g, v)->def]) return;
  const Op *op = def_of(g, v);
  marked[value_at(g, v)->def] = true;
  for (uint32_t i = 0; i < op->operand_count; i++) mark_operands(g, op->operands[i], marked);
}

int64_t constant_params(const Graph *g, ValueId v) {
  Arena *scratch = arena_new();
  bool *marked = ARENA_ARRAY(scratch, bool, g->op_count);
  mark_operands(g, v, marked);
  int64_t sum = sum_weights(g, marked);
  arena_free(scratch);
  return sum;
}

static bool is_computed(const Graph *g, const Op *op) {
  return !(op_info[op->kind].traits & (T_LEAF | T_SINK)) && !value_at(g, op->first_result)->constant;
}

void count_ops(const Graph *g, int64_t ops[OP_COUNT]) {
  memset(ops, 0, sizeof *ops * OP_COUNT);
  FOR_EACH_OP(g, id)
  if (is_computed(g, op_at(g, id))) ops[op_at(g, id)->kind]++;
}

static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

/* What <name>_workspace_bytes(1) returns: one arena and one slice of scratch that fit every target, multiples of 64. */
static int64_t workspace_bytes(const Graph *g, Arena *scratch) {
  int64_t arena = 64, slice = 0;
  for (int i = 0; i < target_count; i++) {
    if (targets[i].experiment) continue;
    const LoopProgram *p = lower_graph(g, &targets[i], scratch);
    arena = larger(arena, (p->arena_bytes + 63) / 64 * 64);
    slice = larger(slice, (p->scratch_bytes + 63) / 64 * 64);
  }
  return arena + slice;
}

ModelInfo model_info(const Graph *g) {
  ModelInfo info = {.params = sum_weights(g, NULL)};
  count_ops(g, info.ops);
  FOR_EACH_OP(g, id)
  if (is_computed(g, op_at(g, id))) info.macs += op_macs(g, op_at(g, id));
  Arena *scratch = arena_new();
  size_t slots;
  collect_weights(g, scratch, &slots, &info.weight_bytes);
  info.workspace_bytes = workspace_bytes(g, scratch);
  arena_free(scratch);
  return info;
}
