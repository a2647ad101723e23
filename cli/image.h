/* Pictures: decoding files, and resizing as PIL (Pillow) does, to the last bit. */
#ifndef NEXTC_IMAGE_H
#define NEXTC_IMAGE_H
#include "ir/diag.h"
#include <stdint.h>

enum { MAX_IMAGE_PIXELS = 1 << 27 /* larger is a mistake or an attack */ };

typedef struct {
  int width, height, channels; /* 1 (grey) or 3 (red, green, blue) */
  uint8_t *pixels;             /* [height, width, channels], malloc'ed */
} Image;

void image_free(Image *);
/* A PNG or JPEG file by its content, as PIL's convert("RGB") (channels 3) or convert("L") (1) gives it: transparency is
 * dropped, not blended. False + diag. */
bool image_read(Context *, const char *path, int channels, Image *out);

typedef enum { FILTER_BICUBIC, FILTER_BILINEAR, FILTER_LANCZOS, FILTER_NEAREST, FILTER_COUNT } Filter;
/* PIL's Image.resize((width, height), filter): antialiased, but for nearest. False + diag (no memory). */
bool image_resize(Context *, const Image *, int width, int height, Filter, Image *out);
#endif
