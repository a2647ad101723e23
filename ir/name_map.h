/* A table from names to small numbers: open addressing, in an arena; names are not copied. {.arena = a} is empty. */
#ifndef NEXTC_NAME_MAP_H
#define NEXTC_NAME_MAP_H
#include "ir/arena.h"
#include <stdbool.h>
#include <stdint.h>

typedef struct {
  const char *name; /* NULL: free */
  uint32_t value;
} NameSlot;

typedef struct {
  Arena *arena;
  NameSlot *slots; /* [capacity], a power of two or 0 */
  size_t capacity, count;
} NameMap;

bool name_map_add(NameMap *, const char *name, uint32_t value); /* false, and nothing changed: the name is there */
uint32_t *name_map_at(NameMap *, const char *name); /* its value, 0 where the name is new; until the next addition */
bool name_map_find(const NameMap *, const char *name, uint32_t *value);
#endif
