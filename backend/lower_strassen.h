/* Gemms by Strassen's products, alone or as parts of larger families. */
#ifndef NEXTC_LOWER_STRASSEN_H
#define NEXTC_LOWER_STRASSEN_H
#include "backend/lower_mlp.h"

enum { NO_TEMP = -1 };

/* One gemm, then pointwise ops, as kernels of the group. */
typedef struct {
  const Op *op;
  const OpId *epilogue;
  uint32_t epilogue_count;
  ValueId y;            /* the result, or */
  int y_temp;           /* the temporary that it is in; */
  bool makes_sums;      /* there, as sums of its quarters for another product, [7, pairs of rows, columns / 2] */
  int x_temp;           /* temporary with x; NO_TEMP: its operand */
  int scale_temp;       /* factors of x's columns; NO_TEMP: none */
  int squares_temp;     /* gets squares' sums as TileKernel says, one row a share of the rows; NO_TEMP: not wanted */
  int64_t squares_rows; /* strassen_shares */
  int sums_temp;        /* free for sums of x's quarters */
} StrassenGemm;

StrassenGemm strassen_gemm(const Op *); /* nothing but the op is set */
void lower_strassen_gemm(Lower *, int64_t rows, const StrassenGemm *);
/* Parts of the rows in different tasks. */
int64_t strassen_shares(const Target *, int64_t rows, int64_t columns);
#endif
