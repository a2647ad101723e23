/* The C backend: loop programs become one .c and one .h, and weights in the .c, a .weights file, or that and a .S. */
#ifndef NEXTC_C_BACKEND_H
#define NEXTC_C_BACKEND_H
#include "backend/storage.h"
#include "backend/target.h"
#include "ir/eval.h"
#include "ir/ir.h"
#include "ir/loop.h"

/* A constant's value, allocated by the call (tensor_free frees); false after a diag. */
typedef bool WeightValue(void *user, const Graph *, ValueId, Tensor *out);

/* One model, lowered for each target. The programs have the same steps in the same order, and a step's places are the
 * same but for scratch. The graph gives inputs, outputs, symbols and batch: it describes one image, and where
 * batch_symbol >= 0 or batch > 1 the emitted code runs once per image and advances every input and output whose dim 0
 * is 1. */
typedef struct {
  const Graph *graph;
  LoopProgram *const *programs;
  const Target *const *targets; /* one a program; the last whose c_detect holds is used */
  int target_count;
  const WeightSlot *weights; /* from collect_weights */
  size_t weight_count;
  int64_t weight_bytes;      /* a multiple of 64 */
  WeightValue *weight_value; /* NULL: eval_const */
  void *user;
} CProgram;

typedef enum { WEIGHTS_INLINE, WEIGHTS_FILE, WEIGHTS_OBJECT } WeightsMode;

/* Files that are kept in memory: malloc'ed, 0-terminated, the caller's to free, also after a failure. */
typedef struct {
  char *c, *h, *weights, *assembly; /* NULL: not written */
  size_t c_bytes, h_bytes, weight_bytes, assembly_bytes;
} CMemory;

typedef struct {
  const char *prefix;       /* of every name in the files, a C identifier; NULL: the graph's name */
  const char *c_path;       /* NULL: standard output, .h in front of the .c */
  const char *h_path;       /* NULL with standard output only */
  const char *weights_path; /* WEIGHTS_FILE and WEIGHTS_OBJECT */
  const char *asm_path;     /* WEIGHTS_OBJECT: the .S that includes weights_path */
  WeightsMode weights;
  CMemory *memory;                                           /* NULL: files; else the paths are names only */
  bool hex_floats;                                           /* inline weights as 0x1.8p+1f */
  bool big_endian;                                           /* of the weights file */
  void (*progress)(void *user, int64_t done, int64_t total); /* bytes of weights written; NULL: nobody looks */
  void *progress_user;
} COptions;

/* Writes all files or none: each under a temporary name in its folder, renamed when all are complete. A path that is no
 * regular file (/dev/null) is written directly. False after a diag. The same input gives the same bytes. */
bool emit_c_files(Context *, const CProgram *, const COptions *);

/* A prefix for C names made of a file's or model's name. A name that comes back as it is may be used as it is. */
char *c_identifier(Arena *, const char *name);

/* A kernel's function as it stands in the emitted file, for people to read; index: its number in the program. */
typedef struct {
  const char *name, *text;
} CFunction;
CFunction c_kernel_function(Arena *, const Kernel *, int index, const Target *, const char *prefix);
#endif
