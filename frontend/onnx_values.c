/* Values of an import: tensors become literals or weights at their first use; builders for translators. */
#include "frontend/onnx_import.h"
#include "ir/eval.h"
#include "ir/graph_edit.h"
#include <stdio.h>
#include <string.h>

enum { MAX_LITERAL_FLOATS = 8 };

bool node_error(Import *im, const char *format, ...) {
  va_list args;
  va_start(args, format);
  const char *text = arena_vprintf(im->arena, format, args);
  va_end(args);
  im->failed = true;
  return diag(im->graph->context, DIAG_ERROR, onnx_where(im->file, im->node), "%s", text);
}

void node_warning(Import *im, const char *format, ...) {
  va_list args;
  va_start(args, format);
  const char *text = arena_vprintf(im->arena, format, args);
  va_end(args);
  diag(im->graph->context, DIAG_WARNING, onnx_where(im->file, im->node), "%s", text);
}

/* ---- tensors ---- */

static ValueId leaf(Import *im, OpKind kind, const Type *type, const Attrs *attrs, const Loc *loc) {
  char error[256] = "";
  OpId id = graph_try_leaf(im->graph, kind, type, attrs, loc, 0, error);
  if (!id) die("import built a wrong %s: %s", op_info[kind].name, error);
  return op_at(im->graph, id)->first_result;
}

/* Elements as a literal's attribute; false where they cannot be one (a number that would read as a symbol). */
static bool literal_attrs(Arena *a, const Tensor *t, int64_t n, Attrs *attrs) {
  bool splat = true;
  for (int64_t i = 0; i < n; i++) {
    if (t->i && !dim_is_number(t->i[i])) return false;
    splat = splat && (t->i ? t->i[i] == t->i[0] : !memcmp(&t->f[i], &t->f[0], sizeof(double)));
  }
  int32_t count = (int32_t)(splat && n ? 1 : n);
  if (t->i)
    attrs->ints = ints_copy(a, t->i, count);
  else
    attrs->floats = floats_copy(a, t->f, count);
  return true;
}

/* Integers of up to MAX_KNOWN elements, and floats: one element, or up to 8 that a Constant node holds. */
static bool is_small(const OnnxTensor *t, int64_t n) {
  if (!dtype_is_float(t->view.type.dtype)) return n <= MAX_KNOWN;
  return n <= (t->node ? MAX_LITERAL_FLOATS : 1);
}

static ValueId tensor_value(Import *im, OnnxTensor *t, const Loc *loc) {
  const TensorView *v = onnx_file_view(im->file, t);
  if (!v) return 0;
  Attrs attrs = attrs_default();
  int64_t n = type_elements(&v->type);
  if (is_small(t, n)) {
    Tensor elements = tensor_new(&v->type);
    tensor_load(&elements, v->data);
    bool ok = literal_attrs(im->arena, &elements, n, &attrs);
    tensor_free(&elements);
    if (ok) return leaf(im, OP_const, &v->type, &attrs, loc);
  }
  attrs.name = t->name;
  attrs.source = im->source;
  return leaf(im, OP_weight, &v->type, &attrs, NULL);
}

const Loc *import_loc(Import *im, const OnnxNode *n) {
  Arena *a = im->graph->arena;
  Loc *loc = ARENA_NEW(a, Loc);
  *loc = (Loc){
      .source = im->source, .opset = (int32_t)n->opset, .node = arena_strdup(a, n->name), .op = arena_strdup(a, n->op)};
  return loc;
}

ValueId import_value(Import *im, Def *d) {
  if (d->kind == DEF_TENSOR && !d->value && !d->failed) {
    OnnxTensor *t = &im->file->tensors[d->index];
    d->value = tensor_value(im, t, t->node ? import_loc(im, t->node) : NULL);
    d->failed = !d->value;
  }
  return d->value;
}

/* ---- operands and results ---- */

bool node_has_arg(const Import *im, size_t i) { return i < im->node->in_count && *im->node->in[i]; }

ValueId node_arg(Import *im, size_t i) {
  if (!node_has_arg(im, i)) return 0;
  const char *name = im->node->in[i];
  uint32_t index;
  if (!name_map_find(&im->names, name, &index)) return node_error(im, "input '%s' is defined nowhere", name), 0;
  Def *d = &im->defs[index];
  if (d->skipped) return 0;
  ValueId v = import_value(im, d);
  if (!v && d->failed)
    im->failed = true;
  else if (!v)
    node_error(im, "input '%s' is output %u of a %s, which is not supported", name, d->output,
               im->file->nodes[d->index].op);
  return v;
}

