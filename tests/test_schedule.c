/* Schedules edited by hand: sound ones compile as they are, unsound ones are refused with the op at fault. */
#include "passes/passes.h"
#include "tests/test.h"

typedef struct {
  const char *name, *body, *error; /* error NULL: sound */
} Case;

#define HEAD "nir 1\ngraph \"t\" after=\"place-buffers\"\n"
#define X    "%1 = input {name=\"x\"} : f32[2,8]\n"
#define W    "%2 = const {floats=[0.5]} : f32[1,8,16]\n"
#define IMAGE                                                                                                          \
  "%1 = input {name=\"x\"} : f32[1,3,3,8]\n%2 = const {floats=[0.5]} : f32[3,3,8]\n%3 = dwconv %1, %2 "                \
  "{pads=[1,1,1,1]} "
#define CONV_OF_IMAGE " : f32[1,3,3,8]\noutput %3 {name=\"y\"}\n"
static const Case cases[] = {
    {"pointwise_pair",
     X "%2 = exp %1 @{kernel=0:elementwise} : f32[2,8]\n"
       "%3 = tanh %2 @{kernel=0:elementwise} : f32[2,8]\noutput %3 {name=\"y\"}\n",
     NULL},
    {"pair_split_in_two",
     X "%2 = exp %1 @{kernel=0:elementwise at=[128]} : f32[2,8]\n"
       "%3 = tanh %2 @{kernel=1:elementwise} : f32[2,8]\noutput %3 {name=\"y\"}\n",
     NULL},
    {"gelu_apart_from_its_gemm",
     X W "%3 = gemm %1, %2 {cols=16} @{kernel=0:gemm at=[0]} : f32[2,16]\n"
         "%4 = gelu %3 @{kernel=1:elementwise} : f32[2,16]\noutput %4 {name=\"y\"}\n",
     NULL},
    {"gelu_with_its_gemm",
     X W "%3 = gemm %1, %2 {cols=16} @{kernel=0:gemm} : f32[2,16]\n"
         "%4 = gelu %3 @{kernel=0:gemm} : f32[2,16]\noutput %4 {name=\"y\"}\n",
     NULL},
    {"unknown_family", X "%2 = exp %1 @{kernel=0:foo} : f32[2,8]\noutput %2 {name=\"y\"}\n",
     "kernel=0:foo is no group that a family 'foo' computes"},
    {"family_of_another_op", X "%2 = exp %1 @{kernel=0:gemm} : f32[2,8]\noutput %2 {name=\"y\"}\n",
     "kernel=0:gemm is no group that a family 'gemm' computes"},
    {"softmax_in_a_pointwise_group",
     X "%2 = exp %1 @{kernel=0:elementwise} : f32[2,8]\n"
       "%3 = softmax %2 {axis=1} @{kernel=0:elementwise} : f32[2,8]\n"
       "output %3 {name=\"y\"}\n",
     "kernel=0:elementwise is no group that a family 'elementwise' computes"},
    {"inner_value_used_outside",
     X W "%3 = gemm %1, %2 {cols=16} @{kernel=0:gemm at=[0]} : f32[2,16]\n"
         "%4 = gelu %3 @{kernel=0:gemm at=[128]} : f32[2,16]\n"
         "%5 = softmax %3 {axis=1} @{kernel=1:softmax at=[256]} : f32[2,16]\n"
         "%6 = add %4, %5 @{kernel=2:elementwise} : f32[2,16]\noutput %6 {name=\"y\"}\n",
     "kernel=0:gemm is no group that a family 'gemm' computes"},
    {"place_in_a_live_buffer",
     X "%2 = exp %1 @{kernel=0:elementwise at=[0]} : f32[2,8]\n"
       "%3 = softmax %2 {axis=1} @{kernel=1:softmax at=[0]} : f32[2,8]\n"
       "%4 = add %3, %2 @{kernel=2:elementwise} : f32[2,8]\noutput %4 {name=\"y\"}\n",
     "the place at=0 is no multiple of 64, or in a buffer that is still in use"},
    {"place_out_of_step",
     X "%2 = exp %1 @{kernel=0:elementwise at=[20]} : f32[2,8]\n"
       "%3 = softmax %2 {axis=1} @{kernel=1:softmax} : f32[2,8]\noutput %3 {name=\"y\"}\n",
     "the place at=20 is no multiple of 64"},
    {"place_out_of_reach",
     X "%2 = exp %1 @{kernel=0:elementwise at=[1152921504606846976]} : f32[2,8]\n"
       "%3 = softmax %2 {axis=1} @{kernel=1:softmax} : f32[2,8]\noutput %3 {name=\"y\"}\n",
     "the place at=1152921504606846976"},
    {"tile_of_its_own",
     X W "%3 = gemm %1, %2 {cols=16} @{kernel=0:gemm v3.tile=4x8 v4.tile=3x32} : f32[2,16]\n"
         "output %3 {name=\"y\"}\n",
     NULL},
    {"tile_of_an_unknown_target",
     X W "%3 = gemm %1, %2 {cols=16} @{kernel=0:gemm v9.tile=4x8} : f32[2,16]\n"
         "output %3 {name=\"y\"}\n",
     "v9.tile=4x8 names no target"},
    {"tile_of_a_family_without_one",
     X "%2 = exp %1 @{kernel=0:elementwise v3.tile=4x8} : f32[2,8]\noutput %2 {name=\"y\"}\n",
     "v3.tile=4x8 is for a family that has no tile"},
    {"tile_with_too_many_rows",
     X W "%3 = gemm %1, %2 {cols=16} @{kernel=0:gemm v3.tile=9x16} : f32[2,16]\n"
         "output %3 {name=\"y\"}\n",
     "v3.tile=9x16 has more than 8 rows"},
    {"tile_with_half_a_vector",
     X W "%3 = gemm %1, %2 {cols=16} @{kernel=0:gemm v3.tile=4x12} : f32[2,16]\n"
         "output %3 {name=\"y\"}\n",
     "v3.tile=4x12 has no whole number of vectors"},
    {"tile_of_a_panel_and_a_half",
     X W "%3 = gemm %1, %2 {cols=16} @{kernel=0:gemm v3.tile=4x24} : f32[2,16]\n"
         "output %3 {name=\"y\"}\n",
     "v3.tile=4x24 neither divides a panel"},
    {"tile_inside_a_kernel",
     X W "%3 = gemm %1, %2 {cols=16} @{kernel=0:gemm} : f32[2,16]\n"
         "%4 = gelu %3 @{kernel=0:gemm v3.tile=4x16} : f32[2,16]\noutput %4 {name=\"y\"}\n",
     "v3.tile=4x16 stands not with the first op of a kernel"},
    {"tile_of_what_is_not_run",
     X "%2 = reshape %1 {shape=[16]} @{v3.tile=4x16} : f32[16]\n"
       "%3 = exp %2 @{kernel=0:elementwise} : f32[16]\noutput %3 {name=\"y\"}\n",
     "v3.tile=4x16 stands not with the first op of a kernel"},
    {"pitch_of_its_own", IMAGE "@{kernel=0:dwconv_layernorm pitch=12}" CONV_OF_IMAGE, NULL},
    {"pitch_of_the_channels", IMAGE "@{kernel=0:dwconv_layernorm pitch=8}" CONV_OF_IMAGE, NULL},
    {"pitch_too_small", IMAGE "@{kernel=0:dwconv_layernorm pitch=7}" CONV_OF_IMAGE,
     "pitch=7 is less than its channels"},
    {"pitch_too_large", IMAGE "@{kernel=0:dwconv_layernorm pitch=1033}" CONV_OF_IMAGE,
     "pitch=1033 is more than 1024 above its channels"},
    {"pitch_of_another_op", X "%2 = exp %1 @{kernel=0:elementwise pitch=8} : f32[2,8]\noutput %2 {name=\"y\"}\n",
     "pitch=8 is for a dwconv"},
    {"pitch_inside_a_kernel",
     X "%2 = exp %1 @{kernel=0:elementwise} : f32[2,8]\n"
       "%3 = tanh %2 @{kernel=0:elementwise pitch=8} : f32[2,8]\noutput %3 {name=\"y\"}\n",
     "pitch=8 stands not with the first op of a kernel"},
    {"panels_in_f64",
     "%1 = input {name=\"x\"} : f64[2,8]\n%2 = const {floats=[0.5]} : f64[1,8,16]\n"
     "%3 = gemm %1, %2 {cols=16} @{kernel=0:gemm} : f64[2,16]\noutput %3 {name=\"y\"}\n",
     "no kernels for data type f64"},
    {"panels_in_f64_of_a_conv",
     "%1 = input {name=\"x\"} : f64[1,3,3,8]\n%2 = const {floats=[0.5]} : f64[1,72,16]\n"
     "%3 = conv %1, %2 {layout=nhwc kernel=[3,3] cols=16} @{kernel=0:conv} : f64[1,1,1,16]\noutput %3 {name=\"y\"}\n",
     "no kernels for data type f64"},
    {"take_over_that_is_named",
     X "%2 = softmax %1 {axis=1} @{kernel=0:softmax at=[0]} : f32[2,8]\n"
       "%3 = exp %2 @{kernel=1:elementwise at=[0] inplace=0} : f32[2,8]\n"
       "%4 = softmax %3 {axis=1} @{kernel=2:softmax} : f32[2,8]\noutput %4 {name=\"y\"}\n",
     NULL},
    {"take_over_that_is_not_named",
     X "%2 = softmax %1 {axis=1} @{kernel=0:softmax at=[0]} : f32[2,8]\n"
       "%3 = exp %2 @{kernel=1:elementwise at=[0]} : f32[2,8]\n"
       "%4 = softmax %3 {axis=1} @{kernel=2:softmax} : f32[2,8]\noutput %4 {name=\"y\"}\n",
     "in a buffer that is still in use"},
    {"take_over_by_a_family_that_reads_later",
     X "%2 = exp %1 @{kernel=0:elementwise at=[0]} : f32[2,8]\n"
       "%3 = softmax %2 {axis=1} @{kernel=1:softmax at=[0] inplace=0} : f32[2,8]\n"
       "%4 = exp %3 @{kernel=2:elementwise} : f32[2,8]\noutput %4 {name=\"y\"}\n",
     "in a buffer that is still in use"},
};

