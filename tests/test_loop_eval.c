/* Evaluator of the loop IR: what every operation does, on ordinary and special values; loops, slices, memory. */
#include "tests/loop_one.h"
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- one operation on 8 lanes ---- */

enum { LANES = 8 };

/* Runs "y = op x0 [x1 [x2]]" from memory to memory. types: of y and of the operands. */
static bool run_op(const char *op, const char *const *types, int count, int out_lanes, const void *const *in, void *out,
                   bool fma) {
  char lines[1024];
  size_t n = 0;
  void *pointers[4] = {out};
  static const char *const wide[] = {"", "x8"};
  n += (size_t)snprintf(lines + n, sizeof lines - n, "out y0 %s[8]\n", types[0]);
  for (int i = 0; i < count; i++) {
    n += (size_t)snprintf(lines + n, sizeof lines - n, "inout x%d %s[8]\n", i, types[i + 1]);
    pointers[i + 1] = (void *)(uintptr_t)in[i];
  }
  n += (size_t)snprintf(lines + n, sizeof lines - n, "reg %s%s y\n", types[0], wide[out_lanes == LANES]);
  for (int i = 0; i < count; i++) n += (size_t)snprintf(lines + n, sizeof lines - n, "reg %sx8 a%d\n", types[i + 1], i);
  n += (size_t)snprintf(lines + n, sizeof lines - n, "pfor i = 0 .. 1 {\n");
  for (int i = 0; i < count; i++) n += (size_t)snprintf(lines + n, sizeof lines - n, "a%d = load x%d[0]\n", i, i);
  n += (size_t)snprintf(lines + n, sizeof lines - n, "y = %s", op);
  for (int i = 0; i < count; i++) n += (size_t)snprintf(lines + n, sizeof lines - n, " a%d", i);
  snprintf(lines + n, sizeof lines - n, "\nstore y0[0] y\n}");
  return one_run(lines, pointers, fma);
}

static bool same_f(double a, double b) { return isnan(a) ? isnan(b) : a == b && signbit(a) == signbit(b); }

typedef struct {
  const char *op;
  int count;
  double x[3][LANES], want[LANES];
} FloatCase;

