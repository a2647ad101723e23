/* The files of a model: weights of every type in every mode, batches, threads, statuses, two models in one program,
 * C++, standard output, and outputs that appear whole or not at all. */
#include "backend/c_internal.h"
#include "runtime/checksum.h"
#include "tests/c_kit.h"

enum { N = 8 };

/* y = x + w and z = w as it is, for N floats; w begins at byte 64, behind 3 bytes that nobody reads. */
static const char add_text[] =
    "loops 1\ntarget generic\narena 128 scratch 64 weights 128\n"
    "kernel k0 add {\n  in x0 f32[8]\n  weight w0 f32[8]\n  out y0 f32[8]\n  scratch s0 f32[16]\n  reg f32 a b\n"
    "  pfor i = 0 .. 8 {\n    a = load x0[i]\n    store s0[0] a\n    a = load s0[0]\n    b = load w0[i]\n"
    "    a = add a b\n    store y0[i] a\n  }\n}\n"
    "step k0 x0=input0+0 w0=weights+64 y0=arena+64 s0=scratch+0 \"first\"\n"
    "step k0 x0=arena+64 w0=weights+64 y0=output0+0 s0=scratch+0 \"second\"\n";

/* A model of one image [1,8] and the steps above; symbol: the batch's name, or NULL. */
static Kit *add_model(const char *name, const char *symbol, int64_t batch) {
  Kit *k = kit_new(name);
  const Dim dims[] = {1, N};
  kit_input(k, "class", DT_f32, 2, dims);
  kit_output(k, "out put", DT_f32, 2, dims);
  kit_weight(k, DT_u8, 3);
  kit_weight(k, DT_f32, N);
  if (symbol) k->graph->batch_symbol = graph_symbol(k->graph, symbol);
  k->graph->batch = batch;
  CHECK(kit_program(k, "generic", add_text));
  return k;
}

static void fill(float *x, int count) {
  for (int i = 0; i < count; i++) x[i] = (float)(i * i % 37) / 4 - 3;
}

/* Emits, compiles, runs `images` images and compares with the evaluator, which runs one by one. */
static void check_model(Kit *k, const char *flags, const char *driver, int images, int threads, const char *weights) {
  size_t size = 0, image = N * sizeof(float);
  float in[4 * N], want[4 * N];
  fill(in, 4 * N);
  for (int i = 0; i < images; i++)
    kit_eval(k, 0, (unsigned char *)in + (size_t)i * image, (unsigned char *)want + (size_t)i * image);
  const bool compiled = kit_emit(k) && kit_compile(k, "gcc", flags, driver);
  CHECK(compiled);
  if (!compiled) return;
  unsigned char *got = kit_run(k, in, (size_t)images * image, images, threads, weights, &size);
  CHECK(got && size == (size_t)images * image && !memcmp(got, want, size));
  free(got);
}

static void batches(void) {
  TEST("one image");
  Kit *k = add_model("one", NULL, 1);
  check_model(k, STRICT " -O0", "", 1, 3, "-");
  kit_free(k);
  TEST("a fixed batch");
  k = add_model("fixed", NULL, 3);
  check_model(k, STRICT " -O0", "", 3, 0, "-");
  char *text = get_file("fixed.c", NULL);
  CHECK_HAS(text, "{\"class\", 1, 2, {3, 8}, 96}");
  free(text);
  kit_free(k);
  TEST("a batch taken at run time");
  k = add_model("symbolic", "batch size", 1);
  check_model(k, STRICT " -O0", "", 4, 2, "-");
  text = get_file("symbolic.c", NULL);
  CHECK_HAS(text, "{\"class\", 1, 2, {-1, 8}, 32}");
  CHECK_HAS(text, "symbolic_symbols[] = {\"batch size\"}");
  free(text);
  text = get_file("symbolic.h", NULL);
  CHECK_HAS(text, "int symbolic_run(const symbolic_model *model, int64_t batch_size, const float *class_, "
                  "float *out_put, void *workspace);");
  CHECK_HAS(text, "input  class_: f32 [batch size,8], 'class'");
  free(text);
  kit_free(k);
}

/* ---- weights ---- */

static const DType every_type[] = {DT_f32, DT_f64, DT_u8,  DT_i8,   DT_u16, DT_i16, DT_i32,
                                   DT_i64, DT_u32, DT_u64, DT_bool, DT_f16, DT_bf16};
