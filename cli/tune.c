/* nextc opt --tune; see tune.h.
 *
 * A kernel's time depends on its own tile alone, so all kernels are searched at once: program 0 is the model as it
 * stands, in program k every kernel has its k-th candidate (backend/tiles.c). The programs run in turns on one CPU, and
 * of each step the fastest run counts. Steps of groups with the same kernels share one choice, so that they go on
 * sharing the code. A choice must be better than what stood there by more than clocks are wrong, and all choices
 * together better than the program as it stood, measured once more. */
#include "cli/tune.h"
#include "backend/lower.h"
#include "backend/tiles.h"
#include "cli/bench.h"
#include "cli/pin.h"
#include "cli/process.h"
#include <string.h>
#include <unistd.h>

enum { LEAST_RUNS = 3, MOST_RUNS = 1000 };
static const double turn_seconds = 0.3, least_gain = 0.01;

/* Groups that have the same kernels. */
typedef struct {
  OpId *first; /* first op of each group */
  int group_count;
  const char *family, *result;        /* type of what the first group ends in */
  const char *signature;              /* kernels of its steps: "3 4 " */
  TileChoice choices[MOST_TILES + 1]; /* [0]: as it stood */
  double seconds[MOST_TILES + 1];     /* of all its steps, fastest runs */
  int choice_count, best;
} Class;

typedef struct {
  Context *context;
  Graph *graph;
  const TuneOptions *options;
  const Target *target;
  Class *classes;
  size_t class_count, class_capacity;
  size_t *class_of; /* [step_count]; class_count: steps of no class */
  size_t step_count;
  Bench *programs; /* [program_count] */
  double **steps;  /* [program_count][step_count] fastest seconds; NULL: not run yet */
  double *whole;   /* [program_count] fastest seconds of a run */
  int program_count;
} Tune;

/* ---- programs ---- */
/* The model as the graph now says it, not built yet; target NULL: a file of all paths. */
static Bench program_new(const Tune *t, const Target *target) {
  Bench b = {.context = t->context,
             .graph = t->graph,
             .command = "nextc opt",
             .images = 1,
             .path = target,
             .repeat = LEAST_RUNS};
  b.name = "the model";
  b.options.strict_fp = t->options->strict_fp;
  b.build.cc = t->options->cc;
  b.only_steps = true;
  if (t->graph->batch > 1) b.images = t->graph->batch;
  return b;
}

/* Weights don't depend on tiles: later programs read the first one's file. */
static void share_weights(const Tune *t, const Bench *b) {
  const Build *first = &t->programs[0].build;
  const char *own = build_path(&b->build, "m.weights");
  if (b != t->programs && b->build.weights_in_file && !unlink(own) && symlink(build_path(first, "m.weights"), own))
    die("tune: no link in a folder of its own");
}

/* Builds program number i where it is not built, runs it, keeps what was fastest. */
static bool turn(Tune *t, int i) {
  Bench *b = &t->programs[i];
  const bool built = b->build.folder != NULL;
  Timing timing = {.threads = 1};
  if (!bench_c(b, 1, &timing)) return false;
  if (!built) share_weights(t, b);
  if (!t->target) t->target = timing.target;
  if (!t->step_count) t->step_count = timing.step_count;
  if (timing.step_count != t->step_count) die("tune: programs of %zu and %zu steps", timing.step_count, t->step_count);
  const double best = timing_best(timing.runs, timing.run_count);
  const bool first = !t->steps[i];
  if (first) t->steps[i] = arena_copy(t->context->arena, timing.steps, sizeof(double) * t->step_count);
  for (size_t s = 0; s < t->step_count; s++)
    if (timing.steps[s] < t->steps[i][s]) t->steps[i][s] = timing.steps[s];
  if (first || best < t->whole[i]) t->whole[i] = best;
  if (first) {
    const double fit = turn_seconds / (best > 1e-9 ? best : 1e-9);
    b->repeat = fit < LEAST_RUNS ? LEAST_RUNS : fit > MOST_RUNS ? MOST_RUNS : (int)fit;
  }
  return true;
}

static bool turns(Tune *t, int from) {
  for (int round = 0; round < t->options->rounds; round++)
    for (int i = 0; i < t->program_count; i++) {
      progress("turn %d of %d, program %d of %d", round + 1, t->options->rounds, i + 1, t->program_count);
      if ((i == 0 || i >= from) && !turn(t, i)) return false;
    }
  return true;
}

/* ---- classes ---- */
static OpId first_op(const Graph *g, int32_t group, OpId *last) {
  OpId first = 0;
  FOR_EACH_OP(g, id) {
    if (op_at(g, id)->sched.kernel != group || !op_is_runtime(g, id)) continue;
    if (!first) first = id;
    *last = id;
  }
  return first;
}

static void add_to_class(Tune *t, OpId first, OpId last, const char *signature) {
  Graph *g = t->graph;
  Arena *arena = t->context->arena;
  const char *family = op_at(g, first)->sched.family;
  size_t i = 0;
  while (i < t->class_count && strcmp(t->classes[i].signature, signature)) i++;
  if (i == t->class_count) {
    GROW(arena, t->classes, t->class_count, t->class_capacity);
    Class *c = &t->classes[t->class_count++];
    *c = (Class){.family = family, .signature = signature};
    c->result = graph_type_text(g, type_of(g, op_at(g, last)->first_result), arena);
    c->first = ARENA_ARRAY(arena, OpId, g->op_count);
    if (tile_of_group(op_at(g, first), t->target, &c->choices[0]))
      c->choice_count = 1 + tile_candidates(t->target, family, &c->choices[1]);
  }
  t->classes[i].first[t->classes[i].group_count++] = first;
}

