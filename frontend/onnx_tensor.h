/* ONNX's TensorProto as a TensorView: from the file itself, from an external data file, or converted once. */
#ifndef NEXTC_ONNX_TENSOR_H
#define NEXTC_ONNX_TENSOR_H
#include "frontend/frontend.h"
#include <onnx/onnx.pb-c.h>

typedef struct {
  const char *location; /* as the model spells it */
  MappedFile map;
  bool ok;
  bool is_short; /* a tensor that lies beyond its end was reported */
} ExternalFile;

/* The bytes that the tensors of one file refer to. Views live as long as it does. */
typedef struct {
  Context *ctx;
  Arena *arena;
  const char *path;
  MappedFile map; /* the file that the tensors were unpacked from (slim_unpack) */
  ExternalFile *external;
  size_t external_count, external_capacity;
} TensorStore;

/* False + diag on `where`: unknown data type, sizes that disagree, external data that is missing or out of bounds. */
bool tensor_view(TensorStore *, Where, const Onnx__TensorProto *, TensorView *out);

/* The external data file of a tensor, mapped once; NULL: it has none, or one that is reported (once). */
ExternalFile *tensor_external_file(TensorStore *, Where, const Onnx__TensorProto *);

/* "string", "float8e4m3fn", "99": for messages. */
const char *data_type_name(Arena *, int number);

/* Little-endian elements, in the arena, of host numbers. */
const void *little_endian(Arena *, const void *numbers, size_t number_bytes, size_t count, size_t element_bytes);

void tensor_store_close(TensorStore *); /* unmaps; the arena is the owner's */
#endif
