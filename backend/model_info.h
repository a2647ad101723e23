/* Figures of a model: what 'nextc inspect' prints. */
#ifndef NEXTC_MODEL_INFO_H
#define NEXTC_MODEL_INFO_H
#include "ir/ir.h"

typedef struct {
  int64_t macs;            /* multiply-accumulates; of one image where peel-batch found images */
  int64_t params;          /* elements of the float tensors of sources that are used */
  int64_t weight_bytes;    /* of the weights as compiled */
  int64_t workspace_bytes; /* for one thread, largest of all targets */
  int64_t ops[OP_COUNT];   /* computed ones; not inputs, weights, literals, outputs, constant expressions */
} ModelInfo;

/* Multiply-accumulates of one op with static types: convolutions and matrix products; 0 for all others. */
int64_t op_macs(const Graph *, const Op *);
/* Bytes that one op moves between memory and its kernel, each operand once. Values that stay inside the op's group move
 * none, nor do views (reshape). */
typedef struct {
  int64_t in, weights, out;
} OpTraffic;
OpTraffic op_traffic(const Graph *, OpId);
/* Parameters read by the constant expression v (each tensor of a source once per call). */
int64_t constant_params(const Graph *, ValueId v);
/* How many computed ops of each kind. */
void count_ops(const Graph *, int64_t ops[OP_COUNT]);
/* Of a graph after the whole pipeline. */
ModelInfo model_info(const Graph *);
#endif
