/* Reads the object code of a compiled model: the inner loops of the products of each vector path hold packed FMAs and
 * touch the stack nowhere, with each compiler there is, at -O2 -std=c99 and without -march. */
#include "backend/compile.h"
#include "frontend/frontend.h"
#include "tests/test.h"
#include <stdlib.h>
#include <unistd.h>

enum { MAX_LINES = 400000, TILE_FMAS = 8 };

/* An instruction set as objdump shows it. */
typedef struct {
  const char *target;       /* row of backend/target.c */
  const char *fma, *packed; /* in each packed FMA; in each line that names a full vector register */
  const char *scalar;       /* in a scalar FMA */
  const char *stack[2];     /* in an access to the stack; the second where the function has a frame pointer */
  const char *frame;        /* in the instruction that makes one */
  int clang_spills;         /* loops in which clang 14 prefers GELU's literals to an accumulator */
} Isa;

static const Isa isas[] = {
    {"v3", "vfmadd", "ymm", "ss ", {"(%rsp", "(%rbp"}, "%rsp,%rbp", 0},
    {"v4", "vfmadd", "zmm", "ss ", {"(%rsp", "(%rbp"}, "%rsp,%rbp", 1},
    {"aarch64", "fmla", ".4s", "fmadd", {"[sp", "[x29"}, "x29, sp", 0},
    {"riscv64", "vfmacc", "vf", "fmadd", {"(sp)", "(s0)"}, "s0,sp", 0},
};

typedef struct {
  unsigned long at;     /* address */
  unsigned long target; /* of a jump inside the function; 0: none */
  char *text;
} Line;

typedef struct {
  int loops;    /* innermost loops of products with a tile of packed FMAs */
  int spilling; /* those with a load from or a store to the stack */
  int most;     /* FMAs in one */
  int scalar;   /* innermost loops with scalar FMAs only */
} Found;

static int touches_stack(const Isa *isa, const char *text, int has_frame) {
  return strstr(text, isa->stack[0]) || (has_frame && strstr(text, isa->stack[1]));
}

/* The lines first .. last are one innermost loop. */
static void look_at_loop(const Isa *isa, const Line *line, int first, int last, int has_frame, Found *f) {
  int packed = 0, scalar = 0, spills = 0;
  for (int i = first; i <= last; i++) {
    int fma = strstr(line[i].text, isa->fma) && strstr(line[i].text, isa->packed);
    packed += fma;
    scalar += !fma && strstr(line[i].text, isa->scalar) && strstr(line[i].text, "fma");
    spills += touches_stack(isa, line[i].text, has_frame);
  }
  if (packed >= TILE_FMAS && last - first < 4 * TILE_FMAS + packed) {
    f->loops++;
    f->spilling += spills > 0;
    if (packed > f->most) f->most = packed;
    if (spills && getenv("VERBOSE"))
      for (int i = first; i <= last; i++) printf("%s%s", i == first ? "-- a loop that spills\n" : "", line[i].text);
  }
  f->scalar += scalar && !packed;
}

/* One function: every backward jump over lines without another one closes an innermost loop. */
static void look_at_function(const Isa *isa, const Line *line, int count, Found *f) {
  int has_frame = 0, barrier = 0;
  for (int i = 0; i < count; i++) {
    has_frame = has_frame || strstr(line[i].text, isa->frame);
    if (!line[i].target || line[i].target > line[i].at) continue;
    int first = i;
    while (first > 0 && line[first - 1].at >= line[i].target) first--;
    if (first >= barrier) look_at_loop(isa, line, first, i, has_frame, f);
    barrier = i + 1;
  }
}

/* Is it a kernel whose inner loop is a product's? */
static int is_product(const Isa *isa, const char *name) {
  static const char *const families[] = {"_mlp_", "_gemm_", "_stem_", "_conv_", "_downsample_"};
  char ending[32];
  snprintf(ending, sizeof ending, "_%s>", isa->target);
  int found = 0;
  for (size_t i = 0; i < sizeof families / sizeof *families; i++) found += strstr(name, families[i]) != NULL;
  return found && strstr(name, ending);
}

/* Where a jump goes, "jne 40 <m+0x40>", "cbnz x1, 40 <m+0x40>", "bne a0,a4,40 <m+0x40>"; 0: no jump. */
static unsigned long jump_target(const char *code) {
  const char *name = strstr(code, " <");
  if ((code[0] != 'j' && code[0] != 'b' && code[0] != 'c' && code[0] != 't') || !name || strstr(code, "call")) return 0;
  while (name > code && !strchr(" \t,", name[-1])) name--;
  return strtoul(name, NULL, 16);
}

