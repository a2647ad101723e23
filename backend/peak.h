/* How fast a machine can be: a loop program of nothing but FMAs between registers, emitted and compiled as models are.
 */
#ifndef NEXTC_PEAK_H
#define NEXTC_PEAK_H
#include "backend/c_backend.h"

/* Parameters: x, y: f32[PEAK_ELEMENTS]; x must be all 0.5. */
enum { PEAK_TASKS = 32, PEAK_ELEMENTS = PEAK_TASKS * 32 * MAX_LANES };
Kernel *peak_kernel(Arena *, const Target *);
/* Floating-point operations of all tasks: two an FMA and lane. */
double peak_flops(const Target *);

/* A model `name` whose only step is the kernel, for the targets given: c_path and h_path as of COptions. False + diag.
 */
bool peak_emit(Context *, const char *name, const Target *const *, int target_count, const char *c_path,
               const char *h_path);
#endif
