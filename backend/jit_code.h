/* Machine code of kernels: from the cache or from LLVM. */
#ifndef NEXTC_JIT_CODE_H
#define NEXTC_JIT_CODE_H
#include "backend/llvm_jit.h"

/* machine: llvm_machine's text, for the cache; NULL: without the cache. Kernel i of the code is kernels[i]. NULL +
 * diag. Threads may make code at once, each with a context of its own. */
LlvmCode *code_new(Context *, Kernel *const *kernels, size_t count, const Target *, const char *machine);
#endif
