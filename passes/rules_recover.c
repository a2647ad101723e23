/* Rules of recover-ops: what exporters scatter becomes the operator that it means. eps comes from the graph; ranks,
 * axes and broadcasts are checked before a rule applies. */
#include "ir/text.h"
#include "passes/rules.h"
#include <math.h>

static bool is_scalar_literal(const Match *m, const char *name, double *out) {
  return value_is_splat(m->graph, match_value(m, name), out);
}

/* eps, a literal that is not negative. Exporters write it as f32; the attribute is the decimal that was meant. */
static bool is_eps(const Match *m, const char *name, double *out) {
  if (!holds(m->graph, IF_eps_literal, is_scalar_literal(m, name, out))) return false;
  if (!holds(m->graph, IF_eps_not_negative, *out >= 0)) return false;
  if (match_type(m, name)->dtype == DT_f32) *out = float_as_written((float)*out);
  return true;
}

static bool result_has_type_of(const Match *m, const char *name) {
  return holds(m->graph, IF_type_stays,
               type_equal(match_type(m, name), type_of(m->graph, op_at(m->graph, m->root)->first_result)));
}

/* x - mean, mean of squares of it, over one set of axes; eps a literal. */
static bool layernorm_ok(Match *m) {
  const Op *mean = match_op(m, "m"), *variance = match_op(m, "v");
  double eps;
  Ints axes = mean->attrs.axes;
  if (!holds(m->graph, IF_mean_keeps_axes, mean->attrs.keepdims)) return false;
  if (!holds(m->graph, IF_variance_keeps_axes, variance->attrs.keepdims)) return false;
  if (!holds(m->graph, IF_mean_over_some_axes, axes.count > 0)) return false;
  if (!holds(m->graph, IF_variance_over_same_axes, ints_are(variance->attrs.axes, axes.count, axes.at))) return false;
  if (!is_eps(m, "e", &eps) || !result_has_type_of(m, "x")) return false;
  m->attrs[0].axes = mean->attrs.axes;
  m->attrs[0].eps = eps;
  return true;
}

/* Is the constant `name` of the normalised axes' shape as a broadcast operand of x? Then attrs[0].shape is that shape.
 */
static bool is_affine_of(Match *m, const char *name) {
  const Type *x = match_type(m, "x"), *w = match_type(m, name);
  Ints axes = match_op(m, "n")->attrs.axes;
  if (!holds(m->graph, IF_affine_constant, match_is_constant(m, name))) return false;
  if (!holds(m->graph, IF_affine_of_small_rank, w->rank <= x->rank)) return false;
  Dim shape[MAX_RANK];
  for (int a = 0; a < axes.count; a++) {
    int own = (int)axes.at[a] - (x->rank - w->rank);
    shape[a] = x->dim[axes.at[a]];
    if (!holds(m->graph, IF_affine_spans_axes, own >= 0 && w->dim[own] == shape[a])) return false;
  }
  Type normalised = type_make(w->dtype, axes.count, shape);
  bool only_axes = type_elements(&normalised) == type_elements(w); /* all other dims are 1 */
  if (!holds(m->graph, IF_affine_of_axes_only, only_axes)) return false;
  set_shape(m, &m->attrs[0], axes.count, shape);
  return true;
}

static bool layernorm_scale_ok(Match *m) { return is_affine_of(m, "w"); }
static bool layernorm_bias_ok(Match *m) { return is_affine_of(m, "b"); }

/* b is one value for each column; attrs[0].shape = [N]. */
static bool gemm_bias_ok(Match *m) {
  const Type *y = match_type(m, "g");
  if (!is_per_channel(m, "b", y->rank, y->rank - 1, y->dim[y->rank - 1])) return false;
  set_shape(m, &m->attrs[0], 1, &y->dim[y->rank - 1]);
  return true;
}

static bool conv_bias_ok(Match *m) {
  const Op *conv = match_op(m, "c");
  const Type *y = match_type(m, "c");
  int axis = conv->attrs.layout ? y->rank - 1 : 1;
  if (!is_per_channel(m, "b", y->rank, axis, y->dim[axis])) return false;
  set_shape(m, &m->attrs[0], 1, &y->dim[axis]);
  return true;
}

/* reshape [..., K] to rows, gemm, reshape back: the reshapes touch leading axes only, so the last one is the gemm's. */
static bool gemm_reshapes_ok(Match *m) {
  const Type *x = match_type(m, "x"), *rows = match_type(m, "r");
  const Type *y = type_of(m->graph, op_at(m->graph, m->root)->first_result);
  if (!holds(m->graph, IF_rows_of_same_rank, x->rank >= 1 && y->rank == x->rank)) return false;
  if (!holds(m->graph, IF_rows_not_cut, x->dim[x->rank - 1] == rows->dim[rows->rank - 1])) return false;
  for (int i = 0; i + 1 < x->rank; i++)
    if (!holds(m->graph, IF_rows_return_to_their_place, x->dim[i] == y->dim[i])) return false;
  return true;
}

