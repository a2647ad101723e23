/* Rarer ways to make and change graphs: leaves, copies, pinned symbols. The everyday mutators are in ir.h. */
#ifndef NEXTC_GRAPH_EDIT_H
#define NEXTC_GRAPH_EDIT_H
#include "ir/ir.h"

/* A T_LEAF op (input, weight, const) of the given type. Returns 0 and fills error[256] where inference refuses. */
OpId graph_try_leaf(Graph *, OpKind, const Type *, const Attrs *, const Loc *, OpId before, char *error);

/* A copy that shares the original's sources (closed by the original only) and, read-only, its arena: free it first. */
Graph *graph_clone(const Graph *);

/* Replaces symbol * c by value * c in every type, attribute and known content; value >= 0. Returns 0, or the op that
 * does not fit this value, with what is wrong in error[256]; the graph is of no use then (pin a clone where in doubt).
 */
OpId graph_pin_symbol(Graph *, int symbol, int64_t value, char *error);

/* Computes type, constness and known contents of every op anew, once, in statement order: after many attributes changed
 * together. Dies where inference refuses. */
void graph_reinfer_all(Graph *);
/* Returns the first op that no longer fits and fills error[256]; 0: all fit. */
OpId graph_try_reinfer_all(Graph *, char *error);

/* Gives a leaf another type; graph_reinfer_all then computes what follows from it. */
void graph_set_leaf_type(Graph *, OpId, const Type *);

/* Swaps the first two operands of a commutative op. */
void graph_swap_operands(Graph *, OpId);

/* Moves an op to before `before` (0: to the end). */
void graph_move_op(Graph *, OpId, OpId before);
#endif