enum { TYPES = sizeof every_type / sizeof *every_type, PER_TYPE = 40 };

/* Copies all weights, of every type, to the output as bytes. */
static Kit *every_weight(const char *name) {
  Kit *k = kit_new(name);
  for (int t = 0; t < TYPES; t++) kit_weight(k, every_type[t], PER_TYPE);
  const Dim bytes = k->program.weight_bytes;
  kit_output(k, "bytes", DT_u8, 1, &bytes);
  CHECK(kit_program(k, "generic",
                    arena_printf(k->arena,
                                 "loops 1\ntarget generic\narena 0 scratch 0 weights %d\n"
                                 "kernel k0 copy {\n  weight w0 u8[%d]\n  out y0 u8[%d]\n  reg i32 a\n"
                                 "  pfor i = 0 .. %d {\n    a = load w0[i]\n    store y0[i] a\n  }\n}\n"
                                 "step k0 w0=weights+0 y0=output0+0\n",
                                 (int)bytes, (int)bytes, (int)bytes, (int)bytes)));
  return k;
}

static void compare_weights(Kit *k, const char *flags, const char *driver, const char *weights) {
  size_t size = 0;
  const size_t bytes = (size_t)k->program.weight_bytes;
  unsigned char *want = calloc(1, bytes + 1);
  kit_eval(k, 0, want, want);
  const bool compiled = kit_emit(k) && kit_compile(k, "gcc", flags, driver);
  CHECK(compiled);
  unsigned char *got = compiled ? kit_run(k, "", 0, 1, 1, weights, &size) : NULL;
  CHECK(got && size == bytes && !memcmp(got, want, size));
  free(got);
  free(want);
}

static void modes(void) {
  TEST("inline weights of every type");
  Kit *k = every_weight("in_line");
  compare_weights(k, STRICT " -O0", "", "-");
  kit_free(k);
  TEST("inline weights in hexadecimal");
  k = every_weight("in_hex");
  k->options.hex_floats = true;
  compare_weights(k, STRICT " -O0", "", "-");
  char *text = get_file("in_hex.c", NULL);
  CHECK_HAS(text, "{-0x1.8p+1f, -0x1.7p+1f, ");
  free(text);
  kit_free(k);
  TEST("weights in a file");
  k = every_weight("in_file");
  k->options.weights = WEIGHTS_FILE;
  k->options.weights_path = "in_file.weights";
  compare_weights(k, STRICT " -O0", "-DFROM_FILE", "in_file.weights");
  kit_free(k);
  TEST("weights in an object");
  k = every_weight("in_object");
  k->options.weights = WEIGHTS_OBJECT;
  k->options.weights_path = "in_object.weights";
  k->options.asm_path = "in_object.S";
  compare_weights(k, STRICT " -O0", "in_object.S", "-");
  kit_free(k);
}

/* Not loaded by anything that could look at them, so a call does: another byte order, another model, a short file. */
static void objects_are_checked(void) {
  static const struct {
    const char *what, *spoil, *message;
  } rows[] = {
      {"an object in the other byte order", NULL, "for machines of the other byte order"},
      {"an object of another model", "printf x | dd of=spoilt.weights bs=1 seek=16 conv=notrunc",
       "belongs to another model"},
      {"an object of a short file", "truncate -s -64 spoilt.weights", "wrong size"},
      {"an object of an empty file", ": >spoilt.weights", "wrong size"},
      {"an object that is as it should be", ":", ""},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    float x[N] = {0};
    TEST(rows[i].what);
    Kit *k = add_model("spoilt", NULL, 1);
    k->options.weights = WEIGHTS_OBJECT;
    k->options.weights_path = "spoilt.weights";
    k->options.asm_path = "spoilt.S";
    k->options.big_endian = !rows[i].spoil;
    CHECK(kit_emit(k));
    if (rows[i].spoil) CHECK(!system(arena_printf(k->arena, "( %s ) 2>.stderr", rows[i].spoil)));
    CHECK(kit_compile(k, "gcc", STRICT " -O1", "spoilt.S"));
    put_file("in.bin", x, sizeof x);
    Result r = run_shell("./spoilt in.bin out.bin 1 1 -");
    CHECK(!r.status == !*rows[i].message);
    CHECK_HAS(r.out, rows[i].message);
    result_free(&r);
    kit_free(k);
  }
}

