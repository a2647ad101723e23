/* Running graphs and constant expressions: sources, symbols, images, observers, and inputs that do not fit. */
#include "tests/op_kit.h"

/* A source with one tensor "w", f32[2,3] = 1..6, and one of too few bytes. */
typedef struct {
  Source source;
  float data[6];
  int finds, drops;
} Fake;

static bool fake_find(Source *s, const char *name, TensorView *out) {
  Fake *f = s->impl;
  f->finds++;
  Dim dims[2] = {2, 3};
  *out = (TensorView){type_make(DT_f32, 2, dims), f->data, sizeof f->data};
  if (!strcmp(name, "short")) out->bytes--;
  return !strcmp(name, "w") || !strcmp(name, "short");
}

static void fake_drop(Source *s, const TensorView *v) {
  (void)v;
  ((Fake *)s->impl)->drops++;
}

static Fake fake_new(void) {
  return (Fake){.source = {.path = "fake.onnx", .find = fake_find, .drop_pages = fake_drop},
                .data = {1, 2, 3, 4, 5, 6}};
}

static ValueId weight(Kit *k, const char *name, const char *type) {
  Attrs a = attrs_default();
  a.name = name;
  Type t = kit_type(k->graph, &type);
  OpId id = graph_try_leaf(k->graph, OP_weight, &t, &a, NULL, 0, k->error);
  CHECK(id);
  return op_at(k->graph, id)->first_result;
}

static ValueId input(Kit *k, const char *name, const char *type) {
  Attrs a = attrs_default();
  a.name = name;
  Type t = kit_type(k->graph, &type);
  OpId id = graph_try_leaf(k->graph, OP_input, &t, &a, NULL, 0, k->error);
  CHECK(id);
  return op_at(k->graph, id)->first_result;
}

static ValueId add_op(Kit *k, OpKind kind, ValueId a, ValueId b, const char *attrs) {
  ValueId v[2] = {a, b};
  Attrs at = kit_attrs(k->graph, attrs);
  OpId id = graph_try_op(k->graph, kind, v, b ? 2 : 1, &at, NULL, 0, k->error);
  if (!id) printf("%s\n", k->error);
  CHECK(id);
  return op_at(k->graph, id)->first_result;
}

static const char *last_error(const Kit *k) {
  return k->context->count ? k->context->list[k->context->count - 1].text : "";
}

static Tensor counted(const char *type) {
  Kit k = kit_new();
  Type t = kit_type(k.graph, &type);
  kit_free(&k);
  Tensor x = tensor_new(&t);
  for (int64_t i = 0, n = type_elements(&t); i < n; i++)
    if (x.f)
      x.f[i] = (double)i;
    else
      x.i[i] = i;
  return x;
}

static void weights(void) {
  TEST("constant expressions of weights");
  Kit k = kit_new();
  Fake f = fake_new();
  f.source.impl = &f;
  graph_add_source(k.graph, &f.source);
  ValueId w = weight(&k, "w", "f32[2,3]"), t = add_op(&k, OP_transpose, w, 0, "perm=[1,0]");
  ValueId flat = add_op(&k, OP_reshape, t, 0, "shape=[6]"), twice = add_op(&k, OP_add, flat, flat, "");
  Tensor out;
  CHECK(eval_const(k.graph, twice, &out));
  static const double want[] = {2, 8, 4, 10, 6, 12};
  for (int i = 0; i < 6; i++) CHECK(out.f[i] == want[i]);
  CHECK(out.type.rank == 1 && f.finds == 1 && f.drops == 1);
  tensor_free(&out);
  CHECK(eval_const(k.graph, w, &out) && out.f[5] == 6);
  tensor_free(&out);

  TEST("weights that the source lacks");
  CHECK(!eval_const(k.graph, add_op(&k, OP_neg, weight(&k, "nosuch", "f32[2,3]"), 0, ""), &out));
  CHECK_STR(last_error(&k), "fake.onnx: error: no tensor 'nosuch'");
  CHECK(!eval_const(k.graph, weight(&k, "w", "f32[3,2]"), &out));
  CHECK_HAS(last_error(&k), "tensor 'w' has another type than the program says");
  CHECK(!eval_const(k.graph, weight(&k, "w", "f64[2,3]"), &out));
  CHECK_HAS(last_error(&k), "another type");
  CHECK(!eval_const(k.graph, weight(&k, "short", "f32[2,3]"), &out));
  CHECK_HAS(last_error(&k), "another type");
  kit_free(&k);
}

