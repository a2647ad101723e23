/* nextc bench: timings of a model by one backend with one number of threads, and how they are told. */
#ifndef NEXTC_BENCH_H
#define NEXTC_BENCH_H
#include "cli/build.h"
#include "cli/cli.h"
#include "ir/loop.h"

typedef struct {
  const char *backend;  /* "c", "jit" */
  const char *compiler; /* of c: the command; of jit: "LLVM" */
  const Target *target; /* the path that ran */
  int threads;
  int cpus;             /* on which it was kept; 0: it was not */
  double *runs, *peaks; /* seconds of each run of the model and of the peak kernel, in turn */
  size_t run_count, peak_count;
  double *steps; /* seconds of each step of the loop program, fastest of all runs */
  size_t step_count;
  double read; /* bytes a second from memory, best; 0: not measured */
} Timing;

typedef struct {
  Context *context;
  Graph *graph;           /* through the passes */
  const char *name;       /* as the command line has it */
  const char *command;    /* whose errors these are: "nextc bench" */
  int64_t macs;           /* of one image */
  int64_t images;         /* in a call */
  int repeat;             /* 0: what fits in about two seconds, at least 5 */
  const Target *path;     /* NULL: the best one */
  CompileOptions options; /* of the C; its targets are those of path */
  Build build;            /* of the C; folder NULL: not made yet */
  bool only_steps;        /* neither the peak nor the speed of memory is measured */
} Bench;

/* Time the model; false + diag. In the context's arena. */
bool bench_c(Bench *, int threads, Timing *);
bool bench_jit(Bench *, int threads, Timing *);

/* bench_report.c */
double timing_best(const double *seconds, size_t count);
double timing_median(Context *, const double *seconds, size_t count);
void bench_print_text(const Bench *, const Timing *, size_t count);
void bench_print_json(const Bench *, const Timing *, size_t count);
#endif
