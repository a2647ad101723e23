/* Local functions: inlining, attribute references and defaults, nesting, opsets, names, and calls that do not fit. */
#include "tests/test.h"
#include "tests/onnx_builder.h"

/* Imports, runs, and compares all elements of the only output with one number. */
static void computes(int opset, const char *text, double want) {
  Context *c = context_new();
  Model *m = model_new(opset, text);
  Graph *g = load_onnx(c, model_write(m, "model.onnx"), NULL, 0);
  CHECK(g && graph_verify(g));
  Tensor out = {0};
  if (g && eval_graph(g, m->feeds, m->feed_count, &out, 1, NULL, NULL)) {
    for (int64_t i = 0; i < type_elements(&out.type); i++) CHECK(out.f[i] == want);
    tensor_free(&out);
  } else {
    CHECK(!"ran");
    printf("%s: %s", test_name, diag_text(c));
  }
  graph_free(g);
  model_free(m);
  context_free(c);
}

static void refused(int opset, const char *text, const char *part) {
  Context *c = context_new();
  Graph *g = import_text(c, opset, text);
  CHECK(!g);
  CHECK_HAS(diag_text(c), part);
  graph_free(g);
  context_free(c);
}

#define USE "opset my 1; in x:f32[2]=-3; "

static void test_calls(void) {
  TEST("one call");
  computes(17, USE "fn my.F a -> b; t = Abs a; b = Add t a; end; y = my.F x; out y", 0);
  TEST("two calls do not mix their values");
  computes(17, USE "fn my.F a -> b; t = Abs a; b = Add t t; end; u = my.F x; y = my.F u; out y", 12);
  TEST("names that collide with the graph's");
  computes(17,
           USE "fn my.F a -> b; t = Abs a; b = Add t t; end; t = Neg x; y/t = Neg t; z = Add t y/t; y = my.F z; out y",
           0);
  TEST("nested");
  computes(17, USE "fn my.G a -> b; b = Neg a; end; fn my.F a -> b; t = my.G a; b = Add t t; end; y = my.F x; out y",
           6);
  TEST("defined in any order");
  computes(17, USE "fn my.F a -> b; t = my.G a; b = Add t t; end; fn my.G a -> b; b = Neg a; end; y = my.F x; out y",
           6);
  TEST("an output that is an input");
  computes(17, USE "fn my.F a -> a; t = Neg a; end; y = my.F x; out y", -3);
  TEST("an output named twice");
  computes(17, USE "fn my.F a -> b b; b = Neg a; end; u y = my.F x; out y", 3);
  TEST("an output that the call leaves out");
  computes(17, USE "fn my.F a -> b c; b = Neg a; c = Abs b; end; _ y = my.F x; out y", 3);
  TEST("an operand that the call leaves out");
  computes(17, USE "init h:f32[]=-1; fn my.F a l h -> b; b = Clip a l h; end; y = my.F x _ h; out y", -3);
  TEST("an operand that the call leaves out at the end");
  computes(17, USE "init l:f32[]=-1; fn my.F a l h -> b; b = Clip a l h; end; y = my.F x l; out y", -1);
  TEST("a function shadows an operator");
  computes(17, "in x:f32[2]=-3; fn Relu a -> b; b = Neg a; end; y = Relu x; out y", 3);
  TEST("nodes out of order inside");
  computes(17, USE "fn my.F a -> b; b = Add t t; t = Abs a; end; y = my.F x; out y", 6);
}