/* Zeros around the positions of an image: the conv pads them itself. attrs[0]: the conv with the pads of both. */
static bool pad_ok(Match *m) {
  const Op *pad = match_op(m, "p"), *conv = match_op(m, "c");
  int rank = match_type(m, "x")->rank, spatial = rank - 2, first = conv->attrs.layout ? 1 : 2;
  Dim pads[2 * MAX_RANK] = {0};
  if (!holds(m->graph, IF_pad_of_zeros, !pad->attrs.mode && pad->attrs.value == 0)) return false;
  for (int i = 0; i < 2 * rank; i++) {
    Dim p = pad->attrs.pads.at[i];
    int axis = i % rank - first;
    if (!holds(m->graph, IF_pad_cuts_nothing, p >= 0)) return false;
    if (!holds(m->graph, IF_pad_of_positions, !p || (axis >= 0 && axis < spatial))) return false;
    if (p) pads[axis + i / rank * spatial] = p;
  }
  for (int i = 0; i < conv->attrs.pads.count; i++) pads[i] += conv->attrs.pads.at[i];
  m->attrs[0] = conv->attrs;
  m->attrs[0].pads = ints_copy(m->graph->arena, pads, 2 * spatial);
  return true;
}

/* A reshape that drops the axes that a reduction kept as 1s. attrs[0]: the reduction that drops them itself. */
static bool reshape_drops_axes(Match *m) {
  const Op *reduce = match_op(m, "r");
  const Type *x = match_type(m, "x"), *y = type_of(m->graph, op_at(m->graph, m->root)->first_result);
  Dim rest[MAX_RANK];
  int count = 0;
  for (int i = 0, a = 0; i < x->rank; i++) {
    bool reduced = a < reduce->attrs.axes.count && reduce->attrs.axes.at[a] == i;
    if (reduced)
      a++;
    else
      rest[count++] = x->dim[i];
  }
  if (!holds(m->graph, IF_reshape_drops_axes, ints_are((Ints){y->rank, y->dim}, count, rest))) return false;
  m->attrs[0] = reduce->attrs;
  m->attrs[0].keepdims = 0;
  return true;
}

/* How many elements a reduction makes one of; 0: a dim is a symbol. */
static int64_t reduced_elements(const Match *m, const Op *reduce) {
  const Type *x = match_type(m, "x");
  int64_t count = 1;
  for (int i = 0; i < reduce->attrs.axes.count; i++) {
    Dim d = x->dim[reduce->attrs.axes.at[i]];
    count = dim_is_number(d) ? count * d : 0;
  }
  return count;
}

/* A sum of floats that is divided by c, or multiplied by it: is it their mean? */
static bool is_mean(const Match *m, bool divided) {
  double count = (double)reduced_elements(m, match_op(m, "r")), c = divided ? count : 1 / count;
  if (!holds(m->graph, IF_sum_of_floats, dtype_is_float(match_type(m, "x")->dtype))) return false;
  if (!holds(m->graph, IF_sum_by_literal, is_scalar_literal(m, "c", &c))) return false;
  bool same = divided ? fabs(c - count) <= 1e-6 * count : fabs(c * count - 1) <= 1e-6;
  return holds(m->graph, IF_sum_by_its_count, count > 0 && same) && result_has_type_of(m, "r");
}
static bool sum_over_count(Match *m) { return is_mean(m, true); }
static bool sum_times_share(Match *m) { return is_mean(m, false); }

/* The mean of an axis that a reshape made of several: attrs[0]: the mean of these; attrs[1].shape: of the result. */
static bool mean_of_joined(Match *m) {
  const Op *mean = match_op(m, "r");
  const Type *x = match_type(m, "x"), *flat = match_type(m, "f");
  const Type *y = type_of(m->graph, op_at(m->graph, m->root)->first_result);
  int joined = x->rank - flat->rank + 1;
  if (!holds(m->graph, IF_joined_mean_over_one_axis, mean->attrs.axes.count == 1)) return false;
  if (!holds(m->graph, IF_joined_several, joined > 1)) return false;
  int axis = (int)mean->attrs.axes.at[0];
  for (int i = 0; i < flat->rank; i++)
    if (!holds(m->graph, IF_joined_beside_kept, i == axis || flat->dim[i] == x->dim[i < axis ? i : i + joined - 1]))
      return false;
  Dim axes[MAX_RANK];
  for (int i = 0; i < joined; i++) axes[i] = axis + i;
  m->attrs[0] = mean->attrs;
  m->attrs[0].axes = ints_copy(m->graph->arena, axes, joined);
  set_shape(m, &m->attrs[1], y->rank, y->dim);
  return true;
}

