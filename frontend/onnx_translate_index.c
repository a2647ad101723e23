/* Operators by index: gathers, scatters, order, running sums, one-hot. */
#include "frontend/onnx_translate.h"
#include <string.h>

static bool axis_attrs(Import *im, Attrs *a) {
  *a = attrs_default();
  return node_axis(im, node_int(im, "axis"), node_arg_type(im, 0)->rank, &a->axis);
}

void onnx_gather_elements(Import *im) {
  Attrs a;
  if (!axis_attrs(im, &a)) return;
  node_result(im, 0, build_op(im, OP_gather_elements, &a, 2, (const ValueId[]){node_arg(im, 0), node_arg(im, 1)}));
}

/* The mode that attribute `reduction` names; opsets without it replace. */
static const char *reduction(Import *im) {
  static const char *const names[] = {"none", "add", "mul", "min", "max"};
  const char *name = strstr(im->row->attrs, "reduction:") ? node_string(im, "reduction") : "none";
  for (int i = 0; i < 5; i++)
    if (!strcmp(names[i], name)) return i ? names[i] : NULL;
  node_error(im, "reduction '%s' is not supported", name);
  return NULL;
}

void onnx_scatter_elements(Import *im) {
  Attrs a;
  if (!axis_attrs(im, &a)) return;
  a.mode = reduction(im);
  const ValueId operands[3] = {node_arg(im, 0), node_arg(im, 1), node_arg(im, 2)};
  node_result(im, 0, build_op(im, OP_scatter_elements, &a, 3, operands));
}

/* An ...ND operator's data [batch..., places..., rest...] as [batches * places, rest...]: how it is cut. */
typedef struct {
  Type data, index; /* index [..., depth] */
  int batch_dims, depth;
  Dim batches, places;
} Places;

static bool cut_places(Import *im, int64_t batch_dims, Places *p) {
  *p = (Places){.data = *node_arg_type(im, 0), .index = *node_arg_type(im, 1), .batches = 1, .places = 1};
  int r = p->data.rank, q = p->index.rank;
  if (q < 1 || batch_dims < 0 || batch_dims >= q || batch_dims >= r)
    return node_error(im, "batch_dims %lld of ranks %d and %d", (long long)batch_dims, r, q);
  p->batch_dims = (int)batch_dims;
  Dim depth = p->index.dim[q - 1];
  if (!dim_is_number(depth) || depth < 1 || depth > r - batch_dims)
    return node_error(im, "the last axis of the indices does not fit rank %d", r);
  p->depth = (int)depth;
  bool small = true;
  for (int i = 0; i < batch_dims; i++) small = small && dim_mul(p->batches, p->data.dim[i], &p->batches);
  for (int i = 0; i < depth; i++) small = small && dim_mul(p->places, p->data.dim[batch_dims + i], &p->places);
  for (int i = 0; i < batch_dims + depth; i++)
    small = small && (i && batch_dims ? dim_is_number(p->data.dim[i]) : true);
  return small || node_error(im, "the axes that are indexed must have fixed sizes");
}

/* index [..., depth] as places [...]: sum over i of index_i * (d_i+1 ... d_depth), plus each batch's first place. */
static ValueId flat_index(Import *im, const Places *p) {
  Dim strides[MAX_RANK], stride = 1, shape[MAX_RANK];
  const Dim *dims = p->data.dim + p->batch_dims;
  int rank = p->index.rank - 1;
  for (int i = p->depth - 1; i >= 0; i--) {
    strides[i] = stride;
    if (i && (!dim_is_number(dims[i]) || !dim_mul(stride, dims[i], &stride)))
      return node_error(im, "axis %d must have a fixed size", p->batch_dims + i), 0;
  }
  ValueId index = build_cast(im, node_arg(im, 1), DT_i64);
  if (p->depth > 1 || p->batch_dims) {
    index = build_wrapped(im, index, build_ints(im, p->depth, dims));
    index = build_op2(im, OP_mul, index, build_ints(im, p->depth, strides));
    index = build_reduce(im, OP_reduce_sum, index, (Ints){1, (const Dim[]){rank}}, false);
  } else {
    index = build_reshape(im, index, rank, p->index.dim);
  }
  if (!p->batch_dims) return index;
  for (int i = 0; i < rank; i++) shape[i] = i < p->batch_dims ? p->index.dim[i] : 1;
  ValueId first = build_op2(im, OP_mul, build_iota(im, 0, p->batches), build_scalar(im, DT_i64, (double)p->places));
  return build_op2(im, OP_add, index, build_reshape(im, first, rank, shape));
}

