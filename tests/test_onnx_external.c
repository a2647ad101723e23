/* External data: found beside the model only, checked against the file's size, hashed with the model. */
#include "tests/test.h"
#include "tests/onnx_builder.h"
#include <sys/stat.h>

static const float numbers[4] = {1, 2, 3, 4};

typedef struct {
  const char *location, *offset, *length;
} External;

/* The model y = x + w with w [2] in an external file. */
static Model *external_model(const External *e) {
  Model *m = model_new(17, "in x:f32[2]=10; init w:f32[2]=0; y = Add x w; out y");
  Onnx__TensorProto *w = m->graph.initializer[0];
  const char *pairs[3][2] = {{"location", e->location}, {"offset", e->offset}, {"length", e->length}};
  w->has_raw_data = 0;
  w->raw_data.len = 0;
  w->has_data_location = 1;
  w->data_location = ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
  for (int i = 0; i < 3; i++) {
    if (!pairs[i][1]) continue;
    Onnx__StringStringEntryProto *entry = ARENA_NEW(m->arena, Onnx__StringStringEntryProto);
    onnx__string_string_entry_proto__init(entry);
    entry->key = arena_strdup(m->arena, pairs[i][0]);
    entry->value = arena_strdup(m->arena, pairs[i][1]);
    APPEND(m, w->external_data, w->n_external_data, entry);
  }
  return m;
}

static void read_back(const External *e, double first) {
  Context *c = context_new();
  Model *m = external_model(e);
  Graph *g = load_onnx(c, model_write(m, "model.onnx"), NULL, 0);
  TensorView v;
  CHECK(g && g->sources[0]->find(g->sources[0], "w", &v));
  if (g) {
    Tensor t = tensor_new(&v.type);
    tensor_load(&t, v.data);
    CHECK(t.f[0] == first && t.f[1] == first + 1);
    tensor_free(&t);
    g->sources[0]->drop_pages(g->sources[0], &v);
  }
  printf("%s", diag_text(c));
  graph_free(g);
  model_free(m);
  context_free(c);
}

static void refused(const External *e, const char *part) {
  Context *c = context_new();
  Model *m = external_model(e);
  CHECK(!load_onnx(c, model_write(m, "model.onnx"), NULL, 0));
  CHECK_HAS(diag_text(c), part);
  CHECK_HAS(diag_text(c), "model.onnx: 'w': error: ");
  model_free(m);
  context_free(c);
}

static void test_good(void) {
  TEST("whole file");
  read_back(&(External){"w.bin", NULL, "8"}, 1);
  TEST("offset");
  read_back(&(External){"w.bin", "4", "8"}, 2);
  TEST("no length");
  read_back(&(External){"./w.bin", "8", NULL}, 3);
  TEST("up again, inside the folder");
  Arena *a = arena_new();
  CHECK(!mkdir(test_path(a, "sub"), 0755));
  read_back(&(External){"sub/../w.bin", NULL, "8"}, 1);
  read_back(&(External){"./sub/.././w.bin", NULL, "8"}, 1);
  CHECK(!rmdir(test_path(a, "sub")));
  arena_free(a);
}

