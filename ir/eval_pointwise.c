/* Elementwise operators. Float functions work in double; integer functions in int64_t modulo 2^64, wrapped afterwards.
 * big: the operands are u64, whose upper half is held as negative int64_t. */
#include "ir/eval_util.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- one operand ---- */

static double f_neg(double x, const Attrs *a) { return (void)a, -x; }
static double f_abs(double x, const Attrs *a) { return (void)a, fabs(x); }
static double f_sign(double x, const Attrs *a) { return (void)a, x > 0 ? 1 : x < 0 ? -1 : x; }
static double f_sqrt(double x, const Attrs *a) { return (void)a, sqrt(x); }
static double f_reciprocal(double x, const Attrs *a) { return (void)a, 1 / x; }
static double f_exp(double x, const Attrs *a) { return (void)a, exp(x); }
static double f_log(double x, const Attrs *a) { return (void)a, log(x); }
static double f_erf(double x, const Attrs *a) { return (void)a, erf(x); }
static double f_sin(double x, const Attrs *a) { return (void)a, sin(x); }
static double f_cos(double x, const Attrs *a) { return (void)a, cos(x); }
static double f_tanh(double x, const Attrs *a) { return (void)a, tanh(x); }
static double f_sigmoid(double x, const Attrs *a) { return (void)a, 1 / (1 + exp(-x)); }
static double f_relu(double x, const Attrs *a) { return (void)a, x < 0 ? 0 : x; }
/* At -inf its limit 0, as gelu: the factor vanishes faster than x grows. */
static double f_silu(double x, const Attrs *a) { return (void)a, x == -INFINITY ? 0 : x / (1 + exp(-x)); }
static double f_leaky_relu(double x, const Attrs *a) { return x < 0 ? a->alpha * x : x; }
static double f_elu(double x, const Attrs *a) { return x < 0 ? a->alpha * expm1(x) : x; }
static double f_softplus(double x, const Attrs *a) { return (void)a, log1p(exp(-fabs(x))) + (x < 0 ? 0 : x); }
static double f_floor(double x, const Attrs *a) { return (void)a, floor(x); }
static double f_ceil(double x, const Attrs *a) { return (void)a, ceil(x); }

static const double sqrt_half = 0.70710678118654752440, sqrt_2_over_pi = 0.79788456080286535588;

/* x Phi(x) by erfc, which keeps its relative precision where Phi is small. */
static double f_gelu(double x, const Attrs *a) {
  if (x == -INFINITY) return 0;
  if (a->mode) return 0.5 * x * (1 + tanh(sqrt_2_over_pi * (x + 0.044715 * x * x * x)));
  return 0.5 * x * erfc(-x * sqrt_half);
}

static double clip01(double x) { return x < 0 ? 0 : x > 1 ? 1 : x; }
static double f_hard_sigmoid(double x, const Attrs *a) { return clip01(a->alpha * x + a->beta); }
static double f_hard_swish(double x, const Attrs *a) { return (void)a, x * clip01(x / 6 + 0.5); }

/* Halves to even, whatever the rounding mode of the machine. */
static double f_round(double x, const Attrs *a) {
  (void)a;
  double below = floor(x), above = x - below;
  if (above > 0.5 || (above == 0.5 && fmod(below, 2) != 0)) below += 1;
  return copysign(below, x);
}

static int64_t i_neg(int64_t x) { return (int64_t)(0 - (uint64_t)x); }
static int64_t i_not(int64_t x) { return !x; }

/* Operators whose integer form looks at the sign; unsigned operands have none. */
static int64_t i_abs(int64_t x) { return x < 0 ? i_neg(x) : x; }
static int64_t i_sign(int64_t x) { return (x > 0) - (x < 0); }
static int64_t i_relu(int64_t x) { return x < 0 ? 0 : x; }

typedef struct {
  double (*f)(double, const Attrs *);
  int64_t (*i)(int64_t); /* NULL: floats only */
} Unary;

static const Unary unary[OP_COUNT] = {
    [OP_neg] = {f_neg, i_neg},    [OP_abs] = {f_abs, i_abs},
    [OP_sign] = {f_sign, i_sign}, [OP_sqrt] = {f_sqrt, NULL},
    [OP_exp] = {f_exp, NULL},     [OP_reciprocal] = {f_reciprocal, NULL},
    [OP_log] = {f_log, NULL},     [OP_erf] = {f_erf, NULL},
    [OP_sin] = {f_sin, NULL},     [OP_cos] = {f_cos, NULL},
    [OP_tanh] = {f_tanh, NULL},   [OP_sigmoid] = {f_sigmoid, NULL},
    [OP_relu] = {f_relu, i_relu}, [OP_gelu] = {f_gelu, NULL},
    [OP_silu] = {f_silu, NULL},   [OP_leaky_relu] = {f_leaky_relu, NULL},
    [OP_elu] = {f_elu, NULL},     [OP_hard_sigmoid] = {f_hard_sigmoid, NULL},
    [OP_round] = {f_round, NULL}, [OP_hard_swish] = {f_hard_swish, NULL},
    [OP_floor] = {f_floor, NULL}, [OP_softplus] = {f_softplus, NULL},
    [OP_ceil] = {f_ceil, NULL},   [OP_not] = {NULL, i_not},
};

