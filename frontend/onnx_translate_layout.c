/* ONNX operators that move elements. */
#include "frontend/onnx_translate.h"
#include <string.h>

void onnx_transpose(Import *im) {
  int rank = node_arg_type(im, 0)->rank;
  Ints perm = node_ints(im, "perm");
  Dim reversed[MAX_RANK];
  bool seen[MAX_RANK] = {0};
  for (int i = 0; i < rank; i++) reversed[i] = rank - 1 - i;
  if (!node_has_attr(im, "perm")) perm = (Ints){rank, reversed};
  bool ok = perm.count == rank;
  for (int i = 0; i < rank && ok; i++) {
    ok = perm.at[i] >= 0 && perm.at[i] < rank && !seen[perm.at[i]];
    if (ok) seen[perm.at[i]] = true;
  }
  if (!ok)
    node_error(im, "perm is no permutation of %d axes", rank);
  else
    node_result(im, 0, build_transpose(im, node_arg(im, 0), perm.at));
}

void onnx_concat(Import *im) {
  Attrs a = attrs_default();
  uint32_t count = (uint32_t)im->node->in_count;
  ValueId *operands = ARENA_ARRAY(im->arena, ValueId, count);
  for (uint32_t i = 0; i < count; i++)
    if (!(operands[i] = node_arg(im, i))) node_error(im, "input %u is missing", i + 1);
  if (node_axis(im, node_int(im, "axis"), node_arg_type(im, 0)->rank, &a.axis))
    node_result(im, 0, build_op(im, OP_concat, &a, count, operands));
}

void onnx_gather(Import *im) {
  Attrs a = attrs_default();
  if (node_axis(im, node_int(im, "axis"), node_arg_type(im, 0)->rank, &a.axis))
    node_result(im, 0, build_op(im, OP_gather, &a, 2, (const ValueId[]){node_arg(im, 0), node_arg(im, 1)}));
}

/* ---- slices ---- */

typedef struct {
  Dim starts[MAX_RANK], steps[MAX_RANK], shape[MAX_RANK];
} SliceSpec;

static SliceSpec whole(const Type *t) {
  SliceSpec s = {0};
  for (int i = 0; i < t->rank; i++) s.steps[i] = 1, s.shape[i] = t->dim[i];
  return s;
}

static ValueId build_slice(Import *im, ValueId x, const SliceSpec *s) {
  Attrs a = attrs_default();
  if (im->failed) return 0;
  int32_t rank = build_type(im, x)->rank;
  bool all = true;
  const Type *t = build_type(im, x);
  for (int i = 0; i < rank; i++) all = all && !s->starts[i] && s->steps[i] == 1 && s->shape[i] == t->dim[i];
  if (all) return x;
  a.starts = (Ints){rank, s->starts};
  a.steps = (Ints){rank, s->steps};
  a.shape = (Ints){rank, s->shape};
  return build_op(im, OP_slice, &a, 1, &x);
}

static Dim clamp(Dim n, Dim low, Dim high) { return n < low ? low : n > high ? high : n; }

/* One axis of a Slice, as the specification clamps it. A symbolic axis can be taken whole only. */
static bool slice_axis(Import *im, SliceSpec *s, int axis, Dim start, Dim end, Dim step) {
  Dim size = s->shape[axis];
  if (!dim_is_number(step) || step == 0) return node_error(im, "step 0 or unknown");
  if (!dim_is_number(size)) {
    bool to_end = end == size || (dim_is_number(end) && end >= INT32_MAX);
    if (start == 0 && to_end && step == 1) return true;
    return node_error(im, "axis %d is symbolic and can be taken whole only", axis);
  }
  if (!dim_is_number(start) || !dim_is_number(end)) return node_error(im, "a bound of axis %d is symbolic", axis);
  if (start < 0) start += size;
  if (end < 0) end += size;
  start = clamp(start, 0, step > 0 ? size : size - 1);
  end = step > 0 ? clamp(end, 0, size) : clamp(end, -1, size - 1);
  Dim span = step > 0 ? end - start : start - end, by = step > 0 ? step : -step;
  Dim count = span > 0 ? (span - 1) / by + 1 : 0;
  s->starts[axis] = count ? start : 0;
  s->steps[axis] = count ? step : 1;
  s->shape[axis] = count;
  return true;
}

typedef struct {
  Ints starts, ends, axes, steps;
} SliceArgs;

static bool slice_args(Import *im, SliceArgs *s) {
  *s = (SliceArgs){0};
  if (im->row->since < 10) {
    s->starts = node_ints(im, "starts");
    s->ends = node_ints(im, "ends");
    s->axes = node_ints(im, "axes");
    return true;
  }
  return node_known(im, 1, &s->starts) && node_known(im, 2, &s->ends) &&
         (!node_has_arg(im, 3) || node_known(im, 3, &s->axes)) &&
         (!node_has_arg(im, 4) || node_known(im, 4, &s->steps));
}

