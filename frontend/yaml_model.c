/* A description's top: base, family or steps, input, labels, preprocessing; see yaml_model.h and docs/yaml.md. */
#include "frontend/yaml_model.h"
#include "ir/text.h"
#include <string.h>

static const Family *const families[] = {&family_convnext, &family_resnet};
enum { FAMILY_COUNT = sizeof families / sizeof *families, MAX_BASES = 32, MAX_INPUTS = 64 };

static const char *const common_keys[] = {"name",   "base",       "family",   "input",   "output",
                                          "labels", "preprocess", "training", STEPS_KEYS};
enum { COMMON_COUNT = sizeof common_keys / sizeof *common_keys };

/* ---- base ---- */

const Node *yaml_with_base(Context *ctx, Arena *arena, const Node *root) {
  if (root->kind != NODE_MAP)
    return yaml_error(ctx, root, "a network is described by a map of keys, not by %s", node_kind_name(root)), NULL;
  const Node *base = node_get(root, "base");
  const char *name;
  if (!base) return root;
  if (!yaml_string(ctx, base, "base", &name)) return NULL;
  int errors = ctx->errors;
  const Node *from = zoo_description(ctx, arena, name);
  if (!from && ctx->errors > errors) yaml_error(ctx, base, "base '%.100s' is no network of the zoo", name);
  return from ? yaml_merge(arena, from, root) : NULL;
}

/* ---- input ---- */

typedef struct {
  const char *name, *type;
  int64_t channels;
  const Node *batch, *size, *shape;
  IntList sizes;
} InputKeys;

#define AT(member) offsetof(InputKeys, member)
static const Field input_fields[] = {
    {"name", FIELD_STRING, AT(name), 0, 0, NULL},
    {"type", FIELD_STRING, AT(type), 0, 0, NULL},
    {"channels", FIELD_INT, AT(channels), 1, 65536, NULL},
    {"batch", FIELD_NODE, AT(batch), 0, 0, NULL},
    {"size", FIELD_NODE, AT(size), 0, 0, NULL},
    {"sizes", FIELD_INTS, AT(sizes), 1, 65536, NULL},
    {"shape", FIELD_NODE, AT(shape), 0, 0, NULL},
};
#undef AT

typedef struct {
  Context *ctx;
  Graph *graph;
  const Node *root;
  const DimPin *pins;
  size_t pin_count;
  bool *pin_used; /* [pin_count] */
} Builder;

/* A number, or a symbol: its pin's number, else a symbol of the graph. */
static bool read_dim(Builder *b, const Node *n, const char *what, Dim *out) {
  double x;
  if (node_number(n, &x)) return yaml_int(b->ctx, n, what, 1, INT64_C(1) << 40, out);
  if (n->kind != NODE_SCALAR || !is_identifier(n->text))
    return yaml_error(b->ctx, n, "%s must be a number or the name of a symbol, not %s", what, node_kind_name(n));
  for (size_t i = 0; i < b->pin_count; i++)
    if (!strcmp(b->pins[i].symbol, n->text)) return b->pin_used[i] = true, *out = b->pins[i].value, true;
  int symbol = graph_symbol(b->graph, n->text);
  if (symbol < 0) return yaml_error(b->ctx, n, "more than %d symbols", MAX_SYMBOLS);
  *out = dim_symbol(symbol, 1);
  return true;
}

/* size: 224, or [height, width]; numbers or symbols. */
static bool read_size(Builder *b, const Node *n, Dim out[2]) {
  if (n->kind != NODE_LIST) return read_dim(b, n, "size", &out[0]) && (out[1] = out[0], true);
  if (n->count != 2) return yaml_error(b->ctx, n, "size must be one number, or height and width");
  return read_dim(b, n->items[0], "size", &out[0]) && read_dim(b, n->items[1], "size", &out[1]);
}

static bool read_shape(Builder *b, const Node *n, Type *t) {
  if (n->kind != NODE_LIST) return yaml_error(b->ctx, n, "shape must be a list");
  if (n->count > MAX_RANK)
    return yaml_error(b->ctx, n, "shape has %zu axes, at most %d are supported", n->count, MAX_RANK);
  t->rank = (uint8_t)n->count;
  for (size_t i = 0; i < n->count; i++)
    if (!read_dim(b, n->items[i], "shape", &t->dim[i])) return false;
  return true;
}

