/* NumPy's .npz files: zip archives of .npy files, stored or deflated (np.savez, np.savez_compressed). */
#ifndef NEXTC_NPZ_H
#define NEXTC_NPZ_H
#include "ir/ir.h"

typedef struct {
  const char *name; /* without .npy */
  TensorView view;  /* data in the arena */
} NpzMember;

/* All arrays of a file, in its order. False + diag. */
bool npz_read(Context *, Arena *, const char *path, NpzMember **out, size_t *count);
#endif
