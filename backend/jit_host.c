/* This CPU and this C library, for code in memory; see jit_host.h. */
#include "backend/jit_host.h"
#include "backend/llvm_jit.h"
#include "ir/loop_internal.h"
#include <math.h>
#include <string.h>

/* ---- code paths ---- */

/* Is each word of "+a,+b" in the list? */
static bool has_features(const char *list, const char *wanted) {
  for (const char *w = wanted; *w;) {
    const size_t length = strcspn(w, ",");
    const char *p = list;
    while (*p && (strcspn(p, ",") != length || memcmp(p, w, length) != 0))
      p += strcspn(p, ",") + (strchr(p, ',') != NULL);
    if (!*p) return false;
    w += length + (w[length] == ',');
  }
  return true;
}

bool jit_runs(const Target *t) {
  if (!t->features) return true;
  Arena *arena = arena_new();
  const bool runs = has_features(llvm_features(arena), t->features);
  arena_free(arena);
  return runs;
}

const Target *jit_host_target(void) {
  const Target *best = NULL;
  for (int i = 0; i < target_count; i++)
    if (jit_runs(&targets[i])) best = &targets[i];
  return best;
}

/* ---- functions ---- */

#define ADDRESS(name)                                                                                                  \
  { #name, (HostFunction *)name }
static const struct {
  const char *name;
  HostFunction *address;
} support[] = {ADDRESS(memset), ADDRESS(memcpy), ADDRESS(memmove), ADDRESS(rint), ADDRESS(rintf),
               ADDRESS(fma),    ADDRESS(fmaf),   ADDRESS(sqrt),    ADDRESS(sqrtf)};
#undef ADDRESS
enum { SUPPORT_COUNT = sizeof support / sizeof *support };

static HostFunction *libm_address(const LibmInfo *f) {
  if (f->f1) return (HostFunction *)f->f1;
  if (f->f2) return (HostFunction *)f->f2;
  return f->d1 ? (HostFunction *)f->d1 : (HostFunction *)f->d2;
}

const char *jit_function(size_t index, HostFunction **address) {
  if (index < SUPPORT_COUNT) return *address = support[index].address, support[index].name;
  if (index - SUPPORT_COUNT >= loop_libm_count()) return NULL;
  const LibmInfo *f = loop_libm_row(index - SUPPORT_COUNT);
  *address = libm_address(f);
  return f->name;
}
