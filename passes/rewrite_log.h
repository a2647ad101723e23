/* Counts rewrites by rule, and ends them at a limit; counts what guards decline, by clause. Hangs off Graph.log, so
 * that every rule and every pass that changes a graph can report to it; a graph without a log rewrites freely. */
#ifndef NEXTC_REWRITE_LOG_H
#define NEXTC_REWRITE_LOG_H
#include "ir/ir.h"

enum { MAX_COUNTED_RULES = 256 };

/* What guards ask, by name: the rows of clauses.def. */
typedef enum {
  IF_none,
#define CLAUSE(pass, name, doc) IF_##name,
#include "passes/clauses.def"
#undef CLAUSE
  CLAUSE_COUNT
} Clause;
extern const char *const clause_names[CLAUSE_COUNT]; /* [IF_none]: "" */

typedef struct RewriteLog {
  int64_t limit;    /* rewrites allowed over all passes; negative: any number */
  int64_t total;    /* so far, over all passes; dead code and schedules are none */
  const char *last; /* rule of the last one; NULL: none yet */
  Where last_at;    /* and where it was */
  struct {
    const char *name;
    int64_t count;
  } rules[MAX_COUNTED_RULES]; /* since rewrite_log_clear, in order of first use */
  int rule_count;
  int64_t declined[CLAUSE_COUNT]; /* how often a clause did not hold */
  int64_t declines;               /* their sum */
  const char *silent;             /* a rule or op that was declined without a clause; NULL: none, as it should be */
  Clause waived;                  /* taken to hold, by tests of it; IF_none: none is */
} RewriteLog;

void rewrite_log_clear(RewriteLog *); /* the counts by rule */
int64_t rewrite_log_sum(const RewriteLog *);

/* May there be another rewrite? Ask before each. */
bool rewrite_allowed(const Graph *);
/* One was made, or will be at once. */
void rewrite_done(Graph *, const char *rule, Where at);
/* One clause of a guard: every condition that can decline a rewrite is one. Returns the condition, or true where the
 * log waives the clause, and counts where it does not hold. */
bool holds(const Graph *, Clause, bool condition);
/* How often clauses did not hold so far; 0 without a log. */
int64_t rewrite_declines(const Graph *);
/* `what` (static) was declined since they were that many: if by none, no test would ask for a case, so it is noted. */
void rewrite_declined(const Graph *, const char *what, int64_t declines);
/* Changes that no result depends on: counted by rule, outside the limit. */
void rewrite_note(Graph *, const char *rule, int64_t count);
#endif
