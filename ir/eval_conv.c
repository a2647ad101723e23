/* Convolutions, computed channels-last: other layouts are transposed before and after. */
#include "ir/eval_util.h"
#include "ir/window.h"
#include <stdlib.h>
#include <string.h>

enum { STRIP = 32 }; /* output pixels whose windows are laid out side by side */

/* x [images, in..., channels] and out [images, out..., out_channels] */
typedef struct {
  int axes;
  int64_t images, channels, out_channels, pixels; /* pixels: of one output image */
  Window window[MAX_RANK];
  Type in, out, taps; /* spatial dims only */
} Shape;

static Shape shape_of(const Attrs *attrs, int axes, const Type *x, const Type *out, bool last) {
  int first = last ? 1 : 2, channel_axis = last ? axes + 1 : 1;
  Shape s = {
      .axes = axes, .images = x->dim[0], .channels = x->dim[channel_axis], .out_channels = out->dim[channel_axis]};
  s.in.rank = s.out.rank = s.taps.rank = (uint8_t)axes;
  s.pixels = 1;
  for (int i = 0; i < axes; i++) {
    s.window[i] = window_at(attrs, i, axes);
    s.in.dim[i] = x->dim[first + i];
    s.out.dim[i] = out->dim[first + i];
    s.taps.dim[i] = s.window[i].kernel;
    s.pixels *= s.out.dim[i];
  }
  return s;
}

/* Input pixel under a tap of a window; -1: padding. */
static int64_t input_pixel(const Shape *s, const int64_t *pixel, const int64_t *tap) {
  int64_t at = 0;
  for (int i = 0; i < s->axes; i++) {
    const Window *w = &s->window[i];
    int64_t k = pixel[i] * w->stride - w->begin + tap[i] * w->dilation;
    if (k < 0 || k >= s->in.dim[i]) return -1;
    at = at * s->in.dim[i] + k;
  }
  return at;
}

/* row [taps, width]: channels first .. first + width - 1 under one window; x: one image. */
static void lay_out(const Shape *s, const double *x, const int64_t *pixel, int64_t first, int64_t width, double *row) {
  int64_t tap[MAX_RANK] = {0};
  size_t bytes = sizeof(double) * (size_t)width;
  do {
    int64_t at = input_pixel(s, pixel, tap);
    if (at < 0)
      memset(row, 0, bytes);
    else
      memcpy(row, x + at * s->channels + first, bytes);
    row += width;
  } while (next_index(&s->taps, tap));
}

/* One image and one group. w [taps * width, out_channels] from its first column on, or packed. */
static void conv_image(const Shape *s, const double *x, int64_t first, int64_t width, const double *w, int64_t columns,
                       int64_t panel, double *out) {
  int64_t pixel[MAX_RANK] = {0}, depth = width * type_elements(&s->taps);
  double *strip = eval_alloc(STRIP * depth);
  for (int64_t p = 0; p < s->pixels; p += STRIP) {
    int64_t rows = s->pixels - p < STRIP ? s->pixels - p : STRIP;
    for (int64_t r = 0; r < rows; r++) {
      lay_out(s, x, pixel, first, width, strip + r * depth);
      next_index(&s->out, pixel);
    }
    double *to = out + p * s->out_channels;
    if (panel)
      multiply_packed(rows, columns, depth, strip, depth, w, panel, to, s->out_channels);
    else
      multiply(rows, columns, depth, strip, depth, w, s->out_channels, to, s->out_channels);
  }
  free(strip);
}

/* One image; w [taps, channels]: every channel by itself. */
static void depthwise_image(const Shape *s, const double *x, const double *w, double *out) {
  int64_t pixel[MAX_RANK] = {0}, c = s->channels;
  for (int64_t p = 0; p < s->pixels; p++, out += c) {
    int64_t tap[MAX_RANK] = {0}, t = 0;
    for (int64_t k = 0; k < c; k++) out[k] = 0;
    do {
      int64_t at = input_pixel(s, pixel, tap);
      const double *from = x + (at < 0 ? 0 : at) * c, *by = w + t++ * c;
      for (int64_t k = 0; k < c && at >= 0; k++) out[k] += from[k] * by[k];
    } while (next_index(&s->taps, tap));
    next_index(&s->out, pixel);
  }
}

