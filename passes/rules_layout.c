/* Rules of channels-last: transposes that the op behind them reads through. */
#include "passes/rules.h"

static bool to_channels_last(Match *m) {
  const Op *p = match_op(m, "p");
  if (!holds(m->graph, IF_patches_channels_last, p->attrs.layout != NULL)) return false;
  if (!holds(m->graph, IF_perm_to_channels_last, ints_are(match_op(m, "t")->attrs.perm, 4, (Dim[]){0, 2, 3, 1})))
    return false;
  m->attrs[0] = p->attrs;
  m->attrs[0].layout = NULL;
  return true;
}

static const Rule table[] = {
    /* patches of [N, C, H, W] read in place */
    RULE(patches_of_transpose, EXACT, "(patches:p (transpose:t ?x))", to_channels_last, "(patches!0 ?x)"),
};
RULE_SET(layout_rules, table, false);
