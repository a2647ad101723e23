/* Runs the cases of the .nir files in tests/nir. A file holds cases; each begins with "// CASE: name" and has
 *   // RUN: pass, pass        passes of the pipeline, run in this order (strict-fp: without REASSOC rewrites; limit=N:
 *                             no more than N rewrites)
 *   // CHECK: text            the printed result has this text, after the text of the CHECK before
 *   // NEXT: text             the same, in the line after that of the CHECK or NEXT before
 *   // NOT: text              the printed result has this text nowhere
 *   // COUNT: n text          so many lines have it
 *   // RULE: name             this rewrite was made
 *   // KEEPS: name            this rewrite was not made: a guard declined, and the case is named after the clause
 *   // DECLINES: name         this clause of a guard (passes/clauses.def) declined, and it alone: were it waived, the
 *                             result would be another
 *   // ERROR: text            the text does not parse, or a pass lacks what it needs; a diagnostic has this text
 * then the text of a graph. Each case is also verified before and after, printed and parsed back, and evaluated before
 * and after on random inputs: a pass test is a differential test. At the end, every rule must have been made in some
 * case, every rule with a guard have been declined in another, and every clause have declined in one.
 * `test_passes clauses` lists, for each case, the clauses that decline there alone. */
#include "ir/graph_edit.h"
#include "passes/facts.h"
#include "passes/passes.h"
#include "passes/rewrite_log.h"
#include "passes/rules.h"
#include "tests/pass_kit.h"
#include <dirent.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

typedef enum {
  CHECK_TEXT,
  CHECK_NEXT,
  CHECK_NOT,
  CHECK_COUNT,
  CHECK_RULE,
  CHECK_KEEPS,
  CHECK_DECLINES,
  CHECK_ERROR
} CheckKind;
static const char *const check_words[] = {"CHECK", "NEXT", "NOT", "COUNT", "RULE", "KEEPS", "DECLINES", "ERROR"};
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
static bool decided[CLAUSE_COUNT]; /* clauses that a DECLINES names */

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
  case CHECK_DECLINES: return true; /* check_clauses */
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

/* all: gets the names of all rewrites, and what was declined. */
static void run_list(Graph *g, const char *names, Clause waived, RewriteLog *all) {
  char list[256];
  PassOptions options = {0};
  RewriteLog log = {.limit = -1, .waived = waived};
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
  CHECK(!log.silent);
  if (log.silent) printf("%s declined without a clause\n", log.silent);
  memcpy(all->declined, log.declined, sizeof log.declined);
}

/* Does the case end otherwise when the clause is taken to hold? In a process of its own: without its guard a rewrite
 * may well break the graph, which nextc takes for a bug and dies of. */
static bool clause_decides(const Case *k, const Graph *before, Clause clause, const char *printed) {
  fflush(NULL);
  pid_t child = fork();
  if (child < 0) return false;
  if (!child) {
    if (!freopen("/dev/null", "w", stderr) || !freopen("/dev/null", "w", stdout)) _exit(0);
    alarm(20);
    Graph *g = graph_clone(before);
    RewriteLog all = {0};
    run_list(g, k->run, clause, &all);
    _exit(strcmp(graph_print(g, g->arena, "."), printed) != 0);
  }
  int status = 0;
  return waitpid(child, &status, 0) == child && status != 0;
}

static Clause clause_from_name(const char *name) {
  for (int c = 1; c < CLAUSE_COUNT; c++)
    if (!strcmp(clause_names[c], name)) return (Clause)c;
  return IF_none;
}

static void check_clauses(const Case *k, const Graph *before, const RewriteLog *all, const char *printed) {
  for (int i = 0; i < k->check_count; i++) {
    if (k->checks[i].kind != CHECK_DECLINES) continue;
    Clause clause = clause_from_name(k->checks[i].text);
    CHECK(clause != IF_none);
    bool declines = all->declined[clause] > 0, decides = clause_decides(k, before, clause, printed);
    CHECK(declines && decides);
    if (!declines || !decides) printf("DECLINES: %s: %s\n", k->checks[i].text, declines ? "not alone" : "does not");
    decided[clause] = true;
  }
}

static void list_clauses(const Case *k, const Graph *before, const RewriteLog *all, const char *printed) {
  for (int c = 1; c < CLAUSE_COUNT; c++)
    if (all->declined[c] && clause_decides(k, before, (Clause)c, printed)) printf("%s: %s\n", k->name, clause_names[c]);
}

static void check_error(const Context *c, const char *wanted) {
  bool found = false;
  for (size_t i = 0; i < c->count; i++) found = found || strstr(c->list[i].text, wanted);
  CHECK(found);
  if (!found) printf("no error '%s'\n", wanted);
}

static void run_case(const Case *k, bool list) {
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
    run_list(g, k->run, IF_none, &all);
    char *printed = graph_print(g, c->arena, ".");
    if (!error) check_text(k, printed, &all);
    if (list) list_clauses(k, before, &all, printed);
    check_clauses(k, before, &all, printed);
    kit_round_trip(c, printed);
    CHECK(kit_compare(before, g) <= 2e-6); /* literals such as sqrt(2) come rounded to f32 */
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

static int run_file(const char *path, bool list) {
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
    run_case(&k, list);
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

static void every_clause_has_a_case(void) {
  TEST("every_clause_has_a_case");
  for (int c = 1; c < CLAUSE_COUNT; c++) {
    CHECK(decided[c]);
    if (!decided[c]) printf("no case DECLINES: %s\n", clause_names[c]);
  }
}

int main(int argc, char **argv) {
  bool list = argc > 1 && !strcmp(argv[1], "clauses");
  struct dirent **files;
  int count = scandir(SOURCE_DIR "/tests/nir", &files, is_nir, alphasort), cases = 0;
  for (int i = 0; i < count; i++) {
    char path[1024];
    snprintf(path, sizeof path, SOURCE_DIR "/tests/nir/%s", files[i]->d_name);
    cases += run_file(path, list);
    free(files[i]);
  }
  if (count >= 0) free(files);
  printf("%d cases\n", cases);
  CHECK(cases > 0);
  every_rule_has_cases();
  every_clause_has_a_case();
  for (int i = 0; i < made.count; i++) free(made.names[i]);
  for (int i = 0; i < kept.count; i++) free(kept.names[i]);
  return test_result();
}
