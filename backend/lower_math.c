/* Functions of one variable, expanded into arithmetic of the loop IR: no branch, no table, any number of lanes. f64
 * goes to C's math library, one lane at a time.
 *
 * Bounds are measured by tests/test_lower_math.c over all exponents, with fma rounding once and twice. NaN stays NaN
 * everywhere: limits are taken as min(literal, x), which keeps the second operand unless the comparison holds.
 *
 * Coefficients were fitted in double, by least squares with weights moved towards the largest error until all peaks are
 * equal (Lawson 1961), then rounded to f32. */
#include "backend/lower_math.h"

const double math_square_scale = 0x1p-12;

/* ---- e^x ---- */

/* x = n ln 2 + r with |r| <= ln 2 / 2 (and a little). 355/512 has 9 bits, so n times it is exact for |n| < 2^15; the
 * rest of ln 2 is added apart. n comes from adding 1.5 * 2^23: the sum's last bits are then n itself, and a NaN meets
 * no conversion to integer. */
static const double log2_e = 1.44269504088896341, ln2_high = 0.693359375, ln2_low = -2.12194440054690583e-4;
static const double round_magic = 12582912;
static const double round_magic_bits = 0x4b400000;

/* (e^r - 1 - r) / r^2 on |r| <= 0.347; relative error of e^r 3.1e-9. */
static const double exp_rest[] = {0.49999994, 0.1666652, 0.041668393, 0.008368781, 0.0013814467};

typedef struct {
  RegId n;  /* i32 */
  RegId m1; /* e^r - 1 */
} ExpParts;

/* x within -105 .. 128 */
static ExpParts exp_parts(Expr e, RegId x) {
  RegId shifted = expr_fma(e, x, expr_lit(e, log2_e), expr_lit(e, round_magic));
  RegId n = expr_op2(e, LOP_sub, shifted, expr_lit(e, round_magic));
  RegId r = expr_fma(e, n, expr_lit(e, -ln2_high), x);
  r = expr_fma(e, n, expr_lit(e, -ln2_low), r);
  RegId q = expr_poly(e, r, exp_rest, sizeof exp_rest / sizeof *exp_rest);
  RegId m1 = expr_fma(e, q, expr_op2(e, LOP_mul, r, r), r);
  Expr integer = expr_as(e, REG_i32);
  RegId bits = expr_op1(integer, LOP_bits, shifted);
  return (ExpParts){expr_op2(integer, LOP_sub, bits, expr_lit(integer, round_magic_bits)), m1};
}

/* 2^n for -126 <= n <= 127: n in the exponent's bits. */
static RegId power_of_2(Expr e, RegId n) {
  Expr integer = expr_as(e, REG_i32);
  RegId biased = expr_op2(integer, LOP_add, n, expr_lit(integer, 127));
  return expr_op1(e, LOP_bits, expr_op2(integer, LOP_shl, biased, expr_lit(integer, 23)));
}

/* Relative error <= 1.1e-7, also where the result is denormal: absolutely 1.5e-45.
 * 2^n is applied in two halves, so that e^88.7 is finite, and e^-103 denormal. Limits: e^-104 rounds to 0, e^89 to inf.
 */
static RegId exp_f32(Expr e, RegId x) {
  ExpParts p = exp_parts(e, expr_at_least(e, -104, expr_at_most(e, 89, x)));
  Expr integer = expr_as(e, REG_i32);
  RegId half = expr_op2(integer, LOP_shr, p.n, expr_lit(integer, 1));
  RegId rest = expr_op2(integer, LOP_sub, p.n, half);
  RegId y = expr_op2(e, LOP_add, p.m1, expr_lit(e, 1));
  y = expr_op2(e, LOP_mul, y, power_of_2(e, half));
  return expr_op2(e, LOP_mul, y, power_of_2(e, rest));
}

static RegId exp_any(Expr e, RegId x) { return e.type == REG_f32 ? exp_f32(e, x) : expr_libm(e, "exp", x, 0); }

RegId math_exp(Kernel *k, RegId x, const char *tag) { return exp_any(expr_like(k, x, tag), x); }

/* e^x - 1 = 2^n (e^r - 1) + (2^n - 1) for |x| <= 80: exact where n is 0, so that small x keep all their bits. Relative
 * error <= 2.5e-7. */