/* ---- literals ---- */

static const double odd_numbers[] = {0.1f,     16777217,   1e-45, 3.4028234663852886e38, -0.0, NAN,
                                     INFINITY, -INFINITY,  1e10,  0.333333343f,          1,    -2,
                                     1e-7f,    123456.789f};
enum { ODD = sizeof odd_numbers / sizeof *odd_numbers };

static bool odd_value(void *user, const Graph *g, ValueId v, Tensor *out) {
  (void)user;
  *out = tensor_new(type_of(g, v));
  for (int i = 0; i < ODD; i++) {
    if (out->f)
      out->f[i] = odd_numbers[i];
    else
      out->i[i] = i == 0 ? INT64_MIN : i == 1 ? INT32_MIN : i == 2 ? INT64_MAX : i - 5;
  }
  return true;
}

static void literals(void) {
  TEST("shortest decimals, specials and least integers");
  Kit *k = every_weight("literal");
  Kit *small = kit_new("literal");
  kit_weight(small, DT_f32, ODD);
  kit_weight(small, DT_i64, ODD);
  kit_weight(small, DT_i32, ODD);
  small->program.weight_value = odd_value;
  small->programs[0] = k->programs[0];
  small->targets[0] = k->targets[0];
  small->program.target_count = 1;
  CHECK(kit_emit(small));
  char *text = get_file("literal.c", NULL);
  CHECK_HAS(text, "{0.1f, 16777216.0f, 1.4013e-45f, 3.4028235e+38f, -0.0f, (0.0f / 0.0f), (1.0f / 0.0f), ");
  CHECK_HAS(text, "(-1.0f / 0.0f),\n   1e+10f, 0.33333334f, 1.0f, -2.0f, 1e-07f, 123456.79f}");
  CHECK_HAS(text, "{(-INT64_C(9223372036854775807) - 1), INT64_C(-2147483648), INT64_C(9223372036854775807), -2,");
  CHECK_HAS(text, "{0, (-2147483647 - 1), -1, -2,");
  CHECK_HAS(text, "float w0[14]; /* byte 0 */\n  unsigned char gap0[8];\n");
  CHECK(kit_compile(small, "gcc", STRICT " -O0", ""));
  if (have_compiler("tcc")) CHECK(kit_compile(small, "tcc", "", ""));
  free(text);
  kit_free(small);
  kit_free(k);
}

/* ---- statuses ---- */

