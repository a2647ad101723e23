/* Runs a model that nextc compiled under the name m: 'nextc verify' builds this file beside m.c. C99.
 *   run WEIGHTS SYMBOL=VALUE... INPUT-FILE... OUTPUT-FILE...
 * Files hold elements as the machine does. With -DWEIGHTS_IN_FILE, WEIGHTS is loaded, else ignored.
 * Exit status: 0 done, 1 files, 2 the model reports an error, 3 it wrote outside its memory, 4 results depend on how
 * the work was cut into slices. */
#include "m.h"
#include "tensors.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GUARD = 256, SLICES = 3, ALIGN = 64 };

/* size bytes at a multiple of 64, filled with NaNs, and guard bytes behind. *block is what to free. */
static unsigned char *guarded(size_t size, void **block) {
  unsigned char *memory = malloc(size + GUARD + ALIGN);
  if (!memory) exit(1);
  *block = memory;
  memory += (ALIGN - (size_t)memory % ALIGN) % ALIGN;
  memset(memory, 0xff, size);
  memset(memory + size, 0x5a, GUARD);
  return memory;
}

static void check_guard(const unsigned char *memory, size_t size, const char *what) {
  size_t i;
  for (i = 0; i < GUARD; i++)
    if (memory[size + i] != 0x5a) {
      fprintf(stderr, "wrote past the end of %s\n", what);
      exit(3);
    }
}

static unsigned char *read_bytes(const char *path, size_t size, void **block) {
  unsigned char *bytes = guarded(size, block);
  FILE *f = fopen(path, "rb");
  if (!f || fread(bytes, 1, size, f) != size) {
    fprintf(stderr, "cannot read %lu bytes of %s\n", (unsigned long)size, path);
    exit(1);
  }
  fclose(f);
  return bytes;
}

static void write_bytes(const char *path, const void *bytes, size_t size) {
  FILE *f = fopen(path, "wb");
  if (!f || fwrite(bytes, 1, size, f) != size || fclose(f)) {
    fprintf(stderr, "cannot write %s\n", path);
    exit(1);
  }
}

/* A thread pool without threads: the slices one after the other, the last first. */
static void run_backwards(void *user, int slices, nextc_slice *run, void *context) {
  (void)user;
  while (slices-- > 0) run(context, slices);
}

static void invoke(const m_model *model, nextc_call *call, int threads) {
  void *block;
  size_t bytes = m_workspace_bytes(threads);
  int status;
  call->workspace = guarded(bytes, &block);
  call->threads = threads;
  call->parallel_for = threads > 1 ? run_backwards : NULL;
  status = m_invoke(model, call);
  if (status) {
    fprintf(stderr, "m_invoke: %s\n", m_error(status));
    exit(2);
  }
  check_guard(call->workspace, bytes, "the workspace");
  free(block);
}

enum { MAX = 256 };

/* Runs with one slice into outputs, then with SLICES into other memory, which must get the same bits. */
static void run_twice(const m_model *model, nextc_call *call, const size_t *bytes) {
  void *first[MAX], *second[MAX], *blocks[MAX];
  int i;
  invoke(model, call, 1);
  memcpy(first, call->outputs, sizeof(void *) * (size_t)m_output_count);
  for (i = 0; i < m_output_count; i++) second[i] = guarded(bytes[i], &blocks[i]);
  call->outputs = second;
  invoke(model, call, SLICES);
  for (i = 0; i < m_output_count; i++) {
    check_guard(first[i], bytes[i], "an output");
    check_guard(second[i], bytes[i], "an output");
    if (memcmp(first[i], second[i], bytes[i])) {
      fprintf(stderr, "output %d has other bits when the work is cut into %d slices\n", i, SLICES);
      exit(4);
    }
    free(blocks[i]);
  }
}

static const m_model *load(const char *path, m_model *model, void **block) {
#ifdef WEIGHTS_IN_FILE
  FILE *f = fopen(path, "rb");
  long size;
  int status;
  if (!f || fseek(f, 0, SEEK_END) || (size = ftell(f)) < 0) {
    fprintf(stderr, "cannot read %s\n", path);
    exit(1);
  }
  fclose(f);
  status = m_load(model, read_bytes(path, (size_t)size, block), (size_t)size);
  if (status) {
    fprintf(stderr, "m_load: %s\n", m_error(status));
    exit(2);
  }
  return model;
#else
  (void)path;
  (void)model;
  *block = NULL;
  return NULL;
#endif
}

int main(int argc, char **argv) {
  static const void *inputs[MAX];
  static void *outputs[MAX], *blocks[MAX + MAX + 1];
  size_t bytes[MAX];
  int64_t symbols[MAX];
  m_model model;
  nextc_call call;
  int files = m_input_count + m_output_count, first = argc - files, i;
  if (first < 2 || files > MAX) {
    fprintf(stderr, "the model has %d inputs and %d outputs\n", m_input_count, m_output_count);
    return 1;
  }
  for (i = 0; i < m_symbol_count; i++) symbols[i] = symbol_value(m_symbols[i], argv + 2, first - 2);
  for (i = 0; i < m_input_count; i++)
    inputs[i] = read_bytes(argv[first + i], tensor_bytes(&m_inputs[i], symbols), &blocks[i]);
  for (i = 0; i < m_output_count; i++) {
    bytes[i] = tensor_bytes(&m_outputs[i], symbols);
    outputs[i] = guarded(bytes[i], &blocks[m_input_count + i]);
  }
  memset(&call, 0, sizeof call);
  call.inputs = inputs;
  call.outputs = outputs;
  call.symbols = symbols;
  run_twice(load(argv[1], &model, &blocks[files]), &call, bytes);
  for (i = 0; i < m_output_count; i++) write_bytes(argv[first + m_input_count + i], outputs[i], bytes[i]);
  for (i = 0; i <= files; i++) free(blocks[i]);
  return 0;
}
