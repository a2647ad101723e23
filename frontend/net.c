/* Layers as operators; see net.h. */
#include "frontend/net.h"
#include "ir/graph_edit.h"
#include <string.h>

bool net_error(Net *n, const char *format, ...) {
  va_list args;
  va_start(args, format);
  const char *text = arena_vprintf(n->arena, format, args);
  va_end(args);
  const char *layer = n->layer ? arena_printf(n->arena, "layer '%.100s': ", n->layer) : "";
  bool first = !n->failed;
  n->failed = true;
  return first ? yaml_error(n->graph->context, n->at, "%s%s", layer, text) : false;
}

bool net_key_error(Net *n, const char *key, const char *format, ...) {
  va_list args;
  va_start(args, format);
  const char *text = arena_vprintf(n->arena, format, args);
  va_end(args);
  const Node *at = node_get(n->root, key);
  if (at) n->at = at;
  n->layer = NULL;
  return net_error(n, "%s", text);
}

static const Loc *layer_loc(Net *n, const char *op) {
  Arena *a = n->graph->arena;
  Loc *loc = ARENA_NEW(a, Loc);
  *loc = (Loc){.node = arena_strdup(a, n->layer ? n->layer : op), .op = op};
  return loc;
}

ValueId net_op(Net *n, OpKind kind, const Attrs *attrs, uint32_t count, const ValueId *operands) {
  char error[256] = "";
  if (n->failed) return 0;
  if (n->graph->op_count > n->op_limit) return net_error(n, "more than %zu operators", n->op_limit), 0;
  OpId id = graph_try_op(n->graph, kind, operands, count, attrs, layer_loc(n, op_info[kind].name), 0, error);
  if (!id) return net_error(n, "%s", error), 0;
  ValueId v = op_at(n->graph, id)->first_result;
  Dim elements;
  const Type *t = type_of(n->graph, v);
  if (op_at(n->graph, id)->result_count && type_is_static(t) && !type_count(t, &elements))
    return net_error(n, "%s gives more than 2^48 elements", op_info[kind].name), 0;
  return v;
}

const Type *net_type(const Net *n, ValueId v) {
  static const Type dummy = {.dtype = DT_f32};
  return n->failed || !v ? &dummy : type_of(n->graph, v);
}

const char *net_name(Net *n, const char *layer, const char *leaf) {
  return layer && *layer ? arena_printf(n->graph->arena, "%s.%s", layer, leaf) : leaf;
}

static ValueId net_leaf(Net *n, OpKind kind, const Type *type, const Attrs *a) {
  char error[256] = "";
  if (n->failed) return 0;
  OpId id = graph_try_leaf(n->graph, kind, type, a, NULL, 0, error);
  if (!id) return net_error(n, "%s", error), 0;
  return op_at(n->graph, id)->first_result;
}

static bool ends_with(const char *s, const char *end) {
  size_t a = strlen(s), b = strlen(end);
  return a >= b && !strcmp(s + a - b, end);
}

ValueId net_param(Net *n, const char *name, int rank, const Dim *shape) {
  uint32_t index;
  Dim count;
  if (n->failed) return 0;
  if (!name || !*name) return net_error(n, "a parameter needs a name"), 0;
  for (int i = 0; i < rank; i++)
    if (!dim_is_number(shape[i]) || shape[i] < 1)
      return net_error(n, "parameter '%.100s' has no size: its input's channels are not known", name), 0;
  Type type = type_make(DT_f32, rank, shape);
  if (!type_count(&type, &count) || count > NET_MAX_ELEMENTS)
    return net_error(n, "parameter '%.100s' has more than 2^38 elements", name), 0;
  if (name_map_find(&n->params, name, &index)) {
    if (type_equal(net_type(n, n->values[index]), &type)) return n->values[index];
    return net_error(n, "parameter '%.100s' is used with two shapes", name), 0;
  }
  n->elements += count;
  if (n->elements > NET_MAX_ELEMENTS) return net_error(n, "the network has more than 2^38 elements of parameters"), 0;
  Attrs a = attrs_default();
  a.name = name;
  ValueId v = net_leaf(n, OP_weight, &type, &a);
  if (!v) return 0;
  name_map_add(&n->params, arena_strdup(n->arena, name), (uint32_t)n->value_count);
  GROW(n->arena, n->values, n->value_count, n->value_capacity);
  n->values[n->value_count++] = v;
  if (!ends_with(name, ".running_mean") && !ends_with(name, ".running_var")) n->learned += count;
  return v;
}

/* ---- pieces ---- */

static ValueId binary(Net *n, OpKind kind, ValueId a, ValueId b) {
  return net_op(n, kind, NULL, 2, (const ValueId[]){a, b});
}