void eval_unary(Eval *e) {
  const Tensor *x = e->in[0];
  Tensor *out = &e->out[0];
  const Unary *u = &unary[e->op->kind];
  int64_t n = type_elements(&x->type);
  DType t = x->type.dtype;
  bool unsigned_sign = t == DT_u64 && e->op->kind != OP_neg;
  if (e->op->kind == OP_is_nan)
    for (int64_t k = 0; k < n; k++) out->i[k] = x->f[k] != x->f[k];
  else if (x->f)
    for (int64_t k = 0; k < n; k++) out->f[k] = u->f(x->f[k], &e->op->attrs);
  else if (unsigned_sign)
    for (int64_t k = 0; k < n; k++) out->i[k] = e->op->kind == OP_sign ? x->i[k] != 0 : x->i[k];
  else
    for (int64_t k = 0; k < n; k++) out->i[k] = integer_wrap(t, u->i(x->i[k]));
}

/* The one op that rounds: to what it is for. */
static void round_to_half(Tensor *t) {
  unsigned char *bytes = malloc(type_bytes(&t->type) + 1);
  if (!bytes) die("out of memory");
  tensor_store(t, bytes, false);
  tensor_load(t, bytes);
  free(bytes);
}

void eval_cast(Eval *e) {
  const Tensor *x = e->in[0];
  Tensor *out = &e->out[0];
  DType from = x->type.dtype, to = out->type.dtype;
  int64_t n = type_elements(&x->type);
  if (x->f && out->f)
    memcpy(out->f, x->f, sizeof *x->f * (size_t)n);
  else if (x->f)
    for (int64_t k = 0; k < n; k++) out->i[k] = integer_from_double(to, x->f[k]);
  else if (out->f)
    for (int64_t k = 0; k < n; k++) out->f[k] = integer_to_double(from, x->i[k]);
  else
    for (int64_t k = 0; k < n; k++) out->i[k] = integer_wrap(to, x->i[k]);
  if (dtype_is_half(to)) round_to_half(out);
}

/* ---- two operands ---- */

