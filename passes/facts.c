/* The facts, one row each; see facts.h. */
#include "passes/facts.h"
#include "backend/storage.h"
#include "passes/passes.h"
#include <stdlib.h>

static OpId symbolic_op(const Graph *g) {
  FOR_EACH_OP(g, id) {
    const Op *op = op_at(g, id);
    for (uint32_t r = 0; r < op->result_count; r++)
      if (!type_is_static(type_of(g, op->first_result + r))) return id;
  }
  return 0;
}

static OpId op_without_family(const Graph *g) {
  FOR_EACH_OP(g, id)
  if (op_is_runtime(g, id) && !*op_info[op_at(g, id)->kind].family) return id;
  return 0;
}

static OpId unpacked_gemm(const Graph *g) {
  FOR_EACH_OP(g, id) {
    const Op *op = op_at(g, id);
    if (op->kind == OP_gemm && op_is_runtime(g, id) && !op->attrs.cols) return id;
  }
  return 0;
}

static OpId ungrouped_op(const Graph *g) {
  FOR_EACH_OP(g, id)
  if (op_is_runtime(g, id) && op_at(g, id)->sched.kernel < 0) return id;
  return 0;
}

/* Is v, or a view of it, read by an op of another kernel? */
static bool leaves_kernel(const Graph *g, ValueId v, int32_t kernel) {
  const Value *value = value_at(g, v);
  for (uint32_t u = 0; u < value->use_count; u++) {
    OpId user = value->uses[u].op;
    if (op_is_runtime(g, user)
            ? op_at(g, user)->sched.kernel != kernel
            : op_at(g, user)->kind == OP_reshape && leaves_kernel(g, op_at(g, user)->first_result, kernel))
      return true;
  }
  return false;
}

static bool lacks_place(const Graph *g, const Op *op, const int32_t *output_of) {
  for (uint32_t r = 0; r < op->result_count; r++) {
    ValueId v = op->first_result + r;
    if ((int32_t)r < op->sched.at.count && op->sched.at.at[r] >= 0) continue;
    if (leaves_kernel(g, v, op->sched.kernel) && output_of[v] < 0) return true;
  }
  return false;
}

static OpId op_without_place(const Graph *g) {
  OpId found = 0;
  int32_t *output_of = root_outputs(g);
  for (OpId id = g->first; id && !found; id = op_at(g, id)->next)
    if (op_is_runtime(g, id) && lacks_place(g, op_at(g, id), output_of)) found = id;
  free(output_of);
  return found;
}

static const struct {
  enum Fact fact;
  const char *what;
  OpId (*broken_at)(const Graph *);
} facts[] = {
    {FACT_FOLDED, "shape arithmetic folded away", op_without_family},
    {FACT_STATIC, "dims that are numbers", symbolic_op},
    {FACT_PACKED, "packed weights", unpacked_gemm},
    {FACT_GROUPED, "ops in kernels", ungrouped_op},
    {FACT_PLACED, "buffers in the arena", op_without_place},
};
enum { FACT_COUNT = sizeof facts / sizeof *facts };

static const char *giver(enum Fact fact) {
  for (int i = 0; i < pipeline_length; i++)
    if (pipeline[i].gives & (unsigned)fact) return pipeline[i].name;
  die("no pass gives fact %d", (int)fact);
}

OpId fact_broken_at(const Graph *g, enum Fact fact) {
  for (int i = 0; i < FACT_COUNT; i++)
    if (facts[i].fact == fact) return facts[i].broken_at(g);
  die("no fact %d", (int)fact);
}

const char *fact_text(enum Fact fact) {
  for (int i = 0; i < FACT_COUNT; i++)
    if (facts[i].fact == fact) return facts[i].what;
  die("no fact %d", (int)fact);
}

bool facts_hold(Graph *g, unsigned wanted, const char *who) {
  bool good = true;
  for (int i = 0; i < FACT_COUNT; i++) {
    OpId at = wanted & (unsigned)facts[i].fact ? facts[i].broken_at(g) : 0;
    if (!at) continue;
    good = diag(g->context, DIAG_ERROR, where_op(g, at), "%s needs %s, which pass %s gives", who, facts[i].what,
                giver(facts[i].fact));
  }
  return good;
}
