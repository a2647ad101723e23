/* Scalars: the generic path, and lanes 1 on every other. Integers wrap and no operation is undefined. */
#ifndef NX_VEC_GENERIC_H
#define NX_VEC_GENERIC_H
#include <math.h>
#include <stdint.h>
#include <string.h>

/* NX_INLINE: small helpers; not every build uses each */
#if defined(__GNUC__) && !defined(__TINYC__)
#define NX_INLINE static inline __attribute__((unused))
#else
#define NX_INLINE static inline
#endif

/* NX_NO_UNROLL: clang's unrolling of inner loops costs speed, gcc does none */
#if defined(__clang__)
#define NX_NO_UNROLL _Pragma("clang loop unroll(disable)")
#else
#define NX_NO_UNROLL
#endif

/* NX_PREFETCH: asks for the cache line at p; p may lie past the end of its object */
#if defined(__GNUC__) && !defined(__TINYC__)
#define NX_PREFETCH(p) __builtin_prefetch(p, 0, 2)
#else
#define NX_PREFETCH(p) ((void)(p))
#endif

/* nx_slice: the iterations [*first, *last) of `tasks` that slice `slice` of `slices` does */
NX_INLINE void nx_slice(int64_t tasks, int slice, int slices, int64_t *first, int64_t *last) {
  const int64_t share = tasks / slices, more = tasks % slices; /* the first `more` slices do one more */
  *first = share * slice + (slice < more ? slice : more);
  *last = *first + share + (slice < more ? 1 : 0);
}

/* nx_floor_div: floor(a / b), b >= 1 */
NX_INLINE int64_t nx_floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

/* nx_lower: the smaller */
NX_INLINE int64_t nx_lower(int64_t a, int64_t b) { return a < b ? a : b; }

/* nx_higher: the larger */
NX_INLINE int64_t nx_higher(int64_t a, int64_t b) { return a > b ? a : b; }

/* nx_add_i32: a + b, wraps */
NX_INLINE int32_t nx_add_i32(int32_t a, int32_t b) { return (int32_t)((uint32_t)a + (uint32_t)b); }

/* nx_sub_i32: a - b, wraps */
NX_INLINE int32_t nx_sub_i32(int32_t a, int32_t b) { return (int32_t)((uint32_t)a - (uint32_t)b); }

/* nx_mul_i32: a b, wraps */
NX_INLINE int32_t nx_mul_i32(int32_t a, int32_t b) { return (int32_t)((uint32_t)a * (uint32_t)b); }

/* nx_neg_i32: -a, wraps */
NX_INLINE int32_t nx_neg_i32(int32_t a) { return (int32_t)(0U - (uint32_t)a); }

/* nx_abs_i32: |a|, wraps */
NX_INLINE int32_t nx_abs_i32(int32_t a) { return a < 0 ? nx_neg_i32(a) : a; }

/* nx_div_i32: a / b towards zero; by 0 is 0 */
NX_INLINE int32_t nx_div_i32(int32_t a, int32_t b) { return b == 0 ? 0 : b == -1 ? nx_neg_i32(a) : a / b; }

/* nx_mod_i32: a - b (a / b); by 0 is 0 */
NX_INLINE int32_t nx_mod_i32(int32_t a, int32_t b) { return b == 0 || b == -1 ? 0 : a % b; }

/* nx_shl_i32: a shifted left, 0 <= b < 32 */
NX_INLINE int32_t nx_shl_i32(int32_t a, int32_t b) { return (int32_t)((uint32_t)a << b); }

/* nx_shr_i32: a shifted right, copying the sign, 0 <= b < 32 */
NX_INLINE int32_t nx_shr_i32(int32_t a, int32_t b) { return a < 0 ? ~(~a >> b) : a >> b; }

/* nx_add_i64: a + b, wraps */
NX_INLINE int64_t nx_add_i64(int64_t a, int64_t b) { return (int64_t)((uint64_t)a + (uint64_t)b); }

/* nx_sub_i64: a - b, wraps */
NX_INLINE int64_t nx_sub_i64(int64_t a, int64_t b) { return (int64_t)((uint64_t)a - (uint64_t)b); }

/* nx_mul_i64: a b, wraps */
NX_INLINE int64_t nx_mul_i64(int64_t a, int64_t b) { return (int64_t)((uint64_t)a * (uint64_t)b); }

/* nx_neg_i64: -a, wraps */
NX_INLINE int64_t nx_neg_i64(int64_t a) { return (int64_t)(0U - (uint64_t)a); }

