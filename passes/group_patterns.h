/* What grouping knows while it runs, and the shapes of a ConvNeXt that it looks for first. */
#ifndef NEXTC_GROUP_PATTERNS_H
#define NEXTC_GROUP_PATTERNS_H
#include "passes/passes.h"

typedef struct {
  Graph *g;
  int32_t next_kernel;
  int *order; /* [order_size] position when grouping began; ops pulled forward take their group's */
  size_t order_size;
} Grouping;

void grouping_assign(Grouping *, OpId, int32_t kernel, const char *family);
/* Can everything `user` reads but `from` exist where the group at position `at` stands? */
bool grouping_operands_exist(const Grouping *, const Op *user, ValueId from, int at);
/* Moves `id` to right behind *tail, and before it the constant expressions it reads that stand behind position `at`;
 * *tail becomes `id`. */
void grouping_pull(Grouping *, OpId id, OpId *tail, int at);
/* The only user of v, if it is one op that uses it once (or twice, as in x * x); 0: none. */
OpId grouping_single_user(const Graph *, ValueId v);
/* Can a pointwise op that reads `from` be applied to a tile of it in registers? */
bool grouping_joins_epilogue(const Grouping *, OpId user, ValueId from);

/* Groups the pattern that begins with `id`, at position `at`. Returns its last op; 0: none begins here. */
OpId group_pattern(Grouping *, OpId id, int at);
#endif
