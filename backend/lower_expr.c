/* Expressions on registers; see lower_expr.h. */
#include "backend/lower_expr.h"
#include <math.h>
#include <string.h>

Expr expr_new(Kernel *k, RegType type, int lanes, const char *tag) { return (Expr){k, type, lanes, tag}; }
Expr expr_like(Kernel *k, RegId r, const char *tag) { return (Expr){k, k->regs[r].type, k->regs[r].lanes, tag}; }

Expr expr_as(Expr e, RegType type) {
  e.type = type;
  return e;
}

RegId expr_reg(Expr e) { return kernel_reg(e.kernel, e.type, e.lanes, "%s", e.tag); }

static bool is_literal(const Kernel *k, RegId r) {
  const char *name = k->regs[r].name;
  return !strncmp(name, "lit", 3) && (!name[3] || name[3] == '_');
}

/* A literal that an open block has made already; 0: none. */
static RegId known_literal(Expr e, double number) {
  const Kernel *k = e.kernel;
  for (int d = k->depth; d >= 0; d--)
    for (StmtId id = d ? k->stmts[k->open[d - 1]].body : k->body; id; id = k->stmts[id].next) {
      const Stmt *s = &k->stmts[id];
      if (s->op != LOP_const || memcmp(&s->number, &number, sizeof number) || !is_literal(k, s->dst)) continue;
      if (k->regs[s->dst].type == e.type && k->regs[s->dst].lanes == e.lanes) return s->dst;
    }
  return 0;
}

static RegId plain_literal(Expr e, double number) {
  RegId r = known_literal(e, number);
  if (r) return r;
  r = kernel_reg(e.kernel, e.type, e.lanes, "lit");
  emit_const(e.kernel, r, number);
  return r;
}

/* +-2^63 as a signed integer that holds it: 1 << 63. Other numbers: exact up to 2^53. */
static RegId integer_literal(Expr e, double number) {
  const double largest = 9007199254740992.0;
  if (fabs(number) <= largest) return plain_literal(e, number);
  RegId least = expr_op2(e, LOP_shl, plain_literal(e, 1), plain_literal(e, 63));
  return number < 0 ? least : expr_op2(e, LOP_sub, least, plain_literal(e, 1));
}

/* Infinity has all bits of the exponent set: -2^23 (f32), -2^52 (f64) read as a signed integer is -inf. */
static RegId infinity(Expr e, bool negative) {
  bool single = e.type == REG_f32;
  Expr integer = expr_as(e, single ? REG_i32 : REG_i64);
  RegId r = expr_op1(e, LOP_bits, plain_literal(integer, single ? -8388608.0 : -4503599627370496.0));
  return negative ? r : expr_op1(e, LOP_neg, r);
}

RegId expr_lit(Expr e, double number) {
  if (e.type == REG_i64) return integer_literal(e, number);
  if (e.type == REG_f32) number = (double)(float)number;
  if (isinf(number)) return infinity(e, number < 0);
  if (isnan(number)) {
    RegId inf = infinity(e, false);
    return expr_op2(e, LOP_sub, inf, inf);
  }
  return plain_literal(e, number);
}

RegId expr_op1(Expr e, LoopOp op, RegId a) { return expr_op2(e, op, a, 0); }

RegId expr_op2(Expr e, LoopOp op, RegId a, RegId b) {
  RegId r = expr_reg(e);
  emit_op(e.kernel, op, r, a, b, 0);
  return r;
}

RegId expr_fma(Expr e, RegId a, RegId b, RegId c) {
  if (e.type != REG_f32) return expr_op2(e, LOP_add, expr_op2(e, LOP_mul, a, b), c);
  RegId r = expr_reg(e);
  emit_op(e.kernel, LOP_fma, r, a, b, c);
  return r;
}

RegId expr_mask(Expr e, LoopOp op, RegId a, RegId b) { return expr_op2(expr_as(e, REG_i32), op, a, b); }

RegId expr_select(Expr e, RegId mask, RegId yes, RegId no) {
  RegId r = expr_reg(e);
  emit_op(e.kernel, LOP_select, r, mask, yes, no);
  return r;
}

RegId expr_libm(Expr e, const char *name, RegId a, RegId b) {
  RegId r = expr_reg(e);
  char full[16];
  size_t length = strlen(name);
  if (length + 2 > sizeof full || e.lanes != 1) die("libm %s on %d lanes", name, e.lanes);
  memcpy(full, name, length + 1);
  if (e.type == REG_f32) memcpy(full + length, "f", 2);
  emit_libm(e.kernel, r, full, a, b);
  return r;
}

RegId expr_to(Expr from, RegType to, RegId a) {
  return expr_op1(expr_as(from, to), from.type == to ? LOP_mov : LOP_cvt, a);
}

RegId expr_poly(Expr e, RegId x, const double *c, int count) {
  RegId r = expr_lit(e, c[count - 1]);
  for (int i = count - 2; i >= 0; i--) r = expr_fma(e, r, x, expr_lit(e, c[i]));
  return r;
}

/* min(a, b) is a < b ? a : b: with the literal first, a NaN is what remains. */
RegId expr_at_most(Expr e, double limit, RegId x) { return expr_op2(e, LOP_min, expr_lit(e, limit), x); }
RegId expr_at_least(Expr e, double limit, RegId x) { return expr_op2(e, LOP_max, expr_lit(e, limit), x); }
