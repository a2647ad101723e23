/* nextc opt: which passes run, what is printed when, and texts that go on from anywhere. */
#include "passes/passes.h"
#include "tests/fixtures.h"
#include "tests/test.h"
#include "tests/tiny_onnx.h"

/* x NCHW through a conv, a GELU chain and a scale per channel: something to do for every pass. */
static const char model[] = "nir 1\n"
                            "graph \"secret_name\"\n"
                            "%1 = input {name=\"image_name\"} : f32[1,3,8,8] !\"loc_name\"\n"
                            "%2 = const {floats=[0.25]} : f32[4,3,2,2]\n"
                            "%3 = conv %1, %2 {kernel=[2,2] strides=[2,2]} : f32[1,4,4,4] !\"/conv\":Conv@17\n"
                            "%4 = const {floats=[1,2,3,4]} : f32[4,1,1]\n"
                            "%5 = mul %4, %3 : f32[1,4,4,4] !\"/scale\":Mul@17\n"
                            "%6 = const {floats=[0.5]} : f32[]\n"
                            "%7 = mul %5, %6 : f32[1,4,4,4]\n"
                            "%8 = const {floats=[1.4142135623730951]} : f32[]\n"
                            "%9 = div %5, %8 : f32[1,4,4,4]\n"
                            "%10 = erf %9 : f32[1,4,4,4]\n"
                            "%11 = const {floats=[1]} : f32[]\n"
                            "%12 = add %10, %11 : f32[1,4,4,4]\n"
                            "%13 = mul %7, %12 : f32[1,4,4,4] !\"/act\":Mul@17\n"
                            "%14 = reshape %13 {shape=[1,4,4,4]} : f32[1,4,4,4]\n"
                            "output %14 {name=\"result_name\"}\n";

static const char *nir(const char *arguments) {
  static char out[1 << 16];
  Result r = run_nextc(arguments);
  CHECK(r.status == 0);
  CHECK_STR(r.err, "");
  snprintf(out, sizeof out, "%s", r.out);
  result_free(&r);
  return out;
}

static int count(const char *text, const char *part) {
  int n = 0;
  for (const char *at = text; (at = strstr(at, part)); at++) n++;
  return n;
}

static void a_part_of_the_pipeline(void) {
  static const struct {
    const char *arguments;
    bool gelu, nhwc, grouped;
    const char *last; /* NULL: no pass */
  } rows[] = {
      {"--passes=", false, false, false, NULL},
      {"--stop-after=clean-import", false, false, false, "clean-import"},
      {"--stop-after=recover-ops", true, false, false, "recover-ops"},
      {"--start-from=recover-ops --stop-after=recover-ops", true, false, false, "recover-ops"},
      {"--start-from=channels-last", false, true, true, "tile"},
      {"--passes=recover-ops,channels-last", true, true, false, "channels-last"},
      {"--passes=channels-last,recover-ops", true, true, false, "channels-last"}, /* the pipeline's order */
      {"--passes=recover-ops,channels-last,-recover-ops", false, true, false, "channels-last"},
      {"--passes=-recover-ops", false, true, true, "tile"},
      {"--passes=-recover-ops --stop-after=channels-last", false, true, false, "channels-last"},
      {"--passes=recover-ops --start-from=channels-last", false, false, false, NULL},
      {"", true, true, true, "tile"},
  };
  TEST("a_part_of_the_pipeline");
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char arguments[256], after[64];
    snprintf(arguments, sizeof arguments, "opt m.nir --verify-each %s", rows[i].arguments);
    const char *text = nir(arguments);
    snprintf(after, sizeof after, "after=\"%s\"", rows[i].last ? rows[i].last : "");
    bool fits = (strstr(text, " gelu ") != NULL) == rows[i].gelu && (strstr(text, "patches") != NULL) == rows[i].nhwc &&
                (strstr(text, "@{kernel=") != NULL) == rows[i].grouped &&
                (rows[i].last ? strstr(text, after) != NULL : !strstr(text, "after="));
    CHECK(fits);
    if (!fits) printf("with %s:\n%s\n", rows[i].arguments, text);
  }
}

/* A text goes on after its last pass, and from anywhere with --start-from. */
static void goes_on(void) {
  TEST("goes_on");
  char *all = strdup(nir("opt m.nir"));
  nir("opt m.nir --stop-after=recover-ops -o half.nir");
  CHECK_STR(nir("opt half.nir"), all);
  CHECK_STR(nir("opt half.nir --start-from=clean-import"), all);
  CHECK_STR(nir("opt half.nir --stop-after=clean-import"), nir("opt half.nir --passes=")); /* is past it */
  free(all);
}

