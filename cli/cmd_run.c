/* nextc run: a model on inputs from files, compiled into memory, or as C where there is no LLVM. */
#include "cli/build.h"
#include "cli/inputs.h"
#include "cli/memory.h"
#include "cli/outputs.h"
#include "cli/process.h"
#include "passes/passes.h"
#include <stdlib.h>
#include <string.h>

static const OptionInfo options[] = {
    INPUT_OPTIONS,
    OUTPUT_OPTIONS,
    {"--backend", "jit|c", "compiled into memory, or emitted as C and built with $CC (else cc); default: jit"},
    {"--target", "NAME", "code path, of generic, v3, v4, aarch64 and riscv64; default: the best one for this CPU"},
    {"--threads", "N", "default: 1"},
    {"--repeat", "N", "runs N times more and tells the fastest and the median time on standard error"},
    {"--no-cache", NULL, "neither look for machine code in $XDG_CACHE_HOME/nextc nor leave it there"},
    {"--strict-fp", NULL, "no rewrite that changes rounding"},
    LOAD_OPTIONS,
};

typedef struct {
  Context *context;
  const Args *args;
  Graph *declared; /* as imported */
  Graph *graph;    /* through the passes */
  DataSet *sets;
  size_t set_count;
  NamedOutput *outputs;
  size_t output_count;
  int threads, repeat;
} Run;

/* ---- the model ---- */

/* Is the symbol a dim of some input but for its first? Then code depends on its value. */
static bool is_inner(const Graph *g, int symbol) {
  OpId ports[MAX_PORTS];
  const size_t count = graph_ports(g, OP_input, ports, MAX_PORTS);
  for (size_t i = 0; i < count; i++) {
    const Type *t = type_of(g, op_at(g, ports[i])->first_result);
    for (int d = 1; d < t->rank; d++)
      if (!dim_is_number(t->dim[d]) && dim_symbol_of(t->dim[d]) == symbol) return true;
  }
  return false;
}

/* The model again, with the inner symbols as the inputs have them. */
static int load_for_inputs(Run *r) {
  DimPin *pins;
  size_t count;
  Bindings bindings;
  Context *c = r->context;
  const int status = args_pins(c, r->args, &pins, &count);
  if (status) return status;
  if (!bind_symbols(r->declared, &r->sets[0], &bindings)) return STATUS_MODEL;
  DimPin *all = ARENA_ARRAY(c->arena, DimPin, count + MAX_SYMBOLS);
  if (count) memcpy(all, pins, count * sizeof *pins);
  for (int i = 0; i < r->declared->symbol_count; i++)
    if (bindings.symbol[i] && is_inner(r->declared, i))
      all[count++] = (DimPin){r->declared->symbols[i], bindings.symbol[i]};
  PassOptions pass_options = {.strict_fp = args_value(r->args, "--strict-fp") != NULL};
  r->graph = load_model_from(c, r->args->operands[0], all, count, args_value(r->args, "--weights-from"));
  return r->graph && run_pipeline(r->graph, &pass_options, NULL, NULL, NULL) ? STATUS_DONE : STATUS_MODEL;
}

/* ---- outputs ---- */

/* Appends a set's outputs to those before, along the first axis. */
static void add_outputs(Run *r, Tensor *outputs, size_t set) {
  for (size_t i = 0; i < r->output_count; i++) {
    Tensor *all = &r->outputs[i].value;
    if (!set) *all = outputs[i];
    if (!set) continue;
    Type t = all->type;
    const size_t before = 8 * (size_t)type_elements(&t), more = 8 * (size_t)type_elements(&outputs[i].type);
    if (t.rank) t.dim[0] += outputs[i].type.dim[0];
    Tensor joined = tensor_new(&t);
    char *to = joined.f ? (char *)joined.f : (char *)joined.i;
    if (before) memcpy(to, all->f ? (void *)all->f : (void *)all->i, before);
    if (more && t.rank) memcpy(to + before, outputs[i].f ? (void *)outputs[i].f : (void *)outputs[i].i, more);
    tensor_free(all);
    tensor_free(&outputs[i]);
    *all = joined;
  }
}

static void name_outputs(Run *r) {
  OpId ports[MAX_PORTS];
  r->output_count = graph_ports(r->declared, OP_output, ports, MAX_PORTS);
  r->outputs = ARENA_ARRAY(r->context->arena, NamedOutput, r->output_count + 1);
  for (size_t i = 0; i < r->output_count; i++) {
    const char *name = op_at(r->declared, ports[i])->attrs.name;
    r->outputs[i].name = name ? name : "";
  }
}

/* ---- the JIT ---- */

