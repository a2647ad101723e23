/* The functions of lower_math.c with their error bounds, a kernel that computes one, and arguments to try. */
#ifndef NEXTC_MATH_TABLE_H
#define NEXTC_MATH_TABLE_H
#include "backend/lower_math.h"
#include "tests/test.h"
#include <float.h>
#include <math.h>
#include <stdlib.h>

typedef RegId MathFunction(Kernel *, RegId, const char *);

static double gelu(double x) { return isinf(x) && x < 0 ? 0 : x * 0.5 * erfc(-x * 0.707106781186547524); }
static double sigmoid(double x) { return 1 / (1 + exp(-x)); }
static double silu(double x) { return isinf(x) && x < 0 ? 0 : x * sigmoid(x); }
static double gelu_tanh(double x) {
  return fabs(x) > 1e6 ? (x > 0 ? x : 0) : x * sigmoid(1.59576912160573081 * (x + 0.044715 * x * x * x));
}
static double softplus(double x) { return fmax(x, 0) + log1p(exp(-fabs(x))); }

typedef struct {
  const char *name;
  MathFunction *make;
  double (*reference)(double);
  int lanes;
  double absolute, relative; /* |error| <= absolute + relative |result| */
  double high;               /* largest argument to try */
} Row;

/* 1.5e-45 is the least denormal; 6e-8 is half a unit in the last place. */
static const Row rows[] = {
    {"exp", math_exp, exp, 8, 1.5e-45, 1.1e-7, INFINITY},
    {"expm1", math_expm1, expm1, 8, 1.5e-45, 2.5e-7, 0},
    {"tanh", math_tanh, tanh, 8, 1.5e-45, 3e-7, INFINITY},
    {"sigmoid", math_sigmoid, sigmoid, 8, 3e-39, 2.5e-7, INFINITY},
    {"silu", math_silu, silu, 8, 2.7e-37, 3e-7, INFINITY},
    {"gelu_tanh", math_gelu_tanh, gelu_tanh, 8, 3e-7, 1.2e-7, INFINITY},
    {"gelu", math_gelu, gelu, 8, 2.6e-7, 6e-8, INFINITY},
    {"erf", math_erf, erf, 8, 1.5e-45, 4e-7, INFINITY},
    {"softplus", math_softplus, softplus, 1, 1.5e-45, 3e-7, INFINITY},
};
enum { ROWS = sizeof rows / sizeof *rows, SAMPLES = 40000 };

static inline Kernel *make_kernel(Arena *arena, const Row *row, DType type, int lanes, int64_t count) {
  Kernel *k = kernel_new(arena, row->name, "test");
  ParamId in = kernel_param(k, "x", ROLE_IN, type, count), out = kernel_param(k, "y", ROLE_OUT, type, count);
  VarId i = emit_for(k, LOP_pfor, "i", 0, count / lanes, 1);
  RegId x = kernel_reg(k, type == DT_f32 ? REG_f32 : REG_f64, lanes, "a");
  emit_load(k, x, in, affine_var(i, lanes));
  emit_store(k, out, affine_var(i, lanes), row->make(k, x, "r"));
  emit_end(k);
  return k;
}

static inline uint64_t next(uint64_t *state) { return *state = *state * 6364136223846793005u + 1442695040888963407u; }

/* Half: any sign, exponent and mantissa. Half: an even grid over -12 .. 12. */
static inline void fill(float *x, int count, float high, uint64_t seed) {
  for (int i = 0; i < count; i++) {
    uint32_t bits = (uint32_t)(next(&seed) >> 32) ^ (uint32_t)i << 23;
    memcpy(&x[i], &bits, 4);
    if (i % 2) x[i] = (float)i / (float)count * 24 - 12;
    if (x[i] > high) x[i] = -x[i];
  }
}

/* Largest error in units of the bound; NaN for NaN is none. */
static inline double worst(const Row *row, const float *x, const float *y, int count, float *where) {
  double most = 0;
  for (int i = 0; i < count; i++) {
    double want = row->reference((double)x[i]);
    double error = fabs((double)y[i] - want) / (row->absolute + row->relative * fabs(want));
    if (isnan(want) && isnan(y[i])) continue;
    if ((double)y[i] == want || (float)want == y[i]) continue;
    if (error > most || isnan(error)) most = isnan(error) ? INFINITY : error, *where = x[i];
  }
  return most;
}

enum { SPECIALS = 16 };
static const float specials[SPECIALS] = {NAN,      INFINITY, -INFINITY, -0.0f, 0,      FLT_MAX, -FLT_MAX, FLT_MIN,
                                         -FLT_MIN, 1e-45f,   -1e-45f,   1e18f, -1e18f, 1e-20f,  -8,       8};

/* As far as the function takes them. */
static inline void fill_specials(const Row *row, float *x) {
  for (int i = 0; i < SPECIALS; i++) x[i] = (double)specials[i] > row->high ? -specials[i] : specials[i];
}
#endif
