/* Tokens of the .nir text; see lex.h. Every byte of the text is looked at once. */
#include "ir/lex.h"
#include "ir/text.h"
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
static bool is_word_char(char c) { return is_letter(c) || is_digit(c); }

static int column_of(const Lexer *x, const char *at) {
  ptrdiff_t n = at - x->line_start;
  return n < INT_MAX ? (int)n + 1 : INT_MAX;
}

/* The character `ahead` bytes on; a newline past the end, which starts no token. */
static char peek(const Lexer *x, size_t ahead) { return ahead < (size_t)(x->end - x->at) ? x->at[ahead] : '\n'; }

static void finish(Lexer *x, TokenKind kind, size_t length) {
  x->token.kind = kind;
  x->token.length = length;
  x->at += length;
}

/* The escape after a backslash at x->at: one byte, its length in *used; -1: not one. */
static int escape(const Lexer *x, size_t *used) {
  static const char letter[] = "\"\\ntr", byte[] = "\"\\\n\t\r", hex[] = "0123456789abcdef";
  char c = peek(x, 1);
  const char *p = strchr(letter, c);
  *used = 2;
  if (p && c) return (unsigned char)byte[p - letter];
  if (c != 'x') return -1;
  const char *high = strchr(hex, peek(x, 2)), *low = strchr(hex, peek(x, 3));
  *used = 4;
  if (!high || !low || !*high || !*low || (high == hex && low == hex)) return -1; /* \x00 would end the string */
  return (int)((high - hex) * 16 + (low - hex));
}

/* Where the string's closing quote is, or what stops it: a newline, a NUL, the end. */
static size_t quoted_length(const Lexer *x) {
  size_t n = 1;
  for (char c; (c = peek(x, n)) != '"' && c != '\n' && c; n++)
    if (c == '\\' && peek(x, n + 1) != '\n' && peek(x, n + 1)) n++;
  return n;
}

static void bad_string(Lexer *x) {
  Token here = {.line = x->line, .column = column_of(x, x->at)};
  char c = peek(x, 0);
  if (c == '\\' && peek(x, 1) != '\n')
    lex_error(x, &here, "unknown escape in a string (known: \\\" \\\\ \\n \\t \\r \\x01 to \\xff)");
  else if (c)
    lex_error(x, &x->token, "the string that starts here does not end on its line");
  else
    lex_error(x, &here, "a string holds a NUL byte");
  x->token.kind = TOK_BAD;
  x->token.length = 1;
}

static void lex_quoted(Lexer *x) {
  char *out = arena_alloc(x->arena, quoted_length(x)), *to = out; /* escapes only shrink */
  const char *start = x->at++;
  for (char c; (c = peek(x, 0)) != '"';) {
    size_t used = 1;
    int byte = c == '\\' ? escape(x, &used) : c == '\n' || !c ? -1 : (unsigned char)c;
    if (byte < 0) {
      bad_string(x);
      return;
    }
    *to++ = (char)byte;
    x->at += used;
  }
  x->at++;
  x->token.kind = TOK_STRING;
  x->token.length = (size_t)(x->at - start);
  x->token.string = out;
}

static void lex_number(Lexer *x) {
  size_t n = peek(x, 0) == '-';
  if (is_letter(peek(x, n))) { /* -inf */
    while (is_word_char(peek(x, n))) n++;
    finish(x, TOK_NUMBER, n);
    return;
  }
  while (is_digit(peek(x, n))) n++;
  if (peek(x, n) == '.' && is_digit(peek(x, n + 1)))
    for (n++; is_digit(peek(x, n));) n++;
  size_t sign = peek(x, n + 1) == '-' || peek(x, n + 1) == '+';
  if ((peek(x, n) == 'e' || peek(x, n) == 'E') && is_digit(peek(x, n + 1 + sign)))
    for (n += 1 + sign; is_digit(peek(x, n));) n++;
  size_t word = 0;
  while (is_word_char(peek(x, word))) word++;
  if (word > n)
    finish(x, TOK_WORD, word); /* letters follow: 0123abcd */
  else
    finish(x, TOK_NUMBER, n);
}

static void lex_word(Lexer *x, TokenKind kind, size_t n) {
  while (is_word_char(peek(x, n))) n++;
  finish(x, kind, n);
}

static void skip_blanks(Lexer *x) {
  while (x->at < x->end && (*x->at == ' ' || *x->at == '\t' || *x->at == '\r')) x->at++;
  if (peek(x, 0) == '/' && peek(x, 1) == '/') {
    const char *newline = memchr(x->at, '\n', (size_t)(x->end - x->at));
    x->at = newline ? newline : x->end;
  }
}

