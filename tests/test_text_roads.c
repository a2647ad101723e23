/* What is compiled from the text is what would have been compiled without it: for every fixture and every pass boundary
 * the .c and the .weights made through the printed text equal, byte for byte, those made directly. Deleting every @{}
 * changes nothing either, since grouping and placing are decided anew. */
#include "backend/compile.h"
#include "frontend/frontend.h"
#include "passes/passes.h"
#include "tests/fixtures.h"
#include "tests/test.h"
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/nextc-roads-XXXXXX";

static int compile_to(Context *c, Graph *g, const char *stem) {
  char out[256];
  snprintf(out, sizeof out, "%s/%s/m.c", folder, stem);
  CompileOptions options = {.name = "m", .out = out, .mode_given = true, .mode = WEIGHTS_FILE};
  return compile_graph(c, g, &options);
}

static void print_diagnostics(const Context *c) {
  for (size_t i = 0; i < c->count; i++)
    if (c->list[i].severity == DIAG_ERROR) printf("%s\n", c->list[i].text);
}

static int files_agree(void) {
  char a[256], b[256];
  int same = 1;
  for (int i = 0; i < 2; i++) {
    snprintf(a, sizeof a, "%s/direct/m.%s", folder, i ? "weights" : "c");
    snprintf(b, sizeof b, "%s/text/m.%s", folder, i ? "weights" : "c");
    same = same && same_files(a, b);
  }
  return same;
}

/* Removes every " @{...}" of a printed graph. */
static void delete_schedules(char *text) {
  char *to = text;
  for (const char *from = text; *from;) {
    if (strncmp(from, " @{", 3)) {
      *to++ = *from++;
      continue;
    }
    from = strchr(from, '}') + 1;
  }
  *to = 0;
}

/* Compiles the text printed after `pass` (NULL: after import) and compares with the direct way. */
static void through_text(const char *model, const char *pass, int without_schedule) {
  Context *c = context_new();
  PassOptions options = {0};
  Graph *g = load_model(c, model, NULL, 0);
  CHECK(g && (!pass || run_pipeline(g, &options, pass, NULL, NULL)));
  char *text = g ? graph_print(g, c->arena, folder) : NULL;
  graph_free(g);
  if (text && without_schedule) delete_schedules(text);
  char file[256];
  snprintf(file, sizeof file, "%s/model.nir", folder);
  Graph *again = text ? graph_parse(c, file, text, strlen(text), open_source) : NULL;
  CHECK(again != NULL);
  if (again) {
    char *printed = graph_print(again, c->arena, folder);
    CHECK(!strcmp(printed, text));
    CHECK(compile_to(c, again, "text"));
    CHECK(files_agree());
  }
  print_diagnostics(c);
  graph_free(again);
  context_free(c);
}

static void visit(const char *path, const char *name) {
  static char label[512];
  char model[2048];
  snprintf(model, sizeof model, "%s/model.onnx", path);
  snprintf(label, sizeof label, "%s direct", name);
  TEST(label);
  Context *c = context_new();
  Graph *g = load_model(c, model, NULL, 0);
  CHECK(g && compile_to(c, g, "direct"));
  print_diagnostics(c);
  graph_free(g);
  context_free(c);
  for (int i = -1; i < pipeline_length; i++) {
    snprintf(label, sizeof label, "%s after %s", name, i < 0 ? "import" : pipeline[i].name);
    through_text(model, i < 0 ? NULL : pipeline[i].name, 0);
  }
  snprintf(label, sizeof label, "%s without @{}", name);
  through_text(model, pipeline[pipeline_length - 1].name, 1);
}

int main(void) {
  if (!mkdtemp(folder)) return SKIP("no folder for temporary files");
  char made[300];
  for (int i = 0; i < 2; i++) {
    snprintf(made, sizeof made, "%s/%s", folder, i ? "text" : "direct");
    mkdir(made, 0777);
  }
  int n = each_fixture("onnx", visit) + each_fixture("trained", visit);
  char remove[300];
  snprintf(remove, sizeof remove, "rm -r %s", folder);
  if (system(remove)) printf("%s is left\n", folder);
  if (!n) return SKIP("no fixtures in " FIXTURES);
  printf("%d models\n", n);
  return test_result();
}
