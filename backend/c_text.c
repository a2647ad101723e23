/* Spellings of C: types, literals, strings, comments, names. */
#include "backend/c_internal.h"
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *c_type_name(DType type) {
  static const char *const names[DT_LIMIT] = {
      [DT_f32] = "float",    [DT_u8] = "uint8_t",   [DT_i8] = "int8_t",    [DT_u16] = "uint16_t", [DT_i16] = "int16_t",
      [DT_i32] = "int32_t",  [DT_i64] = "int64_t",  [DT_bool] = "uint8_t", [DT_f16] = "uint16_t", [DT_f64] = "double",
      [DT_u32] = "uint32_t", [DT_u64] = "uint64_t", [DT_bf16] = "uint16_t"};
  return names[type];
}

const char *c_reg_type_name(RegType type) {
  static const char *const names[REG_TYPE_COUNT] = {"float", "double", "int32_t", "int64_t"};
  return names[type];
}

/* printf's decimals with a point, whatever the locale. */
static void put_decimal(Text *t, const char *number, const char *suffix) {
  bool plain = true;
  for (const char *p = number; *p; p++) {
    if (strchr("0123456789+-e", *p)) {
      text_putc(t, *p);
      plain = plain && *p != 'e';
    } else if (p == number || strchr("0123456789", p[-1])) {
      text_putc(t, '.');
      plain = false;
    }
  }
  if (plain) text_puts(t, ".0");
  text_puts(t, suffix);
}

/* A quotient, not math.h's name: that is a function call to some compilers, which no static initializer may hold. */
static bool put_special(Text *t, double x, const char *suffix) {
  if (isnan(x)) text_printf(t, "(0.0%s / 0.0%s)", suffix, suffix);
  if (isinf(x)) text_printf(t, "(%s1.0%s / 0.0%s)", x < 0 ? "-" : "", suffix, suffix);
  return !isfinite(x);
}

/* 1.8p+1: exact, one spelling a number. */
static void put_hex(Text *t, double x, const char *suffix) {
  int exponent = 0;
  double m = frexp(fabs(x), &exponent);
  if (signbit(x)) text_putc(t, '-');
  if (m == 0) {
    text_printf(t, "0x0p+0%s", suffix);
    return;
  }
  text_puts(t, "0x1");
  m = m * 2 - 1;
  if (m != 0) text_putc(t, '.');
  while (m != 0) {
    m *= 16;
    text_putc(t, "0123456789abcdef"[(int)m]);
    m -= (int)m;
  }
  text_printf(t, "p%+d%s", exponent - 1, suffix);
}

void c_put_float(Text *t, float x, bool hex) {
  char number[64];
  if (put_special(t, (double)x, "f")) return;
  if (hex) {
    put_hex(t, (double)x, "f");
    return;
  }
  for (int digits = 6; digits <= FLT_DECIMAL_DIG; digits++) {
    snprintf(number, sizeof number, "%.*g", digits, (double)x);
    if (strtof(number, NULL) == x) break;
  }
  put_decimal(t, number, "f");
}

void c_put_double(Text *t, double x, bool hex) {
  char number[64];
  if (put_special(t, x, "")) return;
  if (hex) {
    put_hex(t, x, "");
    return;
  }
  for (int digits = 6; digits <= DBL_DECIMAL_DIG; digits++) {
    snprintf(number, sizeof number, "%.*g", digits, x);
    if (strtod(number, NULL) == x) break;
  }
  put_decimal(t, number, "");
}

/* The least integers have no literal of their own. */
void c_put_int(Text *t, int64_t x, bool is_i64) {
  if (x == INT64_MIN)
    text_puts(t, "(-INT64_C(9223372036854775807) - 1)");
  else if (x == INT32_MIN && !is_i64)
    text_puts(t, "(-2147483647 - 1)");
  else if (x > INT32_MAX || x <= INT32_MIN)
    text_printf(t, "INT64_C(%" PRId64 ")", x);
  else
    text_printf(t, "%" PRId64, x);
}

/* Octal escapes end after three digits, so what follows cannot join them; ? is escaped because of trigraphs. */
void c_put_string(Text *t, const char *string) {
  text_putc(t, '"');
  for (const unsigned char *s = (const unsigned char *)string; *s; s++) {
    if (*s < ' ' || *s > '~' || *s == '"' || *s == '\\' || *s == '?')
      text_printf(t, "\\%03o", *s);
    else
      text_putc(t, (char)*s);
  }
  text_putc(t, '"');
}

void c_put_comment(Text *t, const char *string) {
  char before = 0;
  for (const unsigned char *s = (const unsigned char *)string; *s; s++) {
    const char c = *s < ' ' || *s > '~' ? '_' : (char)*s;
    if ((before == '*' && c == '/') || (before == '/' && c == '*') || (before == '?' && c == '?')) text_putc(t, ' ');
    text_putc(t, c);
    before = c;
  }
}

