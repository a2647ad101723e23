/* Reading .npy: what NumPy writes, and everything else. */
#include "frontend/npy.h"
#include "tests/test.h"
#include <stdint.h>
#include <stdlib.h>

typedef struct {
  unsigned char at[512];
  size_t size;
} File;

/* A version 1 file with this header text and `bytes` bytes of data 0, 1, 2, ... */
static File make_file(const char *header, size_t bytes) {
  File f = {.size = 10 + strlen(header) + bytes};
  memcpy(f.at, "\x93NUMPY\x01\x00", 8);
  f.at[8] = (unsigned char)strlen(header);
  memcpy(f.at + 10, header, strlen(header));
  for (size_t i = 0; i < bytes; i++) f.at[10 + strlen(header) + i] = (unsigned char)i;
  return f;
}

/* Parses a copy of exactly the file's size, so that a sanitizer sees reads past its end. */
static bool parse(Context *c, const File *f, TensorView *out) {
  unsigned char *copy = malloc(f->size + !f->size);
  memcpy(copy, f->at, f->size);
  bool fine = npy_parse(c, "a.npy", copy, f->size, out);
  free(copy);
  return fine;
}

static void reads_arrays(void) {
  static const struct {
    const char *header;
    size_t bytes;
    DType dtype;
    int rank;
    Dim dims[3];
  } rows[] = {
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }  \n", 24, DT_f32, 2, {2, 3}},
      {"{'descr': '<i8', 'fortran_order': False, 'shape': (2,), }\n", 16, DT_i64, 1, {2}},
      {"{'descr': '|b1', 'fortran_order': False, 'shape': (), }\n", 1, DT_bool, 0, {0}},
      {"{'descr': '<f2', 'fortran_order': False, 'shape': (1, 0, 5), }\n", 0, DT_f16, 3, {1, 0, 5}},
      {"{'shape': (3,), 'fortran_order': False, 'descr': '|u1'}", 3, DT_u8, 1, {3}},
  };
  TEST("reads_arrays");
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    Context *c = context_new();
    File f = make_file(rows[i].header, rows[i].bytes);
    TensorView v;
    Type want = type_make(rows[i].dtype, rows[i].rank, rows[i].dims);
    CHECK(parse(c, &f, &v));
    CHECK(type_equal(&v.type, &want));
    CHECK(v.bytes == rows[i].bytes);
    context_free(c);
  }
}

static void reads_version_2(void) {
  TEST("reads_version_2");
  const char *header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }\n";
  File one = make_file(header, 4), two = {.size = one.size + 2};
  memcpy(two.at, one.at, 10);
  two.at[6] = 2;
  memcpy(two.at + 12, one.at + 10, one.size - 10);
  Context *c = context_new();
  TensorView v;
  CHECK(npy_parse(c, "a.npy", two.at, two.size, &v));
  CHECK(v.data == two.at + two.size - 4);
  context_free(c);
}

static void refuses(void) {
  static const struct {
    const char *header;
    size_t bytes;
    const char *message;
  } rows[] = {
      {"{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }", 24, "not row-major"},
      {"{'descr': '<f4', 'shape': (2, 3), }", 24, "not row-major"},
      {"{'descr': '>f4', 'fortran_order': False, 'shape': (2, 3), }", 24, "little-endian numbers"},
      {"{'descr': '<c8', 'fortran_order': False, 'shape': (2, 3), }", 48, "little-endian numbers"},
      {"{'fortran_order': False, 'shape': (2, 3), }", 24, "little-endian numbers"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", 23, "does not fit the 23 bytes"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", 25, "does not fit the 25 bytes"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (-2, 3), }", 24, "bad shape"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (2 3), }", 24, "bad shape"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3", 24, "bad shape"},
      {"{'descr': '<f4', 'fortran_order': False, }", 24, "bad shape"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1), }", 4, "more than 8 dimensions"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (999999999999999, 999999999999999), }", 4, "does not fit"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (9999999999999999,), }", 4, "bad shape"},
  };
  TEST("refuses");
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    Context *c = context_new();
    File f = make_file(rows[i].header, rows[i].bytes);
    TensorView v;
    CHECK(!parse(c, &f, &v));
    CHECK_HAS(c->count ? c->list[0].text : NULL, rows[i].message);
    context_free(c);
  }
}

static void refuses_other_files(void) {
  static const struct {
    size_t at;
    unsigned char byte;
    const char *message;
  } rows[] = {{0, 'N', "not a .npy file"},
              {6, 4, "unknown .npy version 4"},
              {6, 0, "unknown .npy version 0"},
              {9, 0xff, "runs past the end"}};
  TEST("refuses_other_files");
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    Context *c = context_new();
    File f = make_file("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", 4);
    TensorView v;
    f.at[rows[i].at] = rows[i].byte;
    CHECK(!parse(c, &f, &v));
    CHECK_HAS(c->count ? c->list[0].text : NULL, rows[i].message);
    context_free(c);
  }
  Context *c = context_new();
  TensorView v;
  CHECK(!npy_read(c, c->arena, "no such file.npy", &v));
  CHECK(c->errors == 1);
  context_free(c);
}

/* Every truncation, and every byte replaced: an error or an array within the file, never a read outside it. */
static void survives_damage(void) {
  TEST("survives_damage");
  File whole = make_file("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n", 24);
  for (size_t size = 0; size < whole.size; size++) {
    Context *c = context_new();
    File cut = whole;
    TensorView v;
    cut.size = size;
    CHECK(!parse(c, &cut, &v));
    context_free(c);
  }
  static const unsigned char bytes[] = {0, 1, ' ', '\'', '(', ')', ',', '9', '<', 0x7f, 0xff};
  for (size_t i = 0; i < whole.size; i++)
    for (size_t j = 0; j < sizeof bytes; j++) {
      Context *c = context_new();
      File damaged = whole;
      TensorView v;
      damaged.at[i] = bytes[j];
      if (parse(c, &damaged, &v))
        CHECK(v.bytes <= whole.size);
      else
        CHECK(c->errors == 1);
      context_free(c);
    }
}

int main(void) {
  reads_arrays();
  reads_version_2();
  refuses();
  refuses_other_files();
  survives_damage();
  return test_result();
}
