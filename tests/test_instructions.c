/* A gate against kernels that get slower, which no busy machine can trip: valgrind counts the instructions of each
 * family of kernels on the v3 path, and they must not exceed those of tests/instructions/counts.txt by more than 2 %.
 *
 *   test_instructions            compares; what is fewer by more than 2 % is told, as a reason to renew the file
 *   test_instructions --renew    measures and writes the file; compilers that are not here keep their lines
 *
 * Counts belong to a compiler and its major version; others are left out. A change that costs instructions on purpose
 * (and wins elsewhere) renews the file and says in its message what it wins. */
#include "tests/command.h"
#include "tests/test.h"
#include <ctype.h>

#define COUNTS SOURCE_DIR "/tests/instructions/counts.txt"
enum { MOST_ROWS = 400, MOST_FUNCTIONS = 8192 };

typedef struct {
  char compiler[24], model[24], family[40];
  long long count;
} Row;

typedef struct {
  Row row[MOST_ROWS];
  int count;
} Table;

static Row *find_row(Table *t, const char *compiler, const char *model, const char *family) {
  for (int i = 0; i < t->count; i++) {
    Row *r = &t->row[i];
    if (!strcmp(r->compiler, compiler) && !strcmp(r->model, model) && !strcmp(r->family, family)) return r;
  }
  return NULL;
}

static void add_count(Table *t, const char *compiler, const char *model, const char *family, long long count) {
  Row *r = find_row(t, compiler, model, family);
  if (!r && t->count < MOST_ROWS) {
    r = &t->row[t->count++];
    memset(r, 0, sizeof *r);
    snprintf(r->compiler, sizeof r->compiler, "%s", compiler);
    snprintf(r->model, sizeof r->model, "%s", model);
    snprintf(r->family, sizeof r->family, "%s", family);
  }
  if (r) r->count += count;
}

static Table *read_table(void) {
  Table *t = calloc(1, sizeof *t);
  FILE *f = fopen(COUNTS, "r");
  char line[256];
  Row r;
  if (!t) exit(1);
  while (f && fgets(line, sizeof line, f))
    if (sscanf(line, "%23s %23s %39s %lld", r.compiler, r.model, r.family, &r.count) == 4 && line[0] != '#')
      add_count(t, r.compiler, r.model, r.family, r.count);
  if (f) fclose(f);
  return t;
}

static int by_name(const void *a, const void *b) {
  const Row *x = a, *y = b;
  int order = strcmp(x->compiler, y->compiler);
  if (!order) order = strcmp(x->model, y->model);
  return order ? order : strcmp(x->family, y->family);
}

static void write_table(Table *t) {
  FILE *f = fopen(COUNTS, "w");
  if (!f) {
    perror(COUNTS);
    exit(1);
  }
  qsort(t->row, (size_t)t->count, sizeof t->row[0], by_name);
  fputs("# Instructions of a run by compiler, model of this folder, family of kernels; v3 path, one thread.\n"
        "# Written by test_instructions --renew.\n",
        f);
  for (int i = 0; i < t->count; i++)
    fprintf(f, "%-9s %-10s %-18s %12lld\n", t->row[i].compiler, t->row[i].model, t->row[i].family, t->row[i].count);
  fclose(f);
}

/* ---- counting ---- */
static const char program[] =
    "#include \"m.h\"\n#include <stdio.h>\n#include <stdlib.h>\n"
    "static void *room(size_t bytes) {\n"
    "  char *p = calloc(1, bytes + 128);\n  if (!p) exit(2);\n  return p + (64 - (size_t)p % 64);\n}\n"
    "int main(void) {\n"
    "  FILE *f = fopen(\"m.weights\", \"rb\");\n  long size; void *weights; m_model model; size_t i; float *x;\n"
    "  if (!f || fseek(f, 0, SEEK_END) || (size = ftell(f)) < 0) return 2;\n"
    "  rewind(f);\n  weights = room((size_t)size);\n"
    "  if (fread(weights, 1, (size_t)size, f) != (size_t)size) return 2;\n"
    "  if (m_load_trusted(&model, weights, (size_t)size)) return 2;\n"
    "  x = room(m_inputs[0].bytes);\n"
    "  for (i = 0; i < m_inputs[0].bytes / sizeof *x; i++) x[i] = (float)(i % 97) / 48 - 1;\n"
    "  return m_run(&model, x, room(m_outputs[0].bytes), room(M_WORKSPACE_BYTES(1))) == M_NO_PATH ? 77 : 0;\n}\n";

/* "m_k3_mlp_v3" -> "mlp"; the rest of the emitted code is "steps". False: not of the emitted code. */
static bool family_of(const char *function, char *family, size_t room) {
  if (strncmp(function, "m_", 2)) return false;
  snprintf(family, room, "steps");
  if (function[2] != 'k' || !isdigit((unsigned char)function[3])) return true;
  const char *start = function + 3 + strspn(function + 3, "0123456789") + 1, *end = strstr(start, "_v3");
  if (end) snprintf(family, room, "%.*s", (int)(end - start), start);
  return true;
}

