/* Random graphs through random passes, then compiled, against the evaluator (that the passes changed nothing is what
 * test_random_passes says of the same seeds). Each is lowered for one of the targets and run by the loop evaluator. One
 * in eight is emitted as C too: many graphs become one model, each after passes of its own, and nextc verify compiles,
 * builds and runs it. A few of those have a batch, a number or a symbol, and are a model each.
 * test_random_compiled [COUNT [SEED]] runs COUNT graphs (0: until one fails), beginning with SEED; a failure leaves the
 * program's text on standard output. */
#include "ir/text.h"
#include "tests/command.h"
#include "tests/lower_test.h"
#include "tests/random_graphs.h"
#include <ctype.h>

enum { CASES = 300, C_EACH = 8, ALONE_EACH = 128, TOGETHER = 300 /* seeds whose share of C is one model */ };

/* Errors of a few roundings in every value, as f32 makes them. */
static void disturb(void *user, const Graph *g, ValueId v, const Tensor *t) {
  (void)g;
  (void)v;
  for (int64_t e = 0; t->f && e < type_elements(&t->type); e++) t->f[e] *= 1 + kit_random(user) * 0x1p-23;
}

static bool evaluate(const Graph *g, Observe observe, void *user, Tensor *outputs, size_t count) {
  Tensor in[KIT_PORTS] = {0};
  size_t inputs = 0;
  FOR_EACH_OP(g, id)
  if (op_at(g, id)->kind == OP_input) in[inputs] = kit_input(g, op_at(g, id), inputs), inputs++;
  bool fine = eval_graph(g, in, inputs, outputs, count, observe, user);
  while (inputs) tensor_free(&in[--inputs]);
  return fine;
}

/* Do rounding errors stay small? What loses digits says nothing of the code. */
static bool is_steady(const Graph *g) {
  Tensor a[KIT_PORTS] = {0}, b[KIT_PORTS] = {0};
  size_t outputs = 0;
  uint64_t state = 1;
  FOR_EACH_OP(g, id) outputs += op_at(g, id)->kind == OP_output;
  bool steady = evaluate(g, NULL, NULL, a, outputs) && evaluate(g, disturb, &state, b, outputs);
  for (size_t o = 0; o < outputs; o++) {
    for (int64_t e = 0; steady && e < type_elements(&a[o].type); e++) steady = fabs(a[o].f[e]) < 1e6;
    steady = steady && kit_difference(&a[o], &b[o]) <= 1e-5;
    tensor_free(&a[o]);
    tensor_free(&b[o]);
  }
  return steady;
}

/* The graph's statements behind those before: its values get numbers above `above`, its ports the number in front. */
static int append_statements(Text *model, const char *text, int number, int above) {
  int most = above;
  const char *at = strstr(text, "\n%");
  for (const char *p = at + 1; *p; p++) {
    if (p[0] == '%' && isdigit((unsigned char)p[1])) {
      char *end;
      int value = above + (int)strtol(p + 1, &end, 10);
      text_printf(model, "%%%d", value);
      if (value > most) most = value;
      p = end - 1;
    } else if (!strncmp(p, "{name=\"", 7)) {
      text_printf(model, "{name=\"g%d", number);
      p += 6;
    } else {
      text_putc(model, *p);
    }
  }
  return most;
}

static void verify(const char *name, const char *text) {
  char command[512];
  TEST(name);
  put_file("t.nir", text, strlen(text));
  snprintf(command, sizeof command, "%s verify folder --model=t.nir --random=1 --backends=c --cc='cc -O0'",
           NEXTC_BINARY);
  Result r = run_shell(command);
  CHECK(!r.status);
  if (r.status) printf("%s%s\n%s", r.out, r.err, text);
  result_free(&r);
}

/* What the passes of a seed left, without a schedule; NULL: the graph is not steady. batch: as for make_graph. */
static const char *program_of(Context *c, uint64_t seed, Dim batch) {
  char list[256] = "";
  uint64_t state = seed + 77;
  Graph *g = make_graph(c, seed, batch);
  const char *text = NULL;
  if (is_steady(g)) {
    run_some(g, &state, list, sizeof list);
    FOR_EACH_OP(g, id) op_at(g, id)->sched = sched_default();
    text = graph_print(g, c->arena, ".");
  }
  graph_free(g);
  return text;
}

static void run_loops(uint64_t seed, const char *text) {
  static const LowerTest test = {.absolute = 1e-5, .relative = 1e-4};
  static char name[64];
  int failures = test_failures;
  snprintf(name, sizeof name, "seed %llu", (unsigned long long)seed);
  TEST(name);
  LowerRun r = {.test = &test, .context = context_new()};
  r.graph = graph_parse(r.context, "random.nir", text, strlen(text), NULL);
  CHECK(r.graph != NULL);
  FOR_EACH_OP(r.graph, id) {
    const Op *op = op_at(r.graph, id);
    if (op->kind == OP_input) r.in[r.inputs] = kit_input(r.graph, op, r.inputs), r.inputs++;
    r.outputs += op->kind == OP_output;
  }
  CHECK(eval_graph(r.graph, r.in, r.inputs, r.want, r.outputs, NULL, NULL));
  PassRun all = {.start_from = pipeline[0].name};
  bool fine = run_passes(r.graph, &(PassOptions){0}, &all) && complete_schedule(r.graph);
  CHECK(fine);
  if (fine) lt_on_target(&r, &targets[seed / 2 % (uint64_t)target_count]);
  if (test_failures > failures) printf("%s", text);
  lt_close_run(&r);
}

/* Both ways of the seeds from `seed` on. */
static void run_together(uint64_t seed, long long count) {
  Context *c = context_new();
  Text model = {.arena = c->arena};
  char name[64];
  int values = 0, graphs = 0;
  text_puts(&model, "nir 1\ngraph \"t\"\n");
  snprintf(name, sizeof name, "seeds from %llu", (unsigned long long)seed);
  for (long long i = 0; i < count; i++, seed++) {
    bool as_c = !(seed % C_EACH), alone = !(seed % ALONE_EACH);
    const char *text = program_of(c, seed, !alone);
    if (!text) continue;
    if (alone)
      verify("a seed with a batch", text);
    else
      run_loops(seed, text);
    if (as_c && !alone) values = append_statements(&model, text, graphs++, values);
  }
  if (graphs) verify(name, text_string(&model));
  context_free(c);
}

int main(int argc, char **argv) {
  long long count = argc > 1 ? strtoll(argv[1], NULL, 10) : CASES;
  uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
  open_folder();
  CHECK(!mkdir("folder", 0777));
  for (long long i = 0; (i < count || !count) && !test_failures; i += TOGETHER)
    run_together(seed + (uint64_t)i, count && count - i < TOGETHER ? count - i : TOGETHER);
  close_folder();
  return test_result();
}
