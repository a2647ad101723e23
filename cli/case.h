/* Test cases in the layout of ONNX's own backend tests: FOLDER/model.onnx, FOLDER/test_data_set_N/{input,output}_I.pb
 * (or .npy). */
#ifndef NEXTC_CASE_H
#define NEXTC_CASE_H
#include "ir/eval.h"

typedef struct {
  const char *name;   /* "test_data_set_0", "random 1" */
  TensorView *inputs; /* data in the context's arena */
  size_t input_count;
  Tensor *outputs; /* the reference */
  size_t output_count;
  bool from_evaluator; /* outputs are the evaluator's, not stored ones */
} DataSet;

typedef struct {
  Context *context;
  const char *name;  /* for people: last part of the folder's path */
  const char *model; /* path */
  DataSet *sets;
  size_t set_count, set_capacity;
} Case;

/* folder: a case folder, or a model file (a case without data). model: NULL: the folder's model.onnx, model.nir or
 * model.yaml, or the folder itself where it is a checkpoint.
 * False + diag in the context; case_free in either case. */
bool case_load(Context *, const char *folder, const char *model, Case *out);
void case_free(Case *);

/* Adds a set of random inputs for the graph's inputs: floats uniform over the range of the same input in the first
 * stored set ([-1, 1] without one), integers and bools likewise ({0, 1} without one). Symbols get `symbol_value`. The
 * outputs are the evaluator's on this graph. The same seed gives the same set on every machine. */
bool case_add_random(Case *, const Graph *, uint64_t seed, int64_t symbol_value);

/* What a set's inputs say about the graph's symbols. */
typedef struct {
  int64_t symbol[MAX_SYMBOLS]; /* 0: no input says */
  int64_t images;              /* of a graph after peel-batch, whose types are those of one image; else 0 */
} Bindings;
/* By matching the graph's inputs' types. False + diag where count, data types or dims do not fit. */
bool bind_symbols(const Graph *, const DataSet *, Bindings *);
/* t with its symbols replaced, of all images. */
Type type_bound(const Type *, const Bindings *);

/* The evaluator on a set's inputs; outputs are rounded to their types and the caller's to free,
 * also after false. */
bool evaluate(const Graph *, const DataSet *, Tensor *outputs, size_t output_count);

/* Graph inputs or outputs (kind OP_input, OP_output) in order; returns how many. */
size_t graph_ports(const Graph *, OpKind, OpId *ports, size_t room);
enum { MAX_PORTS = 256 };
#endif
