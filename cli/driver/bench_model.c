/* Times a model that nextc compiled under the name m, and the machine: 'nextc bench' builds this file beside m.c and
 * peak.c. C99 and POSIX, with -DM_THREADS -DPEAK_THREADS -DM_PROFILE=bench_step.
 *   bench WEIGHTS THREADS REPEAT SYMBOL=VALUE...      REPEAT 0: as many runs as fit in about two seconds, at least 5
 * Prints a line for each figure: path NAME, threads N; run, peak SECONDS, once each in turn; step INDEX SECONDS, the
 * fastest of all runs; read BYTES-PER-SECOND of memory far larger than caches. -DONLY_STEPS: neither peak nor read.
 * Exit status: 0 done, 1 files or memory, 2 the model reports an error, 3 no path of the model runs here. */
#if !defined(_POSIX_C_SOURCE)
#define _POSIX_C_SOURCE 200809L
#endif
#include "m.h"
#include "peak.h"
#include "tensors.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX = 256, MAX_STEPS = 100000, MAX_RUNS = 1000000, ALIGN = 64, READ_WORDS = 1 << 24, LEAST_RUNS = 5 };
static const double most_seconds = 2;
#ifdef ONLY_STEPS
static const int only_steps = 1;
#else
static const int only_steps = 0;
#endif

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- steps ---- */
static struct {
  double last;            /* when the step before ended */
  double sum[MAX_STEPS];  /* of this run: a step runs once an image */
  double best[MAX_STEPS]; /* of all runs; 0: none yet */
  int count;
} steps;

void bench_step(int step) {
  const double t = now();
  if (step < MAX_STEPS) {
    steps.sum[step] += t - steps.last;
    if (step >= steps.count) steps.count = step + 1;
  }
  steps.last = t;
}

static void end_of_run(void) {
  int i;
  for (i = 0; i < steps.count; i++) {
    if (steps.best[i] <= 0 || steps.sum[i] < steps.best[i]) steps.best[i] = steps.sum[i];
    steps.sum[i] = 0;
  }
}

/* ---- memory, numbers, weights ---- */
static void *aligned(size_t size) {
  void *memory = NULL;
  if (posix_memalign(&memory, ALIGN, size ? size : ALIGN)) {
    fprintf(stderr, "no memory for %lu bytes\n", (unsigned long)size);
    exit(1);
  }
  memset(memory, 0, size);
  return memory;
}

/* Floats over [-1, 1), the same on every machine; what is not float stays 0. */
static void fill(void *data, const nextc_tensor *t, size_t bytes) {
  float *x = data;
  uint32_t state = 12345;
  size_t i;
  if (t->dtype != 1) return;
  for (i = 0; i < bytes / sizeof *x; i++) {
    state = state * 1664525u + 1013904223u;
    x[i] = (float)(state >> 8) / 8388608.0f - 1.0f;
  }
}

static const m_model *load(const char *path, m_model *model) {
#ifdef WEIGHTS_IN_FILE
  const int status = m_map_file(model, path);
  if (status) {
    fprintf(stderr, "%s: %s\n", path, m_error(status));
    exit(2);
  }
  return model;
#else
  (void)path;
  (void)model;
  return NULL;
#endif
}

/* ---- what is timed ---- */
static double run_model(const m_model *model, const nextc_call *call) {
  const double start = steps.last = now();
  const int status = m_invoke(model, call);
  const double seconds = now() - start;
  if (status) {
    fprintf(stderr, "m_invoke: %s\n", m_error(status));
    exit(2);
  }
  return seconds;
}

static double run_peak(const nextc_call *call) {
  const double start = now();
  if (peak_invoke(NULL, call)) exit(2);
  return now() - start;
}

static uint64_t *read_words;
static volatile uint64_t read_sums[MAX][16]; /* volatile: so that the loop is not left out */

