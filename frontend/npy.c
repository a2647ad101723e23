/* Reading .npy: magic, version, length of a header that is a Python dictionary on one line,
 *   {'descr': '<f4', 'fortran_order': False, 'shape': (360, 1, 32, 32), }
 * then the elements. */
#include "frontend/npy.h"
#include "frontend/frontend.h"
#include <string.h>

/* NumPy's type codes; '|' stands where bytes have no order. */
static const struct {
  const char *descr, *dtype;
} descrs[] = {{"<f4", "f32"}, {"<f8", "f64"}, {"<f2", "f16"}, {"<i8", "i64"}, {"<i4", "i32"}, {"<i2", "i16"},
              {"|i1", "i8"},  {"<u8", "u64"}, {"<u4", "u32"}, {"<u2", "u16"}, {"|u1", "u8"},  {"|b1", "bool"}};

/* The text after "'key':" in header, blanks skipped; NULL: no such key. */
static const char *value_of(const char *header, const char *key) {
  const char *p = strstr(header, key);
  if (!p) return NULL;
  p += strlen(key);
  return p + strspn(p, " ");
}

static bool parse_descr(const char *header, Type *type) {
  const char *p = value_of(header, "'descr':");
  for (size_t i = 0; p && i < sizeof descrs / sizeof *descrs; i++) {
    DType dtype;
    if (strncmp(p + 1, descrs[i].descr, 3) || (*p != '\'' && *p != '"') || p[4] != *p) continue;
    if (!dtype_from_name(descrs[i].dtype, strlen(descrs[i].dtype), &dtype)) return false;
    type->dtype = (uint8_t)dtype;
    return true;
  }
  return false;
}

/* "(360, 1, 32, 32)", "(360,)" or "()" */
static bool parse_shape(const char *header, Type *type) {
  const char *p = value_of(header, "'shape':");
  if (!p || *p++ != '(') return false;
  for (p += strspn(p, " "); *p != ')'; p += *p == ',', p += strspn(p, " ")) {
    int64_t dim = 0;
    size_t digits = strspn(p, "0123456789");
    if (!digits || digits > 15 || type->rank == MAX_RANK) return false;
    for (; digits; digits--) dim = dim * 10 + (*p++ - '0');
    type->dim[type->rank++] = dim;
    p += strspn(p, " ");
    if (*p != ',' && *p != ')') return false;
  }
  return true;
}

/* As much of a header as goes into a message. */
static size_t line_length(const char *header) {
  size_t length = strcspn(header, "\r\n");
  while (length && header[length - 1] == ' ') length--;
  return length < 100 ? length : 100;
}

static bool parse_header(Context *c, const char *path, const char *header, Type *type) {
  const char *order = value_of(header, "'fortran_order':");
  if (!parse_descr(header, type))
    return error_in(c, path, "not an array of little-endian numbers: header %.*s", (int)line_length(header), header);
  if (!order || strncmp(order, "False", 5)) return error_in(c, path, "array is not row-major ('fortran_order')");
  if (!parse_shape(header, type)) return error_in(c, path, "bad shape, or more than %d dimensions", MAX_RANK);
  return true;
}

bool npy_parse(Context *c, const char *path, const unsigned char *bytes, size_t size, TensorView *out) {
  if (size < 12 || memcmp(bytes, "\x93NUMPY", 6)) return error_in(c, path, "not a .npy file");
  size_t start = bytes[6] == 1 ? 10 : 12, length = (size_t)bytes[8] | (size_t)bytes[9] << 8;
  if (bytes[6] < 1 || bytes[6] > 3) return error_in(c, path, "unknown .npy version %d", bytes[6]);
  if (start == 12) length |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
  if (length > size - start || length > 65535) return error_in(c, path, "the header runs past the end of the file");
  *out = (TensorView){.data = bytes + start + length};
  char *header = arena_strndup(c->arena, (const char *)bytes + start, length);
  if (!parse_header(c, path, header, &out->type)) return false;
  Dim count;
  size_t left = size - start - length, element = dtype_bytes((DType)out->type.dtype);
  if (!type_count(&out->type, &count) || (uint64_t)count > left / element || (size_t)count * element != left)
    return error_in(c, path, "the shape does not fit the %zu bytes of data", left);
  out->bytes = left;
  return true;
}

bool npy_read(Context *c, Arena *arena, const char *path, TensorView *out) {
  MappedFile file;
  if (!map_file(c, path, &file)) return false;
  bool fine = npy_parse(c, path, file.data, file.size, out);
  if (fine) out->data = arena_copy(arena, out->data, out->bytes);
  unmap_file(&file);
  return fine;
}
