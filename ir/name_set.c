/* A set of strings: open addressing, FNV-1a; see nir.h. */
#include "ir/nir.h"
#include <string.h>

static size_t slot_of(const NameSet *s, const char *name) {
  uint64_t h = UINT64_C(14695981039346656037);
  for (const char *p = name; *p; p++) h = (h ^ (unsigned char)*p) * UINT64_C(1099511628211);
  size_t i = (size_t)(h ^ h >> 32) & (s->capacity - 1);
  while (s->slots[i] && strcmp(s->slots[i], name) != 0) i = (i + 1) & (s->capacity - 1);
  return i;
}

bool name_set_add(NameSet *s, const char *name) {
  if (s->count * 2 >= s->capacity) {
    NameSet larger = {.arena = s->arena, .capacity = s->capacity ? s->capacity * 2 : 16, .count = s->count};
    larger.slots = ARENA_ARRAY(s->arena, const char *, larger.capacity);
    for (size_t i = 0; i < s->capacity; i++)
      if (s->slots[i]) larger.slots[slot_of(&larger, s->slots[i])] = s->slots[i];
    *s = larger;
  }
  size_t i = slot_of(s, name);
  if (s->slots[i]) return false;
  s->slots[i] = name;
  s->count++;
  return true;
}
