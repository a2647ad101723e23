/* Vector layer of target aarch64: NEON, 4 lanes of f32 and i32. Types are GCC's vector extensions; arm_neon's functions
 * take and give them through casts. Where NEON and the loop IR differ (NaN in min and max, conversions that do not fit)
 * the loop IR is followed. */
#ifndef NX_VEC_AARCH64_H
#define NX_VEC_AARCH64_H
#include <arm_neon.h>
#include <stdint.h>

/* NX_AARCH64: functions of this layer */
#define NX_AARCH64 static inline __attribute__((always_inline, unused))

/* nx_aarch64_f32x4: 4 floats */
typedef float nx_aarch64_f32x4 __attribute__((vector_size(16)));

/* nx_aarch64_i32x4: 4 int32_t; a mask is lanes of -1 and 0 */
typedef int32_t nx_aarch64_i32x4 __attribute__((vector_size(16)));

/* nx_aarch64_u32x4: for arithmetic that wraps */
typedef uint32_t nx_aarch64_u32x4 __attribute__((vector_size(16)));

/* nx_aarch64_memory_f32x4: in memory, aligned as its elements */
typedef float nx_aarch64_memory_f32x4 __attribute__((vector_size(16), aligned(4), may_alias));

/* nx_aarch64_memory_i32x4: in memory, aligned as its elements */
typedef int32_t nx_aarch64_memory_i32x4 __attribute__((vector_size(16), aligned(4), may_alias));

/* nx_aarch64_load_f32x4: p[0..3] */
NX_AARCH64 nx_aarch64_f32x4 nx_aarch64_load_f32x4(const float *p) { return *(const nx_aarch64_memory_f32x4 *)p; }

/* nx_aarch64_store_f32x4: p[0..3] = a */
NX_AARCH64 void nx_aarch64_store_f32x4(float *p, nx_aarch64_f32x4 a) { *(nx_aarch64_memory_f32x4 *)p = a; }

/* nx_aarch64_splat_f32x4: every lane is a */
NX_AARCH64 nx_aarch64_f32x4 nx_aarch64_splat_f32x4(float a) { return (nx_aarch64_f32x4)vdupq_n_f32(a); }

/* nx_aarch64_fma_f32x4: a b + c, rounded once */
NX_AARCH64 nx_aarch64_f32x4 nx_aarch64_fma_f32x4(nx_aarch64_f32x4 a, nx_aarch64_f32x4 b, nx_aarch64_f32x4 c) {
  return (nx_aarch64_f32x4)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
}

/* nx_aarch64_select_f32x4: lanes of a where the mask is set, else of b */
NX_AARCH64 nx_aarch64_f32x4 nx_aarch64_select_f32x4(nx_aarch64_i32x4 mask, nx_aarch64_f32x4 a, nx_aarch64_f32x4 b) {
  return (nx_aarch64_f32x4)vbslq_f32((uint32x4_t)mask, (float32x4_t)a, (float32x4_t)b);
}

/* nx_aarch64_min_f32x4: a < b ? a : b */
NX_AARCH64 nx_aarch64_f32x4 nx_aarch64_min_f32x4(nx_aarch64_f32x4 a, nx_aarch64_f32x4 b) {
  return nx_aarch64_select_f32x4(a < b, a, b);
}

/* nx_aarch64_max_f32x4: a > b ? a : b */
NX_AARCH64 nx_aarch64_f32x4 nx_aarch64_max_f32x4(nx_aarch64_f32x4 a, nx_aarch64_f32x4 b) {
  return nx_aarch64_select_f32x4(a > b, a, b);
}

/* nx_aarch64_abs_f32x4: |a| */
NX_AARCH64 nx_aarch64_f32x4 nx_aarch64_abs_f32x4(nx_aarch64_f32x4 a) {
  return (nx_aarch64_f32x4)vabsq_f32((float32x4_t)a);
}

/* nx_aarch64_sqrt_f32x4: square root */
NX_AARCH64 nx_aarch64_f32x4 nx_aarch64_sqrt_f32x4(nx_aarch64_f32x4 a) {
  return (nx_aarch64_f32x4)vsqrtq_f32((float32x4_t)a);
}

/* nx_aarch64_floor_f32x4: largest integer <= a */
NX_AARCH64 nx_aarch64_f32x4 nx_aarch64_floor_f32x4(nx_aarch64_f32x4 a) {
  return (nx_aarch64_f32x4)vrndmq_f32((float32x4_t)a);
}

