/* Machine code for a loop program's kernels: from the cache or from LLVM, made while the caller does other work. */
#ifndef NEXTC_JIT_CODE_H
#define NEXTC_JIT_CODE_H
#include "backend/llvm_jit.h"
#include <pthread.h>

typedef struct {
  Kernel *const *kernels;
  size_t count;
  const Target *target;
  bool use_cache;
  /* the job's own */
  Context *context;
  LlvmCode *code;
  pthread_t thread;
  bool in_thread;
} CodeJob;

/* Begins; in a thread of its own where the system has one to give. */
void code_start(CodeJob *);
/* Waits. NULL + diag. Every job that was started must be finished. */
LlvmCode *code_finish(Context *, CodeJob *);
#endif
