/* Vector layer of target riscv64: the V extension as 4 lanes of f32 and i32, which every length of vector registers
 * from 128 bits on holds. Types are GCC's vector extensions and their elementwise functions clang's: the compiler makes
 * one instruction of each. Where RISC-V and the loop IR differ (NaN in min and max, conversions that do not fit) the
 * loop IR is followed. Most are macros, whose arguments have no side effects: RISC-V passes such vectors in pairs of
 * integer registers, and clang keeps the pairs after inlining where a loop carries them. */
#ifndef NX_VEC_RISCV64_H
#define NX_VEC_RISCV64_H
#include <stdint.h>

/* NX_RISCV64: functions of this layer */
#define NX_RISCV64 static inline __attribute__((always_inline, unused))

/* nx_riscv64_f32x4: 4 floats */
typedef float nx_riscv64_f32x4 __attribute__((vector_size(16)));

/* nx_riscv64_i32x4: 4 int32_t; a mask is lanes of -1 and 0 */
typedef int32_t nx_riscv64_i32x4 __attribute__((vector_size(16)));

/* nx_riscv64_u32x4: for arithmetic that wraps */
typedef uint32_t nx_riscv64_u32x4 __attribute__((vector_size(16)));

/* nx_riscv64_memory_f32x4: in memory, aligned as its elements */
typedef float nx_riscv64_memory_f32x4 __attribute__((vector_size(16), aligned(4), may_alias));

/* nx_riscv64_memory_i32x4: in memory, aligned as its elements */
typedef int32_t nx_riscv64_memory_i32x4 __attribute__((vector_size(16), aligned(4), may_alias));

/* nx_riscv64_load_f32x4: p[0..3] */
#define nx_riscv64_load_f32x4(p) (*(const nx_riscv64_memory_f32x4 *)(p))

/* nx_riscv64_store_f32x4: p[0..3] = a */
#define nx_riscv64_store_f32x4(p, a) (*(nx_riscv64_memory_f32x4 *)(p) = (a))

/* nx_riscv64_splat_f32x4: every lane is a */
#define nx_riscv64_splat_f32x4(a) ((nx_riscv64_f32x4){(a), (a), (a), (a)})

/* nx_riscv64_fma_f32x4: a b + c, rounded once */
#define nx_riscv64_fma_f32x4(a, b, c) __builtin_elementwise_fma(a, b, c)

/* nx_riscv64_select_f32x4: lanes of a where the mask is set, else of b */
#define nx_riscv64_select_f32x4(mask, a, b)                                                                            \
  ((nx_riscv64_f32x4)nx_riscv64_select_i32x4(mask, (nx_riscv64_i32x4)(a), (nx_riscv64_i32x4)(b)))

/* nx_riscv64_min_f32x4: a < b ? a : b */
#define nx_riscv64_min_f32x4(a, b) nx_riscv64_select_f32x4((a) < (b), a, b)

/* nx_riscv64_max_f32x4: a > b ? a : b */
#define nx_riscv64_max_f32x4(a, b) nx_riscv64_select_f32x4((a) > (b), a, b)

/* nx_riscv64_abs_f32x4: |a| */
#define nx_riscv64_abs_f32x4(a) __builtin_elementwise_abs(a)

/* nx_riscv64_sqrt_f32x4: square root */
#define nx_riscv64_sqrt_f32x4(a) __builtin_elementwise_sqrt(a)

/* nx_riscv64_floor_f32x4: largest integer <= a */
#define nx_riscv64_floor_f32x4(a) __builtin_elementwise_floor(a)

/* nx_riscv64_round_f32x4: nearest integer, halves to even */
#define nx_riscv64_round_f32x4(a) __builtin_elementwise_roundeven(a)

/* nx_riscv64_splat_i32x4: every lane is a */
#define nx_riscv64_splat_i32x4(a) ((nx_riscv64_i32x4){(a), (a), (a), (a)})

/* nx_riscv64_select_i32x4: lanes of a where the mask is set, else of b */
#define nx_riscv64_select_i32x4(mask, a, b) (((mask) & (a)) | (~(mask) & (b)))

/* nx_riscv64_int_i32x4: of integers from -2^22 to 2^22: their bits in the sum with 1.5 * 2^23 */
NX_RISCV64 nx_riscv64_i32x4 nx_riscv64_int_i32x4(nx_riscv64_f32x4 a) {
  return (nx_riscv64_i32x4)(a + 12582912.0f) - 0x4B400000;
}

/* nx_riscv64_cvt_f32x4_i32x4: towards zero; the least integer where it does not fit. In halves of 16 bits, because
 * QEMU 7.2 ends at vfcvt.rtz, which a conversion would be. */
NX_RISCV64 nx_riscv64_i32x4 nx_riscv64_cvt_f32x4_i32x4(nx_riscv64_f32x4 a) {
  const nx_riscv64_i32x4 fits = (a >= -2147483648.0f) & (a < 2147483648.0f);
  const nx_riscv64_f32x4 whole = __builtin_elementwise_floor(__builtin_elementwise_abs(a));
  const nx_riscv64_f32x4 inside = (nx_riscv64_f32x4)((nx_riscv64_i32x4)whole & fits);
  const nx_riscv64_f32x4 high = __builtin_elementwise_floor(inside * (1.0f / 65536));
  const nx_riscv64_u32x4 bits = ((nx_riscv64_u32x4)nx_riscv64_int_i32x4(high) << 16) +
                                (nx_riscv64_u32x4)nx_riscv64_int_i32x4(inside - high * 65536.0f);
  const nx_riscv64_u32x4 negative = (nx_riscv64_u32x4)(a < 0.0f);
  const nx_riscv64_i32x4 least = nx_riscv64_splat_i32x4(-2147483647 - 1);
  return nx_riscv64_select_i32x4(fits, (nx_riscv64_i32x4)((bits ^ negative) - negative), least);
}

