/* Builder of the loop IR: names, affine expressions, bounds, and the text of what was built. */
#include "ir/loop.h"
#include "tests/test.h"

/* the table may move, so the id is made first */
static const char *reg(Kernel *k, const char *name) {
  RegId r = kernel_reg(k, REG_f32, 8, "%s", name);
  return k->regs[r].name;
}

static const char *var(Kernel *k, const char *name) {
  VarId v = kernel_var(k, "%s", name);
  return k->vars[v];
}

static void names(Arena *a) {
  TEST("names");
  Kernel *k = kernel_new(a, "k0", "test");
  kernel_param(k, "x0", ROLE_IN, DT_f32, 8);
  CHECK_STR(k->params[0].name, "x0");
  CHECK_STR(reg(k, "acc0_1"), "acc0_1");
  CHECK_STR(reg(k, "acc0"), "acc0");
  CHECK_STR(reg(k, "acc0"), "acc0_2"); /* 0_1 is taken by another hand */
  CHECK_STR(var(k, "i"), "i");
  CHECK_STR(var(k, "i"), "i_2");
  CHECK_STR(var(k, "i"), "i_3");
  CHECK_STR(var(k, "x0"), "x0_2");
  CHECK_STR(reg(k, "i_2"), "i_2_2");
  TEST("words of C and of the text are no names");
  CHECK_STR(reg(k, "for"), "for_2");
  CHECK_STR(reg(k, "max"), "max_2");
  CHECK_STR(var(k, "step"), "step_2");
}

static void affines(Arena *a) {
  TEST("affine");
  Kernel *k = kernel_new(a, "k0", "test");
  VarId i = kernel_var(k, "i"), j = kernel_var(k, "j");
  Affine s = affine_add(affine_var(j, 3), affine_plus(affine_var(i, 16), 5));
  CHECK(s.count == 2 && s.term[0].var == i && s.term[0].coefficient == 16 && s.term[1].coefficient == 3);
  CHECK(s.constant == 5);
  Affine t = affine_add(s, affine_var(j, -3));
  CHECK(t.count == 1 && t.term[0].var == i);
  Affine u = affine_plus(affine_var(i, 16), 5);
  CHECK(affine_equal(&t, &u));
  CHECK(!affine_equal(&s, &u));
  u = affine_plus(u, 1);
  CHECK(!affine_equal(&t, &u));
  CHECK(affine_scale(s, 0).count == 0 && affine_scale(s, 0).constant == 0);
  CHECK(affine_scale(s, -2).term[1].coefficient == -6 && affine_scale(s, -2).constant == -10);
  CHECK(affine_var(i, 0).count == 0);

  TEST("bounds");
  CHECK(bound_floor(affine(-7), 2).divisor == 1 && bound_floor(affine(-7), 2).value.constant == -4);
  CHECK(bound_ceil(affine(-7), 2).value.constant == -3);
  CHECK(bound_ceil(affine(7), 2).value.constant == 4);
  CHECK(bound_ceil(affine_var(i, 1), 2).divisor == 2 && bound_ceil(affine_var(i, 1), 2).value.constant == 1);
  CHECK(bound_none().divisor == 0);
}

static const char built[] = "kernel k0 test {\n"
                            "  in x0 f32[100]\n"
                            "  weight w0 f32[64]\n"
                            "  out y0 f32[100]\n"
                            "  reg f32x8 a b\n"
                            "  reg f32 s\n"
                            "  reg f32x8 c\n"
                            "  reg i32 m\n"
                            "  reg i64 n\n"
                            "  pfor i = 0 .. 10 {\n"
                            "    a = const 0.1\n"
                            "    for k = max(0, 3 - i) .. min(7, floor((12 - i)/2)) step 2 {\n"
                            "      b = load x0[10*i + k - 1]\n"
                            "      c = fma a b a\n"
                            "      prefetch w0[16*k]\n"
                            "    }\n"
                            "    s = hsum c\n"
                            "    m = lt s s\n"
                            "    if m {\n"
                            "      s = libm powf s s\n"
                            "    }\n"
                            "    n = index 3*i\n"
                            "    s = loads x0[i + 4*n]\n"
                            "    store y0[i] s\n"
                            "    store y0[2*n] s\n"
                            "  }\n"
                            "}\n";

