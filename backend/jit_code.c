/* Code of kernels; see jit_code.h. */
#include "backend/jit_code.h"
#include "backend/jit_cache.h"
#include <stdlib.h>

/* Links what the cache has; a broken entry is as good as none. */
static LlvmCode *from_cache(const CacheKey *key, size_t count) {
  size_t bytes;
  unsigned char *object = cache_read(key, &bytes);
  if (!object) return NULL;
  Context *quiet = context_new();
  LlvmCode *code = llvm_link(quiet, object, bytes);
  for (size_t i = 0; code && i < count; i++)
    if (!llvm_kernel(quiet, code, i)) llvm_unlink(code), code = NULL;
  context_free(quiet);
  free(object);
  return code;
}

LlvmCode *code_new(Context *c, Kernel *const *kernels, size_t count, const Target *target, const char *machine) {
  CacheKey key = {{0}};
  size_t bytes;
  if (machine) {
    key = cache_key(kernels, count, target, machine);
    LlvmCode *cached = from_cache(&key, count);
    if (cached) return cached;
  }
  unsigned char *object = llvm_compile(c, kernels, count, target, &bytes);
  if (!object) return NULL;
  if (machine) cache_write(&key, object, bytes);
  LlvmCode *code = llvm_link(c, object, bytes);
  free(object);
  return code;
}
