/* group: which ops are computed by one kernel.
 *
 *   %3 = gemm %1, %2, %b; %4 = gelu %3      =>   both @{kernel=5:gemm}: GELU while the tile is in registers
 *
 * The shapes of a ConvNeXt are looked for first (group_patterns.c: stem, downsample, mlp, head). Any other computed op
 * starts a group of its op's family (ops.def), then takes in what its family can: gemm and conv the pointwise ops that
 * follow them (activation, LayerScale, residual), conv also the NCHW-to-NHWC transpose before it, dwconv the layernorm
 * over its channels, pointwise ops each other. A value is taken in only when its single user is, and
 * when everything else that the user reads exists by then. The ops of a group end up side by side. Graph outputs that
 * are inputs, constants or second names get a copy. */
#include "backend/storage.h"
#include "ir/graph_edit.h"
#include "passes/group_patterns.h"
#include "passes/rewrite_log.h"
#include "passes/rules.h"
#include <stdlib.h>
#include <string.h>

enum { MAX_CHAIN = 8 };

void grouping_assign(Grouping *p, OpId id, int32_t kernel, const char *family) {
  op_at(p->g, id)->sched.kernel = kernel;
  op_at(p->g, id)->sched.family = family;
}

static int order_of(const Grouping *p, OpId id) { return id < p->order_size ? p->order[id] : 0; }

bool grouping_operands_exist(const Grouping *p, const Op *user, ValueId from, int at) {
  for (uint32_t i = 0; i < user->operand_count; i++) {
    ValueId v = user->operands[i];
    if (!v || v == from || value_at(p->g, v)->constant) continue;
    if (!holds(p->g, IF_operands_exist_by_then, order_of(p, value_at(p->g, v)->def) < at)) return false;
  }
  return true;
}

void grouping_pull(Grouping *p, OpId id, OpId *tail, int at) {
  Graph *g = p->g;
  for (uint32_t i = 0; i < op_at(g, id)->operand_count; i++) {
    ValueId v = op_at(g, id)->operands[i];
    if (v && value_at(g, v)->constant && order_of(p, value_at(g, v)->def) > at)
      grouping_pull(p, value_at(g, v)->def, tail, at);
  }
  graph_move_op(g, id, op_at(g, *tail)->next);
  p->order[id] = at;
  *tail = id;
}

OpId grouping_single_user(const Graph *g, ValueId v) {
  const Value *value = value_at(g, v);
  for (uint32_t i = 1; i < value->use_count; i++)
    if (!holds(g, IF_one_user, value->uses[i].op == value->uses[0].op)) return 0;
  return value->use_count ? value->uses[0].op : 0;
}

/* Operands that an epilogue can read beside the tile: of the result's type, one element, or one per channel. */
static bool epilogue_operand(const Graph *g, ValueId v, const Type *result) {
  const Type *t = type_of(g, v);
  if (type_equal(t, result)) return true;
  if (!holds(g, IF_epilogue_operand_f32, t->dtype == result->dtype)) return false;
  int64_t n = type_elements(t);
  bool per_channel = t->rank && n == t->dim[t->rank - 1] && n == result->dim[result->rank - 1];
  return holds(g, IF_epilogue_operand_fits, n == 1 || per_channel);
}

/* Ops of these kinds have no vector form that the epilogue of a tile could use. */
static bool needs_scalars(OpKind kind) {
  return kind == OP_log || kind == OP_pow || kind == OP_sin || kind == OP_cos || kind == OP_mod ||
         kind == OP_softplus || kind == OP_cast || kind == OP_is_nan || kind == OP_not;
}

bool grouping_joins_epilogue(const Grouping *p, OpId user, ValueId from) {
  const Graph *g = p->g;
  const Op *op = op_at(g, user);
  if (!(op_info[op->kind].traits & T_POINTWISE)) return false;
  if (!holds(g, IF_epilogue_has_vector_form, !needs_scalars(op->kind))) return false;
  const Type *t = type_of(g, op->first_result);
  if (!holds(g, IF_epilogue_f32, t->dtype == DT_f32)) return false;
  if (!holds(g, IF_epilogue_keeps_shape, type_equal(t, type_of(g, from)))) return false;
  for (uint32_t i = 0; i < op->operand_count; i++)
    if (!epilogue_operand(g, op->operands[i], t)) return false;
  return true;
}

