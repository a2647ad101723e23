/* family: convnext. ConvNeXt V1 and V2 with stages, and isotropic, which is one stage without a norm after its stem.
 * Parameters are named as timm names them. */
#include "frontend/yaml_model.h"
#include <string.h>

enum { STEM_PATCH, STEM_OVERLAP, STEM_OVERLAP_TIERED, STEM_OVERLAP_ACT };
enum { NORM_LAYER, NORM_RMS, NORM_SIMPLE };
enum { POOL_AVG, POOL_MAX, POOL_AVGMAX, POOL_NONE };

typedef struct {
  IntList depths, dims, kernel;
  int64_t patch, classes, expand, head_hidden, output_stride;
  int stem, norm, act, pool;
  bool stem_norm, first_downsample, grn, bias, head_norm_first;
  const Node *layer_scale, *mlp_bias;
  double eps, head_eps, grn_eps;
} Options;

#define AT(member) offsetof(Options, member)
static const Field fields[] = {
    {"depths", FIELD_INTS, AT(depths), 1, 1000, NULL},
    {"dims", FIELD_INTS, AT(dims), 1, 65536, NULL},
    {"kernel", FIELD_INTS, AT(kernel), 1, 255, NULL},
    {"stem", FIELD_WORD, AT(stem), 0, 0, "patch|overlap|overlap_tiered|overlap_act"},
    {"patch", FIELD_INT, AT(patch), 1, 1024, NULL},
    {"norm", FIELD_WORD, AT(norm), 0, 0, "layernorm|rmsnorm|simplenorm"},
    {"stem_norm", FIELD_BOOL, AT(stem_norm), 0, 0, NULL},
    {"first_downsample", FIELD_BOOL, AT(first_downsample), 0, 0, NULL},
    {"output_stride", FIELD_INT, AT(output_stride), 1, 1024, NULL},
    {"grn", FIELD_BOOL, AT(grn), 0, 0, NULL},
    {"layer_scale", FIELD_NODE, AT(layer_scale), 0, 0, NULL},
    {"expand", FIELD_INT, AT(expand), 1, 64, NULL},
    {"act", FIELD_WORD, AT(act), 0, 0, ACTIVATIONS},
    {"bias", FIELD_BOOL, AT(bias), 0, 0, NULL},
    {"mlp_bias", FIELD_NODE, AT(mlp_bias), 0, 0, NULL},
    {"eps", FIELD_DOUBLE, AT(eps), 0, 1, NULL},
    {"head_eps", FIELD_DOUBLE, AT(head_eps), 0, 1, NULL},
    {"grn_eps", FIELD_DOUBLE, AT(grn_eps), 0, 1, NULL},
    {"pool", FIELD_WORD, AT(pool), 0, 0, "avg|max|avgmax|none"},
    {"head_norm_first", FIELD_BOOL, AT(head_norm_first), 0, 0, NULL},
    {"head_hidden", FIELD_INT, AT(head_hidden), 1, 65536, NULL},
    {"classes", FIELD_INT, AT(classes), 0, 1000000, NULL},
    {"drop_path", FIELD_IGNORE, 0, 0, 0, NULL}, /* training only */
    {"dropout", FIELD_IGNORE, 0, 0, 0, NULL},
};

static void defaults(void *to) {
  *(Options *)to = (Options){.kernel = {1, {7}},
                             .patch = 4,
                             .classes = 1000,
                             .expand = 4,
                             .act = 2, /* gelu */
                             .stem_norm = true,
                             .bias = true,
                             .eps = 1e-6,
                             .head_eps = -1,
                             .grn_eps = 1e-6};
}

/* layer_scale: true, false, or the value that training starts from, of which 0 means none. */
static bool scales_layers(Net *n, const Options *o, bool *out) {
  double start;
  *out = !o->grn;
  if (!o->layer_scale) return true;
  if (node_is_null(o->layer_scale)) return *out = false, true;
  if (node_number(o->layer_scale, &start)) return *out = start > 0, true;
  return yaml_bool(n->graph->context, o->layer_scale, "layer_scale", out) || (n->failed = true, false);
}

