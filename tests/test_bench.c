/* nextc bench: what it prints, for people and as JSON; its counts of work; command lines that are wrong. The timings
 * themselves are not looked at: other tests run at the same time. */
#include "backend/lower.h"
#include "backend/model_info.h"
#include "backend/peak.h"
#include "cli/pin.h"
#include "frontend/frontend.h"
#include "passes/passes.h"
#include "tests/command.h"
#include "tests/test.h"

#define MODEL SOURCE_DIR "/examples/digits/digits_convnext.onnx"

/* ---- work is counted exactly ---- */
static void products(void) {
  TEST("products: an FMA into its own addend counts its lanes as often as it runs; a polynomial's does not");
  char *printed;
  Arena *a = arena_new();
  Kernel *k = peak_kernel(a, target_by_name("v3"));
  CHECK(kernel_products(k) == 0);
  LoopProgram p = {.arena = a, .target = "v3", .kernels = &k, .kernel_count = 1};
  printed = loop_print(&p, a);
  CHECK_HAS(printed, "acc0 = fma acc0 a b");
  arena_free(a);
  a = arena_new();
  k = kernel_new(a, "k", "t");
  const ParamId x = kernel_param(k, "x0", ROLE_IN, DT_f32, 4096), y = kernel_param(k, "y0", ROLE_OUT, DT_f32, 4096);
  const RegId r = kernel_reg(k, REG_f32, 8, "r"), acc = kernel_reg(k, REG_f32, 8, "acc");
  const VarId i = emit_for(k, LOP_pfor, "i", 0, 7, 1);
  emit_const(k, acc, 0);
  /* j from max(0, 3 - i) to min(7, 9 - i): a border's shortened range */
  const Bound low[2] = {bound(affine(0)), bound(affine_plus(affine_var(i, -1), 3))};
  const Bound high[2] = {bound(affine(7)), bound(affine_plus(affine_var(i, -1), 9))};
  emit_for_bounds(k, LOP_for, "j", low, high, 1);
  emit_load(k, r, x, affine(0));
  emit_op(k, LOP_fma, acc, r, r, acc);
  emit_op(k, LOP_fma, r, r, r, acc);
  emit_end(k);
  emit_for(k, LOP_for, "s", 0, 10, 3);
  emit_op(k, LOP_fma, acc, acc, acc, acc);
  emit_end(k);
  emit_store(k, y, affine_var(i, 8), acc);
  emit_end(k);
  CHECK(kernel_products(k) == 8 * (4 + 5 + 6 + 6 + 5 + 4 + 3 + 7 * 4));
  CHECK(kernel_bytes(k) == 2 * 4096 * 4);
  arena_free(a);
}

/* The loops of every target do at least the model's multiply-accumulates, and no more than padding to panels adds. */
static void products_of_a_model(void) {
  TEST("products of a model's program against its multiply-accumulates");
  Context *c = context_new();
  Graph *g = load_model(c, MODEL, NULL, 0);
  const PassOptions o = {.strict_fp = false};
  CHECK(g && run_pipeline(g, &o, NULL, NULL, NULL));
  complete_schedule(g);
  const int64_t macs = model_info(g).macs;
  for (int t = 0; t < target_count; t++) {
    Arena *a = arena_new();
    const LoopProgram *p = lower_graph(g, &targets[t], a);
    int64_t sum = 0;
    for (size_t i = 0; i < p->step_count; i++) sum += kernel_products(p->kernels[p->steps[i].kernel]);
    CHECK(sum > macs * 9 / 10 && sum < macs * 5 / 4); /* borders of depthwise layers are left out, panels padded */
    if (!(sum > macs * 9 / 10 && sum < macs * 5 / 4))
      printf("%s: %lld of %lld\n", targets[t].name, (long long)sum, (long long)macs);
    arena_free(a);
  }
  graph_free(g);
  context_free(c);
}

/* ---- the command ---- */
static int count_of(const char *text, const char *part) {
  int n = 0;
  for (const char *p = text; (p = strstr(p, part)); p += strlen(part)) n++;
  return n;
}

