/* Files that hold tensors by name, as a Source: safetensors (one file or shards with an index) and .npz. */
#ifndef NEXTC_TENSOR_FILE_H
#define NEXTC_TENSOR_FILE_H
#include "frontend/frontend.h"
#include "ir/name_map.h"

typedef struct {
  const char *name;
  TensorView view;
  uint32_t file; /* which of TensorFile.files its data are in */
} StoredTensor;

typedef struct {
  Source source; /* impl points back here */
  Context *ctx;
  Arena *arena; /* owns all of it */
  MappedFile *files;
  size_t file_count, file_capacity;
  StoredTensor *tensors; /* in the order of the files */
  size_t tensor_count, tensor_capacity;
  NameMap names; /* to indices of tensors */
} TensorFile;

/* Each is NULL + diag. Closed by source.close. */
TensorFile *safetensors_open(Context *, const char *path);
TensorFile *safetensors_index_open(Context *, const char *path); /* model.safetensors.index.json */
TensorFile *npz_open(Context *, const char *path);

/* ---- for the readers ---- */
TensorFile *tensor_file_new(Context *, const char *path);
bool tensor_file_map(TensorFile *, const char *path); /* adds files[file_count - 1]; false + diag */
bool tensor_file_add(TensorFile *, const char *name, const TensorView *, uint32_t file); /* false + diag: it is there */
#endif
