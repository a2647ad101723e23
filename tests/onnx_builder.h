/* ONNX models for tests, written as text and packed with protobuf-c. Statements are separated by ';':
 *   in x:f32[2,N]=1 2 3        graph input; dims are numbers, names, or ? (nothing said); the numbers are fed
 *   init w:i64[2]=1 2          initializer (raw_data)
 *   y z = Split x w {axis=1}   node; _ is an operand or result left out; "dom.Op" is Op of domain dom
 *   out y   out y:f32[2,3]     graph output, with or without a declared type
 *   info v:f32[2,3]            value_info
 *   fn dom.F a b -> c {k=1 l}  local function with attributes (k has a default); up to `end` nodes go into it
 *   sub b -> v w               graph for an attribute k=&b, with these outputs; init and up to `end` nodes go into it
 *   opset dom 3                opset_import
 * Attributes: k=1 INT, k=1.5 FLOAT, k=[1,2] INTS, k=[1.5,2] FLOATS, k=abc STRING, k=$r reference, k=f32[2]:1,2
 * TENSOR. Data types as in dtype.def, or #number. */
#ifndef NEXTC_ONNX_BUILDER_H
#define NEXTC_ONNX_BUILDER_H
#include "frontend/frontend.h"
#include "ir/eval.h"
#include <onnx/onnx.pb-c.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
  Arena *arena;
  Onnx__ModelProto proto;
  Onnx__GraphProto graph;
  Onnx__FunctionProto *function;         /* being written; NULL: nodes go to the graph */
  Onnx__GraphProto *subs[8];             /* by their names */
  size_t sub_count, open[8], open_count; /* open: being written, innermost last */
  Tensor feeds[8];                       /* inputs with numbers, in order */
  size_t feed_count;
} Model;

/* Appends to a protobuf-c array (count, pointer): room is made anew for each, tests are small. */
static inline void *append(Model *m, void *array, size_t *count, size_t size, const void *item) {
  char *bigger = arena_alloc(m->arena, size * (*count + 1));
  if (*count) memcpy(bigger, array, size * *count);
  memcpy(bigger + size * (*count)++, item, size);
  return bigger;
}
#define APPEND(m, array, count, item) ((array) = append(m, array, &(count), sizeof *(array), &(item)))

/* Next word of *text up to one of `stops` (which stays); spaces around it are skipped. */
static inline char *take(Model *m, const char **text, const char *stops) {
  *text += strspn(*text, " \n");
  size_t n = strcspn(*text, stops);
  char *word = arena_strndup(m->arena, *text, n);
  *text += n;
  while (n && word[n - 1] == ' ') word[--n] = 0;
  *text += strspn(*text, " \n");
  return word;
}

static inline int builder_dtype(const char *name) {
  DType t;
  if (*name == '#') return atoi(name + 1);
  return dtype_from_name(name, strlen(name), &t) ? (int)t : 0;
}

/* "f32[2,N]" */
typedef struct {
  int dtype, rank;
  const char *dim[32];
} TypeText;

static inline TypeText read_type_text(Model *m, const char **text) {
  TypeText t = {.dtype = builder_dtype(take(m, text, "[=; }:"))};
  if (**text != '[') return t;
  for (++*text; **text && **text != ']';) {
    t.dim[t.rank++] = take(m, text, ",]");
    *text += **text == ',';
  }
  *text += **text == ']';
  return t;
}

