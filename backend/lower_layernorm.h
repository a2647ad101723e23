/* Layernorm of contiguous rows, for the families that end in one. */
#ifndef NEXTC_LOWER_LAYERNORM_H
#define NEXTC_LOWER_LAYERNORM_H
#include "backend/lower.h"

/* Normalises the C elements at x[x_at] of the open kernel into y[y_at] as the layernorm op says: C is the product of
 * its axes, which are the trailing ones; scale and bias [C] are read if the op has them. x and y may be the same row.
 */
void emit_layernorm_row(Lower *, const Op *norm, ParamId x, Affine x_at, ParamId y, Affine y_at);

/* Rows in the order of up to three nested loops, each with its steps in x and y (count 0: no loop), from x[x_at +
 * steps] to the like of y, perhaps in place. Inside a pfor; takes the kernel's scratch number 1. The same bits as row
 * by row. */
typedef struct {
  ParamId x, y;
  Affine x_at, y_at;
  struct {
    int64_t count, x_step, y_step;
  } loop[3];
} NormRows;
void emit_layernorm_rows(Lower *, const Op *norm, const NormRows *);
#endif
