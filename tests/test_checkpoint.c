/* Checkpoint folders: configs of transformers and timm, what of them is honoured, and what is refused. */
#include "tests/test.h"
#include "tests/weights_kit.h"
#include <math.h>

/* The folder "c" with a config and the weights that the description would have. */
static void put_folder(const char *config, const char *twin) {
  mkdir("c", 0777);
  put_file("c/config.json", config, strlen(config));
  if (!twin) return;
  Loaded l = load_text(twin);
  Array list[256];
  size_t count = 0;
  FOR_EACH_OP(l.graph, id) {
    const Op *op = op_at(l.graph, id);
    if (op->kind == OP_weight)
      list[count++] = (Array){op->attrs.name, *type_of(l.graph, op->first_result),
                              arena_alloc(l.context->arena, type_bytes(type_of(l.graph, op->first_result)))};
  }
  write_safetensors("c/model.safetensors", list, count);
  loaded_free(&l);
}

/* The folder's network is the description's. */
static void same(const char *config, const char *twin) {
  put_folder(config, twin);
  Loaded a = load_path("c", NULL), b = load_text(twin);
  CHECK(a.graph && b.graph);
  if (!a.graph) printf("%s\n%s", config, said(a.context));
  if (a.graph && b.graph)
    CHECK_STR(graph_print_anonymous(a.graph, a.context->arena, false),
              graph_print_anonymous(b.graph, b.context->arena, false));
  loaded_free(&a);
  loaded_free(&b);
}

#define SMALL "depths: [1, 1], dims: [4, 8]"
#define TIMM(args)                                                                                                     \
  "{\"architecture\": \"convnext_atto\", \"num_classes\": 3, \"model_args\": {\"depths\": [1, 1], \"dims\": [4, "      \
  "8]" args "}, \
                   \"pretrained_cfg\": {\"input_size\": [3, 32, 32]}}"
#define TWIN(more) "{family: convnext, " SMALL ", classes: 3, input: {size: 32}" more "}"

