/* nextc verify: cases of inputs and outputs through the evaluator, the emitted C and the JIT. */
#include "cli/build.h"
#include "cli/cli.h"
#include "cli/memory.h"
#include "cli/process.h"
#include "passes/bisect.h"
#include <stdlib.h>
#include <string.h>

static const OptionInfo options[] = {
    {"--backends", "LIST",
     "of eval (the evaluator, on the model as read and after the passes)\n"
     "c (the emitted C, built and run) and jit (run in memory); default eval,c"},
    {"--random", "N", "N more random inputs; the evaluator's outputs are the reference"},
    {"--model", "FILE", "the model of every CASE, instead of the folder's model.onnx"},
    {"--paths", "LIST",
     "the paths of c and jit to run, of generic, v3, v4, aarch64, riscv64, and best (default):\n"
     "as the program chooses"},
    {"--cc", "COMMAND", "C compiler with flags (default $CC, else cc); -O2 where they name no level"},
    {"--runner", "COMMAND", "what runs the built program, for a cross compiler: qemu-aarch64"},
    WEIGHTS_OPTION,
    {"--rtol", "X", "floats: |y - ref| <= atol + rtol |ref|; default 1e-4, in f16 1e-2"},
    {"--atol", "X", "default 1e-5, in f16 1e-2; integers and bools must be equal"},
    {"--strict-fp", NULL, "no rewrite that changes rounding"},
    {"--bisect", NULL,
     "where the evaluator's result leaves the tolerance: names the first pass, then the\n"
     "first rewrite, after which it does; backends default to eval"},
    {"--keep", NULL, "keeps the folder with the emitted C and prints its name"},
    LOAD_OPTIONS,
};

enum { MAX_BACKENDS = 8, MAX_RANDOM = 100000 };

typedef struct Verify Verify;
typedef struct {
  const char *name, *path; /* path: the emitted path that is forced; NULL or "best": none */
  bool (*run)(Verify *, const char *path, Difference *); /* false: the context has an error */
} Backend;

struct Verify {
  Context *context; /* of the case */
  Watcher *watcher;
  const Args *args;
  Case test;
  const char *weights; /* --weights-from for this case */
  Tolerance tolerance; /* negative: not said */
  DType coarsest;      /* of the case's model: f16 or bf16 where something is computed in it, else f32 */
  int random, passed, failed;
  Backend backends[MAX_BACKENDS];
  size_t backend_count;
  PassOptions pass_options;
  Build build;       /* folder NULL: nothing emitted yet for this case */
  const char **said; /* diagnostics of this case, which loads its model several times */
  size_t said_count, said_capacity;
};

/* What other engines round to on the way; what is only stored so loses nothing. */
static DType coarsest_type(const Graph *g) {
  DType found = DT_f32;
  FOR_EACH_OP(g, id) {
    const Op *op = op_at(g, id);
    DType t = op->result_count ? (DType)type_of(g, op->first_result)->dtype : DT_f32;
    if (dtype_is_half(t) && !(op_info[op->kind].traits & T_LEAF) && found != DT_bf16) found = t;
  }
  return found;
}

static Graph *load(Verify *v) {
  Graph *g = NULL;
  if (args_load_weights(v->context, v->args, v->test.model, v->weights, &g)) return NULL;
  v->coarsest = coarsest_type(g);
  return g;
}

/* As the options say, else by type, of the output or of what it was computed in. */
static Tolerance tolerance_for(const Verify *v, DType output) {
  Tolerance standard = tolerance_default(output);
  if (tolerance_default(v->coarsest).rtol > standard.rtol) standard = tolerance_default(v->coarsest);
  return (Tolerance){.rtol = v->tolerance.rtol < 0 ? standard.rtol : v->tolerance.rtol,
                     .atol = v->tolerance.atol < 0 ? standard.atol : v->tolerance.atol};
}

static void compare_set(Verify *v, const DataSet *set, const Tensor *outputs, const char *stage, Difference *d) {
  Arena *arena = v->context->arena;
  for (size_t i = 0; i < set->output_count; i++)
    difference_add(d, arena, arena_printf(arena, "%s, %s: output %zu", set->name, stage, i), &outputs[i],
                   &set->outputs[i], tolerance_for(v, (DType)set->outputs[i].type.dtype));
}

