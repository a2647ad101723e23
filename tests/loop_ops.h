/* Loop programs for the tests of both printers, C and LLVM: every op of the loop IR at 1, 4, 8 and 16 lanes, every
 * memory type, loops and bounds, for every target; inputs with all special values; comparison slot by slot. */
#ifndef NEXTC_TEST_LOOP_OPS_H
#define NEXTC_TEST_LOOP_OPS_H
#include "ir/text.h"
#include "tests/c_kit.h"

/* ---- one kernel an op, type and lane count ---- */

enum { COUNT = 64, SLOT = COUNT * 8, MAX_SLOTS = 512 };

typedef enum { PLAIN, MASK, SELECT, SPLAT, REDUCE, SHIFT, MODERATE, TWO_STEPS } Pattern;
typedef struct {
  const char *op;
  const char *vector; /* types done at 1, 4, 8 and 16 lanes: "f32", or "f32>i32" from and to */
  const char *scalar; /* types done at 1 lane only */
  int operands;
  Pattern pattern;
} Row;

static const Row rows[] = {
    {"mov", "f32 i32", "f64 i64", 1, PLAIN},
    {"add", "f32 i32", "f64 i64", 2, PLAIN},
    {"sub", "f32 i32", "f64 i64", 2, PLAIN},
    {"mul", "f32 i32", "f64 i64", 2, PLAIN},
    {"div", "f32", "f64 i32 i64", 2, PLAIN},
    {"mod", "", "i32 i64", 2, PLAIN},
    {"min", "f32 i32", "f64 i64", 2, PLAIN},
    {"max", "f32 i32", "f64 i64", 2, PLAIN},
    {"fma", "f32", "f64", 3, PLAIN},
    {"mul", "f32", "f64", 3, TWO_STEPS},
    {"neg", "f32 i32", "f64 i64", 1, PLAIN},
    {"abs", "f32 i32", "f64 i64", 1, PLAIN},
    {"sqrt", "f32", "f64", 1, PLAIN},
    {"floor", "f32", "f64", 1, PLAIN},
    {"round", "f32", "f64", 1, MODERATE},
    {"and", "i32", "i64", 2, PLAIN},
    {"or", "i32", "i64", 2, PLAIN},
    {"xor", "i32", "i64", 2, PLAIN},
    {"shl", "i32", "i64", 2, SHIFT},
    {"shr", "i32", "i64", 2, SHIFT},
    {"lt", "f32 i32", "f64 i64", 2, MASK},
    {"le", "f32 i32", "f64 i64", 2, MASK},
    {"eq", "f32 i32", "f64 i64", 2, MASK},
    {"select", "f32 i32", "f64 i64", 3, SELECT},
    {"splat", "f32 i32", "f64 i64", 1, SPLAT},
    {"hsum", "f32 i32", "f64 i64", 1, REDUCE},
    {"hmax", "f32 i32", "f64 i64", 1, REDUCE},
    {"cvt", "f32>i32 i32>f32", "f32>f64 f32>i64 f64>f32 f64>i32 f64>i64", 1, PLAIN},
    {"cvt", "", "i32>f64 i32>i64 i64>f32 i64>f64 i64>i32", 1, PLAIN},
    {"bits", "f32>i32 i32>f32", "f64>i64 i64>f64", 1, PLAIN},
    {"libm expf", "", "f32", 1, PLAIN},
    {"libm powf", "", "f32", 2, PLAIN},
    {"libm sin", "", "f64", 1, PLAIN},
};

static const char *const type_names[] = {"f32", "f64", "i32", "i64"};

static int type_number(const char *type) {
  int n = 0;
  while (strncmp(type_names[n], type, 3)) n++;
  return n;
}

static int type_size(const char *type) { return type[1] == '3' ? 4 : 8; }

/* "f32x8" */
static const char *reg_text(Arena *a, const char *type, int lanes) {
  return lanes == 1 ? arena_printf(a, "%.3s", type) : arena_printf(a, "%.3sx%d", type, lanes);
}

static const char *body_text(Arena *a, const Row *row, const char *type) {
  static const char *const sources[] = {"", "a", "a b", "a b c"};
  if (row->pattern == SELECT) return "    m = lt a b\n    d = select m b c\n";
  if (row->pattern == TWO_STEPS) return "    d = mul a b\n    d = add d c\n";
  if (row->pattern == SHIFT)
    return arena_printf(a, "    e = const %d\n    e = and b e\n    d = %s a e\n", 8 * type_size(type) - 1, row->op);
  if (row->pattern == MODERATE) /* |e| < 2^22, and a NaN is one of them */
    return arena_printf(a, "    e = const 4194303\n    d = min a e\n    e = neg e\n    e = max d e\n    d = %s e\n",
                        row->op);
  return arena_printf(a, "    d = %s %s\n", row->op, sources[row->operands]);
}

