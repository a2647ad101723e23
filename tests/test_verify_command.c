/* nextc verify: that it passes what is right, and above all that it fails what is wrong. */
#include "nextc.h"
#include "tests/test.h"
#include "tests/tiny_onnx.h"

/* Runs verify and checks status, the last line, and something that stands in the output; the output is to be freed. */
static char *verify_text(const char *arguments, int status, const char *last, const char *part) {
  char line[512];
  snprintf(line, sizeof line, "verify %s", arguments);
  Result r = run_nextc(line);
  size_t out = strlen(r.out), length = strlen(last);
  CHECK(r.status == status);
  CHECK(out > length && r.out[out - 1] == '\n' && !strncmp(r.out + out - length - 1, last, length));
  CHECK_HAS(strstr(r.out, part) ? r.out : r.err, part);
  if (r.status != status) printf("  verify %s\n%s%s", arguments, r.out, r.err);
  free(r.err);
  return r.out;
}

static void verify(const char *arguments, int status, const char *last, const char *part) {
  free(verify_text(arguments, status, last, part));
}

static void passes_what_is_right(void) {
  TEST("passes_what_is_right");
  write_tiny_case("right", NULL, 1, 0);
  char *out = verify_text("right", 0, "2 passed, 0 failed", "right     eval");
  CHECK_HAS(out, "right     c ");
  free(out);
  verify("right/ --backends=eval", 0, "1 passed, 0 failed", "right     eval");
  verify("./././././right/ --backends=eval", 0, "1 passed, 0 failed", "right     eval"); /* as wide as names are */
  verify("right --backends=eval", 0, "1 passed, 0 failed", "ok");
  verify("right --backends=c --weights=file", 0, "1 passed, 0 failed", "ok");
  verify("right --backends=c --weights=object --cc=cc", 0, "1 passed, 0 failed", "ok"); /* tcc has no .incbin */
  verify("right right --backends=eval", 0, "2 passed, 0 failed", "ok");
  verify("right --random=3", 0, "2 passed, 0 failed", "ok");
  if (nextc_has_jit()) {
    verify("right --backends=eval,jit", 0, "2 passed, 0 failed", " jit ");
    verify("right --backends=jit --paths=generic", 0, "1 passed, 0 failed", "jit:generic");
  } else {
    verify("right --backends=jit", 1, "0 passed, 1 failed", "built without LLVM");
  }
  verify("right --backends=c --paths=generic,best", 0, "2 passed, 0 failed", "c:generic");
  verify("right --backends=c --paths=best", 0, "1 passed, 0 failed", "c:best");
  verify("right --backends=c --cc='cc -O0 -fsanitize=undefined'", 0, "1 passed, 0 failed", "ok");
}

static void symbolic_batch_takes_n_from_the_input(void) {
  TEST("symbolic_batch_takes_n_from_the_input");
  write_tiny_case("batch", "N", 5, 0);
  verify("batch --random=4", 0, "2 passed, 0 failed", "ok");
  verify("batch --dim N=5", 0, "2 passed, 0 failed", "ok");
  if (nextc_has_jit()) verify("batch --backends=jit --random=3", 0, "1 passed, 0 failed", "ok");
  verify("batch --dim N=4 --backends=eval", 1, "0 passed, 1 failed", "needs 4");
  verify("batch --dim N=4 --backends=c", 1, "0 passed, 1 failed", "type that the model declares");
}

static void fails_what_is_wrong(void) {
  TEST("fails_what_is_wrong");
  write_tiny_case("wrong", NULL, 1, 0.001f);
  if (nextc_has_jit()) verify("wrong --backends=jit", 1, "0 passed, 1 failed", "test_data_set_0, jit: output 0");
  char *out = verify_text("wrong", 1, "0 passed, 2 failed", "max abs 0.00475    max rel 0.000999");
  CHECK_HAS(out, "test_data_set_0, as read: output 0: element 0 is 4.75, not 4.75");
  CHECK_HAS(out, "test_data_set_0, c: output 0: element 0 is 4.75, not 4.75");
  free(out);
  verify("wrong --rtol=0.01", 0, "2 passed, 0 failed", "max rel 0.000999");
  verify("wrong --atol=0.01 --backends=eval", 0, "1 passed, 0 failed", "max rel 0.000999");
  verify("wrong right --backends=eval", 1, "1 passed, 1 failed", "FAILED");
}

