/* $name and $(expression) in the general language; see docs/yaml.md. */
#ifndef NEXTC_YAML_EXPR_H
#define NEXTC_YAML_EXPR_H
#include "frontend/yaml_tree.h"

/* Variables in sight, innermost first. */
typedef struct Vars {
  const char *name;
  const Node *value;
  const struct Vars *next;
} Vars;

enum {
  EXPR_MAX_WORK = 5000000, /* nodes that a description may have substituted */
  EXPR_MAX_TEXT = 4096,    /* bytes of a text with variables */
};

/* n with its variables replaced, lists and maps of scalars too; n itself where it has none. A text that is one variable
 * and nothing else becomes the variable's value, of any kind. *work counts nodes up to EXPR_MAX_WORK. NULL + diag. */
const Node *expr_substitute(Context *, Arena *, const Vars *, size_t *work, const Node *n);
#endif
