/* Chooses, orders and renames the chunks of runtime/; see c_runtime.h and runtime/README.md. */
#include "backend/c_runtime.h"
#include "backend/target.h"
#include <stdlib.h>
#include <string.h>

typedef struct RuntimeName {
  const char *at; /* not terminated */
  size_t length;
  int chunk;
} RuntimeName;

static int compare_names(const void *left, const void *right) {
  const RuntimeName *a = left, *b = right;
  const size_t shorter = a->length < b->length ? a->length : b->length;
  const int order = memcmp(a->at, b->at, shorter);
  return order ? order : (a->length > b->length) - (a->length < b->length);
}

RuntimeUse runtime_use(Arena *arena) {
  RuntimeUse use = {.arena = arena, .printed = ARENA_ARRAY(arena, bool, runtime_chunk_count)};
  size_t capacity = 0;
  for (int c = 0; c < runtime_chunk_count; c++)
    for (const char *p = runtime_chunks[c].names; *p;) {
      const size_t length = strcspn(p, " ");
      GROW(arena, use.names, use.name_count, capacity);
      use.names[use.name_count++] = (RuntimeName){p, length, c};
      p += length + (p[length] == ' ');
    }
  if (use.name_count) qsort(use.names, use.name_count, sizeof *use.names, compare_names);
  return use;
}

static int chunk_of(const RuntimeUse *use, const char *name, size_t length) {
  const RuntimeName key = {name, length, 0};
  const RuntimeName *found =
      use->name_count ? bsearch(&key, use->names, use->name_count, sizeof key, compare_names) : NULL;
  return found ? found->chunk : -1;
}

static bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* The next identifier from p on that begins with nx_ or NX_; NULL: none. */
static const char *next_name(const char *p, size_t *length) {
  while (*p) {
    size_t n = 0;
    while (is_name_char(p[n])) n++;
    *length = n;
    if (n > 3 && (!memcmp(p, "nx_", 3) || !memcmp(p, "NX_", 3))) return p;
    p += n ? n : 1;
  }
  return NULL;
}

/* A chunk's place in a walk along what it needs. */
enum { UNSEEN, OPEN, DONE };

typedef struct {
  RuntimeUse *use;
  Text *out;
  const char *vector_file;
  unsigned char *state; /* [runtime_chunk_count] */
} Walk;

static bool is_vector_layer(const char *file) {
  for (int t = 0; t < target_count; t++)
    if (targets[t].lanes > 1 && !strcmp(file, targets[t].vector_file)) return true;
  return false;
}

static bool is_wanted(const Walk *w, int chunk) {
  const char *file = runtime_chunks[chunk].file;
  if (w->use->printed[chunk]) return false;
  return w->vector_file ? !strcmp(file, w->vector_file) : !is_vector_layer(file);
}

static void put_chunk(Text *out, const RuntimeChunk *chunk) {
  for (const char *const *line = chunk->lines; *line; line++) {
    text_puts(out, *line);
    text_putc(out, '\n');
  }
}

static void walk_text(Walk *w, const char *text, int self);

static void walk_chunk(Walk *w, int chunk) {
  const RuntimeChunk *row = &runtime_chunks[chunk];
  if (!strcmp(row->file, "public.h")) return; /* in the header, all of it */
  if (w->state[chunk] == OPEN) die("runtime/%s: '%s' needs itself", row->file, row->names);
  if (w->state[chunk] != UNSEEN) return;
  w->state[chunk] = OPEN;
  for (const char *const *line = row->lines; *line; line++) walk_text(w, *line, chunk);
  w->state[chunk] = DONE;
  if (!is_wanted(w, chunk)) return;
  w->use->printed[chunk] = true;
  text_putc(w->out, '\n');
  put_chunk(w->out, row);
}

static void walk_text(Walk *w, const char *text, int self) {
  size_t length;
  for (const char *p = next_name(text, &length); p; p = next_name(p + length, &length)) {
    const int chunk = chunk_of(w->use, p, length);
    if (chunk >= 0 && chunk != self) walk_chunk(w, chunk);
  }
}

void runtime_print_used(RuntimeUse *use, Text *out, const char *text, const char *vector_file) {
  Walk w = {use, out, vector_file, ARENA_ARRAY(use->arena, unsigned char, runtime_chunk_count)};
  walk_text(&w, text, -1);
}

void runtime_print_chunk(RuntimeUse *use, Text *out, const char *name) {
  const int chunk = chunk_of(use, name, strlen(name));
  if (chunk < 0) die("runtime/ defines no '%s'", name);
  put_chunk(out, &runtime_chunks[chunk]);
}

/* Length of the string or character literal that begins at p. */
static size_t literal_length(const char *p) {
  size_t n = 1;
  while (p[n] && p[n] != *p && p[n] != '\n') n += p[n] == '\\' && p[n + 1] ? 2 : 1;
  return p[n] == *p ? n + 1 : n;
}

void runtime_rename(Text *out, const char *text, const char *prefix, const char *upper) {
  bool comment = false;
  for (const char *p = text; *p;) {
    size_t n = 0;
    while (is_name_char(p[n])) n++;
    if (n > 3 && (!memcmp(p, "nx_", 3) || !memcmp(p, "NX_", 3))) {
      text_puts(out, *p == 'n' ? prefix : upper);
      text_append(out, p + 2, n - 2);
    } else if (n == 0) {
      if (!comment && (*p == '"' || *p == '\''))
        n = literal_length(p);
      else if (!strncmp(p, comment ? "*/" : "/*", 2))
        comment = !comment, n = 2;
      else
        n = 1;
      text_append(out, p, n);
    } else {
      text_append(out, p, n);
    }
    p += n;
  }
}