void onnx_slice(Import *im) {
  SliceArgs s;
  if (!slice_args(im, &s)) return;
  Type t = *node_arg_type(im, 0);
  SliceSpec spec = whole(&t);
  bool seen[MAX_RANK] = {0};
  int32_t n = s.starts.count;
  if (s.ends.count != n || (s.axes.count && s.axes.count != n) || (s.steps.count && s.steps.count != n)) {
    node_error(im, "starts, ends, axes and steps have different lengths");
    return;
  }
  for (int32_t i = 0; i < n; i++) {
    int64_t axis;
    if (!node_axis(im, s.axes.count ? s.axes.at[i] : i, t.rank, &axis)) return;
    if (seen[axis]) node_error(im, "axis %lld is given twice", (long long)axis);
    seen[axis] = true;
    if (!slice_axis(im, &spec, (int)axis, s.starts.at[i], s.ends.at[i], s.steps.count ? s.steps.at[i] : 1)) return;
  }
  node_result(im, 0, build_slice(im, node_arg(im, 0), &spec));
}

/* Sizes of the parts: given, or equal; since opset 18 the last part may be smaller. */
static bool split_sizes(Import *im, Dim size, Ints *out) {
  int32_t n = (int32_t)im->node->out_count;
  Ints given = im->row->since < 13 ? node_ints(im, "split") : (Ints){0};
  if (im->row->since >= 13 && node_has_arg(im, 1) && !node_known(im, 1, &given)) return false;
  if (im->row->since >= 18 && node_has_attr(im, "num_outputs")) {
    if (given.count) return node_error(im, "both split and num_outputs are given");
    if (node_int(im, "num_outputs") != n)
      return node_error(im, "num_outputs is %lld for %d outputs", (long long)node_int(im, "num_outputs"), n);
  }
  if (given.count && given.count != n) return node_error(im, "%d sizes for %d outputs", given.count, n);
  if (given.count || n == 1) {
    *out = given.count ? given : ints_copy(im->arena, &size, 1);
    return true;
  }
  if (!dim_is_number(size)) return node_error(im, "a symbolic axis cannot be split");
  if (im->row->since < 18 && size % n)
    return node_error(im, "%lld elements cannot be split in %d equal parts", (long long)size, n);
  Dim part = (size + n - 1) / n, *list = ARENA_ARRAY(im->arena, Dim, n);
  for (int32_t i = 0; i < n; i++) list[i] = clamp(size - i * part, 0, part);
  *out = (Ints){n, list};
  return true;
}

void onnx_split(Import *im) {
  Type t = *node_arg_type(im, 0);
  int64_t axis;
  Ints sizes = {0};
  Dim start = 0;
  if (!node_axis(im, node_int(im, "axis"), t.rank, &axis) || !split_sizes(im, t.dim[axis], &sizes)) return;
  for (int32_t i = 0; i < sizes.count; i++) {
    SliceSpec s = whole(&t);
    bool numbers = dim_is_number(t.dim[axis]) && dim_is_number(sizes.at[i]);
    bool all = sizes.count == 1 && sizes.at[i] == t.dim[axis];
    if (!all && (!numbers || sizes.at[i] < 0 || sizes.at[i] > t.dim[axis] - start)) {
      node_error(im, "the sizes do not add up to axis %lld", (long long)axis);
      return;
    }
    s.starts[axis] = sizes.at[i] ? start : 0;
    s.shape[axis] = sizes.at[i];
    node_result(im, (size_t)i, build_slice(im, node_arg(im, 0), &s));
    if (!all) start += sizes.at[i];
  }
  if (sizes.count > 1 && start != t.dim[axis]) node_error(im, "the sizes do not add up to axis %lld", (long long)axis);
}

/* ---- padding ---- */

/* Pads of the given axes spread over all of them: begins, then ends. */
static bool spread_pads(Import *im, Ints pads, Ints axes, int rank, Dim *out) {
  int32_t n = axes.count ? axes.count : rank;
  bool seen[MAX_RANK] = {0};
  if (pads.count != 2 * n) return node_error(im, "%d pads for %d axes", pads.count, n);
  for (int32_t i = 0; i < n; i++) {
    int64_t axis;
    if (!node_axis(im, axes.count ? axes.at[i] : i, rank, &axis)) return false;
    if (seen[axis]) return node_error(im, "axis %lld is given twice", (long long)axis);
    seen[axis] = true;
    out[axis] = pads.at[i];
    out[axis + rank] = pads.at[i + n];
  }
  return true;
}

void onnx_pad(Import *im) {
  static const char *const modes[] = {"constant", "edge", "reflect", "wrap"};
  Attrs a = attrs_default();
  ValueId x = node_arg(im, 0);
  int rank = node_arg_type(im, 0)->rank;
  const char *mode = node_string(im, "mode");
  Ints pads = {0}, axes = {0};
  Dim spread[2 * MAX_RANK] = {0};
  int m = 0;
  while (m < 4 && strcmp(mode, modes[m])) m++;
  if (m == 4 || (m == 3 && im->node->opset < 19)) node_error(im, "mode '%s' is not supported", mode);
  if (m < 4 && m) a.mode = modes[m];
  if (im->row->since < 11) {
    pads = node_ints(im, "pads");
    a.value = node_float(im, "value");
  } else {
    if (!node_known(im, 1, &pads) || (node_has_arg(im, 2) && !node_literal(im, 2, &a.value))) return;
    if (node_has_arg(im, 3) && !node_known(im, 3, &axes)) return;
  }
  if (node_has_arg(im, 3) && !axes.count) {
    node_result(im, 0, x);
    return;
  }
  if (!spread_pads(im, pads, axes, rank, spread)) return;
  a.pads = (Ints){2 * rank, spread};
  node_result(im, 0, build_op(im, OP_pad, &a, 1, &x));
}

