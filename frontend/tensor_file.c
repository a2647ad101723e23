/* The Source that all files of named tensors are; see tensor_file.h. */
#include "frontend/tensor_file.h"

static bool source_find(Source *s, const char *name, TensorView *out) {
  const TensorFile *f = s->impl;
  uint32_t index;
  if (!name_map_find(&f->names, name, &index)) return false;
  *out = f->tensors[index].view;
  return true;
}

static uint64_t source_hash(Source *s) {
  const TensorFile *f = s->impl;
  uint64_t h = 0;
  for (size_t i = 0; i < f->file_count; i++) h = hash_mapped(&f->files[i], h);
  return s->hash = h ? h : 1;
}

static void source_drop_pages(Source *s, const TensorView *v) {
  const TensorFile *f = s->impl;
  for (size_t i = 0; i < f->file_count; i++) {
    uintptr_t at = (uintptr_t)v->data, base = (uintptr_t)f->files[i].data;
    if (f->files[i].data && at >= base && at < base + f->files[i].size)
      drop_mapped(&f->files[i], (size_t)(at - base), v->bytes);
  }
}

static void source_close(Source *s) {
  TensorFile *f = s->impl;
  for (size_t i = 0; i < f->file_count; i++) unmap_file(&f->files[i]);
  arena_free(f->arena);
}

TensorFile *tensor_file_new(Context *ctx, const char *path) {
  Arena *arena = arena_new();
  TensorFile *f = ARENA_NEW(arena, TensorFile);
  *f = (TensorFile){.ctx = ctx, .arena = arena, .names.arena = arena};
  f->source = (Source){.path = arena_strdup(arena, path),
                       .impl = f,
                       .find = source_find,
                       .compute_hash = source_hash,
                       .close = source_close,
                       .drop_pages = source_drop_pages};
  return f;
}

bool tensor_file_map(TensorFile *f, const char *path) {
  MappedFile map;
  if (!map_file(f->ctx, path, &map)) return false;
  map.path = arena_strdup(f->arena, path);
  GROW(f->arena, f->files, f->file_count, f->file_capacity);
  f->files[f->file_count++] = map;
  return true;
}

bool tensor_file_add(TensorFile *f, const char *name, const TensorView *view, uint32_t file) {
  name = arena_strdup(f->arena, name);
  if (!name_map_add(&f->names, name, (uint32_t)f->tensor_count))
    return error_in(f->ctx, f->files[file].path, "a second tensor with the name '%.200s'", name);
  GROW(f->arena, f->tensors, f->tensor_count, f->tensor_capacity);
  f->tensors[f->tensor_count++] = (NamedTensor){.name = name, .view = *view, .file = file};
  return true;
}
