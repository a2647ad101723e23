/* Checks every invariant of a tensor graph that ir.h states, and reports all faults. Later checks rely on earlier ones:
 * statement order, then operands and results by id, then everything that follows them. */
#include "ir/known.h"
#include "ir/nir.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  Graph *graph;
  Arena *arena;
  uint32_t *position;    /* by OpId: place in statement order, from 1; 0: not in it */
  uint32_t *use_count;   /* by ValueId: how many operands are it */
  size_t *first_operand; /* by OpId: index of its operand 0 in listed */
  unsigned char *listed; /* by operand of all ops: it is in its value's use list */
  int faults;
} Verifier;

static bool fault(Verifier *, OpId, const char *format, ...) PRINTF_LIKE(3, 4);
static bool fault(Verifier *v, OpId id, const char *format, ...) {
  va_list args;
  va_start(args, format);
  const char *message = arena_vprintf(v->arena, format, args);
  va_end(args);
  v->faults++;
  const Op *op = op_at(v->graph, id);
  return diag(v->graph->context, DIAG_ERROR, where_op(v->graph, id), "%s: %s", op_info[op->kind].name, message);
}

static bool graph_fault(Verifier *, const char *format, ...) PRINTF_LIKE(2, 3);
static bool graph_fault(Verifier *v, const char *format, ...) {
  va_list args;
  va_start(args, format);
  const char *message = arena_vprintf(v->arena, format, args);
  va_end(args);
  v->faults++;
  return error_in(v->graph->context, v->graph->name ? v->graph->name : "graph", "%s", message);
}

/* ---- the graph's own fields ---- */

static void check_graph(Verifier *v) {
  const Graph *g = v->graph;
  if (!g->name || !is_identifier(g->name)) graph_fault(v, "the name of the graph is no C identifier");
  if (!g->last_pass) graph_fault(v, "last_pass is NULL");
  if (g->symbol_count < 0 || g->symbol_count > MAX_SYMBOLS) graph_fault(v, "%d symbols", g->symbol_count);
  if (g->batch_symbol < -1 || g->batch_symbol >= g->symbol_count)
    graph_fault(v, "batch_symbol %d of %d symbols", g->batch_symbol, g->symbol_count);
  if (g->batch < 1 || (g->batch > 1 && g->batch_symbol >= 0))
    graph_fault(v, "batch %lld with batch_symbol %d", (long long)g->batch, g->batch_symbol);
}

/* ---- statement order ---- */

/* The list is a chain both ways and ends where it says. False: walking it is not safe. */
static bool check_order(Verifier *v) {
  const Graph *g = v->graph;
  uint32_t place = 0;
  OpId before = 0;
  for (OpId id = g->first; id; id = g->ops[id].next) {
    if (id >= g->op_count) return graph_fault(v, "statement list: op %u does not exist", id);
    if (v->position[id]) return graph_fault(v, "statement list: op %u comes twice", id);
    const Op *op = &g->ops[id];
    if (op->kind <= OP_none || op->kind >= OP_COUNT) return graph_fault(v, "statement list: op %u is erased", id);
    v->position[id] = ++place;
    if (op->prev != before) fault(v, id, "statement list: prev is op %u, not op %u", op->prev, before);
    before = id;
  }
  if (g->last != before) graph_fault(v, "statement list: last is op %u, not op %u", g->last, before);
  for (OpId id = 1; id < g->op_count; id++)
    if (!v->position[id] && g->ops[id].kind != OP_none) return graph_fault(v, "op %u is not in the statement list", id);
  return true;
}

/* ---- operands and results by id ---- */

static bool dim_ok(const Graph *g, Dim d) {
  return dim_is_number(d) || (dim_symbol_of(d) < g->symbol_count && dim_coefficient(d) >= 1);
}

static bool check_result_type(Verifier *v, OpId id, const Type *type) {
  if (!dtype_known(type->dtype) || type->rank > MAX_RANK) return fault(v, id, "a result has no type");
  for (int i = 0; i < type->rank; i++)
    if (!dim_ok(v->graph, type->dim[i])) return fault(v, id, "a result has a symbol that the graph has not");
  return true;
}

static bool check_results(Verifier *v, OpId id) {
  const Graph *g = v->graph;
  const Op *op = op_at(g, id);
  if (op->result_count != op_info[op->kind].results) return fault(v, id, "%u results", op->result_count);
  if (op->result_count && (!op->first_result || op->first_result + op->result_count > g->value_count))
    return fault(v, id, "result %u does not exist", op->first_result);
  for (uint32_t r = 0; r < op->result_count; r++) {
    const Value *value = value_at(g, op->first_result + r);
    if (value->def != id || value->result != r)
      return fault(v, id, "result %u says that it is result %u of op %u", r + 1, value->result, value->def);
    if (!check_result_type(v, id, &value->type)) return false;
  }
  return true;
}

