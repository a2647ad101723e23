/* The bits of f16 and bf16 in i32 registers, from and to f32. */
#ifndef NEXTC_LOWER_HALF_H
#define NEXTC_LOWER_HALF_H
#include "backend/lower_expr.h"
#include "ir/type.h"

/* Exact; bits are 0 .. 65535. NaN stays NaN. */
RegId half_to_f32(Expr, DType half, RegId bits);
/* Rounded to nearest, halves to even; what is too large becomes infinite. NaN stays NaN. x is f32. */
RegId half_from_f32(Expr, DType half, RegId x);
#endif
