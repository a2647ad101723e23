/* Text form of the loop IR: print after parse is the identity, every diagnostic of the parser, no crash on any bytes.
 */
#include "ir/loop.h"
#include "tests/loop_one.h"
#include <stdlib.h>

static const char program[] = "loops 1\n"
                              "target v3\n"
                              "arena 12345 scratch 64 weights 4096\n"
                              "kernel k0 gemm {\n"
                              "  in x0 f32[301056]\n"
                              "  in i0 u8[64]\n"
                              "  weight w0 f32[9216]\n"
                              "  inout z0 f32[301056]\n"
                              "  out y0 f32[301056]\n"
                              "  scratch s0 f32[96]\n"
                              "  reg f32x8 acc0_0 acc0_1 b0\n"
                              "  reg f32 a v\n"
                              "  reg f32x8 c\n"
                              "  reg i64 n\n"
                              "  reg i32 m\n"
                              "  reg i32x8 mask\n"
                              "  reg f64 d\n"
                              "  pfor i = 0 .. 523 {\n"
                              "    acc0_0 = const -0\n"
                              "    acc0_1 = const 0.1\n"
                              "    c = const nan\n"
                              "    a = const inf\n"
                              "    v = const -inf\n"
                              "    d = const 0.1\n"
                              "    d = const 1e+300\n"
                              "    n = const -9007199254740992\n"
                              "    for k = 0 .. 96 step 2 {\n"
                              "      b0 = load w0[1536*i + 16*k + 8]\n"
                              "      a = loads x0[96*i + k]\n"
                              "      acc0_0 = fma b0 acc0_0 acc0_1\n"
                              "      prefetch w0[4*k]\n"
                              "    }\n"
                              "    for ky = max(0, floor((6 - i)/2)) .. min(7, floor((61 - i)/3)) {\n"
                              "      for kx = floor(ky/2) .. floor(-ky/4) {\n"
                              "        n = index 7 - ky + 5*n\n"
                              "        n = index -ky + 5*n\n"
                              "        n = index 3 - ky\n"
                              "        n = index -5\n"
                              "        n = index 0\n"
                              "      }\n"
                              "    }\n"
                              "    n = index 96*i + m\n"
                              "    v = load x0[64*n + 3]\n"
                              "    m = load i0[60 - 2*n]\n"
                              "    mask = lt b0 c\n"
                              "    c = select mask b0 c\n"
                              "    v = libm expf v\n"
                              "    v = libm powf v a\n"
                              "    if m {\n"
                              "      store y0[96*i + 8] acc0_0\n"
                              "    }\n"
                              "    if m {\n"
                              "    }\n"
                              "  }\n"
                              "}\n"
                              "kernel k1 empty {\n"
                              "}\n"
                              "step k0 x0=input0+0 i0=input12+64 w0=weights+0 z0=arena+64 y0=arena+4096 s0=scratch+0 "
                              "\"node 'a' \\\"b\\\"\\n\\x01\"\n"
                              "step k1 @{kernel=7}\n"
                              "step k1 \"\"\n";

static void identity(void) {
  TEST("print after parse is the identity");
  Context *c = context_new();
  Arena *a = arena_new();
  LoopProgram *p = loop_parse(c, a, "t.loops", program, strlen(program));
  CHECK(p && !c->count);
  if (p) CHECK_STR(loop_print(p, a), program);
  TEST("blanks, comments and other spellings are read");
  static const char loose[] = "// a comment\n\nloops 1 // here too\r\ntarget v3\n\narena 0 scratch 0 weights 0\n"
                              "kernel k0 t{\nreg f32 a\nreg i64 n\nout y0 f32[9]\n\n  pfor i=0..9 {\n"
                              "for j = ceil((i+1)/2) .. ceil(9/4) step 1 {\n"
                              " a = const 1.50e0\n n = index i - i + 0*j + 2*n - 2*n + 4\n store y0[0*i + 2*j-3+j + 8 "
                              "- j - i -5] a // x\n}\n }\n}";
  p = loop_parse(c, a, "t.loops", loose, strlen(loose));
  CHECK(p && !c->count);
  if (p)
    CHECK_STR(loop_print(p, a), "loops 1\ntarget v3\narena 0 scratch 0 weights 0\nkernel k0 t {\n  out y0 f32[9]\n"
                                "  reg f32 a\n  reg i64 n\n  pfor i = 0 .. 9 {\n    for j = floor((i + 2)/2) .. 3 {\n"
                                "      a = const 1.5\n      n = index 4\n      store y0[-i + 2*j] a\n    }\n  }\n}\n");
  arena_free(a);
  context_free(c);
}

