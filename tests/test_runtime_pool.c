/* The thread pool: every slice once, for all numbers of threads and slices; many short calls; start and stop. */
#include "runtime/pool.c"
#include "tests/test.h"
#include <time.h>

enum { SLICES = 100 };

typedef struct {
  int count[SLICES]; /* each written by one slice only */
  int64_t sum[SLICES];
} Work;

static void add_up(void *context, int slice) {
  Work *w = context;
  w->count[slice]++;
  for (int i = 0; i <= slice * 50; i++) w->sum[slice] += i;
}

static void sweep(int threads) {
  nx_pool pool;
  CHECK(nx_pool_start(&pool, threads) >= 1);
  for (int slices = 0; slices <= SLICES; slices += slices < 5 ? 1 : 19) {
    Work w = {{0}, {0}};
    for (int repeat = 1; repeat <= 20; repeat++) nx_pool_run(&pool, slices, add_up, &w);
    for (int i = 0; i < SLICES; i++) {
      const int64_t n = 50 * i;
      CHECK(w.count[i] == (i < slices ? 20 : 0));
      CHECK(w.sum[i] == (i < slices ? 20 * (n * (n + 1) / 2) : 0));
    }
  }
  nx_pool_stop(&pool);
}

static void nothing(void *context, int slice) { (void)context, (void)slice; }

int main(void) {
  TEST("all slices, once each");
  static const int threads[] = {0, 1, 2, 3, 8};
  for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) sweep(threads[i]);
  TEST("many calls with nothing to do");
  nx_pool pool;
  CHECK(nx_pool_start(&pool, 4) == 4);
  for (int i = 0; i < 5000; i++) nx_pool_run(&pool, 4, nothing, NULL);
  nx_pool_stop(&pool);
  TEST("stopped at once, and asleep");
  CHECK(nx_pool_start(&pool, 2) == 2);
  nx_pool_stop(&pool);
  CHECK(nx_pool_start(&pool, 2) == 2);
  nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
  nx_pool_run(&pool, 2, nothing, NULL);
  nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
  nx_pool_stop(&pool);
  return test_result();
}
