/* The FMA peak; see peak.h. Every register but four is a chain of its own, acc = acc x + y: 12 chains of 16 registers
 * and 28 of 32 hide the latency of two units that take 4 to 6 cycles. */
#include "backend/peak.h"
#include "ir/graph_edit.h"

static int chains(const Target *t) { return t->registers - 4 < 32 ? t->registers - 4 : 32; }

/* About 400 million operations on every target: milliseconds, of which waking threads is little, and short enough to
 * find a moment in which nobody else computes. */
static int steps(const Target *t) { return (200 << 20) / (PEAK_TASKS * chains(t) * t->lanes); }

double peak_flops(const Target *t) { return 2.0 * PEAK_TASKS * steps(t) * chains(t) * t->lanes; }

Kernel *peak_kernel(Arena *arena, const Target *t) {
  Kernel *k = kernel_new(arena, "peak", "peak");
  const ParamId x = kernel_param(k, "x0", ROLE_IN, DT_f32, PEAK_ELEMENTS);
  const ParamId y = kernel_param(k, "y0", ROLE_OUT, DT_f32, PEAK_ELEMENTS);
  RegId acc[32];
  const RegId a = kernel_reg(k, REG_f32, t->lanes, "a"), b = kernel_reg(k, REG_f32, t->lanes, "b");
  for (int i = 0; i < chains(t); i++) acc[i] = kernel_reg(k, REG_f32, t->lanes, "acc%d", i);
  const VarId task = emit_for(k, LOP_pfor, "task", 0, PEAK_TASKS, 1);
  emit_load(k, a, x, affine(0));
  emit_load(k, b, x, affine(MAX_LANES));
  for (int i = 0; i < chains(t); i++) emit_load(k, acc[i], x, affine((i + 2) * MAX_LANES));
  emit_for(k, LOP_for, "step", 0, steps(t), 1);
  for (int i = 0; i < chains(t); i++) emit_op(k, LOP_fma, acc[i], acc[i], a, b);
  emit_end(k);
  for (int i = 0; i < chains(t); i++)
    emit_store(k, y, affine_plus(affine_var(task, 32 * MAX_LANES), i * MAX_LANES), acc[i]);
  emit_end(k);
  return k;
}

static LoopProgram *program(Arena *arena, const Target *t) {
  static const Place places[] = {{SPACE_INPUT, 0, 0}, {SPACE_OUTPUT, 0, 0}};
  LoopProgram *p = ARENA_NEW(arena, LoopProgram);
  *p = (LoopProgram){.arena = arena, .target = t->name, .kernel_count = 1, .step_count = 1};
  p->kernels = ARENA_NEW(arena, Kernel *);
  p->kernels[0] = peak_kernel(arena, t);
  p->steps = ARENA_NEW(arena, Step);
  p->steps[0] = (Step){.group = -1, .places = arena_copy(arena, places, sizeof places), .note = "FMAs"};
  return p;
}

/* One input and an output of its type; what is between them the loop program says. */
static Graph *ports(Context *c, const char *name) {
  Graph *g = graph_new(c, name);
  const Dim elements = PEAK_ELEMENTS;
  const Type t = type_make(DT_f32, 1, &elements);
  Attrs attrs = attrs_default();
  char error[256] = "";
  attrs.name = "x";
  const OpId in = graph_try_leaf(g, OP_input, &t, &attrs, NULL, 0, error);
  attrs.name = "y";
  if (!in || !graph_try_op(g, OP_output, &(ValueId){op_at(g, in)->first_result}, 1, &attrs, NULL, 0, error))
    die("peak: %s", error);
  g->batch = 1;
  g->batch_symbol = -1;
  return g;
}

bool peak_emit(Context *c, const char *name, const Target *const *chosen, int count, const char *c_path,
               const char *h_path) {
  Arena *scratch = arena_new();
  LoopProgram **programs = ARENA_ARRAY(scratch, LoopProgram *, count);
  for (int i = 0; i < count; i++) programs[i] = program(scratch, chosen[i]);
  Graph *g = ports(c, name);
  const CProgram p = {.graph = g, .programs = programs, .targets = chosen, .target_count = count};
  const COptions o = {.prefix = name, .c_path = c_path, .h_path = h_path};
  const bool fine = emit_c_files(c, &p, &o);
  graph_free(g);
  arena_free(scratch);
  return fine;
}
