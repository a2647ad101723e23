/* Checker of the loop IR: every rule with a kernel that keeps it and one that breaks it. */
#include "tests/loop_one.h"

#define DECLARED                                                                                                       \
  "in x0 f32[64]\nin u0 u8[64]\nin l0 i64[64]\nin h0 f16[64]\nweight w0 f32[64]\nout y0 f32[64]\nout i0 i32[64]\n"     \
  "out b0 u8[64]\ninout z0 f32[64]\nscratch s0 f32[64]\nreg f32 a b\nreg f32x8 v w\nreg i32 m\nreg i32x8 mv\nreg i64 " \
  "n\n"                                                                                                                \
  "reg f64 d\nreg f64x4 dv\nreg i64x4 nv\nreg i32x4 qv\nreg f32x4 fv\n"

typedef struct {
  const char *lines, *want; /* want NULL: no fault */
} Case;

static const Case cases[] = {
    /* types and lanes */
    {"a = const 1\nb = add a a", NULL},
    {"a = const 1\nm = add a a", "k0: 'm = add a a': error: a is f32, not i32"},
    {"a = const 1\nv = const 1\nv = add v a", "a is f32, not f32x8"},
    {"a = const 1\nv = add a a", "a is f32, not f32x8"},
    {"m = const 1\nm = mod m m", NULL},
    {"a = const 1\na = mod a a", "mod takes no f32"},
    {"m = const 1\nm = sqrt m", "sqrt takes no i32"},
    {"m = const 1\nm = fma m m m", "fma takes no i32"},
    {"a = const 1\na = and a a", "and takes no f32"},
    {"a = const 1\na = shl a a", "shl takes no f32"},
    {"m = const 1\nm = shl m m", NULL},
    {"v = const 1\nmv = lt v v", NULL},
    {"dv = const 1\nqv = le dv dv", NULL},
    {"v = const 1\nm = lt v v", "m is i32, not i32x8"},
    {"v = const 1\nw = eq v v", "w is f32x8, not i32x8"},
    {"v = const 1\na = const 1\nmv = lt v a", "a is f32, not f32x8"},
    {"v = const 1\nmv = const 0\nw = select mv v v", NULL},
    {"dv = const 1\nqv = const 0\ndv = select qv dv dv", NULL},
    {"v = const 1\nm = const 0\nw = select m v v", "m is i32, not i32x8"},
    {"v = const 1\nw = select v v v", "v is f32x8, not i32x8"},
    {"v = const 1\nmv = const 0\na = const 0\nw = select mv v a", "a is f32, not f32x8"},
    {"a = const 1\nv = splat a", NULL},
    {"v = const 1\nw = splat v", "v is f32x8, not f32"},
    {"m = const 1\nv = splat m", "m is i32, not f32"},
    {"v = const 1\nmv = cvt v\nqv = const 1\ndv = cvt qv", NULL},
    {"v = const 1\nm = cvt v", "v is f32x8, not f32"},
    {"v = const 1\nmv = bits v\ndv = const 1\nnv = bits dv", NULL},
    {"a = const 1\nn = bits a", "a and n differ in size"},
    {"v = const 1\nm = bits v", "v is f32x8, not f32"},
    {"v = const 1\na = hsum v\na = hmax v", NULL},
    {"v = const 1\nw = hsum v", "w is f32x8, not f32"},
    {"v = const 1\nm = hmax v", "m is i32, not f32"},
    /* numbers */
    {"m = const -2147483648\nn = const 9007199254740992\na = const 0.1\na = const nan\nd = const 0.1", NULL},
    {"m = const 2147483648", "the number is no i32"},
    {"m = const 0.5", "the number is no i32"},
    {"m = const nan", "the number is no i32"},
    {"n = const 9007199254740994", "the number is no i64"},
    {"n = const inf", "the number is no i64"},
    /* functions */
    {"a = const 1\na = libm logf a\na = libm powf a a\nd = const 1\nd = libm fmod d d", NULL},
    {"a = const 1\na = libm gamma a", "no such function of math.h"},
    {"a = const 1\na = libm log a", "a is f32, not a scalar f64"},
    {"v = const 1\nv = libm logf v", "v is f32x8, not a scalar f32"},
    {"a = const 1\nd = libm logf a", "d is f64, not a scalar f32"},
    {"a = const 1\na = libm powf a", "powf takes 2 registers"},
    {"a = const 1\na = libm logf a a", "logf takes 1 registers"},
    /* assignment before use */
    {"b = add a a", "a may be read before it is assigned"},
    {"a = add a a", "a may be read before it is assigned"},
    {"for k = 0 .. 4 {\na = const 1\n}\nb = neg a", NULL},
    {"for k = 0 .. 0 {\na = const 1\n}\nb = neg a", "a may be read before it is assigned"},
    {"for j = 0 .. 4 {\nfor k = 0 .. j {\na = const 1\n}\n}\nb = neg a", "a may be read before it is assigned"},
    {"for j = 0 .. 4 {\nfor k = j .. j + 1 {\na = const 1\n}\n}\nb = neg a", NULL},
    {"for y = 0 .. 56 {\nfor k = max(0, 3 - y) .. min(7, 59 - y) {\na = const 1\n}\nb = neg a\n}", NULL},
    {"for y = 0 .. 56 {\nfor k = max(0, 4 - y) .. min(4, 59 - y) {\na = const 1\n}\nb = neg a\n}",
     "'b = neg a': error: a may be read before it is assigned"},
    {"for y = 0 .. 8 {\nfor k = floor(y/2) .. floor((y + 2)/2) {\na = const 1\n}\nb = neg a\n}",
     "a may be read before it is assigned"}, /* true, but beyond what is proven about divided bounds */
    {"a = const 1\nfor k = 0 .. 0 {\na = const 1\n}\nb = neg a", NULL},
    {"for k = 0 .. 2 {\nb = neg a\na = const 1\n}", "a may be read before it is assigned"},
    {"m = const 1\na = const 1\nif m {\nb = neg a\n}", NULL},
    {"m = const 1\nif m {\na = const 1\n}\nb = neg a", "a may be read before it is assigned"},
    {"if m {\n}", "k0: 'if m': error: m may be read before it is assigned"},
    {"a = const 1\nif a {\n}", "a is f32, not a scalar i32"},
    {"mv = const 1\nif mv {\n}", "mv is i32x8, not a scalar i32"},
    {"a = load x0[n]", "n may be read before it is assigned"},
    /* pfor */
    {"pfor i = 0 .. 4 {\n}\npfor j = 0 .. 4 {\n}", NULL},
    {"for j = 0 .. 4 {\npfor i = 0 .. 4 {\n}\n}", "'pfor i = 0 .. 4': error: pfor inside another block"},
    {"m = const 1\nif m {\npfor i = 0 .. 4 {\n}\n}", "pfor inside another block"},
    {"a = const 1\npfor i = 0 .. 4 {\nb = neg a\n}", NULL},
    {"a = const 1\npfor i = 0 .. 4 {\na = neg a\n}", "a may be read before it is assigned"}, /* carried over */
    {"pfor i = 0 .. 4 {\na = const 1\n}\nb = neg a", "a may be read before it is assigned"},
    {"a = const 1\npfor i = 0 .. 4 {\na = const 2\n}\nb = neg a", "a may be read before it is assigned"},
    {"a = const 1\nstore y0[0] a", "store outside pfor: every slice would do it"},
    {"a = const 1\npfor i = 0 .. 4 {\n}\nstore y0[0] a", "store outside pfor: every slice would do it"},
    {"a = const 1\nstore s0[0] a", NULL},
    /* loads and stores */
    {"v = load x0[0]\na = loads x0[0]\nm = load u0[0]\nn = load u0[0]\nn = load l0[0]", NULL},
    {"m = load x0[0]", "m is i32, x0 holds f32"},
    {"a = load u0[0]", "a is f32, u0 holds u8"},
    {"d = load x0[0]", "d is f64, x0 holds f32"},
    {"m = load l0[0]", "m is i32, l0 holds i64"},
    {"a = load h0[0]", "a is f32, h0 holds f16"},
    {"mv = load u0[0]", "no conversion on 8 lanes: mv is i32, u0 holds u8"},
    {"mv = loads u0[0]", "no conversion on 8 lanes"},
    {"pfor i = 0 .. 1 {\na = const 1\nstore y0[0] a\nstore z0[0] a\nstore s0[0] a\nm = const 1\nstore b0[0] m\nn = "
     "const 1\n"
     "store b0[0] n\nstore i0[0] n\n}",
     NULL},
    {"pfor i = 0 .. 1 {\na = const 1\nstore x0[0] a\n}", "store to x0, which is in"},
    {"pfor i = 0 .. 1 {\na = const 1\nstore w0[0] a\n}", "store to w0, which is weight"},
    {"pfor i = 0 .. 1 {\na = const 1\nstore y0[0] a\na = load y0[0]\na = load z0[0]\n}", NULL},
    {"pfor i = 0 .. 1 {\nmv = const 1\nstore b0[0] mv\n}", "no conversion on 8 lanes"},
    {"pfor i = 0 .. 1 {\nstore y0[0] a\n}", "a may be read before it is assigned"},
    {"n = const 1\na = load x0[3*n]", NULL},
    {"a = const 1\nb = load x0[3*a]", "a is no scalar integer"},
    {"mv = const 1\nb = load x0[3*mv]", "mv is no scalar integer"},
    {"for k = 0 .. 4 {\nn = index 3*k + 1\n}", NULL},
    {"m = index 3", "m is i32, not a scalar i64"},
    /* scopes and loops */
    {"for k = 0 .. 4 {\n}\na = load x0[k]", "'a = load x0[k]': error: k is used outside its loop"},
    {"for k = 0 .. 4 {\n}\nfor j = 0 .. k {\n}", "k is used outside its loop"},
    {"for k = 0 .. 9007199254740993 {\n}", "the number 9007199254740993 is too large"},
    {"for k = 0 .. 4 step 9007199254740993 {\n}", "the number 9007199254740993 is too large"},
    {"a = load x0[-9007199254740993]", "the number -9007199254740993 is too large"},
    {"for k = 0 .. 9007199254740992 {\nfor j = 0 .. 9007199254740992*k {\n}\n}", "can't bound the range of j"},
    /* addresses: intervals */
    {"for k = 0 .. 64 {\na = load x0[k]\n}", NULL},
    {"for k = 0 .. 65 {\na = load x0[k]\n}", "k0: 'a = load x0[k]': error: element 64 is outside x0[64]"},
    {"for k = 0 .. 64 {\na = load x0[k - 1]\n}", "element -1 is outside x0[64]"},
    {"for k = 0 .. 57 {\nv = load x0[k]\n}", NULL},
    {"for k = 0 .. 58 {\nv = load x0[k]\n}", "elements 57 .. 64 are outside x0[64]"},
    {"for k = 0 .. 58 {\nv = loads x0[k]\n}", NULL},
    {"for k = 0 .. 8 {\nfor j = 0 .. 8 {\na = load x0[8*k + j]\n}\n}", NULL},
    {"for k = 0 .. 8 {\nfor j = 0 .. 9 {\na = load x0[8*k + j]\n}\n}", "element 64 is outside x0[64]"},
    {"for k = 0 .. 8 {\na = load x0[63 - 9*k]\n}", NULL},
    {"for k = 0 .. 9 {\na = load x0[63 - 8*k]\n}", "element -1 is outside x0[64]"},
    {"for k = 0 .. 64 step 8 {\nv = load x0[k]\n}", NULL}, /* the last k is 56, not 63 */
    {"for k = 0 .. 65 step 8 {\nv = load x0[k]\n}", "elements 64 .. 71 are outside x0[64]"},
    {"for k = 0 .. 0 {\na = load x0[99]\n}", NULL}, /* never runs */
    {"a = load x0[63]", NULL},
    {"a = load x0[64]", "element 64 is outside x0[64]"},
    /* prefetch: 16 MiB past the end */
    {"prefetch x0[4194367]", NULL},
    {"prefetch x0[4194368]", "element 4194368 is outside x0[64]"},
    {"prefetch x0[-1]", "element -1 is outside x0[64]"},
    {"prefetch u0[16777279]", NULL},
    {"prefetch u0[16777280]", "element 16777280 is outside u0[64]"},
    /* addresses: elimination */
    {"for i = 0 .. 4 {\nfor k = 16*i .. 16*i + 16 {\na = load x0[k]\n}\n}", NULL},
    {"for i = 0 .. 4 {\nfor k = 16*i .. 16*i + 17 {\na = load x0[k]\n}\n}", "element 64 is outside x0[64]"},
    {"for i = 0 .. 1000000000 {\nfor k = 16*i .. 16*i + 64 step 8 {\nv = load x0[k - 16*i]\n}\n}", NULL},
    {"for i = 0 .. 1000000000 {\nfor k = 16*i .. 16*i + 65 step 8 {\nv = load x0[k - 16*i]\n}\n}",
     "elements 64 .. 71 are outside x0[64]"},
    {"for y = 0 .. 100000000 {\nfor k = max(0, 3 - y) .. min(7, 100000003 - y) {\nfor j = y + k - 3 .. y + k - 2 {\n"
     "for i = j .. j + 1 {\na = load x0[y + k - i - 3]\n}\n}\n}\n}",
     NULL},
    {"for y = 0 .. 1000000000 {\nfor k = max(y, 0) .. min(y + 64, 2000000000) {\na = load x0[k - y]\n}\n}", NULL},
    {"for y = 0 .. 1000000000 {\nfor k = max(y, 0) .. min(y + 65, 2000000000) {\na = load x0[k - y]\n}\n}",
     "element 64 is outside x0[64]"},
    {"for y = 0 .. 64 {\nfor k = max(0, 3 - y) .. min(7, 67 - y) {\na = load x0[y + k - 3]\n}\n}", NULL},
    {"for y = 0 .. 64 {\nfor k = max(0, 3 - y) .. min(7, 68 - y) {\na = load x0[y + k - 3]\n}\n}",
     "element 64 is outside x0[64]"},
    {"for y = 0 .. 64 {\nfor k = max(0, 2 - y) .. min(7, 67 - y) {\na = load x0[y + k - 3]\n}\n}",
     "element -1 is outside x0[64]"},
    /* strided convolution over 64 rows: 2 y + k - 3 for 32 rows y */
    {"for y = 0 .. 32 {\nfor k = max(0, 3 - 2*y) .. min(7, 67 - 2*y) {\na = load x0[2*y + k - 3]\n}\n}", NULL},
    /* its transpose: input row q = (y + 3 - k)/2, rounded: k of the same parity as y + 3 */
    {"for y = 0 .. 64 {\nfor q = max(0, ceil((y - 3)/2)) .. min(32, floor((y + 5)/2)) {\na = load x0[q + 31]\n}\n}",
     NULL},
    {"for y = 0 .. 64 {\nfor q = max(0, ceil((y - 3)/2)) .. min(34, floor((y + 5)/2)) {\na = load x0[q + 31]\n}\n}",
     "element 64 is outside x0[64]"},
    {"for y = 0 .. 1000000000 {\nfor q = floor(y/2) .. floor((y + 4)/2) {\na = load x0[2*q - y + 1]\n}\n}", NULL},
    {"for y = 0 .. 1000000000 {\nfor q = floor(y/2) .. floor((y + 4)/2) {\na = load x0[2*q - y]\n}\n}",
     "element -1 is outside x0[64]"},
    /* addresses: enumeration */
    {"for y = 0 .. 64 {\nfor q = floor(y/3) .. floor((y + 3)/3) {\na = load x0[y - 3*q]\n}\n}", NULL},
    {"for y = 0 .. 64 {\nfor q = max(3*y, 100) .. 102 {\nfor k = q .. min(3*y + 3, 102) {\na = load x0[q - "
     "99]\n}\n}\n}",
     NULL},
    {"for y = 0 .. 100 {\nfor g = y .. 64 {\na = load x0[y]\n}\n}", NULL}, /* the inner loop guards the load */
    {"for y = 0 .. 100 {\nfor g = y .. 65 {\na = load x0[y]\n}\n}", "element 64 is outside x0[64]"},
    {"for y = 0 .. 100000000 {\nfor g = y .. 64 {\na = load x0[y]\n}\n}",
     "can't prove that the address stays inside x0[64]"},
    {"for y = 0 .. 16 {\nfor k = y .. 16 step 5 {\na = load x0[5*k - 12]\n}\n}", "element -12 is outside x0[64]"},
    {"for y = 0 .. 4 {\nfor k = 3*y .. 20 step 5 {\na = load x0[3*k + 6]\n}\n}", NULL},
};

