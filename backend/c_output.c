/* Files that appear together or not at all, and what the C backend puts into each. */
#include "backend/c_internal.h"
#include "ir/output_file.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  OutputFile out;
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

/* A file that is kept in memory: the writers seek, which open_memstream's streams can't do well. */
static FILE *open_memory(const CFile *f, Outputs *all, const char *path) {
  const COptions *o = f->options;
  CMemory *m = o->memory;
  char **text = path == o->c_path         ? &m->c
                : path == o->h_path       ? &m->h
                : path == o->weights_path ? &m->weights
                                          : &m->assembly;
  size_t *bytes = path == o->c_path         ? &m->c_bytes
                  : path == o->h_path       ? &m->h_bytes
                  : path == o->weights_path ? &m->weight_bytes
                                            : &m->assembly_bytes;
  FILE *file = tmpfile();
  if (!file)
    failed(f, path, "cannot be kept in memory");
  else
    all->at[all->count++] = (Output){{.path = path, .file = file}, text, bytes};
  return file;
}

static FILE *open_output(const CFile *f, Outputs *all, const char *path) {
  if (f->options->memory) return open_memory(f, all, path);
  Output *o = &all->at[all->count];
  *o = (Output){.text = NULL};
  if (!output_file_open(f->context, path, &o->out)) return NULL;
  all->count++;
  return o->out.file;
}

/* Everything that was written, to where it is wanted. */
static bool take_contents(const Output *o) {
  FILE *file = o->out.file;
  long size = -1;
  if (!fseek(file, 0, SEEK_END)) size = ftell(file);
  rewind(file);
  if (size < 0 || !(*o->text = malloc((size_t)size + 1))) return false;
  *o->bytes = fread(*o->text, 1, (size_t)size, file);
  (*o->text)[*o->bytes] = 0;
  return *o->bytes == (size_t)size;
}

static bool close_output(const CFile *f, Output *o) {
  const bool kept = !o->text || ferror(o->out.file) || take_contents(o);
  if (!output_file_close(f->context, &o->out)) return false;
  return kept || failed(f, o->out.path, "cannot be kept in memory");
}

/* No output may be another one, or a file that the model was read from. */
static bool check_names(const CFile *f) {
  const COptions *o = f->options;
  const Context *c = f->context;
  const char *const paths[] = {o->weights != WEIGHTS_INLINE ? o->weights_path : NULL,
                               o->weights == WEIGHTS_OBJECT ? o->asm_path : NULL, o->h_path, o->c_path};
  enum { COUNT = sizeof paths / sizeof *paths };
  for (int i = 0; i < COUNT && !o->memory; i++) {
    for (int j = 0; paths[i] && j < i; j++)
      if (paths[j] && is_same_place(paths[i], paths[j]))
        return error_in(f->context, paths[i], "two outputs have this name");
    for (size_t j = 0; paths[i] && j < c->read_count; j++)
      if (is_same_file(paths[i], c->read[j]))
        return error_in(f->context, paths[i], "the model was read from this file, so it cannot be an output");
  }
  return true;
}

/* Closes everything; puts it in its place if all is well, else removes what was made. */
static bool finish_outputs(const CFile *f, Outputs *all, bool good) {
  for (int i = 0; i < all->count; i++)
    if (all->at[i].out.file && !close_output(f, &all->at[i])) good = false;
  good = good && check_names(f);  /* again: sources may open files when their tensors are read */
  context_hold(f->context, true); /* all of them or none */
  for (int i = 0; good && i < all->count; i++) good = output_file_keep(f->context, &all->at[i].out);
  for (int i = 0; !good && i < all->count; i++) output_file_drop(f->context, &all->at[i].out);
  context_hold(f->context, false);
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
  bool good = check_names(&f) && write_weights(&f, &all) && write_code(&f, &all);
  good = finish_outputs(&f, &all, good);
  arena_free(arena);
  return good;
}
