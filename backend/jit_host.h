/* What machine code depends on beside LLVM: the code paths that this CPU runs, and the functions of C that code calls.
 */
#ifndef NEXTC_JIT_HOST_H
#define NEXTC_JIT_HOST_H
#include "backend/target.h"
#include <stddef.h>

/* The last row of targets[] that this CPU runs. */
const Target *jit_host_target(void);
bool jit_runs(const Target *); /* can this CPU? */

/* Name and address of function `index`; NULL behind the last one. Those of loop_libm, and what code generation calls of
 * its own accord. */
typedef void HostFunction(void);
const char *jit_function(size_t index, HostFunction **address);
#endif
