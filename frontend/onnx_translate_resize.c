/* Resize and Upsample: one op an axis. Coordinates are affine in the result's index; what stands around a coordinate,
 * and with which weights, is a table of constants that are computed by ordinary ops when the weights are written:
 *
 *   x = a i + b          [O, 1]    where result element i looks
 *   p = floor(x) + t     [O, T]    the elements around it
 *   w = filter(p - x)    [O, T]    linear: 1 - |d|; cubic: Keys' cubic convolution (1981)
 *
 * Nearest elements are gathered. */
#include "frontend/onnx_translate.h"
#include <math.h>
#include <string.h>

enum { MAX_TAPS = 1024 };

typedef struct {
  const char *coordinates, *mode, *nearest;
  double cubic_a, extrapolation;
  bool exclude_outside, antialias, crops;
} Style;

typedef struct {
  int axis;
  Dim in, out;
  double scale, start, end; /* start, end: of the region of interest */
} ResizeAxis;

/* x = a i + b for result index i. align_corners goes by the sizes that the result has, as PyTorch and ONNX Runtime do;
 * ONNX's text takes size times scale where that is no integer. */
static bool coordinates(Import *im, const Style *s, const ResizeAxis *r, double *a, double *b) {
  double in = (double)r->in, out = (double)r->out;
  const char *mode = s->coordinates;
  *a = 1 / r->scale;
  *b = 0.5 / r->scale - 0.5;
  if (!strcmp(mode, "half_pixel")) return true;
  if (!strcmp(mode, "half_pixel_symmetric")) return *b += in / 2 * (1 - out / (r->scale * in)), true;
  if (!strcmp(mode, "pytorch_half_pixel")) {
    if (r->out == 1) *a = *b = 0;
  } else if (!strcmp(mode, "tf_half_pixel_for_nn")) {
    *b = 0.5 / r->scale;
  } else if (!strcmp(mode, "asymmetric")) {
    *b = 0;
  } else if (!strcmp(mode, "align_corners")) {
    *a = r->out == 1 ? 0 : (in - 1) / (out - 1);
    *b = 0;
  } else if (!strcmp(mode, "tf_crop_and_resize")) {
    *a = r->out == 1 ? 0 : (r->end - r->start) * (in - 1) / (out - 1);
    *b = r->out == 1 ? 0.5 * (r->start + r->end) * (in - 1) : r->start * (in - 1);
  } else {
    return node_error(im, "coordinate_transformation_mode '%s' is not supported", mode);
  }
  return true;
}

static ValueId number(Import *im, double x) { return build_scalar(im, DT_f64, x); }
static ValueId plus(Import *im, ValueId v, double x) { return build_op2(im, OP_add, v, number(im, x)); }
static ValueId times(Import *im, ValueId v, double x) { return build_op2(im, OP_mul, v, number(im, x)); }

static ValueId place(Import *im, const ResizeAxis *r, double a, double b) {
  return plus(im, times(im, build_cast(im, build_iota(im, 0, r->out), DT_f64), a), b);
}

static ValueId nearest(Import *im, const Style *s, const ResizeAxis *r, ValueId x, double a, double b) {
  ValueId at = place(im, r, a, b);
  if (!strcmp(s->nearest, "round_prefer_floor"))
    at = build_op1(im, OP_ceil, plus(im, at, -0.5));
  else if (!strcmp(s->nearest, "round_prefer_ceil"))
    at = build_op1(im, OP_floor, plus(im, at, 0.5));
  else if (!strcmp(s->nearest, "floor"))
    at = build_op1(im, OP_floor, at);
  else if (!strcmp(s->nearest, "ceil"))
    at = build_op1(im, OP_ceil, at);
  else
    node_error(im, "nearest_mode '%s' is not supported", s->nearest);
  Attrs g = attrs_default();
  g.axis = r->axis;
  at = build_cast(im, build_clip(im, at, 0, (double)(r->in - 1)), DT_i64);
  return build_op(im, OP_gather, &g, 2, (const ValueId[]){x, at});
}

/* |d| <= 1: (A + 2) d^3 - (A + 3) d^2 + 1; < 2: A d^3 - 5 A d^2 + 8 A d - 4 A; else 0 */
static ValueId cubic(Import *im, ValueId d, double a) {
  d = build_op1(im, OP_abs, d);
  ValueId square = build_op2(im, OP_mul, d, d);
  ValueId near = plus(im, build_op2(im, OP_mul, square, plus(im, times(im, d, a + 2), -(a + 3))), 1);
  ValueId far = plus(im, times(im, d, a), -5 * a);
  far = plus(im, build_op2(im, OP_mul, plus(im, build_op2(im, OP_mul, far, d), 8 * a), d), -4 * a);
  ValueId zero = number(im, 0), beyond = build_op2(im, OP_less, d, number(im, 2));
  far = build_op(im, OP_where, NULL, 3, (const ValueId[]){beyond, far, zero});
  return build_op(im, OP_where, NULL, 3, (const ValueId[]){build_op2(im, OP_less_equal, d, number(im, 1)), near, far});
}

