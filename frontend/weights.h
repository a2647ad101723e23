/* Giving a network without weights the tensors of a file. */
#ifndef NEXTC_WEIGHTS_H
#define NEXTC_WEIGHTS_H
#include "frontend/frontend.h"
#include "frontend/onnx_file.h"
#include "frontend/tensor_file.h"

/* A file of weights, and the names of all its tensors. */
typedef struct {
  Source *source;
  const char **names; /* [count], in the context's arena */
  size_t count;
  OnnxFile *onnx; /* an ONNX file's initializers; NULL: another kind of file */
} WeightFile;

/* safetensors, its index of shards, .npz or ONNX, by content and name. False + diag. */
bool open_weights(Context *, const char *path, WeightFile *out);

/* g's weights, which are no_weights', become those of `from`: a file, or random:SEED. Names are those of the network,
 * or what a naming scheme makes of them; a tensor may have axes of 1 more or fewer, and any float type. What is
 * missing, left over, or has a wrong shape is listed: false + diag. */
bool bind_weights(Graph *g, const char *from);

/* ---- weight_names.c: who calls what how ---- */
extern const size_t scheme_count;
enum { SCHEME_PREFIXES = 7 };
/* "a ResNet", by a part of a tensor's name that only such networks have; NULL: it tells nothing. */
const char *architecture_of(const char *tensor);
const char *scheme_name(size_t scheme); /* "Hugging Face transformers" */
/* What the scheme, with one of its prefixes, calls the network's parameter; NULL: nothing. */
const char *scheme_tensor(Arena *, size_t scheme, size_t prefix, const char *parameter);

/* ---- align_weights.c ---- */
/* Parameters that the names of an ONNX file do not tell are found by where they stand: both graphs are brought to one
 * form and walked side by side. exprs[i]: where the network's weight op ids[i] (of g) was found, the value in g that it
 * becomes, else 0. used: marks names[] of the file. */
void align_weights(Graph *g, WeightFile *, const OpId *ids, size_t count, ValueId *exprs, bool *used);
#endif
