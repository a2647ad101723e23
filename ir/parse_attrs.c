/* The parts of a .nir statement that come after its operands: types, {}, @{} and !. See nir.h and docs/ir.md. */
#include "ir/nir.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>

const char *suggestion(Parser *p, const char *word, const char *const *names, size_t count) {
  const char *near = strlen(word) < 64 ? nearest_name(word, names, count) : NULL;
  return near ? arena_printf(p->x.arena, " (did you mean '%s'?)", near) : "";
}

/* The current token as a word or a quoted string, whole; steps over it. */
static bool parse_name(Parser *p, const char *what, const char **out) {
  const Token *t = &p->x.token;
  if (t->kind != TOK_WORD && t->kind != TOK_STRING) return lex_expected(&p->x, what);
  *out = t->kind == TOK_STRING ? t->string : arena_strndup(p->x.arena, t->at, t->length);
  lex_next(&p->x);
  return true;
}

bool parse_symbol(Parser *p, int *out) {
  const Token t = p->x.token;
  const char *name = NULL;
  if (!parse_name(p, "a symbol", &name)) return false;
  const Graph *g = p->graph;
  for (int i = 0; i < g->symbol_count; i++)
    if (!strcmp(g->symbols[i], name)) return *out = i, true;
  const char *hint = suggestion(p, name, g->symbols, (size_t)g->symbol_count);
  return lex_error(&p->x, &t, "unknown symbol '%s'%s; the graph line lists them: symbols=N", lex_text(&p->x, &t), hint);
}

/* 3   N   64*N   and, where the lowest number allows it, -3 */
static bool parse_dim(Parser *p, const char *what, int64_t low, Dim *out) {
  const Token t = p->x.token;
  int64_t number = 1;
  int symbol = 0;
  if (t.kind == TOK_NUMBER) {
    if (!lex_integer(&p->x, what, low, INT64_MAX, &number)) return false;
    if (!lex_accept(&p->x, '*')) return *out = number, true;
  } else if (t.kind != TOK_WORD && t.kind != TOK_STRING) {
    return lex_expected(&p->x, what);
  }
  if (!parse_symbol(p, &symbol)) return false;
  if (number >= 1 && dim_mul(number, dim_symbol(symbol, 1), out)) return true;
  return lex_error(&p->x, &t, "%s is no factor of a symbol", lex_text(&p->x, &t));
}

static bool parse_dtype(Parser *p, DType *out) {
  static const char *const names[] = {
#define DTYPE(name, number, bytes, kind) #name,
#include "ir/dtype.def"
#undef DTYPE
  };
  const Token t = p->x.token;
  if (t.kind != TOK_WORD) return lex_expected(&p->x, "a type like f32[1,64]");
  const char *word = lex_text(&p->x, &t);
  if (!dtype_from_name(t.at, t.length, out))
    return lex_error(&p->x, &t, "unknown data type '%s'%s", word,
                     suggestion(p, word, names, sizeof names / sizeof *names));
  lex_next(&p->x);
  return true;
}

bool parse_type(Parser *p, Type *out) {
  Lexer *x = &p->x;
  const Token start = x->token;
  DType dtype;
  if (!parse_dtype(p, &dtype) || !lex_expect(x, '[')) return false;
  *out = (Type){.dtype = (uint8_t)dtype};
  for (bool more = !lex_is(x, ']'); more; more = lex_accept(x, ',')) {
    const Token t = x->token;
    Dim d = 0;
    if (!parse_dim(p, "a dim", INT64_MIN / 2, &d)) return false;
    if (dim_is_number(d) && d < 0) return lex_error(x, &t, "dim %s is negative", lex_text(x, &t));
    if (out->rank == MAX_RANK) return lex_error(x, &t, "more than %d dims", MAX_RANK);
    out->dim[out->rank++] = d;
  }
  if (!lex_accept(x, ']')) return lex_expected(x, "',' or ']'");
  Dim count;
  if (type_is_static(out) && !type_count(out, &count)) return lex_error(x, &start, "a type of more than 2^48 elements");
  return true;
}

/* Appends first..last, of which first is there already. */
static bool add_range(Parser *p, const Token *at, Dim first, Dim last, Dim **list, size_t *count, size_t *capacity) {
  if (last < first) return lex_error(&p->x, at, "a range ends before it starts");
  uint64_t more = (uint64_t)last - (uint64_t)first;
  if (more >= (uint64_t)(MAX_RANGES - p->range_entries))
    return lex_error(&p->x, at, "the ranges of this text stand for more than %d entries", MAX_RANGES);
  p->range_entries += (int64_t)more;
  for (Dim d = first; d < last;) {
    GROW(p->x.arena, *list, *count, *capacity);
    (*list)[(*count)++] = ++d;
  }
  return true;
}

