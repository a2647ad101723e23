/* Networks back into descriptions. */
#ifndef NEXTC_EXPORT_YAML_H
#define NEXTC_EXPORT_YAML_H
#include "ir/ir.h"

/* The description (docs/yaml.md) of a network as it was read, in the arena. It is right by construction: what it builds
 * is compared with g, which is changed by passes. NULL + diag: no network of a family. */
const char *export_yaml(Graph *g, Arena *);
#endif