static void run_case(const Case *k) {
  TEST(k->name);
  Context *c = context_new();
  char *text = arena_printf(c->arena, HEAD "%s", k->body);
  Graph *g = graph_parse(c, k->name, text, strlen(text), NULL);
  CHECK(g != NULL);
  if (g) {
    bool sound = complete_schedule(g);
    CHECK(sound == !k->error);
    if (k->error)
      CHECK_HAS(c->count ? c->list[c->count - 1].text : "", k->error);
    else
      CHECK_STR(strchr(graph_print(g, c->arena, "."), '%'), strchr(text, '%')); /* nothing was decided anew */
  }
  for (size_t i = 0; i < c->count && !k->error; i++) printf("%s\n", c->list[i].text);
  graph_free(g);
  context_free(c);
}

/* Ops whose @{} was deleted are grouped, the others with them; what was chosen by hand stays. */
static void completed(void) {
  static const char body[] =
      X W "%3 = gemm %1, %2 {cols=16} @{kernel=0:gemm v3.tile=4x8} : f32[2,16]\n"
          "%4 = gelu %3 @{kernel=0:gemm} : f32[2,16]\n"
          "%5 = softmax %4 {axis=1} : f32[2,16]\n"
          "%6 = reshape %5 {shape=[1,1,4,8]} : f32[1,1,4,8]\n%7 = const {floats=[0.5]} : f32[1,1,8]\n"
          "%8 = dwconv %6, %7 @{kernel=2:dwconv_layernorm pitch=24} : f32[1,1,4,8]\n"
          "output %8 {name=\"y\"}\n";
  TEST("choices stay where others are missing");
  Context *c = context_new();
  char *text = arena_printf(c->arena, HEAD "%s", body);
  Graph *g = graph_parse(c, "t.nir", text, strlen(text), NULL);
  CHECK(g && complete_schedule(g));
  const char *made = g ? graph_print(g, c->arena, ".") : "";
  CHECK_HAS(made, "@{kernel=0:gemm v3.tile=4x8}");
  CHECK_HAS(made, "@{kernel=1:softmax at=");
  CHECK_HAS(made, "@{kernel=2:dwconv_layernorm pitch=24}");
  if (g) graph_free(g);
  context_free(c);
}

int main(void) {
  completed();
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) run_case(&cases[i]);
  return test_result();
}
