/* Models in memory; see jit.h. The interpreter of steps mirrors runtime/steps.h and runtime/invoke.c. */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS, madvise */
#include "backend/jit.h"
#include "backend/c_internal.h"
#include "backend/jit_host.h"
#include "backend/jit_work.h"
#include "backend/lower.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { BASE_ARENA, BASE_SCRATCH, BASE_WEIGHTS, FIXED_BASES }; /* then inputs, then outputs */

typedef struct {
  int32_t base;
  int64_t offset;
} JitPlace;

typedef struct {
  KernelCode *code;
  const JitPlace *places;
  int32_t count, tasks;
} JitStep;

struct JitModel {
  Arena *arena;
  const Target *target;
  LlvmCode *code[CODE_PARTS];
  JitStep *steps;
  size_t step_count;
  nextc_tensor *inputs, *outputs;
  int64_t *image_bytes; /* by which each input, then each output, advances from image to image */
  int64_t largest_image;
  int input_count, output_count;
  const char *symbol[1]; /* the number of images */
  int symbol_count;
  int64_t fixed_images, arena_bytes, scratch_bytes;
  unsigned char *weights; /* mapped */
  size_t weight_bytes;
  /* workspaces between calls; all that changes in a model */
  pthread_mutex_t *lock;
  struct Workspace **free_list;
};

/* At the start of an idle workspace. */
typedef struct Workspace {
  struct Workspace *next;
  size_t bytes;
} Workspace;

/* ---- tensors and steps ---- */

static nextc_tensor tensor_of(const JitModel *m, const CTensor *t) {
  const int64_t images = t->per_image && !m->symbol_count ? m->fixed_images : 1;
  nextc_tensor out = {.name = arena_strdup(m->arena, t->name), .dtype = t->type.dtype, .rank = t->type.rank};
  out.bytes = (size_t)images * type_bytes(&t->type);
  for (int d = 0; d < t->type.rank; d++) out.dim[d] = t->type.dim[d];
  if (t->per_image) out.dim[0] = m->symbol_count ? -1 : images;
  return out;
}

static nextc_tensor *tensors_of(JitModel *m, const CTensor *tensors, int count, int64_t *image_bytes) {
  nextc_tensor *out = ARENA_ARRAY(m->arena, nextc_tensor, count + 1);
  for (int i = 0; i < count; i++) {
    out[i] = tensor_of(m, &tensors[i]);
    image_bytes[i] = c_image_bytes(&tensors[i]);
    if (image_bytes[i] > m->largest_image) m->largest_image = image_bytes[i];
  }
  return out;
}

static JitPlace place_of(const JitModel *m, const Place *p) {
  static const int32_t fixed[] = {
      [SPACE_ARENA] = BASE_ARENA, [SPACE_SCRATCH] = BASE_SCRATCH, [SPACE_WEIGHTS] = BASE_WEIGHTS};
  if (p->space == SPACE_INPUT) return (JitPlace){FIXED_BASES + p->number, p->offset};
  if (p->space == SPACE_OUTPUT) return (JitPlace){FIXED_BASES + m->input_count + p->number, p->offset};
  return (JitPlace){fixed[p->space], p->offset};
}

static void take_steps(JitModel *m, const LoopProgram *p, KernelCode *const *kernels) {
  m->step_count = p->step_count;
  m->steps = ARENA_ARRAY(m->arena, JitStep, p->step_count + 1);
  for (size_t i = 0; i < p->step_count; i++) {
    const Step *from = &p->steps[i];
    const Kernel *k = p->kernels[from->kernel];
    JitPlace *places = ARENA_ARRAY(m->arena, JitPlace, k->param_count + 1);
    for (size_t j = 0; j < k->param_count; j++) places[j] = place_of(m, &from->places[j]);
    m->steps[i] = (JitStep){
        .code = kernels[from->kernel], .places = places, .count = (int32_t)k->param_count, .tasks = kernel_tasks(k)};
  }
}

static void take_facts(JitModel *m, const CFile *f) {
  m->input_count = f->input_count;
  m->output_count = f->output_count;
  m->fixed_images = f->fixed_images;
  m->arena_bytes = f->arena_bytes;
  m->scratch_bytes = f->scratch_bytes;
  m->largest_image = 1;
  if (f->symbol) m->symbol[m->symbol_count++] = arena_strdup(m->arena, f->symbol);
  m->image_bytes = ARENA_ARRAY(m->arena, int64_t, f->input_count + f->output_count + 1);
  m->inputs = tensors_of(m, f->inputs, f->input_count, m->image_bytes);
  m->outputs = tensors_of(m, f->outputs, f->output_count, m->image_bytes + f->input_count);
}

/* ---- memory ---- */

/* Zeroed pages, small ones; NULL: none. */
static void *pages_new(size_t bytes) {
  void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return at == MAP_FAILED ? NULL : at;
}

/* Nothing is written there any more; where the system refuses, nobody does so all the same. Large pages make a call up
 * to 2 % faster, but a virtual machine may have to ask its host for each, which can take longer than all the rest of
 * the start: the system may collapse what is there already, when it has the time. */
