/* Weights files as tests write them: safetensors and .npz. */
#ifndef NEXTC_TESTS_WEIGHTS_KIT_H
#define NEXTC_TESTS_WEIGHTS_KIT_H
#include "frontend/frontend.h"
#include "tests/yaml_kit.h"

typedef struct {
  const char *name;
  Type type;
  const void *data;
} Array;

static inline void put_number(unsigned char *to, uint64_t x, int bytes) {
  for (int i = 0; i < bytes; i++) to[i] = (unsigned char)(x >> (8 * i));
}

/* header: JSON; then data. */
static inline void put_safetensors(const char *path, const char *header, const void *data, size_t size) {
  size_t n = strlen(header);
  unsigned char *bytes = malloc(8 + n + size + 1);
  put_number(bytes, n, 8);
  memcpy(bytes + 8, header, n);
  if (size) memcpy(bytes + 8 + n, data, size);
  put_file(path, bytes, 8 + n + size);
  free(bytes);
}

static inline const char *safetensors_dtype(const Type *t) {
  return t->dtype == DT_f16    ? "F16"
         : t->dtype == DT_bf16 ? "BF16"
         : t->dtype == DT_f64  ? "F64"
         : t->dtype == DT_i64  ? "I64"
                               : "F32";
}

static inline void write_safetensors(const char *path, const Array *list, size_t count) {
  Arena *a = arena_new();
  char *header = arena_strdup(a, "{\"__metadata__\": {\"format\": \"pt\"}");
  size_t at = 0;
  unsigned char *data = malloc((size_t)1 << 22);
  for (size_t i = 0; i < count; i++) {
    size_t bytes = type_bytes(&list[i].type);
    header = arena_printf(a, "%s,\"%s\":{\"dtype\":\"%s\",\"shape\":[", header, list[i].name,
                          safetensors_dtype(&list[i].type));
    for (int d = 0; d < list[i].type.rank; d++)
      header = arena_printf(a, "%s%s%lld", header, d ? "," : "", (long long)list[i].type.dim[d]);
    header = arena_printf(a, "%s],\"data_offsets\":[%zu,%zu]}", header, at, at + bytes);
    memcpy(data + at, list[i].data, bytes);
    at += bytes;
  }
  put_safetensors(path, arena_printf(a, "%s}", header), data, at);
  free(data);
  arena_free(a);
}

/* Arrays of f32 as numpy.savez writes them. */
static inline void write_npz(const char *path, const Array *list, size_t count) {
  unsigned char *out = calloc(1, (size_t)1 << 22), *p = out, *directory = calloc(1, 65536), *d = directory;
  for (size_t i = 0; i < count; i++) {
    char header[256] = "", name[128];
    size_t bytes = type_bytes(&list[i].type), at = (size_t)(p - out);
    int n = snprintf(header, sizeof header, "{'descr': '<f4', 'fortran_order': False, 'shape': (");
    for (int k = 0; k < list[i].type.rank; k++)
      n += snprintf(header + n, sizeof header - (size_t)n, "%lld, ", (long long)list[i].type.dim[k]);
    n += snprintf(header + n, sizeof header - (size_t)n, "), }");
    size_t name_length = (size_t)snprintf(name, sizeof name, "%s.npy", list[i].name), size = 10 + (size_t)n + bytes;
    memcpy(p, "PK\3\4", 4);
    put_number(p + 18, size, 4);
    put_number(p + 22, size, 4);
    put_number(p + 26, name_length, 2);
    memcpy(p + 30, name, name_length);
    p += 30 + name_length;
    memcpy(p, "\x93NUMPY\1\0", 8);
    put_number(p + 8, (uint64_t)n, 2);
    memcpy(p + 10, header, (size_t)n);
    memcpy(p + 10 + n, list[i].data, bytes);
    p += size;
    memcpy(d, "PK\1\2", 4);
    put_number(d + 20, size, 4);
    put_number(d + 24, size, 4);
    put_number(d + 28, name_length, 2);
    put_number(d + 42, at, 4);
    memcpy(d + 46, name, name_length);
    d += 46 + name_length;
  }
  size_t start = (size_t)(p - out), length = (size_t)(d - directory);
  memcpy(p, directory, length);
  p += length;
  memcpy(p, "PK\5\6", 4);
  put_number(p + 8, count, 2);
  put_number(p + 10, count, 2);
  put_number(p + 12, length, 4);
  put_number(p + 16, start, 4);
  put_file(path, out, (size_t)(p - out) + 22);
  free(out);
  free(directory);
}
#endif
