/* Descriptions: families, inputs, notes, the general language, and a named test of each thing that is refused. */
#include "ir/eval.h"
#include "passes/passes.h"
#include "tests/test.h"
#include "tests/yaml_kit.h"

static int count_kind(const Graph *g, OpKind kind) {
  int count = 0;
  FOR_EACH_OP(g, id) count += op_at(g, id)->kind == kind;
  return count;
}

static void accept(const char *text) {
  Loaded l = load_text(text);
  CHECK(l.graph && graph_verify(l.graph));
  if (!l.graph) printf("%s  %s\n", text, said(l.context));
  loaded_free(&l);
}

static void families(void) {
  TEST("families");
  static const char *const rows[] = {
      "{family: convnext, depths: [1, 2], dims: [8, 16], input: {size: 32}}",
      "{family: convnext, depths: [1], dims: [8], patch: 16, stem_norm: false, layer_scale: 0, input: {size: 32}}",
      "{family: convnext, depths: 1, dims: 8, kernel: [3], grn: true, layer_scale: true, act: silu, classes: 0}",
      "{family: convnext, depths: [1], dims: [8], stem: overlap_tiered, head_norm_first: true, head_hidden: 4}",
      "{family: convnext, depths: [1], dims: [8], stem: overlap_act, bias: false, eps: 1e-5, head_eps: 1e-12}",
      "{base: convnext_atto, depths: [1, 1, 1, 1], input: {channels: 1, size: [64, 32], batch: N}}",
      "{base: path_00_resnet50, depths: [1, 1], dims: [8, 16], classes: 3}",
      "{family: resnet, depths: [1], dims: [8], stem: patchify, depthwise: true, inverted: true, act: gelu}",
      "{base: convnext_atto, drop_path: 0.1, dropout: 0.5, training: {epochs: 300, lr: 4e-3}}",
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) accept(rows[i]);
}

/* drop_path stands in the text and is gone after import. */
static void training_is_gone(void) {
  TEST("training_is_gone");
  Loaded a = load_text("{base: convnext_atto, name: m}"),
         b = load_text("{base: convnext_atto, name: m, drop_path: 0.1}");
  CHECK(a.graph && b.graph);
  if (a.graph && b.graph)
    CHECK(!strcmp(graph_print(a.graph, a.context->arena, NULL), graph_print(b.graph, b.context->arena, NULL)));
  loaded_free(&a);
  loaded_free(&b);
  a = load_text("{input: {shape: [2, 3]}, model: [relu]}");
  b = load_text("{input: {shape: [2, 3]}, model: [{dropout: 0.1}, relu, {drop_path: {rate: 0.2}}, identity]}");
  CHECK(a.graph && b.graph && count_kind(b.graph, OP_relu) == 1 && a.graph->op_count == b.graph->op_count);
  loaded_free(&a);
  loaded_free(&b);
}

static void notes(void) {
  TEST("notes");
  Loaded l = load_text("base: convnext_atto\nlabels: [cat, \"a \\\"dog\\\"\", 'yes']\n"
                       "preprocess: {mean: [0.5], std: [0.25], crop: 1, resize: squash, interpolation: bilinear}\n");
  CHECK_HAS(said(l.context), "m.yaml:2:9: warning: 3 labels for 1000 classes");
  CHECK(l.graph && l.graph->notes.label_count == 3 && l.graph->notes.preprocess);
  if (l.graph) {
    CHECK_STR(l.graph->notes.labels[1], "a \"dog\"");
    CHECK(l.graph->notes.mean.count == 1 && l.graph->notes.std.at[0] == 0.25 && l.graph->notes.crop == 1);
    char *text = graph_print(l.graph, l.context->arena, NULL);
    CHECK_HAS(text, "labels \"cat\", \"a \\\"dog\\\"\", \"yes\"\n"
                    "preprocess mean=[0.5] std=[0.25] crop=1 resize=squash interpolation=bilinear\n");
    Graph *again = graph_parse(l.context, "t.nir", text, strlen(text), open_source);
    CHECK(again != NULL);
    if (again) CHECK_STR(graph_print(again, l.context->arena, NULL), text);
    graph_free(again);
  }
  loaded_free(&l);
}

