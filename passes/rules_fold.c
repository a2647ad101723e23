/* Rules of fold-weights: arithmetic per channel moves from activations into weights, as constant expressions. They run
 * channels last: the channels of a result are its last axis. */
#include "passes/rules.h"

static bool not_packed(const Match *m, const char *op) {
  return holds(m->graph, IF_weight_not_packed, !match_op(m, op)->attrs.cols);
}

/* `name` scales or shifts the last axis of the result of `op`; attrs[0].shape = [N]. */
static bool channel_ok(Match *m, const char *name, const char *op) {
  const Type *y = match_type(m, op);
  if (!is_per_channel(m, name, y->rank, y->rank - 1, y->dim[y->rank - 1]) || !not_packed(m, op)) return false;
  set_shape(m, &m->attrs[0], 1, &y->dim[y->rank - 1]);
  return true;
}

static bool gemm_channel_ok(Match *m) { return channel_ok(m, "s", "g"); }

static bool conv_channel_ok(Match *m) {
  return holds(m->graph, IF_conv_channels_last, match_op(m, "c")->attrs.layout != NULL) && channel_ok(m, "s", "c");
}

static bool dwconv_channel_ok(Match *m) { return channel_ok(m, "s", "c"); }

static bool is_constant(const Match *m, Clause clause, const char *name) {
  return holds(m->graph, clause, match_is_constant(m, name));
}

/* The layernorm is over the last axis only; it and the weight behind it are constant. */
static bool norm_affine_ok(const Match *m) {
  Ints axes = match_op(m, "n")->attrs.axes;
  return holds(m->graph, IF_norm_over_last_axis, axes.count == 1 && axes.at[0] == match_type(m, "x")->rank - 1) &&
         is_constant(m, IF_norm_scale_constant, "s") && is_constant(m, IF_norm_shift_constant, "t") &&
         is_constant(m, IF_weight_constant, "w");
}

/* layernorm over the last axis only, feeding a gemm over that axis: s scales the rows of w. attrs[0]: [K, 1];
 * attrs[1]: [1, K]; attrs[2]: [N]. */
static bool norm_into_gemm_ok(Match *m) {
  const Type *w = match_type(m, "w"), *y = match_type(m, "g");
  if (!norm_affine_ok(m) || !not_packed(m, "g")) return false;
  set_shape(m, &m->attrs[0], 2, (Dim[]){w->dim[0], 1});
  set_shape(m, &m->attrs[1], 2, (Dim[]){1, w->dim[0]});
  set_shape(m, &m->attrs[2], 1, &y->dim[y->rank - 1]);
  return true;
}

/* The same into a conv without padding (a padded border would miss the shift). attrs[0]: [I, 1]; attrs[1]: axes of w
 * but the last. */
static bool norm_into_conv_ok(Match *m) {
  const Op *conv = match_op(m, "c");
  const Type *x = match_type(m, "x"), *w = match_type(m, "w");
  if (!holds(m->graph, IF_conv_channels_last, conv->attrs.layout != NULL)) return false;
  if (!holds(m->graph, IF_conv_of_one_group, conv->attrs.group == 1)) return false;
  if (!norm_affine_ok(m) || !not_packed(m, "c")) return false;
  for (int i = 0; i < conv->attrs.pads.count; i++)
    if (!holds(m->graph, IF_conv_not_padded, !conv->attrs.pads.at[i])) return false;
  set_shape(m, &m->attrs[0], 2, (Dim[]){x->dim[x->rank - 1], 1});
  m->attrs[1].axes = ints_copy(m->graph->arena, (Dim[]){0, 1, 2, 3, 4}, w->rank - 1);
  return true;
}

/* The same into a gemm of nhwc patches: each tap has the channels' scale and shift. attrs[0]: [taps, C, N] of w;
 * attrs[1]: [C, 1]; attrs[2]: [taps C, N] again. */
static bool norm_into_patches_ok(Match *m) {
  const Type *x = match_type(m, "x"), *w = match_type(m, "w");
  if (!holds(m->graph, IF_patches_channels_last, match_op(m, "p")->attrs.layout != NULL)) return false;
  if (!norm_affine_ok(m) || !not_packed(m, "g")) return false;
  Dim channels = x->dim[x->rank - 1];
  set_shape(m, &m->attrs[0], 3, (Dim[]){w->dim[0] / channels, channels, w->dim[1]});
  set_shape(m, &m->attrs[1], 2, (Dim[]){channels, 1});
  set_shape(m, &m->attrs[2], 2, w->dim);
  m->attrs[3].axes = ints_copy(m->graph->arena, (Dim[]){0, 1}, 2);
  return true;
}

/* x + gamma (x n) + beta into the gemm over its channels: beta W is a bias. attrs[0]: [1, K]; attrs[1]: [N]. */
static bool grn_shift_ok(Match *m) {
  const Type *w = match_type(m, "w");
  if (!holds(m->graph, IF_grn_of_last_axis, match_op(m, "r")->attrs.axis == match_type(m, "x")->rank - 1)) return false;
  if (!is_constant(m, IF_weight_constant, "w") || !is_constant(m, IF_grn_shift_constant, "t") || !not_packed(m, "g"))
    return false;
  set_shape(m, &m->attrs[0], 2, (Dim[]){1, w->dim[0]});
  set_shape(m, &m->attrs[1], 1, &w->dim[1]);
  return true;
}

