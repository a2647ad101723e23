/* What pass tests share: a graph before and after some passes, compared by the evaluator. */
#ifndef NEXTC_TESTS_PASS_KIT_H
#define NEXTC_TESTS_PASS_KIT_H
#include "ir/eval.h"
#include "tests/test.h"
#include <math.h>

enum { KIT_PORTS = 8, KIT_BATCH = 3 /* what symbols stand for */ };

static inline double kit_random(uint64_t *state) { /* in (-2, 2) */
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return (double)(*state >> 32) / (double)(1u << 30) - 2;
}

static inline Tensor kit_input(const Graph *g, const Op *op, size_t number) {
  Type t = *type_of(g, op->first_result);
  for (int i = 0; i < t.rank; i++)
    if (!dim_is_number(t.dim[i])) t.dim[i] = dim_coefficient(t.dim[i]) * KIT_BATCH;
  if (g->batch_symbol >= 0) t.dim[0] = KIT_BATCH;
  if (g->batch > 1) t.dim[0] = g->batch;
  Tensor input = tensor_new(&t);
  uint64_t state = 42 + number;
  for (int64_t i = 0; i < type_elements(&t); i++) {
    double x = kit_random(&state);
    if (input.f)
      input.f[i] = x;
    else
      input.i[i] = t.dtype == DT_bool ? x > 0 : (int64_t)(x * 2);
  }
  return input;
}

/* Runs g on inputs that depend on their number only. */
static inline bool kit_evaluate(const Graph *g, Tensor *outputs, size_t output_count) {
  Tensor inputs[KIT_PORTS] = {0};
  size_t n = 0;
  FOR_EACH_OP(g, id)
  if (op_at(g, id)->kind == OP_input && n < KIT_PORTS) {
    inputs[n] = kit_input(g, op_at(g, id), n);
    n++;
  }
  bool good = eval_graph(g, inputs, n, outputs, output_count, NULL, NULL);
  while (n) tensor_free(&inputs[--n]);
  return good;
}

/* The largest difference, relative to 1 + |a|; integers: infinite where they are not equal. */
static inline double kit_difference(const Tensor *a, const Tensor *b) {
  double worst = 0;
  if (!type_equal(&a->type, &b->type)) return INFINITY;
  for (int64_t i = 0; i < type_elements(&a->type); i++) {
    double d = a->f ? fabs(a->f[i] - b->f[i]) / (1 + fabs(a->f[i])) : a->i[i] == b->i[i] ? 0 : INFINITY;
    if (a->f && (a->f[i] == b->f[i] || (isnan(a->f[i]) && isnan(b->f[i])))) d = 0;
    if (!(d <= worst)) worst = isnan(d) ? INFINITY : d;
  }
  return worst;
}

/* Do both graphs compute the same? The worst difference of all outputs. */
static inline double kit_compare(const Graph *before, const Graph *after) {
  Tensor a[KIT_PORTS] = {0}, b[KIT_PORTS] = {0};
  size_t count = 0;
  double worst = 0;
  FOR_EACH_OP(before, id) count += op_at(before, id)->kind == OP_output;
  if (!kit_evaluate(before, a, count)) return INFINITY;
  bool good = kit_evaluate(after, b, count);
  for (size_t o = 0; o < count; o++) {
    double d = good ? kit_difference(&a[o], &b[o]) : INFINITY;
    if (d > worst) worst = d;
    tensor_free(&a[o]);
    if (good) tensor_free(&b[o]);
  }
  return worst;
}

static inline void kit_round_trip(Context *c, const char *text) {
  Graph *again = graph_parse(c, "again.nir", text, strlen(text), NULL);
  CHECK(again != NULL);
  if (again) CHECK_STR(graph_print(again, again->arena, "."), text);
  graph_free(again);
}
#endif
