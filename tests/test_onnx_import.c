/* What an import makes of a model beside its operators: names, symbols and pins, literals and weights, locations, the
 * source, and every way in which a tensor can be stored. */
#include "tests/test.h"
#include "tests/onnx_builder.h"

static const Op *find_op(const Graph *g, OpKind kind) {
  FOR_EACH_OP(g, id)
  if (op_at(g, id)->kind == kind) return op_at(g, id);
  return NULL;
}

static const Type *result_type(const Graph *g, OpKind kind) {
  const Op *op = find_op(g, kind);
  if (!op) die("no %s", op_info[kind].name);
  return type_of(g, kind == OP_output ? op->operands[0] : op->first_result);
}

/* ---- names and symbols ---- */

static void check_graph_name(const char *file, const char *name) {
  Context *c = context_new();
  Model *m = model_new(17, "in x:f32[2]; y = Relu x; out y");
  Graph *g = load_model(c, model_write(m, file), NULL, 0);
  CHECK(g != NULL);
  if (g) CHECK_STR(g->name, name);
  remove(test_path(m->arena, file));
  graph_free(g);
  model_free(m);
  context_free(c);
}

static void test_graph_name(void) {
  TEST("graph name");
  check_graph_name("model.onnx", "model");
  check_graph_name("conv-next.v1.onnx", "conv_next_v1");
  check_graph_name("3net.onnx", "m3net");
  check_graph_name("plain", "plain");
}

static Graph *import_pinned(Context *c, const char *text, const DimPin *pins, size_t count) {
  Model *m = model_new(17, text);
  Graph *g = load_onnx(c, model_write(m, "model.onnx"), pins, count);
  model_free(m);
  return g;
}

static void test_symbols(void) {
  Context *c = context_new();
  TEST("symbols");
  Graph *g =
      import_text(c, 17, "in x:f32[batch,?,batch size]; in z:f32[batch,batch_size]; y = Relu x; w = Relu z; out y");
  CHECK(g && g->symbol_count == 4);
  if (g) {
    CHECK_STR(type_text(c->arena, g, result_type(g, OP_input)), "f32[batch,x_d1,batch_size]");
    CHECK_STR(g->symbols[3], "batch_size_"); /* another symbol, though its identifier is the same */
  }
  graph_free(g);
  TEST("pins");
  g = import_pinned(c, "in x:f32[N,?,3]; y = Relu x; out y", (DimPin[]){{"N", 4}, {"x_d1", 5}}, 2);
  CHECK(g && g->symbol_count == 0);
  if (g) CHECK_STR(type_text(c->arena, g, result_type(g, OP_output)), "f32[4,5,3]");
  graph_free(g);
  TEST("declarations may be vaguer, and hold for one size of a symbol");
  static const char text[] = "in x:f32[N,3]; v = Relu x; y = Abs v; out y; info v:f32[1,?]; info x:f32[1,3]";
  g = import_pinned(c, text, NULL, 0);
  CHECK(g);
  graph_free(g);
  g = import_pinned(c, text, (DimPin[]){{"N", 4}}, 1);
  CHECK(g);
  graph_free(g);
  TEST("a pin that names no symbol");
  CHECK(!import_pinned(c, "in x:f32[batch,K]; y = Relu x; out y", (DimPin[]){{"bach", 4}}, 1));
  CHECK_HAS(diag_text(c), "model.onnx: error: no symbolic dim 'bach' (there are: batch, K); did you mean 'batch'?");
  CHECK(!import_pinned(c, "in x:f32[2]; y = Relu x; out y", (DimPin[]){{"N", 4}}, 1));
  CHECK_HAS(diag_text(c), "no symbolic dim 'N' (all dims are numbers)");
  TEST("a pin below 1");
  CHECK(!import_pinned(c, "in x:f32[N]; y = Relu x; out y", (DimPin[]){{"N", 0}}, 1));
  CHECK_HAS(diag_text(c), "dim 'N' is set to 0, must be at least 1");
  context_free(c);
}

