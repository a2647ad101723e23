/* Kernels as machine code of LLVM: every op of the loop IR, every memory type, loops and bounds, in one and in three
 * slices, against loop_eval; random loop programs against loop_eval and against their C; and what the LLVM IR of each
 * op is. */
#include "backend/jit_host.h"
#include "backend/llvm_jit.h"
#include "tests/loop_ops.h"

/* Runs the kernels of one target's program from machine code, as kit_eval does with the evaluator. */
static void run_code(Kit *k, int target, KernelCode *const *code, int slices, unsigned char *in, unsigned char *out) {
  const LoopProgram *p = k->programs[target];
  unsigned char *weights = kit_weight_memory(k);
  unsigned char *scratch = calloc(1, (size_t)p->scratch_bytes * (size_t)slices + 1);
  for (size_t s = 0; s < p->step_count; s++)
    for (int slice = slices; slice-- > 0;) {
      const Kernel *kernel = p->kernels[p->steps[s].kernel];
      void *pointers[64];
      for (size_t i = 0; i < kernel->param_count; i++) {
        const Place *at = &p->steps[s].places[i];
        unsigned char *from = at->space == SPACE_INPUT     ? kit_tensor(k, OP_input, at->number, in)
                              : at->space == SPACE_OUTPUT  ? kit_tensor(k, OP_output, at->number, out)
                              : at->space == SPACE_WEIGHTS ? weights
                                                           : scratch + slice * p->scratch_bytes;
        pointers[i] = from + at->offset;
      }
      code[p->steps[s].kernel](pointers, slice, slices);
    }
  free(weights);
  free(scratch);
}

/* The code of a program's kernels; count 0: failed. */
typedef struct {
  LlvmCode *code;
  KernelCode *kernels[2 * MAX_SLOTS];
} Code;

static bool compile(Context *c, const LoopProgram *p, const Target *t, Code *out) {
  size_t bytes;
  unsigned char *object = llvm_compile(c, p->kernels, p->kernel_count, t, &bytes);
  out->code = object ? llvm_link(c, object, bytes) : NULL;
  free(object);
  bool good = out->code != NULL;
  for (size_t i = 0; good && i < p->kernel_count; i++) good = (out->kernels[i] = llvm_kernel(c, out->code, i)) != NULL;
  for (size_t i = 0; i < c->count; i++) printf("%s\n", c->list[i].text);
  return good;
}

static void run_ops(void) {
  int slots;
  Kit *k = every_op(&slots);
  CHECK(k);
  if (!k) return;
  const size_t in_bytes = kit_bytes(k, OP_input), out_bytes = kit_bytes(k, OP_output);
  unsigned char *in = calloc(1, in_bytes), *want = malloc(out_bytes), *got = malloc(out_bytes);
  fill_inputs(in);
  for (int t = 0; t < OP_TARGETS; t++) {
    Code code;
    TEST(k->targets[t]->name);
    if (!jit_runs(k->targets[t])) continue;
    const bool good = compile(k->context, k->programs[t], k->targets[t], &code);
    CHECK(good);
    memset(want, 0xAB, out_bytes);
    kit_eval(k, t, in, want);
    for (int slices = 1; good && slices <= 3; slices += 2) {
      memset(got, 0xAB, out_bytes);
      run_code(k, t, code.kernels, slices, in, got);
      compare(k, t, got, want);
    }
    llvm_unlink(code.code);
  }
  free(in);
  free(want);
  free(got);
  kit_free(k);
}

/* ---- random programs ---- */

enum { RANDOM_PROGRAMS = 40, REGS = 6, STATEMENTS = 30 };

static int pick(uint64_t *seed, int count) { return (int)(random_word(seed) % (uint64_t)count); }

