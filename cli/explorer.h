/* The explorer: one HTML page that shows every pass and every kernel of a model, without a network. The page is
 * cli/explorer/page.html with style, scripts and the data, which are JSON. */
#ifndef NEXTC_EXPLORER_H
#define NEXTC_EXPLORER_H
#include "cli/opt.h"

typedef struct Explorer Explorer;

/* Begins with the program as it was read. In the context's arena. */
Explorer *explorer_new(Context *, const Graph *);
/* The program after a pass. */
void explorer_after(Explorer *, const Graph *, const PassRecord *);
/* After the last pass: schedules what has no schedule, lowers for every target, writes the page. False + diag. */
bool explorer_write(Explorer *, Graph *, const char *path);
#endif
