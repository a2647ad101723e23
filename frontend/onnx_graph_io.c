/* Graph inputs with their symbolic dims and pins, and what nodes and the graph give checked against what the model
 * declares of it. */
#include "frontend/onnx_import.h"
#include "ir/graph_edit.h"
#include "ir/text.h"
#include <ctype.h>
#include <string.h>

static bool io_error(Import *im, const char *name, const char *format, ...) PRINTF_LIKE(3, 4);
static bool io_error(Import *im, const char *name, const char *format, ...) {
  va_list args;
  va_start(args, format);
  const char *text = arena_vprintf(im->arena, format, args);
  va_end(args);
  return diag(im->graph->context, DIAG_ERROR, (Where){.file = im->file->store.path, .node = name}, "%s", text);
}

/* ---- symbols ---- */

/* A C identifier: other characters become '_'. */
static char *identifier(Arena *a, const char *name) {
  char *s = arena_printf(a, "%s%s", isdigit((unsigned char)*name) || !*name ? "_" : "", name);
  for (char *c = s; *c; c++)
    if (!isalnum((unsigned char)*c) || (unsigned char)*c > 126) *c = '_';
  return s;
}

static bool symbol_taken(const Graph *g, const char *name) {
  for (int i = 0; i < g->symbol_count; i++)
    if (!strcmp(g->symbols[i], name)) return true;
  return false;
}

static const DimPin *pin_of(Import *im, const char *name) {
  for (size_t i = 0; i < im->pin_count; i++)
    if (!strcmp(im->pins[i].symbol, name) || !strcmp(im->pins[i].symbol, identifier(im->arena, name))) {
      im->pin_used[i] = true;
      return &im->pins[i];
    }
  return NULL;
}

/* The dim that a name in the file stands for: its pin, or a symbol of the graph. */
static bool named_dim(Import *im, const char *input, const char *name, Dim *out) {
  Graph *g = im->graph;
  const DimPin *pin = pin_of(im, name);
  if (pin) {
    *out = pin->value;
    return true;
  }
  for (int i = 0; i < g->symbol_count; i++)
    if (!strcmp(im->dim_names[i], name)) return *out = dim_symbol(i, 1), true;
  char *symbol = identifier(im->arena, name);
  while (symbol_taken(g, symbol)) symbol = arena_printf(im->arena, "%s_", symbol);
  int index = graph_symbol(g, symbol);
  if (index < 0) return io_error(im, input, "dim '%s': more than %d symbolic dims", name, MAX_SYMBOLS);
  im->dim_names[index] = name;
  *out = dim_symbol(index, 1);
  return true;
}

/* Each unused pin is an error that names the symbols there are. */
static bool check_pins(Import *im) {
  const Graph *g = im->graph;
  bool ok = true;
  for (size_t i = 0; i < im->pin_count; i++) {
    if (im->pins[i].value < 1)
      ok = error_in(g->context, im->file->store.path, "dim '%s' is set to %lld, must be at least 1", im->pins[i].symbol,
                    (long long)im->pins[i].value);
    if (im->pin_used[i]) continue;
    Text list = {.arena = im->arena};
    for (int s = 0; s < g->symbol_count; s++) text_printf(&list, "%s%s", s ? ", " : "", g->symbols[s]);
    const char *near = nearest_name(im->pins[i].symbol, g->symbols, (size_t)g->symbol_count);
    const char *hint = near ? arena_printf(im->arena, "; did you mean '%s'?", near) : "";
    ok = error_in(g->context, im->file->store.path, "no symbolic dim '%s' (%s%s)%s", im->pins[i].symbol,
                  g->symbol_count ? "there are: " : "all dims are numbers", text_string(&list), hint);
  }
  return ok;
}

/* ---- inputs ---- */

static const char *kind_of(const Onnx__TypeProto *t) {
  switch (t ? (int)t->value_case : 0) {
  case ONNX__TYPE_PROTO__VALUE_SEQUENCE_TYPE: return "a sequence";
  case ONNX__TYPE_PROTO__VALUE_MAP_TYPE: return "a map";
  case ONNX__TYPE_PROTO__VALUE_OPTIONAL_TYPE: return "an optional";
  case ONNX__TYPE_PROTO__VALUE_SPARSE_TENSOR_TYPE: return "a sparse tensor";
  default: return "a value without a type";
  }
}

static bool input_dim(Import *im, const char *name, const Onnx__TensorShapeProto__Dimension *d, size_t axis, Dim *out) {
  if (d->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE) {
    *out = d->dim_value;
    return d->dim_value >= 0 || io_error(im, name, "input has negative dim %lld", (long long)d->dim_value);
  }
  bool named = d->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM && d->dim_param && *d->dim_param;
  return named_dim(im, name, named ? d->dim_param : arena_printf(im->arena, "%s_d%zu", name, axis), out);
}

