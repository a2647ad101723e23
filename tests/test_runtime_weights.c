/* runtime/weights.c and checksum.h with the sample model: every reason to refuse a file, and what the checksum sees. */
#include "runtime/weights.c"
#include "tests/test.h"
#include <stdlib.h>

enum { SIZE = NX_WEIGHTS_HEADER + NX_WEIGHT_BYTES };

static uint64_t checksum(const void *data, size_t bytes) {
  uint64_t lane[4];
  nx_checksum_start(lane);
  nx_checksum_add(lane, data, bytes);
  return nx_checksum_end(lane);
}

static void put32(unsigned char *at, uint32_t x) { memcpy(at, &x, 4); }
static void put64(unsigned char *at, uint64_t x) { memcpy(at, &x, 8); }

/* A good file of the sample model. */
static void make_file(unsigned char *file) {
  memset(file, 0, SIZE);
  memcpy(file, "nextcwgt", 8);
  put32(file + 8, 0x01020304);
  put32(file + 12, 1);
  put64(file + 16, NX_MODEL_HASH);
  put64(file + 24, NX_WEIGHT_BYTES);
  put64(file + 32, NX_WEIGHT_COUNT);
  for (int i = 0; i < NX_WEIGHT_BYTES; i++) file[NX_WEIGHTS_HEADER + i] = (unsigned char)(i * 7);
  put64(file + 40, checksum(file + NX_WEIGHTS_HEADER, NX_WEIGHT_BYTES));
}

static void refusals(unsigned char *file) {
  static const struct {
    const char *what;
    int at, status;
  } rows[] = {{"magic", 0, NX_NOT_WEIGHTS},         {"magic's end", 7, NX_NOT_WEIGHTS},
              {"byte order", 8, NX_BAD_BYTE_ORDER}, {"version", 12, NX_BAD_VERSION},
              {"model", 16, NX_OTHER_MODEL},        {"bytes", 24, NX_BAD_SIZE},
              {"tensors", 32, NX_BAD_SIZE},         {"checksum", 40, NX_BAD_CHECKSUM},
              {"zeros", 48, NX_NOT_WEIGHTS},        {"end of the zeros", 63, NX_NOT_WEIGHTS},
              {"first byte", 64, NX_BAD_CHECKSUM},  {"last byte", SIZE - 1, NX_BAD_CHECKSUM}};
  nx_model m;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    TEST(rows[i].what);
    make_file(file);
    file[rows[i].at] ^= 0x10;
    CHECK(nx_load(&m, file, SIZE) == rows[i].status && m.weights == NULL);
    const int trusted = rows[i].status == NX_BAD_CHECKSUM ? NX_OK : rows[i].status;
    CHECK(nx_load_trusted(&m, file, SIZE) == trusted && (m.weights != NULL) == !trusted);
  }
  TEST("size, pointers, alignment");
  make_file(file);
  for (size_t size = 0; size < SIZE; size++) CHECK(nx_load(&m, file, size) == NX_BAD_SIZE);
  CHECK(nx_load(&m, file, SIZE + 1) == NX_BAD_SIZE);
  CHECK(nx_load(NULL, file, SIZE) == NX_BAD_ARGUMENT && nx_load(&m, NULL, SIZE) == NX_BAD_ARGUMENT);
  CHECK(nx_load(&m, file + 4, SIZE - 4) == NX_MISALIGNED);
  TEST("a good file");
  CHECK(nx_load(&m, file, SIZE) == NX_OK && m.weights == file + NX_WEIGHTS_HEADER && !m.mapping);
}

static void checksums(void) {
  enum { BYTES = 4096 };
  static unsigned char data[BYTES];
  TEST("every flipped bit and every swap of words changes the checksum");
  for (int i = 0; i < BYTES; i++) data[i] = (unsigned char)(i * i >> 3);
  const uint64_t good = checksum(data, BYTES);
  for (int bit = 0; bit < BYTES * 8; bit += 13) {
    data[bit / 8] ^= (unsigned char)(1 << bit % 8);
    CHECK(checksum(data, BYTES) != good);
    data[bit / 8] ^= (unsigned char)(1 << bit % 8);
  }
  TEST("the top bits of two words of one lane do not cancel");
  data[7] ^= 0x80;
  data[39] ^= 0x80;
  CHECK(checksum(data, BYTES) != good);
  data[7] ^= 0x80;
  data[39] ^= 0x80;
  TEST("in pieces");
  uint64_t lane[4];
  nx_checksum_start(lane);
  nx_checksum_add(lane, data, 32);
  nx_checksum_add(lane, data + 32, 0);
  nx_checksum_add(lane, data + 32, BYTES - 32);
  CHECK(nx_checksum_end(lane) == good);
  TEST("lengths of zeros differ");
  memset(data, 0, BYTES);
  CHECK(checksum(data, 64) != checksum(data, 32) && checksum(data, 0) != checksum(data, 32));
}

int main(void) {
  unsigned char *file = aligned_alloc(64, SIZE + 64);
  if (!file) return 1;
  refusals(file);
  checksums();
  free(file);
  return test_result();
}