/* Do a set's outputs match the model's in number? */
static bool count_fits(const Graph *g, const DataSet *set) {
  OpId ports[MAX_PORTS];
  size_t count = graph_ports(g, OP_output, ports, MAX_PORTS);
  return count == set->output_count ||
         error_in(g->context, set->name, "%zu outputs stored, but the model has %zu", set->output_count, count);
}

static bool evaluate_sets(Verify *v, const Graph *g, const char *stage, Difference *d) {
  for (size_t i = 0; i < v->test.set_count; i++) {
    const DataSet *set = &v->test.sets[i];
    if (!count_fits(g, set)) return false;
    Tensor outputs[MAX_PORTS];
    bool fine = evaluate(g, set, outputs, set->output_count);
    if (fine) compare_set(v, set, outputs, stage, d);
    for (size_t j = 0; j < set->output_count; j++) tensor_free(&outputs[j]);
    if (!fine) return false;
  }
  return true;
}

static bool run_eval(Verify *v, const char *path, Difference *d) {
  (void)path;
  Graph *g = load(v);
  bool fine = g && evaluate_sets(v, g, "as read", d) && run_pipeline(g, &v->pass_options, NULL, NULL, NULL) &&
              evaluate_sets(v, g, "after the passes", d);
  if (g) graph_free(g);
  return fine;
}

static Graph *load_again(void *user) { return load(user); }

static bool is_within(void *user, const Graph *g) {
  Difference d = difference_none();
  return evaluate_sets(user, g, "", &d) && d.ok;
}

static void print_culprit(const Culprit *k) {
  if (!k->pass) {
    puts("  bisect: no pass leaves the tolerance");
    return;
  }
  printf("  bisect: pass %s", k->pass);
  if (!k->rewrite) {
    puts(", by none of its counted rewrites");
    return;
  }
  printf(", rewrite %lld: %s at '%s'", (long long)k->rewrite, k->rule, k->at.node ? k->at.node : "?");
  if (k->at.op) printf(" (%s)", k->at.op);
  printf("; see 'nextc opt MODEL --stop-after=%s --rule-limit=%lld'\n", k->pass, (long long)k->rewrite);
}

/* After a case's line, where --bisect is given. */
static void bisect(Verify *v, bool readable) {
  Bisection job = {.load = load_again, .good = is_within, .user = v, .options = v->pass_options};
  Difference d = difference_none();
  Culprit culprit;
  Graph *g = readable ? load(v) : NULL;
  bool fine = g && evaluate_sets(v, g, "as read", &d);
  if (g) graph_free(g);
  if (fine && !d.ok)
    puts("  bisect: the model as it was read leaves the tolerance");
  else if (fine && bisect_passes(&job, v->context->arena, &culprit))
    print_culprit(&culprit);
}

static bool emit_once(Verify *v) {
  if (v->build.folder) return true;
  v->build.context = v->context;
  v->build.folder = temporary_folder(v->context);
  Graph *g = v->build.folder ? load(v) : NULL;
  CompileOptions o = {.strict_fp = v->pass_options.strict_fp};
  args_weights(v->args, &o);
  for (size_t i = 0; i < v->backend_count; i++)
    if (v->backends[i].path) targets_add(&o, target_by_name(v->backends[i].path));
  bool fine = g && build_emit(&v->build, g, o);
  if (g) graph_free(g);
  return fine;
}

static bool run_sets(Verify *v, const Graph *declared, Difference *d) {
  for (size_t i = 0; i < v->test.set_count; i++) {
    const DataSet *set = &v->test.sets[i];
    if (!count_fits(declared, set)) return false;
    Tensor outputs[MAX_PORTS];
    if (build_run(&v->build, declared, set, outputs, set->output_count, d)) compare_set(v, set, outputs, "c", d);
    for (size_t j = 0; j < set->output_count; j++) tensor_free(&outputs[j]);
  }
  return !v->context->errors;
}

static bool run_c(Verify *v, const char *path, Difference *d) {
  if (!emit_once(v)) return false;
  Graph *declared = load(v);
  const char *forced = path && strcmp(path, "best") ? path : NULL;
  bool fine = declared && (!build_program(&v->build, forced, d) || run_sets(v, declared, d));
  if (declared) graph_free(declared);
  return fine;
}

static JitModel *compile_to_memory(Verify *v, const char *path) {
  const JitOptions o = {.target = path ? target_by_name(path) : NULL};
  Graph *g = load(v);
  JitModel *m = NULL;
  if (g && run_pipeline(g, &v->pass_options, NULL, NULL, NULL) && complete_schedule(g)) m = jit_new(v->context, g, &o);
  if (g) graph_free(g);
  return m;
}

