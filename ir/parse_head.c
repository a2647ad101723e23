/* The lines of a .nir text above its statements: nir, source, graph. See nir.h and docs/ir.md. */
#include "ir/nir.h"
#include "ir/path.h"
#include <string.h>

static bool end_of_line(Parser *p, const char *what) {
  return p->x.token.kind == TOK_LINE || p->x.token.kind == TOK_END || lex_expected(&p->x, what);
}

bool parse_header(Parser *p) {
  Lexer *x = &p->x;
  int64_t version;
  while (x->token.kind == TOK_LINE) lex_next_line(x);
  if (!lex_is_word(x, "nir")) return lex_expected(x, "'nir 1' as the first line");
  lex_next(x);
  const Token number = x->token;
  if (!lex_integer(x, "a version number", 0, INT64_MAX, &version)) return false;
  if (version != NIR_VERSION)
    return lex_error(x, &number, "version %lld of the text form is unknown, this nextc reads version %d",
                     (long long)version, NIR_VERSION);
  return end_of_line(p, "the end of the line");
}

/* 16 hex digits, which the lexer takes for a word or a number */
static bool parse_hash(Parser *p, uint64_t *out) {
  const Token t = p->x.token;
  bool good = (t.kind == TOK_WORD || t.kind == TOK_NUMBER) && t.length == 16;
  *out = 0;
  for (size_t i = 0; good && i < t.length; i++) {
    static const char hex[] = "0123456789abcdef";
    const char *digit = strchr(hex, t.at[i]); /* no token holds a NUL */
    good = digit != NULL;
    if (good) *out = *out << 4 | (uint64_t)(digit - hex);
  }
  if (!good) return lex_expected(&p->x, "a hash of 16 hex digits");
  lex_next(&p->x);
  return true;
}

/* Opens the source; it belongs to the graph from here on. */
static bool open_declared(Parser *p, const Token *at, const char *path, const uint64_t *hash, const Token *hash_token) {
  p->declared_sources++;
  const char *whole = path_resolve(p->graph->arena, p->x.file, path);
  Source *s = p->open ? p->open(p->x.context, whole) : NULL;
  if (!s) {
    p->source_failed = true;
    return lex_error(&p->x, at, "source '%.200s' cannot be opened", path);
  }
  graph_add_source(p->graph, s);
  if (!hash) return true;
  if (!s->hash && s->compute_hash) s->hash = s->compute_hash(s);
  if (s->hash == *hash) return true;
  return lex_error(&p->x, hash_token, "%.200s has changed: its hash is %016llx, the text says %016llx", path,
                   (unsigned long long)s->hash, (unsigned long long)*hash);
}

/* source 0 "model.onnx" hash=0123456789abcdef */
bool parse_source(Parser *p) {
  Lexer *x = &p->x;
  const char *path;
  int64_t number;
  uint64_t hash = 0;
  lex_next(x);
  const Token number_token = x->token;
  if (!lex_integer(x, "the number of the source", 0, INT32_MAX, &number)) return false;
  if (number != p->declared_sources)
    return lex_error(x, &number_token, "source %lld, but the next one is %lld", (long long)number,
                     (long long)p->declared_sources);
  if (number >= MAX_TEXT_SOURCES) return lex_error(x, &number_token, "more than %d sources", MAX_TEXT_SOURCES);
  const Token path_token = x->token;
  if (!lex_string(x, "the path of the source in quotes", &path)) return false;
  Token hash_token = x->token;
  bool hashed = lex_is_word(x, "hash");
  if (hashed) {
    lex_next(x);
    if (!lex_expect(x, '=')) return false;
    hash_token = x->token;
    if (!parse_hash(p, &hash)) return false;
  }
  if (!end_of_line(p, hashed ? "the end of the line" : "hash= or the end of the line")) return false;
  return open_declared(p, &path_token, path, hashed ? &hash : NULL, &hash_token);
}

static bool parse_symbols(Parser *p) {
  Lexer *x = &p->x;
  do {
    const Token t = x->token;
    if (t.kind != TOK_WORD && t.kind != TOK_STRING) return lex_expected(x, "a symbol");
    const char *name = t.kind == TOK_STRING ? t.string : arena_strndup(x->arena, t.at, t.length);
    int before = p->graph->symbol_count, index = graph_symbol(p->graph, name);
    if (index < 0) return lex_error(x, &t, "more than %d symbols", MAX_SYMBOLS);
    if (index < before) return lex_error(x, &t, "symbol '%s' is listed twice", lex_text(x, &t));
    lex_next(x);
  } while (lex_accept(x, ','));
  return true;
}

/* What the keys of the graph line say, before the symbols are all known. */
typedef struct {
  bool seen[3];
  Lexer batch; /* where the value of batch= stands */
} GraphKeys;

static bool parse_graph_key(Parser *p, GraphKeys *keys) {
  static const char *const names[] = {"after", "batch", "symbols"};
  Lexer *x = &p->x;
  const Token t = x->token;
  size_t k = 0;
  while (k < 3 && !lex_is_word(x, names[k])) k++;
  const char *word = lex_text(x, &t);
  if (k == 3) return lex_error(x, &t, "unknown key '%s'%s", word, suggestion(p, word, names, 3));
  if (keys->seen[k]) return lex_error(x, &t, "key '%s' is given twice", word);
  keys->seen[k] = true;
  lex_next(x);
  if (!lex_expect(x, '=')) return false;
  if (k == 0) {
    const char *pass;
    if (!lex_string(x, "the name of a pass in quotes", &pass)) return false;
    p->graph->last_pass = arena_strdup(p->graph->arena, pass);
    return true;
  }
  if (k == 2) return parse_symbols(p);
  keys->batch = *x;
  lex_next(x);
  return true;
}

static bool parse_batch(Parser *p, Lexer at) {
  int errors = p->x.errors;
  Lexer after = p->x;
  p->x = at;
  const int64_t most = INT64_C(1) << 48;
  bool number = at.token.kind == TOK_NUMBER;
  bool good = number ? lex_integer(&p->x, "2 or more images, or a symbol", 2, most, &p->graph->batch)
                     : parse_symbol(p, &p->graph->batch_symbol);
  after.errors = p->x.errors;
  after.line_failed = after.errors != errors;
  p->x = after;
  return good;
}

/* graph "model" after="clean-import" batch=N symbols=N,H */
bool parse_graph_line(Parser *p) {
  Lexer *x = &p->x;
  const char *name;
  GraphKeys keys = {0};
  lex_next(x);
  const Token t = x->token;
  if (!lex_string(x, "the name of the graph in quotes", &name)) return false;
  if (!is_identifier(name)) return lex_error(x, &t, "graph name %s is no C identifier", lex_text(x, &t));
  p->graph->name = arena_strdup(p->graph->arena, name);
  while (x->token.kind == TOK_WORD)
    if (!parse_graph_key(p, &keys)) return false;
  if (!end_of_line(p, "after=, batch=, symbols= or the end of the line")) return false;
  return !keys.seen[1] || parse_batch(p, keys.batch);
}
