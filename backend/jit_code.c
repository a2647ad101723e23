/* Code of kernels; see jit_code.h. */
#include "backend/jit_code.h"
#include "backend/jit_cache.h"
#include <stdlib.h>

/* Links what the cache has; a broken entry is as good as none. */
static LlvmCode *from_cache(CodeJob *job, const CacheKey *key) {
  size_t bytes;
  unsigned char *object = cache_read(key, &bytes);
  if (!object) return NULL;
  Context *quiet = context_new();
  LlvmCode *code = llvm_link(quiet, object, bytes);
  for (size_t i = 0; code && i < job->count; i++)
    if (!llvm_kernel(quiet, code, i)) llvm_unlink(code), code = NULL;
  context_free(quiet);
  free(object);
  return code;
}

static LlvmCode *compiled(CodeJob *job, const CacheKey *key) {
  size_t bytes;
  unsigned char *object = llvm_compile(job->context, job->kernels, job->count, job->target, &bytes);
  if (!object) return NULL;
  if (key) cache_write(key, object, bytes);
  LlvmCode *code = llvm_link(job->context, object, bytes);
  free(object);
  return code;
}

static void *work(void *context) {
  CodeJob *job = context;
  CacheKey key;
  if (!job->use_cache) {
    job->code = compiled(job, NULL);
    return NULL;
  }
  const char *machine = llvm_machine(job->context, job->context->arena);
  if (!machine) return NULL;
  key = cache_key(job->kernels, job->count, job->target, machine);
  job->code = from_cache(job, &key);
  if (!job->code) job->code = compiled(job, &key);
  return NULL;
}

void code_start(CodeJob *job) {
  job->context = context_new();
  job->in_thread = !pthread_create(&job->thread, NULL, work, job);
  if (!job->in_thread) work(job);
}

LlvmCode *code_finish(Context *c, CodeJob *job) {
  if (job->in_thread) pthread_join(job->thread, NULL);
  context_add(c, job->context);
  context_free(job->context);
  return job->code;
}
