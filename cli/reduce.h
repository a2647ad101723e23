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
 * becoming inputs; one op is replaced by an operand of its type; a constant expression by a literal; one size of inputs
 * and weights (channels, rows, columns, ...) by a smaller one; outputs, locations and schedules are dropped. */
const char *reduce_program(Reduction *, const char *text);

/* ---- reduce_sizes.c ---- */
enum {
  SIZE_CHOICES = 8
}; /* 1, the half, three quarters, one less; each in the whole program, and in its inputs only */
/* Different numbers above 1 that dims of inputs, weights and literals have. */
size_t count_sizes(const Graph *);
/* Makes number `at` of them smaller. False where there is nothing to change or the program is none any more. */
bool shrink_size(Graph *, size_t at, int choice);
#endif
