/* tile: the register tile of each kernel that has one, on every target, where the text can be read and edited.
 *
 *   gemm ... @{kernel=3:gemm}      =>   gemm ... @{kernel=3:gemm v3.tile=6x16 v4.tile=7x48 ...}
 *
 * The numbers come from the target row (backend/target.c says why they are what they are). They stand on a kernel's
 * first op; a choice that is there already stays. Rows of a product and columns of a dwconv are cut evenly into tiles
 * of at most this size, so a small result simply has smaller ones. */
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

static int choose(Graph *g, OpId first) {
  int made = 0;
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

OpId mistiled_op(const Graph *g, const char **what) {
  FOR_EACH_OP(g, id) {
    const Op *op = op_at(g, id);
    for (int32_t i = 0; i < op->sched.tile.count; i++)
      if ((*what = tile_fault(op, &op->sched.tile.at[i]))) return id;
  }
  return 0;
}
