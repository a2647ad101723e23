/* Timings of the model compiled into memory, in this process. */
#include "cli/bench.h"
#include "backend/jit.h"
#include "backend/llvm_jit.h"
#include "backend/lower.h"
#include "backend/peak.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LEAST_RUNS = 5, MOST_RUNS = 100000 };
static const double most_seconds = 2;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- memory ---- */
static void *aligned(size_t bytes) {
  const size_t rounded = (bytes + 64) / 64 * 64;
  void *memory = aligned_alloc(64, rounded);
  if (!memory) die_memory(bytes);
  memset(memory, 0, rounded);
  return memory;
}

static size_t tensor_bytes(const nextc_tensor *t, int64_t images) {
  return t->bytes * (t->rank && t->dim[0] < 0 ? (size_t)images : 1);
}

/* The same numbers as the C driver's. */
static void fill(void *data, const nextc_tensor *t, size_t bytes) {
  uint32_t state = 12345;
  float *x = data;
  if (t->dtype != DT_f32) return;
  for (size_t i = 0; i < bytes / sizeof *x; i++) {
    state = state * 1664525u + 1013904223u;
    x[i] = (float)(state >> 8) / 8388608.0f - 1.0f;
  }
}

/* ---- the peak kernel ---- */
typedef struct {
  LlvmCode *code;
  KernelCode *kernel;
  void *p[2];
  int slices;
} Peak;

static bool peak_new(Context *c, const Target *t, int slices, Peak *out) {
  Kernel *k = peak_kernel(c->arena, t);
  size_t bytes;
  unsigned char *object = llvm_compile(c, &k, 1, t, &bytes);
  *out = (Peak){.slices = slices, .code = object ? llvm_link(c, object, bytes) : NULL};
  free(object);
  if (out->code) out->kernel = llvm_kernel(c, out->code, 0);
  float *x = aligned(sizeof *x * PEAK_ELEMENTS);
  for (int i = 0; i < PEAK_ELEMENTS; i++) x[i] = 0.5f;
  out->p[0] = x;
  out->p[1] = aligned(sizeof *x * PEAK_ELEMENTS);
  return out->kernel != NULL;
}

static void peak_free(Peak *p) {
  llvm_unlink(p->code);
  free(p->p[0]);
  free(p->p[1]);
}

static void peak_slice(void *context, int slice) {
  Peak *p = context;
  p->kernel(p->p, slice, p->slices);
}

static double peak_run(Peak *p, nextc_pool *pool) {
  const double start = now();
  nextc_pool_run(pool, p->slices, peak_slice, p);
  return now() - start;
}

/* ---- runs ---- */
typedef struct {
  double last;        /* when the step before ended */
  double *sum, *best; /* of this run (a step runs once an image), of all runs */
} Steps;

static void step_done(void *user, size_t step) {
  Steps *s = user;
  const double t = now();
  s->sum[step] += t - s->last;
  s->last = t;
}

static void end_of_run(Steps *s, size_t count, bool first) {
  for (size_t i = 0; i < count; i++) {
    if (first || s->sum[i] < s->best[i]) s->best[i] = s->sum[i];
    s->sum[i] = 0;
  }
}

static bool run_once(Bench *b, const JitModel *m, const nextc_call *call, Steps *s, double *seconds) {
  const double start = s->last = now();
  const int status = jit_invoke_watched(m, call, step_done, s);
  *seconds = now() - start;
  return !status || error_in(b->context, b->name, "%s", nextc_error(status));
}

static bool run_all(Bench *b, const JitModel *m, const nextc_call *call, Peak *peak, Timing *t) {
  Arena *arena = b->context->arena;
  const size_t most = b->repeat ? (size_t)b->repeat : MOST_RUNS;
  const size_t steps = t->step_count + 1;
  Steps s = {.sum = ARENA_ARRAY(arena, double, steps), .best = ARENA_ARRAY(arena, double, steps)};
  double first;
  t->runs = ARENA_ARRAY(arena, double, most);
  t->peaks = ARENA_ARRAY(arena, double, most);
  t->steps = s.best;
  if (!run_once(b, m, call, &s, &first)) return false; /* faults the pages in */
  end_of_run(&s, t->step_count, true);
  peak_run(peak, call->parallel_user);
  const double start = now();
  while (t->run_count < most && (b->repeat || t->run_count < LEAST_RUNS || now() - start < most_seconds)) {
    if (!run_once(b, m, call, &s, &t->runs[t->run_count++])) return false;
    end_of_run(&s, t->step_count, t->run_count == 1);
    t->peaks[t->peak_count++] = peak_run(peak, call->parallel_user);
  }
  return true;
}

static bool run_model(Bench *b, const JitModel *m, nextc_pool *pool, Timing *t) {
  const void *inputs[MAX_PORTS];
  void *outputs[MAX_PORTS];
  size_t in, out;
  const nextc_tensor *input = jit_inputs(m, &in), *output = jit_outputs(m, &out);
  for (size_t i = 0; i < in; i++) {
    const size_t bytes = tensor_bytes(&input[i], b->images);
    void *data = aligned(bytes);
    fill(data, &input[i], bytes);
    inputs[i] = data;
  }
  for (size_t i = 0; i < out; i++) outputs[i] = aligned(tensor_bytes(&output[i], b->images));
  const nextc_call call = {.inputs = inputs,
                           .outputs = outputs,
                           .symbols = &b->images,
                           .threads = t->threads,
                           .parallel_for = nextc_pool_run,
                           .parallel_user = pool};
  Peak peak;
  const bool fine = peak_new(b->context, t->target, t->threads, &peak) && run_all(b, m, &call, &peak, t);
  peak_free(&peak);
  for (size_t i = 0; i < in; i++) free((void *)(uintptr_t)inputs[i]);
  for (size_t i = 0; i < out; i++) free(outputs[i]);
  return fine;
}

/* How many steps its program has. */
static size_t count_steps(const Graph *g, const Target *t) {
  Arena *scratch = arena_new();
  const size_t count = lower_graph(g, t, scratch)->step_count;
  arena_free(scratch);
  return count;
}

bool bench_jit(Bench *b, int threads, Timing *t) {
  const JitOptions o = {.target = b->path};
  progress("compiling into memory");
  JitModel *m = jit_new(b->context, b->graph, &o);
  nextc_pool *pool = m ? nextc_pool_new(threads) : NULL;
  if (m && !pool) die_memory(0);
  bool fine = m != NULL;
  if (fine) {
    *t = (Timing){.backend = "jit", .compiler = "LLVM", .target = jit_target(m), .threads = nextc_pool_threads(pool)};
    t->step_count = count_steps(b->graph, t->target);
    progress("running with %d thread%s", threads, threads == 1 ? "" : "s");
    fine = run_model(b, m, pool, t);
  }
  nextc_pool_free(pool);
  jit_free(m);
  return fine;
}