void onnx_gather_nd(Import *im) {
  Places p;
  Dim shape[MAX_RANK], all;
  if (!cut_places(im, strstr(im->row->attrs, "batch_dims") ? node_int(im, "batch_dims") : 0, &p)) return;
  int rest = p.data.rank - p.batch_dims - p.depth;
  if (!dim_mul(p.batches, p.places, &all)) node_error(im, "two symbolic dims are multiplied");
  shape[0] = all;
  for (int i = 0; i < rest; i++) shape[1 + i] = p.data.dim[p.batch_dims + p.depth + i];
  ValueId index = flat_index(im, &p), data = build_reshape(im, node_arg(im, 0), 1 + rest, shape);
  node_result(im, 0, build_op2(im, OP_gather, data, index));
}

/* Slices [rest...] of data are replaced: data [places, R], index [M, R] with equal columns, updates [M, R]. */
void onnx_scatter_nd(Import *im) {
  Places p;
  Dim slice = 1, count = 1;
  if (!cut_places(im, 0, &p)) return;
  for (int i = p.depth; i < p.data.rank; i++)
    if (!dim_mul(slice, p.data.dim[i], &slice)) node_error(im, "two symbolic dims are multiplied");
  for (int i = 0; i < p.index.rank - 1; i++)
    if (!dim_mul(count, p.index.dim[i], &count)) node_error(im, "two symbolic dims are multiplied");
  Attrs a = attrs_default();
  a.mode = reduction(im);
  const Dim wide[2] = {count, slice};
  ValueId index = build_reshape(im, flat_index(im, &p), 2, (const Dim[]){count, 1});
  const ValueId operands[3] = {build_reshape(im, node_arg(im, 0), 2, (const Dim[]){p.places, slice}),
                               build_expand(im, index, 2, wide), build_reshape(im, node_arg(im, 2), 2, wide)};
  ValueId y = build_op(im, OP_scatter_elements, &a, 3, operands);
  node_result(im, 0, build_reshape(im, y, p.data.rank, p.data.dim));
}

/* Indices by topk, values by gathering them. */
void onnx_topk(Import *im) {
  Attrs a;
  Ints k = {0};
  if (!axis_attrs(im, &a)) return;
  a.k = im->row->since < 10 ? node_int(im, "k") : 0;
  if (im->row->since >= 10 && !node_known(im, 1, &k)) return;
  if (k.count > 1 || (im->row->since >= 10 && k.count != 1)) node_error(im, "k must be one number");
  if (k.count == 1) a.k = k.at[0];
  if (im->row->since >= 11) a.largest = node_int(im, "largest") != 0;
  ValueId x = node_arg(im, 0), index = build_op(im, OP_topk, &a, 1, &x);
  Attrs g = attrs_default();
  g.axis = a.axis;
  if (node_wants_result(im, 0))
    node_result(im, 0, build_op(im, OP_gather_elements, &g, 2, (const ValueId[]){x, index}));
  node_result(im, 1, index);
}

void onnx_cumsum(Import *im) {
  Attrs a = attrs_default();
  Ints axis;
  ValueId x = node_arg(im, 0);
  if (!node_known(im, 1, &axis)) return;
  if (axis.count != 1)
    node_error(im, "axis must be one number");
  else
    node_axis(im, axis.at[0], node_arg_type(im, 0)->rank, &a.axis);
  a.exclusive = node_int(im, "exclusive") != 0;
  a.reverse = node_int(im, "reverse") != 0;
  node_result(im, 0, build_op(im, OP_cumsum, &a, 1, &x));
}

/* where(index == 0 .. depth - 1 along a new axis, on, off) */
void onnx_one_hot(Import *im) {
  double depth;
  int64_t axis;
  const Type t = *node_arg_type(im, 0), *values = node_arg_type(im, 2);
  if (!node_literal(im, 1, &depth) || !node_axis(im, node_int(im, "axis"), t.rank + 1, &axis)) return;
  if (!(depth >= 1 && depth <= INT32_MAX) || values->rank != 1 || values->dim[0] != 2) {
    node_error(im, "needs a depth of at least 1 and two values");
    return;
  }
  Dim wide[MAX_RANK + 1], column[MAX_RANK + 1];
  for (int i = 0; i <= t.rank; i++) {
    wide[i] = i == axis ? 1 : t.dim[i < axis ? i : i - 1];
    column[i] = i == axis ? (Dim)depth : 1;
  }
  ValueId index = build_cast(im, node_arg(im, 0), DT_i64);
  index = build_reshape(im, build_wrapped(im, index, build_scalar(im, DT_i64, depth)), t.rank + 1, wide);
  ValueId places = build_reshape(im, build_iota(im, 0, (Dim)depth), t.rank + 1, column);
  ValueId off = build_reshape(im, build_slice_axis(im, node_arg(im, 2), 0, 0, 1, 1), 0, NULL);
  ValueId on = build_reshape(im, build_slice_axis(im, node_arg(im, 2), 0, 1, 1, 1), 0, NULL);
  ValueId hit = build_op2(im, OP_equal, index, places);
  node_result(im, 0, build_op(im, OP_where, NULL, 3, (const ValueId[]){hit, on, off}));
}
