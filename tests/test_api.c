/* include/nextc.h: the library as a program that embeds it sees it. */
#include "nextc.h"
#include "tests/test.h"
#include "tests/tiny_onnx.h"

static void header_is_c99_and_cpp(void) {
  TEST("header_is_c99_and_cpp");
  static const char c[] = "#include \"nextc.h\"\nint main(void) { return nextc_version() == 0; }\n";
  put_file("use.c", c, sizeof c - 1);
  put_file("use.cc", c, sizeof c - 1);
  Result r = run_shell("cc -std=c99 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I " SOURCE_DIR "/include use.c");
  CHECK(r.status == 0);
  CHECK_STR(r.err, "");
  result_free(&r);
  if (system("command -v c++ >/dev/null")) return;
  r = run_shell("c++ -std=c++98 -Wall -Wextra -Werror -fsyntax-only -I " SOURCE_DIR "/include use.cc");
  CHECK(r.status == 0);
  CHECK_STR(r.err, "");
  result_free(&r);
}

static void loads_and_compiles(void) {
  TEST("loads_and_compiles");
  nextc_context *c = nextc_context_new();
  nextc_model *m = nextc_load(c, "m.onnx", NULL, 0);
  nextc_info info;
  CHECK(m != NULL);
  if (m) {
    CHECK(nextc_optimize(m, "recover-ops", 0));
    CHECK(!strncmp(nextc_text(m, "."), "nir 1\n", 6));
    CHECK(nextc_inspect(m, &info));
    CHECK(info.macs == 12 && info.params == 12 && info.weight_bytes > 0 && info.workspace_bytes >= 0);
    CHECK(nextc_compile(m, "m.c", NULL));
    CHECK(file_exists("m.c") && file_exists("m.h"));
    nextc_compile_options o = {.name = "other", .targets = "generic", .weights = NEXTC_WEIGHTS_FILE};
    CHECK(nextc_compile(m, "other.c", &o));
    CHECK(file_exists("other.weights"));
  }
  CHECK(nextc_message_count(c) == 0 && nextc_error_count(c) == 0);
  CHECK(nextc_message(c, 0) == NULL);
  nextc_model_free(m);
  nextc_context_free(c);
}

/* The same bytes as the files. */
static void compiles_to_memory(void) {
  TEST("compiles_to_memory");
  nextc_context *c = nextc_context_new();
  nextc_model *m = nextc_load(c, "m.onnx", NULL, 0);
  CHECK(m != NULL);
  for (int file = 0; m && file < 2; file++) {
    const nextc_compile_options o = {.name = "mem", .weights = file ? NEXTC_WEIGHTS_FILE : NEXTC_WEIGHTS_INLINE};
    nextc_sources s;
    size_t size[3];
    CHECK(nextc_compile(m, "mem.c", &o) && nextc_emit_c(m, &o, &s));
    char *text[] = {get_file("mem.c", &size[0]), get_file("mem.h", &size[1]), get_file("mem.weights", &size[2])};
    CHECK(s.c_bytes == size[0] && !memcmp(s.c, text[0], size[0]));
    CHECK(s.h_bytes == size[1] && !memcmp(s.h, text[1], size[1]));
    CHECK(file ? s.weight_bytes == size[2] && !memcmp(s.weights, text[2], size[2]) : s.weights == NULL);
    for (int i = 0; i < 3; i++) free(text[i]);
    nextc_sources_free(&s);
    CHECK(!s.c && !s.h && !s.weights && !s.c_bytes);
  }
  const nextc_compile_options object = {.weights = NEXTC_WEIGHTS_OBJECT}, name = {.name = "2x"};
  nextc_sources none;
  CHECK(!nextc_emit_c(m, &object, &none) && !none.c);
  CHECK_HAS(nextc_message(c, 0), "weights as an object need files");
  CHECK(!nextc_emit_c(m, &name, &none) && !none.c);
  nextc_model_free(m);
  nextc_context_free(c);
}