static const char status_program[] =
    "#include \"status.h\"\n#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n"
    "static void expect(int line, int got, int want) {\n"
    "  if (got == want && status_error_node(got) == NULL && strlen(status_error(got)) > 5) return;\n"
    "  printf(\"line %d: %d (%s), not %d\\n\", line, got, status_error(got), want);\n  exit(1);\n}\n"
    "#define EXPECT(call, want) expect(__LINE__, call, want)\n"
    "static void once(void *user, int slices, nextc_slice *run, void *c) {\n"
    "  (void)user;\n  while (slices-- > 0) run(c, slices);\n}\n"
    "int main(void) {\n"
    "  static float x[24], y[24], z[24]; char *space = malloc(STATUS_WORKSPACE_BYTES(4) + 64);\n"
    "  status_model m; nextc_call c; const void *in[1]; void *out[1]; int64_t n = 3, dims[1][8];\n"
    "  char *file; long size;\n"
    "  FILE *f = fopen(\"status.weights\", \"rb\"); int i;\n"
    "  fseek(f, 0, SEEK_END); size = ftell(f); rewind(f);\n"
    "  file = malloc((size_t)size + 8); if (fread(file, 1, (size_t)size, f) != (size_t)size) return 2;\n"
    "  space += 64 - (size_t)space % 64; in[0] = x; out[0] = y; memset(&m, 0, sizeof m);\n"
    "  for (i = 0; i < 24; i++) x[i] = (float)i;\n"
    "  EXPECT(status_run(&m, 3, x, y, space), STATUS_NOT_LOADED);\n"
    "  EXPECT(status_run(NULL, 3, x, y, space), STATUS_NOT_LOADED);\n"
    "  EXPECT(status_map_file(&m, \"none.weights\"), STATUS_NO_FILE);\n"
    "  EXPECT(status_map_file(&m, \"status.c\"), STATUS_NOT_WEIGHTS);\n"
    "  EXPECT(status_map_file(&m, \"empty\"), STATUS_NO_FILE);\n"
    "  EXPECT(status_map_file(NULL, \"status.weights\"), STATUS_BAD_ARGUMENT);\n"
    "  EXPECT(status_map_file(&m, NULL), STATUS_BAD_ARGUMENT);\n"
    "  EXPECT(status_map_file(&m, \"big.weights\"), STATUS_BAD_BYTE_ORDER);\n"
    "  EXPECT(status_map_file(&m, \"one.weights\"), STATUS_OTHER_MODEL);\n"
    "  EXPECT(status_load(&m, file, (size_t)size), STATUS_OK);\n"
    "  EXPECT(status_load(&m, file, (size_t)size - 1), STATUS_BAD_SIZE);\n"
    "  EXPECT(status_run(&m, 3, x, y, space), STATUS_NOT_LOADED);\n"
    "  file[size - 1] ^= 1;\n"
    "  EXPECT(status_load(&m, file, (size_t)size), STATUS_BAD_CHECKSUM);\n"
    "  EXPECT(status_run(&m, 3, x, y, space), STATUS_NOT_LOADED);\n"
    "  EXPECT(status_load_trusted(&m, file, (size_t)size), STATUS_OK);\n"
    "  status_unmap(&m);\n  status_unmap(NULL);\n"
    "  EXPECT(status_map_file(&m, \"status.weights\"), STATUS_OK);\n"
    "  EXPECT(status_run(&m, 3, x, y, space), STATUS_OK);\n"
    "  EXPECT(status_run(&m, 0, x, y, space), STATUS_BAD_SYMBOL);\n"
    "  EXPECT(status_run(&m, -1, x, y, space), STATUS_BAD_SYMBOL);\n"
    "  EXPECT(status_run(&m, INT64_MAX, x, y, space), STATUS_BAD_SYMBOL);\n"
    "  EXPECT(status_run(&m, 3, NULL, y, space), STATUS_BAD_ARGUMENT);\n"
    "  EXPECT(status_run(&m, 3, x, NULL, space), STATUS_BAD_ARGUMENT);\n"
    "  EXPECT(status_run(&m, 3, x, y, NULL), STATUS_BAD_ARGUMENT);\n"
    "  EXPECT(status_run(&m, 3, x, y, space + 8), STATUS_MISALIGNED);\n"
    "  EXPECT(status_invoke(&m, NULL), STATUS_BAD_ARGUMENT);\n"
    "  memset(&c, 0, sizeof c); c.workspace = space; c.inputs = in;\n"
    "  EXPECT(status_invoke(&m, &c), STATUS_BAD_ARGUMENT);\n"
    "  c.inputs = NULL; c.outputs = out;\n"
    "  EXPECT(status_invoke(&m, &c), STATUS_BAD_ARGUMENT);\n"
    "  c.inputs = in;\n"
    "  EXPECT(status_invoke(&m, &c), STATUS_BAD_ARGUMENT);\n"
    "  c.symbols = &n; c.threads = -1;\n"
    "  EXPECT(status_invoke(&m, &c), STATUS_BAD_THREADS);\n"
    "  c.threads = 2;\n"
    "  EXPECT(status_invoke(&m, &c), STATUS_BAD_THREADS);\n"
    "  for (c.threads = 0; c.threads <= 4; c.threads++) {\n"
    "    memset(z, 0, sizeof z); out[0] = z; c.parallel_for = once; c.output_dims = dims;\n"
    "    EXPECT(status_invoke(&m, &c), STATUS_OK);\n"
    "    if (memcmp(y, z, sizeof y) || dims[0][0] != 3 || dims[0][1] != 8) return 3;\n  }\n"
    "  if (status_workspace_bytes(4) != STATUS_WORKSPACE_BYTES(4)) return 4;\n"
    "  if (strcmp(status_error(255), \"unknown status\")) return 6;\n"
    "  if (status_workspace_bytes(0) != status_workspace_bytes(1)) return 5;\n"
    "  {\n    static status_pool pool;\n    memset(z, 0, sizeof z);\n"
    "    c.threads = status_pool_start(&pool, 3); c.parallel_for = status_pool_run; c.parallel_user = &pool;\n"
    "    EXPECT(status_invoke(&m, &c), STATUS_OK);\n    status_pool_stop(&pool);\n"
    "    if (memcmp(y, z, sizeof y)) return 7;\n  }\n"
    "  status_unmap(&m);\n  return 0;\n}\n";

