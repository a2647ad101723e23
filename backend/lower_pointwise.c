/* Pointwise ops on registers: one row an op. Integers are computed in the register type and then wrapped to their own
 * (reg_type_of: i32 for what is narrower than 32 bits, i64 for u32); bools are 0 or 1. u64 is no type of any kernel. */
#include "backend/lower_expr.h"
#include "backend/lower_half.h"
#include "backend/lower_math.h"
#include <math.h>

typedef struct {
  Lower *lower;
  const Op *op;
  const RegId *x; /* operands */
  Expr e;         /* of operand 0's type; where: of the result's */
  DType in, out;  /* types of operand 0 and of the result */
} Point;

typedef RegId Build(const Point *);

/* Exactly one of loop, mask, math, libm, build. */
typedef struct {
  LoopOp loop; /* the op itself; integers are wrapped */
  LoopOp mask; /* a comparison */
  RegId (*math)(Kernel *, RegId, const char *);
  const char *libm;
  Build *build;
  bool scalar; /* calls C's math library: one lane at a time */
} Row;

/* ---- pieces ---- */

static RegId lit(const Point *p, double number) { return expr_lit(p->e, number); }
static bool is_float(const Point *p) { return dtype_is_float(p->in); }
static RegId build_cast(const Point *);

/* The value of an i32 or i64 register modulo the type's range. Types as wide as their register need nothing. */
static RegId wrap(Expr e, DType t, RegId r) {
  int unused = (e.type == REG_i64 ? 64 : 32) - 8 * (int)dtype_bytes(t);
  if (dtype_is_float(t) || !unused) return r;
  if (dtype_is_unsigned(t))
    return expr_op2(e, LOP_and, r, expr_lit(e, (double)(((int64_t)1 << 8 * dtype_bytes(t)) - 1)));
  RegId count = expr_lit(e, unused);
  return expr_op2(e, LOP_shr, expr_op2(e, LOP_shl, r, count), count);
}

static RegId bool_of_mask(Expr e, RegId mask) {
  Expr integer = expr_as(e, REG_i32);
  return expr_op2(integer, LOP_and, mask, expr_lit(integer, 1));
}

/* x != x and the like: 1 + mask */
static RegId bool_of_not_mask(Expr e, RegId mask) {
  Expr integer = expr_as(e, REG_i32);
  return expr_op2(integer, LOP_add, mask, expr_lit(integer, 1));
}

static RegId is_number(const Point *p, RegId r) { return expr_mask(p->e, LOP_eq, r, r); }

/* Is operand i a literal that is no NaN? */
static bool literal_operand(const Point *p, uint32_t i, double *value) {
  return value_is_splat(p->lower->graph, p->op->operands[i], value) && !isnan(*value);
}

/* ---- one operand ---- */

static RegId build_sign(const Point *p) {
  RegId zero = lit(p, 0), x = p->x[0];
  RegId r = expr_select(p->e, expr_mask(p->e, LOP_lt, x, zero), lit(p, -1), x);
  return expr_select(p->e, expr_mask(p->e, LOP_lt, zero, x), lit(p, 1), r);
}

static RegId build_reciprocal(const Point *p) { return expr_op2(p->e, LOP_div, lit(p, 1), p->x[0]); }
static RegId build_relu(const Point *p) { return expr_at_least(p->e, 0, p->x[0]); }

static RegId build_gelu(const Point *p) {
  return (p->op->attrs.mode ? math_gelu_tanh : math_gelu)(p->e.kernel, p->x[0], p->e.tag);
}

static RegId negative_or(const Point *p, RegId negative) {
  return expr_select(p->e, expr_mask(p->e, LOP_lt, p->x[0], lit(p, 0)), negative, p->x[0]);
}

static RegId build_leaky_relu(const Point *p) {
  return negative_or(p, expr_op2(p->e, LOP_mul, p->x[0], lit(p, p->op->attrs.alpha)));
}

static RegId build_elu(const Point *p) {
  RegId m1 = math_expm1(p->e.kernel, p->x[0], p->e.tag);
  return negative_or(p, expr_op2(p->e, LOP_mul, m1, lit(p, p->op->attrs.alpha)));
}