/* The example of docs/loop_ir.md is a program, spelled as loop_print spells it, and passes the checker. */
static void documented(void) {
  TEST("docs/loop_ir.md");
  static char text[1 << 16];
  FILE *f = fopen(SOURCE_DIR "/docs/loop_ir.md", "rb");
  CHECK(f);
  if (!f) return;
  text[fread(text, 1, sizeof text - 1, f)] = 0;
  fclose(f);
  char *start = strstr(text, "```\n"), *end = start ? strstr(start + 4, "```") : NULL;
  CHECK(end);
  if (!end) return;
  *end = 0;
  Context *c = context_new();
  Arena *a = arena_new();
  LoopProgram *p = loop_parse(c, a, "loop_ir.md", start + 4, (size_t)(end - start - 4));
  CHECK(p && loop_check(c, p->kernels[0]));
  if (p) CHECK_STR(loop_print(p, a), start + 4);
  arena_free(a);
  context_free(c);
}

/* ---- diagnostics ---- */

typedef struct {
  const char *lines, *want;
} Bad;

#define DECLARED "in x0 f32[9]\nout y0 f32[9]\nreg f32 a b\nreg i64 n n2\nreg f32x8 v\npfor i = 0 .. 3 {\n"
/* Lines 5.. of a program; the first statement is line 11. */
static const Bad bad_lines[] = {
    {"in 9 f32[9]", "t.loops:5:4: error: expected a name, found '9'"},
    {"in for f32[9]", "t.loops:5:4: error: 'for' can't be a name"},
    {"in x f99[9]", "t.loops:5:6: error: expected a data type, found 'f99'"},
    {"in x f32(9)", "t.loops:5:9: error: expected '[', found '('"},
    {"in x f32[-1]", "-1 is out of range: a number of elements"},
    {"in x f32[281474976710657]", "is out of range: a number of elements"},
    {"in x f32[9", "expected ']', found the end of the line"},
    {"in x f32[9] y", "expected the end of the line, found 'y'"},
    {"in x f32[9]\nreg f32 x", "t.loops:6:9: error: 'x' is already a parameter"},
    {"reg f32 x x", "'x' is already a register"},
    {"reg f32", "expected a name, found the end of the line"},
    {"reg f32x3 a", "expected a register type"},
    {"reg u8 a", "expected a register type"},
    {"for i = 0 .. 3 {\n}\nfor i = 0 .. 3 {\n}", "t.loops:7:5: error: 'i' is already a loop variable"},
    {"for for = 0 .. 3 {\n}", "'for' can't be a name"},
    {"for 3 = 0 .. 3 {\n}", "expected a new loop variable, found '3'"},
    {"for i = i .. 3 {\n}", "'i' is no loop variable"},
    {"for i = 0 .. 3 step 0 {\n}", "0 is out of range: a step of at least 1"},
    {"for i = 0, 3 {\n}", "expected '..', found ','"},
    {"for i = min(0, 1) .. 3 {\n}", "'min' is no loop variable"},
    {"for i = 0 .. min(3) {\n}", "expected ',', found ')'"},
    {"for i = 0 .. 3\n}", "expected '{', found the end of the line"},
    {"for i = 0 .. floor(3/0) {\n}", "0 is out of range: a divisor of at least 1"},
    {"for j = 0 .. 3 {\nfor i = 0 .. floor(j + 1/2) {\n}\n}", "a sum that is divided stands in parentheses"},
    {"for i = 0 .. ceil((4611686018427387900)/2) {\n}", "the number is too large"},
    {"reg f32 a\n}\nstore x0", "t.loops:7:1: error: expected 'kernel' or 'step', found 'store'"},
    {"if 3 {\n}", "expected a register, found '3'"},
    {"if a {\n}", "'a' is no register"},
    {"nothing", "'nothing' is no register and no statement"},
    {"}}", "t.loops:5:2: error: expected the end of the line, found '}'"},
    {DECLARED "a = ad a b\n}", "t.loops:11:5: error: unknown operation 'ad' (did you mean 'add'?)"},
    {DECLARED "a = fooooo a b\n}", "unknown operation 'fooooo'"},
    {DECLARED "a = 3\n}", "expected an operation, found '3'"},
    {DECLARED "a = store y0[0] b\n}", "'store' writes no register"},
    {DECLARED "add a b\n}", "'add' needs a register to write"},
    {DECLARED "3 = add a b\n}", "expected a statement, found '3'"},
    {DECLARED "a + b\n}", "expected '=', found '+'"},
    {DECLARED "x0 = add a b\n}", "'x0' is no register and no statement"},
    {DECLARED "a = add a\n}", "expected a register, found the end of the line"},
    {DECLARED "a = add a b b\n}", "expected the end of the line, found 'b'"},
    {DECLARED "a = add a i\n}", "'i' is no register"},
    {DECLARED "a = load i[0]\n}", "'i' is no parameter"},
    {DECLARED "a = load [0]\n}", "expected a parameter, found '['"},
    {DECLARED "a = load x0[]\n}", "expected a number or a variable, found ']'"},
    {DECLARED "a = load x0[q]\n}", "'q' is no loop variable and no register"},
    {DECLARED "a = load x0[-q]\n}", "t.loops:11:14: error: 'q' is no loop variable and no register"},
    {DECLARED "a = load x0[2*3]\n}", "expected a variable, found '3'"},
    {DECLARED "a = load x0[n + n2]\n}", "a second register in an address"},
    {DECLARED "a = load x0[5000000000000000000]\n}", "is out of range: a number or a variable"},
    {DECLARED "a = load x0[4000000000000000000*i + 4000000000000000000*i]\n}", "the number is too large"},
    {DECLARED "a = load x0[0\n}", "expected ']', found the end of the line"},
    {DECLARED "a = const x\n}", "expected a number, found 'x'"},
    {DECLARED "a = const 1e39\n}", "the number is too large for f32"},
    {DECLARED "a = const 1e999\n}", "is out of range: a number"},
    {DECLARED "a = libm 3\n}", "expected a function's name, found '3'"},
    {DECLARED "a = libm logf 3\n}", "expected a register, found '3'"},
    {DECLARED "a = const \x01\n}", "expected a number, found byte 0x01"},
    {DECLARED, "expected '}', found the end of the file"},
    {"for a = 0 .. 1 {\nfor b = 0 .. 1 {\nfor c = 0 .. 1 {\nfor d = 0 .. 1 {\nfor e = 0 .. 1 {\nfor f = 0 .. 1 {\n"
     "for g = 0 .. 1 {\nfor h = 0 .. 1 {\nfor i = 0 .. 1 {\nfor j = 0 .. 1 {\nfor k = 0 .. 1 {\nfor l = 0 .. 1 {\n"
     "for m = 0 .. 1 {\nfor n = 0 .. 1 {\nfor o = 0 .. 1 {\nfor p = 0 .. 1 {\nfor q = 0 .. 1 {\n",
     "t.loops:21:1: error: blocks nested deeper than 16"},
};