#define N NAN
#define I INFINITY
static const FloatCase float_cases[] = {
    {"mov", 1, {{1, -2, 0, -0.0, I, -I, N, 3}}, {1, -2, 0, -0.0, I, -I, N, 3}},
    {"add", 2, {{1, I, 0, -0.0, N, 1, -0.0, 2}, {2, -I, -0.0, -0.0, 1, N, 0, -2}}, {3, N, 0, -0.0, N, N, 0, 0}},
    {"sub", 2, {{1, I, 0, -0.0, N, 1, -0.0, 2}, {2, I, 0, 0, 1, N, -0.0, 2}}, {-1, N, 0, -0.0, N, N, 0, 0}},
    {"mul", 2, {{2, I, -0.0, -1, N, 1, I, -2}, {3, 0, 1, 0, 0, N, -1, -2}}, {6, N, -0.0, -0.0, N, N, -I, 4}},
    {"div", 2, {{3, 1, -1, 0, N, I, 1, 5}, {2, 0, 0, 0, 1, I, -I, -2}}, {1.5, I, -I, N, N, N, -0.0, -2.5}},
    /* a < b ? a : b: the second where one is a NaN, or the zeros differ in sign */
    {"min", 2, {{1, 2, N, 1, 0, -0.0, -I, I}, {2, 1, 1, N, -0.0, 0, 0, 0}}, {1, 1, 1, N, -0.0, 0, -I, 0}},
    {"max", 2, {{1, 2, N, 1, 0, -0.0, -I, I}, {2, 1, 1, N, -0.0, 0, 0, 0}}, {2, 2, 1, N, -0.0, 0, 0, I}},
    {"neg", 1, {{1, -2, 0, -0.0, I, -I, N, 3}}, {-1, 2, -0.0, 0, -I, I, N, -3}},
    {"abs", 1, {{1, -2, 0, -0.0, I, -I, N, -3}}, {1, 2, 0, 0, I, I, N, 3}},
    {"sqrt", 1, {{4, 2.25, 0, -0.0, I, -1, N, 9}}, {2, 1.5, 0, -0.0, I, N, N, 3}},
    {"floor", 1, {{1.5, -1.5, 0, -0.0, I, -I, N, 3}}, {1, -2, 0, -0.0, I, -I, N, 3}},
    {"round", 1, {{0.5, 1.5, 2.5, -1.5, -2.5, 2.75, N, -3}}, {0, 2, 2, -2, -2, 3, N, -3}},
    {"fma",
     3,
     {{2, I, N, 1, 1, -1, 0, 3}, {3, 0, 1, N, 1, 0, 0, 4}, {4, 1, 1, 1, N, -0.0, -0.0, -12}},
     {10, N, N, N, N, -0.0, 0, 0}},
};
static const FloatCase compare_cases[] = {
    {"lt", 2, {{1, 2, 1, N, 1, -0.0, -I, I}, {2, 1, 1, 1, N, 0, I, I}}, {-1, 0, 0, 0, 0, 0, -1, 0}},
    {"le", 2, {{1, 2, 1, N, 1, -0.0, -I, I}, {2, 1, 1, 1, N, 0, I, I}}, {-1, 0, -1, 0, 0, -1, -1, -1}},
    {"eq", 2, {{1, 2, 1, N, N, -0.0, -I, I}, {2, 1, 1, 1, N, 0, I, I}}, {0, 0, -1, 0, 0, -1, 0, -1}},
};
static const FloatCase sum_cases[] = {
    /* f32: 2^24 + 1 is 2^24: the sum depends on the order ((0+4)+(2+6)) + ((1+5)+(3+7)) */
    {"hsum", 1, {{16777216, 1, 1, 1, 1, 1, -16777216, 1}}, {5}},
    {"hsum", 1, {{0, 0, -0.0, 0, 0, 0, 0, I}}, {I}},
    {"hsum", 1, {{1, 2, 3, 4, 5, 6, 7, N}}, {N}},
    {"hmax", 1, {{1, 2, 3, 9, 5, 6, 7, 8}}, {9}},
    {"hmax", 1, {{-1, -2, -3, -I, -5, -6, -7, -8}}, {-1}},
};

/* Both float types: values of the table are exact in either. */
static void float_case(const FloatCase *c, const char *result, int lanes) {
  float x[3][LANES], y[LANES];
  double z[LANES];
  int32_t mask[LANES];
  bool masks = !strcmp(result, "i32");
  TEST(c->op);
  for (int i = 0; i < 3; i++)
    for (int l = 0; l < LANES; l++) x[i][l] = (float)c->x[i][l];
  CHECK(run_op(c->op, (const char *[]){masks ? "i32" : "f32", "f32", "f32", "f32"}, c->count, lanes,
               (const void *[]){x[0], x[1], x[2]}, masks ? (void *)mask : y, false));
  for (int l = 0; l < lanes; l++) CHECK(same_f(masks ? (double)mask[l] : (double)y[l], c->want[l]));
  CHECK(run_op(c->op, (const char *[]){masks ? "i32" : "f64", "f64", "f64", "f64"}, c->count, lanes,
               (const void *[]){c->x[0], c->x[1], c->x[2]}, masks ? (void *)mask : z, true));
  if (strcmp(c->op, "hsum") != 0)
    for (int l = 0; l < lanes; l++) CHECK(same_f(masks ? (double)mask[l] : z[l], c->want[l]));
}

typedef struct {
  const char *op;
  int count;
  int64_t x[2][LANES], want[LANES];
} IntCase;