/* clip(alpha x + beta, 0, 1) */
static RegId clipped_line(const Point *p, RegId x, double alpha, double beta) {
  return expr_at_least(p->e, 0, expr_at_most(p->e, 1, expr_fma(p->e, x, lit(p, alpha), lit(p, beta))));
}

static RegId build_hard_sigmoid(const Point *p) {
  return clipped_line(p, p->x[0], p->op->attrs.alpha, p->op->attrs.beta);
}

static RegId build_hard_swish(const Point *p) {
  return expr_op2(p->e, LOP_mul, p->x[0], clipped_line(p, p->x[0], 1.0 / 6, 0.5));
}

/* -floor(-x) */
static RegId build_ceil(const Point *p) {
  RegId below = expr_op1(p->e, LOP_floor, expr_op1(p->e, LOP_neg, p->x[0]));
  return expr_op1(p->e, LOP_neg, below);
}

/* The loop op is for small numbers only; f32 from 2^23 (f64 from 2^52) on are integers, and so are halves times two
 * from 2^22 on: what is larger than the limit is added to and taken from 2^23 (2^52) with its own sign. */
static RegId build_round(const Point *p) {
  Expr e = p->e;
  RegId x = p->x[0], size = expr_op1(e, LOP_abs, x), zero = lit(p, 0);
  RegId magic = lit(p, e.type == REG_f32 ? 0x1p23 : 0x1p52);
  RegId small = expr_mask(e, LOP_lt, size, lit(p, e.type == REG_f32 ? 0x1p22 : 0x1p51));
  RegId middle = expr_mask(e, LOP_lt, size, magic);
  RegId rounded = expr_op1(e, LOP_round, expr_select(e, small, x, zero));
  RegId whole = expr_op2(e, LOP_sub, expr_op2(e, LOP_add, size, magic), magic);
  whole = expr_select(e, expr_mask(e, LOP_lt, x, zero), expr_op1(e, LOP_neg, whole), whole);
  return expr_select(e, small, rounded, expr_select(e, middle, whole, x));
}

static RegId build_not(const Point *p) { return bool_of_mask(p->e, expr_mask(p->e, LOP_eq, p->x[0], lit(p, 0))); }
static RegId build_is_nan(const Point *p) { return bool_of_not_mask(p->e, is_number(p, p->x[0])); }

/* To an integer: towards zero, saturating, NaN gives 0. Through f64, which holds the limits of all types but i64: there
 * 2^63 and more is a case of its own. */
static RegId cast_to_integer(const Point *p) {
  Expr wide = expr_as(p->e, REG_f64), whole = expr_as(p->e, REG_i64);
  RegId x = expr_to(p->e, REG_f64, p->x[0]);
  x = expr_select(wide, expr_mask(wide, LOP_eq, x, x), x, expr_lit(wide, 0));
  int bits = 8 * (int)dtype_bytes(p->out) - !dtype_is_unsigned(p->out);
  double least = dtype_is_unsigned(p->out) ? 0 : -ldexp(1, bits), beyond = ldexp(1, bits);
  RegId in_range = expr_at_most(wide, bits < 53 ? beyond - 1 : nextafter(beyond, 0), expr_at_least(wide, least, x));
  RegId r = expr_to(wide, REG_i64, in_range);
  if (bits >= 53)
    r = expr_select(whole, expr_mask(wide, LOP_le, expr_lit(wide, beyond), x), expr_lit(whole, beyond), r);
  return expr_to(whole, reg_type_of(p->out), r);
}

/* One of the types is a half: its bits from or to f32. */
static RegId cast_half(const Point *p) {
  Point wide = *p;
  RegId x = p->x[0];
  if (dtype_is_half(p->in)) {
    x = half_to_f32(p->e, p->in, x);
    wide.e = expr_as(p->e, REG_f32);
    wide.in = DT_f32;
  }
  if (dtype_is_half(p->out)) wide.out = DT_f32;
  wide.x = &x;
  x = wide.out == DT_f32 ? expr_to(wide.e, REG_f32, x) : build_cast(&wide);
  return dtype_is_half(p->out) ? half_from_f32(expr_as(p->e, REG_f32), p->out, x) : x;
}