/* Weights of places p [O, T] around x [O, 1]: rows that shrink are filtered, those whose sum is not 1 made so. */
static ValueId weights(Import *im, const Style *s, const ResizeAxis *r, ValueId p, ValueId x, double scale) {
  ValueId d = times(im, build_op2(im, OP_sub, p, x), scale), w;
  if (!strcmp(s->mode, "cubic"))
    w = cubic(im, d, s->cubic_a);
  else
    w = build_op2(im, OP_max, build_op2(im, OP_sub, number(im, 1), build_op1(im, OP_abs, d)), number(im, 0));
  if (s->exclude_outside) {
    ValueId inside = build_op2(im, OP_equal, p, build_clip(im, p, 0, (double)(r->in - 1)));
    w = build_op(im, OP_where, NULL, 3, (const ValueId[]){inside, w, number(im, 0)});
  }
  if (!s->exclude_outside && scale == 1) return w;
  return build_op2(im, OP_div, w, build_reduce(im, OP_reduce_sum, w, (Ints){1, (const Dim[]){1}}, true));
}

static ValueId interpolated(Import *im, const Style *s, const ResizeAxis *r, ValueId v, double a, double b) {
  bool is_cubic = !strcmp(s->mode, "cubic");
  double scale = s->antialias && r->scale < 1 ? r->scale : 1, reach = ceil((is_cubic ? 2 : 1) / scale);
  if (!(2 * reach <= MAX_TAPS)) return node_error(im, "a scale of %g is not supported", r->scale), 0;
  Dim taps = 2 * (Dim)reach;
  ValueId x = build_reshape(im, place(im, r, a, b), 2, (const Dim[]){r->out, 1});
  ValueId around = build_cast(im, build_iota(im, 1 - (Dim)reach, taps), DT_f64);
  ValueId p = build_op2(im, OP_add, build_op1(im, OP_floor, x), around);
  ValueId w = weights(im, s, r, p, x, scale);
  if (im->failed) return 0;
  Attrs z = attrs_default();
  z.axis = r->axis;
  ValueId index = build_cast(im, build_clip(im, p, 0, (double)(r->in - 1)), DT_i64);
  w = build_cast(im, w, (DType)build_type(im, v)->dtype);
  return build_op(im, OP_resize, &z, 3, (const ValueId[]){v, index, w});
}

/* tf_crop_and_resize: what lies outside of the image has a value of its own. */
static ValueId extrapolated(Import *im, const Style *s, const ResizeAxis *r, ValueId v, double a, double b) {
  if (im->failed) return 0;
  Dim shape[MAX_RANK] = {0};
  const Type t = *build_type(im, v);
  for (int i = 0; i < t.rank; i++) shape[i] = i == r->axis ? r->out : 1;
  ValueId x = place(im, r, a, b);
  ValueId inside = build_op2(im, OP_equal, x, build_clip(im, x, 0, (double)(r->in - 1)));
  inside = build_reshape(im, inside, t.rank, shape);
  ValueId value = build_scalar(im, (DType)t.dtype, s->extrapolation);
  return build_op(im, OP_where, NULL, 3, (const ValueId[]){inside, v, value});
}

static ValueId resize_axis(Import *im, const Style *s, const ResizeAxis *r, ValueId v) {
  double a, b;
  if (r->in == r->out && r->scale == 1 && !s->crops) return v;
  if (!dim_is_number(r->in) || !dim_is_number(r->out) || r->in < 1 || r->out < 1)
    return node_error(im, "axis %d has no fixed size", r->axis), 0;
  if (!(r->scale > 0 && r->scale < 1e9)) return node_error(im, "axis %d has the scale %g", r->axis, r->scale), 0;
  if (!coordinates(im, s, r, &a, &b)) return 0;
  if (!strcmp(s->mode, "nearest"))
    v = nearest(im, s, r, v, a, b);
  else if (!strcmp(s->mode, "linear") || !strcmp(s->mode, "cubic"))
    v = interpolated(im, s, r, v, a, b);
  else
    node_error(im, "mode '%s' is not supported", s->mode);
  return s->crops ? extrapolated(im, s, r, v, a, b) : v;
}

/* Sizes and scales of `count` axes from one another. */
static bool fit_scales(Import *im, Floats scales, ResizeAxis *axes, int count) {
  if (scales.count != count) return node_error(im, "%d scales for %d axes", scales.count, count);
  for (int i = 0; i < count; i++) {
    ResizeAxis *r = &axes[i];
    r->scale = scales.at[i];
    r->out = r->in;
    if (r->scale == 1) continue;
    double size = floor((double)r->in * r->scale);
    if (!dim_is_number(r->in) || !(size >= 0 && size < 1e9))
      return node_error(im, "axis %d cannot be scaled by %g", r->axis, r->scale);
    r->out = (Dim)size;
  }
  return true;
}

