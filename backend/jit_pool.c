/* The pool of runtime/ as part of the library: nextc_pool of nextc.h. */
#define NX_THREADS
#define nx_pool       jit_pool
#define nx_pool_start jit_pool_start
#define nx_pool_run   jit_pool_run
#define nx_pool_stop  jit_pool_stop
#include "runtime/pool.c"
#include "nextc.h"
#include <stdlib.h>

struct nextc_pool {
  jit_pool pool;
  int threads;
};

nextc_pool *nextc_pool_new(int threads) {
  nextc_pool *p = calloc(1, sizeof *p);
  if (!p) return NULL;
  p->threads = jit_pool_start(&p->pool, threads);
  return p;
}

int nextc_pool_threads(const nextc_pool *p) { return p->threads; }

void nextc_pool_run(void *pool, int slices, nextc_slice *run, void *context) {
  nextc_pool *p = pool;
  jit_pool_run(&p->pool, slices, run, context);
}

void nextc_pool_free(nextc_pool *p) {
  if (!p) return;
  jit_pool_stop(&p->pool);
  free(p);
}
