/* Random valid graphs through random subsets of the passes: each result is verified, printed, parsed back, and
 * evaluated against the graph before. test_random_passes [COUNT [SEED]] runs COUNT graphs (0: until one fails),
 * beginning with SEED; a failure prints the seed, the passes and the graph, so that `test_random_passes 1 SEED` is that
 * case alone. */
#include "tests/random_graphs.h"

enum { CASES = 300 };

static void try_seed(uint64_t seed) {
  static char name[64];
  char list[256] = "";
  int failures = test_failures;
  snprintf(name, sizeof name, "seed %llu", (unsigned long long)seed);
  TEST(name);
  Context *c = context_new();
  Graph *g = make_graph(c, seed, 0);
  CHECK(graph_verify(g));
  Graph *before = graph_clone(g);
  uint64_t state = seed + 77;
  run_some(g, &state, list, sizeof list);
  kit_round_trip(c, graph_print(g, c->arena, "."));
  double worst = kit_compare(before, g);
  CHECK(worst <= 1e-6);
  if (test_failures > failures) {
    printf("%s, worst difference %g:%s\n%s", name, worst, list, graph_print(before, c->arena, "."));
    printf("// after\n%s", graph_print(g, c->arena, "."));
  }
  for (size_t i = 0; i < c->count; i++) printf("%s\n", c->list[i].text);
  graph_free(before);
  graph_free(g);
  context_free(c);
}

int main(int argc, char **argv) {
  long long count = argc > 1 ? strtoll(argv[1], NULL, 10) : CASES;
  uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
  for (long long i = 0; (i < count || !count) && !test_failures; i++) try_seed(seed + (uint64_t)i);
  return test_result();
}
