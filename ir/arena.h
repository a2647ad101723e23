/* Arena: a bump allocator. Everything that a graph, a pass or a context owns lives in one and dies with it. */
#ifndef NEXTC_ARENA_H
#define NEXTC_ARENA_H
#include <stdarg.h>
#include <stddef.h>

typedef struct Arena Arena;
typedef struct {
  void *block; /* newest block at the time of the mark */
  size_t used; /* bytes used in it */
} ArenaMark;

Arena *arena_new(void);
void arena_free(Arena *); /* NULL is allowed */

/* Zeroed memory, 16-byte aligned, for size bytes; never NULL (no memory: die_memory()). */
void *arena_alloc(Arena *, size_t size);
void *arena_copy(Arena *, const void *from, size_t size);
char *arena_strdup(Arena *, const char *);
char *arena_strndup(Arena *, const char *, size_t length);
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
char *
arena_printf(Arena *, const char *format, ...);
char *arena_vprintf(Arena *, const char *format, va_list);

/* Scratch use: everything allocated after the mark is freed by the release. */
ArenaMark arena_mark(Arena *);
void arena_release(Arena *, ArenaMark);

#define ARENA_NEW(arena, T)          ((T *)arena_alloc(arena, sizeof(T)))
#define ARENA_ARRAY(arena, T, count) ((T *)arena_alloc(arena, sizeof(T) * (size_t)(count)))

/* Growable array in an arena (old storage is left behind; growth doubles, so the waste is under 2x):
 * GROW(arena, array, count, capacity) makes room for one more element. */
void *arena_grow(Arena *, void *array, size_t element, size_t count, size_t *capacity);
#define GROW(arena, array, count, capacity)                                                                            \
  ((array) = arena_grow(arena, array, sizeof *(array), (size_t)(count), &(capacity)))
#endif
