/* The work of making a model in memory; see jit_work.h. Jobs are the parts of the code, then the tensors; threads take
 * the next one until there is none. Each job has a context of its own, so that messages don't depend on who is first;
 * sources of weights are asked by one thread at a time, through proxies. */
#include "backend/jit_work.h"
#include "backend/jit_code.h"
#include "ir/eval.h"
#include "nextc.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
  MAX_THREADS = 4,
  PART_STATEMENTS = 1000, /* a part of fewer isn't worth its start */
  LINK_BYTES = 32 << 20,  /* what LLVM takes at most to link, and to compile a part */
  PART_BYTES = 24 << 20
};

typedef struct {
  Kernel **kernels;
  size_t *numbers; /* of the program's kernels */
  size_t count, statements;
} Part;

typedef struct {
  JitWork *work;
  Arena *arena;
  const char *machine; /* NULL: no cache */
  Part parts[CODE_PARTS];
  size_t part_count;
  Source **sources;   /* proxies of the graph's */
  Context **contexts; /* [part_count + slot_count] */
  pthread_mutex_t lock;
  bool failed; /* no job begins any more; under the lock */
} Making;

/* ---- sources ---- */

typedef struct {
  Source *source;
  pthread_mutex_t *lock;
} Proxy;

static bool find(Source *s, const char *name, TensorView *out) {
  const Proxy *p = s->impl;
  pthread_mutex_lock(p->lock);
  const bool found = p->source->find(p->source, name, out);
  pthread_mutex_unlock(p->lock);
  return found;
}

static bool make(Source *s, const char *name, const Type *type, TensorView *out) {
  const Proxy *p = s->impl;
  pthread_mutex_lock(p->lock);
  const bool made = p->source->make(p->source, name, type, out);
  pthread_mutex_unlock(p->lock);
  return made;
}

static void drop_pages(Source *s, const TensorView *v) {
  const Proxy *p = s->impl;
  pthread_mutex_lock(p->lock);
  p->source->drop_pages(p->source, v);
  pthread_mutex_unlock(p->lock);
}

static void make_proxies(Making *m) {
  const Graph *g = m->work->graph;
  m->sources = ARENA_ARRAY(m->arena, Source *, g->source_count + 1);
  for (size_t i = 0; i < g->source_count; i++) {
    Source *of = g->sources[i], *s = m->sources[i] = ARENA_NEW(m->arena, Source);
    Proxy *p = s->impl = ARENA_NEW(m->arena, Proxy);
    *p = (Proxy){of, &m->lock};
    s->path = of->path;
    s->find = of->find ? find : NULL;
    s->make = of->make ? make : NULL;
    s->drop_pages = of->drop_pages ? drop_pages : NULL;
  }
}

/* ---- parts of the code ---- */

static size_t *largest_first(Arena *arena, const LoopProgram *p) {
  size_t *order = ARENA_ARRAY(arena, size_t, p->kernel_count + 1);
  for (size_t i = 0; i < p->kernel_count; i++) {
    size_t at = i;
    for (; at && p->kernels[order[at - 1]]->stmt_count < p->kernels[i]->stmt_count; at--) order[at] = order[at - 1];
    order[at] = i;
  }
  return order;
}

/* The largest kernels first, each into the part that has least: the same parts on every machine, as in its cache. */
static void divide(Making *m) {
  const LoopProgram *p = m->work->program;
  size_t statements = 0;
  for (size_t i = 0; i < p->kernel_count; i++) statements += p->kernels[i]->stmt_count;
  m->part_count = statements / PART_STATEMENTS < CODE_PARTS ? statements / PART_STATEMENTS + 1 : CODE_PARTS;
  if (m->part_count > p->kernel_count) m->part_count = p->kernel_count;
  for (size_t i = 0; i < m->part_count; i++) {
    m->parts[i].kernels = ARENA_ARRAY(m->arena, Kernel *, p->kernel_count);
    m->parts[i].numbers = ARENA_ARRAY(m->arena, size_t, p->kernel_count);
  }
  size_t *order = largest_first(m->arena, p);
  for (size_t i = 0; i < p->kernel_count; i++) {
    Part *least = m->parts;
    for (size_t j = 1; j < m->part_count; j++)
      if (m->parts[j].statements < least->statements) least = &m->parts[j];
    least->numbers[least->count] = order[i];
    least->kernels[least->count++] = p->kernels[order[i]];
    least->statements += p->kernels[order[i]]->stmt_count;
  }
}