/* What all blocks have besides their options. */
typedef struct {
  bool scale, mlp_bias;
} Blocks;

static bool read_blocks(Net *n, const Options *o, Blocks *out) {
  out->mlp_bias = o->bias;
  if (!scales_layers(n, o, &out->scale)) return false;
  if (node_is_null(o->mlp_bias)) return true;
  return yaml_bool(n->graph->context, o->mlp_bias, "mlp_bias", &out->mlp_bias) || (n->failed = true, false);
}

static bool check(Net *n, const Options *o) {
  if (!check_depths(n, &o->depths)) return false;
  if (o->dims.count != o->depths.count)
    return net_key_error(n, "dims", "%zu depths, but %zu dims: one of each a stage", o->depths.count, o->dims.count);
  if (o->kernel.count != 1 && o->kernel.count != o->depths.count)
    return net_key_error(n, "kernel", "%zu kernels for %zu stages", o->kernel.count, o->depths.count);
  for (size_t i = 0; i < o->kernel.count; i++)
    if (o->kernel.at[i] % 2 == 0) return net_key_error(n, "kernel", "kernel %lld is even", (long long)o->kernel.at[i]);
  return true;
}

static const char *indexed(Net *n, const char *format, size_t i) {
  n->layer = arena_printf(n->graph->arena, format, i);
  return n->layer;
}

static ValueId norm(Net *n, const Options *o, ValueId x, const char *name, double eps) {
  n->layer = name;
  if (o->norm == NORM_RMS) return net_rmsnorm(n, x, name, eps);
  if (o->norm == NORM_SIMPLE) return net_simplenorm(n, x, name, eps);
  return net_layernorm(n, x, name, eps, true);
}

/* The next layer of the stem: stem.0, stem.1 ... */
static ValueId stem_conv(Net *n, const Options *o, ValueId x, int *index, int64_t out) {
  ConvLayer c = conv_layer(indexed(n, "stem.%zu", (size_t)(*index)++), out, 3, 2, 1, o->bias);
  return net_conv(n, x, &c);
}

static ValueId build_stem(Net *n, const Options *o, ValueId x) {
  int index = 0;
  int64_t dim = o->dims.at[0];
  if (o->stem == STEM_PATCH) {
    ConvLayer c = conv_layer(indexed(n, "stem.%zu", 0), dim, o->patch, o->patch, 0, o->bias);
    x = net_conv(n, x, &c);
    index = 1;
  } else {
    int64_t half = (dim / 2 + 4) / 8 * 8; /* timm rounds to multiples of 8, by at most a tenth down */
    if (half < 8) half = 8;
    if (half * 10 < dim / 2 * 9) half += 8;
    x = stem_conv(n, o, x, &index, o->stem == STEM_OVERLAP_TIERED ? half : dim);
    if (o->stem == STEM_OVERLAP_ACT) x = net_activation(n, x, o->act), index++;
    x = stem_conv(n, o, x, &index, dim);
  }
  return o->stem_norm ? norm(n, o, x, indexed(n, "stem.%zu", (size_t)index), o->eps) : x;
}

/* How a stage steps: `output_stride` ends the halving, from where on convolutions are dilated instead. */
typedef struct {
  int64_t so_far;          /* stride of the stage's input in pixels */
  int64_t stride;          /* of the downsampling conv */
  int64_t first, dilation; /* of the downsampling conv, of the blocks */
} Pace;

static void next_pace(const Options *o, Pace *p) {
  int64_t before = p->dilation;
  p->stride = 2;
  if (o->output_stride && p->so_far >= o->output_stride) {
    p->dilation *= 2;
    p->stride = 1;
  }
  p->first = before; /* timm: 1 while the blocks have 1 or 2, else 2 */
  if (p->first > 2) p->first = 2;
  p->so_far *= p->stride;
}