static bool joins_elementwise(const Grouping *p, OpId user, ValueId from) {
  const Graph *g = p->g;
  const Op *op = op_at(g, user);
  if (!(op_info[op->kind].traits & T_POINTWISE)) return false;
  const Type *a = type_of(g, op->first_result), *b = type_of(g, from);
  return holds(g, IF_elementwise_keeps_shape, a->rank == b->rank && ints_are((Ints){a->rank, a->dim}, b->rank, b->dim));
}

/* The norm over the channels behind a dwconv, whose value has too many dims to be its scale. */
static bool joins_dwconv(const Grouping *p, OpId user, ValueId from) {
  const Op *op = op_at(p->g, user);
  if (op->kind != OP_layernorm) return false;
  return holds(p->g, IF_dwconv_norm_over_channels, op->attrs.axes.count == 1 && op->attrs.axes.at[0] == 3) &&
         holds(p->g, IF_dwconv_norm_f32, type_of(p->g, from)->dtype == DT_f32);
}

/* The norm over the columns behind a stem's gemm, likewise. */
static bool joins_stem(const Grouping *p, OpId user, ValueId from) {
  const Op *op = op_at(p->g, user);
  if (op->kind != OP_layernorm) return false;
  bool last = op->attrs.axes.count == 1 && op->attrs.axes.at[0] == type_of(p->g, from)->rank - 1;
  return holds(p->g, IF_stem_norm_over_columns, last);
}

typedef bool (*Joins)(const Grouping *, OpId user, ValueId from);
static const struct {
  const char *family;
  Joins joins;
  int most; /* ops that may join */
} extensions[] = {
    {"gemm", grouping_joins_epilogue, MAX_CHAIN},
    {"conv", grouping_joins_epilogue, MAX_CHAIN},
    {"downsample", grouping_joins_epilogue, MAX_CHAIN},
    {"mlp", grouping_joins_epilogue, MAX_CHAIN},
    {"head", grouping_joins_epilogue, MAX_CHAIN},
    {"stem", grouping_joins_epilogue, MAX_CHAIN},
    {"stem", joins_stem, 1},
    {"dwconv_layernorm", joins_dwconv, 1},
    {"elementwise", joins_elementwise, MAX_CHAIN},
};

/* Takes in users of the group's last value for as long as the family and the order allow. */
static void extend(Grouping *p, OpId last, int at) {
  Graph *g = p->g;
  const char *family = op_at(g, last)->sched.family;
  for (size_t e = 0; e < sizeof extensions / sizeof *extensions; e++) {
    if (strcmp(extensions[e].family, family)) continue;
    for (int n = 0; n < extensions[e].most; n++) {
      ValueId v = op_at(g, last)->first_result;
      OpId user = grouping_single_user(g, v);
      if (!user || !op_is_runtime(g, user) || op_at(g, user)->sched.kernel >= 0) return;
      if (!extensions[e].joins(p, user, v) || !grouping_operands_exist(p, op_at(g, user), v, at)) break;
      grouping_assign(p, user, op_at(g, last)->sched.kernel, family);
      grouping_pull(p, user, &last, at);
    }
  }
}

static bool is_packed_conv(const Op *op) { return op->kind == OP_conv && op->attrs.cols > 0; }

/* An NCHW-to-NHWC transpose whose only user is a conv that can read NCHW itself; 0: none. It is no weight: that is
 * packed. */
static OpId absorbing_conv(const Graph *g, OpId id) {
  const Op *op = op_at(g, id);
  if (op->kind != OP_transpose) return 0;
  OpId user = grouping_single_user(g, op->first_result);
  if (!user || op_at(g, user)->kind != OP_conv) return 0;
  if (!holds(g, IF_absorbed_to_last, ints_are(op->attrs.perm, 4, (Dim[]){0, 2, 3, 1}))) return 0;
  return holds(g, IF_absorbed_by_packed_conv, is_packed_conv(op_at(g, user))) ? user : 0;
}

