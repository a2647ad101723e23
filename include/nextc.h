/* nextc as a library: reads models, tells about them, runs them in memory, compiles them to C. C99 and C++.
 *
 *   nextc_context *c = nextc_context_new();
 *   nextc_model *m = nextc_load(c, "model.onnx", NULL, 0);
 *   nextc_program *p = m ? nextc_jit(m, NULL) : NULL;
 *   nextc_call call = {.inputs = inputs, .outputs = outputs};
 *   int status = p ? nextc_invoke(p, &call) : NEXTC_BAD_ARGUMENT;
 *
 * A context belongs to one thread at a time, and so do its models; contexts share nothing. A program is immutable:
 * any number of threads may run it at once, and it outlives model and context. Functions that can fail return 0 or NULL
 * after adding at least one message to the context, calls of programs return a status. Nothing is printed and nothing
 * exits; a bug of nextc itself, or an end of memory in the middle of its own tables, ends in abort(). Sizes are in
 * bytes and shapes in elements, row-major; strings are UTF-8, and live as long as what they came from. */
#ifndef NEXTC_H
#define NEXTC_H
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- how compiled models are called: the same text as in every emitted model's header ---- */
#ifndef NEXTC_ABI_1
#define NEXTC_ABI_1
typedef struct {
  const char *name;
  int32_t dtype, rank; /* dtype: ONNX's numbers, 1 is float */
  int64_t dim[8];      /* -k-1: the value of symbol k */
  size_t bytes;        /* where symbols are 1 */
} nextc_tensor;
typedef void nextc_slice(void *context, int slice);
/* Calls run(context, 0..slices-1) in any order, at once if it can; returns when all are done. */
typedef void nextc_parallel_for(void *user, int slices, nextc_slice *run, void *context);
typedef struct {
  const void *const *inputs; /* one pointer a tensor, in the model's order */
  void *const *outputs;
  const int64_t *symbols;    /* values of the model's symbols; NULL if it has none */
  int64_t (*output_dims)[8]; /* gets the outputs' dims; NULL: not wanted */
  void *workspace;           /* 64-byte aligned */
  int threads;               /* 0 or 1, and NULL, NULL below: the calling thread alone */
  nextc_parallel_for *parallel_for;
  void *parallel_user;
} nextc_call;
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

/* Reads a .onnx, .nir or .yaml file, a checkpoint folder, or "zoo:NAME". dims: for symbols that get a number now;
 * dim_count of them. The file must stay as it is until the model is freed: weights are read from it when they are
 * needed. */
nextc_model *nextc_load(nextc_context *, const char *path, const nextc_dim *dims, size_t dim_count);
/* The same for a description, with its weights: a .safetensors, .npz or .onnx file, or "random:SEED"; NULL: none. */
nextc_model *nextc_load_from(nextc_context *, const char *path, const nextc_dim *dims, size_t dim_count,
                             const char *weights);
void nextc_model_free(nextc_model *); /* NULL is allowed */

/* Inputs, outputs and symbols as the model declares them, in its order; *count of them. A dim that is a multiple of a
 * symbol, or unknown, is INT64_MIN. */
const nextc_tensor *nextc_model_inputs(const nextc_model *, size_t *count);
const nextc_tensor *nextc_model_outputs(const nextc_model *, size_t *count);
const char *const *nextc_model_symbols(const nextc_model *, size_t *count);

/* Names of the passes in order, and of the targets; NULL behind the last one. */
const char *nextc_pass_name(size_t index);
const char *nextc_target_name(size_t index);

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

/* The same into memory. c, h: text; weights: the file's bytes, NULL where they are inline. What there is is the
 * caller's until nextc_sources_free. NEXTC_WEIGHTS_OBJECT is an error. */
typedef struct {
  char *c, *h;
  unsigned char *weights;
  size_t c_bytes, h_bytes, weight_bytes;
} nextc_sources;
int nextc_emit_c(nextc_model *, const nextc_compile_options *options, nextc_sources *out);
void nextc_sources_free(nextc_sources *); /* sets all of it to 0 */

/* ---- running in memory ---- */

/* Was this nextc built with LLVM? Without it nextc_jit fails. */
int nextc_has_jit(void);

/* All zeros: the defaults. */
typedef struct {
  const char *target; /* a row of nextc_target_name that this CPU runs; NULL: the best one */
  int no_cache;       /* 1: no look into $XDG_CACHE_HOME/nextc, and nothing left there */
  int strict_fp;      /* 1: no rewrite that changes rounding */
} nextc_jit_options;

/* Compiles the model for this CPU, weights and all. The model may be freed afterwards. options: NULL: the defaults. */
typedef struct nextc_program nextc_program;
nextc_program *nextc_jit(nextc_model *, const nextc_jit_options *options);
void nextc_program_free(nextc_program *); /* NULL is allowed; nobody may be running it */

/* As compiled, in the model's order. There is at most one symbol, the number of images: dim 0 of what counts them. */
const nextc_tensor *nextc_program_inputs(const nextc_program *, size_t *count);
const nextc_tensor *nextc_program_outputs(const nextc_program *, size_t *count);
const char *const *nextc_program_symbols(const nextc_program *, size_t *count);
const char *nextc_program_target(const nextc_program *);
size_t nextc_workspace_bytes(const nextc_program *, int threads);

/* What a call returns; the numbers are those of emitted models. */
enum {
  NEXTC_OK = 0,
  NEXTC_BAD_ARGUMENT = 1,
  NEXTC_MISALIGNED = 2,
  NEXTC_BAD_SYMBOL = 3,
  NEXTC_BAD_THREADS = 4,
  NEXTC_NO_MEMORY = 64
};
const char *nextc_error(int status); /* what went wrong, in words; never NULL */

/* Runs the program. Inputs and outputs are the caller's memory, aligned as their elements; they don't overlap.
 * workspace may be NULL: then one of the program's own is used, kept for the next call. Results have the same bits for
 * every number of threads. */
int nextc_invoke(const nextc_program *, const nextc_call *);

/* Threads for nextc_call: .parallel_for = nextc_pool_run, .parallel_user = the pool, .threads = nextc_pool_threads. A
 * pool serves one call at a time. NULL: no memory. The calling thread counts; the system may give fewer. */
typedef struct nextc_pool nextc_pool;
nextc_pool *nextc_pool_new(int threads);
int nextc_pool_threads(const nextc_pool *);
void nextc_pool_run(void *pool, int slices, nextc_slice *run, void *context);
void nextc_pool_free(nextc_pool *); /* NULL is allowed */

#ifdef __cplusplus
}
#endif
#endif