/* ---- names ---- */

static const char *const reserved[] = {
    /* C99, C11, C++20 */
    "alignas", "alignof", "and", "and_eq", "asm", "auto", "bitand", "bitor", "bool", "break", "case", "catch", "char",
    "char8_t", "char16_t", "char32_t", "class", "compl", "concept", "const", "consteval", "constexpr", "constinit",
    "const_cast", "continue", "co_await", "co_return", "co_yield", "decltype", "default", "delete", "do", "double",
    "dynamic_cast", "else", "enum", "explicit", "export", "extern", "false", "float", "for", "friend", "goto", "if",
    "inline", "int", "long", "mutable", "namespace", "new", "noexcept", "not", "not_eq", "nullptr", "operator", "or",
    "or_eq", "private", "protected", "public", "register", "reinterpret_cast", "requires", "restrict", "return",
    "short", "signed", "sizeof", "static", "static_assert", "static_cast", "struct", "switch", "template", "this",
    "thread_local", "throw", "true", "try", "typedef", "typeid", "typename", "typeof", "union", "unsigned", "using",
    "virtual", "void", "volatile", "wchar_t", "while", "xor", "xor_eq",
    /* macros and types of the headers in use and of compilers */
    "unix", "linux", "i386", "errno", "NULL", "NAN", "INFINITY", "HUGE_VAL", "HUGE_VALF", "EOF", "OVERFLOW",
    "UNDERFLOW", "DOMAIN", "SING", "PLOSS", "TLOSS", "math_errhandling", "size_t", "ptrdiff_t", "int8_t", "int16_t",
    "int32_t", "int64_t", "uint8_t", "uint16_t", "uint32_t", "uint64_t", "intptr_t", "uintptr_t", "float_t", "double_t",
    "offsetof",
    /* locals of emitted functions */
    "p", "slice", "slices", "first", "last", "model", "workspace", "call", "main", "memcpy", "memcmp", "memset"};

/* The many limits of stdint.h and limits.h by their ends. */
static bool is_limit(const char *name) {
  static const char *const ends[] = {"_MAX", "_MIN", "_WIDTH"};
  const size_t length = strlen(name);
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
    const size_t end = strlen(ends[i]);
    if (length > end && !strcmp(name + length - end, ends[i])) return true;
  }
  return false;
}

bool c_name_reserved(const char *name) {
  if (is_limit(name)) return true;
  for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
    if (!strcmp(reserved[i], name)) return true;
  return false;
}

char *c_identifier(Arena *arena, const char *name) {
  Text t = {.arena = arena};
  if (!*name || (*name >= '0' && *name <= '9')) text_putc(&t, 'm');
  for (; *name; name++) {
    const char c = *name;
    const bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    /* no name begins with an underscore, which C reserves, and none has two in a row, which C++ does */
    if (good)
      text_putc(&t, c);
    else if (!t.len)
      text_putc(&t, 'm');
    else if (t.at[t.len - 1] != '_')
      text_putc(&t, '_');
  }
  if (!strcmp(text_string(&t), "nextc")) text_putc(&t, '_'); /* nextc_slice and others belong to all models */
  return text_string(&t);
}

char *c_upper(Arena *arena, const char *name) {
  char *upper = arena_strdup(arena, name);
  for (char *p = upper; *p; p++)
    if (*p >= 'a' && *p <= 'z') *p = (char)(*p - 'a' + 'A');
  return upper;
}

char *c_parameter_name(Arena *arena, const char *name) {
  char *identifier = c_identifier(arena, name);
  while (c_name_reserved(identifier)) identifier = arena_printf(arena, "%s_", identifier);
  return identifier;
}

CFunction c_kernel_function(Arena *arena, const Kernel *k, int index, const Target *target, const char *prefix) {
  Text code = {.arena = arena}, renamed = {.arena = arena}, name = {.arena = arena};
  const char *upper = c_upper(arena, prefix);
  c_emit_kernel(&code, k, index, target);
  runtime_rename(&renamed, text_string(&code), prefix, upper);
  runtime_rename(&name, c_kernel_name(arena, k, index, target), prefix, upper);
  return (CFunction){text_string(&name), text_string(&renamed)};
}

void c_write(const CFile *f, FILE *to, const char *text) {
  const ArenaMark mark = arena_mark(f->arena);
  Text renamed = {.arena = f->arena};
  runtime_rename(&renamed, text, f->prefix, f->upper);
  fwrite(text_string(&renamed), 1, renamed.len, to);
  arena_release(f->arena, mark);
}
