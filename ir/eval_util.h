/* What the eval_<name> functions share: integer wrapping, walks over strided arrays, box copies, a small matrix
 * product. Elements of a Tensor are 8 bytes whether double or int64_t; offsets and strides count elements. */
#ifndef NEXTC_EVAL_UTIL_H
#define NEXTC_EVAL_UTIL_H
#include "ir/eval.h"
#include "ir/op_functions.h"

/* malloc that dies; count elements of 8 bytes. */
void *eval_alloc(int64_t count);
static inline void *tensor_data(const Tensor *t) { return t->f ? (void *)t->f : (void *)t->i; }

/* a < b; big: both hold the bits of a u64. */
static inline bool integer_below(int64_t a, int64_t b, bool big) { return big ? (uint64_t)a < (uint64_t)b : a < b; }
/* x modulo the type's range; bool: x != 0. */
int64_t integer_wrap(DType, int64_t x);
int64_t integer_least(DType);
int64_t integer_greatest(DType); /* u64: -1, all bits set */
/* Towards zero, saturated to the type's range, NaN is 0. */
int64_t integer_from_double(DType, double);
double integer_to_double(DType, int64_t);

/* ---- walks: nested loops over `rank` axes that advance an offset into each of `arrays` arrays ---- */
enum { MAX_WALK = MAX_RANK + 1, MAX_ARRAYS = 4 };
typedef struct {
  int rank, arrays;
  int64_t dim[MAX_WALK];
  int64_t stride[MAX_ARRAYS][MAX_WALK]; /* 0: the array is broadcast along the axis */
  int64_t base[MAX_ARRAYS];
} Walk;
/* One run of the innermost axis: n elements, array a at offset[a], offset[a] + step[a], ... */
typedef void (*WalkRow)(void *context, int64_t n, const int64_t *offset, const int64_t *step);

/* Over the dims of a type; add_array appends an array of that type's shape, broadcast from the right. */
Walk walk_over(const Type *);
void walk_add_type(Walk *, const Type *);
void walk_add_strides(Walk *, const int64_t *strides);
/* Strides over t's axes of the array whose axes are the kept ones, in order; 0 for others. Returns its elements. */
int64_t kept_strides(const Type *, unsigned keep_mask, int64_t *strides);
/* Visits rows in row-major order; merges axes first. */
void walk_run(Walk, WalkRow, void *context);

/* out[sum i * out_stride] = in[sum i * in_stride] over a box. Any strides; blocked where that helps a transpose. */
void copy_box(void *out, const int64_t *out_stride, const void *in, const int64_t *in_stride, int rank,
              const int64_t *dim);

/* out [m, n] = x [m, k] w [k, n]; x_row, w_row, out_row: elements from row to row. Sums run over k ascending. */
void multiply(int64_t m, int64_t n, int64_t k, const double *x, int64_t x_row, const double *w, int64_t w_row,
              double *out, int64_t out_row);
/* The same with w [ceil(n / panel), k, panel]. */
void multiply_packed(int64_t m, int64_t n, int64_t k, const double *x, int64_t x_row, const double *w, int64_t panel,
                     double *out, int64_t out_row);
/* out [m, n] += bias [n]; NULL: nothing. */
void add_bias(int64_t m, int64_t n, const Tensor *bias, double *out);
#endif