/* Shape arithmetic on a symbol goes through. */
static void test_symbolic_shapes(void) {
  TEST("symbolic shapes");
  Context *c = context_new();
  Graph *g = import_text(c, 17,
                         "in x:f32[N,3,4]; s = Shape x {end=1}; init m:i64[1]=-1; t = Concat s m {axis=0}; "
                         "y = Reshape x t; init z:i64[2]=0 12; w = Reshape y z; f = Flatten x {axis=2}; "
                         "init k:i64[1]=0; init o:i64[1]=9223372036854775807; v = Slice x k o; out w; out f; out v");
  CHECK(g != NULL);
  if (g) {
    Arena *a = c->arena;
    CHECK_STR(type_text(a, g, result_type(g, OP_output)), "f32[N,12]");
    const Op *last = op_at(g, g->last);
    CHECK_STR(type_text(a, g, type_of(g, last->operands[0])), "f32[N,3,4]");
    CHECK_STR(type_text(a, g, type_of(g, op_at(g, last->prev)->operands[0])), "f32[3*N,4]");
    CHECK(count_ops(g, OP_slice) == 0);
  }
  graph_free(g);
  TEST("rows of a symbolic batch and back: what onnxsim makes of MatMul and Add");
  g = import_text(c, 17,
                  "in x:f32[N,2,3,4]; init r:i64[2]=-1 4; a = Reshape x r; init w:f32[4,5]=1; init b:f32[5]=1; "
                  "m = Gemm a w b; init s:i64[4]=-1 2 3 5; y = Reshape m s; out m; out y");
  CHECK(g != NULL);
  if (g) {
    const Op *last = op_at(g, g->last);
    CHECK_STR(type_text(c->arena, g, type_of(g, last->operands[0])), "f32[N,2,3,5]");
    CHECK_STR(type_text(c->arena, g, type_of(g, op_at(g, last->prev)->operands[0])), "f32[6*N,5]");
  }
  graph_free(g);
  context_free(c);
}

/* ---- literals, weights, locations ---- */

static void test_literals(void) {
  Context *c = context_new();
  TEST("an 8-element initializer is a weight, one element a literal");
  Graph *g = import_text(c, 17, "in x:f32[8]; init w:f32[8]=1; init s:f32[]=2; a = Mul x w; y = Mul a s; out y");
  CHECK(g && count_ops(g, OP_weight) == 1 && count_ops(g, OP_const) == 1);
  if (g) CHECK_STR(find_op(g, OP_weight)->attrs.name, "w");
  graph_free(g);
  TEST("8 floats of a Constant are a literal, 9 a weight named after its result");
  g = import_text(c, 17, "in x:f32[8]; k = Constant {value_floats=[1.5,2,3,4,5,6,7,8]}; y = Mul x k; out y");
  CHECK(g && count_ops(g, OP_weight) == 0 && find_op(g, OP_const)->attrs.floats.count == 8);
  graph_free(g);
  g = import_text(c, 17, "in x:f32[9]; k = Constant {value_floats=[1.5,2,3,4,5,6,7,8,9]}; y = Mul x k; out y");
  CHECK(g && count_ops(g, OP_weight) == 1 && count_ops(g, OP_const) == 0);
  if (g) CHECK_STR(find_op(g, OP_weight)->attrs.name, "k");
  graph_free(g);
  TEST("integers are literals, equal ones a single element");
  g = import_text(c, 17, "in x:i64[4096]; init w:i64[4096]=1 2; y = Add x w; out y");
  CHECK(g && count_ops(g, OP_const) == 1 && find_op(g, OP_const)->attrs.ints.count == 4096);
  graph_free(g);
  g = import_text(c, 17, "in x:i64[4096]; init w:i64[4096]=3; y = Add x w; out y");
  CHECK(g && count_ops(g, OP_const) == 1 && find_op(g, OP_const)->attrs.ints.count == 1);
  graph_free(g);
  TEST("4097 integers are a weight");
  g = import_text(c, 17, "in x:i64[4097]; init w:i64[4097]=1 2; y = Add x w; out y");
  CHECK(g && count_ops(g, OP_const) == 0 && count_ops(g, OP_weight) == 1);
  graph_free(g);
  TEST("a number that would read as a symbol is a weight");
  g = import_text(c, 17, "in x:i64[1]; init w:i64[1]=-9223372036854775808; y = Add x w; out y");
  CHECK(g && count_ops(g, OP_const) == 0 && count_ops(g, OP_weight) == 1);
  graph_free(g);
  TEST("a weight is made once, and only where it is used");
  g = import_text(c, 17, "in x:f32[9]; init w:f32[9]=1; init u:f32[9]=1; a = Mul x w; y = Add a w; out y");
  CHECK(g && count_ops(g, OP_weight) == 1);
  graph_free(g);
  TEST("an input that is an initializer is no input");
  g = import_text(c, 17, "in x:f32[9]; in w:f32[9]; init w:f32[9]=1; y = Mul x w; out y");
  CHECK(g && count_ops(g, OP_input) == 1 && count_ops(g, OP_weight) == 1);
  graph_free(g);
  context_free(c);
}

