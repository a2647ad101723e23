/* channels-last: images become [N, H, W, C] from input to output.
 *
 *   %y = conv %x, %w : f32[1,96,56,56]      =>   %t = transpose %x {perm=[0,2,3,1]};  %u = conv %t, %v {layout=nhwc};
 *                                                 %y = transpose %u {perm=[0,3,1,2]}
 *
 * Each NCHW value that is computed channels last has a twin; ops between images read the twins of their operands and
 * get twins themselves, so transposes meet their inverses and vanish, but for those at graph inputs and outputs. Also:
 * depthwise convs become dwconv, 1x1 convs become gemm, other convs whose stride is their kernel and that pad nothing
 * become gemm of patches, which also read a transposed input in place. Declines: ranks other than 4, reshapes that mix
 * channels with positions. */
#include "passes/common_ops.h"
#include "passes/passes.h"
#include "passes/rewrite_log.h"
#include "passes/rules.h"
#include <stdlib.h>

static const Dim to_last[4] = {0, 2, 3, 1}, to_first[4] = {0, 3, 1, 2};
static const int last_axis_of[4] = {0, 3, 1, 2}; /* where an NCHW axis is in NHWC */

typedef struct {
  Graph *g;
  ValueId *twin; /* [capacity] NHWC twin of an NCHW value; 0: none */
  size_t capacity;
} Twins;

static ValueId get_twin(const Twins *t, ValueId v) { return v < t->capacity ? t->twin[v] : 0; }

static void set_twin(Twins *t, ValueId v, ValueId twin) {
  if (v >= t->capacity) {
    size_t more = t->g->value_capacity + 64;
    t->twin = realloc(t->twin, more * sizeof *t->twin);
    if (!t->twin) die_memory(0);
    for (size_t i = t->capacity; i < more; i++) t->twin[i] = 0;
    t->capacity = more;
  }
  t->twin[v] = twin;
}

static ValueId transpose(Graph *g, ValueId v, const Dim *perm, int rank, const Loc *loc, OpId before) {
  Attrs a = attrs_default();
  a.perm = (Ints){rank, perm};
  return graph_new_op(g, OP_transpose, &v, 1, &a, loc, before);
}

static ValueId reshape(Graph *g, ValueId v, int rank, const Dim *shape, const Loc *loc, OpId before) {
  Attrs a = attrs_default();
  a.shape = (Ints){rank, shape};
  return graph_new_op(g, OP_reshape, &v, 1, &a, loc, before);
}

/* v, NCHW or a constant that broadcasts to it, as NHWC; new ops go before `before`. */
static ValueId as_last(Twins *t, ValueId v, OpId before) {
  Graph *g = t->g;
  if (get_twin(t, v)) return get_twin(t, v);
  Type type = *type_of(g, v);
  const Loc *loc = op_at(g, before)->loc;
  if (type.rank < 4) {
    if (type.rank == 0) return v;
    Dim shape[4] = {1, 1, 1, 1};
    for (int i = 0; i < type.rank; i++) shape[4 - type.rank + i] = type.dim[i];
    v = reshape(g, v, 4, shape, loc, before);
  }
  ValueId twin = transpose(g, v, to_last, 4, loc, before);
  if (type.rank == 4) set_twin(t, v, twin);
  return twin;
}

/* The op `id` is done by `result`, which is NHWC: its NCHW result becomes a transpose of it. */
static void replace_by_last(Twins *t, OpId id, ValueId result) {
  Graph *g = t->g;
  ValueId old = op_at(g, id)->first_result;
  ValueId back = transpose(g, result, to_first, 4, op_at(g, id)->loc, id);
  graph_replace_uses(g, old, back);
  graph_erase_op(g, id);
  set_twin(t, back, result);
}

static bool all_ones(Ints list) {
  for (int i = 0; i < list.count; i++)
    if (list.at[i] != 1) return false;
  return true;
}

static bool all_zeros(Ints list) {
  for (int i = 0; i < list.count; i++)
    if (list.at[i] != 0) return false;
  return true;
}

/* [I, O] of a 1x1 conv's [O, I, 1, 1] */
static ValueId pointwise_conv(Twins *t, OpId id, const ValueId *operands, uint32_t count) {
  Graph *g = t->g;
  const Loc *loc = op_at(g, id)->loc;
  Type w = *type_of(g, operands[1]);
  ValueId flat = reshape(g, operands[1], 2, (Dim[]){w.dim[0], w.dim[1]}, loc, id);
  ValueId weights = transpose(g, flat, (Dim[]){1, 0}, 2, loc, id);
  return graph_new_op(g, OP_gemm, (ValueId[]){operands[0], weights, count > 2 ? operands[2] : 0}, count, NULL, loc, id);
}

