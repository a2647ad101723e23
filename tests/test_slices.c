/* How evenly threads share the work, counted, not timed: the products of each slice of every step. Steps run one after
 * the other, so a run takes as long as the longest slice of each. */
#include "backend/lower.h"
#include "frontend/frontend.h"
#include "passes/passes.h"
#include "tests/test.h"
#include <stdlib.h>

/* Of the products that all slices could do in the time of the longest, the share that is done: 1 is perfect. */
typedef struct {
  double whole; /* of all steps */
  double worst; /* of the step that splits worst, among those with `least` of all products */
  const char *step;
} Split;

static Split split_of(const LoopProgram *p, int slices, double least) {
  Split s = {.worst = 1, .step = ""};
  double all = 0, longest_of_all = 0;
  for (int pass = 0; pass < 2; pass++)
    for (size_t i = 0; i < p->step_count; i++) {
      const Kernel *k = p->kernels[p->steps[i].kernel];
      double sum = 0, longest = 0;
      for (int slice = 0; slice < slices; slice++) {
        const double products = (double)slice_products(k, slice, slices);
        sum += products;
        if (products > longest) longest = products;
      }
      if (!pass) CHECK(sum == (double)kernel_products(k));
      if (!pass)
        all += sum, longest_of_all += longest;
      else if (sum >= least * all && sum / (slices * longest) < s.worst)
        s.worst = sum / (slices * longest), s.step = k->family;
    }
  s.whole = all / (slices * longest_of_all);
  return s;
}

static void model(Context *c, const char *name) {
  TEST(name);
  const PassOptions o = {.strict_fp = false};
  Graph *g = load_model(c, name, NULL, 0);
  CHECK(g && run_pipeline(g, &o, NULL, NULL, NULL) && complete_schedule(g));
  for (int t = 0; g && t < target_count; t++) {
    Arena *a = arena_new();
    const LoopProgram *p = lower_graph(g, &targets[t], a);
    for (int slices = 2; slices <= 4; slices++) {
      const Split s = split_of(p, slices, 0.002);
      const bool good = slices == 2 ? s.whole >= 0.98 && s.worst >= 0.9 : s.whole >= 0.9 && s.worst >= 0.75;
      CHECK(good);
      if (!good || getenv("VERBOSE"))
        printf("%s, %s, %d slices: %.3f of what they could do, worst step %.3f (%s)\n", name, targets[t].name, slices,
               s.whole, s.worst, s.step);
    }
    arena_free(a);
  }
  if (g) graph_free(g);
}

int main(void) {
  static const char *const names[] = {"zoo:convnext_tiny", "zoo:convnextv2_tiny", "zoo:convnext_base",
                                      "zoo:convnext_atto", "zoo:convnextv2_atto"};
  Context *c = context_new();
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) model(c, names[i]);
  context_free(c);
  return test_result();
}