static void test_locations(void) {
  TEST("locations");
  Context *c = context_new();
  Model *m = model_new(13, "in x:f32[2]; y = Relu x; z = Abs y; out z");
  m->graph.node[0]->name = arena_strdup(m->arena, "first");
  Graph *g = load_onnx(c, model_write(m, "model.onnx"), NULL, 0);
  CHECK(g != NULL);
  const Op *relu = g ? find_op(g, OP_relu) : NULL, *abs_ = g ? find_op(g, OP_abs) : NULL;
  if (relu && abs_) {
    CHECK_STR(relu->loc->node, "first");
    CHECK_STR(relu->loc->op, "Relu");
    CHECK(relu->loc->opset == 13 && relu->loc->source == 0 && !relu->loc->next);
    CHECK_STR(abs_->loc->node, "z"); /* a node without a name is called by its first result */
  }
  graph_free(g);
  model_free(m);
  context_free(c);
}

static void test_warnings(void) {
  TEST("Gelu before opset 20 is taken with a warning");
  Context *c = context_new();
  Graph *g = import_text(c, 17, "in x:f32[2]; y = Gelu x; out y");
  CHECK(g && !c->errors && c->count == 1);
  CHECK_HAS(diag_text(c), "node 'y' (Gelu, opset 17): warning: Gelu is an operator since opset 20 only");
  graph_free(g);
  TEST("Mod of floats without fmod");
  g = import_text(c, 17, "in x:f32[2]; y = Mod x x; out y");
  CHECK(g && !c->errors);
  CHECK_HAS(diag_text(c), "warning: floats need fmod=1 before opset 28");
  graph_free(g);
  context_free(c);
}

/* ---- forms ---- */

