/* The pipeline: the whole compiler on one screen. Above lowering everything is target-independent: one program, one
 * packed weights file, one arena for every path in the file. */
#include "passes/passes.h"
#include "passes/facts.h"
#include <string.h>

enum {
  FOLDED = FACT_FOLDED,
  STATIC = FACT_STATIC,
  PACKED = FACT_PACKED,
  GROUPED = FACT_GROUPED,
  PLACED = FACT_PLACED,
};

/* name, doc, function, needs, gives */
const PassInfo pipeline[] = {
    {"clean-import", "no-ops, shape arithmetic, literals, common subexpressions, dead code", clean_import, 0, FOLDED},
    {"peel-batch", "a graph over N images becomes one image inside a loop", peel_batch, 0, STATIC},
    {"recover-ops", "scattered chains become layernorm, gelu, grn, gemm", recover_ops, 0, 0},
    {"channels-last", "images become [N, H, W, C]; depthwise convs, 1x1 convs as gemm", channels_last, 0, 0},
    {"fold-weights", "scales and shifts per channel move into weights", fold_weights, 0, 0},
    {"canonicalise", "one order of operands and statements", canonicalise, 0, 0},
    {"pack-weights", "weights in panels of 16 columns", pack_weights, STATIC, PACKED},
    {"group", "which ops one kernel computes", group_ops, FOLDED | STATIC, GROUPED},
    {"strassen", "gemms of large blocks as seven products of halves", split_products, STATIC, 0},
    {"place-buffers", "offsets in one arena", place_buffers, FOLDED | STATIC | GROUPED, PLACED},
    {"tile", "register tiles, once per target", tile_kernels, FOLDED | STATIC | GROUPED, 0},
};
const int pipeline_length = (int)(sizeof pipeline / sizeof *pipeline);

int pass_from_name(const char *name) {
  for (int i = 0; i < pipeline_length; i++)
    if (!strcmp(pipeline[i].name, name)) return i;
  return -1;
}

/* A schedule that was edited by hand must still be one. */
static bool check_schedule(Graph *g) {
  OpId bad = misgrouped_op(g);
  if (bad) {
    const Sched *s = &op_at(g, bad)->sched;
    return diag(g->context, DIAG_ERROR, where_op(g, bad), "kernel=%d:%s is no group that a family '%s' computes",
                s->kernel, s->family, s->family);
  }
  const char *what;
  bad = mistiled_op(g, &what);
  if (bad) return diag(g->context, DIAG_ERROR, where_op(g, bad), "%s", what);
  bad = mispitched_op(g, &what);
  if (bad) return diag(g->context, DIAG_ERROR, where_op(g, bad), "%s", what);
  bad = misplaced_op(g);
  return !bad || diag(g->context, DIAG_ERROR, where_op(g, bad),
                      "the place at=%lld is no multiple of 64, or in a buffer that is still in use",
                      (long long)op_at(g, bad)->sched.at.at[0]);
}

/* Groups all ops anew, which is no reason to forget tiles and pitches that were chosen by hand. */
static void regroup(Graph *g, const PassOptions *options) {
  const size_t count = g->op_count;
  Sched *old = ARENA_ARRAY(g->arena, Sched, count);
  for (size_t i = 0; i < count; i++) old[i] = op_at(g, (OpId)i)->sched;
  group_ops(g, options);
  keep_choices(g, old, count);
}

bool complete_schedule(Graph *g) {
  PassOptions options = {0};
  if (!facts_hold(g, FACTS_TO_SCHEDULE, "lowering") || !check_dtypes(g)) return false;
  const bool incomplete = fact_broken_at(g, FACT_GROUPED) != 0;
  if (incomplete) regroup(g, &options);
  if (incomplete || fact_broken_at(g, FACT_PLACED)) place_buffers(g, &options);
  return check_schedule(g);
}
