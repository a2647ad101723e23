/* Building networks layer by layer, as descriptions do: operators, and layers with their parameters. Images are
 * [N, C, H, W]; parameters have PyTorch's shapes. Parameters become weights of the graph's source 0, which has none
 * (no_weights); bind_weights then gives them a file. The graph is what an ONNX export of the network would be. */
#ifndef NEXTC_NET_H
#define NEXTC_NET_H
#include "ir/name_map.h"
#include "frontend/yaml_tree.h"
#include "ir/ir.h"

typedef struct {
  Graph *graph;
  Arena *arena;      /* scratch */
  const Node *root;  /* the description */
  const Node *at;    /* where errors point */
  const char *layer; /* name of the current layer, for errors and locations; NULL: none */
  bool failed;       /* every builder then returns 0 and does nothing */
  NameMap params;    /* names to indices of values */
  ValueId *values;
  size_t value_count, value_capacity;
  int64_t elements, learned; /* of all parameters; of all but running statistics */
  size_t op_limit;           /* more ops than this are an error */
} Net;

enum { NET_MAX_OPS = 50000 };
#define NET_MAX_ELEMENTS (INT64_C(1) << 38) /* of all parameters: 1 TiB in f32 */

bool net_error(Net *, const char *format, ...) PRINTF_LIKE(2, 3); /* false */
/* The same at the value of one of the description's keys. */
bool net_key_error(Net *, const char *key, const char *format, ...) PRINTF_LIKE(3, 4);
ValueId net_op(Net *, OpKind, const Attrs *, uint32_t count, const ValueId *operands);
const Type *net_type(const Net *, ValueId); /* a rank-0 dummy after a failure */
/* f32 parameter; the same name again is the same parameter and must have the same shape. */
ValueId net_param(Net *, const char *name, int rank, const Dim *shape);
/* "layer.leaf", "leaf" where layer is NULL or "". */
const char *net_name(Net *, const char *layer, const char *leaf);

typedef struct {
  const char *name;               /* "stem.0": parameters stem.0.weight and stem.0.bias */
  const char *weight, *bias_name; /* other names of them; NULL: as above */
  int64_t out;
  int64_t kernel[2], stride[2], pad[4], dilation[2]; /* pad: top, left, bottom, right */
  int64_t groups;
  bool bias;
} ConvLayer;
/* A square kernel, padded by `pad` on all sides. */
ConvLayer conv_layer(const char *name, int64_t out, int64_t kernel, int64_t stride, int64_t pad, bool bias);
ValueId net_conv(Net *, ValueId x, const ConvLayer *);
/* Over the channels of an image, or the last axis. Weight [out, in]. */
ValueId net_linear(Net *, ValueId x, const char *name, const char *weight, const char *bias_name, int64_t out,
                   bool bias);
/* Over the channels of an image, or the last axis. */
ValueId net_layernorm(Net *, ValueId x, const char *name, double eps, bool affine);
/* x / sqrt(mean x^2 + eps) times a weight; and timm's SimpleNorm, x / sqrt(variance of x by n - 1, + eps) times one.
 * Over the channels of an image, or the last axis. */
ValueId net_rmsnorm(Net *, ValueId x, const char *name, double eps);
ValueId net_simplenorm(Net *, ValueId x, const char *name, double eps);
ValueId net_batchnorm(Net *, ValueId x, const char *name, double eps);
ValueId net_grn(Net *, ValueId x, const char *name, double eps);
/* x times a parameter of one element a channel. */
ValueId net_scale(Net *, ValueId x, const char *param);
/* "relu", "gelu", "gelu_tanh", "silu" ... (ACTIVATIONS); NULL or "none": x itself. */
#define ACTIVATIONS                                                                                                    \
  "none|relu|gelu|gelu_tanh|silu|leaky_relu|elu|hard_swish|hard_sigmoid|sigmoid|tanh|softplus|relu6|selu|mish|"        \
  "quick_gelu|hard_mish"
ValueId net_activation(Net *, ValueId x, int index_in_activations);
ValueId net_add(Net *, ValueId a, ValueId b);
ValueId net_mul(Net *, ValueId x, double factor);
ValueId net_pool(Net *, OpKind max_or_avg, ValueId x, int64_t kernel, int64_t stride, int64_t pad);
ValueId net_mean(Net *, ValueId x);    /* [N, C, H, W] to [N, C, 1, 1] */
ValueId net_max(Net *, ValueId x);     /* the same with the largest element */
ValueId net_flatten(Net *, ValueId x); /* all axes but the first become one */
ValueId net_reshape(Net *, ValueId x, int rank, const Dim *shape);
ValueId net_transpose(Net *, ValueId x, int rank, const Dim *perm);
ValueId net_input(Net *, const char *name, const Type *);
void net_output(Net *, const char *name, ValueId);
#endif