static void test_forms(void) {
  Context *c = context_new();
  TEST("MatMul by a weight is a gemm, by a value a matmul");
  Graph *g = import_text(
      c, 17, "in x:f32[1,2,3]; init w:f32[3,4]=1; in v:f32[3,4]; y = MatMul x w; z = MatMul x v; out y; out z");
  CHECK(g && count_ops(g, OP_gemm) == 1 && count_ops(g, OP_matmul) == 1);
  graph_free(g);
  TEST("Gemm: the bias goes in, the weight is transposed");
  g = import_text(c, 17, "in x:f32[2,3]; init w:f32[4,3]=1; init b:f32[4]=1; y = Gemm x w b {transB=1}; out y");
  CHECK(g && count_ops(g, OP_gemm) == 1 && find_op(g, OP_gemm)->operand_count == 3 && count_ops(g, OP_add) == 0);
  CHECK(g && count_ops(g, OP_transpose) == 1);
  graph_free(g);
  TEST("Conv: usual strides, pads and dilations are left out");
  g = import_text(c, 17,
                  "in x:f32[1,1,4,4]; init w:f32[1,1,3,3]=1; y = Conv x w {strides=[1,1] pads=[0,0,0,0]}; out y");
  CHECK(g && find_op(g, OP_conv)->attrs.kernel.count == 2 && !find_op(g, OP_conv)->attrs.strides.count &&
        !find_op(g, OP_conv)->attrs.pads.count);
  graph_free(g);
  TEST("eps is the decimal that was meant");
  g = import_text(c, 17, "in x:f32[2,9]; init w:f32[9]=1; y = LayerNormalization x w {epsilon=0.000001}; out y");
  CHECK(g && find_op(g, OP_layernorm)->attrs.eps == 1e-6);
  graph_free(g);
  TEST("Identity and Dropout vanish");
  g = import_text(c, 17, "in x:f32[2]; a = Identity x; b = Dropout a; y = Relu b; out y");
  CHECK(g && count_ops(g, OP_relu) == 1 && op_at(g, find_op(g, OP_relu)->next)->kind == OP_output);
  CHECK(g && find_op(g, OP_relu)->operands[0] == find_op(g, OP_input)->first_result);
  graph_free(g);
  TEST("a Split is slices");
  g = import_text(c, 17, "in x:f32[4]; a b = Split x; out a; out b");
  CHECK(g && count_ops(g, OP_slice) == 2);
  graph_free(g);
  context_free(c);
}

/* ---- tensors as files hold them ---- */

/* x + w as doubles, where w is stored in a typed list. */
static void check_stored(Model *m, const char *type, double first, double second) {
  Context *c = context_new();
  Graph *g = load_onnx(c, model_write(m, "model.onnx"), NULL, 0);
  CHECK(g != NULL);
  TensorView v;
  if (g && g->sources[0]->find(g->sources[0], "w", &v)) {
    Tensor t = tensor_new(&v.type);
    CHECK_STR(type_text(c->arena, g, &v.type), type);
    tensor_load(&t, v.data);
    CHECK((t.f ? t.f[0] : (double)t.i[0]) == first && (t.f ? t.f[1] : (double)t.i[1]) == second);
    tensor_free(&t);
  } else {
    CHECK(!"tensor w");
    printf("%s", diag_text(c));
  }
  graph_free(g);
  context_free(c);
}

static Model *typed_model(const char *type, Onnx__TensorProto **w) {
  Arena *a = arena_new();
  Model *m = model_new(17, arena_printf(a, "in x:%s[2]; init w:%s[2]=0; y = Identity w; out y", type, type));
  arena_free(a);
  *w = m->graph.initializer[0];
  (*w)->has_raw_data = 0;
  (*w)->raw_data.len = 0;
  return m;
}

