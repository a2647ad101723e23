/* family: resnet. The way from ResNet-50 to ConvNeXt (Liu et al. 2022, section 2), an option a step. Parameters are
 * named stem_conv, stem_norm, stage0_block0.{c1,dw,c2,n0,n1,n2,short}, stage1_down_norm, stage1_down_conv, norm, head.
 */
#include "frontend/yaml_model.h"
#include <string.h>

enum { STEM_RESNET, STEM_PATCHIFY };

typedef struct {
  IntList depths, dims;
  int64_t kernel, classes;
  int stem, act;
  bool depthwise, inverted, depthwise_first, fewer_acts, fewer_norms, layer_norm, separate_downsample;
  double eps;
} Options;

#define AT(member) offsetof(Options, member)
static const Field fields[] = {
    {"depths", FIELD_INTS, AT(depths), 1, 1000, NULL},
    {"dims", FIELD_INTS, AT(dims), 1, 65536, NULL},
    {"stem", FIELD_WORD, AT(stem), 0, 0, "resnet|patchify"},
    {"depthwise", FIELD_BOOL, AT(depthwise), 0, 0, NULL},
    {"inverted", FIELD_BOOL, AT(inverted), 0, 0, NULL},
    {"depthwise_first", FIELD_BOOL, AT(depthwise_first), 0, 0, NULL},
    {"kernel", FIELD_INT, AT(kernel), 1, 255, NULL},
    {"act", FIELD_WORD, AT(act), 0, 0, ACTIVATIONS},
    {"fewer_acts", FIELD_BOOL, AT(fewer_acts), 0, 0, NULL},
    {"fewer_norms", FIELD_BOOL, AT(fewer_norms), 0, 0, NULL},
    {"layer_norm", FIELD_BOOL, AT(layer_norm), 0, 0, NULL},
    {"separate_downsample", FIELD_BOOL, AT(separate_downsample), 0, 0, NULL},
    {"eps", FIELD_DOUBLE, AT(eps), 0, 1, NULL},
    {"classes", FIELD_INT, AT(classes), 0, 1000000, NULL},
    {"drop_path", FIELD_IGNORE, 0, 0, 0, NULL}, /* training only */
    {"dropout", FIELD_IGNORE, 0, 0, 0, NULL},
};

static void defaults(void *to) {
  *(Options *)to = (Options){.kernel = 3, .classes = 1000, .act = 1 /* relu */, .eps = -1};
}

static bool check(Net *n, const Options *o) {
  if (!check_depths(n, &o->depths)) return false;
  if (o->dims.count != o->depths.count)
    return net_key_error(n, "dims", "%zu depths, but %zu dims: one of each a stage", o->depths.count, o->dims.count);
  if (o->kernel % 2 == 0) return net_key_error(n, "kernel", "kernel %lld is even", (long long)o->kernel);
  return true;
}

static ValueId norm(Net *n, const Options *o, ValueId x, const char *name) {
  n->layer = name;
  if (o->layer_norm) return net_layernorm(n, x, name, o->eps >= 0 ? o->eps : 1e-6, true);
  return net_batchnorm(n, x, name, o->eps >= 0 ? o->eps : 1e-5);
}

static ValueId conv(Net *n, const Options *o, ValueId x, const char *name, int64_t out, int64_t kernel, int64_t stride,
                    int64_t pad) {
  ConvLayer c = conv_layer(n->layer = name, out, kernel, stride, pad, o->separate_downsample);
  return net_conv(n, x, &c);
}

static ValueId build_stem(Net *n, const Options *o, ValueId x) {
  if (o->stem == STEM_PATCHIFY) return norm(n, o, conv(n, o, x, "stem_conv", o->dims.at[0], 4, 4, 0), "stem_norm");
  x = norm(n, o, conv(n, o, x, "stem_conv", o->dims.at[0], 7, 2, 3), "stem_norm");
  return net_pool(n, OP_max_pool, net_activation(n, x, o->act), 3, 2, 1);
}

/* The three convs of a block, in the order in which they run, each with its norm. */
typedef struct {
  const char *name, *norm;
  int64_t out, kernel, stride;
  bool depthwise;
} Step;

/* c1, dw, c2; or dw, c1, c2. The middle is wide in inverted bottlenecks, narrow in others. */
static void plan_block(const Options *o, int64_t in, int64_t dim, int64_t stride, Step steps[3]) {
  int64_t mid = o->inverted ? 4 * dim : dim, out = o->inverted ? dim : 4 * dim;
  Step c1 = {"c1", "n1", mid, 1, 1, false}, c2 = {"c2", "n2", out, 1, 1, false};
  Step dw = {"dw", "n0", o->depthwise_first ? in : mid, o->kernel, stride, o->depthwise};
  steps[0] = o->depthwise_first ? dw : c1;
  steps[1] = o->depthwise_first ? c1 : dw;
  steps[2] = c2;
}

static ValueId build_block(Net *n, const Options *o, ValueId x, const char *name, int64_t dim, int64_t stride) {
  Step steps[3];
  int64_t in = net_type(n, x)->dim[1], out = o->inverted ? dim : 4 * dim;
  plan_block(o, in, dim, stride, steps);
  ValueId shortcut = x, y = x;
  if (stride != 1 || in != out) {
    shortcut = conv(n, o, x, net_name(n, name, "short.0"), out, 1, stride, 0);
    shortcut = norm(n, o, shortcut, net_name(n, name, "short.1"));
  }
  for (int i = 0; i < 3; i++) {
    ConvLayer c = conv_layer(net_name(n, name, steps[i].name), steps[i].out, steps[i].kernel, steps[i].stride,
                             steps[i].kernel / 2, o->separate_downsample);
    if (steps[i].depthwise) c.groups = steps[i].out;
    n->layer = c.name;
    y = net_conv(n, y, &c);
    if (i == 0 || !o->fewer_norms) y = norm(n, o, y, net_name(n, name, steps[i].norm));
    if (o->fewer_acts ? i == 1 : i < 2) y = net_activation(n, y, o->act);
  }
  n->layer = name;
  y = net_add(n, y, shortcut);
  return o->fewer_acts ? y : net_activation(n, y, o->act);
}

static ValueId build_stage(Net *n, const Options *o, ValueId x, size_t s) {
  Arena *a = n->graph->arena;
  int64_t stride = s ? 2 : 1;
  if (s && o->separate_downsample) {
    x = norm(n, o, x, arena_printf(a, "stage%zu_down_norm", s));
    x = conv(n, o, x, arena_printf(a, "stage%zu_down_conv", s), o->dims.at[s], 2, 2, 0);
    stride = 1;
  }
  for (size_t b = 0; b < (size_t)o->depths.at[s] && !n->failed; b++)
    x = build_block(n, o, x, arena_printf(a, "stage%zu_block%zu", s, b), o->dims.at[s], b ? 1 : stride);
  return x;
}

static ValueId build(Net *n, const void *options, ValueId x) {
  const Options *o = options;
  if (!check(n, o)) return 0;
  x = build_stem(n, o, x);
  for (size_t s = 0; s < o->depths.count && !n->failed; s++) x = build_stage(n, o, x, s);
  n->layer = "pool";
  x = net_mean(n, x);
  if (o->separate_downsample) x = norm(n, o, x, "norm");
  x = net_flatten(n, x);
  if (o->classes) x = net_linear(n, x, n->layer = "head", NULL, NULL, o->classes, true);
  n->layer = NULL;
  return x;
}

const Family family_resnet = {"resnet", fields, sizeof fields / sizeof *fields, sizeof(Options), defaults, build};
