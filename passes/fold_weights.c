/* fold-weights: scales and shifts per channel move into the weights of the op beside them (rules_fold.c).
 *
 *   mul (gemm %x, %w, %b), %gamma                =>   gemm %x, (mul %w, %gamma), (mul %b, %gamma)
 *   gemm (layernorm %x, %s, %t), %w, %b          =>   gemm (layernorm %x), (mul %w, %s), (add %b, (gemm %t, %w))
 *
 * Weights are expressions: nothing is computed here. Declines: a layernorm with other users, a padded conv after it
 * (the border would miss the shift), scales that are not constant. */
#include "passes/common_ops.h"
#include "passes/rules.h"

int fold_weights(Graph *g, const PassOptions *options) {
  int total = apply_rules(g, &fold_rules, options);
  total += apply_rules(g, &clean_rules, options);
  total += merge_equal_ops(g);
  return total + remove_dead_ops(g);
}
