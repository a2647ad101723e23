/* Runs the cases of the .nir files in tests/nir. A file holds cases; each begins with "// CASE: name" and has
 *   // RUN: pass, pass        passes of the pipeline, run in this order (strict-fp: without REASSOC rewrites; limit=N:
 *                             no more than N rewrites)
 *   // CHECK: text            the printed result has this text, after the text of the CHECK before
 *   // NEXT: text             the same, in the line after that of the CHECK or NEXT before
 *   // NOT: text              the printed result has this text nowhere
 *   // COUNT: n text          so many lines have it
 *   // RULE: name             this rewrite was made
 *   // KEEPS: name            this rewrite was not made: a guard declined, and the case is named after the clause
 *   // ERROR: text            the text does not parse, or a pass lacks what it needs; a diagnostic has this text
 * then the text of a graph. Each case is also verified before and after, printed and parsed back, and evaluated before
 * and after on random inputs: a pass test is a differential test. At the end, every rule must have been made in some
 * case and every rule with a guard have been declined in another. */
#include "ir/eval.h"
#include "ir/graph_edit.h"
#include "passes/facts.h"
#include "passes/passes.h"
#include "passes/rewrite_log.h"
#include "passes/rules.h"
#include "tests/test.h"
#include <dirent.h>
#include <math.h>
#include <stdlib.h>

typedef enum { CHECK_TEXT, CHECK_NEXT, CHECK_NOT, CHECK_COUNT, CHECK_RULE, CHECK_KEEPS, CHECK_ERROR } CheckKind;
static const char *const check_words[] = {"CHECK", "NEXT", "NOT", "COUNT", "RULE", "KEEPS", "ERROR"};
enum { CHECK_KINDS = sizeof check_words / sizeof *check_words, MAX_CHECKS = 32, MAX_NAMES = 512 };

typedef struct {
  char name[128], run[256];
  struct {
    CheckKind kind;
    const char *text;
  } checks[MAX_CHECKS];
  int check_count;
  const char *text;
} Case;

/* Rules that were made, and that a KEEPS names. */
typedef struct {
  char *names[MAX_NAMES];
  int count;
} Names;
static Names made, kept;

static bool has_name(const Names *n, const char *name) {
  for (int i = 0; i < n->count; i++)
    if (!strcmp(n->names[i], name)) return true;
  return false;
}

static void add_name(Names *n, const char *name) {
  if (!has_name(n, name) && n->count < MAX_NAMES) n->names[n->count++] = strdup(name);
}

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
      if (inputs[n].f)
        inputs[n].f[i] = x;
      else
        inputs[n].i[i] = t.dtype == DT_bool ? x > 0 : (int64_t)(x * 2);
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

static int count_lines(const char *text, const char *part) {
  int count = 0;
  for (const char *at = strstr(text, part); at; at = strstr(at + strcspn(at, "\n"), part)) count++;
  return count;
}

static bool rule_made(const RewriteLog *all, const char *rule) {
  for (int i = 0; i < all->rule_count; i++)
    if (!strcmp(all->rules[i].name, rule)) return true;
  return false;
}

/* One line of a case; *at is where the CHECK before ended. Prints what it looked for where it fails. */
static bool check_holds(CheckKind kind, const char *text, const char *printed, const char **at, const RewriteLog *all) {
  char *rest = NULL;
  const char *found, *line_end;
  switch (kind) {
  case CHECK_TEXT:
    found = strstr(*at, text);
    *at = found ? found + strlen(text) : *at;
    return found != NULL;
  case CHECK_NEXT:
    *at += strcspn(*at, "\n");
    *at += **at == '\n';
    found = strstr(*at, text), line_end = *at + strcspn(*at, "\n");
    return found && found < line_end;
  case CHECK_NOT: return !strstr(printed, text);
  case CHECK_COUNT: {
    long want = strtol(text, &rest, 10);
    return count_lines(printed, rest + (*rest == ' ')) == want;
  }
  case CHECK_RULE: return rule_made(all, text);
  case CHECK_KEEPS: add_name(&kept, text); return !rule_made(all, text);
  case CHECK_ERROR: return false;
  }
  return false;
}

static void check_text(const Case *k, const char *printed, const RewriteLog *all) {
  const char *at = printed;
  for (int i = 0; i < k->check_count; i++) {
    bool holds = check_holds(k->checks[i].kind, k->checks[i].text, printed, &at, all);
    CHECK(holds);
    if (!holds) printf("%s: %s: fails in\n%s\n", check_words[k->checks[i].kind], k->checks[i].text, printed);
  }
}

static const char *expected_error(const Case *k) {
  for (int i = 0; i < k->check_count; i++)
    if (k->checks[i].kind == CHECK_ERROR) return k->checks[i].text;
  return NULL;
}