static bool make_part(Making *m, Context *c, size_t number) {
  JitWork *w = m->work;
  const Part *part = &m->parts[number];
  LlvmCode *code = w->code[number] = code_new(c, part->kernels, part->count, w->target, m->machine);
  for (size_t i = 0; code && i < part->count; i++)
    if (!(w->kernels[part->numbers[i]] = llvm_kernel(c, code, i))) return false;
  return code != NULL;
}

/* ---- jobs ---- */

static bool pack(Making *m, Context *c, const WeightSlot *slot) {
  Graph mine = *m->work->graph;
  mine.context = c;
  mine.sources = m->sources;
  return eval_const_store(&mine, slot->value, m->work->weights + slot->offset, false);
}

static bool has_failed(Making *m, bool now) {
  pthread_mutex_lock(&m->lock);
  const bool failed = m->failed = m->failed || now;
  pthread_mutex_unlock(&m->lock);
  return failed;
}

static void run_job(void *user, int number) {
  Making *m = user;
  const size_t job = (size_t)number;
  if (has_failed(m, false)) return;
  Context *c = m->contexts[job] = context_new();
  const bool done = job < m->part_count ? make_part(m, c, job) : pack(m, c, &m->work->slots[job - m->part_count]);
  if (!done) has_failed(m, true);
}

static void run_jobs(Making *m, int count) {
  const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
  const int threads = cpus < 1 ? 1 : cpus < MAX_THREADS ? (int)cpus : MAX_THREADS;
  nextc_pool *pool = threads > 1 && count > 1 ? nextc_pool_new(threads) : NULL;
  if (pool)
    nextc_pool_run(pool, count, run_job, m);
  else
    for (int i = 0; i < count; i++) run_job(m, i);
  nextc_pool_free(pool);
}

/* LLVM ends the process where it gets no memory: is there enough? */
static bool check_memory(Context *c, const Making *m) {
  const size_t bytes = LINK_BYTES + m->part_count * PART_BYTES;
  void *volatile room = malloc(bytes); /* volatile: not optimised away */
  const bool good = room != NULL;
  free(room);
  return good || error_in(c, m->work->graph->name, "no memory for code generation, which may take %zu bytes", bytes);
}

bool jit_work(Context *c, Arena *arena, JitWork *w) {
  Making m = {.work = w, .arena = arena_new()};
  w->kernels = ARENA_ARRAY(arena, KernelCode *, w->program->kernel_count + 1);
  divide(&m);
  bool ready = check_memory(c, &m);
  if (ready && w->use_cache) ready = (m.machine = llvm_machine(c, m.arena)) != NULL;
  if (!ready) return arena_free(m.arena), false;
  pthread_mutex_init(&m.lock, NULL);
  make_proxies(&m);
  const size_t jobs = m.part_count + w->slot_count;
  if (jobs > INT32_MAX) die("%zu jobs", jobs);
  m.contexts = ARENA_ARRAY(m.arena, Context *, jobs + 1);
  run_jobs(&m, (int)jobs);
  for (size_t i = 0; i < jobs; i++) {
    if (!m.contexts[i]) continue;
    context_add(c, m.contexts[i]);
    context_free(m.contexts[i]);
  }
  pthread_mutex_destroy(&m.lock);
  arena_free(m.arena);
  return !m.failed;
}