static bool read_input(Builder *b, const Node *input, int64_t size, const char **name, Type *t) {
  InputKeys k = {.name = "image", .type = "f32", .channels = 3};
  DType dtype;
  Dim hw[2] = {224, 224};
  if (!node_is_null(input) &&
      !yaml_fields(b->ctx, input, "input", input_fields, sizeof input_fields / sizeof *input_fields, &k))
    return false;
  *name = k.name;
  if (!dtype_from_name(k.type, strlen(k.type), &dtype))
    return yaml_error(b->ctx, input, "unknown type '%.60s'", k.type);
  *t = type_make(dtype, 4, (const Dim[]){1, k.channels, 0, 0});
  if (k.shape && (k.size || k.batch || k.sizes.count))
    return yaml_error(b->ctx, input, "shape says all; no size, sizes or batch may stand beside it");
  if (k.shape) return read_shape(b, k.shape, t);
  if (k.batch && !read_dim(b, k.batch, "batch", &t->dim[0])) return false;
  if (k.sizes.count) hw[0] = hw[1] = k.sizes.at[0];
  if (k.size && !read_size(b, k.size, hw)) return false;
  t->dim[2] = size > 0 ? size : hw[0];
  t->dim[3] = size > 0 ? size : hw[1];
  return true;
}

bool yaml_sizes(Context *ctx, const Node *root, IntList *out) {
  const Node *input = node_get(root, "input"), *list = node_get(input, "sizes"), *size = node_get(input, "size");
  *out = (IntList){1, {224}};
  if (!list) list = size;
  return !list || yaml_ints(ctx, list, "sizes", 1, 65536, out->at, MAX_INT_LIST, &out->count);
}

/* ---- checks of the whole ---- */

static const Family *find_family(Context *ctx, const Node *root) {
  const Node *n = node_get(root, "family");
  const char *names[FAMILY_COUNT];
  for (int i = 0; i < FAMILY_COUNT; i++) names[i] = families[i]->name;
  for (int i = 0; i < FAMILY_COUNT; i++)
    if (node_is(n, names[i])) return families[i];
  const char *near = n->kind == NODE_SCALAR ? nearest_name(n->text, names, FAMILY_COUNT) : NULL;
  yaml_error(ctx, n, "unknown family '%.60s' (of convnext, resnet)%s%s%s", n->kind == NODE_SCALAR ? n->text : "",
             near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
  return NULL;
}

bool check_depths(Net *n, const IntList *depths) {
  int64_t blocks = 0;
  for (size_t i = 0; i < depths->count; i++) blocks += depths->at[i];
  if (!depths->count) return net_key_error(n, "family", "the family needs depths: blocks of each stage");
  if (depths->count > MAX_STAGES) return net_key_error(n, "depths", "more than %d stages", MAX_STAGES);
  return blocks <= MAX_BLOCKS || net_key_error(n, "depths", "more than %d blocks", MAX_BLOCKS);
}

/* The keys of the top are common ones or options of one of the families. */
static bool check_keys(Builder *b, const Family *const *of, int family_count) {
  const char *names[COMMON_COUNT + 64];
  size_t count = 0;
  for (size_t i = 0; i < COMMON_COUNT; i++) names[count++] = common_keys[i];
  for (int f = 0; f < family_count; f++)
    for (size_t i = 0; i < of[f]->field_count; i++) names[count++] = of[f]->fields[i].key;
  return yaml_check_keys(b->ctx, b->root, "a network", names, count);
}

/* Keys that would say nothing: the general language's beside a family, a name for one output beside several. */
static bool check_pairs(Builder *b) {
  static const char *const pairs[][2] = {
      {"family", "model"}, {"family", "blocks"}, {"family", "outputs"}, {"family", "params"}, {"output", "outputs"}};
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
    const Node *first = node_get(b->root, pairs[i][0]), *second = node_get(b->root, pairs[i][1]);
    if (first && second)
      return yaml_error(b->ctx, second, "a network has %s %s or %s, not both", *pairs[i][0] == 'o' ? "an" : "a",
                        pairs[i][0], i ? pairs[i][1] : "a model");
  }
  return true;
}

static bool check_pins(Builder *b) {
  bool ok = true;
  for (size_t i = 0; i < b->pin_count; i++) {
    const DimPin *p = &b->pins[i];
    if (p->value < 1)
      ok = yaml_error(b->ctx, b->root, "dim '%s' is set to %lld", p->symbol, (long long)p->value);
    else if (!b->pin_used[i])
      ok = yaml_error(b->ctx, b->root, "no symbolic dim '%s' (%s)", p->symbol,
                      b->graph->symbol_count ? b->graph->symbols[0] : "all dims are numbers");
  }
  return ok;
}

