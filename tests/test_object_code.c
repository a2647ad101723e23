/* Reads the object code of a compiled model: the inner loops of the v3 path's products hold packed FMAs and nothing of
 * the tile lies on the stack, with each compiler there is, at -O2 -std=c99 and without -march. */
#include "backend/compile.h"
#include "frontend/frontend.h"
#include "tests/test.h"
#include <stdlib.h>
#include <unistd.h>

enum { MAX_LINES = 400000, TILE_FMAS = 8 };

typedef struct {
  unsigned long at;     /* address */
  unsigned long target; /* of a jump inside the function; 0: none */
  const char *text;
} Line;

typedef struct {
  int loops;     /* innermost loops of v3 products with a tile of packed FMAs: 8 and more of 12 */
  int spilling;  /* those with a load from or a store to the stack */
  int scalar;    /* innermost loops of v3 functions with scalar FMAs only */
} Found;

/* Is a memory operand of the instruction on the stack? */
static int touches_stack(const char *text, int has_frame) {
  const char *open = strchr(text, '(');
  if (!open || !strstr(text, "ymm")) return 0;
  return !strncmp(open, "(%rsp)", 6) || (has_frame && !strncmp(open, "(%rbp)", 6));
}

/* The lines first .. last are one innermost loop. */
static void look_at_loop(const Line *line, int first, int last, int has_frame, Found *f) {
  int packed = 0, scalar = 0, spills = 0;
  for (int i = first; i <= last; i++) {
    packed += strstr(line[i].text, "vfmadd") && strstr(line[i].text, "ps") && strstr(line[i].text, "ymm");
    scalar += strstr(line[i].text, "vfmadd") && strstr(line[i].text, "ss ");
    spills += touches_stack(line[i].text, has_frame);
  }
  if (packed >= TILE_FMAS && last - first < 4 * TILE_FMAS) {
    f->loops++;
    f->spilling += spills > 0;
  }
  f->scalar += scalar && !packed;
}

/* One function: every backward jump over lines without another one closes an innermost loop. */
static void look_at_function(const Line *line, int count, Found *f) {
  int has_frame = 0, barrier = 0;
  for (int i = 0; i < count; i++) {
    has_frame = has_frame || strstr(line[i].text, "%rsp,%rbp");
    if (!line[i].target || line[i].target > line[i].at) continue;
    int first = i;
    while (first > 0 && line[first - 1].at >= line[i].target) first--;
    if (first >= barrier) look_at_loop(line, first, i, has_frame, f);
    barrier = i + 1;
  }
}

static Found look_at(FILE *listing) {
  Found f = {0};
  Line *line = calloc(MAX_LINES, sizeof *line);
  char text[512];
  int count = 0, wanted = 0;
  while (fgets(text, sizeof text, listing)) {
    char *name = strchr(text, '<');
    if (text[0] != ' ' && name && strstr(text, ">:")) {
      if (wanted) look_at_function(line, count, &f);
      wanted = strstr(name, "_v3>") && (strstr(name, "_mlp_") || strstr(name, "_gemm_") || strstr(name, "_stem_"));
      for (int i = 0; i < count; i++) free((char *)line[i].text);
      count = 0;
      continue;
    }
    char *colon = strchr(text, ':');
    if (!wanted || !colon || count == MAX_LINES) continue;
    char *code = colon + 1 + strspn(colon + 1, " \t");
    line[count] = (Line){.at = strtoul(text, NULL, 16), .text = strdup(code)};
    if (code[0] == 'j') line[count].target = strtoul(code + strcspn(code, " "), NULL, 16);
    count++;
  }
  if (wanted) look_at_function(line, count, &f);
  for (int i = 0; i < count; i++) free((char *)line[i].text);
  free(line);
  return f;
}

static void check_compiler(const char *folder, const char *compiler) {
  static char label[64];
  char command[1024];
  snprintf(label, sizeof label, "%s", compiler);
  TEST(label);
  snprintf(command, sizeof command, "command -v %s >/dev/null && cd %s && %s -std=c99 -O2 -c m.c -o m.o", compiler, folder, compiler);
  if (system(command)) {
    printf("skipped: %s is not there\n", compiler);
    return;
  }
  snprintf(command, sizeof command, "objdump -d --no-show-raw-insn %s/m.o", folder);
  FILE *listing = popen(command, "r");
  CHECK(listing != NULL);
  if (!listing) return;
  Found f = look_at(listing);
  CHECK(!pclose(listing));
  printf("%s: %d product loops, %d spill, %d scalar\n", compiler, f.loops, f.spilling, f.scalar);
  CHECK(f.loops >= 10);
  CHECK(f.spilling == 0);
}

int main(void) {
#if defined(__x86_64__)
  if (system("command -v objdump >/dev/null")) return SKIP("no objdump");
  char folder[] = "/tmp/nextc-object-XXXXXX", out[64], remove[64];
  if (!mkdtemp(folder)) return SKIP("no folder for temporary files");
  snprintf(out, sizeof out, "%s/m.c", folder);
  Context *c = context_new();
  Graph *g = load_model(c, SOURCE_DIR "/examples/digits/digits_convnext.onnx", NULL, 0);
  CompileOptions options = {.name = "m", .out = out, .mode_given = true, .mode = WEIGHTS_FILE};
  CHECK(g && compile_graph(c, g, &options));
  graph_free(g);
  context_free(c);
  check_compiler(folder, "gcc");
  check_compiler(folder, "clang");
  snprintf(remove, sizeof remove, "rm -r %s", folder);
  CHECK(!system(remove));
  return test_result();
#else
  return SKIP("the v3 path is for x86-64");
#endif
}
