/* What the programs around emitted C share: sizes of a model's tensors. Written beside m.h. */
#ifndef TENSORS_H
#define TENSORS_H
#include "m.h"
#include <stdlib.h>
#include <string.h>

/* Value of a model's symbol among the words "SYMBOL=VALUE"; 0: not there. */
static int64_t symbol_value(const char *name, char **words, int count) {
  size_t length = strlen(name);
  int i;
  for (i = 0; i < count; i++)
    if (!strncmp(words[i], name, length) && words[i][length] == '=')
      return (int64_t)strtoll(words[i] + length + 1, NULL, 10);
  return 0;
}

/* Bytes of a tensor: those at symbols of 1, times each symbol among its dims. */
static size_t tensor_bytes(const nextc_tensor *t, const int64_t *symbols) {
  size_t bytes = t->bytes;
  int i;
  for (i = 0; i < t->rank; i++)
    if (t->dim[i] < 0) bytes *= (size_t)symbols[-t->dim[i] - 1];
  return bytes;
}
#endif
