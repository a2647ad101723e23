/* What is long in making a model, done by several threads: machine code of its kernels in a few parts, and its weights
 * tensor by tensor. */
#ifndef NEXTC_JIT_WORK_H
#define NEXTC_JIT_WORK_H
#include "backend/llvm_jit.h"
#include "backend/storage.h"

enum { CODE_PARTS = 4 /* at most */ };

typedef struct {
  const Graph *graph;
  const LoopProgram *program;
  const Target *target;
  bool use_cache;
  const WeightSlot *slots;
  size_t slot_count;
  unsigned char *weights; /* gets slots[], each at its offset */
  /* made, also where it fails */
  LlvmCode *code[CODE_PARTS]; /* NULL: not there */
  KernelCode **kernels;       /* [kernel_count of program] */
} JitWork;

/* kernels are allocated in the arena. False + diag. */
bool jit_work(Context *, Arena *, JitWork *);
#endif
