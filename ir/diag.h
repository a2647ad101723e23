/* Errors. Two kinds and no third: diag() says that the user's model or data is wrong, die() that nextc is,
 * or die_memory() that the machine is too small. */
#ifndef NEXTC_DIAG_H
#define NEXTC_DIAG_H
#include "ir/arena.h"
#include <stdbool.h>

/* Where a diagnostic points: file alone, file + line and column (1-based), or file + node. Unused fields are 0. */
typedef struct {
  const char *file;
  int line, column;
  const char *node; /* ONNX node name or value name */
  const char *op;   /* operator, as the file spells it */
  int opset;        /* 0: not said */
} Where;

typedef enum { DIAG_ERROR, DIAG_WARNING, DIAG_NOTE } Severity;

typedef struct {
  Severity severity;
  const char *text; /* the whole line, without newline: "m.onnx: node 'a' (Add, opset 13): error: ..." */
} Diagnostic;

/* Who removes temporary files and folders if the process is ended from outside. Called by any thread. */
typedef struct Watcher {
  void (*hold)(struct Watcher *, bool on);                           /* see context_hold */
  void (*temporary)(struct Watcher *, const char *path, bool there); /* see context_temporary */
} Watcher;

/* A context: what one user of the library owns. Collects diagnostics in order; nothing is printed before someone asks.
 */
typedef struct {
  Arena *arena;
  Diagnostic *list;
  size_t count, capacity;
  int errors;        /* how many in list are DIAG_ERROR */
  const char **read; /* files that were read, as they were named */
  size_t read_count, read_capacity;
  Watcher *watcher; /* NULL: nobody */
} Context;

Context *context_new(void);
void context_free(Context *);

#if defined(__GNUC__)
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))
#else
#define PRINTF_LIKE(text, first)
#endif

/* The only maker of user errors. A line that repeats the one before says nothing new and is dropped. At most 200 errors
 * are kept; the last says how many were left out. Returns false, so that `return diag(...)` reads as "failed". Never
 * exits. */
bool diag(Context *, Severity, Where, const char *format, ...) PRINTF_LIKE(4, 5);

void context_add_read(Context *, const char *path);

/* Between true and false, which may nest, nothing ends the process from outside: for what is done whole or not at all.
 * Short, and without anything that can block. */
void context_hold(const Context *, bool on);
/* A file or folder that goes where the process is ended. Made and told in one hold; not there: removed or kept. */
void context_temporary(const Context *, const char *path, bool there);

/* Appends all of another context's diagnostics. */
void context_add(Context *, const Context *from);

#define error_in(ctx, file_, ...) diag(ctx, DIAG_ERROR, (Where){.file = (file_)}, __VA_ARGS__)
#define error_at(ctx, file_, line_, column_, ...)                                                                      \
  diag(ctx, DIAG_ERROR, (Where){.file = (file_), .line = (line_), .column = (column_)}, __VA_ARGS__)

/* The only way out for a bug in nextc: prints "nextc: bug: ..." on standard error and aborts. */
_Noreturn void die(const char *format, ...) PRINTF_LIKE(1, 2);
/* And where memory ends: prints "nextc: error: no memory for ... bytes" (0: how many is not known) and aborts. */
_Noreturn void die_memory(size_t bytes);

/* The entry of names[0..count-1] nearest to word (edit distance <= 1/3 of its length), or NULL. For "did you mean". */
const char *nearest_name(const char *word, const char *const *names, size_t count);
#endif