static bool tanh_gelu(Match *m) {
  m->attrs[0].mode = "tanh";
  return true;
}

/* n = l / (mean of l over one axis + eps), l the norm over the others; gamma and beta along that axis. */
static bool grn_ok(Match *m) {
  const Op *norm = match_op(m, "l"), *mean = match_op(m, "m");
  const Type *x = match_type(m, "x");
  double eps;
  if (!holds(m->graph, IF_grn_norm_keeps_axes, norm->attrs.keepdims)) return false;
  if (!holds(m->graph, IF_grn_mean_keeps_axes, mean->attrs.keepdims)) return false;
  if (!holds(m->graph, IF_grn_mean_over_one_axis, mean->attrs.axes.count == 1)) return false;
  if (!holds(m->graph, IF_grn_norm_over_some_axes, norm->attrs.axes.count > 0)) return false;
  int axis = (int)mean->attrs.axes.at[0];
  for (int i = 0; i < norm->attrs.axes.count; i++)
    if (!holds(m->graph, IF_grn_norm_over_positions, norm->attrs.axes.at[i] != axis)) return false;
  if (!is_eps(m, "e", &eps) || !result_has_type_of(m, "x")) return false;
  if (!holds(m->graph, IF_grn_scale_per_channel, is_per_channel(m, "g", x->rank, axis, x->dim[axis]))) return false;
  if (!holds(m->graph, IF_grn_shift_per_channel, is_per_channel(m, "b", x->rank, axis, x->dim[axis]))) return false;
  m->attrs[0].axes = norm->attrs.axes;
  m->attrs[0].axis = axis;
  m->attrs[0].eps = eps;
  set_shape(m, &m->attrs[1], 1, &x->dim[axis]);
  return true;
}

static bool same_as_x(Match *m) { return result_has_type_of(m, "x"); }