static void read_slice(void *context, int slice) {
  const int slices = *(const int *)context;
  const size_t words = READ_WORDS / (size_t)slices;
  const uint64_t *p = read_words + words * (size_t)slice;
  uint64_t a = 0, b = 0, c = 0, d = 0;
  size_t i;
  for (i = 0; i + 4 <= words; i += 4) {
    a += p[i];
    b += p[i + 1];
    c += p[i + 2];
    d += p[i + 3];
  }
  read_sums[slice][0] = a + b + c + d;
}

static double read_speed(m_pool *pool, int threads) {
  double best = 0;
  int repeat;
  read_words = aligned(sizeof *read_words * (size_t)READ_WORDS);
  memset(read_words, 1, sizeof *read_words * (size_t)READ_WORDS);
  for (repeat = 0; repeat < 4; repeat++) {
    const double start = now();
    m_pool_run(pool, threads, read_slice, &threads);
    const double speed = (double)(sizeof *read_words * (size_t)READ_WORDS) / (now() - start);
    if (speed > best) best = speed;
  }
  free(read_words);
  return best;
}

/* ---- all of it ---- */
static void time_all(const m_model *model, const nextc_call *call, const nextc_call *peak, int repeat) {
  double start;
  int i;
  run_model(model, call); /* faults the pages in */
  memset(steps.sum, 0, sizeof steps.sum);
  if (!only_steps) run_peak(peak);
  start = now();
  for (i = 0; repeat ? i < repeat : i < LEAST_RUNS || (now() - start < most_seconds && i < MAX_RUNS); i++) {
    printf("run %.9f\n", run_model(model, call));
    if (!only_steps) printf("peak %.9f\n", run_peak(peak));
    end_of_run();
  }
  for (i = 0; i < steps.count; i++) printf("step %d %.9f\n", i, steps.best[i]);
}

static void set_call(nextc_call *call, m_pool *pool, int threads, size_t workspace) {
  call->workspace = aligned(workspace);
  call->threads = threads;
  call->parallel_for = m_pool_run;
  call->parallel_user = pool;
}

int main(int argc, char **argv) {
  static const void *inputs[MAX], *peak_in[1];
  static void *outputs[MAX], *peak_out[1];
  static int64_t symbols[MAX];
  static m_pool pool;
  static nextc_call call, peak;
  m_model model;
  int threads, i;
  if (argc < 4 || m_input_count > MAX || m_output_count > MAX || m_symbol_count > MAX) return 1;
  for (i = 0; i < m_symbol_count; i++) symbols[i] = symbol_value(m_symbols[i], argv + 4, argc - 4);
  for (i = 0; i < m_input_count; i++) {
    const size_t bytes = tensor_bytes(&m_inputs[i], symbols);
    void *data = aligned(bytes);
    fill(data, &m_inputs[i], bytes);
    inputs[i] = data;
  }
  for (i = 0; i < m_output_count; i++) outputs[i] = aligned(tensor_bytes(&m_outputs[i], symbols));
  if (!m_path()) {
    fprintf(stderr, "no path of the program runs on this machine\n");
    return 3;
  }
  threads = m_pool_start(&pool, atoi(argv[2]));
  memset(&call, 0, sizeof call);
  peak = call;
  set_call(&call, &pool, threads, m_workspace_bytes(threads));
  call.inputs = inputs;
  call.outputs = outputs;
  call.symbols = symbols;
  set_call(&peak, &pool, threads, peak_workspace_bytes(threads));
  peak_in[0] = aligned(peak_inputs[0].bytes);
  for (i = 0; i < (int)(peak_inputs[0].bytes / sizeof(float)); i++) ((float *)(uintptr_t)peak_in[0])[i] = 0.5f;
  peak_out[0] = aligned(peak_outputs[0].bytes);
  peak.inputs = peak_in;
  peak.outputs = peak_out;
  printf("path %s\nthreads %d\n", m_path(), threads);
  time_all(load(argv[1], &model), &call, &peak, atoi(argv[3]));
  if (!only_steps) printf("read %.0f\n", read_speed(&pool, threads));
  m_pool_stop(&pool);
  return 0;
}
