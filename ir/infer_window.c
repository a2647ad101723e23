/* Convolutions and pools. */
#include "ir/infer_util.h"
#include "ir/window.h"
#include <string.h>

static bool list_ok(Infer *f, const char *name, Ints list, int32_t count, int64_t least) {
  if (list.count != 0 && list.count != count)
    return infer_fail(f, "%s has %d entries, needs %d", name, (int)list.count, (int)count);
  for (int32_t i = 0; i < list.count; i++)
    if (list.at[i] < least || list.at[i] > 1 << 30)
      return infer_fail(f, "%s has an entry %lld, needs %lld or more", name, (long long)list.at[i], (long long)least);
  return true;
}

static bool window_attrs_ok(Infer *f, int32_t spatial) {
  const Attrs *a = &f->op->attrs;
  return list_ok(f, "kernel", a->kernel, spatial, 1) && list_ok(f, "strides", a->strides, spatial, 1) &&
         list_ok(f, "dilations", a->dilations, spatial, 1) && list_ok(f, "pads", a->pads, 2 * spatial, 0);
}

/* Replaces the spatial dims first .. first + n - 1 of t by the numbers of windows. */
static bool slide(Infer *f, Type *t, int first, const Attrs *attrs, int n, bool round_up) {
  for (int i = 0; i < n; i++) {
    Window w = window_at(attrs, i, n);
    Dim in = t->dim[first + i];
    if (w.kernel > (int64_t)1 << 31 || w.dilation > ((int64_t)1 << 31) / w.kernel)
      return infer_fail(f, "window %lld by %lld is too large", (long long)w.kernel, (long long)w.dilation);
    if (window_count(&w, in, round_up, &t->dim[first + i])) continue;
    const bool number = dim_is_number(in);
    return infer_fail(f, "a window of %lld over dim %s with padding %lld, %lld and stride %lld %s%s",
                      (long long)window_span(&w), dim_text(f->graph, in).s, (long long)w.begin, (long long)w.end,
                      (long long)w.stride, number ? "has no place" : "has no fixed number of places; ",
                      number ? "" : dim_remedy(f->graph, in).s);
  }
  return true;
}

/* Operand 0 with room for channels and at least one spatial axis; layout; the kernel is given. */
static bool spatial_ok(Infer *f, bool *channels_last) {
  const Attrs *a = &f->op->attrs;
  if (!needs_rank(f, 0, 3, MAX_RANK)) return false;
  *channels_last = a->layout != NULL;
  if (a->layout && strcmp(a->layout, "nhwc") != 0) return infer_fail(f, "layout '%.40s' is not nhwc", a->layout);
  int spatial = infer_operand(f, 0)->rank - 2;
  if (a->kernel.count != spatial)
    return infer_fail(f, "kernel has %d entries, needs %d", (int)a->kernel.count, spatial);
  return window_attrs_ok(f, spatial);
}

/* Weight type of a conv that is not packed. */
static Type conv_weight(const Attrs *a, DType dtype, bool channels_last, Dim in_channels, Dim out_channels) {
  Type w = {.dtype = (uint8_t)dtype};
  if (!channels_last) w.dim[w.rank++] = out_channels, w.dim[w.rank++] = in_channels;
  for (int32_t i = 0; i < a->kernel.count; i++) w.dim[w.rank++] = a->kernel.at[i];
  if (channels_last) w.dim[w.rank++] = in_channels, w.dim[w.rank++] = out_channels;
  return w;
}

