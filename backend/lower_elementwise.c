/* Family elementwise: pointwise ops of one result shape in one loop nest.
 *
 *   for each task, for each outer axis, for each vector of the inner axis:
 *     load every operand from outside once; ops in order, in registers; store every result used outside
 *
 * All loads of an iteration come before its stores, so a result may take over the memory of an operand of its shape. */
#include "backend/lower_expr.h"
#include "backend/lower_domain.h"
#include <math.h>
#include <stdlib.h>

typedef struct {
  ValueId value;
  bool literal;
  double number;
  ParamId param;
  int array; /* in domain */
} Outside;

typedef struct {
  Lower *lower;
  Domain domain;
  bool vectors;
  Outside *reads, *writes;
  int read_count, write_count;
  RegId *reg; /* [value_count]: of a value in the current body, 0: none */
} Group;

static const Op *op_of(const Group *g, uint32_t i) { return op_at(g->lower->graph, g->lower->ops[i]); }
static DType dtype_of(const Group *g, ValueId v) { return type_of(g->lower->graph, v)->dtype; }

static void add_read(Group *g, ValueId v) {
  for (int i = 0; i < g->read_count; i++)
    if (g->reads[i].value == v) return;
  Outside r = {.value = v};
  /* the number of a large i64 may have been rounded on its way */
  r.literal = value_is_splat(g->lower->graph, v, &r.number) &&
              (dtype_is_float(dtype_of(g, v)) || fabs(r.number) < 9007199254740992.0);
  g->reads[g->read_count++] = r;
}

static void find_outside(Group *g) {
  for (uint32_t i = 0; i < g->lower->op_count; i++) {
    const Op *op = op_of(g, i);
    for (uint32_t o = 0; o < op->operand_count; o++)
      if (!lower_is_inside(g->lower, op->operands[o])) add_read(g, op->operands[o]);
    if (lower_is_output(g->lower, op->first_result)) g->writes[g->write_count++] = (Outside){.value = op->first_result};
  }
}

/* One lane unless every op has a vector form and all that meets memory is f32. */
static bool has_vectors(const Group *g) {
  bool good = true;
  for (uint32_t i = 0; i < g->lower->op_count; i++) good = good && pointwise_has_vector_form(g->lower, op_of(g, i));
  for (int i = 0; i < g->read_count; i++)
    good = good && (g->reads[i].literal || dtype_of(g, g->reads[i].value) == DT_f32);
  for (int i = 0; i < g->write_count; i++) good = good && dtype_of(g, g->writes[i].value) == DT_f32;
  return good;
}

static void open_arrays(Group *g) {
  const Graph *graph = g->lower->graph;
  for (int i = 0; i < g->read_count; i++) {
    Outside *r = &g->reads[i];
    if (r->literal) continue;
    r->param = lower_in(g->lower, r->value);
    r->array = domain_add_broadcast(&g->domain, type_of(graph, r->value));
  }
  for (int i = 0; i < g->write_count; i++) {
    Outside *w = &g->writes[i];
    w->param = lower_out(g->lower, w->value);
    w->array = domain_add_broadcast(&g->domain, type_of(graph, w->value));
  }
  domain_merge(&g->domain);
}

static int64_t inner_stride(const Group *g, int array) {
  return g->domain.count ? g->domain.axis[g->domain.count - 1].stride[array] : 0;
}

static void read(Group *g, const Outside *r, const Position *p, int lanes) {
  Kernel *k = g->lower->kernel;
  RegType type = reg_type_of(dtype_of(g, r->value));
  Expr e = expr_new(k, type, lanes, r->literal ? "lit" : k->params[r->param].name);
  if (r->literal) {
    g->reg[r->value] = expr_lit(e, r->number);
    return;
  }
  RegId reg = g->reg[r->value] = kernel_reg(k, type, lanes, "v%s", k->params[r->param].name);
  if (lanes > 1 && !inner_stride(g, r->array))
    emit_loads(k, reg, r->param, p->at[r->array]);
  else
    emit_load(k, reg, r->param, p->at[r->array]);
}

static void body(void *user, const Spot *spot) {
  Group *g = user;
  Lower *lower = g->lower;
  for (int i = 0; i < g->read_count; i++) read(g, &g->reads[i], &spot->at, spot->lanes);
  for (uint32_t i = 0; i < lower->op_count; i++) {
    const Op *op = op_of(g, i);
    RegId operands[3];
    for (uint32_t o = 0; o < op->operand_count; o++) operands[o] = g->reg[op->operands[o]];
    g->reg[op->first_result] = lower_pointwise(lower, op, operands, spot->lanes, op_info[op->kind].name);
  }
  for (int i = 0; i < g->write_count; i++)
    emit_store(lower->kernel, g->writes[i].param, spot->at.at[g->writes[i].array], g->reg[g->writes[i].value]);
}

void lower_elementwise(Lower *lower) {
  const Op *last = op_at(lower->graph, lower->ops[lower->op_count - 1]);
  const Type *result = type_of(lower->graph, last->first_result);
  if (!type_elements(result)) return;
  Group g = {.lower = lower, .domain = domain_new(result, 0)};
  Kernel *k = lower_kernel(lower);
  g.reads = ARENA_ARRAY(k->arena, Outside, 3 * lower->op_count);
  g.writes = ARENA_ARRAY(k->arena, Outside, lower->op_count);
  g.reg = calloc(lower->graph->value_count, sizeof *g.reg);
  if (!g.reg) die_memory(0);
  find_outside(&g);
  g.vectors = has_vectors(&g);
  open_arrays(&g);
  domain_visit(lower, &g.domain, g.vectors, 1, body, &g);
  free(g.reg);
}
