/* Resizing; see image.h. As Pillow 13 does it for 8-bit channels: each axis by itself, with a filter
 * widened by the scale, weights as integers of 22 fraction bits, and a rounding to 8 bits after each axis. */
#include "cli/image.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WEIGHT_BITS = 22 };
static const double pi = 3.14159265358979323846;

void image_free(Image *image) {
  free(image->pixels);
  image->pixels = NULL;
}

/* Keys's cubic with a = -1/2. */
static double bicubic(double x) {
  x = fabs(x);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
}

static double bilinear(double x) { return fabs(x) < 1 ? 1 - fabs(x) : 0; }

static double sinc(double x) { return x == 0 ? 1 : sin(x * pi) / (x * pi); }
static double lanczos(double x) { return -3 <= x && x < 3 ? sinc(x) * sinc(x / 3) : 0; }

/* nearest: a support of 0, and no weights. */
static const struct {
  double (*weight)(double);
  double support;
} filters[FILTER_COUNT] = {[FILTER_BICUBIC] = {bicubic, 2},
                           [FILTER_BILINEAR] = {bilinear, 1},
                           [FILTER_LANCZOS] = {lanczos, 3},
                           [FILTER_NEAREST] = {NULL, 0}};

/* Result element i is the sum of `count[i]` elements from first[i] times weight[i * room + ...]. */
typedef struct {
  int room, *first, *count;
  int32_t *weight;
} Taps;

static void taps_free(Taps *t) {
  free(t->first);
  free(t->count);
  free(t->weight);
}

/* Position by position, as PIL: the sum's rounding decides where a centre lies between two elements. */
static void take_nearest(Taps *t, int from, int to) {
  const double scale = (double)from / to;
  double center = 0.5 * scale;
  for (int i = 0; i < to; i++, center += scale) {
    t->first[i] = center < from ? (int)center : from - 1;
    t->count[i] = 1;
    t->weight[(size_t)i * (size_t)t->room] = 1 << WEIGHT_BITS;
  }
}

static bool taps_new(Taps *t, int from, int to, Filter filter) {
  const double scale = (double)from / to, wide = scale < 1 ? 1 : scale, support = filters[filter].support * wide;
  *t = (Taps){.room = 2 * (int)ceil(support) + 1};
  double *exact = malloc(sizeof *exact * (size_t)t->room);
  t->first = malloc(sizeof *t->first * (size_t)to);
  t->count = malloc(sizeof *t->count * (size_t)to);
  t->weight = calloc((size_t)to * (size_t)t->room, sizeof *t->weight);
  const bool good = exact && t->first && t->count && t->weight;
  if (good && !filters[filter].weight) take_nearest(t, from, to);
  for (int i = 0; good && filters[filter].weight && i < to; i++) {
    const double center = (i + 0.5) * scale;
    int low = (int)(center - support + 0.5), high = (int)(center + support + 0.5);
    if (low < 0) low = 0;
    if (high > from) high = from;
    double sum = 0;
    for (int x = 0; x < high - low; x++)
      sum += exact[x] = filters[filter].weight((x + low - center + 0.5) * (1 / wide));
    for (int x = 0; x < high - low; x++) {
      const double w = (sum != 0 ? exact[x] / sum : exact[x]) * (1 << WEIGHT_BITS);
      t->weight[(size_t)i * (size_t)t->room + (size_t)x] = (int32_t)(w < 0 ? w - 0.5 : w + 0.5);
    }
    t->first[i] = low;
    t->count[i] = high - low;
  }
  free(exact);
  return good;
}

static uint8_t clip(int64_t sum) {
  const int64_t x = sum >> WEIGHT_BITS;
  return (uint8_t)(x < 0 ? 0 : x > 255 ? 255 : x);
}

/* Along one axis: `lines` independent lines, whose elements lie `step` bytes apart; channels side by side. */
static void resample(const Taps *t, const uint8_t *in, uint8_t *out, int to, int lines, size_t in_line, size_t out_line,
                     size_t step, int channels) {
  for (int line = 0; line < lines; line++)
    for (int i = 0; i < to; i++) {
      const int32_t *weight = t->weight + (size_t)i * (size_t)t->room;
      const uint8_t *first = in + (size_t)line * in_line + (size_t)t->first[i] * step;
      for (int c = 0; c < channels; c++) {
        int64_t sum = 1 << (WEIGHT_BITS - 1);
        for (int x = 0; x < t->count[i]; x++) sum += (int64_t)first[(size_t)x * step + (size_t)c] * weight[x];
        out[(size_t)line * out_line + (size_t)i * step + (size_t)c] = clip(sum);
      }
    }
}

static bool image_new(Image *out, int width, int height, int channels) {
  *out = (Image){width, height, channels, malloc((size_t)width * (size_t)height * (size_t)channels)};
  return out->pixels != NULL;
}

static bool resize_width(const Image *in, int width, Filter filter, Image *out) {
  Taps t;
  const size_t c = (size_t)in->channels;
  const bool good = taps_new(&t, in->width, width, filter) && image_new(out, width, in->height, in->channels);
  if (good)
    resample(&t, in->pixels, out->pixels, width, in->height, (size_t)in->width * c, (size_t)width * c, c, in->channels);
  taps_free(&t);
  return good;
}

/* A line is a column of one byte. */
static bool resize_height(const Image *in, int height, Filter filter, Image *out) {
  Taps t;
  const size_t row = (size_t)in->width * (size_t)in->channels;
  const bool good = taps_new(&t, in->height, height, filter) && image_new(out, in->width, height, in->channels);
  if (good) resample(&t, in->pixels, out->pixels, height, (int)row, 1, 1, row, 1);
  taps_free(&t);
  return good;
}

static bool copy(const Image *in, Image *out) {
  if (!image_new(out, in->width, in->height, in->channels)) return false;
  memcpy(out->pixels, in->pixels, (size_t)in->width * (size_t)in->height * (size_t)in->channels);
  return true;
}

/* Which axis is first decides roundings, and what is clipped in between. */
static bool height_first(const Image *in, int width, int height) {
  return height < in->height && in->height - height > 2 * ((int64_t)in->width - width);
}

bool image_resize(Context *c, const Image *in, int width, int height, Filter filter, Image *out) {
  Image half = {.pixels = NULL};
  *out = (Image){.pixels = NULL};
  bool good;
  if (width == in->width)
    good = height != in->height ? resize_height(in, height, filter, out) : copy(in, out);
  else if (height == in->height)
    good = resize_width(in, width, filter, out);
  else if (height_first(in, width, height))
    good = resize_height(in, height, filter, &half) && resize_width(&half, width, filter, out);
  else
    good = resize_width(in, width, filter, &half) && resize_height(&half, height, filter, out);
  image_free(&half);
  return good || error_in(c, NULL, "no memory to resize an image to %d x %d", width, height);
}
