/* Binding networks to weights: naming schemes, shapes and types that files store, what is missing, left over or wrong;
 * random weights. */
#include "frontend/weights.h"
#include "ir/eval.h"
#include "tests/test.h"
#include "tests/weights_kit.h"

static const char v1[] = "{family: convnext, depths: [1, 2], dims: [4, 8], classes: 3, input: {size: 16}}";
static const char v2[] = "{family: convnext, depths: [1, 2], dims: [4, 8], classes: 3, input: {size: 16}, grn: true}";
static const char isotropic[] =
    "{family: convnext, depths: [2], dims: [8], patch: 8, stem_norm: false, classes: 3, input: {size: 16}}";
static const char resnet[] = "{base: path_00_resnet50, depths: [1, 1], dims: [2, 4], classes: 3, input: {size: 32}}";

/* The network's parameters with values of their own. */
enum { MAX_ARRAYS = 128 };
typedef struct {
  Arena *arena;
  Array at[MAX_ARRAYS];
  size_t count;
} Arrays;

static Arrays parameters(const char *text) {
  Arrays a = {.arena = arena_new()};
  Loaded l = load_text(text);
  CHECK(l.graph != NULL);
  FOR_EACH_OP(l.graph, id) {
    const Op *op = op_at(l.graph, id);
    if (op->kind != OP_weight) continue;
    Type t = *type_of(l.graph, op->first_result);
    float *data = ARENA_ARRAY(a.arena, float, type_elements(&t));
    for (int64_t i = 0; i < type_elements(&t); i++) data[i] = (float)(a.count + 1) + (float)i / 1024;
    a.at[a.count++] = (Array){arena_strdup(a.arena, op->attrs.name), t, data};
  }
  loaded_free(&l);
  return a;
}

static void replace(Arrays *a, const char *from, const char *to) {
  for (size_t i = 0; i < a->count; i++) {
    const char *found = strstr(a->at[i].name, from);
    if (found)
      a->at[i].name =
          arena_printf(a->arena, "%.*s%s%s", (int)(found - a->at[i].name), a->at[i].name, to, found + strlen(from));
  }
}

/* Values of weights as they run: each array is there with its numbers. */
static void compare_parameters(const Graph *g, const Arrays *a, double tolerance) {
  size_t found = 0;
  FOR_EACH_OP(g, id) {
    const Op *op = op_at(g, id);
    if (op->kind != OP_weight) continue;
    Tensor t;
    if (!eval_const(g, op->first_result, &t)) continue;
    for (size_t i = 0; i < a->count; i++) {
      const float *want = a->at[i].data;
      if (strcmp(a->at[i].name, op->attrs.name)) continue;
      found++;
      CHECK(type_elements(&t.type) == type_elements(&a->at[i].type));
      for (int64_t k = 0; k < type_elements(&t.type); k++)
        if (t.f[k] - (double)want[k] > tolerance || (double)want[k] - t.f[k] > tolerance) {
          CHECK(!"the numbers are others");
          break;
        }
    }
    tensor_free(&t);
  }
  CHECK(found == a->count);
}

static void bind(const char *text, const Arrays *a, const char *file) {
  if (strstr(file, ".npz"))
    write_npz(file, a->at, a->count);
  else
    write_safetensors(file, a->at, a->count);
  put_file("m.yaml", text, strlen(text));
  Loaded l = load_path("m.yaml", file);
  CHECK(l.graph && graph_verify(l.graph));
  if (!l.graph)
    printf("%s", said(l.context));
  else
    compare_parameters(l.graph, a, 0);
  loaded_free(&l);
}

typedef struct {
  const char *from, *to;
} Renaming;

static void scheme(const char *name, const char *text, const Renaming *rows, size_t count) {
  TEST(name);
  Arrays a = parameters(text);
  for (size_t i = 0; i < count; i++) replace(&a, rows[i].from, rows[i].to);
  bind(text, &a, "w.safetensors");
  for (size_t i = 0; i < a.count; i++) a.at[i].name = arena_printf(a.arena, "module.%s", a.at[i].name);
  bind(text, &a, "w.safetensors");
  for (size_t i = 0; i < a.count; i++) a.at[i].name = arena_printf(a.arena, "state.student.%s", a.at[i].name);
  bind(text, &a, "w.safetensors");
  arena_free(a.arena);
}
#define SCHEME(name, text, ...)                                                                                        \
  scheme(name, text, (const Renaming[]){__VA_ARGS__}, sizeof((const Renaming[]){__VA_ARGS__}) / sizeof(Renaming))

