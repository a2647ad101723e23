/* What the general language's control (yaml_steps.c) and its layers (yaml_layers.c) share. */
#ifndef NEXTC_YAML_STEPS_H
#define NEXTC_YAML_STEPS_H
#include "frontend/yaml_expr.h"
#include "frontend/yaml_model.h"

typedef struct NamedValue {
  const char *name;
  ValueId value;
  struct NamedValue *next;
} NamedValue;

/* A block's call, or the model itself: names of values and variables are its own. */
typedef struct {
  const char *prefix; /* of parameters' names; "": none */
  const Vars *vars;
  NamedValue *values;
} Frame;

enum { MAX_OPERANDS = 64 };

typedef struct {
  Net *net;
  Context *ctx;
  Arena *arena;
  ValueId x;                      /* the current value */
  ValueId operands[MAX_OPERANDS]; /* of the current step: what `from` names, else x */
  uint32_t operand_count;
  Frame *frame;
  const Vars *globals; /* `params` of the top */
  const Node *blocks;
  size_t block_count, step_count, work; /* work: expr_substitute's */
  int calls;
} Steps;

/* A parameter's or layer's name with the current prefix. */
const char *steps_name(Steps *, const char *name);

/* A layer: reads its options from args (a map, a scalar that is its name, or null) and sets s->x. False + diag. */
typedef struct {
  const char *name;
  bool (*run)(Steps *, const Node *args);
  bool leaf; /* takes no value */
} Layer;
extern const Layer layers[];
extern const size_t layer_count;

/* Any operator of ops.def on the step's operands; args: its attributes. */
bool run_operator(Steps *, OpKind, const Node *args);
#endif
