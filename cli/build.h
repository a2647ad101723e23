/* Compiled models as programs: the emitted C, built with a C compiler and run on a case's inputs. */
#ifndef NEXTC_BUILD_H
#define NEXTC_BUILD_H
#include "backend/compile.h"
#include "cli/case.h"
#include "cli/compare.h"

typedef struct {
  Context *context;
  const char *cc;       /* compiler with flags: "gcc -O0 -fsanitize=address" */
  const char *runner;   /* command with words in front of the built program: "qemu-aarch64"; NULL: none */
  const char *folder;   /* where everything is */
  const char *object;   /* the .S; NULL: none */
  bool weights_in_file; /* that the program loads */
  const char *driver;   /* text of the program around the model; NULL: cli/driver/run_model.c */
  size_t driver_bytes;
  const char *const *words; /* more for the compiler: flags, files; word_count of them */
  size_t word_count;
} Build;

/* Compiles the graph to folder/m.c under the name m. False + diag. */
bool build_emit(Build *, Graph *, CompileOptions);
/* Path of a file in the folder. */
const char *build_path(const Build *, const char *name);
/* The first lines of what the last program said, in folder/log. */
const char *build_log(const Build *);
/* Builds folder/run for one emitted path (NULL: chosen at run time). False: difference_fail with the compiler's words.
 */
bool build_program(Build *, const char *path, Difference *);
/* Runs folder/run on a set; declared: the model as imported, for the types. outputs are the caller's to free. */
bool build_run(Build *, const Graph *declared, const DataSet *, Tensor *outputs, size_t output_count, Difference *);
#endif
