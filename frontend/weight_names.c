/* Naming schemes of checkpoints. The network's own names are timm's (family convnext) or those of docs/yaml.md (family
 * resnet); a row turns one into what a scheme calls it.
 *   pattern: # is a number, * the rest of the name
 *   name:    $1 $2 the numbers, @1 twice the first, &1 twice the first plus 1, ^1 the first plus 1, * the rest,
 *            ~ the prefix that the whole file has */
#include "frontend/weights.h"
#include <stdlib.h>
#include <string.h>

typedef struct {
  const char *pattern, *name;
} Row;

typedef struct {
  const char *name;
  Row rows[20]; /* ends with an empty one */
} Scheme;

static const char *const prefixes[SCHEME_PREFIXES] = {"",       "convnext.", "convnextv2.", "module.",
                                                      "model.", "backbone.", "encoder."};

static const Scheme schemes[] = {
    {"the network", {{"*", "~*"}}},
    {"Hugging Face transformers",
     {{"stem.0.*", "~embeddings.patch_embeddings.*"},
      {"stem.1.*", "~embeddings.layernorm.*"},
      {"stages.#.downsample.#.*", "~encoder.stages.$1.downsampling_layer.$2.*"},
      {"stages.#.blocks.#.conv_dw.*", "~encoder.stages.$1.layers.$2.dwconv.*"},
      {"stages.#.blocks.#.norm.*", "~encoder.stages.$1.layers.$2.layernorm.*"},
      {"stages.#.blocks.#.mlp.fc1.*", "~encoder.stages.$1.layers.$2.pwconv1.*"},
      {"stages.#.blocks.#.mlp.grn.*", "~encoder.stages.$1.layers.$2.grn.*"},
      {"stages.#.blocks.#.mlp.fc2.*", "~encoder.stages.$1.layers.$2.pwconv2.*"},
      {"stages.#.blocks.#.gamma", "~encoder.stages.$1.layers.$2.layer_scale_parameter"},
      {"head.norm.*", "~layernorm.*"},
      {"head.fc.*", "classifier.*"}}},
    {"torchvision",
     {{"stem.#.*", "~features.0.$1.*"},
      {"stages.#.downsample.#.*", "~features.@1.$2.*"},
      {"stages.#.blocks.#.conv_dw.*", "~features.&1.$2.block.0.*"},
      {"stages.#.blocks.#.norm.*", "~features.&1.$2.block.2.*"},
      {"stages.#.blocks.#.mlp.fc1.*", "~features.&1.$2.block.3.*"},
      {"stages.#.blocks.#.mlp.fc2.*", "~features.&1.$2.block.5.*"},
      {"stages.#.blocks.#.gamma", "~features.&1.$2.layer_scale"},
      {"head.norm.*", "~classifier.0.*"},
      {"head.fc.*", "~classifier.2.*"}}},
    {"the official repositories",
     {{"stem.#.*", "~downsample_layers.0.$1.*"},
      {"stages.#.downsample.#.*", "~downsample_layers.$1.$2.*"},
      {"stages.#.blocks.#.conv_dw.*", "~stages.$1.$2.dwconv.*"},
      {"stages.#.blocks.#.norm.*", "~stages.$1.$2.norm.*"},
      {"stages.#.blocks.#.mlp.fc1.*", "~stages.$1.$2.pwconv1.*"},
      {"stages.#.blocks.#.mlp.grn.weight", "~stages.$1.$2.grn.gamma"},
      {"stages.#.blocks.#.mlp.grn.bias", "~stages.$1.$2.grn.beta"},
      {"stages.#.blocks.#.mlp.fc2.*", "~stages.$1.$2.pwconv2.*"},
      {"stages.#.blocks.#.gamma", "~stages.$1.$2.gamma"},
      {"head.norm.*", "~norm.*"},
      {"head.fc.*", "~head.*"}}},
    {"the official repository, isotropic",
     {{"stem.0.*", "~stem.*"},
      {"stages.0.blocks.#.conv_dw.*", "~blocks.$1.dwconv.*"},
      {"stages.0.blocks.#.norm.*", "~blocks.$1.norm.*"},
      {"stages.0.blocks.#.mlp.fc1.*", "~blocks.$1.pwconv1.*"},
      {"stages.0.blocks.#.mlp.fc2.*", "~blocks.$1.pwconv2.*"},
      {"stages.0.blocks.#.gamma", "~blocks.$1.gamma"},
      {"head.norm.*", "~norm.*"},
      {"head.fc.*", "~head.*"}}},
    {"torchvision and timm (ResNet)",
     {{"stem_conv.*", "~conv1.*"},
      {"stem_norm.*", "~bn1.*"},
      {"stage#_block#.c1.*", "~layer^1.$2.conv1.*"},
      {"stage#_block#.dw.*", "~layer^1.$2.conv2.*"},
      {"stage#_block#.c2.*", "~layer^1.$2.conv3.*"},
      {"stage#_block#.n1.*", "~layer^1.$2.bn1.*"},
      {"stage#_block#.n0.*", "~layer^1.$2.bn2.*"},
      {"stage#_block#.n2.*", "~layer^1.$2.bn3.*"},
      {"stage#_block#.short.#.*", "~layer^1.$2.downsample.$3.*"},
      {"head.*", "~fc.*"}}},
};
const size_t scheme_count = sizeof schemes / sizeof *schemes;