static bool check_operand(Verifier *v, OpId id, uint32_t i) {
  const Graph *g = v->graph;
  const Op *op = op_at(g, id);
  const OpInfo *info = &op_info[op->kind];
  ValueId operand = op->operands[i];
  if (!operand)
    return (info->max_operands != 255 && i >= info->min_operands) || fault(v, id, "operand %u is missing", i + 1);
  if (operand >= g->value_count) return fault(v, id, "operand %u does not exist", i + 1);
  OpId def = value_at(g, operand)->def;
  if (!def || def >= g->op_count || !v->position[def]) return fault(v, id, "operand %u was erased", i + 1);
  if (v->position[def] >= v->position[id]) return fault(v, id, "operand %u is used before its definition", i + 1);
  v->use_count[operand]++;
  return true;
}

static bool check_operands(Verifier *v, OpId id) {
  const Op *op = op_at(v->graph, id);
  const OpInfo *info = &op_info[op->kind];
  bool good =
      op->operand_count >= info->min_operands && (info->max_operands == 255 || op->operand_count <= info->max_operands);
  if (!good) return fault(v, id, "%u operands", op->operand_count);
  for (uint32_t i = 0; i < op->operand_count; i++) good = check_operand(v, id, i) && good;
  return good;
}

/* ---- use lists: every operand is listed once, and nothing else is ---- */

static bool check_use(Verifier *v, ValueId id, Use use) {
  const Graph *g = v->graph;
  bool live = use.op && use.op < g->op_count && v->position[use.op];
  if (!live || use.index >= op_at(g, use.op)->operand_count || op_at(g, use.op)->operands[use.index] != id)
    return false;
  unsigned char *listed = &v->listed[v->first_operand[use.op] + use.index];
  return !*listed && (*listed = 1);
}

static void check_uses(Verifier *v) {
  const Graph *g = v->graph;
  for (ValueId id = 1; id < g->value_count; id++) {
    const Value *value = value_at(g, id);
    bool live = value->def && value->def < g->op_count && v->position[value->def];
    bool exact = value->use_count == v->use_count[id];
    for (uint32_t u = 0; exact && u < value->use_count; u++) exact = check_use(v, id, value->uses[u]);
    if (exact) continue;
    if (live)
      fault(v, value->def, "the use list of its result is not exact");
    else
      graph_fault(v, "the use list of value %u, which was erased, is not exact", id);
  }
}

/* ---- attributes, schedule, locations ---- */

static void check_attr(Verifier *v, OpId id, int index) {
  const Op *op = op_at(v->graph, id);
  const AttrInfo *info = &attr_info[index];
  const void *member = (const char *)&op->attrs + info->offset;
  if (!(op_info[op->kind].attrs >> index & 1)) fault(v, id, "has no attribute '%s'", info->name);
  if (info->kind == KIND_NAME && !is_attr_name(*(const char *const *)member))
    fault(v, id, "attribute '%s' is no word", info->name);
  const Ints *list = member;
  for (int32_t i = 0; info->kind == KIND_INTS && i < list->count; i++)
    if (!dim_ok(v->graph, list->at[i])) {
      fault(v, id, "attribute '%s' has a symbol that the graph has not", info->name);
      break;
    }
}

static void check_attrs(Verifier *v, OpId id, const Attrs *defaults) {
  const Op *op = op_at(v->graph, id);
  for (int i = 0; i < ATTR_COUNT; i++)
    if (!attr_equal(&attr_info[i], &op->attrs, defaults)) check_attr(v, id, i);
  const char *wrong = sched_fault(v->arena, op);
  if (wrong) fault(v, id, "%s", wrong);
  for (const Loc *loc = op->loc; loc; loc = loc->next)
    if (!loc->node || !loc->op || loc->opset < 0 || loc->source < 0 ||
        (loc->source > 0 && (size_t)loc->source >= v->graph->source_count)) {
      fault(v, id, "a location without names, or of a source that the graph has not");
      break;
    }
}

typedef struct {
  int32_t kernel;
  OpId op;
  const char *family;
} Member;

static int by_kernel(const void *a, const void *b) {
  const Member *p = a, *q = b;
  if (p->kernel != q->kernel) return p->kernel < q->kernel ? -1 : 1;
  return (p->op > q->op) - (p->op < q->op);
}

/* All ops of one kernel number have one family. */
static void check_kernels(Verifier *v) {
  const Graph *g = v->graph;
  Member *members = ARENA_ARRAY(v->arena, Member, g->op_count);
  size_t count = 0;
  FOR_EACH_OP(g, id) {
    const Sched *s = &op_at(g, id)->sched;
    if (s->kernel >= 0 && s->family) members[count++] = (Member){s->kernel, id, s->family};
  }
  qsort(members, count, sizeof *members, by_kernel);
  for (size_t i = 1; i < count; i++) {
    const Member *one = &members[i - 1], *other = &members[i];
    if (one->kernel == other->kernel && strcmp(one->family, other->family) != 0)
      fault(v, other->op, "kernel %d is of family %s and of family %s", one->kernel, one->family, other->family);
  }
}

