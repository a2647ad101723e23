/* Constant, Range, and the value of ConstantOfShape. */
#include "frontend/onnx_translate.h"
#include "ir/eval.h"
#include <math.h>

/* A Constant is a tensor by name (onnx_file.h) and becomes a value at its first use; others hold no dense tensor. */
void onnx_constant(Import *im) {
  uint32_t index;
  bool tensor = im->node->out_count == 1 && name_map_find(&im->file->tensor_names, im->node->out[0], &index);
  if (!tensor) node_error(im, "must have one output and one dense value");
}

bool onnx_one_element(Import *im, const Onnx__TensorProto *t, Type *type, double *value) {
  TensorView v;
  if (!t) return node_error(im, "attribute 'value' is empty");
  if (!tensor_view(&im->file->store, onnx_where(im->file, im->node), t, &v)) return im->failed = true, false;
  if (type_elements(&v.type) != 1) return node_error(im, "attribute 'value' must have one element");
  Tensor element = tensor_new(&v.type);
  tensor_load(&element, v.data);
  *value = element.f ? element.f[0] : (double)element.i[0];
  tensor_free(&element);
  type->dtype = v.type.dtype;
  return true;
}

/* Floats: start + i delta for i below ceil((limit - start) / delta), from an integer range. */
static void float_range(Import *im) {
  double start, limit, delta;
  if (!node_literal(im, 0, &start) || !node_literal(im, 1, &limit) || !node_literal(im, 2, &delta)) return;
  double count = ceil((limit - start) / delta);
  if (!(count <= 1e9)) { /* also: NaN */
    node_error(im, "range from %g to %g by %g", start, limit, delta);
    return;
  }
  DType t = node_arg_type(im, 0)->dtype;
  ValueId n = build_scalar(im, DT_i64, count < 0 ? 0 : count);
  const ValueId bounds[3] = {build_scalar(im, DT_i64, 0), n, build_scalar(im, DT_i64, 1)};
  ValueId i = build_cast(im, build_op(im, OP_range, NULL, 3, bounds), t);
  node_result(im, 0, build_op2(im, OP_add, build_op2(im, OP_mul, i, node_arg(im, 2)), node_arg(im, 0)));
}

void onnx_range(Import *im) {
  ValueId bounds[3];
  DType t = node_arg_type(im, 0)->dtype;
  if (dtype_is_float(t)) {
    float_range(im);
    return;
  }
  for (size_t i = 0; i < 3; i++) {
    Ints known;
    if (!node_known(im, i, &known)) return;
    bounds[i] = value_at(im->graph, node_arg(im, i))->known || known.count != 1
                    ? node_arg(im, i)
                    : build_scalar(im, t, (double)known.at[0]);
  }
  node_result(im, 0, build_op(im, OP_range, NULL, 3, bounds));
}