static inline Onnx__TypeProto *type_proto(Model *m, const TypeText *t) {
  Onnx__TypeProto *p = ARENA_NEW(m->arena, Onnx__TypeProto);
  Onnx__TypeProto__Tensor *tensor = ARENA_NEW(m->arena, Onnx__TypeProto__Tensor);
  Onnx__TensorShapeProto *shape = ARENA_NEW(m->arena, Onnx__TensorShapeProto);
  onnx__type_proto__init(p);
  onnx__type_proto__tensor__init(tensor);
  onnx__tensor_shape_proto__init(shape);
  for (int i = 0; i < t->rank; i++) {
    Onnx__TensorShapeProto__Dimension *d = ARENA_NEW(m->arena, Onnx__TensorShapeProto__Dimension);
    onnx__tensor_shape_proto__dimension__init(d);
    if (strspn(t->dim[i], "-0123456789") == strlen(t->dim[i])) {
      d->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
      d->dim_value = atoll(t->dim[i]);
    } else if (strcmp(t->dim[i], "?")) {
      d->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
      d->dim_param = arena_strdup(m->arena, t->dim[i]);
    }
    APPEND(m, shape->dim, shape->n_dim, d);
  }
  p->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
  p->tensor_type = tensor;
  tensor->has_elem_type = 1;
  tensor->elem_type = t->dtype;
  tensor->shape = shape;
  return p;
}

/* Numbers of a tensor: separated by spaces or commas; as many as the type has elements, the last one repeats. */
static inline Tensor read_numbers(const TypeText *t, const char *text, size_t length) {
  Dim dims[32] = {0};
  for (int i = 0; i < t->rank; i++) dims[i] = atoll(t->dim[i]);
  Type type = type_make((DType)t->dtype, t->rank, dims);
  Tensor out = tensor_new(&type);
  const char *end = text + length;
  double value = 0;
  for (int64_t i = 0; i < type_elements(&type); i++) {
    while (text < end && strchr(" ,", *text)) text++;
    char *after = NULL;
    if (text < end && out.i)
      out.i[i] = strtoll(text, &after, 10), value = (double)out.i[i];
    else if (text < end)
      value = strtod(text, &after);
    if (!after && out.i) out.i[i] = (int64_t)value;
    if (out.f) out.f[i] = value;
    if (after) text = after;
  }
  return out;
}

static inline Onnx__TensorProto *tensor_proto(Model *m, const char *name, const TypeText *t, const char *numbers,
                                              size_t length) {
  Onnx__TensorProto *p = ARENA_NEW(m->arena, Onnx__TensorProto);
  onnx__tensor_proto__init(p);
  p->name = arena_strdup(m->arena, name);
  p->has_data_type = 1;
  p->data_type = t->dtype;
  for (int i = 0; i < t->rank; i++) {
    int64_t dim = atoll(t->dim[i]);
    APPEND(m, p->dims, p->n_dims, dim);
  }
  int64_t count = 1;
  for (int i = 0; i < t->rank; i++)
    if (p->dims[i] < 0 || (count = count * p->dims[i]) > 1 << 20) return p; /* a lie; without data */
  if (!dtype_known(t->dtype)) return p;
  Tensor values = read_numbers(t, numbers, length);
  p->has_raw_data = 1;
  p->raw_data.len = type_bytes(&values.type);
  p->raw_data.data = arena_alloc(m->arena, p->raw_data.len + 1);
  tensor_store(&values, p->raw_data.data, false);
  tensor_free(&values);
  return p;
}

/* ---- attributes ---- */

static inline void attr_list(Model *m, Onnx__AttributeProto *a, const char *text) {
  bool floats = strpbrk(text, ".e") != NULL;
  a->type = floats ? ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS : ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS;
  for (char *after; *text; text = after) {
    float f = strtof(text, &after);
    int64_t i = floats ? 0 : strtoll(text, &after, 10);
    if (floats)
      APPEND(m, a->floats, a->n_floats, f);
    else
      APPEND(m, a->ints, a->n_ints, i);
    after += strspn(after, ", ");
  }
}

