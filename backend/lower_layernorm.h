/* Layernorm of one contiguous row, for the families that end in one. */
#ifndef NEXTC_LOWER_LAYERNORM_H
#define NEXTC_LOWER_LAYERNORM_H
#include "backend/lower.h"

/* Normalises the C elements at x[x_at] of the open kernel into y[y_at] as the layernorm op says: C is the product of its
 * axes, which are the trailing ones; scale and bias [C] are read if the op has them. x and y may be the same row. */
void emit_layernorm_row(Lower *, const Op *norm, ParamId x, Affine x_at, ParamId y, Affine y_at);
#endif
