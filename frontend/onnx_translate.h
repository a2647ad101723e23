/* Declares every translator that onnx_ops.def names: void onnx_<translate>(Import *). */
#ifndef NEXTC_ONNX_TRANSLATE_H
#define NEXTC_ONNX_TRANSLATE_H
#include "frontend/onnx_import.h"

#define ONNX(name, since, last, min_in, max_in, max_out, translate, kind, attrs) void onnx_##translate(Import *);
#include "frontend/onnx_ops.def"
#undef ONNX

/* A list attribute with `count` entries, each >= least; empty where every entry is `usual`, the IR's default. */
Ints onnx_window_list(Import *, const char *name, int32_t count, Dim usual, Dim least);
/* Conv of other operands than the node's, with its attributes; weight_arg: which operand has the weight's shape. */
ValueId onnx_build_conv(Import *, ValueId x, ValueId weight, ValueId bias, size_t weight_arg);

/* [..., M, K] times [K, N] (a gemm where that is constant) or [..., K, N]. */
ValueId onnx_build_product(Import *, ValueId, ValueId);

/* The one element of a tensor attribute; its data type goes to type->dtype. False + diag. */
bool onnx_one_element(Import *, const Onnx__TensorProto *, Type *type, double *value);
#endif
