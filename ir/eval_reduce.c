/* Reductions along axes, in row-major order of the operand. */
#include "ir/eval_util.h"
#include <math.h>

static double f_sum(double s, double x) { return s + x; }
static double f_max(double s, double x) { return s != s || s > x ? s : x; }
static double f_min(double s, double x) { return s != s || s < x ? s : x; }
static double f_prod(double s, double x) { return s * x; }
static double f_sumsq(double s, double x) { return s + x * x; }
static double f_l1(double s, double x) { return s + fabs(x); }

/* Integers modulo 2^64; big: held are the bits of a u64. */
static int64_t i_sum(int64_t s, int64_t x, bool big) { return (void)big, (int64_t)((uint64_t)s + (uint64_t)x); }
static int64_t i_max(int64_t s, int64_t x, bool big) { return integer_below(s, x, big) ? x : s; }
static int64_t i_min(int64_t s, int64_t x, bool big) { return integer_below(x, s, big) ? x : s; }
static int64_t i_prod(int64_t s, int64_t x, bool big) { return (void)big, (int64_t)((uint64_t)s * (uint64_t)x); }
static int64_t i_sumsq(int64_t s, int64_t x, bool big) { return i_sum(s, i_prod(x, x, big), big); }
static int64_t i_l1(int64_t s, int64_t x, bool big) {
  return (int64_t)((uint64_t)s + (x < 0 && !big ? 0 - (uint64_t)x : (uint64_t)x));
}

typedef struct {
  double (*f)(double, double);
  int64_t (*i)(int64_t, int64_t, bool);
  double first; /* of nothing */
  enum { AS_IS, DIVIDE, ROOT } finish;
} Reduction;

static const Reduction table[OP_COUNT] = {
    [OP_reduce_sum] = {f_sum, i_sum, 0, AS_IS},
    [OP_reduce_mean] = {f_sum, i_sum, 0, DIVIDE},
    [OP_reduce_max] = {f_max, i_max, -INFINITY, AS_IS},
    [OP_reduce_min] = {f_min, i_min, INFINITY, AS_IS},
    [OP_reduce_prod] = {f_prod, i_prod, 1, AS_IS},
    [OP_reduce_sumsq] = {f_sumsq, i_sumsq, 0, AS_IS},
    [OP_reduce_l1] = {f_l1, i_l1, 0, AS_IS},
    [OP_reduce_l2] = {f_sumsq, i_sumsq, 0, ROOT},
};

typedef struct {
  const Reduction *rule;
  const Tensor *in;
  Tensor *out;
  bool big;
} Rows;

static void float_row(void *context, int64_t n, const int64_t *at, const int64_t *step) {
  const Rows *r = context;
  const double *in = r->in->f + at[0];
  double *out = r->out->f + at[1];
  for (int64_t k = 0; k < n; k++) out[k * step[1]] = r->rule->f(out[k * step[1]], in[k * step[0]]);
}

static void integer_row(void *context, int64_t n, const int64_t *at, const int64_t *step) {
  const Rows *r = context;
  const int64_t *in = r->in->i + at[0];
  int64_t *out = r->out->i + at[1];
  for (int64_t k = 0; k < n; k++) out[k * step[1]] = r->rule->i(out[k * step[1]], in[k * step[0]], r->big);
}

static void finish_floats(const Reduction *rule, double count, int64_t n, double *out) {
  for (int64_t k = 0; k < n; k++) {
    if (rule->finish == DIVIDE) out[k] /= count;
    if (rule->finish == ROOT) out[k] = sqrt(out[k]);
  }
}

/* Means and roots of integers are cut off towards zero; the mean of nothing is 0. */
static void finish_integers(const Reduction *rule, DType t, int64_t count, int64_t n, int64_t *out) {
  for (int64_t k = 0; k < n; k++) {
    if (rule->finish == DIVIDE && t == DT_u64)
      out[k] = count ? (int64_t)((uint64_t)out[k] / (uint64_t)count) : 0;
    else if (rule->finish == DIVIDE)
      out[k] = count ? out[k] / count : 0;
    if (rule->finish == ROOT) out[k] = integer_from_double(t, sqrt(integer_to_double(t, out[k])));
    out[k] = integer_wrap(t, out[k]);
  }
}

static int64_t first_integer(const Reduction *rule, DType t) {
  if (isinf(rule->first)) return rule->first < 0 ? integer_least(t) : integer_greatest(t);
  return (int64_t)rule->first;
}

