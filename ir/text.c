/* Growing strings, escapes and decimals; see text.h. */
#include "ir/text.h"
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_SIZE = 256 };

static void reserve(Text *t, size_t more) {
  if (t->cap - t->len > more) return;
  size_t cap = t->cap ? t->cap : FIRST_SIZE;
  while (cap - t->len <= more) cap *= 2;
  char *at = arena_alloc(t->arena, cap);
  if (t->len) memcpy(at, t->at, t->len);
  t->at = at;
  t->cap = cap;
}

void text_append(Text *t, const char *bytes, size_t count) {
  reserve(t, count);
  if (count) memcpy(t->at + t->len, bytes, count);
  t->len += count;
  t->at[t->len] = 0;
}

void text_puts(Text *t, const char *s) { text_append(t, s, strlen(s)); }
void text_putc(Text *t, char c) { text_append(t, &c, 1); }

void text_printf(Text *t, const char *format, ...) {
  reserve(t, 1);
  va_list args, again;
  va_start(args, format);
  va_copy(again, args);
  int n = vsnprintf(t->at + t->len, t->cap - t->len, format, args);
  va_end(args);
  if (n < 0) die("bad format '%s'", format);
  if ((size_t)n >= t->cap - t->len) {
    reserve(t, (size_t)n);
    vsnprintf(t->at + t->len, t->cap - t->len, format, again);
  }
  va_end(again);
  t->len += (size_t)n;
}

char *text_string(Text *t) {
  if (!t->at) reserve(t, 1);
  return t->at;
}

int utf8_length(const unsigned char *s) {
  /* lead byte range, then the range of the second byte; later bytes are 80..BF (Unicode, table 3-7) */
  static const struct {
    unsigned char lead_low, lead_high, second_low, second_high;
    int length;
  } forms[] = {
      {0x01, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
      {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
      {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
  };
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
    if (s[0] < forms[i].lead_low || s[0] > forms[i].lead_high) continue;
    if (forms[i].length > 1 && (s[1] < forms[i].second_low || s[1] > forms[i].second_high)) return 0;
    for (int k = 2; k < forms[i].length; k++)
      if (s[k] < 0x80 || s[k] > 0xbf) return 0;
    return forms[i].length;
  }
  return 0;
}

void text_quote(Text *t, const char *string) {
  static const char special[] = "\"\\\n\t\r", letter[] = "\"\\ntr";
  text_putc(t, '"');
  for (const unsigned char *s = (const unsigned char *)string; *s;) {
    const char *p = strchr(special, *s);
    int n = utf8_length(s);
    if (p) {
      text_putc(t, '\\');
      text_putc(t, letter[p - special]);
      n = 1;
    } else if (n == 0 || *s < 0x20 || *s == 0x7f) {
      text_printf(t, "\\x%02x", *s);
      n = 1;
    } else {
      text_append(t, (const char *)s, (size_t)n);
    }
    s += n;
  }
  text_putc(t, '"');
}

/* %.*g with a point, whatever the locale (whose point may be several bytes); returns the length. */
static int print_digits(double x, int digits, char *out) {
  int n = snprintf(out, DECIMAL_SIZE, "%.*g", digits, x), kept = 0;
  for (int i = 0; i < n; i++) {
    bool digit = strchr("0123456789+-e", out[i]) != NULL;
    if (digit || (kept && out[kept - 1] != '.')) out[kept++] = digit ? out[i] : '.';
  }
  out[kept] = 0;
  return kept;
}

int format_double(double x, char out[DECIMAL_SIZE]) {
  if (isnan(x)) return snprintf(out, DECIMAL_SIZE, "nan");
  if (isinf(x)) return snprintf(out, DECIMAL_SIZE, x < 0 ? "-inf" : "inf");
  int n = 0;
  for (int digits = 1; digits <= 17; digits++) {
    double back;
    n = print_digits(x, digits, out);
    if (read_double(out, (size_t)n, &back) && back == x) break;
  }
  if (fabs(x) < 1e15 && x == floor(x)) { /* 100, not 1e+02 */
    char whole[DECIMAL_SIZE];
    int m = snprintf(whole, sizeof whole, "%.0f", x);
    if (m <= n) memcpy(out, whole, (size_t)m + 1), n = m;
  }
  return n;
}

void text_double(Text *t, double x) {
  char decimal[DECIMAL_SIZE];
  text_append(t, decimal, (size_t)format_double(x, decimal));
}

/* strtod on a copy of a decimal whose point is the locale's. */
static bool read_finite(const char *at, size_t length, double *out) {
  char small[128], *copy = length < sizeof small - 8 ? small : malloc(length + 8);
  if (!copy) die_memory(length);
  const char *point = localeconv()->decimal_point;
  size_t n = 0;
  bool pointed = false;
  for (size_t i = 0; i < length; i++) {
    if (at[i] != '.' || pointed || strlen(point) > 6) {
      copy[n++] = at[i];
      continue;
    }
    pointed = true;
    for (const char *p = point; *p; p++) copy[n++] = *p;
  }
  copy[n] = 0;
  char *end;
  *out = strtod(copy, &end);
  bool good = n && end == copy + n && isfinite(*out);
  if (copy != small) free(copy);
  return good;
}

double float_as_written(float f) {
  for (int digits = 6; digits < 9; digits++) {
    char text[DECIMAL_SIZE];
    snprintf(text, sizeof text, "%.*g", digits, (double)f);
    double d = strtod(text, NULL);
    if ((float)d == f) return d;
  }
  return (double)f;
}

bool read_double(const char *at, size_t length, double *out) {
  static const struct {
    const char *name;
    double value;
  } words[] = {{"inf", INFINITY}, {"-inf", -INFINITY}, {"nan", NAN}};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strlen(words[i].name) == length && !memcmp(words[i].name, at, length)) return *out = words[i].value, true;
  for (size_t i = 0; i < length; i++)
    if (!strchr("0123456789+-eE.", at[i]) || !at[i]) return false; /* no hex, no blanks, no NUL */
  return read_finite(at, length, out);
}

bool is_identifier(const char *s) {
  static const char later[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
  return *s && strchr(later + 10, *s) && s[strspn(s, later)] == 0;
}

bool is_attr_name(const char *s) { return *s && s[strspn(s, "0123456789abcdefghijklmnopqrstuvwxyz_")] == 0; }

void text_term(Text *t, bool first, int64_t coefficient, const char *name) {
  uint64_t size = coefficient < 0 ? 0 - (uint64_t)coefficient : (uint64_t)coefficient;
  text_puts(t, first ? coefficient < 0 ? "-" : "" : coefficient < 0 ? " - " : " + ");
  if (!*name)
    text_printf(t, "%" PRIu64, size);
  else if (size == 1)
    text_puts(t, name);
  else
    text_printf(t, "%" PRIu64 "*%s", size, name);
}
