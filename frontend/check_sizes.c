/* A small file must not ask for gigabytes: what a model computes from its weights may be a few times their size, and no
 * more; what it computes at run time must fit an address space. */
#include "frontend/check_sizes.h"

enum { FREE_MIB = 64, GROWTH = 8, LARGEST_GIB = 64 };

static double value_bytes(const Type *t) {
  double n = (double)dtype_bytes(t->dtype);
  for (int i = 0; i < t->rank; i++) n *= dim_is_number(t->dim[i]) ? (double)t->dim[i] : 1;
  return n;
}

static double weight_bytes(const Graph *g) {
  double sum = 0;
  FOR_EACH_OP(g, id)
  if (op_at(g, id)->kind == OP_weight) sum += value_bytes(type_of(g, op_at(g, id)->first_result));
  return sum;
}

bool check_sizes(const Graph *g) {
  const double mib = 1 << 20, most_constant = FREE_MIB * mib + GROWTH * weight_bytes(g),
               most = LARGEST_GIB * 1024 * mib;
  FOR_EACH_OP(g, id) {
    const Op *op = op_at(g, id);
    for (uint32_t r = 0; r < op->result_count; r++) {
      const Value *v = value_at(g, op->first_result + r);
      double bytes = value_bytes(&v->type);
      if (v->constant && op->kind != OP_weight && bytes > most_constant)
        return diag(g->context, DIAG_ERROR, where_op(g, id), "makes a constant of %.0f MiB from weights of %.0f MiB",
                    bytes / mib, weight_bytes(g) / mib);
      if (bytes > most)
        return diag(g->context, DIAG_ERROR, where_op(g, id), "its result of %.0f GiB is larger than %d GiB",
                    bytes / mib / 1024, LARGEST_GIB);
    }
  }
  return true;
}