/* A block of random assignments, loops and ifs over registers that all hold something. */
static void random_block(Text *t, uint64_t *seed, int depth, int statements, const char *lanes_at) {
  static const char *const f2[] = {"add", "sub", "mul", "min", "max"};
  static const char *const i2[] = {"add", "sub", "mul", "min", "max", "and", "or", "xor"};
  static const char *const masks[] = {"lt", "le", "eq"};
  for (int s = 0; s < statements; s++) {
    const int d = pick(seed, REGS), a = pick(seed, REGS), b = pick(seed, REGS), c = pick(seed, REGS);
    switch (pick(seed, 10)) {
    case 0: text_printf(t, "f%d = fma f%d f%d f%d\n", d, a, b, c); break;
    case 1: text_printf(t, "i%d = %s i%d i%d\n", d, i2[pick(seed, 8)], a, b); break;
    case 2: text_printf(t, "i%d = %s f%d f%d\n", d, masks[pick(seed, 3)], a, b); break;
    case 3: text_printf(t, "q = %s f%d f%d\nf%d = select q f%d f%d\n", masks[pick(seed, 3)], a, d, d, b, c); break;
    case 4: text_printf(t, "f%d = load x[%s%d]\n", d, lanes_at, pick(seed, 8)); break;
    case 5: text_printf(t, "f%d = loads x[8*p + %d]\n", d, pick(seed, 8)); break;
    case 6: text_printf(t, "h = hsum f%d\nf%d = splat h\n", a, d); break;
    case 7:
      if (depth == 2) break;
      text_printf(t, "for k%zu = %d .. min(%d, p + 2) {\n", t->len, pick(seed, 2), 2 + pick(seed, 3));
      random_block(t, seed, depth + 1, 3, lanes_at);
      text_puts(t, "}\n");
      break;
    case 8:
      if (depth == 2) break;
      text_puts(t, "if m {\n");
      random_block(t, seed, depth + 1, 2, lanes_at);
      text_puts(t, "}\n");
      break;
    default: text_printf(t, "f%d = %s f%d f%d\n", d, f2[pick(seed, 5)], a, b);
    }
  }
}

enum { RANDOM_OUT = 5 * 2 * REGS * 8 }; /* elements of a kernel's result */

static void random_kernel(Text *t, uint64_t *seed, int number, int lanes) {
  const char *type = lanes > 1 ? "x8" : "";
  text_printf(t, "kernel k%d test {\nin x f32[64]\nout y f32[%d]\n", number, RANDOM_OUT);
  text_printf(t, "reg f32%s f0 f1 f2 f3 f4 f5\nreg i32%s i0 i1 i2 i3 i4 i5 q\nreg f32 h e\nreg i32 m\n", type, type);
  text_puts(t, "pfor p = 0 .. 5 {\nh = load x[p]\ne = load x[p + 9]\nm = lt h e\n");
  for (int r = 0; r < REGS; r++) text_printf(t, "f%d = load x[8*p + %d]\ni%d = lt f%d f0\n", r, r, r, r);
  random_block(t, seed, 0, STATEMENTS, "8*p + ");
  for (int r = 0; r < REGS; r++)
    text_printf(t, "store y[%d*p + %d] f%d\nf%d = cvt i%d\nstore y[%d*p + %d] f%d\n", 2 * REGS * 8, 16 * r, r, r, r,
                2 * REGS * 8, 16 * r + 8, r);
  text_puts(t, "}\n}\n");
}

/* The same random kernels for both targets, at 1 and 8 lanes. */
static bool random_programs(Kit *k) {
  for (int t = 0; t < 2; t++) {
    uint64_t seed = 7;
    Text text = {.arena = k->arena};
    text_printf(&text, "loops 1\ntarget %s\narena 0 scratch 0 weights 0\n", t ? "v3" : "generic");
    for (int n = 0; n < RANDOM_PROGRAMS; n++) random_kernel(&text, &seed, n, t ? 8 : 1);
    for (int n = 0; n < RANDOM_PROGRAMS; n++)
      text_printf(&text, "step k%d x=input0+0 y=output0+%d \"random %d\"\n", n, n * RANDOM_OUT * 4, n);
    if (!kit_program(k, t ? "v3" : "generic", text_string(&text))) return false;
  }
  return true;
}

