/* Operators that move elements: boxes copied with strides, or through a table of indices for each axis. */
#include "ir/eval_util.h"
#include "ir/strassen.h"
#include <stdlib.h>
#include <string.h>

void eval_copy(Eval *e) {
  int64_t n = type_elements(&e->out[0].type);
  if (n) memcpy(tensor_data(&e->out[0]), tensor_data(e->in[0]), 8 * (size_t)n);
}

/* The whole result from operand 0 with the given strides, from element `first`. */
static void copy_from(Eval *e, int64_t first, const int64_t *strides) {
  int64_t own[MAX_RANK];
  const Type *t = &e->out[0].type;
  if (!type_elements(t)) return;
  type_strides(t, own);
  copy_box(tensor_data(&e->out[0]), own, (const char *)tensor_data(e->in[0]) + 8 * first, strides, t->rank, t->dim);
}

void eval_transpose(Eval *e) {
  int64_t in[MAX_RANK], strides[MAX_RANK];
  type_strides(&e->in[0]->type, in);
  for (int i = 0; i < e->out[0].type.rank; i++) strides[i] = in[e->op->attrs.perm.at[i]];
  copy_from(e, 0, strides);
}

void eval_expand(Eval *e) {
  const Type *t = &e->in[0]->type;
  int64_t in[MAX_RANK], strides[MAX_RANK] = {0};
  int shift = e->out[0].type.rank - t->rank;
  type_strides(t, in);
  for (int i = 0; i < t->rank; i++)
    if (t->dim[i] != 1) strides[shift + i] = in[i];
  copy_from(e, 0, strides);
}

void eval_slice(Eval *e) {
  const Attrs *a = &e->op->attrs;
  int64_t strides[MAX_RANK], first = 0;
  type_strides(&e->in[0]->type, strides);
  for (int i = 0; i < e->out[0].type.rank; i++) {
    first += a->starts.at[i] * strides[i];
    strides[i] *= a->steps.at[i];
  }
  copy_from(e, first, strides);
}

void eval_concat(Eval *e) {
  int64_t axis = e->op->attrs.axis, own[MAX_RANK], in[MAX_RANK], at = 0;
  type_strides(&e->out[0].type, own);
  for (uint32_t i = 0; i < e->op->operand_count; i++) {
    const Type *t = &e->in[i]->type;
    type_strides(t, in);
    if (type_elements(t))
      copy_box((char *)tensor_data(&e->out[0]) + 8 * at * own[axis], own, tensor_data(e->in[i]), in, t->rank, t->dim);
    at += t->dim[axis];
  }
}

/* map[axis][i]: operand index for result index i; -1: none, the result keeps what it is filled with. */
static void copy_mapped(Eval *e, int64_t *const *map) {
  const Type *t = &e->out[0].type;
  int64_t in[MAX_RANK], index[MAX_RANK] = {0}, n = type_elements(t);
  char *out = tensor_data(&e->out[0]);
  const char *from = tensor_data(e->in[0]);
  type_strides(&e->in[0]->type, in);
  int last = t->rank - 1;
  int64_t row = last < 0 ? 1 : t->dim[last];
  for (int64_t done = 0; done < n; done += row) {
    int64_t first = 0;
    bool inside = true;
    for (int i = 0; i < last; i++) {
      inside = inside && map[i][index[i]] >= 0;
      first += map[i][index[i]] * in[i];
    }
    for (int64_t k = 0; k < row && inside; k++) {
      int64_t at = last < 0 ? 0 : map[last][k];
      if (at >= 0) memcpy(out + 8 * (done + k), from + 8 * (first + at), 8);
    }
    if (last >= 0) index[last] = row - 1;
    next_index(t, index);
  }
}

typedef int64_t (*IndexRule)(const Eval *, int axis, int64_t i);

static void copy_by_rule(Eval *e, IndexRule rule) {
  const Type *t = &e->out[0].type;
  int64_t *map[MAX_RANK] = {0};
  for (int axis = 0; axis < t->rank; axis++) {
    map[axis] = eval_alloc(t->dim[axis]);
    for (int64_t i = 0; i < t->dim[axis]; i++) map[axis][i] = rule(e, axis, i);
  }
  copy_mapped(e, map);
  for (int axis = 0; axis < t->rank; axis++) free(map[axis]);
}

static int64_t modulo(int64_t x, int64_t n) { return (x % n + n) % n; }

static int64_t tile_index(const Eval *e, int axis, int64_t i) { return i % e->in[0]->type.dim[axis]; }

static int64_t pad_index(const Eval *e, int axis, int64_t i) {
  const char *mode = e->op->attrs.mode;
  int64_t d = e->in[0]->type.dim[axis], at = i - e->op->attrs.pads.at[axis];
  if (at >= 0 && at < d) return at;
  if (!mode) return -1;
  if (mode[0] == 'e') return at < 0 ? 0 : d - 1;
  if (mode[0] == 'w') return modulo(at, d);
  if (d == 1) return 0;
  at = modulo(at, 2 * (d - 1)); /* reflect: 0 1 2 3 2 1 0 1 ... */
  return at < d ? at : 2 * (d - 1) - at;
}

void eval_tile(Eval *e) { copy_by_rule(e, tile_index); }

void eval_pad(Eval *e) {
  Tensor *out = &e->out[0];
  double value = e->op->attrs.value;
  for (int64_t i = 0, n = type_elements(&out->type); i < n; i++) {
    if (out->f)
      out->f[i] = value;
    else
      out->i[i] = integer_from_double(out->type.dtype, value);
  }
  copy_by_rule(e, pad_index);
}

/* [rows, cols] in panels, each `stride` elements behind the one before. */
static void pack_panels(int64_t rows, int64_t cols, int64_t panel, int64_t stride, const char *in, char *out) {
  for (int64_t first = 0; first < cols; first += panel, out += 8 * stride) {
    size_t width = 8 * (size_t)(cols - first < panel ? cols - first : panel);
    for (int64_t k = 0; k < rows; k++) memcpy(out + 8 * k * panel, in + 8 * (k * cols + first), width);
  }
}

/* sum [rows, cols] = the quarters of w [2 rows, 2 cols], each by its coefficient. */
static void sum_quarters(const signed char *coefficient, int64_t rows, int64_t cols, const double *w, double *sum) {
  for (int64_t i = 0; i < rows * cols; i++) sum[i] = 0;
  for (int q = 0; q < 4; q++)
    for (int64_t k = 0; coefficient[q] && k < rows; k++)
      for (int64_t c = 0; c < cols; c++)
        sum[k * cols + c] += coefficient[q] * w[(q / 2 * rows + k) * 2 * cols + q % 2 * cols + c];
}

static void pack_strassen(int64_t rows, int64_t cols, int64_t panel, const double *w, double *out) {
  double *sum = eval_alloc(rows * cols);
  for (int p = 0; p < STRASSEN_PRODUCTS; p++) {
    sum_quarters(strassen_products[p].w, rows, cols, w, sum);
    pack_panels(rows, cols, panel, STRASSEN_PRODUCTS * rows * panel, (const char *)sum,
                (char *)(out + p * rows * panel));
  }
  free(sum);
}

void eval_pack(Eval *e) {
  const Type *t = &e->in[0]->type; /* [K, N] */
  const int64_t panel = e->op->attrs.panel, rows = t->dim[0], cols = t->dim[1];
  if (e->op->attrs.strassen)
    pack_strassen(rows / 2, cols / 2, panel, e->in[0]->f, e->out[0].f);
  else
    pack_panels(rows, cols, panel, rows * panel, tensor_data(e->in[0]), tensor_data(&e->out[0]));
}
