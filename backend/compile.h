/* From a loaded graph to C files: passes, lowering for each target, weights, files. */
#ifndef NEXTC_COMPILE_H
#define NEXTC_COMPILE_H
#include "backend/c_backend.h"

enum { MAX_TARGETS = 8, INLINE_LIMIT = 1 << 20 /* bytes of weights */ };

/* All zeros: the defaults. */
typedef struct {
  const char *name;        /* prefix of every name, is_c_name; NULL: the graph's */
  const char *out;         /* path of the .c; "-": header, then C, on standard output */
  CMemory *memory;         /* NULL: files; else what they would be, and paths are names */
  const char *weights_out; /* NULL: beside the .c; else WEIGHTS_FILE where the mode is not given */
  const Target *targets[MAX_TARGETS];
  int target_count; /* 0: all of target.c but experiments */
  bool mode_given;  /* false: inline up to INLINE_LIMIT, else a file */
  WeightsMode mode;
  bool hex, big_endian, strict_fp;
  void (*progress)(void *user, const char *step, int percent); /* percent -1: not known; NULL: nobody looks */
  void *progress_user;
} CompileOptions;

/* The targets that "a,b" names, in the order of the table. False + diag (as file `where`) on an unknown one or none. */
bool targets_from_list(Context *, const char *where, const char *list, CompileOptions *);
/* All but experiments, where there are none yet; then this one, where it is missing. NULL: none more. */
void targets_add(CompileOptions *, const Target *);
/* Can name stand in front of C names as it is? */
bool is_c_name(const char *name);

/* Can a .c of this path name the header beside it? C has no escapes there. */
bool is_header_path(const char *path);

/* Runs what is left of the passes and writes the files. False + diag; then no file was made or changed. */
bool compile_graph(Context *, Graph *, const CompileOptions *);
#endif
