/* The thread pool: every slice once, for all numbers of threads and slices; many short calls; start and stop. */
#define _GNU_SOURCE /* CPU sets */
#include "runtime/pool.c"
#include <sched.h>
#include <stdbool.h>
#include <sys/wait.h>
#include "tests/test.h"
#include <time.h>
#include <unistd.h>

enum { SLICES = 100, TRIES = 50 };

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

/* CPU time of the pool while it has nothing to do, and while slices wait elsewhere. */
static void idle_ms(double ms[2]) {
  nx_pool pool;
  CHECK(nx_pool_start(&pool, 4) == 4);
  nx_pool_run(&pool, 4, nothing, NULL);
  const double before = cpu_ms();
  sleep_100_ms(NULL, 1);
  ms[0] = cpu_ms() - before;
  for (int i = 0; i < 3; i++) nx_pool_run(&pool, 2, sleep_100_ms, NULL);
  ms[1] = cpu_ms() - before;
  nx_pool_stop(&pool);
}

/* CPU time, not time; but what a host takes from a virtual machine may count as either: one good try of ten is enough,
 * who waits busily has none. */
static void idle(void) {
  TEST("who waits, for work or for the last slice, sleeps");
  double ms[2] = {100, 100};
  for (int i = 0; i < 10 && !(ms[0] < 5 && ms[1] < 10); i++) idle_ms(ms);
  CHECK(ms[0] < 5);
  CHECK(ms[1] < 10);
}

typedef struct {
  cpu_set_t may[2];
  int cpu[2], failed[2];
  pthread_t thread[2];
  int began;
} Where;

/* Waits for the other slice, which then has another thread. */
static void note_where(void *context, int slice) {
  Where *w = context;
  w->thread[slice] = pthread_self();
  w->cpu[slice] = sched_getcpu();
  w->failed[slice] = sched_getaffinity(0, sizeof w->may[slice], &w->may[slice]);
  __atomic_add_fetch(&w->began, 1, __ATOMIC_SEQ_CST);
  while (__atomic_load_n(&w->began, __ATOMIC_SEQ_CST) < 2) sched_yield();
}

/* Calls with two threads after both slept. Where the woken thread may run is as before; with more than one CPU it does
 * not wait for the caller's, but for a busy machine, which may move either of them at any time. */
static void places(bool two_cpus) {
  cpu_set_t before;
  int apart = 0;
  nx_pool pool;
  CHECK(!sched_getaffinity(0, sizeof before, &before));
  CHECK(nx_pool_start(&pool, 2) == 2);
  for (int i = 0; i < 20 || (two_cpus && !apart && i < TRIES); i++) {
    Where w = {.began = 0};
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    nx_pool_run(&pool, 2, note_where, &w);
    CHECK(!w.failed[0] && CPU_EQUAL(&w.may[0], &before));
    CHECK(!w.failed[1] && CPU_EQUAL(&w.may[1], &before));
    CHECK(!pthread_equal(w.thread[0], w.thread[1]));
    apart += w.cpu[0] != w.cpu[1];
  }
  CHECK(two_cpus ? apart > 0 : apart == 0);
  nx_pool_stop(&pool);
}

/* All asleep, and awake since they were last sent away: one that was never scheduled yet still has `away`. */
static void until_asleep(nx_pool *pool) {
  for (int asleep = 0, tries = 0; asleep < pool->started && tries < 5000; tries++) {
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    pthread_mutex_lock(&pool->lock);
    asleep = 0;
    for (int i = 0; i < pool->known; i++) asleep += pool->place[i].asleep && !pool->place[i].away;
    pthread_mutex_unlock(&pool->lock);
  }
}

static void check_places(nx_pool *pool, const cpu_set_t *want) {
  for (int i = 0; i < pool->started; i++) {
    cpu_set_t may;
    CHECK(!pthread_getaffinity_np(pool->thread[i], sizeof may, &may));
    CHECK(CPU_EQUAL(&may, want));
  }
}

/* Asleep before a call, a thread may run on all CPUs but the caller's; after it, as before. */
static void sent_away(const cpu_set_t *all, size_t cpu) {
  cpu_set_t here, others = *all;
  nx_pool pool;
  CHECK(nx_pool_start(&pool, 2) == 2);
  CPU_ZERO(&here);
  CPU_SET(cpu, &here);
  CPU_CLR(cpu, &others);
  CHECK(!sched_setaffinity(0, sizeof here, &here));
  until_asleep(&pool);
  check_places(&pool, all);
  pthread_mutex_lock(&pool.lock);
  nx_pool_send_away(&pool);
  check_places(&pool, CPU_COUNT(&others) ? &others : all);
  pthread_mutex_unlock(&pool.lock);
  nx_pool_run(&pool, 2, nothing, NULL);
  until_asleep(&pool);
  check_places(&pool, all);
  CHECK(!sched_setaffinity(0, sizeof *all, all));
  nx_pool_stop(&pool);
}

/* A child has none of the pool's threads: its calls are done by itself, and change nothing of the parent's. */
static void forked(const cpu_set_t *all) {
  nx_pool pool;
  int status = -1;
  CHECK(nx_pool_start(&pool, 3) == 3);
  until_asleep(&pool);
  const pid_t child = fork();
  CHECK(child >= 0);
  if (!child) {
    Work w = {{0}, {0}};
    alarm(60);
    for (int i = 0; i < 20; i++) nx_pool_run(&pool, 3, add_up, &w);
    _exit(w.count[0] == 20 && w.count[1] == 20 && w.count[2] == 20 ? 0 : 1);
  }
  CHECK(waitpid(child, &status, 0) == child && status == 0);
  check_places(&pool, all);
  nx_pool_stop(&pool);
}

static void places_of_threads(void) {
  cpu_set_t all, one;
  CHECK(!sched_getaffinity(0, sizeof all, &all));
  TEST("a woken thread is sent to another CPU, and may run where it could");
  sent_away(&all, (size_t)sched_getcpu());
  places(CPU_COUNT(&all) > 1);
  TEST("a forked child");
  forked(&all);
  TEST("with one CPU it stays there");
  CPU_ZERO(&one);
  CPU_SET((size_t)sched_getcpu(), &one);
  CHECK(!sched_setaffinity(0, sizeof one, &one));
  places(false);
  CHECK(!sched_setaffinity(0, sizeof all, &all));
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
  places_of_threads();
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