static void statements(Arena *ar) {
  TEST("statements");
  Kernel *k = kernel_new(ar, "k0", "test");
  ParamId x = kernel_param(k, "x0", ROLE_IN, DT_f32, 100), w = kernel_param(k, "w0", ROLE_WEIGHT, DT_f32, 64);
  ParamId y = kernel_param(k, "y0", ROLE_OUT, DT_f32, 100);
  RegId a = kernel_reg(k, REG_f32, 8, "a"), b = kernel_reg(k, REG_f32, 8, "b"), s = kernel_reg(k, REG_f32, 1, "s");
  RegId c = kernel_reg(k, REG_f32, 8, "c"), m = kernel_reg(k, REG_i32, 1, "m"), n = kernel_reg(k, REG_i64, 1, "n");
  VarId i = emit_for(k, LOP_pfor, "i", 0, 10, 1);
  emit_const(k, a, 0.1);
  Bound low[2] = {bound(affine(0)), bound(affine_plus(affine_var(i, -1), 3))};
  Bound high[2] = {bound(affine(7)), bound_floor(affine_plus(affine_var(i, -1), 12), 2)};
  VarId v = emit_for_bounds(k, LOP_for, "k", low, high, 2);
  emit_load(k, b, x, affine_plus(affine_add(affine_var(v, 1), affine_var(i, 10)), -1));
  emit_op(k, LOP_fma, c, a, b, a);
  emit_prefetch(k, w, affine_var(v, 16));
  emit_end(k);
  emit_op(k, LOP_hsum, s, c, 0, 0);
  emit_op(k, LOP_lt, m, s, s, 0);
  emit_if(k, m);
  emit_libm(k, s, "powf", s, s);
  emit_end(k);
  emit_index(k, n, affine_var(i, 3));
  emit_load_at(k, LOP_loads, s, x, affine_var(i, 1), n, 4);
  emit_store(k, y, affine_var(i, 1), s);
  emit_store_at(k, y, affine(0), n, 2, s);
  emit_end(k);
  CHECK_STR(loop_print_kernel(k, ar, true), built);
  CHECK_HAS(loop_print_kernel(k, ar, false), "kernel test {\n");
}

/* Chains of one shape, the first of which has the constants of all. */
static void turns(Arena *ar) {
  TEST("sequences take turns, constants before what needs them");
  Kernel *k = kernel_new(ar, "k0", "test");
  ParamId y = kernel_param(k, "y", ROLE_OUT, DT_f32, 8);
  RegId one = kernel_reg(k, REG_f32, 1, "one"), two = kernel_reg(k, REG_f32, 1, "two");
  StmtId starts[3];
  emit_for(k, LOP_pfor, "i", 0, 1, 1);
  for (int c = 0; c < 3; c++) {
    RegId a = kernel_reg(k, REG_f32, 1, "a%d", c);
    starts[c] = kernel_next(k);
    if (!c) emit_const(k, one, 1);
    emit_op(k, LOP_sqrt, a, one, 0, 0);
    if (!c) emit_const(k, two, 2);
    emit_op(k, LOP_mul, a, a, two, 0);
  }
  kernel_interleave(k, starts, 3);
  emit_store(k, y, affine(0), one);
  emit_end(k);
  CHECK_HAS(loop_print_kernel(k, ar, true),
            "    one = const 1\n    a0 = sqrt one\n    a1 = sqrt one\n    a2 = sqrt one\n"
            "    two = const 2\n    a0 = mul a0 two\n    a1 = mul a1 two\n"
            "    a2 = mul a2 two\n    store y[0] one\n");
}

int main(void) {
  Arena *a = arena_new();
  names(a);
  affines(a);
  turns(a);
  statements(a);
  arena_free(a);
  return test_result();
}
