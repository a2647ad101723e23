/* pack-weights: constant weights of gemm and conv take the layout that kernels read.
 *
 *   gemm %x, %w : [K, N]      =>   gemm %x, (pack %w) {cols=N}        [ceil(N / 16), K, 16]
 *   conv %x, %w : [KH, KW, I, O] (nhwc, one group, 2 spatial axes)   likewise, K = KH KW I
 *
 * Panels of 16 columns with K contiguous, the last panel filled with zeros: one layout for every target. The pack op is
 * part of the constant expression. A gemm whose weight is computed, or no f32, becomes matmul and add. Declines:
 * grouped convs, other ranks. */
#include "passes/passes.h"
#include "passes/rewrite_log.h"

static bool conv_can_pack(const Graph *g, const Op *op) {
  return op->kind == OP_conv && holds(g, IF_packed_conv_channels_last, op->attrs.layout != NULL) &&
         holds(g, IF_packed_conv_of_one_group, op->attrs.group == 1) &&
         holds(g, IF_packed_conv_of_images, type_of(g, op->operands[1])->rank == 4);
}

static void pack_op(Graph *g, OpId id) {
  Op *op = op_at(g, id);
  const Loc *loc = op->loc;
  ValueId w = op->operands[1];
  Type t = *type_of(g, w);
  Dim cols = t.dim[t.rank - 1];
  if (op->kind == OP_conv) {
    Attrs flat = attrs_default();
    flat.shape = (Ints){2, (Dim[]){t.dim[0] * t.dim[1] * t.dim[2], cols}};
    op->attrs.kernel = ints_copy(g->arena, t.dim, 2);
    w = graph_new_op(g, OP_reshape, &w, 1, &flat, loc, id);
  }
  Attrs a = attrs_default();
  ValueId packed = graph_new_op(g, OP_pack, &w, 1, &a, loc, id);
  op_at(g, id)->attrs.cols = cols;
  graph_set_operand(g, id, 1, packed);
}

static void gemm_to_matmul(Graph *g, OpId id) {
  Op op = *op_at(g, id);
  Type y = *type_of(g, op.first_result);
  ValueId x = op.operands[0];
  Attrs a = attrs_default();
  a.shape = (Ints){2, (Dim[]){1, type_of(g, x)->dim[0]}};
  if (y.rank == 1) x = graph_new_op(g, OP_reshape, &x, 1, &a, op.loc, id);
  ValueId result = graph_new_op(g, OP_matmul, (ValueId[]){x, op.operands[1]}, 2, NULL, op.loc, id);
  a.shape = (Ints){y.rank, y.dim};
  if (y.rank == 1) result = graph_new_op(g, OP_reshape, &result, 1, &a, op.loc, id);
  if (op.operand_count > 2 && op.operands[2])
    result = graph_new_op(g, OP_add, (ValueId[]){result, op.operands[2]}, 2, NULL, op.loc, id);
  graph_replace_uses(g, op.first_result, result);
  graph_erase_op(g, id);
}

int pack_weights(Graph *g, const PassOptions *options) {
  (void)options;
  int packed = 0;
  FOR_EACH_OP(g, id) {
    const Op *op = op_at(g, id);
    if (op->kind != OP_gemm && !conv_can_pack(g, op)) continue;
    if (!holds(g, IF_packed_once, !op->attrs.cols)) continue;
    if (!holds(g, IF_packed_is_computed, !value_at(g, op->first_result)->constant)) continue;
    bool packs = holds(g, IF_packed_weight_constant, value_at(g, op->operands[1])->constant) &&
                 holds(g, IF_packed_f32, type_of(g, op->first_result)->dtype == DT_f32);
    bool gemm = op->kind == OP_gemm;
    if (packs && rewrite_allowed(g)) {
      rewrite_done(g, gemm ? "pack_gemm" : "pack_conv", where_op(g, id));
      pack_op(g, id);
    } else if (gemm) { /* outside of any limit: there are no kernels for a gemm that is not packed */
      rewrite_note(g, "gemm_to_matmul", 1);
      gemm_to_matmul(g, id);
    } else
      continue;
    packed++;
  }
  return packed;
}
