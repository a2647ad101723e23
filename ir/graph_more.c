/* Copies, symbol pinning, locations and literals: what is built from the mutators of graph.c. */
#include "ir/graph_edit.h"
#include "ir/path.h"
#include <string.h>

Graph *graph_clone(const Graph *from) {
  Arena *arena = arena_new();
  Graph *g = ARENA_NEW(arena, Graph);
  *g = *from;
  g->log = NULL;
  g->arena = arena;
  g->ops = arena_copy(arena, from->ops, sizeof *g->ops * from->op_count);
  g->op_capacity = from->op_count;
  g->values = arena_copy(arena, from->values, sizeof *g->values * from->value_count);
  g->value_capacity = from->value_count;
  for (size_t i = 1; i < g->op_count; i++)
    g->ops[i].operands = arena_copy(arena, g->ops[i].operands, sizeof(ValueId) * g->ops[i].operand_count);
  for (size_t i = 1; i < g->value_count; i++) {
    Value *v = &g->values[i];
    v->uses = arena_copy(arena, v->uses, sizeof(Use) * v->use_count);
    v->use_capacity = v->use_count;
  }
  g->sources = arena_copy(arena, from->sources, sizeof *g->sources * from->source_count);
  g->source_capacity = from->source_count;
  for (size_t i = 0; i < g->source_count; i++) {
    g->sources[i] = arena_copy(arena, from->sources[i], sizeof(Source));
    g->sources[i]->close = NULL;
  }
  return g;
}

static Dim pin_dim(Dim d, int symbol, int64_t value) {
  if (dim_symbol_of(d) != symbol) return d;
  const int64_t most = INT64_MAX / 4, c = dim_coefficient(d);
  return value && c > most / value ? most : c * value; /* too large for any type: inference says so */
}

static const Dim *pin_list(Graph *g, const Dim *at, int64_t count, int symbol, int64_t value) {
  bool changed = false;
  for (int64_t i = 0; i < count; i++) changed = changed || dim_symbol_of(at[i]) == symbol;
  if (!changed) return at;
  Dim *copy = arena_copy(g->arena, at, sizeof *at * (size_t)count);
  for (int64_t i = 0; i < count; i++) copy[i] = pin_dim(copy[i], symbol, value);
  return copy;
}

OpId graph_pin_symbol(Graph *g, int symbol, int64_t value, char *error) {
  for (size_t i = 1; i < g->op_count; i++)
    for (int a = 0; a < ATTR_COUNT; a++)
      if (attr_info[a].kind == KIND_INTS) {
        Ints *list = (Ints *)((char *)&g->ops[i].attrs + attr_info[a].offset);
        list->at = pin_list(g, list->at, list->count, symbol, value);
      }
  for (size_t i = 1; i < g->value_count; i++) {
    Value *v = &g->values[i];
    for (int d = 0; d < v->type.rank; d++) v->type.dim[d] = pin_dim(v->type.dim[d], symbol, value);
    if (v->known) v->known = pin_list(g, v->known, type_elements(&v->type), symbol, value);
  }
  return graph_try_reinfer_all(g, error);
}

void graph_set_leaf_type(Graph *g, OpId id, const Type *t) { value_at(g, op_at(g, id)->first_result)->type = *t; }

static bool loc_equal(const Loc *a, const Loc *b) {
  return a->source == b->source && a->opset == b->opset && !strcmp(a->node, b->node) && !strcmp(a->op, b->op);
}

static bool loc_has(const Loc *list, const Loc *item) {
  for (; list; list = list->next)
    if (loc_equal(list, item)) return true;
  return false;
}

/* Copies `items` that are not in `seen` in front of `tail`, keeping their order. */
static const Loc *prepend_new(Graph *g, const Loc *items, const Loc *seen, const Loc *tail) {
  if (!items) return tail;
  const Loc *rest = prepend_new(g, items->next, seen, tail);
  if (loc_has(seen, items)) return rest;
  Loc *copy = arena_copy(g->arena, items, sizeof *items);
  copy->next = rest;
  return copy;
}

static int loc_count(const Loc *list) {
  int count = 0;
  for (; list; list = list->next) count++;
  return count;
}

const Loc *loc_union(Graph *g, const Loc *a, const Loc *b) {
  if (!a || a == b) return b;
  if (!b || loc_count(a) + loc_count(b) > MAX_LOCS) return a;
  return prepend_new(g, a, NULL, prepend_new(g, b, a, NULL));
}

const char *graph_file(const Graph *g, size_t source) {
  bool file = source < g->source_count && !path_is_made_up(g->sources[source]->path);
  return file ? g->sources[source]->path : g->name;
}

Where where_op(const Graph *g, OpId id) {
  const Op *op = op_at(g, id);
  Where w = {.file = graph_file(g, 0), .node = op_info[op->kind].name};
  if (op->attrs.name) w.node = op->attrs.name;
  if (op->loc) {
    w.node = op->loc->node;
    w.op = op->loc->op;
    w.opset = op->loc->opset;
    if (op->loc->source >= 0 && (size_t)op->loc->source < g->source_count)
      w.file = graph_file(g, (size_t)op->loc->source);
  }
  return w;
}

static ValueId new_leaf(Graph *g, const Type *type, const Attrs *attrs, const Loc *loc, OpId before) {
  char error[256] = "";
  OpId id = graph_try_leaf(g, OP_const, type, attrs, loc, before, error);
  if (!id) die("a pass built a wrong literal: %s", error);
  return op_at(g, id)->first_result;
}

ValueId graph_const_ints(Graph *g, DType dtype, int rank, const Dim *dims, const Dim *values, const Loc *loc,
                         OpId before) {
  Type t = type_make(dtype, rank, dims);
  int64_t n = type_elements(&t);
  bool splat = n > 0;
  for (int64_t i = 1; i < n; i++) splat = splat && values[i] == values[0];
  Attrs a = attrs_default();
  a.ints = (Ints){splat ? 1 : (int32_t)n, values};
  return new_leaf(g, &t, &a, loc, before);
}

ValueId graph_const_floats(Graph *g, DType dtype, int rank, const Dim *dims, const double *values, const Loc *loc,
                           OpId before) {
  Type t = type_make(dtype, rank, dims);
  int64_t n = type_elements(&t);
  bool splat = n > 0;
  for (int64_t i = 1; i < n; i++) splat = splat && !memcmp(&values[i], &values[0], sizeof *values);
  Attrs a = attrs_default();
  a.floats = (Floats){splat ? 1 : (int32_t)n, values};
  return new_leaf(g, &t, &a, loc, before);
}

bool value_is_splat(const Graph *g, ValueId v, double *out) {
  const Op *op = def_of(g, v);
  if (op->kind != OP_const) return false;
  if (op->attrs.floats.count == 1) return *out = op->attrs.floats.at[0], true;
  if (op->attrs.ints.count == 1 && dim_is_number(op->attrs.ints.at[0]))
    return *out = (double)op->attrs.ints.at[0], true;
  return false;
}
