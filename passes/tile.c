/* tile: the register tile of each kernel that has one, on every target, and the pitch of a dwconv that wants another
 * than its channels, where the text can be read and edited.
 *
 *   gemm ... @{kernel=3:gemm}      =>   gemm ... @{kernel=3:gemm v3.tile=6x16 v4.tile=7x48 ...}
 *
 * The numbers come from the target row (backend/target.c says why they are what they are). They stand on a kernel's
 * first op; a choice that is there already stays. Rows of a product and columns of a dwconv are cut evenly into tiles
 * of at most this size, so a small result simply has smaller ones. */
#include "backend/pitch.h"
#include "backend/storage.h"
#include "backend/tiles.h"
#include "passes/passes.h"
#include "passes/rewrite_log.h"
#include <string.h>

static bool has_choice(const Op *op, const char *target) {
  for (int32_t i = 0; i < op->sched.tile.count; i++)
    if (!strcmp(op->sched.tile.at[i].target, target)) return true;
  return false;
}

static int choose_pitch(Graph *g, OpId first) {
  Op *op = op_at(g, first);
  if (op->kind != OP_dwconv || strcmp(op->sched.family, "dwconv_layernorm") || op->sched.pitch >= 0) return 0;
  const int64_t pitch = pitch_of_shape(g, op);
  if (pitch == type_of(g, op->operands[0])->dim[3]) return 0;
  op->sched.pitch = pitch;
  return 1;
}

static int choose(Graph *g, OpId first) {
  int made = choose_pitch(g, first);
  TileChoice choice;
  for (int t = 0; t < target_count; t++) {
    bool tiled = tile_of_target(&targets[t], op_at(g, first)->sched.family, &choice);
    if (!holds(g, IF_tile_of_tiled_family, tiled)) break;
    if (!holds(g, IF_tile_not_chosen, !has_choice(op_at(g, first), targets[t].name))) continue;
    tile_set(g, first, &choice);
    made++;
  }
  return made;
}

int tile_kernels(Graph *g, const PassOptions *options) {
  (void)options;
  int made = 0;
  int32_t kernel = -1;
  FOR_EACH_OP(g, id) {
    const Op *op = op_at(g, id);
    if (!op_is_runtime(g, id)) continue;
    if (op->sched.kernel != kernel) made += choose(g, id);
    kernel = op->sched.kernel;
  }
  return made;
}

/* What is wrong with a choice that stands with op `first`, or with another of a kernel; NULL: nothing. */
typedef const char *Fault(const Graph *, const Op *, bool first);

static const char not_first[] = "stands not with the first op of a kernel";

static const char *tile_wrong(const Graph *g, const Op *op, bool first) {
  for (int32_t i = 0; i < op->sched.tile.count; i++) {
    const TileChoice *t = &op->sched.tile.at[i];
    const char *fault = first ? tile_fault(op, t) : not_first;
    if (fault) return arena_printf(g->context->arena, "%s.tile=%dx%d %s", t->target, t->rows, t->columns, fault);
  }
  return NULL;
}

static const char *pitch_wrong(const Graph *g, const Op *op, bool first) {
  if (op->sched.pitch < 0) return NULL;
  const char *fault = first ? pitch_fault(g, op) : not_first;
  return fault ? arena_printf(g->context->arena, "pitch=%lld %s", (long long)op->sched.pitch, fault) : NULL;
}

static OpId faulty_op(const Graph *g, Fault *fault, const char **what) {
  int32_t kernel = -1;
  FOR_EACH_OP(g, id) {
    const Op *op = op_at(g, id);
    const bool run = op_is_runtime(g, id);
    if ((*what = fault(g, op, run && op->sched.kernel != kernel))) return id;
    if (run) kernel = op->sched.kernel;
  }
  return 0;
}

OpId mistiled_op(const Graph *g, const char **what) { return faulty_op(g, tile_wrong, what); }
OpId mispitched_op(const Graph *g, const char **what) { return faulty_op(g, pitch_wrong, what); }

void keep_choices(Graph *g, const Sched *old, size_t count) {
  int32_t kernel = -1;
  FOR_EACH_OP(g, id) {
    Op *op = op_at(g, id);
    if (!op_is_runtime(g, id)) continue;
    if (id < count && op->sched.kernel != kernel) {
      op->sched.tile = old[id].tile;
      op->sched.pitch = old[id].pitch;
    }
    kernel = op->sched.kernel;
  }
}