static bool fit_sizes(Import *im, Ints sizes, const char *policy, ResizeAxis *axes, int count) {
  double one = 0;
  if (sizes.count != count) return node_error(im, "%d sizes for %d axes", sizes.count, count);
  for (int i = 0; i < count; i++) {
    ResizeAxis *r = &axes[i];
    bool numbers = dim_is_number(r->in) && dim_is_number(sizes.at[i]) && r->in > 0;
    if (!numbers && sizes.at[i] != r->in) return node_error(im, "axis %d has no fixed size", r->axis);
    r->out = sizes.at[i];
    r->scale = numbers ? (double)r->out / (double)r->in : 1;
    bool better = !strcmp(policy, "not_larger") ? r->scale < one : r->scale > one;
    if (!i || better) one = r->scale;
  }
  if (!strcmp(policy, "stretch")) return true;
  if (strcmp(policy, "not_larger") && strcmp(policy, "not_smaller"))
    return node_error(im, "keep_aspect_ratio_policy '%s' is not supported", policy);
  for (int i = 0; i < count; i++) {
    if (!dim_is_number(axes[i].in)) return node_error(im, "axis %d has no fixed size", axes[i].axis);
    axes[i].scale = one;
    axes[i].out = (Dim)floor((double)axes[i].in * one + 0.5);
  }
  return true;
}

/* The axes in the order in which roi, scales and sizes name them. */
static int named_axes(Import *im, ResizeAxis *axes) {
  const Type t = *node_arg_type(im, 0);
  Ints list = node_has_attr(im, "axes") ? node_ints(im, "axes") : (Ints){0};
  int count = list.count ? list.count : t.rank;
  if (count > t.rank) return node_error(im, "%d axes for rank %d", count, t.rank), 0;
  for (int i = 0; i < count; i++) {
    int64_t axis = i;
    if (list.count && !node_axis(im, list.at[i], t.rank, &axis)) return 0;
    axes[i] = (ResizeAxis){.axis = (int)axis, .in = t.dim[axis], .out = t.dim[axis], .scale = 1, .end = 1};
  }
  return count;
}

static bool read_roi(Import *im, ResizeAxis *axes, int count) {
  Floats roi;
  if (!node_has_arg(im, 1)) return node_error(im, "tf_crop_and_resize needs a region");
  if (!node_floats(im, 1, &roi)) return false;
  if (roi.count != 2 * count) return node_error(im, "%d numbers of a region for %d axes", roi.count, count);
  for (int i = 0; i < count; i++) axes[i].start = roi.at[i], axes[i].end = roi.at[i + count];
  return true;
}

/* Is operand i there with elements? Exporters write empty tensors for what is left out. */
static bool has_elements(Import *im, size_t i) {
  Dim n;
  return node_has_arg(im, i) && type_count(node_arg_type(im, i), &n) && n != 0;
}

void onnx_resize(Import *im) {
  Style s = {.coordinates = node_string(im, "coordinate_transformation_mode"),
             .mode = node_string(im, "mode"),
             .nearest = node_string(im, "nearest_mode"),
             .cubic_a = node_float(im, "cubic_coeff_a"),
             .extrapolation = node_float(im, "extrapolation_value"),
             .exclude_outside = node_int(im, "exclude_outside") != 0};
  ResizeAxis axes[MAX_RANK];
  s.antialias = node_has_attr(im, "antialias") && node_int(im, "antialias");
  s.crops = !strcmp(s.coordinates, "tf_crop_and_resize");
  int count = named_axes(im, axes);
  if (im->failed || (s.crops && !read_roi(im, axes, count))) return;
  bool known = strstr(im->row->attrs, "keep_aspect") != NULL;
  const char *policy = known ? node_string(im, "keep_aspect_ratio_policy") : "stretch";
  Floats scales;
  Ints sizes;
  if (has_elements(im, 2) ? !node_floats(im, 2, &scales) || !fit_scales(im, scales, axes, count)
                          : !node_known(im, 3, &sizes) || !fit_sizes(im, sizes, policy, axes, count))
    return;
  ValueId v = node_arg(im, 0);
  for (int i = 0; i < count && !im->failed; i++) v = resize_axis(im, &s, &axes[i], v);
  node_result(im, 0, v);
}

/* Upsample, and Resize before opset 11: scales alone, from the corner. Nearest is ONNX Runtime's: the element before,
 * or behind where the axis shrinks. */
static void upsample(Import *im, Floats scales) {
  Style s = {.coordinates = "asymmetric", .mode = node_string(im, "mode")};
  ResizeAxis axes[MAX_RANK];
  ValueId v = node_arg(im, 0);
  int count = named_axes(im, axes);
  if (im->failed || !fit_scales(im, scales, axes, count)) return;
  for (int i = 0; i < count && !im->failed; i++) {
    s.nearest = axes[i].scale < 1 ? "ceil" : "floor";
    v = resize_axis(im, &s, &axes[i], v);
  }
  node_result(im, 0, v);
}

void onnx_upsample(Import *im) {
  Floats scales;
  if (node_floats(im, 1, &scales)) upsample(im, scales);
}

void onnx_upsample_attribute(Import *im) { upsample(im, node_float_list(im, "scales")); }