static const Rule table[] = {
    /* (x W + b) s = x (W s) + b s: LayerScale, BatchNorm's scale */
    RULE(scale_into_gemm, REASSOC, "(mul (gemm:g ?x ?w ?b) ?s)", gemm_channel_ok,
         "(gemm:g ?x (mul ?w (reshape!0 ?s)) (mul ?b (reshape!0 ?s)))"),
    RULE(scale_into_gemm_without_bias, REASSOC, "(mul (gemm:g ?x ?w) ?s)", gemm_channel_ok,
         "(gemm:g ?x (mul ?w (reshape!0 ?s)))"),
    RULE(shift_into_gemm, REASSOC, "(add (gemm:g ?x ?w ?b) ?s)", gemm_channel_ok,
         "(gemm:g ?x ?w (add ?b (reshape!0 ?s)))"),
    RULE(bias_of_gemm, EXACT, "(add (gemm:g ?x ?w) ?s)", gemm_channel_ok, "(gemm:g ?x ?w (reshape!0 ?s))"),
    RULE(scale_into_conv, REASSOC, "(mul (conv:c ?x ?w ?b) ?s)", conv_channel_ok,
         "(conv:c ?x (mul ?w (reshape!0 ?s)) (mul ?b (reshape!0 ?s)))"),
    RULE(scale_into_conv_without_bias, REASSOC, "(mul (conv:c ?x ?w) ?s)", conv_channel_ok,
         "(conv:c ?x (mul ?w (reshape!0 ?s)))"),
    RULE(shift_into_conv, REASSOC, "(add (conv:c ?x ?w ?b) ?s)", conv_channel_ok,
         "(conv:c ?x ?w (add ?b (reshape!0 ?s)))"),
    RULE(bias_of_conv, EXACT, "(add (conv:c ?x ?w) ?s)", conv_channel_ok, "(conv:c ?x ?w (reshape!0 ?s))"),
    RULE(scale_into_dwconv, REASSOC, "(mul (dwconv:c ?x ?w ?b) ?s)", dwconv_channel_ok,
         "(dwconv:c ?x (mul ?w (reshape!0 ?s)) (mul ?b (reshape!0 ?s)))"),
    RULE(scale_into_dwconv_without_bias, REASSOC, "(mul (dwconv:c ?x ?w) ?s)", dwconv_channel_ok,
         "(dwconv:c ?x (mul ?w (reshape!0 ?s)))"),
    RULE(shift_into_dwconv, REASSOC, "(add (dwconv:c ?x ?w ?b) ?s)", dwconv_channel_ok,
         "(dwconv:c ?x ?w (add ?b (reshape!0 ?s)))"),
    RULE(bias_of_dwconv, EXACT, "(add (dwconv:c ?x ?w) ?s)", dwconv_channel_ok, "(dwconv:c ?x ?w (reshape!0 ?s))"),

    /* (n s + t) W + b = n (s W) + (t W + b): LayerNorm's affine */
    RULE(norm_affine_into_gemm, REASSOC, "(gemm:g (layernorm:n ?x ?s ?t) ?w ?b)", norm_into_gemm_ok,
         "(gemm:g (layernorm:n ?x) (mul ?w (reshape!0 ?s)) (add ?b (reshape!2 (gemm (reshape!1 ?t) ?w))))"),
    RULE(norm_affine_into_gemm_without_bias, REASSOC, "(gemm:g (layernorm:n ?x ?s ?t) ?w)", norm_into_gemm_ok,
         "(gemm:g (layernorm:n ?x) (mul ?w (reshape!0 ?s)) (reshape!2 (gemm (reshape!1 ?t) ?w)))"),
    RULE(norm_affine_into_patches, REASSOC, "(gemm:g (patches:p (layernorm:n ?x ?s ?t)) ?w ?b)", norm_into_patches_ok,
         "(gemm:g (patches:p (layernorm:n ?x)) (reshape!2 (mul (reshape!0 ?w) (reshape!1 ?s)))"
         " (add ?b (reduce_sum!3 (mul (reshape!0 ?w) (reshape!1 ?t)))))"),
    RULE(norm_affine_into_patches_without_bias, REASSOC, "(gemm:g (patches:p (layernorm:n ?x ?s ?t)) ?w)",
         norm_into_patches_ok,
         "(gemm:g (patches:p (layernorm:n ?x)) (reshape!2 (mul (reshape!0 ?w) (reshape!1 ?s)))"
         " (reduce_sum!3 (mul (reshape!0 ?w) (reshape!1 ?t))))"),
    RULE(grn_shift_into_gemm, REASSOC, "(gemm:g (grn:r ?x ?s ?t) ?w ?b)", grn_shift_ok,
         "(gemm:g (grn:r ?x ?s) ?w (add ?b (reshape!1 (gemm (reshape!0 ?t) ?w))))"),
    RULE(grn_shift_into_gemm_without_bias, REASSOC, "(gemm:g (grn:r ?x ?s ?t) ?w)", grn_shift_ok,
         "(gemm:g (grn:r ?x ?s) ?w (reshape!1 (gemm (reshape!0 ?t) ?w)))"),
    RULE(norm_affine_into_conv, REASSOC, "(conv:c (layernorm:n ?x ?s ?t) ?w ?b)", norm_into_conv_ok,
         "(conv:c (layernorm:n ?x) (mul ?w (reshape!0 ?s)) (add ?b (reduce_sum!1 (mul ?w (reshape!0 ?t)))))"),
    RULE(norm_affine_into_conv_without_bias, REASSOC, "(conv:c (layernorm:n ?x ?s ?t) ?w)", norm_into_conv_ok,
         "(conv:c (layernorm:n ?x) (mul ?w (reshape!0 ?s)) (reduce_sum!1 (mul ?w (reshape!0 ?t))))"),
};
RULE_SET(fold_rules, table, false);
