/* A model's inputs from files: .npy, .npz, .pb (ONNX TensorProto), raw elements, pictures. */
#ifndef NEXTC_INPUTS_H
#define NEXTC_INPUTS_H
#include "cli/case.h"
#include "cli/cli.h"
#include "cli/preprocess.h"

/* INPUT_OPTIONS' values as data sets: one, or with pictures for a fixed batch as many as it takes. declared: the model
 * as imported. An ExitStatus + diag. */
int inputs_read(Context *, const Args *, const Graph *declared, DataSet **sets, size_t *count);

#define INPUT_OPTIONS                                                                                                  \
  {"--input", "FILE",                                                                                                  \
   "an input, or NAME=FILE: .npy, .npz, .pb, else raw little-endian elements; without NAME in\n"                       \
   "the model's order; a .npz may hold several by name"},                                                              \
      {"--image", "FILE", "a PNG or JPEG for the image input; several make a batch"},                                  \
      {"--resize", "PIXELS", "shorter side before the crop; default: the crop's / the model's share of it, 0.875"},    \
      {"--crop", "PIXELS", "side of the centre crop where the model's height and width are symbols"},                  \
      {"--filter", "bicubic|bilinear|lanczos|nearest", "as PIL's; default: the model's, else bicubic"},                \
      {"--mean", "X,X,X", "of pixels in [0, 1]; default: the model's, else ImageNet's for 3, else 0"}, {               \
    "--std", "X,X,X", "default: likewise, else 1"                                                                      \
  }
#endif
