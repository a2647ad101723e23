/* What passes need of a program and give it. A fact is a question to the program as it stands, so it holds as well for
 * a text that was edited by hand or made by other passes than usual. */
#ifndef NEXTC_FACTS_H
#define NEXTC_FACTS_H
#include "ir/ir.h"

/* Bits of PassInfo.needs and .gives. */
enum Fact {
  FACT_FOLDED = 1,  /* no op is left whose result is known before the program runs, such as shape */
  FACT_STATIC = 2,  /* every dim is a number */
  FACT_PACKED = 4,  /* every gemm reads its weights in panels */
  FACT_GROUPED = 8, /* every computed op is in a kernel */
  FACT_PLACED = 16, /* every value that leaves its kernel has a place */
};
enum { FACTS_TO_SCHEDULE = FACT_FOLDED | FACT_STATIC | FACT_PACKED };

/* Do these facts hold? Otherwise false, and one diagnostic for each that does not: who needs it, and which pass gives
 * it. */
bool facts_hold(Graph *, unsigned facts, const char *who);
/* "packed weights" */
const char *fact_text(enum Fact);
/* The first op that breaks one fact; 0: it holds. */
OpId fact_broken_at(const Graph *, enum Fact);
#endif
