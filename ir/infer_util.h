/* What the infer_<name> functions share. Every check writes its own error text and returns false. Operands are counted
 * from 1 in texts, axes from 0. */
#ifndef NEXTC_INFER_UTIL_H
#define NEXTC_INFER_UTIL_H
#include "ir/ir.h"
#include "ir/op_functions.h"

/* A type or dim as users read it: "f32[N,64]", "2*N". */
typedef struct {
  char s[120];
} TypeText;
TypeText type_text(const Graph *, const Type *);
TypeText dim_text(const Graph *, Dim);
/* Of a symbolic dim: "give a number: --dim N=NUMBER". */
TypeText dim_remedy(const Graph *, Dim);

/* The result: refuses more than 2^48 elements, else stores it. */
bool give(Infer *, Type result);

bool needs(Infer *, uint32_t operands); /* operands 0..n-1 are there */
bool needs_float(Infer *, uint32_t index);
bool needs_rank(Infer *, uint32_t index, int least, int most);
bool needs_same_dtype(Infer *, uint32_t index);                  /* as operand 0; a missing operand passes */
bool needs_type(Infer *, uint32_t index, const Type *wanted);    /* a missing operand passes */
bool needs_vector(Infer *, uint32_t index, DType, Dim length);   /* the same for dtype[length] */
bool needs_mode(Infer *, const char *mode, const char *allowed); /* NULL or one of the space-separated words */
bool axis_ok(Infer *, int64_t axis, int rank);
bool axes_ok(Infer *, Ints axes, int rank);             /* in range, ascending */
bool flag_ok(Infer *, const char *name, int64_t value); /* 0 or 1 */
bool shape_ok(Infer *, Ints shape);                     /* rank, entries >= 0 or symbols of the graph */
bool packed_ok(Infer *, Dim rows);                      /* operand 1 is of packed_type with cols of the op */
bool halves_ok(Infer *, Dim rows, Dim cols);            /* for strassen */
Type packed_type(DType, Dim rows, Dim cols,
                 const Attrs *); /* of [rows, cols] behind pack; panel and strassen of attrs */
bool has_axis(Ints axes, int axis);
#endif
