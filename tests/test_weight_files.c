/* safetensors, shards, .npz: what is read, and each thing that is refused. */
#include "frontend/weights.h"
#include "tests/test.h"
#include "tests/weights_kit.h"

static const float numbers[] = {1, 2, 3, 4, 5, 6, 7, 8};

static void good_files(void) {
  TEST("good_files");
  const Array list[] = {{"a.weight", type_make(DT_f32, 2, (Dim[]){2, 3}), numbers},
                        {"b", type_make(DT_f32, 0, NULL), numbers + 6},
                        {"empty", type_make(DT_f32, 1, (Dim[]){0}), numbers}};
  write_safetensors("w.safetensors", list, 3);
  write_npz("w.npz", list, 2);
  static const char *const files[] = {"w.safetensors", "w.npz"};
  for (int i = 0; i < 2; i++) {
    Context *c = context_new();
    WeightFile w;
    TensorView v;
    bool ok = open_weights(c, files[i], &w);
    CHECK(ok && w.count == (i ? 2 : 3) && !strcmp(w.names[0], "a.weight"));
    if (ok) {
      CHECK(w.source->find(w.source, "a.weight", &v) && type_equal(&v.type, &list[0].type) && v.bytes == 24);
      CHECK(!memcmp(v.data, numbers, 24));
      CHECK(w.source->find(w.source, "b", &v) && v.type.rank == 0 && !memcmp(v.data, numbers + 6, 4));
      CHECK(!w.source->find(w.source, "c", &v));
      w.source->drop_pages(w.source, &v);
      CHECK(w.source->compute_hash(w.source) != 0);
      w.source->close(w.source);
    }
    if (c->errors) printf("%s", said(c));
    context_free(c);
  }
}

