/* Models compiled into memory: the steps of a loop program, machine code for its kernels, packed weights. */
#ifndef NEXTC_JIT_H
#define NEXTC_JIT_H
#include "backend/target.h"
#include "ir/ir.h"
#include "nextc.h"

/* Immutable once made: any number of threads may run it at once. Independent of the graph and its context. */
typedef struct JitModel JitModel;

/* All zeros: the defaults. */
typedef struct {
  const Target *target; /* NULL: the best one for this CPU */
  bool no_cache;        /* neither look for code in the cache nor leave it there */
} JitOptions;

/* The graph has been through the passes and complete_schedule. NULL + diag. */
JitModel *jit_new(Context *, const Graph *, const JitOptions *);
void jit_free(JitModel *); /* NULL is allowed */

/* In graph order; the last one's successor is not there, so count first. */
const nextc_tensor *jit_inputs(const JitModel *, size_t *count);
const nextc_tensor *jit_outputs(const JitModel *, size_t *count);
const char *const *jit_symbols(const JitModel *, size_t *count);
const Target *jit_target(const JitModel *);
size_t jit_workspace_bytes(const JitModel *, int threads);

/* As m_invoke of an emitted model m, and as nextc_invoke: a status of nextc.h. */
int jit_invoke(const JitModel *, const nextc_call *);
/* The same, with a call of `done` after each step of the loop program. */
typedef void JitStepDone(void *user, size_t step);
int jit_invoke_watched(const JitModel *, const nextc_call *, JitStepDone *done, void *user);
#endif
