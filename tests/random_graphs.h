/* Random valid graphs, of what ConvNeXts are made of, and random parts of the pipeline: from a seed, always the same.
 */
#ifndef NEXTC_TESTS_RANDOM_GRAPHS_H
#define NEXTC_TESTS_RANDOM_GRAPHS_H
#include "ir/graph_edit.h"
#include "passes/facts.h"
#include "passes/passes.h"
#include "passes/rewrite_log.h"
#include "tests/pass_kit.h"
#include <stdlib.h>

enum { MAX_VALUES = 64 };

typedef struct {
  Graph *g;
  uint64_t state;
  ValueId values[MAX_VALUES]; /* computed ones and inputs, that ops may read */
  int count;
} Maker;

static inline int below(Maker *m, int n) { return (int)((kit_random(&m->state) + 2) / 4 * n); }
static inline bool chance(Maker *m, int percent) { return below(m, 100) < percent; }
static inline ValueId any(Maker *m) { return m->values[chance(m, 60) ? m->count - 1 : below(m, m->count)]; }

/* The op's result, readable from now on; 0: inference refuses. */
static inline ValueId op(Maker *m, OpKind kind, const ValueId *operands, uint32_t count, const Attrs *attrs) {
  char error[256], node[16];
  if (m->count == MAX_VALUES) return 0;
  for (uint32_t i = 0; i < count; i++)
    if (!operands[i]) return 0;
  Loc *loc = ARENA_NEW(m->g->arena, Loc);
  snprintf(node, sizeof node, "n%zu", m->g->op_count);
  *loc = (Loc){.node = arena_strdup(m->g->arena, node), .op = "Op", .opset = 17};
  OpId id = graph_try_op(m->g, kind, operands, count, attrs, loc, 0, error);
  if (!id) return 0;
  return op_at(m->g, id)->first_result;
}

static inline ValueId op1(Maker *m, OpKind kind, ValueId x) { return op(m, kind, &x, 1, NULL); }
static inline ValueId op2(Maker *m, OpKind kind, ValueId x, ValueId y) {
  return op(m, kind, (ValueId[]){x, y}, 2, NULL);
}

/* Either order, as exporters please. */
static inline ValueId commuted(Maker *m, OpKind kind, ValueId x, ValueId y) {
  return chance(m, 50) ? op2(m, kind, x, y) : op2(m, kind, y, x);
}

static inline ValueId constant(Maker *m, int rank, const Dim *dims, double scale) {
  Type t = type_make(DT_f32, rank, dims);
  double floats[4096];
  int64_t n = type_elements(&t);
  if (n > 4096) return 0;
  for (int64_t i = 0; i < n; i++) floats[i] = (float)(scale * kit_random(&m->state));
  return graph_const_floats(m->g, DT_f32, rank, dims, floats, NULL, 0);
}

static inline ValueId number(Maker *m, double x) { return graph_const_floats(m->g, DT_f32, 0, NULL, &x, NULL, 0); }

static const Type *type(Maker *m, ValueId v) { return type_of(m->g, v); }
static inline Dim last_dim(Maker *m, ValueId v) { return type(m, v)->rank ? type(m, v)->dim[type(m, v)->rank - 1] : 1; }

static inline Ints ints(Maker *m, int count, const Dim *list) { return ints_copy(m->g->arena, list, count); }

/* ---- things that graphs are made of ---- */
static inline ValueId make_unary(Maker *m) {
  static const OpKind kinds[] = {OP_relu, OP_sigmoid, OP_tanh, OP_neg, OP_gelu, OP_silu, OP_abs, OP_erf};
  return op1(m, kinds[below(m, 8)], any(m));
}

static inline ValueId make_residual(Maker *m) { return commuted(m, chance(m, 80) ? OP_add : OP_mul, any(m), any(m)); }

/* A scale or shift: one number, per channel in either layout, or of some other shape. */
static inline ValueId make_affine(Maker *m) {
  ValueId x = any(m), c;
  const Type *t = type(m, x);
  int shape = below(m, 5);
  Dim size = t->rank == 4 && shape == 1 ? t->dim[1] : last_dim(m, x);
  if (!dim_is_number(size)) return 0;
  if (shape == 0)
    c = number(m, below(m, 3));
  else if (shape == 1)
    c = constant(m, 3, (Dim[]){size, 1, 1}, 1);
  else if (shape == 2)
    c = constant(m, 4, (Dim[]){1, 1, 1, size}, 1);
  else
    c = constant(m, 1, &size, 1);
  static const OpKind kinds[] = {OP_mul, OP_add, OP_sub, OP_mul};
  OpKind kind = kinds[below(m, 4)];
  return kind == OP_sub ? op2(m, kind, x, c) : commuted(m, kind, x, c);
}