/* Adds up what the functions of the emitted code did themselves. A line after "calls=" is what the callee did. */
static void read_profile(Table *t, const char *compiler, const char *model) {
  FILE *f = fopen("callgrind.out", "r");
  char line[1024], family[40] = "";
  char(*names)[96] = calloc(MOST_FUNCTIONS, sizeof *names); /* of the numbers in "fn=(12) name", said once */
  bool ours = false, of_callee = false;
  while (f && names && fgets(line, sizeof line, f)) {
    int number, used = 0;
    long long cost;
    if (sscanf(line, "fn=(%d)%n", &number, &used) == 1 && number >= 0 && number < MOST_FUNCTIONS) {
      if (line[used] == ' ') sscanf(line + used, " %95s", names[number]);
      ours = family_of(names[number], family, sizeof family);
    } else if (sscanf(line, "cfn=(%d)%n", &number, &used) == 1 && number >= 0 && number < MOST_FUNCTIONS) {
      if (line[used] == ' ') sscanf(line + used, " %95s", names[number]);
    } else if (!strncmp(line, "calls=", 6)) {
      of_callee = true;
    } else if (isdigit((unsigned char)line[0]) || line[0] == '+' || line[0] == '-' || line[0] == '*') {
      if (ours && !of_callee && sscanf(line, "%*s %lld", &cost) == 1) add_count(t, compiler, model, family, cost);
      of_callee = false;
    }
  }
  if (f) fclose(f);
  free(names);
}

/* False: this machine can't run the path. */
static bool count_model(Table *t, const char *compiler, const char *command, const char *model) {
  char line[1024];
  snprintf(line, sizeof line,
           "compile %s/tests/instructions/%s.yaml --weights-from random:1 --weights=file --target=v3 "
           "--name m -o m.c",
           SOURCE_DIR, model);
  Result r = run_nextc(line);
  CHECK(r.status == 0);
  if (r.status) printf("%s\n", r.err);
  result_free(&r);
  snprintf(line, sizeof line,
           "%s -O2 program.c m.c -lm -o program && valgrind -q --tool=callgrind "
           "--callgrind-out-file=callgrind.out --toggle-collect=m_run ./program",
           command);
  r = run_shell(line);
  const bool runs = r.status != 77;
  CHECK(r.status == 0 || !runs);
  if (r.status && runs) printf("%s: %s%s\n", line, r.out, r.err);
  result_free(&r);
  if (runs) read_profile(t, compiler, model);
  return runs;
}

/* ---- comparing ---- */
static void compare(Table *stored, Table *now) {
  for (int i = 0; i < now->count; i++) {
    const Row *n = &now->row[i];
    const Row *s = find_row(stored, n->compiler, n->model, n->family);
    TEST("no family takes more instructions than are stored");
    CHECK(s && (double)n->count <= 1.02 * (double)s->count + 1000);
    if (!s)
      printf("%s %s %s: %lld, and none are stored (see the head of this test)\n", n->compiler, n->model, n->family,
             n->count);
    else if ((double)n->count > 1.02 * (double)s->count + 1000 || (double)n->count < 0.98 * (double)s->count - 1000)
      printf("%s %s %s: %lld, stored are %lld (%+.1f %%)%s\n", n->compiler, n->model, n->family, n->count, s->count,
             100 * ((double)n->count / (double)s->count - 1), n->count < s->count ? ": better, renew the file" : "");
  }
}

/* "gcc-12", or "" where there is no such compiler. */
static void name_compiler(const char *command, char *name, size_t room) {
  char line[128];
  snprintf(line, sizeof line, "%s -dumpversion", command);
  Result r = run_shell(line);
  snprintf(name, room, "%s-%d", command, atoi(r.out));
  if (r.status) name[0] = 0;
  result_free(&r);
}

static bool has_compiler(const Table *t, const char *compiler) {
  for (int i = 0; i < t->count; i++)
    if (!strcmp(t->row[i].compiler, compiler)) return true;
  return false;
}

static void drop_compiler(Table *t, const char *compiler) {
  int kept = 0;
  for (int i = 0; i < t->count; i++)
    if (strcmp(t->row[i].compiler, compiler)) t->row[kept++] = t->row[i];
  t->count = kept;
}

static bool have_valgrind(void) {
  Result r = run_shell("valgrind --version");
  const bool found = !r.status;
  result_free(&r);
  return found;
}

int main(int argc, char **argv) {
  static const char *const commands[] = {"gcc", "clang"}, *const models[] = {"narrow", "narrow_v2", "halves",
                                                                             "halves_v2"};
  const bool renew = argc > 1 && !strcmp(argv[1], "--renew");
  Table *stored = read_table(), now = {.count = 0};
  bool runs = true;
  open_folder();
  const bool valgrind = have_valgrind();
  put_file("program.c", program, sizeof program - 1);
  for (size_t i = 0; valgrind && runs && i < 2; i++) {
    char compiler[24];
    name_compiler(commands[i], compiler, sizeof compiler);
    if (!renew && !has_compiler(stored, compiler)) {
      printf("left out: no counts of %s are stored (here: '%s')\n", commands[i], compiler);
      continue;
    }
    for (size_t m = 0; runs && *compiler && m < sizeof models / sizeof *models; m++)
      runs = count_model(&now, compiler, commands[i], models[m]);
    if (renew && *compiler) drop_compiler(stored, compiler);
  }
  close_folder();
  if (!valgrind) return SKIP("no valgrind here");
  if (!runs) return SKIP("valgrind or this machine cannot run the v3 path");
  if (!now.count) return SKIP("instruction counts are stored for other compilers than those here");
  if (renew) {
    for (int i = 0; i < now.count; i++)
      add_count(stored, now.row[i].compiler, now.row[i].model, now.row[i].family, now.row[i].count);
    write_table(stored);
  }
  compare(stored, &now);
  free(stored);
  return test_result();
}
