/* safetensors: eight bytes of length, a header in JSON, then the data. Mapped, never copied.
 *   {"stem.0.weight": {"dtype": "F32", "shape": [96, 3, 4, 4], "data_offsets": [0, 18432]}, "__metadata__": {...}} */
#include "frontend/tensor_file.h"
#include "frontend/yaml_tree.h"
#include <stdlib.h>
#include <string.h>

enum { MAX_HEADER = 100000000 }; /* the format's own limit */

static const struct {
  const char *name;
  DType dtype;
} dtypes[] = {{"F32", DT_f32}, {"F16", DT_f16}, {"BF16", DT_bf16}, {"F64", DT_f64}, {"I64", DT_i64},
              {"I32", DT_i32}, {"I16", DT_i16}, {"I8", DT_i8},     {"U8", DT_u8},   {"U16", DT_u16},
              {"U32", DT_u32}, {"U64", DT_u64}, {"BOOL", DT_bool}};

typedef struct {
  TensorFile *file;
  uint32_t index;            /* of the file in file->files */
  const unsigned char *data; /* [data_size] behind the header */
  size_t data_size;
  size_t first; /* tensors before this one are other files' */
} Reader;

static bool read_type(Reader *r, const Node *entry, const char *name, Type *out) {
  const Node *dtype = node_get(entry, "dtype"), *shape = node_get(entry, "shape");
  int64_t dims[MAX_RANK];
  size_t rank, row = 0;
  while (row < sizeof dtypes / sizeof *dtypes && !node_is(dtype, dtypes[row].name)) row++;
  if (!dtype || dtype->kind != NODE_SCALAR)
    return yaml_error(r->file->ctx, entry, "tensor '%.100s' has no dtype", name);
  if (row == sizeof dtypes / sizeof *dtypes)
    return yaml_error(r->file->ctx, dtype, "tensor '%.100s': unknown dtype '%.20s'", name, dtype->text);
  if (!shape || shape->kind != NODE_LIST) return yaml_error(r->file->ctx, entry, "tensor '%.100s' has no shape", name);
  if (!yaml_ints(r->file->ctx, shape, "shape", 0, INT64_C(1) << 48, dims, MAX_RANK, &rank)) return false;
  Dim count;
  *out = type_make(dtypes[row].dtype, (int)rank, dims);
  return type_count(out, &count) || yaml_error(r->file->ctx, shape, "tensor '%.100s' is too large", name);
}

static bool read_entry(Reader *r, const Node *entry, const char *name) {
  static const char *const keys[] = {"dtype", "shape", "data_offsets"};
  Context *ctx = r->file->ctx;
  TensorView v = {0};
  int64_t at[2];
  size_t count;
  if (!yaml_check_keys(ctx, entry, "a tensor", keys, 3) || !read_type(r, entry, name, &v.type)) return false;
  const Node *offsets = node_get(entry, "data_offsets");
  if (!offsets) return yaml_error(ctx, entry, "tensor '%.100s' has no data_offsets", name);
  if (!yaml_ints(ctx, offsets, "data_offsets", 0, INT64_C(1) << 52, at, 2, &count)) return false;
  if (count != 2 || at[0] > at[1]) return yaml_error(ctx, offsets, "tensor '%.100s': data_offsets are no range", name);
  if ((uint64_t)at[1] > r->data_size)
    return yaml_error(ctx, offsets, "tensor '%.100s' ends at byte %lld of the data, which has only %zu", name,
                      (long long)at[1], r->data_size);
  v.bytes = type_bytes(&v.type);
  if ((uint64_t)(at[1] - at[0]) != v.bytes)
    return yaml_error(ctx, offsets, "tensor '%.100s' has %lld bytes of data, its shape and type ask for %zu", name,
                      (long long)(at[1] - at[0]), v.bytes);
  v.data = v.bytes ? r->data + at[0] : (const unsigned char *)"";
  return tensor_file_add(r->file, name, &v, r->index);
}

static int by_address(const void *left, const void *right) {
  const StoredTensor *a = *(const StoredTensor *const *)left, *b = *(const StoredTensor *const *)right;
  uintptr_t x = (uintptr_t)a->view.data, y = (uintptr_t)b->view.data;
  return (x > y) - (x < y);
}

