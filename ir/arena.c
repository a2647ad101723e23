/* Bump allocator in blocks that double up to 1 MiB; see arena.h. */
#include "ir/arena.h"
#include "ir/diag.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Block {
  struct Block *older;
  size_t size, used; /* bytes in data */
  _Alignas(16) char data[];
} Block;

struct Arena {
  Block *newest;
};

enum { FIRST_BLOCK = 4096, LARGEST_BLOCK = 1 << 20 };

static Block *new_block(Block *older, size_t size) {
  Block *b = malloc(sizeof *b + size);
  if (!b) die_memory(size);
  b->older = older;
  b->size = size;
  b->used = 0;
  return b;
}

Arena *arena_new(void) {
  Arena *a = malloc(sizeof *a);
  if (!a) die_memory(0);
  a->newest = new_block(NULL, FIRST_BLOCK);
  return a;
}

void arena_free(Arena *a) {
  if (!a) return;
  for (Block *b = a->newest; b;) {
    Block *older = b->older;
    free(b);
    b = older;
  }
  free(a);
}

void *arena_alloc(Arena *a, size_t size) {
  if (size > SIZE_MAX / 2) die_memory(size);
  size = (size + 15) & ~(size_t)15;
  Block *b = a->newest;
  if (b->size - b->used < size) {
    size_t next = b->size < LARGEST_BLOCK ? b->size * 2 : LARGEST_BLOCK;
    b = a->newest = new_block(b, size > next ? size : next);
  }
  void *p = b->data + b->used;
  b->used += size;
  return memset(p, 0, size);
}

void *arena_copy(Arena *a, const void *from, size_t size) {
  void *p = arena_alloc(a, size);
  if (size) memcpy(p, from, size);
  return p;
}

char *arena_strdup(Arena *a, const char *s) { return arena_strndup(a, s, strlen(s)); }

char *arena_strndup(Arena *a, const char *s, size_t length) {
  char *p = arena_alloc(a, length + 1);
  memcpy(p, s, length);
  return p;
}

char *arena_vprintf(Arena *a, const char *format, va_list args) {
  char small[128];
  va_list again;
  va_copy(again, args);
  int n = vsnprintf(small, sizeof small, format, args);
  if (n < 0) die("bad format '%s'", format);
  char *p = arena_alloc(a, (size_t)n + 1);
  if ((size_t)n < sizeof small)
    memcpy(p, small, (size_t)n);
  else
    vsnprintf(p, (size_t)n + 1, format, again);
  va_end(again);
  return p;
}

char *arena_printf(Arena *a, const char *format, ...) {
  va_list args;
  va_start(args, format);
  char *p = arena_vprintf(a, format, args);
  va_end(args);
  return p;
}

ArenaMark arena_mark(Arena *a) { return (ArenaMark){a->newest, a->newest->used}; }

void arena_release(Arena *a, ArenaMark mark) {
  while (a->newest != mark.block) {
    Block *older = a->newest->older;
    free(a->newest);
    a->newest = older;
  }
  a->newest->used = mark.used;
}

void *arena_grow(Arena *a, void *array, size_t element, size_t count, size_t *capacity) {
  if (count < *capacity) return array;
  size_t more = *capacity ? *capacity * 2 : 8;
  void *p = arena_alloc(a, element * more);
  if (count) memcpy(p, array, element * count);
  *capacity = more;
  return p;
}