static double f_add(double a, double b) { return a + b; }
static double f_sub(double a, double b) { return a - b; }
static double f_mul(double a, double b) { return a * b; }
static double f_div(double a, double b) { return a / b; }
static double f_min(double a, double b) { return a != a || a < b ? a : b; }
static double f_max(double a, double b) { return a != a || a > b ? a : b; }
static double f_mod(double a, double b) {
  double r = fmod(a, b);
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

static int64_t i_add(int64_t a, int64_t b, bool big) { return (void)big, (int64_t)((uint64_t)a + (uint64_t)b); }
static int64_t i_sub(int64_t a, int64_t b, bool big) { return (void)big, (int64_t)((uint64_t)a - (uint64_t)b); }
static int64_t i_mul(int64_t a, int64_t b, bool big) { return (void)big, (int64_t)((uint64_t)a * (uint64_t)b); }
static int64_t i_div(int64_t a, int64_t b, bool big) {
  if (b == 0) return 0;
  if (big) return (int64_t)((uint64_t)a / (uint64_t)b);
  return b == -1 ? i_neg(a) : a / b;
}
/* Remainder with the sign of a. By 0: 0. */
static int64_t i_fmod(int64_t a, int64_t b, bool big) {
  if (b == 0 || (b == -1 && !big)) return 0;
  return big ? (int64_t)((uint64_t)a % (uint64_t)b) : a % b;
}
static int64_t i_mod(int64_t a, int64_t b, bool big) {
  int64_t r = i_fmod(a, b, big);
  return !big && r != 0 && (r < 0) != (b < 0) ? r + b : r;
}
static int64_t i_pow(int64_t a, int64_t b, bool big) {
  if (b < 0 && !big) return a == 1 ? 1 : a == -1 ? (b & 1 ? -1 : 1) : 0;
  uint64_t result = 1, base = (uint64_t)a;
  for (uint64_t n = (uint64_t)b; n; n >>= 1, base *= base)
    if (n & 1) result *= base;
  return (int64_t)result;
}
static int64_t i_min(int64_t a, int64_t b, bool big) { return integer_below(b, a, big) ? b : a; }
static int64_t i_max(int64_t a, int64_t b, bool big) { return integer_below(a, b, big) ? b : a; }
static int64_t i_equal(int64_t a, int64_t b, bool big) { return (void)big, a == b; }
static int64_t i_less(int64_t a, int64_t b, bool big) { return integer_below(a, b, big); }
static int64_t i_less_equal(int64_t a, int64_t b, bool big) { return !integer_below(b, a, big); }
static int64_t i_and(int64_t a, int64_t b, bool big) { return (void)big, a & b; }
static int64_t i_or(int64_t a, int64_t b, bool big) { return (void)big, a | b; }
static int64_t i_xor(int64_t a, int64_t b, bool big) { return (void)big, a ^ b; }
static int64_t t_equal(double a, double b) { return a == b; }
static int64_t t_less(double a, double b) { return a < b; }
static int64_t t_less_equal(double a, double b) { return a <= b; }

typedef struct {
  double (*f)(double, double);
  int64_t (*i)(int64_t, int64_t, bool);
  int64_t (*test)(double, double); /* floats to bool */
} Binary;

static const Binary binary[OP_COUNT] = {
    [OP_add] = {f_add, i_add, NULL},
    [OP_sub] = {f_sub, i_sub, NULL},
    [OP_mul] = {f_mul, i_mul, NULL},
    [OP_div] = {f_div, i_div, NULL},
    [OP_mod] = {f_mod, i_mod, NULL},
    [OP_pow] = {pow, i_pow, NULL},
    [OP_min] = {f_min, i_min, NULL},
    [OP_max] = {f_max, i_max, NULL},
    [OP_equal] = {NULL, i_equal, t_equal},
    [OP_less] = {NULL, i_less, t_less},
    [OP_less_equal] = {NULL, i_less_equal, t_less_equal},
    [OP_and] = {NULL, i_and, NULL},
    [OP_or] = {NULL, i_or, NULL},
    [OP_xor] = {NULL, i_xor, NULL},
};
static const Binary float_remainder = {fmod, i_fmod, NULL};

typedef struct {
  const Binary *rule;
  const Tensor *a, *b, *c;
  Tensor *out;
  bool big;
} Rows;

static void float_row(void *context, int64_t n, const int64_t *at, const int64_t *step) {
  const Rows *r = context;
  double *out = r->out->f + at[0];
  const double *a = r->a->f + at[1], *b = r->b->f + at[2];
  double (*f)(double, double) = r->rule->f;
  for (int64_t k = 0; k < n; k++) out[k * step[0]] = f(a[k * step[1]], b[k * step[2]]);
}

static void test_row(void *context, int64_t n, const int64_t *at, const int64_t *step) {
  const Rows *r = context;
  int64_t *out = r->out->i + at[0];
  const double *a = r->a->f + at[1], *b = r->b->f + at[2];
  for (int64_t k = 0; k < n; k++) out[k * step[0]] = r->rule->test(a[k * step[1]], b[k * step[2]]);
}

static void integer_row(void *context, int64_t n, const int64_t *at, const int64_t *step) {
  const Rows *r = context;
  int64_t *out = r->out->i + at[0];
  const int64_t *a = r->a->i + at[1], *b = r->b->i + at[2];
  DType t = r->out->type.dtype;
  for (int64_t k = 0; k < n; k++)
    out[k * step[0]] = integer_wrap(t, r->rule->i(a[k * step[1]], b[k * step[2]], r->big));
}

void eval_binary(Eval *e) {
  const Tensor *a = e->in[0], *b = e->in[1];
  bool remainder = e->op->kind == OP_mod && e->op->attrs.mode;
  Rows rows = {remainder ? &float_remainder : &binary[e->op->kind], a, b, NULL, &e->out[0], a->type.dtype == DT_u64};
  Walk w = walk_over(&e->out[0].type);
  walk_add_type(&w, &e->out[0].type);
  walk_add_type(&w, &a->type);
  walk_add_type(&w, &b->type);
  walk_run(w, !a->f ? integer_row : e->out[0].f ? float_row : test_row, &rows);
}

static void where_row(void *context, int64_t n, const int64_t *at, const int64_t *step) {
  const Rows *r = context;
  const int64_t *c = r->c->i + at[1];
  char *out = (char *)tensor_data(r->out) + 8 * at[0];
  const char *a = (const char *)tensor_data(r->a) + 8 * at[2], *b = (const char *)tensor_data(r->b) + 8 * at[3];
  for (int64_t k = 0; k < n; k++)
    memcpy(out + 8 * k * step[0], c[k * step[1]] ? a + 8 * k * step[2] : b + 8 * k * step[3], 8);
}

void eval_where(Eval *e) {
  Rows rows = {NULL, e->in[1], e->in[2], e->in[0], &e->out[0], false};
  Walk w = walk_over(&e->out[0].type);
  walk_add_type(&w, &e->out[0].type);
  for (int i = 0; i < 3; i++) walk_add_type(&w, &e->in[i]->type);
  walk_run(w, where_row, &rows);
}