static RegId expm1_f32(Expr e, RegId x) {
  ExpParts p = exp_parts(e, x);
  RegId scale = power_of_2(e, p.n);
  return expr_fma(e, scale, p.m1, expr_op2(e, LOP_sub, scale, expr_lit(e, 1)));
}

RegId math_expm1(Kernel *k, RegId x, const char *tag) {
  Expr e = expr_like(k, x, tag);
  if (e.type != REG_f32) return expr_libm(e, "expm1", x, 0);
  return expm1_f32(e, expr_at_least(e, -80, expr_at_most(e, 0, x)));
}

/* ---- tanh, sigmoid and relatives ---- */

/* t / (t + 2) with t = e^2x - 1; relative error <= 3e-7. tanh(9.1) rounds to 1. */
RegId math_tanh(Kernel *k, RegId x, const char *tag) {
  Expr e = expr_like(k, x, tag);
  if (e.type != REG_f32) return expr_libm(e, "tanh", x, 0);
  RegId twice = expr_op2(e, LOP_add, x, x);
  RegId t = expm1_f32(e, expr_at_least(e, -20, expr_at_most(e, 20, twice)));
  return expr_op2(e, LOP_div, t, expr_op2(e, LOP_add, t, expr_lit(e, 2)));
}

/* y / (1 + e^-x) */
static RegId logistic(Expr e, RegId y, RegId x) {
  RegId z = exp_any(e, expr_op1(e, LOP_neg, x));
  return expr_op2(e, LOP_div, y, expr_op2(e, LOP_add, z, expr_lit(e, 1)));
}

/* Relative error <= 2.5e-7; below -88.7, where the result is less than 3e-39, 0. */
RegId math_sigmoid(Kernel *k, RegId x, const char *tag) {
  Expr e = expr_like(k, x, tag);
  return logistic(e, expr_lit(e, 1), x);
}

/* Below this, x times sigmoid(x) is less than the smallest normal number; it keeps -inf from meeting 0. */
static double least_logistic(Expr e) { return e.type == REG_f32 ? -128 : -1024; }

/* Relative error <= 3e-7, absolutely 2.7e-37 below -88. */
RegId math_silu(Kernel *k, RegId x, const char *tag) {
  Expr e = expr_like(k, x, tag);
  x = expr_at_least(e, least_logistic(e), x);
  return logistic(e, x, x);
}

/* x (1 + tanh(u)) / 2 = x sigmoid(2 u), u = sqrt(2 / pi) (x + 0.044715 x^3). |error| <= 3e-7 (1 + |x|). */
RegId math_gelu_tanh(Kernel *k, RegId x, const char *tag) {
  Expr e = expr_like(k, x, tag);
  static const double linear = 1.59576912160573081, cubic = 0.0713548162726009; /* 2 sqrt(2 / pi) (1, 0.044715) */
  x = expr_at_least(e, least_logistic(e), x);
  RegId square = expr_op2(e, LOP_mul, x, x);
  RegId slope = expr_fma(e, square, expr_lit(e, cubic), expr_lit(e, linear));
  return logistic(e, x, expr_op2(e, LOP_mul, x, slope));
}

/* max(x, 0) + log(1 + z), z = e^-|x| <= 1, and log(1 + z) = z log(w) / (w - 1) for w = 1 + z as rounded (Kahan). */
RegId math_softplus(Kernel *k, RegId x, const char *tag) {
  Expr e = expr_like(k, x, tag);
  RegId one = expr_lit(e, 1);
  RegId z = exp_any(e, expr_op1(e, LOP_neg, expr_op1(e, LOP_abs, x)));
  RegId w = expr_op2(e, LOP_add, z, one);
  RegId gain = expr_op2(e, LOP_div, expr_libm(e, "log", w, 0), expr_op2(e, LOP_sub, w, one));
  RegId log1p = expr_select(e, expr_mask(e, LOP_eq, w, one), z, expr_op2(e, LOP_mul, z, gain));
  return expr_op2(e, LOP_add, expr_at_least(e, 0, x), log1p);
}

/* ---- erf and the exact GELU ---- */