static void deep(void) {
  TEST("a long chain needs no deep stack");
  Kit k = kit_new();
  const char *p = "f32[2]{1,2}";
  ValueId v = kit_operand(&k, &p);
  for (int i = 0; i < 20000; i++) v = add_op(&k, OP_neg, v, 0, "");
  Tensor out;
  CHECK(eval_const(k.graph, v, &out) && out.f[1] == 2);
  tensor_free(&out);
  kit_free(&k);
}

typedef struct {
  int values, last_sum;
} Seen;

static void see(void *user, const Graph *g, ValueId v, const Tensor *t) {
  Seen *s = user;
  CHECK(type_equal(&t->type, type_of(g, v)));
  s->values++;
  s->last_sum = 0;
  for (int64_t i = 0, n = type_elements(&t->type); i < n; i++) s->last_sum += (int)(t->f ? t->f[i] : (double)t->i[i]);
}

/* out0 = a + w * 2, out1 = a, and an op that no output needs */
static void whole_graph(void) {
  TEST("a graph with two outputs");
  Kit k = kit_new();
  Fake f = fake_new();
  f.source.impl = &f;
  graph_add_source(k.graph, &f.source);
  ValueId w = weight(&k, "w", "f32[2,3]"), a = input(&k, "a", "f32[2,3]"), unused = input(&k, "b", "f32[1]");
  add_op(&k, OP_exp, unused, 0, "");
  add_op(&k, OP_neg, weight(&k, "nosuch", "f32[2,3]"), 0, ""); /* never looked for */
  ValueId sum = add_op(&k, OP_add, a, add_op(&k, OP_add, w, w, ""), "");
  Attrs none = attrs_default();
  graph_try_op(k.graph, OP_output, &sum, 1, &none, NULL, 0, k.error);
  graph_try_op(k.graph, OP_output, &a, 1, &none, NULL, 0, k.error);
  Tensor in[2] = {counted("f32[2,3]"), counted("f32[1]")}, out[2];
  Seen seen = {0, 0};
  CHECK(eval_graph(k.graph, in, 2, out, 2, see, &seen));
  for (int i = 0; i < 6; i++) CHECK(out[0].f[i] == i + 2 * (i + 1) && out[1].f[i] == i);
  CHECK(seen.values == 5 && seen.last_sum == 15 + 42); /* a, b, w, w + w, sum */
  for (int i = 0; i < 2; i++) tensor_free(&out[i]);

  TEST("inputs that do not fit");
  CHECK(!eval_graph(k.graph, in, 1, out, 2, NULL, NULL));
  CHECK_STR(last_error(&k), "test: error: 1 inputs given, the graph has 2");
  CHECK(!eval_graph(k.graph, in, 2, out, 1, NULL, NULL));
  CHECK_STR(last_error(&k), "test: error: 1 outputs asked for, the graph has 2");
  Tensor wrong[2] = {in[1], in[1]};
  CHECK(!eval_graph(k.graph, wrong, 2, out, 2, NULL, NULL));
  CHECK_HAS(last_error(&k), "'a': error: the input is f32 of rank 1, needs f32 of rank 2");
  wrong[0] = counted("f64[2,3]");
  CHECK(!eval_graph(k.graph, wrong, 2, out, 2, NULL, NULL));
  CHECK_HAS(last_error(&k), "the input is f64 of rank 2, needs f32 of rank 2");
  tensor_free(&wrong[0]);
  wrong[0] = counted("f32[2,4]");
  CHECK(!eval_graph(k.graph, wrong, 2, out, 2, NULL, NULL));
  CHECK_HAS(last_error(&k), "dim 1 of the input is 4, needs 3");
  tensor_free(&wrong[0]);
  for (int i = 0; i < 2; i++) tensor_free(&in[i]);
  kit_free(&k);
}

static void symbols(void) {
  TEST("symbolic dims take the inputs' numbers");
  Kit k = kit_new();
  ValueId a = input(&k, "a", "f32[N,2*M]"), b = input(&k, "b", "f32[N,1]");
  ValueId sum = add_op(&k, OP_add, a, b, ""), flat = add_op(&k, OP_reshape, a, 0, "shape=[N,M,2]");
  Attrs none = attrs_default();
  graph_try_op(k.graph, OP_output, &sum, 1, &none, NULL, 0, k.error);
  graph_try_op(k.graph, OP_output, &flat, 1, &none, NULL, 0, k.error);
  Tensor in[2] = {counted("f32[3,4]"), counted("f32[3,1]")}, out[2];
  CHECK(eval_graph(k.graph, in, 2, out, 2, NULL, NULL));
  CHECK(out[0].type.dim[0] == 3 && out[0].type.dim[1] == 4 && out[0].f[11] == 13);
  CHECK(out[1].type.dim[1] == 2 && out[1].type.dim[2] == 2 && out[1].f[11] == 11);
  CHECK(!dim_is_number(type_of(k.graph, sum)->dim[0])); /* the graph itself is as before */
  for (int i = 0; i < 2; i++) tensor_free(&out[i]);
  static const struct {
    const char *a, *b, *text;
  } wrong[] = {
      {"f32[3,5]", "f32[3,1]", "dim 1 of the input is 5, needs a multiple of 2"},
      {"f32[3,0]", "f32[3,1]", "dim 1 of the input is 0, needs a multiple of 2"},
      {"f32[3,4]", "f32[2,1]", "dim 0 of the input makes N 2, another dim made it 3"},
  };
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    Tensor bad[2] = {counted(wrong[i].a), counted(wrong[i].b)};
    CHECK(!eval_graph(k.graph, bad, 2, out, 2, NULL, NULL));
    CHECK_HAS(last_error(&k), wrong[i].text);
    for (int j = 0; j < 2; j++) tensor_free(&bad[j]);
  }
  for (int i = 0; i < 2; i++) tensor_free(&in[i]);
  kit_free(&k);
}

