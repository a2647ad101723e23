/* The general language: steps, one after the other, on a current value; see docs/yaml.md. Control (residual, repeat,
 * if, blocks) is here, layers and operators are in yaml_layers.c. */
#include "frontend/yaml_steps.h"
#include <string.h>

enum { MAX_STEPS = 100000, MAX_CALLS = 32, MAX_TIMES = 10000 };

/* ---- values with names ---- */

static ValueId find_value(const Steps *s, const char *name) {
  if (!strcmp(name, "x")) return s->x;
  for (const NamedValue *v = s->frame->values; v; v = v->next)
    if (!strcmp(v->name, name)) return v->value;
  return 0;
}

static void save_value(Steps *s, const char *name, ValueId value) {
  NamedValue *v = ARENA_NEW(s->arena, NamedValue);
  *v = (NamedValue){name, value, s->frame->values};
  s->frame->values = v;
}

/* The value of a name in the current frame; 0 + diag. */
static ValueId steps_value(Steps *s, const Node *n) {
  const char *names[64], *near;
  size_t count = 0;
  if (n->kind != NODE_SCALAR)
    return yaml_error(s->ctx, n, "a value is named by a word, not by %s", node_kind_name(n)), 0;
  ValueId v = find_value(s, n->text);
  if (v) return v;
  for (const NamedValue *p = s->frame->values; p && count < 64; p = p->next) names[count++] = p->name;
  near = nearest_name(n->text, names, count);
  yaml_error(s->ctx, n, "no value '%.60s'%s%s%s", n->text, near ? " (did you mean '" : "", near ? near : "",
             near ? "'?)" : "");
  return 0;
}

const char *steps_name(Steps *s, const char *name) {
  const char *prefix = s->frame->prefix;
  return *prefix ? arena_printf(s->net->graph->arena, "%s.%s", prefix, name) : name;
}

/* ---- control ---- */

static bool run_list(Steps *s, const Node *list);

static bool run_residual(Steps *s, const Node *args) {
  static const char *const keys[] = {"steps", "shortcut"};
  ValueId start = s->x, side = start;
  const Node *steps = args, *shortcut = NULL;
  if (args->kind == NODE_MAP) {
    if (!yaml_check_keys(s->ctx, args, "residual", keys, 2)) return false;
    steps = node_get(args, "steps");
    shortcut = node_get(args, "shortcut");
  }
  if (!steps) return yaml_error(s->ctx, args, "residual needs steps");
  if (shortcut) {
    if (!run_list(s, shortcut)) return false;
    side = s->x;
    s->x = start;
  }
  if (!run_list(s, steps)) return false;
  s->net->at = args;
  s->net->layer = NULL;
  s->x = net_add(s->net, s->x, side);
  return !s->net->failed;
}

static const Node *substituted(Steps *s, const Node *n) {
  return expr_substitute(s->ctx, s->arena, s->frame->vars, &s->work, n);
}

static bool run_repeat(Steps *s, const Node *args) {
  static const char *const keys[] = {"times", "as", "steps"};
  if (!yaml_check_keys(s->ctx, args, "repeat", keys, 3)) return false;
  const Node *times = node_get(args, "times"), *as = node_get(args, "as"), *steps = node_get(args, "steps");
  const char *name = "i";
  int64_t count;
  if (!times || !steps) return yaml_error(s->ctx, args, "repeat needs times and steps");
  if (!(times = substituted(s, times)) || !yaml_int(s->ctx, times, "times", 0, MAX_TIMES, &count)) return false;
  if (as && !yaml_string(s->ctx, as, "as", &name)) return false;
  const Vars *outer = s->frame->vars;
  bool ok = true;
  for (int64_t i = 0; ok && i < count; i++) {
    Node *value = arena_copy(s->arena, times, sizeof *times);
    value->text = arena_printf(s->arena, "%lld", (long long)i);
    Vars var = {name, value, outer};
    s->frame->vars = arena_copy(s->arena, &var, sizeof var);
    ok = run_list(s, steps);
  }
  s->frame->vars = outer;
  return ok;
}

static bool run_if(Steps *s, const Node *args) {
  static const char *const keys[] = {"when", "then", "else"};
  if (!yaml_check_keys(s->ctx, args, "if", keys, 3)) return false;
  const Node *when = node_get(args, "when"), *then = node_get(args, "then"), *other = node_get(args, "else");
  if (!when || !then) return yaml_error(s->ctx, args, "if needs when and then");
  if (!(when = substituted(s, when))) return false;
  double x = 0;
  bool yes = node_is(when, "true") || (node_number(when, &x) && x != 0);
  if (!yes && !node_is(when, "false") && !node_is_null(when) && !node_number(when, &x))
    return yaml_error(s->ctx, when, "when must be true or false");
  const Node *chosen = yes ? then : other;
  return !chosen || run_list(s, chosen);
}

/* ---- blocks ---- */

