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

static double cpu_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static void sleep_100_ms(void *context, int slice) {
  (void)context;
  if (slice) nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
}

/* CPU time, not time: it does not matter what else runs on the machine. */
static void idle(void) {
  TEST("who waits, for work or for the last slice, sleeps");
  nx_pool pool;
  CHECK(nx_pool_start(&pool, 4) == 4);
  nx_pool_run(&pool, 4, nothing, NULL);
  const double before = cpu_ms();
  sleep_100_ms(NULL, 1);
  CHECK(cpu_ms() - before < 5);
  for (int i = 0; i < 3; i++) nx_pool_run(&pool, 2, sleep_100_ms, NULL);
  CHECK(cpu_ms() - before < 10);
  nx_pool_stop(&pool);
}

int main(void) {
  TEST("all slices, once each");
  static const int threads[] = {0, 1, 2, 3, 8};
  for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) sweep(threads[i]);
  TEST("many calls with nothing to do");
  nx_pool pool;
  CHECK(nx_pool_start(&pool, 4) == 4);
  for (int i = 0; i < 5000; i++) nx_pool_run(&pool, 4, nothing, NULL);
  nx_pool_stop(&pool);
  idle();
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
