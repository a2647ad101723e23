/* .nir text to tensor IR; docs/ir.md has the grammar. One statement a line: after an error the next line is read, and
 * the values of the faulty one are marked, so that their uses are no errors. */
#include "ir/graph_edit.h"
#include "ir/nir.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* Marks in Parser.values; no ValueId is that large. */
static const ValueId faulty = UINT32_MAX, being_defined = UINT32_MAX - 1;

enum { MAX_RESULTS = 8 };

/* One line while it is read. */
typedef struct {
  Token op_token;
  OpKind kind;
  uint32_t *results; /* numbers */
  size_t result_count, result_capacity;
  ValueId *operands;
  Token *operand_tokens;
  size_t operand_count, operand_capacity, token_capacity;
  bool uses_faulty; /* an operand comes from a faulty line */
  Attrs attrs;
  Sched sched;
  Token sched_token;
  bool typed; /* the types are written */
  Type types[MAX_RESULTS];
  Token type_tokens[MAX_RESULTS];
  const Loc *loc;
} Statement;

/* ---- values ---- */

static bool value_number(Parser *p, const char *what, uint32_t *out) {
  const Token *t = &p->x.token;
  if (t->kind != TOK_VALUE) return lex_expected(&p->x, what);
  uint32_t n = 0;
  for (size_t i = 1; i < t->length; i++) {
    if (t->at[i] < '0' || t->at[i] > '9') return lex_expected(&p->x, what);
    n = n * 10 + (uint32_t)(t->at[i] - '0');
    if (n > MAX_VALUE_NUMBER) return lex_error(&p->x, t, "value numbers end at %%%d", MAX_VALUE_NUMBER);
  }
  if (!n) return lex_error(&p->x, t, "value numbers start at %%1");
  *out = n;
  return true;
}

static ValueId *value_slot(Parser *p, uint32_t number) {
  if (number >= p->value_capacity) {
    size_t capacity = p->value_capacity ? p->value_capacity : 1024;
    while (capacity <= number) capacity *= 2;
    ValueId *values = realloc(p->values, capacity * sizeof *values);
    if (!values) die_memory(capacity * sizeof *values);
    memset(values + p->value_capacity, 0, (capacity - p->value_capacity) * sizeof *values);
    p->values = values;
    p->value_capacity = capacity;
  }
  return &p->values[number];
}

/* %1, %2 = */
static bool parse_results(Parser *p, Statement *s) {
  Lexer *x = &p->x;
  do {
    uint32_t number = 0;
    if (!value_number(p, "a value like %1", &number)) return false;
    ValueId *slot = value_slot(p, number);
    if (*slot) return lex_error(x, &x->token, "%%%u is already defined", number);
    *slot = being_defined;
    GROW(x->arena, s->results, s->result_count, s->result_capacity);
    s->results[s->result_count++] = number;
    lex_next(x);
  } while (lex_accept(x, ','));
  return lex_expect(x, '=');
}

static bool parse_operand(Parser *p, Statement *s) {
  Lexer *x = &p->x;
  ValueId v = 0;
  const Token t = x->token;
  if (!lex_is_word(x, "_")) {
    uint32_t number = 0;
    if (!value_number(p, "an operand like %1, or _", &number)) return false;
    v = *value_slot(p, number);
    if (v == being_defined) return lex_error(x, &t, "%%%u is an operand of its own definition", number);
    if (!v) return lex_error(x, &t, "%%%u is not defined on a line above", number);
    s->uses_faulty |= v == faulty;
  }
  GROW(x->arena, s->operands, s->operand_count, s->operand_capacity);
  GROW(x->arena, s->operand_tokens, s->operand_count, s->token_capacity);
  s->operand_tokens[s->operand_count] = t;
  s->operands[s->operand_count++] = v;
  lex_next(x);
  return true;
}

static bool check_operands(Parser *p, const Statement *s) {
  const OpInfo *info = &op_info[s->kind];
  bool any = info->max_operands == 255;
  if (s->operand_count < info->min_operands || (!any && s->operand_count > info->max_operands)) {
    const char *most = any ? " or more" : "";
    if (!any && info->max_operands > info->min_operands) most = arena_printf(p->x.arena, " to %d", info->max_operands);
    bool one = info->min_operands == 1 && !*most;
    return lex_error(&p->x, &s->op_token, "%s takes %d%s operand%s, found %zu", info->name, info->min_operands, most,
                     one ? "" : "s", s->operand_count);
  }
  for (size_t i = 0; i < s->operand_count; i++)
    if (!s->operands[i] && (any || i < info->min_operands))
      return lex_error(&p->x, &s->operand_tokens[i], "operand %zu of %s cannot be left out", i + 1, info->name);
  return true;
}

