/* Vector layer of target v3: AVX2 and FMA, 8 and 4 lanes of f32 and i32. Types are GCC's vector extensions: + - * / and
 * comparisons of floats, & | ^ of integers are plain C operators on them; the rest is here. */
#ifndef NX_VEC_V3_H
#define NX_VEC_V3_H
#include <immintrin.h>
#include <stdint.h>

/* NX_V3: every function of this layer is inlined into functions of the same target */
#define NX_V3 static inline __attribute__((always_inline, unused, target("avx2,fma")))

/* nx_v3_f32x8: 8 floats */
typedef float nx_v3_f32x8 __attribute__((vector_size(32)));

/* nx_v3_i32x8: 8 int32_t; a mask is lanes of -1 and 0 */
typedef int32_t nx_v3_i32x8 __attribute__((vector_size(32)));

/* nx_v3_u32x8: for arithmetic that wraps */
typedef uint32_t nx_v3_u32x8 __attribute__((vector_size(32)));

/* nx_v3_memory_f32x8: in memory, aligned as its elements */
typedef float nx_v3_memory_f32x8 __attribute__((vector_size(32), aligned(4), may_alias));

/* nx_v3_memory_i32x8: in memory, aligned as its elements */
typedef int32_t nx_v3_memory_i32x8 __attribute__((vector_size(32), aligned(4), may_alias));

/* nx_v3_f32x4: 4 floats */
typedef float nx_v3_f32x4 __attribute__((vector_size(16)));

/* nx_v3_i32x4: 4 int32_t; a mask is lanes of -1 and 0 */
typedef int32_t nx_v3_i32x4 __attribute__((vector_size(16)));

/* nx_v3_u32x4: for arithmetic that wraps */
typedef uint32_t nx_v3_u32x4 __attribute__((vector_size(16)));

/* nx_v3_memory_f32x4: in memory, aligned as its elements */
typedef float nx_v3_memory_f32x4 __attribute__((vector_size(16), aligned(4), may_alias));

/* nx_v3_memory_i32x4: in memory, aligned as its elements */
typedef int32_t nx_v3_memory_i32x4 __attribute__((vector_size(16), aligned(4), may_alias));

/* nx_v3_load_f32x8: p[0..7] */
NX_V3 nx_v3_f32x8 nx_v3_load_f32x8(const float *p) { return *(const nx_v3_memory_f32x8 *)p; }

/* nx_v3_store_f32x8: p[0..7] = a */
NX_V3 void nx_v3_store_f32x8(float *p, nx_v3_f32x8 a) { *(nx_v3_memory_f32x8 *)p = a; }

/* nx_v3_splat_f32x8: every lane is a */
NX_V3 nx_v3_f32x8 nx_v3_splat_f32x8(float a) { return _mm256_set1_ps(a); }

/* nx_v3_fma_f32x8: a b + c, rounded once */
NX_V3 nx_v3_f32x8 nx_v3_fma_f32x8(nx_v3_f32x8 a, nx_v3_f32x8 b, nx_v3_f32x8 c) { return _mm256_fmadd_ps(a, b, c); }

/* nx_v3_min_f32x8: a < b ? a : b */
NX_V3 nx_v3_f32x8 nx_v3_min_f32x8(nx_v3_f32x8 a, nx_v3_f32x8 b) { return _mm256_min_ps(a, b); }

/* nx_v3_max_f32x8: a > b ? a : b */
NX_V3 nx_v3_f32x8 nx_v3_max_f32x8(nx_v3_f32x8 a, nx_v3_f32x8 b) { return _mm256_max_ps(a, b); }

/* nx_v3_abs_f32x8: |a| */
NX_V3 nx_v3_f32x8 nx_v3_abs_f32x8(nx_v3_f32x8 a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a); }

/* nx_v3_sqrt_f32x8: square root */
NX_V3 nx_v3_f32x8 nx_v3_sqrt_f32x8(nx_v3_f32x8 a) { return _mm256_sqrt_ps(a); }

/* nx_v3_floor_f32x8: largest integer <= a */
NX_V3 nx_v3_f32x8 nx_v3_floor_f32x8(nx_v3_f32x8 a) { return _mm256_floor_ps(a); }

