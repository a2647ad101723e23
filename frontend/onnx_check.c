/* Is a node one that the table onnx_ops.def knows: operator, opset, operand count, attributes. Everything that is wrong
 * with it is said. */
#include "frontend/onnx_import.h"
#include "ir/text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Attribute types as onnx_ops.def writes them. */
static const struct {
  const char *word, *name;
  int type;
} attr_types[] = {
    {"i", "INT", ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT},
    {"f", "FLOAT", ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT},
    {"s", "STRING", ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING},
    {"is", "INTS", ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS},
    {"fs", "FLOATS", ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS},
    {"t", "TENSOR", ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR},
};
enum { ATTR_TYPES = sizeof attr_types / sizeof *attr_types };

/* One word of a row's attrs. */
typedef struct {
  const char *name, *type, *initial; /* not terminated; initial: after '=', NULL where there is none */
  size_t name_length, type_length;
  bool required;
} AttrWord;

static const char *next_word(const char *at, AttrWord *w) {
  at += strspn(at, " ");
  if (!*at) return NULL;
  *w = (AttrWord){.name = at, .name_length = strcspn(at, ":")};
  w->type = at + w->name_length + 1;
  w->type_length = strcspn(w->type, "=! ");
  at = w->type + w->type_length;
  w->required = *at == '!';
  if (*at == '=') w->initial = at + 1;
  return at + strcspn(at, " ");
}

static bool find_word(const OnnxOp *row, const char *name, AttrWord *w) {
  size_t n = strlen(name);
  for (const char *at = row->attrs; (at = next_word(at, w));)
    if (w->name_length == n && !memcmp(w->name, name, n)) return true;
  return false;
}

static int word_type(const AttrWord *w) {
  for (int i = 0; i < ATTR_TYPES; i++)
    if (strlen(attr_types[i].word) == w->type_length && !memcmp(attr_types[i].word, w->type, w->type_length)) return i;
  die("onnx_ops.def: attribute type '%.*s'", (int)w->type_length, w->type);
}

static const char *type_word(int type) {
  for (int i = 0; i < ATTR_TYPES; i++)
    if (attr_types[i].type == type) return attr_types[i].name;
  return "of another type";
}

/* ---- reading attributes ---- */

const OnnxAttr *node_attr(const OnnxNode *n, const char *name) {
  for (size_t i = 0; i < n->attr_count; i++)
    if (!strcmp(n->attrs[i].name, name)) return &n->attrs[i];
  return NULL;
}

bool node_has_attr(const Import *im, const char *name) { return node_attr(im->node, name) != NULL; }

/* The row's default; a translator that asks for an attribute without one is wrong. */
static const char *initial(const Import *im, const char *name) {
  AttrWord w;
  if (!find_word(im->row, name, &w) || !w.initial) die("onnx_ops.def: %s has no default for '%s'", im->row->name, name);
  return w.initial;
}

int64_t node_int(const Import *im, const char *name) {
  const OnnxAttr *a = node_attr(im->node, name);
  return a ? a->proto->i : strtoll(initial(im, name), NULL, 10);
}

double node_float(const Import *im, const char *name) {
  const OnnxAttr *a = node_attr(im->node, name);
  return a ? float_as_written(a->proto->f) : strtod(initial(im, name), NULL);
}

const char *node_string(const Import *im, const char *name) {
  const OnnxAttr *a = node_attr(im->node, name);
  if (a) return arena_strndup(im->arena, a->proto->s.data ? (const char *)a->proto->s.data : "", a->proto->s.len);
  const char *text = initial(im, name);
  return arena_strndup(im->arena, text, strcspn(text, " "));
}

/* Numbers that would read as symbols (Dim) are pulled in; no shape or axis is that large. */
Ints node_ints(const Import *im, const char *name) {
  const OnnxAttr *a = node_attr(im->node, name);
  if (!a || !a->proto->n_ints) return (Ints){0};
  if (a->proto->n_ints > INT32_MAX) return (Ints){0};
  Ints list = ints_copy(im->arena, a->proto->ints, (int32_t)a->proto->n_ints);
  Dim *at = (Dim *)list.at;
  for (int32_t i = 0; i < list.count; i++)
    if (!dim_is_number(at[i])) at[i] = INT64_MIN / 2;
  return list;
}

Floats node_float_list(const Import *im, const char *name) {
  const OnnxAttr *a = node_attr(im->node, name);
  if (!a || a->proto->n_floats > INT32_MAX) return (Floats){0};
  double *list = ARENA_ARRAY(im->arena, double, a->proto->n_floats);
  for (size_t i = 0; i < a->proto->n_floats; i++) list[i] = (double)a->proto->floats[i];
  return (Floats){(int32_t)a->proto->n_floats, list};
}

/* ---- checking ---- */

static bool check_attrs(Import *im, const OnnxOp *row) {
  const OnnxNode *n = im->node;
  bool ok = true;
  for (size_t i = 0; i < n->attr_count; i++) {
    AttrWord w;
    const OnnxAttr *a = &n->attrs[i];
    int type = onnx_attr_type(a->proto);
    if (!find_word(row, a->name, &w))
      ok = node_error(im, "attribute '%s' is not supported", a->name);
    else if (type && type != attr_types[word_type(&w)].type)
      ok = node_error(im, "attribute '%s' is %s, not %s", a->name, type_word(type), attr_types[word_type(&w)].name);
    else if (node_attr(n, a->name) != a)
      ok = node_error(im, "attribute '%s' is given twice", a->name);
  }
  AttrWord w;
  for (const char *at = row->attrs; (at = next_word(at, &w));) {
    const char *name = arena_strndup(im->arena, w.name, w.name_length);
    if (w.required && !node_attr(n, name)) ok = node_error(im, "attribute '%s' is missing", name);
  }
  return ok;
}

static bool check_counts(Import *im, const OnnxOp *row) {
  const OnnxNode *n = im->node;
  bool ok = true;
  if (row->max_in != 255 && n->in_count > (size_t)row->max_in)
    ok = node_error(im, "has %zu inputs, at most %d are allowed", n->in_count, row->max_in);
  for (size_t i = 0; i < (size_t)row->min_in; i++)
    if (i >= n->in_count || !*n->in[i]) ok = node_error(im, "input %zu is missing", i + 1);
  if (row->max_out != 255 && n->out_count > (size_t)row->max_out)
    ok = node_error(im, "has %zu outputs, at most %d are supported", n->out_count, row->max_out);
  return ok;
}

static const OnnxOp *find_row(Import *im) {
  const OnnxNode *n = im->node;
  int first = INT32_MAX, last = 0;
  if (*n->domain) return node_error(im, "operator of domain '%s' is not supported", n->domain), NULL;
  if (!n->opset) return node_error(im, "opset_import has no version for ONNX's own operators"), NULL;
  for (size_t i = 0; i < onnx_op_count; i++) {
    const OnnxOp *row = &onnx_ops[i];
    if (strcmp(row->name, n->op_type)) continue;
    if (n->opset >= row->since && n->opset <= row->last) return row;
    if (row->since < first) first = row->since;
    if (row->last > last) last = row->last;
  }
  if (!last)
    node_error(im, "operator is not supported");
  else
    node_error(im, "operator is not supported in opset %d, only in %d to %d", (int)n->opset, first, last);
  return NULL;
}

const OnnxOp *import_check_node(Import *im) {
  const OnnxOp *row = find_row(im);
  if (!row) return NULL;
  bool counts = check_counts(im, row);
  return check_attrs(im, row) && counts ? row : NULL;
}