/* m: least, M: largest integer of the type (as of i32; replaced for i64) */
#define m INT32_MIN
#define M INT32_MAX
static const IntCase int_cases[] = {
    {"add", 2, {{1, M, m, -1, 0, 5, 6, 7}, {2, 1, -1, 1, 0, 5, 6, 7}}, {3, m, M, 0, 0, 10, 12, 14}},
    {"sub", 2, {{1, m, M, -1, 0, 0, 6, 7}, {2, 1, -1, 1, m, 5, 6, 7}}, {-1, M, m, -2, m, -5, 0, 0}},
    {"mul", 2, {{3, m, M, -1, 0, m, 6, 7}, {-2, -1, 2, 1, m, 2, 6, 7}}, {-6, m, -2, -1, 0, 0, 36, 49}},
    {"div", 2, {{7, -7, 7, -7, 5, m, m, M}, {2, 2, -2, -2, 0, -1, 1, M}}, {3, -3, -3, 3, 0, m, m, 1}},
    {"mod", 2, {{7, -7, 7, -7, 5, m, m, M}, {2, 2, -2, -2, 0, -1, 1, M}}, {1, -1, 1, -1, 0, 0, 0, 0}},
    {"min", 2, {{1, 2, m, M, -1, 0, 3, 3}, {2, 1, M, m, 0, -1, 3, 4}}, {1, 1, m, m, -1, -1, 3, 3}},
    {"max", 2, {{1, 2, m, M, -1, 0, 3, 3}, {2, 1, M, m, 0, -1, 3, 4}}, {2, 2, M, M, 0, 0, 3, 4}},
    {"neg", 1, {{1, -2, 0, m, M, 5, 6, 7}}, {-1, 2, 0, m, m + 1, -5, -6, -7}},
    {"abs", 1, {{1, -2, 0, m, M, -5, 6, 7}}, {1, 2, 0, m, M, 5, 6, 7}},
    {"and", 2, {{12, -1, m, M, 0, 5, 6, 7}, {10, 7, -1, m, 1, 1, 2, 8}}, {8, 7, m, 0, 0, 1, 2, 0}},
    {"or", 2, {{12, -1, m, M, 0, 5, 6, 7}, {10, 7, 0, m, 1, 1, 1, 8}}, {14, -1, m, -1, 1, 5, 7, 15}},
    {"xor", 2, {{12, -1, m, M, 0, 5, 6, 7}, {10, 7, m, -1, 1, 1, 1, 8}}, {6, -8, 0, m, 1, 4, 7, 15}},
    {"shl", 2, {{1, 1, -1, M, 3, 5, 6, 0}, {0, 5, 1, 1, 2, 0, 1, 31}}, {1, 32, -2, -2, 12, 5, 12, 0}},
    {"shr", 2, {{1, 64, -1, -8, m, M, 6, -1}, {0, 5, 1, 1, 1, 1, 1, 31}}, {1, 2, -1, -4, m / 2, M / 2, 3, -1}},
    {"lt", 2, {{1, 2, m, M, 3, 0, 0, -1}, {2, 1, M, m, 3, 0, -1, 0}}, {-1, 0, -1, 0, 0, 0, 0, -1}},
    {"le", 2, {{1, 2, m, M, 3, 0, 0, -1}, {2, 1, M, m, 3, 0, -1, 0}}, {-1, 0, -1, 0, -1, -1, 0, -1}},
    {"eq", 2, {{1, 2, m, M, 3, 0, 0, -1}, {2, 1, M, M, 3, 0, -1, 0}}, {0, 0, 0, -1, -1, -1, 0, 0}},
    {"hsum", 1, {{1, 2, 3, 4, 5, 6, 7, 8}}, {36}},
    {"hsum", 1, {{M, 1, 0, 0, 0, 0, 0, 0}}, {m}},
    {"hmax", 1, {{m, -2, 3, 9, 5, 6, 7, M}}, {M}},
};

static int64_t widen(int64_t x) {
  if (x == m) return INT64_MIN;
  if (x == M) return INT64_MAX;
  return x == m + 1 ? INT64_MIN + 1 : x == m / 2 ? INT64_MIN / 2 : x == M / 2 ? INT64_MAX / 2 : x;
}

