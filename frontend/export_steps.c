/* See export_steps.h. A value that only the next step reads needs no name, as in a text that a person writes:
 *   - op.conv: {kernel: [3, 3]}       the current value
 *   - {add: , from: [x, v1]}          the current value and one with a name
 * Parameters and literals are steps as well; a parameter that the program reads twice is one step. */
#include "frontend/export_steps.h"
#include "frontend/yaml_steps.h"
#include "ir/eval.h"
#include "ir/nir.h"
#include <math.h>
#include <string.h>

typedef struct {
  const Graph *g;
  Arena *arena;
  Text text;
  OpId *step_of;    /* [value_count] the step that makes a value: of equal parameters, the first; 0: the input */
  bool *live;       /* [op_count] runs, or what runs reads it */
  bool *named;      /* [op_count] the step's value needs a name */
  uint32_t *number; /* [op_count] of that name, 0: not printed yet; which input it is */
  uint32_t last_number, input_count;
  OpId input; /* the first */
  Attrs defaults;
  const char *why;
} Export;

static bool cannot(Export *e, const char *why) {
  if (!e->why) e->why = why;
  return false;
}

const char *yaml_quoted(Arena *a, const char *text) {
  Text t = {.arena = a};
  text_putc(&t, '"');
  for (const char *p = text; *p; p++) {
    unsigned char c = (unsigned char)*p;
    if (c == '"' || c == '\\') text_putc(&t, '\\');
    if (c >= 32)
      text_putc(&t, *p);
    else
      text_printf(&t, "\\x%02X", c);
  }
  text_putc(&t, '"');
  return text_string(&t);
}

/* The same where a dollar sign would begin a variable. */
static const char *quoted_literally(Arena *a, const char *text) {
  Text t = {.arena = a};
  for (const char *p = text; *p; p++) text_puts(&t, *p == '$' ? "$$" : (const char[]){*p, 0});
  return yaml_quoted(a, text_string(&t));
}

/* ---- what is a step, and which have names ---- */

static bool is_step(const Export *e, OpId id) {
  const Op *op = op_at(e->g, id);
  if (op->kind == OP_input || op->kind == OP_output) return false;
  return e->live[id] && e->step_of[op->first_result] == id;
}

/* Constants that nothing reads, as exports have them, are left out. */
static void find_live(Export *e) {
  for (OpId id = e->g->last; id; id = op_at(e->g, id)->prev) {
    const Op *op = op_at(e->g, id);
    const Value *v = op->result_count ? value_at(e->g, op->first_result) : NULL;
    e->live[id] = !v || !v->constant || op->result_count > 1;
    for (uint32_t i = 0; v && i < v->use_count; i++) e->live[id] = e->live[id] || e->live[v->uses[i].op];
  }
}

/* Such weights are no parameters but tables, and become literals. */
static bool is_small_integers(const Type *t) {
  enum { MOST = 4096 };
  return !dtype_is_float((DType)t->dtype) && type_elements(t) <= MOST;
}

/* Of weights of one name, the first makes the value of all. */
static bool find_step(Export *e, NameMap *weights, OpId id) {
  const Op *op = op_at(e->g, id);
  uint32_t first;
  if (!e->live[id]) return true;
  if (op->result_count) e->step_of[op->first_result] = id;
  if (op->result_count > 1) return cannot(e, "an operator with several results");
  if (op->kind == OP_input) {
    if (!e->input) e->input = id;
    e->number[id] = e->input_count++;
    return true;
  }
  if (op->kind != OP_weight) return true;
  if (op->attrs.source) return cannot(e, "its weights come from several files");
  const Type *t = type_of(e->g, op->first_result);
  if (is_small_integers(t)) return true;
  if (t->dtype != DT_f32) return cannot(e, "it has weights that are not f32");
  if (name_map_add(weights, op->attrs.name, id)) return true;
  name_map_find(weights, op->attrs.name, &first);
  e->step_of[op->first_result] = first;
  return type_equal(type_of(e->g, op->first_result), type_of(e->g, op_at(e->g, first)->first_result)) ||
         cannot(e, "two weights of one name");
}