/* nx_aarch64_round_f32x4: nearest integer, halves to even */
NX_AARCH64 nx_aarch64_f32x4 nx_aarch64_round_f32x4(nx_aarch64_f32x4 a) {
  return (nx_aarch64_f32x4)vrndnq_f32((float32x4_t)a);
}

/* nx_aarch64_splat_i32x4: every lane is a */
NX_AARCH64 nx_aarch64_i32x4 nx_aarch64_splat_i32x4(int32_t a) { return (nx_aarch64_i32x4)vdupq_n_s32(a); }

/* nx_aarch64_select_i32x4: lanes of a where the mask is set, else of b */
NX_AARCH64 nx_aarch64_i32x4 nx_aarch64_select_i32x4(nx_aarch64_i32x4 mask, nx_aarch64_i32x4 a, nx_aarch64_i32x4 b) {
  return (nx_aarch64_i32x4)vbslq_s32((uint32x4_t)mask, (int32x4_t)a, (int32x4_t)b);
}

/* nx_aarch64_cvt_f32x4_i32x4: towards zero; the least integer where it does not fit */
NX_AARCH64 nx_aarch64_i32x4 nx_aarch64_cvt_f32x4_i32x4(nx_aarch64_f32x4 a) {
  const nx_aarch64_f32x4 end = nx_aarch64_splat_f32x4(2147483648.0f);
  const nx_aarch64_i32x4 fits = (a >= -end) & (a < end);
  const nx_aarch64_i32x4 least = nx_aarch64_splat_i32x4(-2147483647 - 1);
  return nx_aarch64_select_i32x4(fits, (nx_aarch64_i32x4)vcvtq_s32_f32((float32x4_t)a), least);
}

/* nx_aarch64_bits_f32x4_i32x4: the same bits */
NX_AARCH64 nx_aarch64_i32x4 nx_aarch64_bits_f32x4_i32x4(nx_aarch64_f32x4 a) { return (nx_aarch64_i32x4)a; }

/* nx_aarch64_bits_i32x4_f32x4: the same bits */
NX_AARCH64 nx_aarch64_f32x4 nx_aarch64_bits_i32x4_f32x4(nx_aarch64_i32x4 a) { return (nx_aarch64_f32x4)a; }

/* nx_aarch64_cvt_i32x4_f32x4: to the nearest float */
NX_AARCH64 nx_aarch64_f32x4 nx_aarch64_cvt_i32x4_f32x4(nx_aarch64_i32x4 a) {
  return (nx_aarch64_f32x4)vcvtq_f32_s32((int32x4_t)a);
}

/* nx_aarch64_load_i32x4_i32: p[0..3] */
NX_AARCH64 nx_aarch64_i32x4 nx_aarch64_load_i32x4_i32(const int32_t *p) { return *(const nx_aarch64_memory_i32x4 *)p; }

/* nx_aarch64_load_i32x4_u32: p[0..3] */
NX_AARCH64 nx_aarch64_i32x4 nx_aarch64_load_i32x4_u32(const uint32_t *p) { return *(const nx_aarch64_memory_i32x4 *)p; }

/* nx_aarch64_store_i32x4_i32: p[0..3] = a */
NX_AARCH64 void nx_aarch64_store_i32x4_i32(int32_t *p, nx_aarch64_i32x4 a) { *(nx_aarch64_memory_i32x4 *)p = a; }

/* nx_aarch64_store_i32x4_u32: p[0..3] = a */
NX_AARCH64 void nx_aarch64_store_i32x4_u32(uint32_t *p, nx_aarch64_i32x4 a) { *(nx_aarch64_memory_i32x4 *)p = a; }

/* nx_aarch64_add_i32x4: a + b, wraps */
NX_AARCH64 nx_aarch64_i32x4 nx_aarch64_add_i32x4(nx_aarch64_i32x4 a, nx_aarch64_i32x4 b) {
  return (nx_aarch64_i32x4)((nx_aarch64_u32x4)a + (nx_aarch64_u32x4)b);
}

/* nx_aarch64_sub_i32x4: a - b, wraps */
NX_AARCH64 nx_aarch64_i32x4 nx_aarch64_sub_i32x4(nx_aarch64_i32x4 a, nx_aarch64_i32x4 b) {
  return (nx_aarch64_i32x4)((nx_aarch64_u32x4)a - (nx_aarch64_u32x4)b);
}

