/* Windows over channels-last images; see lower_taps.h. */
#include "backend/lower_taps.h"

static int64_t entry(Ints list, int i, int64_t otherwise) { return i < list.count ? list.at[i] : otherwise; }
static int64_t ceil_div(int64_t a, int64_t b) { return a >= 0 ? (a + b - 1) / b : -(-a / b); }
static int64_t clamp(int64_t v, int64_t low, int64_t high) { return v < low ? low : v > high ? high : v; }

Taps taps_describe(const Attrs *a, const Type *in, const Type *out, int64_t kh, int64_t kw, bool channels_first) {
  Taps v = {.n = in->dim[0],
            .h = in->dim[1],
            .w = in->dim[2],
            .i = in->dim[3],
            .oh = out->dim[1],
            .ow = out->dim[2],
            .kh = kh,
            .kw = kw};
  v.sy = entry(a->strides, 0, 1);
  v.sx = entry(a->strides, 1, 1);
  v.dy = entry(a->dilations, 0, 1);
  v.dx = entry(a->dilations, 1, 1);
  v.top = entry(a->pads, 0, 0);
  v.left = entry(a->pads, 1, 0);
  v.stride_n = v.h * v.w * v.i;
  v.stride_y = channels_first ? v.w : v.w * v.i;
  v.stride_x = channels_first ? 1 : v.i;
  v.stride_i = channels_first ? v.h * v.w : 1;
  v.inner_first = clamp(ceil_div(v.left, v.sx), 0, v.ow);
  /* last inside: ox sx + (kw - 1) dx - left <= w - 1 */
  int64_t reach = v.w - 1 - (v.kw - 1) * v.dx + v.left;
  v.inner_last = clamp(reach < 0 ? 0 : reach / v.sx + 1, v.inner_first, v.ow);
  v.padded_y = v.top > 0 || (v.oh - 1) * v.sy + (v.kh - 1) * v.dy - v.top >= v.h;
  return v;
}

/* Taps t with 0 <= o s + t d - pad < size: from ceil((pad - o s) / d) to ceil((size + pad - o s) / d). */
static VarId tap_loop(Kernel *k, const char *name, Affine o, int64_t s, int64_t d, int64_t pad, int64_t size,
                      int64_t taps) {
  Affine from = affine_plus(affine_scale(o, -s), pad);
  Bound low[2] = {bound(affine(0)), bound_ceil(from, d)};
  Bound high[2] = {bound(affine(taps)), bound_ceil(affine_plus(from, size), d)};
  return emit_for_bounds(k, LOP_for, name, low, high, 1);
}

VarId taps_loop_y(Kernel *k, const Taps *v, Affine row) {
  if (!v->padded_y) return emit_for(k, LOP_for, "ky", 0, v->kh, 1);
  return tap_loop(k, "ky", row, v->sy, v->dy, v->top, v->h, v->kh);
}

VarId taps_loop_x(Kernel *k, const Taps *v, Affine ox, bool edge) {
  if (!edge) return emit_for(k, LOP_for, "kx", 0, v->kw, 1);
  return tap_loop(k, "kx", ox, v->sx, v->dx, v->left, v->w, v->kw);
}

Affine taps_address(const Taps *v, Affine n, Affine row, Affine ox, VarId ky, VarId kx) {
  Affine at = affine_plus(affine_scale(n, v->stride_n), -v->top * v->stride_y - v->left * v->stride_x);
  at = affine_add(at, affine_scale(row, v->sy * v->stride_y));
  if (ky) at = affine_add(at, affine_var(ky, v->dy * v->stride_y));
  at = affine_add(at, affine_scale(ox, v->sx * v->stride_x));
  return kx ? affine_add(at, affine_var(kx, v->dx * v->stride_x)) : at;
}