ValueId net_add(Net *n, ValueId a, ValueId b) { return binary(n, OP_add, a, b); }

ValueId net_reshape(Net *n, ValueId x, int rank, const Dim *shape) {
  Attrs a = attrs_default();
  a.shape = (Ints){rank, shape};
  return net_op(n, OP_reshape, &a, 1, &x);
}

ValueId net_transpose(Net *n, ValueId x, int rank, const Dim *perm) {
  Attrs a = attrs_default();
  a.perm = (Ints){rank, perm};
  return net_op(n, OP_transpose, &a, 1, &x);
}

static bool is_image(const Type *t) { return t->rank == 4; }

static Dim channels_of(const Type *t) { return is_image(t) ? t->dim[1] : t->rank ? t->dim[t->rank - 1] : 0; }

/* v [C] so that it broadcasts along x's channels. */
static ValueId per_channel(Net *n, ValueId v, const Type *x) {
  if (n->failed || !is_image(x)) return v;
  return net_reshape(n, v, 3, (const Dim[]){net_type(n, v)->dim[0], 1, 1});
}

static ValueId to_last(Net *n, ValueId x) { return net_transpose(n, x, 4, (const Dim[]){0, 2, 3, 1}); }
static ValueId to_first(Net *n, ValueId x) { return net_transpose(n, x, 4, (const Dim[]){0, 3, 1, 2}); }

/* ---- layers ---- */

ConvLayer conv_layer(const char *name, int64_t out, int64_t kernel, int64_t stride, int64_t pad, bool bias) {
  return (ConvLayer){.name = name,
                     .out = out,
                     .kernel = {kernel, kernel},
                     .stride = {stride, stride},
                     .pad = {pad, pad, pad, pad},
                     .dilation = {1, 1},
                     .groups = 1,
                     .bias = bias};
}

/* The list; empty, which means the same, where all of it is `usual`. */
static Ints unless_all(const int64_t *list, int32_t count, int64_t usual) {
  for (int32_t i = 0; i < count; i++)
    if (list[i] != usual) return (Ints){count, list};
  return (Ints){0};
}

ValueId net_conv(Net *n, ValueId x, const ConvLayer *c) {
  Type t = *net_type(n, x);
  if (n->failed) return 0;
  if (!is_image(&t)) return net_error(n, "conv needs an input of rank 4, not %d", t.rank), 0;
  if (c->groups < 1 || !dim_is_number(t.dim[1]) || t.dim[1] % c->groups || c->out % c->groups)
    return net_error(n, "%lld groups do not divide %lld input and %lld output channels", (long long)c->groups,
                     (long long)t.dim[1], (long long)c->out),
           0;
  const char *weight = c->weight ? c->weight : net_name(n, c->name, "weight");
  ValueId in[3] = {x};
  in[1] = net_param(n, weight, 4, (const Dim[]){c->out, t.dim[1] / c->groups, c->kernel[0], c->kernel[1]});
  if (c->bias) in[2] = net_param(n, c->bias_name ? c->bias_name : net_name(n, c->name, "bias"), 1, &c->out);
  Attrs a = attrs_default();
  a.kernel = (Ints){2, c->kernel};
  a.strides = unless_all(c->stride, 2, 1);
  a.pads = unless_all(c->pad, 4, 0);
  a.dilations = unless_all(c->dilation, 2, 1);
  a.group = c->groups;
  return net_op(n, OP_conv, &a, c->bias ? 3 : 2, in);
}

ValueId net_linear(Net *n, ValueId x, const char *name, const char *weight, const char *bias_name, int64_t out,
                   bool bias) {
  Type t = *net_type(n, x);
  if (n->failed) return 0;
  if (t.rank < 1) return net_error(n, "linear needs an input with channels"), 0;
  Dim in = channels_of(&t);
  ValueId w = net_param(n, weight ? weight : net_name(n, name, "weight"), 2, (const Dim[]){out, in});
  ValueId b = bias ? net_param(n, bias_name ? bias_name : net_name(n, name, "bias"), 1, &out) : 0;
  if (is_image(&t)) {
    Attrs a = attrs_default();
    a.kernel = (Ints){2, (const Dim[]){1, 1}};
    w = net_reshape(n, w, 4, (const Dim[]){out, in, 1, 1});
    return net_op(n, OP_conv, &a, bias ? 3 : 2, (const ValueId[]){x, w, b});
  }
  w = net_transpose(n, w, 2, (const Dim[]){1, 0});
  return net_op(n, OP_gemm, NULL, bias ? 3 : 2, (const ValueId[]){x, w, b});
}

