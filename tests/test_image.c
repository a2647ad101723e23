/* Pictures: decoding and resizing against what PIL gives, byte for byte; damaged files; what a model's input asks of a
 * picture. */
#include "cli/preprocess.h"
#include "tests/command.h"
#include "tests/image_cases.h"
#include "tests/test.h"
#include <math.h>

static Context *context;

/* The file's pixels; no pixels where it is refused. */
static Image decode(const void *bytes, size_t size, int channels) {
  Image image;
  put_file("picture", bytes, size);
  image_read(context, "picture", channels, &image);
  return image;
}

static bool has_pixels(const Image *image, int width, int height, int channels, const unsigned char *want) {
  return image->pixels && image->width == width && image->height == height && image->channels == channels &&
         !memcmp(image->pixels, want, (size_t)(width * height * channels));
}

static void decodes(void) {
  TEST("decodes");
  Image png = decode(picture_png, sizeof picture_png, 3), grey = decode(picture_png, sizeof picture_png, 1);
  Image jpeg = decode(smooth_jpeg, sizeof smooth_jpeg, 3);
  CHECK(has_pixels(&png, 9, 7, 3, picture_pixels));
  CHECK(has_pixels(&grey, 9, 7, 1, picture_grey));
  CHECK(has_pixels(&jpeg, 9, 7, 3, smooth_pixels));
  CHECK(!context->count);
  image_free(&png);
  image_free(&grey);
  image_free(&jpeg);
}

/* Four inks, as CMYK and as YCCK. */
static void decodes_inks(void) {
  TEST("decodes_inks");
  Image ycck = decode(ycck_jpeg, sizeof ycck_jpeg, 3), grey = decode(ycck_jpeg, sizeof ycck_jpeg, 1);
  Image cmyk = decode(cmyk_jpeg, sizeof cmyk_jpeg, 3);
  CHECK(has_pixels(&ycck, 6, 5, 3, ycck_pixels));
  CHECK(has_pixels(&grey, 6, 5, 1, ycck_grey));
  CHECK(has_pixels(&cmyk, 6, 5, 3, cmyk_pixels));
  CHECK(!context->count);
  image_free(&ycck);
  image_free(&grey);
  image_free(&cmyk);
}

static void resizes(void) {
  TEST("resizes");
  const Image from = {9, 7, 3, (uint8_t *)(uintptr_t)picture_pixels};
  Image same;
  for (size_t i = 0; i < sizeof resize_cases / sizeof *resize_cases; i++) {
    Image to;
    CHECK(image_resize(context, &from, resize_cases[i].width, resize_cases[i].height, resize_cases[i].filter, &to));
    CHECK(has_pixels(&to, resize_cases[i].width, resize_cases[i].height, 3, resize_cases[i].pixels));
    image_free(&to);
  }
  CHECK(image_resize(context, &from, 9, 7, FILTER_BICUBIC, &same));
  CHECK(has_pixels(&same, 9, 7, 3, picture_pixels));
  image_free(&same);
  uint8_t row[] = {0, 3, 6, 9};
  const Image narrow = {4, 1, 1, row};
  CHECK(image_resize(context, &narrow, 6, 1, FILTER_NEAREST, &same));
  CHECK(has_pixels(&same, 6, 1, 1, nearest_row));
  image_free(&same);
}

/* The context's last message, and how many there were since. */
static const char *refusal(void) {
  const char *text = context->count == 1 ? context->list[0].text : NULL;
  context->count = 0;
  context->errors = 0;
  return text;
}

static void check_cuts(const unsigned char *bytes, size_t size, size_t step) {
  for (size_t length = 0; length + 16 < size; length += step) {
    Image image = decode(bytes, length, 3);
    CHECK(!image.pixels);
    CHECK(refusal() != NULL);
    image_free(&image);
  }
}

