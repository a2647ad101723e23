/* The strongest test of the zoo: a network's description and every export of it end in one and the same program. */
#include "frontend/frontend.h"
#include "passes/passes.h"
#include "tests/command.h"
#include "tests/fixtures.h"
#include "tests/test.h"

static Graph *optimized(Context *c, const char *path) {
  PassOptions options = {0};
  Graph *g = load_model(c, path, NULL, 0);
  if (g && !run_pipeline(g, &options, NULL, NULL, NULL)) {
    graph_free(g);
    return NULL;
  }
  return g;
}

static void print_errors(const Context *c) {
  for (size_t i = 0; i < c->count; i++) printf("  %s\n", c->list[i].text);
}

/* The export here, beside weights that are a hole in a file: no pass reads them. False: there is no such fixture. */
static bool copy_export(const char *onnx) {
  char path[2048];
  size_t size;
  snprintf(path, sizeof path, "%s/%s/model.onnx", FIXTURES, onnx);
  char *bytes = read_whole(path, &size);
  if (!bytes) return false;
  put_file("model.onnx", bytes, size);
  put_file("model.onnx.data", "", 0);
  free(bytes);
  return !truncate("model.onnx.data", (off_t)3 << 30);
}

static void same(const char *zoo, const char *onnx) {
  TEST(onnx);
  Context *c = context_new();
  Graph *a = optimized(c, zoo), *b = optimized(c, "model.onnx");
  CHECK(a && b);
  if (a && b) {
    const char *x = graph_print_anonymous(a, c->arena, false), *y = graph_print_anonymous(b, c->arena, false);
    CHECK(x && y && !strcmp(x, y));
  }
  print_errors(c);
  graph_free(a);
  graph_free(b);
  context_free(c);
}

int main(void) {
  static const char *const rows[][2] = {
      {"zoo:convnext_tiny", "full/convnext_tiny.dynamo20"},
      {"zoo:convnext_tiny", "full/convnext_tiny.ts13"},
      {"zoo:convnext_tiny", "full/convnext_tiny.ts17"},
      {"zoo:convnext_atto", "full/convnext_atto.dynamo20"},
      {"zoo:convnext_base", "full/convnext_base.dynamo20"},
      {"zoo:convnext_xlarge", "full/convnext_xlarge.dynamo20"},
      {"zoo:convnextv2_atto", "full/convnextv2_atto.dynamo20"},
      {"zoo:convnextv2_atto", "full/convnextv2_atto.ts17"},
      {"zoo:convnextv2_tiny", "full/convnextv2_tiny.dynamo20"},
      {"zoo:convnextv2_huge", "full/convnextv2_huge.dynamo20"},
  };
  open_folder();
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    if (!copy_export(rows[i][1])) {
      close_folder();
      return SKIP("no fixtures beside the checkout");
    }
    same(rows[i][0], rows[i][1]);
  }
  close_folder();
  return test_result();
}
