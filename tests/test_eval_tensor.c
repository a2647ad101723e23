/* Stored elements of every data type: load, store, rounding, byte order. */
#include "ir/eval.h"
#include "tests/test.h"
#include <math.h>
#include <stdlib.h>

static Tensor vector(DType t, Dim n) {
  Type type = type_make(t, 1, &n);
  return tensor_new(&type);
}

static uint16_t bits16(DType t, double x) {
  Tensor v = vector(t, 1);
  unsigned char b[2];
  v.f[0] = x;
  tensor_store(&v, b, false);
  tensor_free(&v);
  return (uint16_t)(b[0] | b[1] << 8);
}

/* All 65536 patterns survive load and store, but for what a NaN holds. */
static void narrow_round_trip(DType t, unsigned infinity) {
  Tensor v = vector(t, 65536);
  unsigned char *in = malloc(131072), *out = malloc(131072);
  for (unsigned i = 0; i < 65536; i++) in[2 * i] = (unsigned char)i, in[2 * i + 1] = (unsigned char)(i >> 8);
  tensor_load(&v, in);
  tensor_store(&v, out, false);
  int wrong = 0;
  for (unsigned i = 0; i < 65536; i++) {
    bool is_nan = (i & 0x7fff) > infinity;
    if (is_nan)
      wrong += v.f[i] == v.f[i];
    else
      wrong += in[2 * i] != out[2 * i] || in[2 * i + 1] != out[2 * i + 1];
  }
  CHECK(wrong == 0);
  CHECK(bits16(t, (double)NAN) > infinity);
  tensor_free(&v);
  free(in);
  free(out);
}

static void halves(void) {
  TEST("f16 and bf16");
  narrow_round_trip(DT_f16, 0x7c00);
  narrow_round_trip(DT_bf16, 0x7f80);
  CHECK(bits16(DT_f16, 1) == 0x3c00);
  CHECK(bits16(DT_f16, -2) == 0xc000);
  CHECK(bits16(DT_f16, 65504) == 0x7bff);
  CHECK(bits16(DT_f16, 65519.99) == 0x7bff);
  CHECK(bits16(DT_f16, 65520) == 0x7c00);
  CHECK(bits16(DT_f16, 65536) == 0x7c00 && bits16(DT_f16, -3e5) == 0xfc00);
  CHECK(bits16(DT_f16, 1e300) == 0x7c00 && bits16(DT_f16, -INFINITY) == 0xfc00);
  CHECK(bits16(DT_f16, 1 + 0x1p-11) == 0x3c00); /* half: to even */
  CHECK(bits16(DT_f16, 1 + 0x3p-11) == 0x3c02);
  CHECK(bits16(DT_f16, 1 + 0x1p-11 + 0x1p-40) == 0x3c01); /* one rounding, not by way of f32 */
  CHECK(bits16(DT_f16, 0x1p-24) == 1);
  CHECK(bits16(DT_f16, 0x1p-25) == 0);
  CHECK(bits16(DT_f16, 0x1.8p-25) == 1);
  CHECK(bits16(DT_f16, 0x1p-25 + 0x1p-60) == 1);
  CHECK(bits16(DT_f16, 0x1.ffcp-15 + 0x1p-26) == 0x0400); /* carries from subnormal to normal */
  CHECK(bits16(DT_f16, 0x1p-300) == 0 && bits16(DT_f16, -0.0) == 0x8000);
  CHECK(bits16(DT_bf16, 1) == 0x3f80);
  CHECK(bits16(DT_bf16, 1 + 0x1p-8) == 0x3f80);
  CHECK(bits16(DT_bf16, 1 + 0x3p-8) == 0x3f82);
  CHECK(bits16(DT_bf16, 3.4e38) == 0x7f80);
  CHECK(bits16(DT_bf16, 0x1p-133) == 1);
}

static void singles(void) {
  TEST("f32 and f64");
  Tensor v = vector(DT_f32, 3);
  unsigned char b[24];
  v.f[0] = 1 + 0x1p-24;
  v.f[1] = 0.1;
  v.f[2] = 1e300;
  tensor_store(&v, b, false);
  tensor_load(&v, b);
  CHECK(v.f[0] == 1 && v.f[1] == (double)0.1f && isinf(v.f[2]));
  CHECK(b[0] == 0 && b[2] == 0x80 && b[3] == 0x3f);
  tensor_store(&v, b, true);
  CHECK(b[0] == 0x3f && b[1] == 0x80 && b[3] == 0);
  tensor_free(&v);
  v = vector(DT_f64, 2);
  v.f[0] = 0.1;
  v.f[1] = -0.0;
  tensor_store(&v, b, false);
  v.f[0] = v.f[1] = 5;
  tensor_load(&v, b);
  CHECK(v.f[0] == 0.1 && v.f[1] == 0 && signbit(v.f[1]));
  tensor_free(&v);
}

static void integers(void) {
  TEST("integers");
  static const struct {
    DType type;
    int64_t value;
    unsigned char little[8];
  } cases[] = {
      {DT_i8, -2, {0xfe}},
      {DT_u8, 254, {0xfe}},
      {DT_bool, 1, {1}},
      {DT_i16, -2, {0xfe, 0xff}},
      {DT_u16, 0xfffe, {0xfe, 0xff}},
      {DT_i32, -0x12345678, {0x88, 0xa9, 0xcb, 0xed}},
      {DT_u32, 0xfffffffe, {0xfe, 0xff, 0xff, 0xff}},
      {DT_i64, -2, {0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},
      {DT_u64, -2, {0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    Tensor v = vector(cases[i].type, 1);
    unsigned char b[8] = {0};
    size_t size = dtype_bytes(cases[i].type);
    tensor_load(&v, cases[i].little);
    CHECK(v.i[0] == cases[i].value);
    tensor_store(&v, b, false);
    CHECK(!memcmp(b, cases[i].little, size));
    tensor_store(&v, b, true);
    CHECK(b[0] == cases[i].little[size - 1] && b[size - 1] == cases[i].little[0]);
    tensor_free(&v);
  }
  Tensor v = vector(DT_bool, 1);
  tensor_load(&v, (unsigned char[]){7});
  CHECK(v.i[0] == 1);
  tensor_free(&v);
}

static void odometer(void) {
  TEST("next_index");
  Dim dims[] = {2, 3};
  Type t = type_make(DT_f32, 2, dims);
  int64_t index[MAX_RANK] = {0}, steps = 1;
  while (next_index(&t, index)) {
    CHECK(index[0] * 3 + index[1] == steps);
    steps++;
  }
  CHECK(steps == 6 && index[0] == 0 && index[1] == 0);
  Type scalar = type_make(DT_f32, 0, NULL);
  CHECK(!next_index(&scalar, index));
}

int main(void) {
  halves();
  singles();
  integers();
  odometer();
  return test_result();
}
