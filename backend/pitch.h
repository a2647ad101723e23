/* How far apart the positions lie that a dwconv reads, in elements: its channels, or more, then a kernel before it
 * copies input and weights. */
#ifndef NEXTC_PITCH_H
#define NEXTC_PITCH_H
#include "ir/ir.h"

/* What the shapes ask for. */
int64_t pitch_of_shape(const Graph *, const Op *dwconv);
/* What the text says, else what the shapes ask for. */
int64_t pitch_of_dwconv(const Graph *, const Op *dwconv);
/* What is wrong with the pitch of a kernel's first op, or NULL. */
const char *pitch_fault(const Graph *, const Op *first);
#endif