/* erf(x) = x P(x^2) / Q(x^2), fitted on |x| <= 3.83 to relative error 1.4e-8. From 3.9 on the quotient is larger than
 * 1, so that cutting off x at 4 and the result at 1 gives exactly +-1 where erf rounds to it. Relative error <= 4e-7.
 */
static const double erf_p[] = {1.1283791065216064,    0.18722578883171082,   0.052410054951906204,
                               0.0036498052068054676, 0.0002859845699276775, 2.1252644728519954e-06};
static const double erf_q[] = {
    1, 0.4992574453353882, 0.11286858469247818, 0.014736601151525974, 0.001141185755841434, 3.892229506163858e-05};

RegId math_erf(Kernel *k, RegId x, const char *tag) {
  Expr e = expr_like(k, x, tag);
  if (e.type != REG_f32) return expr_libm(e, "erf", x, 0);
  x = expr_at_least(e, -4, expr_at_most(e, 4, x));
  RegId square = expr_op2(e, LOP_mul, x, x);
  RegId p = expr_poly(e, square, erf_p, sizeof erf_p / sizeof *erf_p);
  RegId q = expr_poly(e, square, erf_q, sizeof erf_q / sizeof *erf_q);
  RegId y = expr_op2(e, LOP_div, expr_op2(e, LOP_mul, x, p), q);
  return expr_at_least(e, -1, expr_at_most(e, 1, y));
}

/* gelu(x) = max(x, 0) - a Phi(-a), a = |x|. Phi(-a) = q(a)^8 with q of degree 8 fitted to Phi(-a)^(1/8) on 0 .. 8 with
 * weight 8 a q^7 and q(8) = 0: at a >= 8, cut off there, rounding leaves |q| < 2e-6, whose eighth power is 0, so
 * gelu(-inf) is 0 and gelu(x) is x. Error of the fit 4.1e-9; all in all |error| <= 1.5e-7 and half a unit in the last
 * place. Horner's rule would take eight fma. In s = a + gelu_shift the odd part of q has real zeros in t = s^2, and by
 * them (Eve) q = ((p (t - z2) + r2) (t - z1) + r1) (t - z0) + r0 with p quadratic: six products, and sums, which have
 * units of their own. */
static const double gelu_end = 8, gelu_shift = 1.46875;
static const double gelu_p[] = {-0.000130027329, 1.10614883e-05, -3.00065125e-07};
static const double gelu_zero[] = {6.15859842, -2.78893399, -90.4729233},
                    gelu_rest[] = {0.792473853, -0.0260833241, 0.00958081242};

static RegId gelu_f32(Expr e, RegId x) {
  RegId a = expr_at_most(e, gelu_end, expr_op1(e, LOP_abs, x));
  RegId s = expr_op2(e, LOP_add, a, expr_lit(e, gelu_shift)), t = expr_op2(e, LOP_mul, s, s);
  RegId q = expr_fma(e, expr_lit(e, gelu_p[1]), s, expr_lit(e, gelu_p[0]));
  q = expr_fma(e, expr_lit(e, gelu_p[2]), t, q);
  for (int i = 2; i >= 0; i--)
    q = expr_fma(e, q, expr_op2(e, LOP_sub, t, expr_lit(e, gelu_zero[i])), expr_lit(e, gelu_rest[i]));
  for (int i = 0; i < 3; i++) q = expr_op2(e, LOP_mul, q, q);
  return expr_fma(e, expr_op1(e, LOP_neg, a), q, expr_at_least(e, 0, x));
}

/* x (1 + erf(x / sqrt 2)) / 2 */
static RegId gelu_f64(Expr e, RegId x) {
  x = expr_at_least(e, -64, x);
  RegId phi = expr_libm(e, "erf", expr_op2(e, LOP_mul, x, expr_lit(e, 0.707106781186547524)), 0);
  phi = expr_op2(e, LOP_add, phi, expr_lit(e, 1));
  return expr_op2(e, LOP_mul, expr_op2(e, LOP_mul, x, expr_lit(e, 0.5)), phi);
}

RegId math_gelu(Kernel *k, RegId x, const char *tag) {
  Expr e = expr_like(k, x, tag);
  return e.type == REG_f32 ? gelu_f32(e, x) : gelu_f64(e, x);
}