static void test_typed_lists(void) {
  static const struct {
    const char *type;
    int32_t stored[2];
    double want[2];
  } rows[] = {{"i32", {-5, 7}, {-5, 7}},          {"i16", {-5, 7}, {-5, 7}},          {"i8", {-5, 7}, {-5, 7}},
              {"u16", {65535, 7}, {65535, 7}},    {"u8", {255, 7}, {255, 7}},         {"bool", {1, 0}, {1, 0}},
              {"f16", {0x3C00, 0xC000}, {1, -2}}, {"bf16", {0x3F80, 0xC000}, {1, -2}}};
  Onnx__TensorProto *w;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    TEST(rows[i].type);
    Model *m = typed_model(rows[i].type, &w);
    w->int32_data = arena_copy(m->arena, rows[i].stored, sizeof rows[i].stored);
    w->n_int32_data = 2;
    check_stored(m, arena_printf(m->arena, "%s[2]", rows[i].type), rows[i].want[0], rows[i].want[1]);
    model_free(m);
  }
  TEST("float_data");
  Model *m = typed_model("f32", &w);
  w->float_data = (float[]){1.5f, -2};
  w->n_float_data = 2;
  check_stored(m, "f32[2]", 1.5, -2);
  TEST("a list of the wrong length");
  w->n_float_data = 1;
  Context *c = context_new();
  CHECK(!load_onnx(c, model_write(m, "model.onnx"), NULL, 0));
  CHECK_HAS(diag_text(c), "'w': error: tensor has 4 bytes of data, its dims and type f32 ask for 8");
  TEST("a list of the wrong kind");
  w->n_float_data = 2;
  w->data_type = DT_i64;
  CHECK(!load_onnx(c, model_write(m, "model.onnx"), NULL, 0));
  CHECK_HAS(diag_text(c), "'w': error: tensor of type i64 has its data in float_data");
  TEST("a list and raw data");
  w->data_type = DT_f32;
  w->has_raw_data = 1;
  w->raw_data = (ProtobufCBinaryData){8, (uint8_t *)"12345678"};
  CHECK(!load_onnx(c, model_write(m, "model.onnx"), NULL, 0));
  CHECK_HAS(diag_text(c), "'w': error: tensor has both raw_data and a typed list");
  TEST("raw data of the wrong length");
  w->n_float_data = 0;
  w->raw_data.len = 7;
  CHECK(!load_onnx(c, model_write(m, "model.onnx"), NULL, 0));
  CHECK_HAS(diag_text(c), "'w': error: tensor has 7 bytes of data, its dims and type f32 ask for 8");
  TEST("a segment");
  Onnx__TensorProto__Segment segment;
  onnx__tensor_proto__segment__init(&segment);
  w->segment = &segment;
  CHECK(!load_onnx(c, model_write(m, "model.onnx"), NULL, 0));
  CHECK_HAS(diag_text(c), "'w': error: tensor in segments is not supported");
  context_free(c);
  model_free(m);
}

static void test_wide_lists(void) {
  Onnx__TensorProto *w;
  TEST("double_data");
  Model *m = typed_model("f64", &w);
  w->double_data = (double[]){1.5, -2};
  w->n_double_data = 2;
  check_stored(m, "f64[2]", 1.5, -2);
  model_free(m);
  TEST("int64_data");
  m = typed_model("i64", &w);
  w->int64_data = (int64_t[]){-5, 1LL << 40};
  w->n_int64_data = 2;
  check_stored(m, "i64[2]", -5, 0x1p40);
  model_free(m);
  TEST("uint64_data");
  m = typed_model("u64", &w);
  w->uint64_data = (uint64_t[]){5, 1ULL << 40};
  w->n_uint64_data = 2;
  check_stored(m, "u64[2]", 5, 0x1p40);
  model_free(m);
  TEST("uint64_data of u32");
  m = typed_model("u32", &w);
  w->uint64_data = (uint64_t[]){5, 4294967295u};
  w->n_uint64_data = 2;
  check_stored(m, "u32[2]", 5, 4294967295.0);
  model_free(m);
}

/* Above the size up to which raw_data stays in the unpacked message, and in an attribute. */
static void test_large_raw_data(void) {
  TEST("large raw_data");
  Context *c = context_new();
  Model *m = model_new(
      17,
      "in x:f32[2000]; init w:f32[2000]=1 2 3; k = Constant {value=f32[2000]:4,5,6}; a = Mul x w; y = Add a k; out y");
  Graph *g = load_onnx(c, model_write(m, "model.onnx"), NULL, 0);
  CHECK(g && count_ops(g, OP_weight) == 2);
  const char *names[] = {"w", "k"};
  for (int i = 0; i < 2 && g; i++) {
    TensorView v;
    float numbers[3];
    Source *s = g->sources[0];
    CHECK(s->find(s, names[i], &v) && v.bytes == 8000);
    memcpy(numbers, v.data, sizeof numbers);
    CHECK(numbers[0] == (float)(3 * i + 1) && numbers[2] == (float)(3 * i + 3));
    s->drop_pages(s, &v);
    memcpy(numbers, v.data, sizeof numbers);
    CHECK(numbers[1] == (float)(3 * i + 2));
  }
  TensorView v;
  CHECK(g && !g->sources[0]->find(g->sources[0], "nothing", &v));
  graph_free(g);
  TEST("large raw_data of the wrong size");
  m->graph.initializer[0]->dims[0] = 1999;
  CHECK(!load_onnx(c, model_write(m, "model.onnx"), NULL, 0));
  CHECK_HAS(diag_text(c), "'w': error: tensor has 8000 bytes of data, its dims and type f32 ask for 7996");
  model_free(m);
  context_free(c);
}

