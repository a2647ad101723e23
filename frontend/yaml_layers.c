/* Layers and operators of the general language; see yaml_steps.h and docs/yaml.md. */
#include "frontend/yaml_steps.h"
#include "ir/graph_edit.h"
#include "ir/text.h"
#include <float.h>
#include <string.h>

/* Options of all layers with parameters; a table a layer says which it takes. */
typedef struct {
  const char *name, *weight, *type;
  const Node *bias, *kernel, *stride, *pad, *dilation, *groups, *shape, *values;
  int64_t out;
  double eps;
  bool affine;
  int act;
} Options;

#define AT(member) offsetof(Options, member)
static const Field name_field = {"name", FIELD_STRING, AT(name), 0, 0, NULL};
#define NAME                                                                                                           \
  { "name", FIELD_STRING, AT(name), 0, 0, NULL }
#define NODE(key)                                                                                                      \
  { #key, FIELD_NODE, AT(key), 0, 0, NULL }
#define OUT                                                                                                            \
  { "out", FIELD_INT, AT(out), 1, 16777216, NULL }
#define EPS                                                                                                            \
  { "eps", FIELD_DOUBLE, AT(eps), 0, 1, NULL }
static const Field conv_fields[] = {NAME,         OUT,        NODE(kernel),
                                    NODE(stride), NODE(pad),  NODE(dilation),
                                    NODE(groups), NODE(bias), {"weight", FIELD_STRING, AT(weight), 0, 0, NULL}};
static const Field linear_fields[] = {NAME, OUT, NODE(bias), {"weight", FIELD_STRING, AT(weight), 0, 0, NULL}};
static const Field layernorm_fields[] = {NAME, EPS, {"affine", FIELD_BOOL, AT(affine), 0, 0, NULL}};
static const Field norm_fields[] = {NAME, EPS};
static const Field name_fields[] = {NAME};
static const Field act_fields[] = {{"kind", FIELD_WORD, AT(act), 0, 0, ACTIVATIONS}};
static const Field pool_fields[] = {NODE(kernel), NODE(stride), NODE(pad)};
static const Field param_fields[] = {NAME, NODE(shape)};
static const Field const_fields[] = {{"type", FIELD_STRING, AT(type), 0, 0, NULL}, NODE(shape), NODE(values)};

/* A scalar is the layer's name. */
static bool read_options(Steps *s, const Node *args, const char *what, const Field *fields, size_t count, Options *o) {
  if (node_is_null(args)) return true;
  if (args->kind == NODE_SCALAR && fields[0].offset == name_field.offset)
    return yaml_string(s->ctx, args, what, &o->name);
  return yaml_fields(s->ctx, args, what, fields, count, o);
}
#define READ(s, args, what, fields, o) read_options(s, args, what, fields, sizeof(fields) / sizeof *(fields), o)

/* The layer's whole name, which its parameters begin with. */
static bool full_name(Steps *s, const Node *args, const char *what, Options *o) {
  if (!o->name) return yaml_error(s->ctx, args, "%s needs a name for its parameters", what);
  o->name = s->net->layer = steps_name(s, o->name);
  return true;
}

/* One number for both axes, or two. */
static bool read_pair(Steps *s, const Node *n, const char *what, int64_t low, int64_t out[2]) {
  size_t count;
  if (node_is_null(n)) return true;
  if (!yaml_ints(s->ctx, n, what, low, 65536, out, 2, &count)) return false;
  if (!count) return yaml_error(s->ctx, n, "%s is empty", what);
  if (count == 1) out[1] = out[0];
  return true;
}

/* pad: a number, two, four (top, left, bottom, right), or same: the size stays at stride 1. */
static bool read_pads(Steps *s, const Node *n, const ConvLayer *c, int64_t pad[4]) {
  size_t count;
  if (node_is_null(n)) return true;
  if (node_is(n, "same")) {
    for (int i = 0; i < 4; i++) {
      int64_t all = c->dilation[i % 2] * (c->kernel[i % 2] - 1);
      pad[i] = i < 2 ? all / 2 : all - all / 2;
    }
    return true;
  }
  if (!yaml_ints(s->ctx, n, "pad", 0, 65536, pad, 4, &count)) return false;
  if (count == 0 || count == 3) return yaml_error(s->ctx, n, "pad takes one, two or four numbers");
  if (count == 1) pad[1] = pad[0];
  if (count < 4) pad[2] = pad[0], pad[3] = pad[1];
  return true;
}

/* bias: true, false, or the parameter's name. */
static bool read_bias(Steps *s, const Node *n, bool *bias, const char **name) {
  *bias = true;
  if (!n) return true;
  if (node_is_null(n) || node_is(n, "false")) return *bias = false, true;
  if (node_is(n, "true")) return true;
  if (!yaml_string(s->ctx, n, "bias", name)) return false;
  *name = steps_name(s, *name);
  return true;
}

static bool run_conv(Steps *s, const Node *args) {
  Options o = {0};
  if (!READ(s, args, "conv", conv_fields, &o) || !full_name(s, args, "conv", &o)) return false;
  if (!o.out || !o.kernel) return yaml_error(s->ctx, args, "conv needs out and kernel");
  ConvLayer c = conv_layer(o.name, o.out, 1, 1, 0, true);
  if (o.weight) c.weight = steps_name(s, o.weight);
  if (!read_pair(s, o.kernel, "kernel", 1, c.kernel) || !read_pair(s, o.stride, "stride", 1, c.stride)) return false;
  if (!read_pair(s, o.dilation, "dilation", 1, c.dilation) || !read_pads(s, o.pad, &c, c.pad)) return false;
  if (!read_bias(s, o.bias, &c.bias, &c.bias_name)) return false;
  const Type *t = net_type(s->net, s->x);
  if (node_is(o.groups, "depthwise"))
    c.groups = t->rank == 4 && dim_is_number(t->dim[1]) ? t->dim[1] : 1;
  else if (!node_is_null(o.groups) && !yaml_int(s->ctx, o.groups, "groups", 1, 65536, &c.groups))
    return false;
  s->x = net_conv(s->net, s->x, &c);
  return true;
}

static bool run_linear(Steps *s, const Node *args) {
  Options o = {0};
  const char *bias_name = NULL;
  bool bias;
  if (!READ(s, args, "linear", linear_fields, &o) || !full_name(s, args, "linear", &o)) return false;
  if (!o.out) return yaml_error(s->ctx, args, "linear needs out");
  if (!read_bias(s, o.bias, &bias, &bias_name)) return false;
  s->x = net_linear(s->net, s->x, o.name, o.weight ? steps_name(s, o.weight) : NULL, bias_name, o.out, bias);
  return true;
}

static bool run_layernorm(Steps *s, const Node *args) {
  Options o = {.eps = 1e-6, .affine = true};
  if (!READ(s, args, "layernorm", layernorm_fields, &o)) return false;
  if (o.affine && !full_name(s, args, "layernorm", &o)) return false;
  s->x = net_layernorm(s->net, s->x, o.name, o.eps, o.affine);
  return true;
}

static bool run_batchnorm(Steps *s, const Node *args) {
  Options o = {.eps = 1e-5};
  if (!READ(s, args, "batchnorm", norm_fields, &o) || !full_name(s, args, "batchnorm", &o)) return false;
  s->x = net_batchnorm(s->net, s->x, o.name, o.eps);
  return true;
}

static bool run_grn(Steps *s, const Node *args) {
  Options o = {.eps = 1e-6};
  if (!READ(s, args, "grn", norm_fields, &o) || !full_name(s, args, "grn", &o)) return false;
  s->x = net_grn(s->net, s->x, o.name, o.eps);
  return true;
}

static bool run_rmsnorm(Steps *s, const Node *args) {
  Options o = {.eps = 1e-6};
  if (!READ(s, args, "rmsnorm", norm_fields, &o) || !full_name(s, args, "rmsnorm", &o)) return false;
  s->x = net_rmsnorm(s->net, s->x, o.name, o.eps);
  return true;
}

static bool run_scale(Steps *s, const Node *args) {
  Options o = {0};
  if (!READ(s, args, "scale", name_fields, &o) || !full_name(s, args, "scale", &o)) return false;
  s->x = net_scale(s->net, s->x, o.name);
  return true;
}

static bool run_act(Steps *s, const Node *args) {
  Options o = {.act = 2};
  if (args->kind == NODE_SCALAR && !node_is_null(args)) {
    if (!yaml_word(s->ctx, args, "act", ACTIVATIONS, &o.act)) return false;
  } else if (!READ(s, args, "act", act_fields, &o))
    return false;
  s->x = net_activation(s->net, s->x, o.act);
  return true;
}

static bool run_pool(Steps *s, const Node *args, OpKind kind, const char *what) {
  Options o = {0};
  int64_t kernel[2] = {0, 0}, stride[2], pad[2] = {0, 0};
  if (!READ(s, args, what, pool_fields, &o)) return false;
  if (!o.kernel) return yaml_error(s->ctx, args, "%s needs a kernel", what);
  if (!read_pair(s, o.kernel, "kernel", 1, kernel)) return false;
  memcpy(stride, kernel, sizeof stride);
  if (!read_pair(s, o.stride, "stride", 1, stride) || !read_pair(s, o.pad, "pad", 0, pad)) return false;
  Attrs a = attrs_default();
  a.kernel = (Ints){2, kernel};
  a.strides = (Ints){2, stride};
  a.pads = (Ints){4, (const Dim[]){pad[0], pad[1], pad[0], pad[1]}};
  s->x = net_op(s->net, kind, &a, 1, &s->x);
  return true;
}

static bool run_maxpool(Steps *s, const Node *args) { return run_pool(s, args, OP_max_pool, "maxpool"); }
static bool run_avgpool(Steps *s, const Node *args) { return run_pool(s, args, OP_avg_pool, "avgpool"); }

static bool run_global_pool(Steps *s, const Node *args) {
  (void)args;
  s->x = net_mean(s->net, s->x);
  return true;
}

static bool run_flatten(Steps *s, const Node *args) {
  (void)args;
  s->x = net_flatten(s->net, s->x);
  return true;
}

/* Dropout, stochastic depth: nothing when a network is used. */
static bool run_nothing(Steps *s, const Node *args) { return (void)s, (void)args, true; }

static bool read_shape(Steps *s, const Node *args, const Options *o, const char *what, Type *t) {
  size_t rank;
  if (!o->shape) return yaml_error(s->ctx, args, "%s needs a shape", what);
  if (o->shape->kind != NODE_LIST) return yaml_error(s->ctx, o->shape, "shape must be a list");
  Dim dims[MAX_RANK];
  if (!yaml_ints(s->ctx, o->shape, "shape", 1, INT64_C(1) << 40, dims, MAX_RANK, &rank)) return false;
  *t = type_make(DT_f32, (int)rank, dims);
  return true;
}

static bool run_param(Steps *s, const Node *args) {
  Options o = {0};
  Type t;
  if (!READ(s, args, "param", param_fields, &o) || !full_name(s, args, "param", &o)) return false;
  if (!read_shape(s, args, &o, "param", &t)) return false;
  s->x = net_param(s->net, o.name, t.rank, t.dim);
  return true;
}

/* A number, also inf, -inf or nan. */
static bool read_any(Steps *s, const Node *n, const char *what, double *out) {
  if (n->kind == NODE_SCALAR && !n->quoted && read_double(n->text, strlen(n->text), out)) return true;
  return yaml_double(s->ctx, n, what, -DBL_MAX, DBL_MAX, out);
}

#define LOWEST_INT (INT64_MIN / 2) /* below are symbols */
enum { MAX_CONST = 4096, MAX_CONST_FLOATS = 8 };

/* values: as many as the shape has, or one for all; integers are read as such. */
static bool run_const(Steps *s, const Node *args) {
  Options o = {.type = "f32"};
  Type t;
  DType dtype;
  if (!READ(s, args, "const", const_fields, &o) || !read_shape(s, args, &o, "const", &t)) return false;
  if (!dtype_from_name(o.type, strlen(o.type), &dtype)) return yaml_error(s->ctx, args, "unknown type '%.60s'", o.type);
  if (!o.values) return yaml_error(s->ctx, args, "const needs values");
  size_t count = o.values->kind == NODE_LIST ? o.values->count : 1,
         room = dtype_is_float(dtype) ? MAX_CONST_FLOATS : MAX_CONST;
  Dim elements;
  if (!type_count(&t, &elements) || (count != 1 && count != (size_t)elements) || count > room)
    return yaml_error(s->ctx, o.values, "const takes one value, or as many as its shape has, at most %zu", room);
  double *floats = ARENA_ARRAY(s->arena, double, count);
  Dim *ints = ARENA_ARRAY(s->arena, Dim, count);
  for (size_t i = 0; i < count; i++) {
    const Node *n = o.values->kind == NODE_LIST ? o.values->items[i] : o.values;
    if (dtype_is_float(dtype) ? !read_any(s, n, "a value", &floats[i])
                              : !yaml_int(s->ctx, n, "a value", LOWEST_INT, INT64_MAX, &ints[i]))
      return false;
  }
  Attrs a = attrs_default();
  t.dtype = (uint8_t)dtype;
  if (dtype_is_float(dtype))
    a.floats = (Floats){(int32_t)count, floats};
  else
    a.ints = (Ints){(int32_t)count, ints};
  char error[256] = "";
  OpId id = graph_try_leaf(s->net->graph, OP_const, &t, &a, NULL, 0, error);
  if (!id) return yaml_error(s->ctx, args, "%s", error);
  s->x = op_at(s->net->graph, id)->first_result;
  return true;
}

const Layer layers[] = {
    {"conv", run_conv, false},           {"linear", run_linear, false},
    {"layernorm", run_layernorm, false}, {"rmsnorm", run_rmsnorm, false},
    {"batchnorm", run_batchnorm, false}, {"grn", run_grn, false},
    {"scale", run_scale, false},         {"act", run_act, false},
    {"maxpool", run_maxpool, false},     {"avgpool", run_avgpool, false},
    {"flatten", run_flatten, false},     {"global_pool", run_global_pool, false},
    {"identity", run_nothing, false},    {"dropout", run_nothing, false},
    {"drop_path", run_nothing, false},   {"param", run_param, true},
    {"const", run_const, true},
};
const size_t layer_count = sizeof layers / sizeof *layers;

/* ---- operators ---- */

/* Attributes by name, as attr.def has them. */
static bool read_attr(Steps *s, const Node *n, const AttrInfo *info, Attrs *a) {
  void *to = (char *)a + info->offset;
  size_t count;
  Dim *ints = ARENA_ARRAY(s->arena, Dim, n->count + 1);
  double *floats = ARENA_ARRAY(s->arena, double, n->count + 1);
  switch (info->kind) {
  case KIND_INT: return yaml_int(s->ctx, n, info->name, LOWEST_INT, INT64_MAX, to);
  case KIND_FLOAT: return read_any(s, n, info->name, to);
  case KIND_INTS:
    if (!yaml_ints(s->ctx, n, info->name, LOWEST_INT, INT64_MAX, ints, n->count + 1, &count)) return false;
    *(Ints *)to = (Ints){(int32_t)count, ints};
    return true;
  case KIND_FLOATS:
    if (n->kind != NODE_LIST) return yaml_error(s->ctx, n, "%s must be a list", info->name);
    for (size_t i = 0; i < n->count; i++)
      if (!read_any(s, n->items[i], info->name, &floats[i])) return false;
    *(Floats *)to = (Floats){(int32_t)n->count, floats};
    return true;
  case KIND_NAME:
    if (n->kind != NODE_SCALAR || !is_attr_name(n->text)) return yaml_error(s->ctx, n, "%s must be a word", info->name);
    *(const char **)to = n->text;
    return true;
  case KIND_STRING: return yaml_string(s->ctx, n, info->name, to);
  }
  return false;
}

/* Axes count from the end where they are negative, and ascend. */
static void usual_axes(const Steps *s, Attrs *a) {
  if (!s->operand_count || !s->operands[0]) return;
  const int rank = net_type(s->net, s->operands[0])->rank;
  if (a->axis < 0) a->axis += rank;
  Dim *axes = ARENA_ARRAY(s->arena, Dim, a->axes.count + 1);
  for (int32_t i = 0; i < a->axes.count; i++) {
    const Dim axis = a->axes.at[i] < 0 ? a->axes.at[i] + rank : a->axes.at[i];
    int32_t at = i;
    for (; at > 0 && axes[at - 1] > axis; at--) axes[at] = axes[at - 1];
    axes[at] = axis;
  }
  a->axes.at = axes;
}

bool run_operator(Steps *s, OpKind kind, const Node *args) {
  const OpInfo *info = &op_info[kind];
  const char *names[ATTR_COUNT + 1];
  Attrs a = attrs_default();
  size_t count = 0;
  if (info->traits & (T_LEAF | T_SINK))
    return yaml_error(s->ctx, s->net->at, "operator %s is not written as a step", info->name);
  for (int i = 0; i < ATTR_COUNT; i++)
    if (info->attrs >> i & 1) names[count++] = attr_info[i].name;
  if (!node_is_null(args)) {
    if (!yaml_check_keys(s->ctx, args, info->name, names, count)) return false;
    for (int i = 0; i < ATTR_COUNT; i++) {
      const Node *n = info->attrs >> i & 1 ? node_get(args, attr_info[i].name) : NULL;
      if (n && !read_attr(s, n, &attr_info[i], &a)) return false;
    }
  }
  usual_axes(s, &a);
  s->x = net_op(s->net, kind, &a, s->operand_count, s->operands);
  return true;
}
