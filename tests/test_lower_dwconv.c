/* Lowering of depthwise conv with and without layernorm: rows around each tile's width, windows larger than the image,
 * odd channels, strides, dilation; hard inputs of the norm. */
#include "tests/lower_test.h"

static const LowerTest plain = {.family = "dwconv_layernorm", .passes = true}, by_hand = {.family = "dwconv_layernorm"};
static const LowerTest in_f64 = {.family = "dwconv_layernorm", .passes = true, .absolute = 1e-12, .relative = 1e-12};

static void dwconv(const LowerTest *test, int h, int w, int c, int k, const char *attrs, bool norm) {
  LOWER_TEST(test,
             "%%1 = input {name=\"x\"} : f32[1,%d,%d,%d]\n%%2 = weight {name=\"w.weight\"} : f32[%d,%d,%d]\n"
             "%%3 = weight {name=\"w.bias\"} : f32[%d]\n%%4 = dwconv %%1, %%2, %%3 {%s}\n"
             "%%5 = weight {name=\"n.weight\"} : f32[%d]\n%%6 = weight {name=\"n.bias\"} : f32[%d]\n"
             "%%7 = layernorm %%4, %%5, %%6 {axes=[3] eps=1e-06}\noutput %s {name=\"y\"}\n",
             h, w, c, k, k, c, c, attrs, c, c, norm ? "%7" : "%4");
}

static void sweep_widths(void) {
  TEST("widths");
  for (int w = 1; w <= 30; w++) dwconv(&plain, 2, w, 5, 7, "pads=[3,3,3,3]", w % 2);
  dwconv(&plain, 3, 57, 4, 7, "pads=[3,3,3,3]", true);
  TEST("heights");
  for (int h = 1; h <= 9; h++) dwconv(&plain, h, 3, 4, 7, "pads=[3,3,3,3]", true);
}

static void sweep_channels(void) {
  static const int channels[] = {1, 2, 3, 4, 7, 8, 12, 15, 16, 17, 24, 31, 33, 40, 63, 64, 65, 96, 130};
  TEST("channels");
  for (size_t i = 0; i < sizeof channels / sizeof *channels; i++) {
    dwconv(&plain, 3, 8, channels[i], 7, "pads=[3,3,3,3]", true);
    dwconv(&plain, 2, 7, channels[i], 3, "pads=[1,1,1,1]", false);
  }
}

static void sweep_windows(void) {
  TEST("windows");
  for (int k = 1; k <= 19; k += 2) {
    char pads[64];
    snprintf(pads, sizeof pads, "pads=[%d,%d,%d,%d]", k / 2, k / 2, k / 2, k / 2);
    dwconv(&plain, 4, 15, 6, k, pads, k % 4 == 1);
  }
  TEST("strides, dilation, uneven pads, none");
  dwconv(&plain, 9, 16, 9, 3, "strides=[2,2] pads=[1,1,1,1]", true);
  dwconv(&plain, 9, 29, 5, 7, "strides=[1,3] pads=[3,3,3,3]", false);
  dwconv(&plain, 11, 17, 4, 3, "dilations=[2,3] pads=[2,3,2,3]", true);
  dwconv(&plain, 8, 9, 7, 5, "pads=[0,4,3,1]", true);
  dwconv(&plain, 9, 21, 8, 7, "pads=[0,0,0,0]", true);
}

/* Rows whose lines share few sets of a first-level cache are copied to another pitch. */
static void sweep_spread(void) {
  TEST("many channels, a power of two");
  for (int w = 5; w <= 15; w += 2) dwconv(&plain, 2, w, 512, 7, "pads=[3,3,3,3]", w % 4 == 1);
  dwconv(&plain, 3, 7, 1024, 7, "pads=[3,3,3,3]", true);
  dwconv(&plain, 1, 14, 384, 7, "pads=[3,3,3,3]", true);
  dwconv(&plain, 5, 13, 512, 5, "strides=[2,2] pads=[2,2,2,2]", false);
  dwconv(&plain, 4, 11, 512, 3, "dilations=[1,3] pads=[1,3,1,3]", true);
}

