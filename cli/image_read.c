/* Decoding pictures with libpng and libjpeg; see image.h. NEXTC_IMAGES says that the build has both. */
#include "cli/image.h"
#include "frontend/frontend.h"
#include <stdlib.h>
#include <string.h>

#ifdef NEXTC_IMAGES
#include <setjmp.h>
#include <stdio.h>
#include <jpeglib.h>
#include <png.h>

/* What both decoders fill in; errors leave it by longjmp, so it lives in the caller. */
typedef struct {
  Context *context;
  const char *path;
  const unsigned char *data;
  size_t size, at;
  int channels;
  Image image;
  const char *trouble; /* in the context's arena */
  jmp_buf leave;
} Reader;

static bool check_size(Reader *r, uint64_t width, uint64_t height) {
  if (!width || !height) return error_in(r->context, r->path, "an image without pixels");
  if (width <= MAX_IMAGE_PIXELS && height <= MAX_IMAGE_PIXELS / width) return true;
  return error_in(r->context, r->path, "an image of %llu x %llu pixels is larger than the %d allowed",
                  (unsigned long long)width, (unsigned long long)height, MAX_IMAGE_PIXELS);
}

static bool make_room(Reader *r, uint64_t width, uint64_t height) {
  if (!check_size(r, width, height)) return false;
  r->image = (Image){(int)width, (int)height, 3, malloc(width * height * 3)};
  return r->image.pixels ||
         error_in(r->context, r->path, "no memory for %llu pixels", (unsigned long long)(width * height));
}

/* ---- PNG ---- */

static void png_trouble(png_structp png, png_const_charp message) {
  Reader *r = png_get_error_ptr(png);
  r->trouble = arena_strdup(r->context->arena, message);
  longjmp(r->leave, 1);
}

static void png_quiet(png_structp png, png_const_charp message) { (void)png, (void)message; }

static void png_take(png_structp png, png_bytep to, png_size_t count) {
  Reader *r = png_get_io_ptr(png);
  if (count > r->size - r->at) png_error(png, "the file ends too early");
  memcpy(to, r->data + r->at, count);
  r->at += count;
}

/* Everything to 8-bit red, green, blue; no gamma, as PIL. */
static void png_decode(Reader *r, png_structp png, png_infop info) {
  png_set_read_fn(png, r, png_take);
  png_set_user_limits(png, MAX_IMAGE_PIXELS, MAX_IMAGE_PIXELS);
  png_read_info(png, info);
  if (!make_room(r, png_get_image_width(png, info), png_get_image_height(png, info))) return;
  png_set_expand(png);
  png_set_strip_16(png);
  png_set_strip_alpha(png);
  png_set_gray_to_rgb(png);
  const int passes = png_set_interlace_handling(png);
  png_read_update_info(png, info);
  const size_t row = (size_t)r->image.width * 3;
  if (png_get_rowbytes(png, info) != row) png_error(png, "unknown layout of pixels");
  for (int pass = 0; pass < passes; pass++)
    for (int y = 0; y < r->image.height; y++) png_read_row(png, r->image.pixels + (size_t)y * row, NULL);
}

static void read_png(Reader *r) {
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, r, png_trouble, png_quiet);
  png_infop info = png ? png_create_info_struct(png) : NULL;
  if (!info)
    r->trouble = "no memory";
  else if (!setjmp(r->leave))
    png_decode(r, png, info);
  png_destroy_read_struct(&png, &info, NULL);
}

/* ---- JPEG ---- */

static void jpeg_trouble(j_common_ptr jpeg) {
  Reader *r = jpeg->client_data;
  char message[JMSG_LENGTH_MAX];
  jpeg->err->format_message(jpeg, message);
  r->trouble = arena_strdup(r->context->arena, message);
  longjmp(r->leave, 1);
}

/* A warning (level -1) is damaged data, which the decoder would paint over. */
static void jpeg_warn(j_common_ptr jpeg, int level) {
  if (level < 0) jpeg_trouble(jpeg);
}

