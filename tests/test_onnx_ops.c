/* Each operator's meaning in each opset: imported, verified and evaluated against ONNX Runtime's numbers. */
#include "tests/test.h"
#include "tests/onnx_builder.h"
#include "frontend/onnx_import.h"
#include <math.h>

typedef struct {
  const char *name;
  int opset;
  const char *model, *type, *numbers;
} OpCase;

static const OpCase cases[] = {
#define CASE(name, opset, model, type, numbers) {name, opset, model, type, numbers},
#include "tests/onnx_op_cases.def"
#include "tests/onnx_einsum_cases.def"
#include "tests/onnx_if_cases.def"
#undef CASE
};
enum { CASES = sizeof cases / sizeof *cases };

static bool close_to(double got, double want) {
  return got == want || (isnan(got) && isnan(want)) || fabs(got - want) <= 1e-5 + 1e-4 * fabs(want);
}

static void check_numbers(const Tensor *t, const char *numbers) {
  const char *at = numbers;
  for (int64_t i = 0; i < type_elements(&t->type); i++) {
    char *after;
    double want = strtod(at, &after), got = t->f ? t->f[i] : (double)t->i[i];
    CHECK(after != at);
    CHECK(close_to(got, want));
    if (!close_to(got, want)) printf("%s: element %lld is %g, not %g\n", test_name, (long long)i, got, want);
    at = after;
  }
}

static void run_case(const OpCase *c) {
  TEST(c->name);
  Context *context = context_new();
  Model *m = model_new(c->opset, c->model);
  Graph *g = load_onnx(context, model_write(m, "model.onnx"), NULL, 0);
  CHECK(g != NULL);
  CHECK(g && graph_verify(g));
  Tensor out[4] = {0};
  size_t outputs = m->graph.n_output;
  bool ran = g && eval_graph(g, m->feeds, m->feed_count, out, outputs, NULL, NULL);
  CHECK(ran);
  if (ran) {
    CHECK_STR(type_text(m->arena, g, &out[0].type), c->type);
    check_numbers(&out[0], c->numbers);
  } else {
    printf("%s", diag_text(context));
  }
  for (size_t i = 0; i < outputs; i++) tensor_free(&out[i]);
  graph_free(g);
  model_free(m);
  context_free(context);
}

/* Every row of the table is exercised: an operator without a case is untested. */
static void test_coverage(void) {
  TEST("every operator has a case");
  for (size_t r = 0; r < onnx_op_count; r++) {
    bool found = false;
    Arena *a = arena_new();
    const char *word = arena_printf(a, "= %s ", onnx_ops[r].name), *bare = arena_printf(a, "= %s;", onnx_ops[r].name);
    for (size_t i = 0; i < CASES && !found; i++)
      found = cases[i].opset >= onnx_ops[r].since && cases[i].opset <= onnx_ops[r].last &&
              (strstr(cases[i].model, word) || strstr(cases[i].model, bare));
    CHECK(found);
    if (!found) printf("%s, opsets %d to %d, has no case\n", onnx_ops[r].name, onnx_ops[r].since, onnx_ops[r].last);
    arena_free(a);
  }
}

int main(void) {
  for (size_t i = 0; i < CASES; i++) run_case(&cases[i]);
  test_coverage();
  REMOVE_TEST_FILES("model.onnx");
  return test_result();
}
