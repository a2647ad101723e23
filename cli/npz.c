/* Zip archives of arrays; see npz.h. Read through the central directory at the end. */
#include "cli/npz.h"
#include "frontend/npy.h"
#include "frontend/frontend.h"
#include <string.h>
#ifdef NEXTC_ZLIB
#include <zlib.h>
#endif

enum { END_BYTES = 22, ENTRY_BYTES = 46, LOCAL_BYTES = 30, STORED = 0, DEFLATED = 8 };
static const uint64_t largest_array = (uint64_t)1 << 32;

typedef struct {
  Context *context;
  Arena *arena;
  const char *path;
  const unsigned char *data;
  uint64_t size;
} Zip;

static uint64_t number(const unsigned char *p, int bytes) {
  uint64_t x = 0;
  for (int i = 0; i < bytes; i++) x |= (uint64_t)p[i] << (8 * i);
  return x;
}

static bool damaged(const Zip *z) { return error_in(z->context, z->path, "a damaged .npz file"); }

/* Offset of the end record: the last one whose comment reaches the end of the file. */
static bool find_end(const Zip *z, uint64_t *at) {
  for (uint64_t comment = 0; comment <= 65535 && z->size >= END_BYTES + comment; comment++) {
    *at = z->size - END_BYTES - comment;
    if (!memcmp(z->data + *at, "PK\5\6", 4) && number(z->data + *at + 20, 2) == comment) return true;
  }
  return error_in(z->context, z->path, "not a .npz file");
}

static bool inflate_to(const Zip *z, const unsigned char *from, uint64_t packed, unsigned char *to, uint64_t size) {
#ifdef NEXTC_ZLIB
  z_stream s = {.next_in = (z_const Bytef *)(uintptr_t)from, .avail_in = (uInt)packed, .next_out = to};
  s.avail_out = (uInt)size;
  if (inflateInit2(&s, -MAX_WBITS) != Z_OK) return damaged(z);
  const int status = inflate(&s, Z_FINISH);
  const bool whole = status == Z_STREAM_END && s.total_out == size;
  inflateEnd(&s);
  return whole || damaged(z);
#else
  (void)from, (void)packed, (void)to, (void)size;
  return error_in(z->context, z->path, "is compressed, and this nextc was built without zlib");
#endif
}

/* Sizes of 2^32 and more stand in an extra field (zip64), in the order in which they are needed. */
static bool wide_sizes(const unsigned char *extra, uint64_t length, uint64_t *size, uint64_t *packed, uint64_t *at) {
  const uint64_t limit = 0xffffffff;
  if (*size != limit && *packed != limit && *at != limit) return true;
  for (uint64_t i = 0; i + 4 <= length;) {
    const uint64_t field = number(extra + i, 2), bytes = number(extra + i + 2, 2);
    if (bytes > length - i - 4) return false;
    const unsigned char *p = extra + i + 4, *end = p + bytes;
    if (field == 1) {
      uint64_t *const wanted[] = {size, packed, at};
      for (int n = 0; n < 3; n++) {
        if (*wanted[n] != limit) continue;
        if (end - p < 8) return false;
        *wanted[n] = number(p, 8);
        p += 8;
      }
      return true;
    }
    i += 4 + bytes;
  }
  return false;
}

/* The contents of the member whose entry in the central directory stands at `entry`. */
static bool take(const Zip *z, const unsigned char *entry, uint64_t name, uint64_t extra, NpzMember *out) {
  const uint64_t method = number(entry + 10, 2);
  uint64_t packed = number(entry + 20, 4), size = number(entry + 24, 4), at = number(entry + 42, 4);
  if (!wide_sizes(entry + ENTRY_BYTES + name, extra, &size, &packed, &at)) return damaged(z);
  if (at > z->size || z->size - at < LOCAL_BYTES || memcmp(z->data + at, "PK\3\4", 4) != 0) return damaged(z);
  const uint64_t skip = LOCAL_BYTES + number(z->data + at + 26, 2) + number(z->data + at + 28, 2);
  if (skip > z->size - at || packed > z->size - at - skip) return damaged(z);
  const unsigned char *bytes = z->data + at + skip;
  if (method != STORED && method != DEFLATED) return error_in(z->context, z->path, "has an unknown compression");
  if (method == STORED && packed != size) return damaged(z);
  if (size > largest_array || size > 1100 * packed + 1024) return damaged(z); /* deflate gains at most 1032 to 1 */
  unsigned char *copy = arena_alloc(z->arena, size + 1);
  if (method == STORED) memcpy(copy, bytes, size);
  else if (!inflate_to(z, bytes, packed, copy, size)) return false;
  return npy_parse(z->context, arena_printf(z->arena, "%s: %s", z->path, out->name), copy, size, &out->view);
}

static bool read_members(const Zip *z, NpzMember **out, size_t *count) {
  uint64_t end = 0, capacity = 0;
  if (!find_end(z, &end)) return false;
  const uint64_t entries = number(z->data + end + 10, 2);
  uint64_t at = number(z->data + end + 16, 4);
  for (uint64_t i = 0; i < entries; i++) {
    if (at > end || end - at < ENTRY_BYTES || memcmp(z->data + at, "PK\1\2", 4) != 0) return damaged(z);
    const unsigned char *entry = z->data + at;
    const uint64_t name = number(entry + 28, 2), extra = number(entry + 30, 2), comment = number(entry + 32, 2);
    if (name + extra + comment > end - at - ENTRY_BYTES) return damaged(z);
    const bool has_suffix = name > 4 && !memcmp(entry + ENTRY_BYTES + name - 4, ".npy", 4);
    size_t room = (size_t)capacity;
    GROW(z->arena, *out, *count, room);
    capacity = room;
    NpzMember *m = &(*out)[*count];
    *m = (NpzMember){.name = arena_strndup(z->arena, (const char *)entry + ENTRY_BYTES, name - (has_suffix ? 4 : 0))};
    if (!take(z, entry, name, extra, m)) return false;
    ++*count;
    at += ENTRY_BYTES + name + extra + comment;
  }
  return true;
}

bool npz_read(Context *c, Arena *arena, const char *path, NpzMember **out, size_t *count) {
  MappedFile file;
  *out = NULL;
  *count = 0;
  if (!map_file(c, path, &file)) return false;
  const Zip z = {.context = c, .arena = arena, .path = path, .data = file.data, .size = file.size};
  const bool good = read_members(&z, out, count);
  unmap_file(&file);
  return good;
}