static void shards(void) {
  TEST("shards");
  const Array one[] = {{"a", type_make(DT_f32, 1, (Dim[]){2}), numbers}},
              two[] = {{"b", type_make(DT_f32, 1, (Dim[]){3}), numbers}};
  write_safetensors("m-1.safetensors", one, 1);
  write_safetensors("m-2.safetensors", two, 1);
  static const char *const rows[][2] = {
      {"{\"metadata\": {}, \"weight_map\": {\"a\": \"m-1.safetensors\", \"b\": \"m-2.safetensors\"}}", NULL},
      {"{\"weight_map\": {\"a\": \"m-1.safetensors\", \"b\": \"m-1.safetensors\"}}",
       "tensor 'b' is not in 'm-1.safetensors'"},
      {"{\"weight_map\": {\"c\": \"m-1.safetensors\"}}", "tensor 'c' is not in"},
      {"{\"weight_map\": {\"a\": \"m-3.safetensors\"}}", "cannot open"},
      {"{\"weight_map\": {\"a\": \"../m-1.safetensors\"}}", "tensor 'a' is not in a file of this folder"},
      {"{\"weight_map\": {\"a\": \"/etc/passwd\"}}", "tensor 'a' is not in a file of this folder"},
      {"{\"weight_map\": {\"a\": 3}}", "cannot open"},
      {"{\"weight_map\": []}", "has no 'weight_map'"},
      {"[]", "has no 'weight_map'"},
      {"{", "not JSON"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    Context *c = context_new();
    WeightFile w;
    TensorView v;
    put_file("m.safetensors.index.json", rows[i][0], strlen(rows[i][0]));
    bool ok = open_weights(c, "m.safetensors.index.json", &w);
    CHECK(ok == !rows[i][1]);
    if (rows[i][1]) CHECK_HAS(said(c), rows[i][1]);
    if (ok) {
      CHECK(w.count == 2 && w.source->find(w.source, "b", &v) && v.bytes == 12);
      w.source->close(w.source);
    }
    context_free(c);
  }
}

static void refuse(const char *path, const char *message) {
  Context *c = context_new();
  WeightFile w;
  TEST(message);
  CHECK(!open_weights(c, path, &w));
  CHECK_HAS(said(c), message);
  context_free(c);
}

static void bad_safetensors(void) {
  static const char *const rows[][2] = {
      {"{\"a\": {\"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": [0, 8]}, \"b\": {\"dtype\": \"F32\", \"shape\": "
       "[2], "
       "\"data_offsets\": [4, 12]}}",
       "the data of tensors 'a' and 'b' overlap"},
      {"{\"a\": {\"dtype\": \"F32\", \"shape\": [9], \"data_offsets\": [0, 36]}}",
       "tensor 'a' ends at byte 36 of the data, which has only 32"},
      {"{\"a\": {\"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": [8, 0]}}", "data_offsets are no range"},
      {"{\"a\": {\"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": [0]}}", "data_offsets are no range"},
      {"{\"a\": {\"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": [-4, 4]}}", "data_offsets must be from 0"},
      {"{\"a\": {\"dtype\": \"F32\", \"shape\": [3], \"data_offsets\": [0, 8]}}",
       "tensor 'a' has 8 bytes of data, its shape and type ask for 12"},
      {"{\"a\": {\"dtype\": \"F31\", \"shape\": [2], \"data_offsets\": [0, 8]}}", "tensor 'a': unknown dtype 'F31'"},
      {"{\"a\": {\"dtype\": 3, \"shape\": [2], \"data_offsets\": [0, 8]}}", "unknown dtype '3'"},
      {"{\"a\": {\"shape\": [2], \"data_offsets\": [0, 8]}}", "tensor 'a' has no dtype"},
      {"{\"a\": {\"dtype\": \"F32\", \"data_offsets\": [0, 8]}}", "tensor 'a' has no shape"},
      {"{\"a\": {\"dtype\": \"F32\", \"shape\": [2]}}", "tensor 'a' has no data_offsets"},
      {"{\"a\": {\"dtype\": \"F32\", \"shape\": [-2], \"data_offsets\": [0, 8]}}", "shape must be from 0"},
      {"{\"a\": {\"dtype\": \"F32\", \"shape\": [281474976710656, 2], \"data_offsets\": [0, 8]}}",
       "tensor 'a' is too large"},
      {"{\"a\": {\"dtype\": \"F32\", \"shape\": [1,1,1,1,1,1,1,1,1], \"data_offsets\": [0, 4]}}",
       "shape has 9 entries"},
      {"{\"a\": {\"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": [0, 8], \"x\": 1}}", "unknown key 'x'"},
      {"{\"a\": 3}", "a tensor takes a map of keys"},
      {"{\"a\": {\"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": [0, 8]}, \"a\": {}}", "key 'a' stands twice"},
      {"[1]", "the header is a list"},
      {"{\"a\"", "w.safetensors:1:5: error: not JSON"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    put_safetensors("w.safetensors", rows[i][0], numbers, 32);
    refuse("w.safetensors", rows[i][1]);
  }
  put_file("w.safetensors", "\1\0\0\0\0\0\0\1{", 9);
  refuse("w.safetensors", "not a safetensors file: a header of");
  put_file("w.safetensors", "\2\0\0\0\0\0\0\0{", 9);
  refuse("w.safetensors", "a header of 2 bytes, the file has 9");
  put_file("w.safetensors", "\2\0\0", 3);
  refuse("w.safetensors", "it has only 3 bytes");
  put_file("w.safetensors", "", 0);
  refuse("w.safetensors", "it has only 0 bytes");
  refuse("absent.safetensors", "cannot open");
}

static void bad_npz(void) {
  const Array list[] = {{"a", type_make(DT_f32, 1, (Dim[]){2}), numbers}};
  static const struct {
    long at; /* from the front; negative: from the end */
    const char *bytes;
    size_t count;
    const char *message;
  } rows[] = {
      {-22, "xx", 2, "not a .npz file: no directory at its end"},
      {-6, "\xff", 1, "a broken directory"},
      {-22 - 51, "xx", 2, "a broken directory"},
      {-22 - 51 + 28, "\xff", 1, "a broken directory"},
      {-22 - 51 + 10, "\14", 1, "an unknown compression"},
      {-22 - 51 + 10, "\10", 1, "a compressed array is broken"},
      {-22 - 51 + 42, "\xff", 1, "an array outside of the file"},
      {-22 - 51 + 20, "\xff\xff", 2, "an array outside of the file"},
      {-22 - 51 + 46, "a.txt", 5, "'a.txt' in it is no .npy array"},
      {35, "X", 1, "not a .npy file"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    size_t size;
    write_npz("w.npz", list, 1);
    char *bytes = get_file("w.npz", &size);
    memcpy(bytes + (rows[i].at < 0 ? (long)size + rows[i].at : rows[i].at), rows[i].bytes, rows[i].count);
    put_file("w.npz", bytes, size);
    free(bytes);
    refuse("w.npz", rows[i].message);
  }
  const Array twice[] = {list[0], list[0]};
  write_npz("w.npz", twice, 2);
  refuse("w.npz", "a second tensor with the name 'a'");
}

int main(void) {
  open_folder();
  good_files();
  shards();
  bad_safetensors();
  bad_npz();
  close_folder();
  return test_result();
}
