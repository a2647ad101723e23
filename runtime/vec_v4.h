/* Vector layer of target v4: AVX-512, 16 lanes of f32 and i32; vectors of 8 and 4 lanes are those of v3. Masks are
 * vectors of -1 and 0 as everywhere, so that comparisons stay plain C operators. */
#ifndef NX_VEC_V4_H
#define NX_VEC_V4_H
#include "runtime/vec_v3.h"

/* NX_V4: every function of this layer is inlined into functions of the same target */
#define NX_V4                                                                                                          \
  static inline __attribute__((always_inline, unused, target("avx2,fma,avx512f,avx512vl,avx512bw,avx512dq")))

/* nx_v4_f32x16: 16 floats */
typedef float nx_v4_f32x16 __attribute__((vector_size(64)));

/* nx_v4_i32x16: 16 int32_t; a mask is lanes of -1 and 0 */
typedef int32_t nx_v4_i32x16 __attribute__((vector_size(64)));

/* nx_v4_u32x16: for arithmetic that wraps */
typedef uint32_t nx_v4_u32x16 __attribute__((vector_size(64)));

/* nx_v4_memory_f32x16: in memory, aligned as its elements */
typedef float nx_v4_memory_f32x16 __attribute__((vector_size(64), aligned(4), may_alias));

/* nx_v4_memory_i32x16: in memory, aligned as its elements */
typedef int32_t nx_v4_memory_i32x16 __attribute__((vector_size(64), aligned(4), may_alias));

/* nx_v4_load_f32x16: p[0..15] */
NX_V4 nx_v4_f32x16 nx_v4_load_f32x16(const float *p) { return *(const nx_v4_memory_f32x16 *)p; }

/* nx_v4_store_f32x16: p[0..15] = a */
NX_V4 void nx_v4_store_f32x16(float *p, nx_v4_f32x16 a) { *(nx_v4_memory_f32x16 *)p = a; }

/* nx_v4_splat_f32x16: every lane is a */
NX_V4 nx_v4_f32x16 nx_v4_splat_f32x16(float a) { return _mm512_set1_ps(a); }

/* nx_v4_fma_f32x16: a b + c, rounded once */
NX_V4 nx_v4_f32x16 nx_v4_fma_f32x16(nx_v4_f32x16 a, nx_v4_f32x16 b, nx_v4_f32x16 c) { return _mm512_fmadd_ps(a, b, c); }

/* nx_v4_min_f32x16: a < b ? a : b */
NX_V4 nx_v4_f32x16 nx_v4_min_f32x16(nx_v4_f32x16 a, nx_v4_f32x16 b) { return _mm512_min_ps(a, b); }

/* nx_v4_max_f32x16: a > b ? a : b */
NX_V4 nx_v4_f32x16 nx_v4_max_f32x16(nx_v4_f32x16 a, nx_v4_f32x16 b) { return _mm512_max_ps(a, b); }

/* nx_v4_abs_f32x16: |a| */
NX_V4 nx_v4_f32x16 nx_v4_abs_f32x16(nx_v4_f32x16 a) { return _mm512_andnot_ps(_mm512_set1_ps(-0.0f), a); }

/* nx_v4_sqrt_f32x16: square root */
NX_V4 nx_v4_f32x16 nx_v4_sqrt_f32x16(nx_v4_f32x16 a) { return _mm512_sqrt_ps(a); }

/* nx_v4_floor_f32x16: largest integer <= a */
NX_V4 nx_v4_f32x16 nx_v4_floor_f32x16(nx_v4_f32x16 a) { return _mm512_floor_ps(a); }

/* nx_v4_round_f32x16: nearest integer, halves to even, |a| < 2^22, as in plain C: the intrinsic warns in gcc at -O0 */
NX_V4 nx_v4_f32x16 nx_v4_round_f32x16(nx_v4_f32x16 a) {
  const nx_v4_f32x16 big = nx_v4_splat_f32x16(12582912.0f);
  return (a + big) - big;
}

/* nx_v4_select_i32x16: lanes of a where the mask is set, else of b */
NX_V4 nx_v4_i32x16 nx_v4_select_i32x16(nx_v4_i32x16 mask, nx_v4_i32x16 a, nx_v4_i32x16 b) {
  return (nx_v4_i32x16)_mm512_ternarylogic_epi32((__m512i)mask, (__m512i)a, (__m512i)b, 0xCA);
}

/* nx_v4_select_f32x16: lanes of a where the mask is set, else of b */
NX_V4 nx_v4_f32x16 nx_v4_select_f32x16(nx_v4_i32x16 mask, nx_v4_f32x16 a, nx_v4_f32x16 b) {
  return (nx_v4_f32x16)nx_v4_select_i32x16(mask, (nx_v4_i32x16)a, (nx_v4_i32x16)b);
}

/* nx_v4_cvt_f32x16_i32x16: towards zero; the least integer where it does not fit */
NX_V4 nx_v4_i32x16 nx_v4_cvt_f32x16_i32x16(nx_v4_f32x16 a) { return (nx_v4_i32x16)_mm512_cvttps_epi32(a); }

/* nx_v4_bits_f32x16_i32x16: the same bits */
NX_V4 nx_v4_i32x16 nx_v4_bits_f32x16_i32x16(nx_v4_f32x16 a) { return (nx_v4_i32x16)a; }

/* nx_v4_bits_i32x16_f32x16: the same bits */
NX_V4 nx_v4_f32x16 nx_v4_bits_i32x16_f32x16(nx_v4_i32x16 a) { return (nx_v4_f32x16)a; }