static bool same_bits(const Tensor *a, const Tensor *b) {
  const size_t bytes = 8 * (size_t)type_elements(&a->type);
  return !bytes || !memcmp(a->f ? (const void *)a->f : a->i, b->f ? (const void *)b->f : b->i, bytes);
}

/* With one thread, and with three, which must give the same bits. */
static bool run_in_memory(Verify *v, const JitModel *m, const Graph *declared, nextc_pool *pool, Difference *d) {
  for (size_t i = 0; i < v->test.set_count; i++) {
    const DataSet *set = &v->test.sets[i];
    Tensor one[MAX_PORTS], three[MAX_PORTS];
    if (!count_fits(declared, set)) return false;
    bool good = memory_run(m, declared, set, NULL, one, set->output_count, NULL);
    good &= memory_run(m, declared, set, pool, three, set->output_count, NULL);
    if (good) compare_set(v, set, one, "jit", d);
    for (size_t j = 0; j < set->output_count; j++) {
      if (good && !same_bits(&one[j], &three[j]))
        difference_fail(d, v->context->arena, "%s: output %zu depends on the number of threads", set->name, j);
      tensor_free(&one[j]);
      tensor_free(&three[j]);
    }
    if (!good) return false;
  }
  return true;
}

static bool run_jit(Verify *v, const char *path, Difference *d) {
  Graph *declared = load(v);
  JitModel *m = declared ? compile_to_memory(v, path) : NULL;
  nextc_pool *pool = m ? nextc_pool_new(3) : NULL;
  const bool good = m && run_in_memory(v, m, declared, pool, d);
  nextc_pool_free(pool);
  if (declared) graph_free(declared);
  jit_free(m);
  return good;
}

static const Backend known_backends[] = {{"eval", NULL, run_eval}, {"c", NULL, run_c}, {"jit", NULL, run_jit}};
enum { KNOWN_COUNT = sizeof known_backends / sizeof *known_backends };

static bool prepare(Verify *v, const char *folder) {
  Context *c = v->context;
  v->weights = case_file(c, folder, args_value(v->args, "--weights-from"));
  if (!case_load(c, folder, args_value(v->args, "--model"), &v->test)) return false;
  if (!v->test.set_count && !v->random) return error_in(c, folder, "no test_data_set_0 in it, and no --random");
  Graph *g = v->random ? load(v) : NULL;
  bool fine = g || !v->random;
  for (int i = 0; fine && i < v->random; i++) fine = case_add_random(&v->test, g, (uint64_t)i, 1 + i % 3);
  if (g) graph_free(g);
  return fine;
}

static void report(Verify *v, const Backend *b, const Difference *d, int width) {
  progress_end();
  const char *name = b->path ? arena_printf(v->context->arena, "%s:%s", b->name, b->path) : b->name;
  const char *numbers = "nothing to compare";
  if (d->compared) numbers = arena_printf(v->context->arena, "max abs %-9.3g  max rel %-9.3g", d->max_abs, d->max_rel);
  printf("%-*s  %-9s  %-36s  %s\n", width, v->test.name, name, numbers, d->ok ? "ok" : "FAILED");
  if (d->why) printf("  %s\n", d->why);
  fflush(stdout);
  if (d->ok)
    v->passed++;
  else
    v->failed++;
}

static bool was_said(const Verify *v, const char *text) {
  for (size_t i = 0; i < v->said_count; i++)
    if (!strcmp(v->said[i], text)) return true;
  return false;
}

/* Prints and takes away what the context has collected, but for what was said of this case before. */
static void print_new_diagnostics(Verify *v) {
  Context *c = v->context;
  size_t count = 0;
  for (size_t i = 0; i < c->count; i++) {
    if (was_said(v, c->list[i].text)) continue;
    GROW(c->arena, v->said, v->said_count, v->said_capacity);
    v->said[v->said_count++] = c->list[i].text;
    c->list[count++] = c->list[i];
  }
  c->count = count;
  print_diagnostics(c);
  c->count = 0;
  c->errors = 0;
}

