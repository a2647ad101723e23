/* The zoo's table against the papers' numbers (zoo.json), networks by name, and the descriptions that export writes. */
#include "frontend/export_yaml.h"
#include "frontend/yaml_tree.h"
#include "frontend/zoo.h"
#include "tests/fixtures.h"
#include "tests/test.h"
#include "tests/yaml_kit.h"

static int64_t number(const Node *map, const char *key) {
  double x = -1;
  node_number(node_get(map, key), &x);
  return (int64_t)x;
}

static const Node *row_of(const Node *table, const char *name, int64_t size) {
  for (size_t i = 0; i < table->count; i++)
    if (node_is(node_get(table->items[i], "name"), name) && number(table->items[i], "size") == size)
      return table->items[i];
  return NULL;
}

/* Every row of zoo.json, to the last multiply-accumulate. False: there is no zoo.json. */
static bool table(void) {
  TEST("table");
  Context *c = context_new();
  const Node *want = json_parse_file(c, c->arena, FIXTURES "/zoo.json");
  Result r = run_nextc("zoo --format=json");
  const Node *got = json_parse(c, c->arena, "table", r.out, strlen(r.out));
  CHECK(r.status == 0 && got && got->kind == NODE_LIST);
  int rows = 0;
  for (size_t i = 0; want && got && i < want->count; i++)
    for (size_t s = 0; s < want->items[i]->count; s++) {
      const Node *cost = want->items[i]->items[s];
      const Node *row = row_of(got, want->keys[i]->text, strtol(want->items[i]->keys[s]->text, NULL, 10));
      CHECK(row && number(row, "params") == number(cost, "params") && number(row, "macs") == number(cost, "macs"));
      if (!row) printf("  %s\n", want->keys[i]->text);
      rows++;
    }
  CHECK(!want || rows == 42);
  bool found = want != NULL;
  result_free(&r);
  context_free(c);
  return found;
}

/* What zoo.json does not have: the papers' isotropic networks, 22, 87 and 306 M parameters, 4.3, 16.9 and 59.7 G. */
static void isotropic(void) {
  TEST("isotropic");
  Result r = run_nextc("zoo --table");
  CHECK_HAS(r.out, "convnext_isotropic_small      224     22308712     4.286\n");
  CHECK_HAS(r.out, "convnext_isotropic_base       224     87083752    16.896\n");
  CHECK_HAS(r.out, "convnext_isotropic_large      224    305942504    59.699\n");
  result_free(&r);
  r = run_nextc("zoo");
  CHECK_HAS(r.out, "zoo:convnextv2_nano              ConvNeXt V2 nano");
  result_free(&r);
}

/* A description and what it is exported to build one program, and the export is stable. */
static void exports(void) {
  for (size_t i = 0; i < zoo_count; i++) {
    TEST(zoo[i].name);
    char path[128];
    snprintf(path, sizeof path, "zoo:%s", zoo[i].name);
    Loaded a = load_path(path, NULL);
    CHECK(a.graph != NULL);
    char *before = a.graph ? graph_print_anonymous(a.graph, a.context->arena, false) : "";
    const char *text = a.graph ? export_yaml(a.graph, a.context->arena) : NULL;
    CHECK(text != NULL);
    Loaded b = load_text(text ? text : "");
    CHECK(b.graph != NULL);
    if (b.graph) {
      CHECK_STR(graph_print_anonymous(b.graph, b.context->arena, false), before);
      CHECK_STR(export_yaml(b.graph, b.context->arena), text);
    }
    loaded_free(&a);
    loaded_free(&b);
  }
}