static inline ValueId make_gemm(Maker *m) {
  ValueId x = any(m);
  Dim k = last_dim(m, x), n = 1 + below(m, 20);
  if (!dim_is_number(k) || k > 64) return 0;
  ValueId w = constant(m, 2, (Dim[]){k, n}, 0.3);
  if (chance(m, 40)) return op(m, OP_gemm, (ValueId[]){x, w, constant(m, 1, &n, 1)}, 3, NULL);
  ValueId y = op2(m, OP_gemm, x, w);
  return y && chance(m, 70) ? commuted(m, OP_add, y, constant(m, 1, &n, 1)) : y;
}

static inline ValueId make_conv(Maker *m) {
  ValueId x = any(m);
  const Type *t = type(m, x);
  if (t->rank != 4 || !dim_is_number(t->dim[1])) return 0;
  Dim channels = t->dim[1], k = 1 + below(m, 3), out = 1 + below(m, 8);
  bool depthwise = chance(m, 40), bias = chance(m, 50);
  Attrs a = attrs_default();
  a.kernel = ints(m, 2, (Dim[]){k, k});
  a.group = depthwise ? channels : 1;
  if (depthwise) out = channels;
  if (chance(m, 50)) a.pads = ints(m, 4, (Dim[]){k / 2, k / 2, k / 2, k / 2});
  if (chance(m, 40)) a.strides = ints(m, 2, chance(m, 70) ? (Dim[]){k, k} : (Dim[]){2, 1});
  ValueId w = constant(m, 4, (Dim[]){out, depthwise ? 1 : channels, k, k}, 0.3);
  return op(m, OP_conv, (ValueId[]){x, w, bias ? constant(m, 1, &out, 1) : w}, bias ? 3 : 2, &a);
}

static inline ValueId make_transpose(Maker *m) {
  static const Dim perms[][4] = {{0, 2, 3, 1}, {0, 3, 1, 2}, {0, 1, 3, 2}, {0, 2, 1, 3}};
  ValueId x = any(m);
  Attrs a = attrs_default();
  if (type(m, x)->rank != 4) return 0;
  a.perm = ints(m, 4, perms[chance(m, 80) ? below(m, 2) : below(m, 4)]);
  return op(m, OP_transpose, &x, 1, &a);
}

static inline ValueId reduce(Maker *m, OpKind kind, ValueId x, Ints axes, bool keepdims) {
  Attrs a = attrs_default();
  a.axes = axes;
  a.keepdims = keepdims;
  return op(m, kind, &x, 1, &a);
}

static inline ValueId make_reduce(Maker *m) {
  ValueId x = any(m);
  Dim axes[] = {1 + below(m, 3)};
  static const OpKind kinds[] = {OP_reduce_mean, OP_reduce_sum, OP_reduce_max};
  if (type(m, x)->rank != 4) return 0;
  Ints list = chance(m, 50) ? ints(m, 2, (Dim[]){2, 3}) : ints(m, 1, axes);
  return reduce(m, kinds[below(m, 3)], x, list, chance(m, 80));
}

/* The chain that exporters write; the right one, or almost. */
static inline ValueId make_norm_chain(Maker *m) {
  ValueId x = any(m);
  const Type *t = type(m, x);
  if (t->rank != 4) return 0;
  Dim axis = chance(m, 60) ? 3 : 1, size = t->dim[axis], other = chance(m, 90) ? axis : 2;
  if (!dim_is_number(size)) return 0;
  ValueId centred = op2(m, OP_sub, x, reduce(m, OP_reduce_mean, x, ints(m, 1, &axis), true));
  if (!centred) return 0;
  ValueId square = chance(m, 50) ? op2(m, OP_mul, centred, centred) : op2(m, OP_pow, centred, number(m, 2));
  ValueId variance = reduce(m, OP_reduce_mean, square, ints(m, 1, &other), true);
  ValueId root = chance(m, 90) ? op1(m, OP_sqrt, commuted(m, OP_add, variance, number(m, 0.001)))
                               : op2(m, OP_add, op1(m, OP_sqrt, variance), number(m, 0.001));
  ValueId y = chance(m, 70) ? op2(m, OP_div, centred, root) : op2(m, OP_mul, centred, op1(m, OP_reciprocal, root));
  Dim shape[] = {size, 1, 1};
  if (y && chance(m, 70)) y = commuted(m, OP_mul, y, constant(m, axis == 1 ? 3 : 1, shape, 1));
  return y && chance(m, 70) ? commuted(m, OP_add, y, constant(m, axis == 1 ? 3 : 1, shape, 1)) : y;
}