static void int_case(const IntCase *c) {
  int32_t x[2][LANES], y[LANES];
  int64_t wide[2][LANES], z[LANES];
  bool masks = !strcmp(c->op, "lt") || !strcmp(c->op, "le") || !strcmp(c->op, "eq");
  int lanes = c->op[0] == 'h' ? 1 : LANES;
  TEST(c->op);
  for (int i = 0; i < 2; i++)
    for (int l = 0; l < LANES; l++) x[i][l] = (int32_t)c->x[i][l], wide[i][l] = widen(c->x[i][l]);
  CHECK(run_op(c->op, (const char *[]){"i32", "i32", "i32"}, c->count, lanes, (const void *[]){x[0], x[1]}, y, false));
  for (int l = 0; l < lanes; l++) CHECK(y[l] == c->want[l]);
  CHECK(run_op(c->op, (const char *[]){masks ? "i32" : "i64", "i64", "i64"}, c->count, lanes,
               (const void *[]){wide[0], wide[1]}, masks ? (void *)y : z, false));
  for (int l = 0; l < lanes; l++) CHECK((masks ? y[l] : z[l]) == widen(c->want[l]));
}
#undef m
#undef M

static void conversions(void) {
  int32_t i[LANES];
  int64_t n[LANES];
  float f[LANES];
  double d[LANES];
  TEST("cvt f32 to integers: towards zero");
  const float x[LANES] = {1.9f, -1.9f, 0.5f, -0.0f, 2147483520.0f, -2147483648.0f, 16777216.0f, -7};
  const int64_t want[LANES] = {1, -1, 0, 0, 2147483520, INT32_MIN, 16777216, -7};
  CHECK(run_op("cvt", (const char *[]){"i32", "f32"}, 1, LANES, (const void *[]){x}, i, false));
  for (int l = 0; l < LANES; l++) CHECK(i[l] == want[l]);
  CHECK(run_op("cvt", (const char *[]){"i64", "f32"}, 1, LANES, (const void *[]){x}, n, false));
  for (int l = 0; l < LANES; l++) CHECK(n[l] == want[l]);
  TEST("cvt: out of range and NaN");
  const double wild[LANES] = {
      I, -I, N, 1e300, 9223372036854775808.0, -9223372036854775808.0, 2147483648.0, -2147483649.0};
  CHECK(run_op("cvt", (const char *[]){"i32", "f64"}, 1, LANES, (const void *[]){wild}, i, false));
  for (int l = 0; l < LANES; l++) CHECK(i[l] == INT32_MIN);
  CHECK(run_op("cvt", (const char *[]){"i64", "f64"}, 1, LANES, (const void *[]){wild}, n, false));
  for (int l = 0; l < 6; l++) CHECK(n[l] == INT64_MIN);
  CHECK(n[6] == 2147483648 && n[7] == -2147483649);
  TEST("cvt between floats");
  const double y[LANES] = {0.1, 1e300, -1e300, N, -0.0, I, 1e-300, 3};
  CHECK(run_op("cvt", (const char *[]){"f32", "f64"}, 1, LANES, (const void *[]){y}, f, false));
  const float narrow[LANES] = {0.1f, INFINITY, -INFINITY, NAN, -0.0f, INFINITY, 0, 3};
  for (int l = 0; l < LANES; l++) CHECK(same_f(f[l], narrow[l]));
  CHECK(run_op("cvt", (const char *[]){"f64", "f32"}, 1, LANES, (const void *[]){narrow}, d, false));
  for (int l = 0; l < LANES; l++) CHECK(same_f(d[l], narrow[l]));
  TEST("cvt from integers");
  const int32_t k[LANES] = {1, -1, INT32_MAX, INT32_MIN, 16777217, 0, 7, 8};
  CHECK(run_op("cvt", (const char *[]){"f32", "i32"}, 1, LANES, (const void *[]){k}, f, false));
  CHECK(f[0] == 1 && f[1] == -1 && f[2] == 2147483648.0f && f[3] == -2147483648.0f && f[4] == 16777216.0f);
  CHECK(run_op("cvt", (const char *[]){"f64", "i32"}, 1, LANES, (const void *[]){k}, d, false));
  CHECK(d[2] == 2147483647.0 && d[4] == 16777217.0);
  CHECK(run_op("cvt", (const char *[]){"i64", "i32"}, 1, LANES, (const void *[]){k}, n, false));
  CHECK(n[2] == INT32_MAX && n[3] == INT32_MIN);
  const int64_t q[LANES] = {1, -1, INT64_MAX, INT64_MIN, 9007199254740993, 4294967296 + 5, 2147483648, 16777217};
  CHECK(run_op("cvt", (const char *[]){"i32", "i64"}, 1, LANES, (const void *[]){q}, i, false));
  CHECK(i[0] == 1 && i[1] == -1 && i[2] == -1 && i[3] == 0 && i[5] == 5 && i[6] == INT32_MIN);
  CHECK(run_op("cvt", (const char *[]){"f64", "i64"}, 1, LANES, (const void *[]){q}, d, false));
  CHECK(d[2] == 0x1p63 && d[3] == -0x1p63 && d[4] == 9007199254740992.0);
  CHECK(run_op("cvt", (const char *[]){"f32", "i64"}, 1, LANES, (const void *[]){q}, f, false));
  CHECK(f[7] == 16777216.0f);
  TEST("bits");
  CHECK(run_op("bits", (const char *[]){"i32", "f32"}, 1, LANES, (const void *[]){narrow}, i, false));
  CHECK(i[4] == INT32_MIN && i[5] == 0x7f800000 && i[7] == 0x40400000);
  CHECK(run_op("bits", (const char *[]){"f32", "i32"}, 1, LANES, (const void *[]){i}, f, false));
  CHECK(!memcmp(f, narrow, sizeof f));
  CHECK(run_op("bits", (const char *[]){"i64", "f64"}, 1, LANES, (const void *[]){y}, n, false));
  CHECK(n[4] == INT64_MIN && n[7] == 0x4008000000000000);
  CHECK(run_op("bits", (const char *[]){"f64", "i64"}, 1, LANES, (const void *[]){n}, d, false));
  CHECK(!memcmp(d, y, sizeof d));
}