/* [0,2..5,64*N] */
static bool parse_ints(Parser *p, Ints *out) {
  Lexer *x = &p->x;
  Dim *list = NULL;
  size_t count = 0, capacity = 0;
  if (!lex_expect(x, '[')) return false;
  for (bool more = !lex_is(x, ']'); more; more = lex_accept(x, ',')) {
    const Token t = x->token;
    Dim d = 0;
    if (count >= MAX_LIST) return lex_error(x, &t, "a list of more than %d entries", MAX_LIST);
    if (!parse_dim(p, "a number or a symbol", INT64_MIN / 2, &d)) return false;
    GROW(x->arena, list, count, capacity);
    list[count++] = d;
    if (x->token.kind != TOK_DOTS || !dim_is_number(d)) continue;
    lex_next(x);
    int64_t last = 0;
    if (!lex_integer(x, "the last number of a range", INT64_MIN / 2, INT64_MAX, &last) ||
        !add_range(p, &t, d, last, &list, &count, &capacity))
      return false;
  }
  if (!lex_accept(x, ']')) return lex_expected(x, "',' or ']'");
  *out = (Ints){(int32_t)count, list};
  return true;
}

static bool parse_floats(Parser *p, Floats *out) {
  Lexer *x = &p->x;
  double *list = NULL;
  size_t count = 0, capacity = 0;
  if (!lex_expect(x, '[')) return false;
  for (bool more = !lex_is(x, ']'); more; more = lex_accept(x, ',')) {
    if (count >= MAX_LIST) return lex_error(x, &x->token, "a list of more than %d entries", MAX_LIST);
    GROW(x->arena, list, count, capacity);
    if (!lex_decimal(x, "a number", &list[count++])) return false;
  }
  if (!lex_accept(x, ']')) return lex_expected(x, "',' or ']'");
  *out = (Floats){(int32_t)count, list};
  return true;
}

/* An attribute word: 16 is one too. */
static bool parse_attr_name(Parser *p, const char **out) {
  const Token *t = &p->x.token;
  if (t->kind == TOK_WORD || t->kind == TOK_NUMBER) {
    const char *word = arena_strndup(p->x.arena, t->at, t->length);
    if (is_attr_name(word)) {
      *out = word;
      lex_next(&p->x);
      return true;
    }
  }
  return lex_expected(&p->x, "a word of a-z, 0-9 and _");
}

static bool parse_value(Parser *p, const AttrInfo *info, Attrs *attrs) {
  void *member = (char *)attrs + info->offset;
  switch (info->kind) {
  case KIND_INT: return lex_integer(&p->x, "a whole number", INT64_MIN / 2, INT64_MAX, member);
  case KIND_FLOAT: return lex_decimal(&p->x, "a number", member);
  case KIND_INTS: return parse_ints(p, member);
  case KIND_FLOATS: return parse_floats(p, member);
  case KIND_NAME: return parse_attr_name(p, member);
  case KIND_STRING: return lex_string(&p->x, "a string", member);
  }
  die("attribute %s of kind %d", info->name, (int)info->kind);
}

/* Row of attr.def that the current token names, among those that the operator takes; steps over it. */
static bool parse_key(Parser *p, OpKind kind, int *out) {
  const char *names[ATTR_COUNT];
  size_t count = 0;
  const Token t = p->x.token;
  if (t.kind != TOK_WORD) return lex_expected(&p->x, "an attribute or '}'");
  for (int i = 0; i < ATTR_COUNT; i++) {
    if (!(op_info[kind].attrs >> i & 1)) continue;
    names[count++] = attr_info[i].name;
    if (!lex_is_word(&p->x, attr_info[i].name)) continue;
    *out = i;
    lex_next(&p->x);
    return true;
  }
  const char *word = lex_text(&p->x, &t);
  return lex_error(&p->x, &t, "%s has no attribute '%s'%s", op_info[kind].name, word,
                   suggestion(p, word, names, count));
}

bool parse_attrs(Parser *p, OpKind kind, Attrs *out) {
  Lexer *x = &p->x;
  uint64_t seen = 0;
  if (!lex_expect(x, '{')) return false;
  while (!lex_accept(x, '}')) {
    const Token t = x->token;
    int i = 0;
    if (!parse_key(p, kind, &i)) return false;
    if (seen >> i & 1) return lex_error(x, &t, "attribute '%s' is given twice", attr_info[i].name);
    seen |= UINT64_C(1) << i;
    if (!lex_expect(x, '=') || !parse_value(p, &attr_info[i], out)) return false;
    lex_accept(x, ',');
  }
  return true;
}

/* 7:gemm */
static bool parse_group(Parser *p, Sched *out) {
  int64_t kernel = 0;
  if (!lex_integer(&p->x, "the number of a kernel", 0, INT32_MAX, &kernel) || !lex_expect(&p->x, ':') ||
      !parse_attr_name(p, &out->family))
    return false;
  out->kernel = (int32_t)kernel;
  out->family = arena_strdup(p->graph->arena, out->family);
  return true;
}

