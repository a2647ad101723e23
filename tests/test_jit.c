/* Models in memory: results against the evaluator, symbolic and fixed batches, threads, arguments that are wrong, and
 * many threads on one program, through the public API alone. */
#include "nextc.h"
#include "tests/test.h"
#include "tests/tiny_onnx.h"
#include <pthread.h>

#define DIGITS SOURCE_DIR "/examples/digits/digits_convnext.onnx"
enum { PIXELS = 32 * 32, CLASSES = 10, THREADS = 8, IMAGES = 5 };

static void fill(float *x, int64_t count) {
  for (int64_t i = 0; i < count; i++) x[i] = (float)(i * 37 % 101) / 100.0f;
}

/* The program of a model file; NULL after a failed check. */
static nextc_program *program_of(const char *path, const nextc_jit_options *options) {
  nextc_context *c = nextc_context_new();
  nextc_model *m = nextc_load(c, path, NULL, 0);
  nextc_program *p = m ? nextc_jit(m, options) : NULL;
  CHECK(p != NULL);
  for (size_t i = 0; i < nextc_message_count(c); i++) printf("%s\n", nextc_message(c, i));
  nextc_model_free(m);
  nextc_context_free(c); /* the program outlives both */
  return p;
}

static int run(const nextc_program *p, int64_t images, const float *x, float *y, nextc_pool *pool) {
  const void *inputs[] = {x};
  void *outputs[] = {y};
  nextc_call call = {.inputs = inputs, .outputs = outputs, .symbols = &images};
  if (pool) call.threads = nextc_pool_threads(pool), call.parallel_for = nextc_pool_run, call.parallel_user = pool;
  return nextc_invoke(p, &call);
}

static void tells_about_itself(void) {
  TEST("tells_about_itself");
  nextc_program *p = program_of(DIGITS, NULL);
  size_t count;
  const nextc_tensor *in = nextc_program_inputs(p, &count);
  CHECK(count == 1 && in->dtype == 1 && in->rank == 4 && in->dim[1] == 1 && in->dim[2] == 32);
  const nextc_tensor *out = nextc_program_outputs(p, &count);
  CHECK(count == 1 && out->rank == 2 && out->dim[1] == CLASSES);
  CHECK(nextc_workspace_bytes(p, 4) >= nextc_workspace_bytes(p, 1));
  CHECK(strlen(nextc_program_target(p)) > 0);
  nextc_program_free(p);
}

/* The tiny model: y = Relu(x w + b) on [N, 4]; rows of w are 1. */
static void batches(void) {
  TEST("batches");
  write_tiny_model("n.onnx", "Relu", "N", 0);
  write_tiny_model("one.onnx", "Relu", NULL, 1);
  nextc_program *n = program_of("n.onnx", NULL), *one = program_of("one.onnx", NULL);
  size_t symbols, count;
  const char *const *names = nextc_program_symbols(n, &symbols);
  CHECK(symbols == 1);
  if (symbols == 1) CHECK_STR(names[0], "N");
  CHECK(nextc_program_inputs(n, &count)->dim[0] == -1);
  const int64_t width = nextc_program_outputs(n, &count)->dim[1], rows = nextc_program_outputs(one, &count)->dim[0];
  float x[IMAGES * 4], y[IMAGES * 16], single[64];
  fill(x, IMAGES * 4);
  CHECK(run(n, IMAGES, x, y, NULL) == NEXTC_OK);
  for (int64_t i = 0; i + rows <= IMAGES; i += rows) {
    CHECK(run(one, 1, x + 4 * i, single, NULL) == NEXTC_OK);
    CHECK(!memcmp(single, y + i * width, sizeof *y * (size_t)(rows * width)));
  }
  const void *inputs[] = {x};
  void *outputs[] = {y};
  const int64_t images = 3;
  int64_t dims[1][8];
  const nextc_call call = {.inputs = inputs, .outputs = outputs, .symbols = &images, .output_dims = dims};
  CHECK(nextc_invoke(n, &call) == NEXTC_OK);
  CHECK(dims[0][0] == 3 && dims[0][1] == width);
  nextc_program_free(n);
  nextc_program_free(one);
}

static void wrong_calls(void) {
  TEST("wrong_calls");
  nextc_program *p = program_of("n.onnx", NULL);
  float x[4] = {0}, y[16], room[64];
  const void *inputs[] = {x}, *null_in[] = {NULL};
  void *outputs[] = {y}, *null_out[] = {NULL};
  const int64_t one = 1, none = 0, huge = INT64_MAX;
  const struct {
    nextc_call call;
    int status;
  } cases[] = {
      {{.inputs = NULL, .outputs = outputs, .symbols = &one}, NEXTC_BAD_ARGUMENT},
      {{.inputs = inputs, .outputs = NULL, .symbols = &one}, NEXTC_BAD_ARGUMENT},
      {{.inputs = null_in, .outputs = outputs, .symbols = &one}, NEXTC_BAD_ARGUMENT},
      {{.inputs = inputs, .outputs = null_out, .symbols = &one}, NEXTC_BAD_ARGUMENT},
      {{.inputs = inputs, .outputs = outputs}, NEXTC_BAD_ARGUMENT},
      {{.inputs = inputs, .outputs = outputs, .symbols = &none}, NEXTC_BAD_SYMBOL},
      {{.inputs = inputs, .outputs = outputs, .symbols = &huge}, NEXTC_BAD_SYMBOL},
      {{.inputs = inputs, .outputs = outputs, .symbols = &one, .threads = -1}, NEXTC_BAD_THREADS},
      {{.inputs = inputs, .outputs = outputs, .symbols = &one, .threads = 2}, NEXTC_BAD_THREADS},
      {{.inputs = inputs, .outputs = outputs, .symbols = &one, .workspace = (char *)room + 1}, NEXTC_MISALIGNED},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) CHECK(nextc_invoke(p, &cases[i].call) == cases[i].status);
  CHECK(nextc_invoke(p, NULL) == NEXTC_BAD_ARGUMENT);
  CHECK(nextc_invoke(NULL, &cases[0].call) == NEXTC_BAD_ARGUMENT);
  CHECK_HAS(nextc_error(NEXTC_BAD_SYMBOL), "out of range");
  CHECK_HAS(nextc_error(NEXTC_NO_MEMORY), "no memory");
  CHECK_STR(nextc_error(33), "unknown status");
  nextc_program_free(p);
}