static const Rule table[] = {
    /* spellings of one thing */
    RULE(square_of_pow, EXACT, "(pow ?x 2)", same_as_x, "(mul ?x ?x)"),
    RULE(cube_of_pow, REASSOC, "(pow ?x 3)", same_as_x, "(mul (mul ?x ?x) ?x)"),
    RULE(root_of_pow, EXACT, "(pow ?x 0.5)", same_as_x, "(sqrt ?x)"),
    RULE(reciprocal_of_div, EXACT, "(div 1 ?x)", same_as_x, "(reciprocal ?x)"),
    RULE(div_of_reciprocal, REASSOC, "(mul ?x (reciprocal ?y))", NULL, "(div ?x ?y)"),
    RULE(mean_of_product, EXACT, "(reduce_sumsq:r ?x)", NULL, "(reduce_sum:r (mul ?x ?x))"),
    RULE(l2_of_root, EXACT, "(sqrt (reduce_sum:r (mul ?x ?x)))", NULL, "(reduce_l2:r ?x)"),
    RULE(relu_of_max, EXACT, "(max ?x 0)", same_as_x, "(relu ?x)"),
    RULE(silu_of_sigmoid, REASSOC, "(mul ?x (sigmoid ?x))", NULL, "(silu ?x)"),

    RULE(mean_of_sum, REASSOC, "(div (reduce_sum:r ?x) ?c)", sum_over_count, "(reduce_mean:r ?x)"),
    RULE(mean_of_scaled_sum, REASSOC, "(mul (reduce_sum:r ?x) ?c)", sum_times_share, "(reduce_mean:r ?x)"),

    /* (x - E x) / sqrt(E (x - E x)^2 + eps); E (x - E x)^2 = E x^2 - (E x)^2 */
    RULE(layernorm_of_chain, REASSOC, "(div (sub:d ?x (reduce_mean:m ?x)) (sqrt (add (reduce_mean:v (mul ?d ?d)) ?e)))",
         layernorm_ok, "(layernorm!0 ?x)"),
    RULE(layernorm_of_moments, REASSOC,
         "(div (sub ?x (reduce_mean:m ?x)) (sqrt (add (sub (reduce_mean:v (mul ?x ?x)) (mul ?m ?m)) ?e)))",
         layernorm_ok, "(layernorm!0 ?x)"),
    RULE(layernorm_scale, EXACT, "(mul (layernorm:n ?x) ?w)", layernorm_scale_ok, "(layernorm:n ?x (reshape!0 ?w))"),
    RULE(layernorm_bias, EXACT, "(add (layernorm:n ?x ?w) ?b)", layernorm_bias_ok,
         "(layernorm:n ?x ?w (reshape!0 ?b))"),

    /* x (1 + erf(x / sqrt 2)) / 2, however it is grouped */
    RULE(gelu_half_last, REASSOC, "(mul (mul ?x (add (erf (div ?x 1.4142135624)) 1)) 0.5)", NULL, "(gelu ?x)"),
    RULE(gelu_half_first, REASSOC, "(mul (mul ?x 0.5) (add (erf (div ?x 1.4142135624)) 1))", NULL, "(gelu ?x)"),
    RULE(gelu_half_inside, REASSOC, "(mul ?x (mul (add (erf (div ?x 1.4142135624)) 1) 0.5))", NULL, "(gelu ?x)"),
    RULE(gelu_half_last_mul, REASSOC, "(mul (mul ?x (add (erf (mul ?x 0.7071067812)) 1)) 0.5)", NULL, "(gelu ?x)"),
    RULE(gelu_half_first_mul, REASSOC, "(mul (mul ?x 0.5) (add (erf (mul ?x 0.7071067812)) 1))", NULL, "(gelu ?x)"),
    RULE(gelu_half_inside_mul, REASSOC, "(mul ?x (mul (add (erf (mul ?x 0.7071067812)) 1) 0.5))", NULL, "(gelu ?x)"),

    /* x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2 */
    RULE(tanh_gelu_half_last, REASSOC,
         "(mul (mul ?x (add (tanh (mul (add ?x (mul (mul (mul ?x ?x) ?x) 0.044715)) 0.7978845608)) 1)) 0.5)", tanh_gelu,
         "(gelu!0 ?x)"),
    RULE(tanh_gelu_half_first, REASSOC,
         "(mul (mul ?x 0.5) (add (tanh (mul (add ?x (mul (mul (mul ?x ?x) ?x) 0.044715)) 0.7978845608)) 1))", tanh_gelu,
         "(gelu!0 ?x)"),
    RULE(tanh_gelu_half_inside, REASSOC,
         "(mul ?x (mul (add (tanh (mul (add ?x (mul (mul (mul ?x ?x) ?x) 0.044715)) 0.7978845608)) 1) 0.5))", tanh_gelu,
         "(gelu!0 ?x)"),

    /* x + (beta + gamma (x n)) */
    RULE(grn_beta_inside, REASSOC,
         "(add ?x (add ?b (mul ?g (mul ?x (div (reduce_l2:l ?x) (add (reduce_mean:m ?l) ?e))))))", grn_ok,
         "(grn!0 ?x (reshape!1 ?g) (reshape!1 ?b))"),
    RULE(grn_beta_outside, REASSOC,
         "(add ?b (add ?x (mul ?g (mul ?x (div (reduce_l2:l ?x) (add (reduce_mean:m ?l) ?e))))))", grn_ok,
         "(grn!0 ?x (reshape!1 ?g) (reshape!1 ?b))"),

    /* bias, pads and reshapes around products and means */
    RULE(gemm_bias, EXACT, "(add (gemm:g ?x ?w) ?b)", gemm_bias_ok, "(gemm:g ?x ?w (reshape!0 ?b))"),
    RULE(conv_bias, EXACT, "(add (conv:c ?x ?w) ?b)", conv_bias_ok, "(conv:c ?x ?w (reshape!0 ?b))"),
    RULE(pad_into_conv, EXACT, "(conv:c (pad:p ?x) ?w ?b)", pad_ok, "(conv!0 ?x ?w ?b)"),
    RULE(pad_into_conv_without_bias, EXACT, "(conv:c (pad:p ?x) ?w)", pad_ok, "(conv!0 ?x ?w)"),
    RULE(mean_drops_axes, EXACT, "(reshape (reduce_mean:r ?x))", reshape_drops_axes, "(reduce_mean!0 ?x)"),
    RULE(mean_of_joined_axes, EXACT, "(reduce_mean:r (reshape:f ?x))", mean_of_joined,
         "(reshape!1 (reduce_mean!0 ?x))"),
    RULE(gemm_between_reshapes, EXACT, "(reshape (gemm:g (reshape:r ?x) ?w))", gemm_reshapes_ok, "(gemm:g ?x ?w)"),
    RULE(gemm_bias_between_reshapes, EXACT, "(reshape (gemm:g (reshape:r ?x) ?w ?b))", gemm_reshapes_ok,
         "(gemm:g ?x ?w ?b)"),
};
RULE_SET(recover_rules, table, false);
