/* Passes over the tensor IR. pipeline.c has the table; each pass is one function int verb_noun(Graph *) that returns
 * how many rewrites it made and cannot fail. */
#ifndef NEXTC_PASSES_H
#define NEXTC_PASSES_H
#include "ir/ir.h"

typedef struct {
  bool strict_fp; /* REASSOC rewrites off */
} PassOptions;

typedef struct {
  const char *name; /* as users write it: "clean-import" */
  const char *doc;
  int (*run)(Graph *, const PassOptions *);
  unsigned needs, gives; /* facts.h */
} PassInfo;
extern const PassInfo pipeline[];
extern const int pipeline_length;
int pass_from_name(const char *name); /* index; -1 where there is none */

/* Called before and after each pass; NULL: nobody. */
typedef void (*BeforePass)(void *user, const Graph *, const PassInfo *);
typedef void (*AfterPass)(void *user, const Graph *, const PassInfo *, int rewrites);

/* A part of the pipeline. All zeros: what comes after graph->last_pass. */
typedef struct {
  const char *start_from, *stop_after; /* first and last pass; NULL: after graph->last_pass; the last of the pipeline */
  const bool *selected;                /* [pipeline_length] of these only; NULL: all */
  BeforePass before;
  AfterPass after;
  void *user;
} PassRun;

/* Runs the passes. False + diag where one lacks what it needs, or where the model cannot be compiled (a symbolic batch
 * that cannot be peeled). */
bool run_passes(Graph *, const PassOptions *, const PassRun *);
/* The same for all passes after graph->last_pass up to and with stop_after (NULL: all). */
bool run_pipeline(Graph *, const PassOptions *, const char *stop_after, AfterPass, void *user);

/* ---- the passes, one file each ---- */
int clean_import(Graph *, const PassOptions *);
int peel_batch(Graph *, const PassOptions *);
int recover_ops(Graph *, const PassOptions *);
int channels_last(Graph *, const PassOptions *);
int fold_weights(Graph *, const PassOptions *);
int canonicalise(Graph *, const PassOptions *);
int group_ops(Graph *, const PassOptions *);
int pack_weights(Graph *, const PassOptions *);
int split_products(Graph *, const PassOptions *);
int place_buffers(Graph *, const PassOptions *);
int tile_kernels(Graph *, const PassOptions *);

/* False + diag for each op whose data type evaluator and frontend know but no kernel computes in. */
bool check_dtypes(Graph *);

/* Makes a program ready for lowering: groups and places whatever has no @{} yet, so that one whose @{} were deleted
 * compiles. False + diag where a pass before these is missing. */
bool complete_schedule(Graph *);

/* Tiles and pitches of the schedules that ops had, for those that begin a kernel now. */
void keep_choices(Graph *, const Sched *old, size_t count);

/* ---- what a text may have wrong: the first op at fault, 0: none. The graph is grouped (and placed). ---- */
OpId misgrouped_op(const Graph *);                    /* its group is none that its family computes */
OpId mistiled_op(const Graph *, const char **what);   /* a tile that its target or family cannot have */
OpId mispitched_op(const Graph *, const char **what); /* a pitch, the same */
OpId misplaced_op(const Graph *); /* its offset is no multiple of 64, or lies in a buffer that is still in use */
#endif
