/* Small texts that claim large tensors are refused when they are read, whatever would be done with them. */
#include "frontend/check_sizes.h"
#include "tests/test.h"

static void check(const char *name, const char *body, const char *error) {
  TEST(name);
  Context *c = context_new();
  char *text = arena_printf(c->arena, "nir 1\ngraph \"t\"\n%%1 = input {name=\"x\"} : f32[1]\n%s", body);
  Graph *g = graph_parse(c, name, text, strlen(text), NULL);
  CHECK(g != NULL);
  if (g) CHECK(check_sizes(g) == !error);
  if (g && error) CHECK_HAS(c->count ? c->list[c->count - 1].text : "", error);
  graph_free(g);
  context_free(c);
}

int main(void) {
  check("constant_of_64_mib",
        "%2 = const {floats=[0]} : f32[4096,4096]\n%3 = add %1, %2 : f32[4096,4096]\noutput %3 {name=\"y\"}\n", NULL);
  check("constant_of_more",
        "%2 = const {floats=[0]} : f32[4096,4097]\n%3 = add %1, %2 : f32[4096,4097]\noutput %3 {name=\"y\"}\n",
        "makes a constant of 64 MiB from weights of 0 MiB");
  check("doubling_constant",
        "%2 = const {floats=[0]} : f32[4096,4096]\n%3 = concat %2, %2 {axis=0} : f32[8192,4096]\n"
        "%4 = reduce_sum %3 {axes=[0,1]} : f32[]\n%5 = add %1, %4 : f32[1]\noutput %5 {name=\"y\"}\n",
        "'concat': error: makes a constant of 128 MiB");
  check("result_of_64_gib", "%2 = expand %1 {shape=[131072,131072]} : f32[131072,131072]\noutput %2 {name=\"y\"}\n",
        NULL);
  check("result_of_more", "%2 = pad %1 {pads=[1099511627776,0]} : f32[1099511627777]\noutput %2 {name=\"y\"}\n",
        "'pad': error: its result of 4096 GiB is larger than 64 GiB");
  return test_result();
}