static void schemes(void) {
  SCHEME("timm", v1, {"", ""});
  SCHEME("official V1", v1, {"stem.", "downsample_layers.0."}, {"stages.1.downsample", "downsample_layers.1"},
         {".blocks", ""}, {"conv_dw", "dwconv"}, {"mlp.fc", "pwconv"}, {"head.fc", "head"}, {"head.norm", "norm"});
  SCHEME("official V2", v2, {"stem.", "downsample_layers.0."}, {"stages.1.downsample", "downsample_layers.1"},
         {".blocks", ""}, {"conv_dw", "dwconv"}, {"mlp.fc", "pwconv"}, {"mlp.grn.weight", "grn.gamma"},
         {"mlp.grn.bias", "grn.beta"}, {"head.fc", "head"}, {"head.norm", "norm"});
  SCHEME("official isotropic", isotropic, {"stem.0", "stem"}, {"stages.0.blocks", "blocks"}, {"conv_dw", "dwconv"},
         {"mlp.fc", "pwconv"}, {"head.fc", "head"}, {"head.norm", "norm"});
  SCHEME("Hugging Face", v2, {"stem.0", "convnextv2.embeddings.patch_embeddings"},
         {"stem.1", "convnextv2.embeddings.layernorm"}, {"stages.", "convnextv2.encoder.stages."},
         {"downsample", "downsampling_layer"}, {"blocks", "layers"}, {"conv_dw", "dwconv"}, {".norm", ".layernorm"},
         {"mlp.fc", "pwconv"}, {"mlp.grn", "grn"}, {"head.layernorm", "convnextv2.layernorm"},
         {"head.fc", "classifier"});
  SCHEME("torchvision", v1, {"stem.", "features.0."}, {"stages.1.downsample", "features.2"},
         {"stages.0.blocks", "features.1"}, {"stages.1.blocks", "features.3"}, {"conv_dw", "block.0"},
         {".norm", ".block.2"}, {"mlp.fc1", "block.3"}, {"mlp.fc2", "block.5"}, {"gamma", "layer_scale"},
         {"head.block.2", "classifier.0"}, {"head.fc", "classifier.2"});
  SCHEME("torchvision ResNet", resnet, {"stem_conv", "conv1"}, {"stem_norm", "bn1"}, {"stage0_block0", "layer1.0"},
         {"stage1_block0", "layer2.0"}, {"c1.", "conv1."}, {"dw.", "conv2."}, {"c2.", "conv3."}, {".n1.", ".bn1."},
         {".n0.", ".bn2."}, {".n2.", ".bn3."}, {"short", "downsample"}, {"head", "fc"});
}

static void reshape(Arrays *a, const char *part, int before, int after) {
  for (size_t i = 0; i < a->count; i++) {
    Type t = a->at[i].type, u = t;
    if (!strstr(a->at[i].name, part)) continue;
    u.rank = (uint8_t)(t.rank + before + after);
    for (int d = 0; d < u.rank; d++) u.dim[d] = d < before || d >= before + t.rank ? 1 : t.dim[d - before];
    a->at[i].type = u;
  }
}

static void shapes(void) {
  TEST("shapes");
  Arrays a = parameters(v2);
  reshape(&a, "grn", 3, 0);            /* [1,1,1,C] */
  reshape(&a, "mlp.fc1.weight", 0, 2); /* [O,I,1,1] */
  reshape(&a, "head.norm", 0, 2);      /* [C,1,1] */
  bind(v2, &a, "w.safetensors");
  arena_free(a.arena);
  TEST("npz");
  a = parameters(v1);
  bind(v1, &a, "w.npz");
  arena_free(a.arena);
}

