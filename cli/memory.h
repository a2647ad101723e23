/* Running models that are compiled into memory on a case's inputs. */
#ifndef NEXTC_MEMORY_H
#define NEXTC_MEMORY_H
#include "backend/jit.h"
#include "cli/case.h"

/* declared: the model as imported, for the types. pool: NULL: one thread. outputs are the caller's to free, also after
 * false (+ diag). ms: how long the call took; NULL: nobody asks, and the workspace starts as NaNs, so that a value that
 * was never computed shows. */
bool memory_run(const JitModel *, const Graph *declared, const DataSet *, nextc_pool *pool, Tensor *outputs,
                size_t output_count, double *ms);
#endif
