/* Halves and f32, by integer operations that every target has; see lower_half.h.
 *
 *   f16   sign 1, exponent 5 (bias 15), fraction 10        bf16   the upper half of an f32
 *   f32   sign 1, exponent 8 (bias 127), fraction 23 */
#include "backend/lower_half.h"

enum {
  F16_INFINITY = 0x7c00,
  F16_NAN = 0x7e00,
  REBIAS = 112 << 23, /* exponents of f16 as those of f32 */
  F32_INFINITY = 0x7f800000,
  F32_LEAST_F16 = 113 << 23, /* 2^-14, the least normal f16 */
};

static RegId int_lit(Expr e, int number) { return expr_lit(expr_as(e, REG_i32), number); }

static RegId int_op(Expr e, LoopOp op, RegId a, int b) { return expr_op2(expr_as(e, REG_i32), op, a, int_lit(e, b)); }

static RegId as_f32(Expr e, RegId bits) { return expr_op1(expr_as(e, REG_f32), LOP_bits, bits); }

static RegId less(Expr e, RegId a, RegId b) { return expr_mask(expr_as(e, REG_i32), LOP_lt, a, b); }

/* Subnormals are m 2^-24: f32 holds them as normal numbers. */
static RegId f16_to_f32(Expr e, RegId bits) {
  Expr integer = expr_as(e, REG_i32), real = expr_as(e, REG_f32);
  RegId size = int_op(e, LOP_and, bits, 0x7fff);
  RegId sign = int_op(e, LOP_shl, int_op(e, LOP_and, bits, 0x8000), 16);
  RegId normal = int_op(e, LOP_add, int_op(e, LOP_shl, size, 13), REBIAS);
  RegId special = int_op(e, LOP_add, normal, REBIAS);
  normal = expr_select(integer, less(e, size, int_lit(e, F16_INFINITY)), normal, special);
  RegId small = expr_op2(real, LOP_mul, expr_op1(real, LOP_cvt, size), expr_lit(real, 0x1p-24));
  RegId least = expr_op1(integer, LOP_bits, small);
  RegId r = expr_select(integer, less(e, size, int_lit(e, 0x400)), least, normal);
  return as_f32(e, expr_op2(integer, LOP_or, r, sign));
}

/* Drops `shift` bits, rounding to nearest: adds half of the last bit that stays, less one where that is even. */
static RegId rounded(Expr e, RegId size, int shift) {
  Expr integer = expr_as(e, REG_i32);
  RegId odd = int_op(e, LOP_and, int_op(e, LOP_shr, size, shift), 1);
  return int_op(e, LOP_shr, expr_op2(integer, LOP_add, int_op(e, LOP_add, size, (1 << (shift - 1)) - 1), odd), shift);
}

static RegId f16_from_f32(Expr e, RegId size) {
  Expr integer = expr_as(e, REG_i32), real = expr_as(e, REG_f32);
  RegId normal = rounded(e, int_op(e, LOP_sub, size, REBIAS), 13);
  normal = expr_op2(integer, LOP_min, normal, int_lit(e, F16_INFINITY));
  RegId is_small = less(e, size, int_lit(e, F32_LEAST_F16));
  RegId scaled = expr_op2(real, LOP_mul, as_f32(e, size), expr_lit(real, 0x1p24));
  scaled = expr_select(real, is_small, scaled, expr_lit(real, 0));
  RegId small = expr_op1(integer, LOP_cvt, expr_op1(real, LOP_round, scaled));
  RegId r = expr_select(integer, is_small, small, normal);
  return expr_select(integer, less(e, int_lit(e, F32_INFINITY), size), int_lit(e, F16_NAN), r);
}

static RegId bf16_from_f32(Expr e, RegId size) {
  RegId is_nan = less(e, int_lit(e, F32_INFINITY), size);
  return expr_select(expr_as(e, REG_i32), is_nan, int_lit(e, 0x7fc0), rounded(e, size, 16));
}

RegId half_to_f32(Expr e, DType half, RegId bits) {
  return half == DT_f16 ? f16_to_f32(e, bits) : as_f32(e, int_op(e, LOP_shl, bits, 16));
}

RegId half_from_f32(Expr e, DType half, RegId x) {
  Expr integer = expr_as(e, REG_i32);
  RegId bits = expr_op1(integer, LOP_bits, x);
  RegId size = int_op(e, LOP_and, bits, 0x7fffffff);
  RegId sign = int_op(e, LOP_and, int_op(e, LOP_shr, bits, 16), 0x8000);
  RegId r = half == DT_f16 ? f16_from_f32(e, size) : bf16_from_f32(e, size);
  return expr_op2(integer, LOP_or, r, sign);
}