/* The parameters of a call: given ones, then defaults. NULL value: an error. */
static bool bind_params(Steps *s, const Node *block, const Node *args, const char *name, Frame *frame) {
  const Node *params = node_get(block, "params");
  const char **names = ARENA_ARRAY(s->arena, const char *, (params ? params->count : 0) + 1);
  size_t count = 0;
  if (params && params->kind != NODE_MAP)
    return yaml_error(s->ctx, params, "params must be a map of names to defaults");
  names[count++] = "name";
  for (size_t i = 0; params && i < params->count; i++) names[count++] = params->keys[i]->text;
  if (args->kind == NODE_MAP && !yaml_check_keys(s->ctx, args, name, names, count)) return false;
  for (size_t i = 0; params && i < params->count; i++) {
    const Node *given = node_get(args, params->keys[i]->text), *value = given ? given : params->items[i];
    if (!given && node_is_null(value)) return yaml_error(s->ctx, args, "%s needs '%.60s'", name, params->keys[i]->text);
    Vars var = {params->keys[i]->text, value, frame->vars};
    frame->vars = arena_copy(s->arena, &var, sizeof var);
  }
  return true;
}

static bool run_block(Steps *s, const Node *block, const Node *args, const char *name) {
  static const char *const keys[] = {"params", "steps"};
  const Node *steps = node_get(block, "steps"), *given = node_get(args, "name");
  Frame *caller = s->frame, frame = {.prefix = caller->prefix, .vars = s->globals};
  const char *prefix = args->kind == NODE_SCALAR && !node_is_null(args) ? args->text : NULL;
  if (!yaml_check_keys(s->ctx, block, "a block", keys, 2)) return false;
  if (!steps) return yaml_error(s->ctx, block, "block '%.60s' needs steps", name);
  if (args->kind == NODE_LIST) return yaml_error(s->ctx, args, "%s takes a name or a map of its parameters", name);
  if (given && !yaml_string(s->ctx, given, "name", &prefix)) return false;
  if (prefix) frame.prefix = steps_name(s, prefix);
  if (!bind_params(s, block, args, name, &frame)) return false;
  if (++s->calls > MAX_CALLS) return yaml_error(s->ctx, args, "blocks call each other deeper than %d", MAX_CALLS);
  s->frame = &frame;
  bool ok = run_list(s, steps);
  s->frame = caller;
  s->calls--;
  return ok;
}

/* ---- steps ---- */

static const struct {
  const char *name;
  bool (*run)(Steps *, const Node *args);
} controls[] = {{"residual", run_residual}, {"repeat", run_repeat}, {"if", run_if}, {"steps", run_list}};
enum { CONTROL_COUNT = sizeof controls / sizeof *controls };

/* Everything that a step may be called. */
static bool unknown_step(Steps *s, const Node *key) {
  size_t count = 0, room = s->block_count + CONTROL_COUNT + layer_count + OP_COUNT;
  const char **names = ARENA_ARRAY(s->arena, const char *, room);
  for (size_t i = 0; i < CONTROL_COUNT; i++) names[count++] = controls[i].name;
  for (size_t i = 0; i < layer_count; i++) names[count++] = layers[i].name;
  for (size_t i = 0; i < s->block_count; i++) names[count++] = s->blocks->keys[i]->text;
  for (int i = 1; i < OP_COUNT; i++) names[count++] = op_info[i].name;
  const char *near = nearest_name(key->text, names, count);
  return yaml_error(s->ctx, key, "no layer, block or operator '%.60s'%s%s%s", key->text, near ? " (did you mean '" : "",
                    near ? near : "", near ? "'?)" : "");
}

/* from: one name, or a list of them; the current value where it is left out. */
static bool read_operands(Steps *s, const Node *from) {
  s->operand_count = 1;
  s->operands[0] = s->x;
  if (!from) return true;
  size_t count = from->kind == NODE_LIST ? from->count : 1;
  if (count > MAX_OPERANDS) return yaml_error(s->ctx, from, "more than %d values", MAX_OPERANDS);
  for (size_t i = 0; i < count; i++) {
    const Node *n = from->kind == NODE_LIST ? from->items[i] : from;
    s->operands[i] = node_is(n, "_") ? 0 : steps_value(s, n);
    if (!s->operands[i] && !node_is(n, "_")) return false;
  }
  s->operand_count = (uint32_t)count;
  if (count) s->x = s->operands[0];
  return true;
}

/* A layer, else an operator; "op." before its name says operator where a layer is called the same. */
static bool run_layer(Steps *s, const Node *key, const Node *args) {
  for (size_t i = 0; i < layer_count; i++)
    if (!strcmp(layers[i].name, key->text)) {
      if (s->operand_count != 1 && !layers[i].leaf) return yaml_error(s->ctx, key, "%s takes one value", key->text);
      return layers[i].run(s, args);
    }
  const char *name = strncmp(key->text, "op.", 3) ? key->text : key->text + 3;
  for (int k = 1; k < OP_COUNT; k++)
    if (!strcmp(op_info[k].name, name)) return run_operator(s, (OpKind)k, args);
  return unknown_step(s, key);
}