static void a_limit(void) {
  TEST("a_limit");
  Result r = run_nextc("opt m.nir --stop-after=recover-ops --stats=json");
  CHECK_HAS(r.out, "\"rewrites\": {\"reshape_to_itself\": 1");
  CHECK_HAS(r.out, "\"gelu_half_first\": 1");
  result_free(&r);
  r = run_nextc("opt m.nir --stop-after=recover-ops --stats=json --rule-limit=1");
  CHECK_HAS(r.out, "\"rewrites\": {\"reshape_to_itself\": 1}");
  CHECK(!strstr(r.out, "gelu"));
  result_free(&r);
  CHECK_HAS(nir("opt m.nir --rule-limit=0 --stop-after=recover-ops"), "reshape %13");
  nir("opt m.nir --rule-limit=0 -o none.nir"); /* compiles all the same */
  r = run_nextc("compile none.nir -o none.c");
  CHECK(r.status == 0);
  CHECK_STR(r.err, "");
  result_free(&r);
}

static void before_and_after(void) {
  TEST("before_and_after");
  char header[128];
  char *before = strdup(nir("opt m.nir --print-before=all")), *after = strdup(nir("opt m.nir --print-after=all"));
  CHECK(count(before, "// before ") == pipeline_length && count(after, "// after ") == pipeline_length);
  for (int i = 0; i < pipeline_length; i++) {
    snprintf(header, sizeof header, "// before %s\nnir 1\n", pipeline[i].name);
    CHECK_HAS(before, header);
    snprintf(header, sizeof header, "// after %s: ", pipeline[i].name);
    CHECK_HAS(after, header);
  }
  free(before);
  free(after);
  const char *one = nir("opt m.nir --print-before=recover-ops --print-after=recover-ops");
  CHECK(count(one, "nir 1\n") == 2 && count(one, " gelu ") == 1);
  CHECK(!strstr(nir("opt m.nir --print-after=changed"), "// after peel-batch")); /* it does nothing here */
}

/* Every dump is a model: what is compiled from it is what is compiled without it. */
static void dumps(void) {
  TEST("dumps");
  CHECK_STR(nir("opt m.nir --dump-dir=dumps"), "");
  CHECK(files_in("dumps") == pipeline_length + 1);
  CHECK(file_exists("dumps/000-import.nir") && file_exists("dumps/001-clean-import.nir"));
  nir("compile m.nir --name=m -o whole.c");
  for (int i = 0; i < pipeline_length; i++) {
    char command[512];
    snprintf(command, sizeof command, "compile dumps/%03d-%s.nir --name=m -o whole2.c", i + 1, pipeline[i].name);
    nir(command);
    Result r = run_shell("sed s/whole2/whole/g whole2.c | cmp - whole.c");
    CHECK(r.status == 0);
    CHECK_STR(r.out, "");
    result_free(&r);
  }
  Result r = run_nextc("opt m.nir --dump-dir=m.nir/x");
  CHECK(r.status == 1);
  CHECK_HAS(r.err, "m.nir/x: error: cannot make the folder");
  result_free(&r);
  r = run_nextc("opt m.nir --dump-dir=m.nir");
  CHECK(r.status == 1);
  CHECK_HAS(r.err, "cannot be created");
  result_free(&r);
}

static void anonymous(void) {
  static const char *const unwanted[] = {"_name", "/conv", "Conv@17", "nir 1", "source", "after="};
  TEST("anonymous");
  char *hashes = strdup(nir("opt m.nir --anonymous")), *shapes = strdup(nir("opt m.nir --anonymous=shapes"));
  for (size_t i = 0; i < sizeof unwanted / sizeof *unwanted; i++)
    CHECK(!strstr(hashes, unwanted[i]) && !strstr(shapes, unwanted[i]));
  CHECK_HAS(hashes, "%1 = input : f32[1,3,8,8]\n");
  CHECK_HAS(hashes, "const f32[1x12x16] #");
  CHECK_HAS(shapes, "const f32[1x12x16]");
  CHECK(!strstr(shapes, "#"));
  /* other names and places, another spelling of the same constant: the same text; another value: another hash */
  Result r = run_shell(
      "sed -e 's/_name/_title/;s/floats=\\[0.25\\]/floats=[0.25,0.25,0.25]/;s/,0.25\\]/,0.25]/' m.nir > n.nir; "
      "sed -e 's/floats=\\[0.25,0.25,0.25\\]/floats=[0.25]/' n.nir > same.nir; "
      "sed -e 's/floats=\\[0.25\\]/floats=[0.75]/' m.nir > other.nir");
  CHECK(r.status == 0);
  result_free(&r);
  CHECK_STR(nir("opt same.nir --anonymous"), hashes);
  CHECK(strcmp(nir("opt other.nir --anonymous"), hashes) != 0);
  CHECK_STR(nir("opt other.nir --anonymous=shapes"), shapes);
  free(hashes);
  free(shapes);
}

