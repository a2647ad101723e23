/* Error bounds of lower_math.c, measured by loop_eval against C's library in double: all exponents, random mantissas, a
 * dense grid where the functions bend, special values; with fma rounding once and twice. */
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

static Kernel *make_kernel(Arena *arena, const Row *row, DType type, int lanes, int64_t count) {
  Kernel *k = kernel_new(arena, row->name, "test");
  ParamId in = kernel_param(k, "x", ROLE_IN, type, count), out = kernel_param(k, "y", ROLE_OUT, type, count);
  VarId i = emit_for(k, LOP_pfor, "i", 0, count / lanes, 1);
  RegId x = kernel_reg(k, type == DT_f32 ? REG_f32 : REG_f64, lanes, "a");
  emit_load(k, x, in, affine_var(i, lanes));
  emit_store(k, out, affine_var(i, lanes), row->make(k, x, "r"));
  emit_end(k);
  return k;
}

static bool run(const Row *row, DType type, int lanes, bool fma_once, const void *x, void *y, int64_t count) {
  Context *context = context_new();
  Kernel *k = make_kernel(context->arena, row, type, lanes, count);
  bool good = loop_check(context, k);
  for (size_t i = 0; i < context->count; i++) printf("%s\n", context->list[i].text);
  if (good) loop_eval(k, (void *const[]){(void *)(uintptr_t)x, y}, fma_once, 0, 1);
  context_free(context);
  return good;
}

static uint64_t next(uint64_t *state) { return *state = *state * 6364136223846793005u + 1442695040888963407u; }

/* Half: any sign, exponent and mantissa. Half: an even grid over -12 .. 12. */
static void fill(float *x, int count, float high, uint64_t seed) {
  for (int i = 0; i < count; i++) {
    uint32_t bits = (uint32_t)(next(&seed) >> 32) ^ (uint32_t)i << 23;
    memcpy(&x[i], &bits, 4);
    if (i % 2) x[i] = (float)i / (float)count * 24 - 12;
    if (x[i] > high) x[i] = -x[i];
  }
}

/* Largest error in units of the bound; NaN for NaN is none. */
static double worst(const Row *row, const float *x, const float *y, int count, float *where) {
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

static void check_bounds(const Row *row, bool fma_once) {
  static float x[SAMPLES], y[SAMPLES];
  float where = 0;
  fill(x, SAMPLES, (float)row->high, 7);
  CHECK(run(row, DT_f32, row->lanes, fma_once, x, y, SAMPLES));
  double most = worst(row, x, y, SAMPLES, &where);
  CHECK(most <= 1);
  if (most > 1 || getenv("VERBOSE"))
    printf("%s fma=%d: %.3f of the bound, at %a\n", row->name, fma_once, most, (double)where);
}

static void check_special(const Row *row, bool fma_once) {
  static const float x[16] = {NAN,      INFINITY, -INFINITY, -0.0f, 0,      FLT_MAX, -FLT_MAX, FLT_MIN,
                              -FLT_MIN, 1e-45f,   -1e-45f,   1e18f, -1e18f, 1e-20f,  -8,       8};
  float usable[16], y[16], where = 0;
  for (int i = 0; i < 16; i++) usable[i] = (double)x[i] > row->high ? -x[i] : x[i];
  CHECK(run(row, DT_f32, row->lanes, fma_once, usable, y, 16));
  CHECK(isnan(y[0]));
  double most = worst(row, usable, y, 16, &where);
  if (most > 1) printf("%s: %.3f of the bound, at %a\n", row->name, most, (double)where);
  CHECK(most <= 1);
}

/* f64 goes to the library: close to double precision, and right at the ends. */
static void check_double(const Row *row) {
  enum { COUNT = 400 };
  double x[COUNT], y[COUNT];
  for (int i = 0; i < COUNT; i++) x[i] = row->high == 0 ? -i * 0.05 : (i - 200) * 0.05;
  x[0] = NAN, x[1] = -INFINITY, x[2] = row->high;
  CHECK(run(row, DT_f64, 1, false, x, y, COUNT));
  CHECK(isnan(y[0]));
  for (int i = 1; i < COUNT; i++) {
    double want = row->reference(x[i]);
    CHECK(y[i] == want || fabs(y[i] - want) <= 1e-15 + 1e-14 * fabs(want));
  }
}

static void check_exact_ends(void) {
  const float x[8] = {INFINITY, -INFINITY, 20, -20, 128, -128, 0, -200};
  float y[8];
  for (int r = 0; r < ROWS; r++) {
    if (rows[r].high == 0) continue;
    TEST(rows[r].name);
    CHECK(run(&rows[r], DT_f32, rows[r].lanes, true, x, y, 8));
    for (int i = 0; i < 2; i++) CHECK(y[i] == (float)rows[r].reference((double)x[i]));
  }
}

/* Equal literals of one block are one register. */
static void check_shared_literals(void) {
  TEST("two GELUs share their literals");
  Arena *arena = arena_new();
  Kernel *k = kernel_new(arena, "two", "test");
  ParamId p = kernel_param(k, "x", ROLE_INOUT, DT_f32, 16);
  emit_for(k, LOP_pfor, "i", 0, 1, 1);
  int literals[2];
  for (int i = 0; i < 2; i++) {
    RegId x = kernel_reg(k, REG_f32, 8, "a");
    emit_load(k, x, p, affine(8 * i));
    emit_store(k, p, affine(8 * i), math_gelu(k, x, "g"));
    literals[i] = 0;
    for (StmtId s = 1; s < k->stmt_count; s++) literals[i] += k->stmts[s].op == LOP_const;
  }
  emit_end(k);
  CHECK(literals[0] == 11 && literals[1] == 11);
  arena_free(arena);
}

int main(void) {
  for (int r = 0; r < ROWS; r++) {
    TEST(rows[r].name);
    for (int once = 0; once < 2; once++) {
      check_bounds(&rows[r], once);
      check_special(&rows[r], once);
    }
    check_double(&rows[r]);
  }
  check_exact_ends();
  check_shared_literals();
  return test_result();
}
