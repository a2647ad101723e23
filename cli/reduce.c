/* Delta debugging of programs; see reduce.h. The current program is a text; every try is a graph parsed from it,
 * changed, cleaned of dead code and verified. Ops are named by their place in the statement order, which parsing keeps.
 */
#include "cli/reduce.h"
#include "ir/graph_edit.h"
#include "passes/common_ops.h"
#include <stdlib.h>
#include <string.h>

typedef struct {
  Reduction *job;
  const char *text; /* the current program */
} State;

/* Ops to be cut out, as a set. */
typedef struct {
  bool *has;
  size_t size; /* ids from here on are newer */
} Marks;

static bool is_marked(const Marks *m, OpId id) { return id < m->size && m->has[id]; }

/* A change at the op whose place is `at` (chunk: of so many), or at another of what the step counts; choice: which of
 * several. False: there is nothing to change. */
typedef struct {
  size_t at, chunk;
  int choice;
} Try;
typedef bool (*Step)(Graph *, Try);

static OpId op_at_place(const Graph *g, size_t place) {
  OpId id = g->first;
  while (id && place--) id = op_at(g, id)->next;
  return id;
}

static size_t count_kind(const Graph *g, OpKind kind) {
  size_t count = 0;
  FOR_EACH_OP(g, id) count += op_at(g, id)->kind == kind;
  return count;
}

static bool has_port(const Graph *g, OpKind kind, const char *name) {
  FOR_EACH_OP(g, id)
  if (op_at(g, id)->kind == kind && !strcmp(op_at(g, id)->attrs.name, name)) return true;
  return false;
}

/* A name that no input or output of the graph has. */
static const char *free_name(Graph *g, OpKind kind, const char *stem) {
  for (int i = 1;; i++) {
    const char *name = arena_printf(g->arena, "%s%d", stem, i);
    if (!has_port(g, kind, name)) return name;
  }
}

/* ---- steps ---- */
/* The first use of v by an op that is not marked (kind OP_none: of any kind); NULL: there is none. */
static const Use *use_outside(const Graph *g, ValueId v, const Marks *m, OpKind kind) {
  const Value *value = value_at(g, v);
  for (uint32_t i = 0; i < value->use_count; i++) {
    OpId user = value->uses[i].op;
    if (!is_marked(m, user) && (kind == OP_none || op_at(g, user)->kind == kind)) return &value->uses[i];
  }
  return NULL;
}

static void add_output(Graph *g, ValueId v) {
  Attrs a = attrs_default();
  char error[256];
  a.name = free_name(g, OP_output, "out");
  if (!graph_try_op(g, OP_output, &v, 1, &a, NULL, 0, error)) die("an output: %s", error);
}

/* What marked ops read becomes outputs. */
static void output_the_frontier(Graph *g, const Marks *m) {
  for (OpId id = 1; id < m->size; id++)
    for (uint32_t i = 0; m->has[id] && i < op_at(g, id)->operand_count; i++) {
      ValueId v = op_at(g, id)->operands[i];
      if (!v || is_marked(m, value_at(g, v)->def) || value_at(g, v)->constant) continue;
      if (def_of(g, v)->kind != OP_input && !use_outside(g, v, m, OP_output)) add_output(g, v);
    }
}

/* Reads of v by ops that stay become reads of a new input. */
static bool cut_value(Graph *g, ValueId v, const Marks *m, OpId before) {
  if (!use_outside(g, v, m, OP_none)) return true;
  Attrs a = attrs_default();
  char error[256];
  a.name = free_name(g, OP_input, "in");
  Type t = *type_of(g, v);
  OpId input = graph_try_leaf(g, OP_input, &t, &a, NULL, before, error);
  if (!input) return false;
  for (const Use *u; (u = use_outside(g, v, m, OP_none));)
    graph_set_operand(g, u->op, u->index, op_at(g, input)->first_result);
  return true;
}

