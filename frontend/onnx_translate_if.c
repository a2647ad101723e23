/* If: a known condition takes its branch, the other one is left out. With one computed from data both are computed, as
 * nothing in them has side effects, and their results must have one type. */
#include "frontend/onnx_translate.h"
#include "ir/infer_util.h"

static ValueId chosen(Import *im, ValueId condition, ValueId a, ValueId b) {
  if (im->failed) return 0;
  const Type *ta = build_type(im, a), *tb = build_type(im, b);
  if (!type_equal(ta, tb))
    return node_error(im, "its condition is computed from data, but the branches make %s and %s",
                      type_text(im->graph, ta).s, type_text(im->graph, tb).s),
           0;
  return build_op(im, OP_where, NULL, 3, (const ValueId[]){condition, a, b});
}

/* Operands as in OnnxNode: the condition, then each branch's results. */
void onnx_if(Import *im) {
  const size_t results = im->node->out_count;
  bool flag = false;
  const bool known = import_known_flag(im, im->node->in[0], &flag);
  ValueId condition = node_arg(im, 0);
  const Type t = *node_arg_type(im, 0);
  if (t.dtype != DT_bool || !type_is_static(&t) || type_elements(&t) != 1) {
    node_error(im, "the condition is %s, not one bool", type_text(im->graph, &t).s);
    return;
  }
  if (!known) condition = build_reshape(im, condition, 0, NULL);
  for (size_t i = 0; i < results; i++) {
    if (!node_wants_result(im, i)) continue;
    const ValueId a = node_arg(im, 1 + i), b = node_arg(im, 1 + results + i);
    node_result(im, i, !known ? chosen(im, condition, a, b) : flag ? a : b);
  }
}