static inline ValueId make_layernorm(Maker *m) {
  ValueId x = any(m);
  Dim size = last_dim(m, x), axis = type(m, x)->rank - 1;
  if (!dim_is_number(size) || axis < 0) return 0;
  Attrs a = attrs_default();
  a.axes = ints(m, 1, &axis);
  a.eps = 0.001;
  if (chance(m, 30)) return op(m, OP_layernorm, &x, 1, &a);
  return op(m, OP_layernorm, (ValueId[]){x, constant(m, 1, &size, 1), constant(m, 1, &size, 1)}, 3, &a);
}

static inline ValueId make_gelu_chain(Maker *m) {
  ValueId x = any(m), half = number(m, 0.5), one = number(m, 1);
  double root = chance(m, 90) ? 1.4142135623730951 : 1.41422; /* nearly, but not quite */
  ValueId inner = chance(m, 50) ? op2(m, OP_div, x, number(m, root)) : commuted(m, OP_mul, x, number(m, 1 / root));
  ValueId sum = commuted(m, OP_add, op1(m, OP_erf, inner), one);
  if (chance(m, 33)) return commuted(m, OP_mul, commuted(m, OP_mul, x, sum), half);
  return chance(m, 50) ? commuted(m, OP_mul, commuted(m, OP_mul, x, half), sum)
                       : commuted(m, OP_mul, x, commuted(m, OP_mul, sum, half));
}

static inline ValueId make_grn_chain(Maker *m) {
  ValueId x = any(m);
  Dim axis = 3, size = last_dim(m, x);
  if (type(m, x)->rank != 4 || !dim_is_number(size)) return 0;
  ValueId l = reduce(m, OP_reduce_l2, x, ints(m, 2, (Dim[]){1, 2}), true);
  ValueId mean = reduce(m, OP_reduce_mean, l, ints(m, 1, &axis), true);
  ValueId n = op2(m, OP_div, l, commuted(m, OP_add, mean, number(m, 0.001)));
  ValueId scaled = commuted(m, OP_mul, constant(m, 1, &size, 1), commuted(m, OP_mul, x, n));
  return commuted(m, OP_add, x, commuted(m, OP_add, constant(m, 1, &size, 1), scaled));
}

static inline ValueId make_reshape(Maker *m) {
  ValueId x = any(m);
  const Type *t = type(m, x);
  Attrs a = attrs_default();
  if (t->rank != 4 && t->rank != 3) return 0;
  if (t->rank == 3)
    a.shape = ints(m, 4, (Dim[]){t->dim[0], t->dim[1], 1, t->dim[2]});
  else if (chance(m, 50))
    a.shape = t->dim[1] == 1 ? ints(m, 3, (Dim[]){t->dim[0], t->dim[2], t->dim[3]}) : ints(m, 4, t->dim);
  else if (dim_is_number(t->dim[2]) && dim_is_number(t->dim[3]))
    a.shape = ints(m, 4, (Dim[]){t->dim[0], t->dim[1], t->dim[3], t->dim[2]});
  return op(m, OP_reshape, &x, 1, &a);
}

static inline ValueId make_softmax(Maker *m) {
  ValueId x = any(m);
  Attrs a = attrs_default();
  a.axis = type(m, x)->rank - 1 - (type(m, x)->rank > 2 && chance(m, 30));
  return a.axis < 1 ? 0 : op(m, OP_softmax, &x, 1, &a);
}

static inline ValueId make_pool(Maker *m) {
  ValueId x = any(m);
  Attrs a = attrs_default();
  a.kernel = ints(m, 2, (Dim[]){2, 2});
  a.strides = ints(m, 2, (Dim[]){2, 2});
  return op(m, chance(m, 50) ? OP_max_pool : OP_avg_pool, &x, 1, &a);
}

