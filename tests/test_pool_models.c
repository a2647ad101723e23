/* The bundled pool under whole models: the same bits with 1, 2, 3 and 5 threads, one call after the other and two calls
 * at once; the same program under ThreadSanitizer. */
#include "tests/command.h"
#include "tests/fixtures.h"
#include "tests/test.h"

/* Runs m on made-up inputs with each number of threads, three times; ends with 1 where bits differ, 2 on an error. */
static const char program[] =
    "#include \"m.h\"\n#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n"
    "static const int64_t symbols[] = {3, 3, 3, 3};\n"
    "static const void *inputs[16];\n"
    "static size_t bytes_of(const nextc_tensor *t) { return t->bytes * (t->rank && t->dim[0] < 0 ? 3 : 1); }\n"
    "static void *room(size_t bytes) {\n"
    "  char *p = malloc(bytes + 128);\n"
    "  if (!p) exit(2);\n"
    "  return memset(p + (64 - (size_t)p % 64), 0xAB, bytes);\n}\n"
    "static void run(const m_model *model, nextc_call *call, int threads, void **outputs) {\n"
    "  int i;\n"
    "  for (i = 0; i < m_output_count; i++) outputs[i] = room(bytes_of(&m_outputs[i]));\n"
    "  call->inputs = inputs; call->outputs = outputs; call->symbols = symbols;\n"
    "  call->threads = threads; call->workspace = room(m_workspace_bytes(threads));\n"
    "  if (m_invoke(model, call)) exit(2);\n}\n"
    "static void compare(void *const *got, void *const *want, int threads) {\n"
    "  int i;\n"
    "  for (i = 0; i < m_output_count; i++)\n"
    "    if (memcmp(got[i], want[i], bytes_of(&m_outputs[i]))) {\n"
    "      printf(\"output %d has other bits with %d threads\\n\", i, threads); exit(1);\n    }\n}\n"
    "typedef struct { const m_model *model; void **want; } Other;\n"
    "static void *other_caller(void *argument) {\n"
    "  const Other *o = argument; void *outputs[16]; nextc_call call; m_pool pool;\n"
    "  memset(&call, 0, sizeof call);\n"
    "  call.parallel_for = m_pool_run; call.parallel_user = &pool;\n"
    "  m_pool_start(&pool, 2);\n"
    "  run(o->model, &call, 2, outputs); compare(outputs, o->want, 2);\n"
    "  m_pool_stop(&pool);\n  return NULL;\n}\n"
    "int main(void) {\n"
    "  static const int counts[] = {2, 3, 5};\n"
    "  m_model storage; const m_model *model = NULL; void *want[16], *got[16]; nextc_call call; Other other;\n"
    "  pthread_t thread; int i, c, again; size_t j;\n"
    "  memset(&storage, 0, sizeof storage); memset(&call, 0, sizeof call);\n"
    "#ifdef FROM_FILE\n"
    "  if (m_map_file(&storage, \"m.weights\")) return 2;\n  model = &storage;\n"
    "#endif\n"
    "  for (i = 0; i < m_input_count; i++) {\n"
    "    float *x = room(bytes_of(&m_inputs[i]));\n"
    "    for (j = 0; j < bytes_of(&m_inputs[i]) / sizeof *x; j++) x[j] = (float)((j * 7919 + 13) % 2003) / 1000 - 1;\n"
    "    inputs[i] = x;\n  }\n"
    "  run(model, &call, 1, want);\n"
    "  other.model = model; other.want = want;\n"
    "  for (c = 0; c < 3; c++) {\n"
    "    m_pool pool;\n"
    "    call.parallel_for = m_pool_run; call.parallel_user = &pool;\n"
    "    if (m_pool_start(&pool, counts[c]) != counts[c]) return 2;\n"
    "    if (pthread_create(&thread, NULL, other_caller, &other)) return 2;\n"
    "    for (again = 0; again < 3; again++) { run(model, &call, counts[c], got); compare(got, want, counts[c]); }\n"
    "    pthread_join(thread, NULL);\n"
    "    m_pool_stop(&pool);\n  }\n"
    "  puts(\"same bits\");\n  return 0;\n}\n";

static bool thread_sanitizer; /* is there one that works here? */

static void look_for_thread_sanitizer(void) {
  static const char empty[] = "int main(void) { return 0; }\n";
  put_file("empty.c", empty, sizeof empty - 1);
  Result r = run_shell("clang -fsanitize=thread empty.c -o empty && ./empty");
  thread_sanitizer = !r.status;
  if (!thread_sanitizer) printf("left out: ThreadSanitizer does not work here: %.200s\n", r.err);
  result_free(&r);
}

static void build_and_run(const char *what, const char *compiler) {
  char command[1024];
  snprintf(command, sizeof command,
           "%s -DM_THREADS %s -pthread program.c m.c -lm -o program && TSAN_OPTIONS=halt_on_error=1 ./program",
           compiler, file_exists("m.weights") ? "-DFROM_FILE" : "");
  Result r = run_shell(command);
  CHECK(r.status == 0);
  CHECK_STR(r.out, "same bits\n");
  if (r.status) printf("%s: %s: status %d\n%s%s\n", what, compiler, r.status, r.out, r.err);
  result_free(&r);
}

static void model(const char *path, const char *options, bool watched) {
  char arguments[2048];
  TEST(path);
  snprintf(arguments, sizeof arguments, "compile '%s' --name m -o m.c %s", path, options);
  unlink("m.weights");
  Result r = run_nextc(arguments);
  CHECK(r.status == 0);
  if (r.status) printf("%s\n", r.err);
  result_free(&r);
  build_and_run(path, "cc -O1");
  if (watched && thread_sanitizer) build_and_run(path, "clang -O1 -g -fsanitize=thread");
}

int main(void) {
  open_folder();
  put_file("program.c", program, sizeof program - 1);
  look_for_thread_sanitizer();
  model(SOURCE_DIR "/examples/digits/digits_convnext.onnx", "", true);
  model(SOURCE_DIR "/examples/digits/digits_convnextv2.onnx", "--weights=file", true);
  static const char *const names[] = {"timm_v1_dynbatch_ts17", "timm_v1_odd_size_dynamo20"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char path[1024];
    snprintf(path, sizeof path, FIXTURES "/onnx/%s/model.onnx", names[i]);
    if (file_exists(path))
      model(path, "", i == 0);
    else
      printf("left out: no fixture %s\n", names[i]);
  }
  close_folder();
  return test_result();
}
