/* Tests of lowering families: a graph of one op, lowered for every target, checked, run by the loop evaluator in one
 * slice and in three, between canaries, and compared with the tensor evaluator. */
#ifndef NEXTC_LOWER_ONE_H
#define NEXTC_LOWER_ONE_H
#include "backend/lower.h"
#include "ir/eval.h"
#include "ir/graph_edit.h"
#include "tests/test.h"
#include <math.h>
#include <stdlib.h>

enum { ONE_MAX_INPUTS = 80, ONE_CANARY = 64 };

typedef struct {
  Context *context;
  Graph *graph;
  Tensor input[ONE_MAX_INPUTS];
  int inputs;
  ValueId result; /* of the op */
  uint32_t seed;
} One;

static inline One one_new(void) {
  One one = {.context = context_new(), .seed = 1};
  one.graph = graph_new(one.context, "one");
  return one;
}

static inline void one_free(One *one) {
  for (int i = 0; i < one->inputs; i++) tensor_free(&one->input[i]);
  graph_free(one->graph);
  context_free(one->context);
}

/* Fills input i with numbers of [low, high], rounded to the input's type. */
static inline void one_range(One *one, int i, double low, double high) {
  Tensor *t = &one->input[i];
  int64_t n = type_elements(&t->type);
  for (int64_t e = 0; e < n; e++) {
    one->seed = one->seed * 1664525u + 1013904223u;
    double unit = (double)(one->seed >> 8) / (double)(1 << 24);
    if (t->f)
      t->f[e] = (double)(float)(low + unit * (high - low));
    else
      t->i[e] = (int64_t)floor(low + unit * (high - low + 1));
  }
}

/* Fills input i of an integer type with these. */
static inline void one_values(One *one, int i, const int64_t *values) {
  Tensor *t = &one->input[i];
  for (int64_t e = 0; e < type_elements(&t->type); e++) t->i[e] = values[e];
}

static inline double one_element(const One *one, int i, int64_t e) {
  const Tensor *t = &one->input[i];
  return t->f ? t->f[e] : (double)t->i[e];
}

static inline ValueId one_input(One *one, DType dtype, int rank, const int64_t *dims) {
  Type type = type_make(dtype, rank, dims);
  Attrs a = attrs_default();
  char error[256];
  a.name = arena_printf(one->graph->arena, "in%d", one->inputs);
  OpId id = graph_try_leaf(one->graph, OP_input, &type, &a, NULL, 0, error);
  if (!id) die("%s", error);
  one->input[one->inputs] = tensor_new(&type);
  double most = dtype == DT_bool ? 1 : dtype_is_float(dtype) ? 2 : 100;
  one_range(one, one->inputs++, dtype_is_unsigned(dtype) ? 0 : -most, most);
  return op_at(one->graph, id)->first_result;
}

/* Appends the op and the graph's output. */
static inline ValueId one_op(One *one, OpKind kind, const ValueId *operands, uint32_t count, const Attrs *attrs) {
  Attrs a = attrs_default();
  a.name = "out";
  one->result = graph_new_op(one->graph, kind, operands, count, attrs, NULL, 0);
  char error[256];
  if (!graph_try_op(one->graph, OP_output, &one->result, 1, &a, NULL, 0, error)) die("%s", error);
  return one->result;
}

/* Memory between canaries. */
static inline unsigned char *one_buffer(size_t bytes) {
  unsigned char *p = malloc(bytes + 2 * ONE_CANARY);
  if (!p) die("out of memory");
  memset(p, 0xA5, bytes + 2 * ONE_CANARY);
  return p + ONE_CANARY;
}

static inline bool one_buffer_free(unsigned char *p, size_t bytes) {
  bool good = true;
  for (int i = 0; i < ONE_CANARY; i++) good = good && p[-1 - i] == 0xA5 && p[bytes + (size_t)i] == 0xA5;
  free(p - ONE_CANARY);
  return good;
}