static void rules(void) {
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char lines[2048];
    snprintf(lines, sizeof lines, DECLARED "%s", cases[i].lines);
    TEST(cases[i].lines);
    One o = one_open(lines);
    CHECK_STR(one_errors(&o), "");
    if (o.program) {
      bool good = loop_check(o.context, o.program->kernels[0]);
      CHECK(good == !cases[i].want && o.context->errors == !good);
      if (cases[i].want)
        CHECK_HAS(one_errors(&o), cases[i].want);
      else
        CHECK_STR(one_errors(&o), "");
    }
    one_close(&o);
  }
}

/* ---- faults that no text can have ---- */

typedef struct {
  Context *context;
  Arena *arena;
  Kernel *k;
  ParamId x;
  RegId a;
  VarId v;
} Built;

static Built built(void) {
  Built b = {.context = context_new(), .arena = arena_new()};
  b.k = kernel_new(b.arena, "k0", "test");
  b.x = kernel_param(b.k, "x", ROLE_INOUT, DT_f32, 64);
  b.a = kernel_reg(b.k, REG_f32, 1, "a");
  b.v = emit_for(b.k, LOP_pfor, "i", 0, 4, 1);
  return b;
}

static void expect(Built *b, const char *want) {
  One o = {b->context, b->arena, NULL};
  CHECK(!loop_check(b->context, b->k));
  CHECK_HAS(one_errors(&o), want);
  one_close(&o);
}

