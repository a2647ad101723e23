/* Opening ONNX files and finding tensors in them; see onnx_file.h. */
#include "frontend/onnx_file.h"
#include "frontend/onnx_slim.h"
#include <string.h>

Where onnx_where(const OnnxFile *f, const OnnxNode *n) {
  return (Where){.file = f->store.path, .node = n->name, .op = n->op, .opset = (int)n->opset};
}

int onnx_attr_type(const Onnx__AttributeProto *a) {
  if (a->type) return (int)a->type;
  if (a->t) return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR;
  if (a->g) return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__GRAPH;
  if (a->n_floats) return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS;
  if (a->n_ints) return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS;
  if (a->n_strings) return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRINGS;
  if (a->has_s) return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING;
  if (a->has_f) return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT;
  return a->has_i ? ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT : 0;
}

/* ---- tensors by name ---- */

bool onnx_add_tensor(OnnxFile *f, OnnxTensor t) {
  if (!name_map_add(&f->tensor_names, t.name, (uint32_t)f->tensor_count)) return false;
  GROW(f->store.arena, f->tensors, f->tensor_count, f->tensor_capacity);
  f->tensors[f->tensor_count++] = t;
  return true;
}

static bool add_initializers(OnnxFile *f) {
  const Onnx__GraphProto *g = f->model->graph;
  bool ok = true;
  for (size_t i = 0; i < g->n_initializer; i++) {
    const Onnx__TensorProto *t = g->initializer[i];
    if (!t->name || !*t->name)
      ok = error_in(f->store.ctx, f->store.path, "initializer %zu has no name", i + 1);
    else if (!onnx_add_tensor(f, (OnnxTensor){.name = t->name, .proto = t}))
      ok = diag(f->store.ctx, DIAG_ERROR, (Where){.file = f->store.path, .node = t->name},
                "two initializers have this name");
  }
  return ok;
}

static const char *const number_attrs[] = {"value_float", "value_floats", "value_int", "value_ints"};

/* What a Constant holds. Other kinds of Constant are no tensors; the importer says so. */
static void add_constant(OnnxFile *f, const OnnxNode *n) {
  OnnxTensor t = {.node = n};
  if (n->out_count != 1 || !*n->out[0] || n->attr_count != 1) return;
  const OnnxAttr *a = &n->attrs[0];
  t.name = n->out[0];
  if (!strcmp(a->name, "value")) t.proto = a->proto->t;
  for (size_t i = 0; i < sizeof number_attrs / sizeof *number_attrs; i++)
    if (!strcmp(a->name, number_attrs[i])) t.attr = a->proto;
  if (t.proto || t.attr) onnx_add_tensor(f, t);
}

static void add_constants(OnnxFile *f) {
  for (size_t i = 0; i < f->node_count; i++)
    if (!strcmp(f->nodes[i].op, "Constant")) add_constant(f, &f->nodes[i]);
}

/* A Constant's numbers as elements. */
static bool view_numbers(OnnxFile *f, const Onnx__AttributeProto *a, TensorView *v) {
  Arena *arena = f->store.arena;
  bool floats = false;
  const void *at = &a->i;
  size_t count = 1;
  int rank = 0;
  switch (onnx_attr_type(a)) {
  case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT: at = &a->f, floats = true; break;
  case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT: break;
  case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS:
    at = a->floats, count = a->n_floats, rank = 1, floats = true;
    break;
  case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS: at = a->ints, count = a->n_ints, rank = 1; break;
  default: return false;
  }
  Dim dim = (Dim)count;
  v->type = type_make(floats ? DT_f32 : DT_i64, rank, &dim);
  v->bytes = type_bytes(&v->type);
  v->data = little_endian(arena, at, floats ? 4 : 8, count, floats ? 4 : 8);
  return true;
}

