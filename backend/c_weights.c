/* Weights: evaluated one tensor at a time, and written as a file, as text in the .c, or included by a .S. */
#include "backend/c_internal.h"
#include "ir/path.h"
#include "runtime/checksum.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Layout and meaning: runtime/weights.c. */
enum { HEADER_BYTES = 64, VERSION = 1 };
static const uint32_t byte_order_mark = 0x01020304;

/* A weight's stored elements in order, piece by piece. False + diag where they cannot be had. */
static bool weight_pieces(const CFile *f, const WeightSlot *slot, bool big_endian, ConstPiece *take, void *user) {
  const CProgram *p = f->program;
  Tensor value = {0};
  if (!p->weight_value) return eval_const_pieces(p->graph, slot->value, big_endian, take, user);
  if (!p->weight_value(p->user, p->graph, slot->value, &value)) return false;
  unsigned char *bytes = malloc((size_t)slot->bytes + 1);
  if (!bytes) die_memory((size_t)slot->bytes);
  tensor_store(&value, bytes, big_endian);
  take(user, bytes, (size_t)slot->bytes);
  tensor_free(&value);
  free(bytes);
  return true;
}

static int compare_slots(const void *left, const void *right) {
  const WeightSlot *a = left, *b = right;
  return (a->offset > b->offset) - (a->offset < b->offset);
}

/* The slots by offset; dies where they overlap or are out of line. */
static const WeightSlot *sorted_slots(const CFile *f) {
  const CProgram *p = f->program;
  WeightSlot *slots = arena_copy(f->arena, p->weights, p->weight_count * sizeof *slots);
  int64_t end = 0;
  if (p->weight_count) qsort(slots, p->weight_count, sizeof *slots, compare_slots);
  for (size_t i = 0; i < p->weight_count; i++) {
    if (slots[i].offset < end || slots[i].offset % 64) die("weight %zu at byte %" PRId64, i, slots[i].offset);
    end = slots[i].offset + slots[i].bytes;
  }
  if (end > p->weight_bytes || p->weight_bytes % 64) die("%" PRId64 " bytes of weights", p->weight_bytes);
  return slots;
}

static void report(const CFile *f, int64_t done) {
  if (f->options->progress) f->options->progress(f->options->progress_user, done, f->program->weight_bytes);
}

/* ---- the file ---- */

static bool host_is_big_endian(void) {
  const uint16_t one = 1;
  unsigned char first;
  memcpy(&first, &one, 1);
  return first == 0;
}

enum { WORDS = 32 /* bytes that the checksum takes at once */ };

typedef struct {
  FILE *to;
  bool swap; /* the file's byte order is not the host's */
  uint64_t lane[4];
  int64_t at;                /* bytes of tensors written */
  unsigned char part[WORDS]; /* the last at % WORDS of them, not yet summed */
} Stream;

/* The checksum is what the reading machine will see: words in the file's order. bytes: a multiple of WORDS. */
static void stream_sum(Stream *s, const unsigned char *data, size_t bytes) {
  unsigned char turned[WORDS];
  if (!s->swap) nx_checksum_add(s->lane, data, bytes);
  for (size_t i = 0; s->swap && i < bytes; i += WORDS) {
    for (size_t b = 0; b < WORDS; b++) turned[b] = data[i + (b ^ 7)];
    nx_checksum_add(s->lane, turned, WORDS);
  }
}

static void stream_write(void *stream, const unsigned char *data, size_t bytes) {
  Stream *s = stream;
  const size_t held = (size_t)(s->at % WORDS), first = held ? WORDS - held : 0, start = first < bytes ? first : bytes;
  fwrite(data, 1, bytes, s->to);
  s->at += (int64_t)bytes;
  memcpy(s->part + held, data, start);
  if (held && held + start == WORDS) stream_sum(s, s->part, WORDS);
  const size_t whole = (bytes - start) / WORDS * WORDS;
  stream_sum(s, data + start, whole);
  if (start + whole < bytes) memcpy(s->part, data + start + whole, bytes - start - whole);
}

static void stream_zeros(Stream *s, int64_t end) {
  static const unsigned char zeros[64];
  while (s->at < end) stream_write(s, zeros, (size_t)(end - s->at < 64 ? end - s->at : 64));
}

