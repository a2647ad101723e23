/* Programs of types that no kernel computes in: one diagnostic an operator, from the pipeline. */
#include "ir/nir.h"
#include "passes/passes.h"
#include "tests/test.h"

/* errors: how many; text: part of the first. */
static void check_after(const char *name, const char *pass, const char *lines, int errors, const char *text) {
  TEST(name);
  Context *c = context_new();
  char *nir = arena_printf(c->arena, "nir 1\ngraph \"t\"%s\n%s", pass, lines);
  Graph *g = graph_parse(c, "t.nir", nir, strlen(nir), NULL);
  PassOptions options = {0};
  CHECK(g != NULL);
  if (g) CHECK((run_pipeline(g, &options, NULL, NULL, NULL) && complete_schedule(g)) == !errors);
  CHECK(c->errors == errors);
  if (errors && c->count) CHECK(strstr(c->list[0].text, text) != NULL);
  if (g) graph_free(g);
  context_free(c);
}

static void check(const char *name, const char *lines, int errors, const char *text) {
  check_after(name, "", lines, errors, text);
}

static const char halves[] = "%1 = input {name=\"x\"} : f16[3,4]\n%2 = relu %1 : f16[3,4]\n%3 = is_nan %2 : bool[3,4]\n"
                             "%4 = cast %2 {to=bf16} : bf16[3,4]\noutput %3 {name=\"y\"}\noutput %4 {name=\"z\"}\n";

int main(void) {
  check("halves", halves, 0, "");
  check_after("halves, and clean-import left out", " after=\"clean-import\"", halves, 2,
              "no kernels for data type f16");
  check_after("halves, and only the schedule left out", " after=\"tile\"", halves, 2, "no kernels for data type f16");
  check("u64 compared", "%1 = input {name=\"x\"} : u64[3,4]\n%2 = less %1, %1 : bool[3,4]\noutput %2 {name=\"y\"}\n", 1,
        "'less': error: no kernels for data type u64");
  check("u64 of floats",
        "%1 = input {name=\"x\"} : f32[3,4]\n%2 = cast %1 {to=u64} : u64[3,4]\noutput %2 {name=\"y\"}\n", 1,
        "'cast': error: no kernels for data type u64");
  check("largest u64",
        "%1 = input {name=\"x\"} : u64[3,4]\n%2 = reduce_max %1 {axes=[1]} : u64[3]\noutput %2 {name=\"y\"}\n", 1,
        "no kernels for data type u64");
  check("u64 merged",
        "%1 = input {name=\"x\"} : u64[3]\n%2 = input {name=\"i\"} : i64[3]\n"
        "%3 = scatter_elements %1, %2, %1 {mode=min} : u64[3]\noutput %3 {name=\"y\"}\n",
        1, "no kernels for data type u64");
  check("u64 moved and added",
        "%1 = input {name=\"x\"} : u64[3,4]\n%2 = add %1, %1 : u64[3,4]\n%3 = transpose %2 {perm=[1,0]} : u64[4,3]\n"
        "%4 = input {name=\"i\"} : i64[4,3]\n%5 = scatter_elements %3, %4, %3 : u64[4,3]\noutput %5 {name=\"y\"}\n",
        0, "");
  return test_result();
}
