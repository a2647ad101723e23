/* Any program as a description in the general language, an operator a step; and what all exports write alike. */
#ifndef NEXTC_EXPORT_STEPS_H
#define NEXTC_EXPORT_STEPS_H
#include "ir/ir.h"

/* All of it but the notes, in the arena; what it builds is not compared. NULL: *why says what a description cannot. */
const char *export_steps(const Graph *g, Arena *, const char **why);
/* The text in double quotes. */
const char *yaml_quoted(Arena *, const char *text);
#endif