/* nx_abs_i64: |a|, wraps */
NX_INLINE int64_t nx_abs_i64(int64_t a) { return a < 0 ? nx_neg_i64(a) : a; }

/* nx_div_i64: a / b towards zero; by 0 is 0 */
NX_INLINE int64_t nx_div_i64(int64_t a, int64_t b) { return b == 0 ? 0 : b == -1 ? nx_neg_i64(a) : a / b; }

/* nx_mod_i64: a - b (a / b); by 0 is 0 */
NX_INLINE int64_t nx_mod_i64(int64_t a, int64_t b) { return b == 0 || b == -1 ? 0 : a % b; }

/* nx_shl_i64: a shifted left, 0 <= b < 64 */
NX_INLINE int64_t nx_shl_i64(int64_t a, int64_t b) { return (int64_t)((uint64_t)a << b); }

/* nx_shr_i64: a shifted right, copying the sign, 0 <= b < 64 */
NX_INLINE int64_t nx_shr_i64(int64_t a, int64_t b) { return a < 0 ? ~(~a >> b) : a >> b; }

/* nx_abs_f32: |a| */
NX_INLINE float nx_abs_f32(float a) { return fabsf(a); }

/* nx_abs_f64: |a| */
NX_INLINE double nx_abs_f64(double a) { return fabs(a); }

/* nx_sqrt_f32: square root */
NX_INLINE float nx_sqrt_f32(float a) { return sqrtf(a); }

/* nx_sqrt_f64: square root */
NX_INLINE double nx_sqrt_f64(double a) { return sqrt(a); }

/* nx_floor_f32: largest integer <= a */
NX_INLINE float nx_floor_f32(float a) { return floorf(a); }

/* nx_floor_f64: largest integer <= a */
NX_INLINE double nx_floor_f64(double a) { return floor(a); }

/* nx_round_f32: nearest integer, halves to even, |a| < 2^22: above 2^23 a float has no fraction left */
NX_INLINE float nx_round_f32(float a) { return (a + 12582912.0f) - 12582912.0f; }

/* nx_round_f64: nearest integer, halves to even, |a| < 2^51 */
NX_INLINE double nx_round_f64(double a) { return (a + 6755399441055744.0) - 6755399441055744.0; }

/* nx_cvt_f32_f64: the same number */
NX_INLINE double nx_cvt_f32_f64(float a) { return (double)a; }

/* nx_cvt_f64_f32: to the nearest float */
NX_INLINE float nx_cvt_f64_f32(double a) { return (float)a; }

/* nx_cvt_f64_i32: towards zero; the least integer where it does not fit or is NaN, as x86 has it */
NX_INLINE int32_t nx_cvt_f64_i32(double a) {
  return a > -2147483649.0 && a < 2147483648.0 ? (int32_t)a : -2147483647 - 1;
}

/* nx_cvt_f64_i64: towards zero; the least integer where it does not fit or is NaN */
NX_INLINE int64_t nx_cvt_f64_i64(double a) {
  return a >= -9223372036854775808.0 && a < 9223372036854775808.0 ? (int64_t)a : -9223372036854775807 - 1;
}

/* nx_cvt_f32_i32: towards zero; the least integer where it does not fit or is NaN */
NX_INLINE int32_t nx_cvt_f32_i32(float a) {
  return a >= -2147483648.0f && a < 2147483648.0f ? (int32_t)a : -2147483647 - 1;
}

/* nx_cvt_f32_i64: towards zero; the least integer where it does not fit or is NaN */
NX_INLINE int64_t nx_cvt_f32_i64(float a) { return nx_cvt_f64_i64((double)a); }

/* nx_bits_f32_i32: the same bits */
NX_INLINE int32_t nx_bits_f32_i32(float a) {
  int32_t r;
  memcpy(&r, &a, sizeof r);
  return r;
}

/* nx_bits_i32_f32: the same bits */
NX_INLINE float nx_bits_i32_f32(int32_t a) {
  float r;
  memcpy(&r, &a, sizeof r);
  return r;
}

/* nx_bits_f64_i64: the same bits */
NX_INLINE int64_t nx_bits_f64_i64(double a) {
  int64_t r;
  memcpy(&r, &a, sizeof r);
  return r;
}

/* nx_bits_i64_f64: the same bits */
NX_INLINE double nx_bits_i64_f64(int64_t a) {
  double r;
  memcpy(&r, &a, sizeof r);
  return r;
}

/* End of the guard. */
#endif