static void timm_configs(void) {
  TEST("timm_configs");
  static const char *const rows[][2] = {
      {TIMM(""), TWIN("")},
      {TIMM(", \"use_grn\": true, \"ls_init_value\": null"), TWIN(", grn: true")},
      {TIMM(", \"use_grn\": true"), TWIN(", grn: true, layer_scale: true")},
      {TIMM(", \"ls_init_value\": null"), TWIN(", layer_scale: false")},
      {TIMM(", \"ls_init_value\": 0"), TWIN("")}, /* timm asks whether it is None */
      {TIMM(", \"kernel_sizes\": 3, \"act_layer\": \"silu\", \"conv_bias\": false"),
       TWIN(", kernel: 3, act: silu, bias: false, mlp_bias: true")},
      {TIMM(", \"act_layer\": \"mish\", \"global_pool\": \"max\""), TWIN(", act: mish, pool: max")},
      {TIMM(", \"act_layer\": \"celu\", \"global_pool\": \"fastavgmax\""), TWIN(", act: elu, pool: avgmax")},
      {TIMM(", \"act_layer\": \"quick_gelu\", \"global_pool\": \"\""), TWIN(", act: quick_gelu, pool: none")},
      {TIMM(", \"patch_size\": 32"), TWIN(", patch: 32, output_stride: 32")}, /* the next stage is dilated */
      {"{\"architecture\": \"convnext_atto\", \"num_classes\": 0, \"model_args\": {\"depths\": [1, 1], \"dims\": [4, "
       "8]}, "
       "\"pretrained_cfg\": {\"global_pool\": \"max\"}}",
       "{family: convnext, " SMALL ", classes: 0, pool: max}"},
      {TIMM(", \"act_layer\": \"gelu_tanh\", \"norm_eps\": 1e-5"), TWIN(", act: gelu_tanh, eps: 1.0e-5")},
      {TIMM(", \"stem_type\": \"overlap\", \"conv_mlp\": true"), TWIN(", stem: overlap")},
      {TIMM(", \"patch_size\": 2"), TWIN(", patch: 2, first_downsample: true")},
      {TIMM(", \"patch_size\": 8"), TWIN(", patch: 8")},
      {TIMM(", \"output_stride\": 4"), TWIN(", output_stride: 4")},
      {TIMM(", \"head_norm_first\": true"), TWIN(", head_norm_first: true")},
      {TIMM(", \"head_hidden_size\": 6"), TWIN(", head_hidden: 6")},
      {TIMM(", \"drop_path_rate\": 0.1, \"drop_rate\": 0.2, \"head_init_scale\": 1.0, \"norm_layer\": \"layernorm\""),
       TWIN("")},
      {TIMM(", \"num_classes\": 5"), "{family: convnext, " SMALL ", classes: 5, input: {size: 32}}"},
      {TIMM(", \"in_chans\": 1"), "{family: convnext, " SMALL ", classes: 3, input: {size: 32, channels: 1}}"},
      {"{\"architecture\": \"convnextv2_atto.fcmae\", \"model_args\": {\"depths\": [1, 1], \"dims\": [4, 8]}}",
       "{family: convnext, " SMALL ", grn: true}"},
      {"{\"architecture\": \"convnext_atto_ols\", \"model_args\": {\"depths\": [1, 1], \"dims\": [4, 8]}}",
       "{family: convnext, " SMALL ", stem: overlap_tiered}"},
      {TIMM(", \"stem_type\": \"overlap\", \"patch_size\": 2"), TWIN(", stem: overlap")}, /* which has no patch */
      {TIMM(", \"norm_layer\": \"rmsnorm2d\", \"act_layer\": \"identity\""), TWIN(", norm: rmsnorm, act: none")},
      {TIMM(", \"norm_layer\": \"simplenorm\", \"norm_eps\": 1e-5"), TWIN(", norm: simplenorm, eps: 1.0e-5")},
      {"{\"architecture\": \"convnext_zepto_rms_ols.ra4_e3600_r224_in1k\", \"model_args\": {\"depths\": [1, 1], "
       "\"dims\": [4, 8]}}",
       "{family: convnext, " SMALL ", norm: simplenorm, stem: overlap_act}"},
      {"{\"architecture\": \"convnext_atto_rms\", \"model_args\": {\"depths\": [1, 1], \"dims\": [4, 8]}}",
       "{family: convnext, " SMALL ", norm: rmsnorm}"},
      {"{\"architecture\": \"test_convnext3.r160_in1k\"}", "{family: convnext, depths: [1, 1, 1, 1], dims: [32, 64, "
                                                           "96, 128], eps: 1.0e-5, kernel: [7, 5, 5, 3], act: silu}"},
      {"{\"architecture\": \"convnext_xxlarge\", \"model_args\": {\"depths\": [1, 1], \"dims\": [4, 8]}}",
       "{family: convnext, " SMALL ", eps: 1.0e-5}"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) same(rows[i][0], rows[i][1]);
}

#define HF(kind, more)                                                                                                 \
  "{\"architectures\": [\"" kind "ForImageClassification\"], \"depths\": [1, 1], \"hidden_sizes\": [4, 8], "           \
  "\"image_size\": 32, \"id2label\": {\"1\": \"dog\", \"0\": \"cat \\ud83d\\ude00\", \"2\": \"eel\"}" more "}"

static void hf_configs(void) {
  TEST("hf_configs");
  static const char *const rows[][2] = {
      {HF("ConvNext", ""), TWIN(", head_eps: 1.0e-12")},
      {HF("ConvNextV2", ""), TWIN(", head_eps: 1.0e-12, grn: true")},
      {HF("ConvNext", ", \"hidden_act\": \"gelu_python\""), TWIN(", head_eps: 1.0e-12")},
      {HF("ConvNext", ", \"hidden_act\": null, \"num_stages\": 2"), TWIN(", head_eps: 1.0e-12")},
      {HF("ConvNext", ", \"layer_norm_eps\": 1e-5"), TWIN(", head_eps: 1.0e-5")},
      {HF("ConvNext", ", \"layer_scale_init_value\": 0"), TWIN(", head_eps: 1.0e-12, layer_scale: false")},
      {HF("ConvNextV2", ", \"layer_scale_init_value\": 1e-6"), TWIN(", head_eps: 1.0e-12, grn: true")},
      {HF("ConvNext", ", \"hidden_act\": \"gelu_new\", \"patch_size\": 2"),
       TWIN(", head_eps: 1.0e-12, act: gelu_tanh, patch: 2")},
      {"{\"model_type\": \"convnextv2\", \"depths\": [1, 1], \"hidden_sizes\": [4, 8], \"image_size\": 32, "
       "\"num_labels\": 3, "
       "\"num_channels\": 1}",
       "{family: convnext, " SMALL ", classes: 3, head_eps: 1.0e-12, grn: true, input: {size: 32, channels: 1}}"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) same(rows[i][0], rows[i][1]);
}

static void notes(void) {
  TEST("notes");
  static const char preprocessor[] =
      "{\"image_mean\": [0.5, 0.5, 0.5], \"image_std\": [0.2, 0.2, 0.2], \"resample\": 2, "
      "\"crop_pct\": 0.9, \"size\": {\"shortest_edge\": 224}}";
  static const char large[] = "{\"size\": 384, \"resample\": 3, \"crop_pct\": 0.9}";
  put_folder(HF("ConvNext", ""), TWIN(""));
  put_file("c/preprocessor_config.json", preprocessor, strlen(preprocessor));
  Loaded l = load_path("c/", NULL);
  CHECK(l.graph && l.graph->notes.label_count == 3 && l.graph->notes.preprocess);
  if (l.graph) {
    const Notes *n = &l.graph->notes;
    CHECK_STR(l.graph->name, "c");
    CHECK_STR(n->labels[0], "cat \xf0\x9f\x98\x80");
    CHECK_STR(n->labels[2], "eel");
    CHECK(n->mean.at[2] == 0.5 && n->std.at[0] == 0.2 && n->crop == 0.9);
    CHECK_STR(n->interpolation, "bilinear");
  }
  loaded_free(&l);
  put_file("c/preprocessor_config.json", large, strlen(large));
  l = load_path("c", NULL);
  CHECK(l.graph && l.graph->notes.crop == 1 && l.graph->notes.squash &&
        !strcmp(l.graph->notes.interpolation, "bicubic"));
  loaded_free(&l);
  static const char plain[] = "{\"do_normalize\": false, \"image_mean\": [3, 3, 3]}";
  put_file("c/preprocessor_config.json", plain, strlen(plain));
  l = load_path("c", NULL);
  CHECK(l.graph && l.graph->notes.mean.at[1] == 0 && l.graph->notes.std.at[1] == 1);
  CHECK_STR(l.graph ? l.graph->notes.interpolation : "", "bilinear");
  loaded_free(&l);
  static const char raw[] = "{\"do_rescale\": false, \"image_mean\": [51, 0, 0], \"image_std\": [255, 510, 255]}";
  put_file("c/preprocessor_config.json", raw, strlen(raw));
  l = load_path("c", NULL);
  CHECK(l.graph && l.graph->notes.mean.at[0] == 0.2 && l.graph->notes.std.at[1] == 2);
  loaded_free(&l);
  static const char wide[] = "{\"rescale_factor\": 0.00784313725490196}"; /* 2/255, and a mean of 0.5 */
  put_file("c/preprocessor_config.json", wide, strlen(wide));
  l = load_path("c", NULL);
  CHECK(l.graph && fabs(l.graph->notes.mean.at[0] - 0.25) < 1e-9 && fabs(l.graph->notes.std.at[0] - 0.25) < 1e-9);
  loaded_free(&l);
  static const char wrong[] = "{\"rescale_factor\": []}";
  put_file("c/preprocessor_config.json", wrong, strlen(wrong));
  l = load_path("c", NULL);
  CHECK(!l.graph);
  CHECK_HAS(said(l.context), "c/preprocessor_config.json:1:20: error: rescale_factor must be a number");
  loaded_free(&l);
  remove("c/preprocessor_config.json");
  put_folder("{\"architecture\": \"convnext_atto\", \"num_classes\": 3, \"label_names\": [\"a\", \"b\", \"c\"], "
             "\"model_args\": "
             "{\"depths\": [1, 1], \"dims\": [4, 8]}, \"pretrained_cfg\": {\"input_size\": [3, 32, 32], \"crop_pct\": "
             "0.95, \"crop_mode\": \"squash\", "
             "\"interpolation\": \"bicubic\", \"mean\": [0.1, 0.2, 0.3], \"std\": [1, 1, 1]}}",
             TWIN(""));
  l = load_path("c", NULL);
  CHECK(l.graph && l.graph->notes.label_count == 3 && l.graph->notes.crop == 0.95 && l.graph->notes.squash &&
        l.graph->notes.mean.at[1] == 0.2);
  loaded_free(&l);
}

static void sharded(void) {
  TEST("sharded");
  put_folder(TIMM(""), TWIN(""));
  Loaded l = load_text(TWIN(""));
  char index[8192] = "{\"weight_map\": {";
  FOR_EACH_OP(l.graph, id)
  if (op_at(l.graph, id)->kind == OP_weight)
    sprintf(index + strlen(index), "%s\"%s\": \"part.safetensors\"", strchr(index, '.') ? ", " : "",
            op_at(l.graph, id)->attrs.name);
  strcat(index, "}}");
  loaded_free(&l);
  rename("c/model.safetensors", "c/part.safetensors");
  put_file("c/model.safetensors.index.json", index, strlen(index));
  l = load_path("c", NULL);
  CHECK(l.graph != NULL);
  if (!l.graph) printf("%s", said(l.context));
  loaded_free(&l);
  remove("c/model.safetensors.index.json");
}

static void refusals(void) {
  static const char *const rows[][2] = {
      {"{\"architectures\": [\"ResNetForImageClassification\"]}",
       "c/config.json:1:20: error: architecture 'ResNetForImageClassification' is not supported; supported are "
       "ConvNextForImageClassification, ConvNextV2ForImageClassification and timm's convnext*"},
      {"{\"model_type\": \"vit\"}", "architecture 'vit' is not supported"},
      {"{\"architectures\": [\"ConvNextModel\"]}", "architecture 'ConvNextModel' is not supported"},
      {"{\"architecture\": \"resnet50\"}", "architecture 'resnet50' is not supported; supported are timm's convnext*"},
      {"{\"architecture\": \"convnext_giga\"}", "architecture 'convnext_giga' is not supported"},
      {"{\"architecture\": 3}", "architecture '3' is not supported"},
      {"{\"architecture\": null}", "architecture must be a text"},
      {"{}", "has neither 'architectures' (transformers) nor 'architecture' (timm)"},
      {"[]", "is a list, not an object"},
      {"{", "c/config.json:1:2: error: not JSON"},
      {TIMM(", \"depth\": 3"), "unknown key 'depth' (did you mean 'depths'?)"},
      {TIMM(", \"global_pool\": \"catavgmax\""), "global_pool must be one of avg|max|avgmax|"},
      {TIMM(", \"norm_layer\": \"batchnorm2d\""), "norm_layer must be one of layernorm|layernorm2d|rmsnorm|"},
      {TIMM(", \"act_layer\": \"prelu\""), "act must be one of"},
      {"{\"architecture\": \"convnext_atto\", \"pretrained_cfg\": {\"input_size\": 3}}", "input_size must be a list"},
      {HF("ConvNext", ", \"depths\": 1"), "key 'depths' stands twice"},
      {"{\"architectures\": [\"ConvNextForImageClassification\"], \"id2label\": {\"0\": \"a\", \"x\": \"b\"}}",
       "id2label: 'x' is none of 0 to 1"},
      {"{\"architectures\": [\"ConvNextForImageClassification\"], \"id2label\": [1]}", "id2label must be a map"},
      {"{\"architectures\": [\"ConvNextForImageClassification\"], \"depths\": \"many\"}",
       "depths must be a whole number"},
      {HF("ConvNext", ", \"num_stages\": 4"), "num_stages is 4, but there are 2 depths"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    TEST(rows[i][1]);
    put_folder(rows[i][0], NULL);
    Loaded l = load_path("c", NULL);
    CHECK(!l.graph);
    CHECK_HAS(said(l.context), rows[i][1]);
    loaded_free(&l);
  }
  TEST("files that are not there");
  put_folder(TIMM(""), NULL);
  remove("c/model.safetensors");
  Loaded l = load_path("c", NULL);
  CHECK_HAS(said(l.context), "c: error: no model.safetensors or model.safetensors.index.json in it");
  loaded_free(&l);
  put_file("c/pytorch_model.bin", "", 0);
  l = load_path("c", NULL);
  CHECK_HAS(said(l.context), "pytorch_model.bin is a pickle, which is not read; save it as safetensors");
  loaded_free(&l);
  l = load_path("c", "random:1");
  CHECK(l.graph != NULL);
  loaded_free(&l);
  remove("c/config.json");
  l = load_path("c", NULL);
  CHECK_HAS(said(l.context), "c: error: no config.json in it");
  loaded_free(&l);
}

int main(void) {
  open_folder();
  timm_configs();
  hf_configs();
  notes();
  sharded();
  refusals();
  close_folder();
  return test_result();
}