#define HEAD "loops 1\ntarget v3\narena 0 scratch 0 weights 0\n"
#define K0   HEAD "kernel k0 t {\nin x0 f32[9]\n}\n"
static const Bad bad_programs[] = {
    {"", "t.loops:1:1: error: expected 'loops', found the end of the file"},
    {"nir 1\n", "expected 'loops', found 'nir'"},
    {"loops 2\n", "2 is out of range: version 1"},
    {"loops 1\nkernel", "expected 'target', found 'kernel'"},
    {"loops 1\ntarget 3", "expected a target's name, found '3'"},
    {"loops 1\ntarget v3\narena x", "expected a number of bytes, found 'x'"},
    {"loops 1\ntarget v3\narena -1", "-1 is out of range: a number of bytes"},
    {"loops 1\ntarget v3\narena 0 weights 0", "expected 'scratch', found 'weights'"},
    {HEAD "what", "expected 'kernel' or 'step', found 'what'"},
    {HEAD "kernel 3 t {", "expected a name, found '3'"},
    {HEAD "kernel k0 {", "expected a family, found '{'"},
    {HEAD "kernel k0 t\n", "expected '{', found the end of the line"},
    {K0 "kernel k0 t {\n}\n", "'k0' is already a kernel"},
    {K0 "step k1", "'k1' is no kernel"},
    {K0 "step 3", "expected a kernel, found '3'"},
    {K0 "step k0 @x0", "expected '{', found 'x0'"},
    {K0 "step k0 @{group=1}", "expected 'kernel', found 'group'"},
    {K0 "step k0 @{kernel:1}", "expected '=', found ':'"},
    {K0 "step k0 @{kernel=-1}", "-1 is out of range: the number of a kernel"},
    {K0 "step k0 @{kernel=1 x0", "expected '}', found 'x0'"},
    {K0 "step k0", "expected 'x0', found the end of the file"},
    {K0 "step k0 x0 0", "expected '=', found '0'"},
    {K0 "step k0 x0=input+0", "expected a place (input0, output0, arena, weights, scratch), found 'input'"},
    {K0 "step k0 x0=arena3+0", "expected a place"},
    {K0 "step k0 x0=input9999999999+0", "expected a place"},
    {K0 "step k0 x0=heap+0", "expected a place"},
    {K0 "step k0 x0=arena\n", "t.loops:7:17: error: expected '+', found the end of the line"},
    {K0 "step k0 x0=arena+-4", "-4 is out of range: an offset in bytes"},
    {K0 "step k0 x0=arena+4 \"note", "does not end on its line"},
    {K0 "step k0 x0=arena+4 note", "expected the end of the line, found 'note'"},
};

