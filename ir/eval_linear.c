/* Matrix products, and the small blocked kernel that convolutions use too. */
#include "ir/eval_util.h"
#include "ir/strassen.h"
#include <stdlib.h>
#include <string.h>

enum { ROWS = 4, COLS = 4 };

/* sums [ROWS][COLS] = x [ROWS, k] w [k, COLS] */
static void block(int64_t k, const double *x, int64_t x_row, const double *w, double sums[ROWS][COLS]) {
  double s[ROWS][COLS] = {{0}};
  for (int64_t i = 0; i < k; i++)
    for (int r = 0; r < ROWS; r++)
      for (int c = 0; c < COLS; c++) s[r][c] += x[r * x_row + i] * w[i * COLS + c];
  memcpy(sums, s, sizeof s);
}

static void single_row(int64_t k, const double *x, const double *w, double sums[COLS]) {
  double s[COLS] = {0};
  for (int64_t i = 0; i < k; i++)
    for (int c = 0; c < COLS; c++) s[c] += x[i] * w[i * COLS + c];
  memcpy(sums, s, sizeof s);
}

/* `width` <= COLS columns of w, contiguous and filled up with zeros: [k, COLS]. */
static void take_columns(int64_t k, int64_t width, const double *w, int64_t w_row, double *out) {
  for (int64_t i = 0; i < k; i++)
    for (int64_t c = 0; c < COLS; c++) out[i * COLS + c] = c < width ? w[i * w_row + c] : 0;
}

void multiply(int64_t m, int64_t n, int64_t k, const double *x, int64_t x_row, const double *w, int64_t w_row,
              double *out, int64_t out_row) {
  double *columns = eval_alloc(k * COLS), sums[ROWS][COLS];
  for (int64_t j = 0; j < n; j += COLS) {
    int64_t width = n - j < COLS ? n - j : COLS;
    take_columns(k, width, w + j, w_row, columns);
    for (int64_t i = 0; i < m; i += ROWS) {
      int64_t height = m - i < ROWS ? m - i : ROWS;
      if (height == ROWS)
        block(k, x + i * x_row, x_row, columns, sums);
      else
        for (int64_t r = 0; r < height; r++) single_row(k, x + (i + r) * x_row, columns, sums[r]);
      for (int64_t r = 0; r < height; r++) memcpy(out + (i + r) * out_row + j, sums[r], sizeof(double) * (size_t)width);
    }
  }
  free(columns);
}

void multiply_packed(int64_t m, int64_t n, int64_t k, const double *x, int64_t x_row, const double *w, int64_t panel,
                     double *out, int64_t out_row) {
  for (int64_t j = 0; j < n; j += panel)
    multiply(m, n - j < panel ? n - j : panel, k, x, x_row, w + j * k, panel, out + j, out_row);
}

void add_bias(int64_t m, int64_t n, const Tensor *bias, double *out) {
  for (int64_t i = 0; bias && i < m; i++)
    for (int64_t j = 0; j < n; j++) out[i * n + j] += bias->f[j];
}

/* Quarter q of the [K, N] that was packed: 11 and 22 are products' own, 12 - 22 and 21 - 11 others'. [panels, 7, size]
 * to [panels, size], size = K / 2 panel. */
static void unpack_quarter(int q, int64_t panels, int64_t size, const double *w, double *out) {
  for (int64_t p = 0; p < panels; p++, w += STRASSEN_PRODUCTS * size, out += size) {
    const double *own = w + (q % 2 ? 4 : 1) * size, *rest = q == 1 ? w + 2 * size : q == 2 ? w + 3 * size : NULL;
    for (int64_t i = 0; i < size; i++) out[i] = own[i] + (rest ? rest[i] : 0);
  }
}

/* out [m, n] = x w with w packed for Strassen's products. What they add up to is computed as the plain product. */
static void multiply_strassen(int64_t m, int64_t n, int64_t k, const double *x, const double *w, int64_t panel,
                              double *out) {
  double *quarter = eval_alloc(k / 2 * (n / 2)), *part = eval_alloc(m * (n / 2));
  for (int q = 0; q < 4; q++) {
    unpack_quarter(q, n / 2 / panel, k / 2 * panel, w, quarter);
    multiply_packed(m, n / 2, k / 2, x + q / 2 * (k / 2), k, quarter, panel, part, n / 2);
    for (int64_t i = 0; i < m; i++)
      for (int64_t j = 0; j < n / 2; j++) {
        double *y = out + i * n + q % 2 * (n / 2) + j;
        *y = part[i * (n / 2) + j] + (q / 2 ? *y : 0);
      }
  }
  free(quarter);
  free(part);
}

