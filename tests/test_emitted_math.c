/* The functions of lower_math.c as emitted C on every path that runs here: the error bounds of test_lower_math.c over
 * dense samples and special values. */
#include "tests/c_kit.h"
#include "tests/math_table.h"

enum { COUNT = SAMPLES + SPECIALS }; /* arguments of each function */

/* One kernel and one step a function; its arguments and results follow those of the one before. */
static void add_program(Kit *k, const Target *target) {
  LoopProgram *p = ARENA_NEW(k->arena, LoopProgram);
  *p = (LoopProgram){.arena = k->arena, .target = target->name, .kernel_count = ROWS, .step_count = ROWS};
  p->kernels = ARENA_ARRAY(k->arena, Kernel *, ROWS);
  p->steps = ARENA_ARRAY(k->arena, Step, ROWS);
  for (int r = 0; r < ROWS; r++) {
    p->kernels[r] = make_kernel(k->arena, &rows[r], DT_f32, rows[r].lanes > 1 ? target->lanes : 1, COUNT);
    CHECK(loop_check(k->context, p->kernels[r]));
    Place *places = ARENA_ARRAY(k->arena, Place, 2);
    places[0] = (Place){SPACE_INPUT, 0, 4 * COUNT * r};
    places[1] = (Place){SPACE_OUTPUT, 0, 4 * COUNT * r};
    p->steps[r] = (Step){.kernel = r, .places = places, .note = rows[r].name};
  }
  k->programs[k->program.target_count] = p;
  k->targets[k->program.target_count++] = target;
}

static void check_row(const char *path, const Row *row, const float *x, const float *y) {
  float where = 0;
  const double most = worst(row, x, y, COUNT, &where);
  CHECK(most <= 1);
  CHECK(isnan(y[SAMPLES])); /* of NaN */
  if (most > 1) printf("%s %s: %.3f of the bound, at %a\n", path, row->name, most, (double)where);
}

typedef struct {
  const char *compiler, *flags, *target, *driver;
} Build;

static void check_build(Kit *k, const Build *b, const float *x) {
  size_t size;
  TEST(arena_printf(k->arena, "%s %s", b->compiler, b->flags));
  if (!have_compiler(b->compiler) || !can_run(target_by_name(b->target), &k->runner)) return;
  const bool compiled = kit_compile(k, b->compiler, b->flags, b->driver);
  CHECK(compiled);
  float *y = compiled ? (float *)(void *)kit_run(k, x, sizeof(float) * COUNT * ROWS, 1, 2, "-", &size) : NULL;
  CHECK(y);
  for (int r = 0; y && r < ROWS; r++) check_row(test_name, &rows[r], x + r * COUNT, y + r * COUNT);
  free(y);
}

int main(void) {
  static const Build builds[] = {
      {"gcc", STRICT " -O2 -DMATH_ONLY_GENERIC", "generic", ""},
      {"gcc", STRICT " -O2 -DMATH_ONLY_V3", "v3", ""},
      {"gcc", STRICT " -O2 -DMATH_ONLY_V4", "v4", ""},
      {"clang", STRICT " -O2 -DMATH_ONLY_V3", "v3", ""},
      {"clang", STRICT " -O2 -DMATH_ONLY_V4", "v4", ""},
      {"aarch64-linux-gnu-gcc", STRICT " -O2", "aarch64", "-static"},
      {RISCV64_CLANG, STRICT " -O2", "riscv64", "-static"},
  };
  static float x[ROWS * COUNT];
  const Dim total = ROWS * COUNT;
  open_folder();
  Kit *k = kit_new("math");
  kit_input(k, "x", DT_f32, 1, &total);
  kit_output(k, "y", DT_f32, 1, &total);
  for (int t = 0; t < target_count; t++) add_program(k, &targets[t]);
  for (int r = 0; r < ROWS; r++) {
    fill(x + r * COUNT, SAMPLES, (float)rows[r].high, 7);
    fill_specials(&rows[r], x + r * COUNT + SAMPLES);
  }
  CHECK(kit_emit(k));
  for (size_t b = 0; b < sizeof builds / sizeof *builds; b++) check_build(k, &builds[b], x);
  kit_free(k);
  close_folder();
  return test_result();
}
