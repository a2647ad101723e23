/* Pools, in either layout. */
#include "ir/eval_util.h"
#include "ir/window.h"
#include <math.h>

typedef struct {
  int axes;
  bool average, count_pad;
  Window window[MAX_RANK];
  int64_t in[MAX_RANK];     /* spatial dims of the operand */
  int64_t stride[MAX_RANK]; /* operand elements from pixel to pixel along each */
  Type taps;
} Pool;

/* Window at `pixel` of the plane that begins at operand element `base`. */
static void pool_window(const Pool *p, const Tensor *x, int64_t base, const int64_t *pixel, Tensor *out, int64_t at) {
  int64_t tap[MAX_RANK] = {0}, counted = 0;
  double sum = 0, top = -INFINITY;
  DType t = x->type.dtype;
  int64_t integer_top = x->f ? 0 : integer_least(t);
  do {
    int64_t from = base;
    bool inside = true, countable = true;
    for (int i = 0; i < p->axes; i++) {
      const Window *w = &p->window[i];
      int64_t k = pixel[i] * w->stride - w->begin + tap[i] * w->dilation;
      inside = inside && k >= 0 && k < p->in[i];
      countable = countable && k < p->in[i] + w->end; /* what ceil adds beyond the padding never counts */
      from += k * p->stride[i];
    }
    counted += inside || (p->count_pad && countable);
    if (!inside) continue;
    if (!x->f)
      integer_top = integer_below(integer_top, x->i[from], t == DT_u64) ? x->i[from] : integer_top;
    else if (p->average)
      sum += x->f[from];
    else if (top == top && !(x->f[from] <= top))
      top = x->f[from]; /* a NaN wins and stays */
  } while (next_index(&p->taps, tap));
  if (out->i)
    out->i[at] = integer_top;
  else
    out->f[at] = p->average ? sum / (double)counted : top;
}

static void pool(Eval *e, bool average) {
  const Attrs *a = &e->op->attrs;
  const Tensor *x = e->in[0];
  Tensor *out = &e->out[0];
  if (!type_elements(&out->type)) return;
  int axes = x->type.rank - 2, first = a->layout ? 1 : 2, channel_axis = a->layout ? axes + 1 : 1;
  int64_t strides[MAX_RANK], index[MAX_RANK] = {0}, at = 0;
  type_strides(&x->type, strides);
  Pool p = {.axes = axes, .average = average, .count_pad = a->count_pad};
  p.taps.rank = (uint8_t)axes;
  for (int i = 0; i < axes; i++) {
    p.window[i] = window_at(a, i, axes);
    p.in[i] = x->type.dim[first + i];
    p.stride[i] = strides[first + i];
    p.taps.dim[i] = p.window[i].kernel;
  }
  do pool_window(&p, x, index[0] * strides[0] + index[channel_axis] * strides[channel_axis], index + first, out, at++);
  while (next_index(&out->type, index));
}

void eval_pool(Eval *e) { pool(e, e->op->kind == OP_avg_pool); }
