/* normal_form: a head's norm behind the flattening, where some have it in front; only where nothing else reads either.
 */
#include "frontend/normal_form.h"
#include "tests/test.h"

/* reduce_mean, layernorm, reshape to [1,2]; `more` goes behind them. */
#define HEAD(axes, axis)                                                                                               \
  "nir 1\ngraph \"t\"\n"                                                                                               \
  "%1 = input {name=\"x\"} : f32[1,3,3,2]\n"                                                                           \
  "%2 = reduce_mean %1 {axes=" axes " keepdims=1}\n"                                                                   \
  "%3 = const {floats=[2,3]} : f32[2]\n"                                                                               \
  "%4 = const {floats=[5,7]} : f32[2]\n"                                                                               \
  "%5 = layernorm %2, %3, %4 {axes=" axis "}\n"                                                                        \
  "%6 = reshape %5 {shape=[1,2]}\n"                                                                                    \
  "output %6 {name=\"y\"}\n"

static char *normal(Context *c, const char *text) {
  Graph *g = graph_parse(c, "t.nir", text, strlen(text), NULL);
  CHECK(g != NULL);
  if (!g) return NULL;
  normal_form(g);
  CHECK(graph_verify(g));
  char *printed = graph_print(g, c->arena, NULL);
  graph_free(g);
  return printed;
}

static bool is_flat(const char *printed) { return printed && !strstr(printed, "reshape"); }

static void head(Context *c) {
  TEST("head");
  const char *printed = normal(c, HEAD("[1,2]", "[3]"));
  CHECK(is_flat(printed));
  CHECK_HAS(printed, "{axes=[1,2]} : f32[1,2]");
  CHECK_HAS(printed, "layernorm");
  CHECK_HAS(printed, "{axes=[1]} : f32[1,2]");
  TEST("mean_has_another_user");
  CHECK(!is_flat(normal(c, HEAD("[1,2]", "[3]") "output %2 {name=\"mean\"}\n")));
  TEST("norm_has_another_user");
  CHECK(!is_flat(normal(c, HEAD("[1,2]", "[3]") "output %5 {name=\"norm\"}\n")));
}

int main(void) {
  Context *c = context_new();
  head(c);
  for (size_t i = 0; i < c->count; i++) puts(c->list[i].text);
  context_free(c);
  return test_result();
}