static void test_attributes(void) {
  TEST("attribute reference");
  computes(17, USE "fn my.F a -> b {alpha}; b = LeakyRelu a {alpha=$alpha}; end; y = my.F x {alpha=0.5}; out y", -1.5);
  TEST("the operator's default where nobody gives it");
  computes(17,
           USE "fn my.F a -> b {alpha}; b = Elu a {alpha=$alpha}; c = Neg b; end; init n:f32[]=0; w = Min x n; "
               "v = my.F w; z = Sub v v; y = Exp z; out y",
           1);
  TEST("the function's default");
  computes(17, USE "fn my.F a -> b {slope=2.0}; b = LeakyRelu a {alpha=$slope}; end; y = my.F x; out y", -6);
  TEST("the call's value before the default");
  computes(17, USE "fn my.F a -> b {slope=2.0}; b = LeakyRelu a {alpha=$slope}; end; y = my.F x {slope=3.0}; out y",
           -9);
  TEST("through two functions");
  computes(17,
           USE
           "fn my.G a -> b {s=2.0}; b = LeakyRelu a {alpha=$s}; end; fn my.F a -> b {k=4.0}; b = my.G a {s=$k}; end; "
           "y = my.F x; out y",
           -12);
  TEST("a Constant made of an attribute");
  computes(17, USE "fn my.F a -> b {k}; c = Constant {value_float=$k}; b = Add a c; end; y = my.F x {k=4.5}; out y",
           1.5);
  TEST("an attribute that the function does not have");
  refused(17, USE "fn my.F a -> b; b = Neg a; end; y = my.F x {k=1}; out y",
          "node 'y' (my.F, opset 1): error: function has no attribute 'k'");
}

static void test_opsets(void) {
  /* Softmax over 2 x 2 ones: 1/4 where it is flat (before 13), 1/2 after */
  TEST("the function's own opset");
  computes(17, "opset my 1; in x:f32[1,2,2]=1; fn my.F a -> b; opset  11; b = Softmax a; end; y = my.F x; out y", 0.5);
  Context *c = context_new();
  Model *m = model_new(17, "opset my 1; in x:f32[1,2,2]=1; fn my.F a -> b; b = Softmax a; end; y = my.F x; out y");
  m->function = m->proto.functions[0];
  build_opset(m, "ai.onnx", 11, true);
  Graph *g = load_onnx(c, model_write(m, "model.onnx"), NULL, 0);
  Tensor out = {0};
  CHECK(g && eval_graph(g, m->feeds, 1, &out, 1, NULL, NULL));
  CHECK(out.f && out.f[0] == 0.25);
  tensor_free(&out);
  graph_free(g);
  model_free(m);
  context_free(c);
  TEST("an opset that the function asks for and the table has not");
  refused(17, "opset my 1; in x:f32[2]; fn my.F a -> b; b = Foo a; end; y = my.F x; out y",
          "node 'y' (Foo, opset 17): error: operator is not supported");
}

static void test_misfits(void) {
  TEST("recursion");
  refused(17, USE "fn my.F a -> b; b = my.F a; end; y = my.F x; out y",
          "node 'y' (my.F, opset 1): error: function 'my.F' calls itself");
  TEST("mutual recursion");
  refused(17, USE "fn my.F a -> b; b = my.G a; end; fn my.G a -> b; b = my.F a; end; y = my.F x; out y",
          "calls itself");
  TEST("defined twice");
  refused(17, USE "fn my.F a -> b; b = Neg a; end; fn my.F a -> b; b = Abs a; end; y = my.F x; out y",
          "function 'F' is defined twice");
  TEST("too many operands");
  refused(17, USE "fn my.F a -> b; b = Neg a; end; y = my.F x x; out y",
          "function has 1 inputs and 1 outputs, the call 2 and 1");
  TEST("too many results");
  refused(17, USE "fn my.F a -> b; b = Neg a; end; y z = my.F x; out y",
          "function has 1 inputs and 1 outputs, the call 1 and 2");
  TEST("an output that the function does not compute");
  refused(17, USE "fn my.F a -> b; c = Neg a; end; y = my.F x; out y", "'y': error: output is computed nowhere");
  TEST("an operand that nobody gives");
  refused(17, USE "fn my.F a b -> c; c = Add a b; end; y = my.F x; out y",
          "node 'y' (Add, opset 17): error: input 2 is missing");
  TEST("a function of another domain");
  refused(17, USE "opset other 1; fn my.F a -> b; b = Neg a; end; y = other.F x; out y",
          "operator of domain 'other' is not supported");
}

