/* The rule sets of the pipeline; the rules themselves are the tables of rules_*.c. */
#ifndef NEXTC_RULES_H
#define NEXTC_RULES_H
#include "passes/match.h"

/* set, what it is for */
#define EACH_RULE_SET(ROW)                                                                                             \
  ROW(clean_rules, "No-ops and compositions of element moves; after most passes.")                                     \
  ROW(recover_rules, "Chains that exporters scatter, to the operators they mean.")                                     \
  ROW(layout_rules, "Transposes that the operator behind them can read through.")                                      \
  ROW(fold_rules, "Arithmetic on weights instead of on activations.")
#define ROW(set, doc) extern const RuleSet set;
EACH_RULE_SET(ROW)
#undef ROW

#define RULE(name, class, pattern, guard, replacement)                                                                 \
  { #name, class, pattern, guard, replacement }
#define RULE_SET(set, table, on_constants)                                                                             \
  const RuleSet set = {table, (int)(sizeof table / sizeof *table), on_constants}

/* ---- questions that guards of several sets ask ---- */
/* Is `name` constant, of a rank up to `rank`, and along `axis` of a result of that rank of size `size`, all its other
 * dims 1? Then it broadcasts to that result and does not widen it. */
bool is_per_channel(const Match *, const char *name, int rank, int axis, int64_t size);
bool ints_are(Ints, int count, const Dim *);
/* attrs.shape = dims, in the graph's arena. */
void set_shape(Match *, Attrs *, int rank, const Dim *dims);
bool match_is_constant(const Match *, const char *name);
#endif
