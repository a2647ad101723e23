/* The matcher and the rewriter of declarative rules; the little language is described in match.h. */
#include "passes/match.h"
#include "passes/rewrite_log.h"
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum { NODE_OP, NODE_VALUE, NODE_NUMBER } NodeKind;
enum { MAX_NODES = 40, MAX_CHILDREN = 6 };

typedef struct {
  NodeKind kind;
  OpKind op;
  const char *name; /* binding of an op or a value; NULL: none */
  int attrs;        /* replacement: 0..3 for op!N; -1: default or those of `name` */
  double number;
  int children[MAX_CHILDREN], child_count;
  int swap_bit; /* pattern: bit of the order mask for a commutative op; -1: not commutative */
} Node;

typedef struct {
  Node node[MAX_NODES];
  int count, swap_bits;
} Tree;

static bool same_name(const char *a, const char *b) {
  while (isalnum((unsigned char)*a) && *a == *b) a++, b++;
  return !isalnum((unsigned char)*a) && !isalnum((unsigned char)*b);
}

/* ---- reading s-expressions; a mistake in one is a bug ---- */
static const char *skip_blank(const char *s) {
  while (*s == ' ') s++;
  return s;
}

static int parse_node(Tree *t, const char **text);

static void parse_op(Tree *t, int self, const char **text) {
  const char *s = *text + 1, *end = s;
  while (isalnum((unsigned char)*end) || *end == '_') end++;
  Node *n = &t->node[self];
  n->kind = NODE_OP;
  n->op = op_from_name(s, (size_t)(end - s));
  if (n->op == OP_none) die("rule names an unknown op: %s", s);
  n->swap_bit = op_info[n->op].traits & T_COMMUTATIVE ? t->swap_bits++ : -1;
  if (*end == ':') {
    n->name = ++end;
    while (isalnum((unsigned char)*end)) end++;
  } else if (*end == '!') {
    n->attrs = end[1] - '0';
    end += 2;
  }
  for (*text = skip_blank(end); **text != ')'; *text = skip_blank(*text)) {
    if (!**text || t->node[self].child_count == MAX_CHILDREN) die("rule: unbalanced or too wide: %s", s);
    int child = parse_node(t, text);
    t->node[self].children[t->node[self].child_count++] = child;
  }
  ++*text;
}

static int parse_node(Tree *t, const char **text) {
  if (t->count == MAX_NODES) die("rule too large: %s", *text);
  int self = t->count++;
  Node *n = &t->node[self];
  *n = (Node){.attrs = -1, .swap_bit = -1};
  if (**text == '(')
    parse_op(t, self, text);
  else if (**text == '?') {
    n->kind = NODE_VALUE;
    n->name = ++*text;
    while (isalnum((unsigned char)**text)) ++*text;
  } else {
    char *end;
    n->kind = NODE_NUMBER;
    n->number = strtod(*text, &end);
    if (end == *text) die("rule: neither op, value nor number: %s", *text);
    *text = end;
  }
  return self;
}

static void parse_tree(Tree *t, const char *text) {
  t->count = t->swap_bits = 0;
  text = skip_blank(text);
  parse_node(t, &text);
}

/* ---- matching ---- */
static ValueId *find_binding(Match *m, const char *name) {
  for (int i = 0; i < m->bound_count; i++)
    if (same_name(m->bound[i].name, name)) return &m->bound[i].value;
  return NULL;
}

static bool bind(Match *m, const char *name, ValueId v) {
  ValueId *old = find_binding(m, name);
  if (old) return *old == v;
  if (m->bound_count == MAX_BINDINGS) die("too many names in a rule");
  m->bound[m->bound_count].name = name;
  m->bound[m->bound_count++].value = v;
  return true;
}

typedef struct {
  const Tree *tree;
  Match *match;
  bool on_constants;
  unsigned swaps;      /* bit i: commutative node i has its first two operands swapped */
  OpId ops[MAX_NODES]; /* matched ops, root first */
  int op_count;
} Search;

static uint32_t present_operands(const Op *op) {
  uint32_t n = op->operand_count;
  while (n && !op->operands[n - 1]) n--;
  return n;
}

static bool match_node(Search *s, int index, ValueId v);

static bool match_op_node(Search *s, const Node *n, OpId id) {
  const Op *op = op_at(s->match->graph, id);
  if (op->kind != n->op || present_operands(op) != (uint32_t)n->child_count) return false;
  s->ops[s->op_count++] = id;
  if (n->name && !bind(s->match, n->name, op->first_result)) return false;
  bool swap = n->swap_bit >= 0 && s->swaps >> n->swap_bit & 1;
  for (int i = 0; i < n->child_count; i++) {
    ValueId operand = op->operands[swap && i < 2 ? 1 - i : i];
    if (!operand || !match_node(s, n->children[i], operand)) return false;
  }
  return true;
}

static bool match_node(Search *s, int index, ValueId v) {
  const Node *n = &s->tree->node[index];
  double number;
  switch (n->kind) {
  case NODE_VALUE: return bind(s->match, n->name, v);
  case NODE_NUMBER:
    return value_is_splat(s->match->graph, v, &number) &&
           holds(s->match->graph, IF_literal_equals, fabs(number - n->number) <= 1e-6 * fabs(n->number));
  case NODE_OP: break;
  }
  if (!holds(s->match->graph, IF_computed, !value_at(s->match->graph, v)->constant || s->on_constants)) return false;
  return match_op_node(s, n, value_at(s->match->graph, v)->def);
}

