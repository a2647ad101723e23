/* Sizes that a model may claim. */
#ifndef NEXTC_CHECK_SIZES_H
#define NEXTC_CHECK_SIZES_H
#include "ir/ir.h"

/* False + diag at the first op whose result is out of proportion: a constant above 64 MiB plus eight times the model's
 * weights, or anything above 64 GiB (symbols count as 1). */
bool check_sizes(const Graph *);
#endif
