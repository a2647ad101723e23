/* The loop IR: kernels as loops over mutable, named, laned registers. One level below the tensor IR, one above C and
 * LLVM, which are two printers of it.
 *
 * A Kernel is a function of pointers (inputs, weights, outputs, scratch) with all shapes as constants. Its body is a
 * tree of statements; pfor stands only at the top. Several pfors in one kernel are independent of each other. Addresses
 * are in elements of the parameter: constant + sum of coefficient * loop variable (+ coefficient * one integer
 * register). */
#ifndef NEXTC_LOOP_H
#define NEXTC_LOOP_H
#include "ir/arena.h"
#include "ir/diag.h"
#include "ir/name_map.h"
#include "ir/text.h"
#include "ir/type.h"

typedef uint16_t RegId;   /* 0: none */
typedef uint16_t VarId;   /* loop variable; 0: none */
typedef uint16_t ParamId; /* index into Kernel.params */
typedef uint32_t StmtId;  /* 0: none */

typedef enum {
#define LOP(name, form, doc) LOP_##name,
#include "ir/loop.def"
#undef LOP
  LOP_COUNT
} LoopOp;

typedef enum {
  FORM_LOOP,
  FORM_IF,
  FORM_IMM,
  FORM_INDEX,
  FORM_LOAD,
  FORM_STORE,
  FORM_TOUCH,
  FORM_R1,
  FORM_R2,
  FORM_R3,
  FORM_LIBM
} LoopForm;

typedef struct {
  const char *name, *doc;
  LoopForm form;
} LoopOpInfo;
extern const LoopOpInfo loop_op_info[LOP_COUNT];

typedef enum { REG_f32, REG_f64, REG_i32, REG_i64, REG_TYPE_COUNT } RegType;
enum { MAX_LANES = 16, MAX_TERMS = 8 };

typedef struct {
  const char *name; /* C identifier, unique among registers, variables and parameters of the kernel */
  RegType type;
  uint8_t lanes; /* 1, 2, 4, 8 or 16 */
} Reg;

/* constant + sum of coefficient * variable, terms in ascending VarId, no coefficient 0 */
typedef struct {
  int64_t constant;
  int32_t count;
  struct {
    VarId var;
    int64_t coefficient;
  } term[MAX_TERMS];
} Affine;

/* floor(value / divisor), divisor >= 1 */
typedef struct {
  Affine value;
  int64_t divisor;
} Bound;

typedef enum { ROLE_IN, ROLE_WEIGHT, ROLE_OUT, ROLE_INOUT, ROLE_SCRATCH } Role;

typedef struct {
  const char *name;
  Role role;        /* disjoint memory but for one INOUT, which is a residual updated in place */
  DType dtype;      /* of an element in memory */
  int64_t elements; /* the kernel touches [0, elements) only; scratch: of one slice */
} Param;

typedef struct {
  ParamId param;
  Affine at;
  RegId index; /* integer register (i32 or i64); 0: none */
  int64_t index_coefficient;
} Address;

typedef struct {
  LoopOp op;
  RegId dst, src[3];
  Address address;      /* LOAD, STORE, TOUCH; INDEX uses .at and .index only */
  double number;        /* IMM: exact for i32; i64 up to 2^53 */
  const char *function; /* LIBM */
  VarId var;            /* LOOP */
  Bound *low, *high;    /* LOOP: [2], from max(low) up to but without min(high); divisor 0 in [1]: only [0] counts */
  int64_t step;         /* LOOP, >= 1 */
  StmtId body;          /* LOOP, IF: first statement */
  StmtId next;
} Stmt;

typedef struct Kernel {
  Arena *arena;
  const char *name;   /* C identifier */
  const char *family; /* lowering family that made it */
  Param *params;
  size_t param_count, param_capacity;
  Reg *regs; /* [0] is none */
  size_t reg_count, reg_capacity;
  const char **vars; /* [0] is none */
  size_t var_count, var_capacity;
  Stmt *stmts; /* [0] is none */
  size_t stmt_count, stmt_capacity;
  NameMap names;   /* builder: 2 * the largest n of a name "x_<n>", for x, and 1 where x is a name itself */
  StmtId body;     /* first statement at the top */
  StmtId open[16]; /* builder: open blocks, then the last statement in each */
  StmtId tail[17];
  int depth;
} Kernel;

/* ---- building (loop_build.c); statements are appended to the innermost open block ---- */
Kernel *kernel_new(Arena *, const char *name, const char *family);
ParamId kernel_param(Kernel *, const char *name, Role, DType, int64_t elements);
RegId kernel_reg(Kernel *, RegType, int lanes, const char *format, ...) PRINTF_LIKE(4, 5);
VarId kernel_var(Kernel *, const char *format, ...) PRINTF_LIKE(2, 3); /* made unique by a number where needed */

Affine affine(int64_t constant);
Affine affine_var(VarId, int64_t coefficient);
Affine affine_add(Affine, Affine);
Affine affine_plus(Affine, int64_t constant);
Affine affine_scale(Affine, int64_t factor);
bool affine_equal(const Affine *, const Affine *);