static inline Onnx__AttributeProto *attr_proto(Model *m, const char **text) {
  Onnx__AttributeProto *a = ARENA_NEW(m->arena, Onnx__AttributeProto);
  onnx__attribute_proto__init(a);
  a->name = take(m, text, "= }");
  a->has_type = 1;
  if (**text != '=') return a;
  const char *value = ++*text;
  size_t digits = strspn(value, "+-0123456789.e"), all = strcspn(value, " }");
  if (*value == '[') {
    *text += 1;
    attr_list(m, a, take(m, text, "]"));
    *text += 1 + strspn(*text + 1, " ");
  } else if (*value == '&') {
    const char *name = take(m, text, " }") + 1;
    for (size_t i = 0; i < m->sub_count; i++)
      if (!strcmp(m->subs[i]->name, name)) a->g = m->subs[i];
    a->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__GRAPH;
  } else if (*value == '$') {
    a->ref_attr_name = take(m, text, " }") + 1;
  } else if (digits == all && memchr(value, '.', digits)) {
    a->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT;
    a->has_f = 1;
    a->f = strtof(take(m, text, " }"), NULL);
  } else if (digits == all) {
    a->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT;
    a->has_i = 1;
    a->i = strtoll(take(m, text, " }"), NULL, 10);
  } else if (memchr(value, '[', all)) {
    a->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR;
    TypeText t = read_type_text(m, text);
    const char *numbers = take(m, text, " }");
    a->t = tensor_proto(m, "", &t, numbers + 1, strlen(numbers) - 1);
  } else {
    a->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING;
    a->has_s = 1;
    a->s.data = (uint8_t *)take(m, text, " }");
    a->s.len = strlen((char *)a->s.data);
  }
  return a;
}

/* ---- statements ---- */

static inline Onnx__GraphProto *open_graph(Model *m) {
  return m->open_count ? m->subs[m->open[m->open_count - 1]] : &m->graph;
}

static inline void build_sub(Model *m, const char **text) {
  Onnx__GraphProto *g = ARENA_NEW(m->arena, Onnx__GraphProto);
  onnx__graph_proto__init(g);
  g->name = take(m, text, " -");
  *text += strspn(*text, " ->");
  while (**text && **text != ';') {
    Onnx__ValueInfoProto *v = ARENA_NEW(m->arena, Onnx__ValueInfoProto);
    onnx__value_info_proto__init(v);
    v->name = take(m, text, " ;");
    APPEND(m, g->output, g->n_output, v);
  }
  m->open[m->open_count++] = m->sub_count;
  m->subs[m->sub_count++] = g;
}

static inline void split_domain(Model *m, const char *word, char **domain, char **name) {
  const char *dot = strrchr(word, '.');
  if (dot) *domain = arena_strndup(m->arena, word, (size_t)(dot - word));
  *name = arena_strdup(m->arena, dot ? dot + 1 : word);
}

static inline void take_names(Model *m, const char **text, const char *stops, char ***names, size_t *count) {
  while (**text && !strchr(stops, **text) && strncmp(*text, "->", 2)) {
    char *word = take(m, text, " =;{");
    if (!strcmp(word, "_")) *word = 0;
    APPEND(m, *names, *count, word);
  }
}

static inline void build_node(Model *m, const char **text) {
  Onnx__NodeProto *n = ARENA_NEW(m->arena, Onnx__NodeProto);
  onnx__node_proto__init(n);
  take_names(m, text, "=;", &n->output, &n->n_output);
  *text += **text == '=';
  split_domain(m, take(m, text, " ;{"), &n->domain, &n->op_type);
  take_names(m, text, ";{", &n->input, &n->n_input);
  if (**text == '{')
    for (*text += 1 + strspn(*text + 1, " "); **text && **text != '}';) {
      Onnx__AttributeProto *a = attr_proto(m, text);
      APPEND(m, n->attribute, n->n_attribute, a);
      *text += strspn(*text, " ");
    }
  *text += strcspn(*text, ";");
  Onnx__GraphProto *g = open_graph(m);
  if (m->function && !m->open_count)
    APPEND(m, m->function->node, m->function->n_node, n);
  else
    APPEND(m, g->node, g->n_node, n);
}

/* A default is field 11, which the schema does not know: an unknown field with its length in front. */
static inline void build_default(Model *m, Onnx__AttributeProto *a) {
  ProtobufCMessageUnknownField u = {.tag = 11, .wire_type = PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED};
  size_t n = onnx__attribute_proto__get_packed_size(a);
  u.data = arena_alloc(m->arena, n + 2);
  u.data[0] = (uint8_t)(n & 127) | 128;
  u.data[1] = (uint8_t)(n >> 7);
  u.len = n + 2;
  onnx__attribute_proto__pack(a, u.data + 2);
  size_t count = m->function->base.n_unknown_fields;
  APPEND(m, m->function->base.unknown_fields, count, u);
  m->function->base.n_unknown_fields = (unsigned)count;
}