static void tells_what_is_declared(void) {
  TEST("tells_what_is_declared");
  write_tiny_model("n.onnx", "Relu", "N", 0);
  nextc_context *c = nextc_context_new();
  nextc_model *m = nextc_load(c, "n.onnx", NULL, 0);
  size_t count;
  CHECK(m && nextc_optimize(m, NULL, 0)); /* passes don't change what was declared */
  const nextc_tensor *x = nextc_model_inputs(m, &count);
  CHECK(count == 1 && x->dtype == 1 && x->rank == 2 && x->dim[0] == -1 && x->dim[1] == 4 && x->bytes == 16);
  CHECK_STR(x->name, "x");
  const nextc_tensor *y = nextc_model_outputs(m, &count);
  CHECK(count == 1 && y->dim[0] == -1 && y->dim[1] == 3 && y->bytes == 12);
  const char *const *symbols = nextc_model_symbols(m, &count);
  CHECK(count == 1);
  CHECK_STR(symbols[0], "N");
  CHECK_STR(nextc_pass_name(0), "clean-import");
  CHECK(nextc_pass_name(1000) == NULL && nextc_target_name(1000) == NULL);
  CHECK_STR(nextc_target_name(0), "generic");
  nextc_model_free(m);
  nextc_context_free(c);
}

static void without_llvm(void) {
  TEST("without_llvm");
  if (nextc_has_jit()) return;
  nextc_context *c = nextc_context_new();
  nextc_model *m = nextc_load(c, "m.onnx", NULL, 0);
  CHECK(nextc_jit(m, NULL) == NULL);
  CHECK_HAS(nextc_message(c, 0), "built without LLVM (CMake option -DNEXTC_LLVM=ON)");
  nextc_model_free(m);
  nextc_context_free(c);
}

static void pins_dims(void) {
  TEST("pins_dims");
  write_tiny_model("n.onnx", "Relu", "N", 0);
  nextc_context *c = nextc_context_new();
  nextc_dim n = {"N", 3}, none = {"N", 0};
  nextc_model *m = nextc_load(c, "n.onnx", &n, 1);
  CHECK(m != NULL);
  if (m) CHECK_HAS(nextc_text(m, "."), "f32[3,4]");
  nextc_model_free(m);
  CHECK(nextc_load(c, "n.onnx", &none, 1) == NULL);
  CHECK_HAS(nextc_message(c, 0), "dimension 'N' must be 1 or more");
  nextc_context_free(c);
}

static void refuses(void) {
  TEST("refuses");
  nextc_context *c = nextc_context_new();
  CHECK(nextc_load(c, "absent.onnx", NULL, 0) == NULL);
  CHECK(nextc_error_count(c) == 1);
  nextc_model *m = nextc_load(c, "m.onnx", NULL, 0);
  if (m) {
    nextc_compile_options name = {.name = "2x"}, way = {.weights = 9}, target = {.targets = "v9"};
    CHECK(!nextc_optimize(m, "no-such-pass", 0));
    CHECK_HAS(nextc_message(c, 1), "unknown pass 'no-such-pass'");
    CHECK(!nextc_compile(m, "z.c", &name));
    CHECK_HAS(nextc_message(c, 2), "'2x' cannot stand in front of C names");
    CHECK(!nextc_compile(m, "z.c", &way));
    CHECK_HAS(nextc_message(c, 3), "unknown way 9 of weights");
    CHECK(!nextc_compile(m, "z.c", &target));
    CHECK_HAS(nextc_message(c, 4), "unknown target 'v9'");
    CHECK(!nextc_compile(m, "no/such/folder/z.c", NULL));
    CHECK(!file_exists("z.c"));
  }
  nextc_model_free(m);
  nextc_context_free(c);
  nextc_model_free(NULL);
  nextc_context_free(NULL);
}

int main(void) {
  open_folder();
  write_tiny_model("m.onnx", "Relu", NULL, 1);
  CHECK_STR(nextc_version(), "0.1.0");
  header_is_c99_and_cpp();
  loads_and_compiles();
  compiles_to_memory();
  tells_what_is_declared();
  without_llvm();
  pins_dims();
  refuses();
  close_folder();
  return test_result();
}
