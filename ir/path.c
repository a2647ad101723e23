/* Relative and resolved paths; see path.h. */
#include "ir/path.h"
#include "ir/text.h"
#include <string.h>
#include <unistd.h>

/* A path in components, without "." and empty ones; ".." only at the start of a relative one. */
typedef struct {
  bool absolute;
  const char **at;
  size_t count, capacity;
} Parts;

static void add_parts(Arena *a, Parts *p, const char *path) {
  while (*path) {
    size_t n = strcspn(path, "/");
    bool up = n == 2 && path[0] == '.' && path[1] == '.';
    bool under = p->count && strcmp(p->at[p->count - 1], "..") != 0;
    if (up && (under || p->absolute)) {
      if (p->count) p->count--;
    } else if (n && !(n == 1 && *path == '.')) {
      GROW(a, p->at, p->count, p->capacity);
      p->at[p->count++] = arena_strndup(a, path, n);
    }
    path += n;
    path += *path == '/';
  }
}

static Parts split(Arena *a, const char *path) {
  Parts p = {.absolute = *path == '/'};
  add_parts(a, &p, path);
  return p;
}

static bool make_absolute(Arena *a, Parts *p) {
  if (p->absolute) return true;
  char folder[4096];
  if (!getcwd(folder, sizeof folder)) return false;
  Parts whole = split(a, folder);
  for (size_t i = 0; i < p->count; i++) add_parts(a, &whole, p->at[i]);
  *p = whole;
  return true;
}

static size_t common_parts(const Parts *a, const Parts *b) {
  size_t n = 0;
  while (n < a->count && n < b->count && !strcmp(a->at[n], b->at[n])) n++;
  return n;
}

/* "random:7", "none:": sources that are no files. */
static bool is_made_up(const char *path) { return !strncmp(path, "random:", 7) || !strcmp(path, "none:"); }

const char *path_relative(Arena *a, const char *base_dir, const char *path) {
  if (!base_dir || is_made_up(path)) return path;
  Parts base = split(a, base_dir), to = split(a, path);
  size_t common = common_parts(&base, &to);
  bool unknown_way_back = common < base.count && !strcmp(base.at[common], "..");
  if (base.absolute != to.absolute || unknown_way_back) {
    if (!make_absolute(a, &base) || !make_absolute(a, &to)) return path;
    common = common_parts(&base, &to);
  }
  Text out = {.arena = a};
  size_t ups = base.count - common;
  if (to.absolute && common == 0 && ups) {
    text_putc(&out, '/');
    ups = 0;
  }
  for (size_t i = 0; i < ups; i++) text_puts(&out, i ? "/.." : "..");
  for (size_t i = common; i < to.count; i++) text_printf(&out, "%s%s", i > common || ups ? "/" : "", to.at[i]);
  return out.len ? text_string(&out) : ".";
}

const char *path_resolve(Arena *a, const char *file, const char *path) {
  const char *slash = strrchr(file, '/');
  if (*path == '/' || !slash || is_made_up(path)) return arena_strdup(a, path);
  return arena_printf(a, "%.*s%s", (int)(slash - file + 1), file, path);
}
