/* A walk over protobuf's wire format; see onnx_slim.h. Nested messages are found through protobuf-c's own descriptors.
 */
#include "frontend/onnx_slim.h"
#include <onnx/onnx.pb-c.h>
#include <stdlib.h>
#include <string.h>

enum {
  MAX_DEPTH = 100,       /* nested messages; protobuf's own limit */
  INLINE_BYTES = 4096,   /* raw_data up to this size stays in the message */
  FIELD_RAW_DATA = 9,    /* TensorProto.raw_data */
  FIELD_REFERENCE = 1000 /* ours, in TensorProto: 8 bytes offset, 8 bytes size, little-endian */
};
enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

typedef struct {
  Context *ctx;
  const char *path;
  const unsigned char *in;
  unsigned char *out;
  size_t out_size, out_capacity;
} Slim;

/* Message fields that are newer than Debian's schema. */
static const struct {
  const ProtobufCMessageDescriptor *in;
  uint32_t field;
  const ProtobufCMessageDescriptor *is;
} newer[] = {{&onnx__function_proto__descriptor, 11, &onnx__attribute_proto__descriptor}};

static const ProtobufCMessageDescriptor *nested(const ProtobufCMessageDescriptor *d, uint32_t field) {
  const ProtobufCFieldDescriptor *f = protobuf_c_message_descriptor_get_field(d, field);
  if (f) return f->type == PROTOBUF_C_TYPE_MESSAGE ? f->descriptor : NULL;
  for (size_t i = 0; i < sizeof newer / sizeof *newer; i++)
    if (newer[i].in == d && newer[i].field == field) return newer[i].is;
  return NULL;
}

static void put(Slim *s, const void *bytes, size_t size) {
  if (s->out_size + size > s->out_capacity) {
    s->out_capacity = (s->out_size + size) * 3 / 2 + 256;
    s->out = realloc(s->out, s->out_capacity);
    if (!s->out) die_memory(s->out_capacity);
  }
  if (size) memcpy(s->out + s->out_size, bytes, size);
  s->out_size += size;
}

/* Little-endian base 128, padded to `digits` bytes. */
static void write_varint(unsigned char *p, uint64_t n, int digits) {
  for (int i = 0; i < digits; i++, n >>= 7) p[i] = (unsigned char)((n & 127) | (i + 1 < digits ? 128 : 0));
}

static void write_word(unsigned char *p, uint64_t n) {
  for (int i = 0; i < 8; i++) p[i] = (unsigned char)(n >> 8 * i);
}

static uint64_t read_word(const unsigned char *p) {
  uint64_t n = 0;
  for (int i = 0; i < 8; i++) n |= (uint64_t)p[i] << 8 * i;
  return n;
}

static bool broken(Slim *s, size_t at) {
  return error_in(s->ctx, s->path, "is not an ONNX file: no protobuf field at byte %zu", at);
}

static bool read_varint(Slim *s, size_t *at, size_t end, uint64_t *out) {
  uint64_t n = 0;
  for (unsigned i = 0; i < 10; i++) {
    if (*at == end) return error_in(s->ctx, s->path, "is not an ONNX file, or is truncated at byte %zu", end);
    unsigned char c = s->in[(*at)++];
    n |= (uint64_t)(c & 127) << 7 * i;
    if (c < 128) return *out = n, true;
  }
  return broken(s, *at);
}

static bool walk(Slim *, const ProtobufCMessageDescriptor *, size_t at, size_t end, int depth);

/* A string with a zero byte in it would end there in C: a name or path that is not what the file says. Nobody reads
 * documentation. */
static bool string_ok(Slim *s, const ProtobufCMessageDescriptor *d, uint32_t field, size_t from, size_t size) {
  const ProtobufCFieldDescriptor *f = protobuf_c_message_descriptor_get_field(d, field);
  if (!f || f->type != PROTOBUF_C_TYPE_STRING || !strcmp(f->name, "doc_string")) return true;
  return !memchr(s->in + from, 0, size) ||
         error_in(s->ctx, s->path, "the %s at byte %zu has a zero byte in it", f->name, from);
}

