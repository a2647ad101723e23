/* Operators by index, and those that compute with shapes. */
#include "ir/eval_util.h"
#include <math.h>
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

/* Calls visit with each place of an index tensor and the element of the data that it stands for. */
typedef void AtElement(Eval *, int64_t place, int64_t element);
static void visit_elements(Eval *e, AtElement *visit) {
  const Type *data = &e->in[0]->type, *index = &e->in[1]->type;
  int64_t axis = e->op->attrs.axis, strides[MAX_RANK], at[MAX_RANK] = {0};
  type_strides(data, strides);
  for (int64_t place = 0, n = type_elements(index); place < n; place++) {
    int64_t element = element_index(e->in[1]->i[place], data->dim[axis]) * strides[axis];
    for (int i = 0; i < data->rank; i++) element += i == axis ? 0 : at[i] * strides[i];
    visit(e, place, element);
    next_index(index, at);
  }
}

static void gather_element(Eval *e, int64_t place, int64_t element) {
  if (e->out[0].f)
    e->out[0].f[place] = e->in[0]->f[element];
  else
    e->out[0].i[place] = e->in[0]->i[element];
}

void eval_gather_elements(Eval *e) { visit_elements(e, gather_element); }

static double merge_floats(const char *mode, double a, double b) {
  if (!mode) return b;
  if (!strcmp(mode, "add")) return a + b;
  if (!strcmp(mode, "mul")) return a * b;
  if (a != a || b != b) return NAN;
  return (mode[1] == 'i') == (a < b) ? a : b;
}

static int64_t merge_integers(const char *mode, DType t, int64_t a, int64_t b) {
  if (!mode) return b;
  if (!strcmp(mode, "add")) return integer_wrap(t, (int64_t)((uint64_t)a + (uint64_t)b));
  if (!strcmp(mode, "mul")) return integer_wrap(t, (int64_t)((uint64_t)a * (uint64_t)b));
  return (mode[1] == 'i') == integer_below(a, b, t == DT_u64) ? a : b;
}

static void scatter_element(Eval *e, int64_t place, int64_t element) {
  const char *mode = e->op->attrs.mode;
  Tensor *out = &e->out[0];
  if (out->f)
    out->f[element] = merge_floats(mode, out->f[element], e->in[2]->f[place]);
  else
    out->i[element] = merge_integers(mode, (DType)out->type.dtype, out->i[element], e->in[2]->i[place]);
}

void eval_scatter_elements(Eval *e) {
  int64_t n = type_elements(&e->out[0].type);
  if (n) memcpy(tensor_data(&e->out[0]), tensor_data(e->in[0]), 8 * (size_t)n);
  visit_elements(e, scatter_element);
}

void eval_resize(Eval *e) {
  const Tensor *x = e->in[0], *index = e->in[1], *weight = e->in[2];
  int64_t axis = e->op->attrs.axis, outer = 1, inner = 1, d = x->type.dim[axis];
  int64_t rows = index->type.dim[0], taps = index->type.dim[1];
  for (int i = 0; i < x->type.rank; i++) *(i < axis ? &outer : &inner) *= i == axis ? 1 : x->type.dim[i];
  for (int64_t row = 0; row < outer * rows; row++)
    for (int64_t t = 0; t < taps; t++) {
      int64_t tap = row % rows * taps + t;
      const double *from = x->f + (row / rows * d + element_index(index->i[tap], d)) * inner;
      double *to = e->out[0].f + row * inner, w = weight->f[tap];
      for (int64_t i = 0; i < inner; i++) to[i] += w * from[i];
    }
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