/* One case, every backend; each gets its line whatever happened to the others. */
static void verify_case(Verify *v, const char *folder, int width) {
  v->build.folder = NULL;
  v->said = NULL;
  v->said_count = v->said_capacity = 0;
  Context *c = v->context = context_new();
  c->watcher = v->watcher;
  bool fine = prepare(v, folder);
  for (size_t i = 0; i < v->backend_count; i++) {
    const Backend *b = &v->backends[i];
    Difference d = difference_none();
    progress("%s  %s", v->test.name, b->name);
    if (!fine || !b->run(v, b->path, &d)) d.ok = false;
    report(v, b, &d, width);
    print_new_diagnostics(v);
  }
  if (args_value(v->args, "--bisect")) {
    bisect(v, fine);
    print_new_diagnostics(v);
  }
  if (v->build.folder && args_value(v->args, "--keep")) {
    keep_folder(c, v->build.folder);
    printf("  kept %s\n", v->build.folder);
  } else if (v->build.folder) {
    remove_folder(c, v->build.folder);
  }
  case_free(&v->test);
  context_free(c);
}

static int add_backend(Context *c, Verify *v, Backend b) {
  if (v->backend_count == MAX_BACKENDS) return usage_error(c, v->args, "more than %d backends", MAX_BACKENDS);
  v->backends[v->backend_count++] = b;
  return STATUS_DONE;
}

/* c, jit: one backend a forced path, or one that chooses. */
static int add_named_backend(Context *c, Verify *v, const char *name) {
  const char *const *paths, *list = args_value(v->args, "--paths");
  const Backend *b = known_backends;
  while (b < known_backends + KNOWN_COUNT && strcmp(b->name, name)) b++;
  if (b == known_backends + KNOWN_COUNT) return usage_error(c, v->args, "unknown backend '%s' (of eval, c, jit)", name);
  if (b->run == run_eval || !list) return add_backend(c, v, *b);
  size_t count = split_list(c, list, &paths);
  for (size_t i = 0; i < count; i++) {
    if (!target_by_name(paths[i]) && strcmp(paths[i], "best"))
      return usage_error(c, v->args, "unknown path '%s'", paths[i]);
    int status = add_backend(c, v, (Backend){b->name, paths[i], b->run});
    if (status) return status;
  }
  return STATUS_DONE;
}

static int read_options(Context *c, Verify *v) {
  const char *const *names, *list = args_value(v->args, "--backends");
  if (!list) list = args_value(v->args, "--bisect") ? "eval" : "eval,c";
  size_t count = split_list(c, list, &names);
  int status = count ? STATUS_DONE : usage_error(c, v->args, "no backend named");
  for (size_t i = 0; !status && i < count; i++) status = add_named_backend(c, v, names[i]);
  double random = 0;
  if (!status) status = args_count(c, v->args, "--random", 0, MAX_RANDOM, &random);
  if (!status) status = args_number(c, v->args, "--rtol", 0, 1, &v->tolerance.rtol);
  if (!status) status = args_number(c, v->args, "--atol", 0, 1e30, &v->tolerance.atol);
  DimPin *pins;
  size_t pin_count;
  if (!status) status = args_pins(c, v->args, &pins, &pin_count);
  v->random = (int)random;
  v->pass_options.strict_fp = args_value(v->args, "--strict-fp") != NULL;
  const char *cc = args_value(v->args, "--cc");
  if (!cc) cc = getenv("CC");
  v->build.cc = cc && *cc ? cc : "cc";
  v->build.runner = args_value(v->args, "--runner");
  return status;
}

static int run(Context *c, const Args *args) {
  Verify v = {.args = args, .watcher = c->watcher, .tolerance = {.rtol = -1, .atol = -1}};
  int status = read_options(c, &v), width = 8;
  if (status) return status;
  for (size_t i = 0; i < args->operand_count; i++) {
    const char *path = args->operands[i];
    int end = (int)strlen(path), begin;
    while (end && path[end - 1] == '/') end--;
    for (begin = end; begin && path[begin - 1] != '/';) begin--;
    if (end - begin > width && end - begin <= 48) width = end - begin;
  }
  for (size_t i = 0; i < args->operand_count; i++) verify_case(&v, args->operands[i], width);
  printf("%d passed, %d failed\n", v.passed, v.failed);
  return v.failed ? STATUS_MODEL : STATUS_DONE;
}

const Command command_verify = {
    .name = "verify",
    .operands = "CASE...",
    .summary = "compares the evaluator and the emitted C with the stored outputs of test cases",
    .example = "nextc verify case_folder --backends=eval,c --random=3",
    .min_operands = 1,
    .max_operands = 1000000,
    OPTION_TABLE(options),
    .run = run,
};
