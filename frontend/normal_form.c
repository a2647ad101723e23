/* See normal_form.h. */
#include "frontend/normal_form.h"
#include "passes/passes.h"

void normal_form(Graph *g) {
  const PassOptions options = {0};
  clean_import(g, &options);
  peel_batch(g, &options);
  recover_ops(g, &options);
  channels_last(g, &options);
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