/* d = op of inputs, element by element. */
static void add_kernel(Text *kernels, const Row *row, const char *from, int lanes, int number) {
  Arena *a = kernels->arena;
  const char *to = row->pattern == MASK ? "i32" : from[3] == '>' ? from + 4 : from;
  const char *at = lanes > 1 ? arena_printf(a, "%d*i", lanes) : "i";
  const bool reduces = row->pattern == REDUCE;
  text_printf(kernels, "kernel k%d test {\n", number);
  for (int i = 0; i < row->operands; i++) text_printf(kernels, "  in x%d %.3s[%d]\n", i, from, COUNT);
  text_printf(kernels, "  out y0 %.3s[%d]\n  reg %s", to, COUNT, reg_text(a, from, row->pattern == SPLAT ? 1 : lanes));
  for (int i = 0; i < row->operands; i++) text_printf(kernels, " %c", 'a' + i);
  if (row->pattern == SHIFT || row->pattern == MODERATE) text_puts(kernels, " e");
  text_printf(kernels, "\n  reg %s d\n", reg_text(a, to, reduces ? 1 : lanes));
  if (row->pattern == SELECT) text_printf(kernels, "  reg %s m\n", reg_text(a, "i32", lanes));
  text_printf(kernels, "  pfor i = 0 .. %d {\n", COUNT / lanes);
  for (int i = 0; i < row->operands; i++) text_printf(kernels, "    %c = load x%d[%s]\n", 'a' + i, i, at);
  text_printf(kernels, "%s    store y0[%s] d\n  }\n}\n", body_text(a, row, from), reduces ? "i" : at);
}

/* The kernel's step: its result goes into slot `slot` of the output. */
static void add_step(Text *steps, const Row *row, const char *from, int kernel, int slot) {
  text_printf(steps, "step k%d", kernel);
  for (int i = 0; i < row->operands; i++)
    text_printf(steps, " x%d=input%d+%d", i, type_number(from), i * COUNT * type_size(from));
  text_printf(steps, " y0=output0+%d \"%s %.7s\"\n", slot * SLOT, row->op, from);
}

/* lanes: ended by 0; the kernel of equal lane counts is made once. */
static void add_types(Text *kernels, Text *steps, const Row *row, const char *types, const int *lanes, int *number) {
  for (; *types; types += strcspn(types, " "), types += *types == ' ') {
    int kernel = 0;
    for (int l = 0; lanes[l]; l++, ++*number) {
      if (!l || lanes[l] != lanes[l - 1]) add_kernel(kernels, row, types, lanes[l], kernel = *number);
      add_step(steps, row, types, kernel, *number);
    }
  }
}

/* Memory types: widened, copied and narrowed again. One kernel each; in and out at byte `at` of slot and input 4. */
static void add_memory(Text *kernels, Text *steps, int most, int *number) {
  static const char *const scalar[] = {"u8 i32",    "i8 i32",    "bool i32",   "u16 i32",   "i16 i32",   "u32 i32",
                                       "i32 i32",   "u8 i64",    "i8 i64",     "bool i64",  "u16 i64",   "i16 i64",
                                       "u32 i64",   "i32 i64",   "u64 i64",    "i64 i64",   "u32 i32x4", "i32 i32x4",
                                       "u32 i32x8", "i32 i32x8", "u32 i32x16", "i32 i32x16"};
  for (size_t i = 0; i < sizeof scalar / sizeof *scalar; i++) {
    char memory[8], reg[8];
    sscanf(scalar[i], "%7s %7s", memory, reg);
    int lanes = reg[3] ? atoi(reg + 4) : 1;
    if (lanes > most) reg[3] = 0, lanes = 1;
    text_printf(kernels,
                "kernel k%d memory {\n  in x0 %s[16]\n  out y0 %s[16]\n  out y1 %.3s[16]\n  reg %s a b\n"
                "  pfor i = 0 .. 16 step %d {\n    a = load x0[i]\n    b = loads x0[7]\n    store y0[i] a\n"
                "    b = add a b\n    store y1[i] b\n  }\n}\n",
                *number, memory, memory, reg, reg, lanes);
    text_printf(steps, "step k%d x0=input4+0 y0=output0+%d y1=output0+%d\n", *number, *number * SLOT,
                *number * SLOT + 128);
    ++*number;
  }
}