static void rounding(void) {
  TEST("fma rounds once, or twice");
  /* (1 + 2^-12)^2 = 1 + 2^-11 + 2^-24: the last term is lost when the product is rounded to f32 */
  float e = 1 + 0x1p-12f, x[LANES] = {e, e}, c[LANES] = {-1 - 0x1p-11f, -1}, y[LANES];
  const char *types[] = {"f32", "f32", "f32", "f32"};
  CHECK(run_op("fma", types, 3, LANES, (const void *[]){x, x, c}, y, true) && y[0] == 0x1p-24f);
  CHECK(run_op("fma", types, 3, LANES, (const void *[]){x, x, c}, y, false) && y[0] == 0);
  double d = 1 + 0x1p-27, u[LANES] = {d}, v[LANES] = {-1 - 0x1p-26}, z[LANES];
  const char *wide[] = {"f64", "f64", "f64", "f64"};
  CHECK(run_op("fma", wide, 3, LANES, (const void *[]){u, u, v}, z, true) && z[0] == 0x1p-54);
  CHECK(run_op("fma", wide, 3, LANES, (const void *[]){u, u, v}, z, false) && z[0] == 0);
  TEST("f32 is rounded after every operation");
  const float big[LANES] = {16777216.0f}, one[LANES] = {1};
  CHECK(run_op("add", types, 2, LANES, (const void *[]){big, one}, y, false) && y[0] == 16777216.0f);
}