static void test_bad(void) {
  TEST("missing file");
  refused(&(External){"v.bin", NULL, "8"}, "external data: cannot open 'onnx_test_");
  TEST("no location");
  refused(&(External){NULL, NULL, "8"}, "external data without a location");
  TEST("beyond the end");
  refused(&(External){"w.bin", "12", "8"}, "external data: 8 bytes at 12 of 'w.bin', which has only 16");
  TEST("far beyond the end");
  refused(&(External){"w.bin", "18446744073709551608", "8"}, "8 bytes at 18446744073709551608 of 'w.bin'");
  refused(&(External){"w.bin", "99999999999999999999", "8"}, "offset '99999999999999999999' is no byte count");
  refused(&(External){"w.bin", "9223372036854775800", "8"}, "'w.bin', which has only 16");
  TEST("a length that is not the tensor's");
  refused(&(External){"w.bin", "0", "12"}, "tensor has 12 bytes of data, its dims and type f32 ask for 8");
  TEST("numbers that are none");
  refused(&(External){"w.bin", "-4", "8"}, "external data: offset '-4' is no byte count");
  refused(&(External){"w.bin", "", "8"}, "external data: offset '' is no byte count");
  refused(&(External){"w.bin", "0", "8 bytes"}, "external data: length '8 bytes' is no byte count");
  TEST("the same key twice");
  for (int key = 0; key < 3; key++) {
    static const char *const keys[] = {"location", "offset", "length"};
    const External once = {"w.bin", "0", "8"};
    Model *m = external_model(&once);
    Onnx__TensorProto *w = m->graph.initializer[0];
    Onnx__StringStringEntryProto *again = w->external_data[key];
    APPEND(m, w->external_data, w->n_external_data, again);
    Context *c = context_new();
    CHECK(!load_onnx(c, model_write(m, "model.onnx"), NULL, 0));
    CHECK_HAS(diag_text(c), arena_printf(m->arena, "'w': error: external data: its %s is said twice", keys[key]));
    CHECK(c->errors == 1);
    w->n_external_data--;
    model_free(m);
    context_free(c);
  }
  TEST("a folder");
  refused(&(External){".", NULL, "8"}, "external data: ");
  TEST("paths that leave the model's folder");
  static const char *const escaping[] = {"/etc/hostname",  "../w.bin",         "a/../../w.bin", "..", "./../w.bin",
                                         "a//../../w.bin", "a\\..\\..\\w.bin", "C:\\w.bin",     ""};
  for (size_t i = 0; i < sizeof escaping / sizeof *escaping; i++)
    refused(&(External){escaping[i], NULL, "8"}, "leads out of the model's folder");
}

static void test_links(void) {
  Arena *a = arena_new();
  TEST("a link inside the folder");
  CHECK(!symlink("w.bin", test_path(a, "inside.bin")));
  read_back(&(External){"inside.bin", NULL, "8"}, 1);
  TEST("a link that leads out");
  write_bytes("onnx_test_outside.bin", numbers, sizeof numbers);
  CHECK(!symlink("../onnx_test_outside.bin", test_path(a, "outside.bin")));
  refused(&(External){"outside.bin", NULL, "8"}, "external data: 'outside.bin' leads out of the model's folder");
  remove("onnx_test_outside.bin");
  TEST("a model that is a link, and its data a link to the same folder");
  CHECK(!mkdir("onnx_test_store", 0755));
  write_bytes("onnx_test_store/blob", numbers, sizeof numbers);
  CHECK(!symlink("../onnx_test_store/blob", test_path(a, "linked.bin")));
  refused(&(External){"linked.bin", NULL, "8"}, "external data: 'linked.bin' leads out of the model's folder");
  Model *m = external_model(&(External){"linked.bin", NULL, "8"});
  const char *model = model_write(m, "model.onnx");
  CHECK(!rename(model, "onnx_test_store/model"));
  CHECK(!symlink("../onnx_test_store/model", model));
  Context *c = context_new();
  Graph *g = load_onnx(c, model, NULL, 0);
  CHECK(g != NULL);
  printf("%s", diag_text(c));
  graph_free(g);
  context_free(c);
  model_free(m);
  CHECK(!remove(model) && !remove("onnx_test_store/model") && !remove("onnx_test_store/blob"));
  CHECK(!rmdir("onnx_test_store"));
  arena_free(a);
}

