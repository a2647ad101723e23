/* Reading models. Every loader returns NULL after at least one diagnostic. */
#ifndef NEXTC_FRONTEND_H
#define NEXTC_FRONTEND_H
#include "ir/hash.h"
#include "ir/ir.h"

/* A value for a symbolic dim of the model's inputs, by its name. */
typedef struct {
  const char *symbol;
  int64_t value; /* >= 1 */
} DimPin;

/* MODEL by what it is: .onnx or .nir (by content, then by name). The graph's name is the file's, made a C identifier. */
Graph *load_model(Context *, const char *path, const DimPin *pins, size_t pin_count);

/* .onnx: graph "as imported": every node translated by the table onnx_ops.def, shapes inferred, no pass run. */
Graph *load_onnx(Context *, const char *path, const DimPin *pins, size_t pin_count);
/* Opens a weights file that a .nir text names (an OpenSource). */
Source *open_source(Context *, const char *path);

/* A file mapped read-only. */
typedef struct {
  const char *path;
  const unsigned char *data; /* NULL where size is 0 */
  size_t size;
  void *mapping;             /* the frontend's own */
} MappedFile;
bool map_file(Context *, const char *path, MappedFile *); /* false + diag */
void unmap_file(MappedFile *);

/* ONNX TensorProto file (test_data_set_N/input_I.pb) as a typed view; data are copied into the arena. */
bool read_tensor_pb(Context *, Arena *, const char *path, TensorView *out);
#endif