static void select_splat(void) {
  TEST("select");
  const int32_t mask[LANES] = {-1, 0, -1, 0, -1, 0, 0, -1};
  const float b[LANES] = {1, 2, N, 4, 5, 6, 7, 8}, c[LANES] = {10, 20, 30, 40, N, 60, N, 80};
  float y[LANES];
  CHECK(
      run_op("select", (const char *[]){"f32", "i32", "f32", "f32"}, 3, LANES, (const void *[]){mask, b, c}, y, false));
  const double want[LANES] = {1, 20, N, 40, 5, 60, N, 8};
  for (int l = 0; l < LANES; l++) CHECK(same_f(y[l], want[l]));
  const double bd[LANES] = {1, 2}, cd[LANES] = {3, 4};
  double yd[LANES];
  CHECK(run_op("select", (const char *[]){"f64", "i32", "f64", "f64"}, 3, LANES, (const void *[]){mask, bd, cd}, yd,
               false));
  CHECK(yd[0] == 1 && yd[1] == 4);
  TEST("splat, loads, const, index, libm");
  float x[4] = {1, 2, 3, 4}, out[64];
  double dx[2] = {2, 5}, dout[4];
  int32_t iout[8];
  int64_t nout[8];
  CHECK(one_run("in x0 f32[4]\nin d0 f64[2]\nout y0 f32[64]\nout z0 f64[4]\nout i0 i32[8]\nout n0 i64[8]\n"
                "reg f32 s t\nreg f32x8 v\nreg f64 d e\nreg i32x4 q\nreg i64x2 p\nreg i64 n\nreg f64x2 w\n"
                "pfor i = 0 .. 2 {\n"
                "s = load x0[i + 2]\nv = splat s\nstore y0[8*i] v\n"
                "v = loads x0[i]\nstore y0[8*i + 16] v\n"
                "v = const 0.1\nstore y0[8*i + 32] v\n"
                "s = const 3\nt = libm powf s s\nstore y0[48] t\nt = libm logf s\nstore y0[49] t\n"
                "d = load d0[0]\ne = load d0[1]\nd = libm pow d e\nstore z0[0] d\nd = libm erf e\nstore z0[1] d\n"
                "w = const 0.1\nstore z0[2] w\n"
                "q = const -7\nstore i0[4*i] q\n"
                "p = const 9007199254740992\nstore n0[0] p\n"
                "n = index 10*i + 3\nstore n0[2] n\nn = index 2*n - i\nstore n0[3] n\n}",
                (void *[]){x, dx, out, dout, iout, nout}, false));
  CHECK(out[0] == 3 && out[7] == 3 && out[8] == 4 && out[15] == 4 && out[16] == 1 && out[23] == 1 && out[31] == 2);
  CHECK(out[32] == 0.1f && out[39] == 0.1f && out[48] == 27 && out[49] == logf(3));
  CHECK(dout[0] == 32 && dout[1] == erf(5) && dout[2] == 0.1 && dout[3] == 0.1);
  CHECK(iout[0] == -7 && iout[3] == -7 && nout[0] == 9007199254740992 && nout[1] == 9007199254740992);
  CHECK(nout[2] == 13 && nout[3] == 25);
}

static void memory(void) {
  TEST("loads widen, stores narrow");
  uint8_t u8[2] = {200, 255}, b[2] = {1, 0}, out8[4] = {9, 9, 9, 9};
  int8_t i8[2] = {-56, 7};
  uint16_t u16[2] = {60000, 65535}, out16[2];
  int16_t i16[2] = {-3, 3};
  uint32_t u32[2] = {4000000000u, 5}, out32[4];
  int64_t i64[2] = {INT64_MIN, 7}, out64[10];
  uint64_t u64[2] = {UINT64_MAX, 7};
  int32_t i32[2] = {-5, 6}, outi[8];
  CHECK(
      one_run("in a u8[2]\nin b bool[2]\nin c i8[2]\nin d u16[2]\nin e i16[2]\nin f u32[2]\nin g i64[2]\nin h u64[2]\n"
              "in k i32[2]\nout o8 u8[4]\nout o16 u16[2]\nout o32 u32[4]\nout o64 i64[10]\nout oi i32[8]\n"
              "reg i32 m\nreg i64 n\nreg i32x2 v\nreg i64x2 w\npfor i = 0 .. 1 {\n"
              "m = load a[0]\nstore oi[0] m\nm = load b[0]\nstore oi[1] m\nm = load c[0]\nstore oi[2] m\n"
              "m = load d[0]\nstore oi[3] m\nm = load e[0]\nstore oi[4] m\nm = load f[0]\nstore oi[5] m\n"
              "v = load k[0]\nstore oi[6] v\n"
              "n = load a[0]\nstore o64[0] n\nn = load c[0]\nstore o64[1] n\nn = load d[0]\nstore o64[2] n\n"
              "n = load e[0]\nstore o64[3] n\nn = load f[0]\nstore o64[4] n\nn = load k[0]\nstore o64[5] n\n"
              "w = load g[0]\nstore o64[6] w\nn = load h[0]\nstore o64[8] n\nn = load b[1]\nstore o64[9] n\n"
              "m = const 257\nstore o8[0] m\nm = const -1\nstore o8[1] m\nn = const 4294967298\nstore o8[2] n\n"
              "store o32[0] n\nm = const -1\nstore o32[1] m\nstore o16[0] m\nn = const 65537\nstore o16[1] n\n"
              "v = load f[0]\nstore o32[2] v\n}",
              (void *[]){u8, b, i8, u16, i16, u32, i64, u64, i32, out8, out16, out32, out64, outi}, false));
  const int32_t wanti[8] = {200, 1, -56, 60000, -3, (int32_t)4000000000u, -5, 6};
  const int64_t want64[10] = {200, -56, 60000, -3, 4000000000, -5, INT64_MIN, 7, -1, 0};
  CHECK(!memcmp(outi, wanti, sizeof wanti) && !memcmp(out64, want64, sizeof want64));
  CHECK(out8[0] == 1 && out8[1] == 255 && out8[2] == 2 && out8[3] == 9);
  CHECK(out32[0] == 2 && out32[1] == UINT32_MAX && out32[2] == 4000000000u && out32[3] == 5);
  CHECK(out16[0] == 65535 && out16[1] == 1);
  TEST("indexed access");
  int64_t at[4] = {3, 0, 2, 1};
  float x[8] = {0, 1, 2, 3, 4, 5, 6, 7}, y[8] = {0};
  CHECK(one_run("in i0 i64[4]\nin x0 f32[8]\nout y0 f32[8]\nreg i64 n\nreg f32x2 v\npfor i = 0 .. 4 {\nn = load i0[i]\n"
                "v = load x0[2*n]\nstore y0[2*i] v\n}",
                (void *[]){at, x, y}, false));
  const float want[8] = {6, 7, 0, 1, 4, 5, 2, 3};
  CHECK(!memcmp(y, want, sizeof y));
}

