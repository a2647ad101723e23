/* patches: the window of each output position as one row. */
#include "ir/eval_util.h"
#include "ir/window.h"

void eval_patches(Eval *e) {
  const Tensor *x = e->in[0];
  const Type *out = &e->out[0].type;
  bool last = e->op->attrs.layout;
  int64_t strides[MAX_RANK];
  type_strides(&x->type, strides);
  Window wy = window_at(&e->op->attrs, 0, 2), wx = window_at(&e->op->attrs, 1, 2);
  int64_t sy = strides[last ? 1 : 2], sx = strides[last ? 2 : 3], sc = strides[last ? 3 : 1];
  int64_t channels = x->type.dim[last ? 3 : 1];
  const uint64_t *from = tensor_data(x);
  uint64_t *to = tensor_data(&e->out[0]); /* elements are 8 bytes, whatever they are */
  for (int64_t n = 0; n < out->dim[0]; n++)
    for (int64_t oy = 0; oy < out->dim[1]; oy++)
      for (int64_t ox = 0; ox < out->dim[2]; ox++)
        for (int64_t ky = 0; ky < wy.kernel; ky++)
          for (int64_t kx = 0; kx < wx.kernel; kx++)
            for (int64_t c = 0; c < channels; c++)
              *to++ = from[n * strides[0] + (oy * wy.stride + ky) * sy + (ox * wx.stride + kx) * sx + c * sc];
}