ValueId net_layernorm(Net *n, ValueId x, const char *name, double eps, bool affine) {
  Type t = *net_type(n, x);
  Dim c = channels_of(&t), last = t.rank - 1;
  ValueId in[3] = {is_image(&t) ? to_last(n, x) : x};
  if (affine) {
    in[1] = net_param(n, net_name(n, name, "weight"), 1, &c);
    in[2] = net_param(n, net_name(n, name, "bias"), 1, &c);
  }
  Attrs a = attrs_default();
  a.axes = (Ints){1, &last};
  a.eps = eps;
  ValueId y = net_op(n, OP_layernorm, &a, affine ? 3 : 1, in);
  return is_image(&t) ? to_first(n, y) : y;
}

static ValueId number(Net *n, double x) {
  const double rounded = (double)(float)x;
  return n->failed ? 0 : graph_const_floats(n->graph, DT_f32, 0, NULL, &rounded, NULL, 0);
}

static ValueId mean_of_last(Net *n, ValueId x) {
  Attrs a = attrs_default();
  a.axes = (Ints){1, (const Dim[]){net_type(n, x)->rank - 1}};
  a.keepdims = 1;
  return net_op(n, OP_reduce_mean, &a, 1, &x);
}

/* x / sqrt(variance + eps) times the weight, along the last axis; then as an image again. */
static ValueId divide_by_root(Net *n, ValueId x, ValueId variance, const char *name, double eps, bool image) {
  Dim c = n->failed ? 1 : net_type(n, x)->dim[net_type(n, x)->rank - 1];
  ValueId sum = binary(n, OP_add, variance, number(n, eps));
  ValueId y = binary(n, OP_div, x, net_op(n, OP_sqrt, NULL, 1, &sum));
  y = binary(n, OP_mul, y, net_param(n, net_name(n, name, "weight"), 1, &c));
  return image ? to_first(n, y) : y;
}

ValueId net_rmsnorm(Net *n, ValueId x, const char *name, double eps) {
  const Type t = *net_type(n, x);
  if (!n->failed && t.rank < 1) return net_error(n, "rmsnorm needs an input with channels"), 0;
  if (is_image(&t)) x = to_last(n, x);
  return divide_by_root(n, x, mean_of_last(n, binary(n, OP_mul, x, x)), name, eps, is_image(&t));
}

ValueId net_simplenorm(Net *n, ValueId x, const char *name, double eps) {
  const Type t = *net_type(n, x);
  Dim c = channels_of(&t);
  if (n->failed) return 0;
  if (!dim_is_number(c) || c < 2) return net_error(n, "simplenorm needs two channels or more"), 0;
  if (is_image(&t)) x = to_last(n, x);
  ValueId d = binary(n, OP_sub, x, mean_of_last(n, x)), v = mean_of_last(n, binary(n, OP_mul, d, d));
  v = binary(n, OP_div, binary(n, OP_mul, v, number(n, (double)c)), number(n, (double)(c - 1)));
  return divide_by_root(n, x, v, name, eps, is_image(&t));
}

/* x s + (bias - mean s), s = weight / sqrt(var + eps): two operations on x, the rest on weights. */
ValueId net_batchnorm(Net *n, ValueId x, const char *name, double eps) {
  Type t = *net_type(n, x);
  Dim c = channels_of(&t);
  ValueId w = net_param(n, net_name(n, name, "weight"), 1, &c), b = net_param(n, net_name(n, name, "bias"), 1, &c);
  ValueId mean = net_param(n, net_name(n, name, "running_mean"), 1, &c);
  ValueId var = net_param(n, net_name(n, name, "running_var"), 1, &c);
  if (n->failed) return 0;
  ValueId e = graph_const_floats(n->graph, DT_f32, 0, NULL, &eps, NULL, 0);
  ValueId sum = binary(n, OP_add, var, e);
  ValueId s = binary(n, OP_div, w, net_op(n, OP_sqrt, NULL, 1, &sum));
  ValueId shift = binary(n, OP_sub, b, binary(n, OP_mul, mean, s));
  return net_add(n, binary(n, OP_mul, x, per_channel(n, s, &t)), per_channel(n, shift, &t));
}

ValueId net_grn(Net *n, ValueId x, const char *name, double eps) {
  Type t = *net_type(n, x);
  if (n->failed) return 0;
  if (!is_image(&t)) return net_error(n, "grn needs an input of rank 4, not %d", t.rank), 0;
  Dim c = t.dim[1];
  ValueId in[3] = {x, net_param(n, net_name(n, name, "weight"), 1, &c), net_param(n, net_name(n, name, "bias"), 1, &c)};
  Attrs a = attrs_default();
  a.axis = 1;
  a.axes = (Ints){2, (const Dim[]){2, 3}};
  a.eps = eps;
  return net_op(n, OP_grn, &a, 3, in);
}

