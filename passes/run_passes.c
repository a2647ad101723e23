/* Running the pipeline, all of it or a part. */
#include "backend/storage.h"
#include "passes/facts.h"
#include "passes/passes.h"
#include "passes/peel_batch.h"
#include "passes/rewrite_log.h"
#include <string.h>

/* Symbols that peel-batch could not take away: the model cannot be compiled without a number for them. */
static bool check_static(Graph *g) {
  OpId id = fact_broken_at(g, FACT_STATIC), at = id ? batch_obstacle(g) : 0;
  if (!id) return true;
  const Type *t = type_of(g, op_at(g, id)->first_result);
  int axis = 0;
  while (dim_is_number(t->dim[axis])) axis++;
  return diag(g->context, DIAG_ERROR, where_op(g, at ? at : id),
              "mixes the images of a batch or has a symbolic dim that is no batch; give a number: --dim %s=1",
              g->symbols[dim_symbol_of(t->dim[axis])]);
}

/* Registers hold u64 as i64: right for what moves elements or does not see the sign. */
static bool sees_sign(const Graph *g, const Op *op) {
  if (!op->operand_count || type_of(g, op->operands[0])->dtype != DT_u64) return op->kind == OP_cast;
  switch (op->kind) {
  case OP_add:
  case OP_sub:
  case OP_mul:
  case OP_equal:
  case OP_where:
  case OP_reduce_sum:
  case OP_reduce_prod:
  case OP_cumsum: return false;
  case OP_scatter_elements: return op->attrs.mode != NULL;
  default:
    return op_info[op->kind].traits & T_POINTWISE || op_info[op->kind].traits & T_REDUCE || op->kind == OP_argmax ||
           op->kind == OP_topk || op->kind == OP_max_pool || op->kind == OP_avg_pool;
  }
}

/* Casts look into halves; what moves elements, as before an output that was computed channels last, moves their bits.
 */
static bool takes_halves(OpKind kind) {
  switch (kind) {
  case OP_input:
  case OP_cast:
  case OP_reshape:
  case OP_transpose:
  case OP_expand:
  case OP_concat:
  case OP_slice:
  case OP_tile: return true;
  default: return false;
  }
}

static bool computes_in_half(const Graph *g, const Op *op, DType *out) {
  if (takes_halves(op->kind)) return false;
  *out = (DType)type_of(g, op->first_result)->dtype;
  for (uint32_t i = 0; i < op->operand_count && !dtype_is_half(*out); i++)
    if (op->operands[i]) *out = (DType)type_of(g, op->operands[i])->dtype;
  return dtype_is_half(*out);
}

/* The dtype of an op that no kernel computes in; false: kernels there are. What reads panels computes in f32. */
static bool lacks_kernels(const Graph *g, const Op *op, DType *out) {
  if (computes_in_half(g, op, out)) return true;
  *out = (DType)type_of(g, op->first_result)->dtype;
  if (op->attrs.cols > 0 && *out != DT_f32) return true;
  *out = DT_u64;
  bool wide = type_of(g, op->first_result)->dtype == DT_u64 ||
              (op->operand_count && type_of(g, op->operands[0])->dtype == DT_u64);
  return wide && sees_sign(g, op);
}

bool check_dtypes(Graph *g) {
  bool good = true;
  FOR_EACH_OP(g, id) {
    const Op *op = op_at(g, id);
    if (op->kind != OP_input && !op_is_runtime(g, id)) continue;
    DType t;
    if (lacks_kernels(g, op, &t))
      good = diag(g->context, DIAG_ERROR, where_op(g, id), "no kernels for data type %s", dtype_name(t));
  }
  return good;
}

static bool run_pass(Graph *g, const PassInfo *pass, const PassOptions *options, const PassRun *run) {
  if (run->before) run->before(run->user, g, pass);
  if (!facts_hold(g, pass->needs, arena_printf(g->context->arena, "pass %s", pass->name))) return false;
  if (g->log) rewrite_log_clear(g->log);
  int rewrites = pass->run(g, options);
  if (g->log) rewrite_note(g, pass->name, rewrites - rewrite_log_sum(g->log));
  g->last_pass = pass->name;
  if (run->after) run->after(run->user, g, pass, rewrites);
  return !(pass->gives & FACT_STATIC) || (check_static(g) && check_dtypes(g));
}

bool run_passes(Graph *g, const PassOptions *options, const PassRun *run) {
  int first = *g->last_pass ? pass_from_name(g->last_pass) + 1 : 0, last = pipeline_length - 1;
  if (run->start_from) first = pass_from_name(run->start_from);
  if (run->stop_after) last = pass_from_name(run->stop_after);
  for (int i = first; i <= last; i++)
    if ((!run->selected || run->selected[i]) && !run_pass(g, &pipeline[i], options, run)) return false;
  return true;
}

bool run_pipeline(Graph *g, const PassOptions *options, const char *stop_after, AfterPass after, void *user) {
  return run_passes(g, options, &(PassRun){.stop_after = stop_after, .after = after, .user = user});
}
