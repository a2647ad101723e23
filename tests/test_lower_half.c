/* Conversions of f16 and bf16 in loop IR against those of the evaluator's tensors: every half, and floats around every
 * half and every place where rounding turns. */
#include "backend/lower_half.h"
#include "ir/eval.h"
#include "tests/test.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { HALVES = 65536, NEAR = 8 };

static void convert(DType half, bool widen, const void *in, void *out, int64_t count) {
  Context *c = context_new();
  Kernel *k = kernel_new(c->arena, "half", "test");
  ParamId x = kernel_param(k, "x", ROLE_IN, widen ? DT_u16 : DT_f32, count);
  ParamId y = kernel_param(k, "y", ROLE_OUT, widen ? DT_f32 : DT_u16, count);
  VarId i = emit_for(k, LOP_pfor, "i", 0, count, 1);
  RegId a = kernel_reg(k, widen ? REG_i32 : REG_f32, 1, "a");
  emit_load(k, a, x, affine_var(i, 1));
  Expr e = expr_new(k, REG_f32, 1, "r");
  emit_store(k, y, affine_var(i, 1), widen ? half_to_f32(e, half, a) : half_from_f32(e, half, a));
  emit_end(k);
  CHECK(loop_check(c, k));
  for (size_t n = 0; n < c->count; n++) printf("%s\n", c->list[n].text);
  if (!c->errors) loop_eval(k, (void *const[]){(void *)(uintptr_t)in, out}, true, 0, 1);
  context_free(c);
}

static Tensor vector(DType t, int64_t count) {
  Type type = type_make(t, 1, &count);
  return tensor_new(&type);
}

/* Little-endian halves of a machine that is so, too. */
static void widens(DType half) {
  static uint16_t bits[HALVES];
  static float got[HALVES];
  TEST(dtype_name(half));
  for (unsigned i = 0; i < HALVES; i++) bits[i] = (uint16_t)i;
  convert(half, true, bits, got, HALVES);
  Tensor want = vector(half, HALVES);
  tensor_load(&want, bits);
  int wrong = 0;
  for (int i = 0; i < HALVES; i++)
    wrong += isnan(want.f[i]) ? !isnan(got[i]) : (double)got[i] != want.f[i] || !signbit(got[i]) != !signbit(want.f[i]);
  CHECK(wrong == 0);
  tensor_free(&want);
}

/* Around each half, and around the middle between it and the next: the float itself and those beside it. */
static int64_t samples(DType half, float *x) {
  static uint16_t bits[HALVES];
  for (unsigned i = 0; i < HALVES; i++) bits[i] = (uint16_t)i;
  Tensor all = vector(half, HALVES);
  tensor_load(&all, bits);
  int64_t n = 0;
  for (int i = 0; i < HALVES; i++) {
    float at = (float)all.f[i], next = (float)all.f[(i + 1) % HALVES], middle = (at + next) / 2;
    x[n++] = at;
    x[n++] = nextafterf(at, INFINITY);
    x[n++] = nextafterf(at, -INFINITY);
    x[n++] = middle;
    x[n++] = nextafterf(middle, INFINITY);
    x[n++] = nextafterf(middle, -INFINITY);
    x[n++] = at * 1.0003f;
    x[n++] = at * 1e5f;
  }
  tensor_free(&all);
  return n;
}

static void narrows(DType half) {
  static float x[HALVES * NEAR];
  static uint16_t got[HALVES * NEAR], want[HALVES * NEAR];
  TEST(dtype_name(half));
  int64_t count = samples(half, x);
  convert(half, false, x, got, count);
  Tensor exact = vector(half, count);
  for (int64_t i = 0; i < count; i++) exact.f[i] = (double)x[i];
  tensor_store(&exact, want, false);
  int wrong = 0;
  unsigned infinity = half == DT_f16 ? 0x7c00 : 0x7f80;
  for (int64_t i = 0; i < count; i++) wrong += isnan(x[i]) ? (got[i] & 0x7fff) <= infinity : got[i] != want[i];
  CHECK(wrong == 0);
  tensor_free(&exact);
}

int main(void) {
  const uint16_t one = 1;
  if (!*(const unsigned char *)&one) return test_result(); /* tensors are read as little-endian bytes */
  widens(DT_f16);
  widens(DT_bf16);
  narrows(DT_f16);
  narrows(DT_bf16);
  return test_result();
}
