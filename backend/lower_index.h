/* Indices that come from data. */
#ifndef NEXTC_LOWER_INDEX_H
#define NEXTC_LOWER_INDEX_H
#include "backend/lower.h"

/* Fresh register with an element of an index tensor (of the register type for its dtype) as a place on an axis of n
 * elements: at += at < 0 ? n : 0; at = min(max(at, 0), n - 1). An index outside [-n, n) is clamped: whatever the data
 * say, nothing outside the axis is touched. */
RegId lower_index(Kernel *, RegType, ParamId, Affine at, int64_t n);
#endif
