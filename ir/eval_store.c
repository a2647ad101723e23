/* Constant expressions as stored elements; see eval.h. */
#include "ir/eval.h"

bool eval_const_store(const Graph *g, ValueId v, void *bytes, bool big_endian) {
  Tensor value = {0};
  if (!eval_const(g, v, &value)) return false;
  tensor_store(&value, bytes, big_endian);
  tensor_free(&value);
  return true;
}
