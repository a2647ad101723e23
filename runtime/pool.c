/* Threads for nextc_parallel_for. A woken thread takes slices until none is left; one without work looks for more for a
 * few microseconds, then sleeps. Everything but the looking happens under one lock: slices are few and long. */
#if !defined(NX_THREADS)
#define NX_THREADS
#endif
#include "runtime/public.h"
#include "runtime/sample.h"

/* nx_pool_start, nx_pool_run, nx_pool_stop: see the header */
#if defined(NX_THREADS)
#define NX_POOL_TICKS 20000 /* of a clock of 2 to 4 GHz: 5 to 10 microseconds */
#define NX_POOL_LOOKS 4000  /* where there is no such clock: as long, at one or two nanoseconds each */
/* Returns when *at is no longer `old`, or has been for a few microseconds: about what waking a thread would take. */
static void nx_pool_look(const unsigned *at, unsigned old) {
#if (defined(__x86_64__) || defined(__i386__)) && defined(__GNUC__) && !defined(__TINYC__)
  const unsigned long long start = __builtin_ia32_rdtsc();
  while (__atomic_load_n(at, __ATOMIC_ACQUIRE) == old && __builtin_ia32_rdtsc() - start < NX_POOL_TICKS)
    __builtin_ia32_pause();
#elif defined(__GNUC__) && !defined(__TINYC__)
  for (int look = 0; look < NX_POOL_LOOKS && __atomic_load_n(at, __ATOMIC_ACQUIRE) == old; look++) {
  }
#else
  (void)at;
  (void)old;
#endif
}

static void nx_pool_set(unsigned *at, unsigned value) {
#if defined(__GNUC__) && !defined(__TINYC__)
  __atomic_store_n(at, value, __ATOMIC_RELEASE);
#else
  *at = value;
#endif
}

/* How Linux names its threads and CPUs; unistd.h would declare this only beside math.h's y0. */
#if defined(__linux__) && defined(__GNUC__) && !defined(__TINYC__)
#include <sys/syscall.h>
extern long syscall(long number, ...);
#define NX_POOL_PLACES
#endif

#if defined(NX_POOL_PLACES)
enum { NX_POOL_WORD = 8 * sizeof(unsigned long), NX_POOL_CPU_WORDS = 16 };

/* Whether the thread may run on the CPU, from now on. 0: as asked. */
static int nx_pool_allow(long thread, unsigned cpu, int allow) {
  unsigned long cpus[NX_POOL_CPU_WORDS], *word = &cpus[cpu / NX_POOL_WORD];
  const unsigned long bit = 1ul << cpu % NX_POOL_WORD;
  const long bytes =
      cpu < NX_POOL_CPU_WORDS * NX_POOL_WORD ? syscall(SYS_sched_getaffinity, thread, sizeof cpus, cpus) : -1;
  if (bytes <= 0 || cpu / 8 >= (unsigned long)bytes || !(*word & bit) == !allow) return -1;
  *word ^= bit;
  return (int)syscall(SYS_sched_setaffinity, thread, (unsigned long)bytes, cpus);
}
#endif

/* Called with the lock held before the sleepers are woken: not on this thread's CPU. A system may put them there for
 * tens of milliseconds though others are idle; in virtual machines, whose idle CPUs look busy, it does. A forked child
 * with a copy of the pool does its work alone: the numbers are those of its parent's threads. */
static void nx_pool_send_away(nx_pool *pool) {
#if defined(NX_POOL_PLACES)
  unsigned cpu = 0;
  int i = 0;
  while (i < pool->known && !pool->place[i].asleep) i++;
  if (i == pool->known || syscall(SYS_getpid) != pool->process) return;
  if (syscall(SYS_getcpu, &cpu, (void *)0, (void *)0) != 0) return;
  for (; i < pool->known; i++)
    if (pool->place[i].asleep && !pool->place[i].away && nx_pool_allow(pool->place[i].thread, cpu, 0) == 0)
      pool->place[i].away = 1 + (int)cpu;
#else
  (void)pool;
#endif
}

