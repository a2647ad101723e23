/* A model's outputs for people and programs: the best classes, .npy files, JSON. */
#ifndef NEXTC_OUTPUTS_H
#define NEXTC_OUTPUTS_H
#include "cli/case.h"
#include "cli/cli.h"

typedef struct {
  const char *name;
  Tensor value; /* of all images */
} NamedOutput;

#define OUTPUT_OPTIONS                                                                                                 \
  {"--top", "K", "classes shown for an output [N, classes]; default: 5"},                                              \
      {"--labels", "FILE", "names of the classes, one a line; default: the model's"},                                  \
      {"-o", "FILE.npy", "writes an output; repeated: the next one"}, {                                                \
    "--format", "text|json", "json: every number of every output; default: text"                                       \
  }

/* As the options say; notes: the model's labels. An ExitStatus + diag. */
int outputs_write(Context *, const Args *, const Notes *, const NamedOutput *, size_t count);
#endif