static bool input_type(Import *im, const Onnx__ValueInfoProto *info, Type *out) {
  const Onnx__TypeProto *t = info->type;
  if (!t || t->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE || !t->tensor_type)
    return io_error(im, info->name, "input is %s, not a tensor", kind_of(t));
  int dtype = t->tensor_type->elem_type;
  if (!dtype_known(dtype))
    return io_error(im, info->name, "input has data type %s, which is not supported", data_type_name(im->arena, dtype));
  const Onnx__TensorShapeProto *shape = t->tensor_type->shape;
  if (!shape) return io_error(im, info->name, "input has no shape");
  if (shape->n_dim > MAX_RANK)
    return io_error(im, info->name, "input has rank %zu, at most %d is supported", shape->n_dim, MAX_RANK);
  Dim dims[MAX_RANK] = {0};
  bool ok = true;
  for (size_t i = 0; i < shape->n_dim; i++) ok = input_dim(im, info->name, shape->dim[i], i, &dims[i]) && ok;
  if (!ok) return false;
  *out = type_make((DType)dtype, (int)shape->n_dim, dims);
  Dim count;
  bool fits = type_count(out, &count) || !type_is_static(out);
  return fits || io_error(im, info->name, "input is too large");
}

bool import_inputs(Import *im) {
  const Onnx__GraphProto *g = im->file->model->graph;
  bool ok = true;
  im->dim_names = ARENA_ARRAY(im->arena, const char *, MAX_SYMBOLS);
  im->pin_used = ARENA_ARRAY(im->arena, bool, im->pin_count);
  for (size_t i = 0; i < im->def_count; i++) {
    Def *d = &im->defs[i];
    if (d->kind != DEF_INPUT) continue;
    const Onnx__ValueInfoProto *info = g->input[d->index];
    Type type;
    Attrs attrs = attrs_default();
    char error[256] = "";
    attrs.name = info->name;
    if (!info->name || !*info->name) {
      ok = error_in(im->graph->context, im->file->store.path, "input %u has no name", d->index + 1);
    } else if (input_type(im, info, &type)) {
      OpId id = graph_try_leaf(im->graph, OP_input, &type, &attrs, NULL, 0, error);
      if (id)
        d->value = op_at(im->graph, id)->first_result;
      else
        ok = io_error(im, info->name, "%s", error);
    } else {
      ok = false;
    }
    d->failed = !d->value;
  }
  return check_pins(im) && ok;
}

/* ---- declarations, outputs ---- */

/* What the model declares may be vaguer than what was inferred, but not contradict it. The contradiction, or NULL. */
static const char *contradiction(Import *im, const Onnx__ValueInfoProto *info, const Type *type) {
  if (!info->type || info->type->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE || !info->type->tensor_type)
    return NULL;
  const Onnx__TypeProto__Tensor *t = info->type->tensor_type;
  if (t->elem_type && t->elem_type != (int)type->dtype)
    return arena_printf(im->arena, "is declared as %s but computed as %s", data_type_name(im->arena, t->elem_type),
                        dtype_name(type->dtype));
  if (!t->shape) return NULL;
  if (t->shape->n_dim != type->rank)
    return arena_printf(im->arena, "is declared with rank %zu but computed with rank %d", t->shape->n_dim, type->rank);
  for (int i = 0; i < type->rank; i++) {
    const Onnx__TensorShapeProto__Dimension *d = t->shape->dim[i];
    if (d->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE && dim_is_number(type->dim[i]) &&
        d->dim_value != type->dim[i])
      return arena_printf(im->arena, "is declared with dim %d = %lld but computed with %lld", i,
                          (long long)d->dim_value, (long long)type->dim[i]);
  }
  return NULL;
}

/* With pins none: what a tool wrote down for one size of a symbol need not hold for another. */
void import_declarations(Import *im) {
  const Onnx__GraphProto *g = im->file->model->graph;
  im->declared.arena = im->arena;
  for (size_t i = 0; i < g->n_value_info && !im->pin_count; i++)
    if (g->value_info[i]->name) name_map_add(&im->declared, g->value_info[i]->name, (uint32_t)i);
}

void import_check_results(Import *im) {
  for (size_t i = 0; i < im->node->out_count; i++) {
    const char *name = im->node->out[i];
    uint32_t def, info;
    if (!*name || !name_map_find(&im->declared, name, &info) || !name_map_find(&im->names, name, &def)) continue;
    const ValueId v = im->defs[def].value;
    const char *wrong = v ? contradiction(im, im->file->model->graph->value_info[info], type_of(im->graph, v)) : NULL;
    if (wrong) node_error(im, "output '%s' %s", name, wrong);
  }
}

static bool import_output(Import *im, const Onnx__ValueInfoProto *info) {
  uint32_t index;
  const char *name = info->name ? info->name : "";
  if (!name_map_find(&im->names, name, &index)) return io_error(im, name, "output is computed nowhere");
  Def *d = &im->defs[index];
  ValueId v = import_value(im, d);
  if (!v && d->failed) return false;
  if (!v)
    return io_error(im, name, "output is output %u of a %s, which is not supported", d->output,
                    im->file->nodes[d->index].op);
  Attrs attrs = attrs_default();
  attrs.name = name;
  char error[256] = "";
  const char *wrong = contradiction(im, info, type_of(im->graph, v));
  if (wrong) return io_error(im, name, "output %s", wrong);
  return graph_try_op(im->graph, OP_output, &v, 1, &attrs, NULL, 0, error) || io_error(im, name, "%s", error);
}

bool import_outputs(Import *im) {
  const Onnx__GraphProto *g = im->file->model->graph;
  NameMap seen = {.arena = im->arena};
  bool ok = true;
  for (size_t i = 0; i < g->n_output; i++) {
    const char *name = g->output[i]->name ? g->output[i]->name : "";
    if (!name_map_add(&seen, name, 0))
      ok = io_error(im, name, "two outputs have this name");
    else
      ok = import_output(im, g->output[i]) && ok;
  }
  return ok;
}