/* The source that an import opened and the one that a text opens again hold the same tensors. */
static void test_reopen(void) {
  TEST("text and back");
  Context *c = context_new();
  Model *m = model_new(17, "in x:f32[2000]; init w:f32[2000]=1 2 3; y = Mul x w; out y");
  const char *path = model_write(m, "model.onnx");
  Graph *g = load_onnx(c, path, NULL, 0);
  CHECK(g != NULL);
  if (g) {
    char *text = graph_print(g, c->arena, test_folder);
    write_bytes(test_path(m->arena, "model.nir"), text, strlen(text));
    Graph *again = load_model(c, test_path(m->arena, "model.nir"), NULL, 0);
    CHECK(again != NULL);
    if (again) {
      Source *a = g->sources[0], *b = again->sources[0];
      CHECK(a->compute_hash(a) == b->compute_hash(b));
      CHECK_STR(graph_print(again, c->arena, test_folder), text);
      TensorView v;
      CHECK(b->find(b, "w", &v) && v.bytes == 8000);
    } else {
      printf("%s", diag_text(c));
    }
    graph_free(again);
    CHECK(!load_model(c, test_path(m->arena, "model.nir"), (DimPin[]){{"N", 1}}, 1));
    CHECK_HAS(diag_text(c), "symbol 'N' cannot be pinned in a .nir text");
  }
  graph_free(g);
  model_free(m);
  context_free(c);
}

/* Long chains import in linear time and without recursion. */
static void test_long_chain(void) {
  TEST("a chain of 10000 nodes, written backwards");
  enum { LENGTH = 10000 };
  Context *c = context_new();
  Model *m = model_new(17, "in v0:f32[2]");
  Onnx__NodeProto *nodes = ARENA_ARRAY(m->arena, Onnx__NodeProto, LENGTH),
                  **list = ARENA_ARRAY(m->arena, Onnx__NodeProto *, LENGTH);
  char **names = ARENA_ARRAY(m->arena, char *, LENGTH + 1);
  for (int i = 0; i <= LENGTH; i++) names[i] = arena_printf(m->arena, "v%d", i);
  for (int i = 0; i < LENGTH; i++) {
    Onnx__NodeProto *n = list[LENGTH - 1 - i] = &nodes[i];
    onnx__node_proto__init(n);
    n->op_type = arena_strdup(m->arena, "Neg");
    n->n_input = n->n_output = 1;
    n->input = &names[i];
    n->output = &names[i + 1];
  }
  m->graph.node = list;
  m->graph.n_node = LENGTH;
  Onnx__ValueInfoProto out, *outs[] = {&out};
  onnx__value_info_proto__init(&out);
  out.name = names[LENGTH];
  m->graph.output = outs;
  m->graph.n_output = 1;
  Graph *g = load_onnx(c, model_write(m, "model.onnx"), NULL, 0);
  CHECK(g && count_ops(g, OP_neg) == LENGTH);
  graph_free(g);
  model_free(m);
  context_free(c);
}

int main(void) {
  test_graph_name();
  test_symbols();
  test_symbolic_shapes();
  test_literals();
  test_locations();
  test_warnings();
  test_forms();
  test_typed_lists();
  test_wide_lists();
  test_large_raw_data();
  test_reopen();
  test_long_chain();
  REMOVE_TEST_FILES("model.onnx", "model.nir");
  return test_result();
}
