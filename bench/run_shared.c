/* A compiled model as a shared library that a benchmark calls, or (-DFIRST_RESULT) as a program that tells how long it
 * takes from nothing to the first result.  cc -O2 -fPIC -shared -DHEADER='"m.h"' -DNAME(x)=m_##x -DM_THREADS ... */
#if !defined(_POSIX_C_SOURCE)
#define _POSIX_C_SOURCE 200809L
#endif
#include HEADER
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int start(const char *weights, int threads, const void *const *in, void *const *out, int64_t images);
int output_dims(int64_t images, int64_t dims[8]);
double run(int repeat);
const char *path(void);

static NAME(pool) pool;
static NAME(model) model;
static nextc_call call;
static int64_t symbols[1];

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void *aligned(size_t bytes) {
  void *memory = NULL;
  if (posix_memalign(&memory, 64, bytes + 64)) exit(1);
  return memory;
}

/* Its rank. The batch is what is symbolic. */
int output_dims(int64_t images, int64_t dims[8]) {
  int i;
  for (i = 0; i < NAME(outputs)[0].rank; i++) {
    const int64_t dim = NAME(outputs)[0].dim[i];
    dims[i] = dim < 0 ? images : dim;
  }
  return NAME(outputs)[0].rank;
}

/* Loads and prepares; the arrays of pointers must stay. 0 or a status of the model. */
int start(const char *weights, int threads, const void *const *in, void *const *out, int64_t images) {
  int status = 0;
#ifdef WEIGHTS_IN_FILE
  status = NAME(map_file)(&model, weights);
#else
  (void)weights;
#endif
  symbols[0] = images;
  call.inputs = in;
  call.outputs = out;
  call.symbols = symbols;
  call.threads = threads;
  call.workspace = aligned(NAME(workspace_bytes)(threads));
  if (threads > 1) {
    call.threads = NAME(pool_start)(&pool, threads);
    call.parallel_for = NAME(pool_run);
    call.parallel_user = &pool;
  }
  return status;
}

/* Seconds of the fastest of some calls; negative: a status. */
double run(int repeat) {
  double best = 1e30;
  int i;
  for (i = 0; i < repeat; i++) {
    const double begin = now();
    const int status = NAME(invoke)(&model, &call);
    const double seconds = now() - begin;
    if (status) return -status;
    if (seconds < best) best = seconds;
  }
  return best;
}

const char *path(void) { return NAME(path)(); }

#ifdef FIRST_RESULT
/* first WEIGHTS THREADS: input is zeros */
int main(int argc, char **argv) {
  const double begin = now();
  const void *in[1];
  void *out[1];
  char line[256];
  double seconds, loaded;
  FILE *f;
  if (argc < 3) return 1;
  in[0] = memset(aligned(NAME(inputs)[0].bytes), 0, NAME(inputs)[0].bytes);
  out[0] = aligned(NAME(outputs)[0].bytes);
  if (start(argv[1], atoi(argv[2]), in, out, 1)) return 2;
  loaded = now() - begin;
  if (run(1) < 0) return 2;
  seconds = now() - begin;
  printf("{\"ms\": %.3f, \"load_ms\": %.3f, \"cpu_ms\": %.3f, \"weights\": %lu, \"workspace\": %lu", 1e3 * seconds,
         1e3 * loaded, 1e3 * (double)clock() / CLOCKS_PER_SEC, (unsigned long)model.mapping_bytes,
         (unsigned long)NAME(workspace_bytes)(call.threads));
  f = fopen("/proc/self/status", "r");
  while (f && fgets(line, sizeof line, f))
    if (!strncmp(line, "VmHWM:", 6)) printf(", \"resident\": %ld", 1024 * atol(line + 6));
  puts("}");
  return 0;
}
#endif