static void reports(void) {
  TEST("a table");
  Result r = run_nextc("bench " MODEL " --threads 1,2 --repeat 3");
  CHECK(r.status == 0);
  CHECK_STR(r.err, "");
  CHECK_HAS(r.out, "digits_convnext.onnx: 0.0004981 GMACs an image, 1 image a call\nc (");
  CHECK_HAS(r.out, ", 1 thread");
  CHECK_HAS(r.out, ", 2 threads");
  CHECK_HAS(r.out, ": 3 runs\n  fastest ");
  CHECK_HAS(r.out, " % of the peak of ");
  CHECK_HAS(r.out, "kernel family");
  CHECK(count_of(r.out, " dwconv_layernorm ") >= 2);
  result_free(&r);
  TEST("json");
  r = run_nextc("bench " MODEL " --threads 2 --repeat 3 --format json --path generic");
  CHECK(r.status == 0);
  static const char *const keys[] = {"\"backend\": \"c\"", "\"path\": \"generic\"", "\"threads\": 2",
                                     "\"min_ms\": ",       "\"median_ms\": ",       "\"gflops\": ",
                                     "\"peak_gflops\": ",  "\"kernels\": [",        "\"runs\": 3",
                                     "\"bytes\": ",        "\"family\": \"mlp\""};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) CHECK_HAS(r.out, keys[i]);
  CHECK(r.out[0] == '[' && strlen(r.out) > 4 && !strcmp(r.out + strlen(r.out) - 4, "}\n]\n"));
  CHECK(files_in(".") == 0);
  result_free(&r);
  TEST("a compiler that fails is told with its words");
  r = run_nextc("bench " MODEL " --cc=false");
  CHECK(r.status == 1);
  CHECK_HAS(r.err, "nextc bench: error: false failed with status 1");
  result_free(&r);
}

/* No products, one step, one run: nothing is divided by nothing. Sanitizers find nothing in the program around it. */
static void least_model(void) {
  static const char text[] = "nir 1\ngraph \"g\"\n%1 = input {name=\"x\"} : f32[1]\n%2 = exp %1 : f32[1]\n"
                             "output %2 {name=\"y\"}\n";
  TEST("a model without products");
  put_file("least.nir", text, sizeof text - 1);
  Result r = run_nextc("bench least.nir --repeat 1 --path=generic --cc='cc -O1 -fsanitize=address,undefined'");
  CHECK(r.status == 0);
  CHECK_STR(r.err, "");
  CHECK_HAS(r.out, "least.nir: 0 GMACs an image, 1 image a call\n");
  CHECK_HAS(r.out, ", path generic, 1 thread");
  CHECK_HAS(r.out, ": 1 run\n");
  CHECK_HAS(r.out, " 0.00 GFLOP/s, 0.0 % of the peak of ");
  CHECK(!strstr(r.out, "nan") && !strstr(r.out, "inf"));
  result_free(&r);
  remove("least.nir");
}

static void wrong_command_lines(void) {
  static const struct {
    const char *arguments, *message;
  } rows[] = {
      {"", "needs MODEL"},
      {MODEL " --threads 0", "--threads takes numbers from 1 to 256, not '0'"},
      {MODEL " --threads 1,x", "--threads takes numbers from 1 to 256, not 'x'"},
      {MODEL " --threads ,", "--threads takes 1 to 8 numbers, not ','"},
      {MODEL " --threads 1,1,1,1,1,1,1,1,1", "--threads takes 1 to 8 numbers"},
      {MODEL " --backends=eval", "unknown backend 'eval' (of c, jit)"},
      {MODEL " --backends=", "--backends takes 1 to 8 names, not ''"},
      {MODEL " --backends=c,c,c,c,c,c,c,c,c", "--backends takes 1 to 8 names"},
      {MODEL " --path=v9", "unknown path 'v9'"},
      {MODEL " --repeat 0", "option --repeat takes a number from 1"},
      {MODEL " --repeat 2.5", "option --repeat takes a whole number, not '2.5'"},
      {MODEL " --images 0", "option --images takes a number from 1"},
      {MODEL " --images 4 --threads 1", "--images needs a model with a symbolic batch"},
  };
  TEST("wrong_command_lines");
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char line[512];
    snprintf(line, sizeof line, "bench %s", rows[i].arguments);
    Result r = run_nextc(line);
    CHECK(r.status == 2);
    CHECK_HAS(r.err, rows[i].message);
    CHECK_STR(r.out, "");
    result_free(&r);
  }
}

static void pinning(void) {
  TEST("pinning: no more CPUs than there are, and all of them again");
  const CpuSet all = cpus_allowed();
  if (!all.count) return;
  CHECK(cpus_pin(&all, 1) == 1 && cpus_allowed().count == 1);
  CHECK(cpus_pin(&all, all.count + 5) == all.count && cpus_allowed().count == all.count);
}

int main(void) {
  open_folder();
  products();
  products_of_a_model();
  reports();
  least_model();
  wrong_command_lines();
  pinning();
  close_folder();
  return test_result();
}