/* ---- building ---- */

static ValueId build_family(Net *n, Builder *b, const Family *family, ValueId x) {
  void *options = arena_alloc(n->arena, family->options_size);
  family->defaults(options);
  if (!yaml_read_fields(b->ctx, b->root, family->fields, family->field_count, options)) return n->failed = true, 0;
  return family->build(n, options, x);
}

/* One label a class, classes being the last axis of the one output. */
static void warn_of_labels(Context *ctx, const Node *labels, const Type *t) {
  if (!labels || labels->kind != NODE_LIST || t->rank != 2 || (int64_t)labels->count == t->dim[1]) return;
  diag(ctx, DIAG_WARNING, (Where){.file = labels->file, .line = labels->line, .column = labels->column},
       "%zu labels for %lld classes", labels->count, (long long)t->dim[1]);
}

/* input: one map, or a list of them. */
static bool make_inputs(Net *n, Builder *b, int64_t size, ValueId *out, size_t *count) {
  const Node *input = node_get(b->root, "input");
  const bool list = input && input->kind == NODE_LIST;
  const char *names[MAX_INPUTS];
  Type types[MAX_INPUTS];
  *count = list ? input->count : 1;
  if (!*count || *count > MAX_INPUTS) return yaml_error(b->ctx, input, "a network has from 1 to %d inputs", MAX_INPUTS);
  for (size_t i = 0; i < *count; i++) {
    const Node *at = list ? input->items[i] : input;
    if (!read_input(b, at, i ? 0 : size, &names[i], &types[i])) return false;
    for (size_t j = 0; j < i; j++)
      if (!strcmp(names[i], names[j])) return yaml_error(b->ctx, at, "two inputs are called '%.100s'", names[i]);
  }
  if (!check_pins(b)) return false;
  for (size_t i = 0; i < *count; i++) out[i] = net_input(n, names[i], &types[i]);
  return !n->failed;
}

static bool build_network(Net *n, Builder *b, int64_t size) {
  const Node *family_key = node_get(b->root, "family"), *model = node_get(b->root, "model");
  const Node *output = node_get(b->root, "output");
  const Family *family = family_key ? find_family(b->ctx, b->root) : NULL;
  const char *output_name = "logits";
  ValueId inputs[MAX_INPUTS];
  size_t input_count;
  if (family_key && !family) return false;
  if (!family_key && !model) /* or the key is misspelt */
    return check_keys(b, families, FAMILY_COUNT) && yaml_error(b->ctx, b->root, "a network needs a family or a model");
  if (!check_pairs(b)) return false;
  if (!check_keys(b, &family, family != NULL)) return false;
  if (output && !yaml_string(b->ctx, output, "output", &output_name)) return false;
  if (!*output_name) return yaml_error(b->ctx, output, "output is an empty name");
  if (!make_inputs(n, b, size, inputs, &input_count)) return false;
  if (family && input_count > 1)
    return yaml_error(b->ctx, node_get(b->root, "input"), "a family's network has one input, not %zu", input_count);
  ValueId y = family ? build_family(n, b, family, inputs[0]) : build_steps(n, b->root, inputs, input_count);
  if (!n->failed && y) net_output(n, output_name, y);
  if (!n->failed && y) warn_of_labels(b->ctx, node_get(b->root, "labels"), net_type(n, y));
  return !n->failed;
}

Graph *build_yaml(Context *ctx, const Node *root, const char *graph_name, int64_t size, const DimPin *pins,
                  size_t pin_count, int64_t *learned) {
  Arena *scratch = arena_new();
  Graph *g = graph_new(ctx, graph_name);
  graph_add_source(g, no_weights(ctx, root->file));
  Builder b = {.ctx = ctx, .graph = g, .root = root, .pins = pins, .pin_count = pin_count};
  b.pin_used = ARENA_ARRAY(scratch, bool, pin_count + 1);
  Net n = {.graph = g, .arena = scratch, .root = root, .at = root, .params.arena = scratch, .op_limit = NET_MAX_OPS};
  bool ok = build_network(&n, &b, size) && read_notes(ctx, root, g);
  if (learned) *learned = n.learned;
  arena_free(scratch);
  if (ok) return g;
  graph_free(g);
  return NULL;
}