/* ---- blocks of depth and space: x [N, C, H, W], s = blocksize ---- */

static bool block_dims(Import *im, Type *t, Dim *s) {
  *t = *node_arg_type(im, 0);
  *s = node_int(im, "blocksize");
  if (t->rank != 4) return node_error(im, "input has rank %d, not 4", t->rank);
  return (*s >= 1 && *s <= INT32_MAX) || node_error(im, "blocksize %lld", (long long)*s);
}

static bool columns_first(Import *im) {
  if (!strstr(im->row->attrs, "mode:")) return false;
  const char *mode = node_string(im, "mode");
  if (strcmp(mode, "DCR") && strcmp(mode, "CRD")) node_error(im, "mode '%s' is not supported", mode);
  return !strcmp(mode, "CRD");
}

/* DCR: [N, s, s, C', H, W] -> [N, C', H, s, W, s]; CRD: from [N, C', s, s, H, W] */
void onnx_depth_to_space(Import *im) {
  Type t;
  Dim s, c, h, w;
  if (!block_dims(im, &t, &s)) return;
  if (!dim_div_exact(t.dim[1], s * s, &c) || !dim_mul(t.dim[2], s, &h) || !dim_mul(t.dim[3], s, &w)) {
    node_error(im, "blocksize %lld does not divide the channels", (long long)s);
    return;
  }
  bool crd = columns_first(im);
  const Dim dcr_shape[] = {t.dim[0], s, s, c, t.dim[2], t.dim[3]}, dcr_perm[] = {0, 3, 4, 1, 5, 2};
  const Dim crd_shape[] = {t.dim[0], c, s, s, t.dim[2], t.dim[3]}, crd_perm[] = {0, 1, 4, 2, 5, 3};
  ValueId y = build_reshape(im, node_arg(im, 0), 6, crd ? crd_shape : dcr_shape);
  if (im->failed) return;
  y = build_transpose(im, y, crd ? crd_perm : dcr_perm);
  node_result(im, 0, build_reshape(im, y, 4, (const Dim[]){t.dim[0], c, h, w}));
}

/* [N, C, H', s, W', s] -> DCR: [N, s, s, C, H', W']; CRD: [N, C, s, s, H', W'] */
void onnx_space_to_depth(Import *im) {
  Type t;
  Dim s, c, h, w;
  if (!block_dims(im, &t, &s)) return;
  if (!dim_mul(t.dim[1], s * s, &c) || !dim_div_exact(t.dim[2], s, &h) || !dim_div_exact(t.dim[3], s, &w)) {
    node_error(im, "blocksize %lld does not divide height and width", (long long)s);
    return;
  }
  bool crd = columns_first(im);
  ValueId y = build_reshape(im, node_arg(im, 0), 6, (const Dim[]){t.dim[0], t.dim[1], h, s, w, s});
  if (im->failed) return;
  y = build_transpose(im, y, crd ? (const Dim[]){0, 1, 3, 5, 2, 4} : (const Dim[]){0, 3, 5, 1, 2, 4});
  node_result(im, 0, build_reshape(im, y, 4, (const Dim[]){t.dim[0], c, h, w}));
}

/* ---- triangles ---- */

/* upper: column >= row + k keeps the element; lower: column <= row + k */
void onnx_trilu(Import *im) {
  ValueId x = node_arg(im, 0);
  Type t = *node_arg_type(im, 0);
  Ints k = {0};
  if (node_has_arg(im, 1) && !node_known(im, 1, &k)) return;
  if (t.rank < 2 || !dim_is_number(t.dim[t.rank - 1]) || !dim_is_number(t.dim[t.rank - 2])) {
    node_error(im, "the last two axes must have a fixed size");
    return;
  }
  Dim rows = t.dim[t.rank - 2], columns = t.dim[t.rank - 1], shift = k.count == 1 ? k.at[0] : 0;
  if (k.count > 1 || !dim_is_number(shift)) node_error(im, "k must be one number");
  shift = clamp(shift, -rows - 1, columns + 1);
  ValueId row = build_reshape(im, build_iota(im, shift, rows), 2, (const Dim[]){rows, 1}),
          column = build_iota(im, 0, columns);
  bool upper = node_int(im, "upper") != 0;
  ValueId keep = build_op2(im, OP_less_equal, upper ? row : column, upper ? column : row);
  ValueId zero = build_scalar(im, t.dtype, 0);
  node_result(im, 0, build_op(im, OP_where, NULL, 3, (const ValueId[]){keep, x, zero}));
}
