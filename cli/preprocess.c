/* Preprocessing; see preprocess.h. */
#include "cli/preprocess.h"
#include "ir/eval.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SIDE = 1 << 15 };

bool preprocess_for(Context *c, const char *name, const Type *t, int side, Preprocess *p) {
  static const double mean[] = {0.485, 0.456, 0.406}, std[] = {0.229, 0.224, 0.225}; /* ImageNet's */
  *p = (Preprocess){.dtype = (DType)t->dtype, .crop_ratio = 0.875};
  if (t->rank != 4) return error_in(c, name, "the input has rank %d, but an image needs 4", t->rank);
  if (p->dtype != DT_f32 && p->dtype != DT_u8 && !dtype_is_half(p->dtype))
    return error_in(c, name, "the input is %s, but an image needs f32, f16, bf16 or u8", dtype_name(p->dtype));
  p->channels_last = t->dim[1] != 1 && t->dim[1] != 3;
  const Dim channels = t->dim[p->channels_last ? 3 : 1], height = t->dim[p->channels_last ? 1 : 2],
            width = t->dim[p->channels_last ? 2 : 3];
  if (channels != 1 && channels != 3) return error_in(c, name, "the input has no axis of 1 or 3 channels");
  if ((!dim_is_number(height) || !dim_is_number(width)) && !side)
    return error_in(c, name, "the input's height or width is a symbol: give it a value with --dim or --crop");
  p->channels = (int)channels;
  if (height > MAX_SIDE || width > MAX_SIDE) return error_in(c, name, "the input is larger than %d pixels", MAX_SIDE);
  p->height = dim_is_number(height) ? (int)height : side;
  p->width = dim_is_number(width) ? (int)width : side;
  for (int i = 0; i < 4; i++) {
    p->mean[i] = p->channels == 3 && i < 3 ? mean[i] : 0;
    p->std[i] = p->channels == 3 && i < 3 ? std[i] : 1;
  }
  return true;
}

bool preprocess_as_noted(Context *c, const Notes *n, Preprocess *p) {
  static const char *const names[FILTER_COUNT] = {"bicubic", "bilinear", "lanczos", "nearest"};
  if (!n->preprocess) return true;
  if (n->mean.count != p->channels || p->channels > 3)
    return error_in(c, "--image", "the model's preprocessing is for %d channels, its input has %d", (int)n->mean.count,
                    p->channels);
  for (int i = 0; i < p->channels; i++) {
    p->mean[i] = n->mean.at[i];
    p->std[i] = n->std.at[i];
  }
  p->crop_ratio = n->crop;
  p->squash = n->squash;
  for (int f = 0; f < FILTER_COUNT; f++)
    if (!strcmp(names[f], n->interpolation)) p->filter = (Filter)f;
  return true;
}

/* The size that covers the crop: the shorter side (of a square crop) exactly, the other rounded down. Or both,
 * squashed. */
static void resized(const Preprocess *p, const Image *image, int *width, int *height) {
  const int short_crop = p->height < p->width ? p->height : p->width;
  const double goal = p->resize ? p->resize : floor(short_crop / p->crop_ratio);
  if (p->squash && !p->resize) {
    *width = (int)floor(p->width / p->crop_ratio);
    *height = (int)floor(p->height / p->crop_ratio);
    return;
  }
  const bool by_width = (int64_t)image->width * p->height <= (int64_t)image->height * p->width;
  if (by_width) {
    *width = (int)(goal * p->width / short_crop);
    *height = (int)((double)*width * image->height / image->width);
  } else {
    *height = (int)(goal * p->height / short_crop);
    *width = (int)((double)*height * image->width / image->height);
  }
}

/* Start of a centred window; halves to even, as Python's round. Negative: there is a border. */
static int centred(int whole, int window) { return (int)rint((whole - window) / 2.0); }

static void put_pixel(const Preprocess *p, uint8_t value, int channel, size_t at, void *out) {
  if (p->dtype == DT_u8) {
    ((uint8_t *)out)[at] = value;
    return;
  }
  const float x = (float)value / 255.0f, mean = (float)p->mean[channel], std = (float)p->std[channel];
  ((float *)out)[at] = (x - mean) / std;
}

static void crop(const Preprocess *p, const Image *image, void *out) {
  const int top = centred(image->height, p->height), left = centred(image->width, p->width);
  const size_t plane = (size_t)p->height * (size_t)p->width, channels = (size_t)p->channels;
  for (int y = 0; y < p->height; y++)
    for (int x = 0; x < p->width; x++)
      for (int ch = 0; ch < p->channels; ch++) {
        const int from_y = y + top, from_x = x + left;
        const bool inside = from_y >= 0 && from_y < image->height && from_x >= 0 && from_x < image->width;
        const size_t pixel = (size_t)y * (size_t)p->width + (size_t)x;
        const size_t from = ((size_t)from_y * (size_t)image->width + (size_t)from_x) * channels + (size_t)ch;
        const size_t at = p->channels_last ? pixel * channels + (size_t)ch : (size_t)ch * plane + pixel;
        put_pixel(p, inside ? image->pixels[from] : 0, ch, at, out);
      }
}

/* Halves are rounded from f32. */
static void crop_as_half(const Preprocess *p, const Image *image, void *out) {
  Preprocess wide = *p;
  const Dim count = (Dim)p->channels * p->height * p->width;
  const Type t = type_make(p->dtype, 1, &count);
  Tensor v = tensor_new(&t);
  float *pixels = malloc((size_t)count * sizeof *pixels);
  if (!pixels) die("out of memory");
  wide.dtype = DT_f32;
  crop(&wide, image, pixels);
  for (int64_t i = 0; i < count; i++) v.f[i] = (double)pixels[i];
  tensor_store(&v, out, false);
  free(pixels);
  tensor_free(&v);
}

bool preprocess_image(Context *c, const char *path, const Preprocess *p, void *out) {
  Image image, small;
  int width, height;
  if (!image_read(c, path, p->channels, &image)) return false;
  resized(p, &image, &width, &height);
  bool good = width >= 1 && height >= 1 && width <= MAX_SIDE * 8 && height <= MAX_SIDE * 8;
  if (!good) error_in(c, path, "an image of %d x %d pixels is too narrow", image.width, image.height);
  good = good && image_resize(c, &image, width, height, p->filter, &small);
  if (good) (dtype_is_half(p->dtype) ? crop_as_half : crop)(p, &small, out);
  if (good) image_free(&small);
  image_free(&image);
  return good;
}