/* One image [1,3] through x w^T; the caller has n of them. */
static void images(void) {
  TEST("a peeled graph runs once per image");
  Kit k = kit_new();
  Fake f = fake_new();
  f.source.impl = &f;
  graph_add_source(k.graph, &f.source);
  ValueId a = input(&k, "a", "f32[1,3]"), b = input(&k, "b", "f32[1,2]");
  ValueId w = add_op(&k, OP_transpose, weight(&k, "w", "f32[2,3]"), 0, "perm=[1,0]");
  ValueId y = add_op(&k, OP_add, add_op(&k, OP_gemm, a, w, ""), b, "");
  Attrs none = attrs_default();
  graph_try_op(k.graph, OP_output, &y, 1, &none, NULL, 0, k.error);
  k.graph->batch_symbol = graph_symbol(k.graph, "N");
  Tensor in[2] = {counted("f32[4,3]"), counted("f32[4,2]")}, out;
  CHECK(eval_graph(k.graph, in, 2, &out, 1, NULL, NULL));
  CHECK(out.type.rank == 2 && out.type.dim[0] == 4 && out.type.dim[1] == 2);
  for (int n = 0; n < 4; n++)
    for (int j = 0; j < 2; j++) {
      double want = 2 * n + j;
      for (int c = 0; c < 3; c++) want += (3 * n + c) * (3 * j + c + 1);
      CHECK(out.f[2 * n + j] == want);
    }
  CHECK(f.finds == 1); /* weights are read once, whatever the number of images */
  tensor_free(&out);
  Tensor uneven[2] = {in[0], counted("f32[3,2]")};
  CHECK(!eval_graph(k.graph, uneven, 2, &out, 1, NULL, NULL));
  CHECK_HAS(last_error(&k), "dim 0 of the input is 3, of another input 4");
  k.graph->batch_symbol = -1;
  k.graph->batch = 4;
  CHECK(eval_graph(k.graph, in, 2, &out, 1, NULL, NULL));
  tensor_free(&out);
  k.graph->batch = 5;
  CHECK(!eval_graph(k.graph, in, 2, &out, 1, NULL, NULL));
  CHECK_HAS(last_error(&k), "dim 0 of the input is 4, needs 5");
  k.graph->batch_symbol = 0;
  Tensor empty[2] = {counted("f32[0,3]"), counted("f32[0,2]")};
  CHECK(eval_graph(k.graph, empty, 2, &out, 1, NULL, NULL));
  CHECK(out.type.dim[0] == 0);
  tensor_free(&out);
  for (int i = 0; i < 2; i++) tensor_free(&empty[i]), tensor_free(&in[i]);
  tensor_free(&uneven[1]);
  kit_free(&k);
}

static void missing(void) {
  TEST("a graph whose source lacks a weight");
  Kit k = kit_new();
  Fake f = fake_new();
  f.source.impl = &f;
  graph_add_source(k.graph, &f.source);
  ValueId a = input(&k, "a", "f32[2,3]"), y = add_op(&k, OP_add, a, weight(&k, "nosuch", "f32[2,3]"), "");
  Attrs none = attrs_default();
  graph_try_op(k.graph, OP_output, &a, 1, &none, NULL, 0, k.error);
  graph_try_op(k.graph, OP_output, &y, 1, &none, NULL, 0, k.error);
  Tensor in = counted("f32[2,3]"), out[2];
  CHECK(!eval_graph(k.graph, &in, 1, out, 2, NULL, NULL));
  CHECK_HAS(last_error(&k), "no tensor 'nosuch'");
  tensor_free(&in);
  kit_free(&k);
}

int main(void) {
  weights();
  deep();
  whole_graph();
  symbols();
  images();
  missing();
  return test_result();
}
