/* Building texts: a growing string, and the spellings that every text of nextc shares (escaped strings, decimals). */
#ifndef NEXTC_TEXT_H
#define NEXTC_TEXT_H
#include "ir/arena.h"
#include "ir/diag.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A string under construction in an arena: (Text){.arena = a} is empty. Growth doubles. */
typedef struct {
  Arena *arena;
  char *at; /* always NUL-terminated; NULL before the first append */
  size_t len;
  size_t cap;
} Text;

void text_append(Text *, const char *bytes, size_t count);
void text_puts(Text *, const char *);
void text_putc(Text *, char);
void text_printf(Text *, const char *format, ...) PRINTF_LIKE(2, 3);
/* The string so far; never NULL. */
char *text_string(Text *);

/* "like this": quoted, with \" \\ \n \t \r and \xHH for other control characters and bytes that are not UTF-8. */
void text_quote(Text *, const char *);
/* Shortest decimal that reads back as the same double; inf, -inf, nan. */
void text_double(Text *, double);
/* " + 3*x", " - x": one term of a sum, with its sign unless it is a first one's +; name "" for the constant. */
void text_term(Text *, bool first, int64_t coefficient, const char *name);

enum { DECIMAL_SIZE = 32 };
/* The same into a buffer. Returns the length. */
int format_double(double, char out[DECIMAL_SIZE]);
/* Reads what format_double writes, and any other C decimal of `length` characters, whatever the locale. False where it
 * is no decimal or too large for a double. */
bool read_double(const char *at, size_t length, double *out);

/* The number that was meant by f: the shortest decimal that rounds to it, so that 1e-5f is 1e-5 and prints as it. */
double float_as_written(float f);

/* [A-Za-z_][A-Za-z0-9_]*: may stand unquoted in a text. */
bool is_identifier(const char *);
/* [a-z0-9_]+: what an attribute of kind NAME holds. */
bool is_attr_name(const char *);

/* Length of the well-formed UTF-8 sequence at s (NUL-terminated), 1..4; 0 where there is none. */
int utf8_length(const unsigned char *s);
#endif