static int compare_times(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static bool run_again(Run *r, const JitModel *m, nextc_pool *pool) {
  double *times = ARENA_ARRAY(r->context->arena, double, r->repeat);
  for (int i = 0; i < r->repeat; i++) {
    Tensor outputs[MAX_PORTS];
    if (!memory_run(m, r->declared, &r->sets[0], pool, outputs, r->output_count, &times[i])) return false;
    for (size_t j = 0; j < r->output_count; j++) tensor_free(&outputs[j]);
  }
  qsort(times, (size_t)r->repeat, sizeof *times, compare_times);
  progress_end();
  fprintf(stderr, "%d runs with %d threads (%s): fastest %.2f ms, median %.2f ms\n", r->repeat,
          pool ? nextc_pool_threads(pool) : 1, jit_target(m)->name, times[0], times[r->repeat / 2]);
  return true;
}

static bool run_sets(Run *r, const JitModel *m, nextc_pool *pool) {
  for (size_t i = 0; i < r->set_count; i++) {
    Tensor outputs[MAX_PORTS];
    double ms;
    if (!memory_run(m, r->declared, &r->sets[i], pool, outputs, r->output_count, &ms)) return false;
    add_outputs(r, outputs, i);
  }
  return !r->repeat || run_again(r, m, pool);
}

static int run_jit(Run *r) {
  const char *name = args_value(r->args, "--target");
  JitOptions o = {.target = name ? target_by_name(name) : NULL, .no_cache = args_value(r->args, "--no-cache") != NULL};
  if (name && !o.target) return usage_error(r->context, r->args, "unknown target '%s'", name);
  progress("compiling");
  JitModel *m = complete_schedule(r->graph) ? jit_new(r->context, r->graph, &o) : NULL;
  nextc_pool *pool = m && r->threads > 1 ? nextc_pool_new(r->threads) : NULL;
  const bool good = m && run_sets(r, m, pool);
  nextc_pool_free(pool);
  jit_free(m);
  return good ? STATUS_DONE : STATUS_MODEL;
}

/* ---- C ---- */

static int run_c(Run *r) {
  Context *c = r->context;
  const char *cc = getenv("CC"), *name = args_value(r->args, "--target");
  Build b = {.context = c, .cc = cc && *cc ? cc : "cc", .folder = temporary_folder(c)};
  CompileOptions o = {.strict_fp = args_value(r->args, "--strict-fp") != NULL};
  Difference d = difference_none();
  if (!b.folder) return STATUS_MODEL;
  bool good = (!name || targets_from_list(c, "--target", name, &o)) && build_emit(&b, r->graph, o);
  progress("compiling with %s", b.cc);
  good = good && build_program(&b, NULL, &d);
  for (size_t i = 0; good && i < r->set_count; i++) {
    Tensor outputs[MAX_PORTS];
    good = build_run(&b, r->declared, &r->sets[i], outputs, r->output_count, &d);
    if (good) add_outputs(r, outputs, i);
  }
  if (d.why && !c->errors) error_in(c, r->args->operands[0], "%s", d.why); /* else the reason is said */
  remove_folder(c, b.folder);
  return good ? STATUS_DONE : STATUS_MODEL;
}

/* ---- the command ---- */

static int read_numbers(Run *r) {
  double threads = 1, repeat = 0;
  int status = args_count(r->context, r->args, "--threads", 1, 256, &threads);
  if (!status) status = args_count(r->context, r->args, "--repeat", 1, 1e6, &repeat);
  r->threads = (int)threads;
  r->repeat = (int)repeat;
  return status;
}

static int run_model(Run *r) {
  const bool with_c = args_choice(r->args, "--backend", 0) == 1;
  if (!with_c && !nextc_has_jit()) {
    error_in(r->context, "nextc run",
             "this nextc was built without LLVM (CMake option -DNEXTC_LLVM=ON); "
             "--backend=c runs the model with a C compiler");
    return STATUS_MODEL;
  }
  int status = read_numbers(r);
  if (!status) status = args_load(r->context, r->args, r->args->operands[0], &r->declared);
  if (!status) status = inputs_read(r->context, r->args, r->declared, &r->sets, &r->set_count);
  if (!status) status = load_for_inputs(r);
  if (status) return status;
  name_outputs(r);
  status = with_c ? run_c(r) : run_jit(r);
  return status ? status : outputs_write(r->context, r->args, &r->declared->notes, r->outputs, r->output_count);
}

static int run(Context *c, const Args *args) {
  Run r = {.context = c, .args = args};
  const int status = run_model(&r);
  for (size_t i = 0; i < r.output_count; i++) tensor_free(&r.outputs[i].value);
  if (r.declared) graph_free(r.declared);
  if (r.graph) graph_free(r.graph);
  return status;
}

const Command command_run = {
    .name = "run",
    .operands = "MODEL",
    .summary = "runs a model on inputs from files, without a C compiler",
    .example = "nextc run convnext_tiny.onnx --image cat.jpg --top 5",
    .min_operands = 1,
    .max_operands = 1,
    OPTION_TABLE(options),
    .run = run,
};