static inline ValueId make_concat(Maker *m) {
  ValueId x = any(m);
  Attrs a = attrs_default();
  a.axis = type(m, x)->rank == 4 && chance(m, 50) ? 1 : type(m, x)->rank - 1;
  return a.axis < 1 ? 0 : op(m, OP_concat, (ValueId[]){x, chance(m, 50) ? x : any(m)}, 2, &a);
}

static ValueId (*const makers[])(Maker *) = {
    make_unary,     make_residual, make_affine,     make_gemm,   make_conv,       make_conv,      make_transpose,
    make_transpose, make_reduce,   make_norm_chain, make_gemm,   make_gelu_chain, make_grn_chain, make_layernorm,
    make_reshape,   make_softmax,  make_pool,       make_concat, make_norm_chain, make_gelu_chain};
enum { MAKERS = sizeof makers / sizeof *makers };

static inline void add_port(Maker *m, OpKind kind, ValueId v, const Type *t, const char *name) {
  char error[256];
  Attrs a = attrs_default();
  a.name = name;
  if (kind == OP_output)
    graph_try_op(m->g, kind, &v, 1, &a, NULL, 0, error);
  else
    m->values[m->count++] = op_at(m->g, graph_try_leaf(m->g, kind, t, &a, NULL, 0, error))->first_result;
}

/* Small enough to be evaluated many times, for any batch of ours. */
static inline bool is_small(const Type *t) {
  double elements = 1;
  for (int i = 0; i < t->rank; i++) elements *= (double)dim_coefficient(t->dim[i]);
  return elements < 5000;
}

/* batch: 1, or 0: any, also a symbol. */
static inline Graph *make_graph(Context *c, uint64_t seed, Dim batch) {
  Maker m = {.g = graph_new(c, "random"), .state = seed * 0x9E3779B97F4A7C15u + 1};
  Dim n = chance(&m, 60) ? 1 : chance(&m, 50) ? 2 : dim_symbol(graph_symbol(m.g, "N"), 1);
  if (batch) n = batch;
  for (int i = 0; i < 8; i++) kit_random(&m.state);
  Type t = type_make(DT_f32, 4, (Dim[]){n, 2 + below(&m, 6), 2 + below(&m, 7), 2 + below(&m, 7)});
  add_port(&m, OP_input, 0, &t, "x");
  if (chance(&m, 30)) add_port(&m, OP_input, 0, &t, "z");
  for (int i = 3 + below(&m, 22); i > 0 && m.count < MAX_VALUES; i--) {
    ValueId v = makers[below(&m, MAKERS)](&m);
    if (v && is_small(type(&m, v))) m.values[m.count++] = v;
  }
  add_port(&m, OP_output, m.values[m.count - 1], NULL, "y");
  static const char *const names[] = {"y1", "y2", "y3"};
  for (int i = 0; i < 3 && chance(&m, 30); i++) add_port(&m, OP_output, m.values[below(&m, m.count)], NULL, names[i]);
  return m.g;
}

/* Runs a random part of the pipeline; appends the names to `list`. */
static inline void run_some(Graph *g, uint64_t *state, char *list, size_t room) {
  PassOptions options = {.strict_fp = kit_random(state) < -1};
  RewriteLog log = {.limit = kit_random(state) > 1.5 ? (int64_t)((kit_random(state) + 2) * 8) : -1};
  double most = kit_random(state);
  g->log = &log;
  if (options.strict_fp) snprintf(list, room, "strict-fp");
  if (log.limit >= 0) snprintf(list + strlen(list), room - strlen(list), " limit=%d", (int)log.limit);
  for (int i = 0; i < pipeline_length; i++) {
    size_t messages = g->context->count;
    bool skip = kit_random(state) > most + 1 || !facts_hold(g, pipeline[i].needs, "random");
    g->context->count = messages;
    g->context->errors = 0;
    if (skip) continue;
    snprintf(list + strlen(list), room - strlen(list), " %s", pipeline[i].name);
    pipeline[i].run(g, &options);
    CHECK(graph_verify(g));
    rewrite_log_clear(&log);
  }
  g->log = NULL;
  CHECK(!log.silent);
}
#endif
