/* Tests of lowering families by graphs of one op that are built, not written; run as lower_test.h does. */
#ifndef NEXTC_LOWER_ONE_H
#define NEXTC_LOWER_ONE_H
#include "ir/graph_edit.h"
#include "tests/lower_test.h"

typedef struct {
  Context *context;
  Graph *graph;
  Tensor input[LT_MAX];
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

/* Is every element within tolerance (relative to 1 and to the value) of `want`, or of the tensor evaluator's where that
 * is NULL? 0: equal. */
static inline void one_check_against(One *one, const char *family, ValueId result, double tolerance,
                                     const double *want) {
  const LowerTest test = {.family = family, .absolute = tolerance, .relative = tolerance, .exact = tolerance == 0};
  LowerRun r = {
      .test = &test, .context = one->context, .graph = one->graph, .inputs = (size_t)one->inputs, .outputs = 1};
  memcpy(r.in, one->input, sizeof r.in);
  def_of(one->graph, result)->sched.kernel = 0;
  def_of(one->graph, result)->sched.family = family;
  if (want) {
    r.want[0] = tensor_new(type_of(one->graph, result));
    for (int64_t i = 0; i < type_elements(&r.want[0].type); i++) r.want[0].f[i] = want[i];
  } else {
    CHECK(eval_graph(r.graph, r.in, r.inputs, r.want, 1, NULL, NULL));
  }
  for (int t = 0; t < target_count; t++) lt_on_target(&r, &targets[t]);
  tensor_free(&r.want[0]);
}

static inline void one_check(One *one, const char *family, ValueId result, double tolerance) {
  one_check_against(one, family, result, tolerance, NULL);
}
#endif
