/* clean-import: what a file says in many words.
 *
 *   %3 = shape %1 : i64[4]; %4 = gather %3, 1 : i64[]      =>   const {ints=[96]}
 *   %5 = reshape (reshape %1)                              =>   reshape %1
 *   two equal ops                                          =>   one
 *
 * Folds integer contents that are known and float literals of up to 8 elements, drops ops that do nothing
 * (rules_clean.c), merges equal ops and removes dead ones. First, what is computed in halves becomes f32
 * (widen_halves.c). Weights are not touched: an op on a weight is a constant expression already. Declines: literals
 * that would grow beyond 8 floats, contents with symbolic dims. */
#include "ir/eval.h"
#include "ir/graph_edit.h"
#include "passes/common_ops.h"
#include "passes/rewrite_log.h"
#include "passes/rules.h"

enum { MAX_FLOATS = 8 };

static bool known_is_numeric(const Value *v) {
  if (!v->known || !type_is_static(&v->type)) return false;
  for (int64_t i = 0; i < type_elements(&v->type); i++)
    if (!dim_is_number(v->known[i])) return false;
  return true;
}

static bool has_literal_operands(const Graph *g, const Op *op) {
  for (uint32_t i = 0; i < op->operand_count; i++)
    if (op->operands[i] && def_of(g, op->operands[i])->kind != OP_const) return false;
  return op->operand_count > 0;
}

/* Element moves of a literal whose elements are all equal give such a literal again, of any size. */
static ValueId fold_splat(Graph *g, OpId id) {
  const Op *op = op_at(g, id);
  if (op->kind != OP_reshape && op->kind != OP_expand && op->kind != OP_transpose && op->kind != OP_slice &&
      op->kind != OP_tile)
    return 0;
  double number;
  const Type *t = type_of(g, op->first_result);
  if (!value_is_splat(g, op->operands[0], &number) || !dtype_is_float(t->dtype) || !type_is_static(t)) return 0;
  Attrs attrs = def_of(g, op->operands[0])->attrs;
  char error[256];
  Type type = *t;
  OpId made = graph_try_leaf(g, OP_const, &type, &attrs, op->loc, id, error);
  return made ? op_at(g, made)->first_result : 0;
}

static ValueId fold_floats(Graph *g, OpId id) {
  const Op *op = op_at(g, id);
  Type t = *type_of(g, op->first_result);
  if (!dtype_is_float(t.dtype) || !holds(g, IF_literal_operands, has_literal_operands(g, op))) return 0;
  if (!holds(g, IF_literal_of_few_floats,
             type_is_static(&t) && type_elements(&t) <= MAX_FLOATS && type_elements(&t) >= 1))
    return 0;
  Tensor value;
  if (!eval_const(g, op->first_result, &value)) return 0;
  ValueId made = graph_const_floats(g, t.dtype, t.rank, t.dim, value.f, op->loc, id);
  tensor_free(&value);
  return made;
}

static ValueId fold_op(Graph *g, OpId id) {
  const Op *op = op_at(g, id);
  if (op_info[op->kind].traits & T_LEAF || op->result_count != 1) return 0;
  const Value *v = value_at(g, op->first_result);
  if (v->known && holds(g, IF_contents_are_numbers, known_is_numeric(v))) {
    Type t = v->type;
    return graph_const_ints(g, t.dtype, t.rank, t.dim, v->known, op->loc, id);
  }
  ValueId made = fold_splat(g, id);
  return made ? made : fold_floats(g, id);
}

static int fold_literals(Graph *g) {
  int folded = 0;
  FOR_EACH_OP(g, id) {
    ValueId made = rewrite_allowed(g) ? fold_op(g, id) : 0;
    if (!made) continue;
    rewrite_done(g, "fold_literal", where_op(g, id));
    graph_replace_uses(g, op_at(g, id)->first_result, made);
    graph_erase_op(g, id);
    folded++;
  }
  return folded;
}

int clean_import(Graph *g, const PassOptions *options) {
  int total = widen_halves(g, options);
  for (int round = 1; round; total += round) {
    round = fold_literals(g);
    round += apply_rules(g, &clean_rules, options);
    round += merge_equal_ops(g);
    round += remove_dead_ops(g);
  }
  return total;
}
