/* Files that appear whole or not at all: written under a temporary name beside their place, then renamed. A symbolic
 * link stays, and what it names is replaced; what is no regular file (a device, a pipe) is written directly. */
#ifndef NEXTC_OUTPUT_FILE_H
#define NEXTC_OUTPUT_FILE_H
#include "ir/diag.h"
#include <stdio.h>

/* All zeros: nothing. Strings are the context's. */
typedef struct {
  const char *path;      /* as it was asked for */
  const char *place;     /* the same with links followed */
  const char *temporary; /* NULL: written directly */
  FILE *file;            /* NULL: closed */
  bool kept;             /* it has taken its place */
} OutputFile;

/* All three: false + diag, with nothing made or changed but what output_file_drop removes. */
bool output_file_open(Context *, const char *path, OutputFile *);
bool output_file_close(Context *, OutputFile *); /* after all was written: false too where a write failed */
bool output_file_keep(Context *, OutputFile *);  /* closed; it takes its place */

/* Removes what there is of it, kept or not. */
void output_file_drop(Context *, OutputFile *);

/* Do both names lead to one regular file that is there? */
bool is_same_file(const char *a, const char *b);
/* Would writing both paths write one file? */
bool is_same_place(const char *a, const char *b);
#endif