/* Every value but that of the step before, and what outputs name. */
static bool find_steps(Export *e) {
  NameMap weights = {.arena = e->arena};
  OpId before = 0;
  FOR_EACH_OP(e->g, id)
  if (!find_step(e, &weights, id)) return false;
  if (!e->input) return cannot(e, "it has no input");
  before = e->input;
  FOR_EACH_OP(e->g, id) {
    const Op *op = op_at(e->g, id);
    if (op->kind == OP_input || (op->result_count && !is_step(e, id))) continue;
    for (uint32_t i = 0; i < op->operand_count; i++) {
      OpId maker = op->operands[i] ? e->step_of[op->operands[i]] : 0;
      if (maker && (maker != before || op->kind == OP_output)) e->named[maker] = true;
    }
    if (op->kind != OP_output) before = id;
  }
  return true;
}

/* ---- printing ---- */

static const char *value_name(Export *e, ValueId v, OpId before) {
  if (!v) return "_";
  OpId step = e->step_of[v];
  if (step == before) return "x";
  if (step == e->input) return "input";
  return arena_printf(e->arena, op_at(e->g, step)->kind == OP_input ? "input%u" : "v%u", e->number[step]);
}

static bool put_ints(Export *e, Ints list) {
  text_putc(&e->text, '[');
  for (int32_t i = 0; i < list.count; i++) {
    if (!dim_is_number(list.at[i])) return cannot(e, "an attribute with a symbolic dim; --dim gives it a number");
    text_printf(&e->text, "%s%lld", i ? ", " : "", (long long)list.at[i]);
  }
  text_putc(&e->text, ']');
  return true;
}

static void put_floats(Export *e, Floats list) {
  for (int32_t i = 0; i < list.count; i++) {
    text_puts(&e->text, i ? ", " : "[");
    text_double(&e->text, list.at[i]);
  }
  text_puts(&e->text, list.count ? "]" : "[]");
}

static bool put_attr(Export *e, const AttrInfo *info, const Attrs *attrs) {
  const void *member = (const char *)attrs + info->offset;
  Text *t = &e->text;
  text_printf(t, "%s: ", info->name);
  switch (info->kind) {
  case KIND_INT: text_printf(t, "%lld", (long long)*(const int64_t *)member); return true;
  case KIND_FLOAT: text_double(t, *(const double *)member); return true;
  case KIND_INTS: return put_ints(e, *(const Ints *)member);
  case KIND_FLOATS: put_floats(e, *(const Floats *)member); return true;
  case KIND_NAME: text_puts(t, *(const char *const *)member); return true;
  case KIND_STRING: text_puts(t, quoted_literally(e->arena, *(const char *const *)member)); return true;
  }
  return false;
}

/* "{axis: 1}", or nothing. */
static bool put_attrs(Export *e, const Op *op) {
  const char *before = "{";
  for (int i = 0; i < ATTR_COUNT; i++) {
    if (!(op_info[op->kind].attrs >> i & 1) || attr_equal(&attr_info[i], &op->attrs, &e->defaults)) continue;
    text_puts(&e->text, before);
    if (!put_attr(e, &attr_info[i], &op->attrs)) return false;
    before = ", ";
  }
  if (*before == ',') text_putc(&e->text, '}');
  return true;
}

static bool put_shape(Export *e, const Type *t) {
  text_puts(&e->text, "shape: ");
  for (int i = 0; i < t->rank; i++)
    if (t->dim[i] < 1) return cannot(e, "a literal without elements");
  return put_ints(e, (Ints){t->rank, t->dim});
}

static bool put_table(Export *e, const Op *op) {
  Tensor t;
  if (!eval_const(e->g, op->first_result, &t)) return cannot(e, "weights that cannot be read");
  bool ok = put_ints(e, (Ints){(int32_t)type_elements(&t.type), t.i});
  tensor_free(&t);
  return ok;
}

static bool put_leaf(Export *e, const Op *op) {
  const Type *t = type_of(e->g, op->first_result);
  if (op->kind == OP_weight && !is_small_integers(t)) {
    text_printf(&e->text, "param: {name: %s, ", quoted_literally(e->arena, op->attrs.name));
    if (!put_shape(e, t)) return false;
  } else {
    text_puts(&e->text, "const: {");
    if (t->dtype != DT_f32) text_printf(&e->text, "type: %s, ", dtype_name((DType)t->dtype));
    if (!put_shape(e, t)) return false;
    text_puts(&e->text, ", values: ");
    if (op->kind == OP_weight) {
      if (!put_table(e, op)) return false;
    } else if (dtype_is_float((DType)t->dtype))
      put_floats(e, op->attrs.floats);
    else if (!put_ints(e, op->attrs.ints))
      return false;
  }
  text_putc(&e->text, '}');
  return true;
}

