/* runtime/ as text: chunks embedded at build time (tools/embed_runtime.c), printed where they are used. */
#ifndef NEXTC_C_RUNTIME_H
#define NEXTC_C_RUNTIME_H
#include "ir/text.h"
#include <stdbool.h>

typedef struct {
  const char *file;         /* "vec_v3.h" */
  const char *names;        /* what it defines, separated by spaces */
  const char *const *lines; /* NULL-terminated */
} RuntimeChunk;
extern const RuntimeChunk runtime_chunks[];
extern const int runtime_chunk_count;

/* Which chunks a file has printed so far, and an index of all names. */
typedef struct {
  Arena *arena;
  struct RuntimeName *names; /* sorted */
  size_t name_count;
  bool *printed; /* [runtime_chunk_count] */
} RuntimeUse;

RuntimeUse runtime_use(Arena *);
/* Appends to out every chunk that text names, and every chunk that those name, each once and before its users. With
 * vector_file NULL chunks of vector layers are left out; else only those of that file are printed. */
void runtime_print_used(RuntimeUse *, Text *out, const char *text, const char *vector_file);
/* Appends the chunk that defines the name; dies where there is none. Used for headers, which choose by hand. */
void runtime_print_chunk(RuntimeUse *, Text *out, const char *name);

/* Text with nx_ and NX_ at the start of identifiers outside string literals replaced by "<prefix>_" and "<upper>_". */
void runtime_rename(Text *out, const char *text, const char *prefix, const char *upper);
#endif
