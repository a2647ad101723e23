/* Convolution and pooling: attributes of windows, auto_pad resolved to explicit pads. */
#include "frontend/onnx_translate.h"
#include "ir/infer_util.h"
#include <string.h>

static bool all_are(Ints list, Dim value) {
  for (int32_t i = 0; i < list.count; i++)
    if (list.at[i] != value) return false;
  return true;
}

Ints onnx_window_list(Import *im, const char *name, int32_t count, Dim usual, Dim least) {
  Ints list = node_has_attr(im, name) ? node_ints(im, name) : (Ints){0};
  if (list.count && list.count != count)
    node_error(im, "attribute '%s' has %d entries, must have %d", name, list.count, count);
  for (int32_t i = 0; i < list.count; i++)
    if (list.at[i] < least || list.at[i] > INT32_MAX)
      node_error(im, "attribute '%s' has the entry %lld", name, (long long)list.at[i]);
  return im->failed || all_are(list, usual) ? (Ints){0} : list;
}

/* Pads so that the result has ceil(size / stride) entries; the odd one goes to the end (SAME_UPPER) or the beginning.
 */
static Ints same_pads(Import *im, const Type *x, const Attrs *a, bool upper) {
  Dim pads[2 * MAX_RANK] = {0};
  int32_t n = a->kernel.count;
  for (int32_t i = 0; i < n; i++) {
    Dim size = x->dim[i + 2], stride = a->strides.count ? a->strides.at[i] : 1;
    Dim dilation = a->dilations.count ? a->dilations.at[i] : 1;
    if (!dim_is_number(size)) {
      node_error(im, "auto_pad needs a fixed size of axis %d; %s", i + 2, dim_remedy(im->graph, size).s);
      return (Ints){0};
    }
    Dim window = (a->kernel.at[i] - 1) * dilation + 1, count = (size + stride - 1) / stride;
    Dim all = (count - 1) * stride + window - size;
    if (all < 0) all = 0;
    pads[i] = upper ? all / 2 : all - all / 2;
    pads[i + n] = all - pads[i];
  }
  return all_are((Ints){2 * n, pads}, 0) ? (Ints){0} : ints_copy(im->arena, pads, 2 * n);
}

/* strides, dilations and pads of a window over the axes from 2 on. */
static void window(Import *im, Ints kernel, Attrs *a) {
  Type x = *node_arg_type(im, 0);
  int32_t n = x.rank - 2;
  const char *mode = node_string(im, "auto_pad");
  if (n < 1) {
    node_error(im, "input has rank %d, at least 3 is needed", x.rank);
    return;
  }
  if (kernel.count != n) {
    node_error(im, "window of rank %d on an input of rank %d", kernel.count, x.rank);
    return;
  }
  for (int32_t i = 0; i < n; i++)
    if (!dim_is_number(kernel.at[i]) || kernel.at[i] < 1 || kernel.at[i] > INT32_MAX)
      node_error(im, "window size %lld", dim_is_number(kernel.at[i]) ? (long long)kernel.at[i] : -1);
  a->kernel = kernel;
  a->strides = onnx_window_list(im, "strides", n, 1, 1);
  a->dilations = onnx_window_list(im, "dilations", n, 1, 1);
  if (!strcmp(mode, "NOTSET") || !*mode)
    a->pads = onnx_window_list(im, "pads", 2 * n, 0, 0);
  else if (!strcmp(mode, "SAME_UPPER") || !strcmp(mode, "SAME_LOWER")) {
    if (!im->failed) a->pads = same_pads(im, &x, a, mode[5] == 'U');
  } else if (strcmp(mode, "VALID"))
    node_error(im, "auto_pad '%s' is not supported", mode);
}

ValueId onnx_build_conv(Import *im, ValueId x, ValueId weight, ValueId bias, size_t weight_arg) {
  Attrs a = attrs_default();
  Type w = *node_arg_type(im, weight_arg);
  Ints kernel = {w.rank > 2 ? w.rank - 2 : 0, w.dim + 2}, declared = node_ints(im, "kernel_shape");
  for (int32_t i = 0; i < declared.count; i++)
    if (declared.count != kernel.count || declared.at[i] != kernel.at[i])
      return node_error(im, "kernel_shape contradicts the shape of the weight"), 0;
  window(im, kernel, &a);
  a.group = node_int(im, "group");
  return build_op(im, OP_conv, &a, bias ? 3 : 2, (const ValueId[]){x, weight, bias});
}

void onnx_conv(Import *im) {
  node_result(im, 0, onnx_build_conv(im, node_arg(im, 0), node_arg(im, 1), node_arg(im, 2), 1));
}

static void pool(Import *im, Attrs a) {
  ValueId x = node_arg(im, 0);
  window(im, node_ints(im, "kernel_shape"), &a);
  bool same = !strncmp(node_string(im, "auto_pad"), "SAME", 4);
  a.ceil = node_has_attr(im, "ceil_mode") && node_int(im, "ceil_mode") && !same;
  node_result(im, 0, build_op(im, im->row->kind, &a, 1, &x));
}

void onnx_max_pool(Import *im) { pool(im, attrs_default()); }

void onnx_average_pool(Import *im) {
  Attrs a = attrs_default();
  a.count_pad = node_int(im, "count_include_pad") != 0;
  pool(im, a);
}
