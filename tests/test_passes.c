/* Runs the cases of the .nir files in tests/nir. A file holds cases; each begins with "// CASE: name" and has
 *   // RUN: pass, pass        passes of the pipeline, run in this order (strict-fp: without REASSOC rewrites)
 *   // CHECK: text            the printed result has this text, after the text of the CHECK before
 *   // NOT: text              the printed result has this text nowhere
 * then the text of a graph. Each case is also verified before and after, printed and parsed back, and evaluated before
 * and after on random inputs: a pass test is a differential test. */
#include "ir/eval.h"
#include "ir/graph_edit.h"
#include "passes/passes.h"
#include "tests/test.h"
#include <dirent.h>
#include <math.h>
#include <stdlib.h>

typedef struct {
  char name[128], run[256];
  const char *checks[32];
  bool negative[32];
  int check_count;
  const char *text;
} Case;

static char *read_file(const char *path) {
  FILE *f = fopen(path, "rb");
  if (!f) return NULL;
  char *text = calloc(1, 1 << 20);
  size_t n = fread(text, 1, (1 << 20) - 1, f);
  text[n] = 0;
  fclose(f);
  return text;
}

static double random_number(uint64_t *state) { /* in (-2, 2) */
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return (double)(*state >> 33) / (double)(1u << 30) - 2;
}

/* Runs g on inputs that depend on their number only; batch dims (symbols) are 3. */
static int evaluate(const Graph *g, Tensor *outputs, size_t output_count) {
  Tensor inputs[8] = {0};
  size_t n = 0;
  FOR_EACH_OP(g, id) {
    const Op *op = op_at(g, id);
    if (op->kind != OP_input) continue;
    Type t = *type_of(g, op->first_result);
    for (int i = 0; i < t.rank; i++)
      if (!dim_is_number(t.dim[i])) t.dim[i] = dim_coefficient(t.dim[i]) * 3;
    if (g->batch_symbol >= 0) t.dim[0] = 3;
    if (g->batch > 1) t.dim[0] = g->batch;
    inputs[n] = tensor_new(&t);
    uint64_t state = 42 + n;
    for (int64_t i = 0; i < type_elements(&t); i++) {
      double x = random_number(&state);
      if (inputs[n].f) inputs[n].f[i] = x;
      else inputs[n].i[i] = t.dtype == DT_bool ? x > 0 : (int64_t)(x * 2);
    }
    n++;
  }
  bool good = eval_graph(g, inputs, n, outputs, output_count, NULL, NULL);
  while (n) tensor_free(&inputs[--n]);
  return good;
}

static void compare(const Graph *before, const Graph *after) {
  Tensor a[8] = {0}, b[8] = {0};
  size_t count = 0;
  FOR_EACH_OP(before, id) count += op_at(before, id)->kind == OP_output;
  CHECK(evaluate(before, a, count));
  CHECK(evaluate(after, b, count));
  for (size_t o = 0; o < count; o++) {
    CHECK(type_equal(&a[o].type, &b[o].type));
    int64_t n = a[o].f && b[o].f && type_equal(&a[o].type, &b[o].type) ? type_elements(&a[o].type) : 0;
    double worst = 0;
    for (int64_t i = 0; i < n; i++) {
      double d = fabs(a[o].f[i] - b[o].f[i]) / (1 + fabs(a[o].f[i]));
      if (isnan(a[o].f[i]) || isnan(b[o].f[i])) d = isnan(a[o].f[i]) && isnan(b[o].f[i]) ? 0 : INFINITY;
      if (d > worst) worst = d;
    }
    CHECK(worst <= 2e-6); /* literals such as sqrt(2) come rounded to f32 */
    tensor_free(&a[o]);
    tensor_free(&b[o]);
  }
}

static void check_round_trip(Context *c, const Graph *g, const char *text) {
  Graph *again = graph_parse(c, "again.nir", text, strlen(text), NULL);
  CHECK(again != NULL);
  if (again) CHECK_STR(graph_print(again, c->arena, "."), text);
  (void)g;
  graph_free(again);
}

static void check_text(const Case *k, const char *printed) {
  const char *at = printed;
  for (int i = 0; i < k->check_count; i++) {
    if (k->negative[i]) {
      CHECK(!strstr(printed, k->checks[i]));
      if (strstr(printed, k->checks[i])) printf("unwanted '%s' in\n%s\n", k->checks[i], printed);
      continue;
    }
    CHECK_HAS(at, k->checks[i]);
    if (strstr(at, k->checks[i])) at = strstr(at, k->checks[i]) + strlen(k->checks[i]);
  }
}

static void run_passes(Graph *g, const char *names) {
  char list[256];
  PassOptions options = {0};
  snprintf(list, sizeof list, "%s", names);
  for (char *name = strtok(list, ", "); name; name = strtok(NULL, ", ")) {
    if (!strcmp(name, "strict-fp")) {
      options.strict_fp = true;
      continue;
    }
    int pass = pass_from_name(name);
    CHECK(pass >= 0);
    if (pass < 0) continue;
    pipeline[pass].run(g, &options);
    CHECK(graph_verify(g));
  }
}

static void run_case(const Case *k) {
  static char name[256];
  snprintf(name, sizeof name, "%s", k->name);
  TEST(name);
  Context *c = context_new();
  Graph *g = graph_parse(c, k->name, k->text, strlen(k->text), NULL);
  CHECK(g != NULL);
  if (g) {
    CHECK(graph_verify(g));
    Graph *before = graph_clone(g);
    run_passes(g, k->run);
    char *printed = graph_print(g, c->arena, ".");
    check_text(k, printed);
    check_round_trip(c, g, printed);
    compare(before, g);
    graph_free(before);
  }
  for (size_t i = 0; i < c->count; i++) printf("%s\n", c->list[i].text);
  graph_free(g);
  context_free(c);
}

static int run_file(const char *path) {
  char *text = read_file(path);
  if (!text) return 0;
  int cases = 0;
  for (char *at = strstr(text, "// CASE: "), *next; at; at = next) {
    next = strstr(at + 1, "// CASE: ");
    if (next) next[-1] = 0;
    Case k = {0};
    snprintf(k.name, sizeof k.name, "%.*s", (int)strcspn(at + 9, "\n"), at + 9);
    char *line = at;
    for (; strncmp(line, "nir 1", 5); line = line + strlen(line) + 1) {
      char *end = strchr(line, '\n');
      if (!end) break;
      *end = 0;
      if (!strncmp(line, "// RUN: ", 8)) snprintf(k.run, sizeof k.run, "%s", line + 8);
      bool check = !strncmp(line, "// CHECK: ", 10), negative = !strncmp(line, "// NOT: ", 8);
      if ((check || negative) && k.check_count < 32) {
        k.negative[k.check_count] = negative;
        k.checks[k.check_count++] = line + (check ? 10 : 8);
      }
    }
    k.text = line;
    run_case(&k);
    cases++;
  }
  free(text);
  return cases;
}

int main(void) {
  DIR *d = opendir(SOURCE_DIR "/tests/nir");
  int cases = 0;
  for (struct dirent *e; d && (e = readdir(d));) {
    size_t n = strlen(e->d_name);
    if (n < 5 || strcmp(e->d_name + n - 4, ".nir")) continue;
    char path[1024];
    snprintf(path, sizeof path, SOURCE_DIR "/tests/nir/%s", e->d_name);
    cases += run_file(path);
  }
  if (d) closedir(d);
  printf("%d cases\n", cases);
  CHECK(cases > 0);
  return test_result();
}
