/* Memory of compiled models: what ConvNeXt-T needs beside its weights, and that a running process holds weights,
 * workspace and little more. */
#include "tests/command.h"
#include "tests/test.h"

enum { MB = 1000000 };

static long long number_after(const char *text, const char *key) {
  const char *at = strstr(text, key);
  return at ? atoll(at + strlen(key)) : -1;
}

static long long workspace_of(const char *model) {
  char arguments[256];
  snprintf(arguments, sizeof arguments, "inspect %s --format=json", model);
  Result r = run_nextc(arguments);
  CHECK(r.status == 0);
  const long long bytes = number_after(r.out, "\"workspace_bytes\": ");
  result_free(&r);
  return bytes;
}

/* Stage 1: 1.2 MB in and out at 56 x 56 x 96, and a tile of rows; nothing of 4 C. GRN needs the whole 4 C map of stage
 * 1, 4.8 MB, since the second product waits for the norm over all of it. */
static void workspaces(void) {
  TEST("workspace of ConvNeXt-T and V2-T, one thread, the largest of all targets");
  const long long v1 = workspace_of("zoo:convnext_tiny"), v2 = workspace_of("zoo:convnextv2_tiny");
  CHECK(v1 > 0 && v1 < 4 * MB);
  CHECK(v2 > 0 && v2 < 8 * MB);
  printf("workspace: ConvNeXt-T %lld bytes, V2-T %lld\n", v1, v2);
}

static const char program[] =
    "#include \"m.h\"\n#include <stdio.h>\n#include <stdlib.h>\n"
    "static void *room(size_t bytes) {\n"
    "  char *p = calloc(1, bytes + 128);\n  if (!p) exit(2);\n  return p + (64 - (size_t)p % 64);\n}\n"
    "int main(void) {\n"
    "  m_model model; char line[256]; FILE *f;\n"
    "  if (m_map_file(&model, \"m.weights\")) return 2;\n"
    "  if (m_run(&model, room(m_inputs[0].bytes), room(m_outputs[0].bytes), room(M_WORKSPACE_BYTES(1)))) return 2;\n"
    "  printf(\"weights %lu\\nworkspace %lu\\n\", (unsigned long)model.mapping_bytes, (unsigned "
    "long)M_WORKSPACE_BYTES(1));\n"
    "  f = fopen(\"/proc/self/status\", \"r\");\n"
    "  while (f && fgets(line, sizeof line, f)) fputs(line, stdout);\n  return 0;\n}\n";

static void resident(void) {
  TEST("resident memory: weights, workspace, and less than 4 MB");
  put_file("program.c", program, sizeof program - 1);
  Result r = run_nextc("compile " SOURCE_DIR "/tests/instructions/narrow.yaml --weights-from random:1 --weights=file "
                       "--name m -o m.c");
  CHECK(r.status == 0);
  result_free(&r);
  r = run_shell("cc -O1 program.c m.c -lm -o program && ./program");
  CHECK(r.status == 0);
  const long long weights = number_after(r.out, "weights "), workspace = number_after(r.out, "workspace ");
  const long long peak = number_after(r.out, "VmHWM:") * 1024;
  CHECK(weights > 0 && workspace > 0);
  if (peak <= 0)
    printf("left out: this system does not tell the resident memory\n");
  else
    CHECK(peak < weights + workspace + 4 * MB);
  printf("resident: %lld bytes, of which weights %lld, workspace %lld\n", peak, weights, workspace);
  result_free(&r);
}

int main(void) {
  open_folder();
  workspaces();
  resident();
  close_folder();
  return test_result();
}