/* Marks computed ops and outputs from `first` on; false: there is nothing to cut, or only all outputs. */
static bool mark_chunk(const Graph *g, OpId first, size_t chunk, Marks *m, bool *all_outputs) {
  size_t ops = 0, outputs = 0;
  for (OpId id = first; id && chunk--; id = op_at(g, id)->next) {
    const Op *op = op_at(g, id);
    if (op->kind == OP_input || (op->result_count && value_at(g, op->first_result)->constant)) continue;
    m->has[id] = true;
    outputs += op->kind == OP_output;
    ops += op->kind != OP_output;
  }
  *all_outputs = outputs == count_kind(g, OP_output);
  return ops || (outputs && !*all_outputs);
}

static bool cut_marked(Graph *g, const Marks *m, OpId before) {
  for (OpId id = 1; id < m->size; id++)
    for (uint32_t r = 0; m->has[id] && r < op_at(g, id)->result_count; r++)
      if (!cut_value(g, op_at(g, id)->first_result + r, m, before)) return false;
  for (OpId id = g->last, previous; id; id = previous) {
    previous = op_at(g, id)->prev;
    if (is_marked(m, id)) graph_erase_op(g, id);
  }
  return true;
}

static bool cut_out(Graph *g, Try t) {
  Marks m = {.has = calloc(g->op_count, sizeof *m.has), .size = g->op_count};
  if (!m.has) die_memory(0);
  OpId first = op_at_place(g, t.at);
  bool all_outputs, fine = mark_chunk(g, first, t.chunk, &m, &all_outputs);
  if (fine && all_outputs) output_the_frontier(g, &m);
  fine = fine && cut_marked(g, &m, first) && count_kind(g, OP_output);
  free(m.has);
  return fine;
}

/* The op's result becomes one of its operands, number `choice`. */
static bool bypass(Graph *g, Try t) {
  OpId id = op_at_place(g, t.at);
  uint32_t operand = (uint32_t)t.choice;
  if (!id || op_at(g, id)->result_count != 1 || operand >= op_at(g, id)->operand_count) return false;
  ValueId y = op_at(g, id)->first_result, x = op_at(g, id)->operands[operand];
  if (!x || value_at(g, y)->constant || !type_equal(type_of(g, x), type_of(g, y))) return false;
  graph_replace_uses(g, y, x);
  graph_erase_op(g, id);
  return true;
}

/* A constant expression that is no literal becomes a literal of equal elements. */
static bool make_literal(Graph *g, Try try_) {
  OpId id = op_at_place(g, try_.at);
  if (!id || op_at(g, id)->result_count != 1 || op_at(g, id)->kind == OP_const) return false;
  ValueId v = op_at(g, id)->first_result;
  Type t = *type_of(g, v);
  if (!value_at(g, v)->constant || !type_is_static(&t) || !dtype_is_float(t.dtype)) return false;
  Attrs a = attrs_default();
  char error[256];
  a.floats = (Floats){1, (double[]){0.5}};
  OpId made = graph_try_leaf(g, OP_const, &t, &a, NULL, id, error);
  if (!made) return false;
  graph_replace_uses(g, v, op_at(g, made)->first_result);
  graph_erase_op(g, id);
  return true;
}

static bool smaller_size(Graph *g, Try t) { return shrink_size(g, t.at, t.choice); }

static bool drop_locations(Graph *g, Try t) {
  (void)t;
  bool any = false;
  FOR_EACH_OP(g, id) {
    any = any || op_at(g, id)->loc;
    op_at(g, id)->loc = NULL;
  }
  return any;
}

static bool drop_schedule(Graph *g, Try t) {
  (void)t;
  bool any = false;
  FOR_EACH_OP(g, id) {
    any = any || op_at(g, id)->sched.kernel >= 0;
    op_at(g, id)->sched = sched_default();
  }
  return any;
}

/* Labels, and how pictures become inputs. */
static bool drop_notes(Graph *g, Try t) {
  (void)t;
  bool any = g->notes.label_count || g->notes.preprocess;
  g->notes = (Notes){0};
  return any;
}

/* Symbols that no dim has any more; where one has, the program is none. */
static bool drop_symbols(Graph *g, Try t) {
  (void)t;
  bool any = g->symbol_count && g->batch_symbol < 0;
  if (any) g->symbol_count = 0;
  return any;
}