/* Opens a loop; close with emit_end. Returns its variable. */
VarId emit_for(Kernel *, LoopOp, const char *name, int64_t low, int64_t high, int64_t step);
VarId emit_for_bounds(Kernel *, LoopOp, const char *name, const Bound low[2], const Bound high[2], int64_t step);
Bound bound(Affine);
Bound bound_floor(Affine, int64_t divisor);
Bound bound_ceil(Affine, int64_t divisor);
Bound bound_none(void);
void emit_if(Kernel *, RegId mask);
void emit_end(Kernel *);
void emit_const(Kernel *, RegId dst, double);
void emit_index(Kernel *, RegId dst, Affine);
void emit_load(Kernel *, RegId dst, ParamId, Affine);
void emit_loads(Kernel *, RegId dst, ParamId, Affine);
void emit_load_at(Kernel *, LoopOp load_or_loads, RegId dst, ParamId, Affine, RegId index, int64_t coefficient);
void emit_store(Kernel *, ParamId, Affine, RegId src);
void emit_store_at(Kernel *, ParamId, Affine, RegId index, int64_t coefficient, RegId src);
void emit_prefetch(Kernel *, ParamId, Affine);
void emit_op(Kernel *, LoopOp, RegId dst, RegId a, RegId b, RegId c); /* R1, R2, R3: unused ones 0 */
void emit_libm(Kernel *, RegId dst, const char *function, RegId a, RegId b);
/* Sequences of equal work, one after the other at the end of the open block, become one in which they take turns:
 * sequence i is statements starts[i] .. starts[i + 1] - 1, the last one ends with the kernel (kernel_next is the number
 * of the statement to come). Only constants may be in one sequence and not in the others: each stays in front of what
 * follows it. No blocks. */
StmtId kernel_next(const Kernel *);
void kernel_interleave(Kernel *, const StmtId *starts, int count);

/* ---- a whole program for one target ---- */
typedef enum { SPACE_INPUT, SPACE_OUTPUT, SPACE_ARENA, SPACE_WEIGHTS, SPACE_SCRATCH } Space;
typedef struct {
  Space space;
  int32_t number; /* of the input or output; else 0 */
  int64_t offset; /* bytes */
} Place;
typedef struct {
  int32_t kernel;   /* index into LoopProgram.kernels */
  int32_t group;    /* @{kernel=} of the tensor ops that it computes; -1: not said */
  Place *places;    /* one a parameter of the kernel */
  const char *note; /* what of the model it computes: node names; for people */
} Step;
typedef struct {
  Arena *arena;
  const char *target; /* row of backend/target.c */
  Kernel **kernels;
  size_t kernel_count, kernel_capacity;
  Step *steps;
  size_t step_count, step_capacity;
  int64_t arena_bytes;   /* without scratch */
  int64_t scratch_bytes; /* of one slice, a multiple of 64 */
  int64_t weight_bytes;
} LoopProgram;

/* Text form. print then parse gives the same program, byte for byte when printed again. */
char *loop_print(const LoopProgram *, Arena *);
char *loop_print_kernel(const Kernel *, Arena *, bool with_name); /* with_name false: for finding equal kernels */
void loop_put_place(Text *, Place);                               /* arena+4096 */
LoopProgram *loop_parse(Context *, Arena *, const char *file, const char *text, size_t length);

/* Checks types, forms, definite assignment before use, pfor placement, and that every address of every access stays
 * inside its parameter (bounds by interval arithmetic over the loops). Faults go to diag as bugs of the kernel; true if
 * none. */
bool loop_check(Context *, const Kernel *);

/* What a run of all tasks costs (loop_cost.c). products: lanes of 'acc = fma a b acc', so the multiply-accumulates of
 * sums, with what is computed for padding, without polynomials; the body of an if counts as if it ran. bytes: every
 * parameter but scratch once, one that is read and written twice: what must be moved at least. */
int64_t kernel_products(const Kernel *);
int64_t slice_products(const Kernel *, int slice, int slices); /* the share of one of several slices */
int64_t kernel_bytes(const Kernel *);

/* Scalar evaluator. pointers: one a parameter, elements in memory as in C. Runs iterations [slice, slices) of each
 * pfor's task range as the emitted code does. fma: round once. Dies on an access outside the parameter. */
void loop_eval(const Kernel *, void *const *pointers, bool fma, int slice, int slices);
/* Iterations of a pfor, whose bounds are constant; *low: the first value of its variable. */
int64_t loop_tasks(const Kernel *, const Stmt *pfor, int64_t *low);
/* Iterations of the kernel's longest pfor, within int32_t; 1 where there is none: more slices than that do nothing. */
int32_t kernel_tasks(const Kernel *);
/* The rows [first, last) of task range 0..tasks-1 that slice i of n does. */
void slice_range(int64_t tasks, int slice, int slices, int64_t *first, int64_t *last);
#endif
