/* What 'nextc opt' knows of the passes that it ran, and its reports about them. */
#ifndef NEXTC_OPT_H
#define NEXTC_OPT_H
#include "passes/passes.h"
#include "passes/rewrite_log.h"
#include <stdio.h>

enum { MAX_PASSES = 64 };
typedef struct {
  const PassInfo *pass;
  double ms;
  int rewrites;
  RewriteLog log;        /* its counts by rule */
  int64_t ops[OP_COUNT]; /* computed ones after it */
} PassRecord;

/* {"passes": [...], "final": {...}, "kernels": {...}}, as docs/usage.md has it. */
void opt_stats_json(FILE *, const Graph *, const PassRecord *, int count);
void opt_stats_text(FILE *, const Graph *, const PassRecord *, int count);
/* The program as a graph in Graphviz's language: a node an op, a box a kernel, constants left out. */
void opt_dot(FILE *, const Graph *);
#endif
