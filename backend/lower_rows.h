/* Loops over contiguous f32 elements in vectors, for the small vector steps between products. */
#ifndef NEXTC_LOWER_ROWS_H
#define NEXTC_LOWER_ROWS_H
#include "backend/lower.h"

/* Calls emit(user, at, lanes) inside a loop over the whole vectors of 0 .. count - 1 and once per piece that is left.
 */
typedef void (*EmitVector)(void *user, Affine at, int lanes);
void emit_vectors(Lower *, int64_t count, EmitVector, void *user);
#endif
