/* Keys labels and preprocess of a description; see docs/yaml.md. */
#include "frontend/yaml_model.h"
#include <string.h>

enum { MAX_CHANNELS = 64 };

static bool read_labels(Context *ctx, const Node *n, Graph *g) {
  if (n->kind != NODE_LIST) return yaml_error(ctx, n, "labels must be a list, not %s", node_kind_name(n));
  const char **labels = ARENA_ARRAY(g->arena, const char *, n->count + 1);
  for (size_t i = 0; i < n->count; i++) {
    const char *text;
    if (!yaml_string(ctx, n->items[i], "a label", &text)) return false;
    labels[i] = arena_strdup(g->arena, text);
  }
  g->notes.labels = labels;
  g->notes.label_count = (int32_t)n->count;
  return true;
}

static bool read_channels(Context *ctx, const Node *n, const char *what, double low, Graph *g, Floats *out) {
  double list[MAX_CHANNELS];
  if (n->kind != NODE_LIST || !n->count || n->count > MAX_CHANNELS)
    return yaml_error(ctx, n, "%s must be a list of numbers, one a channel", what);
  for (size_t i = 0; i < n->count; i++)
    if (!yaml_double(ctx, n->items[i], what, low, 1e6, &list[i])) return false;
  *out = floats_copy(g->arena, list, (int32_t)n->count);
  return true;
}

typedef struct {
  const Node *mean, *std;
  double crop;
  int interpolation, resize;
} Keys;

static const Field fields[] = {
    {"mean", FIELD_NODE, offsetof(Keys, mean), 0, 0, NULL},
    {"std", FIELD_NODE, offsetof(Keys, std), 0, 0, NULL},
    {"crop", FIELD_DOUBLE, offsetof(Keys, crop), 0.01, 1, NULL},
    {"resize", FIELD_WORD, offsetof(Keys, resize), 0, 0, "shorter|squash"},
    {"interpolation", FIELD_WORD, offsetof(Keys, interpolation), 0, 0, "nearest|bilinear|bicubic|lanczos"},
};

static bool read_preprocess(Context *ctx, const Node *n, Graph *g) {
  static const char *const words[] = {"nearest", "bilinear", "bicubic", "lanczos"};
  Keys k = {.crop = 0.875, .interpolation = 2};
  if (!yaml_fields(ctx, n, "preprocess", fields, sizeof fields / sizeof *fields, &k)) return false;
  Notes *notes = &g->notes;
  notes->mean = floats_copy(g->arena, (const double[]){0.485, 0.456, 0.406}, 3);
  notes->std = floats_copy(g->arena, (const double[]){0.229, 0.224, 0.225}, 3);
  if (k.mean && !read_channels(ctx, k.mean, "mean", -1e6, g, &notes->mean)) return false;
  if (k.std && !read_channels(ctx, k.std, "std", 1e-6, g, &notes->std)) return false;
  if (notes->mean.count != notes->std.count)
    return yaml_error(ctx, n, "%d means, but %d standard deviations", notes->mean.count, notes->std.count);
  notes->crop = k.crop;
  notes->squash = k.resize == 1;
  notes->interpolation = words[k.interpolation];
  notes->preprocess = true;
  return true;
}

bool read_notes(Context *ctx, const Node *root, Graph *g) {
  const Node *labels = node_get(root, "labels"), *preprocess = node_get(root, "preprocess");
  if (!node_is_null(labels) && !read_labels(ctx, labels, g)) return false;
  return node_is_null(preprocess) || read_preprocess(ctx, preprocess, g);
}
