/* What each register operation of the loop IR does to its lanes, as one function a type. Floats are computed in their
 * own type and rounded after every operation; integers in unsigned arithmetic, so they wrap. */
#include "ir/loop_internal.h"
#include <math.h>
#include <string.h>

typedef float C_f32;
typedef double C_f64;
typedef int32_t C_i32;
typedef int64_t C_i64;
typedef uint32_t U_i32;
typedef uint64_t U_i64;

#define SIGNATURE(name)                                                                                                \
  static bool name(LaneValues *d, const LaneValues *a, const LaneValues *b, const LaneValues *c, int lanes)

/* name: x, y, z of type T in, R out, lane by lane */
#define LANES1(name, T, R, expression)                                                                                 \
  SIGNATURE(name##_##T) {                                                                                              \
    (void)b, (void)c;                                                                                                  \
    for (int l = 0; l < lanes; l++) {                                                                                  \
      const C_##T x = a->T[l];                                                                                         \
      d->R[l] = (C_##R)(expression);                                                                                   \
    }                                                                                                                  \
    return true;                                                                                                       \
  }
#define LANES2(name, T, R, expression)                                                                                 \
  SIGNATURE(name##_##T) {                                                                                              \
    (void)c;                                                                                                           \
    for (int l = 0; l < lanes; l++) {                                                                                  \
      const C_##T x = a->T[l], y = b->T[l];                                                                            \
      d->R[l] = (C_##R)(expression);                                                                                   \
    }                                                                                                                  \
    return true;                                                                                                       \
  }
#define LANES3(name, T, expression)                                                                                    \
  SIGNATURE(name##_##T) {                                                                                              \
    for (int l = 0; l < lanes; l++) {                                                                                  \
      const C_##T x = a->T[l], y = b->T[l], z = c->T[l];                                                               \
      d->T[l] = (C_##T)(expression);                                                                                   \
    }                                                                                                                  \
    return true;                                                                                                       \
  }

#define FLOATS2(T)                                                                                                     \
  LANES2(add, T, T, x + y)                                                                                             \
  LANES2(sub, T, T, x - y)                                                                                             \
  LANES2(mul, T, T, x *y)                                                                                              \
  LANES2(div, T, T, x / y)                                                                                             \
  LANES1(neg, T, T, -x)                                                                                                \
  LANES3(fma_twice, T, (C_##T)(x * y) + z)
FLOATS2(f32)
FLOATS2(f64)
LANES3(fma_once, f32, fmaf(x, y, z))
LANES3(fma_once, f64, fma(x, y, z))
LANES1(abs, f32, f32, fabsf(x))
LANES1(abs, f64, f64, fabs(x))
LANES1(sqrt, f32, f32, sqrtf(x))
LANES1(sqrt, f64, f64, sqrt(x))
LANES1(floor, f32, f32, floorf(x))
LANES1(floor, f64, f64, floor(x))
LANES1(round, f32, f32, nearbyintf(x))
LANES1(round, f64, f64, nearbyint(x))

/* x / -1 is -x, which wraps for the least integer */
#define INTEGERS(T)                                                                                                    \
  LANES2(add, T, T, (U_##T)x + (U_##T)y)                                                                               \
  LANES2(sub, T, T, (U_##T)x - (U_##T)y)                                                                               \
  LANES2(mul, T, T, (U_##T)x *(U_##T)y)                                                                                \
  LANES2(div, T, T, y == 0 ? 0 : y == -1 ? (C_##T)(0 - (U_##T)x) : x / y)                                              \
  LANES2(mod, T, T, y == 0 || y == -1 ? 0 : x % y)                                                                     \
  LANES1(neg, T, T, 0 - (U_##T)x)                                                                                      \
  LANES1(abs, T, T, x < 0 ? 0 - (U_##T)x : (U_##T)x)                                                                   \
  LANES2(and, T, T, x &y)                                                                                              \
  LANES2(or, T, T, x | y)                                                                                              \
  LANES2(xor, T, T, x ^ y)
INTEGERS(i32)
INTEGERS(i64)

#define ANY(T)                                                                                                         \
  LANES1(mov, T, T, x)                                                                                                 \
  LANES2(min, T, T, x < y ? x : y)                                                                                     \
  LANES2(max, T, T, x > y ? x : y)                                                                                     \
  LANES2(lt, T, i32, x < y ? -1 : 0)                                                                                   \
  LANES2(le, T, i32, x <= y ? -1 : 0)                                                                                  \
  LANES2(eq, T, i32, x == y ? -1 : 0)                                                                                  \
  SIGNATURE(splat_##T) {                                                                                               \
    (void)b, (void)c;                                                                                                  \
    const C_##T x = a->T[0];                                                                                           \
    for (int l = 0; l < lanes; l++) d->T[l] = x;                                                                       \
    return true;                                                                                                       \
  }                                                                                                                    \
  SIGNATURE(select_##T) {                                                                                              \
    for (int l = 0; l < lanes; l++) d->T[l] = a->i32[l] ? b->T[l] : c->T[l];                                           \
    return true;                                                                                                       \
  }
ANY(f32)
ANY(f64)
ANY(i32)
ANY(i64)

#define SHIFTS(T, bits)                                                                                                \
  SIGNATURE(shl_##T) {                                                                                                 \
    (void)c;                                                                                                           \
    for (int l = 0; l < lanes; l++) {                                                                                  \
      if (b->T[l] < 0 || b->T[l] >= bits) return false;                                                                \
      d->T[l] = (C_##T)((U_##T)a->T[l] << b->T[l]);                                                                    \
    }                                                                                                                  \
    return true;                                                                                                       \
  }                                                                                                                    \
  SIGNATURE(shr_##T) {                                                                                                 \
    (void)c;                                                                                                           \
    for (int l = 0; l < lanes; l++) {                                                                                  \
      const C_##T x = a->T[l];                                                                                         \
      if (b->T[l] < 0 || b->T[l] >= bits) return false;                                                                \
      d->T[l] = x < 0 ? (C_##T) ~(~(U_##T)x >> b->T[l]) : (C_##T)((U_##T)x >> b->T[l]);                                \
    }                                                                                                                  \
    return true;                                                                                                       \
  }
SHIFTS(i32, 32)
SHIFTS(i64, 64)

/* x op y over the lanes: lower half with upper half, until one is left */
#define HALVES(name, T, expression)                                                                                    \
  SIGNATURE(name##_##T) {                                                                                              \
    (void)b, (void)c;                                                                                                  \
    LaneValues v = *a;                                                                                                 \
    for (int half = lanes / 2; half; half /= 2)                                                                        \
      for (int l = 0; l < half; l++) {                                                                                 \
        const C_##T x = v.T[l], y = v.T[l + half];                                                                     \
        v.T[l] = (C_##T)(expression);                                                                                  \
      }                                                                                                                \
    d->T[0] = v.T[0];                                                                                                  \
    return true;                                                                                                       \
  }
HALVES(hsum, f32, x + y)
HALVES(hsum, f64, x + y)
HALVES(hsum, i32, (U_i32)x + (U_i32)y)
HALVES(hsum, i64, (U_i64)x + (U_i64)y)
HALVES(hmax, f32, x > y ? x : y)
HALVES(hmax, f64, x > y ? x : y)
HALVES(hmax, i32, x > y ? x : y)
HALVES(hmax, i64, x > y ? x : y)

/* Out of range and NaN: the least integer, as x86 has it; the text form leaves it open. */
static int32_t to_i32(double x) { return x > -2147483649.0 && x < 2147483648.0 ? (int32_t)x : INT32_MIN; }
static int64_t to_i64(double x) { return x >= -0x1p63 && x < 0x1p63 ? (int64_t)x : INT64_MIN; }

LANES1(to_f64, f32, f64, x)
LANES1(to_i32, f32, i32, to_i32((double)x))
LANES1(to_i64, f32, i64, to_i64((double)x))
LANES1(to_f32, f64, f32, x)
LANES1(to_i32, f64, i32, to_i32(x))
LANES1(to_i64, f64, i64, to_i64(x))
LANES1(to_f32, i32, f32, x)
LANES1(to_f64, i32, f64, x)
LANES1(to_i64, i32, i64, x)
LANES1(to_f32, i64, f32, x)
LANES1(to_f64, i64, f64, x)
LANES1(to_i32, i64, i32, (uint32_t)(uint64_t)x)

SIGNATURE(bits_4) {
  (void)b, (void)c;
  memmove(d, a, 4 * (size_t)lanes);
  return true;
}
SIGNATURE(bits_8) {
  (void)b, (void)c;
  memmove(d, a, 8 * (size_t)lanes);
  return true;
}

#define ROW_ANY(op)     [LOP_##op] = {op##_f32, op##_f64, op##_i32, op##_i64}
#define ROW_FLOAT(op)   [LOP_##op] = {op##_f32, op##_f64, NULL, NULL}
#define ROW_INTEGER(op) [LOP_##op] = {NULL, NULL, op##_i32, op##_i64}
static LaneFunction *const functions[LOP_COUNT][REG_TYPE_COUNT] = {
    ROW_ANY(mov),     ROW_ANY(splat),  ROW_ANY(add),     ROW_ANY(sub),     ROW_ANY(mul),
    ROW_ANY(div),     ROW_ANY(min),    ROW_ANY(max),     ROW_ANY(neg),     ROW_ANY(abs),
    ROW_ANY(lt),      ROW_ANY(le),     ROW_ANY(eq),      ROW_ANY(select),  ROW_ANY(hsum),
    ROW_ANY(hmax),    ROW_FLOAT(sqrt), ROW_FLOAT(floor), ROW_FLOAT(round), ROW_INTEGER(mod),
    ROW_INTEGER(and), ROW_INTEGER(or), ROW_INTEGER(xor), ROW_INTEGER(shl), ROW_INTEGER(shr)};
static LaneFunction *const fma_functions[2][REG_TYPE_COUNT] = {{fma_twice_f32, fma_twice_f64, NULL, NULL},
                                                               {fma_once_f32, fma_once_f64, NULL, NULL}};
/* [from][to] */
static LaneFunction *const conversions[REG_TYPE_COUNT][REG_TYPE_COUNT] = {
    [REG_f32] = {mov_f32, to_f64_f32, to_i32_f32, to_i64_f32},
    [REG_f64] = {to_f32_f64, mov_f64, to_i32_f64, to_i64_f64},
    [REG_i32] = {to_f32_i32, to_f64_i32, mov_i32, to_i64_i32},
    [REG_i64] = {to_f32_i64, to_f64_i64, to_i32_i64, mov_i64}};

LaneFunction *loop_lane_function(LoopOp op, RegType type, RegType to, bool fma_once) {
  if (op == LOP_cvt) return conversions[type][to];
  if (op == LOP_bits)
    return loop_reg_bytes(type) != loop_reg_bytes(to) ? NULL : loop_reg_bytes(to) == 4 ? bits_4 : bits_8;
  if (op == LOP_fma) return fma_functions[fma_once][type];
  return functions[op][type];
}
