/* The networks of the papers, as descriptions built into nextc (frontend/zoo/NAME.yaml). */
#ifndef NEXTC_ZOO_H
#define NEXTC_ZOO_H
#include <stddef.h>

typedef struct {
  const char *name; /* "convnext_tiny" */
  const char *text;
} ZooEntry;
extern const ZooEntry zoo[]; /* made by CMake */
extern const size_t zoo_count;
const ZooEntry *zoo_find(const char *name); /* NULL: no such network */
#endif