/* ---- a statement ---- */

static bool parse_op_name(Parser *p, Statement *s) {
  const char *names[OP_COUNT];
  for (int i = 0; i < OP_COUNT; i++) names[i] = op_info[i].name;
  const Token t = s->op_token = p->x.token;
  if (t.kind != TOK_WORD) return lex_expected(&p->x, s->result_count ? "an operator" : "a statement");
  s->kind = op_from_name(t.at, t.length);
  const char *word = lex_text(&p->x, &t);
  if (s->kind == OP_none)
    return lex_error(&p->x, &t, "unknown operator '%s'%s", word, suggestion(p, word, names + 1, OP_COUNT - 1));
  int results = op_info[s->kind].results;
  if (s->result_count != (size_t)results)
    return lex_error(&p->x, &t, "%s has %d result%s, found %zu", word, results, results == 1 ? "" : "s",
                     s->result_count);
  lex_next(&p->x);
  return true;
}

static bool parse_types(Parser *p, Statement *s) {
  s->typed = lex_accept(&p->x, ':');
  if (!s->typed) return true;
  if (!s->result_count) return lex_error(&p->x, &p->x.token, "%s has no result and so no type", op_info[s->kind].name);
  for (size_t r = 0; r < s->result_count; r++) {
    if (r && !lex_expect(&p->x, ',')) return false;
    s->type_tokens[r] = p->x.token;
    if (!parse_type(p, &s->types[r])) return false;
  }
  return true;
}

static bool read_statement(Parser *p, Statement *s) {
  Lexer *x = &p->x;
  if (x->token.kind == TOK_VALUE && !parse_results(p, s)) return false;
  if (!parse_op_name(p, s)) return false;
  bool operand = x->token.kind == TOK_VALUE || lex_is_word(x, "_");
  for (; operand; operand = lex_accept(x, ','))
    if (!parse_operand(p, s)) return false;
  if (!check_operands(p, s)) return false;
  if (lex_is(x, '{') && !parse_attrs(p, s->kind, &s->attrs)) return false;
  s->sched_token = x->token;
  if (lex_accept(x, '@') && !parse_sched(p, &s->sched)) return false;
  if (!parse_types(p, s)) return false;
  if (lex_accept(x, '!') && !parse_locs(p, &s->loc)) return false;
  if (x->token.kind == TOK_LINE || x->token.kind == TOK_END) return true;
  const char *what = "'{', '@{', ':', '!' or the end of the line";
  if (s->typed) what = "'!' or the end of the line";
  if (s->loc) what = "',' or the end of the line";
  return lex_expected(x, what);
}

static const char *type_string(Parser *p, const Type *type) {
  Text t = {.arena = p->x.arena};
  nir_type(&t, p->graph, type);
  return text_string(&t);
}

/* Names: inputs, weights and outputs have one; those of inputs, and those of outputs, are unique. */
static bool check_name(Parser *p, const Statement *s, const char *name) {
  const OpInfo *info = &op_info[s->kind];
  if (s->kind != OP_input && s->kind != OP_output && s->kind != OP_weight) return true;
  if (!name || !*name) return lex_error(&p->x, &s->op_token, "%s needs a name: {name=\"x\"}", info->name);
  if (s->kind == OP_weight || name_set_add(s->kind == OP_input ? &p->inputs : &p->outputs, name)) return true;
  return lex_error(&p->x, &s->op_token, "a second %s with the name '%.60s'", info->name, name);
}

/* A weight is what its source says it is. */
static bool check_weight(Parser *p, const Statement *s) {
  if (s->kind != OP_weight || p->source_failed) return true;
  Source *source = p->graph->sources[s->attrs.source];
  TensorView view;
  if (!source->find) return true;
  if (!source->find(source, s->attrs.name, &view))
    return lex_error(&p->x, &s->op_token, "source %lld has no tensor '%.60s'", (long long)s->attrs.source,
                     s->attrs.name);
  if (type_equal(&view.type, &s->types[0])) return true;
  return lex_error(&p->x, &s->type_tokens[0], "type %s, but the tensor of the source is %s",
                   type_string(p, &s->types[0]), type_string(p, &view.type));
}

static bool check_types(Parser *p, const Statement *s, const Op *op) {
  for (uint32_t r = 0; r < op->result_count; r++) {
    const Type *type = type_of(p->graph, op->first_result + r);
    Dim count;
    if (type_is_static(type) && !type_count(type, &count))
      return lex_error(&p->x, &s->op_token, "%s gives more than 2^48 elements", op_info[s->kind].name);
    if (s->typed && !type_equal(type, &s->types[r]))
      return lex_error(&p->x, &s->type_tokens[r], "type %s printed, but %s gives %s", type_string(p, &s->types[r]),
                       op_info[s->kind].name, type_string(p, type));
  }
  return true;
}