/* ---- the general language ---- */

static const char by_hand[] = /* a small ConvNeXt; its twin is family_twin */
    "params: {dims: [8, 16], depths: [1, 2]}\n"
    "input: {name: image, size: 32}\n"
    "blocks:\n"
    "  block:\n"
    "    params: {dim: , kernel: 7}\n"
    "    steps:\n"
    "      - residual:\n"
    "          - conv: {name: conv_dw, out: $dim, kernel: $kernel, pad: same, groups: depthwise}\n"
    "          - layernorm: norm\n"
    "          - linear: {name: mlp.fc1, out: $(4 * dim)}\n"
    "          - gelu\n"
    "          - linear: {name: mlp.fc2, out: $dim}\n"
    "          - scale: gamma\n"
    "  stage:\n"
    "    params: {s: , dim: , depth: }\n"
    "    steps:\n"
    "      - if:\n"
    "          when: $(s > 0 and not (s == 7))\n"
    "          then: [{layernorm: downsample.0}, {conv: {name: downsample.1, out: $dim, kernel: 2, stride: 2}}]\n"
    "      - repeat: {times: $depth, as: b, steps: [{block: {name: blocks.$b, dim: $dim}}]}\n"
    "model:\n"
    "  - conv: {name: stem.0, out: '$(dims[0])', kernel: 4, stride: 4}\n"
    "  - layernorm: stem.1\n"
    "  - repeat:\n"
    "      times: $(len(dims))\n"
    "      as: i\n"
    "      steps: [{stage: {name: stages.$i, s: $i, dim: '$(dims[i])', depth: '$(depths[i])'}}]\n"
    "  - global_pool\n"
    "  - layernorm: head.norm\n"
    "  - flatten\n"
    "  - linear: {name: head.fc, out: 10}\n";
static const char family_twin[] = "{family: convnext, depths: [1, 2], dims: [8, 16], classes: 10, input: {size: 32}}";

static void general_language(void) {
  TEST("general_language");
  Loaded a = load_text(by_hand), b = load_text(family_twin);
  CHECK(a.graph && b.graph);
  if (a.graph && b.graph) {
    CHECK_STR(graph_print_anonymous(a.graph, a.context->arena, false),
              graph_print_anonymous(b.graph, b.context->arena, false));
    FOR_EACH_OP(b.graph, id) { /* the same names, too: weights of the one fit the other */
      const Op *op = op_at(b.graph, id);
      bool found = op->kind != OP_weight;
      FOR_EACH_OP(a.graph, other)
      found = found ||
              (op_at(a.graph, other)->kind == OP_weight && !strcmp(op_at(a.graph, other)->attrs.name, op->attrs.name));
      CHECK(found);
    }
  } else
    printf("%s", said(a.context));
  loaded_free(&a);
  loaded_free(&b);
}

