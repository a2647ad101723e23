/* Variables and arithmetic in descriptions; see yaml_expr.h.
 *   or    = and { "or" and }              compare = sum [ ("==" | "!=" | "<" | "<=" | ">" | ">=") sum ]
 *   and   = not { "and" not }             sum     = term { ("+" | "-") term }
 *   not   = "not" not | compare           term    = factor { ("*" | "/" | "//" | "%") factor }
 *   factor = number | "true" | "false" | "-" factor | "(" or ")" | "len" "(" name ")" | name { "[" or "]" } */
#include "frontend/yaml_expr.h"
#include "ir/text.h"
#include <ctype.h>
#include <math.h>
#include <string.h>

enum { MAX_PARENS = 32 };

typedef struct {
  Context *ctx;
  Arena *arena;
  const Node *at; /* where errors point */
  const Vars *vars;
  const char *p;
  int depth;
  bool failed;
} Expr;

static double fail(Expr *e, const char *what) {
  if (!e->failed) yaml_error(e->ctx, e->at, "'%.100s': %s", e->at->text, what);
  e->failed = true;
  return 0;
}

static const Node *find_var(const Vars *v, const char *name, size_t length) {
  for (; v; v = v->next)
    if (strlen(v->name) == length && !memcmp(v->name, name, length)) return v->value;
  return NULL;
}

static size_t word_length(const char *p) {
  size_t n = 0;
  if (!isalpha((unsigned char)*p) && *p != '_') return 0;
  while (isalnum((unsigned char)p[n]) || p[n] == '_') n++;
  return n;
}

static const Node *unknown(Context *ctx, Arena *arena, const Vars *vars, const Node *at, const char *name,
                           size_t length) {
  const char *names[64], *word = arena_strndup(arena, name, length);
  size_t count = 0;
  for (; vars && count < 64; vars = vars->next) names[count++] = vars->name;
  const char *near = nearest_name(word, names, count);
  yaml_error(ctx, at, "no variable '%.60s'%s%s%s", word, near ? " (did you mean '" : "", near ? near : "",
             near ? "'?)" : "");
  return NULL;
}

/* Steps over a token where it is next; words must end there. */
static bool accept(Expr *e, const char *token) {
  e->p += strspn(e->p, " \t\n");
  size_t n = strlen(token);
  if (strncmp(e->p, token, n)) return false;
  if (isalpha((unsigned char)*token) && word_length(e->p) != n) return false;
  if (n == 1 && (*token == '<' || *token == '>') && e->p[1] == '=') return false;
  e->p += n;
  return true;
}

static double parse_or(Expr *e);

static double to_number(Expr *e, const Node *n) {
  double x;
  if (node_is(n, "true")) return 1;
  if (node_is(n, "false") || node_is_null(n)) return 0;
  return node_number(n, &x) ? x : fail(e, "a variable in it is no number");
}

static double parse_name(Expr *e) {
  size_t length = word_length(e->p);
  const Node *n = find_var(e->vars, e->p, length);
  if (!n) return e->failed = true, unknown(e->ctx, e->arena, e->vars, e->at, e->p, length), 0;
  e->p += length;
  while (accept(e, "[")) {
    double i = parse_or(e);
    if (!accept(e, "]")) return fail(e, "']' is missing");
    if (n->kind != NODE_LIST) return fail(e, "only a list has an index");
    if (i != floor(i) || i < 0 || i >= (double)n->count) return fail(e, "an index is outside of its list");
    n = n->items[(size_t)i];
  }
  return e->failed ? 0 : to_number(e, n);
}

static double parse_len(Expr *e) {
  if (!accept(e, "(")) return fail(e, "len takes a list in parentheses");
  e->p += strspn(e->p, " \t\n");
  size_t length = word_length(e->p);
  const Node *n = find_var(e->vars, e->p, length);
  if (!n || n->kind != NODE_LIST) return fail(e, "len takes a list in parentheses");
  e->p += length;
  return accept(e, ")") ? (double)n->count : fail(e, "')' is missing");
}

static double parse_literal(Expr *e) {
  size_t n = strspn(e->p, "0123456789.");
  double x;
  if (e->p[n] == 'e' && n)
    n += 1 + strspn(e->p + n + 1, "+-") + strspn(e->p + n + 1 + strspn(e->p + n + 1, "+-"), "0123456789");
  if (!read_double(e->p, n, &x)) return fail(e, "a value is missing");
  e->p += n;
  return x;
}

static double parse_factor(Expr *e) {
  if (e->failed) return 0;
  if (++e->depth > MAX_PARENS) return fail(e, "nested too deep");
  double x;
  if (accept(e, "-"))
    x = -parse_factor(e);
  else if (accept(e, "true"))
    x = 1;
  else if (accept(e, "false"))
    x = 0;
  else if (accept(e, "len"))
    x = parse_len(e);
  else if (accept(e, "(")) {
    x = parse_or(e);
    if (!accept(e, ")")) x = fail(e, "')' is missing");
  } else if (e->p += strspn(e->p, " \t\n"), word_length(e->p))
    x = parse_name(e);
  else
    x = parse_literal(e);
  e->depth--;
  return x;
}