static ValueId depthwise_conv(Twins *t, OpId id, const ValueId *operands, uint32_t count) {
  Graph *g = t->g;
  const Loc *loc = op_at(g, id)->loc;
  Type w = *type_of(g, operands[1]);
  ValueId moved = transpose(g, operands[1], (Dim[]){2, 3, 0, 1}, 4, loc, id);
  ValueId weights = reshape(g, moved, 3, (Dim[]){w.dim[2], w.dim[3], w.dim[0]}, loc, id);
  Attrs from = op_at(g, id)->attrs, a = attrs_default();
  a.strides = from.strides;
  a.pads = from.pads;
  a.dilations = from.dilations;
  return graph_new_op(g, OP_dwconv, (ValueId[]){operands[0], weights, count > 2 ? operands[2] : 0}, count, &a, loc, id);
}

/* gemm of patches [N, OH, OW, KH KW I] with [KH KW I, O] */
static ValueId patch_conv(Twins *t, OpId id, const ValueId *operands, uint32_t count) {
  Graph *g = t->g;
  Op op = *op_at(g, id);
  Type w = *type_of(g, operands[1]);
  ValueId moved = transpose(g, operands[1], (Dim[]){2, 3, 1, 0}, 4, op.loc, id);
  ValueId weights = reshape(g, moved, 2, (Dim[]){w.dim[2] * w.dim[3] * w.dim[1], w.dim[0]}, op.loc, id);
  Attrs a = attrs_default();
  a.layout = "nhwc";
  a.kernel = op.attrs.kernel;
  a.strides = op.attrs.strides;
  ValueId rows = graph_new_op(g, OP_patches, operands, 1, &a, op.loc, id);
  return graph_new_op(g, OP_gemm, (ValueId[]){rows, weights, count > 2 ? operands[2] : 0}, count, NULL, op.loc, id);
}

/* A 1x1 conv that reads every position: a gemm. w: [O, I, KH, KW] */
static bool is_pointwise_conv(const Graph *g, const Op *op, const Type *w) {
  return holds(g, IF_kernel_is_1x1, w->dim[2] == 1 && w->dim[3] == 1) &&
         holds(g, IF_1x1_of_one_group, op->attrs.group == 1) &&
         holds(g, IF_1x1_steps_by_1, all_ones(op->attrs.strides)) &&
         holds(g, IF_1x1_not_padded, all_zeros(op->attrs.pads));
}

/* A conv whose windows lie side by side: a gemm of patches. */
static bool is_patch_conv(const Graph *g, const Op *op) {
  bool steps_by_kernel = ints_are(op->attrs.strides, op->attrs.kernel.count, op->attrs.kernel.at);
  return holds(g, IF_patch_steps_by_kernel, steps_by_kernel) && holds(g, IF_patch_of_one_group, op->attrs.group == 1) &&
         holds(g, IF_patch_not_padded, all_zeros(op->attrs.pads)) &&
         holds(g, IF_patch_not_dilated, all_ones(op->attrs.dilations)) &&
         holds(g, IF_patch_weight_constant, value_at(g, op->operands[1])->constant);
}

/* x: [N, C, H, W] */
static bool is_depthwise_conv(const Graph *g, const Op *op, const Type *x, const Type *w) {
  return holds(g, IF_group_per_channel, op->attrs.group == x->dim[1]) &&
         holds(g, IF_one_output_per_group, w->dim[0] == x->dim[1]) && holds(g, IF_several_groups, op->attrs.group > 1);
}

static bool convert_conv(Twins *t, OpId id) {
  Graph *g = t->g;
  Op op = *op_at(g, id);
  if (!holds(g, IF_conv_channels_first, !op.attrs.layout)) return false;
  if (!holds(g, IF_conv_of_images, type_of(g, op.operands[0])->rank == 4)) return false;
  Type x = *type_of(g, op.operands[0]), w = *type_of(g, op.operands[1]);
  ValueId operands[3] = {as_last(t, op.operands[0], id), op.operands[1], op.operand_count > 2 ? op.operands[2] : 0};
  uint32_t count = operands[2] ? 3 : 2;
  ValueId result;
  if (is_pointwise_conv(g, &op, &w))
    result = pointwise_conv(t, id, operands, count);
  else if (is_patch_conv(g, &op))
    result = patch_conv(t, id, operands, count);
  else if (is_depthwise_conv(g, &op, &x, &w))
    result = depthwise_conv(t, id, operands, count);
  else {
    Attrs a = op.attrs;
    a.layout = "nhwc";
    operands[1] = transpose(g, operands[1], (Dim[]){2, 3, 1, 0}, 4, op.loc, id);
    result = graph_new_op(g, OP_conv, operands, count, &a, op.loc, id);
  }
  replace_by_last(t, id, result);
  return true;
}

