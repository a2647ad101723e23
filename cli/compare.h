/* How far a tensor is from its reference. */
#ifndef NEXTC_COMPARE_H
#define NEXTC_COMPARE_H
#include "ir/eval.h"

typedef struct {
  double rtol, atol; /* floats: |y - ref| <= atol + rtol |ref|; integers and bools: equal */
} Tolerance;

/* What a reference of this type is worth: of a half, which other engines round to after every operator, ten of its
 * last places. */
Tolerance tolerance_default(DType);

typedef struct {
  double max_abs; /* largest |y - ref| */
  double max_rel; /* largest |y - ref| / |ref| where |ref| > atol */
  bool compared;  /* some tensor was: the numbers mean something */
  bool ok;
  const char *why; /* the first thing that is wrong, in an arena; NULL where ok */
} Difference;

Difference difference_none(void);
/* Adds the differences of one tensor. what names it in why ("output 0 of test_data_set_0"). Two NaNs are equal, and
 * two infinities of one sign. */
void difference_add(Difference *, Arena *, const char *what, const Tensor *got, const Tensor *want, Tolerance);
/* Adds a failure that is no number. */
void difference_fail(Difference *, Arena *, const char *format, ...) PRINTF_LIKE(3, 4);
#endif