static double parse_term(Expr *e) {
  double x = parse_factor(e);
  while (!e->failed) {
    bool whole = accept(e, "//"), product = !whole && accept(e, "*");
    bool quotient = !whole && !product && accept(e, "/"), rest = !whole && !product && !quotient && accept(e, "%");
    if (!whole && !product && !quotient && !rest) return x;
    double y = parse_factor(e);
    if (!product && y == 0) return fail(e, "division by 0");
    x = product ? x * y : quotient ? x / y : whole ? floor(x / y) : x - y * floor(x / y);
  }
  return x;
}

static double parse_sum(Expr *e) {
  double x = parse_term(e);
  while (!e->failed) {
    if (accept(e, "+"))
      x += parse_term(e);
    else if (accept(e, "-"))
      x -= parse_term(e);
    else
      return x;
  }
  return x;
}

static double parse_compare(Expr *e) {
  double x = parse_sum(e);
  if (accept(e, "==")) return x == parse_sum(e);
  if (accept(e, "!=")) return x != parse_sum(e);
  if (accept(e, "<=")) return x <= parse_sum(e);
  if (accept(e, ">=")) return x >= parse_sum(e);
  if (accept(e, "<")) return x < parse_sum(e);
  return accept(e, ">") ? x > parse_sum(e) : x;
}

static double parse_not(Expr *e) {
  if (!accept(e, "not")) return parse_compare(e);
  if (++e->depth > MAX_PARENS) return fail(e, "nested too deep");
  double x = parse_not(e);
  e->depth--;
  return x == 0;
}

static double parse_and(Expr *e) {
  double x = parse_not(e);
  while (!e->failed && accept(e, "and")) x = (parse_not(e) != 0) & (x != 0);
  return x;
}

static double parse_or(Expr *e) {
  double x = parse_and(e);
  while (!e->failed && accept(e, "or")) x = (parse_and(e) != 0) | (x != 0);
  return x;
}

/* The expression at e->p up to its closing parenthesis, which is stepped over. */
static double parse_expression(Expr *e) {
  double x = parse_or(e);
  if (!e->failed && !accept(e, ")")) return fail(e, "')' is missing");
  if (!e->failed && !isfinite(x)) return fail(e, "the result is no number");
  return x;
}

/* ---- substitution ---- */

static const Node *new_scalar(Arena *a, const Node *at, const char *text, bool quoted) {
  Node *n = arena_copy(a, at, sizeof *at);
  n->text = text;
  n->quoted = quoted;
  return n;
}

/* At a '$' that is no "$$": the variable or expression, e->p behind it. NULL + diag. */
static const Node *one_value(Expr *e) {
  char text[DECIMAL_SIZE];
  e->p++;
  if (*e->p == '(') {
    e->p++;
    format_double(parse_expression(e), text);
    return e->failed ? NULL : new_scalar(e->arena, e->at, arena_strdup(e->arena, text), false);
  }
  size_t length = word_length(e->p);
  if (!length) return fail(e, "a name or '(' should follow '$' ($$ is a dollar sign)"), NULL;
  const Node *n = find_var(e->vars, e->p, length);
  if (!n) return unknown(e->ctx, e->arena, e->vars, e->at, e->p, length);
  e->p += length;
  return n;
}

static const Node *substitute_scalar(Context *ctx, Arena *arena, const Vars *vars, const Node *n) {
  if (!strchr(n->text, '$')) return n;
  Expr e = {.ctx = ctx, .arena = arena, .at = n, .vars = vars, .p = n->text};
  Text out = {.arena = arena};
  while (*e.p) {
    size_t plain = strcspn(e.p, "$");
    text_append(&out, e.p, plain);
    e.p += plain;
    if (e.p[0] == '$' && e.p[1] == '$') {
      text_putc(&out, '$');
      e.p += 2;
    } else if (*e.p) {
      const Node *value = one_value(&e);
      if (!value) return NULL;
      if (!*e.p && !out.len) return value;
      if (value->kind != NODE_SCALAR)
        return yaml_error(ctx, n, "'%.100s': %s cannot stand inside a text", n->text, node_kind_name(value)), NULL;
      text_puts(&out, value->text);
      if (out.len > EXPR_MAX_TEXT) return yaml_error(ctx, n, "a text of more than %d bytes", EXPR_MAX_TEXT), NULL;
    }
  }
  return new_scalar(arena, n, text_string(&out), true);
}

const Node *expr_substitute(Context *ctx, Arena *arena, const Vars *vars, size_t *work, const Node *n) {
  if (++*work > EXPR_MAX_WORK) return yaml_error(ctx, n, "the description is too large when it is written out"), NULL;
  if (n->kind == NODE_SCALAR) return substitute_scalar(ctx, arena, vars, n);
  Node *copy = NULL;
  for (size_t i = 0; i < n->count; i++) {
    const Node *item = expr_substitute(ctx, arena, vars, work, n->items[i]);
    if (!item) return NULL;
    if (item == n->items[i]) continue;
    if (!copy) {
      copy = arena_copy(arena, n, sizeof *n);
      copy->items = arena_copy(arena, n->items, n->count * sizeof *n->items);
    }
    copy->items[i] = item;
  }
  return copy ? copy : n;
}
