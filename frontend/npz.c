/* .npz: a zip archive of .npy arrays. Stored ones (numpy.savez) are mapped, deflated ones (savez_compressed) unpacked.
 */
#include "frontend/npy.h"
#include "frontend/tensor_file.h"
#include <string.h>
#ifdef NEXTC_ZLIB
#include <zlib.h>
#endif

static uint64_t number_at(const unsigned char *p, int bytes) {
  uint64_t x = 0;
  for (int i = 0; i < bytes; i++) x |= (uint64_t)p[i] << (8 * i);
  return x;
}

enum {
  END_BYTES = 22, /* end of central directory, without its comment */
  END64_BYTES = 56,
  LOCATOR64_BYTES = 20,
  ENTRY_BYTES = 46,
  LOCAL_BYTES = 30,
  STORED = 0,
  DEFLATED = 8,
};

typedef struct {
  TensorFile *file;
  const MappedFile *map;
} Zip;

static bool bad(const Zip *z, const char *what) {
  return error_in(z->file->ctx, z->map->path, "not a .npz file: %s", what);
}

static bool has(const Zip *z, uint64_t at, uint64_t bytes, const char *signature) {
  return at <= z->map->size && bytes <= z->map->size - at && !memcmp(z->map->data + at, signature, 4);
}

typedef struct {
  uint64_t count, at; /* entries of the central directory, and where it begins */
} Directory;

/* The end record is the last thing in the file but for a comment. */
static bool find_directory(const Zip *z, Directory *d) {
  size_t size = z->map->size;
  for (size_t back = END_BYTES; back <= size && back <= END_BYTES + 65535; back++) {
    const unsigned char *p = z->map->data + size - back;
    if (memcmp(p, "PK\5\6", 4) || number_at(p + 20, 2) != back - END_BYTES) continue;
    *d = (Directory){number_at(p + 10, 2), number_at(p + 16, 4)};
    if (d->at != UINT32_MAX && d->count != UINT16_MAX) return true;
    if (size - back < LOCATOR64_BYTES || memcmp(p - LOCATOR64_BYTES, "PK\6\7", 4)) return bad(z, "no 64-bit directory");
    uint64_t end = number_at(p - LOCATOR64_BYTES + 8, 8);
    if (!has(z, end, END64_BYTES, "PK\6\6")) return bad(z, "no 64-bit directory");
    *d = (Directory){number_at(z->map->data + end + 32, 8), number_at(z->map->data + end + 48, 8)};
    return true;
  }
  return bad(z, "no directory at its end");
}

/* An entry of the central directory. */
typedef struct {
  const char *name;
  uint64_t method, packed, size, local; /* bytes in the file, unpacked; where its local header is */
  uint64_t bytes;                       /* of the entry itself */
} Entry;

/* 64-bit sizes are in an extra field, in this order, only where the 32-bit field is full. */
static void read_extra(Entry *e, const unsigned char *p, uint64_t length) {
  for (uint64_t at = 0; at + 4 <= length;) {
    uint64_t id = number_at(p + at, 2), size = number_at(p + at + 2, 2), used = 0;
    if (size > length - at - 4) return;
    uint64_t *const fields[] = {&e->size, &e->packed, &e->local};
    for (int i = 0; id == 1 && i < 3; i++)
      if (*fields[i] == UINT32_MAX && used + 8 <= size) {
        *fields[i] = number_at(p + at + 4 + used, 8);
        used += 8;
      }
    at += 4 + size;
  }
}