/* An unsigned number of `bytes` bytes at p, in the file's order. */
static void put_number(unsigned char *p, uint64_t x, int bytes, bool big_endian) {
  for (int i = 0; i < bytes; i++) p[big_endian ? bytes - 1 - i : i] = (unsigned char)(x >> (8 * i));
}

static void write_file_header(const CFile *f, FILE *to, uint64_t checksum) {
  unsigned char header[HEADER_BYTES] = "nextcwgt";
  const bool big = f->options->big_endian;
  put_number(header + 8, byte_order_mark, 4, big);
  put_number(header + 12, VERSION, 4, big);
  put_number(header + 16, f->model_hash, 8, big);
  put_number(header + 24, (uint64_t)f->program->weight_bytes, 8, big);
  put_number(header + 32, (uint64_t)f->program->weight_count, 8, big);
  put_number(header + 40, checksum, 8, big);
  fwrite(header, 1, sizeof header, to);
}

bool c_write_weights_file(const CFile *f, FILE *to) {
  const WeightSlot *slots = sorted_slots(f);
  Stream s = {.to = to, .swap = f->options->big_endian != host_is_big_endian()};
  nx_checksum_start(s.lane);
  write_file_header(f, to, 0);
  for (size_t i = 0; i < f->program->weight_count; i++) {
    stream_zeros(&s, slots[i].offset);
    if (!weight_pieces(f, &slots[i], f->options->big_endian, stream_write, &s)) return false;
    report(f, s.at);
    if (ferror(to)) return true; /* the caller reports it */
  }
  stream_zeros(&s, f->program->weight_bytes);
  if (fflush(to)) return true;
  if (fseek(to, 0, SEEK_SET))
    return error_in(f->context, f->options->weights_path,
                    "weights need a file that can be written from its start twice");
  write_file_header(f, to, nx_checksum_end(s.lane));
  return true;
}

/* ---- inline ---- */

static void append(void *user, const unsigned char *bytes, size_t count) {
  unsigned char **at = user;
  memcpy(*at, bytes, count);
  *at += count;
}

/* malloc'ed; NULL after a diag. */
static unsigned char *weight_bytes(const CFile *f, const WeightSlot *slot) {
  unsigned char *bytes = malloc((size_t)slot->bytes + 1), *at = bytes;
  if (!bytes) die_memory((size_t)slot->bytes);
  if (weight_pieces(f, slot, false, append, &at)) return bytes;
  free(bytes);
  return NULL;
}

static uint64_t read_number(const unsigned char *p, size_t bytes) {
  uint64_t x = 0;
  for (size_t i = 0; i < bytes; i++) x |= (uint64_t)p[i] << (8 * i);
  return x;
}

static void put_element(const CFile *f, Text *t, DType type, const unsigned char *p) {
  const size_t size = dtype_bytes(type);
  const uint64_t x = read_number(p, size);
  const uint32_t low = (uint32_t)x;
  float f32;
  double f64;
  memcpy(&f32, &low, sizeof f32);
  memcpy(&f64, &x, sizeof f64);
  if (type == DT_f32)
    c_put_float(t, f32, f->options->hex_floats);
  else if (type == DT_f64)
    c_put_double(t, f64, f->options->hex_floats);
  else if (dtype_is_float(type))
    text_printf(t, "0x%04" PRIx64, x);
  else if (type == DT_u64)
    text_printf(t, "UINT64_C(%" PRIu64 ")", x);
  else if (type == DT_i64)
    c_put_int(t, (int64_t)x, true);
  else if (type == DT_u32)
    text_printf(t, "%" PRIu32 "U", low);
  else if (type == DT_i32)
    c_put_int(t, (int32_t)low, false);
  else if (dtype_is_unsigned(type))
    text_printf(t, "%" PRIu64, x);
  else
    text_printf(t, "%d", size == 1 ? (int)(int8_t)low : (int)(int16_t)low);
}

/* A weight as "{1.5f, ...}," in lines of at most 120 columns. */
static void put_elements(const CFile *f, Text *t, DType type, const unsigned char *bytes, int64_t count) {
  const size_t size = dtype_bytes(type);
  size_t line = t->len;
  text_puts(t, "  {");
  for (int64_t i = 0; i < count; i++) {
    if (t->len - line > 96) {
      text_puts(t, ",\n   ");
      line = t->len - 3;
    } else if (i) {
      text_puts(t, ", ");
    }
    put_element(f, t, type, bytes + (size_t)i * size);
  }
  text_puts(t, "},\n");
}

