/* Contents of small integer values, known at compile time; see Value.known in ir.h. */
#ifndef NEXTC_KNOWN_H
#define NEXTC_KNOWN_H
#include "ir/ir.h"

/* Contents of op's only result, row-major, in the graph's arena; NULL where they are not known. result: its type. */
const Dim *known_contents(Graph *, const Op *, const Type *result);
#endif