/* ---- what inference says ---- */

static const char *type_string(const Verifier *v, const Type *type) {
  Text t = {.arena = v->arena};
  nir_type(&t, v->graph, type);
  return text_string(&t);
}

static bool check_type(Verifier *v, OpId id) {
  const Graph *g = v->graph;
  const Op *op = op_at(g, id);
  Type types[8] = {0};
  Infer infer = {.graph = g, .op = op, .out = types};
  for (uint32_t i = 0; i < op->operand_count && i < 32; i++)
    infer.in[i] = op->operands[i] ? type_of(g, op->operands[i]) : NULL;
  for (uint32_t r = 0; r < op->result_count; r++)
    if (op_info[op->kind].traits & T_LEAF) types[r] = *type_of(g, op->first_result + r);
  if (!op_info[op->kind].infer(&infer)) return fault(v, id, "%s", infer.error);
  for (uint32_t r = 0; r < op->result_count; r++) {
    const Type *type = type_of(g, op->first_result + r);
    if (!type_equal(type, &types[r]))
      return fault(v, id, "has type %s, inference says %s", type_string(v, type), type_string(v, &types[r]));
  }
  return true;
}

static bool is_constant(const Graph *g, const Op *op) {
  bool leaf = op_info[op->kind].traits & T_LEAF;
  bool constant = op->operand_count > 0 || (leaf && op->kind != OP_input);
  for (uint32_t i = 0; i < op->operand_count; i++)
    constant = constant && (!op->operands[i] || value_at(g, op->operands[i])->constant);
  return constant;
}

/* Known contents are what the op gives anew, and all of it. */
static void check_known(Verifier *v, OpId id) {
  Graph *g = v->graph;
  const Op *op = op_at(g, id);
  const Value *value = value_at(g, op->first_result);
  Dim count = 0;
  if (value->known && (dtype_is_float(value->type.dtype) || !type_count(&value->type, &count) ||
                       !dim_is_number(count) || count > MAX_KNOWN)) {
    fault(v, id, "known contents of type %s", type_string(v, &value->type));
    return;
  }
  ArenaMark mark = arena_mark(g->arena);
  const Dim *anew = op->result_count == 1 ? known_contents(g, op, &value->type) : NULL;
  bool same =
      !anew == !value->known && (!anew || count == 0 || !memcmp(anew, value->known, (size_t)count * sizeof *anew));
  arena_release(g->arena, mark);
  if (!same) fault(v, id, "known contents are not what the operator gives");
}

static void check_values(Verifier *v, OpId id) {
  const Graph *g = v->graph;
  const Op *op = op_at(g, id);
  for (uint32_t r = 0; r < op->result_count; r++)
    if (value_at(g, op->first_result + r)->constant != is_constant(g, op))
      fault(v, id, is_constant(g, op) ? "is not marked constant" : "is marked constant");
  if (op->result_count == 1) check_known(v, id);
}

/* ---- names of inputs and outputs ---- */

static void check_names(Verifier *v) {
  const Graph *g = v->graph;
  NameSet inputs = {.arena = v->arena}, outputs = {.arena = v->arena};
  FOR_EACH_OP(g, id) {
    const Op *op = op_at(g, id);
    if (op->kind != OP_input && op->kind != OP_output) continue;
    if (!op->attrs.name || !*op->attrs.name)
      fault(v, id, "has no name");
    else if (!name_set_add(op->kind == OP_input ? &inputs : &outputs, op->attrs.name))
      fault(v, id, "a second one of the name '%.60s'", op->attrs.name);
    if (op->kind == OP_output && !op->attrs.name) name_set_add(&outputs, "");
  }
  if (!outputs.count) graph_fault(v, "the graph has no output");
}

static void check_ops(Verifier *v) {
  Graph *g = v->graph;
  const Attrs defaults = attrs_default();
  bool sound = true;
  size_t operands = 0;
  FOR_EACH_OP(g, id) {
    sound = check_results(v, id) && sound;
    v->first_operand[id] = operands;
    operands += op_at(g, id)->operand_count;
  }
  FOR_EACH_OP(g, id) sound = check_operands(v, id) && sound;
  v->listed = arena_alloc(v->arena, operands);
  FOR_EACH_OP(g, id) check_attrs(v, id, &defaults);
  check_kernels(v);
  check_names(v);
  if (!sound) return;
  check_uses(v);
  FOR_EACH_OP(g, id) if (check_type(v, id)) check_values(v, id);
}

bool graph_verify(Graph *g) {
  Arena *arena = arena_new();
  Verifier v = {.graph = g,
                .arena = arena,
                .position = ARENA_ARRAY(arena, uint32_t, g->op_count),
                .use_count = ARENA_ARRAY(arena, uint32_t, g->value_count),
                .first_operand = ARENA_ARRAY(arena, size_t, g->op_count)};
  check_graph(&v);
  if (check_order(&v)) check_ops(&v);
  arena_free(arena);
  return !v.faults;
}
