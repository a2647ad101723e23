/* Whole files or none; see output_file.h. */
#include "ir/output_file.h"
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool failed(Context *c, const char *path, const char *what) {
  return error_in(c, path, "%s: %s", what, strerror(errno));
}

bool is_same_file(const char *a, const char *b) {
  struct stat x, y;
  return !stat(a, &x) && !stat(b, &y) && S_ISREG(x.st_mode) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static bool is_special(const char *path) {
  struct stat about;
  return !stat(path, &about) && !S_ISREG(about.st_mode);
}

/* Where the links that path ends in lead, to a file that may be missing; NULL where they go in circles. */
static const char *follow_links(Arena *arena, const char *path) {
  enum { MAX_LINKS = 40, MAX_TARGET = 4096 };
  const char *place = path;
  for (int links = 0; links < MAX_LINKS; links++) {
    char target[MAX_TARGET];
    struct stat about;
    if (lstat(place, &about) || !S_ISLNK(about.st_mode)) return place;
    const ssize_t length = readlink(place, target, sizeof target - 1);
    if (length < 0) break;
    target[length] = 0;
    const char *slash = *target == '/' ? NULL : strrchr(place, '/');
    place = arena_printf(arena, "%.*s%s", slash ? (int)(slash - place + 1) : 0, place, target);
  }
  errno = ELOOP;
  return NULL;
}

static bool same_folder(Arena *arena, const char *a, const char *b) {
  struct stat x, y;
  const char *slash_a = strrchr(a, '/'), *slash_b = strrchr(b, '/');
  const char *folder_a = slash_a ? arena_strndup(arena, a, (size_t)(slash_a - a) + 1) : ".";
  const char *folder_b = slash_b ? arena_strndup(arena, b, (size_t)(slash_b - b) + 1) : ".";
  return !stat(folder_a, &x) && !stat(folder_b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static const char *last_part(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

bool is_same_place(const char *a, const char *b) {
  Arena *scratch = arena_new();
  const char *x = follow_links(scratch, a), *y = follow_links(scratch, b);
  const bool same = x && y && (!strcmp(x, y) || (!strcmp(last_part(x), last_part(y)) && same_folder(scratch, x, y)));
  arena_free(scratch);
  return same;
}

static FILE *make_temporary(const Context *c, const char *path) {
  context_hold(c, true);
  FILE *file = fopen(path, "wbx");
  const int error = errno;
  if (file) context_temporary(c, path, true);
  context_hold(c, false);
  errno = error;
  return file;
}

bool output_file_open(Context *c, const char *path, OutputFile *o) {
  *o = (OutputFile){.path = path, .place = path};
  if (!is_special(path)) {
    if (!(o->place = follow_links(c->arena, path))) return failed(c, path, "cannot be created");
    o->temporary = arena_printf(c->arena, "%s.part-%ld", o->place, (long)getpid());
    o->file = make_temporary(c, o->temporary);
  } else {
    o->file = fopen(path, "wb");
  }
  if (o->file) return true;
  o->temporary = NULL;
  return failed(c, path, "cannot be created");
}

bool output_file_close(Context *c, OutputFile *o) {
  FILE *file = o->file;
  const bool bad = ferror(file) != 0; /* errno is still that of the write */
  o->file = NULL;
  return (!fclose(file) && !bad) || failed(c, o->path, "cannot be written");
}

bool output_file_keep(Context *c, OutputFile *o) {
  if (o->temporary && rename(o->temporary, o->place)) return failed(c, o->path, "cannot be replaced");
  o->kept = true;
  if (o->temporary) context_temporary(c, o->temporary, false);
  return true;
}

void output_file_drop(Context *c, OutputFile *o) {
  if (o->file) fclose(o->file);
  o->file = NULL;
  if (!o->temporary) return;
  unlink(o->kept ? o->place : o->temporary);
  if (!o->kept) context_temporary(c, o->temporary, false);
  o->temporary = NULL;
}
