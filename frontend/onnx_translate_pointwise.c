/* ONNX operators that work element by element. */
#include "frontend/onnx_translate.h"
#include <string.h>

/* Float attributes of the row become attributes of the same name. */
void onnx_direct(Import *im) {
  ValueId operands[3] = {0};
  uint32_t count = (uint32_t)im->node->in_count;
  Attrs a = attrs_default();
  for (uint32_t i = 0; i < count; i++) operands[i] = node_arg(im, i);
  if (strstr(im->row->attrs, "alpha:")) a.alpha = node_float(im, "alpha");
  if (strstr(im->row->attrs, "beta:")) a.beta = node_float(im, "beta");
  node_result(im, 0, build_op(im, im->row->kind, &a, count, operands));
}

void onnx_swapped(Import *im) { node_result(im, 0, build_op2(im, im->row->kind, node_arg(im, 1), node_arg(im, 0))); }

static ValueId chain(Import *im) {
  ValueId v = node_arg(im, 0);
  for (size_t i = 1; i < im->node->in_count; i++) v = build_op2(im, im->row->kind, v, node_arg(im, i));
  return v;
}

void onnx_chain(Import *im) { node_result(im, 0, chain(im)); }

void onnx_mean(Import *im) {
  ValueId sum = chain(im), n = build_scalar(im, node_arg_type(im, 0)->dtype, (double)im->node->in_count);
  node_result(im, 0, build_op2(im, OP_div, sum, n));
}

/* An operand of another type: integers to the power of floats are computed in floats and cut. */
void onnx_pow(Import *im) {
  ValueId x = node_arg(im, 0), y = node_arg(im, 1);
  DType tx = node_arg_type(im, 0)->dtype, ty = node_arg_type(im, 1)->dtype;
  if (!dtype_is_float(tx) && dtype_is_float(ty))
    x = build_cast(im, x, ty);
  else
    y = build_cast(im, y, tx);
  node_result(im, 0, build_cast(im, build_op2(im, OP_pow, x, y), tx));
}

void onnx_mod(Import *im) {
  Attrs a = attrs_default();
  if (node_int(im, "fmod"))
    a.mode = "fmod";
  else if (im->node->opset < 28 && dtype_is_float(node_arg_type(im, 0)->dtype))
    node_warning(im, "floats need fmod=1 before opset 28; taken with the sign of the divisor");
  node_result(im, 0, build_op(im, OP_mod, &a, 2, (const ValueId[]){node_arg(im, 0), node_arg(im, 1)}));
}

/* ---- activations ---- */

void onnx_gelu(Import *im) {
  Attrs a = attrs_default();
  const char *approximate = node_string(im, "approximate");
  ValueId x = node_arg(im, 0);
  if (!strcmp(approximate, "tanh"))
    a.mode = "tanh";
  else if (strcmp(approximate, "none"))
    node_error(im, "approximate '%s' is not supported", approximate);
  node_result(im, 0, build_op(im, OP_gelu, &a, 1, &x));
}

void onnx_gelu_early(Import *im) {
  node_warning(im, "Gelu is an operator since opset 20 only");
  onnx_gelu(im);
}

static ValueId scalar_like(Import *im, ValueId v, double value) {
  return im->failed ? 0 : build_scalar(im, build_type(im, v)->dtype, value);
}

static ValueId scaled(Import *im, ValueId v, double factor) {
  return factor == 1 ? v : build_op2(im, OP_mul, v, scalar_like(im, v, factor));
}

/* x sigmoid(alpha x) */
void onnx_swish(Import *im) {
  double alpha = node_float(im, "alpha");
  ValueId x = node_arg(im, 0);
  if (alpha == 1)
    node_result(im, 0, build_op1(im, OP_silu, x));
  else
    node_result(im, 0, build_op2(im, OP_mul, x, build_op1(im, OP_sigmoid, scaled(im, x, alpha))));
}

/* x tanh(softplus(x)) */
void onnx_mish(Import *im) {
  ValueId x = node_arg(im, 0);
  node_result(im, 0, build_op2(im, OP_mul, x, build_op1(im, OP_tanh, build_op1(im, OP_softplus, x))));
}

static ValueId elu(Import *im, ValueId x, double alpha) {
  Attrs a = attrs_default();
  a.alpha = alpha;
  return build_op(im, OP_elu, &a, 1, &x);
}

/* gamma (x < 0 ? alpha (e^x - 1) : x) */
void onnx_selu(Import *im) {
  node_result(im, 0, scaled(im, elu(im, node_arg(im, 0), node_float(im, "alpha")), node_float(im, "gamma")));
}

