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

/* Number of the graph output whose buffer a root is computed into; -1: none. */
int root_output(const Graph *, ValueId root);

/* Numbers among OP_input and OP_output ops, in statement order. */
int input_number(const Graph *, OpId);
int output_number(const Graph *, OpId);

/* Place of a value: input, output, arena (its root's @{at}) or weights (slots from collect_weights). */
Place value_place(const Graph *, ValueId, const WeightSlot *slots, size_t slot_count);
#endif
