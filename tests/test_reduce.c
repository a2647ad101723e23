/* Reducing programs: by predicates, and by the command. */
#include "cli/reduce.h"
#include "tests/test.h"
#include "tests/tiny_onnx.h"

static const char program[] = "nir 1\n"
                              "graph \"t\"\n"
                              "%1 = input {name=\"x\"} : f32[2,3,4] !\"x\"\n"
                              "%2 = const {floats=[1,2,3,4]} : f32[4]\n"
                              "%3 = add %1, %2 : f32[2,3,4] !\"/a\":Add@17\n"
                              "%4 = tanh %3 : f32[2,3,4]\n"
                              "%5 = const {floats=[1,2,3,4,5,6,7,8]} : f32[4,2]\n"
                              "%6 = neg %5 : f32[4,2]\n"
                              "%7 = gemm %4, %6 @{kernel=0:gemm} : f32[2,3,2]\n"
                              "%8 = softmax %7 {axis=2} : f32[2,3,2]\n"
                              "%9 = relu %8 : f32[2,3,2]\n"
                              "%10 = exp %9 : f32[2,3,2]\n"
                              "%11 = add %10, %9 : f32[2,3,2]\n"
                              "output %11 {name=\"y\"}\n"
                              "output %4 {name=\"z\"}\n";

typedef struct {
  OpKind kinds[3]; /* all must be there */
  int longest;     /* and no more statements than this; 0: any number */
} Wanted;

static bool has_all(void *user, const Graph *g) {
  const Wanted *w = user;
  int found = 0, want = 0, statements = 0;
  for (int i = 0; i < 3 && w->kinds[i]; i++) {
    bool there = false;
    FOR_EACH_OP(g, id) there = there || op_at(g, id)->kind == w->kinds[i];
    found += there;
    want++;
  }
  FOR_EACH_OP(g, id) statements++;
  return found == want && (!w->longest || statements <= w->longest);
}

static void reduces(const char *name, Wanted w, const char *expected) {
  TEST(name);
  Context *c = context_new();
  Reduction r = {.context = c, .keeps = has_all, .user = &w};
  CHECK_STR(reduce_program(&r, program), expected);
  CHECK(r.kept <= r.tried);
  CHECK(!c->count); /* what wrong tries were told is gone */
  context_free(c);
}

static void by_predicates(void) {
  reduces("one_op", (Wanted){{OP_softmax}, 0},
          "nir 1\n"
          "graph \"t\"\n"
          "%1 = input {name=\"in2\"} : f32[1,1,1]\n"
          "%2 = softmax %1 {axis=2} : f32[1,1,1]\n"
          "output %2 {name=\"out1\"}\n");
  reduces("the_last_op", (Wanted){{OP_exp}, 0},
          "nir 1\n"
          "graph \"t\"\n"
          "%1 = input {name=\"in1\"} : f32[1,1,1]\n"
          "%2 = exp %1 : f32[1,1,1]\n"
          "output %2 {name=\"out1\"}\n");
  reduces("the_first_op", (Wanted){{OP_tanh}, 0},
          "nir 1\n"
          "graph \"t\"\n"
          "%1 = input {name=\"in1\"} : f32[1,1,1]\n"
          "%2 = tanh %1 : f32[1,1,1]\n"
          "output %2 {name=\"out3\"}\n");
  reduces("two_ops_far_apart", (Wanted){{OP_gemm, OP_exp}, 0},
          "nir 1\n"
          "graph \"t\"\n"
          "%1 = input {name=\"in1\"} : f32[1,1,1]\n"
          "%2 = const {floats=[0.5]} : f32[1,1]\n"
          "%3 = gemm %1, %2 : f32[1,1,1]\n"
          "%4 = exp %3 : f32[1,1,1]\n"
          "output %4 {name=\"out1\"}\n");
}

/* Keeps programs with these texts. */
static bool has_texts(void *user, const Graph *g) {
  const char *text = graph_print(g, g->arena, ".");
  for (const char *const *want = user; *want; want++)
    if (!strstr(text, *want)) return false;
  return true;
}

static void shrinks(const char *name, const char *from, const char *const *texts, const char *expected) {
  TEST(name);
  Context *c = context_new();
  Reduction r = {.context = c, .keeps = has_texts, .user = (void *)(uintptr_t)texts};
  CHECK_STR(reduce_program(&r, from), expected);
  CHECK(!c->count);
  context_free(c);
}