static void loops(void) {
  TEST("loops: bounds, steps, if");
  int32_t seen[64] = {0}, two[2] = {0, 5};
  CHECK(one_run("in c i32[2]\nout y i32[64]\nreg i32 one m t\npfor i = 0 .. 4 {\none = const 1\n"
                "for k = max(0, 3 - i) .. min(3, floor((9 - i)/2)) step 2 {\nstore y[10*i + k] one\n}\n"
                "for l = floor((i - 5)/2) .. -2 {\nstore y[10*i + l + 8] one\n}\n"
                "for o = 3 .. 3 {\nstore y[50] one\n}\nfor p = 3 .. -3 {\nstore y[51] one\n}\n"
                "m = load c[0]\nif m {\nstore y[52] one\n}\nm = load c[1]\nif m {\nstore y[53] one\n}\n}",
                (void *[]){two, seen}, false));
  /* i = 0: k = 3 .. 3 none; i = 1: 2; i = 2: 1; i = 3: 0, 2.  floor((i - 5)/2) = -3, -2, -2, -1 */
  int32_t want[64] = {[12] = 1, [21] = 1, [30] = 1, [32] = 1, [5] = 1, [53] = 1};
  CHECK(!memcmp(seen, want, sizeof seen));
}

/* ---- slices ---- */

static void slices(void) {
  TEST("slice_range");
  for (int64_t tasks = 0; tasks < 40; tasks++)
    for (int n = 1; n < 12; n++) {
      int64_t next = 0, first, last;
      for (int i = 0; i < n; i++) {
        slice_range(tasks, i, n, &first, &last);
        CHECK(first == next && last >= first && first == tasks * i / n);
        next = last;
      }
      CHECK(next == tasks);
    }
  int64_t first, last;
  slice_range(INT64_MAX, 2147483646, 2147483647, &first, &last);
  CHECK(last == INT64_MAX && first > INT64_MAX - 4294967299 - 1 && first < last);
  TEST("slices run every iteration once");
  One o = one_open("inout y i32[100]\ninout z i32[30]\nreg i32 v one\none = const 1\n"
                   "pfor i = 7 .. 97 step 3 {\nv = load y[i]\nv = add v one\nstore y[i] v\n}\n"
                   "pfor j = 0 .. 5 {\nfor k = 0 .. 6 {\nv = load z[6*j + k]\nv = add v one\nstore z[6*j + k] v\n}\n}");
  CHECK_STR(one_errors(&o), "");
  CHECK(o.program && loop_check(o.context, o.program->kernels[0]));
  for (int n = 1; o.program && n < 40; n++) {
    int32_t y[100] = {0}, z[30] = {0};
    for (int i = n; i-- > 0;) loop_eval(o.program->kernels[0], (void *[]){y, z}, false, i, n);
    for (int i = 0; i < 100; i++) CHECK(y[i] == (i >= 7 && i < 97 && (i - 7) % 3 == 0));
    for (int i = 0; i < 30; i++) CHECK(z[i] == 1);
  }
  one_close(&o);
}