static void compare_random(const char *who, const unsigned char *got, const unsigned char *want) {
  CHECK(got != NULL);
  for (int n = 0; got && n < RANDOM_PROGRAMS; n++) {
    const size_t bytes = RANDOM_OUT * 4, at = bytes * (size_t)n;
    const bool same = same_slots("f32", got + at, want + at, bytes);
    CHECK(same);
    if (!same) printf("  %s: random kernel %d\n", who, n);
  }
}

static void run_random_c(const Kit *k, int target, const float *x, size_t x_bytes, const unsigned char *want) {
  const char *flags = target ? "-w -O1 -DRANDOM_ONLY_V3" : "-w -O1 -DRANDOM_ONLY_GENERIC";
  size_t size = 0;
  if (!have_compiler("gcc")) return;
  const bool compiled = kit_compile(k, "gcc", flags, "");
  CHECK(compiled);
  unsigned char *got = compiled ? kit_run(k, x, x_bytes, 1, 1, "-", &size) : NULL;
  compare_random("C", got, want);
  free(got);
}

static void run_random(void) {
  static const char *const titles[] = {"random programs, scalar", "random programs, vectors"};
  Kit *k = kit_new("random");
  const Dim in = 64, out = RANDOM_OUT * RANDOM_PROGRAMS;
  const size_t out_bytes = (size_t)out * 4;
  uint64_t seed = 3;
  float x[64];
  for (int i = 0; i < 64; i++) x[i] = (float)pick(&seed, 4001) / 1000.0f - 2.0f;
  kit_input(k, "x", DT_f32, 1, &in);
  kit_output(k, "y", DT_f32, 1, &out);
  const bool sound = random_programs(k) && kit_emit(k);
  CHECK(sound);
  for (int t = 0; sound && t < 2; t++) {
    Code code;
    TEST(titles[t]);
    if (!jit_runs(k->targets[t])) continue;
    unsigned char *want = malloc(out_bytes), *got = malloc(out_bytes);
    memset(want, 0xAB, out_bytes);
    memset(got, 0xAB, out_bytes);
    kit_eval(k, t, (unsigned char *)x, want);
    const bool good = compile(k->context, k->programs[t], k->targets[t], &code);
    CHECK(good);
    if (good) run_code(k, t, code.kernels, 2, (unsigned char *)x, got);
    if (good) compare_random("JIT", got, want);
    llvm_unlink(code.code);
    run_random_c(k, t, x, sizeof x, want);
    free(want);
    free(got);
  }
  kit_free(k);
}

/* ---- text ---- */

static int occurrences(const char *text, const char *part) {
  int count = 0;
  for (; text && (text = strstr(text, part)); text++) count++;
  return count;
}

/* The LLVM IR of a statement on f32x8 a b c d, i32x8 m, f32 s, i32 i j, i64 n, with what stands in front of it. */
static const char *ir_of(Context *c, const char *statement) {
  char *text = arena_printf(c->arena,
                            "loops 1\ntarget v3\narena 0 scratch 0 weights 0\nkernel k0 test {\n  in x0 f32[64]\n"
                            "  in u0 u8[64]\n  out y0 f32[64]\n  reg f32x8 a b c d\n  reg i32x8 m\n  reg f32 s\n"
                            "  reg i32 i j\n  reg i64 n\n  pfor p = 0 .. 7 {\n    a = load x0[8*p]\n    b = mov a\n"
                            "    c = mov a\n    m = lt a b\n    s = load x0[p]\n    i = load u0[p]\n    j = mov i\n"
                            "    n = index p\n    %s\n  }\n}\n",
                            statement);
  LoopProgram *p = loop_parse(c, c->arena, "t.loops", text, strlen(text));
  for (size_t i = 0; i < c->count; i++) printf("%s\n", c->list[i].text);
  return p ? llvm_print(c, c->arena, p->kernels, 1, target_by_name("v3"), false) : NULL;
}

