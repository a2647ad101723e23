/* MatMul and Gemm. A constant matrix on the right makes an IR gemm (its weight gets packed), anything else a matmul. */
#include "frontend/onnx_translate.h"

static ValueId transposed(Import *im, ValueId v) { return build_transpose(im, v, (const Dim[]){1, 0}); }

static bool is_matrix_weight(Import *im, ValueId v) {
  const Value *b = value_at(im->graph, v);
  return b->constant && b->type.rank == 2 && dtype_is_float(b->type.dtype);
}

ValueId onnx_build_product(Import *im, ValueId a, ValueId b) {
  if (im->failed) return 0;
  return build_op2(im, is_matrix_weight(im, b) ? OP_gemm : OP_matmul, a, b);
}

/* A vector on the left is a row, on the right a column; the axis made for it goes away again. */
void onnx_matmul(Import *im) {
  ValueId a = node_arg(im, 0), b = node_arg(im, 1);
  Type ta = *node_arg_type(im, 0), tb = *node_arg_type(im, 1);
  if (ta.rank < 1 || tb.rank < 1) {
    node_error(im, "a scalar operand");
    return;
  }
  if (ta.rank == 1) a = build_reshape(im, a, 2, (const Dim[]){1, ta.dim[0]});
  if (tb.rank == 1) b = build_reshape(im, b, 2, (const Dim[]){tb.dim[0], 1});
  ValueId y = onnx_build_product(im, a, b);
  if (im->failed) return;
  Type t = *build_type(im, y);
  int rank = t.rank;
  Dim shape[MAX_RANK];
  for (int i = 0; i < rank; i++) shape[i] = t.dim[i];
  if (tb.rank == 1) rank--;
  if (ta.rank == 1) {
    if (tb.rank != 1) shape[rank - 2] = shape[rank - 1];
    rank--;
  }
  node_result(im, 0, build_reshape(im, y, rank, shape));
}

static ValueId times(Import *im, ValueId v, double factor) {
  if (factor == 1 || im->failed) return v;
  return build_op2(im, OP_mul, v, build_scalar(im, build_type(im, v)->dtype, factor));
}

/* Is c a bias [n] or [1, n] of a result with n columns? */
static bool is_row(const Type *c, Dim n) {
  return c->rank >= 1 && c->rank <= 2 && c->dim[c->rank - 1] == n && (c->rank == 1 || c->dim[0] == 1);
}

/* alpha A' B' + beta C. alpha goes to B where that is a weight; C becomes the gemm's bias where it is one row. */
void onnx_gemm(Import *im) {
  ValueId a = node_arg(im, 0), b = node_arg(im, 1), c = node_arg(im, 2);
  double alpha = node_float(im, "alpha");
  if (node_arg_type(im, 0)->rank != 2 || node_arg_type(im, 1)->rank != 2) {
    node_error(im, "operands must be matrices, have rank %d and %d", node_arg_type(im, 0)->rank,
               node_arg_type(im, 1)->rank);
    return;
  }
  if (node_int(im, "transA")) a = transposed(im, a);
  if (node_int(im, "transB")) b = transposed(im, b);
  if (c) c = times(im, c, node_float(im, "beta"));
  if (im->failed) return;
  Dim n = build_type(im, b)->dim[1];
  bool weight = is_matrix_weight(im, b);
  if (weight) b = times(im, b, alpha);
  if (weight && c && value_at(im->graph, c)->constant && is_row(build_type(im, c), n)) {
    node_result(im, 0, build_op(im, OP_gemm, NULL, 3, (const ValueId[]){a, b, build_reshape(im, c, 1, &n)}));
    return;
  }
  ValueId y = weight ? build_op2(im, OP_gemm, a, b) : times(im, build_op2(im, OP_matmul, a, b), alpha);
  if (c) {
    Type ty = *build_type(im, y), both = ty;
    if (!im->failed && (!type_broadcast(&ty, build_type(im, c), &both) || !type_equal(&ty, &both)))
      node_error(im, "input C does not broadcast to the result");
    y = build_op2(im, OP_add, y, c);
  }
  node_result(im, 0, y);
}
