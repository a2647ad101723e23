/* The pipeline: the whole compiler on one screen. Above lowering everything is target-independent: one program, one
 * packed weights file, one arena for every path in the file. */
#include "passes/passes.h"
#include "backend/storage.h"
#include "passes/peel_batch.h"
#include <string.h>

const PassInfo pipeline[] = {
    {"clean-import", "no-ops, shape arithmetic, literals, common subexpressions, dead code", clean_import},
    {"peel-batch", "a graph over N images becomes one image inside a loop", peel_batch},
    {"recover-ops", "scattered chains become layernorm, gelu, grn, gemm", recover_ops},
    {"channels-last", "images become [N, H, W, C]; depthwise convs, 1x1 convs as gemm", channels_last},
    {"fold-weights", "scales and shifts per channel move into weights", fold_weights},
    {"canonicalise", "one order of operands and statements", canonicalise},
    {"pack-weights", "weights in panels of 16 columns", pack_weights},
    {"group", "which ops one kernel computes", group_ops},
    {"place-buffers", "offsets in one arena", place_buffers},
};
const int pipeline_length = (int)(sizeof pipeline / sizeof *pipeline);

int pass_from_name(const char *name) {
  for (int i = 0; i < pipeline_length; i++)
    if (!strcmp(pipeline[i].name, name)) return i;
  return -1;
}

/* Symbols that peel-batch could not take away: the model cannot be compiled without a number for them. */
static bool check_static(Graph *g) {
  FOR_EACH_OP(g, id) {
    const Op *op = op_at(g, id);
    for (uint32_t r = 0; r < op->result_count; r++) {
      const Type *t = type_of(g, op->first_result + r);
      for (int i = 0; i < t->rank; i++) {
        if (dim_is_number(t->dim[i])) continue;
        OpId at = batch_obstacle(g);
        const char *symbol = g->symbols[dim_symbol_of(t->dim[i])];
        return diag(g->context, DIAG_ERROR, where_op(g, at ? at : id),
                    "mixes the images of a batch or has a symbolic dim that is no batch; give a number: --dim %s=1", symbol);
      }
    }
  }
  return true;
}

/* Dtypes that evaluator and frontend know but no kernel computes in: all are listed in one run. */
static bool check_dtypes(Graph *g) {
  bool good = true;
  FOR_EACH_OP(g, id) {
    const Op *op = op_at(g, id);
    if (op->kind != OP_input && !op_is_runtime(g, id)) continue;
    DType t = type_of(g, op->first_result)->dtype;
    if (dtype_is_float(t) && t != DT_f32 && t != DT_f64)
      good = diag(g->context, DIAG_ERROR, where_op(g, id), "no kernels for data type %s", dtype_name(t));
  }
  return good;
}

bool run_pipeline(Graph *g, const PassOptions *options, const char *stop_after, AfterPass after, void *user) {
  int first = *g->last_pass ? pass_from_name(g->last_pass) + 1 : 0, peel = pass_from_name("peel-batch");
  if (first > peel && !(check_static(g) && check_dtypes(g))) return false;
  for (int i = first; i < pipeline_length; i++) {
    int rewrites = pipeline[i].run(g, options);
    g->last_pass = pipeline[i].name;
    if (after) after(user, g, &pipeline[i], rewrites);
    if (i == peel && !(check_static(g) && check_dtypes(g))) return false;
    if (stop_after && !strcmp(stop_after, pipeline[i].name)) break;
  }
  return true;
}

static bool lacks_group(const Graph *g) {
  FOR_EACH_OP(g, id)
    if (op_is_runtime(g, id) && op_at(g, id)->sched.kernel < 0) return true;
  return false;
}

static bool lacks_place(const Graph *g) {
  FOR_EACH_OP(g, id) {
    const Op *op = op_at(g, id);
    if (!op_is_runtime(g, id) || root_output(g, op->first_result) >= 0) continue;
    for (uint32_t u = 0; u < value_at(g, op->first_result)->use_count; u++) {
      const Op *user = op_at(g, value_at(g, op->first_result)->uses[u].op);
      if (user->sched.kernel != op->sched.kernel && !op->sched.at.count) return true;
    }
  }
  return false;
}

void complete_schedule(Graph *g) {
  PassOptions options = {0};
  bool regroup = lacks_group(g);
  if (regroup) group_ops(g, &options);
  if (regroup || lacks_place(g)) place_buffers(g, &options);
}
