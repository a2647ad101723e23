/* Expressions on registers: every call appends one statement and returns the fresh register it fills, so that formulas
 * read like formulas. */
#ifndef NEXTC_LOWER_EXPR_H
#define NEXTC_LOWER_EXPR_H
#include "ir/loop.h"

/* Where an expression is written and what its values are. */
typedef struct {
  Kernel *kernel;
  RegType type;
  int lanes;
  const char *tag; /* registers are named after it */
} Expr;

Expr expr_new(Kernel *, RegType, int lanes, const char *tag);
Expr expr_like(Kernel *, RegId, const char *tag); /* type and lanes of a register */
Expr expr_as(Expr, RegType);                      /* the same with another type */

RegId expr_reg(Expr); /* fresh, not assigned yet */
/* A literal in every lane. Equal literals of open blocks share a register (named lit*), which nobody may write. i64
 * beyond 2^53 and infinities are made from their bits. */
RegId expr_lit(Expr, double);
RegId expr_op1(Expr, LoopOp, RegId);
RegId expr_op2(Expr, LoopOp, RegId, RegId);
RegId expr_fma(Expr, RegId a, RegId b, RegId c); /* a b + c; two roundings for other types than f32 */
RegId expr_mask(Expr, LoopOp, RegId, RegId);     /* lt, le, eq on registers of expr's type: an i32 mask */
RegId expr_select(Expr, RegId mask, RegId yes, RegId no);
RegId expr_libm(Expr, const char *name, RegId a, RegId b); /* f32: name gets its f; lanes 1 */
/* cvt or mov to a type. */
RegId expr_to(Expr from, RegType to, RegId);
/* c[0] + c[1] x + ... + c[count - 1] x^(count - 1) by Horner's rule. */
RegId expr_poly(Expr, RegId x, const double *c, int count);

/* Smaller (larger) of a literal and x; NaN stays NaN. */
RegId expr_at_most(Expr, double, RegId x);
RegId expr_at_least(Expr, double, RegId x);
#endif
