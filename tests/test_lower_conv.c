/* Lowering of conv: images around the window's size, borders, strides, dilation, odd channels, both layouts. */
#include "tests/lower_test.h"

typedef struct {
  int h, w, in, out, kh, kw;
  const char *rest; /* strides, pads, dilations */
} Case;

static const LowerTest test = {.family = "conv", .passes = true};

/* last: image and weight as the kernel has them; else NCHW, which the passes turn around. */
static void conv(const Case *c, bool last) {
  char image[64], weight[64];
  snprintf(image, sizeof image, "1,%d,%d,%d", last ? c->h : c->in, last ? c->w : c->h, last ? c->in : c->w);
  if (last)
    snprintf(weight, sizeof weight, "%d,%d,%d,%d", c->kh, c->kw, c->in, c->out);
  else
    snprintf(weight, sizeof weight, "%d,%d,%d,%d", c->out, c->in, c->kh, c->kw);
  LOWER_TEST(&test,
             "%%1 = input {name=\"x\"} : f32[%s]\n%%2 = weight {name=\"w.weight\"} : f32[%s]\n"
             "%%3 = weight {name=\"w.bias\"} : f32[%d]\n%%4 = conv %%1, %%2, %%3 {%skernel=[%d,%d]%s}\n"
             "%%5 = relu %%4\noutput %%5 {name=\"y\"}\n",
             image, weight, c->out, last ? "layout=nhwc " : "", c->kh, c->kw, c->rest);
}

static void sweep_images(void) {
  static const char *const rests[] = {"", " pads=[1,1,1,1]", " strides=[2,2] pads=[1,1,1,1]", " pads=[2,0,1,3]"};
  for (int size = 3; size <= 17; size += size < 9 ? 1 : 4)
    for (int r = 0; r < 4; r++) {
      const Case c = {size, size + size % 3, 3, 7, 3, 3, rests[r]};
      TEST("images");
      conv(&c, r != 1);
    }
}

static void sweep_channels(void) {
  static const int channels[] = {1, 7, 17, 40, 49, 96};
  TEST("channels");
  for (int i = 0; i < 6; i++) {
    conv(&(Case){6, 9, channels[i], 5, 3, 2, " pads=[1,0,1,1]"}, true);
    conv(&(Case){5, 8, 4, channels[i], 3, 3, " pads=[1,1,1,1]"}, true);
  }
  TEST("windows");
  conv(&(Case){9, 11, 2, 6, 3, 3, " dilations=[2,3] pads=[2,3,2,3]"}, true);
  conv(&(Case){13, 12, 3, 8, 7, 7, " strides=[4,4] pads=[3,3,3,3]"}, true);
  conv(&(Case){2, 3, 2, 4, 3, 3, " pads=[2,2,2,2]"}, true);
  conv(&(Case){1, 1, 5, 4, 3, 3, " pads=[1,1,1,1]"}, true);
}

int main(void) {
  sweep_images();
  sweep_channels();
  return test_result();
}
