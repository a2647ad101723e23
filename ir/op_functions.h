/* Prototypes of the functions that the rows of ops.def name: generated, so that a new row needs none written. */
#ifndef NEXTC_OP_FUNCTIONS_H
#define NEXTC_OP_FUNCTIONS_H
#include "ir/ir.h"

#define OP(name, min, max, results, attributes, infer_name, eval_name, family, traits, doc)                            \
  bool infer_##infer_name(Infer *);                                                                                    \
  void eval_##eval_name(Eval *);
#include "ir/ops.def"
#undef OP
#endif