static void export_options(void) {
  TEST("export_options");
  static const char *const rows[] = {
      "name: \"m\"\nfamily: convnext\ndepths: [1, 2]\ndims: [32, 16]\nkernel: [3, 5]\nstem: overlap_tiered\ngrn: "
      "true\nlayer_scale: "
      "true\nexpand: 2\nact: silu\nbias: false\neps: 1e-05\nhead_eps: 1e-12\ngrn_eps: 1e-05\nhead_norm_first: "
      "true\nhead_hidden: "
      "12\nclasses: 3\ninput: {name: \"in\", batch: N, channels: 2, size: [64, 32]}\noutput: \"out\"\npreprocess: "
      "{mean: [0.5, 1], "
      "std: [0.25, 1], crop: 0.9, interpolation: bilinear}\nlabels:\n  - \"a\"\n  - \"b \\\"c\\\\\"\n",
      "name: \"m\"\nfamily: convnext\ndepths: [2]\ndims: [8]\npatch: 8\nstem_norm: false\nlayer_scale: false\nclasses: "
      "0\ninput: "
      "{name: \"x\", channels: 1, size: 32}\noutput: \"y\"\n",
      "name: \"m\"\nfamily: convnext\ndepths: [1, 2]\ndims: [8, 16]\nstem: overlap_act\nnorm: simplenorm\nexpand: 1\n"
      "eps: 0.0001\nhead_norm_first: true\nclasses: 3\ninput: {name: \"x\", channels: 3, size: 32}\noutput: \"y\"\n",
      "name: \"m\"\nfamily: convnext\ndepths: [1]\ndims: [8]\nnorm: rmsnorm\nstem_norm: false\ngrn: true\nhead_eps: "
      "1e-05\n"
      "classes: 3\ninput: {name: \"x\", channels: 3, size: 32}\noutput: \"y\"\n",
      "name: \"m\"\nfamily: convnext\ndepths: [1, 1]\ndims: [8, 16]\npatch: 2\nfirst_downsample: true\noutput_stride: "
      "4\ninput: "
      "{name: \"x\", channels: 3, size: 64}\noutput: \"y\"\n",
      "name: \"m\"\nfamily: convnext\ndepths: [1]\ndims: [8]\nact: mish\nbias: false\nmlp_bias: true\npool: avgmax\n"
      "classes: 3\ninput: {name: \"x\", channels: 3, size: 32}\noutput: \"y\"\n",
      "name: \"m\"\nfamily: convnext\ndepths: [1]\ndims: [8]\nact: hard_mish\nmlp_bias: false\npool: max\n"
      "head_norm_first: true\nclasses: 3\ninput: {name: \"x\", channels: 3, size: 32}\noutput: \"y\"\n",
      "name: \"m\"\nfamily: convnext\ndepths: [1]\ndims: [8]\nact: quick_gelu\npool: none\nhead_hidden: 5\n"
      "classes: 3\ninput: {name: \"x\", channels: 3, size: 32}\noutput: \"y\"\n",
      "name: \"m\"\nfamily: convnext\ndepths: [1]\ndims: [8]\ngrn: true\nact: selu\npool: none\nclasses: 0\n"
      "input: {name: \"x\", channels: 3, size: 32}\noutput: \"y\"\n",
      "name: \"m\"\nfamily: convnext\ndepths: [1]\ndims: [8]\nlayer_scale: false\nact: relu6\nclasses: 3\n"
      "input: {name: \"x\", channels: 3, size: 32}\noutput: \"y\"\n",
      "name: \"m\"\nfamily: convnext\ndepths: [1]\ndims: [8]\nact: none\nclasses: 3\n"
      "input: {name: \"x\", channels: 3, size: 32}\noutput: \"y\"\n",
      "name: \"m\"\nbase: path_11_gelu\ndepths: [1, 2]\ndims: [4, 8]\nclasses: 3\ninput: {name: \"x\", channels: 3, "
      "size: 64}\noutput: "
      "\"y\"\n",
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    Loaded l = load_text(rows[i]);
    const char *text = l.graph ? export_yaml(l.graph, l.context->arena) : NULL;
    if (!text) printf("%s", said(l.context));
    CHECK_STR(text, rows[i]);
    loaded_free(&l);
  }
}