/* F0 calls F1 twice, F1 calls F2 twice ...: 2^40 nodes from a few kB; without any node in the last one, too. */
static void test_explosion(void) {
  for (int empty = 0; empty < 2; empty++) {
    TEST(empty ? "exponential calls of nothing" : "exponential calls");
    Arena *a = arena_new();
    char *text = arena_strdup(a, USE);
    for (int i = 0; i < 40; i++)
      text = arena_printf(a, "%sfn my.F%d a -> b; t = my.F%d a; b = my.F%d t; end; ", text, i, i + 1, i + 1);
    text = arena_printf(a, "%sfn my.F40 a -> b; %send; y = my.F0 x; out y", text, empty ? "" : "b = Neg a; ");
    refused(17, text, "model.onnx: error: functions inlined make more than 65536 nodes");
    arena_free(a);
  }
  TEST("a long name inside a function that is called often");
  Arena *names = arena_new();
  char *long_name = arena_strdup(names, "t"), *calls = arena_strdup(names, "");
  for (int i = 0; i < 17; i++) long_name = arena_printf(names, "%s%s", long_name, long_name);
  for (int i = 0; i < 600; i++) calls = arena_printf(names, "%sy%d = my.F x; ", calls, i);
  refused(17,
          arena_printf(names, USE "fn my.F a -> b; %s = Abs a; b = Neg %s; end; %sout y0", long_name, long_name, calls),
          "functions inlined make more than 67108864 bytes of names");
  arena_free(names);
  TEST("deeply nested calls");
  Arena *a = arena_new();
  char *text = arena_strdup(a, USE);
  for (int i = 0; i < 100; i++) text = arena_printf(a, "%sfn my.F%d a -> b; b = my.F%d a; end; ", text, i, i + 1);
  refused(17, arena_printf(a, "%sy = my.F0 x; out y", text), "functions are nested more than 64 deep");
  TEST("branches in deeply nested calls");
  text = arena_strdup(a, USE "init c:bool[]=1; sub t -> v; v = Neg a; end; ");
  for (int i = 0; i < 63; i++) text = arena_printf(a, "%sfn my.F%d a c -> b; b = my.F%d a c; end; ", text, i, i + 1);
  text = arena_printf(a, "%sfn my.F63 a c -> b; b = If c {then_branch=&t else_branch=&t}; end; ", text);
  refused(17, arena_printf(a, "%sy = my.F0 x c; out y", text), "branches are nested more than 64 deep");
  arena_free(a);
}

/* A tensor inside an inlined function has the same name when the file is opened again. */
static void test_tensors_inside(void) {
  TEST("tensors of functions keep their names");
  Context *c = context_new();
  Model *m =
      model_new(17, "opset my 1; in x:f32[9]=1; fn my.F a -> b; k = Constant {value=f32[9]:2}; b = Mul a k; end; "
                    "u = my.F x; y = my.F u; out y");
  const char *path = model_write(m, "model.onnx");
  Graph *g = load_onnx(c, path, NULL, 0);
  Source *again = open_source(c, path);
  CHECK(g && again && count_ops(g, OP_weight) == 2);
  TensorView v;
  if (g && again) {
    FOR_EACH_OP(g, id) {
      const Op *op = op_at(g, id);
      if (op->kind == OP_weight) CHECK(again->find(again, op->attrs.name, &v) && v.bytes == 36);
    }
    CHECK(again->find(again, "u/k", &v) && again->find(again, "y/k", &v));
  }
  if (again) again->close(again);
  graph_free(g);
  model_free(m);
  context_free(c);
}

int main(void) {
  test_calls();
  test_attributes();
  test_opsets();
  test_misfits();
  test_explosion();
  test_tensors_inside();
  REMOVE_TEST_FILES("model.onnx");
  return test_result();
}