static void read_line(Line *line, char *text) {
  char *code = strchr(text, ':') + 1;
  code += strspn(code, " \t");
  *line = (Line){.at = strtoul(text, NULL, 16), .target = jump_target(code), .text = strdup(code)};
}

static Found look_at(const Isa *isa, FILE *listing) {
  Found f = {0};
  Line *line = calloc(MAX_LINES, sizeof *line);
  char text[512];
  int count = 0, wanted = 0;
  while (line && fgets(text, sizeof text, listing)) {
    char *name = strchr(text, '<');
    if (text[0] != ' ' && name && strstr(text, ">:")) {
      if (name[1] == '.') continue; /* a label */
      if (wanted) look_at_function(isa, line, count, &f);
      wanted = is_product(isa, name);
      while (count) free(line[--count].text);
    } else if (wanted && strchr(text, ':') && count < MAX_LINES) {
      read_line(&line[count++], text);
    }
  }
  if (wanted) look_at_function(isa, line, count, &f);
  while (count) free(line[--count].text);
  free(line);
  return f;
}

/* The model's C in `folder`, by one compiler; objdump reads that machine's objects. */
static void check_compiler(const char *folder, const char *compiler, const char *objdump, const Isa *isa, int count) {
  static char label[64];
  char command[1024];
  snprintf(label, sizeof label, "%s", compiler);
  TEST(label);
  snprintf(command, sizeof command, "%s -c -x c /dev/null -o %s/none.o 2>/dev/null && command -v %s >/dev/null",
           compiler, folder, objdump);
  if (system(command)) {
    printf("skipped: no %s or no %s\n", compiler, objdump);
    return;
  }
  snprintf(command, sizeof command, "cd %s && %s -std=c99 -O2 -c m.c -o m.o", folder, compiler);
  CHECK(!system(command));
  for (int i = 0; i < count; i++) {
    snprintf(command, sizeof command, "%s -d --no-show-raw-insn %s/m.o", objdump, folder);
    FILE *listing = popen(command, "r");
    CHECK(listing != NULL);
    if (!listing) return;
    Found f = look_at(&isa[i], listing);
    CHECK(!pclose(listing));
    const Target *row = target_by_name(isa[i].target);
    printf("%s, %s: %d product loops, %d spill, %d scalar, most FMAs %d\n", compiler, isa[i].target, f.loops,
           f.spilling, f.scalar, f.most);
    CHECK(f.loops >= 8);
    CHECK(f.spilling <= (strncmp(compiler, "clang", 5) ? 0 : isa[i].clang_spills));
    CHECK(f.most == row->gemm_rows * row->gemm_vectors);
  }
}

static void check_model(const char *folder, const char *model) {
  char out[64];
  TEST(model);
  snprintf(out, sizeof out, "%s/m.c", folder);
  Context *c = context_new();
  Graph *g = load_model_from(c, model, NULL, 0, "random:1");
  CompileOptions options = {.name = "m", .out = out, .mode_given = true, .mode = WEIGHTS_FILE};
  targets_add(&options, target_by_name("riscv64"));
  CHECK(g && compile_graph(c, g, &options));
  graph_free(g);
  context_free(c);
#if defined(__x86_64__)
  check_compiler(folder, "gcc", "objdump", &isas[0], 2);
  check_compiler(folder, "clang", "objdump", &isas[0], 2);
#endif
  check_compiler(folder, "aarch64-linux-gnu-gcc", "aarch64-linux-gnu-objdump", &isas[2], 1);
  check_compiler(folder, "clang --target=aarch64-linux-gnu", "aarch64-linux-gnu-objdump", &isas[2], 1);
  check_compiler(folder, "clang-19 --target=riscv64-linux-gnu -march=rv64gcv -mno-relax", "riscv64-linux-gnu-objdump",
                 &isas[3], 1);
}

int main(void) {
  char folder[] = "/tmp/nextc-object-XXXXXX", remove[64];
  if (!mkdtemp(folder)) return SKIP("no folder for temporary files");
  check_model(folder, "zoo:convnext_atto@64");                       /* tiles of every full size */
  check_model(folder, SOURCE_DIR "/tests/instructions/halves.yaml"); /* Strassen's products */
  snprintf(remove, sizeof remove, "rm -r %s", folder);
  CHECK(!system(remove));
  return test_result();
}