static void damaged(void) {
  TEST("damaged");
  check_cuts(picture_png, sizeof picture_png, 1);
  check_cuts(smooth_jpeg, sizeof smooth_jpeg, 3);
  check_cuts(cmyk_jpeg, sizeof cmyk_jpeg, 3);
  Image image = decode("GIF89a", 6, 3);
  CHECK(!image.pixels);
  CHECK_STR(refusal(), "picture: error: neither a PNG nor a JPEG file");
  unsigned char *copy = malloc(sizeof picture_png);
  for (size_t i = 8; i < sizeof picture_png; i++) { /* any byte: an error, or (in the last 4 of a chunk) not */
    memcpy(copy, picture_png, sizeof picture_png);
    copy[i] ^= 0x11;
    image = decode(copy, sizeof picture_png, 3);
    CHECK(!image.pixels || context->errors == 0);
    refusal();
    image_free(&image);
  }
  free(copy);
}

/* 100 bytes that ask for gigabytes. */
static void absurd(void) {
  TEST("absurd");
  unsigned char png[] = "\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\1\0\0\0\1\0\0\x08\2\0\0\0\0\0\0\0";
  /* CRC-32 of IHDR 65536 x 65536, 8 bits, RGB */
  uint32_t crc = 0xffffffff;
  for (size_t i = 12; i < 29; i++) {
    crc ^= png[i];
    for (int b = 0; b < 8; b++) crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
  }
  crc = ~crc;
  for (int i = 0; i < 4; i++) png[29 + i] = (unsigned char)(crc >> (24 - 8 * i));
  unsigned char all[64 + 25] = {0};
  memcpy(all, png, 33);
  memcpy(all + 33, "\0\0\0\0IDAT\x35\xaf\x06\x1e", 12);
  Image image = decode(all, 45, 3);
  CHECK(!image.pixels);
  const char *text = refusal();
  CHECK_HAS(text, "65536 x 65536");
}

static void asks(void) {
  TEST("what an input asks of a picture");
  Preprocess p;
  const Dim nchw[] = {1, 3, 32, 48}, nhwc[] = {1, 32, 48, 1}, flat[] = {1, 32}, five[] = {1, 5, 32, 32};
  const Dim open[] = {1, 3, dim_symbol(0, 1), dim_symbol(1, 1)};
  Type t = type_make(DT_f32, 4, nchw);
  CHECK(preprocess_for(context, "x", &t, 0, &p));
  CHECK(p.height == 32 && p.width == 48 && p.channels == 3 && !p.channels_last && p.mean[0] == 0.485);
  t = type_make(DT_u8, 4, nhwc);
  CHECK(preprocess_for(context, "x", &t, 0, &p));
  CHECK(p.height == 32 && p.width == 48 && p.channels == 1 && p.channels_last && p.mean[0] == 0 && p.std[0] == 1);
  t = type_make(DT_f32, 4, open);
  CHECK(preprocess_for(context, "x", &t, 20, &p) && p.height == 20 && p.width == 20);
  CHECK(!preprocess_for(context, "x", &t, 0, &p));
  CHECK_STR(refusal(), "x: error: the input's height or width is a symbol: give it a value with --dim or --crop");
  t = type_make(DT_f32, 2, flat);
  CHECK(!preprocess_for(context, "x", &t, 0, &p));
  CHECK_STR(refusal(), "x: error: the input has rank 2, but an image needs 4");
  t = type_make(DT_f16, 4, nchw);
  CHECK(preprocess_for(context, "x", &t, 0, &p) && p.dtype == DT_f16);
  t = type_make(DT_i64, 4, nchw);
  CHECK(!preprocess_for(context, "x", &t, 0, &p));
  CHECK_STR(refusal(), "x: error: the input is i64, but an image needs f32, f16, bf16 or u8");
  t = type_make(DT_f32, 4, five);
  CHECK(!preprocess_for(context, "x", &t, 0, &p));
  CHECK_STR(refusal(), "x: error: the input has no axis of 1 or 3 channels");
  const Dim large[] = {1, 3, 40000, 40000};
  t = type_make(DT_f32, 4, large);
  CHECK(!preprocess_for(context, "x", &t, 0, &p));
  CHECK_STR(refusal(), "x: error: the input is larger than 32768 pixels");
}