/* What is wrong with a file is said once, not at each of its tensors. */
static void test_many_tensors(void) {
  static const External rows[] = {{"v.bin", NULL, "8"}, {"../v.bin", NULL, "8"}, {"w.bin", "12", "8"}};
  static const char *const parts[] = {"cannot open", "leads out", "8 bytes at 12 of 'w.bin'"};
  for (int i = 0; i < 3; i++) {
    TEST(parts[i]);
    Context *c = context_new();
    Model *m = external_model(&rows[i]), *more = external_model(&rows[i]);
    Onnx__TensorProto *v = more->graph.initializer[0];
    v->name = arena_strdup(more->arena, "v");
    APPEND(m, m->graph.initializer, m->graph.n_initializer, v);
    m->graph.node[0]->input[0] = v->name;
    CHECK(!load_onnx(c, model_write(m, "model.onnx"), NULL, 0));
    CHECK_HAS(diag_text(c), parts[i]);
    CHECK(c->errors == 1);
    model_free(more);
    model_free(m);
    context_free(c);
  }
}

/* "w.bin\0x" is no name of w.bin; what nobody reads may hold anything. */
static void test_zero_byte(void) {
  const External e = {"w.bin?", NULL, "8"};
  Model *m = external_model(&e);
  Context *c = context_new();
  size_t size, at = 0;
  TEST("a location with a zero byte");
  unsigned char *bytes = model_pack(m, &size);
  while (memcmp(bytes + at, "w.bin?", 6)) at++;
  bytes[at + 5] = 0;
  const char *path = test_path(m->arena, "model.onnx");
  write_bytes(path, bytes, size);
  CHECK(!load_onnx(c, path, NULL, 0));
  CHECK_HAS(diag_text(c), arena_printf(m->arena, "model.onnx: error: the value at byte %zu has a zero byte in it", at));
  TEST("documentation with a zero byte");
  model_free(m);
  m = external_model(&(External){"w.bin", NULL, "8"});
  m->proto.doc_string = arena_strdup(m->arena, "documented?");
  bytes = model_pack(m, &size);
  for (at = 0; memcmp(bytes + at, "documented?", 11);) at++;
  bytes[at + 10] = 0;
  write_bytes(path = test_path(m->arena, "model.onnx"), bytes, size);
  Graph *g = load_onnx(c, path, NULL, 0);
  CHECK(g);
  graph_free(g);
  model_free(m);
  context_free(c);
}

static void test_own_data_too(void) {
  TEST("external and own data");
  Context *c = context_new();
  Model *m = external_model(&(External){"w.bin", NULL, "8"});
  m->graph.initializer[0]->float_data = (float[]){1, 2};
  m->graph.initializer[0]->n_float_data = 2;
  CHECK(!load_onnx(c, model_write(m, "model.onnx"), NULL, 0));
  CHECK_HAS(diag_text(c), "'w': error: tensor has both external and own data");
  model_free(m);
  context_free(c);
}

static uint64_t hash_of(const char *path) {
  Context *c = context_new();
  Source *s = open_source(c, path);
  uint64_t h = s ? s->compute_hash(s) : 0;
  if (s) s->close(s);
  context_free(c);
  return h;
}

static void test_hash(void) {
  Model *m = external_model(&(External){"w.bin", NULL, "8"});
  const char *path = model_write(m, "model.onnx");
  TEST("hash");
  uint64_t before = hash_of(path);
  CHECK(before && before == hash_of(path));
  TEST("hash covers external data");
  float other[4] = {1, 2, 3, 5};
  write_bytes(test_path(m->arena, "w.bin"), other, sizeof other);
  CHECK(hash_of(path) != before);
  write_bytes(test_path(m->arena, "w.bin"), numbers, sizeof numbers);
  CHECK(hash_of(path) == before);
  TEST("hash covers the model");
  m->proto.producer_name = arena_strdup(m->arena, "someone");
  CHECK(hash_of(model_write(m, "model.onnx")) != before);
  model_free(m);
}

int main(void) {
  Arena *a = arena_new();
  write_bytes(test_path(a, "w.bin"), numbers, sizeof numbers);
  test_good();
  test_bad();
  test_links();
  test_many_tensors();
  test_zero_byte();
  test_own_data_too();
  test_hash();
  arena_free(a);
  REMOVE_TEST_FILES("model.onnx", "w.bin", "inside.bin", "outside.bin", "linked.bin");
  return test_result();
}