/* Each row maps x = [1, 2, 3] to one number: its last step is a sum. */
static void values(void) {
  TEST("values");
  static const struct {
    const char *steps;
    double sum;
  } rows[] = {
      {"{neg: }", -6},
      {"{neg: {}, to: a}, {add: , from: [a, input]}", 0},
      {"{reduce_sum: {axes: [-1], keepdims: 1}}", 6},
      {"{reshape: {shape: [1, 3, 1]}}, {reduce_sum: {axes: [-1, -3]}}", 6},
      {"{softmax: {axis: -1}}", 1},
      {"{const: {type: i64, shape: [2], values: [9223372036854775807, -4611686018427387904]}}, {cast: {to: f32}, to: "
       "i}, "
       "{const: {shape: [2], values: [1, 2]}, to: c}, {mul: , from: [i, c]}",
       0},
      {"{clip: {low: 1e0}}", 6},
      {"{const: {shape: [3], values: 2}, to: two}, {mul: , from: [input, two]}", 12},
      {"{const: {type: i64, shape: [2], values: [2, 0]}, to: i}, {gather: {axis: 0}, from: [input, i]}", 4},
      {"{residual: [neg, neg]}", 12},
      {"{residual: {steps: [neg], shortcut: [{residual: [identity]}]}}", 6},
      {"{repeat: {times: 3, steps: [{residual: [identity]}]}}", 48},
      {"{if: {when: $(2 * 3 == 6), then: [neg], else: [relu]}}", -6},
      {"{if: {when: false, then: [neg]}}", 6},
      {"{steps: [neg, neg, neg]}", -6},
      {"{clip: {low: 2}}", 6},
      {"$act", 0.7310585786300049 + 0.8807970779778823 + 0.9525741268224334},
      {"{op.reduce_sum: {axes: [0], keepdims: 1}}", 6},
      {"{pad: {pads: [1, 1], value: 5}}", 16},
      {"{repeat: {times: 2, as: k, steps: [{const: {shape: [3], values: $(k + 1)}, to: c}, {mul: , from: [input, "
       "c]}]}}",
       12},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char text[1024];
    snprintf(text, sizeof text,
             "{params: {act: sigmoid}, input: {shape: [3]}, blocks: {clip: {params: {low: }, steps: [{identity: , to: "
             "v}, {const: "
             "{shape: [3], values: $(low - low)}, to: z}, {max: , from: [v, z]}, {add: , from: [x, z]}]}},\n"
             " model: [%s, {reduce_sum: {axes: [0]}}]}",
             rows[i].steps);
    Loaded l = load_text(text);
    CHECK(l.graph != NULL);
    if (!l.graph) printf("  %s\n  %s", rows[i].steps, said(l.context));
    if (l.graph) {
      Type t = type_make(DT_f32, 1, (Dim[]){3});
      Tensor x = tensor_new(&t), y;
      for (int k = 0; k < 3; k++) x.f[k] = k + 1;
      CHECK(eval_graph(l.graph, &x, 1, &y, 1, NULL, NULL));
      double got = y.f[0];
      CHECK(got - rows[i].sum < 1e-9 && rows[i].sum - got < 1e-9);
      if (got - rows[i].sum > 1e-9 || rows[i].sum - got > 1e-9) printf("  %s: %.17g\n", rows[i].steps, got);
      tensor_free(&x);
      tensor_free(&y);
    }
    loaded_free(&l);
  }
}

static void several_outputs(void) {
  TEST("several_outputs");
  Loaded l =
      load_text("{input: {shape: [N, 4]}, model: [{relu: , to: a}, {neg: , to: b}], outputs: {first: a, second: b}}");
  CHECK(l.graph && count_kind(l.graph, OP_output) == 2 && l.graph->symbol_count == 1);
  loaded_free(&l);
}

static void expressions(void) {
  TEST("expressions");
  static const struct {
    const char *expression;
    int times;
  } rows[] = {{"1 + 2 * 3", 7}, {"(1 + 2) * 3", 9},    {"7 // 2", 3},       {"7 % 4", 3},   {"6 / 4 * 2", 3},
              {"-2 + 5", 3},    {"- -2", 2},           {"2 < 3", 1},        {"2 >= 3", 0},  {"1 != 1 or 2 <= 2", 1},
              {"not 0", 1},     {"true and false", 0}, {"len(list)", 3},    {"list[1]", 5}, {"list[len(list) - 1]", 6},
              {"two * two", 4}, {"1e1", 10},           {"nested[1][0]", 8}, {"-(-3)", 3}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char text[512];
    snprintf(text, sizeof text,
             "params: {list: [4, 5, 6], two: 2, nested: [[7], [8]]}\ninput: {shape: [3]}\n"
             "model:\n  - relu\n  - repeat: {times: '$(%s)', steps: [neg]}\n",
             rows[i].expression);
    Loaded l = load_text(text);
    CHECK(l.graph && count_kind(l.graph, OP_neg) == rows[i].times);
    if (!l.graph || count_kind(l.graph, OP_neg) != rows[i].times)
      printf("  %s\n  %s", rows[i].expression, said(l.context));
    loaded_free(&l);
  }
}