static bool convert_pool(Twins *t, OpId id) {
  Graph *g = t->g;
  Op op = *op_at(g, id);
  if (!holds(g, IF_pool_channels_first, !op.attrs.layout)) return false;
  if (!holds(g, IF_pool_operand_has_twin, get_twin(t, op.operands[0]))) return false;
  Attrs a = op.attrs;
  a.layout = "nhwc";
  ValueId x = as_last(t, op.operands[0], id);
  replace_by_last(t, id, graph_new_op(g, op.kind, &x, 1, &a, op.loc, id));
  return true;
}

/* Some operand has a twin, and every other is an image of rank 4, a scalar, or constant. */
static bool pointwise_fits(const Twins *t, const Op *op) {
  const Graph *g = t->g;
  bool any = false;
  if (!holds(g, IF_pointwise_result_is_image, type_of(g, op->first_result)->rank == 4)) return false;
  for (uint32_t i = 0; i < op->operand_count; i++) {
    ValueId v = op->operands[i];
    any = any || get_twin(t, v);
    bool fits = type_of(g, v)->rank == 4 || type_of(g, v)->rank == 0 || value_at(g, v)->constant;
    if (!holds(g, IF_pointwise_operands_are_images, fits)) return false;
  }
  return holds(g, IF_pointwise_operand_has_twin, any);
}

static bool convert_pointwise(Twins *t, OpId id) {
  Graph *g = t->g;
  Op op = *op_at(g, id);
  if (!pointwise_fits(t, &op)) return false;
  ValueId operands[4];
  for (uint32_t i = 0; i < op.operand_count; i++) operands[i] = as_last(t, op.operands[i], id);
  replace_by_last(t, id, graph_new_op(g, op.kind, operands, op.operand_count, &op.attrs, op.loc, id));
  return true;
}

/* Axes of an NCHW op in NHWC, ascending. */
static Ints map_axes(Graph *g, Ints axes) {
  Dim out[4];
  int n = 0;
  for (int last = 0; last < 4; last++)
    for (int i = 0; i < axes.count; i++)
      if (last_axis_of[axes.at[i]] == last) out[n++] = last;
  return ints_copy(g->arena, out, n);
}

static bool has_axis(Ints axes, int axis) {
  for (int i = 0; i < axes.count; i++)
    if (axes.at[i] == axis) return true;
  return false;
}

static bool convert_reduce(Twins *t, OpId id) {
  Graph *g = t->g;
  Op op = *op_at(g, id);
  if (!holds(g, IF_reduced_has_twin, get_twin(t, op.operands[0]))) return false;
  Ints axes = op.attrs.axes;
  bool channels = has_axis(axes, 1), both = has_axis(axes, 2) && has_axis(axes, 3);
  if (!holds(g, IF_rest_keeps_order, op.attrs.keepdims || channels || both)) return false;
  Attrs a = op.attrs;
  a.axes = map_axes(g, axes);
  ValueId x = get_twin(t, op.operands[0]);
  ValueId result = graph_new_op(g, op.kind, &x, 1, &a, op.loc, id);
  if (op.attrs.keepdims)
    replace_by_last(t, id, result);
  else {
    graph_replace_uses(g, op.first_result, result);
    graph_erase_op(g, id);
  }
  return true;
}

static bool convert_axes(Twins *t, OpId id) {
  Graph *g = t->g;
  Op op = *op_at(g, id);
  if (!holds(g, IF_operand_has_twin, get_twin(t, op.operands[0]))) return false;
  Attrs a = op.attrs;
  a.axes = map_axes(g, op.attrs.axes);
  bool moves = op.kind == OP_layernorm && has_axis(op.attrs.axes, 1) && op.attrs.axes.count > 1 && op.operand_count > 1;
  if (!holds(g, IF_norm_scale_keeps_order, !moves)) return false;
  a.axis = last_axis_of[op.attrs.axis];
  ValueId operands[3];
  for (uint32_t i = 0; i < op.operand_count; i++) operands[i] = op.operands[i];
  operands[0] = get_twin(t, op.operands[0]);
  replace_by_last(t, id, graph_new_op(g, op.kind, operands, op.operand_count, &a, op.loc, id));
  return true;
}