static void statuses(void) {
  TEST("every status, and equal results for every number of threads");
  Kit *big = add_model("status", "n", 1), *k = add_model("status", "n", 1), *other = every_weight("one");
  big->options.weights = k->options.weights = other->options.weights = WEIGHTS_FILE;
  big->options.big_endian = true;
  big->options.weights_path = "big.weights";
  k->options.weights_path = "status.weights";
  other->options.weights_path = "one.weights";
  CHECK(kit_emit(big) && kit_emit(other) && kit_emit(k));
  put_file("status_main.c", status_program, sizeof status_program - 1);
  put_file("empty", "", 0);
  Result r = run_shell("gcc " STRICT " -O1 -g -fsanitize=undefined -DSTATUS_THREADS status.c -c -o status.o && "
                       "gcc -fsanitize=undefined -DSTATUS_THREADS status_main.c status.o -pthread -lm -o status && "
                       "./status");
  CHECK(!r.status);
  if (r.status) printf("%d %s%s\n", r.status, r.out, r.err);
  result_free(&r);
  TEST("a file of the other byte order is its mirror image, tensor by tensor");
  size_t little_size, big_size;
  char *a = get_file("status.weights", &little_size), *b = get_file("big.weights", &big_size);
  CHECK(little_size == big_size && little_size == 64 + 128);
  for (size_t i = 0; i < 4 * N; i++) CHECK(a[128 + i] == b[128 + (i ^ 3)]);
  for (size_t i = 16; i < 40; i++) CHECK(a[i] == b[i ^ 7]);
  CHECK(!memcmp(a, b, 8) && a[8] == 4 && b[8] == 1);
  TEST("its checksum is what a machine of that order computes");
  uint64_t words[16], lane[4], kept = 0;
  for (size_t i = 0; i < sizeof words; i++) ((unsigned char *)words)[i ^ 7] = (unsigned char)b[64 + i];
  for (int i = 0; i < 8; i++) kept = kept << 8 | (unsigned char)b[40 + i];
  nx_checksum_start(lane);
  nx_checksum_add(lane, words, sizeof words);
  CHECK(nx_checksum_end(lane) == kept);
  free(a);
  free(b);
  kit_free(big);
  kit_free(k);
  kit_free(other);
}

static void no_path(void) {
  TEST("a machine that can run none of the paths");
  Kit *k = add_model("nowhere", NULL, 1);
  Target never = *target_by_name("generic");
  never.c_detect = "0";
  k->targets[0] = &never;
  static const char text[] =
      "#include \"nowhere.h\"\n#include <stdlib.h>\nint main(void) {\n  float x[8] = {0}, y[8];\n"
      "  char *p = malloc(NOWHERE_WORKSPACE_BYTES(1) + 64), *w = p + (64 - (size_t)p % 64);\n"
      "  int status = nowhere_run(NULL, x, y, w);\n  free(p);\n  return status != NOWHERE_NO_PATH || "
      "nowhere_path();\n}\n";
  put_file("nowhere_main.c", text, sizeof text - 1);
  CHECK(kit_emit(k));
  Result r = run_shell("gcc " STRICT " -O0 nowhere.c nowhere_main.c -lm -o nowhere && ./nowhere");
  CHECK(!r.status);
  result_free(&r);
  kit_free(k);
}

/* ---- programs of more than one file ---- */

