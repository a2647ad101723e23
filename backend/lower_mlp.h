/* What the two ways to lower an mlp group share. */
#ifndef NEXTC_LOWER_MLP_H
#define NEXTC_LOWER_MLP_H
#include "backend/lower_product.h"

typedef struct {
  Lower *lw;
  const Op *first, *grn, *second; /* grn: NULL where there is none */
  const OpId *act, *tail;         /* pointwise ops behind the first and the second gemm */
  uint32_t act_count, tail_count;
  ValueId y;
  int64_t rows, hidden, columns;
} Mlp;

/* A whole product as the open kernel's tasks; sums of squares go to row `number of the task` of tk->squares. */
void mlp_emit_product(TileKernel *, int64_t rows);
/* With global response normalisation between the gemms. */
void lower_mlp_grn(const Mlp *);
/* Both gemms by Strassen's products, no grn. */
void lower_mlp_strassen(const Mlp *);
#endif