/* nx_v4_cvt_i32x16_f32x16: to the nearest float */
NX_V4 nx_v4_f32x16 nx_v4_cvt_i32x16_f32x16(nx_v4_i32x16 a) { return _mm512_cvtepi32_ps((__m512i)a); }

/* nx_v4_load_i32x16_i32: p[0..15] */
NX_V4 nx_v4_i32x16 nx_v4_load_i32x16_i32(const int32_t *p) { return *(const nx_v4_memory_i32x16 *)p; }

/* nx_v4_load_i32x16_u32: p[0..15] */
NX_V4 nx_v4_i32x16 nx_v4_load_i32x16_u32(const uint32_t *p) { return *(const nx_v4_memory_i32x16 *)p; }

/* nx_v4_store_i32x16_i32: p[0..15] = a */
NX_V4 void nx_v4_store_i32x16_i32(int32_t *p, nx_v4_i32x16 a) { *(nx_v4_memory_i32x16 *)p = a; }

/* nx_v4_store_i32x16_u32: p[0..15] = a */
NX_V4 void nx_v4_store_i32x16_u32(uint32_t *p, nx_v4_i32x16 a) { *(nx_v4_memory_i32x16 *)p = a; }

/* nx_v4_splat_i32x16: every lane is a */
NX_V4 nx_v4_i32x16 nx_v4_splat_i32x16(int32_t a) { return (nx_v4_i32x16)_mm512_set1_epi32(a); }

/* nx_v4_add_i32x16: a + b, wraps */
NX_V4 nx_v4_i32x16 nx_v4_add_i32x16(nx_v4_i32x16 a, nx_v4_i32x16 b) {
  return (nx_v4_i32x16)((nx_v4_u32x16)a + (nx_v4_u32x16)b);
}

/* nx_v4_sub_i32x16: a - b, wraps */
NX_V4 nx_v4_i32x16 nx_v4_sub_i32x16(nx_v4_i32x16 a, nx_v4_i32x16 b) {
  return (nx_v4_i32x16)((nx_v4_u32x16)a - (nx_v4_u32x16)b);
}

/* nx_v4_mul_i32x16: a * b, wraps */
NX_V4 nx_v4_i32x16 nx_v4_mul_i32x16(nx_v4_i32x16 a, nx_v4_i32x16 b) {
  return (nx_v4_i32x16)((nx_v4_u32x16)a * (nx_v4_u32x16)b);
}

/* nx_v4_neg_i32x16: -a, wraps */
NX_V4 nx_v4_i32x16 nx_v4_neg_i32x16(nx_v4_i32x16 a) { return (nx_v4_i32x16) - (nx_v4_u32x16)a; }

/* nx_v4_abs_i32x16: |a|, wraps */
NX_V4 nx_v4_i32x16 nx_v4_abs_i32x16(nx_v4_i32x16 a) { return (nx_v4_i32x16)_mm512_abs_epi32((__m512i)a); }

/* nx_v4_min_i32x16: a < b ? a : b */
NX_V4 nx_v4_i32x16 nx_v4_min_i32x16(nx_v4_i32x16 a, nx_v4_i32x16 b) {
  return (nx_v4_i32x16)_mm512_min_epi32((__m512i)a, (__m512i)b);
}

/* nx_v4_max_i32x16: a > b ? a : b */
NX_V4 nx_v4_i32x16 nx_v4_max_i32x16(nx_v4_i32x16 a, nx_v4_i32x16 b) {
  return (nx_v4_i32x16)_mm512_max_epi32((__m512i)a, (__m512i)b);
}

/* nx_v4_shl_i32x16: a shifted left by the lanes of b */
NX_V4 nx_v4_i32x16 nx_v4_shl_i32x16(nx_v4_i32x16 a, nx_v4_i32x16 b) {
  return (nx_v4_i32x16)_mm512_sllv_epi32((__m512i)a, (__m512i)b);
}

/* nx_v4_shr_i32x16: a shifted right by the lanes of b, copying the sign */
NX_V4 nx_v4_i32x16 nx_v4_shr_i32x16(nx_v4_i32x16 a, nx_v4_i32x16 b) {
  return (nx_v4_i32x16)_mm512_srav_epi32((__m512i)a, (__m512i)b);
}

/* nx_v4_hsum_f32x16: by halves, as at 8 lanes */
NX_V4 float nx_v4_hsum_f32x16(nx_v4_f32x16 a) {
  return nx_v3_hsum_f32x8(_mm512_castps512_ps256(a) + _mm512_extractf32x8_ps(a, 1));
}

/* nx_v4_hmax_f32x16: largest lane, by halves */
NX_V4 float nx_v4_hmax_f32x16(nx_v4_f32x16 a) {
  return nx_v3_hmax_f32x8(nx_v3_max_f32x8(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1)));
}

/* nx_v4_hsum_i32x16: sum of the lanes, wraps */
NX_V4 int32_t nx_v4_hsum_i32x16(nx_v4_i32x16 a) {
  const nx_v3_i32x8 low = (nx_v3_i32x8)_mm512_castsi512_si256((__m512i)a);
  return nx_v3_hsum_i32x8(nx_v3_add_i32x8(low, (nx_v3_i32x8)_mm512_extracti32x8_epi32((__m512i)a, 1)));
}

/* nx_v4_hmax_i32x16: largest lane */
NX_V4 int32_t nx_v4_hmax_i32x16(nx_v4_i32x16 a) {
  const nx_v3_i32x8 low = (nx_v3_i32x8)_mm512_castsi512_si256((__m512i)a);
  return nx_v3_hmax_i32x8(nx_v3_max_i32x8(low, (nx_v3_i32x8)_mm512_extracti32x8_epi32((__m512i)a, 1)));
}

/* End of the guard. */
#endif