static bool run_named(Steps *s, const Node *key, const Node *args) {
  for (size_t i = 0; i < CONTROL_COUNT; i++)
    if (!strcmp(controls[i].name, key->text)) return controls[i].run(s, args);
  const Node *block = node_get(s->blocks, key->text);
  if (!(args = substituted(s, args))) return false;
  s->net->at = key;
  s->net->layer = NULL;
  bool ok = block ? run_block(s, block, args, key->text) : run_layer(s, key, args);
  return ok && !s->net->failed;
}

/* The one key of a step that is neither from nor to. */
static bool step_key(Steps *s, const Node *step, size_t *out) {
  size_t count = 0;
  for (size_t i = 0; i < step->count; i++) {
    if (!strcmp(step->keys[i]->text, "from") || !strcmp(step->keys[i]->text, "to")) continue;
    if (count++)
      return yaml_error(s->ctx, step->keys[i], "a step does one thing, beside from and to; '%.60s' is a second",
                        step->keys[i]->text);
    *out = i;
  }
  return count || yaml_error(s->ctx, step, "a step needs a layer, a block or an operator");
}

static bool run_step(Steps *s, const Node *step) {
  static const Node nothing = {.kind = NODE_SCALAR, .text = "", .file = "", .line = 1, .column = 1};
  size_t i = 0;
  if (++s->step_count > MAX_STEPS) return yaml_error(s->ctx, step, "more than %d steps", MAX_STEPS);
  if (step->kind == NODE_SCALAR) {
    s->operand_count = 1;
    s->operands[0] = s->x;
    Node args = nothing;
    args.file = step->file, args.line = step->line, args.column = step->column;
    return (step = substituted(s, step)) && run_named(s, step, &args);
  }
  if (step->kind != NODE_MAP) return yaml_error(s->ctx, step, "a step is a word or a map, not a list");
  const Node *from = node_get(step, "from"), *to = node_get(step, "to");
  const char *name;
  if (!step_key(s, step, &i)) return false;
  if (from && !(from = substituted(s, from))) return false;
  if (!read_operands(s, from) || !run_named(s, step->keys[i], step->items[i])) return false;
  if (!to) return true;
  if (!(to = substituted(s, to)) || !yaml_string(s->ctx, to, "to", &name)) return false;
  if (!strcmp(name, "x") || !strcmp(name, "_")) return yaml_error(s->ctx, to, "'%s' is no name for a value", name);
  save_value(s, name, s->x);
  return true;
}

static bool run_list(Steps *s, const Node *list) {
  if (list->kind != NODE_LIST) return yaml_error(s->ctx, list, "steps must be a list, not %s", node_kind_name(list));
  for (size_t i = 0; i < list->count; i++)
    if (!run_step(s, list->items[i])) return false;
  return true;
}

/* ---- the whole ---- */

/* outputs: {NAME: VALUE} */
static bool make_outputs(Steps *s, const Node *outputs) {
  if (outputs->kind != NODE_MAP || !outputs->count)
    return yaml_error(s->ctx, outputs, "outputs must be a map of output names to values");
  for (size_t i = 0; i < outputs->count; i++) {
    ValueId v = steps_value(s, outputs->items[i]);
    if (!v) return false;
    s->net->at = outputs->keys[i];
    net_output(s->net, outputs->keys[i]->text, v);
  }
  return !s->net->failed;
}

ValueId build_steps(Net *n, const Node *root, const ValueId *inputs, size_t input_count) {
  const Node *outputs = node_get(root, "outputs"), *params = node_get(root, "params");
  Frame frame = {.prefix = ""};
  Steps s = {.net = n, .ctx = n->graph->context, .arena = n->arena, .x = inputs[0], .frame = &frame};
  s.blocks = node_get(root, "blocks");
  if (s.blocks && s.blocks->kind != NODE_MAP)
    return yaml_error(s.ctx, s.blocks, "blocks must be a map"), n->failed = true, 0;
  s.block_count = s.blocks ? s.blocks->count : 0;
  if (!node_is_null(params) && params->kind != NODE_MAP)
    return yaml_error(s.ctx, params, "params must be a map of names to values"), n->failed = true, 0;
  for (size_t i = 0; params && i < params->count; i++) {
    Vars var = {params->keys[i]->text, params->items[i], s.globals};
    s.globals = arena_copy(s.arena, &var, sizeof var);
  }
  frame.vars = s.globals;
  for (size_t i = 0; i < input_count; i++)
    save_value(&s, i ? arena_printf(n->arena, "input%zu", i) : "input", inputs[i]);
  if (!run_list(&s, node_get(root, "model")) || (outputs && !make_outputs(&s, outputs))) n->failed = true;
  return n->failed || outputs ? 0 : s.x;
}