static void together(void) {
  TEST("two models link into one program; C++ takes the headers");
  Kit *a = add_model("left", NULL, 1), *b = add_model("right", "N", 1);
  CHECK(kit_emit(a) && kit_emit(b));
  static const char both[] =
      "#include \"left.h\"\n#include \"right.h\"\n#include <cstdlib>\n"
      "int main() {\n  static float x[8], y[8], z[8];\n"
      "  char *p = (char *)std::malloc(LEFT_WORKSPACE_BYTES(1) + RIGHT_WORKSPACE_BYTES(1) + 64);\n"
      "  char *w = p + (64 - (size_t)p % 64);\n"
      "  if (left_run(NULL, x, y, w) != LEFT_OK || right_run(NULL, 1, x, z, w) != RIGHT_OK) return 1;\n"
      "  std::free(p);\n  return y[3] != z[3];\n}\n";
  put_file("both.cc", both, sizeof both - 1);
  if (have_compiler("g++")) {
    Result r = run_shell("gcc " STRICT " -O1 -c left.c right.c && "
                         "g++ -std=c++98 -Wall -Wextra -Wno-long-long both.cc left.o right.o -o both && ./both");
    CHECK(!r.status);
    if (r.status) printf("%s%s\n", r.out, r.err);
    result_free(&r);
  }
  Result r = run_shell("nm left.o right.o | grep -v ' U ' | grep -v '_GLOBAL_OFFSET' | grep -E ' [A-Za-z] ' | "
                       "grep -vE ' (left|right)_| \\.LC| [a-z] [a-z]*\\.[0-9]+$'");
  CHECK_STR(r.out, "");
  result_free(&r);
  TEST("no data that is written");
  r = run_shell("nm left.o right.o | grep -E ' [BDbd] '");
  CHECK(!strstr(r.out, " B ") && !strstr(r.out, " b "));
  result_free(&r);
  kit_free(a);
  kit_free(b);
}

/* The names of runtime/ are gone: from comments and the branches of other systems too. */
static void no_name_of_the_runtime(void) {
  static const char *const endings[] = {".h", ".c", ".S"}, *const traces[] = {"nx_", "NX_", " nx ", " NX "};
  TEST("every name is the model's");
  Kit *k = add_model("renamed", "N", 1);
  k->options.weights = WEIGHTS_OBJECT;
  k->options.weights_path = "renamed.weights";
  k->options.asm_path = "renamed.S";
  CHECK(kit_emit(k));
  for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
    char *text = get_file(arena_printf(k->arena, "renamed%s", endings[i]), NULL);
    CHECK_HAS(text, "renamed");
    for (size_t j = 0; j < sizeof traces / sizeof *traces; j++) {
      const char *at = strstr(text, traces[j]);
      CHECK(!at);
      if (at) printf("  renamed%s: %.60s\n", endings[i], at);
    }
    free(text);
  }
  char *text = get_file("renamed.h", NULL);
  CHECK_HAS(text, "Compile with -D RENAMED_THREADS,");
  free(text);
  kit_free(k);
}

static int emit_to_stdout(Kit *k, const char *file) {
  fflush(stdout);
  const int kept = dup(1);
  const bool opened = freopen(file, "w", stdout) != NULL;
  const bool good = opened && emit_c_files(k->context, &k->program, &k->options);
  fflush(stdout);
  clearerr(stdout);
  dup2(kept, 1);
  close(kept);
  return good;
}

static void standard_output(void) {
  TEST("header and code on standard output");
  Kit *k = add_model("piped", NULL, 1);
  k->options.c_path = k->options.h_path = NULL;
  CHECK(emit_to_stdout(k, "piped.c"));
  Result r = run_shell("gcc " STRICT " -O0 -c piped.c && nm piped.o");
  CHECK(!r.status);
  CHECK_HAS(r.out, " T piped_run");
  result_free(&r);
  TEST("the same with a weights file, which needs POSIX");
  k->options.weights = WEIGHTS_FILE;
  k->options.weights_path = "piped.weights";
  CHECK(emit_to_stdout(k, "piped.c"));
  CHECK(file_exists("piped.weights"));
  r = run_shell("gcc " STRICT " -O0 -c piped.c && nm piped.o");
  CHECK(!r.status);
  CHECK_HAS(r.out, " T piped_map_file");
  result_free(&r);
  TEST("a full disk behind standard output");
  if (file_exists("/dev/full")) {
    CHECK(!emit_to_stdout(k, "/dev/full"));
    CHECK_HAS(kit_errors(k), "standard output: error: cannot be written: ");
  }
  kit_free(k);
}

/* ---- whole or not at all ---- */

/* Emits with an option changed by `spoil`, which must fail with the message and leave no file. */
static void refuse(const char *title, void (*spoil)(Kit *), const char *message) {
  TEST(title);
  mkdir("whole", 0777);
  Kit *k = add_model("m", NULL, 1);
  k->options = (COptions){
      .c_path = "whole/m.c", .h_path = "whole/m.h", .weights = WEIGHTS_FILE, .weights_path = "whole/m.weights"};
  spoil(k);
  CHECK(!emit_c_files(k->context, &k->program, &k->options));
  CHECK_HAS(kit_errors(k), message);
  CHECK(files_in("whole") == 0);
  kit_free(k);
}

