/* cli/driver/run_model.c, the program around emitted C, beside hand-written models that misbehave: it must notice. */
#include "tests/command.h"
#include "tests/test.h"

/* A model y[i] = 2 x[i], 4 floats an image, under the name m; FAULT says what is wrong with it. */
static const char header[] = "#define nx_model m_model\n#define nx_load m_load\n#define nx_error m_error\n"
                             "#include \"runtime/public.h\"\n"
                             "extern const int m_input_count, m_output_count, m_symbol_count;\n"
                             "extern const nextc_tensor m_inputs[], m_outputs[];\n"
                             "extern const char *const m_symbols[];\n"
                             "size_t m_workspace_bytes(int threads);\n"
                             "int m_invoke(const m_model *, const nextc_call *);\n";
static const char source[] =
    "#include \"m.h\"\n#include <string.h>\n"
    "enum { NONE, PAST_OUTPUT, PAST_WORKSPACE, BY_SLICES, ERROR, CRASH };\n"
    "const int m_input_count = 1, m_output_count = 1, m_symbol_count = 1;\n"
    "const nextc_tensor m_inputs[] = {{\"x\", 1, 2, {-1, 4}, 16}}, m_outputs[] = {{\"y\", 1, 2, {-1, 4}, 16}};\n"
    "const char *const m_symbols[] = {\"N\"};\n"
    "size_t m_workspace_bytes(int threads) { return 64 * (size_t)threads; }\n"
    "const char *m_error(int status) { return status == 7 ? \"seven\" : \"?\"; }\n"
    "int m_load(m_model *m, const void *w, size_t size) {\n"
    "  m->weights = w;\n"
    "  return size == 4 && !memcmp(w, \"good\", 4) ? 0 : 7;\n"
    "}\n"
    "int m_invoke(const m_model *m, const nextc_call *c) {\n"
    "  const float *x = c->inputs[0];\n"
    "  float *y = c->outputs[0];\n"
    "  int64_t i, n = 4 * c->symbols[0];\n"
    "  (void)m;\n"
    "  for (i = 0; i < n; i++) y[i] = 2 * x[i] + (FAULT == BY_SLICES && c->threads > 1 ? 1e-6f : 0);\n"
    "  if (FAULT == PAST_OUTPUT) y[n] = 0;\n"
    "  if (FAULT == PAST_WORKSPACE) ((char *)c->workspace)[64 * c->threads] = 0;\n"
    "  if (FAULT == CRASH) *(volatile int *)0 = 0;\n"
    "  return FAULT == ERROR ? 7 : 0;\n"
    "}\n";

/* Builds with the fault and further flags, runs with the arguments, checks status and message. */
static void run(const char *fault, const char *flags, const char *arguments, int status, const char *message) {
  char command[1024];
  snprintf(command, sizeof command,
           "rm -f out; cc -DFAULT=%s %s -I. -I%s -o run %s/cli/driver/run_model.c m.c && ./run %s", fault, flags,
           SOURCE_DIR, SOURCE_DIR, arguments);
  Result r = run_shell(command);
  CHECK(r.status == status);
  CHECK_HAS(r.err, message);
  result_free(&r);
}

int main(void) {
  static const float x[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  float y[8];
  open_folder();
  put_file("m.h", header, sizeof header - 1);
  put_file("m.c", source, sizeof source - 1);
  put_file("in", x, sizeof x);
  put_file("weights", "good", 4);
  put_file("other", "evil", 4);

  TEST("runs");
  run("NONE", "", "- N=2 in out", 0, "");
  size_t size;
  char *out = get_file("out", &size);
  memcpy(y, out, sizeof y);
  CHECK(size == sizeof y && y[0] == 2 && y[7] == 16);
  free(out);
  run("NONE", "-DWEIGHTS_IN_FILE", "weights N=2 in out", 0, "");

  TEST("files");
  run("NONE", "", "- N=2 absent out", 1, "cannot read 32 bytes of absent");
  run("NONE", "", "- N=3 in out", 1, "cannot read 48 bytes of in");
  run("NONE", "", "- N=2 in no/folder/out", 1, "cannot write no/folder/out");
  run("NONE", "", "in", 1, "the model has 1 inputs and 1 outputs");
  run("NONE", "-DWEIGHTS_IN_FILE", "absent N=2 in out", 1, "cannot read absent");

  TEST("faults");
  run("ERROR", "", "- N=2 in out", 2, "m_invoke: seven");
  run("NONE", "-DWEIGHTS_IN_FILE", "other N=2 in out", 2, "m_load: seven");
  run("PAST_OUTPUT", "", "- N=2 in out", 3, "past the end of an output");
  run("PAST_WORKSPACE", "", "- N=2 in out", 3, "past the end of the workspace");
  run("BY_SLICES", "", "- N=2 in out", 4, "output 0 has other bits when the work is cut into 3 slices");
  run("CRASH", "", "- N=2 in out", 139, "");
  CHECK(!file_exists("out"));
  close_folder();
  return test_result();
}