/* nx_riscv64_bits_f32x4_i32x4: the same bits */
#define nx_riscv64_bits_f32x4_i32x4(a) ((nx_riscv64_i32x4)(a))

/* nx_riscv64_bits_i32x4_f32x4: the same bits */
#define nx_riscv64_bits_i32x4_f32x4(a) ((nx_riscv64_f32x4)(a))

/* nx_riscv64_cvt_i32x4_f32x4: to the nearest float */
#define nx_riscv64_cvt_i32x4_f32x4(a) __builtin_convertvector(a, nx_riscv64_f32x4)

/* nx_riscv64_load_i32x4_i32: p[0..3] */
#define nx_riscv64_load_i32x4_i32(p) (*(const nx_riscv64_memory_i32x4 *)(p))

/* nx_riscv64_load_i32x4_u32: p[0..3] */
#define nx_riscv64_load_i32x4_u32(p) (*(const nx_riscv64_memory_i32x4 *)(p))

/* nx_riscv64_store_i32x4_i32: p[0..3] = a */
#define nx_riscv64_store_i32x4_i32(p, a) (*(nx_riscv64_memory_i32x4 *)(p) = (a))

/* nx_riscv64_store_i32x4_u32: p[0..3] = a */
#define nx_riscv64_store_i32x4_u32(p, a) (*(nx_riscv64_memory_i32x4 *)(p) = (a))

/* nx_riscv64_add_i32x4: a + b, wraps */
#define nx_riscv64_add_i32x4(a, b) ((nx_riscv64_i32x4)((nx_riscv64_u32x4)(a) + (nx_riscv64_u32x4)(b)))

/* nx_riscv64_sub_i32x4: a - b, wraps */
#define nx_riscv64_sub_i32x4(a, b) ((nx_riscv64_i32x4)((nx_riscv64_u32x4)(a) - (nx_riscv64_u32x4)(b)))

/* nx_riscv64_mul_i32x4: a * b, wraps */
#define nx_riscv64_mul_i32x4(a, b) ((nx_riscv64_i32x4)((nx_riscv64_u32x4)(a) * (nx_riscv64_u32x4)(b)))

/* nx_riscv64_neg_i32x4: -a, wraps */
#define nx_riscv64_neg_i32x4(a) ((nx_riscv64_i32x4)(-(nx_riscv64_u32x4)(a)))

/* nx_riscv64_abs_i32x4: |a|, wraps */
#define nx_riscv64_abs_i32x4(a) __builtin_elementwise_abs(a)

/* nx_riscv64_min_i32x4: a < b ? a : b */
#define nx_riscv64_min_i32x4(a, b) __builtin_elementwise_min(a, b)

/* nx_riscv64_max_i32x4: a > b ? a : b */
#define nx_riscv64_max_i32x4(a, b) __builtin_elementwise_max(a, b)

/* nx_riscv64_shl_i32x4: a shifted left by the lanes of b */
#define nx_riscv64_shl_i32x4(a, b) ((nx_riscv64_i32x4)((nx_riscv64_u32x4)(a) << (nx_riscv64_u32x4)(b)))

/* nx_riscv64_shr_i32x4: a shifted right by the lanes of b, copying the sign */
#define nx_riscv64_shr_i32x4(a, b) ((a) >> (b))

/* nx_riscv64_hsum_f32x4: (0 + 2) + (1 + 3) */
#define nx_riscv64_hsum_f32x4(a) ((a)[0] + (a)[2] + ((a)[1] + (a)[3]))

/* nx_riscv64_hmax_f32x4: largest lane, by halves */
NX_RISCV64 float nx_riscv64_hmax_f32x4(nx_riscv64_f32x4 a) {
  const float low = a[0] > a[2] ? a[0] : a[2], high = a[1] > a[3] ? a[1] : a[3];
  return low > high ? low : high;
}

/* nx_riscv64_hsum_i32x4: sum of the lanes, wraps */
NX_RISCV64 int32_t nx_riscv64_hsum_i32x4(nx_riscv64_i32x4 a) {
  const nx_riscv64_u32x4 b = (nx_riscv64_u32x4)a;
  return (int32_t)(b[0] + b[2] + (b[1] + b[3]));
}

/* nx_riscv64_hmax_i32x4: largest lane */
#define nx_riscv64_hmax_i32x4(a) __builtin_reduce_max(a)

/* nx_riscv64_fma_f32: a b + c, rounded once */
NX_RISCV64 float nx_riscv64_fma_f32(float a, float b, float c) { return __builtin_fmaf(a, b, c); }

/* nx_riscv64_fma_f64: a b + c, rounded once */
NX_RISCV64 double nx_riscv64_fma_f64(double a, double b, double c) { return __builtin_fma(a, b, c); }

/* End of the guard. */
#endif