ValueId net_scale(Net *n, ValueId x, const char *param) {
  Type t = *net_type(n, x);
  Dim c = channels_of(&t);
  return binary(n, OP_mul, x, per_channel(n, net_param(n, param, 1, &c), &t));
}

static ValueId unary(Net *n, OpKind kind, ValueId x) { return net_op(n, kind, NULL, 1, &x); }

ValueId net_mul(Net *n, ValueId x, double factor) { return binary(n, OP_mul, x, number(n, factor)); }

static ValueId clamped(Net *n, ValueId x, double low, double high) {
  return binary(n, OP_min, binary(n, OP_max, x, number(n, low)), number(n, high));
}

/* Activations of several operators, which are those that their ONNX export becomes. */
enum { RELU6 = 12, SELU, MISH, QUICK_GELU, HARD_MISH };

static ValueId composed_activation(Net *n, ValueId x, int index) {
  Attrs elu = attrs_default();
  elu.alpha = (double)1.67326319217681884765625F;
  switch (index) {
  case RELU6: return clamped(n, x, 0, 6);
  case SELU: return net_mul(n, net_op(n, OP_elu, &elu, 1, &x), 1.05070102214813232421875);
  case MISH: return binary(n, OP_mul, x, unary(n, OP_tanh, unary(n, OP_softplus, x)));
  case QUICK_GELU: return binary(n, OP_mul, x, unary(n, OP_sigmoid, net_mul(n, x, 1.702)));
  case HARD_MISH: return binary(n, OP_mul, net_mul(n, x, 0.5), clamped(n, binary(n, OP_add, x, number(n, 2)), 0, 2));
  default: die("activation %d of none", index);
  }
}

ValueId net_activation(Net *n, ValueId x, int index) {
  static const struct {
    OpKind kind;
    const char *mode;
    double alpha, beta;
  } rows[] = {{OP_none, NULL, 0, 0},    {OP_relu, NULL, 1, 0},       {OP_gelu, NULL, 1, 0},
              {OP_gelu, "tanh", 1, 0},  {OP_silu, NULL, 1, 0},       {OP_leaky_relu, NULL, 0.01, 0},
              {OP_elu, NULL, 1, 0},     {OP_hard_swish, NULL, 1, 0}, {OP_hard_sigmoid, NULL, 1.0 / 6, 0.5},
              {OP_sigmoid, NULL, 1, 0}, {OP_tanh, NULL, 1, 0},       {OP_softplus, NULL, 1, 0}};
  if (index >= RELU6) return composed_activation(n, x, index);
  if (rows[index].kind == OP_none) return x;
  Attrs a = attrs_default();
  a.mode = rows[index].mode;
  a.alpha = rows[index].alpha;
  a.beta = rows[index].beta;
  return net_op(n, rows[index].kind, &a, 1, &x);
}

ValueId net_pool(Net *n, OpKind kind, ValueId x, int64_t kernel, int64_t stride, int64_t pad) {
  Attrs a = attrs_default();
  a.kernel = (Ints){2, (const Dim[]){kernel, kernel}};
  a.strides = unless_all((const Dim[]){stride, stride}, 2, 1);
  a.pads = unless_all((const Dim[]){pad, pad, pad, pad}, 4, 0);
  return net_op(n, kind, &a, 1, &x);
}

static ValueId over_image(Net *n, OpKind kind, ValueId x) {
  Attrs a = attrs_default();
  a.axes = (Ints){2, (const Dim[]){2, 3}};
  a.keepdims = 1;
  if (!n->failed && !is_image(net_type(n, x))) return net_error(n, "needs an input of rank 4"), 0;
  return net_op(n, kind, &a, 1, &x);
}

ValueId net_mean(Net *n, ValueId x) { return over_image(n, OP_reduce_mean, x); }
ValueId net_max(Net *n, ValueId x) { return over_image(n, OP_reduce_max, x); }

ValueId net_flatten(Net *n, ValueId x) {
  Type t = *net_type(n, x);
  Dim rest = 1;
  if (t.rank < 1) return net_error(n, "flatten needs an input with axes"), 0;
  for (int i = 1; i < t.rank; i++)
    if (!dim_mul(rest, t.dim[i], &rest)) return net_error(n, "flatten needs sizes that are known"), 0;
  return net_reshape(n, x, 2, (const Dim[]){t.dim[0], rest});
}

ValueId net_input(Net *n, const char *name, const Type *t) {
  Attrs a = attrs_default();
  a.name = name;
  return net_leaf(n, OP_input, t, &a);
}

void net_output(Net *n, const char *name, ValueId v) {
  Attrs a = attrs_default();
  a.name = name;
  net_op(n, OP_output, &a, 1, &v);
}