static void wrong_options(void) {
  TEST("wrong_options");
  nextc_context *c = nextc_context_new();
  nextc_model *m = nextc_load(c, DIGITS, NULL, 0);
  nextc_jit_options unknown = {.target = "v9"};
  CHECK(nextc_jit(m, &unknown) == NULL);
  CHECK_HAS(nextc_message(c, 0), "unknown target 'v9'");
  nextc_model_free(m);
  nextc_context_free(c);
}

static void threads_give_the_same_bits(void) {
  TEST("threads_give_the_same_bits");
  nextc_program *p = program_of(DIGITS, NULL);
  float x[PIXELS], want[CLASSES], got[CLASSES];
  fill(x, PIXELS);
  CHECK(run(p, 1, x, want, NULL) == NEXTC_OK);
  for (int threads = 2; threads <= 5; threads++) {
    nextc_pool *pool = nextc_pool_new(threads);
    CHECK(pool && run(p, 1, x, got, pool) == NEXTC_OK);
    CHECK(!memcmp(got, want, sizeof want));
    nextc_pool_free(pool);
  }
  nextc_pool_free(NULL);
  nextc_program_free(p);
}

static void generic_agrees(void) {
  TEST("generic_agrees");
  const nextc_jit_options generic = {.target = "generic", .no_cache = 1};
  nextc_program *a = program_of(DIGITS, NULL), *b = program_of(DIGITS, &generic);
  float x[PIXELS], y[CLASSES], z[CLASSES];
  fill(x, PIXELS);
  CHECK_STR(nextc_program_target(b), "generic");
  CHECK(run(a, 1, x, y, NULL) == NEXTC_OK && run(b, 1, x, z, NULL) == NEXTC_OK);
  for (int i = 0; i < CLASSES; i++) CHECK(y[i] - z[i] < 1e-3f && z[i] - y[i] < 1e-3f);
  nextc_program_free(a);
  nextc_program_free(b);
}

/* ---- many threads on one program ---- */

typedef struct {
  const nextc_program *program;
  int number, wrong;
} Caller;

static void *call_often(void *argument) {
  Caller *me = argument;
  float x[PIXELS], first[CLASSES], y[CLASSES];
  for (int i = 0; i < PIXELS; i++) x[i] = (float)((i + me->number) * 37 % 101) / 100.0f;
  me->wrong += run(me->program, 1, x, first, NULL) != NEXTC_OK;
  for (int n = 0; n < 20; n++) me->wrong += run(me->program, 1, x, y, NULL) || memcmp(y, first, sizeof y) != 0;
  return NULL;
}

static void many_threads(void) {
  TEST("many_threads");
  nextc_program *p = program_of(DIGITS, NULL);
  pthread_t thread[THREADS];
  Caller callers[THREADS];
  for (int i = 0; i < THREADS; i++) {
    callers[i] = (Caller){p, i, 0};
    CHECK(!pthread_create(&thread[i], NULL, call_often, &callers[i]));
  }
  for (int i = 0; i < THREADS; i++) {
    pthread_join(thread[i], NULL);
    CHECK(callers[i].wrong == 0);
  }
  nextc_program_free(p);
}

static void *make_one(void *wrong) {
  nextc_context *c = nextc_context_new();
  nextc_model *m = nextc_load(c, DIGITS, NULL, 0);
  nextc_program *p = m ? nextc_jit(m, NULL) : NULL;
  float x[PIXELS], y[CLASSES];
  fill(x, PIXELS);
  *(int *)wrong = !p || run(p, 1, x, y, NULL) != NEXTC_OK;
  nextc_program_free(p);
  nextc_model_free(m);
  nextc_context_free(c);
  return NULL;
}

static void compiling_at_once(void) {
  TEST("compiling_at_once");
  pthread_t thread[THREADS];
  int wrong[THREADS];
  for (int i = 0; i < THREADS; i++) CHECK(!pthread_create(&thread[i], NULL, make_one, &wrong[i]));
  for (int i = 0; i < THREADS; i++) {
    pthread_join(thread[i], NULL);
    CHECK(wrong[i] == 0);
  }
}

int main(void) {
  if (!nextc_has_jit()) return SKIP("built without LLVM");
  open_folder();
  setenv("XDG_CACHE_HOME", test_folder, 1);
  compiling_at_once();
  tells_about_itself();
  batches();
  wrong_calls();
  wrong_options();
  threads_give_the_same_bits();
  generic_agrees();
  many_threads();
  close_folder();
  return test_result();
}
