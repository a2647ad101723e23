/* Halves are how inputs, outputs and weights are stored; what is computed is f32. Part of clean-import.
 *
 *   %2 = mul %1, %w : f16[2x8]    =>    %2 = cast %1 {to=f32}; %3 = cast %w {to=f32}; %4 = mul %2, %3 : f32[2x8]
 *   output %2                           %5 = cast %4 {to=f16}; output %5
 *
 * f16 and bf16 alike. A cast to a half that the model has rounds, as in the evaluator; results between ops do not. A
 * literal that is a factor of GELU as a half has it (1.4140625 is sqrt 2 there) becomes that factor, unless
 * --strict-fp. Outside the limit of rewrites, since without it there is nothing to run. Declines nothing; a program
 * without halves stays as it is. */
#include "ir/eval.h"
#include "ir/graph_edit.h"
#include "passes/common_ops.h"
#include "passes/rewrite_log.h"
#include <stdlib.h>

typedef struct {
  Graph *g;
  const PassOptions *options;
  ValueId *wide;      /* [value_count before] the same as f32; 0: none yet */
  int widened, exact; /* ops; literals */
} Widen;

static bool is_half(const Graph *g, ValueId v) { return v && dtype_is_half(type_of(g, v)->dtype); }
static bool is_f32(const Graph *g, ValueId v) { return type_of(g, v)->dtype == DT_f32; }

static ValueId cast_to(Graph *g, ValueId v, DType to, const Loc *loc, OpId before) {
  Attrs a = attrs_default();
  a.to = dtype_name(to);
  return graph_new_op(g, OP_cast, &v, 1, &a, loc, before);
}

static double as_half(DType half, double x) {
  Type t = type_make(half, 0, NULL);
  Tensor v = tensor_new(&t);
  unsigned char bytes[2];
  v.f[0] = x;
  tensor_store(&v, bytes, false);
  tensor_load(&v, bytes);
  double rounded = v.f[0];
  tensor_free(&v);
  return rounded;
}

/* sqrt 2, 1 / sqrt 2, sqrt(2 / pi), and the cube's factor in GELU's tanh form, of which a half holds three digits. */
static double meant(Widen *w, const Op *literal, double x) {
  static const double factors[] = {1.4142135623730951, 0.70710678118654752, 0.79788456080286536, 0.044715};
  DType half = (DType)type_of(w->g, literal->first_result)->dtype;
  for (size_t i = 0; i < sizeof factors / sizeof *factors && !w->options->strict_fp; i++) {
    if (x != as_half(half, factors[i]) || !rewrite_allowed(w->g)) continue;
    rewrite_done(w->g, "exact_factor", where_op(w->g, op_id(w->g, literal)));
    w->exact++;
    return factors[i];
  }
  return x;
}

static ValueId widened_literal(Widen *w, const Op *def, OpId before) {
  Graph *g = w->g;
  Type t = *type_of(g, def->first_result);
  Attrs attrs = def->attrs;
  const Loc *loc = def->loc;
  double number = attrs.floats.count == 1 ? meant(w, def, attrs.floats.at[0]) : 0;
  if (attrs.floats.count == 1) attrs.floats = (Floats){1, &number};
  t.dtype = DT_f32;
  char error[256];
  OpId made = graph_try_leaf(g, OP_const, &t, &attrs, loc, before, error);
  if (!made) die("widen_halves: %s", error);
  return op_at(g, made)->first_result;
}

/* A half as f32; what is new stands before `before`. Other values as they are. */
static ValueId widened(Widen *w, ValueId v, OpId before) {
  Graph *g = w->g;
  if (!is_half(g, v)) return v;
  const Op *def = def_of(g, v);
  if (!w->wide[v])
    w->wide[v] = def->kind == OP_const ? widened_literal(w, def, before) : cast_to(g, v, DT_f32, def->loc, before);
  return w->wide[v];
}

static bool meets_halves(const Graph *g, const Op *op) {
  bool any = false;
  for (uint32_t i = 0; i < op->operand_count; i++) any = any || is_half(g, op->operands[i]);
  return any || (op->result_count && is_half(g, op->first_result));
}

/* Is v a half because the program says so: one that is stored, or the rounding of other numbers? */
static bool is_made_half(const Graph *g, ValueId v) {
  const Op *def = def_of(g, v);
  return op_info[def->kind].traits & T_LEAF || (def->kind == OP_cast && !is_half(g, def->operands[0]));
}

/* Casts that stay. Where one widens, its result is remembered. */
static bool is_right_cast(Widen *w, const Op *op) {
  const Graph *g = w->g;
  if (op->kind != OP_cast) return false;
  ValueId from = op->operands[0], to = op->first_result;
  if (!is_half(g, from)) return true;
  if (!is_f32(g, to) || !is_made_half(g, from) || w->wide[from]) return false;
  w->wide[from] = to;
  return true;
}

/* A cast of a computed half: what it has as f32, rounded where the cast is to another half. */
static void widen_cast(Widen *w, OpId id) {
  Graph *g = w->g;
  ValueId from = op_at(g, id)->operands[0], to = op_at(g, id)->first_result;
  ValueId x = widened(w, from, id);
  if (is_f32(g, to))
    graph_replace_uses(g, to, x);
  else if (type_of(g, to)->dtype == type_of(g, from)->dtype)
    w->wide[to] = x;
  else
    graph_set_operand(g, id, 0, x);
}

static void widen_op(Widen *w, OpId id) {
  Graph *g = w->g;
  uint32_t count = op_at(g, id)->operand_count;
  ValueId *operands = calloc(count + 1, sizeof *operands);
  if (!operands) die("out of memory");
  for (uint32_t i = 0; i < count; i++) operands[i] = widened(w, op_at(g, id)->operands[i], id);
  const Op *op = op_at(g, id);
  Attrs attrs = op->attrs;
  ValueId old = op->first_result, made = graph_new_op(g, op->kind, operands, count, &attrs, op->loc, id);
  for (uint32_t r = 0; r < op_at(g, id)->result_count; r++) {
    if (is_half(g, old + r))
      w->wide[old + r] = made + r;
    else
      graph_replace_uses(g, old + r, made + r);
  }
  free(operands);
}

/* What is stored as a half already needs no cast to it. */
static bool widen_output(Widen *w, OpId id) {
  Graph *g = w->g;
  ValueId v = op_at(g, id)->operands[0];
  if (!w->wide[v] || is_made_half(g, v)) return false;
  DType half = (DType)type_of(g, v)->dtype;
  graph_set_operand(g, id, 0, cast_to(g, w->wide[v], half, op_at(g, id)->loc, id));
  return true;
}

int widen_halves(Graph *g, const PassOptions *options) {
  Widen w = {.g = g, .options = options, .wide = calloc(g->value_count, sizeof *w.wide)};
  if (!w.wide) die("out of memory");
  FOR_EACH_OP(g, id) {
    const Op *op = op_at(g, id);
    if (op_info[op->kind].traits & T_LEAF || !meets_halves(g, op) || is_right_cast(&w, op)) continue;
    if (op->kind == OP_output) {
      w.widened += widen_output(&w, id);
      continue;
    }
    if (op->kind == OP_cast)
      widen_cast(&w, id);
    else
      widen_op(&w, id);
    w.widened++;
  }
  free(w.wide);
  rewrite_note(g, "widen_half", w.widened);
  return w.widened + w.exact;
}
