/* What the pipeline asks of peel-batch when a symbol is left over. */
#ifndef NEXTC_PEEL_BATCH_H
#define NEXTC_PEEL_BATCH_H
#include "passes/passes.h"

/* The op at which the proof that dim 0 is carried through unmixed fails; 0: it holds. */
OpId batch_obstacle(const Graph *);
#endif