void eval_gemm(Eval *e) {
  const Type *t = &e->in[0]->type;
  const Attrs *a = &e->op->attrs;
  int64_t k = t->dim[t->rank - 1], n = e->out[0].type.dim[t->rank - 1], m = 1;
  for (int i = 0; i < t->rank - 1; i++) m *= t->dim[i];
  const double *x = e->in[0]->f, *w = e->in[1]->f;
  double *out = e->out[0].f;
  if (a->strassen)
    multiply_strassen(m, n, k, x, w, a->panel, out);
  else if (a->cols)
    multiply_packed(m, n, k, x, k, w, a->panel, out, n);
  else
    multiply(m, n, k, x, k, w, n, out, n);
  add_bias(m, n, e->op->operand_count > 2 ? e->in[2] : NULL, out);
}

/* t itself, or with its last two axes swapped in new memory (*owned, to be freed). */
static const void *untransposed(const Tensor *t, bool swap, void **owned) {
  *owned = NULL;
  if (!swap) return tensor_data(t);
  int64_t in[MAX_RANK], out[MAX_RANK];
  Type swapped = t->type;
  int r = swapped.rank;
  swapped.dim[r - 2] = t->type.dim[r - 1];
  swapped.dim[r - 1] = t->type.dim[r - 2];
  type_strides(&t->type, in);
  type_strides(&swapped, out);
  int64_t last = in[r - 1];
  in[r - 1] = in[r - 2];
  in[r - 2] = last;
  *owned = eval_alloc(type_elements(&swapped));
  copy_box(*owned, out, tensor_data(t), in, r, swapped.dim);
  return *owned;
}

typedef struct {
  int64_t m, n, k;
  const void *a, *b;
  Tensor *out;
} Product;

static void float_product(void *context, int64_t count, const int64_t *at, const int64_t *step) {
  const Product *p = context;
  const double *a = p->a, *b = p->b;
  for (int64_t i = 0; i < count; i++)
    multiply(p->m, p->n, p->k, a + (at[1] + i * step[1]) * p->m * p->k, p->k, b + (at[2] + i * step[2]) * p->k * p->n,
             p->n, p->out->f + (at[0] + i * step[0]) * p->m * p->n, p->n);
}

static void integer_product(void *context, int64_t count, const int64_t *at, const int64_t *step) {
  const Product *p = context;
  DType t = p->out->type.dtype;
  for (int64_t batch = 0; batch < count; batch++) {
    const int64_t *a = (const int64_t *)p->a + (at[1] + batch * step[1]) * p->m * p->k;
    const int64_t *b = (const int64_t *)p->b + (at[2] + batch * step[2]) * p->k * p->n;
    int64_t *out = p->out->i + (at[0] + batch * step[0]) * p->m * p->n;
    for (int64_t i = 0; i < p->m; i++)
      for (int64_t j = 0; j < p->n; j++) {
        uint64_t sum = 0;
        for (int64_t k = 0; k < p->k; k++) sum += (uint64_t)a[i * p->k + k] * (uint64_t)b[k * p->n + j];
        out[i * p->n + j] = integer_wrap(t, (int64_t)sum);
      }
  }
}

static Type leading(const Type *t) {
  Type r = *t;
  r.rank = (uint8_t)(r.rank - 2);
  return r;
}

void eval_matmul(Eval *e) {
  const Attrs *at = &e->op->attrs;
  const Type *a = &e->in[0]->type, *t = &e->out[0].type;
  Type out = leading(t), left = leading(a), right = leading(&e->in[1]->type);
  void *owned[2];
  Product p = {.m = t->dim[t->rank - 2],
               .n = t->dim[t->rank - 1],
               .k = a->dim[a->rank - 1 - at->trans_a],
               .a = untransposed(e->in[0], at->trans_a, &owned[0]),
               .b = untransposed(e->in[1], at->trans_b, &owned[1]),
               .out = &e->out[0]};
  Walk w = walk_over(&out);
  walk_add_type(&w, &out);
  walk_add_type(&w, &left);
  walk_add_type(&w, &right);
  walk_run(w, e->in[0]->f ? float_product : integer_product, &p);
  free(owned[0]);
  free(owned[1]);
}
