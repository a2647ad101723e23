/* Layernorm of one contiguous row, for the families that end in one. */
#ifndef NEXTC_LOWER_LAYERNORM_H
#define NEXTC_LOWER_LAYERNORM_H
#include "backend/lower.h"

/* Normalises the C elements at x[x_at] of the open kernel into y[y_at] as the layernorm op says: C is the product of its
 * axes, which are the trailing ones; scale and bias [C] are read if the op has them. x and y may be the same row. */
void emit_layernorm_row(Lower *, const Op *norm, ParamId x, Affine x_at, ParamId y, Affine y_at);

/* Rows 0 .. count - 1: row r from x[x_at + r x_step] to y[y_at + r y_step], perhaps in place. Inside a pfor; takes the
 * kernel's scratch number 1. The same bits as row by row. */
typedef struct {
  ParamId x, y;
  Affine x_at, y_at;
  int64_t x_step, y_step, count;
} NormRows;
void emit_layernorm_rows(Lower *, const Op *norm, const NormRows *);
#endif