static bool read_entry(const Zip *z, uint64_t at, Entry *e) {
  if (!has(z, at, ENTRY_BYTES, "PK\1\2")) return bad(z, "a broken directory");
  const unsigned char *p = z->map->data + at;
  uint64_t name = number_at(p + 28, 2), extra = number_at(p + 30, 2), comment = number_at(p + 32, 2);
  *e = (Entry){.method = number_at(p + 10, 2),
               .packed = number_at(p + 20, 4),
               .size = number_at(p + 24, 4),
               .local = number_at(p + 42, 4),
               .bytes = ENTRY_BYTES + name + extra + comment};
  if (e->bytes > z->map->size - at) return bad(z, "a broken directory");
  e->name = arena_strndup(z->file->arena, (const char *)p + ENTRY_BYTES, name);
  read_extra(e, p + ENTRY_BYTES + name, extra);
  return true;
}

/* Deflate gains at most 1032 to 1: no entry may claim more. */
static bool size_is_possible(const Entry *e) {
  return e->method == STORED ? e->packed == e->size : e->size <= UINT32_MAX && e->size / 1100 <= e->packed;
}

static const unsigned char *unpack(const Zip *z, const Entry *e, const unsigned char *from) {
#ifdef NEXTC_ZLIB
  unsigned char *to = arena_alloc(z->file->arena, (size_t)e->size + 1);
  z_stream s = {.next_in = (z_const Bytef *)(uintptr_t)from, .avail_in = (uInt)e->packed, .next_out = to};
  s.avail_out = (uInt)e->size;
  if (inflateInit2(&s, -MAX_WBITS) != Z_OK) die("zlib cannot start");
  bool whole = inflate(&s, Z_FINISH) == Z_STREAM_END && s.total_out == e->size;
  inflateEnd(&s);
  if (whole) return to;
  return bad(z, "a compressed array is broken"), NULL;
#else
  (void)from;
  return error_in(z->file->ctx, z->map->path, "'%.100s' is compressed, and this nextc was built without zlib", e->name),
         NULL;
#endif
}

/* The array's bytes in the file, unpacked; NULL + diag. */
static const unsigned char *array_bytes(const Zip *z, const Entry *e) {
  if (e->method != STORED && e->method != DEFLATED) return bad(z, "an unknown compression"), NULL;
  if (!has(z, e->local, LOCAL_BYTES, "PK\3\4")) return bad(z, "an array outside of the file"), NULL;
  const unsigned char *p = z->map->data + e->local;
  uint64_t start = e->local + LOCAL_BYTES + number_at(p + 26, 2) + number_at(p + 28, 2);
  if (!size_is_possible(e) || start > z->map->size || e->packed > z->map->size - start)
    return bad(z, "an array outside of the file"), NULL;
  return e->method == STORED ? z->map->data + start : unpack(z, e, z->map->data + start);
}

static bool add_array(const Zip *z, const Entry *e) {
  Context *ctx = z->file->ctx;
  size_t length = strlen(e->name);
  if (length < 5 || strcmp(e->name + length - 4, ".npy"))
    return error_in(ctx, z->map->path, "'%.100s' in it is no .npy array%s", e->name,
                    strstr(e->name, "data.pkl") ? " (a PyTorch pickle is not supported; save it as safetensors)" : "");
  const unsigned char *bytes = array_bytes(z, e);
  TensorView v;
  const char *shown = arena_printf(z->file->arena, "%s: %s", z->map->path, e->name);
  if (!bytes || !npy_parse(ctx, shown, bytes, (size_t)e->size, &v)) return false;
  return tensor_file_add(z->file, arena_strndup(z->file->arena, e->name, length - 4), &v, 0);
}

static bool read_archive(TensorFile *f) {
  Zip z = {f, &f->files[0]};
  Directory d = {0};
  if (!find_directory(&z, &d)) return false;
  for (uint64_t i = 0, at = d.at; i < d.count; i++) {
    Entry e;
    if (!read_entry(&z, at, &e) || !add_array(&z, &e)) return false;
    at += e.bytes;
  }
  return true;
}

TensorFile *npz_open(Context *ctx, const char *path) {
  TensorFile *f = tensor_file_new(ctx, path);
  if (tensor_file_map(f, path) && read_archive(f)) return f;
  f->source.close(&f->source);
  return NULL;
}