/* Two tensors on the same bytes: no writer makes that. */
static bool check_overlaps(Reader *r) {
  TensorFile *f = r->file;
  size_t count = 0;
  const StoredTensor **list = ARENA_ARRAY(f->arena, const StoredTensor *, f->tensor_count + 1);
  for (size_t i = r->first; i < f->tensor_count; i++)
    if (f->tensors[i].view.bytes) list[count++] = &f->tensors[i];
  if (count) qsort(list, count, sizeof *list, by_address);
  for (size_t i = 1; i < count; i++) {
    const TensorView *before = &list[i - 1]->view;
    if ((const unsigned char *)before->data + before->bytes > (const unsigned char *)list[i]->view.data)
      return error_in(f->ctx, f->files[r->index].path, "the data of tensors '%.100s' and '%.100s' overlap",
                      list[i - 1]->name, list[i]->name);
  }
  return true;
}

static bool read_header(Reader *r, const Node *header) {
  if (header->kind != NODE_MAP) return yaml_error(r->file->ctx, header, "the header is %s", node_kind_name(header));
  bool ok = true;
  for (size_t i = 0; i < header->count; i++)
    if (strcmp(header->keys[i]->text, "__metadata__"))
      ok = read_entry(r, header->items[i], header->keys[i]->text) && ok;
  return ok && check_overlaps(r);
}

/* Adds a file's tensors to f. */
static bool add_file(TensorFile *f, const char *path) {
  if (!tensor_file_map(f, path)) return false;
  const MappedFile *m = &f->files[f->file_count - 1];
  uint64_t length = 0;
  if (m->size < 8) return error_in(f->ctx, path, "not a safetensors file: it has only %zu bytes", m->size);
  for (int i = 0; i < 8; i++) length |= (uint64_t)m->data[i] << (8 * i);
  if (length > MAX_HEADER || length > m->size - 8)
    return error_in(f->ctx, path, "not a safetensors file: a header of %llu bytes, the file has %zu",
                    (unsigned long long)length, m->size);
  Reader r = {.file = f, .index = (uint32_t)(f->file_count - 1), .first = f->tensor_count};
  r.data = m->data + 8 + length;
  r.data_size = m->size - 8 - (size_t)length;
  Arena *scratch = arena_new();
  const Node *header = json_parse(f->ctx, scratch, m->path, (const char *)m->data + 8, (size_t)length);
  bool ok = header && read_header(&r, header);
  arena_free(scratch);
  return ok;
}

static TensorFile *done(TensorFile *f, bool ok) {
  if (ok) return f;
  f->source.close(&f->source);
  return NULL;
}

TensorFile *safetensors_open(Context *ctx, const char *path) {
  TensorFile *f = tensor_file_new(ctx, path);
  return done(f, add_file(f, path));
}

/* ---- shards ---- */

/* A shard is a file beside its index. */
static bool is_file_name(const Node *n) {
  return n->kind == NODE_SCALAR && *n->text && !strchr(n->text, '/') && !strchr(n->text, '\\') && strcmp(n->text, "..");
}

static bool add_shards(TensorFile *f, const char *path, const Node *map) {
  const char *slash = strrchr(path, '/');
  int folder = slash ? (int)(slash - path) + 1 : 0;
  NameMap shards = {.arena = f->arena};
  for (size_t i = 0; i < map->count; i++) {
    if (!is_file_name(map->items[i]))
      return yaml_error(f->ctx, map->items[i], "tensor '%.100s' is not in a file of this folder", map->keys[i]->text);
    const char *name = arena_strdup(f->arena, map->items[i]->text);
    if (!name_map_add(&shards, name, 0)) continue;
    if (!add_file(f, arena_printf(f->arena, "%.*s%s", folder, path, name))) return false;
  }
  bool ok = true;
  for (size_t i = 0; i < map->count; i++) {
    uint32_t index;
    const char *base = NULL;
    if (name_map_find(&f->names, map->keys[i]->text, &index)) base = f->files[f->tensors[index].file].path + folder;
    if (!base || strcmp(base, map->items[i]->text))
      ok = yaml_error(f->ctx, map->keys[i], "tensor '%.100s' is not in '%.100s'", map->keys[i]->text,
                      map->items[i]->text);
  }
  return ok;
}

TensorFile *safetensors_index_open(Context *ctx, const char *path) {
  TensorFile *f = tensor_file_new(ctx, path);
  Arena *scratch = arena_new();
  const Node *root = json_parse_file(ctx, scratch, path), *map = node_get(root, "weight_map");
  bool ok = root != NULL;
  if (root && (!map || map->kind != NODE_MAP)) ok = error_in(ctx, path, "has no 'weight_map'");
  ok = ok && add_shards(f, path, map);
  arena_free(scratch);
  return done(f, ok);
}
