/* See normal_form.h. */
#include "frontend/normal_form.h"
#include "passes/passes.h"

/* reshape (layernorm (reduce_mean %x {axes=[1,2] keepdims=1} : [N,1,1,C]) {axes=[3]}) to [N,C]
 *   =>  layernorm (reduce_mean %x {axes=[1,2]} : [N,C]) {axes=[1]}: some flatten before a head's norm, some behind it.
 */
static void flatten_head(Graph *g, OpId id) {
  const Op reshape = *op_at(g, id);
  if (reshape.kind != OP_reshape || type_of(g, reshape.first_result)->rank != 2) return;
  const Op norm = *def_of(g, reshape.operands[0]);
  if (norm.kind != OP_layernorm || norm.attrs.axes.count != 1 || norm.attrs.axes.at[0] != 3) return;
  const Op mean = *def_of(g, norm.operands[0]);
  const Ints axes = mean.attrs.axes;
  if (mean.kind != OP_reduce_mean || axes.count != 2 || axes.at[0] != 1 || axes.at[1] != 2) return;
  if (value_at(g, norm.first_result)->use_count != 1 || value_at(g, mean.first_result)->use_count != 1) return;
  Attrs flat = mean.attrs, last = norm.attrs;
  flat.keepdims = 0;
  last.axes = (Ints){1, (const Dim[]){1}};
  ValueId operands[3] = {0, norm.operand_count > 1 ? norm.operands[1] : 0,
                         norm.operand_count > 2 ? norm.operands[2] : 0};
  operands[0] = graph_new_op(g, OP_reduce_mean, &mean.operands[0], 1, &flat, mean.loc, id);
  ValueId y = graph_new_op(g, OP_layernorm, operands, norm.operand_count, &last, norm.loc, id);
  graph_replace_uses(g, reshape.first_result, y);
  graph_erase_op(g, id);
  graph_erase_op(g, value_at(g, norm.first_result)->def);
  graph_erase_op(g, value_at(g, mean.first_result)->def);
}

void normal_form(Graph *g) {
  const PassOptions options = {0};
  clean_import(g, &options);
  peel_batch(g, &options);
  recover_ops(g, &options);
  channels_last(g, &options);
  FOR_EACH_OP(g, id) flatten_head(g, id);
  canonicalise(g, &options);
}

OpId next_running(const Graph *g, OpId after) {
  OpId id = after ? op_at(g, after)->next : g->first;
  while (id) {
    const Op *op = op_at(g, id);
    if (!op->result_count || op->kind == OP_input || !value_at(g, op->first_result)->constant) return id;
    id = op->next;
  }
  return 0;
}
