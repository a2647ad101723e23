/* Checkpoint folders: the keys of config.json become the keys of a description; see checkpoint.h. */
#include "frontend/checkpoint.h"
#include "frontend/weights.h"
#include "frontend/yaml_model.h"
#include "frontend/zoo.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- descriptions made of JSON's nodes ---- */

typedef struct {
  Context *ctx;
  Arena *arena;
  const char *folder;
  const Node *config;
  Node *out;                  /* the description */
  const Node *labels, *means; /* means: a map of mean, std, crop, interpolation */
} Folder;

static Node *new_map(Folder *f, size_t room) {
  Node *n = ARENA_NEW(f->arena, Node);
  *n = (Node){.kind = NODE_MAP, .line = 1, .column = 1, .file = f->config->file};
  n->keys = ARENA_ARRAY(f->arena, const Node *, room);
  n->items = ARENA_ARRAY(f->arena, const Node *, room);
  return n;
}

static const Node *new_scalar(Folder *f, const char *text, const Node *at) {
  Node *n = ARENA_NEW(f->arena, Node);
  *n = (Node){.kind = NODE_SCALAR, .line = at->line, .column = at->column, .file = at->file, .text = text};
  return n;
}

enum { MAX_KEYS = 48 };

/* Sets a key; a later value replaces an earlier one. NULL: nothing. */
static void put(Folder *f, Node *map, const char *key, const Node *value) {
  if (!value) return;
  for (size_t i = 0; i < map->count; i++)
    if (!strcmp(map->keys[i]->text, key)) {
      map->items[i] = value;
      return;
    }
  if (map->count == MAX_KEYS) die("more than %d keys in a description", MAX_KEYS);
  map->keys[map->count] = new_scalar(f, key, value);
  map->items[map->count++] = value;
}

/* Keys of a config and what a description calls them. NULL: read elsewhere, or of training alone. */
typedef struct {
  const char *theirs, *ours;
} KeyRow;

/* Words for activations and norms that others use. */
static const Node *our_word(Folder *f, const Node *n) {
  static const KeyRow words[] = {{"gelu_new", "gelu_tanh"},
                                 {"gelu_pytorch_tanh", "gelu_tanh"},
                                 {"gelu_fast", "gelu_tanh"},
                                 {"gelu_accurate", "gelu_tanh"},
                                 {"gelu_python", "gelu"},
                                 {"swish", "silu"},
                                 {"hardswish", "hard_swish"},
                                 {"hardsigmoid", "hard_sigmoid"},
                                 {"linear", "none"},
                                 {"identity", "none"},
                                 {"layernorm2d", "layernorm"},
                                 {"rmsnorm2d", "rmsnorm"},
                                 {"simplenorm2d", "simplenorm"},
                                 {"celu", "elu"}, /* their alphas are 1 */
                                 {"fastavg", "avg"},
                                 {"fastmax", "max"},
                                 {"fastavgmax", "avgmax"},
                                 {"", "none"}};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (node_is(n, words[i].theirs)) return new_scalar(f, words[i].ours, n);
  return n;
}

static void put_rows(Folder *f, const Node *from, const KeyRow *rows, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const Node *n = node_get(from, rows[i].theirs);
    if (!rows[i].ours || !n) continue;
    put(f, f->out, rows[i].ours, our_word(f, n));
  }
}

/* ---- Hugging Face transformers ---- */

static const KeyRow hf_rows[] = {{"depths", "depths"},
                                 {"hidden_sizes", "dims"},
                                 {"patch_size", "patch"},
                                 {"hidden_act", "act"},
                                 {"layer_norm_eps", "head_eps"},
                                 {"num_labels", "classes"},
                                 {"layer_scale_init_value", "layer_scale"}};

/* {"0": "cat", "1": "dog"} as a list. */
static bool hf_labels(Folder *f) {
  const Node *map = node_get(f->config, "id2label");
  if (node_is_null(map)) return true;
  if (map->kind != NODE_MAP || !map->count)
    return yaml_error(f->ctx, map, "id2label must be a map of numbers to labels");
  Node *list = ARENA_NEW(f->arena, Node);
  *list = (Node){.kind = NODE_LIST, .line = map->line, .column = map->column, .file = map->file, .count = map->count};
  list->items = ARENA_ARRAY(f->arena, const Node *, map->count);
  for (size_t i = 0; i < map->count; i++) {
    char *end;
    unsigned long id = strtoul(map->keys[i]->text, &end, 10);
    if (*end || end == map->keys[i]->text || id >= map->count || list->items[id])
      return yaml_error(f->ctx, map->keys[i], "id2label: '%.60s' is none of 0 to %zu", map->keys[i]->text,
                        map->count - 1);
    list->items[id] = map->items[i];
  }
  f->labels = list;
  put(f, f->out, "classes", new_scalar(f, arena_printf(f->arena, "%zu", map->count), map));
  return true;
}

