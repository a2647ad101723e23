/* What the loop_*.c files share and nobody else needs. */
#ifndef NEXTC_LOOP_INTERNAL_H
#define NEXTC_LOOP_INTERNAL_H
#include "ir/loop.h"

/* ---- loop_table.c ---- */
extern const char *const loop_reg_type_name[REG_TYPE_COUNT];
enum { ROLE_COUNT = ROLE_SCRATCH + 1, SPACE_COUNT = SPACE_SCRATCH + 1, LOOP_MAX_DEPTH = 16 };
extern const char *const loop_role_name[ROLE_COUNT];
extern const char *const loop_space_name[SPACE_COUNT];  /* SPACE_INPUT and SPACE_OUTPUT have a number behind */
int loop_op_from_name(const char *name, size_t length); /* -1 where there is none */
size_t loop_reg_bytes(RegType);                         /* of a lane */
bool loop_reg_is_float(RegType);
/* May a register of this type hold an element of that dtype (conversion in load and store)? */
bool loop_reg_holds(RegType, DType);
/* A C identifier that is no word of C or of the text form. */
bool loop_name_ok(const char *name, size_t length);

/* Functions of math.h that libm may name; exactly one of the four pointers is set. */
typedef struct {
  const char *name;
  float (*f1)(float);
  float (*f2)(float, float);
  double (*d1)(double);
  double (*d2)(double, double);
} LibmInfo;
const LibmInfo *loop_libm(const char *name); /* NULL where there is none */
size_t loop_libm_count(void);
const LibmInfo *loop_libm_row(size_t index);

/* ---- loop_build.c ---- */
/* Appends a copy of the statement to the innermost open block; a LOOP or IF opens its own. */
StmtId kernel_append(Kernel *, const Stmt *);
/* Adds a register, variable or parameter whose name the caller knows to be unique. */
RegId kernel_add_reg(Kernel *, const char *name, RegType, int lanes);
VarId kernel_add_var(Kernel *, const char *name);
ParamId kernel_add_param(Kernel *, const char *name, Role, DType, int64_t elements);

/* ---- loop_print.c ---- */
/* The statement alone (for LOOP and IF: its head), without newline. Bad ids print as "?". */
char *loop_print_stmt(const Kernel *, StmtId, Arena *);

/* ---- loop_bounds.c: what values an affine expression takes inside a nest of loops ---- */
enum { LOOP_LARGEST = 53 }; /* constants and coefficients are checked to lie within +-2^53 */
typedef struct {
  int64_t constant, at[LOOP_MAX_DEPTH]; /* coefficient of the loop variable of each level */
} Dense;
typedef struct {
  VarId var;
  int64_t step;
  Dense low[2], high[2];
  int64_t low_divisor[2], high_divisor[2]; /* 0 in [1]: only [0] counts */
  int64_t least, most;                     /* the variable lies within [least, most] */
} Level;
typedef struct {
  const Kernel *k;
  Level level[LOOP_MAX_DEPTH];
  int depth;
  int64_t points; /* how many points may still be enumerated for this kernel */
} Nest;
typedef enum { INSIDE, OUTSIDE, UNKNOWN } Proof;
/* Enters a loop whose bounds name variables of the nest only; false where its range cannot be bounded. */
bool nest_enter(Nest *, const Stmt *loop);
void nest_leave(Nest *);
/* Does the innermost loop run at least once, at every point of the loops around it? */
bool nest_runs(const Nest *);
/* Is low <= a <= high at every point? OUTSIDE: *witness is a value that is not. */
Proof nest_within(Nest *, const Affine *a, int64_t low, int64_t high, int64_t *witness);

/* ---- loop_eval_ops.c ---- */
typedef union {
  float f32[MAX_LANES];
  double f64[MAX_LANES];
  int32_t i32[MAX_LANES];
  int64_t i64[MAX_LANES];
} LaneValues;
/* d = op a b c on `lanes` lanes of one type; reductions write lane 0. Returns false where a shift count is out of
 * range. */
typedef bool LaneFunction(LaneValues *d, const LaneValues *a, const LaneValues *b, const LaneValues *c, int lanes);
/* The function of an R1, R2 or R3 op. type: of the first source (select: of the second); to: of the destination.
 * NULL where the op takes no such type. */
LaneFunction *loop_lane_function(LoopOp, RegType type, RegType to, bool fma);
#endif
