/* Any bytes as ONNX: a diagnostic or a graph, never a crash, a hang or memory that the file does not pay for. */
#include "tests/test.h"
#include "tests/onnx_builder.h"
#include <sys/resource.h>

static const char sample[] =
    "opset my 1; in x:f32[1,2,N,4]; init w:f32[2,2,1,1]=1 2; init s:i64[2]=0 -1; fn my.F a -> b {k=2.0}; "
    "b = LeakyRelu a {alpha=$k}; end; c = Conv x w {pads=[0,0,0,0]}; r = my.F c; k = Constant {value=f32[2]:1,2}; "
    "p = GlobalAveragePool r; f = Reshape p s; t = Mul f k; u = Softmax t {axis=-1}; init q:bool[]=1; "
    "sub g -> v; v = Neg u; end; i = If q {then_branch=&g else_branch=&g}; e = Einsum i {equation=ij->ij}; "
    "out e:f32[1,2]";

/* A refusal must come with a diagnostic, a graph must be sound. */
static void import_file(const char *path, Context *c) {
  Graph *g = load_onnx(c, path, NULL, 0);
  CHECK(g || c->errors);
  if (g && !graph_verify(g)) CHECK(!"a graph that the verifier refuses");
  graph_free(g);
}

static void import_bytes(const void *bytes, size_t size, Context *c) {
  Arena *a = arena_new();
  const char *path = test_path(a, "model.onnx");
  write_bytes(path, bytes, size);
  import_file(path, c);
  arena_free(a);
}

static void refused(const void *bytes, size_t size, const char *part) {
  Context *c = context_new();
  import_bytes(bytes, size, c);
  CHECK_HAS(diag_text(c), part);
  context_free(c);
}

static void test_no_model(void) {
  TEST("empty file");
  refused("", 0, "model.onnx: error: is empty");
  TEST("text");
  refused("hello, world\n", 13, "model.onnx: error: is not an ONNX ");
  TEST("zeros");
  refused("\0\0\0\0", 4, "is not an ONNX file: no protobuf field at byte 0");
  TEST("a group, which protobuf has given up");
  refused("\x0B", 1, "no protobuf field at byte 0");
  TEST("a number that does not end");
  refused("\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", 12, "no protobuf field");
  TEST("a known field of another kind");
  refused("\x3D\1\2\3\4", 5, "is not an ONNX file: a field of ModelProto has the wrong kind");
  TEST("missing file");
  Context *c = context_new();
  CHECK(!load_onnx(c, "onnx_test_nowhere.onnx", NULL, 0));
  CHECK_HAS(diag_text(c), "onnx_test_nowhere.onnx: error: cannot open: ");
  TEST("a folder");
  CHECK(!load_onnx(c, ".", NULL, 0));
  CHECK_HAS(diag_text(c), ".: error: is a folder, not a file");
  context_free(c);
}

static void test_truncated(void) {
  Model *m = model_new(17, sample);
  size_t size;
  const unsigned char *bytes = model_pack(m, &size);
  TEST("whole");
  Context *c = context_new();
  import_bytes(bytes, size, c);
  CHECK(!c->errors);
  printf("%s", diag_text(c));
  context_free(c);
  TEST("truncated");
  for (size_t n = 0; n < size; n++) {
    c = context_new();
    import_bytes(bytes, n, c);
    context_free(c);
  }
  refused(bytes, size / 2, "is truncated");
  model_free(m);
}

/* The file is written once and patched in place: thousands of imports. */
static void test_flipped(void) {
  static const unsigned char masks[] = {0x01, 0x80, 0xFF};
  Model *m = model_new(17, sample);
  size_t size;
  const unsigned char *bytes = model_pack(m, &size);
  const char *path = model_write(m, "model.onnx");
  FILE *f = fopen(path, "r+b");
  TEST("flipped bits");
  for (size_t i = 0; f && i < size; i++)
    for (size_t k = 0; k < sizeof masks; k++) {
      unsigned char flipped = bytes[i] ^ masks[k];
      Context *c = context_new();
      CHECK(pwrite(fileno(f), &flipped, 1, (off_t)i) == 1);
      import_file(path, c);
      CHECK(pwrite(fileno(f), &bytes[i], 1, (off_t)i) == 1);
      context_free(c);
    }
  CHECK(f && !fclose(f));
  model_free(m);
}