/* ---- what is refused ---- */

#define CONVNEXT "family: convnext\ndepths: [1]\ndims: [8]\n"
#define STEPS    "input: {shape: [1, 4, 8, 8]}\nmodel:\n"

static const char *const refused[][2] = {
    {"- a", "m.yaml:1:1: error: a network is described by a map of keys, not by a list"},
    {"name: a", "needs a family or a model"},
    {"input: []\nmodel: [relu]", "m.yaml:1:8: error: a network has from 1 to 64 inputs"},
    {"input: [{name: a}, {name: a}]\nmodel: [relu]", "m.yaml:1:20: error: two inputs are called 'a'"},
    {"input: [{name: a}, {nam: b}]\nmodel: [relu]", "m.yaml:1:21: error: unknown key 'nam' (did you mean 'name'?)"},
    {"input: [{name: a}, {name: b}]\nmodel: [{add: , from: [input, input2]}]",
     "no value 'input2' (did you mean 'input"},
    {"base: convnext_atto\ninput: [{name: a}, {name: b}]",
     "m.yaml:2:8: error: a family's network has one input, not 2"},
    {"name: a\nfamly: convnext\ndepths: [3]", "m.yaml:2:1: error: unknown key 'famly' (did you mean 'family'?)"},
    {"bsae: convnext_tiny", "m.yaml:1:1: error: unknown key 'bsae' (did you mean 'base'?)"},
    {"family: convnet", "m.yaml:1:9: error: unknown family 'convnet' (of convnext, resnet); did you mean 'convnext'?"},
    {"base: convnext_tny", "no such network in the zoo (did you mean 'convnext_tiny'?)"},
    {"base: convnext_tny", "m.yaml:1:7: error: base 'convnext_tny' is no network of the zoo"},
    {"base: convnext_tiny\nmodel: []", "a family or a model, not both"},
    {CONVNEXT "depth: [3]", "m.yaml:4:1: error: unknown key 'depth' (did you mean 'depths'?)"},
    {"family: convnext", "the family needs depths"},
    {"family: convnext\ndepths: [1, 2]\ndims: [8]", "m.yaml:3:7: error: 2 depths, but 1 dims"},
    {"family: convnext\ndepths: [1, x]\ndims: [8, 8]", "m.yaml:2:13: error: depths must be a whole number, not 'x'"},
    {"family: convnext\ndepths: [0]\ndims: [8]", "depths must be from 1 to 1000"},
    {"family: convnext\ndepths: [1000, 1]\ndims: [8, 8]", "more than 1000 blocks"},
    {"family: convnext\ndepths: [1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]\ndims: [8]", "more than 16 stages"},
    {CONVNEXT "kernel: 4", "m.yaml:4:9: error: kernel 4 is even"},
    {CONVNEXT "kernel: [3, 5]", "2 kernels for 1 stages"},
    {CONVNEXT "act: gulu", "act must be one of none|relu|gelu"},
    {CONVNEXT "stem: pach", "(did you mean 'patch'?)"},
    {CONVNEXT "layer_scale: maybe", "layer_scale must be true or false"},
    {CONVNEXT "eps: -1", "eps must be from 0 to 1"},
    {CONVNEXT "input: {size: 2}", "layer 'stem.0'"},
    {CONVNEXT "input: {sise: 32}", "m.yaml:4:9: error: unknown key 'sise' (did you mean 'size'?)"},
    {CONVNEXT "input: {size: [1, 2, 3]}", "size must be one number, or height and width"},
    {CONVNEXT "input: {size: 0}", "size must be from 1"},
    {CONVNEXT "input: {batch: [1]}", "batch must be a number or the name of a symbol"},
    {CONVNEXT "input: {type: f31}", "unknown type 'f31'"},
    {CONVNEXT "input: {shape: [1, 3, 8, 8], size: 8}", "shape says all"},
    {CONVNEXT "input: {shape: 3}", "shape must be a list"},
    {CONVNEXT "input: {shape: [1,1,1,1,1,1,1,1,1]}", "shape has 9 axes"},
    {CONVNEXT "input: {shape: [1, 8]}", "conv needs an input of rank 4, not 2"},
    {CONVNEXT "labels: 3", "labels must be a list"},
    {CONVNEXT "labels: [[a]]", "a label must be a text"},
    {CONVNEXT "preprocess: {mean: 3}", "mean must be a list of numbers"},
    {CONVNEXT "preprocess: {std: [0, 1, 1]}", "std must be from 1e-06"},
    {CONVNEXT "preprocess: {mean: [1]}", "1 means, but 3 standard deviations"},
    {CONVNEXT "preprocess: {crop: 2}", "crop must be from 0.01 to 1"},
    {CONVNEXT "preprocess: {filter: x}", "unknown key 'filter'"},
    {CONVNEXT "output: [a]", "output must be a text"},
    {"family: resnet\ndepths: [1]\ndims: [8]\nkernel: 2", "kernel 2 is even"},
    {"family: resnet\ndepths: [1]\ndims: [8]\nstem: patch", "stem must be one of resnet|patchify"},
    {CONVNEXT "outputs: {a: x}", "m.yaml:4:10: error: a network has a family or outputs, not both"},
    {CONVNEXT "blocks: {}", "a network has a family or blocks, not both"},
    {CONVNEXT "params: {}", "a network has a family or params, not both"},
    {CONVNEXT "output: ''", "m.yaml:4:9: error: output is an empty name"},
    {"family: convnext\ndepths: [10]\ndims: [65536]", "the network has more than 2^38 elements of parameters"},
    {"output: y\noutputs: {z: x}\n" STEPS "- relu", "a network has an output or outputs, not both"},
    {"params: [1]\n" STEPS "- relu", "m.yaml:1:9: error: params must be a map of names to values"},
    {STEPS "- {softmax: {axis: -5}}", "axis -1 out of range for rank 4"},
    {"model: 3", "steps must be a list"},
    {STEPS "- [relu]", "a step is a word or a map, not a list"},
    {STEPS "- {from: x}", "a step needs a layer, a block or an operator"},
    {STEPS "- {relu: , neg: }", "m.yaml:3:12: error: a step does one thing"},
    {STEPS "- rellu", "m.yaml:3:3: error: no layer, block or operator 'rellu' (did you mean 'relu'?)"},
    {STEPS "- {op.relus: }", "no layer, block or operator 'op.relus'"},
    {STEPS "- {relu: , from: y}", "no value 'y'"},
    {STEPS "- {relu: , to: abc}\n- {neg: , from: abd}", "m.yaml:4:17: error: no value 'abd' (did you mean 'abc'?)"},
    {STEPS "- {relu: , from: [[x]]}", "a value is named by a word, not by a list"},
    {STEPS "- {relu: , to: x}", "'x' is no name for a value"},
    {STEPS "- {conv: {name: a, out: 4}}", "conv needs out and kernel"},
    {STEPS "- {conv: {out: 4, kernel: 1}}", "conv needs a name for its parameters"},
    {STEPS "- {conv: {name: a, out: 4, kernel: 1, groups: 3}}", "3 groups do not divide"},
    {STEPS "- {conv: {name: a, out: 4, kernel: [1, 2, 3]}}", "kernel has 3 entries"},
    {STEPS "- {conv: {name: a, out: 4, kernel: []}}", "kernel is empty"},
    {STEPS "- {conv: {name: a, out: 4, kernel: 1, pad: [1, 2, 3]}}", "pad takes one, two or four numbers"},
    {STEPS "- {conv: {name: a, out: 4, kernel: 1, bias: [a]}}", "bias must be a text"},
    {STEPS "- {conv: {name: a, out: 4, kernel: 1, stried: 2}}", "unknown key 'stried' (did you mean 'stride'?)"},
    {STEPS "- {conv: {name: a, out: 4, kernel: 9}}", "layer 'a'"},
    {STEPS "- {linear: a}", "linear needs out"},
    {STEPS "- {layernorm: }", "layernorm needs a name"},
    {STEPS "- {batchnorm: {}}", "batchnorm needs a name"},
    {STEPS "- flatten\n- {grn: g}", "grn needs an input of rank 4, not 2"},
    {STEPS "- flatten\n- global_pool", "needs an input of rank 4"},
    {STEPS "- {scale: s}\n- {linear: {name: s, weight: s, out: 4}}", "parameter 's' is used with two shapes"},
    {STEPS "- {act: gulu}", "act must be one of"},
    {STEPS "- {maxpool: {}}", "maxpool needs a kernel"},
    {STEPS "- {param: {name: p}}", "param needs a shape"},
    {STEPS "- {param: {name: p, shape: 3}}", "shape must be a list"},
    {STEPS "- {const: {shape: [3]}}", "const needs values"},
    {STEPS "- {const: {shape: [3], values: [1, 2]}}", "const takes one value, or as many as its shape has"},
    {STEPS "- {const: {shape: [3], values: 1, type: f31}}", "unknown type 'f31'"},
    {STEPS "- {relu: , from: [x, x]}", "relu has 2 operands, takes 1 to 1"},
    {STEPS "- {flatten: , from: [x, x]}", "flatten takes one value"},
    {STEPS "- {transpose: {prem: [0]}}", "unknown key 'prem' (did you mean 'perm'?)"},
    {STEPS "- {transpose: {perm: [0, 1]}}", "m.yaml:3:4: error:"},
    {STEPS "- {softmax: {axis: one}}", "axis must be a whole number"},
    {STEPS "- {gelu: {mode: [a]}}", "mode must be a word"},
    {STEPS "- {weight: {}}", "operator weight is not written as a step"},
    {STEPS "- {output: }", "operator output is not written as a step"},
    {STEPS "- {residual: 3}", "steps must be a list"},
    {STEPS "- {residual: {shortcut: []}}", "residual needs steps"},
    {STEPS "- {residual: {stepps: []}}", "unknown key 'stepps'"},
    {STEPS "- {residual: [flatten]}", "m.yaml:3:14: error:"},
    {STEPS "- {repeat: {steps: []}}", "repeat needs times and steps"},
    {STEPS "- {repeat: {times: x, steps: []}}", "times must be a whole number"},
    {STEPS "- {repeat: {times: 10001, steps: []}}", "times must be from 0 to 10000"},
    {STEPS "- {repeat: {times: 10000, steps: [{repeat: {times: 10000, steps: [identity]}}]}}",
     "more than 100000 steps"},
    {STEPS "- {repeat: {times: 10000, steps: [relu, relu, relu, relu, relu, relu]}}", "more than 50000 operators"},
    {STEPS "- {if: {then: []}}", "if needs when and then"},
    {STEPS "- {if: {when: maybe, then: []}}", "when must be true or false"},
    {STEPS "- {neg: , from: $y}", "m.yaml:3:17: error: no variable 'y'"},
    {STEPS "- {linear: {name: a$, out: 1}}", "a name or '(' should follow '$'"},
    {STEPS "- {linear: {name: a, out: $(1 +)}}", "'$(1 +)': a value is missing"},
    {STEPS "- {linear: {name: a, out: $((1)}}", "')' is missing"},
    {STEPS "- {linear: {name: a, out: $(1 / 0)}}", "division by 0"},
    {STEPS "- {linear: {name: a, out: $(1e300 * 1e300)}}", "the result is no number"},
    {STEPS "- {linear: {name: a, out: $(((((((((((((((((((((((((((((((((((1))))))))))))))))))))))))))))))))))}}",
     "nested too deep"},
    {"params: {abc: [1]}\n" STEPS "- {linear: {name: a, out: $(abd)}}", "no variable 'abd' (did you mean 'abc'?)"},
    {"params: {l: [1]}\n" STEPS "- {linear: {name: a, out: $(l)}}", "a variable in it is no number"},
    {"params: {l: [1]}\n" STEPS "- {linear: {name: a, out: '$(l[1])'}}", "an index is outside of its list"},
    {"params: {l: [1]}\n" STEPS "- {linear: {name: a, out: '$(l[0)'}}", "']' is missing"},
    {"params: {n: 1}\n" STEPS "- {linear: {name: a, out: '$(n[0])'}}", "only a list has an index"},
    {"params: {n: 1}\n" STEPS "- {linear: {name: a, out: $(len(n))}}", "len takes a list"},
    {"params: {l: [1]}\n" STEPS "- {linear: {name: a$l, out: 1}}", "a list cannot stand inside a text"},
    {"blocks: 3\n" STEPS "- relu", "blocks must be a map"},
    {"blocks: {b: {params: {}}}\n" STEPS "- b", "block 'b' needs steps"},
    {"blocks: {b: {steps: [b]}}\n" STEPS "- b", "blocks call each other deeper than 32"},
    {"blocks: {b: {params: [a], steps: []}}\n" STEPS "- b", "params must be a map of names to defaults"},
    {"blocks: {b: {params: {a: }, steps: []}}\n" STEPS "- b", "b needs 'a'"},
    {"blocks: {b: {params: {abc: 1}, steps: []}}\n" STEPS "- {b: {abd: 2}}", "unknown key 'abd' (did you mean 'abc'?)"},
    {"blocks: {b: {stepps: []}}\n" STEPS "- b", "unknown key 'stepps' (did you mean 'steps'?)"},
    {"blocks: {b: {steps: []}}\n" STEPS "- {b: [1]}", "b takes a name or a map of its parameters"},
    {"blocks: {b: {params: {a: }, steps: [{b: {a: $a$a}}]}}\n" STEPS "- {b: {a: xxxxxxxxxxxxxxxx}}",
     "a text of more than 4096 bytes"},
    {"outputs: 3\n" STEPS "- relu", "outputs must be a map"},
    {"outputs: {a: b}\n" STEPS "- relu", "no value 'b'"},
    {STEPS "- {neg: }\n  bad", "error:"},
};