static ValueId build_downsample(Net *n, const Options *o, ValueId x, size_t stage, const Pace *p) {
  x = norm(n, o, x, indexed(n, "stages.%zu.downsample.0", stage), o->eps);
  ConvLayer c = conv_layer(indexed(n, "stages.%zu.downsample.1", stage), o->dims.at[stage], 2, p->stride, 0, o->bias);
  for (int i = 0; i < 4 && p->stride == 1; i++) c.pad[i] = (p->first + (i > 1)) / 2; /* the size stays */
  c.dilation[0] = c.dilation[1] = p->first;
  return net_conv(n, x, &c);
}

/* x + gamma (fc2 (grn (act (fc1 (norm (dwconv x)))))) */
static ValueId build_block(Net *n, const Options *o, ValueId x, size_t stage, const char *name, const Blocks *all,
                           int64_t dilation) {
  int64_t dim = o->dims.at[stage], kernel = o->kernel.at[o->kernel.count > 1 ? stage : 0];
  ConvLayer dw = conv_layer(net_name(n, name, "conv_dw"), dim, kernel, 1, dilation * (kernel / 2), o->bias);
  dw.groups = dim;
  dw.dilation[0] = dw.dilation[1] = dilation;
  n->layer = dw.name;
  ValueId y = net_conv(n, x, &dw);
  y = norm(n, o, y, net_name(n, name, "norm"), o->eps);
  y = net_linear(n, y, n->layer = net_name(n, name, "mlp.fc1"), NULL, NULL, o->expand * dim, all->mlp_bias);
  n->layer = net_name(n, name, "mlp.act");
  y = net_activation(n, y, o->act);
  if (o->grn) y = net_grn(n, y, n->layer = net_name(n, name, "mlp.grn"), o->grn_eps);
  y = net_linear(n, y, n->layer = net_name(n, name, "mlp.fc2"), NULL, NULL, dim, all->mlp_bias);
  n->layer = name;
  if (all->scale) y = net_scale(n, y, net_name(n, name, "gamma"));
  return net_add(n, y, x);
}

static ValueId pooled(Net *n, const Options *o, ValueId x) {
  switch (o->pool) {
  case POOL_MAX: return net_max(n, x);
  case POOL_AVGMAX: return net_mul(n, net_add(n, net_mean(n, x), net_max(n, x)), 0.5);
  case POOL_NONE: return x;
  default: return net_mean(n, x);
  }
}

static ValueId build_head(Net *n, const Options *o, ValueId x) {
  double eps = o->head_eps >= 0 ? o->head_eps : o->eps;
  if (o->head_norm_first) x = norm(n, o, x, "norm_pre", eps);
  n->layer = "head.global_pool";
  x = pooled(n, o, x);
  if (!o->head_norm_first) x = norm(n, o, x, "head.norm", eps);
  if (o->pool != POOL_NONE) x = net_flatten(n, x);
  if (o->head_hidden) {
    x = net_linear(n, x, n->layer = "head.pre_logits.fc", NULL, NULL, o->head_hidden, true);
    x = net_activation(n, x, 2); /* timm: always gelu */
  }
  return o->classes ? net_linear(n, x, n->layer = "head.fc", NULL, NULL, o->classes, true) : x;
}

static ValueId build(Net *n, const void *options, ValueId x) {
  const Options *o = options;
  Blocks all;
  if (!check(n, o) || !read_blocks(n, o, &all)) return 0;
  Pace p = {.so_far = o->stem == STEM_PATCH ? o->patch : 4, .dilation = 1};
  x = build_stem(n, o, x);
  for (size_t s = 0; s < o->depths.count && !n->failed; s++) {
    if (s || o->first_downsample) {
      next_pace(o, &p);
      x = build_downsample(n, o, x, s, &p);
    }
    for (size_t b = 0; b < (size_t)o->depths.at[s] && !n->failed; b++)
      x = build_block(n, o, x, s, arena_printf(n->graph->arena, "stages.%zu.blocks.%zu", s, b), &all, p.dilation);
  }
  x = build_head(n, o, x);
  n->layer = NULL;
  return x;
}

const Family family_convnext = {"convnext", fields, sizeof fields / sizeof *fields, sizeof(Options), defaults, build};