static int64_t gap_after(const CFile *f, const WeightSlot *slots, size_t i) {
  const int64_t next = i + 1 < f->program->weight_count ? slots[i + 1].offset : f->program->weight_bytes;
  return next - slots[i].offset - slots[i].bytes;
}

/* A struct with a member for each weight: one byte layout, whatever the types. Gaps are members too. */
static void put_struct(const CFile *f, Text *t, const WeightSlot *slots) {
  text_puts(t, "\nstatic const struct {\n");
  for (size_t i = 0; i < f->program->weight_count; i++) {
    const Type *type = type_of(f->program->graph, slots[i].value);
    const int64_t gap = gap_after(f, slots, i);
    if (slots[i].bytes)
      text_printf(t, "  %s w%zu[%" PRId64 "]; /* byte %" PRId64 " */\n", c_type_name((DType)type->dtype), i,
                  type_elements(type), slots[i].offset);
    if (gap) text_printf(t, "  unsigned char gap%zu[%" PRId64 "];\n", i, gap);
  }
  text_puts(t, "} nx_weights NX_ALIGNED = {\n");
}

bool c_write_weights_inline(const CFile *f, FILE *to) {
  const WeightSlot *slots = sorted_slots(f);
  Text head = {.arena = f->arena};
  if (!f->program->weight_bytes) return true;
  put_struct(f, &head, slots);
  c_write(f, to, text_string(&head));
  for (size_t i = 0; i < f->program->weight_count; i++) {
    const ArenaMark mark = arena_mark(f->arena);
    Text t = {.arena = f->arena};
    const Type *type = type_of(f->program->graph, slots[i].value);
    unsigned char *bytes = weight_bytes(f, &slots[i]);
    if (!bytes) return false;
    if (slots[i].bytes) put_elements(f, &t, (DType)type->dtype, bytes, type_elements(type));
    if (gap_after(f, slots, i)) text_puts(&t, "  {0},\n");
    c_write(f, to, text_string(&t));
    free(bytes);
    arena_release(f->arena, mark);
    report(f, slots[i].offset + slots[i].bytes);
  }
  c_write(f, to, "};\n");
  return true;
}

/* ---- object ---- */

/* How the .S names the weights: from its own folder, so that the text is the same wherever both are. */
static const char *path_from(Arena *arena, const char *asm_path, const char *weights_path) {
  const char *slash = strrchr(asm_path, '/');
  const char *folder = slash ? arena_strndup(arena, asm_path, (size_t)(slash - asm_path) + 1) : ".";
  return *weights_path == '/' && *asm_path != '/' ? weights_path : path_relative(arena, folder, weights_path);
}

void c_write_asm(const CFile *f, FILE *to) {
  Text t = {.arena = f->arena};
  text_printf(
      &t,
      "/* Weights of %s as an object. The assembler looks for the file in the current folder, then in those of\n"
      " * -I: give it the folder of this file, or another name with -D NX_WEIGHTS_PATH='\"FILE\"'. */\n"
      "#if !defined(NX_WEIGHTS_PATH)\n"
      "#define NX_WEIGHTS_PATH ",
      f->prefix);
  c_put_string(&t, path_from(f->arena, f->options->asm_path, f->options->weights_path));
  text_printf(&t,
              "\n#endif\n"
              "#if defined(__APPLE__)\n"
              "#define NX_OBJECT _%s_weights_object\n"
              "#define NX_OBJECT_END _%s_weights_object_end\n"
              "  .section __TEXT,__const\n"
              "#else\n"
              "#define NX_OBJECT nx_weights_object\n"
              "#define NX_OBJECT_END nx_weights_object_end\n"
              "  .section .rodata\n"
              "#endif\n"
              "  .globl NX_OBJECT\n"
              "  .globl NX_OBJECT_END\n"
              "  .balign 64\n"
              "NX_OBJECT:\n"
              "  .incbin NX_WEIGHTS_PATH\n"
              "NX_OBJECT_END:\n"
              "#if defined(__ELF__)\n  .section .note.GNU-stack,\"\",%%progbits\n#endif\n",
              f->prefix, f->prefix);
  c_write(f, to, text_string(&t));
}
