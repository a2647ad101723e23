/* Files that appear together or not at all, and what the C backend puts into each. */
#include "backend/c_internal.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
  const char *path;
  const char *temporary; /* NULL: written directly */
  FILE *file;
  char **text; /* where its contents go; NULL: it is a file */
  size_t *bytes;
} Output;

typedef struct {
  Output at[4];
  int count;
} Outputs;

static bool failed(const CFile *f, const char *path, const char *what) {
  return error_in(f->context, path, "%s: %s", what, strerror(errno));
}

/* A path that exists and is no regular file (a device, a pipe) can't be replaced. */
static bool is_special(const char *path) {
  struct stat about;
  return !stat(path, &about) && !S_ISREG(about.st_mode);
}

/* A file that is kept in memory: the writers seek, which open_memstream's streams can't do well. */
static FILE *open_memory(const CFile *f, Outputs *all, const char *path) {
  const COptions *o = f->options;
  CMemory *m = o->memory;
  char **text = path == o->c_path ? &m->c : path == o->h_path ? &m->h : path == o->weights_path ? &m->weights : &m->assembly;
  size_t *bytes = path == o->c_path         ? &m->c_bytes
                  : path == o->h_path       ? &m->h_bytes
                  : path == o->weights_path ? &m->weight_bytes
                                            : &m->assembly_bytes;
  FILE *file = tmpfile();
  if (!file) failed(f, path, "cannot be kept in memory");
  else all->at[all->count++] = (Output){.path = path, .file = file, .text = text, .bytes = bytes};
  return file;
}

static FILE *open_output(const CFile *f, Outputs *all, const char *path) {
  if (f->options->memory) return open_memory(f, all, path);
  Output *o = &all->at[all->count];
  for (int i = 0; i < all->count; i++)
    if (!strcmp(all->at[i].path, path)) {
      error_in(f->context, path, "two outputs have this name");
      return NULL;
    }
  *o = (Output){.path = path};
  if (!is_special(path)) o->temporary = arena_printf(f->arena, "%s.part-%ld", path, (long)getpid());
  errno = 0;
  o->file = fopen(o->temporary ? o->temporary : path, o->temporary ? "wbx" : "wb");
  if (!o->file) {
    failed(f, path, "cannot be created");
    return NULL;
  }
  all->count++;
  return o->file;
}

/* Everything that was written, to where it is wanted. */
static bool take_contents(const Output *o) {
  long size = -1;
  if (!fseek(o->file, 0, SEEK_END)) size = ftell(o->file);
  rewind(o->file);
  if (size < 0 || !(*o->text = malloc((size_t)size + 1))) return false;
  *o->bytes = fread(*o->text, 1, (size_t)size, o->file);
  (*o->text)[*o->bytes] = 0;
  return *o->bytes == (size_t)size;
}

static bool close_output(const CFile *f, Output *o) {
  FILE *file = o->file;
  const bool kept = !o->text || ferror(file) || take_contents(o);
  o->file = NULL;
  const bool bad = ferror(file) != 0; /* errno is still that of the write */
  if (fclose(file) || bad) return failed(f, o->path, "cannot be written");
  return kept || failed(f, o->path, "cannot be kept in memory");
}

/* Closes everything; renames if all is well, else removes what was made. */
static bool finish_outputs(const CFile *f, Outputs *all, bool good) {
  int renamed = 0;
  for (int i = 0; i < all->count; i++)
    if (all->at[i].file && !close_output(f, &all->at[i])) good = false;
  for (; good && renamed < all->count; renamed++) {
    const Output *o = &all->at[renamed];
    if (o->temporary && rename(o->temporary, o->path)) {
      good = failed(f, o->path, "cannot be replaced");
      break;
    }
  }
  for (int i = 0; !good && i < all->count; i++)
    if (all->at[i].temporary) unlink(i < renamed ? all->at[i].path : all->at[i].temporary);
  return good;
}

static bool write_code(const CFile *f, Outputs *all) {
  const COptions *o = f->options;
  FILE *h, *c;
  if (!o->c_path) {
    if (o->weights == WEIGHTS_FILE) fputs(c_feature_macros, stdout);
    c_write_header(f, stdout);
    if (!c_write_source(f, stdout)) return false;
    return (!fflush(stdout) && !ferror(stdout)) || failed(f, "standard output", "cannot be written");
  }
  if (!(h = open_output(f, all, o->h_path))) return false;
  c_write_header(f, h);
  return (c = open_output(f, all, o->c_path)) && c_write_source(f, c);
}

static bool write_weights(const CFile *f, Outputs *all) {
  const COptions *o = f->options;
  FILE *to;
  if (o->weights == WEIGHTS_INLINE) return true;
  if (!(to = open_output(f, all, o->weights_path)) || !c_write_weights_file(f, to)) return false;
  if (o->weights == WEIGHTS_FILE) return true;
  if (!(to = open_output(f, all, o->asm_path))) return false;
  c_write_asm(f, to);
  return true;
}

bool emit_c_files(Context *context, const CProgram *program, const COptions *options) {
  const bool to_stdout = !options->c_path;
  if (!to_stdout != (options->h_path != NULL)) die("emit_c_files: a header and standard output, or neither");
  if (options->weights != WEIGHTS_INLINE && !options->weights_path) die("emit_c_files: no path for the weights");
  if (options->weights == WEIGHTS_OBJECT && !options->asm_path) die("emit_c_files: no path for the .S");
  Arena *arena = arena_new();
  const CFile f = c_facts(context, arena, program, options);
  Outputs all = {.count = 0};
  /* weights first: what is piped from standard output is whole if it comes at all */
  bool good = write_weights(&f, &all) && write_code(&f, &all);
  good = finish_outputs(&f, &all, good);
  arena_free(arena);
  return good;
}