/* A weight of a source that could not be opened is not checked further; that failure is reported already. */
static bool source_is_missing(Parser *p, const Statement *s) {
  return s->kind == OP_weight && p->source_failed && s->attrs.source >= 0 && s->attrs.source < p->declared_sources;
}

static OpId build_op(Parser *p, const Statement *s, char *error) {
  Graph *g = p->graph;
  if (op_info[s->kind].traits & T_LEAF) return graph_try_leaf(g, s->kind, &s->types[0], &s->attrs, s->loc, 0, error);
  return graph_try_op(g, s->kind, s->operands, (uint32_t)s->operand_count, &s->attrs, s->loc, 0, error);
}

/* All ops of one kernel number have one family. */
static bool check_kernel(Parser *p, const Statement *s) {
  if (s->sched.kernel < 0) return true;
  Arena *a = p->kernels.arena;
  bool first = name_set_add(&p->kernels, arena_printf(a, "%d", s->sched.kernel));
  bool pair = name_set_add(&p->kernels, arena_printf(a, "%d:%s", s->sched.kernel, s->sched.family));
  if (first || !pair) return true;
  return lex_error(&p->x, &s->sched_token, "kernel %d has another family on a line above", s->sched.kernel);
}

/* Adds the statement to the graph. */
static bool build_statement(Parser *p, const Statement *s) {
  Lexer *x = &p->x;
  if (op_info[s->kind].traits & T_LEAF && !s->typed) return lex_expected(x, "':' and a type");
  if (s->uses_faulty || source_is_missing(p, s)) return false;
  char error[256] = "";
  OpId id = build_op(p, s, error);
  if (!id) return lex_error(x, &s->op_token, "%s: %s", op_info[s->kind].name, error);
  Op *op = op_at(p->graph, id);
  if (!check_types(p, s, op) || !check_weight(p, s) || !check_name(p, s, op->attrs.name)) return false;
  op->sched = s->sched;
  const char *fault = sched_fault(x->arena, op);
  if (fault) return lex_error(x, &s->sched_token, "%s", fault);
  if (!check_kernel(p, s)) return false;
  for (size_t r = 0; r < s->result_count; r++) p->values[s->results[r]] = op->first_result + (ValueId)r;
  return true;
}

static void parse_statement(Parser *p) {
  Statement s = {.attrs = attrs_default(), .sched = sched_default()};
  if (read_statement(p, &s) && build_statement(p, &s)) return;
  for (size_t r = 0; r < s.result_count; r++) p->values[s.results[r]] = faulty;
}

/* ---- the file ---- */

static void parse_line(Parser *p) {
  Lexer *x = &p->x;
  bool source = lex_is_word(x, "source"), graph = lex_is_word(x, "graph");
  if (source && p->graph_seen)
    lex_error(x, &x->token, "sources stand above the graph line");
  else if (source)
    parse_source(p);
  else if (graph && p->graph_seen)
    lex_error(x, &x->token, "a second graph line");
  else if (graph)
    p->fatal = !parse_graph_line(p);
  else if (p->graph_seen && lex_is_word(x, "labels"))
    parse_labels(p);
  else if (p->graph_seen && lex_is_word(x, "preprocess"))
    parse_preprocess(p);
  else if (p->graph_seen)
    parse_statement(p);
  else
    p->fatal = !lex_expected(x, "'source' or 'graph'");
  p->graph_seen |= graph;
}

static void parse_lines(Parser *p) {
  Lexer *x = &p->x;
  p->fatal = !parse_header(p);
  while (!p->fatal && x->errors < MAX_ERRORS_A_FILE && x->token.kind != TOK_END) {
    lex_next_line(x);
    ArenaMark mark = arena_mark(x->arena);
    if (x->token.kind != TOK_LINE && x->token.kind != TOK_END) parse_line(p);
    arena_release(x->arena, mark);
  }
  if (x->errors) return;
  if (!p->graph_seen)
    lex_expected(x, "'source' or 'graph'");
  else if (!p->outputs.count)
    lex_error(x, &x->token, "the graph has no output");
}

Graph *graph_parse(Context *c, const char *file, const char *text, size_t length, OpenSource open) {
  Arena *line = arena_new(), *names = arena_new();
  Parser p = {.graph = graph_new(c, "model"),
              .open = open,
              .inputs = {.arena = names},
              .outputs = {.arena = names},
              .kernels = {.arena = names}};
  lex_start(&p.x, c, line, file, text, length);
  parse_lines(&p);
  free(p.values);
  arena_free(line);
  arena_free(names);
  if (!p.x.errors) return p.graph;
  graph_free(p.graph);
  return NULL;
}
