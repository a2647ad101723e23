/* See name_map.h. */
#include "ir/name_map.h"
#include "ir/hash.h"
#include <string.h>

/* The name's slot, or the free one where it belongs; the table is never full. */
static NameSlot *slot_of(const NameMap *m, const char *name) {
  size_t mask = m->capacity - 1, i = (size_t)hash_bytes(name, strlen(name), 0) & mask;
  while (m->slots[i].name && strcmp(m->slots[i].name, name)) i = (i + 1) & mask;
  return &m->slots[i];
}

static void grow(NameMap *m) {
  NameMap bigger = {.arena = m->arena, .capacity = m->capacity ? m->capacity * 2 : 16, .count = m->count};
  bigger.slots = ARENA_ARRAY(m->arena, NameSlot, bigger.capacity);
  for (size_t i = 0; i < m->capacity; i++)
    if (m->slots[i].name) *slot_of(&bigger, m->slots[i].name) = m->slots[i];
  *m = bigger;
}

uint32_t *name_map_at(NameMap *m, const char *name) {
  if (m->count * 2 >= m->capacity) grow(m);
  NameSlot *s = slot_of(m, name);
  if (!s->name) *s = (NameSlot){name, 0}, m->count++;
  return &s->value;
}

bool name_map_add(NameMap *m, const char *name, uint32_t value) {
  const size_t before = m->count;
  uint32_t *at = name_map_at(m, name);
  if (m->count == before) return false;
  *at = value;
  return true;
}

bool name_map_find(const NameMap *m, const char *name, uint32_t *value) {
  if (!m->count) return false;
  const NameSlot *s = slot_of(m, name);
  if (s->name) *value = s->value;
  return s->name != NULL;
}