static bool is_matched(const Search *s, OpId id) {
  for (int i = 0; i < s->op_count; i++)
    if (s->ops[i] == id) return true;
  return false;
}

/* Every op but the root is used inside the match only. */
static bool interior_is_private(const Search *s) {
  for (int i = 1; i < s->op_count; i++) {
    const Value *v = value_at(s->match->graph, op_at(s->match->graph, s->ops[i])->first_result);
    for (uint32_t u = 0; u < v->use_count; u++) {
      bool output = op_at(s->match->graph, v->uses[u].op)->kind == OP_output;
      if (!holds(s->match->graph, output ? IF_inner_is_no_output : IF_inner_used_inside_only,
                 is_matched(s, v->uses[u].op)))
        return false;
    }
  }
  return true;
}

/* A guard that declines says by which clause. */
static bool guard_holds(const Rule *rule, Match *m) {
  int64_t before = rewrite_declines(m->graph);
  if (!rule->guard || rule->guard(m)) return true;
  rewrite_declined(m->graph, rule->name, before);
  return false;
}

static bool try_match(const Tree *t, Graph *g, OpId root, Match *m, Search *s, const RuleSet *set, int rule) {
  for (unsigned swaps = 0; swaps < 1u << t->swap_bits; swaps++) {
    *m = (Match){.graph = g, .root = root};
    *s = (Search){.tree = t, .match = m, .swaps = swaps, .on_constants = set->on_constants};
    if (!match_op_node(s, &t->node[0], root) || !interior_is_private(s)) continue;
    for (int i = 0; i < 4; i++) m->attrs[i] = attrs_default();
    if (guard_holds(&set->rules[rule], m)) return true;
  }
  return false;
}

/* ---- rewriting ---- */
static ValueId build(const Tree *t, int index, Match *m, const Loc *loc) {
  const Node *n = &t->node[index];
  Graph *g = m->graph;
  if (n->kind == NODE_VALUE) return match_value(m, n->name);
  if (n->kind == NODE_NUMBER) {
    DType dtype = type_of(g, op_at(g, m->root)->first_result)->dtype;
    return graph_const_floats(g, dtype, 0, NULL, &n->number, loc, m->root);
  }
  ValueId operands[MAX_CHILDREN];
  for (int i = 0; i < n->child_count; i++) operands[i] = build(t, n->children[i], m, loc);
  Attrs attrs = n->attrs >= 0 ? m->attrs[n->attrs] : n->name ? match_op(m, n->name)->attrs : attrs_default();
  return graph_new_op(g, n->op, operands, (uint32_t)n->child_count, &attrs, loc, m->root);
}

/* The matched ops that nothing uses any more, root first so that each frees the next. */
static void erase_matched(Graph *g, const Search *s) {
  for (bool again = true; again;) {
    again = false;
    for (int i = 0; i < s->op_count; i++) {
      const Op *op = op_at(g, s->ops[i]);
      if (op->kind == OP_none || value_at(g, op->first_result)->use_count) continue;
      graph_erase_op(g, s->ops[i]);
      again = true;
    }
  }
}

static void rewrite(const Tree *replacement, Match *m, const Search *s) {
  Graph *g = m->graph;
  const Loc *loc = NULL;
  for (int i = s->op_count; i-- > 0;) loc = loc_union(g, loc, op_at(g, s->ops[i])->loc);
  ValueId result = build(replacement, 0, m, loc);
  graph_replace_uses(g, op_at(g, m->root)->first_result, result);
  erase_matched(g, s);
}

ValueId match_value(const Match *m, const char *name) {
  ValueId *v = find_binding((Match *)m, name);
  if (!v) die("rule binds no '%s'", name);
  return *v;
}

const Op *match_op(const Match *m, const char *name) { return def_of(m->graph, match_value(m, name)); }
const Type *match_type(const Match *m, const char *name) { return type_of(m->graph, match_value(m, name)); }

typedef struct {
  Tree pattern, replacement;
} ParsedRule;

static int rewrite_at(Graph *g, OpId id, const RuleSet *set, const ParsedRule *parsed, const PassOptions *options) {
  for (int r = 0; r < set->count; r++) {
    if (parsed[r].pattern.node[0].op != op_at(g, id)->kind) continue;
    if (set->rules[r].class_ == REASSOC && options->strict_fp) continue;
    Match m;
    Search s;
    if (!try_match(&parsed[r].pattern, g, id, &m, &s, set, r)) continue;
    if (!rewrite_allowed(g)) return 0;
    rewrite_done(g, set->rules[r].name, where_op(g, id));
    rewrite(&parsed[r].replacement, &m, &s);
    return 1;
  }
  return 0;
}

int apply_rules(Graph *g, const RuleSet *set, const PassOptions *options) {
  ParsedRule *parsed = calloc((size_t)set->count, sizeof *parsed);
  if (!parsed) die_memory(0);
  for (int r = 0; r < set->count; r++) {
    parse_tree(&parsed[r].pattern, set->rules[r].pattern);
    parse_tree(&parsed[r].replacement, set->rules[r].replacement);
  }
  int total = 0;
  for (int round = 1; round; total += round) {
    round = 0;
    for (OpId id = g->first, next; id; id = next) {
      next = op_at(g, id)->next; /* matched ops stand before their root, so it survives the rewrite */
      bool constant = op_at(g, id)->result_count && value_at(g, op_at(g, id)->first_result)->constant;
      if (holds(g, IF_computed, !constant || set->on_constants)) round += rewrite_at(g, id, set, parsed, options);
    }
  }
  free(parsed);
  return total;
}
