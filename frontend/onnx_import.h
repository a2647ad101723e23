/* What the translators of ONNX operators (onnx_translate_*.c) work with. A translator reads the current node's operands
 * and attributes, builds IR ops and names its results. It writes straight on: after a failure every builder returns 0
 * and does nothing, and the importer leaves the node out. */
#ifndef NEXTC_ONNX_IMPORT_H
#define NEXTC_ONNX_IMPORT_H
#include "frontend/onnx_file.h"

enum { NEWEST_OPSET = 28 }; /* of ONNX's own operators, known to onnx_ops.def */

typedef struct Import Import;

/* Row of onnx_ops.def. */
typedef struct {
  const char *name;
  int since, last;             /* opsets */
  int min_in, max_in, max_out; /* 255: any number */
  void (*translate)(Import *);
  OpKind kind;       /* of translators that serve several operators */
  const char *attrs; /* words "name:type", "name:type=default", "name:type!" (must be given) */
} OnnxOp;
extern const OnnxOp onnx_ops[];
extern const size_t onnx_op_count;

/* What a value name stands for. */
typedef struct {
  enum { DEF_INPUT, DEF_TENSOR, DEF_NODE } kind;
  uint32_t index;  /* of the graph input, file->tensors, file->nodes */
  uint32_t output; /* of a node: which output */
  ValueId value;   /* 0: not made (yet) */
  bool failed;     /* its node or tensor was reported */
  bool skipped;    /* its node is in a branch that is not taken */
} Def;

struct Import {
  OnnxFile *file;
  Graph *graph;
  int source;   /* index of file in graph->sources */
  Arena *arena; /* scratch, dies after the import */
  const DimPin *pins;
  size_t pin_count;
  bool *pin_used;         /* [pin_count] */
  const char **dim_names; /* as the file spells them; [i] is graph->symbols[i] */
  NameMap names;          /* value names to indices of defs */
  NameMap declared;       /* value names to indices of the model's value_info */
  Def *defs;
  size_t def_count, def_capacity;
  const OnnxNode *node; /* the current one */
  const OnnxOp *row;
  const Loc *loc;
  bool failed; /* the current node */
};

/* ---- steps of an import (onnx_order.c, onnx_graph_io.c, onnx_check.c, onnx_values.c) ---- */
bool import_definitions(Import *);         /* names, defs; diag for each name with two definitions */
const uint32_t *import_order(Import *);    /* node indices, operands first; NULL + diag: a cycle */
bool import_inputs(Import *);              /* OP_input ops, symbols, pins */
bool import_outputs(Import *);             /* OP_output ops */
void import_declarations(Import *);        /* declared */
void import_check_results(Import *);       /* the current node's; diags where value_info says otherwise */
const OnnxOp *import_check_node(Import *); /* row of the current node; NULL + diags */
ValueId import_value(Import *, Def *);     /* a DEF_TENSOR's value is made at its first use */
/* The value of a condition, where it is known; false: it is not. */
bool import_known_flag(Import *, const char *name, bool *flag);
const Loc *import_loc(Import *, const OnnxNode *); /* in the graph's arena */

/* ---- the current node ---- */
bool node_error(Import *, const char *format, ...) PRINTF_LIKE(2, 3); /* false */
void node_warning(Import *, const char *format, ...) PRINTF_LIKE(2, 3);
bool node_has_arg(const Import *, size_t i);   /* operand i is there */
ValueId node_arg(Import *, size_t i);          /* operand i; 0 where it is left out */
const Type *node_arg_type(Import *, size_t i); /* of an operand that is there */
void node_result(Import *, size_t i, ValueId);
bool node_wants_result(const Import *, size_t i);

/* Attributes: the node's, else the default in the row. */
bool node_has_attr(const Import *, const char *name);
int64_t node_int(const Import *, const char *name);
double node_float(const Import *, const char *name);
const char *node_string(const Import *, const char *name);
Ints node_ints(const Import *, const char *name);         /* empty where it is not given */
Floats node_float_list(const Import *, const char *name); /* the same */
const OnnxAttr *node_attr(const OnnxNode *, const char *name);

/* Contents of an integer operand that must be known now; false + diag. */
bool node_known(Import *, size_t i, Ints *out);
/* Contents of a one-element operand that must be a literal; false + diag. */
bool node_literal(Import *, size_t i, double *out);
/* Contents of a float operand that must be constant; false + diag. */
bool node_floats(Import *, size_t i, Floats *out);
/* -rank <= axis < rank made >= 0; false + diag. */
bool node_axis(Import *, int64_t axis, int rank, int64_t *out);
/* The same for a list: ascending, no axis twice. */
bool node_axes(Import *, Ints axes, int rank, Ints *out);

/* ---- builders ---- */
ValueId build_op(Import *, OpKind, const Attrs *, uint32_t count, const ValueId *operands);
ValueId build_op1(Import *, OpKind, ValueId);
ValueId build_op2(Import *, OpKind, ValueId, ValueId);
ValueId build_cast(Import *, ValueId, DType);                         /* v itself where it has the type */
ValueId build_reshape(Import *, ValueId, int rank, const Dim *shape); /* v itself where it has the shape */
ValueId build_expand(Import *, ValueId, int rank, const Dim *shape);  /* to the broadcast of both shapes */
ValueId build_transpose(Import *, ValueId, const Dim *perm);
ValueId build_reduce(Import *, OpKind, ValueId, Ints axes, bool keepdims);
ValueId build_layernorm(Import *, ValueId x, Ints axes, double eps);
ValueId build_scalar(Import *, DType, double);                /* rank 0 */
ValueId build_ints(Import *, int32_t count, const Dim *);     /* i64 [count] */
ValueId build_splat(Import *, const Type *, double);          /* one literal filling a static type */
ValueId build_iota(Import *, Dim from, Dim count);            /* i64 [count]: from, from + 1, ... */
ValueId build_wrapped(Import *, ValueId index, ValueId size); /* index < 0 ? index + size : index */
ValueId build_clip(Import *, ValueId, double low, double high);
const Type *build_type(const Import *, ValueId); /* of a built value; a rank-0 dummy after a failure */
/* Elements [start, start + count) of one axis, or with step -1 from start downwards. */
ValueId build_slice_axis(Import *, ValueId, int axis, Dim start, Dim count, Dim step);
/* v [C] (or [1]) as [C, 1 ... 1] with `spatial` ones. */
ValueId build_per_channel(Import *, ValueId v, int spatial);
#endif