/* A statement changed behind the builder's back. */
static void expect_changed(Stmt s, const char *want) {
  Built b = built();
  emit_const(b.k, b.a, 1);
  emit_op(b.k, LOP_mov, b.a, b.a, 0, 0);
  b.k->stmts[b.k->tail[b.k->depth]] = s;
  emit_end(b.k);
  expect(&b, want);
}

static void built_faults(void) {
  TEST("open block");
  Built b = built();
  expect(&b, "k0: error: 1 blocks were left open");
  TEST("element count");
  b = built();
  emit_end(b.k);
  b.k->params[0].elements = -1;
  expect(&b, "x has -1 elements");
  TEST("ids");
  expect_changed((Stmt){.op = LOP_mov, .dst = 0, .src = {1}}, "'? = mov a': error: no register 0");
  expect_changed((Stmt){.op = LOP_mov, .dst = 9, .src = {1}}, "no register 9");
  expect_changed((Stmt){.op = LOP_mov, .dst = 1, .src = {9}}, "no register 9");
  expect_changed((Stmt){.op = LOP_mov, .dst = 1, .src = {1, 1}}, "mov takes 1 registers");
  expect_changed((Stmt){.op = LOP_load, .dst = 1, .address.param = 7}, "'a = load ?[0]': error: no parameter 7");
  expect_changed((Stmt){.op = LOP_prefetch, .address.param = 7}, "no parameter 7");
  expect_changed((Stmt){.op = LOP_const, .dst = 1, .number = 0.1}, "the number is no f32");
  TEST("affine expressions");
  expect_changed((Stmt){.op = LOP_load, .dst = 1, .address.at = {.count = 1, .term = {{9, 1}}}}, "no variable 9");
  expect_changed((Stmt){.op = LOP_load, .dst = 1, .address.at = {.count = 1, .term = {{1, 0}}}}, "coefficient 0");
  expect_changed((Stmt){.op = LOP_load, .dst = 1, .address.at = {.count = 2, .term = {{1, 1}, {1, 1}}}},
                 "terms out of order");
  expect_changed((Stmt){.op = LOP_load, .dst = 1, .address.at = {.count = 9}}, "an expression of 9 terms");
  expect_changed((Stmt){.op = LOP_load, .dst = 1, .address.index_coefficient = 1}, "a coefficient without a register");
  expect_changed((Stmt){.op = LOP_load, .dst = 1, .address.index = 1}, "coefficient 0");
  TEST("loops");
  Bound low[2] = {{.divisor = 1}}, high[2] = {{.divisor = 1}};
  Stmt loop = {.op = LOP_for, .var = 1, .low = low, .high = high, .step = 1};
  expect_changed(loop, "i is the variable of two loops");
  loop.var = 0;
  expect_changed(loop, "no variable 0");
  loop = (Stmt){.op = LOP_for, .var = 2, .low = low, .high = high};
  for (int i = 0; i < 3; i++) {
    b = built();
    kernel_var(b.k, "j");
    if (i) loop.step = 1;
    if (i == 1) loop.low[0].divisor = 0;
    if (i == 2) loop.low[0].divisor = 1, loop.high[1].divisor = -1;
    b.k->stmts[b.k->body].body = 2;
    emit_op(b.k, LOP_mov, b.a, b.a, 0, 0);
    b.k->stmts[2] = loop;
    emit_end(b.k);
    expect(&b, i == 0 ? "step 0" : i == 1 ? "a bound with divisor 0" : "a bound with divisor -1");
  }
  TEST("a faulty loop makes no further faults");
  b = built();
  VarId j = emit_for_bounds(b.k, LOP_for, "j", (Bound[2]){bound(affine(0)), bound_none()},
                            (Bound[2]){bound(affine((int64_t)1 << 60)), bound_none()}, 1);
  emit_load(b.k, b.a, b.x, affine_var(j, 1));
  emit_end(b.k);
  emit_end(b.k);
  CHECK(!loop_check(b.context, b.k) && b.context->errors == 1);
  One o = {b.context, b.arena, NULL};
  one_close(&o);
}