/* nx_aarch64_mul_i32x4: a * b, wraps */
NX_AARCH64 nx_aarch64_i32x4 nx_aarch64_mul_i32x4(nx_aarch64_i32x4 a, nx_aarch64_i32x4 b) {
  return (nx_aarch64_i32x4)((nx_aarch64_u32x4)a * (nx_aarch64_u32x4)b);
}

/* nx_aarch64_neg_i32x4: -a, wraps */
NX_AARCH64 nx_aarch64_i32x4 nx_aarch64_neg_i32x4(nx_aarch64_i32x4 a) {
  return (nx_aarch64_i32x4) - (nx_aarch64_u32x4)a;
}

/* nx_aarch64_abs_i32x4: |a|, wraps */
NX_AARCH64 nx_aarch64_i32x4 nx_aarch64_abs_i32x4(nx_aarch64_i32x4 a) {
  return (nx_aarch64_i32x4)vabsq_s32((int32x4_t)a);
}

/* nx_aarch64_min_i32x4: a < b ? a : b */
NX_AARCH64 nx_aarch64_i32x4 nx_aarch64_min_i32x4(nx_aarch64_i32x4 a, nx_aarch64_i32x4 b) {
  return (nx_aarch64_i32x4)vminq_s32((int32x4_t)a, (int32x4_t)b);
}

/* nx_aarch64_max_i32x4: a > b ? a : b */
NX_AARCH64 nx_aarch64_i32x4 nx_aarch64_max_i32x4(nx_aarch64_i32x4 a, nx_aarch64_i32x4 b) {
  return (nx_aarch64_i32x4)vmaxq_s32((int32x4_t)a, (int32x4_t)b);
}

/* nx_aarch64_shl_i32x4: a shifted left by the lanes of b */
NX_AARCH64 nx_aarch64_i32x4 nx_aarch64_shl_i32x4(nx_aarch64_i32x4 a, nx_aarch64_i32x4 b) {
  return (nx_aarch64_i32x4)vshlq_s32((int32x4_t)a, (int32x4_t)b);
}

/* nx_aarch64_shr_i32x4: a shifted right by the lanes of b, copying the sign */
NX_AARCH64 nx_aarch64_i32x4 nx_aarch64_shr_i32x4(nx_aarch64_i32x4 a, nx_aarch64_i32x4 b) {
  return (nx_aarch64_i32x4)vshlq_s32((int32x4_t)a, vnegq_s32((int32x4_t)b));
}

/* nx_aarch64_hsum_f32x4: (0 + 2) + (1 + 3) */
NX_AARCH64 float nx_aarch64_hsum_f32x4(nx_aarch64_f32x4 a) { return a[0] + a[2] + (a[1] + a[3]); }

/* nx_aarch64_hmax_f32x4: largest lane, by halves */
NX_AARCH64 float nx_aarch64_hmax_f32x4(nx_aarch64_f32x4 a) {
  const float low = a[0] > a[2] ? a[0] : a[2], high = a[1] > a[3] ? a[1] : a[3];
  return low > high ? low : high;
}

/* nx_aarch64_hsum_i32x4: sum of the lanes, wraps */
NX_AARCH64 int32_t nx_aarch64_hsum_i32x4(nx_aarch64_i32x4 a) {
  const nx_aarch64_u32x4 b = (nx_aarch64_u32x4)a;
  return (int32_t)(b[0] + b[2] + (b[1] + b[3]));
}

/* nx_aarch64_hmax_i32x4: largest lane */
NX_AARCH64 int32_t nx_aarch64_hmax_i32x4(nx_aarch64_i32x4 a) { return vmaxvq_s32((int32x4_t)a); }

/* nx_aarch64_fma_f32: a b + c, rounded once */
NX_AARCH64 float nx_aarch64_fma_f32(float a, float b, float c) {
  return vget_lane_f32(vfma_f32(vdup_n_f32(c), vdup_n_f32(a), vdup_n_f32(b)), 0);
}

/* nx_aarch64_fma_f64: a b + c, rounded once */
NX_AARCH64 double nx_aarch64_fma_f64(double a, double b, double c) {
  return vget_lane_f64(vfma_f64(vdup_n_f64(c), vdup_n_f64(a), vdup_n_f64(b)), 0);
}

/* End of the guard. */
#endif
