/* The mutators of the tensor IR; see ir.h. All bookkeeping (use lists, types, constness, known contents) is here. */
#include "ir/graph_edit.h"
#include "ir/known.h"
#include <stdio.h>
#include <string.h>

Graph *graph_new(Context *c, const char *name) {
  Arena *arena = arena_new();
  Graph *g = ARENA_NEW(arena, Graph);
  g->arena = arena;
  g->context = c;
  g->name = arena_strdup(arena, name);
  g->last_pass = "";
  g->batch_symbol = -1;
  g->batch = 1;
  GROW(arena, g->ops, g->op_count, g->op_capacity);
  g->op_count = 1;
  GROW(arena, g->values, g->value_count, g->value_capacity);
  g->value_count = 1;
  return g;
}

void graph_free(Graph *g) {
  if (!g) return;
  for (size_t i = 0; i < g->source_count; i++)
    if (g->sources[i]->close) g->sources[i]->close(g->sources[i]);
  arena_free(g->arena);
}

int graph_add_source(Graph *g, Source *s) {
  GROW(g->arena, g->sources, g->source_count, g->source_capacity);
  g->sources[g->source_count] = s;
  return (int)g->source_count++;
}

int graph_symbol(Graph *g, const char *name) {
  for (int i = 0; i < g->symbol_count; i++)
    if (!strcmp(g->symbols[i], name)) return i;
  if (g->symbol_count == MAX_SYMBOLS) return -1;
  g->symbols[g->symbol_count] = arena_strdup(g->arena, name);
  return g->symbol_count++;
}

OpId op_id(const Graph *g, const Op *op) { return (OpId)(op - g->ops); }

Ints ints_copy(Arena *a, const Dim *at, int32_t count) {
  return (Ints){count, count ? arena_copy(a, at, sizeof *at * (size_t)count) : NULL};
}

Floats floats_copy(Arena *a, const double *at, int32_t count) {
  return (Floats){count, count ? arena_copy(a, at, sizeof *at * (size_t)count) : NULL};
}

static Attrs copy_attrs(Arena *a, const Attrs *from) {
  Attrs to = *from;
  for (int i = 0; i < ATTR_COUNT; i++) {
    void *p = (char *)&to + attr_info[i].offset;
    switch (attr_info[i].kind) {
    case KIND_INTS: *(Ints *)p = ints_copy(a, ((Ints *)p)->at, ((Ints *)p)->count); break;
    case KIND_FLOATS: *(Floats *)p = floats_copy(a, ((Floats *)p)->at, ((Floats *)p)->count); break;
    case KIND_NAME:
    case KIND_STRING:
      if (*(const char **)p) *(const char **)p = arena_strdup(a, *(const char **)p);
      break;
    case KIND_INT:
    case KIND_FLOAT: break;
    }
  }
  return to;
}

static void add_use(Graph *g, ValueId v, OpId op, uint32_t index) {
  if (!v) return;
  Value *value = value_at(g, v);
  GROW(g->arena, value->uses, value->use_count, value->use_capacity);
  value->uses[value->use_count++] = (Use){op, index};
}

static void remove_use(Graph *g, ValueId v, OpId op, uint32_t index) {
  if (!v) return;
  Value *value = value_at(g, v);
  for (uint32_t i = value->use_count; i-- > 0;) /* graph_replace_uses takes the last ones first */
    if (value->uses[i].op == op && value->uses[i].index == index) {
      value->uses[i] = value->uses[--value->use_count];
      return;
    }
  die("use of value %u by op %u is not in its list", v, op);
}

static void link_before(Graph *g, OpId id, OpId before) {
  Op *op = op_at(g, id);
  op->next = before;
  op->prev = before ? op_at(g, before)->prev : g->last;
  if (op->prev)
    op_at(g, op->prev)->next = id;
  else
    g->first = id;
  if (before)
    op_at(g, before)->prev = id;
  else
    g->last = id;
}

static void unlink_op(Graph *g, OpId id) {
  Op *op = op_at(g, id);
  if (op->prev)
    op_at(g, op->prev)->next = op->next;
  else
    g->first = op->next;
  if (op->next)
    op_at(g, op->next)->prev = op->prev;
  else
    g->last = op->prev;
  op->prev = op->next = 0;
}

