/* The tensor evaluator: the oracle that every other way of running a graph is compared with.
 * Floats of every type are held and computed in double, never rounded between ops; integers and bools in int64_t,
 * wrapped to their type after each op. Naive loops: read, not fast. */
#ifndef NEXTC_EVAL_H
#define NEXTC_EVAL_H
#include "ir/ir.h"

typedef struct {
  Type type;  /* static */
  double *f;  /* [elements] of a float type, else NULL */
  int64_t *i; /* [elements] of any other type, else NULL */
} Tensor;

/* malloc'ed, zeroed; tensor_free frees. */
Tensor tensor_new(const Type *);
void tensor_free(Tensor *);
/* Widens little-endian elements as a source or a file holds them. */
void tensor_load(Tensor *, const void *bytes);
/* Rounds once (to nearest even) into the type's own elements, little- or big-endian. */
void tensor_store(const Tensor *, void *bytes, bool big_endian);

/* What an eval_<name> function of ops.def gets: operands and allocated, zeroed results. It cannot fail. */
struct Eval {
  const Graph *graph;
  const Op *op;
  const Tensor *const *in; /* [operand_count]; NULL: left out */
  Tensor *out;             /* [result_count] */
};

/* Evaluates one op on given operands (known contents, folding, tests). out: allocated by the call. */
void eval_op(const Graph *, const Op *, const Tensor *const *in, Tensor *out);

/* A constant expression's value. Caches nothing; each intermediate is freed after its last use. False + diag where a
 * source lacks the tensor. */
bool eval_const(const Graph *, ValueId, Tensor *out);

/* The same, rounded into type_bytes elements as tensor_store does. Faster: what is moved and scaled elementwise is made
 * in one sweep over the result, with the same bits. */
bool eval_const_store(const Graph *, ValueId, void *bytes, bool big_endian);

/* The same bytes in order, piece by piece: what is made in one sweep is never in memory whole. */
typedef void ConstPiece(void *user, const unsigned char *bytes, size_t count);
bool eval_const_pieces(const Graph *, ValueId, bool big_endian, ConstPiece *take, void *user);

/* Runs the whole graph. inputs in the order of OP_input ops (types must match; a symbolic dim takes the input's
 * number); outputs in the order of OP_output ops, allocated by the call. After peel-batch the graph is run once per
 * image. observe (may be NULL) sees every value before it is freed. False + diag on inputs that do not fit. */
typedef void (*Observe)(void *user, const Graph *, ValueId, const Tensor *);
bool eval_graph(const Graph *, const Tensor *inputs, size_t input_count, Tensor *outputs, size_t output_count,
                Observe observe, void *user);

/* Row-major odometer: next index of a shape; false after the last one. */
bool next_index(const Type *, int64_t *index);
#endif
