/* What a model's header declares beside its own tensors; c_header.c prints these chunks one by one. C and C++. */
#ifndef NX_PUBLIC_H
#define NX_PUBLIC_H
#include <stddef.h>
#include <stdint.h>

/* nx_abi: the same in every model's header */
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

/* NX_OK: what the functions return */
enum {
  NX_OK = 0,
  NX_BAD_ARGUMENT = 1,
  NX_MISALIGNED = 2,
  NX_BAD_SYMBOL = 3,
  NX_BAD_THREADS = 4,
  NX_NOT_LOADED = 5,
  NX_NO_FILE = 6,
  NX_NOT_WEIGHTS = 7,
  NX_BAD_VERSION = 8,
  NX_BAD_BYTE_ORDER = 9,
  NX_BAD_SIZE = 10,
  NX_OTHER_MODEL = 11,
  NX_BAD_CHECKSUM = 12,
  NX_NO_PATH = 13
};

/* nx_model: immutable after loading; any number of threads may run it at once, each with its own workspace */
typedef struct nx_model {
  const void *weights; /* of the tensors, behind the file's header */
  void *mapping;       /* of nx_map_file; else NULL */
  size_t mapping_bytes;
} nx_model;

/* nx_load_declarations: weights of one file in memory, 8-byte aligned (64 is faster), which must outlive the model.
 * nx_load checks all of it, nx_load_trusted the header only. */
int nx_load(nx_model *model, const void *weights, size_t size);
int nx_load_trusted(nx_model *model, const void *weights, size_t size);

/* nx_map_declarations: maps a weights file and checks all of it (POSIX); nx_unmap ends it */
int nx_map_file(nx_model *model, const char *path);
void nx_unmap(nx_model *model);

/* nx_error_declarations: texts for a status, which is code + 256 * (node + 1); NULL: no node of the model */
const char *nx_error(int status);
const char *nx_error_node(int status);

/* nx_path_declaration: which of the paths in the .c this machine runs: "generic", "v3", ...; NULL: none of them */
const char *nx_path(void);

/* nx_pool: threads that wait for work, for nextc_call: .parallel_for = nx_pool_run, .parallel_user = the pool. Lives in
 * the caller's memory. nx_pool_start starts `threads` - 1 of them (the caller is one) and returns how many work in all,
 * fewer where the system has no more. A pool runs one call at a time. Compile with -D NX_THREADS,
 * link with -pthread. */
#if defined(NX_THREADS)
#include <pthread.h>
enum { NX_POOL_MAX = 256 };
typedef struct nx_pool {
  pthread_t thread[NX_POOL_MAX];
  pthread_mutex_t lock;
  pthread_cond_t wake, idle;
  struct {
    long thread;      /* the system's number */
    int asleep, away; /* away: 1 + the CPU where it is not to wake up */
  } place[NX_POOL_MAX];
  int known;    /* places in use */
  long process; /* whose threads they are: after a fork the child has none of them */
  nextc_slice *run;
  void *context;
  int started, slices;
  int next;      /* first slice that nobody took */
  int left;      /* slices not done */
  unsigned work; /* number of the last call that began */
  unsigned done; /* of the last that ended */
  int stop;
} nx_pool;
int nx_pool_start(nx_pool *pool, int threads);
void nx_pool_run(void *pool, int slices, nextc_slice *run, void *context);
void nx_pool_stop(nx_pool *pool);
#endif

/* End of the guard. */
#endif
