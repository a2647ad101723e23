/* Further functions of lower_math.c; those that other families use are in lower.h. x and results as there. */
#ifndef NEXTC_LOWER_MATH_H
#define NEXTC_LOWER_MATH_H
#include "backend/lower.h"
#include "backend/lower_expr.h"

RegId math_silu(Kernel *, RegId x, const char *tag);     /* x / (1 + e^-x); -inf gives -0 */
RegId math_expm1(Kernel *, RegId x, const char *tag);    /* e^x - 1 for x <= 0, else a number without meaning */
RegId math_softplus(Kernel *, RegId x, const char *tag); /* log(1 + e^x); lanes 1 */

/* Sums of squares of numbers up to 1e26 don't overflow when the numbers are multiplied by this before. Below 4e-16 a
 * square loses bits, below 2e-19 it is lost; that is meant for sums that an epsilon is added to. */
extern const double math_square_scale;
#endif
