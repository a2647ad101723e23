/* An ONNX file as a Source: mapped, unpacked, local functions inlined to one flat list of nodes, tensors by name. */
#ifndef NEXTC_ONNX_FILE_H
#define NEXTC_ONNX_FILE_H
#include "ir/name_map.h"
#include "frontend/onnx_tensor.h"

typedef struct {
  const char *name; /* as the node spells it; references (ref_attr_name) are resolved */
  const Onnx__AttributeProto *proto;
} OnnxAttr;

/* A node after inlining: value names are unique in the whole file. */
typedef struct {
  const char *name;                   /* never empty: the node's, else its first output's, else "<op>_<index>" */
  const char *op;                     /* as messages spell it: "Relu", "com.microsoft.FusedConv" */
  const char *op_type, *domain;       /* domain "": ONNX's own */
  int64_t opset;                      /* of the domain; 0: the model does not import it */
  const char *const *in, *const *out; /* value names, "": left out */
  size_t in_count, out_count;
  const OnnxAttr *attrs;
  size_t attr_count;
} OnnxNode;

/* A tensor with a name: an initializer, or what a Constant node holds. */
typedef struct {
  const char *name;               /* of the value */
  const OnnxNode *node;           /* the Constant; NULL: an initializer */
  const Onnx__TensorProto *proto; /* NULL: `attr` holds numbers (value_float, value_ints ...) */
  const Onnx__AttributeProto *attr;
  enum { VIEW_UNKNOWN, VIEW_OK, VIEW_BAD } state;
  TensorView view; /* of VIEW_OK */
} OnnxTensor;

typedef struct {
  Source source;     /* impl points back here */
  TensorStore store; /* ctx, arena and path of the file are in here */
  Onnx__ModelProto *model;
  OnnxNode *nodes; /* in the order of the file */
  size_t node_count, node_capacity;
  OnnxTensor *tensors; /* initializers, then Constants */
  size_t tensor_count, tensor_capacity;
  NameMap tensor_names;            /* to indices of tensors */
  Onnx__AttributeProto **defaults; /* unpacked defaults of function attributes */
  size_t default_count, default_capacity;
} OnnxFile;

/* NULL + diag. Closed by source.close. */
OnnxFile *onnx_file_open(Context *, const char *path);
/* The tensor's elements, converted and checked at the first call; NULL + diag (at the first call). */
const TensorView *onnx_file_view(OnnxFile *, OnnxTensor *);

Where onnx_where(const OnnxFile *, const OnnxNode *);
/* The type that an attribute has, also where an old exporter did not write it. 0: none. */
int onnx_attr_type(const Onnx__AttributeProto *);

/* Fills nodes, node_count (onnx_inline.c). False + diag: recursion, functions that do not fit their calls. */
bool onnx_inline(OnnxFile *);
#endif
