/* nextc as a library: reads models, compiles them to C, tells about them. C99 and C++.
 *
 * Everything hangs off a context; contexts share nothing, so each thread may have its own. Functions that can fail
 * return 0 (or NULL) after adding at least one message to the context. Nothing is printed and nothing exits; a bug of
 * nextc itself ends in abort(). */
#ifndef NEXTC_H
#define NEXTC_H
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nextc_context nextc_context;
typedef struct nextc_model nextc_model;

const char *nextc_version(void); /* "0.1.0" */

nextc_context *nextc_context_new(void);   /* never NULL */
void nextc_context_free(nextc_context *); /* NULL is allowed; free its models first */

/* Messages so far, in order: "m.onnx: node 'a' (Add, opset 13): error: ...". They live as long as the context. */
size_t nextc_message_count(const nextc_context *);
const char *nextc_message(const nextc_context *, size_t index);
/* How many of them are errors (the others warn or explain). */
int nextc_error_count(const nextc_context *);

/* A value for a symbolic dimension of a model's inputs. */
typedef struct {
  const char *name;
  int64_t value; /* >= 1 */
} nextc_dim;

/* Reads a .onnx or .nir file. */
nextc_model *nextc_load(nextc_context *, const char *path, const nextc_dim *dims, size_t dim_count);
void nextc_model_free(nextc_model *); /* NULL is allowed */

/* Runs the passes up to and with the one named (NULL: all). What ran already is not run again. */
int nextc_optimize(nextc_model *, const char *stop_after, int strict_fp);

/* The model as .nir text, valid as long as the model; paths of weights are written relative to folder. */
const char *nextc_text(nextc_model *, const char *folder);

typedef struct {
  int64_t macs;            /* multiply-accumulates; of one image where the model takes a batch of them */
  int64_t params;          /* elements of the float tensors that are used */
  int64_t weight_bytes;    /* of the weights as compiled */
  int64_t workspace_bytes; /* for one thread */
} nextc_info;
/* Optimizes the model if that wasn't done. */
int nextc_inspect(nextc_model *, nextc_info *);

enum { NEXTC_WEIGHTS_AUTO, NEXTC_WEIGHTS_INLINE, NEXTC_WEIGHTS_FILE, NEXTC_WEIGHTS_OBJECT };

/* All zeros: the defaults. */
typedef struct {
  const char *name;        /* prefix of every name in the output; NULL: from the model's file name */
  const char *targets;     /* "generic,v3"; NULL: all */
  const char *weights_out; /* NULL: beside the .c */
  int weights;             /* NEXTC_WEIGHTS_...; AUTO: inline up to 1 MiB, else file */
  int hex;                 /* 1: inline weights as hexadecimal floats */
  int big_endian;          /* 1: a weights file for big-endian machines */
  int strict_fp;           /* 1: no rewrite that changes rounding */
} nextc_compile_options;

/* Writes out (a .c path) and the .h beside it, and the weights. Files appear whole or not at all. options: NULL: the
 * defaults. */
int nextc_compile(nextc_model *, const char *out, const nextc_compile_options *options);

#ifdef __cplusplus
}
#endif
#endif
