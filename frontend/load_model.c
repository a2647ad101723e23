/* MODEL by what it is: a .nir text begins with "nir 1" (or is named .nir), anything else is taken for ONNX. */
#include "frontend/frontend.h"
#include <string.h>

static bool ends_with(const char *s, const char *end) {
  size_t n = strlen(s), m = strlen(end);
  return n >= m && !strcmp(s + n - m, end);
}

static bool is_nir(const MappedFile *f, const char *path) {
  static const char first[] = "nir 1";
  return ends_with(path, ".nir") || (f->size >= sizeof first - 1 && !memcmp(f->data, first, sizeof first - 1));
}

Graph *load_model(Context *ctx, const char *path, const DimPin *pins, size_t pin_count) {
  MappedFile f;
  if (!map_file(ctx, path, &f)) return NULL;
  if (!is_nir(&f, path)) {
    unmap_file(&f);
    return load_onnx(ctx, path, pins, pin_count);
  }
  Graph *g = NULL;
  if (pin_count)
    error_in(ctx, path, "symbol '%s' cannot be pinned in a .nir text; pin it where the model is imported",
             pins[0].symbol);
  else
    g = graph_parse(ctx, path, f.data ? (const char *)f.data : "", f.size, open_source);
  unmap_file(&f);
  return g;
}
