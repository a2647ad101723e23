/* LLVM: loop programs to machine code of this CPU. llvm_jit.c is the only file that knows LLVM; a build without it has
 * llvm_none.c instead, where llvm_present is false and the rest is never called. Threads may compile at once. */
#ifndef NEXTC_LLVM_JIT_H
#define NEXTC_LLVM_JIT_H
#include "backend/target.h"
#include "ir/diag.h"
#include "ir/loop.h"

/* A kernel's code: over p[], one pointer a parameter; does slice `slice` of `slices`, as loop_eval does. */
typedef void KernelCode(void *const *p, int slice, int slices);

bool llvm_present(void);
/* What code depends on beside the kernels: LLVM's version, the CPU's name and features. NULL + diag where LLVM has no
 * code generator for this CPU. */
const char *llvm_machine(Context *, Arena *);
/* This CPU's features in LLVM's words: "+avx2,-avx512f,...". */
const char *llvm_features(Arena *);

/* The kernels as LLVM IR: as built, or optimised. For people and tests. */
char *llvm_print(Context *, Arena *, Kernel *const *kernels, size_t count, const Target *, bool optimised);

/* Object code of the kernels; free() it. NULL + diag. */
unsigned char *llvm_compile(Context *, Kernel *const *kernels, size_t count, const Target *, size_t *bytes);

/* Object code linked into this process. */
typedef struct LlvmCode LlvmCode;
LlvmCode *llvm_link(Context *, const unsigned char *object, size_t bytes); /* NULL + diag */
/* Kernel number `index` of llvm_compile. NULL + diag where the object has none. */
KernelCode *llvm_kernel(Context *, LlvmCode *, size_t index);
void llvm_unlink(LlvmCode *); /* NULL is allowed */
#endif
