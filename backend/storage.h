/* Where values live at run time, and which ops run at all. Shared by the passes that schedule and by lowering. */
#ifndef NEXTC_STORAGE_H
#define NEXTC_STORAGE_H
#include "ir/ir.h"
#include "ir/loop.h"

/* A constant's slot in the weights: written in slot order, offsets are multiples of 64. */
typedef struct {
  ValueId value;
  int64_t offset, bytes;
} WeightSlot;

/* Constants that kernels read, each once, in order of first use. total: bytes of the weights file's data. */
WeightSlot *collect_weights(const Graph *, Arena *, size_t *count, int64_t *total);

/* Does a kernel compute this op? Not leaves, outputs, views, or constant expressions (those are evaluated when the
 * weights are written), but for a copy of a constant into a graph output. */
bool op_is_runtime(const Graph *, OpId);

/* The value whose memory v shares: reshapes of computed values are views. */
ValueId storage_root(const Graph *, ValueId v);

/* [value_count] by root: number of the graph output whose buffer it is computed into (the first of several); -1: none.
 * malloc'ed. */
int32_t *root_outputs(const Graph *);

/* Where every value of a graph is that changes no more. */
typedef struct {
  const Graph *graph;
  int32_t *output_of; /* [value_count] root_outputs */
  int64_t *weight_at; /* [value_count] offset in the weights; -1: not there */
  int32_t *input_of;  /* [op_count] number among OP_input ops, of these alone */
  size_t slot_count;
  int64_t weight_bytes;
} Storage;
Storage storage_new(const Graph *, Arena *);
void storage_free(Storage *);

/* [op_count] by op: where the arena's values that exist while it is computed end. */
int64_t *live_ends(const Graph *, Arena *);

/* Place of a value: input, output, arena (its root's @{at}) or weights. */
Place value_place(const Storage *, ValueId);
#endif
