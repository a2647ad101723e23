/* One program for one network: exports of one network with the same weights end in the same anonymous text, byte for
 * byte, hashes of their weights included. The full-size exports come without weights; theirs are taken for zeros here,
 * and the texts compared without hashes. */
#include "frontend/frontend.h"
#include "passes/passes.h"
#include "tests/command.h"
#include "tests/fixtures.h"
#include "tests/test.h"

enum { MAX_EXPORTS = 8 };

static const struct {
  const char *group; /* under the fixtures; cases whose names begin with it */
  int exports;       /* how many there are */
} networks[] = {
    {"onnx/timm_v1_linear_", 5},  {"onnx/timm_v1_convmlp_", 3}, {"onnx/timm_v1_dynbatch_", 2},
    {"onnx/timm_v2_linear_", 3},  {"onnx/timm_v2_convmlp_", 3}, {"onnx/axis1_v1_", 3},
    {"onnx/axis1_v2_", 3},        {"onnx/torchvision_v1_", 2},  {"full/convnext_tiny.", 3},
    {"full/convnextv2_atto.", 2},
};

/* A full-size model's folder gets a file of zeros for its weights; returns the model's path there. */
static const char *with_zeros(const char *folder, const char *name) {
  static char path[512];
  char command[4096];
  snprintf(command, sizeof command,
           "mkdir -p '%s' && cp '%s/model.onnx' '%s/' && "
           "truncate -s $(sed 's/^{\"bytes\": \\([0-9]*\\),.*/\\1/' '%s/model.onnx.data.json') '%s/model.onnx.data'",
           name, folder, name, folder, name);
  CHECK(!system(command));
  snprintf(path, sizeof path, "%s/model.onnx", name);
  return path;
}

/* To be freed; NULL: not loaded. */
static char *anonymous_text(const char *folder, const char *name) {
  char path[2048];
  snprintf(path, sizeof path, "%s/model.onnx", folder);
  bool full = strstr(folder, "/full/") != NULL;
  Context *c = context_new();
  PassOptions options = {0};
  Graph *g = load_model(c, full ? with_zeros(folder, name) : path, NULL, 0);
  char *text = NULL;
  CHECK(g != NULL);
  if (g && run_pipeline(g, &options, NULL, NULL, NULL)) {
    text = graph_print_anonymous(g, g->arena, !full);
    if (text) text = strdup(text);
  }
  for (size_t i = 0; i < c->count; i++) printf("%s\n", c->list[i].text);
  graph_free(g);
  context_free(c);
  return text;
}

static struct {
  char *prefix, *texts[MAX_EXPORTS];
  char names[MAX_EXPORTS][256];
  int count;
} found;

static void visit(const char *folder, const char *name) {
  if (strncmp(name, found.prefix, strlen(found.prefix)) || found.count == MAX_EXPORTS) return;
  snprintf(found.names[found.count], sizeof found.names[0], "%s", name);
  found.texts[found.count++] = anonymous_text(folder, name);
}

/* The first line in which two texts differ. */
static void show_difference(const char *a, const char *b) {
  while (*a && *b) {
    size_t n = strcspn(a, "\n"), m = strcspn(b, "\n");
    if (n != m || memcmp(a, b, n)) break;
    a += n + (a[n] == '\n');
    b += m + (b[m] == '\n');
  }
  printf("  %.*s\n  %.*s\n", (int)strcspn(a, "\n"), a, (int)strcspn(b, "\n"), b);
}

static void same_program(const char *group, int exports) {
  char folder[16];
  TEST(group);
  snprintf(folder, sizeof folder, "%.*s", (int)strcspn(group, "/"), group);
  found.prefix = strchr(group, '/') + 1;
  found.count = 0;
  each_fixture(folder, visit);
  CHECK(found.count == exports);
  for (int i = 0; i < found.count; i++) {
    bool same = found.texts[0] && found.texts[i] && !strcmp(found.texts[0], found.texts[i]);
    CHECK(same);
    if (found.texts[0] && found.texts[i] && !same) {
      printf("%s and %s differ:\n", found.names[0], found.names[i]);
      show_difference(found.texts[0], found.texts[i]);
    }
  }
  for (int i = 0; i < found.count; i++) free(found.texts[i]);
}

/* "name": number in a JSON object that begins at `key`; 0: not in it. */
static long json_count(const char *text, const char *key, const char *name) {
  char quoted[64], object[2048];
  const char *at = strstr(text, key);
  snprintf(object, sizeof object, "%.*s", at ? (int)strcspn(at, "}") : 0, at ? at : "");
  snprintf(quoted, sizeof quoted, "\"%s\": ", name);
  const char *entry = strstr(object, quoted);
  return entry ? strtol(entry + strlen(quoted), NULL, 10) : 0;
}

/* What a ConvNeXt-T must end with. The ms of all passes are printed beside what is asked for: for the reader, since a
 * busy machine must not fail a test. */
static void ends_with(const char *name, double asked_ms, const char *const *kernels, const long *counts, long gemms) {
  char arguments[640], folder[1024];
  TEST(name);
  snprintf(folder, sizeof folder, FIXTURES "/full/%s", name);
  snprintf(arguments, sizeof arguments, "opt '%s' --stats=json", with_zeros(folder, name));
  Result r = run_nextc(arguments);
  CHECK(r.status == 0);
  for (int i = 0; kernels[i]; i++) CHECK(json_count(r.out, "\"kernels\": {", kernels[i]) == counts[i]);
  CHECK(json_count(r.out, "\"final\": {", "gemm") == gemms);
  CHECK(json_count(r.out, "\"final\": {", "transpose") == 0);
  double ms = 0;
  for (const char *at = r.out; (at = strstr(at, "\"ms\": ")); at++) ms += strtod(at + 6, NULL);
  printf("%s: %.1f ms in all passes, %.0f asked for\n", name, ms, asked_ms);
  result_free(&r);
}

static void stats_of_convnexts(void) {
  static const char *const kernels[] = {"dwconv_layernorm", "mlp", "downsample", "stem", "head", NULL};
  static const long tiny[] = {18, 18, 3, 1, 1}, huge[] = {36, 36, 3, 1, 1};
  ends_with("convnext_tiny.dynamo20", 50, kernels, tiny, 41);
  ends_with("convnext_tiny.ts13", 50, kernels, tiny, 41);
  ends_with("convnext_tiny.ts17", 50, kernels, tiny, 41);
  ends_with("convnextv2_huge.dynamo20", 200, kernels, huge, 77);
}

int main(void) {
  if (access(FIXTURES "/onnx", R_OK)) return SKIP("no fixtures beside the checkout");
  open_folder();
  for (size_t i = 0; i < sizeof networks / sizeof *networks; i++) same_program(networks[i].group, networks[i].exports);
  stats_of_convnexts();
  close_folder();
  return test_result();
}