/* Runs the steps of a program whose only memory besides inputs and output is scratch. */
static inline void one_steps(const One *one, const LoopProgram *p, const Target *t, int slices, unsigned char *output) {
  unsigned char *inputs[ONE_MAX_INPUTS], *scratch = one_buffer((size_t)p->scratch_bytes);
  for (int i = 0; i < one->inputs; i++) {
    inputs[i] = one_buffer(type_bytes(&one->input[i].type));
    tensor_store(&one->input[i], inputs[i], false);
  }
  for (size_t s = 0; s < p->step_count; s++) {
    const Kernel *k = p->kernels[p->steps[s].kernel];
    void *pointers[64];
    for (size_t i = 0; i < k->param_count; i++) {
      const Place *at = &p->steps[s].places[i];
      pointers[i] = at->space == SPACE_INPUT    ? inputs[at->number]
                    : at->space == SPACE_OUTPUT ? output
                                                : scratch + at->offset;
    }
    for (int slice = slices; slice-- > 0;) loop_eval(k, pointers, t->fma, slice, slices);
  }
  for (int i = 0; i < one->inputs; i++) CHECK(one_buffer_free(inputs[i], type_bytes(&one->input[i].type)));
  CHECK(one_buffer_free(scratch, (size_t)p->scratch_bytes));
}

/* Lowers for a target and runs in one slice and in three, which must agree; the result goes to `out`. */
static inline bool one_run(One *one, const char *family, ValueId result, const Target *t, double *out) {
  Graph *g = one->graph;
  Arena *arena = arena_new();
  const Type type = *type_of(g, result);
  size_t bytes = type_bytes(&type);
  def_of(g, result)->sched.kernel = 0;
  def_of(g, result)->sched.family = family;
  LoopProgram *p = lower_graph(g, t, arena);
  bool good = true;
  for (size_t k = 0; k < p->kernel_count; k++) good = loop_check(one->context, p->kernels[k]) && good;
  for (size_t i = 0; i < one->context->count; i++) printf("%s: %s\n", test_name, one->context->list[i].text);
  if (!good) printf("%s\n", loop_print(p, arena));
  unsigned char *once = one_buffer(bytes), *thrice = one_buffer(bytes);
  if (good) {
    one_steps(one, p, t, 1, once);
    one_steps(one, p, t, 3, thrice);
    good = !memcmp(once, thrice, bytes);
    Tensor got = tensor_new(&type);
    tensor_load(&got, once);
    for (int64_t i = 0; i < type_elements(&type); i++) out[i] = got.f ? got.f[i] : (double)got.i[i];
    tensor_free(&got);
  }
  good = one_buffer_free(once, bytes) && good;
  good = one_buffer_free(thrice, bytes) && good;
  arena_free(arena);
  return good;
}

/* Is every element within tolerance (relative to 1 and to the value) of the tensor evaluator's? 0: equal. */
static inline void one_check(One *one, const char *family, ValueId result, double tolerance) {
  Tensor want;
  const Type type = *type_of(one->graph, result);
  int64_t n = type_elements(&type);
  double *got = malloc(sizeof *got * (size_t)(n ? n : 1));
  if (!got) die("out of memory");
  CHECK(eval_graph(one->graph, one->input, (size_t)one->inputs, &want, 1, NULL, NULL));
  for (int t = 0; t < target_count; t++) {
    bool ran = one_run(one, family, result, &targets[t], got);
    CHECK(ran);
    int64_t wrong = 0, first = -1;
    for (int64_t i = 0; i < n && ran; i++) {
      double w = want.f ? want.f[i] : (double)want.i[i];
      bool good = got[i] == w || (isnan(w) ? isnan(got[i]) : fabs(got[i] - w) <= tolerance * (1 + fabs(w)));
      if (!good && first < 0) first = i;
      wrong += !good;
    }
    CHECK(!wrong);
    if (wrong) {
      double w = want.f ? want.f[first] : (double)want.i[first];
      printf("  %s: %lld of %lld wrong, [%lld] is %.9g, want %.9g\n", targets[t].name, (long long)wrong, (long long)n,
             (long long)first, got[first], w);
    }
  }
  tensor_free(&want);
  free(got);
}
#endif
