/* The shapes of a ConvNeXt that one family computes, found by their first op:
 *
 *   stem         patches, gemm                          then pointwise ops, layernorm over the columns
 *   downsample   layernorm, patches, gemm               then pointwise ops
 *   mlp          gemm, pointwise ops, [grn], gemm       then pointwise ops
 *   head         reduce_mean, [layernorm], gemm         then pointwise ops
 *
 * Each value inside has one user, the next op; weights are packed and f32. What follows is taken in by group_ops.c. */
#include "passes/group_patterns.h"
#include "passes/rewrite_log.h"
#include "passes/rules.h"

enum { MAX_PATTERN = 16, PANEL = 16 };

typedef struct {
  Grouping *p;
  int at;
  const char *family;
  OpId ops[MAX_PATTERN];
  int count;
  ValueId value; /* of the last op */
} Pattern;

static void take(Pattern *m, OpId id) {
  m->ops[m->count++] = id;
  m->value = op_at(m->p->g, id)->first_result;
}

/* The only user of the last value, through views where allowed; 0: none, or taken, or at the limit. */
static OpId next_op(const Pattern *m, bool through_views) {
  const Graph *g = m->p->g;
  OpId user = grouping_single_user(g, m->value);
  while (through_views && user && op_at(g, user)->kind == OP_reshape)
    user = grouping_single_user(g, op_at(g, user)->first_result);
  return user && op_at(g, user)->sched.kernel < 0 && m->count + 1 < MAX_PATTERN ? user : 0;
}

/* As pack-weights leaves it; FACT_FOLDED says that what is packed is constant. */
static bool is_packed_gemm(const Graph *g, OpId id) {
  const Op *op = op_at(g, id);
  return op->kind == OP_gemm && holds(g, IF_gemm_packed, op->attrs.cols && op->attrs.panel == PANEL) &&
         holds(g, IF_gemm_f32, type_of(g, op->first_result)->dtype == DT_f32);
}

/* Takes the next op if it is a packed gemm of the last value, by Strassen's products where `strassen` says so. */
static bool take_gemm(Pattern *m, bool through_views, int64_t strassen) {
  OpId next = next_op(m, through_views);
  if (!next || !is_packed_gemm(m->p->g, next) || op_at(m->p->g, next)->attrs.strassen != strassen) return false;
  bool multiplied = through_views || op_at(m->p->g, next)->operands[0] == m->value;
  if (!holds(m->p->g, IF_gemm_of_pattern, multiplied)) return false;
  take(m, next);
  return true;
}

static bool norms_last_axis(const Graph *g, const Op *op) {
  bool last = op->attrs.axes.count == 1 && op->attrs.axes.at[0] == type_of(g, op->first_result)->rank - 1;
  return op->kind == OP_layernorm && holds(g, IF_kernel_norms_last_axis, last);
}

static bool match_stem(Pattern *m) { return take_gemm(m, false, 0); }

static bool match_downsample(Pattern *m) {
  const Graph *g = m->p->g;
  if (!norms_last_axis(g, op_at(g, m->ops[0]))) return false;
  OpId patches = next_op(m, false);
  if (!patches || op_at(g, patches)->kind != OP_patches) return false;
  if (!holds(g, IF_downsample_channels_last, op_at(g, patches)->attrs.layout != NULL)) return false;
  take(m, patches);
  return take_gemm(m, false, 0);
}

/* A grn that scales channels by their norm over all positions of one image, its shift folded away. */
static bool grn_fits(const Graph *g, const Op *op) {
  const Type *t = type_of(g, op->first_result);
  bool shifted = op->operand_count > 2 && op->operands[2];
  return op->kind == OP_grn && holds(g, IF_grn_without_shift, !shifted) &&
         holds(g, IF_grn_of_one_image, t->rank == 4 && t->dim[0] == 1) &&
         holds(g, IF_grn_of_channels, op->attrs.axis == 3) &&
         holds(g, IF_grn_over_all_positions, ints_are(op->attrs.axes, 2, (Dim[]){1, 2}));
}

static bool match_mlp(Pattern *m) {
  const Graph *g = m->p->g;
  const Op *first = op_at(g, m->ops[0]);
  if (!is_packed_gemm(g, m->ops[0]) || !holds(g, IF_hidden_in_whole_panels, first->attrs.cols % PANEL == 0))
    return false;
  OpId next = next_op(m, false);
  while (next && grouping_joins_epilogue(m->p, next, m->value) &&
         grouping_operands_exist(m->p, op_at(g, next), m->value, m->at)) {
    take(m, next);
    next = next_op(m, false);
  }
  const int64_t strassen = op_at(g, m->ops[0])->attrs.strassen;
  if (next && grn_fits(g, op_at(g, next))) take(m, next);
  return take_gemm(m, false, strassen);
}

static Dim last_dim(const Type *t) { return t->dim[t->rank - 1]; }

static bool match_head(Pattern *m) {
  const Graph *g = m->p->g;
  const Op *mean = op_at(g, m->ops[0]);
  const Type *x = type_of(g, mean->operands[0]);
  if (!holds(g, IF_head_of_images, x->rank == 4)) return false;
  if (!holds(g, IF_head_pools_positions, ints_are(mean->attrs.axes, 2, (Dim[]){1, 2}))) return false;
  OpId next = next_op(m, true);
  if (next && norms_last_axis(g, op_at(g, next))) {
    if (!holds(g, IF_head_norm_of_channels, last_dim(type_of(g, op_at(g, next)->first_result)) == x->dim[3]))
      return false;
    take(m, next);
  }
  if (!take_gemm(m, true, 0)) return false;
  const Op *gemm = op_at(g, m->ops[m->count - 1]);
  return holds(g, IF_head_gemm_of_channels, last_dim(type_of(g, gemm->operands[0])) == x->dim[3]);
}

static const struct {
  OpKind first;
  const char *family;
  bool (*match)(Pattern *);
} patterns[] = {
    {OP_patches, "stem", match_stem},
    {OP_layernorm, "downsample", match_downsample},
    {OP_gemm, "mlp", match_mlp},
    {OP_reduce_mean, "head", match_head},
};

/* Views between the ops of a head stay where they are if their operand is there in time: they move with the ops. */
static void pull_views(Grouping *p, const Op *op, OpId *tail, int at) {
  const Op *view = def_of(p->g, op->operands[0]);
  if (view->kind != OP_reshape || value_at(p->g, view->first_result)->constant) return;
  pull_views(p, view, tail, at);
  grouping_pull(p, op_id(p->g, view), tail, at);
}

OpId group_pattern(Grouping *p, OpId id, int at) {
  for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
    if (patterns[i].first != op_at(p->g, id)->kind) continue;
    Pattern m = {.p = p, .at = at, .family = patterns[i].family};
    take(&m, id);
    if (!patterns[i].match(&m)) continue;
    int32_t kernel = p->next_kernel++;
    OpId tail = id;
    for (int o = 0; o < m.count; o++) {
      grouping_assign(p, m.ops[o], kernel, m.family);
      if (!o) continue;
      if (patterns[i].first == OP_reduce_mean) pull_views(p, op_at(p->g, m.ops[o]), &tail, at);
      grouping_pull(p, m.ops[o], &tail, at);
    }
    return tail;
  }
  return 0;
}