static bool merge_equal(Graph *g, Try t) {
  (void)t;
  return merge_equal_ops(g);
}

static size_t count_statements(const Graph *g) {
  size_t count = 0;
  FOR_EACH_OP(g, id) count++;
  return count;
}

static size_t once(const Graph *g) {
  (void)g;
  return 1;
}

typedef struct {
  Step step;
  size_t (*places)(const Graph *); /* where it is tried: at 0 .. this - 1 */
  int choices;                     /* of each place */
  bool chunks;                     /* by halves, not only one by one */
} StepInfo;
static const StepInfo steps[] = {
    {cut_out, count_statements, 1, true},
    {bypass, count_statements, 2, false},
    {make_literal, count_statements, 1, false},
    {smaller_size, count_sizes, SIZE_CHOICES, false},
    {merge_equal, once, 1, false},
    {drop_locations, once, 1, false},
    {drop_schedule, once, 1, false},
    {drop_notes, once, 1, false},
    {drop_symbols, once, 1, false},
};
enum { STEP_COUNT = sizeof steps / sizeof *steps };

/* ---- tries ---- */
static void drop_unused(Graph *g) {
  remove_dead_ops(g);
  FOR_EACH_OP(g, id)
  if (op_at(g, id)->kind == OP_input && !value_at(g, op_at(g, id)->first_result)->use_count) graph_erase_op(g, id);
  bool *used = calloc(g->source_count + 1, sizeof *used);
  if (!used) die_memory(0);
  FOR_EACH_OP(g, id)
  if (op_at(g, id)->kind == OP_weight) used[op_at(g, id)->attrs.source] = true;
  for (; g->source_count && !used[g->source_count - 1]; g->source_count--)
    if (g->sources[g->source_count - 1]->close) g->sources[g->source_count - 1]->close(g->sources[g->source_count - 1]);
  free(used);
}

static Graph *parse(const State *s) {
  return graph_parse(s->job->context, "reduced.nir", s->text, strlen(s->text), s->job->open);
}

/* Is the program still kept after one step? Then that is the current one. */
static bool try_step(State *s, Step step, Try t) {
  Context *c = s->job->context;
  Graph *g = parse(s);
  if (!g) die("a reduced program does not parse: %s", c->count ? c->list[c->count - 1].text : "");
  size_t messages = c->count;
  int errors = c->errors;
  bool kept = false;
  if (step(g, t)) {
    drop_unused(g);
    const char *text = graph_print(g, g->arena, NULL);
    s->job->tried++;
    kept = graph_verify(g) && strcmp(text, s->text) && s->job->keeps(s->job->user, g);
    if (kept) s->text = arena_strdup(c->arena, text);
    s->job->kept += kept;
  }
  graph_free(g);
  c->count = messages; /* what a wrong try was told */
  c->errors = errors;
  return kept;
}

static size_t place_count(const State *s, const StepInfo *step) {
  Graph *g = parse(s);
  size_t count = g ? step->places(g) : 0;
  graph_free(g);
  return count;
}

/* Every place, from the last on, with chunks of one size. */
static bool sweep(State *s, const StepInfo *step, size_t chunk) {
  bool any = false;
  for (size_t at = place_count(s, step); at > 0;) {
    at = at > chunk ? at - chunk : 0;
    bool kept = false;
    for (int choice = 0; choice < step->choices && !kept; choice++)
      kept = try_step(s, step->step, (Try){at, chunk, choice});
    if (!kept) continue;
    any = true;
    size_t left = place_count(s, step);
    if (at > left) at = left;
  }
  return any;
}

const char *reduce_program(Reduction *job, const char *text) {
  State s = {.job = job, .text = text};
  for (bool again = true; again;) {
    again = false;
    for (size_t i = 0; i < STEP_COUNT; i++) {
      size_t chunk = steps[i].chunks ? place_count(&s, &steps[i]) / 2 : 1;
      for (; chunk > 1; chunk /= 2) again = sweep(&s, &steps[i], chunk) || again;
      again = sweep(&s, &steps[i], 1) || again;
    }
  }
  return s.text;
}