/* Copies t with its axes permuted: result axis i is axis perm[i]. */
static double *permuted(const Tensor *t, const int *perm) {
  Type r = t->type;
  int64_t in[MAX_RANK], from[MAX_RANK], own[MAX_RANK];
  type_strides(&t->type, in);
  for (int i = 0; i < r.rank; i++) r.dim[i] = t->type.dim[perm[i]], from[i] = in[perm[i]];
  type_strides(&r, own);
  double *out = eval_alloc(type_elements(&r));
  copy_box(out, own, t->f, from, r.rank, r.dim);
  return out;
}

/* [N, C, S...] to [N, S..., C] */
static double *channels_to_last(const Tensor *t) {
  int perm[MAX_RANK] = {0}, rank = t->type.rank;
  for (int i = 1; i < rank - 1; i++) perm[i] = i + 1;
  perm[rank - 1] = 1;
  return permuted(t, perm);
}

/* [O, I, K...] to [K..., I, O] */
static double *weight_to_last(const Tensor *w) {
  int perm[MAX_RANK], rank = w->type.rank;
  for (int i = 0; i < rank - 2; i++) perm[i] = i + 2;
  perm[rank - 2] = 1;
  perm[rank - 1] = 0;
  return permuted(w, perm);
}

static void channels_from_last(const double *from, Tensor *out) {
  int64_t own[MAX_RANK], in[MAX_RANK];
  const Type *t = &out->type;
  int64_t step = t->dim[1]; /* of the last spatial axis */
  type_strides(t, own);
  in[1] = 1;
  for (int i = t->rank; i-- > 2;) in[i] = step, step *= t->dim[i];
  in[0] = step;
  copy_box(out->f, own, from, in, t->rank, t->dim);
}

static void convolve(const Shape *s, const Attrs *a, const double *x, const double *w, double *out) {
  int64_t in_pixels = type_elements(&s->in), width = s->channels / a->group, columns = s->out_channels / a->group;
  for (int64_t n = 0; n < s->images; n++) {
    const double *image = x + n * in_pixels * s->channels;
    double *to = out + n * s->pixels * s->out_channels;
    if (width == 1 && columns == 1 && a->group > 1) {
      depthwise_image(s, image, w, to);
      continue;
    }
    for (int64_t g = 0; g < a->group; g++)
      conv_image(s, image, g * width, width, w + g * columns, columns, a->cols ? a->panel : 0, to + g * columns);
  }
}

void eval_conv(Eval *e) {
  const Attrs *a = &e->op->attrs;
  Tensor *out = &e->out[0];
  int64_t total = type_elements(&out->type);
  if (!total) return;
  bool last = a->layout != NULL;
  Shape s = shape_of(a, out->type.rank - 2, &e->in[0]->type, &out->type, last);
  double *x = last ? NULL : channels_to_last(e->in[0]);
  double *w = last ? NULL : weight_to_last(e->in[1]);
  double *y = last ? NULL : eval_alloc(total);
  double *result = last ? out->f : y;
  convolve(&s, a, last ? e->in[0]->f : x, last ? e->in[1]->f : w, result);
  add_bias(s.images * s.pixels, s.out_channels, e->op->operand_count > 2 ? e->in[2] : NULL, result);
  if (!last) channels_from_last(y, out);
  free(x);
  free(w);
  free(y);
}

void eval_dwconv(Eval *e) {
  Attrs a = e->op->attrs;
  Tensor *out = &e->out[0];
  if (!type_elements(&out->type)) return;
  a.kernel = (Ints){2, e->in[1]->type.dim};
  Shape s = shape_of(&a, 2, &e->in[0]->type, &out->type, true);
  for (int64_t n = 0; n < s.images; n++)
    depthwise_image(&s, e->in[0]->f + n * type_elements(&s.in) * s.channels, e->in[1]->f,
                    out->f + n * s.pixels * s.channels);
  add_bias(s.images * s.pixels, s.channels, e->op->operand_count > 2 ? e->in[2] : NULL, out->f);
}