static void drawings(void) {
  TEST("drawings");
  const char *text = nir("opt m.nir --dot");
  CHECK(!strncmp(text, "digraph \"secret_name\" {\n", 24));
  CHECK_HAS(text, "subgraph cluster_0 {");
  CHECK_HAS(text, "gelu");
  CHECK_HAS(text, " -> ");
  CHECK(count(text, "{") == count(text, "}"));
  CHECK(!strstr(text, "const"));
  Result r = run_shell("command -v dot");
  if (r.status == 0) {
    result_free(&r);
    r = run_shell("'" NEXTC_BINARY "' opt m.nir --dot | dot -Tplain > plain");
    CHECK(r.status == 0);
  }
  result_free(&r);
}

/* A pass without what it needs says which pass gives it. */
static void needs(void) {
  static const char symbolic[] = "nir 1\n"
                                 "graph \"s\" symbols=N\n"
                                 "%1 = input {name=\"x\"} : f32[N,4]\n"
                                 "%2 = relu %1 : f32[N,4] !\"/relu\":Relu@17\n"
                                 "output %2 {name=\"y\"}\n";
  static const char shapes[] = "nir 1\n"
                               "graph \"s\"\n"
                               "%1 = input {name=\"x\"} : f32[2,4]\n"
                               "%2 = shape %1 {end=2} : i64[2]\n"
                               "%3 = input {name=\"z\"} : i64[2]\n"
                               "%4 = add %2, %3 : i64[2]\n"
                               "output %4 {name=\"y\"}\n";
  static const char gemm[] = "nir 1\n"
                             "graph \"g\"\n"
                             "%1 = input {name=\"x\"} : f32[2,4]\n"
                             "%2 = const {floats=[1]} : f32[4,2]\n"
                             "%3 = gemm %1, %2 : f32[2,2]\n"
                             "output %3 {name=\"y\"}\n";
  static const struct {
    const char *arguments, *message;
  } rows[] = {
      {"opt m.nir --passes=place-buffers", "error: pass place-buffers needs ops in kernels, which pass group gives"},
      {"opt s.nir --passes=group", "error: pass group needs dims that are numbers, which pass peel-batch gives"},
      {"opt f.nir --start-from=group", "pass group needs shape arithmetic folded away, which pass clean-import gives"},
      {"opt g.nir --passes=-pack-weights --print-loops",
       "lowering needs packed weights, which pass pack-weights gives"},
      {"compile unpacked.nir -o unpacked.c", "lowering needs packed weights, which pass pack-weights gives"},
      {"inspect unpacked.nir", "lowering needs packed weights, which pass pack-weights gives"},
  };
  TEST("needs");
  put_file("s.nir", symbolic, sizeof symbolic - 1);
  put_file("f.nir", shapes, sizeof shapes - 1);
  put_file("g.nir", gemm, sizeof gemm - 1);
  nir("opt g.nir --passes=-pack-weights -o unpacked.nir");
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    Result r = run_nextc(rows[i].arguments);
    CHECK(r.status == 1);
    CHECK_HAS(r.err, rows[i].message);
    result_free(&r);
  }
  CHECK(!file_exists("unpacked.c"));
}

/* Any pass may be left out, but for those that others need: the program compiles. What follows group is left out with
 * it, so that compiling goes on from there. */
static void without_a_pass(void) {
  TEST("without_a_pass");
  for (int i = 0; i < pipeline_length; i++) {
    char arguments[256];
    if (!strcmp(pipeline[i].name, "pack-weights")) continue;
    const int last = strcmp(pipeline[i].name, "group") ? i : pipeline_length - 1;
    int length =
        snprintf(arguments, sizeof arguments, "opt m.nir --verify-each -o less.nir --passes=-%s", pipeline[i].name);
    for (int j = i + 1; j <= last; j++)
      length += snprintf(arguments + length, sizeof arguments - (size_t)length, ",-%s", pipeline[j].name);
    nir(arguments);
    nir("compile less.nir -o less.c");
  }
}

/* 1.414213 is taken for sqrt(2); where nothing is allowed to differ, that rewrite is found. */
static void bisects(void) {
  TEST("bisects");
  Result r = run_nextc("verify m.nir --random=1 --bisect");
  CHECK(r.status == 0);
  CHECK_HAS(r.out, "bisect: no pass leaves the tolerance");
  CHECK(!strstr(r.out, " c "));
  result_free(&r);
  r = run_shell("sed 's/1.4142135623730951/1.414213/' m.nir > inexact.nir");
  result_free(&r);
  r = run_nextc("verify inexact.nir --random=2 --bisect --rtol=0 --atol=1e-9");
  CHECK(r.status == 1);
  CHECK_HAS(r.out, "bisect: pass recover-ops, rewrite 2: gelu_half_first at '/act' (Mul); "
                   "see 'nextc opt MODEL --stop-after=recover-ops --rule-limit=2'");
  result_free(&r);
}

int main(void) {
  open_folder();
  put_file("m.nir", model, sizeof model - 1);
  a_part_of_the_pipeline();
  goes_on();
  a_limit();
  before_and_after();
  dumps();
  anonymous();
  drawings();
  needs();
  without_a_pass();
  bisects();
  close_folder();
  return test_result();
}