/* Numbers, bounds, registers carried over loops, if, indexed access, scratch, two pfors, dead code, odd names. */
static const char shapes[] =
    "kernel k%d shapes {\n"
    "  in x0 f32[192]\n  in x1 i32[192]\n  in j i64[64]\n  weight w0 f32[100]\n  out y0 f32[64]\n  out y1 i64[32]\n"
    "  scratch s0 f32[8]\n"
    "  reg f32 acc t linux expf huge tiny nan inf dead dead2\n  reg f32%s v w\n"
    "  reg i32 m least three\n  reg i64 n big c\n"
    "  acc = const 0.1\n"
    "  tiny = const -0\n"
    "  pfor p = 3 .. 30 step 7 {\n"
    "    t = mov acc\n"
    "    for k = max(0, floor((p - 9)/4)) .. min(floor((2*p + 1)/3), 17) step 2 {\n"
    "      linux = load x0[p + 3*k]\n"
    "      t = fma linux t acc\n"
    "      dead = mul t t\n"
    "      dead2 = add dead t\n"
    "      prefetch w0[99 + k]\n"
    "    }\n"
    "    expf = load w0[2*p]\n"
    "    expf = libm expf expf\n"
    "    t = add t expf\n"
    "    store y0[p] t\n"
    "  }\n"
    "  pfor q = 0 .. 3 {\n"
    "    three = const 3\n"
    "    least = const -2147483648\n"
    "    big = const -9007199254740992\n"
    "    huge = const 3.4028234663852886e+38\n"
    "    nan = const nan\n"
    "    inf = const -inf\n"
    "    c = index 4 - q + three\n"
    "    m = load x1[c]\n"
    "    n = load j[q]\n"
    "    n = and n c\n"
    "    store y1[0 + 2*n] n\n"
    "    m = lt m three\n"
    "    v = loads x0[q]\n"
    "    store s0[0] v\n"
    "    if m {\n"
    "      huge = max huge nan\n"
    "      v = add v v\n"
    "      for z = 0 .. 2 {\n"
    "        w = load s0[0]\n"
    "        v = mul v w\n"
    "        c = index 3*three - 2*z\n"
    "      }\n"
    "    }\n"
    "    store y0[8*q + 32] v\n"
    "    n = cvt least\n"
    "    n = add n big\n"
    "    store y1[q + 28] n\n"
    "    huge = max huge inf\n"
    "    huge = mul huge tiny\n"
    "    store y0[q + 56] huge\n"
    "    store y1[q + 24] c\n"
    "  }\n"
    "}\n";

static void add_shapes(Text *kernels, Text *steps, int most, int *number) {
  const int lanes = most < 8 ? most : 8;
  text_printf(kernels, shapes, *number, lanes > 1 ? arena_printf(kernels->arena, "x%d", lanes) : "");
  text_printf(steps, "step k%d x0=input0+0 x1=input2+0 j=input3+0 w0=weights+64 y0=output0+%d y1=output0+%d", *number,
              *number * SLOT, *number * SLOT + 64 * 4);
  text_puts(steps, " s0=scratch+0");
  text_puts(steps, " \"a */ /* name ?\?/ 'with' \\\"quotes\\\" nx_x\\n\"\n");
  ++*number;
}

/* Every target has the same steps: lanes that it does not have are 1. */
static const char *program_text(Arena *a, const char *target, int *slots) {
  static const int one[] = {1, 0};
  const int most = target_by_name(target)->lanes;
  const int all[] = {1, most >= 4 ? 4 : 1, most >= 8 ? 8 : 1, most >= 16 ? 16 : 1, 0};
  Text kernels = {.arena = a}, steps = {.arena = a};
  int number = 0;
  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
    add_types(&kernels, &steps, &rows[r], rows[r].vector, all, &number);
    add_types(&kernels, &steps, &rows[r], rows[r].scalar, one, &number);
  }
  add_memory(&kernels, &steps, most, &number);
  add_shapes(&kernels, &steps, most > 1 ? most : 1, &number);
  *slots = number;
  return arena_printf(a, "loops 1\ntarget %s\narena 0 scratch 64 weights 512\n%s%s", target, text_string(&kernels),
                      text_string(&steps));
}