static void float_types(void) {
  TEST("float_types");
  static const struct {
    DType dtype;
    double tolerance;
  } rows[] = {{DT_f16, 0.05}, {DT_bf16, 0.5}, {DT_f64, 0}};
  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
    Arrays a = parameters(v1), narrow = a;
    for (size_t i = 0; i < a.count; i++) {
      Tensor t = tensor_new(&a.at[i].type);
      tensor_load(&t, a.at[i].data);
      t.type.dtype = (uint8_t)rows[r].dtype;
      void *bytes = arena_alloc(a.arena, type_bytes(&t.type));
      tensor_store(&t, bytes, false);
      narrow.at[i].type = t.type;
      narrow.at[i].data = bytes;
      tensor_free(&t);
    }
    write_safetensors("w.safetensors", narrow.at, narrow.count);
    Loaded l = load_path("m.yaml", "w.safetensors");
    CHECK(l.graph && graph_verify(l.graph));
    if (l.graph) compare_parameters(l.graph, &a, rows[r].tolerance);
    loaded_free(&l);
    arena_free(a.arena);
  }
}

/* ---- what does not fit ---- */

static void faults(void) {
  TEST("missing");
  Arrays a = parameters(v1);
  put_file("m.yaml", v1, strlen(v1));
  Array last = a.at[--a.count];
  write_safetensors("w.safetensors", a.at, a.count);
  Loaded l = load_path("m.yaml", "w.safetensors");
  CHECK(!l.graph && l.context->errors == 1);
  CHECK_HAS(said(l.context), "w.safetensors: error: tensor 'head.fc.bias' is missing: f32[3]");
  loaded_free(&l);

  TEST("left over");
  a.at[a.count++] = last;
  a.at[a.count++] = (Array){"extra.weight", type_make(DT_f32, 1, (Dim[]){2}), last.data};
  a.at[a.count++] = (Array){"x.num_batches_tracked", type_make(DT_i64, 0, NULL), a.at[0].data};
  write_safetensors("w.safetensors", a.at, a.count);
  l = load_path("m.yaml", "w.safetensors");
  CHECK(!l.graph && l.context->errors == 1);
  CHECK_HAS(said(l.context), "tensor 'extra.weight' is left over: the network has no place for it");
  loaded_free(&l);

  TEST("wrong shape");
  a.count -= 2;
  a.at[0].type.dim[0] = 2;
  write_safetensors("w.safetensors", a.at, a.count);
  l = load_path("m.yaml", "w.safetensors");
  CHECK(!l.graph && l.context->errors == 1);
  CHECK_HAS(said(l.context),
            "tensor 'stem.0.weight' is f32[2,3,4,4], the network needs f32[4,3,4,4] for 'stem.0.weight'");
  loaded_free(&l);

  TEST("integers");
  a.at[0].type = type_make(DT_i64, 4, (Dim[]){4, 3, 4, 2});
  write_safetensors("w.safetensors", a.at, a.count);
  l = load_path("m.yaml", "w.safetensors");
  CHECK_HAS(said(l.context), "tensor 'stem.0.weight' is i64[4,3,4,2]");
  loaded_free(&l);

  TEST("another network");
  for (size_t i = 0; i < a.count; i++) a.at[i].name = arena_printf(a.arena, "vit.layer.%zu", i);
  write_safetensors("w.safetensors", a.at, a.count);
  l = load_path("m.yaml", "w.safetensors");
  CHECK(!l.graph);
  CHECK_HAS(said(l.context), "named as no scheme that nextc knows names them");
  loaded_free(&l);
  static const char *const others[][2] = {{"layer1.0.conv1.weight", "that of a ResNet"},
                                          {"blocks.0.attn.qkv.weight", "that of a Vision Transformer"},
                                          {"layers.0.attn.relative_position_bias_table", "that of a Swin Transformer"}};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    a.at[0].name = others[i][0];
    write_safetensors("w.safetensors", a.at, a.count);
    l = load_path("m.yaml", "w.safetensors");
    CHECK(!l.graph);
    CHECK_HAS(said(l.context), others[i][1]);
    CHECK_HAS(said(l.context), "which this network is not; supported are ConvNeXt and ConvNeXt V2 as timm");
    loaded_free(&l);
  }
  arena_free(a.arena);

  TEST("weights of its own");
  write_safetensors("w.safetensors", NULL, 0);
  static const char plain[] = "nir 1\ngraph \"m\"\n%1 = input {name=\"x\"} : f32[1]\noutput %1 {name=\"y\"}\n";
  put_file("m.nir", plain, strlen(plain));
  l = load_path("m.nir", "random:1");
  CHECK(!l.graph);
  CHECK_HAS(said(l.context), "has weights of its own");
  loaded_free(&l);

  TEST("no weights");
  l = load_text(v1);
  Tensor t;
  FOR_EACH_OP(l.graph, id)
  if (op_at(l.graph, id)->kind == OP_weight && !l.context->errors)
    CHECK(!eval_const(l.graph, op_at(l.graph, id)->first_result, &t));
  CHECK_HAS(said(l.context), "m.yaml: error: has no weights; give --weights-from=FILE or --weights-from=random:SEED");
  loaded_free(&l);
}