const char *scheme_name(size_t scheme) { return schemes[scheme].name; }

typedef struct {
  long number[4];
  const char *rest;
} Captured;

static bool matches(const char *pattern, const char *name, Captured *out) {
  int count = 0;
  for (; *pattern && *pattern != '*'; pattern++) {
    if (*pattern != '#') {
      if (*name++ != *pattern) return false;
      continue;
    }
    size_t digits = strspn(name, "0123456789");
    if (!digits || digits > 6) return false;
    out->number[++count] = strtol(name, NULL, 10);
    name += digits;
  }
  out->rest = name;
  return *pattern == '*' || !*name;
}

static const char *spell(Arena *a, const char *name, const char *prefix, const Captured *c) {
  const char *out = "";
  for (; *name; name++) {
    long n = name[1] >= '1' && name[1] <= '3' ? c->number[name[1] - '0'] : 0;
    switch (*name) {
    case '$': out = arena_printf(a, "%s%ld", out, n), name++; break;
    case '@': out = arena_printf(a, "%s%ld", out, 2 * n), name++; break;
    case '&': out = arena_printf(a, "%s%ld", out, 2 * n + 1), name++; break;
    case '^': out = arena_printf(a, "%s%ld", out, n + 1), name++; break;
    case '~': out = prefix; break;
    case '*': return arena_printf(a, "%s%s", out, c->rest);
    default: out = arena_printf(a, "%s%c", out, *name);
    }
  }
  return out;
}

const char *scheme_tensor(Arena *a, size_t scheme, size_t prefix, const char *parameter) {
  Captured c;
  for (const Row *r = schemes[scheme].rows; r->pattern; r++)
    if (matches(r->pattern, parameter, &c)) return spell(a, r->name, prefixes[prefix], &c);
  return NULL;
}

const char *architecture_of(const char *tensor) {
  static const struct {
    const char *part, *architecture;
  } marks[] = {{"relative_position_bias_table", "a Swin Transformer"},
               {"attn.qkv.", "a Vision Transformer"},
               {"attention.attention.", "a Vision Transformer"},
               {"encoder_layer_0.", "a Vision Transformer"},
               {"cls_token", "a Vision Transformer"},
               {"layer1.0.conv1.", "a ResNet"},
               {"resnet.", "a ResNet"},
               {"conv_stem.", "an EfficientNet or MobileNet"},
               {"denseblock1.", "a DenseNet"}};
  for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
    if (strstr(tensor, marks[i].part)) return marks[i].architecture;
  return NULL;
}