static void pages_keep(void *at, size_t bytes) {
  mprotect(at, bytes, PROT_READ);
#ifdef MADV_HUGEPAGE
  madvise(at, bytes, MADV_HUGEPAGE);
#endif
}

/* ---- making one ---- */

static bool make(Context *c, JitModel *m, const Graph *g, const JitOptions *o, Arena *scratch) {
  CProgram p = {.graph = g, .target_count = 1};
  LoopProgram *lowered = lower_graph(g, m->target, scratch);
  p.programs = &lowered;
  p.targets = &m->target;
  p.weights = collect_weights(g, scratch, &p.weight_count, &p.weight_bytes);
  const COptions none = {.prefix = "m"};
  const CFile facts = c_facts(c, scratch, &p, &none);
  take_facts(m, &facts);
  m->weight_bytes = (size_t)p.weight_bytes;
  if (m->weight_bytes && !(m->weights = pages_new(m->weight_bytes)))
    return error_in(c, g->name, "no memory for %zu bytes of weights", m->weight_bytes);
  JitWork work = {.graph = g,
                  .program = lowered,
                  .target = m->target,
                  .use_cache = !o->no_cache,
                  .slots = p.weights,
                  .slot_count = p.weight_count,
                  .weights = m->weights};
  const bool good = jit_work(c, scratch, &work);
  memcpy(m->code, work.code, sizeof m->code);
  if (!good) return false;
  if (m->weights) pages_keep(m->weights, m->weight_bytes);
  take_steps(m, lowered, work.kernels);
  return true;
}

JitModel *jit_new(Context *c, const Graph *g, const JitOptions *o) {
  static const JitOptions defaults = {.target = NULL};
  if (!o) o = &defaults;
  if (!llvm_present()) llvm_machine(c, c->arena); /* says so */
  if (!llvm_present()) return NULL;
  if (o->target && !jit_runs(o->target)) {
    error_in(c, g->name, "this CPU does not run the target '%s'", o->target->name);
    return NULL;
  }
  Arena *arena = arena_new(), *scratch = arena_new();
  JitModel *m = ARENA_NEW(arena, JitModel);
  m->arena = arena;
  m->lock = ARENA_NEW(arena, pthread_mutex_t);
  m->free_list = ARENA_NEW(arena, Workspace *);
  pthread_mutex_init(m->lock, NULL);
  m->target = o->target ? o->target : jit_host_target();
  const bool good = make(c, m, g, o, scratch);
  arena_free(scratch);
  if (good) return m;
  jit_free(m);
  return NULL;
}

void jit_free(JitModel *m) {
  if (!m) return;
  for (int i = 0; i < CODE_PARTS; i++) llvm_unlink(m->code[i]);
  for (Workspace *w = *m->free_list, *next; w; w = next) {
    next = w->next;
    munmap(w, w->bytes);
  }
  pthread_mutex_destroy(m->lock);
  if (m->weights) munmap(m->weights, m->weight_bytes);
  arena_free(m->arena);
}

/* ---- asking ---- */

const nextc_tensor *jit_inputs(const JitModel *m, size_t *count) {
  *count = (size_t)m->input_count;
  return m->inputs;
}

const nextc_tensor *jit_outputs(const JitModel *m, size_t *count) {
  *count = (size_t)m->output_count;
  return m->outputs;
}

const char *const *jit_symbols(const JitModel *m, size_t *count) {
  *count = (size_t)m->symbol_count;
  return m->symbol;
}

const Target *jit_target(const JitModel *m) { return m->target; }

size_t jit_workspace_bytes(const JitModel *m, int threads) {
  return (size_t)m->arena_bytes + (size_t)(threads > 1 ? threads : 1) * (size_t)m->scratch_bytes;
}

/* ---- workspaces ---- */

/* An idle one of at least *bytes, or a new one; NULL: no memory. *bytes becomes its size. */
static Workspace *take_workspace(const JitModel *m, size_t *bytes) {
  pthread_mutex_lock(m->lock);
  Workspace **at = m->free_list;
  while (*at && (*at)->bytes < *bytes) at = &(*at)->next;
  Workspace *w = *at;
  if (w) *at = w->next;
  pthread_mutex_unlock(m->lock);
  if (w) *bytes = w->bytes;
  return w ? w : pages_new(*bytes);
}

static void give_workspace(const JitModel *m, Workspace *w, size_t bytes) {
  w->bytes = bytes;
  pthread_mutex_lock(m->lock);
  w->next = *m->free_list;
  *m->free_list = w;
  pthread_mutex_unlock(m->lock);
}

/* ---- running ---- */

enum { MAX_PARAMETERS = 64 };

typedef struct {
  const JitModel *model;
  const JitStep *step;
  unsigned char *const *base;
  int slices;
} Job;

