/* gemm: y [M, N] = x [M, K] W + b, then pointwise ops, with W packed in panels of 16 columns.
 *
 * Many rows: a task is a block of about 16 row tiles and goes through all panels, each panel staying in L1 while the
 * rows pass. Few rows: a task is a group of columns and goes through all rows. The choice depends on M alone. */
#include "backend/lower_product.h"

static void block_body(void *user, const RowSegment *s, Affine number) {
  Product *p = user;
  (void)number;
  p->segment[0] = *s;
  p->segments = 1;
  emit_product(p, LOP_for);
}

void lower_gemm(Lower *lw) {
  const Op *op = op_at(lw->graph, lw->ops[0]);
  const Type *y = type_of(lw->graph, op->first_result);
  int64_t rows = type_elements(y) / y->dim[y->rank - 1];
  if (op->attrs.strassen) {
    lower_gemm_strassen(lw, rows);
    return;
  }
  lower_kernel(lw);
  ParamId x = lower_in(lw, op->operands[0]);
  TileKernel tk = tile_kernel(lw, op, x, lower_out(lw, op_at(lw->graph, lw->ops[lw->op_count - 1])->first_result));
  tk.epilogue = lw->ops + 1;
  tk.epilogue_count = lw->op_count - 1;
  Product p = product_whole(&tk);
  if (product_by_rows(rows))
    emit_row_blocks(lw, rows, block_body, &p);
  else {
    product_all_rows(&p, rows);
    emit_product(&p, LOP_pfor);
  }
}