/* nx_v3_round_f32x8: nearest integer, halves to even */
NX_V3 nx_v3_f32x8 nx_v3_round_f32x8(nx_v3_f32x8 a) {
  return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

/* nx_v3_select_f32x8: lanes of a where the mask is set, else of b */
NX_V3 nx_v3_f32x8 nx_v3_select_f32x8(nx_v3_i32x8 mask, nx_v3_f32x8 a, nx_v3_f32x8 b) {
  return _mm256_blendv_ps(b, a, (__m256)mask);
}

/* nx_v3_cvt_f32x8_i32x8: towards zero; the least integer where it does not fit */
NX_V3 nx_v3_i32x8 nx_v3_cvt_f32x8_i32x8(nx_v3_f32x8 a) { return (nx_v3_i32x8)_mm256_cvttps_epi32(a); }

/* nx_v3_bits_f32x8_i32x8: the same bits */
NX_V3 nx_v3_i32x8 nx_v3_bits_f32x8_i32x8(nx_v3_f32x8 a) { return (nx_v3_i32x8)a; }

/* nx_v3_bits_i32x8_f32x8: the same bits */
NX_V3 nx_v3_f32x8 nx_v3_bits_i32x8_f32x8(nx_v3_i32x8 a) { return (nx_v3_f32x8)a; }

/* nx_v3_cvt_i32x8_f32x8: to the nearest float */
NX_V3 nx_v3_f32x8 nx_v3_cvt_i32x8_f32x8(nx_v3_i32x8 a) { return _mm256_cvtepi32_ps((__m256i)a); }

/* nx_v3_load_i32x8_i32: p[0..7] */
NX_V3 nx_v3_i32x8 nx_v3_load_i32x8_i32(const int32_t *p) { return *(const nx_v3_memory_i32x8 *)p; }

/* nx_v3_load_i32x8_u32: p[0..7] */
NX_V3 nx_v3_i32x8 nx_v3_load_i32x8_u32(const uint32_t *p) { return *(const nx_v3_memory_i32x8 *)p; }

/* nx_v3_store_i32x8_i32: p[0..7] = a */
NX_V3 void nx_v3_store_i32x8_i32(int32_t *p, nx_v3_i32x8 a) { *(nx_v3_memory_i32x8 *)p = a; }

/* nx_v3_store_i32x8_u32: p[0..7] = a */
NX_V3 void nx_v3_store_i32x8_u32(uint32_t *p, nx_v3_i32x8 a) { *(nx_v3_memory_i32x8 *)p = a; }

/* nx_v3_splat_i32x8: every lane is a */
NX_V3 nx_v3_i32x8 nx_v3_splat_i32x8(int32_t a) { return (nx_v3_i32x8)_mm256_set1_epi32(a); }

/* nx_v3_add_i32x8: a + b, wraps */
NX_V3 nx_v3_i32x8 nx_v3_add_i32x8(nx_v3_i32x8 a, nx_v3_i32x8 b) {
  return (nx_v3_i32x8)((nx_v3_u32x8)a + (nx_v3_u32x8)b);
}

/* nx_v3_sub_i32x8: a - b, wraps */
NX_V3 nx_v3_i32x8 nx_v3_sub_i32x8(nx_v3_i32x8 a, nx_v3_i32x8 b) {
  return (nx_v3_i32x8)((nx_v3_u32x8)a - (nx_v3_u32x8)b);
}

/* nx_v3_mul_i32x8: a * b, wraps */
NX_V3 nx_v3_i32x8 nx_v3_mul_i32x8(nx_v3_i32x8 a, nx_v3_i32x8 b) {
  return (nx_v3_i32x8)((nx_v3_u32x8)a * (nx_v3_u32x8)b);
}

/* nx_v3_neg_i32x8: -a, wraps */
NX_V3 nx_v3_i32x8 nx_v3_neg_i32x8(nx_v3_i32x8 a) { return (nx_v3_i32x8) - (nx_v3_u32x8)a; }

/* nx_v3_abs_i32x8: |a|, wraps */
NX_V3 nx_v3_i32x8 nx_v3_abs_i32x8(nx_v3_i32x8 a) { return (nx_v3_i32x8)_mm256_abs_epi32((__m256i)a); }

/* nx_v3_min_i32x8: a < b ? a : b */
NX_V3 nx_v3_i32x8 nx_v3_min_i32x8(nx_v3_i32x8 a, nx_v3_i32x8 b) {
  return (nx_v3_i32x8)_mm256_min_epi32((__m256i)a, (__m256i)b);
}

/* nx_v3_max_i32x8: a > b ? a : b */
NX_V3 nx_v3_i32x8 nx_v3_max_i32x8(nx_v3_i32x8 a, nx_v3_i32x8 b) {
  return (nx_v3_i32x8)_mm256_max_epi32((__m256i)a, (__m256i)b);
}

/* nx_v3_shl_i32x8: a shifted left by the lanes of b */
NX_V3 nx_v3_i32x8 nx_v3_shl_i32x8(nx_v3_i32x8 a, nx_v3_i32x8 b) {
  return (nx_v3_i32x8)_mm256_sllv_epi32((__m256i)a, (__m256i)b);
}

/* nx_v3_shr_i32x8: a shifted right by the lanes of b, copying the sign */
NX_V3 nx_v3_i32x8 nx_v3_shr_i32x8(nx_v3_i32x8 a, nx_v3_i32x8 b) {
  return (nx_v3_i32x8)_mm256_srav_epi32((__m256i)a, (__m256i)b);
}

/* nx_v3_select_i32x8: lanes of a where the mask is set, else of b */
NX_V3 nx_v3_i32x8 nx_v3_select_i32x8(nx_v3_i32x8 mask, nx_v3_i32x8 a, nx_v3_i32x8 b) {
  return (nx_v3_i32x8)_mm256_blendv_epi8((__m256i)b, (__m256i)a, (__m256i)mask);
}

/* nx_v3_load_f32x4: p[0..3] */
NX_V3 nx_v3_f32x4 nx_v3_load_f32x4(const float *p) { return *(const nx_v3_memory_f32x4 *)p; }

/* nx_v3_store_f32x4: p[0..3] = a */
NX_V3 void nx_v3_store_f32x4(float *p, nx_v3_f32x4 a) { *(nx_v3_memory_f32x4 *)p = a; }

/* nx_v3_splat_f32x4: every lane is a */
NX_V3 nx_v3_f32x4 nx_v3_splat_f32x4(float a) { return _mm_set1_ps(a); }

/* nx_v3_fma_f32x4: a b + c, rounded once */
NX_V3 nx_v3_f32x4 nx_v3_fma_f32x4(nx_v3_f32x4 a, nx_v3_f32x4 b, nx_v3_f32x4 c) { return _mm_fmadd_ps(a, b, c); }

/* nx_v3_min_f32x4: a < b ? a : b */
NX_V3 nx_v3_f32x4 nx_v3_min_f32x4(nx_v3_f32x4 a, nx_v3_f32x4 b) { return _mm_min_ps(a, b); }

/* nx_v3_max_f32x4: a > b ? a : b */
NX_V3 nx_v3_f32x4 nx_v3_max_f32x4(nx_v3_f32x4 a, nx_v3_f32x4 b) { return _mm_max_ps(a, b); }

/* nx_v3_abs_f32x4: |a| */
NX_V3 nx_v3_f32x4 nx_v3_abs_f32x4(nx_v3_f32x4 a) { return _mm_andnot_ps(_mm_set1_ps(-0.0f), a); }

/* nx_v3_sqrt_f32x4: square root */
NX_V3 nx_v3_f32x4 nx_v3_sqrt_f32x4(nx_v3_f32x4 a) { return _mm_sqrt_ps(a); }

/* nx_v3_floor_f32x4: largest integer <= a */
NX_V3 nx_v3_f32x4 nx_v3_floor_f32x4(nx_v3_f32x4 a) { return _mm_floor_ps(a); }

/* nx_v3_round_f32x4: nearest integer, halves to even */
NX_V3 nx_v3_f32x4 nx_v3_round_f32x4(nx_v3_f32x4 a) {
  return _mm_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

/* nx_v3_select_f32x4: lanes of a where the mask is set, else of b */
NX_V3 nx_v3_f32x4 nx_v3_select_f32x4(nx_v3_i32x4 mask, nx_v3_f32x4 a, nx_v3_f32x4 b) {
  return _mm_blendv_ps(b, a, (__m128)mask);
}

/* nx_v3_cvt_f32x4_i32x4: towards zero; the least integer where it does not fit */
NX_V3 nx_v3_i32x4 nx_v3_cvt_f32x4_i32x4(nx_v3_f32x4 a) { return (nx_v3_i32x4)_mm_cvttps_epi32(a); }

/* nx_v3_bits_f32x4_i32x4: the same bits */
NX_V3 nx_v3_i32x4 nx_v3_bits_f32x4_i32x4(nx_v3_f32x4 a) { return (nx_v3_i32x4)a; }

/* nx_v3_bits_i32x4_f32x4: the same bits */
NX_V3 nx_v3_f32x4 nx_v3_bits_i32x4_f32x4(nx_v3_i32x4 a) { return (nx_v3_f32x4)a; }

/* nx_v3_cvt_i32x4_f32x4: to the nearest float */
NX_V3 nx_v3_f32x4 nx_v3_cvt_i32x4_f32x4(nx_v3_i32x4 a) { return _mm_cvtepi32_ps((__m128i)a); }

/* nx_v3_load_i32x4_i32: p[0..3] */
NX_V3 nx_v3_i32x4 nx_v3_load_i32x4_i32(const int32_t *p) { return *(const nx_v3_memory_i32x4 *)p; }

/* nx_v3_load_i32x4_u32: p[0..3] */
NX_V3 nx_v3_i32x4 nx_v3_load_i32x4_u32(const uint32_t *p) { return *(const nx_v3_memory_i32x4 *)p; }

/* nx_v3_store_i32x4_i32: p[0..3] = a */
NX_V3 void nx_v3_store_i32x4_i32(int32_t *p, nx_v3_i32x4 a) { *(nx_v3_memory_i32x4 *)p = a; }

/* nx_v3_store_i32x4_u32: p[0..3] = a */
NX_V3 void nx_v3_store_i32x4_u32(uint32_t *p, nx_v3_i32x4 a) { *(nx_v3_memory_i32x4 *)p = a; }

/* nx_v3_splat_i32x4: every lane is a */
NX_V3 nx_v3_i32x4 nx_v3_splat_i32x4(int32_t a) { return (nx_v3_i32x4)_mm_set1_epi32(a); }

/* nx_v3_add_i32x4: a + b, wraps */
NX_V3 nx_v3_i32x4 nx_v3_add_i32x4(nx_v3_i32x4 a, nx_v3_i32x4 b) {
  return (nx_v3_i32x4)((nx_v3_u32x4)a + (nx_v3_u32x4)b);
}

/* nx_v3_sub_i32x4: a - b, wraps */
NX_V3 nx_v3_i32x4 nx_v3_sub_i32x4(nx_v3_i32x4 a, nx_v3_i32x4 b) {
  return (nx_v3_i32x4)((nx_v3_u32x4)a - (nx_v3_u32x4)b);
}

/* nx_v3_mul_i32x4: a * b, wraps */
NX_V3 nx_v3_i32x4 nx_v3_mul_i32x4(nx_v3_i32x4 a, nx_v3_i32x4 b) {
  return (nx_v3_i32x4)((nx_v3_u32x4)a * (nx_v3_u32x4)b);
}

/* nx_v3_neg_i32x4: -a, wraps */
NX_V3 nx_v3_i32x4 nx_v3_neg_i32x4(nx_v3_i32x4 a) { return (nx_v3_i32x4) - (nx_v3_u32x4)a; }

/* nx_v3_abs_i32x4: |a|, wraps */
NX_V3 nx_v3_i32x4 nx_v3_abs_i32x4(nx_v3_i32x4 a) { return (nx_v3_i32x4)_mm_abs_epi32((__m128i)a); }

/* nx_v3_min_i32x4: a < b ? a : b */
NX_V3 nx_v3_i32x4 nx_v3_min_i32x4(nx_v3_i32x4 a, nx_v3_i32x4 b) {
  return (nx_v3_i32x4)_mm_min_epi32((__m128i)a, (__m128i)b);
}

/* nx_v3_max_i32x4: a > b ? a : b */
NX_V3 nx_v3_i32x4 nx_v3_max_i32x4(nx_v3_i32x4 a, nx_v3_i32x4 b) {
  return (nx_v3_i32x4)_mm_max_epi32((__m128i)a, (__m128i)b);
}

/* nx_v3_shl_i32x4: a shifted left by the lanes of b */
NX_V3 nx_v3_i32x4 nx_v3_shl_i32x4(nx_v3_i32x4 a, nx_v3_i32x4 b) {
  return (nx_v3_i32x4)_mm_sllv_epi32((__m128i)a, (__m128i)b);
}

/* nx_v3_shr_i32x4: a shifted right by the lanes of b, copying the sign */
NX_V3 nx_v3_i32x4 nx_v3_shr_i32x4(nx_v3_i32x4 a, nx_v3_i32x4 b) {
  return (nx_v3_i32x4)_mm_srav_epi32((__m128i)a, (__m128i)b);
}

/* nx_v3_select_i32x4: lanes of a where the mask is set, else of b */
NX_V3 nx_v3_i32x4 nx_v3_select_i32x4(nx_v3_i32x4 mask, nx_v3_i32x4 a, nx_v3_i32x4 b) {
  return (nx_v3_i32x4)_mm_blendv_epi8((__m128i)b, (__m128i)a, (__m128i)mask);
}

/* nx_v3_hsum_f32x4: (0 + 2) + (1 + 3) */
NX_V3 float nx_v3_hsum_f32x4(nx_v3_f32x4 a) {
  const nx_v3_f32x4 b = a + (nx_v3_f32x4)_mm_movehl_ps(a, a);
  return b[0] + b[1];
}

/* nx_v3_hsum_f32x8: ((0 + 4) + (2 + 6)) + ((1 + 5) + (3 + 7)) */
NX_V3 float nx_v3_hsum_f32x8(nx_v3_f32x8 a) {
  const nx_v3_f32x4 low = _mm256_castps256_ps128(a), high = _mm256_extractf128_ps(a, 1);
  return nx_v3_hsum_f32x4(low + high);
}

/* nx_v3_hmax_f32x4: largest lane, by halves */
NX_V3 float nx_v3_hmax_f32x4(nx_v3_f32x4 a) {
  const nx_v3_f32x4 b = _mm_max_ps(a, _mm_movehl_ps(a, a));
  return b[0] > b[1] ? b[0] : b[1];
}

/* nx_v3_hmax_f32x8: largest lane, by halves */
NX_V3 float nx_v3_hmax_f32x8(nx_v3_f32x8 a) {
  return nx_v3_hmax_f32x4(_mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1)));
}

