/* Operators by index, and those that compute with shapes. */
#include "ir/eval_util.h"
#include <string.h>

/* An index outside -d .. d - 1 takes the nearest element. */
static int64_t element_index(int64_t at, int64_t d) {
  if (at < 0) at += d;
  return at < 0 ? 0 : at >= d ? d - 1 : at;
}

void eval_gather(Eval *e) {
  const Tensor *data = e->in[0], *index = e->in[1];
  int64_t axis = e->op->attrs.axis, outer = 1, inner = 1, d = data->type.dim[axis];
  for (int i = 0; i < data->type.rank; i++) {
    if (i < axis) outer *= data->type.dim[i];
    if (i > axis) inner *= data->type.dim[i];
  }
  int64_t count = type_elements(&index->type);
  char *out = tensor_data(&e->out[0]);
  const char *in = tensor_data(data);
  size_t run = 8 * (size_t)inner;
  for (int64_t o = 0; o < outer; o++)
    for (int64_t k = 0; k < count && run; k++)
      memcpy(out + (size_t)(o * count + k) * run, in + (size_t)(o * d + element_index(index->i[k], d)) * run, run);
}

void eval_shape(Eval *e) {
  const Attrs *a = &e->op->attrs;
  for (int64_t i = a->axis; i < a->end; i++) e->out[0].i[i - a->axis] = e->in[0]->type.dim[i];
}

void eval_range(Eval *e) {
  const Tensor *start = e->in[0], *delta = e->in[2];
  Tensor *out = &e->out[0];
  for (int64_t k = 0, n = type_elements(&out->type); k < n; k++) {
    if (out->f)
      out->f[k] = start->f[0] + (double)k * delta->f[0];
    else
      out->i[k] = integer_wrap(out->type.dtype, (int64_t)((uint64_t)start->i[0] + (uint64_t)k * (uint64_t)delta->i[0]));
  }
}
