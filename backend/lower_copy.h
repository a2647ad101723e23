/* Strided copies and fills: every op that moves elements is a list of these. */
#ifndef NEXTC_LOWER_COPY_H
#define NEXTC_LOWER_COPY_H
#include "backend/lower_nest.h"

enum { MAX_COPY_AXES = 2 * MAX_RANK };

/* to[to_at + sum i_a to_stride_a] = from[from_at + sum i_a from_stride_a] for all i_a in [0, size_a). Writes are
 * disjoint; strides of `from` may be 0 or negative. */
typedef struct {
  int rank;
  int64_t size[MAX_COPY_AXES], from[MAX_COPY_AXES], to[MAX_COPY_AXES];
  int64_t from_at, to_at;
} Copy;
void copy_axis(Copy *, int64_t size, int64_t from_stride, int64_t to_stride); /* appends an axis, outermost first */

/* Where copies go and what they read; one for all copies of a kernel. */
typedef struct {
  Lower *lower;
  ParamId to, from;
  bool fill; /* `value` instead of elements of `from` */
  double value;
  bool vectors;
  RegPool pool;
} Copier;
Copier copier_new(Lower *, ParamId to, ParamId from, DType);

/* Emits the loops of one copy (one or more pfors). Nothing for a copy without elements. */
void emit_copy(Copier *, Copy);
#endif
