/* Tensors of the evaluator and their conversion from and to stored elements; see eval.h. */
#include "ir/eval_util.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

Tensor tensor_new(const Type *type) {
  Tensor t = {.type = *type};
  void *data = eval_alloc(type_elements(type));
  if (dtype_is_float(type->dtype))
    t.f = data;
  else
    t.i = data;
  return t;
}

void tensor_free(Tensor *t) {
  free(t->f);
  free(t->i);
  t->f = NULL;
  t->i = NULL;
}

bool next_index(const Type *t, int64_t *index) {
  for (int i = t->rank; i-- > 0;) {
    if (++index[i] < t->dim[i]) return true;
    index[i] = 0;
  }
  return false;
}

static uint64_t read_bytes(const unsigned char *p, size_t count) {
  uint64_t x = 0;
  for (size_t i = 0; i < count; i++) x |= (uint64_t)p[i] << (8 * i);
  return x;
}

static uint32_t read_u32(const unsigned char *p) {
  return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static double float_of_bits(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return (double)x;
}

static double double_of_bits(uint64_t bits) {
  double x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

/* f16: sign, 5 exponent bits of bias 15, 10 mantissa bits. */
static double half_of_bits(uint32_t bits) {
  int exponent = (int)(bits >> 10 & 31);
  double mantissa = bits & 1023, x;
  if (exponent == 31)
    x = mantissa > 0 ? (double)NAN : (double)INFINITY;
  else
    x = exponent ? ldexp(1024 + mantissa, exponent - 25) : ldexp(mantissa, -24);
  return bits >> 15 ? -x : x;
}

void tensor_load(Tensor *t, const void *bytes) {
  const unsigned char *p = bytes;
  int64_t n = type_elements(&t->type);
  size_t size = dtype_bytes(t->type.dtype);
  switch (t->type.dtype) {
  case DT_f32:
    for (int64_t i = 0; i < n; i++) t->f[i] = float_of_bits(read_u32(p + 4 * i));
    return;
  case DT_f64:
    for (int64_t i = 0; i < n; i++) t->f[i] = double_of_bits(read_bytes(p + 8 * i, 8));
    return;
  case DT_f16:
    for (int64_t i = 0; i < n; i++) t->f[i] = half_of_bits((uint32_t)read_bytes(p + 2 * i, 2));
    return;
  case DT_bf16:
    for (int64_t i = 0; i < n; i++) t->f[i] = float_of_bits((uint32_t)read_bytes(p + 2 * i, 2) << 16);
    return;
  default:
    for (int64_t i = 0; i < n; i++)
      t->i[i] = integer_wrap(t->type.dtype, (int64_t)read_bytes(p + (size_t)i * size, size));
  }
}

static uint32_t bits_of_float(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

static uint64_t bits_of_double(double x) {
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

/* x rounded to nearest even with `exponent_bits` and `mantissa_bits`, in that layout. One rounding, also to subnormals.
 */
static uint32_t narrow(double x, int exponent_bits, int mantissa_bits) {
  uint64_t bits = bits_of_double(x);
  uint32_t sign = (uint32_t)(bits >> 63) << (exponent_bits + mantissa_bits);
  uint32_t infinity = ((UINT32_C(1) << exponent_bits) - 1) << mantissa_bits;
  if (x != x) return sign | infinity | UINT32_C(1) << (mantissa_bits - 1);
  int bias = (1 << (exponent_bits - 1)) - 1;
  int exponent = (int)(bits >> 52 & 2047) - 1023 + bias; /* in the narrow format, were it normal */
  if (exponent >= (1 << exponent_bits) - 1) return sign | infinity;
  uint64_t mantissa = (bits & ((UINT64_C(1) << 52) - 1)) | UINT64_C(1) << 52;
  int drop = 52 - mantissa_bits;
  if (exponent < 1) {
    drop += 1 - exponent; /* subnormal: fewer bits, exponent field 0 */
    exponent = 0;
    if (drop > 54) return sign;
  }
  uint64_t kept = mantissa >> drop, rest = mantissa & ((UINT64_C(1) << drop) - 1), half = UINT64_C(1) << (drop - 1);
  if (rest > half || (rest == half && (kept & 1))) kept++;
  /* kept still has the hidden bit when normal, which adds 1 to the exponent field; a carry does too, as it should */
  uint32_t field = exponent ? (uint32_t)(exponent - 1) << mantissa_bits : 0;
  return sign | (field + (uint32_t)kept);
}

static uint64_t stored_bits(const Tensor *t, int64_t i) {
  switch (t->type.dtype) {
  case DT_f32: return bits_of_float((float)t->f[i]);
  case DT_f64: return bits_of_double(t->f[i]);
  case DT_f16: return narrow(t->f[i], 5, 10);
  case DT_bf16: return narrow(t->f[i], 8, 7);
  default: return (uint64_t)t->i[i];
  }
}

void tensor_store(const Tensor *t, void *bytes, bool big_endian) {
  unsigned char *p = bytes;
  size_t size = dtype_bytes(t->type.dtype);
  for (int64_t i = 0, n = type_elements(&t->type); i < n; i++, p += size) {
    uint64_t bits = stored_bits(t, i);
    for (size_t b = 0; b < size; b++) p[big_endian ? size - 1 - b : b] = (unsigned char)(bits >> (8 * b));
  }
}
