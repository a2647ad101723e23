/* Bisection: with predicates that name what a certain rewrite or pass brings, it must find that rewrite or pass. */
#include "passes/bisect.h"
#include "passes/rewrite_log.h"
#include "tests/test.h"

/* A gemm that is gemm, bias, a GELU chain, another gemm; a mul that folds away first. */
static const char program[] = "nir 1\n"
                              "graph \"t\"\n"
                              "%1 = input {name=\"x\"} : f32[1,2,4]\n"
                              "%2 = const {floats=[1]} : f32[]\n"
                              "%3 = mul %1, %2 : f32[1,2,4] !\"/one\":Mul@17\n"
                              "%4 = const {floats=[1,2,3,4,5,6,7,8]} : f32[4,2]\n"
                              "%5 = gemm %3, %4 : f32[1,2,2] !\"/fc1\":MatMul@17\n"
                              "%6 = const {floats=[1.4142135381698608]} : f32[]\n"
                              "%7 = div %5, %6 : f32[1,2,2]\n"
                              "%8 = erf %7 : f32[1,2,2]\n"
                              "%9 = add %8, %2 : f32[1,2,2]\n"
                              "%10 = mul %5, %9 : f32[1,2,2]\n"
                              "%11 = const {floats=[0.5]} : f32[]\n"
                              "%12 = mul %10, %11 : f32[1,2,2] !\"/act\":Mul@17\n"
                              "%13 = const {floats=[1,2,3,4]} : f32[2,2]\n"
                              "%14 = gemm %12, %13 : f32[1,2,2] !\"/fc2\":MatMul@17\n"
                              "output %14 {name=\"y\"}\n";

typedef struct {
  Context *context;
  OpKind kind; /* bad: `most` ops of it, or more */
  int most;
  int loads;
} Wanted;

static Graph *load(void *user) {
  Wanted *w = user;
  w->loads++;
  return graph_parse(w->context, "t.nir", program, sizeof program - 1, NULL);
}

static bool has_few(void *user, const Graph *g) {
  const Wanted *w = user;
  int count = 0;
  FOR_EACH_OP(g, id) count += op_at(g, id)->kind == w->kind;
  return count < w->most;
}

static bool is_ungrouped(void *user, const Graph *g) {
  (void)user;
  FOR_EACH_OP(g, id)
  if (op_at(g, id)->sched.kernel >= 0) return false;
  return true;
}

static bool always(void *user, const Graph *g) {
  (void)user;
  return g != NULL;
}

static Culprit find(Wanted *w, bool (*good)(void *, const Graph *), bool strict_fp) {
  Culprit k;
  Bisection job = {.load = load, .good = good, .user = w, .options = {.strict_fp = strict_fp}};
  CHECK(bisect_passes(&job, w->context->arena, &k));
  return k;
}

/* The program after so many rewrites, up to the culprit's pass: bad, and good with one less. */
static void is_the_first(Wanted *w, const Culprit *k) {
  for (int less = 0; less < 2; less++) {
    PassOptions options = {0};
    RewriteLog log = {.limit = k->rewrite - less};
    Graph *g = load(w);
    g->log = &log;
    CHECK(run_pipeline(g, &options, k->pass, NULL, NULL));
    CHECK(has_few(w, g) == (less == 1));
    graph_free(g);
  }
}

static void finds_rewrites(void) {
  static const struct {
    OpKind kind;
    int most;
    const char *pass, *rule, *node;
  } rows[] = {
      {OP_gelu, 1, "recover-ops", "gelu_half_last", "/act"},
      {OP_pack, 1, "pack-weights", "pack_gemm", "/fc1"},
      {OP_pack, 2, "pack-weights", "pack_gemm", "/fc2"},
  };
  TEST("finds_rewrites");
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    Wanted w = {.context = context_new(), .kind = rows[i].kind, .most = rows[i].most};
    Culprit k = find(&w, has_few, false);
    CHECK_STR(k.pass, rows[i].pass);
    CHECK_STR(k.rule, rows[i].rule);
    CHECK_STR(k.at.node, rows[i].node);
    CHECK(k.rewrite > 0);
    CHECK(w.loads < pipeline_length + 12); /* by halving, not one by one */
    if (k.pass) is_the_first(&w, &k);
    CHECK(!w.context->count);
    context_free(w.context);
  }
}

static Graph *load_swapped(void *user) {
  static const char text[] = "nir 1\n"
                             "graph \"t\"\n"
                             "%1 = input {name=\"x\"} : f32[2,4]\n"
                             "%2 = neg %1 : f32[2,4]\n"
                             "%3 = mul %1, %2 : f32[2,4] !\"/mul\":Mul@17\n"
                             "%4 = add %1, %3 : f32[2,4] !\"/add\":Add@17\n"
                             "output %4 {name=\"y\"}\n";
  return graph_parse(((Wanted *)user)->context, "t.nir", text, sizeof text - 1, NULL);
}

static bool adds_to_input(void *user, const Graph *g) {
  (void)user;
  FOR_EACH_OP(g, id)
  if (op_at(g, id)->kind == OP_add) return def_of(g, op_at(g, id)->operands[0])->kind == OP_input;
  return false;
}

/* Swapped operands are rewrites like others: a wrong one is found, not only its pass. */
static void finds_swaps(void) {
  TEST("finds_swaps");
  Wanted w = {.context = context_new()};
  Culprit k;
  Bisection job = {.load = load_swapped, .good = adds_to_input, .user = &w};
  CHECK(bisect_passes(&job, w.context->arena, &k));
  CHECK_STR(k.pass, "canonicalise");
  CHECK_STR(k.rule, "swap_operands");
  CHECK_STR(k.at.node, "/add");
  CHECK(k.rewrite == 2);
  context_free(w.context);
}

static void finds_passes_without_rewrites(void) {
  TEST("finds_passes_without_rewrites");
  Wanted w = {.context = context_new()};
  Culprit k = find(&w, is_ungrouped, false);
  CHECK_STR(k.pass, "group");
  CHECK(k.rewrite == 0 && !k.rule);
  context_free(w.context);
}

static void finds_nothing(void) {
  TEST("finds_nothing");
  Wanted w = {.context = context_new(), .kind = OP_gelu, .most = 1};
  Culprit k = find(&w, always, false);
  CHECK(!k.pass && !k.rule && k.rewrite == 0);
  k = find(&w, has_few, true); /* --strict-fp: the chain stays */
  CHECK(!k.pass);
  context_free(w.context);
}

static Graph *load_nothing(void *user) {
  error_in(((Wanted *)user)->context, "t.nir", "not there");
  return NULL;
}

static void needs_a_program(void) {
  TEST("needs_a_program");
  Wanted w = {.context = context_new()};
  Culprit k;
  Bisection job = {.load = load_nothing, .good = always, .user = &w};
  CHECK(!bisect_passes(&job, w.context->arena, &k));
  CHECK(w.context->errors == 1);
  context_free(w.context);
}

int main(void) {
  finds_rewrites();
  finds_swaps();
  finds_passes_without_rewrites();
  finds_nothing();
  needs_a_program();
  return test_result();
}
