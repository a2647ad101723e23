/* Tokens of the .nir text: one line at a time, one token of lookahead. See docs/ir.md for the grammar. */
#ifndef NEXTC_LEX_H
#define NEXTC_LEX_H
#include "ir/diag.h"
#include <stdint.h>

typedef enum {
  TOK_END,    /* of the file */
  TOK_LINE,   /* end of a line */
  TOK_WORD,   /* letters, digits, _ ; may start with a digit where it is no number: 2x, 0123abcd */
  TOK_NUMBER, /* 12  -3  0.5  1e-06  -inf */
  TOK_VALUE,  /* %12 */
  TOK_STRING, /* "..." with escapes; ends on its line */
  TOK_DOTS,   /* .. */
  TOK_PUNCT,  /* any other printable character */
  TOK_BAD,    /* a byte that starts no token, or a string with an error that is already reported */
} TokenKind;

typedef struct {
  TokenKind kind;
  const char *at; /* in the text */
  size_t length;
  int line, column;   /* 1-based, column in bytes */
  const char *string; /* TOK_STRING: decoded, in the lexer's arena */
} Token;

typedef struct {
  Context *context;
  Arena *arena; /* of decoded strings; whoever owns it may release it between lines */
  const char *file;
  const char *at, *end, *line_start;
  int line;
  Token token;      /* the current one */
  bool line_failed; /* an error on this line is reported; later ones on it are not */
  int errors;
} Lexer;

/* Starts before the first token of the text. */
void lex_start(Lexer *, Context *, Arena *, const char *file, const char *text, size_t length);
void lex_next(Lexer *);
/* To the first token of the next line, whatever is left on this one. */
void lex_next_line(Lexer *);

/* Reports an error at the token, one a line; returns false. */
bool lex_error(Lexer *, const Token *, const char *format, ...) PRINTF_LIKE(3, 4);
/* "expected <what>, found <current token>"; returns false. */
bool lex_expected(Lexer *, const char *what);

bool lex_is(const Lexer *, char punct);
bool lex_accept(Lexer *, char punct); /* steps over it where it is there */
bool lex_expect(Lexer *, char punct); /* the same; else lex_expected */
bool lex_is_word(const Lexer *, const char *word);
/* The token's text, cut after 60 characters: for nearest_name and messages. In the lexer's arena. */
const char *lex_text(const Lexer *, const Token *);
/* The current token as a whole number in [low, high]; steps over it. what: for the message. */
bool lex_integer(Lexer *, const char *what, int64_t low, int64_t high, int64_t *out);
/* The current token as a decimal; steps over it. */
bool lex_decimal(Lexer *, const char *what, double *out);
/* The current token as a string; steps over it. */
bool lex_string(Lexer *, const char *what, const char **out);
#endif