static RegId build_cast(const Point *p) {
  if (dtype_is_half(p->in) || dtype_is_half(p->out)) return cast_half(p);
  if (p->out == DT_bool) return bool_of_not_mask(p->e, expr_mask(p->e, LOP_eq, p->x[0], lit(p, 0)));
  if (is_float(p) && !dtype_is_float(p->out)) return cast_to_integer(p);
  RegType to = reg_type_of(p->out);
  return wrap(expr_as(p->e, to), p->out, expr_to(p->e, to, p->x[0]));
}

/* ---- two and three operands ---- */

/* a where it is a NaN, else a op b: that keeps b where b is one. A literal goes first and needs no test. */
static RegId extreme(const Point *p, LoopOp op) {
  RegId a = p->x[0], b = p->x[1];
  double value;
  if (!is_float(p) || literal_operand(p, 0, &value)) return expr_op2(p->e, op, a, b);
  if (literal_operand(p, 1, &value)) return expr_op2(p->e, op, b, a);
  return expr_select(p->e, is_number(p, a), expr_op2(p->e, op, a, b), a);
}
static RegId build_min(const Point *p) { return extreme(p, LOP_min); }
static RegId build_max(const Point *p) { return extreme(p, LOP_max); }

/* The remainder r has the sign of a; where it is not 0 and b has another sign, r + b. */
static RegId build_mod(const Point *p) {
  Expr e = p->e, mask = expr_as(e, REG_i32);
  RegId a = p->x[0], b = p->x[1], zero = lit(p, 0);
  RegId r = is_float(p) ? expr_libm(e, "fmod", a, b) : expr_op2(e, LOP_mod, a, b);
  if (p->op->attrs.mode) return r;
  RegId differ = expr_op2(mask, LOP_xor, expr_mask(e, LOP_lt, r, zero), expr_mask(e, LOP_lt, b, zero));
  RegId moved = expr_select(e, differ, expr_op2(e, LOP_add, r, b), r);
  return expr_select(e, expr_mask(e, LOP_eq, r, zero), r, moved);
}

/* Squares and multiplies over the bits of n >= 0; a negative n leaves the reciprocal, cut off: 1 and -1 only. */
static RegId integer_power(const Point *p) {
  Expr e = p->e;
  Kernel *k = e.kernel;
  RegId zero = lit(p, 0), one = lit(p, 1), minus = lit(p, -1);
  RegId base = expr_op1(e, LOP_mov, p->x[0]), n = expr_op1(e, LOP_mov, p->x[1]), r = expr_op1(e, LOP_mov, one);
  emit_for(k, LOP_for, "bit", 0, e.type == REG_i64 ? 63 : 31, 1);
  RegId odd = expr_mask(e, LOP_eq, expr_op2(e, LOP_and, n, one), one);
  emit_op(k, LOP_select, r, odd, expr_op2(e, LOP_mul, r, base), r);
  emit_op(k, LOP_mul, base, base, base, 0);
  emit_op(k, LOP_shr, n, n, one, 0);
  emit_end(k);
  RegId a = p->x[0], even = expr_mask(e, LOP_eq, expr_op2(e, LOP_and, p->x[1], one), zero);
  RegId unit = expr_select(e, even, one, a);
  RegId fraction = expr_select(e, expr_mask(e, LOP_eq, a, minus), unit, zero);
  fraction = expr_select(e, expr_mask(e, LOP_eq, a, one), one, fraction);
  return wrap(e, p->out, expr_select(e, expr_mask(e, LOP_lt, p->x[1], zero), fraction, r));
}

static bool is_square(const Graph *g, const Op *op) {
  double exponent;
  return op->kind == OP_pow && value_is_splat(g, op->operands[1], &exponent) && exponent == 2;
}

static RegId build_pow(const Point *p) {
  if (is_square(p->lower->graph, p->op)) return wrap(p->e, p->out, expr_op2(p->e, LOP_mul, p->x[0], p->x[0]));
  return is_float(p) ? expr_libm(p->e, "pow", p->x[0], p->x[1]) : integer_power(p);
}