/* Does the statement add `want`? */
static void look_at(const char *statement, const char *want) {
  Context *c = context_new();
  const char *with = ir_of(c, statement), *without = ir_of(c, "b = mov a");
  const bool added = occurrences(with, want) > occurrences(without, want);
  CHECK(added);
  if (!added) printf("  %s: no more '%s'\n", statement, want);
  context_free(c);
}

static void look(void) {
  static const struct {
    const char *statement, *ir;
  } cases[] = {
      {"d = const 0.5", "store <8 x float> <float 5.000000e-01, float 5.000000e-01"},
      {"n = index 3*p + 7", "add i64"},
      {"d = load x0[8*p + 3]", "getelementptr float, ptr"},
      {"i = load u0[p]", "zext i8"},
      {"d = loads x0[p]", "shufflevector <8 x float>"},
      {"store y0[8*p] a", ", align 4\n"},
      {"prefetch x0[8*p + 64]", "call void @llvm.prefetch.p0(ptr"},
      {"d = splat s", "insertelement <8 x float> poison, float"},
      {"d = add a b", "fadd <8 x float>"},
      {"d = sub a b", "fsub <8 x float>"},
      {"d = mul a b", "fmul <8 x float>"},
      {"d = div a b", "fdiv <8 x float>"},
      {"i = div i j", "sdiv i32"},
      {"i = mod i j", "srem i32"},
      {"d = min a b", "fcmp olt <8 x float>"},
      {"d = max a b", "fcmp ogt <8 x float>"},
      {"d = fma a b c", "call <8 x float> @llvm.fma.v8f32"},
      {"d = neg a", "fneg <8 x float>"},
      {"d = abs a", "@llvm.fabs.v8f32"},
      {"d = sqrt a", "@llvm.sqrt.v8f32"},
      {"d = floor a", "@llvm.floor.v8f32"},
      {"d = round a", "@llvm.rint.v8f32"},
      {"i = and i j", "and i32"},
      {"i = or i j", "or i32"},
      {"i = xor i j", "xor i32"},
      {"i = shl i j", "shl i32"},
      {"i = shr i j", "ashr i32"},
      {"m = lt a b", "sext <8 x i1>"},
      {"m = le a b", "fcmp ole <8 x float>"},
      {"m = eq a b", "fcmp oeq <8 x float>"},
      {"d = select m a b", "select <8 x i1>"},
      {"d = cvt m", "sitofp <8 x i32>"},
      {"m = cvt a", "freeze <8 x i32>"},
      {"m = bits a", "bitcast <8 x float>"},
      {"s = hsum a", "fadd <4 x float>"},
      {"s = hmax a", "fcmp ogt <4 x float>"},
      {"s = libm logf s", "call float @logf(float"},
  };
  TEST("text of each op");
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) look_at(cases[i].statement, cases[i].ir);
  Context *c = context_new();
  CHECK_HAS(ir_of(c, "d = mov a"), "ptr noalias %0, ptr noalias %1, ptr noalias %2, i64 %3, i64 %4");
  CHECK(!occurrences(ir_of(c, "d = mul a b"), "fast") && !occurrences(ir_of(c, "d = mul a b"), "contract"));
  context_free(c);
  look_at("d = load x0[8*p + 3]", "align 4");
}

static void machines(void) {
  TEST("target rows and this machine");
  Context *c = context_new();
  CHECK_HAS(llvm_machine(c, c->arena), "LLVM 19");
  CHECK(jit_runs(target_by_name("generic")));
  const Target never = {.name = "never", .features = "+avx2,+no-such-feature"};
  CHECK(!jit_runs(&never));
  CHECK(jit_host_target() != NULL);
  static const unsigned char rubbish[] = "this is no object file, whatever it claims";
  LlvmCode *code = llvm_link(c, rubbish, sizeof rubbish);
  CHECK(!code || !llvm_kernel(c, code, 0));
  CHECK(c->errors == 1);
  llvm_unlink(code);
  llvm_unlink(NULL);
  context_free(c);
}

int main(void) {
  if (!llvm_present()) return SKIP("built without LLVM");
  open_folder();
  look();
  run_ops();
  run_random();
  machines();
  close_folder();
  return test_result();
}