static void asks_as_noted(void) {
  TEST("preprocessing that the model knows");
  Preprocess p;
  const Dim dims[] = {1, 3, 32, 32};
  const Type t = type_make(DT_f32, 4, dims);
  const double mean[] = {0.1, 0.2, 0.3}, std[] = {0.4, 0.5, 0.6};
  Notes n = {.mean = {3, mean}, .std = {3, std}, .crop = 0.95, .interpolation = "lanczos"};
  CHECK(preprocess_for(context, "x", &t, 0, &p) && preprocess_as_noted(context, &n, &p));
  CHECK(p.mean[0] == 0.485 && p.crop_ratio == 0.875 && p.filter == FILTER_BICUBIC); /* nothing was said */
  n.preprocess = true;
  CHECK(preprocess_as_noted(context, &n, &p));
  CHECK(p.mean[2] == 0.3 && p.std[1] == 0.5 && p.crop_ratio == 0.95 && p.filter == FILTER_LANCZOS);
  CHECK(!p.squash);
  n.squash = true;
  CHECK(preprocess_as_noted(context, &n, &p) && p.squash);
  n.mean.count = n.std.count = 1;
  CHECK(!preprocess_as_noted(context, &n, &p));
  CHECK_STR(refusal(), "--image: error: the model's preprocessing is for 1 channels, its input has 3");
}

/* 4 x 4 of the picture resized to 4 / 0.875 -> 4 high and 5 wide; pixel values with mean and std. */
static void whole_road(void) {
  TEST("whole_road");
  Preprocess p;
  const Dim dims[] = {1, 3, 4, 4};
  const Type t = type_make(DT_f32, 4, dims);
  float plain[48], scaled[48];
  put_file("picture", picture_png, sizeof picture_png);
  CHECK(preprocess_for(context, "x", &t, 0, &p));
  p.resize = 7; /* no change of size: the crop of 4 x 4 starts at row 2 (1.5, to even), column 2 (2.5, to even) */
  CHECK(preprocess_image(context, "picture", &p, scaled));
  for (int i = 0; i < 4; i++) p.mean[i] = 0, p.std[i] = 1;
  CHECK(preprocess_image(context, "picture", &p, plain));
  for (int c = 0; c < 3; c++)
    for (int y = 0; y < 4; y++)
      for (int x = 0; x < 4; x++) {
        static const float mean[] = {0.485f, 0.456f, 0.406f}, std[] = {0.229f, 0.224f, 0.225f};
        const float want = (float)picture_pixels[((y + 2) * 9 + x + 2) * 3 + c] / 255.0f;
        CHECK(plain[c * 16 + y * 4 + x] == want);
        CHECK(fabsf(scaled[c * 16 + y * 4 + x] - (want - mean[c]) / std[c]) < 1e-6f);
      }
  uint16_t half[48]; /* bf16: the upper half of an f32, rounded */
  p.dtype = DT_bf16;
  CHECK(preprocess_image(context, "picture", &p, half));
  for (int i = 0; i < 48; i++) {
    const uint32_t bits = (uint32_t)half[i] << 16;
    float back;
    memcpy(&back, &bits, sizeof back);
    CHECK(fabsf(back - plain[i]) <= plain[i] / 256);
  }
  p.dtype = DT_f32;
  p.resize = 0; /* squashed: all of the picture, 9 x 7, is in the 4 x 4 */
  p.squash = true;
  p.crop_ratio = 1;
  p.filter = FILTER_NEAREST;
  CHECK(preprocess_image(context, "picture", &p, plain));
  for (int y = 0; y < 4; y++)
    for (int x = 0; x < 4; x++) {
      const int from = ((y * 2 + 1) * 7 / 8) * 9 + (x * 2 + 1) * 9 / 8;
      CHECK(plain[y * 4 + x] == (float)picture_pixels[from * 3] / 255.0f);
    }
  CHECK(!preprocess_image(context, "absent", &p, plain));
  CHECK(refusal() != NULL);
}

int main(void) {
  open_folder();
  context = context_new();
  resizes();
  asks();
  asks_as_noted();
  Image image = decode(picture_png, sizeof picture_png, 3);
  const char *text = image.pixels ? NULL : refusal();
  image_free(&image);
  if (!text || !strstr(text, "built without libpng")) {
    decodes();
    decodes_inks();
    damaged();
    absurd();
    whole_road();
  }
  context_free(context);
  close_folder();
  return test_result();
}
