/* An ONNX file as a Source: mapped, unpacked, local functions inlined to one flat list of nodes, tensors by name. */
#ifndef NEXTC_ONNX_FILE_H
#define NEXTC_ONNX_FILE_H
#include "ir/name_map.h"
#include "frontend/onnx_tensor.h"

typedef struct {
  const char *name; /* as the node spells it; references (ref_attr_name) are resolved */
  const Onnx__AttributeProto *proto;
} OnnxAttr;

/* A branch of an If: its nodes count where the condition has this value. */
typedef struct {
  const char *condition; /* value name */
  bool value;
  uint32_t outer; /* the guard of the If itself */
} OnnxGuard;

/* A node after inlining: value names are unique in the whole file. An If stands after the nodes of its branches; its
 * inputs are the condition, the results of then_branch, those of else_branch, and it has no attributes. */
typedef struct {
  const char *name;                   /* never empty: the node's, else its first output's, else "<op>_<index>" */
  const char *op;                     /* as messages spell it: "Relu", "com.microsoft.FusedConv" */
  const char *op_type, *domain;       /* domain "": ONNX's own */
  int64_t opset;                      /* of the domain; 0: the model does not import it */
  const char *const *in, *const *out; /* value names, "": left out */
  size_t in_count, out_count;
  const OnnxAttr *attrs;
  size_t attr_count;
  uint32_t guard; /* index of OnnxFile.guards; 0: none */
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
  OnnxGuard *guards; /* [0] is unused */
  size_t guard_count, guard_capacity;
  OnnxTensor *tensors; /* initializers, those of branches, Constants */
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

/* Fills nodes and guards, adds the tensors of branches (onnx_inline.c). False + diag: recursion, functions that do not
 * fit their calls, an If without its branches. */
bool onnx_inline(OnnxFile *);
bool onnx_add_tensor(OnnxFile *, OnnxTensor); /* false: there is one of that name */
#endif
