/* Constants straight into stored elements: the same bits as eval_const and tensor_store, for every packed weight of
 * every fixture, in both byte orders, and for views that don't merge. */
#include "backend/storage.h"
#include "frontend/frontend.h"
#include "ir/eval.h"
#include "passes/passes.h"
#include "tests/fixtures.h"
#include "tests/test.h"

typedef struct {
  unsigned char *at;
  size_t most; /* bytes of a piece */
} Got;

static void take(void *user, const unsigned char *bytes, size_t count) {
  Got *got = user;
  memcpy(got->at, bytes, count);
  got->at += count;
  if (count > got->most) got->most = count;
}

/* In pieces: the same bytes; what is swept never comes in one of more than 256 KiB. */
static void compare_pieces(const Graph *g, ValueId v, const unsigned char *want, size_t bytes) {
  unsigned char *copy = malloc(bytes + 1);
  Got got = {copy, 0};
  CHECK(eval_const_pieces(g, v, false, take, &got));
  CHECK(got.at == copy + bytes && !memcmp(copy, want, bytes));
  if (type_of(g, v)->dtype == DT_f32) CHECK(got.most <= 1 << 18);
  free(copy);
}

static void compare(const Graph *g, ValueId v) {
  const size_t bytes = type_bytes(type_of(g, v));
  for (int big = 0; big < 2; big++) {
    unsigned char *got = malloc(bytes + 1), *want = malloc(bytes + 1);
    Tensor t;
    got[bytes] = 0x5A;
    const bool good = eval_const(g, v, &t) && eval_const_store(g, v, got, big);
    CHECK(good);
    if (good) {
      tensor_store(&t, want, big);
      CHECK(!memcmp(got, want, bytes));
      CHECK(got[bytes] == 0x5A);
      if (!big) compare_pieces(g, v, want, bytes);
      tensor_free(&t);
    }
    free(got);
    free(want);
  }
}

static void visit(const char *folder, const char *name) {
  char model[2048];
  snprintf(model, sizeof model, "%s/model.onnx", folder);
  TEST(name);
  Context *c = context_new();
  const PassOptions options = {0};
  Graph *g = load_model(c, model, NULL, 0);
  if (g && run_pipeline(g, &options, NULL, NULL, NULL)) {
    size_t count;
    int64_t total;
    complete_schedule(g);
    const WeightSlot *slots = collect_weights(g, c->arena, &count, &total);
    for (size_t i = 0; i < count; i++) compare(g, slots[i].value);
  }
  graph_free(g);
  context_free(c);
}

/* ---- a source of three tensors in memory, two of them at odd addresses ---- */

static unsigned char memory[4096 + 4 * 80 * 80 + 64];

static bool find(Source *s, const char *name, TensorView *out) {
  (void)s;
  const bool wide = !strcmp(name, "a"), square = !strcmp(name, "c");
  *out = (TensorView){.type = wide     ? type_make(DT_f32, 2, (Dim[]){24, 40})
                              : square ? type_make(DT_f32, 2, (Dim[]){80, 80})
                                       : type_make(DT_f32, 1, (Dim[]){40})};
  out->bytes = type_bytes(&out->type);
  out->data = memory + (wide ? 1 : square ? 4096 : 4003 - 160);
  return true;
}

static uint64_t no_hash(Source *s) { return (void)s, 1; }
static void no_close(Source *s) { (void)s; }

static Source *open_memory(Context *c, const char *path) {
  Source *s = ARENA_NEW(c->arena, Source);
  *s = (Source){.path = path, .find = find, .compute_hash = no_hash, .close = no_close};
  return s;
}

/* v + v, forty times over: as a tree it would have 2^40 ops. */
static void shared_operands(void) {
  TEST("shared_operands");
  Context *c = context_new();
  Graph *g = graph_new(c, "t");
  ValueId v = graph_const_floats(g, DT_f32, 1, (Dim[]){3}, (double[]){1, 2, 3}, NULL, 0);
  for (int i = 0; i < 40; i++) v = graph_new_op(g, OP_add, (ValueId[]){v, v}, 2, NULL, NULL, 0);
  compare(g, v);
  graph_free(g);
  context_free(c);
}

