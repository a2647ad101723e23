/* A build without LLVM; see llvm_jit.h. */
#include "backend/llvm_jit.h"

bool llvm_present(void) { return false; }

static void *nothing(Context *c) {
  error_in(c, NULL, "this nextc was built without LLVM (CMake option -DNEXTC_LLVM=ON)");
  return NULL;
}

const char *llvm_machine(Context *c, Arena *arena) {
  (void)arena;
  return nothing(c);
}

const char *llvm_features(Arena *arena) {
  (void)arena;
  return "";
}

char *llvm_print(Context *c, Arena *arena, Kernel *const *kernels, size_t count, const Target *t, bool optimised) {
  (void)arena, (void)kernels, (void)count, (void)t, (void)optimised;
  return nothing(c);
}

unsigned char *llvm_compile(Context *c, Kernel *const *kernels, size_t count, const Target *t, size_t *bytes) {
  (void)kernels, (void)count, (void)t, (void)bytes;
  return nothing(c);
}

LlvmCode *llvm_link(Context *c, const unsigned char *object, size_t bytes) {
  (void)object, (void)bytes;
  return nothing(c);
}

KernelCode *llvm_kernel(Context *c, LlvmCode *code, size_t index) {
  (void)code, (void)index;
  nothing(c);
  return NULL;
}

void llvm_unlink(LlvmCode *code) { (void)code; }