static const char *const hf_supported[] = {"ConvNextForImageClassification", "ConvNextV2ForImageClassification"};

static bool hf_architecture(Folder *f, bool *v2) {
  const Node *list = node_get(f->config, "architectures"), *type = node_get(f->config, "model_type");
  const Node *name = list && list->kind == NODE_LIST && list->count ? list->items[0] : NULL;
  *v2 = name ? node_is(name, hf_supported[1]) : node_is(type, "convnextv2");
  if (*v2 || (name ? node_is(name, hf_supported[0]) : node_is(type, "convnext"))) return true;
  const Node *at = name ? name : type;
  return yaml_error(f->ctx, at, "architecture '%.100s' is not supported; supported are %s, %s and timm's convnext*",
                    at->kind == NODE_SCALAR ? at->text : "", hf_supported[0], hf_supported[1]);
}

static const Node *preset(Folder *f, const char *text) {
  return yaml_parse(f->ctx, f->arena, f->config->file, text, strlen(text));
}

static const Node *number_or(const Node *n, const Node *otherwise) { return node_is_null(n) ? otherwise : n; }

/* A list of the processor, or what it is by default, in units of pixels from 0 to 1. */
static const Node *hf_channels(Folder *f, const Node *list, const char *otherwise, double scale) {
  if (node_is_null(list)) list = preset(f, otherwise);
  if (fabs(scale - 1) < 1e-6 || !list || list->kind != NODE_LIST) return list;
  Node *out = arena_copy(f->arena, list, sizeof *list);
  out->items = ARENA_ARRAY(f->arena, const Node *, list->count);
  for (size_t i = 0; i < list->count; i++) {
    double x;
    out->items[i] = list->items[i];
    if (node_number(list->items[i], &x))
      out->items[i] = new_scalar(f, arena_printf(f->arena, "%.17g", x / scale), list->items[i]);
  }
  return out;
}

/* (rescale_factor pixel - mean) / std, pixels from 0 to 255, either step of which may be off. */
static bool hf_means(Folder *f, const Node *root, Node *map) {
  const bool normal = !node_is(node_get(root, "do_normalize"), "false");
  const Node *factor = node_get(root, "rescale_factor");
  double scale = 1.0 / 255;
  if (node_is(node_get(root, "do_rescale"), "false"))
    scale = 1;
  else if (!node_is_null(factor) && !yaml_double(f->ctx, factor, "rescale_factor", 1e-9, 1e9, &scale))
    return false;
  put(f, map, "mean",
      hf_channels(f, normal ? node_get(root, "image_mean") : NULL, normal ? "[0.5, 0.5, 0.5]" : "[0, 0, 0]",
                  255 * scale));
  put(f, map, "std",
      hf_channels(f, normal ? node_get(root, "image_std") : NULL, normal ? "[0.5, 0.5, 0.5]" : "[1, 1, 1]",
                  255 * scale));
  return true;
}

/* preprocessor_config.json beside it, which need not be there. */
static bool hf_preprocess(Folder *f) {
  static const char *const resamples[] = {"nearest", "lanczos", "bilinear", "bicubic"}; /* PIL's numbers */
  const char *path = arena_printf(f->arena, "%s/preprocessor_config.json", f->folder);
  struct stat s;
  if (stat(path, &s)) return true;
  const Node *root = json_parse_file(f->ctx, f->arena, path), *size = node_get(root, "size");
  if (!root) return false;
  Node *map = new_map(f, MAX_KEYS);
  double resample = 2, edge = 224;
  if (!hf_means(f, root, map)) return false;
  const Node *shortest = node_get(size, "shortest_edge") ? node_get(size, "shortest_edge") : size;
  const Node *crop = node_get(root, "crop_pct");
  bool large = node_number(shortest, &edge) && edge >= 384; /* squashed, not cropped */
  if (large) put(f, map, "resize", new_scalar(f, "squash", root));
  if (large || !node_is_null(crop)) put(f, map, "crop", large ? new_scalar(f, "1", root) : crop);
  node_number(node_get(root, "resample"), &resample);
  if (resample >= 0 && resample <= 3) put(f, map, "interpolation", new_scalar(f, resamples[(int)resample], root));
  f->means = map;
  return true;
}