/* ---- random nests: the verdict on an address is exact, the one on assignment is safe ---- */

enum { DEEP = 3 };
typedef struct {
  Bound low[DEEP][2], high[DEEP][2];
  int64_t step[DEEP];
  Affine at;
  VarId var[DEEP];
  int64_t value[DEEP], least, most;
  bool any, always; /* some access happens; the innermost loop runs at every point around it */
} Random;

static int pick(unsigned *state, int low, int high) {
  *state = *state * 1103515245u + 12345u;
  return low + (int)((*state >> 16) % (unsigned)(high - low + 1));
}

static Bound random_bound(unsigned *state, const Random *r, int depth, int low, int high) {
  Affine a = affine(pick(state, low, high));
  for (int l = 0; l < depth; l++)
    if (pick(state, 0, 2) == 0) a = affine_add(a, affine_var(r->var[l], pick(state, -2, 2)));
  return pick(state, 0, 3) ? bound(a) : bound_floor(a, pick(state, 1, 3));
}

static int64_t affine_at(const Random *r, const Affine *a) {
  int64_t v = a->constant;
  for (int i = 0; i < a->count; i++) v += a->term[i].coefficient * r->value[a->term[i].var - 1];
  return v;
}

static int64_t bound_at(const Random *r, const Bound *b) {
  int64_t v = affine_at(r, &b->value);
  while (v % b->divisor) v--;
  return v / b->divisor;
}

