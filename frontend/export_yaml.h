/* Networks back into descriptions. */
#ifndef NEXTC_EXPORT_YAML_H
#define NEXTC_EXPORT_YAML_H
#include "ir/ir.h"

/* A program's description (docs/yaml.md), in the arena: a family's where it is one, else the general language. It is
 * right by construction: what it builds is compared with g, whose schedule is dropped. NULL + diag: a description
 * cannot say it. */
const char *export_yaml(Graph *g, Arena *);
#endif
