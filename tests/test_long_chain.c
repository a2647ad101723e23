/* Chains of 2,500 and of 10,000 operators, and as many side by side, go through parser, passes and compiler. */
#include "backend/compile.h"
#include "frontend/frontend.h"
#include "tests/command.h"
#include "tests/test.h"
#include <time.h>

/* Every chain begins with x : f32[1,6,6,16], number 1; `next` writes op i on value `last` and returns its number. */
typedef unsigned (*Next)(FILE *, int i, unsigned last);

static unsigned pointwise(FILE *f, int i, unsigned last) {
  static const char *const ops[] = {"relu", "sigmoid", "tanh", "neg"};
  fprintf(f, "%%%u = %s %%%u : f32[1,6,6,16]\n", last + 1, ops[i % 4], last);
  return last + 1;
}

static unsigned gemms(FILE *f, int i, unsigned last) {
  if (i % 2) return pointwise(f, 0, last);
  fprintf(f, "%%%u = const {floats=[0.%d]} : f32[16,16]\n%%%u = gemm %%%u, %%%u : f32[1,6,6,16]\n", last + 1, i,
          last + 2, last, last + 1);
  return last + 2;
}

/* Kernels that join nothing. */
static unsigned apart(FILE *f, int i, unsigned last) {
  static const char *const ops[] = {"softmax", "transpose", "max_pool", "layernorm"};
  static const char *const attributes[] = {"{axis=3}", "{perm=[0,2,1,3]}", "{layout=nhwc kernel=[3,3] pads=[1,1,1,1]}",
                                           "{axes=[3]}"};
  fprintf(f, "%%%u = %s %%%u %s : f32[1,6,6,16]\n", last + 1, ops[i % 4], last, attributes[i % 4]);
  return last + 1;
}

/* Each op reads the first value too, and a literal of its own that all have. */
static unsigned residuals(FILE *f, int i, unsigned last) {
  fprintf(f, "%%%u = const {floats=[1.5]} : f32[]\n%%%u = mul %%%u, %%%u : f32[1,6,6,16]\n", last + 1, last + 2,
          i % 2 ? 1 : last, last + 1);
  fprintf(f, "%%%u = add %%%u, %%%u : f32[1,6,6,16]\n", last + 3, last + 2, last);
  return last + 3;
}

/* Every value is an output too. */
static unsigned outputs(FILE *f, int i, unsigned last) {
  fprintf(f, "%%%u = %s %%%u {%s} : f32[1,6,6,16]\n", last + 1, i % 2 ? "softmax" : "relu", last,
          i % 2 ? "axis=3" : "");
  fprintf(f, "output %%%u {name=\"o%d\"}\n", last + 1, i);
  return last + 1;
}

/* No chain: all read the first value, each with a literal of its own. */
static unsigned literals(FILE *f, int i, unsigned last) {
  fprintf(f, "%%%u = const {floats=[%d.5]} : f32[]\n%%%u = add %%1, %%%u : f32[1,6,6,16]\n", last + 1, i, last + 2,
          last + 1);
  fprintf(f, "output %%%u {name=\"o%d\"}\n", last + 2, i);
  return last + 2;
}

/* Each value is read again when the chain is twice as long: half of all are live at the end. */
static unsigned live(FILE *f, int i, unsigned last) {
  fprintf(f, "%%%u = add %%%u, %%%d : f32[1,6,6,16]\n", last + 1, last, i / 2 + 1);
  return last + 1;
}

static void write_chain(const char *path, Next next, int ops) {
  FILE *f = fopen(path, "w");
  unsigned last = 1;
  if (!f) {
    perror(path);
    exit(1);
  }
  fputs("nir 1\ngraph \"chain\"\n%1 = input {name=\"x\"} : f32[1,6,6,16]\n", f);
  for (int i = 0; i < ops; i++) last = next(f, i, last);
  fprintf(f, "output %%%u {name=\"y\"}\n", last);
  fclose(f);
}

/* Seconds for all of it. */
static double compile(Next next, int ops) {
  write_chain("chain.nir", next, ops);
  clock_t start = clock();
  Context *c = context_new();
  Graph *g = load_model(c, "chain.nir", NULL, 0);
  CompileOptions options = {.name = "chain", .out = "chain.c"};
  CHECK(g && compile_graph(c, g, &options));
  for (size_t i = 0; i < c->count; i++) printf("%s\n", c->list[i].text);
  graph_free(g);
  context_free(c);
  return (double)(clock() - start) / CLOCKS_PER_SEC;
}

/* The two times are for the reader, 4 to 1 if the cost is linear, 16 to 1 if it is quadratic: a busy machine must not
 * fail the test. What does fail is a chain that does not compile, or runs out of memory. */
static void compile_both(const char *name, Next next) {
  TEST(name);
  double small = compile(next, 2500), large = compile(next, 10000);
  printf("%-10s %.2f s, %.2f s\n", name, small, large);
}

int main(void) {
  open_folder();
  compile_both("pointwise", pointwise);
  compile_both("gemms", gemms);
  compile_both("apart", apart);
  compile_both("residuals", residuals);
  compile_both("outputs", outputs);
  compile_both("literals", literals);
  compile_both("live", live);
  close_folder();
  return test_result();
}
