/* Exported models and ONNX's own node tests: what imports agrees with the stored outputs. */
#include "tests/test.h"
#include "tests/onnx_builder.h"
#include <dirent.h>
#include <math.h>

#define FIXTURES SOURCE_DIR "/../shared/fixtures"

typedef struct {
  int folders, imported, agreed;
} Tally;

/* |got - want| <= atol + rtol |want| everywhere. */
static bool agrees(const Tensor *got, const Tensor *want, double rtol, double atol) {
  if (!type_equal(&got->type, &want->type)) return false;
  for (int64_t i = 0; i < type_elements(&want->type); i++) {
    double g = got->f ? got->f[i] : (double)got->i[i], w = want->f ? want->f[i] : (double)want->i[i];
    if (g != w && !(isnan(g) && isnan(w)) && !(fabs(g - w) <= atol + rtol * fabs(w))) return false;
  }
  return true;
}

static bool read_tensor(Context *c, Arena *a, const char *folder, const char *kind, size_t i, Tensor *out) {
  TensorView v;
  const char *path = arena_printf(a, "%s/test_data_set_0/%s_%zu.pb", folder, kind, i);
  if (!read_tensor_pb(c, a, path, &v)) return false;
  *out = tensor_new(&v.type);
  tensor_load(out, v.data);
  return true;
}

/* Runs a graph on the folder's inputs and compares all its outputs. */
static bool run(Context *c, Graph *g, const char *folder, double rtol, double atol) {
  enum { MOST = 16 };
  Arena *a = arena_new();
  Tensor in[MOST] = {0}, out[MOST] = {0}, want = {0};
  size_t inputs = (size_t)count_ops(g, OP_input), outputs = (size_t)count_ops(g, OP_output);
  bool ok = inputs <= MOST && outputs <= MOST;
  for (size_t i = 0; i < inputs && ok; i++) ok = read_tensor(c, a, folder, "input", i, &in[i]);
  ok = ok && eval_graph(g, in, inputs, out, outputs, NULL, NULL);
  for (size_t i = 0; i < outputs && ok; i++) {
    ok = read_tensor(c, a, folder, "output", i, &want) && agrees(&out[i], &want, rtol, atol);
    tensor_free(&want);
  }
  for (size_t i = 0; i < MOST; i++) tensor_free(&in[i]), tensor_free(&out[i]);
  arena_free(a);
  return ok;
}

static void run_folder(const char *folder, double rtol, double atol, Tally *t) {
  Context *c = context_new();
  Graph *g = load_onnx(c, arena_printf(c->arena, "%s/model.onnx", folder), NULL, 0);
  t->folders++;
  CHECK(g || c->errors);
  if (g) {
    t->imported++;
    bool ok = graph_verify(g) && run(c, g, folder, rtol, atol);
    CHECK(ok);
    t->agreed += ok;
    if (!ok) printf("%s disagrees\n%s", folder, diag_text(c));
  }
  graph_free(g);
  context_free(c);
}

static Tally run_group(const char *group, double rtol, double atol) {
  Tally t = {0};
  Arena *a = arena_new();
  const char *path = arena_printf(a, "%s/%s", FIXTURES, group);
  DIR *d = opendir(path);
  TEST(group);
  for (struct dirent *e; d && (e = readdir(d));) {
    const char *folder = arena_printf(a, "%s/%s", path, e->d_name);
    if (e->d_name[0] != '.' && !access(arena_printf(a, "%s/model.onnx", folder), R_OK))
      run_folder(folder, rtol, atol, &t);
  }
  if (d) closedir(d);
  arena_free(a);
  printf("%s: %d of %d import, %d agree\n", group, t.imported, t.folders, t.agreed);
  return t;
}

int main(void) {
  if (access(FIXTURES "/onnx", R_OK)) return SKIP("no fixtures");
  Tally exports = run_group("onnx", 1e-4, 1e-5), trained = run_group("trained", 1e-4, 1e-5);
  CHECK(exports.folders && exports.agreed == exports.folders);
  CHECK(trained.agreed == trained.folders);
  Tally path = run_group("modernize", 1e-4, 1e-5);
  CHECK(path.agreed == path.folders);
  run_group("systems", 1e-4, 1e-5);
  /* Not imported: operators without a row, and shapes that the tests pass as data. */
  Tally nodes = run_group("onnx_node", 1e-3, 1e-6);
  CHECK(nodes.agreed >= 300);
  return test_result();
}