/* Lists of another length than num_stages are no network to transformers. */
static bool hf_stages(Folder *f) {
  const Node *n = node_get(f->config, "num_stages"), *depths = node_get(f->out, "depths");
  int64_t stages;
  if (node_is_null(n) || depths->kind != NODE_LIST) return true;
  if (!yaml_int(f->ctx, n, "num_stages", 1, MAX_STAGES, &stages)) return false;
  return (size_t)stages == depths->count ||
         yaml_error(f->ctx, n, "num_stages is %lld, but there are %zu depths", (long long)stages, depths->count);
}

static bool read_hf(Folder *f) {
  const Node *base =
      preset(f, "{family: convnext, depths: [3, 3, 9, 3], dims: [96, 192, 384, 768], head_eps: 1.0e-12,\n"
                " classes: 2, layer_scale: 1.0e-6}");
  bool v2;
  if (!base || !hf_architecture(f, &v2)) return false;
  for (size_t i = 0; i < base->count; i++) put(f, f->out, base->keys[i]->text, base->items[i]);
  for (size_t i = 0; i < sizeof hf_rows / sizeof *hf_rows; i++)
    if (!node_is_null(node_get(f->config, hf_rows[i].theirs))) put_rows(f, f->config, &hf_rows[i], 1);
  if (!hf_stages(f)) return false;
  if (v2) {
    put(f, f->out, "grn", new_scalar(f, "true", f->config));
    put(f, f->out, "layer_scale", new_scalar(f, "false", f->config));
  }
  Node *input = new_map(f, MAX_KEYS);
  put(f, input, "channels", node_get(f->config, "num_channels"));
  put(f, input, "size", number_or(node_get(f->config, "image_size"), NULL));
  put(f, f->out, "input", input);
  return hf_labels(f) && hf_preprocess(f);
}

/* ---- timm ---- */

/* timm's own variants on networks of the papers: what they change. */
static const struct {
  const char *name, *base, *change;
} variants[] = {
    {"convnext_atto_ols", "convnext_atto", "{stem: overlap_tiered}"},
    {"convnext_femto_ols", "convnext_femto", "{stem: overlap_tiered}"},
    {"convnext_pico_ols", "convnext_pico", "{stem: overlap_tiered}"},
    {"convnext_nano_ols", "convnext_nano", "{stem: overlap}"},
    {"convnext_tiny_hnf", "convnext_tiny", "{head_norm_first: true}"},
    {"convnext_large_mlp", "convnext_large", "{head_hidden: 1536}"},
    {"convnext_xxlarge", "convnext_xlarge", "{depths: [3, 4, 30, 3], dims: [384, 768, 1536, 3072], eps: 1.0e-5}"},
    {"convnext_atto_rms", "convnext_atto", "{norm: rmsnorm}"},
    {"convnext_zepto_rms", "convnext_atto", "{depths: [2, 2, 4, 2], dims: [32, 64, 128, 256], norm: simplenorm}"},
    {"convnext_zepto_rms_ols", "convnext_atto",
     "{depths: [2, 2, 4, 2], dims: [32, 64, 128, 256], norm: simplenorm, stem: overlap_act}"},
    {"convnextv2_small", "convnext_small", "{grn: true}"},
    {"test_convnext", "convnext_atto", "{depths: [1, 2, 4, 2], dims: [24, 32, 48, 64], eps: 1.0e-5, act: gelu_tanh}"},
    {"test_convnext2", "convnext_atto", "{depths: [1, 1, 1, 1], dims: [32, 64, 96, 128], eps: 1.0e-5, act: gelu_tanh}"},
    {"test_convnext3", "convnext_atto",
     "{depths: [1, 1, 1, 1], dims: [32, 64, 96, 128], eps: 1.0e-5, kernel: [7, 5, 5, 3], act: silu}"},
};