static bool convert_concat(Twins *t, OpId id) {
  Graph *g = t->g;
  Op op = *op_at(g, id);
  for (uint32_t i = 0; i < op.operand_count; i++)
    if (!holds(g, IF_parts_have_twins, get_twin(t, op.operands[i]))) return false;
  ValueId *operands = ARENA_ARRAY(g->arena, ValueId, op.operand_count);
  for (uint32_t i = 0; i < op.operand_count; i++) operands[i] = get_twin(t, op.operands[i]);
  Attrs a = op.attrs;
  a.axis = last_axis_of[op.attrs.axis];
  replace_by_last(t, id, graph_new_op(g, OP_concat, operands, op.operand_count, &a, op.loc, id));
  return true;
}

static bool convert_transpose(Twins *t, OpId id) {
  Graph *g = t->g;
  Op op = *op_at(g, id);
  if (ints_are(op.attrs.perm, 4, to_first)) {
    set_twin(t, op.first_result, op.operands[0]);
    return false;
  }
  ValueId twin = get_twin(t, op.operands[0]);
  if (!holds(g, IF_transposed_has_twin, twin) || !holds(g, IF_transpose_to_last, ints_are(op.attrs.perm, 4, to_last)))
    return false;
  graph_replace_uses(g, op.first_result, twin);
  graph_erase_op(g, id);
  return true;
}

/* One channel, or one position: the elements' order is the same in both layouts. */
static bool convert_reshape(Twins *t, OpId id) {
  Graph *g = t->g;
  const Op *op = op_at(g, id);
  const Type *x = type_of(g, op->operands[0]), *y = type_of(g, op->first_result);
  ValueId twin = get_twin(t, op->operands[0]);
  bool pooled = x->rank == 4 && x->dim[1] == 1 && x->dim[2] == 1;
  bool first = y->rank == 4 && y->dim[2] == 1 && y->dim[3] == 1;
  if (!twin && holds(g, IF_reshape_of_pooled, pooled) && holds(g, IF_reshape_to_channels_first, first) &&
      holds(g, IF_reshape_keeps_images, x->dim[0] == y->dim[0])) /* [N, 1, 1, C] to [N, C, 1, 1] */
    set_twin(t, op->first_result, op->operands[0]);
  if (!twin) return false;
  bool same_order = x->dim[1] == 1 || (x->dim[2] == 1 && x->dim[3] == 1);
  if (!holds(g, IF_reshape_of_one_order, same_order)) return false;
  graph_set_operand(g, id, 0, twin);
  return true;
}

static bool convert_gather(Twins *t, OpId id) {
  bool by_vector = type_of(t->g, op_at(t->g, id)->operands[1])->rank == 1;
  return holds(t->g, IF_gather_by_vector, by_vector) && convert_axes(t, id);
}

/* Returns whether the op was rewritten; it may have got a twin all the same. NULL: ops of the kind stay. */
typedef bool (*Convert)(Twins *, OpId);

static Convert convert_of(const Graph *g, const Op *op) {
  unsigned traits = op_info[op->kind].traits;
  if (!op->result_count || (traits & T_LEAF) || value_at(g, op->first_result)->constant) return NULL;
  if (traits & T_POINTWISE) return convert_pointwise;
  if (traits & T_REDUCE) return convert_reduce;
  switch (op->kind) {
  case OP_conv: return convert_conv;
  case OP_max_pool:
  case OP_avg_pool: return convert_pool;
  case OP_layernorm:
  case OP_grn:
  case OP_resize:
  case OP_cumsum:
  case OP_softmax: return convert_axes;
  case OP_gather: return convert_gather;
  case OP_concat: return convert_concat;
  case OP_transpose: return convert_transpose;
  case OP_reshape: return convert_reshape;
  default: return NULL;
  }
}

static bool convert_op(Twins *t, OpId id) {
  Graph *g = t->g;
  const char *rule = op_info[op_at(g, id)->kind].name;
  Where at = where_op(g, id);
  ValueId result = op_at(g, id)->first_result;
  Convert convert = convert_of(g, op_at(g, id));
  if (!convert || !rewrite_allowed(g)) return false;
  int64_t declines = rewrite_declines(g);
  if (convert(t, id)) {
    rewrite_done(g, rule, at);
    return true;
  }
  if (!get_twin(t, result)) rewrite_declined(g, rule, declines);
  return false;
}

int channels_last(Graph *g, const PassOptions *options) {
  Twins t = {.g = g};
  int total = 0;
  FOR_EACH_OP(g, id) total += convert_op(&t, id);
  free(t.twin);
  total += apply_rules(g, &clean_rules, options);
  total += apply_rules(g, &layout_rules, options);
  total += merge_equal_ops(g);
  return total + remove_dead_ops(g);
}
