/* Rules of clean-import: ops that do nothing, and element moves that compose. */
#include "passes/rules.h"

static bool same_type(Match *m) {
  return holds(m->graph, IF_type_stays,
               type_equal(match_type(m, "x"), type_of(m->graph, op_at(m->graph, m->root)->first_result)));
}

static bool identity_perm(Match *m) {
  Ints perm = match_op(m, "t")->attrs.perm;
  for (int i = 0; i < perm.count; i++)
    if (!holds(m->graph, IF_perm_moves_nothing, perm.at[i] == i)) return false;
  return true;
}

static bool compose_perms(Match *m) {
  Ints outer = op_at(m->graph, m->root)->attrs.perm, inner = match_op(m, "i")->attrs.perm;
  Dim perm[MAX_RANK];
  for (int i = 0; i < outer.count; i++) perm[i] = inner.at[outer.at[i]];
  m->attrs[0].perm = ints_copy(m->graph->arena, perm, outer.count);
  return true;
}

/* Element [i] is operand element [i] in each axis: as many as there are, one by one, so from the first. */
static bool slice_keeps_all(Match *m) {
  const Op *s = op_at(m->graph, m->root);
  for (int i = 0; i < s->attrs.steps.count; i++)
    if (!holds(m->graph, IF_slice_steps_by_1, s->attrs.steps.at[i] == 1)) return false;
  return same_type(m);
}

/* gather by 0, 1, 2, ... as often as the axis has elements: a reshape, which the indices' dims come into (what torch's
 * as_strided becomes; the only element of an axis). */
static bool gather_is_reshape(Match *m) {
  const Type *data = match_type(m, "x"), *index = match_type(m, "i");
  const Dim *known = value_at(m->graph, match_value(m, "i"))->known;
  const Op *gather = op_at(m->graph, m->root);
  const Type *y = type_of(m->graph, gather->first_result);
  if (!holds(m->graph, IF_gather_index_known, known && type_is_static(index))) return false;
  if (!holds(m->graph, IF_gather_of_all, type_elements(index) == data->dim[gather->attrs.axis])) return false;
  for (int64_t i = 0; i < type_elements(index); i++)
    if (!holds(m->graph, IF_gather_in_order, known[i] == i)) return false;
  set_shape(m, &m->attrs[0], y->rank, y->dim);
  return true;
}

static bool transpose_moves_ones(Match *m) { /* only axes of size 1 change their place: a reshape */
  const Type *x = match_type(m, "x");
  const Op *t = op_at(m->graph, m->root);
  Dim last = -1;
  for (int i = 0; i < x->rank; i++) {
    if (x->dim[t->attrs.perm.at[i]] == 1) continue;
    if (!holds(m->graph, IF_only_ones_move, t->attrs.perm.at[i] >= last)) return false;
    last = t->attrs.perm.at[i];
  }
  const Type *y = type_of(m->graph, t->first_result);
  set_shape(m, &m->attrs[0], y->rank, y->dim);
  return true;
}

static const Rule table[] = {
    RULE(reshape_to_itself, EXACT, "(reshape ?x)", same_type, "?x"),
    RULE(reshape_of_reshape, EXACT, "(reshape:o (reshape ?x))", NULL, "(reshape:o ?x)"),
    RULE(transpose_to_itself, EXACT, "(transpose:t ?x)", identity_perm, "?x"),
    RULE(transpose_of_transpose, EXACT, "(transpose (transpose:i ?x))", compose_perms, "(transpose!0 ?x)"),
    RULE(transpose_of_ones, EXACT, "(transpose ?x)", transpose_moves_ones, "(reshape!0 ?x)"),
    RULE(expand_to_itself, EXACT, "(expand ?x)", same_type, "?x"),
    RULE(cast_to_itself, EXACT, "(cast ?x)", same_type, "?x"),
    RULE(slice_of_everything, EXACT, "(slice ?x)", slice_keeps_all, "?x"),
    RULE(concat_of_one, EXACT, "(concat ?x)", NULL, "?x"),
    RULE(times_one, EXACT, "(mul ?x 1)", same_type, "?x"),
    RULE(divided_by_one, EXACT, "(div ?x 1)", same_type, "?x"),
    RULE(plus_zero, EXACT, "(add ?x 0)", same_type, "?x"),
    RULE(minus_zero, EXACT, "(sub ?x 0)", same_type, "?x"),
    RULE(gather_of_iota, EXACT, "(gather ?x ?i)", gather_is_reshape, "(reshape!0 ?x)"),
};
RULE_SET(clean_rules, table, true);