static inline void build_function(Model *m, const char **text) {
  Onnx__FunctionProto *f = ARENA_NEW(m->arena, Onnx__FunctionProto);
  onnx__function_proto__init(f);
  m->function = f;
  split_domain(m, take(m, text, " ;{"), &f->domain, &f->name);
  take_names(m, text, ";{", &f->input, &f->n_input);
  *text += 2 + strspn(*text + 2, " ");
  take_names(m, text, ";{", &f->output, &f->n_output);
  if (**text == '{')
    for (*text += 1 + strspn(*text + 1, " "); **text && **text != '}';) {
      Onnx__AttributeProto *a = attr_proto(m, text);
      if (a->type)
        build_default(m, a);
      else
        APPEND(m, f->attribute, f->n_attribute, a->name);
      *text += strspn(*text, " ");
    }
  *text += strcspn(*text, ";");
  APPEND(m, m->proto.functions, m->proto.n_functions, f);
}

static inline void build_opset(Model *m, const char *domain, int64_t version, bool of_function) {
  Onnx__OperatorSetIdProto *o = ARENA_NEW(m->arena, Onnx__OperatorSetIdProto);
  onnx__operator_set_id_proto__init(o);
  o->domain = arena_strdup(m->arena, domain);
  o->has_version = 1;
  o->version = version;
  if (of_function)
    APPEND(m, m->function->opset_import, m->function->n_opset_import, o);
  else
    APPEND(m, m->proto.opset_import, m->proto.n_opset_import, o);
}

static inline void build_value(Model *m, const char *keyword, const char **text) {
  Onnx__ValueInfoProto *v = ARENA_NEW(m->arena, Onnx__ValueInfoProto);
  onnx__value_info_proto__init(v);
  v->name = take(m, text, ":;");
  TypeText t = {0};
  if (**text == ':') {
    ++*text;
    t = read_type_text(m, text);
    v->type = type_proto(m, &t);
  }
  const char *numbers = *text + (**text == '=');
  *text += strcspn(*text, ";");
  size_t length = (size_t)(*text - numbers);
  if (!strcmp(keyword, "in")) {
    if (length) m->feeds[m->feed_count++] = read_numbers(&t, numbers, length);
    APPEND(m, m->graph.input, m->graph.n_input, v);
  } else if (!strcmp(keyword, "out")) {
    APPEND(m, m->graph.output, m->graph.n_output, v);
  } else if (!strcmp(keyword, "info")) {
    APPEND(m, m->graph.value_info, m->graph.n_value_info, v);
  } else {
    Onnx__TensorProto *p = tensor_proto(m, v->name, &t, numbers, length);
    Onnx__GraphProto *g = open_graph(m);
    APPEND(m, g->initializer, g->n_initializer, p);
  }
}

static inline void build_statement(Model *m, const char **text) {
  const char *start = *text;
  char *word = take(m, text, " =;");
  if (!strcmp(word, "in") || !strcmp(word, "out") || !strcmp(word, "init") || !strcmp(word, "info"))
    build_value(m, word, text);
  else if (!strcmp(word, "fn"))
    build_function(m, text);
  else if (!strcmp(word, "sub"))
    build_sub(m, text);
  else if (!strcmp(word, "end") && m->open_count)
    m->open_count--;
  else if (!strcmp(word, "end"))
    m->function = NULL;
  else if (!strcmp(word, "opset")) {
    char *domain = take(m, text, " ;");
    build_opset(m, domain, atoll(take(m, text, ";")), m->function != NULL);
  } else {
    *text = start;
    build_node(m, text);
  }
}