/* ---- random ---- */

static double first_random(const char *from, const char *name) {
  Context *c = context_new();
  Source *s = random_weights(c, from);
  Type t = type_make(DT_f32, 2, (Dim[]){4, 3});
  TensorView v;
  double x = 0;
  CHECK(s && s->make(s, name, &t, &v) && v.bytes == 48);
  if (s) {
    Tensor out = tensor_new(&t);
    tensor_load(&out, v.data);
    x = out.f[0];
    for (int i = 0; i < 12; i++) CHECK(out.f[i] > -1 && out.f[i] < 1);
    tensor_free(&out);
    s->close(s);
  }
  context_free(c);
  return x;
}

static void random_numbers(void) {
  TEST("random_numbers");
  /* held: these are the numbers on every machine, of every version */
  CHECK(first_random("random:0", "a.weight") == -0.39796996116638184);
  CHECK(first_random("random:1", "a.weight") == -0.9593867063522339);
  CHECK(first_random("random:0", "b.weight") != first_random("random:0", "a.weight"));
  static const char *const bad[] = {"random:", "random:x", "random:-1", "random:18446744073709551616"};
  for (size_t i = 0; i < 4; i++) {
    Context *c = context_new();
    CHECK(!random_weights(c, bad[i]) && c->errors == 1);
    CHECK_HAS(said(c), "random:SEED takes a whole number");
    context_free(c);
  }
  Context *c = context_new();
  Source *s = random_weights(c, "random:18446744073709551615");
  Type gains = type_make(DT_f32, 4, (Dim[]){1, 1, 1, 64}), half = type_make(DT_f16, 1, (Dim[]){2});
  TensorView v, w;
  CHECK(s && s->make(s, "n.weight", &gains, &v) && s->make(s, "n.bias", &gains, &w));
  Tensor t = tensor_new(&gains), u = tensor_new(&gains);
  tensor_load(&t, v.data);
  tensor_load(&u, w.data);
  for (int i = 0; i < 64; i++) CHECK(t.f[i] >= 0.75 && t.f[i] < 1.25 && u.f[i] >= -0.125 && u.f[i] < 0.125);
  tensor_free(&t);
  tensor_free(&u);
  CHECK(!s->make(s, "h", &half, &v));
  CHECK_HAS(said(c), "random weights are f32");
  s->close(s);
  context_free(c);
}

/* A text names its source, and finds it again. */
static void texts(void) {
  TEST("texts");
  put_file("m.yaml", v1, strlen(v1));
  static const char *const froms[] = {NULL, "random:7"};
  for (int i = 0; i < 2; i++) {
    Loaded l = load_path("m.yaml", froms[i]);
    char *text = graph_print(l.graph, l.context->arena, "some/where");
    CHECK_HAS(text, i ? "source 0 \"random:7\"\n" : "source 0 \"none:\"\n");
    Graph *again = graph_parse(l.context, "some/where/t.nir", text, strlen(text), open_source);
    CHECK(again != NULL);
    if (again) CHECK_STR(graph_print(again, l.context->arena, "some/where"), text);
    graph_free(again);
    loaded_free(&l);
  }
}

int main(void) {
  open_folder();
  schemes();
  shapes();
  float_types();
  faults();
  random_numbers();
  texts();
  close_folder();
  return test_result();
}
