/* Handwritten digits: classifies 360 images with two ConvNeXts that nextc compiled, and shows a few. Plain C99; needs
 * digits_convnext.c, digits_convnextv2.c and their headers (README.md tells how to make them).
 *   digits test_images.npy test_labels.npy */
#include "digits_convnext.h"
#include "digits_convnextv2.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLASSES = 10, SIDE = 32, PIXELS = SIDE * SIDE, SHOWN = 3, ALIGN = 64 };

/* ---- .npy: magic, version, header length, a Python dictionary, the elements ---- */

/* The elements of an array file of `element`-byte numbers whose descr is `type`; *count gets how many. */
static void *read_npy(const char *path, const char *type, size_t element, size_t *count) {
  unsigned char start[10];
  char header[256];
  size_t length;
  long size;
  void *data;
  FILE *f = fopen(path, "rb");
  if (!f || fread(start, 1, 10, f) != 10 || memcmp(start, "\x93NUMPY\x01", 7)) goto bad;
  length = (size_t)start[8] + 256 * (size_t)start[9];
  if (length >= sizeof header || fread(header, 1, length, f) != length) goto bad;
  header[length] = 0;
  if (!strstr(header, type) || !strstr(header, "'fortran_order': False")) goto bad;
  if (fseek(f, 0, SEEK_END) || (size = ftell(f)) < 0 || fseek(f, (long)(10 + length), SEEK_SET)) goto bad;
  *count = ((size_t)size - 10 - length) / element;
  data = malloc(*count * element + 1);
  if (!data || fread(data, element, *count, f) != *count) goto bad;
  fclose(f);
  return data;
bad:
  fprintf(stderr, "digits: cannot read %s as an array of %s\n", path, type);
  exit(1);
}

/* ---- the models ---- */

/* image: [1, 1, 32, 32]; logits: [1, 10]. The weights are part of the code, so the model argument is NULL. */
static int run_v1(const float *image, float *logits, void *workspace) {
  return digits_convnext_run(NULL, image, logits, workspace);
}

static int run_v2(const float *image, float *logits, void *workspace) {
  return digits_convnextv2_run(NULL, image, logits, workspace);
}

static const struct {
  const char *name;
  int (*run)(const float *image, float *logits, void *workspace);
  size_t (*workspace_bytes)(int threads);
} models[] = {
    {"ConvNeXt", run_v1, digits_convnext_workspace_bytes},
    {"ConvNeXt V2", run_v2, digits_convnextv2_workspace_bytes},
};
enum { MODELS = sizeof models / sizeof *models };

static int largest(const float *logits) {
  int i, best = 0;
  for (i = 1; i < CLASSES; i++)
    if (logits[i] > logits[best]) best = i;
  return best;
}

/* Classifies `count` images; *right gets how many answers are the label. Returns the model's status: 0 is done. */
static int classify(int model, const float *images, const int64_t *labels, size_t count, int *answers, int *right) {
  unsigned char *memory = malloc(models[model].workspace_bytes(1) + ALIGN);
  unsigned char *workspace = memory + (ALIGN - (size_t)memory % ALIGN) % ALIGN;
  float logits[CLASSES];
  size_t i;
  int status = memory ? 0 : 1;
  *right = 0;
  for (i = 0; i < count && !status; i++) {
    status = models[model].run(images + i * PIXELS, logits, workspace);
    answers[i] = largest(logits);
    *right += answers[i] == labels[i];
  }
  free(memory);
  return status;
}

/* ---- pictures ---- */

/* 16 lines of 32 characters, two rows of pixels a line. */
static void draw(const float *image) {
  static const char shades[] = " .:-=+*#%@";
  float low = image[0], high = image[0];
  int i, y, x;
  for (i = 1; i < PIXELS; i++) {
    if (image[i] < low) low = image[i];
    if (image[i] > high) high = image[i];
  }
  for (y = 0; y < SIDE; y += 2) {
    for (x = 0; x < SIDE; x++) {
      float shade = (image[y * SIDE + x] + image[(y + 1) * SIDE + x]) / 2 - low;
      putchar(shades[high > low ? (int)(9 * shade / (high - low) + 0.5f) : 0]);
    }
    putchar('\n');
  }
}

static void show(size_t i, const float *image, int64_t label, int *const *answers) {
  int m;
  printf("\nimage %lu: the label is %d", (unsigned long)i, (int)label);
  for (m = 0; m < MODELS; m++) printf(", %s says %d", models[m].name, answers[m][i]);
  putchar('\n');
  draw(image);
}

/* The first images, then on to the first that a model gets wrong. */
static void show_some(const float *images, const int64_t *labels, size_t count, int *const *answers) {
  int mistakes = 0;
  size_t i;
  for (i = 0; i < count && (i < SHOWN || !mistakes); i++) {
    int m, wrong = 0;
    for (m = 0; m < MODELS; m++) wrong |= answers[m][i] != labels[i];
    if (i < SHOWN || wrong) show(i, images + i * PIXELS, labels[i], answers);
    mistakes += wrong;
  }
}

int main(int argc, char **argv) {
  size_t pixels, count;
  float *images;
  int64_t *labels;
  int *answers[MODELS], right[MODELS], m;
  if (argc != 3) {
    fprintf(stderr, "usage: digits test_images.npy test_labels.npy\n");
    return 2;
  }
  images = read_npy(argv[1], "<f4", sizeof *images, &pixels);
  labels = read_npy(argv[2], "<i8", sizeof *labels, &count);
  if (pixels != count * PIXELS) {
    fprintf(stderr, "digits: %lu labels, but %lu pixels\n", (unsigned long)count, (unsigned long)pixels);
    return 1;
  }
  for (m = 0; m < MODELS; m++) {
    int status;
    answers[m] = malloc(count * sizeof **answers + 1);
    status = answers[m] ? classify(m, images, labels, count, answers[m], &right[m]) : 1;
    if (status) {
      fprintf(stderr, "digits: %s failed with status %d\n", models[m].name, status);
      return 1;
    }
  }
  show_some(images, labels, count, answers);
  putchar('\n');
  for (m = 0; m < MODELS; m++) {
    printf("%s: %d of %lu right\n", models[m].name, right[m], (unsigned long)count);
    free(answers[m]);
  }
  free(images);
  free(labels);
  return 0;
}
