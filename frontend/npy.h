/* NumPy's .npy files (format versions 1 to 3): one array of numbers, row-major, little-endian or of single bytes. */
#ifndef NEXTC_NPY_H
#define NEXTC_NPY_H
#include "ir/ir.h"

/* bytes: the whole file. out->data points into it. False + diag where it is anything else. */
bool npy_parse(Context *, const char *path, const unsigned char *bytes, size_t size, TensorView *out);
/* The same from a file; the data are copied into the arena. */
bool npy_read(Context *, Arena *, const char *path, TensorView *out);
#endif
