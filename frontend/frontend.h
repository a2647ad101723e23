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

/* MODEL by what it is: zoo:NAME, a checkpoint folder, .nir, .yaml or .onnx (by content, then by name). The graph's name
 * is the file's, made a C identifier. */
Graph *load_model(Context *, const char *path, const DimPin *pins, size_t pin_count);
/* The same with weights for a model that has none (weights.h): a file, or random:SEED. NULL: as load_model. */
Graph *load_model_from(Context *, const char *path, const DimPin *pins, size_t pin_count, const char *weights_from);
/* "dir/conv-next.v1.onnx" -> "conv_next_v1", in the arena. */
const char *graph_name_of(Arena *, const char *path);

/* .onnx: graph "as imported": every node translated by the table onnx_ops.def, shapes inferred, no pass run. */
Graph *load_onnx(Context *, const char *path, const DimPin *pins, size_t pin_count);
/* Opens a weights file that a .nir text names (an OpenSource): any that open_weights reads, random:SEED, none:. */
Source *open_source(Context *, const char *path);
/* What a description without weights has for source 0, "none:": asking it for a tensor is an error of the model. */
Source *no_weights(Context *, const char *model);
bool is_no_weights(const Source *);
/* "random:SEED" (docs/yaml.md): numbers from the seed, a tensor's name and its index alone. NULL + diag: no seed. */
Source *random_weights(Context *, const char *path);

/* A file mapped read-only; the context remembers its name among those that were read. */
typedef struct {
  const char *path;
  const unsigned char *data; /* NULL where size is 0 */
  size_t size;
  void *mapping; /* the frontend's own */
} MappedFile;
bool map_file(Context *, const char *path, MappedFile *); /* false + diag */
void unmap_file(MappedFile *);
void drop_mapped(const MappedFile *, size_t from,
                 size_t size); /* these bytes' pages may go; they come back when read */
uint64_t hash_mapped(const MappedFile *, uint64_t seed);

/* ONNX TensorProto file (test_data_set_N/input_I.pb) as a typed view; data are copied into the arena. */
bool read_tensor_pb(Context *, Arena *, const char *path, TensorView *out);
#endif
