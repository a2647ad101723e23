/* Kernels as C: every op of the loop IR at 1, 4, 8 and 16 lanes, every memory type, loops and bounds, against
 * loop_eval, on every path; and what the text looks like. Compiled by gcc, clang, tcc and cross compilers where they
 * exist. */
#include "tests/loop_ops.h"

typedef struct {
  const char *compiler, *flags;
  int target;         /* whose results are right */
  const char *driver; /* flags of the link */
} Build;

static void run_ops(void) {
  /* gnu17 with -march=native: where compilers would make an FMA of a * b + c if they were let */
  static const Build builds[] = {
      {"gcc", STRICT " -O2 -DOPS_ONLY_V3", V3, ""},
      {"gcc", STRICT " -O2 -DOPS_ONLY_V4", V4, ""},
      {"gcc", STRICT " -O0 -DOPS_ONLY_V4", V4, ""},
      {"gcc", STRICT " -O0 -DOPS_ONLY_GENERIC -fsanitize=address,undefined -fno-sanitize-recover=all", GENERIC,
       "-fsanitize=address,undefined"},
      {"gcc", "-w -O2 -std=gnu17 -march=native -DOPS_ONLY_GENERIC", GENERIC, ""},
      {"clang", STRICT " -O2 -march=native -DOPS_ONLY_V3", V3, ""},
      {"clang", STRICT " -O0 -DOPS_ONLY_V4", V4, ""},
      {"clang", STRICT " -O2 -DOPS_ONLY_V4", V4, ""},
      {"tcc", "", GENERIC, ""},
      {"aarch64-linux-gnu-gcc", STRICT " -O0", AARCH64, "-static"},
      {"aarch64-linux-gnu-gcc", STRICT " -O2", AARCH64, "-static"},
      {"clang --target=aarch64-linux-gnu", STRICT " -O2", AARCH64, "-static"},
      {RISCV64_CLANG, STRICT " -O0", RISCV64, "-static"},
      /* QEMU 7.2 ends at vfcvt.rtz, which clang would make of the driver's and the scalars' loops */
      {RISCV64_CLANG, STRICT " -O2 -fno-vectorize -fno-slp-vectorize", RISCV64, "-static"},
  };
  int slots;
  Kit *k = every_op(&slots);
  CHECK(k);
  if (!k || !kit_emit(k)) return;
  CHECK(slots < MAX_SLOTS);
  const size_t in_bytes = kit_bytes(k, OP_input), out_bytes = kit_bytes(k, OP_output);
  unsigned char *in = calloc(1, in_bytes), *want[OP_TARGETS];
  fill_inputs(in);
  for (int t = 0; t < OP_TARGETS; t++) {
    want[t] = malloc(out_bytes);
    memset(want[t], 0xAB, out_bytes);
    kit_eval(k, t, in, want[t]);
  }
  for (size_t b = 0; b < sizeof builds / sizeof *builds; b++) {
    size_t size;
    char *title = arena_printf(k->arena, "%s %s", builds[b].compiler, builds[b].flags);
    TEST(title);
    if (!have_compiler(builds[b].compiler)) continue;
    if (!can_run(k->targets[builds[b].target], &k->runner)) continue;
    const bool compiled = kit_compile(k, builds[b].compiler, builds[b].flags, builds[b].driver);
    CHECK(compiled);
    if (!compiled) continue;
    unsigned char *got = kit_run(k, in, in_bytes, 1, (int)b % 3, "-", &size);
    compare(k, builds[b].target, got, want[builds[b].target]);
    free(got);
  }
  free(in);
  for (int t = 0; t < OP_TARGETS; t++) free(want[t]);
  kit_free(k);
}

/* ---- text ---- */

static void look_at_text(void) {
  TEST("text of a kernel");
  Kit *k = kit_new("look");
  const Dim n = 64;
  kit_input(k, "x", DT_f32, 1, &n);
  kit_output(k, "y", DT_f32, 1, &n);
  const char *text = "loops 1\ntarget generic\narena 0 scratch 0 weights 0\n"
                     "kernel k0 gemm {\n  in x0 f32[64]\n  out y0 f32[64]\n  in unused f32[64]\n"
                     "  reg f32 acc a dead\n  reg i32 m m2\n"
                     "  pfor i = 0 .. 8 {\n    acc = const 0.1\n"
                     "    for k = max(0, i - 2) .. floor((i + 9)/2) {\n"
                     "      a = load x0[8*i + k]\n      acc = fma a a acc\n      dead = add a acc\n"
                     "      m2 = lt a acc\n    }\n    m = lt acc acc\n"
                     "    if m {\n      store y0[8*i + 3] acc\n    }\n  }\n}\n"
                     "step k0 x0=input0+0 y0=output0+0 unused=input0+0 \"node one\"\n";
  CHECK(kit_program(k, "generic", text) && kit_emit(k));
  char *c = get_file("look.c", NULL);
  CHECK_HAS(c, "static void look_k0_gemm_generic(void *const *p, int slice, int slices) {\n"
               "  const float *restrict x0 = p[0]; /* in f32[64] */\n"
               "  float *restrict y0 = p[1]; /* out f32[64] */\n"
               "  int64_t first, last;\n"
               "  look_slice(8, slice, slices, &first, &last);\n"
               "  for (int64_t i = first; i < last; i++) {\n"
               "    float acc = 0.1f;\n"
               "    LOOK_NO_UNROLL\n"
               "    for (int64_t k = look_higher(0, i - 2); k < look_floor_div(i + 9, 2); k++) {\n"
               "      float a = x0[8*i + k];\n"
               "      acc = a * a + acc;\n"
               "    }\n"
               "    int32_t m = -(acc < acc);\n"
               "    if (m) {\n"
               "      y0[8*i + 3] = acc;\n"
               "    }\n"
               "  }\n"
               "}\n");
  CHECK_HAS(c, "{look_k0_gemm_generic, 0, 3, 8}, /* node one */");
  CHECK(!strstr(c, "dead") && !strstr(c, "nx_") && !strstr(c, "NX_"));
  CHECK(!strstr(c, "look_add_i32")); /* only what is used */
  free(c);
  kit_free(k);
}

/* ---- registers that the text declares away from their first use ---- */

static void declare(void) {
  TEST("a register of two inner blocks is declared around both, without warnings");
  Kit *k = kit_new("declare");
  const Dim n = 64;
  kit_input(k, "x", DT_f32, 1, &n);
  kit_output(k, "y", DT_f32, 1, &n);
  CHECK(kit_program(k, "generic",
                    "loops 1\ntarget generic\narena 0 scratch 0 weights 0\n"
                    "kernel k0 test {\n  in x0 f32[64]\n  out y0 f32[64]\n  reg f32 a\n"
                    "  pfor i = 0 .. 8 {\n    for k = 0 .. 8 {\n      a = load x0[8*i + k]\n    }\n"
                    "    store y0[8*i] a\n  }\n}\nstep k0 x0=input0+0 y0=output0+0\n"));
  CHECK(kit_emit(k));
  char *c = get_file("declare.c", NULL);
  CHECK_HAS(c, "  for (int64_t i = first; i < last; i++) {\n    float a = 0;\n");
  free(c);
  if (have_compiler("gcc")) CHECK(kit_compile(k, "gcc", STRICT " -O2", ""));
  kit_free(k);
}

int main(void) {
  open_folder();
  look_at_text();
  declare();
  run_ops();
  close_folder();
  return test_result();
}
