/* nextc opt --tune: the free numbers of a schedule, searched by running them. */
#ifndef NEXTC_TUNE_H
#define NEXTC_TUNE_H
#include "backend/target.h"
#include "ir/ir.h"
#include <stdio.h>

typedef struct {
  const char *cc;       /* C compiler with flags */
  const Target *target; /* whose tiles are searched; NULL: the best path of this CPU */
  int rounds;           /* turns of each program */
  bool strict_fp;
  FILE *report; /* a line for each kernel */
} TuneOptions;

/* Gives each group of a scheduled graph (complete_schedule) the tile with which it ran fastest. False + diag: the graph
 * is as it was. */
bool tune_graph(Context *, Graph *, const TuneOptions *);
#endif