/* Pitches by hand, of any size of image; the channels' own: no copy. */
static void sweep_pitches(void) {
  static const int pitches[] = {9, 10, 16, 25, 1033};
  TEST("pitches by hand");
  for (size_t i = 0; i < sizeof pitches / sizeof *pitches; i++)
    LOWER_TEST(&by_hand,
               "%%1 = input {name=\"x\"} : f32[2,%d,5,9]\n%%2 = weight {name=\"w\"} : f32[3,5,9]\n"
               "%%3 = dwconv %%1, %%2 {pads=[1,2,1,2] strides=[1,%d]} @{kernel=0:dwconv_layernorm pitch=%d}\n"
               "output %%3 {name=\"y\"}\n",
               1 + (int)i, 1 + (int)i % 2, pitches[i]);
}

static void sweep_doubles(void) {
  static const int channels[] = {1, 7, 40, 512};
  TEST("f64");
  for (size_t i = 0; i < sizeof channels / sizeof *channels; i++)
    for (int norm = 0; norm < 2; norm++)
      LOWER_TEST(&in_f64,
                 "%%1 = input {name=\"x\"} : f64[1,4,9,%d]\n%%2 = weight {name=\"w\"} : f32[3,5,%d]\n"
                 "%%3 = cast %%2 {to=f64}\n%%4 = dwconv %%1, %%3 {pads=[1,2,1,2] strides=[1,%d]}\n"
                 "%%5 = layernorm %%4 {axes=[3] eps=1e-06}\noutput %s {name=\"y\"}\n",
                 channels[i], channels[i], 1 + (int)i % 2, norm ? "%5" : "%4");
}

/* How many kernels a dwconv of the size becomes. */
static size_t kernels_of(const char *target, int size, int channels) {
  LowerRun r = {.test = &plain};
  char lines[300];
  snprintf(lines, sizeof lines,
           "%%1 = input {name=\"x\"} : f32[1,%d,%d,%d]\n%%2 = weight {name=\"w.weight\"} : f32[7,7,%d]\n"
           "%%3 = dwconv %%1, %%2 {pads=[3,3,3,3]}\noutput %%3 {name=\"y\"}\n",
           size, size, channels, channels);
  Context *c = context_new();
  char *text = arena_printf(c->arena, "nir 1\nsource 0 \"random:1\"\ngraph \"t\"\n%s", lines);
  r.graph = graph_parse(c, "t.nir", text, strlen(text), open_source);
  CHECK(r.graph && lt_schedule(&r));
  const size_t count = lower_graph(r.graph, target_by_name(target), c->arena)->kernel_count;
  graph_free(r.graph);
  context_free(c);
  return count;
}

static void what_is_spread(void) {
  TEST("lines that share few sets, and fit the second level");
  for (int t = 0; t < target_count; t++) CHECK(kernels_of(targets[t].name, 14, 512) == 2);
  CHECK(kernels_of("v3", 28, 256) == 2);
  CHECK(kernels_of("v3", 7, 1024) == 2);
  TEST("as many sets as lines");
  CHECK(kernels_of("v3", 14, 384) == 1);
  CHECK(kernels_of("v3", 28, 192) == 1);
  CHECK(kernels_of("v3", 14, 520) == 1);
  TEST("too large for the second level");
  CHECK(kernels_of("v3", 28, 512) == 1);
}

/* layernorm's hard inputs: large, far from 0, all equal. */
static void put_far(Tensor *t, int input) {
  (void)input;
  for (int64_t i = 0; i < type_elements(&t->type); i++) t->f[i] = (double)(float)(1e4 + t->f[i]);
}

static void put_equal(Tensor *t, int input) {
  (void)input;
  for (int64_t i = 0; i < type_elements(&t->type); i++) t->f[i] = 0;
}

static void sweep_hard(void) {
  static const int channels[] = {1, 7, 40, 96};
  LowerTest large = plain, far = plain, equal = plain;
  large.low = -1e18, large.high = 1e18, large.absolute = 1e-4, large.relative = 1e-4;
  far.fill = put_far, far.absolute = 1e-4, far.relative = 1e-3;
  equal.fill = put_equal;
  for (int i = 1; i < 4; i++) { /* with one channel every norm is 0 / 0, but for eps */
    TEST("1e18");
    dwconv(&large, 3, 8, channels[i], 3, "pads=[1,1,1,1]", true);
    TEST("a mean far from 0");
    dwconv(&far, 3, 8, channels[i], 3, "pads=[1,1,1,1]", true);
    TEST("nothing but the bias");
    dwconv(&equal, 3, 8, channels[i], 3, "pads=[1,1,1,1]", true);
  }
}

int main(void) {
  sweep_widths();
  sweep_channels();
  sweep_windows();
  sweep_spread();
  sweep_pitches();
  sweep_doubles();
  what_is_spread();
  sweep_hard();
  return test_result();
}
