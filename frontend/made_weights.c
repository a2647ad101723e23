/* Weights without a file: none, and random ones.
 *
 * random:SEED. Element i of tensor NAME is a uniform number u in [-1, 1) of 24 bits:
 *   key = mix(SEED + hash of NAME);  u = (mix(key + (i + 1) * 0x9E3779B97F4A7C15) >> 40) / 2^23 - 1
 * with the 64-bit finaliser of SplitMix64 as mix and hash_bytes as the hash, and becomes centre + u * spread in f32:
 *   two or more dims above 1    0 + u sqrt(3 / fan-in), the fan-in being the product of all dims but the first
 *   ...bias, ...beta, ...running_mean    0 + u / 8
 *   all others (gains, variances)        1 + u / 4
 * so that activations stay of order 1, and no gain is 0 or 1. Only integers, * + and sqrt: the same on every machine.
 */
#include "frontend/frontend.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- none ---- */

typedef struct {
  Context *ctx;
  const char *model;
} NoWeights;

static bool none_make(Source *s, const char *name, const Type *type, TensorView *out) {
  const NoWeights *n = s->impl;
  (void)name, (void)type, (void)out;
  return error_in(n->ctx, n->model, "has no weights; give --weights-from=FILE or --weights-from=random:SEED");
}

Source *no_weights(Context *ctx, const char *model) {
  NoWeights *n = ARENA_NEW(ctx->arena, NoWeights);
  Source *s = ARENA_NEW(ctx->arena, Source);
  *n = (NoWeights){ctx, arena_strdup(ctx->arena, model)};
  *s = (Source){.path = "none:", .impl = n, .make = none_make};
  return s;
}

bool is_no_weights(const Source *s) { return s->make == none_make; }

/* ---- random ---- */

typedef struct {
  Context *ctx;
  uint64_t seed;
  unsigned char **made; /* tensors that are not dropped yet, malloc'ed */
  size_t made_count, made_capacity;
} Random;

static uint64_t mix(uint64_t x) {
  x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
  x = (x ^ x >> 27) * 0x94D049BB133111EBu;
  return x ^ x >> 31;
}

static bool ends_with(const char *s, const char *end) {
  size_t a = strlen(s), b = strlen(end);
  return a >= b && !strcmp(s + a - b, end);
}

static void choose_range(const char *name, const Type *t, float *centre, float *spread) {
  int wide = 0;
  for (int i = 0; i < t->rank; i++) wide += t->dim[i] > 1;
  bool shift = ends_with(name, "bias") || ends_with(name, "beta") || ends_with(name, "running_mean");
  *centre = wide > 1 || shift ? 0.0F : 1.0F;
  *spread = wide > 1 ? sqrtf(3.0F / (float)(type_elements(t) / t->dim[0])) : shift ? 0.125F : 0.25F;
}

static bool random_make(Source *s, const char *name, const Type *type, TensorView *out) {
  Random *r = s->impl;
  if (type->dtype != DT_f32)
    return error_in(r->ctx, s->path, "tensor '%.100s' is %s; random weights are f32", name,
                    dtype_name((DType)type->dtype));
  size_t count = (size_t)type_elements(type);
  unsigned char *bytes = malloc(count * 4 + 1);
  if (!bytes) die_memory(count * 4);
  GROW(r->ctx->arena, r->made, r->made_count, r->made_capacity);
  r->made[r->made_count++] = bytes;
  float centre, spread;
  choose_range(name, type, &centre, &spread);
  uint64_t key = mix(r->seed + hash_bytes(name, strlen(name), 0));
  for (size_t i = 0; i < count; i++) {
    key += 0x9E3779B97F4A7C15u;
    float u = (float)(int32_t)(mix(key) >> 40) * 0x1p-23F - 1.0F, x = u * spread + centre;
    uint32_t bits;
    memcpy(&bits, &x, 4);
    for (int b = 0; b < 4; b++) bytes[4 * i + (size_t)b] = (unsigned char)(bits >> (8 * b));
  }
  *out = (TensorView){.type = *type, .data = bytes, .bytes = count * 4};
  return true;
}

static void random_drop(Source *s, const TensorView *v) {
  Random *r = s->impl;
  for (size_t i = 0; i < r->made_count; i++)
    if (r->made[i] == v->data) {
      free(r->made[i]);
      r->made[i] = r->made[--r->made_count];
      return;
    }
}

static void random_close(Source *s) {
  Random *r = s->impl;
  for (size_t i = 0; i < r->made_count; i++) free(r->made[i]);
  r->made_count = 0;
}

Source *random_weights(Context *ctx, const char *path) {
  const char *digits = path + strlen("random:");
  uint64_t seed = 0;
  for (const char *p = digits; *p; p++) {
    uint64_t digit = (uint64_t)(*p - '0');
    if (*p < '0' || *p > '9' || seed > (UINT64_MAX - digit) / 10)
      return error_in(ctx, path, "random:SEED takes a whole number below 2^64"), NULL;
    seed = seed * 10 + digit;
  }
  if (!*digits) return error_in(ctx, path, "random:SEED takes a whole number"), NULL;
  Random *r = ARENA_NEW(ctx->arena, Random);
  Source *s = ARENA_NEW(ctx->arena, Source);
  *r = (Random){.ctx = ctx, .seed = seed};
  *s = (Source){.path = arena_strdup(ctx->arena, path),
                .impl = r,
                .make = random_make,
                .drop_pages = random_drop,
                .close = random_close};
  return s;
}
