/* Normalisations: layernorm and grn, in two passes over the data each. */
#include "ir/eval_util.h"
#include <math.h>
#include <stdlib.h>

static unsigned mask_of(Ints axes) {
  unsigned mask = 0;
  for (int32_t i = 0; i < axes.count; i++) mask |= 1u << axes.at[i];
  return mask;
}

/* Rows see x (and out) at array 0, a statistic at array 1, scale and bias at array 2. */
typedef struct {
  const double *x;
  double *out;
  double *mean, *variance; /* layernorm: [kept axes]; grn: mean is n */
  const double *scale, *bias;
} Rows;

static void sum_row(void *context, int64_t n, const int64_t *at, const int64_t *step) {
  const Rows *r = context;
  for (int64_t k = 0; k < n; k++) r->mean[at[1] + k * step[1]] += r->x[at[0] + k * step[0]];
}

static void variance_row(void *context, int64_t n, const int64_t *at, const int64_t *step) {
  const Rows *r = context;
  for (int64_t k = 0; k < n; k++) {
    double d = r->x[at[0] + k * step[0]] - r->mean[at[1] + k * step[1]];
    r->variance[at[1] + k * step[1]] += d * d;
  }
}

/* variance holds sqrt(var + eps) by now */
static void layernorm_row(void *context, int64_t n, const int64_t *at, const int64_t *step) {
  const Rows *r = context;
  for (int64_t k = 0; k < n; k++) {
    int64_t x = at[0] + k * step[0], s = at[1] + k * step[1], a = at[2] + k * step[2];
    double y = (r->x[x] - r->mean[s]) / r->variance[s];
    if (r->scale) y *= r->scale[a];
    if (r->bias) y += r->bias[a];
    r->out[x] = y;
  }
}

static const double *operand(const Eval *e, uint32_t index) {
  return index < e->op->operand_count && e->in[index] ? e->in[index]->f : NULL;
}

void eval_layernorm(Eval *e) {
  const Type *t = &e->in[0]->type;
  unsigned reduced = mask_of(e->op->attrs.axes);
  int64_t stat[MAX_RANK], affine[MAX_RANK];
  int64_t kept = kept_strides(t, ~reduced, stat), count = kept_strides(t, reduced, affine);
  Walk w = walk_over(t);
  walk_add_type(&w, t);
  walk_add_strides(&w, stat);
  walk_add_strides(&w, affine);
  Rows r = {e->in[0]->f, e->out[0].f, eval_alloc(kept), eval_alloc(kept), operand(e, 1), operand(e, 2)};
  walk_run(w, sum_row, &r);
  for (int64_t k = 0; k < kept; k++) r.mean[k] /= (double)count;
  walk_run(w, variance_row, &r);
  for (int64_t k = 0; k < kept; k++) r.variance[k] = sqrt(r.variance[k] / (double)count + e->op->attrs.eps);
  walk_run(w, layernorm_row, &r);
  free(r.mean);
  free(r.variance);
}

static void square_row(void *context, int64_t n, const int64_t *at, const int64_t *step) {
  const Rows *r = context;
  for (int64_t k = 0; k < n; k++) {
    double x = r->x[at[0] + k * step[0]];
    r->mean[at[1] + k * step[1]] += x * x;
  }
}

static void divide_row(void *context, int64_t n, const int64_t *at, const int64_t *step) {
  const Rows *r = context;
  for (int64_t k = 0; k < n; k++) r->out[at[0] + k * step[0]] /= r->mean[at[1] + k * step[1]];
}

static void grn_row(void *context, int64_t n, const int64_t *at, const int64_t *step) {
  const Rows *r = context;
  for (int64_t k = 0; k < n; k++) {
    int64_t x = at[0] + k * step[0], c = at[2] + k * step[2];
    double y = r->x[x] * r->mean[at[1] + k * step[1]];
    if (r->scale) y *= r->scale[c];
    if (r->bias) y += r->bias[c];
    r->out[x] = r->x[x] + y;
  }
}

void eval_grn(Eval *e) {
  const Attrs *a = &e->op->attrs;
  const Type *t = &e->in[0]->type;
  unsigned reduced = mask_of(a->axes), channel = 1u << a->axis;
  int64_t norm[MAX_RANK], affine[MAX_RANK], mean[MAX_RANK];
  int64_t norms = kept_strides(t, ~reduced, norm), means = kept_strides(t, ~(reduced | channel), mean);
  kept_strides(t, channel, affine);
  double *g = eval_alloc(norms), *m = eval_alloc(means);

  Walk all = walk_over(t);
  walk_add_type(&all, t);
  walk_add_strides(&all, norm);
  walk_add_strides(&all, affine);
  Rows r = {e->in[0]->f, e->out[0].f, g, NULL, operand(e, 1), operand(e, 2)};
  walk_run(all, square_row, &r);
  for (int64_t k = 0; k < norms; k++) g[k] = sqrt(g[k]);

  Walk over_norms = walk_over(t); /* reduced axes have one element here */
  for (int i = 0; i < t->rank; i++)
    if (reduced >> i & 1) over_norms.dim[i] = 1;
  walk_add_strides(&over_norms, norm);
  walk_add_strides(&over_norms, mean);
  Rows s = {.x = g, .out = g, .mean = m};
  walk_run(over_norms, sum_row, &s);
  for (int64_t k = 0; k < means; k++) m[k] = m[k] / (double)t->dim[a->axis] + a->eps;
  walk_run(over_norms, divide_row, &s);

  walk_run(all, grn_row, &r);
  free(g);
  free(m);
}