static void no_folder(Kit *k) { k->options.c_path = "whole/none/m.c"; }
static void full_disk(Kit *k) { k->options.c_path = "/dev/full"; }
static void full_weights(Kit *k) { k->options.weights_path = "/dev/full"; }
static void same_name(Kit *k) { k->options.h_path = k->options.c_path; }
static void no_values(Kit *k) { k->broken_weight = "tensor 'w' is missing"; }
static void no_values_inline(Kit *k) {
  k->broken_weight = "tensor 'v' is missing";
  k->options.weights = WEIGHTS_INLINE;
}
static void same_file(Kit *k) { k->options.h_path = "./whole/../whole/m.weights"; }
static void read_before(Kit *k) {
  put_file("model", "", 0);
  context_add_read(k->context, "model");
  k->options.h_path = "./model";
}
static void a_folder(Kit *k) { k->options.c_path = "."; }

static void whole_or_nothing(void) {
  refuse("a folder that is not there", no_folder, "whole/none/m.c: error: cannot be created: No such file");
  if (file_exists("/dev/full")) {
    refuse("a full disk", full_disk, "/dev/full: error: cannot be written: No space left");
    refuse("a full disk for weights", full_weights, "/dev/full: error: cannot be written");
  }
  refuse("two outputs of one name", same_name, "whole/m.c: error: two outputs have this name");
  refuse("two names of one output", same_file, "whole/m.weights: error: two outputs have this name");
  refuse("an output that is an input", read_before, "./model: error: the model was read from this file");
  refuse("a weight without a value", no_values, "tensor 'w' is missing");
  refuse("an inline weight without a value", no_values_inline, "tensor 'v' is missing");
  refuse("a folder in place of a file", a_folder, ".: error: cannot be created");
  TEST("a file that is replaced keeps its old contents until the end");
  put_file("whole/m.c", "old", 3);
  Kit *k = add_model("m", NULL, 1);
  k->options = (COptions){.c_path = "whole/m.c", .h_path = "whole/none/m.h"};
  CHECK(!emit_c_files(k->context, &k->program, &k->options));
  char *text = get_file("whole/m.c", NULL);
  CHECK_STR(text, "old");
  free(text);
  k->options.h_path = "whole/m.h";
  CHECK(kit_emit(k));
  CHECK(files_in("whole") == 2);
  TEST("the same input gives the same bytes");
  char *first = get_file("whole/m.c", NULL);
  CHECK(kit_emit(k));
  text = get_file("whole/m.c", NULL);
  CHECK_STR(first, text);
  free(first);
  free(text);
  kit_free(k);
}

static void names(void) {
  static const struct {
    const char *name, *identifier;
  } rows[] = {{"convnext_tiny", "convnext_tiny"},
              {"a-b.c", "a_b_c"},
              {"2nd", "m2nd"},
              {"", "m"},
              {"_x", "mx"},
              {"a__b", "a_b"},
              {"class", "class"},
              {"nextc", "nextc_"},
              {"\xc3\xa9t\xc3\xa9", "m_t_"}};
  TEST("identifiers");
  Arena *a = arena_new();
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) CHECK_STR(c_identifier(a, rows[i].name), rows[i].identifier);
  TEST("parameters");
  static const char *const taken[] = {"class",    "NULL",          "INT64_MAX", "SIZE_MAX",
                                      "INT8_MIN", "PTRDIFF_WIDTH", "workspace"};
  static const char *const free_[] = {"image", "_MAX", "max", "a_max", "SIZE"};
  for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
    CHECK_STR(c_parameter_name(a, taken[i]), arena_printf(a, "%s_", taken[i]));
  for (size_t i = 0; i < sizeof free_ / sizeof *free_; i++)
    CHECK_STR(c_parameter_name(a, free_[i]), c_identifier(a, free_[i]));
  arena_free(a);
}

int main(void) {
  names();
  open_folder();
  whole_or_nothing();
  if (have_compiler("gcc")) {
    batches();
    modes();
    objects_are_checked();
    literals();
    statuses();
    no_path();
    together();
    no_name_of_the_runtime();
    standard_output();
  }
  close_folder();
  return test_result();
}
