/* Error bounds of lower_math.c, measured by loop_eval against C's library in double: all exponents, random mantissas, a
 * dense grid where the functions bend, special values; with fma rounding once and twice. */
#include "tests/math_table.h"

static bool run(const Row *row, DType type, int lanes, bool fma_once, const void *x, void *y, int64_t count) {
  Context *context = context_new();
  Kernel *k = make_kernel(context->arena, row, type, lanes, count);
  bool good = loop_check(context, k);
  for (size_t i = 0; i < context->count; i++) printf("%s\n", context->list[i].text);
  if (good) loop_eval(k, (void *const[]){(void *)(uintptr_t)x, y}, fma_once, 0, 1);
  context_free(context);
  return good;
}

static void check_bounds(const Row *row, bool fma_once) {
  static float x[SAMPLES], y[SAMPLES];
  float where = 0;
  fill(x, SAMPLES, (float)row->high, 7);
  CHECK(run(row, DT_f32, row->lanes, fma_once, x, y, SAMPLES));
  double most = worst(row, x, y, SAMPLES, &where);
  CHECK(most <= 1);
  if (most > 1 || getenv("VERBOSE"))
    printf("%s fma=%d: %.3f of the bound, at %a\n", row->name, fma_once, most, (double)where);
}

static void check_special(const Row *row, bool fma_once) {
  float usable[SPECIALS], y[SPECIALS], where = 0;
  fill_specials(row, usable);
  CHECK(run(row, DT_f32, row->lanes, fma_once, usable, y, SPECIALS));
  CHECK(isnan(y[0]));
  double most = worst(row, usable, y, SPECIALS, &where);
  if (most > 1) printf("%s: %.3f of the bound, at %a\n", row->name, most, (double)where);
  CHECK(most <= 1);
}

/* f64 goes to the library: close to double precision, and right at the ends. */
static void check_double(const Row *row) {
  enum { COUNT = 400 };
  double x[COUNT], y[COUNT];
  for (int i = 0; i < COUNT; i++) x[i] = row->high == 0 ? -i * 0.05 : (i - 200) * 0.05;
  x[0] = NAN, x[1] = -INFINITY, x[2] = row->high;
  CHECK(run(row, DT_f64, 1, false, x, y, COUNT));
  CHECK(isnan(y[0]));
  for (int i = 1; i < COUNT; i++) {
    double want = row->reference(x[i]);
    CHECK(y[i] == want || fabs(y[i] - want) <= 1e-15 + 1e-14 * fabs(want));
  }
}

static void check_exact_ends(void) {
  const float x[8] = {INFINITY, -INFINITY, 20, -20, 128, -128, 0, -200};
  float y[8];
  for (int r = 0; r < ROWS; r++) {
    if (rows[r].high == 0) continue;
    TEST(rows[r].name);
    CHECK(run(&rows[r], DT_f32, rows[r].lanes, true, x, y, 8));
    for (int i = 0; i < 2; i++) CHECK(y[i] == (float)rows[r].reference((double)x[i]));
  }
}

/* Equal literals of one block are one register. */
static void check_shared_literals(void) {
  TEST("two GELUs share their literals");
  Arena *arena = arena_new();
  Kernel *k = kernel_new(arena, "two", "test");
  ParamId p = kernel_param(k, "x", ROLE_INOUT, DT_f32, 16);
  emit_for(k, LOP_pfor, "i", 0, 1, 1);
  int literals[2];
  for (int i = 0; i < 2; i++) {
    RegId x = kernel_reg(k, REG_f32, 8, "a");
    emit_load(k, x, p, affine(8 * i));
    emit_store(k, p, affine(8 * i), math_gelu(k, x, "g"));
    literals[i] = 0;
    for (StmtId s = 1; s < k->stmt_count; s++) literals[i] += k->stmts[s].op == LOP_const;
  }
  emit_end(k);
  CHECK(literals[0] == 12 && literals[1] == 12);
  arena_free(arena);
}

int main(void) {
  for (int r = 0; r < ROWS; r++) {
    TEST(rows[r].name);
    for (int once = 0; once < 2; once++) {
      check_bounds(&rows[r], once);
      check_special(&rows[r], once);
    }
    check_double(&rows[r]);
  }
  check_exact_ends();
  check_shared_literals();
  return test_result();
}
