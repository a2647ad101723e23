/* Patches as rows in memory, for the families whose gemm reads them. */
#ifndef NEXTC_LOWER_PATCHES_H
#define NEXTC_LOWER_PATCHES_H
#include "backend/lower.h"

/* Fills rows [N OH OW, KH KW C] of `to` with the windows of x, as the patches op says, as one pfor. norm: each pixel of
 * x goes through that layernorm over its channels on the way (x is nhwc then); NULL: copied. */
void emit_patches(Lower *, const Op *patches, const Op *norm, ParamId x, ParamId to);
#endif