/* nx_v3_hsum_i32x4: sum of the lanes, wraps */
NX_V3 int32_t nx_v3_hsum_i32x4(nx_v3_i32x4 a) {
  const nx_v3_u32x4 b = (nx_v3_u32x4)a;
  return (int32_t)(b[0] + b[2] + (b[1] + b[3]));
}

/* nx_v3_hsum_i32x8: sum of the lanes, wraps */
NX_V3 int32_t nx_v3_hsum_i32x8(nx_v3_i32x8 a) {
  const nx_v3_u32x4 low = (nx_v3_u32x4)_mm256_castsi256_si128((__m256i)a);
  const nx_v3_u32x4 high = (nx_v3_u32x4)_mm256_extracti128_si256((__m256i)a, 1);
  return nx_v3_hsum_i32x4((nx_v3_i32x4)(low + high));
}

/* nx_v3_hmax_i32x4: largest lane */
NX_V3 int32_t nx_v3_hmax_i32x4(nx_v3_i32x4 a) {
  const nx_v3_i32x4 b = (nx_v3_i32x4)_mm_max_epi32((__m128i)a, _mm_unpackhi_epi64((__m128i)a, (__m128i)a));
  return b[0] > b[1] ? b[0] : b[1];
}

/* nx_v3_hmax_i32x8: largest lane */
NX_V3 int32_t nx_v3_hmax_i32x8(nx_v3_i32x8 a) {
  const __m128i low = _mm256_castsi256_si128((__m256i)a), high = _mm256_extracti128_si256((__m256i)a, 1);
  return nx_v3_hmax_i32x4((nx_v3_i32x4)_mm_max_epi32(low, high));
}

/* nx_v3_fma_f32: a b + c, rounded once */
NX_V3 float nx_v3_fma_f32(float a, float b, float c) {
  return _mm_cvtss_f32(_mm_fmadd_ss(_mm_set_ss(a), _mm_set_ss(b), _mm_set_ss(c)));
}

/* nx_v3_fma_f64: a b + c, rounded once */
NX_V3 double nx_v3_fma_f64(double a, double b, double c) {
  return _mm_cvtsd_f64(_mm_fmadd_sd(_mm_set_sd(a), _mm_set_sd(b), _mm_set_sd(c)));
}

/* End of the guard. */
#endif