/* x y / 255, rounded. */
static unsigned product(unsigned x, unsigned y) {
  const unsigned p = x * y + 128;
  return ((p >> 8) + p) >> 8;
}

/* Inks as Adobe stores them, 255 for none, to red, green, blue as PIL's convert("RGB") does. */
static void from_inks(const uint8_t *inks, size_t count, uint8_t *to) {
  for (size_t i = 0; i < count; i++, inks += 4, to += 3)
    for (int c = 0; c < 3; c++) to[c] = (uint8_t)(inks[3] - product(255u - inks[c], inks[3]));
}

static void jpeg_decode(Reader *r, struct jpeg_decompress_struct *jpeg) {
  jpeg_create_decompress(jpeg);
  jpeg_mem_src(jpeg, r->data, (unsigned long)r->size);
  jpeg_read_header(jpeg, TRUE);
  if (!make_room(r, jpeg->image_width, jpeg->image_height)) return;
  const bool inks = jpeg->jpeg_color_space == JCS_CMYK || jpeg->jpeg_color_space == JCS_YCCK;
  const size_t width = (size_t)r->image.width;
  jpeg->out_color_space = inks ? JCS_CMYK : JCS_RGB;
  jpeg_start_decompress(jpeg);
  JSAMPROW four = inks ? jpeg->mem->alloc_small((j_common_ptr)jpeg, JPOOL_IMAGE, 4 * width) : NULL;
  while (jpeg->output_scanline < jpeg->output_height) {
    JSAMPROW row = r->image.pixels + (size_t)jpeg->output_scanline * width * 3;
    jpeg_read_scanlines(jpeg, inks ? &four : &row, 1);
    if (inks) from_inks(four, width, row);
  }
  jpeg_finish_decompress(jpeg);
}

static void read_jpeg(Reader *r) {
  struct jpeg_decompress_struct jpeg = {.client_data = r};
  struct jpeg_error_mgr errors;
  jpeg.err = jpeg_std_error(&errors);
  errors.error_exit = jpeg_trouble;
  errors.emit_message = jpeg_warn;
  jpeg.client_data = r;
  if (!setjmp(r->leave)) jpeg_decode(r, &jpeg);
  jpeg_destroy_decompress(&jpeg);
}

/* ---- both ---- */

/* PIL's convert("L"). */
static void to_grey(Image *image) {
  const size_t count = (size_t)image->width * (size_t)image->height;
  for (size_t i = 0; i < count; i++) {
    const uint8_t *p = image->pixels + 3 * i;
    image->pixels[i] = (uint8_t)((p[0] * 19595u + p[1] * 38470u + p[2] * 7471u + 0x8000u) >> 16);
  }
  image->channels = 1;
}

static const struct {
  const char *start;
  size_t length;
  void (*read)(Reader *);
} formats[] = {{"\x89PNG\r\n\x1a\n", 8, read_png}, {"\xff\xd8\xff", 3, read_jpeg}};

static bool decode(Reader *r) {
  const int errors = r->context->errors;
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
    if (r->size < formats[i].length || memcmp(r->data, formats[i].start, formats[i].length) != 0) continue;
    formats[i].read(r);
    if (r->trouble) return error_in(r->context, r->path, "cannot be decoded: %s", r->trouble);
    return r->context->errors == errors;
  }
  return error_in(r->context, r->path, "neither a PNG nor a JPEG file");
}

bool image_read(Context *c, const char *path, int channels, Image *out) {
  MappedFile file;
  if (!map_file(c, path, &file)) return false;
  Reader r = {.context = c, .path = path, .data = file.data, .size = file.size, .channels = channels};
  const bool good = decode(&r);
  unmap_file(&file);
  if (!good)
    image_free(&r.image);
  else if (channels == 1)
    to_grey(&r.image);
  *out = r.image;
  return good;
}

#else

bool image_read(Context *c, const char *path, int channels, Image *out) {
  (void)channels;
  *out = (Image){.pixels = NULL};
  return error_in(c, path, "this nextc was built without libpng and libjpeg, so it reads no images");
}
#endif