static void diagnostics(void) {
  for (size_t i = 0; i < sizeof bad_lines / sizeof *bad_lines; i++) {
    TEST(bad_lines[i].lines);
    One o = one_open(bad_lines[i].lines);
    CHECK(!o.program);
    CHECK_HAS(one_errors(&o), bad_lines[i].want);
    one_close(&o);
  }
  for (size_t i = 0; i < sizeof bad_programs / sizeof *bad_programs; i++) {
    TEST(bad_programs[i].lines);
    One o = {context_new(), arena_new(), NULL};
    CHECK(!loop_parse(o.context, o.arena, "t.loops", bad_programs[i].lines, strlen(bad_programs[i].lines)));
    CHECK_HAS(one_errors(&o), bad_programs[i].want);
    one_close(&o);
  }
  TEST("an error in a statement leaves the rest of the kernel");
  One o = one_open(DECLARED "a = ad a\nb = neg a\nb = neg q\n}");
  CHECK(!o.program && o.context->errors == 2);
  one_close(&o);
  TEST("an error in the head of a block ends the parse");
  o = one_open("pfor i = 0, 3 {\n}\npfor j = 0 .. 3 {\n}");
  CHECK(!o.program && o.context->errors == 1);
  one_close(&o);
  TEST("more than 8 variables");
  o = one_open("reg i64 n\nfor a = 0 .. 1 {\nfor b = 0 .. 1 {\nfor c = 0 .. 1 {\nfor d = 0 .. 1 {\nfor e = 0 .. 1 {\n"
               "for f = 0 .. 1 {\nfor g = 0 .. 1 {\nfor h = 0 .. 1 {\nfor i = 0 .. 1 {\n"
               "n = index a + b + c + d + e + f + g + h\nn = index a + b + c + d + e + f + g + h + i\n"
               "}\n}\n}\n}\n}\n}\n}\n}\n}");
  CHECK(!o.program && o.context->errors == 1);
  CHECK_HAS(one_errors(&o), "t.loops:16:43: error: more than 8 variables");
  one_close(&o);
  TEST("too many errors end the parse");
  char many[4096] = DECLARED;
  for (int i = 0; i < 100; i++) strcat(many, "a = ad a\n");
  o = one_open(many);
  CHECK(!o.program && o.context->errors == 20);
  one_close(&o);
}

