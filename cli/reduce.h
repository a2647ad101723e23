/* Shrinking a program to the smallest for which something still holds. */
#ifndef NEXTC_REDUCE_H
#define NEXTC_REDUCE_H
#include "ir/ir.h"

typedef struct {
  Context *context;
  bool (*keeps)(void *user, const Graph *); /* does the program still have what is looked for? */
  void *user;
  OpenSource open;
  int tried, kept; /* programs; counted by reduce_program */
} Reduction;

/* text: the program to begin with, for which keeps() holds. Returns the text of the smallest that was found, in the
 * context's arena: no single step makes it smaller. Steps: ops in chunks of halving size are cut out, their results
 * becoming inputs; one op is replaced by an operand of its type; a constant expression by a literal; outputs, locations
 * and schedules are dropped. */
const char *reduce_program(Reduction *, const char *text);
#endif