const Type *build_type(const Import *im, ValueId v) { return &im->graph->values[v].type; }
const Type *node_arg_type(Import *im, size_t i) { return build_type(im, node_arg(im, i)); }

bool node_wants_result(const Import *im, size_t i) { return i < im->node->out_count && *im->node->out[i]; }

void node_result(Import *im, size_t i, ValueId v) {
  uint32_t index;
  if (im->failed || !node_wants_result(im, i)) return;
  if (!name_map_find(&im->names, im->node->out[i], &index)) die("output '%s' has no definition", im->node->out[i]);
  im->defs[index].value = v;
}

/* A constant expression's integers, pulled into the range of Dim: Slice bounds such as INT64_MIN. */
static const Dim *constant_ints(Import *im, ValueId v, int64_t n) {
  Tensor elements;
  if (!value_at(im->graph, v)->constant || n > MAX_KNOWN || !eval_const(im->graph, v, &elements)) return NULL;
  for (int64_t i = 0; i < n; i++)
    if (!dim_is_number(elements.i[i])) elements.i[i] = INT64_MIN / 2;
  const Dim *copy = arena_copy(im->arena, elements.i, sizeof(Dim) * (size_t)n);
  tensor_free(&elements);
  return copy;
}

bool import_known_flag(Import *im, const char *name, bool *flag) {
  uint32_t index;
  ValueId v = name_map_find(&im->names, name, &index) ? import_value(im, &im->defs[index]) : 0;
  if (!v) return false;
  const Value *value = value_at(im->graph, v);
  if (value->type.dtype != DT_bool || !type_is_static(&value->type) || type_elements(&value->type) != 1) return false;
  const Dim *at = value->known ? value->known : constant_ints(im, v, 1);
  if (at) *flag = at[0] != 0;
  return at != NULL;
}

bool node_known(Import *im, size_t i, Ints *out) {
  *out = (Ints){0};
  ValueId v = node_arg(im, i);
  if (!v) return im->failed ? false : node_error(im, "input %zu is missing", i + 1);
  const Value *value = value_at(im->graph, v);
  Dim n;
  if (dtype_is_float(value->type.dtype))
    return node_error(im, "input '%s' is %s, not an integer", im->node->in[i], dtype_name(value->type.dtype));
  if (!type_count(&value->type, &n) || !dim_is_number(n))
    return node_error(im, "shape is computed from data: input '%s' has no fixed size", im->node->in[i]);
  const Dim *at = value->known ? value->known : constant_ints(im, v, n);
  if (!at && n) return node_error(im, "shape is computed from data: input '%s' is not known", im->node->in[i]);
  *out = (Ints){(int32_t)n, at};
  return true;
}

bool node_literal(Import *im, size_t i, double *out) {
  ValueId v = node_arg(im, i);
  if (!v) return false;
  if (value_is_splat(im->graph, v, out)) return true;
  return node_error(im, "input '%s' must be a constant of one element", im->node->in[i]);
}

bool node_floats(Import *im, size_t i, Floats *out) {
  Tensor elements;
  *out = (Floats){0};
  ValueId v = node_arg(im, i);
  if (!v) return im->failed ? false : node_error(im, "input %zu is missing", i + 1);
  const Value *value = value_at(im->graph, v);
  int64_t n = type_is_static(&value->type) ? type_elements(&value->type) : MAX_KNOWN + 1;
  if (!dtype_is_float(value->type.dtype) || !value->constant || n > MAX_KNOWN || !eval_const(im->graph, v, &elements))
    return node_error(im, "input '%s' must be constant floats", im->node->in[i]);
  *out = floats_copy(im->arena, elements.f, (int32_t)n);
  tensor_free(&elements);
  return true;
}

bool node_axis(Import *im, int64_t axis, int rank, int64_t *out) {
  *out = axis < 0 ? axis + rank : axis;
  if (axis >= -rank && axis < rank) return true;
  *out = 0;
  return node_error(im, "axis %lld out of range for rank %d", (long long)axis, rank);
}

bool node_axes(Import *im, Ints axes, int rank, Ints *out) {
  bool there[2 * MAX_RANK] = {0};
  Dim list[2 * MAX_RANK];
  int32_t count = 0;
  *out = (Ints){0};
  for (int32_t i = 0; i < axes.count; i++) {
    int64_t axis;
    if (!node_axis(im, axes.at[i], rank, &axis)) return false;
    if (there[axis]) return node_error(im, "axis %lld is given twice", (long long)axes.at[i]);
    there[axis] = true;
  }
  for (int axis = 0; axis < rank; axis++)
    if (there[axis]) list[count++] = axis;
  *out = ints_copy(im->arena, list, count);
  return true;
}
