/* Is it one program? Two graphs side by side, but for names, sources, locations and the values of constants. */
#ifndef NEXTC_SAME_PROGRAM_H
#define NEXTC_SAME_PROGRAM_H
#include "ir/ir.h"

/* Compares what is computed at run time, statement by statement: operators, attributes, types, operands; of constant
 * operands their types. NULL: the same; else the first difference, in the arena. */
const char *program_difference(const Graph *, const Graph *, Arena *);
#endif