static const char *family_of(const Graph *g, const Op *op) {
  DType dtype = type_of(g, op->first_result)->dtype;
  if (op->kind == OP_conv) return is_packed_conv(op) && dtype == DT_f32 ? "conv" : "conv_direct";
  return op_info[op->kind].family;
}

static void start_group(Grouping *p, OpId id) {
  Graph *g = p->g;
  int at = order_of(p, id);
  OpId last = group_pattern(p, id, at);
  if (last) {
    extend(p, last, at);
    return;
  }
  OpId conv = absorbing_conv(g, id);
  int32_t kernel = p->next_kernel++;
  if (!conv)
    grouping_assign(p, id, kernel, family_of(g, op_at(g, id)));
  else {
    grouping_assign(p, id, kernel, "conv");
    grouping_assign(p, conv, kernel, "conv");
    OpId tail = id;
    grouping_pull(p, conv, &tail, at);
  }
  extend(p, conv ? conv : id, at);
}

/* Outputs whose value no kernel can write in place: inputs, constants, values that are an output already. */
static int copy_outputs(Graph *g) {
  int32_t copies = 0, number = 0, *output_of = root_outputs(g);
  FOR_EACH_OP(g, id) {
    if (op_at(g, id)->kind != OP_output) continue;
    ValueId v = op_at(g, id)->operands[0];
    if (output_of[storage_root(g, v)] == number++) continue;
    Type t = *type_of(g, v);
    Attrs a = attrs_default();
    a.shape = (Ints){t.rank, t.dim};
    graph_set_operand(g, id, 0, graph_new_op(g, OP_expand, &v, 1, &a, op_at(g, id)->loc, id));
    copies++;
  }
  free(output_of);
  return copies;
}

int group_ops(Graph *g, const PassOptions *options) {
  (void)options;
  copy_outputs(g);
  Grouping p = {.g = g, .order = calloc(g->op_count, sizeof *p.order), .order_size = g->op_count};
  if (!p.order) die_memory(0);
  int position = 1;
  FOR_EACH_OP(g, id) {
    p.order[id] = position++;
    op_at(g, id)->sched = sched_default();
  }
  for (OpId id = g->first; id; id = op_at(g, id)->next)
    if (op_is_runtime(g, id) && op_at(g, id)->sched.kernel < 0) start_group(&p, id);
  free(p.order);
  return p.next_kernel;
}

/* A group in a text is sound if grouping, left with its ops alone, would make it from its first op. */
static OpId check_group(Grouping *p, const Graph *g, const OpId *ops, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) op_at(p->g, ops[i])->sched.kernel = -1;
  start_group(p, ops[0]);
  OpId bad = 0;
  for (uint32_t i = 0; i < count; i++) {
    const Sched *made = &op_at(p->g, ops[i])->sched;
    if (!bad &&
        (made->kernel != op_at(p->g, ops[0])->sched.kernel || strcmp(made->family, op_at(g, ops[i])->sched.family)))
      bad = ops[i];
  }
  for (uint32_t i = 0; i < count; i++) op_at(p->g, ops[i])->sched.kernel = 0;
  return bad;
}

OpId misgrouped_op(const Graph *g) {
  Graph *c = graph_clone(g);
  Grouping p = {.g = c, .order = calloc(g->op_count, sizeof *p.order), .order_size = g->op_count};
  OpId *ops = calloc(g->op_count, sizeof *ops), bad = 0;
  if (!p.order || !ops) die_memory(0);
  int position = 1;
  FOR_EACH_OP(c, id) {
    p.order[id] = position++;
    op_at(c, id)->sched.kernel = 0; /* taken */
  }
  for (OpId id = g->first; id && !bad;) {
    uint32_t count = 0;
    int32_t kernel = op_at(g, id)->sched.kernel;
    for (; id; id = op_at(g, id)->next) {
      if (!op_is_runtime(g, id)) continue;
      if (count && op_at(g, id)->sched.kernel != kernel) break;
      kernel = op_at(g, id)->sched.kernel;
      ops[count++] = id;
    }
    if (count) bad = check_group(&p, g, ops, count);
  }
  free(p.order);
  free(ops);
  graph_free(c);
  return bad;
}