/* ---- fuzz ---- */

static void try_bytes(const char *text, size_t length) {
  char *exact = malloc(length ? length : 1); /* so that the sanitizer sees a byte too many */
  if (length) memcpy(exact, text, length);
  Context *c = context_new();
  Arena *a = arena_new();
  LoopProgram *p = loop_parse(c, a, "f.loops", exact, length);
  CHECK(p ? !c->errors : c->errors > 0);
  if (p) {
    const char *once = loop_print(p, a);
    for (size_t i = 0; i < p->kernel_count; i++) loop_check(c, p->kernels[i]);
    LoopProgram *q = loop_parse(c, a, "f.loops", once, strlen(once));
    CHECK(q);
    if (q) CHECK_STR(loop_print(q, a), once);
  }
  arena_free(a);
  context_free(c);
  free(exact);
}

static unsigned next_random(unsigned *state) { return *state = *state * 1103515245u + 12345u, *state >> 16; }

static void fuzz(void) {
  TEST("truncation");
  size_t n = strlen(program);
  for (size_t i = 0; i <= n; i++) try_bytes(program, i);
  TEST("mutation");
  static const char *const words[] = {"-",      "0",      "9999999999999999999",
                                      "\n",     "}",      "{",
                                      "i",      "n",      "\"",
                                      "*",      "floor(", "x0",
                                      "acc0_0", "..",     "\xff",
                                      "max(",   "for ",   "const",
                                      "e",      " ",      "//",
                                      "\\",     "k0"};
  unsigned state = 1;
  char text[sizeof program + 64];
  for (int round = 0; round < 3000; round++) {
    memcpy(text, program, sizeof program);
    size_t length = n;
    for (unsigned times = next_random(&state) % 3 + 1; times; times--) {
      size_t at = next_random(&state) % length;
      const char *word = words[next_random(&state) % (sizeof words / sizeof *words)];
      size_t m = strlen(word), gone = next_random(&state) % 4;
      if (gone > length - at) gone = length - at;
      if (length + m - gone >= sizeof text) continue;
      memmove(text + at + m, text + at + gone, length - at - gone);
      memcpy(text + at, word, m);
      length = length + m - gone;
    }
    try_bytes(text, length);
  }
}

/* Twice the text takes about twice the time: a long kernel is parsed in one go, not line by name by line. */
static void long_kernel(void) {
  TEST("a long kernel");
  enum { REGS = 20000 };
  Arena *a = arena_new();
  Context *c = context_new();
  size_t size = REGS * 40, n = 0;
  char *text = arena_alloc(a, size);
  n += (size_t)snprintf(text, size, HEAD "kernel k0 t {\n  reg f32");
  for (int i = 0; i < REGS; i++) n += (size_t)snprintf(text + n, size - n, " r%d", i);
  n += (size_t)snprintf(text + n, size - n, "\n");
  for (int i = 0; i < REGS; i++) n += (size_t)snprintf(text + n, size - n, "  r%d = neg r%d\n", i, REGS - 1 - i);
  n += (size_t)snprintf(text + n, size - n, "}\n");
  LoopProgram *p = loop_parse(c, a, "t.loops", text, n);
  CHECK(p);
  if (p) CHECK(!strcmp(loop_print(p, a), text));
  arena_free(a);
  context_free(c);
  TEST("too many registers");
  a = arena_new();
  c = context_new();
  size = 70000 * 8 + 200;
  text = arena_alloc(a, size);
  n = (size_t)snprintf(text, size, HEAD "kernel k0 t {\n  reg f32");
  for (int i = 0; i < 70000; i++) n += (size_t)snprintf(text + n, size - n, " r%d", i);
  CHECK(!loop_parse(c, a, "t.loops", text, n));
  CHECK(c->count && strstr(c->list[0].text, "more than 65534 names of a kind"));
  arena_free(a);
  context_free(c);
}

int main(void) {
  identity();
  documented();
  diagnostics();
  fuzz();
  long_kernel();
  return test_result();
}
