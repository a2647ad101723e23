/* strassen: the gemms of a ConvNeXt block by seven products of halves instead of eight, one level deep.
 *
 *   gemm %x, (pack %w) {cols=N}   =>   gemm %x, (pack %w {strassen=1}) {cols=N strassen=1}
 *
 * Both gemms of a group of family mlp; without groups there are none. The sums of weights are part of the constant
 * expression; those of activations and results cost about a third of what is saved where there are rows and columns
 * enough, which is what is asked for here. Changes rounding (errors grow by half): not with --strict-fp. */
#include "backend/storage.h"
#include "passes/passes.h"
#include "passes/rewrite_log.h"
#include <string.h>

/* Both sizes of the matrix have halves in whole panels, not too small. */
static bool halves_pay(const Graph *g, const Op *gemm) {
  enum { LEAST_SIZE = 96, LEAST_ROWS = 96 };
  const Type *y = type_of(g, gemm->first_result), *x = type_of(g, gemm->operands[0]);
  const Dim depth = x->dim[x->rank - 1], cols = gemm->attrs.cols, panels = 2 * gemm->attrs.panel;
  return holds(g, IF_halves_of_what_is_packed, def_of(g, gemm->operands[1])->kind == OP_pack) &&
         holds(g, IF_halves_in_whole_panels, depth % panels == 0 && cols % panels == 0) &&
         holds(g, IF_halves_of_large_matrix, depth >= LEAST_SIZE && cols >= LEAST_SIZE) &&
         holds(g, IF_halves_of_many_rows, type_elements(y) / cols >= LEAST_ROWS);
}

static void split(Graph *g, OpId id) {
  const ValueId plain = op_at(g, id)->operands[1];
  const Op *pack = def_of(g, plain);
  Attrs a = pack->attrs;
  ValueId w = pack->operands[0];
  a.strassen = 1;
  ValueId packed = graph_new_op(g, OP_pack, &w, 1, &a, pack->loc, id);
  op_at(g, id)->attrs.strassen = 1;
  graph_set_operand(g, id, 1, packed);
  if (!value_at(g, plain)->use_count) graph_erase_op(g, value_at(g, plain)->def);
}

/* The second gemm of the mlp group that begins with `first`; 0: there is none. */
static OpId second_gemm(const Graph *g, OpId first) {
  const Op *op = op_at(g, first);
  const int32_t kernel = op->sched.kernel;
  if (op->kind != OP_gemm || op->attrs.strassen || !op->sched.family || strcmp(op->sched.family, "mlp")) return 0;
  for (OpId id = op->next; id; id = op_at(g, id)->next) {
    const Op *o = op_at(g, id);
    if (!op_is_runtime(g, id)) continue;
    if (o->sched.kernel != kernel) return 0;
    if (o->kind == OP_gemm) return id;
  }
  return 0;
}

int split_products(Graph *g, const PassOptions *options) {
  int made = 0;
  if (options->strict_fp) return 0;
  FOR_EACH_OP(g, id) {
    const OpId second = second_gemm(g, id);
    if (!second || !halves_pay(g, op_at(g, id)) || !halves_pay(g, op_at(g, second)) || !rewrite_allowed(g)) continue;
    rewrite_done(g, "strassen_of_mlp", where_op(g, id));
    split(g, id);
    split(g, second);
    made++;
  }
  return made;
}