static void run_pass(Graph *g, const PassInfo *pass, const PassOptions *options, RewriteLog *all) {
  if (!facts_hold(g, pass->needs, pass->name)) return;
  rewrite_log_clear(g->log);
  pass->run(g, options);
  for (int i = 0; i < g->log->rule_count; i++) {
    add_name(&made, g->log->rules[i].name);
    all->rules[all->rule_count++].name = g->log->rules[i].name;
  }
  CHECK(graph_verify(g));
}

/* all: gets the names of all rewrites. */
static void run_list(Graph *g, const char *names, RewriteLog *all) {
  char list[256];
  PassOptions options = {0};
  RewriteLog log = {.limit = -1};
  g->log = &log;
  snprintf(list, sizeof list, "%s", names);
  for (char *name = strtok(list, ", "); name; name = strtok(NULL, ", ")) {
    int pass = pass_from_name(name);
    if (!strcmp(name, "strict-fp"))
      options.strict_fp = true;
    else if (!strncmp(name, "limit=", 6))
      log.limit = atoi(name + 6);
    else if (pass >= 0)
      run_pass(g, &pipeline[pass], &options, all);
    else
      CHECK_STR(name, "a pass");
  }
  g->log = NULL;
}

static void check_error(const Context *c, const char *wanted) {
  bool found = false;
  for (size_t i = 0; i < c->count; i++) found = found || strstr(c->list[i].text, wanted);
  CHECK(found);
  if (!found) printf("no error '%s'\n", wanted);
}

static void run_case(const Case *k) {
  static char name[256];
  snprintf(name, sizeof name, "%s", k->name);
  TEST(name);
  Context *c = context_new();
  const char *error = expected_error(k);
  Graph *g = graph_parse(c, k->name, k->text, strlen(k->text), NULL);
  CHECK(error || g);
  RewriteLog all = {0};
  if (g) {
    CHECK(graph_verify(g));
    Graph *before = graph_clone(g);
    run_list(g, k->run, &all);
    char *printed = graph_print(g, c->arena, ".");
    if (!error) check_text(k, printed, &all);
    check_round_trip(c, g, printed);
    compare(before, g);
    graph_free(before);
  }
  if (error) check_error(c, error);
  for (size_t i = 0; !error && i < c->count; i++) printf("%s\n", c->list[i].text);
  graph_free(g);
  context_free(c);
}

/* A line "// WORD: text" of a case's head. */
static void read_line(Case *k, char *line) {
  if (!strncmp(line, "// RUN: ", 8)) snprintf(k->run, sizeof k->run, "%s", line + 8);
  for (int i = 0; i < CHECK_KINDS; i++) {
    size_t n = strlen(check_words[i]);
    if (strncmp(line, "// ", 3) || strncmp(line + 3, check_words[i], n) || strncmp(line + 3 + n, ": ", 2)) continue;
    CHECK(k->check_count < MAX_CHECKS);
    if (k->check_count == MAX_CHECKS) return;
    k->checks[k->check_count].kind = (CheckKind)i;
    k->checks[k->check_count++].text = line + 5 + n;
  }
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
      read_line(&k, line);
    }
    k.text = line;
    run_case(&k);
    cases++;
  }
  free(text);
  return cases;
}

static int is_nir(const struct dirent *e) {
  size_t n = strlen(e->d_name);
  return n > 4 && !strcmp(e->d_name + n - 4, ".nir");
}

static void every_rule_has_cases(void) {
#define ROW(set, doc) &set,
  static const RuleSet *const sets[] = {EACH_RULE_SET(ROW)};
#undef ROW
  TEST("every_rule_has_cases");
  for (size_t s = 0; s < sizeof sets / sizeof *sets; s++)
    for (int r = 0; r < sets[s]->count; r++) {
      const Rule *rule = &sets[s]->rules[r];
      CHECK(has_name(&made, rule->name));
      CHECK(!rule->guard || has_name(&kept, rule->name));
      if (!has_name(&made, rule->name)) printf("no case makes %s\n", rule->name);
      if (rule->guard && !has_name(&kept, rule->name)) printf("no case KEEPS from %s\n", rule->name);
    }
}

int main(void) {
  struct dirent **files;
  int count = scandir(SOURCE_DIR "/tests/nir", &files, is_nir, alphasort), cases = 0;
  for (int i = 0; i < count; i++) {
    char path[1024];
    snprintf(path, sizeof path, SOURCE_DIR "/tests/nir/%s", files[i]->d_name);
    cases += run_file(path);
    free(files[i]);
  }
  if (count >= 0) free(files);
  printf("%d cases\n", cases);
  CHECK(cases > 0);
  every_rule_has_cases();
  for (int i = 0; i < made.count; i++) free(made.names[i]);
  for (int i = 0; i < kept.count; i++) free(kept.names[i]);
  return test_result();
}
