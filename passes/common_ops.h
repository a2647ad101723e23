/* Sweeps over a whole graph that passes use. */
#ifndef NEXTC_COMMON_OPS_H
#define NEXTC_COMMON_OPS_H
#include "passes/passes.h"

/* How many ops they removed. */
int remove_dead_ops(Graph *); /* ops without an output among their users; inputs stay */
int merge_equal_ops(Graph *); /* same op, operands and attributes: the first one stays */

/* What is computed in f16 or bf16 becomes f32 (widen_halves.c); how many ops. */
int widen_halves(Graph *, const PassOptions *);
#endif