/* The program's steps, by group; groups of one signature are a class. */
static void find_classes(Tune *t) {
  Arena *scratch = arena_new(), *arena = t->context->arena;
  const LoopProgram *p = lower_graph(t->graph, t->target, scratch);
  t->class_of = ARENA_ARRAY(arena, size_t, p->step_count + 1);
  for (size_t i = 0, end; i < p->step_count; i = end) {
    const char *signature = "";
    for (end = i; end < p->step_count && p->steps[end].group == p->steps[i].group; end++)
      signature = arena_printf(arena, "%s%d ", signature, (int)p->steps[end].kernel);
    OpId last = 0;
    const OpId first = first_op(t->graph, p->steps[i].group, &last);
    if (first) add_to_class(t, first, last, signature);
    size_t class = 0;
    while (class < t->class_count && strcmp(t->classes[class].signature, signature)) class ++;
    for (size_t s = i; s < end; s++) t->class_of[s] = class;
  }
  arena_free(scratch);
}

/* Every class gets its choice number k, or what it had. */
static void choose_all(Tune *t, int k) {
  for (size_t i = 0; i < t->class_count; i++) {
    const Class *c = &t->classes[i];
    const int choice = k < 0 ? c->best : k < c->choice_count ? k : 0;
    for (int j = 0; c->choice_count && j < c->group_count; j++) tile_set(t->graph, c->first[j], &c->choices[choice]);
  }
}

static void pick(Tune *t) {
  for (size_t i = 0; i < t->class_count; i++) {
    Class *c = &t->classes[i];
    for (int k = 0; k < c->choice_count; k++) {
      c->seconds[k] = 0;
      for (size_t s = 0; s < t->step_count; s++)
        if (t->class_of[s] == i) c->seconds[k] += t->steps[k][s];
      if (c->seconds[k] < c->seconds[c->best]) c->best = k;
    }
    if (c->choice_count && c->seconds[c->best] > (1 - least_gain) * c->seconds[0]) c->best = 0;
  }
}

/* ---- all of it ---- */
static void report(const Tune *t, bool better) {
  FILE *f = t->options->report;
  fprintf(f, "%-16s %-20s %6s %7s %7s %9s %9s\n", "family", "result", "groups", "was", "best", "ms was", "ms best");
  for (size_t i = 0; i < t->class_count; i++) {
    const Class *c = &t->classes[i];
    if (!c->choice_count) continue;
    const TileChoice *was = &c->choices[0], *best = &c->choices[c->best];
    fprintf(f, "%-16s %-20s %6d %3dx%-3d %3dx%-3d %9.3f %9.3f\n", c->family, c->result, c->group_count, was->rows,
            was->columns, best->rows, best->columns, 1e3 * c->seconds[0], 1e3 * c->seconds[c->best]);
  }
  fprintf(f, "path %s: %.3f ms as it was", t->target->name, 1e3 * t->whole[0]);
  if (t->program_count > 1) fprintf(f, ", %.3f ms with the best of all", 1e3 * t->whole[t->program_count - 1]);
  fprintf(f, "; %s\n", better ? "these tiles are written" : "nothing is changed");
}

/* Runs candidates, then what was best of all against the program as it stood. */
static bool search(Tune *t, bool *better) {
  t->program_count = 1;
  t->programs[0] = program_new(t, t->options->target);
  if (!turn(t, 0)) return false;
  find_classes(t);
  for (size_t i = 0; i < t->class_count; i++)
    if (t->classes[i].choice_count > t->program_count) t->program_count = t->classes[i].choice_count;
  for (int k = 1; k < t->program_count; k++) {
    progress("program %d of %d", k + 1, t->program_count);
    choose_all(t, k);
    t->programs[k] = program_new(t, t->target);
    if (!turn(t, k)) return false;
  }
  if (!turns(t, 1)) return false;
  pick(t);
  choose_all(t, -1);
  bool changed = false;
  for (size_t i = 0; i < t->class_count; i++) changed |= t->classes[i].best > 0;
  *better = false;
  if (!changed) return t->program_count = 1, true;
  const int final = t->program_count++;
  t->programs[final] = program_new(t, t->target);
  if (!turns(t, final)) return false;
  *better = t->whole[final] < t->whole[0];
  return true;
}

bool tune_graph(Context *c, Graph *g, const TuneOptions *o) {
  enum { MOST_PROGRAMS = MOST_TILES + 2 };
  Tune t = {.context = c, .graph = g, .options = o, .target = o->target};
  t.programs = ARENA_ARRAY(c->arena, Bench, MOST_PROGRAMS);
  t.steps = ARENA_ARRAY(c->arena, double *, MOST_PROGRAMS);
  t.whole = ARENA_ARRAY(c->arena, double, MOST_PROGRAMS);
  const CpuSet cpus = cpus_allowed();
  cpus_pin(&cpus, 1);
  bool better = false;
  const bool fine = search(&t, &better);
  cpus_pin(&cpus, cpus.count);
  progress_end();
  if (!better) choose_all(&t, 0);
  if (fine) report(&t, better);
  for (int i = 0; i < MOST_PROGRAMS; i++)
    if (t.programs[i].build.folder) remove_folder(c, t.programs[i].build.folder);
  return fine;
}
