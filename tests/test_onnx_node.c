/* ONNX's backend node tests against tests/onnx_node.txt, which says of each what becomes of it:
 *   NAME pass            as it is
 *   NAME pinned          its inputs but the first are made initializers: shapes, axes and the like, which nextc wants
 *                        to know when it compiles
 *   NAME all-pinned      so are all of its inputs
 *   NAME refused TEXT    a diagnostic with this text
 *   NAME differs TEXT    a wrong result, with the reason
 * A case that the list does not have, or that does otherwise, fails. One run of nextc verify does all of them, with the
 * evaluator; with the argument c, in emitted C. */
#include "frontend/frontend.h"
#include "tests/command.h"
#include "tests/fixtures.h"
#include "tests/test.h"
#include <onnx/onnx.pb-c.h>

typedef struct {
  char *name, *how, *text;
} Row;

enum { MAX_ROWS = 1024 };
static Row rows[MAX_ROWS];
static int row_count, folder_count;
static FILE *folders; /* arguments for nextc verify */

static void read_list(char *text) {
  for (char *line = strtok(text, "\n"); line && row_count < MAX_ROWS; line = strtok(NULL, "\n")) {
    if (*line == '#') continue;
    Row r = {.name = line, .how = strchr(line, ' ')};
    if (!r.how) continue;
    *r.how++ = 0;
    r.text = strchr(r.how, ' ');
    if (r.text) *r.text++ = 0;
    rows[row_count++] = r;
  }
}

static const Row *find_row(const char *name) {
  for (int i = 0; i < row_count; i++)
    if (!strcmp(rows[i].name, name)) return &rows[i];
  return NULL;
}

static void copy_data(const char *folder, const char *name, const char *kind, int from, int to) {
  char path[1400], copy[1400];
  size_t size;
  snprintf(path, sizeof path, "%s/test_data_set_0/%s_%d.pb", folder, kind, from);
  if (!file_exists(path)) return;
  snprintf(copy, sizeof copy, "%s/test_data_set_0/%s_%d.pb", name, kind, to);
  char *bytes = get_file(path, &size);
  put_file(copy, bytes, size);
  free(bytes);
}

/* The model with its inputs from `first` on as initializers. */
static void pin_inputs(const char *folder, const char *name, size_t first) {
  char path[1400];
  size_t size;
  snprintf(path, sizeof path, "%s/model.onnx", folder);
  char *bytes = get_file(path, &size);
  Onnx__ModelProto *m = onnx__model_proto__unpack(NULL, size, (uint8_t *)bytes);
  free(bytes);
  CHECK(m != NULL);
  if (!m) return;
  Onnx__TensorProto *pinned[16];
  size_t count = m->graph->n_input, inputs = m->graph->n_input;
  Onnx__TensorProto **own = m->graph->initializer;
  size_t own_count = m->graph->n_initializer, pins = 0;
  Onnx__TensorProto *all[256];
  for (size_t i = 0; i < own_count && i < 200; i++) all[i] = own[i];
  for (size_t i = first; i < count && pins < 16; i++) {
    snprintf(path, sizeof path, "%s/test_data_set_0/input_%zu.pb", folder, i);
    bytes = get_file(path, &size);
    Onnx__TensorProto *t = onnx__tensor_proto__unpack(NULL, size, (uint8_t *)bytes);
    free(bytes);
    CHECK(t != NULL);
    if (!t) continue;
    free(t->name == protobuf_c_empty_string ? NULL : t->name);
    t->name = strdup(m->graph->input[i]->name);
    all[own_count + pins] = pinned[pins] = t;
    pins++;
  }
  m->graph->initializer = all;
  m->graph->n_initializer = own_count + pins;
  m->graph->n_input = first;
  uint8_t *packed = malloc(onnx__model_proto__get_packed_size(m));
  size = onnx__model_proto__pack(m, packed);
  snprintf(path, sizeof path, "%s/model.onnx", name);
  put_file(path, packed, size);
  free(packed);
  m->graph->initializer = own;
  m->graph->n_initializer = own_count;
  m->graph->n_input = inputs;
  onnx__model_proto__free_unpacked(m, NULL);
  for (size_t i = 0; i < pins; i++) onnx__tensor_proto__free_unpacked(pinned[i], NULL);
}

static void add_pinned(const char *folder, const char *name, size_t first) {
  char path[512];
  snprintf(path, sizeof path, "mkdir -p '%s/test_data_set_0'", name);
  CHECK(system(path) == 0);
  pin_inputs(folder, name, first);
  if (first) copy_data(folder, name, "input", 0, 0);
  for (int i = 0; i < 8; i++) copy_data(folder, name, "output", i, i);
  fprintf(folders, "%s\n", name);
}

static void add_case(const char *folder, const char *name) {
  const Row *r = find_row(name);
  CHECK(r != NULL);
  if (!r) printf("%s is not in tests/onnx_node.txt\n", name);
  folder_count++;
  if (r && !strcmp(r->how, "pinned"))
    add_pinned(folder, name, 1);
  else if (r && !strcmp(r->how, "all-pinned"))
    add_pinned(folder, name, 0);
  else
    fprintf(folders, "%s\n", folder);
}

/* One case's part of the report: its line, then lines about it. False: another line. */
static bool check_case(char *line, const char *rest, bool is_c) {
  char *end = strchr(line, ' ');
  if (!end) return false;
  *end = 0;
  const Row *r = find_row(line);
  *end = ' ';
  if (!r) return false;
  TEST(r->name);
  bool ok = !strcmp(line + strlen(line) - 2, "ok");
  if (!strcmp(r->how, "refused")) {
    char first[1024];
    snprintf(first, sizeof first, "%.*s", (int)strcspn(rest, "\n"), rest);
    CHECK(!ok && r->text && strstr(first, r->text) != NULL);
    if (ok || !strstr(first, r->text)) printf("%s: %s\n", r->name, ok ? "passes now" : first);
  } else if (!strcmp(r->how, "differs")) {
    CHECK(is_c || !ok);
  } else {
    CHECK(ok);
    if (!ok) printf("%s\n%.*s\n", line, (int)strcspn(rest, "\n"), rest);
  }
  return true;
}

int main(int argc, char **argv) {
  bool is_c = argc > 1 && !strcmp(argv[1], "c");
  char *list = get_file(SOURCE_DIR "/tests/onnx_node.txt", NULL);
  if (access(FIXTURES "/onnx_node", R_OK)) return SKIP("no fixtures");
  TEST("list");
  read_list(list);
  open_folder();
  folders = fopen("folders", "w");
  if (!folders) return 1;
  each_fixture("onnx_node", add_case);
  fclose(folders);
  CHECK(folder_count == row_count);
  Result run = run_shell(
      is_c ? "cc=cc; command -v tcc >/dev/null && cc=tcc\n"
             "xargs '" NEXTC_BINARY "' verify --backends=c --rtol=1e-3 --atol=1e-7 \"--cc=$cc -O0\" <folders 2>&1"
           : "xargs '" NEXTC_BINARY "' verify --backends=eval --rtol=1e-3 --atol=1e-7 <folders 2>&1");
  int seen = 0;
  for (char *line = run.out; *line;) {
    char *next = line + strcspn(line, "\n");
    if (*next) *next++ = 0;
    if (check_case(line, next, is_c)) seen++;
    line = next;
  }
  TEST("all were run");
  CHECK(seen == folder_count);
  result_free(&run);
  close_folder();
  free(list);
  return test_result();
}