/* max(x, 0) + min(0, alpha (e^(x / alpha) - 1)) = alpha elu(x / alpha) for alpha > 0 */
void onnx_celu(Import *im) {
  double alpha = node_float(im, "alpha");
  ValueId x = node_arg(im, 0);
  if (!(alpha > 0)) node_error(im, "alpha must be positive");
  if (alpha != 1) x = build_op2(im, OP_div, x, scalar_like(im, x, alpha));
  node_result(im, 0, scaled(im, elu(im, x, 1), alpha));
}

static ValueId where(Import *im, ValueId condition, ValueId then, ValueId otherwise) {
  return build_op(im, OP_where, NULL, 3, (const ValueId[]){condition, then, otherwise});
}

/* x > alpha ? x : 0 */
void onnx_thresholded_relu(Import *im) {
  ValueId x = node_arg(im, 0);
  ValueId above = build_op2(im, OP_less, scalar_like(im, x, node_float(im, "alpha")), x);
  node_result(im, 0, where(im, above, x, scalar_like(im, x, 0)));
}

/* x / (1 + |x|) */
void onnx_softsign(Import *im) {
  ValueId x = node_arg(im, 0);
  node_result(im, 0, build_op2(im, OP_div, x, build_op2(im, OP_add, build_op1(im, OP_abs, x), scalar_like(im, x, 1))));
}

/* x < 0 ? slope x : x; the slope broadcasts to x and not the other way round */
void onnx_prelu(Import *im) {
  ValueId x = node_arg(im, 0), slope = node_arg(im, 1);
  Type both = *node_arg_type(im, 0);
  bool fits = type_broadcast(node_arg_type(im, 0), node_arg_type(im, 1), &both);
  both.dtype = node_arg_type(im, 0)->dtype;
  if (!fits || !type_equal(&both, node_arg_type(im, 0))) node_error(im, "the slope does not broadcast to the input");
  ValueId negative = build_op2(im, OP_less, x, scalar_like(im, x, 0));
  node_result(im, 0, where(im, negative, build_op2(im, OP_mul, slope, x), x));
}

/* ---- clip, cast, and what does nothing ---- */

void onnx_clip_attributes(Import *im) {
  ValueId x = node_arg(im, 0);
  if (node_has_attr(im, "min")) x = build_op2(im, OP_max, x, scalar_like(im, x, node_float(im, "min")));
  if (node_has_attr(im, "max")) x = build_op2(im, OP_min, x, scalar_like(im, x, node_float(im, "max")));
  node_result(im, 0, x);
}

void onnx_clip(Import *im) {
  ValueId x = node_arg(im, 0);
  for (size_t i = 1; i <= 2; i++) {
    if (!node_has_arg(im, i)) continue;
    if (node_arg_type(im, i)->rank > 1) node_error(im, "bound %zu is no scalar", i);
    x = build_op2(im, i == 1 ? OP_max : OP_min, x, node_arg(im, i));
  }
  node_result(im, 0, x);
}

void onnx_cast(Import *im) {
  int64_t to = node_int(im, "to");
  if (to < 0 || to > 1000 || !dtype_known((int)to))
    node_error(im, "data type %s is not supported", data_type_name(im->arena, to < 0 || to > 1000 ? -1 : (int)to));
  else
    node_result(im, 0, build_cast(im, node_arg(im, 0), (DType)to));
}

void onnx_cast_like(Import *im) { node_result(im, 0, build_cast(im, node_arg(im, 0), node_arg_type(im, 1)->dtype)); }

void onnx_identity(Import *im) { node_result(im, 0, node_arg(im, 0)); }

/* Outside training a Dropout is the identity; its mask is all true. */
static void dropout(Import *im, DType mask) {
  double ratio = 1, training = 0;
  if (node_has_arg(im, 2) && node_literal(im, 2, &training) && training != 0) {
    if (node_has_arg(im, 1)) node_literal(im, 1, &ratio);
    if (ratio != 0) node_error(im, "training_mode is not supported");
  }
  node_result(im, 0, node_arg(im, 0));
  if (!node_wants_result(im, 1)) return;
  Type shape = *node_arg_type(im, 0);
  node_result(im, 1, build_expand(im, build_scalar(im, mask, 1), shape.rank, shape.dim));
}

void onnx_dropout(Import *im) { dropout(im, DT_bool); }
void onnx_dropout_typed(Import *im) { dropout(im, node_arg_type(im, 0)->dtype); }
