/* Sweeps over a whole graph that several passes use. Each returns how many ops it removed. */
#ifndef NEXTC_COMMON_OPS_H
#define NEXTC_COMMON_OPS_H
#include "ir/ir.h"

int remove_dead_ops(Graph *);   /* ops without an output among their users; inputs stay */
int widen_halves(Graph *);      /* what is computed in f16 or bf16 becomes f32 (widen_halves.c): how many ops */
int merge_equal_ops(Graph *);   /* same op, operands and attributes: the first one stays */
#endif