static const KeyRow timm_rows[] = {
    {"in_chans", NULL},
    {"num_classes", "classes"},
    {"depths", "depths"},
    {"dims", "dims"},
    {"kernel_sizes", "kernel"},
    {"ls_init_value", "layer_scale"},
    {"stem_type", "stem"},
    {"patch_size", "patch"},
    {"use_grn", "grn"},
    {"act_layer", "act"},
    {"norm_eps", "eps"},
    {"conv_bias", "bias"},
    {"conv_mlp", NULL},
    {"head_norm_first", "head_norm_first"},
    {"global_pool", "pool"},
    {"head_hidden_size", "head_hidden"},
    {"output_stride", "output_stride"},
    {"head_init_scale", NULL},
    {"norm_layer", "norm"},
    {"drop_rate", NULL},
    {"drop_path_rate", NULL},
};
enum { TIMM_ROWS = sizeof timm_rows / sizeof *timm_rows };

/* Arguments that nextc takes one value of. */
static const struct {
  const char *key, *values; /* separated by | */
} fixed_args[] = {{"global_pool", "avg|max|avgmax|fastavg|fastmax|fastavgmax|"},
                  {"norm_layer", "layernorm|layernorm2d|rmsnorm|rmsnorm2d|simplenorm|simplenorm2d"}};

static bool check_fixed(Folder *f, const Node *map) {
  for (size_t i = 0; i < sizeof fixed_args / sizeof *fixed_args; i++) {
    const Node *n = node_get(map, fixed_args[i].key);
    int word;
    if (!node_is_null(n) && !yaml_word(f->ctx, n, fixed_args[i].key, fixed_args[i].values, &word)) return false;
  }
  return true;
}

static bool timm_arguments(Folder *f, const Node *args) {
  const char *names[TIMM_ROWS];
  double start;
  if (node_is_null(args)) return true;
  for (size_t i = 0; i < TIMM_ROWS; i++) names[i] = timm_rows[i].theirs;
  if (!yaml_check_keys(f->ctx, args, "model_args", names, TIMM_ROWS)) return false;
  if (!check_fixed(f, args)) return false;
  put_rows(f, args, timm_rows, TIMM_ROWS);
  if (node_number(node_get(args, "ls_init_value"), &start)) /* also 0 is a LayerScale to timm, if not to others */
    put(f, f->out, "layer_scale", new_scalar(f, "true", args));
  bool patches = !node_get(f->out, "stem") || node_is(node_get(f->out, "stem"), "patch");
  if (patches && node_is(node_get(args, "patch_size"), "2")) /* timm's stages begin at 1/4 of the image's size */
    put(f, f->out, "first_downsample", new_scalar(f, "true", args));
  return true;
}

static bool put_network(Folder *f, const char *name, const Node *at) {
  const char *change = NULL;
  for (size_t i = 0; i < sizeof variants / sizeof *variants; i++)
    if (!strcmp(variants[i].name, name)) name = variants[i].base, change = variants[i].change;
  const Node *base = !strncmp(name, "convnext", 8) && zoo_find(name) ? zoo_description(f->ctx, f->arena, name) : NULL;
  if (!base)
    return yaml_error(f->ctx, at, "architecture '%.100s' is not supported; supported are timm's convnext*, %s and %s",
                      name, hf_supported[0], hf_supported[1]);
  const Node *more = change ? preset(f, change) : NULL;
  put(f, f->out, "layer_scale", new_scalar(f, "true", at)); /* also where model_args ask for GRN */
  for (size_t i = 0; i < base->count; i++) put(f, f->out, base->keys[i]->text, base->items[i]);
  for (size_t i = 0; more && i < more->count; i++) put(f, f->out, more->keys[i]->text, more->items[i]);
  if (node_get(f->out, "grn")) put(f, f->out, "layer_scale", new_scalar(f, "false", at));
  return true;
}

/* [3, 224, 224] */
static bool timm_input(Folder *f, const Node *config, const Node *args) {
  const Node *size = node_get(config, "input_size"), *channels = node_get(args, "in_chans");
  Node *input = new_map(f, MAX_KEYS);
  if (!node_is_null(size)) {
    if (size->kind != NODE_LIST || size->count != 3)
      return yaml_error(f->ctx, size, "input_size must be a list of channels, height and width");
    Node *hw = arena_copy(f->arena, size, sizeof *size);
    hw->items = size->items + 1;
    hw->count = 2;
    put(f, input, "size", hw);
    if (!channels) channels = size->items[0];
  }
  put(f, input, "channels", channels);
  put(f, f->out, "input", input);
  return true;
}

