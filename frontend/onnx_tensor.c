/* See onnx_tensor.h. ONNX keeps elements in raw_data (little-endian bytes), in one of five typed lists, or in another
 * file. */
#include "frontend/onnx_tensor.h"
#include "frontend/onnx_slim.h"
#include <string.h>

/* Data types that nextc has no use for, by ONNX's numbers; see dtype.def for the others. */
static const char *const other_types[] = {
    [0] = "undefined",     [8] = "string",          [14] = "complex64",  [15] = "complex128",
    [17] = "float8e4m3fn", [18] = "float8e4m3fnuz", [19] = "float8e5m2", [20] = "float8e5m2fnuz",
    [21] = "uint4",        [22] = "int4",           [23] = "float4e2m1", [24] = "float8e8m0"};

const char *data_type_name(Arena *a, int n) {
  if (dtype_known(n)) return dtype_name((DType)n);
  if (n >= 0 && (size_t)n < sizeof other_types / sizeof *other_types && other_types[n]) return other_types[n];
  return arena_printf(a, "%d", n);
}

static bool host_is_little(void) {
  const uint16_t one = 1;
  unsigned char first;
  memcpy(&first, &one, 1);
  return first == 1;
}

const void *little_endian(Arena *a, const void *numbers, size_t number_bytes, size_t count, size_t element_bytes) {
  unsigned char *to = arena_alloc(a, count * element_bytes);
  const unsigned char *from = numbers;
  bool little = host_is_little();
  for (size_t i = 0; i < count; i++)
    for (size_t b = 0; b < element_bytes; b++)
      to[i * element_bytes + b] = from[i * number_bytes + (little ? b : number_bytes - 1 - b)];
  return to;
}

typedef enum { LIST_FLOAT, LIST_INT32, LIST_INT64, LIST_DOUBLE, LIST_UINT64, LIST_COUNT } ListKind;

typedef struct {
  const char *name;
  const void *numbers;
  size_t count, bytes; /* how many; bytes of one */
} List;

static List list_of(const Onnx__TensorProto *t, ListKind kind) {
  switch (kind) {
  case LIST_FLOAT: return (List){"float_data", t->float_data, t->n_float_data, 4};
  case LIST_INT32: return (List){"int32_data", t->int32_data, t->n_int32_data, 4};
  case LIST_INT64: return (List){"int64_data", t->int64_data, t->n_int64_data, 8};
  case LIST_DOUBLE: return (List){"double_data", t->double_data, t->n_double_data, 8};
  default: return (List){"uint64_data", t->uint64_data, t->n_uint64_data, 8};
  }
}

/* Which list holds a data type's elements: onnx.proto, TensorProto. */
static ListKind list_kind(DType t) {
  switch (t) {
  case DT_f32: return LIST_FLOAT;
  case DT_f64: return LIST_DOUBLE;
  case DT_i64: return LIST_INT64;
  case DT_u32:
  case DT_u64: return LIST_UINT64;
  default: return LIST_INT32;
  }
}

static bool wrong_size(TensorStore *s, Where w, const TensorView *v, unsigned long long have) {
  return diag(s->ctx, DIAG_ERROR, w, "tensor has %llu bytes of data, its dims and type %s ask for %zu", have,
              dtype_name(v->type.dtype), v->bytes);
}

/* dtype and dims; v->bytes becomes their product. */
static bool read_type(TensorStore *s, Where w, const Onnx__TensorProto *t, TensorView *v) {
  if (!dtype_known(t->data_type))
    return diag(s->ctx, DIAG_ERROR, w, "data type %s is not supported", data_type_name(s->ctx->arena, t->data_type));
  if (t->n_dims > MAX_RANK)
    return diag(s->ctx, DIAG_ERROR, w, "tensor of rank %zu, at most %d is supported", t->n_dims, MAX_RANK);
  for (size_t i = 0; i < t->n_dims; i++)
    if (t->dims[i] < 0) return diag(s->ctx, DIAG_ERROR, w, "tensor has negative dim %lld", (long long)t->dims[i]);
  v->type = type_make((DType)t->data_type, (int)t->n_dims, t->dims);
  Dim count;
  if (!type_count(&v->type, &count)) return diag(s->ctx, DIAG_ERROR, w, "tensor is too large");
  v->bytes = (size_t)count * dtype_bytes(v->type.dtype);
  return true;
}