static void fails_cases_that_do_not_fit(void) {
  static const float zeros[16];
  TEST("fails_cases_that_do_not_fit");
  write_tiny_case("shape", NULL, 1, 0);
  write_tensor("shape/test_data_set_0/output_0.pb", 3, 1, zeros);
  verify("shape --backends=eval", 1, "0 passed, 1 failed", "is f32[1,3], not f32[3,1]");
  verify("shape --backends=c", 1, "0 passed, 1 failed", "is f32[1,3], not f32[3,1]");
  write_tiny_case("input", NULL, 1, 0);
  write_tensor("input/test_data_set_0/input_0.pb", 1, 5, zeros);
  verify("input --backends=eval", 1, "0 passed, 1 failed", "dim 1 of the input is 5, needs 4");
  verify("input --backends=c", 1, "0 passed, 1 failed", "input 0 does not have the type that the model declares");
  write_tiny_case("more", NULL, 1, 0);
  write_tensor("more/test_data_set_0/input_1.pb", 1, 4, zeros);
  verify("more --backends=c", 1, "0 passed, 1 failed", "2 inputs stored, but the model takes 1");
  write_tiny_case("outputs", NULL, 1, 0);
  write_tensor("outputs/test_data_set_0/output_1.pb", 1, 3, zeros);
  verify("outputs", 1, "0 passed, 2 failed", "2 outputs stored, but the model has 1");
}

static void fails_what_is_missing(void) {
  TEST("fails_what_is_missing");
  verify("absent", 1, "0 passed, 2 failed", "absent: error: no such folder");
  mkdir("bare", 0755);
  verify("bare", 1, "0 passed, 2 failed", "bare: error: no model.onnx");
  write_tiny_model("bare/model.onnx", "Relu", NULL, 1);
  verify("bare", 1, "0 passed, 2 failed", "no test_data_set_0");
  verify("bare --random=2", 0, "2 passed, 0 failed", "ok");
  verify("bare/model.onnx --random=2", 0, "2 passed, 0 failed", "model.onnx");
  mkdir("bare/test_data_set_0", 0755);
  verify("bare", 1, "0 passed, 2 failed", "no output_0.pb");
  write_tiny_case("wobble", NULL, 1, 0);
  write_tiny_model("wobble/model.onnx", "Wobble", NULL, 1);
  verify("wobble", 1, "0 passed, 2 failed", "Wobble");
  verify("wobble --model=right/model.onnx", 0, "2 passed, 0 failed", "wobble    eval");
}

/* Inputs, weights and outputs in f16 and bf16: read, computed in f32, written. */
static void runs_halves(void) {
  static const char model[] = "nir 1\nsource 0 \"random:1\"\ngraph \"half\"\n"
                              "%1 = input {name=\"x\"} : f16[1,5,5,8]\n"
                              "%2 = weight {name=\"w\"} : f32[8,6]\n"
                              "%3 = cast %2 {to=f16} : f16[8,6]\n"
                              "%4 = gemm %1, %3 : f16[1,5,5,6]\n"
                              "%5 = cast %4 {to=bf16} : bf16[1,5,5,6]\n"
                              "%6 = softmax %4 {axis=3} : f16[1,5,5,6]\n"
                              "output %6 {name=\"y\"}\noutput %5 {name=\"z\"}\noutput %1 {name=\"same\"}\n"
                              "output %3 {name=\"weight\"}\n";
  static const char moved[] = "nir 1\ngraph \"moved\" after=\"tile\"\n%1 = input {name=\"x\"} : f16[3,5]\n"
                              "%2 = transpose %1 {perm=[1,0]} : f16[5,3]\n"
                              "%3 = slice %2 {starts=[1,2] steps=[2,-1] shape=[2,3]} : f16[2,3]\n"
                              "%4 = concat %3, %3 {axis=0} : f16[4,3]\n%5 = tile %4 {shape=[4,9]} : f16[4,9]\n"
                              "%6 = expand %5 {shape=[2,4,9]} : f16[2,4,9]\noutput %6 {name=\"y\"}\n";
  TEST("runs_halves");
  put_file("half.nir", model, sizeof model - 1);
  verify("half.nir --random=2 --backends=eval,c", 0, "2 passed, 0 failed", "half.nir  c ");
  verify("half.nir --random=2 --backends=c --cc='cc -O2 -Wall -Wextra -Wconversion -Werror'", 0, "1 passed, 0 failed",
         "ok");
  static const char inside[] = "nir 1\nsource 0 \"wrong/model.onnx\"\ngraph \"inside\"\n"
                               "%1 = input {name=\"x\"} : f32[1,4]\n%2 = weight {name=\"w\"} : f32[4,3]\n"
                               "%3 = cast %1 {to=f16} : f16[1,4]\n%4 = cast %2 {to=f16} : f16[4,3]\n"
                               "%5 = gemm %3, %4 : f16[1,3]\n%6 = cast %5 {to=f32} : f32[1,3]\n"
                               "%7 = relu %6 : f32[1,3]\noutput %7 {name=\"y\"}\n";
  write_tiny_case("wrong", NULL, 1, 0.001f);
  verify("wrong --backends=eval,c", 1, "0 passed, 2 failed", "FAILED");
  put_file("inside.nir", inside, sizeof inside - 1);
  verify("wrong --model=inside.nir --backends=eval,c", 0, "2 passed, 0 failed", "ok");
  verify("wrong --model=inside.nir --backends=eval --rtol=1e-4", 0, "1 passed, 0 failed", "ok");
  verify("wrong --model=inside.nir --backends=eval --rtol=1e-4 --atol=1e-5", 1, "0 passed, 1 failed", "FAILED");
  put_file("moved.nir", moved, sizeof moved - 1);
  verify("moved.nir --random=2 --backends=c --rtol=0 --atol=0", 0, "1 passed, 0 failed", "max abs 0 ");
  if (nextc_has_jit()) verify("half.nir --random=2 --backends=jit", 0, "1 passed, 0 failed", "ok");
}