static bool read_timm(Folder *f) {
  const Node *name = node_get(f->config, "architecture"), *args = node_get(f->config, "model_args");
  const Node *config = node_get(f->config, "pretrained_cfg");
  const char *text;
  if (!yaml_string(f->ctx, name, "architecture", &text)) return false;
  if (!put_network(f, arena_strndup(f->arena, text, strcspn(text, ".")), name)) return false;
  put(f, f->out, "classes", number_or(node_get(f->config, "num_classes"), node_get(config, "num_classes")));
  if (!check_fixed(f, config)) return false;
  if (!node_is_null(node_get(config, "global_pool")))
    put(f, f->out, "pool", our_word(f, node_get(config, "global_pool")));
  put(f, f->out, "mlp_bias", new_scalar(f, "true", f->config)); /* conv_bias is of convs alone */
  put(f, f->out, "output_stride", new_scalar(f, "32", f->config));
  if (!timm_arguments(f, args) || !timm_input(f, config, args)) return false;
  Node *means = new_map(f, MAX_KEYS);
  put(f, means, "mean", node_get(config, "mean"));
  put(f, means, "std", node_get(config, "std"));
  put(f, means, "crop", node_get(config, "crop_pct"));
  if (node_is(node_get(config, "crop_mode"), "squash")) put(f, means, "resize", node_get(config, "crop_mode"));
  put(f, means, "interpolation", node_get(config, "interpolation"));
  if (means->count) f->means = means;
  f->labels = node_get(f->config, "label_names") ? node_get(f->config, "label_names") : node_get(config, "label_names");
  return true;
}

/* ---- the folder ---- */

static bool is_file(const char *path) {
  struct stat s;
  return !stat(path, &s) && S_ISREG(s.st_mode);
}

/* The folder's weights; NULL + diag. */
static const char *find_weights(Folder *f) {
  static const char *const names[] = {"model.safetensors", "model.safetensors.index.json"};
  for (size_t i = 0; i < 2; i++) {
    const char *path = arena_printf(f->arena, "%s/%s", f->folder, names[i]);
    if (is_file(path)) return path;
  }
  bool pickle = is_file(arena_printf(f->arena, "%s/pytorch_model.bin", f->folder));
  error_in(f->ctx, f->folder, "no %s or %s in it%s", names[0], names[1],
           pickle ? " (pytorch_model.bin is a pickle, which is not read; save it as safetensors)" : "");
  return NULL;
}

static bool read_config(Folder *f) {
  const char *path = arena_printf(f->arena, "%s/config.json", f->folder);
  if (!is_file(path))
    return error_in(f->ctx, f->folder,
                    "no config.json in it: no checkpoint of transformers or timm; describe the network "
                    "in YAML, its weights come by --weights-from");
  f->config = json_parse_file(f->ctx, f->arena, path);
  if (!f->config) return false;
  if (f->config->kind != NODE_MAP)
    return yaml_error(f->ctx, f->config, "is %s, not an object", node_kind_name(f->config));
  f->out = new_map(f, MAX_KEYS);
  bool hf = node_get(f->config, "architectures") || node_get(f->config, "model_type");
  if (!hf && !node_get(f->config, "architecture"))
    return yaml_error(f->ctx, f->config, "has neither 'architectures' (transformers) nor 'architecture' (timm)");
  if (!(hf ? read_hf(f) : read_timm(f))) return false;
  put(f, f->out, "labels", f->labels);
  put(f, f->out, "preprocess", f->means);
  return true;
}

static Graph *build(Folder *f, const DimPin *pins, size_t pin_count, const char *weights_from) {
  if (!read_config(f)) return NULL;
  size_t end = strlen(f->folder);
  while (end > 1 && f->folder[end - 1] == '/') end--;
  const char *name = graph_name_of(f->arena, arena_strndup(f->arena, f->folder, end));
  Graph *g = build_yaml(f->ctx, f->out, name, 0, pins, pin_count, NULL);
  const char *weights = weights_from ? weights_from : g ? find_weights(f) : NULL;
  if (!g || (weights && bind_weights(g, weights))) return g;
  graph_free(g);
  return NULL;
}

Graph *load_checkpoint(Context *ctx, const char *folder, const DimPin *pins, size_t pin_count,
                       const char *weights_from) {
  Arena *arena = arena_new();
  Folder f = {.ctx = ctx, .arena = arena, .folder = folder};
  Graph *g = build(&f, pins, pin_count, weights_from);
  arena_free(arena);
  return g;
}
