/* Integers of every width, and strided walks; see eval_util.h. */
#include "ir/eval_util.h"
#include <stdlib.h>
#include <string.h>

void *eval_alloc(int64_t count) {
  void *p = calloc(count > 0 ? (size_t)count : 1, 8);
  if (!p) die_memory(8 * (size_t)count);
  return p;
}

int64_t integer_wrap(DType t, int64_t x) {
  switch (t) {
  case DT_bool: return x != 0;
  case DT_u8: return (uint8_t)x;
  case DT_u16: return (uint16_t)x;
  case DT_u32: return (uint32_t)x;
  case DT_i8: return (int64_t)((uint64_t)x & 0x7f) - (int64_t)((uint64_t)x & 0x80);
  case DT_i16: return (int64_t)((uint64_t)x & 0x7fff) - (int64_t)((uint64_t)x & 0x8000);
  case DT_i32: return (int64_t)((uint64_t)x & 0x7fffffff) - (int64_t)((uint64_t)x & 0x80000000);
  default: return x;
  }
}

int64_t integer_least(DType t) {
  if (dtype_is_unsigned(t)) return 0;
  return -(INT64_MAX >> (64 - 8 * (int)dtype_bytes(t))) - 1;
}

int64_t integer_greatest(DType t) {
  if (t == DT_bool) return 1;
  if (t == DT_u64) return -1;
  return INT64_MAX >> (64 - 8 * (int)dtype_bytes(t) - (dtype_is_unsigned(t) ? 1 : 0));
}

int64_t integer_from_double(DType t, double x) {
  if (t == DT_bool) return x != 0;
  if (x != x) return 0;
  double below = integer_to_double(t, integer_least(t)), above = integer_to_double(t, integer_greatest(t));
  if (x <= below) return integer_least(t);
  if (x >= above) return integer_greatest(t); /* `above` of 64-bit types is one too large, and saturates too */
  return t == DT_u64 ? (int64_t)(uint64_t)x : (int64_t)x;
}

double integer_to_double(DType t, int64_t x) { return t == DT_u64 ? (double)(uint64_t)x : (double)x; }

Walk walk_over(const Type *t) {
  Walk w = {.rank = t->rank};
  for (int i = 0; i < t->rank; i++) w.dim[i] = t->dim[i];
  return w;
}

void walk_add_strides(Walk *w, const int64_t *strides) {
  for (int i = 0; i < w->rank; i++) w->stride[w->arrays][i] = strides[i];
  w->arrays++;
}

void walk_add_type(Walk *w, const Type *t) {
  int64_t own[MAX_RANK], strides[MAX_WALK] = {0};
  type_strides(t, own);
  for (int i = 0; i < t->rank; i++)
    if (t->dim[i] != 1) strides[w->rank - t->rank + i] = own[i];
  walk_add_strides(w, strides);
}

int64_t kept_strides(const Type *t, unsigned keep_mask, int64_t *strides) {
  int64_t count = 1;
  for (int i = t->rank; i-- > 0;) {
    bool kept = keep_mask >> i & 1;
    strides[i] = kept ? count : 0;
    if (kept) count *= t->dim[i];
  }
  return count;
}

static void move_axis(Walk *w, int to, int from) {
  w->dim[to] = w->dim[from];
  for (int a = 0; a < w->arrays; a++) w->stride[a][to] = w->stride[a][from];
}

/* Can axes outer and outer + 1 be one loop? */
static bool mergeable(const Walk *w, int outer) {
  for (int a = 0; a < w->arrays; a++)
    if (w->stride[a][outer] != w->stride[a][outer + 1] * w->dim[outer + 1]) return false;
  return true;
}

/* Drops axes of one element and merges neighbours. */
static void simplify(Walk *w) {
  int rank = 0;
  for (int i = 0; i < w->rank; i++)
    if (w->dim[i] != 1) move_axis(w, rank++, i);
  w->rank = rank;
  for (int i = rank - 2; i >= 0; i--) {
    if (!mergeable(w, i)) continue;
    w->dim[i + 1] *= w->dim[i];
    for (int j = i; j < w->rank - 1; j++) move_axis(w, j, j + 1);
    w->rank--;
  }
}