void eval_reduce(Eval *e) {
  const Tensor *in = e->in[0];
  Tensor *out = &e->out[0];
  const Reduction *rule = &table[e->op->kind];
  DType t = in->type.dtype;
  unsigned keep = (1u << in->type.rank) - 1;
  int64_t count = 1, strides[MAX_RANK];
  for (int32_t i = 0; i < e->op->attrs.axes.count; i++) {
    keep &= ~(1u << e->op->attrs.axes.at[i]);
    count *= in->type.dim[e->op->attrs.axes.at[i]];
  }
  int64_t n = kept_strides(&in->type, keep, strides);
  for (int64_t k = 0; k < n; k++) {
    if (out->f)
      out->f[k] = rule->first;
    else
      out->i[k] = first_integer(rule, t);
  }
  Rows rows = {rule, in, out, t == DT_u64};
  Walk w = walk_over(&in->type);
  walk_add_type(&w, &in->type);
  walk_add_strides(&w, strides);
  walk_run(w, out->f ? float_row : integer_row, &rows);
  if (out->f)
    finish_floats(rule, (double)count, n, out->f);
  else
    finish_integers(rule, t, count, n, out->i);
}

/* t as [outer, length, inner] around an axis. */
static void split(const Type *t, int64_t axis, int64_t *outer, int64_t *inner) {
  *outer = *inner = 1;
  for (int i = 0; i < t->rank; i++) {
    if (i < axis) *outer *= t->dim[i];
    if (i > axis) *inner *= t->dim[i];
  }
}

/* 1: element a comes before b in the order that is looked for, -1: after, 0: the same. NaN comes first. */
static int compare(const Tensor *x, int64_t a, int64_t b, bool largest) {
  int sign;
  if (x->f) {
    double p = x->f[a], q = x->f[b];
    if (p != p || q != q) return (p != p) - (q != q);
    sign = (p > q) - (p < q);
  } else {
    bool big = x->type.dtype == DT_u64;
    sign = integer_below(x->i[b], x->i[a], big) - integer_below(x->i[a], x->i[b], big);
  }
  return largest ? sign : -sign;
}

void eval_argmax(Eval *e) {
  const Attrs *a = &e->op->attrs;
  const Tensor *x = e->in[0];
  int64_t outer, inner, length = x->type.dim[a->axis];
  split(&x->type, a->axis, &outer, &inner);
  for (int64_t o = 0; o < outer; o++)
    for (int64_t i = 0; i < inner; i++) {
      int64_t first = o * length * inner + i, best = 0;
      for (int64_t k = 1; k < length; k++) {
        int order = compare(x, first + k * inner, first + best * inner, a->largest != 0);
        if (order > 0 || (order == 0 && a->mode)) best = k;
      }
      e->out[0].i[o * inner + i] = best;
    }
}

/* An element's place is the number of those that come before it. */
void eval_topk(Eval *e) {
  const Attrs *a = &e->op->attrs;
  const Tensor *x = e->in[0];
  int64_t outer, inner, length = x->type.dim[a->axis];
  split(&x->type, a->axis, &outer, &inner);
  for (int64_t o = 0; o < outer; o++)
    for (int64_t i = 0; i < inner; i++)
      for (int64_t k = 0; k < length; k++) {
        int64_t first = o * length * inner + i, place = 0;
        for (int64_t j = 0; j < length; j++) {
          int order = compare(x, first + j * inner, first + k * inner, a->largest != 0);
          place += order > 0 || (order == 0 && j < k);
        }
        if (place < a->k) e->out[0].i[(o * a->k + place) * inner + i] = k;
      }
}

void eval_cumsum(Eval *e) {
  const Attrs *a = &e->op->attrs;
  const Tensor *x = e->in[0];
  Tensor *y = &e->out[0];
  int64_t outer, inner, length = x->type.dim[a->axis];
  split(&x->type, a->axis, &outer, &inner);
  for (int64_t o = 0; o < outer; o++)
    for (int64_t i = 0; i < inner; i++) {
      double sum = 0;
      uint64_t whole = 0;
      for (int64_t k = 0; k < length; k++) {
        int64_t at = (o * length + (a->reverse ? length - 1 - k : k)) * inner + i;
        double before = sum;
        uint64_t whole_before = whole;
        if (y->f)
          sum += x->f[at], y->f[at] = a->exclusive ? before : sum;
        else
          whole += (uint64_t)x->i[at],
              y->i[at] = integer_wrap((DType)y->type.dtype, (int64_t)(a->exclusive ? whole_before : whole));
      }
    }
}

/* Shifted by the largest element, so that no exponential overflows. */
void eval_softmax(Eval *e) {
  const Attrs *a = &e->op->attrs;
  const Tensor *x = e->in[0];
  int64_t outer, inner, length = x->type.dim[a->axis];
  split(&x->type, a->axis, &outer, &inner);
  for (int64_t o = 0; o < outer; o++)
    for (int64_t i = 0; i < inner; i++) {
      const double *in = x->f + o * length * inner + i;
      double *out = e->out[0].f + o * length * inner + i;
      double top = -INFINITY, sum = 0;
      for (int64_t k = 0; k < length; k++) top = f_max(top, in[k * inner]);
      for (int64_t k = 0; k < length; k++) sum += exp(in[k * inner] - top);
      for (int64_t k = 0; k < length; k++) {
        double shifted = in[k * inner] - top;
        out[k * inner] = a->mode ? shifted - log(sum) : exp(shifted) / sum;
      }
    }
}
