/* ONNX files a few bytes long, written field by field, so that tests of the command need no fixtures.
 * Field numbers: onnx.proto. */
#ifndef NEXTC_TEST_TINY_ONNX_H
#define NEXTC_TEST_TINY_ONNX_H
#include "tests/command.h"
#include <stdint.h>

typedef struct {
  unsigned char at[8192];
  size_t size;
} Bytes;

static inline void put_byte(Bytes *b, unsigned value) {
  if (b->size == sizeof b->at) abort();
  b->at[b->size++] = (unsigned char)value;
}

static inline void put_varint(Bytes *b, uint64_t value) {
  for (; value > 127; value >>= 7) put_byte(b, (unsigned)(value & 127) | 128);
  put_byte(b, (unsigned)value);
}

static inline void put_int(Bytes *b, unsigned field, uint64_t value) {
  put_varint(b, field << 3);
  put_varint(b, value);
}

static inline void put_data(Bytes *b, unsigned field, const void *bytes, size_t size) {
  put_varint(b, field << 3 | 2);
  put_varint(b, size);
  for (size_t i = 0; i < size; i++) put_byte(b, ((const unsigned char *)bytes)[i]);
}

static inline void put_text(Bytes *b, unsigned field, const char *text) { put_data(b, field, text, strlen(text)); }
static inline void put_message(Bytes *b, unsigned field, const Bytes *m) { put_data(b, field, m->at, m->size); }

/* TensorProto with raw data; name NULL: none. */
static inline Bytes tensor_proto(const char *name, int dtype, int rank, const int64_t *dims, const void *data,
                                 size_t size) {
  Bytes t = {.size = 0};
  for (int i = 0; i < rank; i++) put_int(&t, 1, (uint64_t)dims[i]);
  put_int(&t, 2, (uint64_t)dtype);
  if (name) put_text(&t, 8, name);
  put_data(&t, 9, data, size);
  return t;
}

/* ValueInfoProto of rank 2: [batch, columns]; symbol NULL: batch is the number. */
static inline Bytes value_info(const char *name, const char *symbol, int batch, int columns) {
  Bytes rows = {.size = 0}, cols = {.size = 0}, shape = {.size = 0}, tensor = {.size = 0}, type = {.size = 0},
        v = {.size = 0};
  if (symbol)
    put_text(&rows, 2, symbol);
  else
    put_int(&rows, 1, (uint64_t)batch);
  put_int(&cols, 1, (uint64_t)columns);
  put_message(&shape, 1, &rows);
  put_message(&shape, 1, &cols);
  put_int(&tensor, 1, 1);
  put_message(&tensor, 2, &shape);
  put_message(&type, 1, &tensor);
  put_text(&v, 1, name);
  put_message(&v, 2, &type);
  return v;
}

static inline Bytes node_proto(const char *name, const char *op, const char *in0, const char *in1, const char *out) {
  Bytes n = {.size = 0};
  put_text(&n, 1, in0);
  if (in1) put_text(&n, 1, in1);
  put_text(&n, 2, out);
  put_text(&n, 3, name);
  put_text(&n, 4, op);
  return n;
}

/* w of the model below, [4, 3]. */
static const float tiny_w[12] = {1, 2, 3, -1, 0.5f, 2, 0, 1, -3, 4, -2, 1};

/* y [batch, 3] = op(x [batch, 4] w): "Relu" makes a model, "Wobble" one with an operator that nobody has. */
static inline void write_tiny_model(const char *path, const char *op, const char *symbol, int batch) {
  Bytes graph = {.size = 0}, opset = {.size = 0}, model = {.size = 0};
  Bytes product = node_proto("/head/MatMul", "MatMul", "x", "w", "xw");
  Bytes last = node_proto("/head/Last", op, "xw", NULL, "y");
  Bytes w = tensor_proto("w", 1, 2, (const int64_t[]){4, 3}, tiny_w, sizeof tiny_w);
  Bytes x = value_info("x", symbol, batch, 4), y = value_info("y", symbol, batch, 3);
  put_message(&graph, 1, &product);
  put_message(&graph, 1, &last);
  put_text(&graph, 2, "tiny");
  put_message(&graph, 5, &w);
  put_message(&graph, 11, &x);
  put_message(&graph, 12, &y);
  put_int(&opset, 2, 17);
  put_int(&model, 1, 8);
  put_message(&model, 8, &opset);
  put_message(&model, 7, &graph);
  put_file(path, model.at, model.size);
}

/* A TensorProto file of f32 [rows, columns]. */
static inline void write_tensor(const char *path, int rows, int columns, const float *data) {
  Bytes t = tensor_proto(NULL, 1, 2, (const int64_t[]){rows, columns}, data, sizeof *data * (size_t)(rows * columns));
  put_file(path, t.at, t.size);
}

/* A case folder of the model above: inputs counted up from 0.5 in steps of 0.25, right outputs times 1 + error. */
static inline void write_tiny_case(const char *folder, const char *symbol, int batch, float error) {
  char path[512];
  float x[64], y[48];
  mkdir(folder, 0755);
  snprintf(path, sizeof path, "%s/model.onnx", folder);
  write_tiny_model(path, "Relu", symbol, batch);
  snprintf(path, sizeof path, "%s/test_data_set_0", folder);
  mkdir(path, 0755);
  for (int i = 0; i < batch * 4; i++) x[i] = 0.5f + 0.25f * (float)i;
  for (int i = 0; i < batch * 3; i++) {
    float sum = 0;
    for (int k = 0; k < 4; k++) sum += x[i / 3 * 4 + k] * tiny_w[k * 3 + i % 3];
    y[i] = (sum > 0 ? sum : 0) * (1 + error);
  }
  snprintf(path, sizeof path, "%s/test_data_set_0/input_0.pb", folder);
  write_tensor(path, batch, 4, x);
  snprintf(path, sizeof path, "%s/test_data_set_0/output_0.pb", folder);
  write_tensor(path, batch, 3, y);
}
#endif