/* Programs of no family become steps: what is built of them is the same, with the same parameters, and its export is
 * the same text. */
static void export_steps_of(const char *text, const char *part) {
  TEST(part);
  Loaded a = load_text(text);
  CHECK(a.graph != NULL);
  if (!a.graph) printf("%s", said(a.context));
  char *before = a.graph ? graph_print_anonymous(a.graph, a.context->arena, false) : "";
  const char *out = a.graph ? export_yaml(a.graph, a.context->arena) : NULL;
  CHECK_HAS(out ? out : said(a.context), part);
  Loaded b = load_text(out ? out : "");
  CHECK(b.graph != NULL);
  if (b.graph) {
    CHECK_STR(graph_print_anonymous(b.graph, b.context->arena, false), before);
    CHECK_STR(export_yaml(b.graph, b.context->arena), out);
  }
  loaded_free(&a);
  loaded_free(&b);
}

static void export_general(void) {
  static const char *const rows[][2] = {
      {"{name: m, input: {shape: [2, 3]}, model: [relu, neg]}",
       "name: \"m\"\ninput: {name: \"image\", shape: [2, 3]}\nmodel:\n  - {relu: }\n  - {neg: , to: v1}\noutputs:\n"
       "  \"logits\": v1\n"},
      {"{input: {shape: [N, 4], type: i32}, model: [neg]}", "shape: [N, 4], type: i32}"},
      {"{input: {shape: [N, 4, 2]}, model: [flatten, {linear: {name: a, out: 3}}]}",
       "  - {flatten: , to: v1}\n  - {param: {name: \"a.weight\", shape: [3, 8]}, to: v2}\n"
       "  - {param: {name: \"a.bias\", shape: [3]}, to: v3}\n  - {transpose: {perm: [1, 0]}, from: [v2]}\n"
       "  - {gemm: , from: [v1, x, v3], to: v4}\n"},
      {"{input: {shape: [4]}, model: [{mul: , from: [x, input]}, {scale: 's$$1'}, {scale: 's$$1'}]}",
       "{param: {name: \"s$$1\", shape: [4]}, to: v2}\n  - {mul: , from: [v1, x]}\n  - {mul: , from: [x, v2], to: v3}"},
      {"{input: {shape: [2]}, model: [{const: {shape: [], values: -inf}, to: c}, {max: , from: [input, c]}]}",
       "{const: {shape: [], values: [-inf]}}\n  - {max: , from: [input, x], to: v1}"},
      {"{input: {shape: [2, 2]}, model: [{const: {type: i64, shape: [2], values: [1, 0]}, to: i}, {gather: {axis: 1}, "
       "from: [input, i]}]}",
       "{const: {type: i64, shape: [2], values: [1, 0]}}\n  - {gather: {axis: 1}, from: [input, x], to: v1}"},
      {"{input: {shape: [2]}, model: [{relu: , to: a}, {neg: , to: b}], outputs: {q: b, p: a, i: input}, labels: [u]}",
       "outputs:\n  \"q\": v2\n  \"p\": v1\n  \"i\": input\nlabels:\n  - \"u\"\n"},
      {"{name: m, input: [{name: v1, shape: [N, 2]}, {name: x, shape: [N, 2], type: f32}, {name: c, shape: [2]}], "
       "model: [{add: , from: [input, input1]}, {mul: , from: [x, input2]}]}",
       "input:\n  - {name: \"v1\", shape: [N, 2]}\n  - {name: \"x\", shape: [N, 2]}\n  - {name: \"c\", shape: [2]}\n"
       "model:\n  - {add: , from: [x, input1]}\n  - {mul: , from: [x, input2], to: v1}\n"},
      {"{input: {size: 8}, model: [{residual: [relu]}]}", "{add: , from: [x, input], to: v1}"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) export_steps_of(rows[i][0], rows[i][1]);
}

static void export_refusals(void) {
  static const char *const rows[][2] = {
      {"%1 = weight {name=\"a\"} : f32[9]\noutput %1 {name=\"y\"}\n", "it has no input"},
      {"%1 = input {name=\"a\"} : f16[9]\n%2 = weight {name=\"b\"} : f16[9]\n%3 = add %1, %2 : f16[9]\n"
       "output %3 {name=\"y\"}\n",
       "it has weights that are not f32"},
      {"%1 = input {name=\"a\"} : f32[3,N]\n%2 = reshape %1 {shape=[3*N]} : f32[3*N]\noutput %2 {name=\"y\"}\n",
       "an attribute with a symbolic dim; --dim gives it a number"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char text[1024];
    TEST(rows[i][1]);
    snprintf(text, sizeof text, "nir 1\nsource 0 \"none:\"\ngraph \"g\"%s\n%s",
             strchr(rows[i][0], 'N') ? " symbols=N" : "", rows[i][0]);
    put_file("m.nir", text, strlen(text));
    Loaded l = load_path("m.nir", NULL);
    CHECK(l.graph && !export_yaml(l.graph, l.context->arena));
    CHECK_HAS(said(l.context), rows[i][1]);
    loaded_free(&l);
  }
}

/* After any pass, a network is still exported: as its family until weights are packed, then as steps. */
static void export_after(const char *model, const char *pass, const char *part) {
  char line[512];
  TEST(pass);
  snprintf(line, sizeof line,
           "opt '%s' --stop-after=%s -o a.nir && '" NEXTC_BINARY
           "' export a.nir -o a.yaml && cat a.yaml && '" NEXTC_BINARY "' export a.yaml | cmp - a.yaml",
           model, pass);
  Result r = run_nextc(line);
  CHECK(r.status == 0);
  CHECK_HAS(r.out, part);
  if (r.status) printf("%s", r.err);
  result_free(&r);
}

static void export_passes(void) {
  static const char small[] =
      "{family: convnext, depths: [1, 1], dims: [8, 16], classes: 3, input: {size: 32, batch: N}}";
  put_file("s.yaml", small, strlen(small));
  static const char *const passes[] = {"clean-import",  "peel-batch",   "recover-ops",
                                       "channels-last", "fold-weights", "canonicalise"};
  for (size_t i = 0; i < sizeof passes / sizeof *passes; i++) {
    export_after("s.yaml", passes[i],
                 "dims: [8, 16]\nclasses: 3\ninput: {name: \"image\", batch: N, channels: 3, size: 32}\n");
    export_after("zoo:path_03_depthwise_conv", passes[i], "base: path_03_depthwise_conv\n");
  }
  export_after("zoo:convnext_atto", "pack-weights", "{gemm: {cols: 160}, from: ");
  export_after("zoo:convnext_atto", "tile", "{gemm: {cols: 160}, from: ");
}

static void command(void) {
  TEST("command");
  Result r = run_nextc("export zoo:convnext_atto -o e.yaml && cat e.yaml");
  CHECK(r.status == 0);
  CHECK_HAS(r.out, "family: convnext\ndepths: [2, 2, 6, 2]\ndims: [40, 80, 160, 320]\n");
  result_free(&r);
  r = run_nextc("export m.yaml -o absent/e.yaml");
  CHECK(r.status == 1);
  result_free(&r);
  r = run_nextc("inspect zoo:convnext_atto@384 | head -3");
  CHECK_HAS(r.out, "f32[1,3,384,384]");
  result_free(&r);
  r = run_nextc("compile zoo:convnext_atto -o a.c");
  CHECK(r.status == 1 && !file_exists("a.c"));
  CHECK_HAS(r.err, "zoo:convnext_atto: error: has no weights; give --weights-from=FILE");
  result_free(&r);
}

int main(void) {
  open_folder();
  bool complete = table();
  isotropic();
  exports();
  export_options();
  export_general();
  export_refusals();
  export_passes();
  command();
  close_folder();
  if (!complete && !test_failures) return SKIP("no zoo.json beside the checkout");
  return test_result();
}