static void run_slice(void *context, int slice) {
  const Job *job = context;
  void *small[MAX_PARAMETERS] = {NULL}, **p = small;
  if (job->step->count > MAX_PARAMETERS) p = malloc(sizeof *p * (size_t)job->step->count);
  if (!p) die_memory(sizeof *p * (size_t)job->step->count);
  for (int i = 0; i < job->step->count; i++) {
    const JitPlace *at = &job->step->places[i];
    p[i] = job->base[at->base] + at->offset + (at->base == BASE_SCRATCH ? slice * job->model->scratch_bytes : 0);
  }
  job->step->code(p, slice, job->slices);
  if (p != small) free(p);
}

static void run_step(const JitModel *m, const JitStep *step, unsigned char *const *base, const nextc_call *call) {
  Job job = {.model = m, .step = step, .base = base};
  job.slices = call->threads < step->tasks ? call->threads : step->tasks;
  if (job.slices > 1) {
    call->parallel_for(call->parallel_user, job.slices, run_slice, &job);
  } else {
    job.slices = 1;
    run_slice(&job, 0);
  }
}

/* How many times the steps run; 0: the symbol is out of range. */
static int64_t images_of(const JitModel *m, const nextc_call *call) {
  if (!m->symbol_count) return m->fixed_images;
  const int64_t images = call->symbols[0];
  return images >= 1 && images <= PTRDIFF_MAX / m->largest_image ? images : 0;
}

static bool has_null(const void *const *pointers, const nextc_tensor *tensors, int count) {
  for (int i = 0; i < count; i++)
    if (!pointers[i] && tensors[i].bytes) return true;
  return false;
}

static int check_call(const JitModel *m, const nextc_call *call) {
  if (!call || (m->input_count && !call->inputs) || (m->output_count && !call->outputs)) return NEXTC_BAD_ARGUMENT;
  if (m->symbol_count && !call->symbols) return NEXTC_BAD_ARGUMENT;
  if (has_null(call->inputs, m->inputs, m->input_count)) return NEXTC_BAD_ARGUMENT;
  if (has_null((const void *const *)call->outputs, m->outputs, m->output_count)) return NEXTC_BAD_ARGUMENT;
  if ((uintptr_t)call->workspace % 64) return NEXTC_MISALIGNED;
  if (call->threads < 0 || (call->threads > 1 && !call->parallel_for)) return NEXTC_BAD_THREADS;
  return images_of(m, call) ? NEXTC_OK : NEXTC_BAD_SYMBOL;
}

static void fill_dims(const JitModel *m, const nextc_call *call) {
  for (int i = 0; i < m->output_count; i++)
    for (int d = 0; d < 8; d++) {
      const int64_t dim = m->outputs[i].dim[d];
      call->output_dims[i][d] = dim < 0 ? call->symbols[-dim - 1] : dim;
    }
}

typedef struct {
  JitStepDone *done; /* NULL: nobody watches */
  void *user;
} Watch;

static void run_steps(const JitModel *m, const nextc_call *call, unsigned char *const *base, const Watch *watch) {
  for (size_t s = 0; s < m->step_count; s++) {
    run_step(m, &m->steps[s], base, call);
    if (watch->done) watch->done(watch->user, s);
  }
}

static void run_images(const JitModel *m, const nextc_call *call, void *workspace, unsigned char **base,
                       const Watch *watch) {
  const int ports = m->input_count + m->output_count;
  const int64_t images = images_of(m, call);
  base[BASE_ARENA] = workspace;
  base[BASE_SCRATCH] = base[BASE_ARENA] + m->arena_bytes;
  base[BASE_WEIGHTS] = m->weights;
  for (int i = 0; i < m->input_count; i++) base[FIXED_BASES + i] = (unsigned char *)(uintptr_t)call->inputs[i];
  for (int i = 0; i < m->output_count; i++) base[FIXED_BASES + m->input_count + i] = call->outputs[i];
  for (int64_t image = 0; image < images; image++) {
    run_steps(m, call, base, watch);
    for (int i = 0; image + 1 < images && i < ports; i++) base[FIXED_BASES + i] += m->image_bytes[i];
  }
  if (call->output_dims) fill_dims(m, call);
}

static int run_with_bases(const JitModel *m, const nextc_call *call, unsigned char **base, const Watch *watch) {
  size_t bytes = jit_workspace_bytes(m, call->threads);
  Workspace *own = call->workspace ? NULL : take_workspace(m, &bytes);
  if (!call->workspace && !own) return NEXTC_NO_MEMORY;
  run_images(m, call, own ? (void *)own : call->workspace, base, watch);
  if (own) give_workspace(m, own, bytes);
  return NEXTC_OK;
}

int jit_invoke(const JitModel *m, const nextc_call *call) { return jit_invoke_watched(m, call, NULL, NULL); }

int jit_invoke_watched(const JitModel *m, const nextc_call *call, JitStepDone *done, void *user) {
  const Watch watch = {done, user};
  unsigned char *small[FIXED_BASES + MAX_PARAMETERS], **base = small;
  const int ports = m->input_count + m->output_count;
  int status = check_call(m, call);
  if (status) return status;
  if (ports > MAX_PARAMETERS) base = malloc(sizeof *base * (size_t)(FIXED_BASES + ports));
  if (!base) return NEXTC_NO_MEMORY;
  status = run_with_bases(m, call, base, &watch);
  if (base != small) free(base);
  return status;
}
