/* Any bytes as a description, a config or a weights file give an error or a result: seeds with bytes changed, cut out
 * and doubled at places that a fixed generator chooses. The seeds are good texts that reach far. */
#include "tests/test.h"
#include "tests/weights_kit.h"

static const char *const yaml_seeds[] = {
    "params: {dims: [4, 8]}\ninput: {name: x, shape: [N, 3, 32, 32]}\nblocks:\n  b:\n    params: {d: 4, k: 3}\n    "
    "steps:\n"
    "      - residual:\n          - conv: {name: c, out: $d, kernel: $k, pad: same, groups: depthwise}\n          - "
    "layernorm: n\n"
    "          - {linear: {name: f, out: $(4 * d)}}\n          - gelu\n          - linear: {name: g, out: $d}\n        "
    "  - scale: s\n"
    "model:\n  - conv: {name: stem, out: '$(dims[0])', kernel: 4, stride: 4}\n  - repeat: {times: 2, as: i, steps: "
    "[{b: {name: b$i}}]}\n"
    "  - {op.reduce_mean: {axes: [2, 3]}, to: y}\n  - if: {when: $(len(dims) > 1), then: [relu], else: [neg]}\n"
    "  - {add: , from: [x, y]}\n  - softmax: {axis: 1}\noutputs: {a: y, b: x}\n",
    "base: &b convnext_atto\nname: net\ndepths: [1, 1, 1, 1]\ndims: [4, 8, 12, 16]\ninput: {channels: 3, size: [32, "
    "64], batch: 2}\n"
    "layer_scale: 1.0e-6\ndrop_path: 0.1\nlabels: [a, \"b\\n\", 'c']\npreprocess: {mean: [0.5], std: [0.5], crop: "
    "0.9}\n"
    "training: {x: *b, <<: {y: 1}}\n",
    "{family: resnet, depths: [1, 1], dims: [4, 8], stem: patchify, depthwise: true, inverted: true, act: gelu, "
    "kernel: 5,\n"
    " fewer_acts: true, fewer_norms: true, layer_norm: true, separate_downsample: true, classes: 3, input: {size: "
    "32}}\n",
};

static const char config_seed[] = "{\"architectures\": [\"ConvNextV2ForImageClassification\"], \"depths\": [1, 1], "
                                  "\"hidden_sizes\": [4, 8], \"image_size\": 16,\n"
                                  " \"hidden_act\": \"gelu\", \"id2label\": {\"0\": \"a\\u00e9\\ud83d\\ude00\", \"1\": "
                                  "\"b\"}, \"layer_norm_eps\": 1e-12}";
static const char timm_seed[] = "{\"architecture\": \"convnext_tiny\", \"num_classes\": 2, \"model_args\": "
                                "{\"depths\": [1, 1], \"dims\": [4, 8], \"conv_mlp\": true,\n"
                                " \"use_grn\": true, \"ls_init_value\": null}, \"pretrained_cfg\": {\"input_size\": "
                                "[3, 16, 16], \"mean\": [0.4, 0.4, 0.4]}}";

static uint64_t state = 1;
static size_t random_below(size_t n) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (size_t)(state >> 33) % n;
}

/* One to four changes; returns the new size (room: 2 * size + 64). */
static size_t mutate(char *bytes, size_t size) {
  static const char interesting[] = "\0\n\t :,[]{}-&*!|>'\"%@`#$?()0129e.x\xff\x80~/\\<=";
  for (size_t changes = 1 + random_below(4); changes && size; changes--) {
    size_t at = random_below(size), n = 1 + random_below(size - at < 12 ? size - at : 12);
    switch (random_below(4)) {
    case 0: bytes[at] = interesting[random_below(sizeof interesting)]; break;
    case 1: bytes[at] ^= (char)(1 << random_below(8)); break;
    case 2:
      memmove(bytes + at, bytes + at + n, size - at - n);
      size -= n;
      break;
    default: memmove(bytes + at + n, bytes + at, size - at); size += n;
    }
  }
  return size;
}

typedef void (*Try)(const char *bytes, size_t size);

static int accepted;
static void try_path(const char *path, const char *weights) {
  Loaded l = load_path(path, weights);
  CHECK(l.graph ? !l.context->errors && graph_verify(l.graph) : l.context->errors > 0);
  accepted += l.graph != NULL;
  loaded_free(&l);
}

static void try_yaml(const char *bytes, size_t size) {
  put_file("m.yaml", bytes, size);
  try_path("m.yaml", NULL);
}

static void try_config(const char *bytes, size_t size) {
  put_file("c/config.json", bytes, size);
  try_path("c", "random:1");
}

static void try_weights(const char *bytes, size_t size) {
  put_file("w.safetensors", bytes, size);
  try_path("m.yaml", "w.safetensors");
}

static void try_npz(const char *bytes, size_t size) {
  put_file("w.npz", bytes, size);
  try_path("m.yaml", "w.npz");
}

static void fuzz(const char *name, const char *seed, size_t size, int times, Try try) {
  TEST(name);
  char *bytes = malloc(2 * size + 64);
  accepted = 0;
  try(seed, size);
  CHECK(accepted == 1);
  for (int i = 0; i < times; i++) {
    memcpy(bytes, seed, size);
    try(bytes, mutate(bytes, size));
  }
  free(bytes);
}

int main(void) {
  static const char twin[] = "{family: convnext, depths: [1], dims: [4], classes: 2, input: {size: 8}}";
  Array list[64];
  size_t count = 0, size;
  open_folder();
  mkdir("c", 0777);
  for (size_t i = 0; i < sizeof yaml_seeds / sizeof *yaml_seeds; i++)
    fuzz("yaml", yaml_seeds[i], strlen(yaml_seeds[i]), 1500, try_yaml);
  fuzz("transformers", config_seed, strlen(config_seed), 800, try_config);
  fuzz("timm", timm_seed, strlen(timm_seed), 800, try_config);
  Loaded l = load_text(twin);
  FOR_EACH_OP(l.graph, id) {
    const Op *op = op_at(l.graph, id);
    const Type *t = op->result_count ? type_of(l.graph, op->first_result) : NULL;
    if (op->kind == OP_weight)
      list[count++] = (Array){op->attrs.name, *t, arena_alloc(l.context->arena, type_bytes(t))};
  }
  write_safetensors("seed", list, count);
  char *seed = get_file("seed", &size);
  put_file("m.yaml", twin, strlen(twin));
  fuzz("safetensors", seed, size, 800, try_weights);
  free(seed);
  write_npz("seed", list, count);
  seed = get_file("seed", &size);
  fuzz("npz", seed, size, 800, try_npz);
  free(seed);
  loaded_free(&l);
  close_folder();
  return test_result();
}
