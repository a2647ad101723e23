/* External data files: found in the model's folder and nowhere else, mapped once each. Where the model is a link, as in
 * caches of models that keep contents by hash, the folder that it leads to is the model's, too. */
#define _DEFAULT_SOURCE /* realpath */
#include "frontend/onnx_tensor.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *location_of(const Onnx__TensorProto *t) {
  for (size_t i = 0; i < t->n_external_data; i++) {
    const Onnx__StringStringEntryProto *e = t->external_data[i];
    if (e->key && e->value && !strcmp(e->key, "location")) return e->value;
  }
  return NULL;
}

/* A second value of what is looked up by key would be read by some programs and not by others. */
static const char *repeated_key(const Onnx__TensorProto *t) {
  static const char *const keys[] = {"location", "offset", "length"};
  for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
    int count = 0;
    for (size_t i = 0; i < t->n_external_data; i++)
      count += t->external_data[i]->key && !strcmp(t->external_data[i]->key, keys[k]);
    if (count > 1) return keys[k];
  }
  return NULL;
}

/* Does a path start at a root or step above where it starts? Backslashes count as slashes: the model may come from
 * anywhere. */
static bool escapes(const char *path) {
  if (!*path || *path == '/' || *path == '\\' || (path[0] && path[1] == ':')) return true;
  int depth = 0;
  for (const char *part = path; part;) {
    size_t n = strcspn(part, "/\\");
    if (n == 2 && part[0] == '.' && part[1] == '.')
      depth--;
    else if (n && (n != 1 || part[0] != '.'))
      depth++;
    if (depth < 0) return true;
    part = part[n] ? part + n + 1 : NULL;
  }
  return false;
}

static bool is_inside(const char *folder, const char *path) {
  size_t n = strlen(folder);
  return !strncmp(folder, path, n) && (path[n] == '/' || (n && folder[n - 1] == '/'));
}

/* Is path in the folder of a file? */
static bool is_beside(char *file, const char *path) {
  char *slash = file ? strrchr(file, '/') : NULL;
  if (!slash) return false;
  *slash = 0;
  return is_inside(file, path);
}

/* Real path of location in the model's folder, in the arena; NULL + diag. */
static const char *resolve(TensorStore *s, Where w, const char *location) {
  if (escapes(location)) {
    diag(s->ctx, DIAG_ERROR, w, "external data: '%s' leads out of the model's folder", location);
    return NULL;
  }
  const char *slash = strrchr(s->path, '/');
  const char *folder = slash ? arena_strndup(s->arena, s->path, (size_t)(slash - s->path) + 1) : "./";
  char *real_folder = realpath(folder, NULL), *real_model = realpath(s->path, NULL);
  char *real = realpath(arena_printf(s->arena, "%s%s", folder, location), NULL);
  const char *found = NULL;
  if (!real || !real_folder)
    diag(s->ctx, DIAG_ERROR, w, "external data: cannot open '%s%s': %s", folder, location, strerror(errno));
  else if (!is_inside(real_folder, real) && !is_beside(real_model, real))
    diag(s->ctx, DIAG_ERROR, w, "external data: '%s' leads out of the model's folder", location);
  else
    found = arena_strdup(s->arena, real);
  free(real);
  free(real_folder);
  free(real_model);
  return found;
}

/* What is wrong with a file is said once, at the first tensor that is in it. */
static ExternalFile *open_external(TensorStore *s, Where w, const char *location) {
  for (size_t i = 0; i < s->external_count; i++)
    if (!strcmp(s->external[i].location, location)) return &s->external[i];
  GROW(s->arena, s->external, s->external_count, s->external_capacity);
  ExternalFile *e = &s->external[s->external_count++];
  e->location = location;
  const char *path = resolve(s, w, location);
  e->ok = path && map_file(s->ctx, path, &e->map);
  return e;
}

ExternalFile *tensor_external_file(TensorStore *s, Where w, const Onnx__TensorProto *t) {
  if (t->data_location != ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL) return NULL;
  const char *location = location_of(t), *twice = repeated_key(t);
  if (twice) {
    diag(s->ctx, DIAG_ERROR, w, "external data: its %s is said twice", twice);
    return NULL;
  }
  if (!location) {
    diag(s->ctx, DIAG_ERROR, w, "external data without a location");
    return NULL;
  }
  ExternalFile *e = open_external(s, w, location);
  return e->ok ? e : NULL;
}

void tensor_store_close(TensorStore *s) {
  for (size_t i = 0; i < s->external_count; i++) unmap_file(&s->external[i].map);
  unmap_file(&s->map);
}
