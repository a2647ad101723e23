/* Mapped files, hashes, and TensorProto files. */
#include "tests/test.h"
#include "tests/onnx_builder.h"

static void test_map(Arena *a) {
  Context *c = context_new();
  MappedFile f;
  TEST("map");
  write_bytes(test_path(a, "bytes"), "abcdef", 6);
  CHECK(map_file(c, test_path(a, "bytes"), &f) && f.size == 6 && !memcmp(f.data, "abcdef", 6));
  unmap_file(&f);
  CHECK(!f.data && !f.size);
  unmap_file(&f);
  TEST("an empty file maps to nothing");
  write_bytes(test_path(a, "bytes"), "", 0);
  CHECK(map_file(c, test_path(a, "bytes"), &f) && !f.size && !f.data);
  unmap_file(&f);
  CHECK(!c->count);
  TEST("no file, a folder, a device");
  CHECK(!map_file(c, test_path(a, "nothing"), &f));
  CHECK_HAS(diag_text(c), "nothing: error: cannot open: ");
  CHECK(!map_file(c, test_folder, &f));
  CHECK_HAS(diag_text(c), ": error: is a folder, not a file");
  CHECK(!map_file(c, "/dev/null", &f));
  CHECK_HAS(diag_text(c), "/dev/null: error: is not a regular file");
  context_free(c);
}

static void test_hash(void) {
  unsigned char bytes[100];
  for (int i = 0; i < 100; i++) bytes[i] = (unsigned char)(i * 7);
  TEST("hash: the same on every machine");
  CHECK(hash_bytes("", 0, 0) == 0x9E0084AF757A02CDu);
  CHECK(hash_bytes(bytes, 100, 5) == 0x6301F87ACA04B929u);
  TEST("hash: every byte, the size and the seed count");
  for (size_t n = 0; n < 100; n++) {
    uint64_t h = hash_bytes(bytes, 100, 0);
    bytes[n] ^= 1;
    CHECK(hash_bytes(bytes, 100, 0) != h);
    bytes[n] ^= 1;
    CHECK(hash_bytes(bytes, n, 0) != hash_bytes(bytes, n + 1, 0));
  }
  unsigned char zeros[64] = {0};
  for (size_t n = 0; n < 64; n++) CHECK(hash_bytes(zeros, n, 0) != hash_bytes(zeros, n + 1, 0));
  CHECK(hash_bytes(bytes, 100, 0) != hash_bytes(bytes, 100, 1));
  TEST("hash: lanes are not interchangeable");
  unsigned char swapped[100];
  memcpy(swapped, bytes, 100);
  memcpy(swapped, bytes + 8, 8);
  memcpy(swapped + 8, bytes, 8);
  CHECK(hash_bytes(swapped, 100, 0) != hash_bytes(bytes, 100, 0));
}

static const char *write_tensor(Model *m, const char *text, const char *name) {
  const char *at = text;
  TypeText t = read_type_text(m, &at);
  const char *numbers = *at ? at + 1 : at;
  Onnx__TensorProto *p = tensor_proto(m, "", &t, numbers, strlen(numbers));
  size_t size = onnx__tensor_proto__get_packed_size(p);
  unsigned char *bytes = arena_alloc(m->arena, size);
  onnx__tensor_proto__pack(p, bytes);
  const char *path = test_path(m->arena, name);
  write_bytes(path, bytes, size);
  return path;
}

static void test_tensor_pb(void) {
  Context *c = context_new();
  Model *m = model_new(17, "");
  TensorView v;
  TEST("TensorProto file");
  CHECK(read_tensor_pb(c, m->arena, write_tensor(m, "f32[2,2]=1 2 3 4", "bytes"), &v) && v.bytes == 16);
  CHECK(v.type.rank == 2 && !memcmp(v.data, (float[]){1, 2, 3, 4}, 16));
  TEST("large TensorProto file");
  CHECK(read_tensor_pb(c, m->arena, write_tensor(m, "i32[3000]=1 2 3", "bytes"), &v) && v.bytes == 12000);
  CHECK(!memcmp(v.data, (int32_t[]){1, 2, 3, 3}, 16));
  TEST("a scalar, and nothing");
  CHECK(read_tensor_pb(c, m->arena, write_tensor(m, "i64[]=5", "bytes"), &v) && v.type.rank == 0 && v.bytes == 8);
  CHECK(read_tensor_pb(c, m->arena, write_tensor(m, "f32[0,3]", "bytes"), &v) && v.bytes == 0 && v.data);
  CHECK(!c->count);
  TEST("no TensorProto");
  CHECK(!read_tensor_pb(c, m->arena, write_tensor(m, "#8[1]", "bytes"), &v));
  CHECK_HAS(diag_text(c), "bytes: error: data type string is not supported");
  write_bytes(test_path(m->arena, "bytes"), "\xFF\xFF", 2);
  CHECK(!read_tensor_pb(c, m->arena, test_path(m->arena, "bytes"), &v));
  CHECK_HAS(diag_text(c), "bytes: error: is not an ONNX file, or is truncated at byte 2");
  CHECK(!read_tensor_pb(c, m->arena, test_path(m->arena, "nothing"), &v));
  model_free(m);
  context_free(c);
}

int main(void) {
  Arena *a = arena_new();
  test_map(a);
  test_hash();
  test_tensor_pb();
  arena_free(a);
  REMOVE_TEST_FILES("bytes");
  return test_result();
}