static bool conv_weight_ok(Infer *f, bool channels_last, Dim channels, Dim *out_channels) {
  const Attrs *a = &f->op->attrs;
  const Type *x = infer_operand(f, 0), *w = infer_operand(f, 1);
  Dim per_group, rows = channels, unused;
  if (a->group < 1 || !dim_div_exact(channels, a->group, &per_group))
    return infer_fail(f, "%s channels are not %lld groups", dim_text(f->graph, channels).s, (long long)a->group);
  if (a->cols) {
    if (!channels_last || a->group != 1) return infer_fail(f, "a packed weight needs layout nhwc and one group");
    for (int32_t i = 0; i < a->kernel.count; i++)
      if (!dim_mul(rows, a->kernel.at[i], &rows)) return infer_fail(f, "the kernel is too large");
    *out_channels = a->cols;
    return packed_ok(f, rows);
  }
  if (!needs_rank(f, 1, x->rank, x->rank)) return false;
  *out_channels = w->dim[channels_last ? w->rank - 1 : 0];
  Type wanted = conv_weight(a, x->dtype, channels_last, per_group, *out_channels);
  if (!needs_type(f, 1, &wanted)) return false;
  if (!dim_div_exact(*out_channels, a->group, &unused))
    return infer_fail(f, "%s output channels are not %lld groups", dim_text(f->graph, *out_channels).s,
                      (long long)a->group);
  return true;
}

bool infer_conv(Infer *f) {
  bool last;
  if (!needs(f, 2) || !needs_float(f, 0) || !needs_same_dtype(f, 1) || !spatial_ok(f, &last)) return false;
  Type r = *infer_operand(f, 0);
  int channel_axis = last ? r.rank - 1 : 1;
  Dim out_channels = 0;
  if (!conv_weight_ok(f, last, r.dim[channel_axis], &out_channels)) return false;
  if (!needs_vector(f, 2, r.dtype, out_channels)) return false;
  if (!slide(f, &r, last ? 1 : 2, &f->op->attrs, r.rank - 2, false)) return false;
  r.dim[channel_axis] = out_channels;
  return give(f, r);
}

bool infer_dwconv(Infer *f) {
  if (!needs(f, 2) || !needs_float(f, 0) || !needs_same_dtype(f, 1) || !needs_rank(f, 0, 4, 4) ||
      !needs_rank(f, 1, 3, 3) || !window_attrs_ok(f, 2))
    return false;
  Type r = *infer_operand(f, 0), w = *infer_operand(f, 1);
  w.dim[2] = r.dim[3];
  if (!needs_type(f, 1, &w) || !needs_vector(f, 2, r.dtype, r.dim[3])) return false;
  for (int i = 0; i < 2; i++)
    if (!dim_is_number(w.dim[i]) || w.dim[i] < 1)
      return infer_fail(f, "kernel dim %s is no number >= 1", dim_text(f->graph, w.dim[i]).s);
  Attrs with_kernel = f->op->attrs;
  with_kernel.kernel = (Ints){2, w.dim};
  return slide(f, &r, 1, &with_kernel, 2, false) && give(f, r);
}

bool infer_pool(Infer *f) {
  bool last;
  const Attrs *a = &f->op->attrs;
  if (!needs(f, 1) || !spatial_ok(f, &last) || !flag_ok(f, "ceil", a->ceil) || !flag_ok(f, "count_pad", a->count_pad))
    return false;
  Type r = *infer_operand(f, 0);
  if (f->op->kind == OP_avg_pool && !needs_float(f, 0)) return false;
  if (r.dtype == DT_bool) return infer_fail(f, "operand 1 is %s, needs numbers", type_text(f->graph, &r).s);
  int spatial = r.rank - 2;
  for (int i = 0; i < spatial; i++) {
    Window w = window_at(a, i, spatial);
    if (w.begin >= window_span(&w) || w.end >= window_span(&w))
      return infer_fail(f, "padding %lld, %lld is not below the window of %lld", (long long)w.begin, (long long)w.end,
                        (long long)window_span(&w));
  }
  return slide(f, &r, last ? 1 : 2, a, spatial, a->ceil) && give(f, r);
}

bool infer_patches(Infer *f) {
  bool last;
  if (!needs(f, 1) || !needs_rank(f, 0, 4, 4) || !spatial_ok(f, &last)) return false;
  Type r = *infer_operand(f, 0);
  Dim row = r.dim[last ? 3 : 1];
  if (!slide(f, &r, last ? 1 : 2, &f->op->attrs, 2, false)) return false;
  for (int i = 0; i < 2; i++)
    if (!dim_mul(row, f->op->attrs.kernel.at[i], &row)) return infer_fail(f, "the kernel is too large");
  if (!last) r.dim[1] = r.dim[2], r.dim[2] = r.dim[3];
  r.dim[3] = row;
  return give(f, r);
}