static void refusals(void) {
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    TEST(refused[i][1]);
    Loaded l = load_text(refused[i][0]);
    CHECK(!l.graph && l.context->errors);
    CHECK_HAS(said(l.context), refused[i][1]);
    loaded_free(&l);
  }
}

/* The examples of docs/yaml.md are descriptions. */
static void documented(void) {
  TEST("documented");
  size_t size;
  int count = 0;
  char *text = get_file(SOURCE_DIR "/docs/yaml.md", &size);
  for (char *p = text; (p = strstr(p, "```yaml\n")); count++) {
    p += strlen("```yaml\n");
    char *end = strstr(p, "```");
    *end = 0;
    accept(p);
    p = end + 1;
  }
  CHECK(count == 2);
  free(text);
}

static void pins(void) {
  TEST("pins");
  put_file("m.yaml", "{base: convnext_atto, input: {batch: N}}", 40);
  Context *c = context_new();
  Graph *g = load_model(c, "m.yaml", &(DimPin){"N", 4}, 1);
  CHECK(g && g->symbol_count == 0 && type_of(g, op_at(g, g->first)->first_result)->dim[0] == 4);
  graph_free(g);
  CHECK(!load_model(c, "m.yaml", &(DimPin){"M", 4}, 1));
  CHECK_HAS(said(c), "no symbolic dim 'M' (N)");
  CHECK(!load_model(c, "m.yaml", &(DimPin){"N", 0}, 1));
  CHECK_HAS(said(c), "dim 'N' is set to 0");
  CHECK(!load_model(c, "zoo:convnext_atto@0", NULL, 0) && !load_model(c, "zoo:convnext_atto@x", NULL, 0));
  CHECK_HAS(said(c), "an image size from 1 to 65536 should follow '@'");
  context_free(c);
}

int main(void) {
  open_folder();
  families();
  training_is_gone();
  notes();
  general_language();
  values();
  several_outputs();
  expressions();
  refusals();
  documented();
  pins();
  close_folder();
  return test_result();
}