static RegId build_where(const Point *p) {
  Expr condition = expr_as(p->e, REG_i32);
  RegId no = expr_mask(condition, LOP_eq, p->x[0], expr_lit(condition, 0));
  return expr_select(p->e, no, p->x[2], p->x[1]);
}

static const Row rows[OP_COUNT] = {
    [OP_neg] = {.loop = LOP_neg},
    [OP_abs] = {.loop = LOP_abs},
    [OP_sign] = {.build = build_sign},
    [OP_sqrt] = {.loop = LOP_sqrt},
    [OP_reciprocal] = {.build = build_reciprocal},
    [OP_exp] = {.math = math_exp},
    [OP_log] = {.libm = "log", .scalar = true},
    [OP_erf] = {.math = math_erf},
    [OP_sin] = {.libm = "sin", .scalar = true},
    [OP_cos] = {.libm = "cos", .scalar = true},
    [OP_tanh] = {.math = math_tanh},
    [OP_sigmoid] = {.math = math_sigmoid},
    [OP_relu] = {.build = build_relu},
    [OP_gelu] = {.build = build_gelu},
    [OP_silu] = {.math = math_silu},
    [OP_leaky_relu] = {.build = build_leaky_relu},
    [OP_elu] = {.build = build_elu},
    [OP_hard_sigmoid] = {.build = build_hard_sigmoid},
    [OP_hard_swish] = {.build = build_hard_swish},
    [OP_softplus] = {.math = math_softplus, .scalar = true},
    [OP_floor] = {.loop = LOP_floor},
    [OP_ceil] = {.build = build_ceil},
    [OP_round] = {.build = build_round},
    [OP_not] = {.build = build_not},
    [OP_is_nan] = {.build = build_is_nan},
    [OP_cast] = {.build = build_cast},
    [OP_add] = {.loop = LOP_add},
    [OP_sub] = {.loop = LOP_sub},
    [OP_mul] = {.loop = LOP_mul},
    [OP_div] = {.loop = LOP_div},
    [OP_mod] = {.build = build_mod, .scalar = true},
    [OP_pow] = {.build = build_pow, .scalar = true},
    [OP_min] = {.build = build_min},
    [OP_max] = {.build = build_max},
    [OP_equal] = {.mask = LOP_eq},
    [OP_less] = {.mask = LOP_lt},
    [OP_less_equal] = {.mask = LOP_le},
    [OP_and] = {.loop = LOP_and},
    [OP_or] = {.loop = LOP_or},
    [OP_xor] = {.loop = LOP_xor},
    [OP_where] = {.build = build_where},
};

RegId lower_pointwise(Lower *lower, const Op *op, const RegId *operands, int lanes, const char *tag) {
  const Graph *g = lower->graph;
  const Row *row = &rows[op->kind];
  DType in = type_of(g, op->operands[0])->dtype, out = type_of(g, op->first_result)->dtype;
  Expr e = expr_new(lower->kernel, reg_type_of(op->kind == OP_where ? out : in), lanes, tag);
  Point p = {lower, op, operands, e, in, out};
  if (row->math) return row->math(lower->kernel, operands[0], tag);
  if (row->libm) return expr_libm(e, row->libm, operands[0], 0);
  if (row->build) return row->build(&p);
  RegId second = op->operand_count > 1 ? operands[1] : 0;
  if (row->mask) return bool_of_mask(e, expr_mask(e, row->mask, operands[0], second));
  if (!row->loop) die("no kernel computes '%s' element by element", op_info[op->kind].name);
  return wrap(e, out, expr_op2(e, row->loop, operands[0], second));
}

static bool vector_type(const Lower *lower, ValueId v) {
  DType t = type_of(lower->graph, v)->dtype;
  return t == DT_bool || target_has_vectors(lower->target, t);
}

bool pointwise_has_vector_form(const Lower *lower, const Op *op) {
  if (lower->target->lanes == 1 || !(op_info[op->kind].traits & T_POINTWISE)) return false;
  if (rows[op->kind].scalar && !is_square(lower->graph, op)) return false;
  for (uint32_t i = 0; i < op->operand_count; i++)
    if (!vector_type(lower, op->operands[i])) return false;
  return vector_type(lower, op->first_result);
}