/* A message whose fields are repeated by a generator of pseudo-random numbers: bytes swapped between positions. */
static void test_shuffled(void) {
  Model *m = model_new(17, sample);
  size_t size;
  unsigned char *bytes = model_pack(m, &size);
  uint64_t state = 1;
  TEST("overwritten bytes");
  for (int round = 0; round < 200; round++) {
    unsigned char *copy = malloc(size);
    memcpy(copy, bytes, size);
    for (int k = 0; k < 3; k++) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      copy[(state >> 33) % size] = bytes[(state >> 17) % size];
    }
    Context *c = context_new();
    import_bytes(copy, size, c);
    context_free(c);
    free(copy);
  }
  model_free(m);
}

/* Nested messages deeper than any exporter writes: a stack would overflow. */
static void test_deep(void) {
  enum { DEPTH = 20000 };
  TEST("deeply nested messages");
  unsigned char *bytes = NULL;
  size_t size = 0;
  /* ModelProto.graph (7) { node (1) { attribute (5) { g (6) { node ... */
  for (int i = 0; i < DEPTH; i++) {
    static const unsigned char fields[] = {6 << 3 | 2, 5 << 3 | 2, 1 << 3 | 2};
    unsigned char head[8];
    size_t n = 0;
    head[n++] = i == DEPTH - 1 ? 7 << 3 | 2 : fields[(i + 2) % 3];
    size_t length = size;
    for (; length > 127; length >>= 7) head[n++] = (unsigned char)(length & 127) | 128;
    head[n++] = (unsigned char)length;
    unsigned char *longer = malloc(size + n);
    memcpy(longer, head, n);
    if (size) memcpy(longer + n, bytes, size);
    free(bytes);
    bytes = longer;
    size += n;
  }
  refused(bytes, size, "model.onnx: error: messages are nested more than 100 deep");
  free(bytes);
}

/* A small file must not make nextc allocate what the file only claims. */
static void test_claims(void) {
  static const char *const models[] = {
      "in x:f32[2]; init w:f32[1000000,1000000]; y = Add x w; out y",
      "in x:f32[2]; k = Constant {value=f32[100000000,1000]:1}; y = Add x k; out y",
      "in x:f32[100000,100000,1000]; y = Relu x; out y",
      "in x:f32[1]; init s:i64[3]=1000000 1000 1000; y = Expand x s; z = Add y y; out z",
      "in x:f32[1]; init s:i64[2]=1000000 1000; y = ConstantOfShape s; z = Add y x; out z",
      "in x:i64[1]; init a:i64[]=0; init b:i64[]=1000000000000; init d:i64[]=1; y = Range a b d; z = Add y x; out z",
      "in x:f32[1,1,4,4]; y = MaxPool x {kernel_shape=[2,2] pads=[2000000000,2000000000,2000000000,2000000000]}; out y",
      "in x:f32[2]; init p:i64[2]=1000000000000; y = Pad x p; out y",
      "in x:f32[2]; init r:i64[1]=1000000000000000; y = Tile x r; out y",
      "in x:f32[2,2]; init k:i64[]=4611686018427387904; y = Trilu x k; out y",
  };
  for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
    TEST(models[i]);
    Context *c = context_new();
    Graph *g = import_text(c, 17, models[i]);
    CHECK(g || c->errors);
    graph_free(g);
    context_free(c);
  }
#ifndef __SANITIZE_ADDRESS__ /* its quarantine counts */
  struct rusage usage;
  TEST("memory");
  CHECK(!getrusage(RUSAGE_SELF, &usage) && usage.ru_maxrss < 100 * 1024);
#endif
}

/* A tensor field that nextc uses for itself means nothing in a file. */
static void test_own_field(void) {
  TEST("a reference in the file");
  Model *m = model_new(17, "in x:f32[4]; init w:f32[4]; y = Add x w; out y");
  uint8_t reference[17] = {16, 0, 0, 0, 0, 0, 0, 0, 0, 16};
  ProtobufCMessageUnknownField u = {1000, PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED, sizeof reference, reference};
  m->graph.initializer[0]->raw_data.len = 0;
  m->graph.initializer[0]->has_raw_data = 0;
  m->graph.initializer[0]->base.unknown_fields = &u;
  m->graph.initializer[0]->base.n_unknown_fields = 1;
  size_t size;
  const unsigned char *bytes = model_pack(m, &size);
  refused(bytes, size, "'w': error: tensor has 0 bytes of data");
  model_free(m);
}

int main(void) {
  test_no_model();
  test_truncated();
  test_flipped();
  test_shuffled();
  test_deep();
  test_claims();
  test_own_field();
  REMOVE_TEST_FILES("model.onnx");
  return test_result();
}
