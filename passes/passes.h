/* Passes over the tensor IR. pipeline.c has the table; each pass is one function int verb_noun(Graph *) that returns how
 * many rewrites it made and cannot fail. */
#ifndef NEXTC_PASSES_H
#define NEXTC_PASSES_H
#include "ir/ir.h"

typedef struct {
  bool strict_fp;   /* REASSOC rewrites off */
} PassOptions;

typedef struct {
  const char *name;   /* as users write it: "clean-import" */
  const char *doc;
  int (*run)(Graph *, const PassOptions *);
} PassInfo;
extern const PassInfo pipeline[];
extern const int pipeline_length;
int pass_from_name(const char *name); /* index; -1 where there is none */

/* Called after each pass; NULL: nobody. */
typedef void (*AfterPass)(void *user, const Graph *, const PassInfo *, int rewrites);

/* Runs the passes that come after graph->last_pass, up to and with stop_after (NULL: all). False + diag where the model
 * cannot be compiled (a symbolic batch that cannot be peeled). */
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
int place_buffers(Graph *, const PassOptions *);

/* Groups and places whatever has no @{} yet, so that a program whose @{} were deleted compiles. */
void complete_schedule(Graph *);
#endif
