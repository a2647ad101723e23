/* recover-ops: chains of small ops that exporters write become the operator that they mean (rules_recover.c).
 *
 *   nine nodes of mean, sub, pow, sqrt, div, mul, add      =>   layernorm %x, %scale, %bias {axes=[3] eps=1e-06}
 *   mul (mul x (add (erf (div x 1.414)) 1)) 0.5            =>   gelu x
 *
 * What no rule knows stays as the plain ops that it is. Pools that span a whole axis are reductions already. */
#include "passes/common_ops.h"
#include "passes/rules.h"

int recover_ops(Graph *g, const PassOptions *options) {
  int total = merge_equal_ops(g); /* x - mean twice is one value, as the rules expect */
  for (int cleaned = 1; cleaned; total += cleaned) {
    total += apply_rules(g, &recover_rules, options);
    cleaned = apply_rules(g, &clean_rules, options);
  }
  return total + remove_dead_ops(g);
}
