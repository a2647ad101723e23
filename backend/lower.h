/* Lowering: groups of the tensor IR become kernels of the loop IR, once per target.
 *
 * backend/lower.c walks the groups in statement order and calls lower_<family> (families.def) for each. That function
 * opens one or more kernels and fills them. What a kernel may assume: operands are row-major and static, restrict
 * except where lower_out returns the same parameter as lower_in (in place). */
#ifndef NEXTC_LOWER_H
#define NEXTC_LOWER_H
#include "backend/target.h"
#include "ir/ir.h"
#include "ir/loop.h"

typedef struct Lower Lower;
struct Lower {
  const Graph *graph;
  const Target *target;
  LoopProgram *program;
  Kernel *kernel;  /* the open kernel */
  const OpId *ops; /* the group's ops in statement order */
  uint32_t op_count;
  struct LowerState *state; /* lower.c's own */
};

/* Starts the next kernel of the group (call before the first lower_in). The one before is done. Kernels of a group run
 * one after the other, each complete before the next starts; what is in a kernel's arena is gone when the next starts.
 */
Kernel *lower_kernel(Lower *);

/* Parameters of the open kernel; asked twice, the same one comes back. Names are made from the order: x0, x1 (inputs),
 * w0 (weights: constant values), y0 (outputs), t0 (temporaries), s0 (scratch). */
ParamId lower_in(Lower *, ValueId);  /* a value from outside the group, or an output that an earlier kernel wrote */
ParamId lower_out(Lower *, ValueId); /* a value of the group that is used outside */
/* Memory that lasts over the kernels of one group, by a number of the family's choice: t<number>. */
ParamId lower_temp(Lower *, int number, DType, int64_t elements);
/* Reserves it before a kernel is opened: where targets want different sizes, the most of all, for equal places. */
void lower_reserve_temp(Lower *, int number, DType, int64_t elements);
/* Memory of one slice of the open kernel's pfor, undefined at the start of each iteration: s<number>. */
ParamId lower_scratch(Lower *, int number, DType, int64_t elements);

/* Is v used outside the group (so that it needs lower_out)? */
bool lower_is_output(const Lower *, ValueId);
/* Is v made by an op of the group? */
bool lower_is_inside(const Lower *, ValueId);

/* Register type that an element of a tensor type lives in: f32 f64 i64 as they are; i32 for all smaller integers and
 * bool (0 or 1), and for the bits of f16 and bf16, which only casts look into (lower_half.h). */
RegType reg_type_of(DType);

/* Cuts `count` elements into vector pieces of this target, longest first: lanes, lanes, ..., then 4 (where lanes > 4)
 * and 1s. pieces[] has room for count; returns how many. */
int lane_pieces(const Target *, int64_t count, int *pieces);

/* Can ops of this type be vectorised on the target (f32 only)? Else use lanes 1. */
bool target_has_vectors(const Target *, DType);

/* ---- pointwise ops and math on registers (lower_pointwise.c, lower_math.c) ---- */
/* Emits op on registers holding its operands (all `lanes` wide) and returns a fresh register with its result. Every
 * T_POINTWISE op of ops.def is accepted. Registers are named after `tag`, made unique. */
RegId lower_pointwise(Lower *, const Op *, const RegId *operands, int lanes, const char *tag);
/* Can lower_pointwise emit this op at more than one lane on this target (no libm, f32)? */
bool pointwise_has_vector_form(const Lower *, const Op *);

/* Fresh register with f(x); x is f32 of any lanes (f64: lanes 1). NaN stays NaN; see lower_math.c for each error bound.
 */
RegId math_gelu(Kernel *, RegId x, const char *tag); /* exact erf form, |error| <= 4e-7 */
RegId math_gelu_tanh(Kernel *, RegId x, const char *tag);
RegId math_exp(Kernel *, RegId x, const char *tag);
RegId math_erf(Kernel *, RegId x, const char *tag);
RegId math_tanh(Kernel *, RegId x, const char *tag);
RegId math_sigmoid(Kernel *, RegId x, const char *tag);

#define FAMILY(name, inplace, doc) void lower_##name(Lower *);
#include "backend/families.def"
#undef FAMILY

/* The whole program for one target: the graph must be static, grouped and placed. */
LoopProgram *lower_graph(const Graph *, const Target *, Arena *);
#endif
