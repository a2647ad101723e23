/* MODEL by what it is; see frontend.h. */
#include "frontend/check_sizes.h"
#include "frontend/checkpoint.h"
#include "frontend/frontend.h"
#include "frontend/weights.h"
#include "frontend/yaml_model.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool ends_with(const char *s, const char *end) {
  size_t n = strlen(s), m = strlen(end);
  return n >= m && !strcmp(s + n - m, end);
}

static bool is_folder(const char *path) {
  struct stat s;
  return !stat(path, &s) && S_ISDIR(s.st_mode);
}

static bool is_nir(const MappedFile *f, const char *path) {
  static const char first[] = "nir 1";
  return ends_with(path, ".nir") || (f->size >= sizeof first - 1 && !memcmp(f->data, first, sizeof first - 1));
}

typedef struct {
  Context *ctx;
  const char *path;
  const DimPin *pins;
  size_t pin_count;
} Request;

/* The description's own name, else the file's. */
static const char *model_name(Arena *a, const Node *root, const char *path) {
  const Node *name = node_get(root, "name");
  return graph_name_of(a, name && name->kind == NODE_SCALAR ? name->text : path);
}

static Graph *load_description(const Request *r, Arena *scratch, const Node *root, const char *name, int64_t size) {
  if (root) root = yaml_with_base(r->ctx, scratch, root);
  return root ? build_yaml(r->ctx, root, model_name(scratch, root, name), size, r->pins, r->pin_count, NULL) : NULL;
}

/* zoo:NAME or zoo:NAME@SIZE */
static Graph *load_zoo(const Request *r, Arena *scratch) {
  const char *name = r->path + strlen("zoo:"), *at = strchr(name, '@');
  char *end = NULL;
  long long size = at ? strtoll(at + 1, &end, 10) : 0;
  if (at && (!at[1] || *end || size < 1 || size > 65536))
    return error_in(r->ctx, r->path, "an image size from 1 to 65536 should follow '@'"), NULL;
  if (at) name = arena_strndup(scratch, name, (size_t)(at - name));
  return load_description(r, scratch, zoo_description(r->ctx, scratch, name), name, size);
}

static Graph *load_nir(const Request *r, const MappedFile *f) {
  if (!r->pin_count) return graph_parse(r->ctx, r->path, f->data ? (const char *)f->data : "", f->size, open_source);
  error_in(r->ctx, r->path, "symbol '%s' cannot be pinned in a .nir text; pin it where the model is imported",
           r->pins[0].symbol);
  return NULL;
}

static Graph *load_file(const Request *r, Arena *scratch) {
  MappedFile f;
  if (!map_file(r->ctx, r->path, &f)) return NULL;
  Graph *g = NULL;
  if (is_nir(&f, r->path)) {
    g = load_nir(r, &f);
  } else if (ends_with(r->path, ".yaml") || ends_with(r->path, ".yml")) {
    const char *text = f.data ? (const char *)f.data : "";
    g = load_description(r, scratch, yaml_parse(r->ctx, scratch, arena_strdup(scratch, r->path), text, f.size), r->path,
                         0);
  } else {
    unmap_file(&f);
    return load_onnx(r->ctx, r->path, r->pins, r->pin_count);
  }
  unmap_file(&f);
  return g;
}

Graph *load_model_from(Context *ctx, const char *path, const DimPin *pins, size_t pin_count, const char *weights_from) {
  Request r = {ctx, path, pins, pin_count};
  Arena *scratch = arena_new();
  bool folder = is_folder(path);
  Graph *g = !strncmp(path, "zoo:", 4) ? load_zoo(&r, scratch)
             : folder                  ? load_checkpoint(ctx, path, pins, pin_count, weights_from)
                                       : load_file(&r, scratch);
  bool good = g && check_sizes(g) && (!weights_from || folder || bind_weights(g, weights_from));
  if (g && !good) {
    graph_free(g);
    g = NULL;
  }
  arena_free(scratch);
  return g;
}

Graph *load_model(Context *ctx, const char *path, const DimPin *pins, size_t pin_count) {
  return load_model_from(ctx, path, pins, pin_count, NULL);
}