static bool view_list(TensorStore *s, Where w, const Onnx__TensorProto *t, TensorView *v) {
  ListKind wanted = list_kind(v->type.dtype);
  for (ListKind k = 0; k < LIST_COUNT; k++)
    if (k != wanted && list_of(t, k).count)
      return diag(s->ctx, DIAG_ERROR, w, "tensor of type %s has its data in %s", dtype_name(v->type.dtype),
                  list_of(t, k).name);
  List l = list_of(t, wanted);
  size_t element = dtype_bytes(v->type.dtype);
  if (l.count != v->bytes / element) return wrong_size(s, w, v, (unsigned long long)l.count * element);
  v->data = l.bytes == element && host_is_little() ? l.numbers
                                                   : little_endian(s->arena, l.numbers, l.bytes, l.count, element);
  return true;
}

static bool has_list(const Onnx__TensorProto *t) {
  for (ListKind k = 0; k < LIST_COUNT; k++)
    if (list_of(t, k).count) return true;
  return false;
}

static const char *external_value(const Onnx__TensorProto *t, const char *key) {
  for (size_t i = 0; i < t->n_external_data; i++) {
    const Onnx__StringStringEntryProto *e = t->external_data[i];
    if (e->key && e->value && !strcmp(e->key, key)) return e->value;
  }
  return NULL;
}

/* A decimal number of bytes; absent: otherwise. */
static bool external_number(TensorStore *s, Where w, const Onnx__TensorProto *t, const char *key, uint64_t otherwise,
                            uint64_t *out) {
  const char *text = external_value(t, key);
  *out = text ? 0 : otherwise;
  if (!text) return true;
  bool ok = *text != 0;
  for (const char *c = text; *c && ok; c++) {
    ok = *c >= '0' && *c <= '9' && *out <= (UINT64_MAX - 9) / 10;
    if (ok) *out = *out * 10 + (uint64_t)(*c - '0');
  }
  return ok || diag(s->ctx, DIAG_ERROR, w, "external data: %s '%s' is no byte count", key, text);
}

static bool view_external(TensorStore *s, Where w, const Onnx__TensorProto *t, TensorView *v) {
  if (t->raw_data.len || has_list(t)) return diag(s->ctx, DIAG_ERROR, w, "tensor has both external and own data");
  ExternalFile *e = tensor_external_file(s, w, t);
  uint64_t offset, length;
  if (!e || !external_number(s, w, t, "offset", 0, &offset) || !external_number(s, w, t, "length", v->bytes, &length))
    return false;
  if (length != v->bytes) return wrong_size(s, w, v, length);
  const MappedFile *f = &e->map;
  if (offset > f->size || length > f->size - offset) {
    if (e->is_short) return false;
    e->is_short = true;
    return diag(s->ctx, DIAG_ERROR, w, "external data: %llu bytes at %llu of '%s', which has only %zu",
                (unsigned long long)length, (unsigned long long)offset, e->location, f->size);
  }
  v->data = f->data ? f->data + offset : (const unsigned char *)"";
  return true;
}

bool tensor_view(TensorStore *s, Where w, const Onnx__TensorProto *t, TensorView *v) {
  *v = (TensorView){0};
  if (!read_type(s, w, t, v)) return false;
  if (t->segment) return diag(s->ctx, DIAG_ERROR, w, "tensor in segments is not supported");
  if (t->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL) return view_external(s, w, t, v);
  size_t offset, size;
  bool apart = slim_raw_data(&t->base, &offset, &size);
  if (apart || t->raw_data.len) {
    if (has_list(t)) return diag(s->ctx, DIAG_ERROR, w, "tensor has both raw_data and a typed list");
    if (!apart) size = t->raw_data.len;
    if (size != v->bytes) return wrong_size(s, w, v, size);
    v->data = apart ? s->map.data + offset : t->raw_data.data;
    return true;
  }
  if (!view_list(s, w, t, v)) return false;
  if (!v->data) v->data = "";
  return true;
}