enum { GENERIC, V3, V4, AARCH64, RISCV64, OP_TARGETS };
static const char *const op_targets[OP_TARGETS] = {"generic", "v3", "v4", "aarch64", "riscv64"};

static Kit *every_op(int *slots) {
  Kit *k = kit_new("ops");
  const Dim three = 3 * COUNT, bytes = 8 * COUNT;
  kit_input(k, "f", DT_f32, 1, &three);
  kit_input(k, "d", DT_f64, 1, &three);
  kit_input(k, "i", DT_i32, 1, &three);
  kit_input(k, "j", DT_i64, 1, &three);
  kit_input(k, "bytes", DT_u8, 1, &bytes);
  kit_weight(k, DT_f32, 16);
  kit_weight(k, DT_f32, 100);
  for (int t = 0; t < OP_TARGETS; t++)
    if (!kit_program(k, op_targets[t], program_text(k->arena, op_targets[t], slots))) return NULL;
  const Dim total = (Dim)*slots * SLOT;
  kit_output(k, "y", DT_u8, 1, &total);
  return k;
}

/* ---- inputs ---- */

static uint64_t random_word(uint64_t *state) {
  *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return *state >> 16 ^ *state << 20;
}

/* Specials first, in another order for each operand, then ordinary numbers. */
static void fill_inputs(unsigned char *in) {
  static const double f_special[] = {NAN, INFINITY, -INFINITY, -0.0, 0,    1e-40,        0.5,
                                     1.5, -2.5,     3e9,       -3e9, 1e19, -2147483648.0};
  static const int64_t i_special[] = {INT64_MIN, INT64_MAX, INT32_MIN, INT32_MAX, 0, -1, 1, 2, 7, -7, 31, 33, -64};
  enum { SPECIALS = 13 };
  uint64_t seed = 1;
  float *f = (float *)(void *)in;
  double *d = (double *)(void *)(f + 3 * COUNT);
  int32_t *i = (int32_t *)(void *)(d + 3 * COUNT);
  int64_t *j = (int64_t *)(void *)(i + 3 * COUNT);
  unsigned char *bytes = (unsigned char *)(j + 3 * COUNT);
  for (int n = 0; n < 3 * COUNT; n++) {
    const int operand = n / COUNT, special = (n % COUNT * (operand + 1) + 5 * operand) % 29;
    const double x = ((double)(random_word(&seed) % 20001) - 10000) / 640;
    d[n] = special < SPECIALS ? f_special[special] : x;
    f[n] = (float)d[n];
    j[n] = special < SPECIALS ? i_special[special] : (int64_t)random_word(&seed);
    i[n] = (int32_t)(uint32_t)(uint64_t)j[n];
  }
  for (int n = 0; n < 8 * COUNT; n++) bytes[n] = (unsigned char)random_word(&seed);
}

/* Floats may differ in a zero's sign (round) and a NaN's bits. */
static bool same_slots(const char *type, const unsigned char *got, const unsigned char *want, size_t bytes) {
  const size_t size = (size_t)type_size(type);
  for (size_t n = 0; n < bytes; n += size) {
    if (!memcmp(got + n, want + n, size)) continue;
    double x, y;
    float fx, fy;
    memcpy(size == 4 ? (void *)&fx : (void *)&x, got + n, size);
    memcpy(size == 4 ? (void *)&fy : (void *)&y, want + n, size);
    if (size == 4) x = (double)fx, y = (double)fy;
    if (type[0] != 'f' || !(x == y || (isnan(x) && isnan(y)))) return false;
  }
  return true;
}

static void compare(const Kit *k, int target, const unsigned char *got, const unsigned char *want) {
  const LoopProgram *p = k->programs[target];
  CHECK(got);
  for (size_t s = 0; got && s < p->step_count; s++) {
    const Kernel *kernel = p->kernels[p->steps[s].kernel];
    const Param *out = &kernel->params[kernel->param_count - 1];
    for (size_t i = 0; i < kernel->param_count && kernel->params[i].role == ROLE_OUT; i++) out = &kernel->params[i];
    const char *type = !strcmp(kernel->family, "test")    ? dtype_name(out->dtype)
                       : strcmp(kernel->family, "shapes") ? "i32"
                                                          : "f32";
    const bool same = same_slots(type, got + s * SLOT, want + s * SLOT, SLOT);
    CHECK(same);
    if (!same) printf("  step %zu: %s\n", s, p->steps[s].note ? p->steps[s].note : kernel->name);
  }
}
#endif