void lex_next(Lexer *x) {
  skip_blanks(x);
  x->token = (Token){.at = x->at, .line = x->line, .column = column_of(x, x->at)};
  char c = peek(x, 0);
  if (x->at == x->end)
    finish(x, TOK_END, 0);
  else if (c == '\n')
    finish(x, TOK_LINE, 0);
  else if (c == '"')
    lex_quoted(x);
  else if (c == '%' && is_digit(peek(x, 1)))
    lex_word(x, TOK_VALUE, 1);
  else if (is_digit(c) || (c == '-' && is_word_char(peek(x, 1))))
    lex_number(x);
  else if (is_letter(c))
    lex_word(x, TOK_WORD, 0);
  else if (c == '.' && peek(x, 1) == '.')
    finish(x, TOK_DOTS, 2);
  else
    finish(x, c > ' ' && c < 0x7f ? TOK_PUNCT : TOK_BAD, 1);
}

void lex_next_line(Lexer *x) {
  const char *newline = memchr(x->at, '\n', (size_t)(x->end - x->at));
  x->at = newline ? newline + 1 : x->end;
  x->line_start = x->at;
  if (newline && x->line < INT_MAX) x->line++;
  x->line_failed = false;
  lex_next(x);
}

void lex_start(Lexer *x, Context *context, Arena *arena, const char *file, const char *text, size_t length) {
  *x = (Lexer){.context = context,
               .arena = arena,
               .file = file,
               .at = text,
               .end = text + length,
               .line_start = text,
               .line = 1};
  lex_next(x);
}

bool lex_error(Lexer *x, const Token *t, const char *format, ...) {
  if (x->line_failed) return false;
  x->line_failed = true;
  x->errors++;
  va_list args;
  va_start(args, format);
  const char *message = arena_vprintf(x->arena, format, args);
  va_end(args);
  return error_at(x->context, x->file, t->line, t->column, "%s", message);
}

const char *lex_text(const Lexer *x, const Token *t) {
  if (t->length <= 60) return arena_strndup(x->arena, t->at, t->length);
  return arena_printf(x->arena, "%.57s...", t->at);
}

static const char *found(const Lexer *x) {
  const Token *t = &x->token;
  switch (t->kind) {
  case TOK_END: return "the end of the file";
  case TOK_LINE: return "the end of the line";
  case TOK_STRING: return lex_text(x, t);
  case TOK_BAD: return arena_printf(x->arena, "byte 0x%02x", (unsigned)(unsigned char)*t->at);
  default: return arena_printf(x->arena, "'%s'", lex_text(x, t));
  }
}

bool lex_expected(Lexer *x, const char *what) {
  return lex_error(x, &x->token, "expected %s, found %s", what, found(x));
}

bool lex_is(const Lexer *x, char punct) { return x->token.kind == TOK_PUNCT && *x->token.at == punct; }

bool lex_accept(Lexer *x, char punct) {
  if (!lex_is(x, punct)) return false;
  lex_next(x);
  return true;
}

bool lex_expect(Lexer *x, char punct) {
  if (lex_accept(x, punct)) return true;
  return lex_expected(x, (char[]){'\'', punct, '\'', 0});
}

bool lex_is_word(const Lexer *x, const char *word) {
  return x->token.kind == TOK_WORD && x->token.length == strlen(word) && !memcmp(x->token.at, word, x->token.length);
}

bool lex_integer(Lexer *x, const char *what, int64_t low, int64_t high, int64_t *out) {
  const Token t = x->token;
  size_t i = t.kind == TOK_NUMBER && t.length && *t.at == '-';
  bool negative = i == 1, whole = t.kind == TOK_NUMBER, fits = true;
  uint64_t n = 0;
  for (; whole && i < t.length; i++) {
    whole = is_digit(t.at[i]);
    uint64_t digit = (uint64_t)(unsigned char)t.at[i] - '0';
    fits = fits && whole && n <= ((uint64_t)INT64_MAX - digit) / 10;
    if (fits) n = n * 10 + digit;
  }
  if (!whole) return lex_expected(x, what);
  int64_t value = negative ? -(int64_t)n : (int64_t)n;
  if (!fits || value < low || value > high) return lex_error(x, &t, "%s is out of range: %s", lex_text(x, &t), what);
  *out = value;
  lex_next(x);
  return true;
}

bool lex_decimal(Lexer *x, const char *what, double *out) {
  const Token t = x->token;
  if (t.kind == TOK_WORD || t.kind == TOK_NUMBER) {
    if (read_double(t.at, t.length, out)) {
      lex_next(x);
      return true;
    }
    if (t.kind == TOK_NUMBER && is_digit(t.at[*t.at == '-']))
      return lex_error(x, &t, "%s is out of range: %s", lex_text(x, &t), what);
  }
  return lex_expected(x, what);
}

bool lex_string(Lexer *x, const char *what, const char **out) {
  if (x->token.kind != TOK_STRING) return lex_expected(x, what);
  *out = x->token.string;
  lex_next(x);
  return true;
}
