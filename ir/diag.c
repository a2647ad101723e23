/* Collecting diagnostics; see diag.h. */
#include "ir/diag.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ERRORS = 200 };

Context *context_new(void) {
  Arena *arena = arena_new();
  Context *c = ARENA_NEW(arena, Context);
  c->arena = arena;
  return c;
}

void context_free(Context *c) {
  if (c) arena_free(c->arena);
}

void context_add_read(Context *c, const char *path) {
  GROW(c->arena, c->read, c->read_count, c->read_capacity);
  c->read[c->read_count++] = arena_strdup(c->arena, path);
}

void context_hold(const Context *c, bool on) {
  if (c->watcher) c->watcher->hold(c->watcher, on);
}

void context_temporary(const Context *c, const char *path, bool there) {
  if (c->watcher) c->watcher->temporary(c->watcher, path, there);
}

static const char *place(Arena *a, Where w) {
  const char *file = w.file ? w.file : "nextc";
  if (w.line) return arena_printf(a, "%s:%d:%d: ", file, w.line, w.column);
  if (w.node && w.op && w.opset) return arena_printf(a, "%s: node '%s' (%s, opset %d): ", file, w.node, w.op, w.opset);
  if (w.node && w.op) return arena_printf(a, "%s: node '%s' (%s): ", file, w.node, w.op);
  if (w.node) return arena_printf(a, "%s: '%s': ", file, w.node);
  return arena_printf(a, "%s: ", file);
}

bool diag(Context *c, Severity severity, Where w, const char *format, ...) {
  static const char *const word[] = {"error", "warning", "note"};
  if (severity == DIAG_ERROR && c->errors >= MAX_ERRORS) {
    ++c->errors;
    for (size_t i = c->count; i-- > 0;)
      if (c->list[i].severity == DIAG_ERROR) {
        c->list[i].text = arena_printf(c->arena, "nextc: error: %d more errors", c->errors - MAX_ERRORS + 1);
        return false;
      }
  }
  va_list args;
  va_start(args, format);
  const char *message = arena_vprintf(c->arena, format, args);
  va_end(args);
  const char *text = arena_printf(c->arena, "%s%s: %s", place(c->arena, w), word[severity], message);
  const bool counted = severity != DIAG_ERROR || c->errors;
  if (counted && c->count && !strcmp(c->list[c->count - 1].text, text)) return false;
  c->errors += severity == DIAG_ERROR;
  GROW(c->arena, c->list, c->count, c->capacity);
  c->list[c->count++] = (Diagnostic){severity, text};
  return false;
}

void context_add(Context *c, const Context *from) {
  for (size_t i = 0; i < from->count; i++) {
    GROW(c->arena, c->list, c->count, c->capacity);
    c->list[c->count++] = (Diagnostic){from->list[i].severity, arena_strdup(c->arena, from->list[i].text)};
  }
  c->errors += from->errors;
}

void die(const char *format, ...) {
  va_list args;
  va_start(args, format);
  fputs("nextc: bug: ", stderr);
  vfprintf(stderr, format, args);
  fputc('\n', stderr);
  va_end(args);
  abort();
}

void die_memory(size_t bytes) {
  if (bytes)
    fprintf(stderr, "nextc: error: no memory for %zu bytes\n", bytes);
  else
    fputs("nextc: error: no memory\n", stderr);
  abort();
}

/* Levenshtein distance, capped: words longer than 63 count as far. */
static size_t distance(const char *a, const char *b) {
  size_t n = strlen(a), m = strlen(b), row[64];
  if (n > 63 || m > 63) return 64;
  for (size_t j = 0; j <= m; j++) row[j] = j;
  for (size_t i = 1; i <= n; i++) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= m; j++) {
      size_t best = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      if (row[j] + 1 < best) best = row[j] + 1;
      if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
      row[j] = best;
    }
  }
  return row[m];
}

const char *nearest_name(const char *word, const char *const *names, size_t count) {
  const char *best = NULL;
  size_t least = strlen(word) / 3 + 1;
  if (strlen(word) > 63) return NULL;
  for (size_t i = 0; i < count; i++) {
    size_t d = distance(word, names[i]);
    if (d <= least && (!best || d < least)) best = names[i], least = d;
  }
  return best;
}
