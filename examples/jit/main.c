/* A model in memory, by nothing but nextc.h: reads an ONNX file, tells what it is, runs it on two threads at once, and
 * writes the same model as C.
 *
 *   cc main.c -lnextc -o jit && ./jit digits_convnext.onnx test_images.npy */
#include "nextc.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORKERS = 2, PIXELS = 32 * 32, CLASSES = 10 };

typedef struct {
  const nextc_program *program; /* one for all threads */
  const float *images;          /* [count][1][32][32] */
  int *digits;                  /* [count] */
  int first, last, status;
} Worker;

static int best_of(const float *scores) {
  int best = 0;
  for (int i = 1; i < CLASSES; i++)
    if (scores[i] > scores[best]) best = i;
  return best;
}

/* Reads images first .. last - 1, one at a time. */
static void *work(void *argument) {
  Worker *w = (Worker *)argument;
  for (int i = w->first; i < w->last && w->status == NEXTC_OK; i++) {
    float scores[CLASSES];
    const void *inputs[] = {w->images + (size_t)i * PIXELS};
    void *outputs[] = {scores};
    const int64_t batch = 1;
    nextc_call call;
    memset(&call, 0, sizeof call);
    call.inputs = inputs;
    call.outputs = outputs;
    call.symbols = &batch; /* for models whose batch is a symbol; others don't look */
    w->status = nextc_invoke(w->program, &call);
    w->digits[i] = best_of(scores);
  }
  return NULL;
}

static void print_messages(const nextc_context *c) {
  for (size_t i = 0; i < nextc_message_count(c); i++) fprintf(stderr, "%s\n", nextc_message(c, i));
}

static void print_tensor(const char *word, const nextc_tensor *t, const char *const *symbols) {
  printf("%s %s [", word, t->name);
  for (int i = 0; i < t->rank; i++) {
    if (t->dim[i] < 0)
      printf("%s%s", i ? ", " : "", symbols[-t->dim[i] - 1]);
    else
      printf("%s%lld", i ? ", " : "", (long long)t->dim[i]);
  }
  puts("]");
}

/* The pixels of a .npy file of f32 [count][1][32][32]; NULL: none. */
static float *read_images(const char *path, int *count) {
  FILE *f = fopen(path, "rb");
  unsigned char head[10];
  if (!f || fread(head, 1, sizeof head, f) != sizeof head || memcmp(head, "\x93NUMPY", 6)) return NULL;
  char header[1024] = "";
  const size_t length = (size_t)head[8] | (size_t)head[9] << 8;
  if (length >= sizeof header || fread(header, 1, length, f) != length) return NULL;
  const char *shape = strstr(header, "'shape': (");
  if (!shape || sscanf(shape + 10, "%d", count) != 1) return NULL;
  const size_t pixels = (size_t)*count * PIXELS;
  float *images = strstr(header, "'<f4'") ? malloc(pixels * sizeof *images) : NULL;
  const size_t got = images ? fread(images, sizeof *images, pixels, f) : 0;
  fclose(f);
  return got == pixels ? images : NULL;
}

static int run(const nextc_program *program, const float *images, int count) {
  pthread_t threads[WORKERS];
  Worker workers[WORKERS];
  int histogram[CLASSES] = {0}, status = NEXTC_OK, *digits = calloc((size_t)count, sizeof *digits);
  if (!digits) return NEXTC_NO_MEMORY;
  for (int i = 0; i < WORKERS; i++) {
    workers[i] = (Worker){program, images, digits, count * i / WORKERS, count * (i + 1) / WORKERS, NEXTC_OK};
    pthread_create(&threads[i], NULL, work, &workers[i]);
  }
  for (int i = 0; i < WORKERS; i++) {
    pthread_join(threads[i], NULL);
    if (workers[i].status) status = workers[i].status;
  }
  for (int i = 0; i < count; i++) histogram[digits[i]]++;
  printf("%d images:", count);
  for (int i = 0; i < CLASSES; i++) printf(" %d x '%d'", histogram[i], i);
  puts("");
  free(digits);
  return status;
}

static int use(nextc_context *c, const char *path, const float *images, int count) {
  nextc_model *model = nextc_load(c, path, NULL, 0);
  nextc_sources sources;
  size_t n, symbols;
  if (!model) return 1;
  const char *const *names = nextc_model_symbols(model, &symbols);
  const nextc_tensor *inputs = nextc_model_inputs(model, &n);
  for (size_t i = 0; i < n; i++) print_tensor("input ", &inputs[i], names);
  nextc_program *program = nextc_jit(model, NULL);
  if (program) printf("compiled for %s\n", nextc_program_target(program));
  int status = program ? run(program, images, count) : 1;
  if (program && status) fprintf(stderr, "%s\n", nextc_error(status));
  if (!status && nextc_emit_c(model, NULL, &sources)) {
    printf("as C: %zu bytes, header %zu bytes\n", sources.c_bytes, sources.h_bytes);
    nextc_sources_free(&sources);
  }
  nextc_program_free(program);
  nextc_model_free(model);
  return status || nextc_error_count(c);
}

int main(int argc, char **argv) {
  int count = 0;
  float *images = argc == 3 ? read_images(argv[2], &count) : NULL;
  if (!images) {
    fprintf(stderr, "usage: %s MODEL.onnx IMAGES.npy\n", argv[0]);
    return 2;
  }
  nextc_context *c = nextc_context_new();
  const int status = use(c, argv[1], images, count);
  print_messages(c);
  nextc_context_free(c);
  free(images);
  return status != 0;
}