/* Sleeps until there is a call after number `seen`, or the end. With the lock held. */
static void nx_pool_sleep(nx_pool *pool, int number, unsigned seen) {
  pool->place[number].asleep = 1;
  while (pool->work == seen) pthread_cond_wait(&pool->wake, &pool->lock);
  pool->place[number].asleep = 0;
#if defined(NX_POOL_PLACES)
  if (pool->place[number].away)
    (void)nx_pool_allow(pool->place[number].thread, (unsigned)pool->place[number].away - 1, 1);
  pool->place[number].away = 0;
#endif
}

/* Takes slices of the running call until none is left. Called and returns with the lock held. */
static void nx_pool_take(nx_pool *pool) {
  while (pool->next < pool->slices) {
    const int slice = pool->next++;
    nextc_slice *run = pool->run;
    void *context = pool->context;
    pthread_mutex_unlock(&pool->lock);
    run(context, slice);
    pthread_mutex_lock(&pool->lock);
    if (--pool->left == 0) {
      nx_pool_set(&pool->done, pool->work);
      pthread_cond_signal(&pool->idle);
    }
  }
}

static void *nx_pool_main(void *argument) {
  nx_pool *pool = (nx_pool *)argument;
  unsigned seen = 0;
  pthread_mutex_lock(&pool->lock);
  const int number = pool->known++;
#if defined(NX_POOL_PLACES)
  pool->place[number].thread = syscall(SYS_gettid);
#endif
  while (!pool->stop) {
    if (pool->work == seen) {
      pthread_mutex_unlock(&pool->lock);
      nx_pool_look(&pool->work, seen);
      pthread_mutex_lock(&pool->lock);
    }
    if (pool->work == seen) nx_pool_sleep(pool, number, seen);
    seen = pool->work;
    nx_pool_take(pool);
  }
  pthread_mutex_unlock(&pool->lock);
  return NULL;
}

int nx_pool_start(nx_pool *pool, int threads) {
  memset(pool, 0, sizeof *pool);
  pthread_mutex_init(&pool->lock, NULL);
  pthread_cond_init(&pool->wake, NULL);
  pthread_cond_init(&pool->idle, NULL);
#if defined(NX_POOL_PLACES)
  pool->process = syscall(SYS_getpid);
#endif
  while (pool->started < threads - 1 && pool->started < NX_POOL_MAX) {
    if (pthread_create(&pool->thread[pool->started], NULL, nx_pool_main, pool) != 0) break;
    pool->started++;
  }
  return pool->started + 1;
}

void nx_pool_run(void *user, int slices, nextc_slice *run, void *context) {
  nx_pool *pool = (nx_pool *)user;
  unsigned work;
  pthread_mutex_lock(&pool->lock);
  work = pool->work + 1;
  pool->run = run;
  pool->context = context;
  pool->slices = pool->left = slices;
  pool->next = 0;
  nx_pool_send_away(pool);
  nx_pool_set(&pool->work, work);
  pthread_mutex_unlock(&pool->lock); /* who wakes up must not find it taken */
  pthread_cond_broadcast(&pool->wake);
  pthread_mutex_lock(&pool->lock);
  nx_pool_take(pool);
  if (pool->left > 0) {
    pthread_mutex_unlock(&pool->lock);
    nx_pool_look(&pool->done, work - 1);
    pthread_mutex_lock(&pool->lock);
  }
  while (pool->left > 0) pthread_cond_wait(&pool->idle, &pool->lock);
  nx_pool_set(&pool->done, work); /* also where there were no slices */
  pthread_mutex_unlock(&pool->lock);
}

void nx_pool_stop(nx_pool *pool) {
  pthread_mutex_lock(&pool->lock);
  pool->stop = 1;
  nx_pool_set(&pool->work, pool->work + 1);
  pthread_cond_broadcast(&pool->wake);
  pthread_mutex_unlock(&pool->lock);
  for (int i = 0; i < pool->started; i++) pthread_join(pool->thread[i], NULL);
  pthread_cond_destroy(&pool->idle);
  pthread_cond_destroy(&pool->wake);
  pthread_mutex_destroy(&pool->lock);
}
#endif