static void run_simple(const Walk *w, WalkRow row, void *context) {
  int64_t index[MAX_WALK] = {0}, offset[MAX_ARRAYS], step[MAX_ARRAYS];
  for (int i = 0; i < w->rank; i++)
    if (w->dim[i] == 0) return;
  int last = w->rank - 1;
  for (int a = 0; a < w->arrays; a++) {
    offset[a] = w->base[a];
    step[a] = last < 0 ? 0 : w->stride[a][last];
  }
  for (;;) {
    row(context, last < 0 ? 1 : w->dim[last], offset, step);
    int axis = last - 1;
    for (; axis >= 0; axis--) {
      for (int a = 0; a < w->arrays; a++) offset[a] += w->stride[a][axis];
      if (++index[axis] < w->dim[axis]) break;
      for (int a = 0; a < w->arrays; a++) offset[a] -= w->stride[a][axis] * w->dim[axis];
      index[axis] = 0;
    }
    if (axis < 0) return;
  }
}

void walk_run(Walk w, WalkRow row, void *context) {
  simplify(&w);
  run_simple(&w, row, context);
}

typedef struct {
  char *out;
  const char *in;
} Copy;

static void copy_row(void *context, int64_t n, const int64_t *offset, const int64_t *step) {
  const Copy *c = context;
  char *out = c->out + 8 * offset[0];
  const char *in = c->in + 8 * offset[1];
  if (step[0] == 1 && step[1] == 1) {
    memcpy(out, in, 8 * (size_t)n);
    return;
  }
  for (int64_t i = 0; i < n; i++) memcpy(out + 8 * i * step[0], in + 8 * i * step[1], 8);
}

enum { BLOCK = 8, STRIP = 256 }; /* a cache line of 8-byte elements; pages that the TLB holds */

/* The innermost axis in blocks, and just outside of each block STRIP elements of `contiguous`, the axis that the input
 * runs along: a cache line of the input is used up before it leaves, and one of the output is written at once. */
static void copy_blocked(const Walk *w, int contiguous, Copy *c) {
  Walk b = *w;
  int last = w->rank - 1, at = 0;
  for (int i = 0; i < last; i++)
    if (i != contiguous) move_axis(&b, at++, i);
  b.rank = at + 3;
  for (int a = 0; a < w->arrays; a++) {
    b.stride[a][at] = w->stride[a][last] * BLOCK;
    b.stride[a][at + 1] = w->stride[a][contiguous];
    b.stride[a][at + 2] = w->stride[a][last];
  }
  int64_t blocks = w->dim[last] / BLOCK, length = w->dim[contiguous];
  for (int64_t first = 0; first < length; first += STRIP) {
    b.dim[at + 1] = length - first < STRIP ? length - first : STRIP;
    b.dim[at] = blocks;
    b.dim[at + 2] = BLOCK;
    for (int a = 0; a < w->arrays; a++) b.base[a] = w->base[a] + first * w->stride[a][contiguous];
    run_simple(&b, copy_row, c);
    b.dim[at] = 1;
    b.dim[at + 2] = w->dim[last] % BLOCK;
    for (int a = 0; a < w->arrays; a++) b.base[a] += w->stride[a][last] * BLOCK * blocks;
    run_simple(&b, copy_row, c);
  }
}

void copy_box(void *out, const int64_t *out_stride, const void *in, const int64_t *in_stride, int rank,
              const int64_t *dim) {
  Walk w = {.rank = rank};
  Copy c = {out, in};
  for (int i = 0; i < rank; i++) w.dim[i] = dim[i];
  walk_add_strides(&w, out_stride);
  walk_add_strides(&w, in_stride);
  simplify(&w);
  int last = w.rank - 1;
  for (int i = 0; i < last; i++)
    if (w.stride[1][i] == 1 && w.stride[1][last] != 1 && w.stride[1][last] != 0) {
      copy_blocked(&w, i, &c);
      return;
    }
  run_simple(&w, copy_row, &c);
}