/* How often a part stands in a text. */
static int times(const char *text, const char *part) {
  int n = 0;
  while ((text = strstr(text, part))) n++, text++;
  return n;
}

/* A model that cannot be loaded: said once, not for each backend, and no numbers where nothing was compared. */
static void says_once_what_is_wrong(void) {
  TEST("says_once_what_is_wrong");
  write_tiny_case("wobble", NULL, 1, 0);
  write_tiny_model("wobble/model.onnx", "Wobble", NULL, 1);
  Result r = run_nextc("verify wobble wobble --backends=eval,c,c");
  CHECK(r.status == 1);
  CHECK(times(r.err, "Wobble") == 2); /* a case each */
  CHECK(times(r.out, "wobble    eval       nothing to compare                    FAILED\n") == 2);
  CHECK(times(r.out, "wobble    c          nothing to compare                    FAILED\n") == 4);
  CHECK(!strstr(r.out, "max abs"));
  free(r.out);
  free(r.err);
}

/* The C compiler or the program may fail: that is a failed case, not an end. */
static void fails_what_does_not_build(void) {
  TEST("fails_what_does_not_build");
  verify("right right --backends=c --cc=false", 1, "0 passed, 2 failed", "false failed with status 1");
  verify("right --cc=/no/such/compiler", 1, "1 passed, 1 failed", "/no/such/compiler: error: cannot run it");
  static const char script[] = "#!/bin/sh\nwhile [ $# -gt 1 ]; do [ \"$1\" = -o ] && out=$2; shift; done\n"
                               "printf '#!/bin/sh\\nkill -SEGV $$\\n' > \"$out\"; chmod +x \"$out\"\n";
  put_file("crash.sh", script, sizeof script - 1);
  verify("right --backends=c --cc='sh crash.sh'", 1, "0 passed, 1 failed", "the program ended with status 139");
}

static void reads_npy_too(void) {
  static const char header[] = "\x93NUMPY\x01\x00\x46\x00{'descr': '<f4', 'fortran_order': False, 'shape': (1, 4), }"
                               "          \n";
  unsigned char file[80 + 16];
  static const float x[4] = {0.5f, 0.75f, 1, 1.25f};
  TEST("reads_npy_too");
  write_tiny_case("npy", NULL, 1, 0);
  memcpy(file, header, 80);
  memcpy(file + 80, x, sizeof x);
  put_file("npy/test_data_set_0/input_0.npy", file, sizeof file);
  unlink("npy/test_data_set_0/input_0.pb");
  verify("npy --backends=eval", 0, "1 passed, 0 failed", "ok");
}

/* Temporary folders go, but for those that --keep keeps. */
static void cleans_up(void) {
  TEST("cleans_up");
  mkdir("tmp", 0755);
  char path[512];
  snprintf(path, sizeof path, "%s/tmp", test_folder);
  setenv("TMPDIR", path, 1);
  verify("right wrong --backends=c", 1, "1 passed, 1 failed", "ok");
  CHECK(files_in("tmp") == 0);
  verify("right --backends=c --keep", 0, "1 passed, 0 failed", "kept ");
  CHECK(files_in("tmp") == 1);
  setenv("TMPDIR", "/no/such/folder", 1);
  verify("right", 1, "1 passed, 1 failed", "cannot make a temporary folder");
}

int main(void) {
  open_folder();
  setenv("TMPDIR", test_folder, 1);
  setenv("CC", system("command -v tcc >.stdout") ? "cc -O0" : "tcc", 1); /* the quickest; others are told by --cc */
  passes_what_is_right();
  symbolic_batch_takes_n_from_the_input();
  fails_what_is_wrong();
  fails_cases_that_do_not_fit();
  fails_what_is_missing();
  runs_halves();
  says_once_what_is_wrong();
  fails_what_does_not_build();
  reads_npy_too();
  cleans_up();
  close_folder();
  return test_result();
}