/* Every value but the input and what is made of it is compared. */
static void expressions(void) {
  static const char text[] = "nir 1\nsource 0 \"w\" hash=0000000000000001\ngraph \"t\"\n"
                             "%1 = weight {name=\"a\"} : f32[24,40]\n"
                             "%2 = weight {name=\"b\"} : f32[40]\n"
                             "%3 = transpose %1 {perm=[1,0]} : f32[40,24]\n"
                             "%4 = reshape %3 {shape=[960]} : f32[960]\n" /* no view: its elements are out of line */
                             "%5 = reshape %1 {shape=[2,12,5,8]} : f32[2,12,5,8]\n"
                             "%6 = transpose %5 {perm=[3,1,0,2]} : f32[8,12,2,5]\n"
                             "%7 = reshape %6 {shape=[8,12,1,2,5]} : f32[8,12,1,2,5]\n"
                             "%8 = mul %1, %2 : f32[24,40]\n"
                             "%9 = add %2, %8 : f32[24,40]\n"
                             "%10 = pack %9 {panel=16} : f32[3,24,16]\n" /* a last panel of 8 columns */
                             "%11 = reshape %2 {shape=[1,1,40,1]} : f32[1,1,40,1]\n"
                             "%12 = sub %11, %2 : f32[1,1,40,40]\n"
                             "%13 = div %12, %11 : f32[1,1,40,40]\n"
                             "%14 = transpose %13 {perm=[3,0,2,1]} : f32[40,1,40,1]\n"
                             "%15 = pack %3 {panel=16} : f32[2,40,16]\n"
                             "%16 = weight {name=\"c\"} : f32[80,80]\n"
                             "%17 = slice %16 {starts=[3,0] steps=[1,1] shape=[1,80]} : f32[1,80]\n"
                             "%18 = gemm %17, %16 : f32[1,80]\n" /* read where it lies */
                             "%19 = transpose %16 {perm=[1,0]} : f32[80,80]\n"
                             "%20 = gemm %17, %19 : f32[1,80]\n"
                             "%21 = add %18, %20 : f32[1,80]\n"
                             "%22 = exp %2 : f32[40]\n"
                             "%23 = mul %22, %9 : f32[24,40]\n"
                             "%24 = const {floats=[0.1]} : f32[]\n"
                             "%25 = mul %23, %24 : f32[24,40]\n"
                             "%26 = cast %2 {to=f64} : f64[40]\n"
                             "%29 = reshape %16 {shape=[6400,1]} : f32[6400,1]\n"
                             "%30 = mul %29, %2 : f32[6400,40]\n" /* of four pieces */
                             "%31 = pack %30 {panel=16} : f32[3,6400,16]\n"
                             "%32 = transpose %30 {perm=[1,0]} : f32[40,6400]\n"
                             "%33 = reshape %30 {shape=[256000]} : f32[256000]\n" /* one row, cut */
                             "%34 = reshape %30 {shape=[2,128000]} : f32[2,128000]\n"
                             "%35 = mul %34, %34 : f32[2,128000]\n"
                             "%36 = pack %16 {panel=4 strassen=1} : f32[10,7,40,4]\n"
                             "%37 = pack %9 {panel=20 strassen=1} : f32[1,7,12,20]\n"
                             "%38 = pack %19 {panel=8 strassen=1} : f32[5,7,40,8]\n"
                             "%27 = input {name=\"x\"} : f32[40]\n"
                             "%28 = add %27, %2 : f32[40]\n"
                             "output %28 {name=\"y\"}\n";
  uint64_t seed = 3;
  TEST("expressions");
  for (size_t i = 0; i < sizeof memory / 4; i++) {
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    const float x = (float)(int32_t)(seed >> 32) * 0x1p-28f;
    for (int shift = 0; shift < 4; shift++) /* the same numbers at each alignment that a tensor has */
      if ((i < 1024 && shift == 1) || (i >= 1024 && shift == 0)) memcpy(memory + 4 * i + shift, &x, sizeof x);
  }
  Context *c = context_new();
  Graph *g = graph_parse(c, "t.nir", text, sizeof text - 1, open_memory);
  CHECK(g != NULL);
  for (size_t i = 0; i < c->count; i++) printf("%s\n", c->list[i].text);
  for (ValueId v = 1; g && v < g->value_count; v++)
    if (value_at(g, v)->constant) compare(g, v);
  graph_free(g);
  context_free(c);
}

int main(void) {
  expressions();
  shared_operands();
  const int n = each_fixture("onnx", visit);
  printf("%d models\n", n);
  return test_result();
}