static bool parse_sched_value(Parser *p, const SchedInfo *info, Sched *out) {
  void *member = (char *)out + info->offset;
  Ints list = {0};
  switch (info->kind) {
  case SCHED_GROUP: return parse_group(p, out);
  case SCHED_INT: return lex_integer(&p->x, "a whole number", -1, INT32_MAX, member);
  case SCHED_INTS:
    if (!parse_ints(p, &list)) return false;
    *(Ints *)member = ints_copy(p->graph->arena, list.at, list.count);
    return true;
  case SCHED_TILES: break; /* parse_target_value */
  }
  die("schedule attribute %s", info->name);
}

/* 6x16: one word to the lexer */
static bool parse_tile(Parser *p, TileChoice *out) {
  Lexer *x = &p->x;
  const char *text = lex_text(x, &x->token);
  char *end;
  long rows = x->token.kind == TOK_WORD ? strtol(text, &end, 10) : 0;
  long columns = rows > 0 && *end == 'x' ? strtol(end + 1, &end, 10) : 0;
  if (columns < 1 || *end || rows > 999 || columns > 999) return lex_expected(x, "a tile such as 6x16");
  out->rows = (int32_t)rows;
  out->columns = (int32_t)columns;
  lex_next(x);
  return true;
}

/* The rest of v3.tile=6x16; the current token is the dot. */
static bool parse_target_value(Parser *p, const Token *target, Sched *out) {
  Lexer *x = &p->x;
  TileChoice choice = {.target = arena_strndup(p->graph->arena, target->at, target->length)};
  lex_next(x);
  if (!lex_is_word(x, sched_info[SCHED_AT_tile].name)) return lex_expected(x, "tile");
  for (int32_t i = 0; i < out->tile.count; i++)
    if (!strcmp(out->tile.at[i].target, choice.target))
      return lex_error(x, target, "the tile of '%s' is given twice", choice.target);
  lex_next(x);
  if (!lex_expect(x, '=') || !parse_tile(p, &choice)) return false;
  TileChoice *more = ARENA_ARRAY(p->graph->arena, TileChoice, out->tile.count + 1);
  for (int32_t i = 0; i < out->tile.count; i++) more[i] = out->tile.at[i];
  more[out->tile.count] = choice;
  out->tile = (Tiles){out->tile.count + 1, more};
  return true;
}

bool parse_sched(Parser *p, Sched *out) {
  Lexer *x = &p->x;
  const char *names[SCHED_COUNT];
  unsigned seen = 0;
  for (int i = 0; i < SCHED_COUNT; i++) names[i] = sched_info[i].name;
  if (!lex_expect(x, '{')) return false;
  while (!lex_accept(x, '}')) {
    const Token t = x->token;
    int i = 0;
    if (t.kind != TOK_WORD) return lex_expected(x, "a schedule attribute or '}'");
    while (i < SCHED_COUNT && (!lex_is_word(x, names[i]) || sched_info[i].kind == SCHED_TILES)) i++;
    const char *word = lex_text(x, &t);
    if (i == SCHED_COUNT) {
      lex_next(x);
      if (lex_is(x, '.')) {
        if (!parse_target_value(p, &t, out)) return false;
        lex_accept(x, ',');
        continue;
      }
      if (!strcmp(word, names[SCHED_AT_tile])) return lex_error(x, &t, "a tile is of a target: v3.tile=6x16");
      return lex_error(x, &t, "unknown schedule attribute '%s'%s", word, suggestion(p, word, names, SCHED_COUNT));
    }
    if (seen >> i & 1) return lex_error(x, &t, "schedule attribute '%s' is given twice", word);
    seen |= 1u << i;
    lex_next(x);
    if (!lex_expect(x, '=') || !parse_sched_value(p, &sched_info[i], out)) return false;
    lex_accept(x, ',');
  }
  return true;
}

/* 1:"node":Conv@20   the source, the operator and the opset may be left out */
static bool parse_loc(Parser *p, Loc *out) {
  Lexer *x = &p->x;
  const Token t = x->token;
  const char *node, *op = "";
  int64_t source = 0, opset = 0;
  if (t.kind == TOK_NUMBER) {
    if (!lex_integer(x, "the number of a source", 0, INT32_MAX, &source) || !lex_expect(x, ':')) return false;
    if (source && source >= p->declared_sources)
      return lex_error(x, &t, "source %lld is not declared", (long long)source);
  }
  if (!lex_string(x, "the name of a node in quotes", &node)) return false;
  if (lex_accept(x, ':') && !parse_name(p, "an operator of the source", &op)) return false;
  if (lex_accept(x, '@') && !lex_integer(x, "an opset", 0, INT32_MAX, &opset)) return false;
  Arena *a = p->graph->arena;
  *out = (Loc){(int32_t)source, (int32_t)opset, arena_strdup(a, node), arena_strdup(a, op), NULL};
  return true;
}

bool parse_locs(Parser *p, const Loc **out) {
  const Loc **tail = out;
  do {
    Loc *loc = ARENA_NEW(p->graph->arena, Loc);
    if (!parse_loc(p, loc)) return false;
    *tail = loc;
    tail = (const Loc **)&loc->next;
  } while (lex_accept(&p->x, ','));
  return true;
}