/* Runs the op's inference; types has room for its results. */
static bool infer_types(const Graph *g, const Op *op, Type *types, char *error) {
  const OpInfo *info = &op_info[op->kind];
  if (op->operand_count < info->min_operands || (info->max_operands != 255 && op->operand_count > info->max_operands)) {
    snprintf(error, 256, "%s has %u operands, takes %d to %d", info->name, op->operand_count, info->min_operands,
             info->max_operands);
    return false;
  }
  for (uint32_t i = 0; i < info->min_operands; i++)
    if (!op->operands[i]) {
      snprintf(error, 256, "%s: operand %u is missing", info->name, i + 1);
      return false;
    }
  Infer in = {.graph = g, .op = op, .out = types};
  for (uint32_t i = 0; i < op->operand_count && i < 32; i++)
    in.in[i] = op->operands[i] ? type_of(g, op->operands[i]) : NULL;
  if (info->infer(&in)) return true;
  snprintf(error, 256, "%s", in.error);
  return false;
}

static bool op_is_constant(const Graph *g, const Op *op) {
  if (op->kind == OP_input) return false;
  if (op_info[op->kind].traits & T_LEAF) return true;
  for (uint32_t i = 0; i < op->operand_count; i++)
    if (op->operands[i] && !value_at(g, op->operands[i])->constant) return false;
  return op->operand_count > 0;
}

static void set_results(Graph *g, OpId id, const Type *types) {
  Op *op = op_at(g, id);
  for (uint32_t r = 0; r < op->result_count; r++) {
    Value *v = value_at(g, op->first_result + r);
    v->type = types[r];
    v->constant = op_is_constant(g, op);
    v->known = op->result_count == 1 ? known_contents(g, op, &types[r]) : NULL;
  }
}

static OpId make_op(Graph *g, OpKind kind, const ValueId *operands, uint32_t count, const Attrs *attrs, const Loc *loc,
                    OpId before, const Type *leaf_type, char *error) {
  Type types[8] = {0};
  if (leaf_type) types[0] = *leaf_type;
  Op op = {.kind = kind,
           .operand_count = count,
           .result_count = op_info[kind].results,
           .attrs = attrs ? *attrs : attrs_default(),
           .sched = sched_default(),
           .loc = loc};
  ValueId small[32];
  if (count > 32)
    op.operands = arena_copy(g->arena, operands, sizeof *operands * count);
  else
    op.operands = count ? memcpy(small, operands, sizeof *operands * count) : small;
  if (!infer_types(g, &op, types, error)) return 0;
  if (count <= 32) op.operands = arena_copy(g->arena, operands, sizeof *operands * count);
  op.attrs = copy_attrs(g->arena, &op.attrs);
  op.first_result = op.result_count ? (ValueId)g->value_count : 0;
  GROW(g->arena, g->ops, g->op_count, g->op_capacity);
  OpId id = (OpId)g->op_count++;
  g->ops[id] = op;
  for (uint32_t r = 0; r < op.result_count; r++) {
    GROW(g->arena, g->values, g->value_count, g->value_capacity);
    g->values[g->value_count++] = (Value){.def = id, .result = r};
  }
  for (uint32_t i = 0; i < count; i++) add_use(g, operands[i], id, i);
  link_before(g, id, before);
  set_results(g, id, types);
  return id;
}

OpId graph_try_op(Graph *g, OpKind kind, const ValueId *operands, uint32_t count, const Attrs *attrs, const Loc *loc,
                  OpId before, char *error) {
  return make_op(g, kind, operands, count, attrs, loc, before, NULL, error);
}

OpId graph_try_leaf(Graph *g, OpKind kind, const Type *type, const Attrs *attrs, const Loc *loc, OpId before,
                    char *error) {
  return make_op(g, kind, NULL, 0, attrs, loc, before, type, error);
}

ValueId graph_new_op(Graph *g, OpKind kind, const ValueId *operands, uint32_t count, const Attrs *attrs, const Loc *loc,
                     OpId before) {
  char error[256] = "";
  OpId id = graph_try_op(g, kind, operands, count, attrs, loc, before, error);
  if (!id) die("a pass built a wrong %s: %s", op_info[kind].name, error);
  return op_at(g, id)->first_result;
}