/* opset 0: no opset_import for ONNX's own operators. */
static inline Model *model_new(int opset, const char *text) {
  Arena *arena = arena_new();
  Model *m = ARENA_NEW(arena, Model);
  m->arena = arena;
  onnx__model_proto__init(&m->proto);
  onnx__graph_proto__init(&m->graph);
  m->proto.has_ir_version = 1;
  m->proto.ir_version = 8;
  m->proto.graph = &m->graph;
  if (opset) build_opset(m, "", opset, false);
  for (text += strspn(text, " "); *text; text += strspn(text, "; ")) build_statement(m, &text);
  return m;
}

static inline void model_free(Model *m) {
  for (size_t i = 0; i < m->feed_count; i++) tensor_free(&m->feeds[i]);
  arena_free(m->arena);
}

static inline unsigned char *model_pack(Model *m, size_t *size) {
  *size = onnx__model_proto__get_packed_size(&m->proto);
  unsigned char *bytes = arena_alloc(m->arena, *size);
  onnx__model_proto__pack(&m->proto, bytes);
  return bytes;
}

/* ---- files: everything lives in one folder in the working directory, removed by test_folder_remove ---- */

static char test_folder[64] = "";

static inline const char *test_path(Arena *a, const char *name) {
  if (!*test_folder) {
    strcpy(test_folder, "onnx_test_XXXXXX");
    if (!mkdtemp(test_folder)) die("cannot make a folder for tests");
  }
  return arena_printf(a, "%s/%s", test_folder, name);
}

static inline void write_bytes(const char *path, const void *bytes, size_t size) {
  FILE *f = fopen(path, "wb");
  if (!f || fwrite(bytes, 1, size, f) != size) die("cannot write %s", path);
  fclose(f);
}

static inline void test_folder_remove(const char *const *names, size_t count) {
  Arena *a = arena_new();
  for (size_t i = 0; i < count; i++) remove(test_path(a, names[i]));
  remove(test_folder);
  arena_free(a);
}
#define REMOVE_TEST_FILES(...)                                                                                         \
  test_folder_remove((const char *const[]){__VA_ARGS__},                                                               \
                     sizeof(const char *const[]){__VA_ARGS__} / sizeof(const char *))

static inline const char *model_write(Model *m, const char *name) {
  size_t size;
  const unsigned char *bytes = model_pack(m, &size);
  const char *path = test_path(m->arena, name);
  write_bytes(path, bytes, size);
  return path;
}

/* All diagnostics, one a line. */
static inline char *diag_text(const Context *c) {
  char *text = arena_strdup(c->arena, "");
  for (size_t i = 0; i < c->count; i++) text = arena_printf(c->arena, "%s%s\n", text, c->list[i].text);
  return text;
}

/* Imports a model text. The diagnostics are the context's. */
static inline Graph *import_text(Context *c, int opset, const char *text) {
  Model *m = model_new(opset, text);
  Graph *g = load_onnx(c, model_write(m, "model.onnx"), NULL, 0);
  model_free(m);
  return g;
}

/* How many ops of a kind a graph has. */
static inline int count_ops(const Graph *g, OpKind kind) {
  int n = 0;
  FOR_EACH_OP(g, id) n += op_at(g, id)->kind == kind;
  return n;
}

/* "f32[2,N]" */
static inline const char *type_text(Arena *a, const Graph *g, const Type *t) {
  char *s = arena_printf(a, "%s[", dtype_name(t->dtype));
  for (int i = 0; i < t->rank; i++) {
    Dim d = t->dim[i];
    const char *comma = i ? "," : "";
    if (dim_is_number(d))
      s = arena_printf(a, "%s%s%lld", s, comma, (long long)d);
    else if (dim_coefficient(d) == 1)
      s = arena_printf(a, "%s%s%s", s, comma, g->symbols[dim_symbol_of(d)]);
    else
      s = arena_printf(a, "%s%s%lld*%s", s, comma, (long long)dim_coefficient(d), g->symbols[dim_symbol_of(d)]);
  }
  return arena_printf(a, "%s]", s);
}
#endif