/* A length-delimited field whose tag is at [tag, at) and whose contents are at [from, from + size). */
static bool walk_bytes(Slim *s, const ProtobufCMessageDescriptor *d, uint32_t field, size_t tag, size_t at, size_t from,
                       size_t size, int depth) {
  enum { LENGTH_DIGITS = 5 };
  const ProtobufCMessageDescriptor *inner = nested(d, field);
  bool tensor = d == &onnx__tensor_proto__descriptor;
  if (inner) {
    unsigned char length[LENGTH_DIGITS] = {0};
    put(s, s->in + tag, at - tag);
    put(s, length, sizeof length);
    size_t start = s->out_size;
    if (!walk(s, inner, from, from + size, depth + 1)) return false;
    write_varint(s->out + start - LENGTH_DIGITS, s->out_size - start, LENGTH_DIGITS);
  } else if (tensor && field == FIELD_RAW_DATA && size > INLINE_BYTES) {
    unsigned char reference[3 + 16];
    write_varint(reference, FIELD_REFERENCE << 3 | WIRE_BYTES, 2);
    reference[2] = 16;
    write_word(reference + 3, from);
    write_word(reference + 11, size);
    put(s, reference, sizeof reference);
  } else if (!string_ok(s, d, field, from, size)) {
    return false;
  } else if (!tensor || field != FIELD_REFERENCE) {
    put(s, s->in + tag, from + size - tag);
  }
  return true;
}

static bool walk(Slim *s, const ProtobufCMessageDescriptor *d, size_t at, size_t end, int depth) {
  if (depth > MAX_DEPTH) return error_in(s->ctx, s->path, "messages are nested more than %d deep", MAX_DEPTH);
  while (at < end) {
    size_t tag = at;
    uint64_t key, size = 0;
    if (!read_varint(s, &at, end, &key)) return false;
    size_t contents = at;
    if (key >> 3 == 0 || key >> 3 > UINT32_MAX >> 3) return broken(s, tag);
    switch (key & 7) {
    case WIRE_VARINT: {
      uint64_t ignored;
      if (!read_varint(s, &at, end, &ignored)) return false;
      put(s, s->in + tag, at - tag);
      continue;
    }
    case WIRE_64: size = 8; break;
    case WIRE_32: size = 4; break;
    case WIRE_BYTES:
      if (!read_varint(s, &at, end, &size)) return false;
      break;
    default: return broken(s, tag);
    }
    if (size > end - at)
      return error_in(s->ctx, s->path,
                      "is not an ONNX file, or is truncated: the field at byte %zu has %llu bytes, %zu are left", tag,
                      (unsigned long long)size, end - at);
    if ((key & 7) == WIRE_BYTES) {
      if (!walk_bytes(s, d, (uint32_t)(key >> 3), tag, contents, at, (size_t)size, depth)) return false;
    } else {
      put(s, s->in + tag, at + (size_t)size - tag);
    }
    at += (size_t)size;
  }
  return true;
}

ProtobufCMessage *slim_unpack(Context *ctx, const char *path, const ProtobufCMessageDescriptor *d,
                              const unsigned char *bytes, size_t size) {
  Slim s = {.ctx = ctx, .path = path, .in = bytes};
  ProtobufCMessage *m = NULL;
  if (!size) {
    error_in(ctx, path, "is empty");
  } else if (walk(&s, d, 0, size, 0)) {
    m = protobuf_c_message_unpack(d, NULL, s.out_size, s.out);
    if (!m) error_in(ctx, path, "is not an ONNX file: a field of %s has the wrong kind", d->short_name);
  }
  free(s.out);
  return m;
}

bool unknown_bytes(const ProtobufCMessage *m, uint32_t field, size_t nth, const unsigned char **at, size_t *size) {
  for (unsigned i = 0; i < m->n_unknown_fields; i++) {
    const ProtobufCMessageUnknownField *u = &m->unknown_fields[i];
    if (u->tag != field || u->wire_type != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED || nth-- > 0) continue;
    size_t skip = 0;
    while (skip < u->len && u->data[skip] > 127) skip++;
    if (skip == u->len) return false;
    *at = u->data + skip + 1;
    *size = u->len - skip - 1;
    return true;
  }
  return false;
}

bool slim_raw_data(const ProtobufCMessage *tensor, size_t *offset, size_t *size) {
  const unsigned char *at;
  size_t n;
  if (!unknown_bytes(tensor, FIELD_REFERENCE, 0, &at, &n) || n != 16) return false;
  *offset = (size_t)read_word(at);
  *size = (size_t)read_word(at + 8);
  return true;
}
