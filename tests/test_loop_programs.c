/* Every fixture, lowered for every target: the loop program survives its text byte for byte, passes the checker, and
 * the loop evaluator, running every step, gives what the tensor evaluator gives. NEXTC_TEST_CASES limits it to cases
 * whose name has that text. */
#include "backend/lower.h"
#include "backend/storage.h"
#include "frontend/frontend.h"
#include "ir/eval.h"
#include "passes/passes.h"
#include "tests/fixtures.h"
#include "tests/test.h"
#include <math.h>

typedef struct {
  const Graph *g;
  unsigned char *space[5]; /* by Space; inputs and outputs: see in, out */
  unsigned char *in[8], *out[8];
} Memory;

static void *address(const Memory *m, Place p) {
  unsigned char *base = p.space == SPACE_INPUT    ? m->in[p.number]
                        : p.space == SPACE_OUTPUT ? m->out[p.number]
                                                  : m->space[p.space];
  return base + p.offset;
}

static unsigned char *load_weights(const Graph *g, Arena *a, int64_t bytes) {
  size_t count;
  int64_t total;
  WeightSlot *slots = collect_weights(g, a, &count, &total);
  unsigned char *memory = calloc(1, (size_t)bytes + 64);
  CHECK(total == bytes);
  for (size_t i = 0; i < count; i++) {
    Tensor t;
    CHECK(eval_const(g, slots[i].value, &t));
    tensor_store(&t, memory + slots[i].offset, false);
    tensor_free(&t);
  }
  return memory;
}

static void run_program(const LoopProgram *p, const Memory *m, bool fma) {
  for (size_t s = 0; s < p->step_count; s++) {
    const Kernel *k = p->kernels[p->steps[s].kernel];
    void *pointers[64];
    for (size_t i = 0; i < k->param_count; i++) pointers[i] = address(m, p->steps[s].places[i]);
    loop_eval(k, pointers, fma, 0, 1);
  }
}

static void check_text(Context *c, const LoopProgram *p) {
  char *text = loop_print(p, c->arena);
  LoopProgram *again = loop_parse(c, c->arena, "again.loops", text, strlen(text));
  CHECK(again != NULL);
  if (again) CHECK(!strcmp(loop_print(again, c->arena), text));
  for (size_t i = 0; i < p->kernel_count; i++) CHECK(loop_check(c, p->kernels[i]));
}

/* The graph describes one image after peel-batch: so do these inputs. A second one is a mask. */
static size_t fill_inputs(const Graph *g, Tensor *inputs, Memory *m) {
  size_t n = 0;
  FOR_EACH_OP(g, id) {
    if (op_at(g, id)->kind != OP_input) continue;
    inputs[n] = tensor_new(type_of(g, op_at(g, id)->first_result));
    for (int64_t i = 0; i < type_elements(&inputs[n].type); i++)
      inputs[n].f[i] = n ? (double)(i * 37 % 11 % 2) : (double)(i * 37 % 1001) / 500 - 1;
    m->in[n] = calloc(1, type_bytes(&inputs[n].type) + 64);
    tensor_store(&inputs[n], m->in[n], false);
    n++;
  }
  return n;
}

static void compare_outputs(const Graph *g, const Tensor *want, const Memory *m) {
  size_t n = 0;
  FOR_EACH_OP(g, id) {
    if (op_at(g, id)->kind != OP_output) continue;
    const float *got = (const float *)(const void *)m->out[n];
    double worst = 0;
    for (int64_t i = 0; i < type_elements(&want[n].type); i++) {
      double d = fabs(got[i] - want[n].f[i]) / (1e-5 + 1e-4 * fabs(want[n].f[i]));
      if (!(d <= worst)) worst = d;
    }
    CHECK(worst <= 1);
    n++;
  }
}

static void run_target(Context *c, Graph *g, const Target *target) {
  Memory m = {.g = g};
  LoopProgram *p = lower_graph(g, target, c->arena);
  check_text(c, p);
  m.space[SPACE_WEIGHTS] = load_weights(g, c->arena, p->weight_bytes);
  m.space[SPACE_ARENA] = calloc(1, (size_t)p->arena_bytes + 64);
  m.space[SPACE_SCRATCH] = calloc(1, (size_t)p->scratch_bytes + 64);
  Tensor inputs[8], outputs[8];
  size_t in = fill_inputs(g, inputs, &m), out = 0;
  FOR_EACH_OP(g, id) {
    if (op_at(g, id)->kind == OP_output)
      m.out[out++] = calloc(1, type_bytes(type_of(g, op_at(g, id)->operands[0])) + 64);
  }
  g->batch = 1;
  g->batch_symbol = -1;
  run_program(p, &m, target->fma);
  CHECK(eval_graph(g, inputs, in, outputs, out, NULL, NULL));
  compare_outputs(g, outputs, &m);
  for (size_t i = 0; i < in; i++) tensor_free(&inputs[i]), free(m.in[i]);
  for (size_t i = 0; i < out; i++) tensor_free(&outputs[i]), free(m.out[i]);
  free(m.space[SPACE_WEIGHTS]);
  free(m.space[SPACE_ARENA]);
  free(m.space[SPACE_SCRATCH]);
}

static void visit(const char *folder, const char *name) {
  const char *only = getenv("NEXTC_TEST_CASES");
  if (only && !strstr(name, only)) return;
  char model[2048];
  snprintf(model, sizeof model, "%s/model.onnx", folder);
  TEST(name);
  Context *c = context_new();
  PassOptions options = {0};
  Graph *g = load_model(c, model, NULL, 0);
  bool good = g && run_pipeline(g, &options, NULL, NULL, NULL);
  CHECK(good);
  for (int t = 0; good && t < target_count; t++) run_target(c, g, &targets[t]);
  for (size_t i = 0; i < c->count; i++) printf("%s\n", c->list[i].text);
  graph_free(g);
  context_free(c);
}

int main(void) {
  int n = each_fixture("onnx", visit) + each_fixture("trained", visit) + each_fixture("systems", visit);
  if (!n) return SKIP("no fixtures in " FIXTURES);
  printf("%d models\n", n);
  return test_result();
}