static void walk(Random *r, int depth) {
  if (depth == DEEP) {
    int64_t v = affine_at(r, &r->at);
    if (!r->any || v < r->least) r->least = v;
    if (!r->any || v > r->most) r->most = v;
    r->any = true;
    return;
  }
  int64_t low = bound_at(r, &r->low[depth][0]), high = bound_at(r, &r->high[depth][0]);
  if (r->low[depth][1].divisor && bound_at(r, &r->low[depth][1]) > low) low = bound_at(r, &r->low[depth][1]);
  if (r->high[depth][1].divisor && bound_at(r, &r->high[depth][1]) < high) high = bound_at(r, &r->high[depth][1]);
  if (depth == DEEP - 1 && low >= high) r->always = false;
  for (int64_t v = low; v < high; v += r->step[depth]) {
    r->value[depth] = v;
    walk(r, depth + 1);
  }
}

/* Loops around one load of x[at]; after the innermost loop, a store of what was loaded. */
static Kernel *random_kernel(Arena *arena, unsigned *state, Random *r, bool read_after) {
  Kernel *k = kernel_new(arena, "k0", "test");
  ParamId x = kernel_param(k, "x", ROLE_IN, DT_f32, 8), y = kernel_param(k, "y", ROLE_SCRATCH, DT_f32, 1);
  RegId a = kernel_reg(k, REG_f32, 1, "a");
  r->at = affine(pick(state, -3, 6));
  for (int l = 0; l < DEEP; l++) {
    for (int j = 0; j < 2; j++) {
      bool there = !j || pick(state, 0, 1);
      r->low[l][j] = there ? random_bound(state, r, l, -2, 2) : bound_none();
      r->high[l][j] = there ? random_bound(state, r, l, 0, 6) : bound_none();
    }
    r->step[l] = pick(state, 0, 2) ? 1 : pick(state, 1, 3);
    r->var[l] = emit_for_bounds(k, LOP_for, "v", r->low[l], r->high[l], r->step[l]);
    r->at = affine_add(r->at, affine_var(r->var[l], pick(state, -2, 2)));
  }
  emit_load(k, a, x, r->at);
  emit_end(k);
  if (read_after) emit_store(k, y, affine(0), a);
  emit_end(k);
  emit_end(k);
  return k;
}

static void random_nests(void) {
  TEST("random nests");
  unsigned state = 7;
  int inside = 0, assigned = 0;
  for (int round = 0; round < 20000; round++) {
    Random r = {.always = true};
    Context *c = context_new();
    Arena *arena = arena_new();
    bool read_after = round % 2;
    Kernel *k = random_kernel(arena, &state, &r, read_after);
    walk(&r, 0);
    bool within = !r.any || (r.least >= 0 && r.most < 8), good = loop_check(c, k);
    if (!read_after) CHECK(good == within);
    if (read_after && good) CHECK(within && r.always);
    inside += within && r.any && !read_after;
    assigned += read_after && good && r.any;
    if (!read_after && good != within) puts(loop_print_kernel(k, arena, true));
    arena_free(arena);
    context_free(c);
  }
  CHECK(inside > 500 && assigned > 20);
}

int main(void) {
  rules();
  built_faults();
  random_nests();
  return test_result();
}
