/* Which pass, and which rewrite in it, makes a good program bad. */
#ifndef NEXTC_BISECT_H
#define NEXTC_BISECT_H
#include "passes/passes.h"

typedef struct {
  Graph *(*load)(void *user);              /* the program before all passes, a fresh one each time; NULL + diag */
  bool (*good)(void *user, const Graph *); /* is the program still good? */
  void *user;
  PassOptions options;
} Bisection;

typedef struct {
  const char *pass; /* the first pass after which the program is bad; NULL: none */
  int64_t rewrite;  /* the first rewrite after which it is: counted over all passes from 1, as in --rule-limit; 0: the
                     * pass does it outside of its counted rewrites */
  const char *rule; /* its name */
  Where at;         /* and what it was made of; strings in the arena */
} Culprit;

/* False + diag where a program cannot be loaded or a pass cannot run. The program before all passes must be good. */
bool bisect_passes(const Bisection *, Arena *, Culprit *out);
#endif
