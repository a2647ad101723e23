/* One form of a network before weights are folded together: what exports and descriptions of it have in common. */
#ifndef NEXTC_NORMAL_FORM_H
#define NEXTC_NORMAL_FORM_H
#include "ir/ir.h"

/* Runs the passes up to channels-last, then canonicalise: the same program for every spelling of a network, with its
 * parameters still apart. */
void normal_form(Graph *);
/* Steps through the ops that run (not those of constants), inputs and outputs included; 0: no more. */
OpId next_running(const Graph *, OpId after); /* after 0: the first */
#endif