/* ---- bugs die ---- */

/* What the child that runs the kernel prints before it aborts; "" where it does not. */
static const char *death(const char *lines, void *const *pointers, char *out, size_t size) {
  int ends[2], status = 0;
  size_t n = 0;
  out[0] = 0;
  fflush(NULL);
  if (pipe(ends)) return out;
  pid_t child = fork();
  if (!child) {
    dup2(ends[1], 2);
    close(ends[0]);
    close(ends[1]);
    signal(SIGABRT, SIG_DFL);
    One o = one_open(lines);
    if (o.program) loop_eval(o.program->kernels[0], pointers, false, 0, 1);
    one_close(&o);
    _exit(0);
  }
  close(ends[1]);
  for (ssize_t got; n < size - 1 && (got = read(ends[0], out + n, size - 1 - n)) > 0;) n += (size_t)got;
  out[n] = 0;
  close(ends[0]);
  waitpid(child, &status, 0);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
  return out;
}

static void deaths(void) {
  char text[512];
  float x[4] = {0};
  int64_t n[1] = {-1};
  void *pointers[] = {x, n};
#define PARAMS "inout x f32[4]\nin n0 i64[1]\nreg f32 a\nreg f32x4 v\nreg i64 n\nreg i32 i j\n"
  TEST("access outside");
  CHECK_HAS(death(PARAMS "n = load n0[0]\na = load x[n]", pointers, text, sizeof text),
            "nextc: bug: kernel k0: 'a = load x[n]': elements -1 .. -1 outside x[4]");
  CHECK_HAS(death(PARAMS "n = load n0[0]\nv = load x[2 - n]", pointers, text, sizeof text),
            "'v = load x[2 - n]': elements 3 .. 6 outside x[4]");
  CHECK_HAS(death(PARAMS "v = const 0\nstore x[1] v", pointers, text, sizeof text), "elements 1 .. 4 outside x[4]");
  CHECK_HAS(death(PARAMS "v = loads x[4]", pointers, text, sizeof text), "elements 4 .. 4 outside x[4]");
  TEST("libm");
  CHECK_HAS(death(PARAMS "a = libm gamma a", pointers, text, sizeof text), "libm has no 'gamma'");
  TEST("shift count");
  CHECK_HAS(death(PARAMS "i = const 1\nj = const 32\ni = shl i j", pointers, text, sizeof text),
            "'i = shl i j': shift count out of range");
  CHECK_HAS(death(PARAMS "i = const 1\nj = const -1\ni = shr i j", pointers, text, sizeof text),
            "shift count out of range");
  TEST("types that were never checked");
  CHECK_HAS(death(PARAMS "a = and a a", pointers, text, sizeof text), "'and' of f32");
  CHECK_HAS(death(PARAMS "i = load x[0]", pointers, text, sizeof text), "no access to x through i");
}

int main(void) {
  for (size_t i = 0; i < sizeof float_cases / sizeof *float_cases; i++) float_case(&float_cases[i], "f", LANES);
  for (size_t i = 0; i < sizeof compare_cases / sizeof *compare_cases; i++) float_case(&compare_cases[i], "i32", LANES);
  for (size_t i = 0; i < sizeof sum_cases / sizeof *sum_cases; i++) float_case(&sum_cases[i], "f", 1);
  for (size_t i = 0; i < sizeof int_cases / sizeof *int_cases; i++) int_case(&int_cases[i]);
  conversions();
  rounding();
  select_splat();
  memory();
  loops();
  slices();
  deaths();
  return test_result();
}