/* Channels, rows, columns, kernels: each as small as what is looked for allows. */
static void sizes(void) {
  static const char convs[] = "nir 1\n"
                              "graph \"t\"\n"
                              "%1 = input {name=\"x\"} : f32[1,96,56,56]\n"
                              "%2 = const {floats=[0.5]} : f32[96,1,7,7]\n"
                              "%3 = conv %1, %2 {kernel=[7,7] pads=[3,3,3,3] group=96} : f32[1,96,56,56]\n"
                              "%4 = reshape %3 {shape=[96,3136]} : f32[96,3136]\n"
                              "%5 = const {floats=[0.5]} : f32[3136,10]\n"
                              "%6 = gemm %4, %5 : f32[96,10]\n"
                              "output %6 {name=\"y\"}\n";
  shrinks("sizes_to_one", convs, (const char *const[]){"conv", "gemm", NULL},
          "nir 1\n"
          "graph \"t\"\n"
          "%1 = input {name=\"x\"} : f32[1,1,1,1]\n"
          "%2 = const {floats=[0.5]} : f32[1,1,1,1]\n"
          "%3 = conv %1, %2 {kernel=[1,1] pads=[3,3,3,3]} : f32[1,1,7,7]\n"
          "%4 = reshape %3 {shape=[49,1]} : f32[49,1]\n"
          "%5 = const {floats=[0.5]} : f32[1,1]\n"
          "%6 = gemm %4, %5 : f32[49,1]\n"
          "output %6 {name=\"y\"}\n");
  shrinks("sizes_that_are_looked_for_stay", convs, (const char *const[]){"conv", "group=96", NULL},
          "nir 1\n"
          "graph \"t\"\n"
          "%1 = input {name=\"x\"} : f32[1,96,1,1]\n"
          "%2 = const {floats=[0.5]} : f32[96,1,1,1]\n"
          "%3 = conv %1, %2 {kernel=[1,1] pads=[3,3,3,3] group=96} : f32[1,96,7,7]\n"
          "output %3 {name=\"out2\"}\n");
  shrinks("least_size_between",
          "nir 1\n"
          "graph \"t\"\n"
          "%1 = input {name=\"x\"} : f32[3,100]\n"
          "%2 = slice %1 {shape=[3,5] starts=[0,18] steps=[1,1]} : f32[3,5]\n"
          "output %2 {name=\"y\"}\n",
          (const char *const[]){"slice", "starts=[0,18]", "f32[1,5]", NULL},
          "nir 1\n"
          "graph \"t\"\n"
          "%1 = input {name=\"x\"} : f32[1,23]\n"
          "%2 = slice %1 {shape=[1,5] starts=[0,18] steps=[1,1]} : f32[1,5]\n"
          "output %2 {name=\"y\"}\n");
}

/* Symbols become 1 where they may, and go with what else no program needs. */
static void symbols_and_notes(void) {
  static const char from[] = "nir 1\n"
                             "graph \"t\" symbols=N,M\n"
                             "labels \"cat\", \"dog\"\n"
                             "preprocess mean=[0.5] std=[0.5] crop=1 interpolation=bilinear\n"
                             "%1 = input {name=\"x\"} : f32[N,3,M]\n"
                             "%2 = reshape %1 {shape=[3*N,M]} : f32[3*N,M]\n"
                             "%3 = relu %2 : f32[3*N,M]\n"
                             "output %3 {name=\"y\"}\n";
  shrinks("symbols_to_one", from, (const char *const[]){"reshape", NULL},
          "nir 1\n"
          "graph \"t\"\n"
          "%1 = input {name=\"x\"} : f32[1,1,1]\n"
          "%2 = reshape %1 {shape=[1,1]} : f32[1,1]\n"
          "output %2 {name=\"out1\"}\n");
  shrinks("symbols_that_are_looked_for_stay", from, (const char *const[]){"relu", "M]", NULL},
          "nir 1\n"
          "graph \"t\" symbols=N,M\n"
          "%1 = input {name=\"in1\"} : f32[1,M]\n"
          "%2 = relu %1 : f32[1,M]\n"
          "output %2 {name=\"y\"}\n");
}

static void by_the_command(void) {
  TEST("by_the_command");
  put_file("m.nir", program, sizeof program - 1);
  Result r = run_nextc("reduce m.nir --keep='grep -q softmax'");
  CHECK(r.status == 0);
  CHECK_HAS(r.out, "softmax");
  CHECK(!strstr(r.out, "tanh"));
  CHECK_STR(r.err, "");
  result_free(&r);
  r = run_nextc("reduce m.nir --keep='grep -q softmax {} && grep -q tanh {}' -o small.nir");
  CHECK(r.status == 0);
  CHECK_HAS(r.out, " statements, after ");
  result_free(&r);
  size_t size;
  char *small = get_file("small.nir", &size);
  CHECK_HAS(small, "softmax");
  CHECK_HAS(small, "tanh");
  CHECK(!strstr(small, "relu"));
  free(small);
  r = run_nextc("opt small.nir --passes="); /* it is a model like any other */
  CHECK(r.status == 0);
  result_free(&r);
}

/* Weights of a source stay where they are named, relative to the result; they go where literals do. */
static void with_weights(void) {
  TEST("with_weights");
  write_tiny_model("m.onnx", "Relu", NULL, 1);
  mkdir("sub", 0755);
  Result r = run_nextc("reduce m.onnx --keep='grep -q weight' -o sub/small.nir");
  CHECK(r.status == 0);
  result_free(&r);
  char *small = get_file("sub/small.nir", NULL);
  CHECK_HAS(small, "source 0 \"../m.onnx\" hash=");
  CHECK(!strstr(small, "relu"));
  free(small);
  r = run_nextc("inspect sub/small.nir");
  CHECK(r.status == 0);
  result_free(&r);
  r = run_nextc("reduce m.onnx --keep='grep -q gemm'");
  CHECK(r.status == 0);
  CHECK(!strstr(r.out, "source"));
  CHECK_HAS(r.out, "gemm");
  result_free(&r);
}

static void wrong_uses(void) {
  TEST("wrong_uses");
  Result r = run_nextc("reduce m.nir");
  CHECK(r.status == 2);
  CHECK_HAS(r.err, "needs --keep=COMMAND");
  result_free(&r);
  r = run_nextc("reduce m.nir --keep=false");
  CHECK(r.status == 1);
  CHECK_HAS(r.err, "the command does not succeed for the model itself: false");
  CHECK_STR(r.out, "");
  result_free(&r);
  r = run_nextc("reduce nosuch.nir --keep=true");
  CHECK(r.status == 1);
  CHECK_HAS(r.err, "nosuch.nir");
  result_free(&r);
  CHECK(files_in("tmp") == 0); /* nothing is left behind */
}

int main(void) {
  by_predicates();
  sizes();
  symbols_and_notes();
  open_folder();
  mkdir("tmp", 0755);
  setenv("TMPDIR", "tmp", 1);
  by_the_command();
  with_weights();
  wrong_uses();
  close_folder();
  return test_result();
}