const TensorView *onnx_file_view(OnnxFile *f, OnnxTensor *t) {
  if (t->state == VIEW_UNKNOWN) {
    Where w = t->node ? onnx_where(f, t->node) : (Where){.file = f->store.path, .node = t->name};
    bool ok = t->proto ? tensor_view(&f->store, w, t->proto, &t->view) : view_numbers(f, t->attr, &t->view);
    t->state = ok ? VIEW_OK : VIEW_BAD;
  }
  return t->state == VIEW_OK ? &t->view : NULL;
}

/* ---- the Source ---- */

static bool source_find(Source *s, const char *name, TensorView *out) {
  OnnxFile *f = s->impl;
  uint32_t index;
  if (!name_map_find(&f->tensor_names, name, &index)) return false;
  const TensorView *v = onnx_file_view(f, &f->tensors[index]);
  if (v) *out = *v;
  return v != NULL;
}

/* The model, then its external files in the order of their first tensors. */
static uint64_t source_hash(Source *s) {
  OnnxFile *f = s->impl;
  uint64_t h = hash_mapped(&f->store.map, 0);
  for (size_t i = 0; i < f->tensor_count; i++) {
    const OnnxTensor *t = &f->tensors[i];
    if (t->proto) tensor_external_file(&f->store, (Where){.file = f->store.path, .node = t->name}, t->proto);
  }
  for (size_t i = 0; i < f->store.external_count; i++) h = hash_mapped(&f->store.external[i].map, h);
  return s->hash = h ? h : 1;
}

static bool is_in(const MappedFile *f, const TensorView *v) {
  uintptr_t at = (uintptr_t)v->data, base = (uintptr_t)f->data;
  return f->data && at >= base && at < base + f->size;
}

static void source_drop_pages(Source *s, const TensorView *v) {
  const OnnxFile *f = s->impl;
  const MappedFile *in = is_in(&f->store.map, v) ? &f->store.map : NULL;
  for (size_t i = 0; i < f->store.external_count && !in; i++)
    if (is_in(&f->store.external[i].map, v)) in = &f->store.external[i].map;
  if (in) drop_mapped(in, (size_t)((const unsigned char *)v->data - in->data), v->bytes);
}

static void source_close(Source *s) {
  OnnxFile *f = s->impl;
  for (size_t i = 0; i < f->default_count; i++) onnx__attribute_proto__free_unpacked(f->defaults[i], NULL);
  if (f->model) onnx__model_proto__free_unpacked(f->model, NULL);
  tensor_store_close(&f->store);
  arena_free(f->store.arena);
}

/* ---- opening ---- */

static bool check_model(const OnnxFile *f) {
  const Onnx__ModelProto *m = f->model;
  Context *ctx = f->store.ctx;
  const char *path = f->store.path;
  if (!m->has_ir_version && !m->graph) return error_in(ctx, path, "is not an ONNX model: no ir_version, no graph");
  if (!m->graph) return error_in(ctx, path, "has no graph");
  if (!m->has_ir_version || m->ir_version < 1) return error_in(ctx, path, "has no ir_version");
  if (!m->n_opset_import) return error_in(ctx, path, "has no opset_import");
  return true;
}

OnnxFile *onnx_file_open(Context *ctx, const char *path) {
  Arena *arena = arena_new();
  OnnxFile *f = ARENA_NEW(arena, OnnxFile);
  f->store = (TensorStore){.ctx = ctx, .arena = arena, .path = arena_strdup(arena, path)};
  f->source = (Source){.path = f->store.path,
                       .impl = f,
                       .find = source_find,
                       .compute_hash = source_hash,
                       .close = source_close,
                       .drop_pages = source_drop_pages};
  f->tensor_names.arena = arena;
  bool ok = map_file(ctx, path, &f->store.map);
  if (ok)
    f->model = (Onnx__ModelProto *)slim_unpack(ctx, path, &onnx__model_proto__descriptor, f->store.map.data,
                                               f->store.map.size);
  ok = f->model && check_model(f) && add_initializers(f) && onnx_inline(f);
  if (ok)
    add_constants(f);
  else
    source_close(&f->source), f = NULL;
  return f;
}