static bool same_known(const Value *v, const Dim *known) {
  if (!v->known || !known) return v->known == known;
  return !memcmp(v->known, known, sizeof *known * (size_t)type_elements(&v->type));
}

/* Types, constness and known contents after an attribute was changed: along uses for as long as anything differs. Dies
 * where inference refuses. */
static void graph_reinfer(Graph *g, OpId id) {
  Op *op = op_at(g, id);
  if (!op->result_count) return;
  Type types[8] = {0};
  if (op_info[op->kind].traits & T_LEAF) types[0] = *type_of(g, op->first_result);
  char error[256] = "";
  if (!infer_types(g, op, types, error)) die("%s no longer fits: %s", op_info[op->kind].name, error);
  Value before[8];
  for (uint32_t r = 0; r < op->result_count; r++) before[r] = *value_at(g, op->first_result + r);
  set_results(g, id, types);
  bool same = true;
  for (uint32_t r = 0; r < op->result_count; r++) {
    const Value *v = value_at(g, op->first_result + r);
    same = same && type_equal(&v->type, &before[r].type) && v->constant == before[r].constant &&
           same_known(v, before[r].known);
  }
  if (same) return;
  for (uint32_t r = 0; r < op->result_count; r++)
    for (uint32_t u = 0; u < value_at(g, op->first_result + r)->use_count; u++)
      graph_reinfer(g, value_at(g, op->first_result + r)->uses[u].op);
}

OpId graph_try_reinfer_all(Graph *g, char *error) {
  FOR_EACH_OP(g, id) {
    Op *op = op_at(g, id);
    Type types[8] = {0};
    if (op_info[op->kind].traits & T_LEAF) types[0] = *type_of(g, op->first_result);
    if (!infer_types(g, op, types, error)) return id;
    set_results(g, id, types);
  }
  return 0;
}

void graph_reinfer_all(Graph *g) {
  char error[256] = "";
  OpId bad = graph_try_reinfer_all(g, error);
  if (bad) die("%s no longer fits: %s", op_info[op_at(g, bad)->kind].name, error);
}

void graph_set_operand(Graph *g, OpId id, uint32_t index, ValueId v) {
  Op *op = op_at(g, id);
  if (index >= op->operand_count) die("operand %u of %s", index, op_info[op->kind].name);
  if (op->operands[index] == v) return;
  remove_use(g, op->operands[index], id, index);
  op->operands[index] = v;
  add_use(g, v, id, index);
  graph_reinfer(g, id);
}

void graph_swap_operands(Graph *g, OpId id) {
  Op *op = op_at(g, id);
  ValueId a = op->operands[0], b = op->operands[1];
  if (a == b) return;
  remove_use(g, a, id, 0);
  remove_use(g, b, id, 1);
  op->operands[0] = b;
  op->operands[1] = a;
  add_use(g, b, id, 0);
  add_use(g, a, id, 1);
  graph_reinfer(g, id);
}

void graph_replace_uses(Graph *g, ValueId old, ValueId new_) {
  if (old == new_) return;
  if (!type_equal(type_of(g, old), type_of(g, new_))) die("value %u replaced by value %u of another type", old, new_);
  while (value_at(g, old)->use_count) {
    Use u = value_at(g, old)->uses[value_at(g, old)->use_count - 1];
    graph_set_operand(g, u.op, u.index, new_);
  }
}

void graph_erase_op(Graph *g, OpId id) {
  Op *op = op_at(g, id);
  for (uint32_t r = 0; r < op->result_count; r++)
    if (value_at(g, op->first_result + r)->use_count) die("erased %s is in use", op_info[op->kind].name);
  for (uint32_t i = 0; i < op->operand_count; i++) remove_use(g, op->operands[i], id, i);
  unlink_op(g, id);
  op->kind = OP_none;
  op->operand_count = 0;
}

void graph_move_op(Graph *g, OpId id, OpId before) {
  if (before == id) return;
  unlink_op(g, id);
  link_before(g, id, before);
}