/* [N, a, b] to [N, a b]: the layer says it of a symbolic N too. */
static bool is_flatten(const Export *e, const Op *op) {
  const Ints shape = op->attrs.shape;
  return op->kind == OP_reshape && shape.count == 2 && !dim_is_number(shape.at[0]) && dim_is_number(shape.at[1]) &&
         type_of(e->g, op->operands[0])->rank >= 1 && type_of(e->g, op->operands[0])->dim[0] == shape.at[0];
}

static bool put_operator(Export *e, const Op *op) {
  const char *name = op_info[op->kind].name, *prefix = "";
  if (is_flatten(e, op)) return text_puts(&e->text, "flatten: "), true;
  for (size_t i = 0; i < layer_count; i++)
    if (!strcmp(layers[i].name, name)) prefix = "op.";
  text_printf(&e->text, "%s%s: ", prefix, name);
  return put_attrs(e, op);
}

/* A step in one line; before: the step above it. */
static bool put_step(Export *e, OpId id, OpId before) {
  const Op *op = op_at(e->g, id);
  const bool leaf = op_info[op->kind].traits & T_LEAF;
  const bool from = !leaf && !(op->operand_count == 1 && op->operands[0] && e->step_of[op->operands[0]] == before);
  text_puts(&e->text, "  - {");
  if (!(leaf ? put_leaf(e, op) : put_operator(e, op))) return false;
  if (from) {
    text_puts(&e->text, ", from: [");
    for (uint32_t i = 0; i < op->operand_count; i++)
      text_printf(&e->text, "%s%s", i ? ", " : "", value_name(e, op->operands[i], before));
    text_putc(&e->text, ']');
  }
  if (e->named[id]) text_printf(&e->text, ", to: v%u", e->number[id] = ++e->last_number);
  text_puts(&e->text, "}\n");
  return true;
}

static void put_input(Export *e, const Op *op) {
  const Type *t = type_of(e->g, op->first_result);
  text_printf(&e->text, "{name: %s, shape: [", yaml_quoted(e->arena, op->attrs.name));
  for (int i = 0; i < t->rank; i++) {
    if (i) text_puts(&e->text, ", ");
    nir_dim(&e->text, e->g, t->dim[i]);
  }
  text_putc(&e->text, ']');
  if (t->dtype != DT_f32) text_printf(&e->text, ", type: %s", dtype_name((DType)t->dtype));
  text_puts(&e->text, "}\n");
}

static void put_inputs(Export *e) {
  text_printf(&e->text, "name: %s\ninput:%s", yaml_quoted(e->arena, e->g->name), e->input_count > 1 ? "\n" : " ");
  FOR_EACH_OP(e->g, id) {
    if (op_at(e->g, id)->kind != OP_input) continue;
    if (e->input_count > 1) text_puts(&e->text, "  - ");
    put_input(e, op_at(e->g, id));
  }
  text_puts(&e->text, "model:\n");
}

static bool put_all(Export *e) {
  OpId before = e->input;
  put_inputs(e);
  FOR_EACH_OP(e->g, id) {
    if (!is_step(e, id)) continue;
    if (!put_step(e, id, before)) return false;
    before = id;
  }
  text_puts(&e->text, "outputs:\n");
  FOR_EACH_OP(e->g, id) {
    const Op *op = op_at(e->g, id);
    if (op->kind == OP_output)
      text_printf(&e->text, "  %s: %s\n", yaml_quoted(e->arena, op->attrs.name), value_name(e, op->operands[0], 0));
  }
  return true;
}

const char *export_steps(const Graph *g, Arena *arena, const char **why) {
  Export e = {.g = g, .arena = arena, .text.arena = arena, .defaults = attrs_default()};
  e.step_of = ARENA_ARRAY(arena, OpId, g->value_count);
  e.live = ARENA_ARRAY(arena, bool, g->op_count);
  e.named = ARENA_ARRAY(arena, bool, g->op_count);
  e.number = ARENA_ARRAY(arena, uint32_t, g->op_count);
  find_live(&e);
  bool ok = g->batch_symbol < 0 && g->batch == 1 ? find_steps(&e) && put_all(&e)
                                                 : cannot(&e, "it is the program of one image of a batch");
  *why = e.why;
  return ok ? text_string(&e.text) : NULL;
}
