/* Loop programs as LLVM IR and machine code; see llvm_jit.h. The only file that includes llvm-c.
 *
 * A kernel is two functions: kN(ptr p, i32 slice, i32 slices) reads the parameters' pointers and calls bN, where they
 * are noalias. Registers and loop variables are allocas that LLVM makes SSA of; an address is base + variable part +
 * constant, so that neighbours share the variable part. */
#include "backend/llvm_jit.h"
#include "backend/jit_host.h"
#include "ir/loop_internal.h"
#include <llvm-c/Analysis.h>
#include <llvm-c/Core.h>
#include <llvm-c/LLJIT.h>
#include <llvm-c/Orc.h>
#include <llvm-c/Target.h>
#include <llvm-c/TargetMachine.h>
#include <llvm-c/Transforms/PassBuilder.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef LLVMTypeRef LType;
typedef LLVMValueRef LValue;
typedef LLVMBasicBlockRef LBlock;

typedef struct {
  LLVMContextRef context;
  LLVMModuleRef module;
  LLVMBuilderRef b;
  const Target *target;
  const Kernel *k;
  LType pointer, i32, i64, scalar[REG_TYPE_COUNT];
  LValue function;
  LValue *regs, *vars; /* allocas */
  LValue slice, slices;
} Build;

/* ---- types and registers ---- */

static LType reg_type(const Build *b, RegType type, int lanes) {
  return lanes > 1 ? LLVMVectorType(b->scalar[type], (unsigned)lanes) : b->scalar[type];
}

static LType type_of_reg(const Build *b, RegId r) { return reg_type(b, b->k->regs[r].type, b->k->regs[r].lanes); }

/* Type of an element in memory. */
static LType memory_type(const Build *b, DType d) {
  if (dtype_is_float(d)) return b->scalar[d == DT_f32 ? REG_f32 : REG_f64];
  return LLVMIntTypeInContext(b->context, 8 * (unsigned)dtype_bytes(d));
}

static LValue read_reg(const Build *b, RegId r) { return LLVMBuildLoad2(b->b, type_of_reg(b, r), b->regs[r], ""); }
static LValue int_const(const Build *b, int64_t x) { return LLVMConstInt(b->i64, (unsigned long long)x, 1); }

/* The number in every lane of a type. */
static LValue all_lanes(LType type, LValue scalar) {
  LValue lanes[MAX_LANES];
  if (LLVMGetTypeKind(type) != LLVMVectorTypeKind) return scalar;
  const unsigned count = LLVMGetVectorSize(type);
  for (unsigned i = 0; i < count; i++) lanes[i] = scalar;
  return LLVMConstVector(lanes, count);
}

static LValue int_lanes(LType type, int64_t x) {
  LType scalar = LLVMGetTypeKind(type) == LLVMVectorTypeKind ? LLVMGetElementType(type) : type;
  return all_lanes(type, LLVMConstInt(scalar, (unsigned long long)x, 1));
}

/* ---- addresses ---- */

static LValue affine_terms(const Build *b, const Affine *a, RegId index, int64_t coefficient) {
  LValue sum = NULL;
  for (int32_t i = 0; i < a->count; i++) {
    LValue v = LLVMBuildLoad2(b->b, b->i64, b->vars[a->term[i].var], "");
    if (a->term[i].coefficient != 1) v = LLVMBuildNSWMul(b->b, v, int_const(b, a->term[i].coefficient), "");
    sum = sum ? LLVMBuildNSWAdd(b->b, sum, v, "") : v;
  }
  if (index) {
    LValue v = read_reg(b, index);
    if (b->k->regs[index].type == REG_i32) v = LLVMBuildSExt(b->b, v, b->i64, "");
    v = LLVMBuildMul(b->b, v, int_const(b, coefficient), "");
    sum = sum ? LLVMBuildAdd(b->b, sum, v, "") : v;
  }
  return sum;
}

static LValue affine_value(const Build *b, const Affine *a, RegId index, int64_t coefficient) {
  LValue sum = affine_terms(b, a, index, coefficient);
  if (!sum) return int_const(b, a->constant);
  return a->constant ? LLVMBuildAdd(b->b, sum, int_const(b, a->constant), "") : sum;
}

static LValue address(const Build *b, const Address *a) {
  LType type = memory_type(b, b->k->params[a->param].dtype);
  LValue p = LLVMGetParam(b->function, a->param), sum = affine_terms(b, &a->at, a->index, a->index_coefficient);
  if (sum) p = LLVMBuildGEP2(b->b, type, p, &sum, 1, "");
  LValue constant = int_const(b, a->at.constant);
  return a->at.constant ? LLVMBuildGEP2(b->b, type, p, &constant, 1, "") : p;
}

/* ---- the forms of llvm_ops.def ---- */

typedef struct Row Row;
struct Row {
  LValue (*build)(const Build *, const Stmt *, const Row *, const LValue *src);
  int on_float, on_int;
  const char *intrinsic;
};

static const Reg *typing_reg(const Build *b, const Stmt *s) {
  const RegId source = s->op == LOP_select ? s->src[1] : s->src[0];
  return &b->k->regs[source ? source : s->dst];
}

static bool on_floats(const Build *b, const Stmt *s) { return loop_reg_is_float(typing_reg(b, s)->type); }

static LValue call_intrinsic(const Build *b, const char *name, LType overload, LValue *args, unsigned count) {
  const unsigned id = LLVMLookupIntrinsicID(name, strlen(name));
  LValue f = LLVMGetIntrinsicDeclaration(b->module, id, &overload, 1);
  return LLVMBuildCall2(b->b, LLVMGlobalGetValueType(f), f, args, count, "");
}

static LValue build_constant(const Build *b, const Stmt *s, const Row *row, const LValue *src) {
  (void)row, (void)src;
  const Reg *d = &b->k->regs[s->dst];
  LType type = reg_type(b, d->type, d->lanes);
  if (!loop_reg_is_float(d->type)) return int_lanes(type, (int64_t)s->number);
  return all_lanes(type, LLVMConstReal(b->scalar[d->type], d->type == REG_f32 ? (double)(float)s->number : s->number));
}

static LValue build_index(const Build *b, const Stmt *s, const Row *row, const LValue *src) {
  (void)row, (void)src;
  return affine_value(b, &s->address.at, s->address.index, s->address.index_coefficient);
}

/* `lanes` elements of memory as register type `to`. */
static LValue load_lanes(const Build *b, const Stmt *s, RegType to, int lanes) {
  const DType d = b->k->params[s->address.param].dtype;
  LType memory = memory_type(b, d), wanted = reg_type(b, to, lanes);
  if (lanes > 1) memory = LLVMVectorType(memory, (unsigned)lanes);
  LValue v = LLVMBuildLoad2(b->b, memory, address(b, &s->address), "");
  LLVMSetAlignment(v, (unsigned)dtype_bytes(d));
  if (memory == wanted) return v;
  return dtype_is_unsigned(d) ? LLVMBuildZExt(b->b, v, wanted, "") : LLVMBuildSExt(b->b, v, wanted, "");
}

static LValue build_load(const Build *b, const Stmt *s, const Row *row, const LValue *src) {
  (void)row, (void)src;
  return load_lanes(b, s, b->k->regs[s->dst].type, b->k->regs[s->dst].lanes);
}

static LValue spread(const Build *b, LValue scalar, int lanes) {
  if (lanes == 1) return scalar;
  LType type = LLVMVectorType(LLVMTypeOf(scalar), (unsigned)lanes);
  LValue one = LLVMBuildInsertElement(b->b, LLVMGetPoison(type), scalar, LLVMConstInt(b->i32, 0, 0), "");
  LValue zeros = LLVMConstNull(LLVMVectorType(b->i32, (unsigned)lanes));
  return LLVMBuildShuffleVector(b->b, one, LLVMGetPoison(type), zeros, "");
}

static LValue build_loads(const Build *b, const Stmt *s, const Row *row, const LValue *src) {
  (void)row, (void)src;
  return spread(b, load_lanes(b, s, b->k->regs[s->dst].type, 1), b->k->regs[s->dst].lanes);
}

static LValue build_store(const Build *b, const Stmt *s, const Row *row, const LValue *src) {
  (void)row;
  const DType d = b->k->params[s->address.param].dtype;
  const Reg *a = &b->k->regs[s->src[0]];
  LType memory = memory_type(b, d);
  if (a->lanes > 1) memory = LLVMVectorType(memory, a->lanes);
  LValue v = src[0];
  if (memory != LLVMTypeOf(v)) v = LLVMBuildTrunc(b->b, v, memory, "");
  LLVMSetAlignment(LLVMBuildStore(b->b, v, address(b, &s->address)), (unsigned)dtype_bytes(d));
  return NULL;
}

/* For reading, into all levels, data. */
static LValue build_prefetch(const Build *b, const Stmt *s, const Row *row, const LValue *src) {
  (void)src;
  LValue args[] = {address(b, &s->address), LLVMConstInt(b->i32, 0, 0), LLVMConstInt(b->i32, 3, 0),
                   LLVMConstInt(b->i32, 1, 0)};
  call_intrinsic(b, row->intrinsic, b->pointer, args, 4);
  return NULL;
}

static LValue build_same(const Build *b, const Stmt *s, const Row *row, const LValue *src) {
  (void)b, (void)s, (void)row;
  return src[0];
}

static LValue build_splat(const Build *b, const Stmt *s, const Row *row, const LValue *src) {
  (void)row;
  return spread(b, src[0], b->k->regs[s->dst].lanes);
}

static LLVMOpcode opcode(const Build *b, const Stmt *s, const Row *row) {
  const int code = on_floats(b, s) ? row->on_float : row->on_int;
  if (!code) die("kernel %s: LLVM has no '%s' of this type", b->k->name, loop_op_info[s->op].name);
  return (LLVMOpcode)code;
}

static LValue build_binary(const Build *b, const Stmt *s, const Row *row, const LValue *src) {
  return LLVMBuildBinOp(b->b, opcode(b, s, row), src[0], src[1], "");
}

/* Integers: by 0 is 0, by -1 is 0 - a with remainder 0; both are kept from the machine's instruction. */
static LValue build_divide(const Build *b, const Stmt *s, const Row *row, const LValue *src) {
  if (on_floats(b, s)) return build_binary(b, s, row, src);
  LType type = LLVMTypeOf(src[0]);
  LValue by_zero = LLVMBuildICmp(b->b, LLVMIntEQ, src[1], int_lanes(type, 0), "");
  LValue by_minus = LLVMBuildICmp(b->b, LLVMIntEQ, src[1], int_lanes(type, -1), "");
  LValue safe = LLVMBuildSelect(b->b, LLVMBuildOr(b->b, by_zero, by_minus, ""), int_lanes(type, 1), src[1], "");
  LValue q = LLVMBuildBinOp(b->b, opcode(b, s, row), src[0], safe, "");
  if (s->op == LOP_mod) return q;
  q = LLVMBuildSelect(b->b, by_minus, LLVMBuildNeg(b->b, src[0], ""), q, "");
  return LLVMBuildSelect(b->b, by_zero, int_lanes(type, 0), q, "");
}

static LValue is_true(const Build *b, LValue mask) {
  return LLVMBuildICmp(b->b, LLVMIntNE, mask, LLVMConstNull(LLVMTypeOf(mask)), "");
}

static LValue truth(const Build *b, const Stmt *s, const Row *row, LValue x, LValue y) {
  return on_floats(b, s) ? LLVMBuildFCmp(b->b, (LLVMRealPredicate)row->on_float, x, y, "")
                         : LLVMBuildICmp(b->b, (LLVMIntPredicate)row->on_int, x, y, "");
}

static LValue build_pick(const Build *b, const Stmt *s, const Row *row, const LValue *src) {
  return LLVMBuildSelect(b->b, truth(b, s, row, src[0], src[1]), src[0], src[1], "");
}

static LValue build_compare(const Build *b, const Stmt *s, const Row *row, const LValue *src) {
  return LLVMBuildSExt(b->b, truth(b, s, row, src[0], src[1]), type_of_reg(b, s->dst), "");
}

static LValue build_select(const Build *b, const Stmt *s, const Row *row, const LValue *src) {
  (void)s, (void)row;
  return LLVMBuildSelect(b->b, is_true(b, src[0]), src[1], src[2], "");
}

static LValue build_intrinsic(const Build *b, const Stmt *s, const Row *row, const LValue *src) {
  LValue args[] = {src[0]};
  if (!on_floats(b, s)) die("kernel %s: '%s' of integers", b->k->name, loop_op_info[s->op].name);
  return call_intrinsic(b, row->intrinsic, LLVMTypeOf(src[0]), args, 1);
}

static LValue build_fma(const Build *b, const Stmt *s, const Row *row, const LValue *src) {
  LValue args[] = {src[0], src[1], src[2]};
  (void)s;
  if (b->target->fma) return call_intrinsic(b, row->intrinsic, LLVMTypeOf(src[0]), args, 3);
  return LLVMBuildFAdd(b->b, LLVMBuildFMul(b->b, src[0], src[1], ""), src[2], "");
}

static LValue build_negate(const Build *b, const Stmt *s, const Row *row, const LValue *src) {
  (void)row;
  return on_floats(b, s) ? LLVMBuildFNeg(b->b, src[0], "") : LLVMBuildNeg(b->b, src[0], "");
}

static LValue build_absolute(const Build *b, const Stmt *s, const Row *row, const LValue *src) {
  if (on_floats(b, s)) return build_intrinsic(b, s, row, src);
  LValue negative = truth(b, s, row, src[0], LLVMConstNull(LLVMTypeOf(src[0])));
  return LLVMBuildSelect(b->b, negative, LLVMBuildNeg(b->b, src[0], ""), src[0], "");
}

/* Out of range is some integer (freeze), not undefined. */
static LValue build_convert(const Build *b, const Stmt *s, const Row *row, const LValue *src) {
  (void)row;
  const RegType from = b->k->regs[s->src[0]].type, to = b->k->regs[s->dst].type;
  LType type = type_of_reg(b, s->dst);
  if (from == to) return src[0];
  if (loop_reg_is_float(from) && loop_reg_is_float(to)) return LLVMBuildFPCast(b->b, src[0], type, "");
  if (loop_reg_is_float(to)) return LLVMBuildSIToFP(b->b, src[0], type, "");
  if (loop_reg_is_float(from)) return LLVMBuildFreeze(b->b, LLVMBuildFPToSI(b->b, src[0], type, ""), "");
  return LLVMBuildIntCast2(b->b, src[0], type, 1, "");
}

static LValue build_bits(const Build *b, const Stmt *s, const Row *row, const LValue *src) {
  (void)row;
  return LLVMBuildBitCast(b->b, src[0], type_of_reg(b, s->dst), "");
}

/* Lanes [first, first + count) of a vector. */
static LValue lanes_of(const Build *b, LValue v, unsigned first, unsigned count) {
  LValue numbers[MAX_LANES];
  for (unsigned i = 0; i < count; i++) numbers[i] = LLVMConstInt(b->i32, first + i, 0);
  return LLVMBuildShuffleVector(b->b, v, LLVMGetPoison(LLVMTypeOf(v)), LLVMConstVector(numbers, count), "");
}

static LValue build_halves(const Build *b, const Stmt *s, const Row *row, const LValue *src) {
  LValue v = src[0];
  unsigned half = b->k->regs[s->src[0]].lanes / 2u;
  if (!half) return v;
  for (; half; half /= 2) {
    LValue low = lanes_of(b, v, 0, half), high = lanes_of(b, v, half, half);
    if (s->op == LOP_hsum)
      v = LLVMBuildBinOp(b->b, opcode(b, s, row), low, high, "");
    else
      v = LLVMBuildSelect(b->b, truth(b, s, row, low, high), low, high, "");
  }
  return LLVMBuildExtractElement(b->b, v, LLVMConstInt(b->i32, 0, 0), "");
}

/* at: a parameter, from 1, or LLVMAttributeFunctionIndex */
static void add_attribute(const Build *b, LValue function, int at, const char *name) {
  const unsigned kind = LLVMGetEnumAttributeKindForName(name, strlen(name));
  LLVMAddAttributeAtIndex(function, (LLVMAttributeIndex)at, LLVMCreateEnumAttribute(b->context, kind, 0));
}

/* Bound to C's function by address when linked; nobuiltin: LLVM must not compute it in a way of its own. */
static LValue build_libm(const Build *b, const Stmt *s, const Row *row, const LValue *src) {
  (void)row;
  LType types[] = {LLVMTypeOf(src[0]), LLVMTypeOf(src[0])};
  const unsigned count = s->src[1] ? 2 : 1;
  LType type = LLVMFunctionType(types[0], types, count, 0);
  LValue f = LLVMGetNamedFunction(b->module, s->function), args[] = {src[0], src[1]};
  if (!f) {
    f = LLVMAddFunction(b->module, s->function, type);
    add_attribute(b, f, LLVMAttributeFunctionIndex, "nobuiltin");
    add_attribute(b, f, LLVMAttributeFunctionIndex, "nounwind");
  }
  return LLVMBuildCall2(b->b, type, f, args, count, "");
}

static const Row rows[LOP_COUNT] = {
#define LLVM_OP(op, form, on_float, on_int, intrinsic) [LOP_##op] = {build_##form, on_float, on_int, intrinsic},
#include "backend/llvm_ops.def"
#undef LLVM_OP
};

/* ---- blocks ---- */

static void build_block(const Build *b, StmtId first);

static LValue extreme(const Build *b, LLVMIntPredicate wanted, LValue x, LValue y) {
  return LLVMBuildSelect(b->b, LLVMBuildICmp(b->b, wanted, x, y, ""), x, y, "");
}

/* floor(value / divisor) */
static LValue build_bound(const Build *b, const Bound *bound) {
  LValue v = affine_value(b, &bound->value, 0, 0), d = int_const(b, bound->divisor);
  if (bound->divisor == 1) return v;
  LValue less = LLVMBuildICmp(b->b, LLVMIntSLT, LLVMBuildSRem(b->b, v, d, ""), int_const(b, 0), "");
  return LLVMBuildAdd(b->b, LLVMBuildSDiv(b->b, v, d, ""), LLVMBuildSExt(b->b, less, b->i64, ""), "");
}

static LValue build_bounds(const Build *b, LLVMIntPredicate wanted, const Bound bounds[2]) {
  LValue v = build_bound(b, &bounds[0]);
  return bounds[1].divisor ? extreme(b, wanted, v, build_bound(b, &bounds[1])) : v;
}

/* for (var = low; var < high; var += step) body */
static void build_loop(const Build *b, const Stmt *s, LValue low, LValue high) {
  LBlock head = LLVMAppendBasicBlockInContext(b->context, b->function, "head");
  LBlock body = LLVMAppendBasicBlockInContext(b->context, b->function, "body");
  LBlock done = LLVMAppendBasicBlockInContext(b->context, b->function, "done");
  LValue var = b->vars[s->var];
  LLVMBuildStore(b->b, low, var);
  LLVMBuildBr(b->b, head);
  LLVMPositionBuilderAtEnd(b->b, head);
  LValue again = LLVMBuildICmp(b->b, LLVMIntSLT, LLVMBuildLoad2(b->b, b->i64, var, ""), high, "");
  LLVMBuildCondBr(b->b, again, body, done);
  LLVMPositionBuilderAtEnd(b->b, body);
  build_block(b, s->body);
  LValue next = LLVMBuildNSWAdd(b->b, LLVMBuildLoad2(b->b, b->i64, var, ""), int_const(b, s->step), "");
  LLVMBuildStore(b->b, next, var);
  LLVMBuildBr(b->b, head);
  LLVMPositionBuilderAtEnd(b->b, done);
}

/* First iteration of slice `slice` of `slices`: share * slice + min(slice, more), as in runtime/vec_generic.h. */
static LValue slice_start(const Build *b, int64_t tasks, LValue slice) {
  LValue share = LLVMBuildSDiv(b->b, int_const(b, tasks), b->slices, "");
  LValue more = LLVMBuildSRem(b->b, int_const(b, tasks), b->slices, "");
  return LLVMBuildAdd(b->b, LLVMBuildMul(b->b, share, slice, ""), extreme(b, LLVMIntSLT, slice, more), "");
}

static void build_pfor(const Build *b, const Stmt *s) {
  int64_t low;
  const int64_t tasks = loop_tasks(b->k, s, &low);
  LValue first = slice_start(b, tasks, b->slice);
  LValue last = slice_start(b, tasks, LLVMBuildAdd(b->b, b->slice, int_const(b, 1), ""));
  LValue step = int_const(b, s->step), start = int_const(b, low);
  first = LLVMBuildNSWAdd(b->b, LLVMBuildNSWMul(b->b, first, step, ""), start, "");
  last = LLVMBuildNSWAdd(b->b, LLVMBuildNSWMul(b->b, last, step, ""), start, "");
  build_loop(b, s, first, last);
}

static void build_if(const Build *b, const Stmt *s) {
  LBlock body = LLVMAppendBasicBlockInContext(b->context, b->function, "then");
  LBlock done = LLVMAppendBasicBlockInContext(b->context, b->function, "done");
  LLVMBuildCondBr(b->b, is_true(b, read_reg(b, s->src[0])), body, done);
  LLVMPositionBuilderAtEnd(b->b, body);
  build_block(b, s->body);
  LLVMBuildBr(b->b, done);
  LLVMPositionBuilderAtEnd(b->b, done);
}

static void build_statement(const Build *b, const Stmt *s) {
  LValue src[3] = {NULL, NULL, NULL};
  for (int i = 0; i < 3; i++)
    if (s->src[i]) src[i] = read_reg(b, s->src[i]);
  LValue v = rows[s->op].build(b, s, &rows[s->op], src);
  if (v) LLVMBuildStore(b->b, v, b->regs[s->dst]);
}

static void build_block(const Build *b, StmtId first) {
  for (StmtId id = first; id; id = b->k->stmts[id].next) {
    const Stmt *s = &b->k->stmts[id];
    switch (s->op) {
    case LOP_pfor: build_pfor(b, s); break;
    case LOP_for: build_loop(b, s, build_bounds(b, LLVMIntSGT, s->low), build_bounds(b, LLVMIntSLT, s->high)); break;
    case LOP_if: build_if(b, s); break;
    default: build_statement(b, s);
    }
  }
}

/* ---- functions ---- */

static void start_function(Build *b, const char *name, LType type) {
  b->function = LLVMAddFunction(b->module, name, type);
  add_attribute(b, b->function, LLVMAttributeFunctionIndex, "nounwind");
  LLVMPositionBuilderAtEnd(b->b, LLVMAppendBasicBlockInContext(b->context, b->function, "entry"));
}

/* void bN(ptr noalias x0, ..., i64 slice, i64 slices) */
static LValue build_body(Build *b, Arena *arena, size_t number) {
  const Kernel *k = b->k;
  const unsigned count = (unsigned)k->param_count;
  LType *types = ARENA_ARRAY(arena, LType, count + 2);
  for (unsigned i = 0; i < count; i++) types[i] = b->pointer;
  types[count] = types[count + 1] = b->i64;
  start_function(b, arena_printf(arena, "b%zu", number),
                 LLVMFunctionType(LLVMVoidTypeInContext(b->context), types, count + 2, 0));
  LLVMSetLinkage(b->function, LLVMInternalLinkage);
  add_attribute(b, b->function, LLVMAttributeFunctionIndex, "noinline");
  for (unsigned i = 0; i < count; i++) add_attribute(b, b->function, (int)i + 1, "noalias");
  b->slice = LLVMGetParam(b->function, count);
  b->slices = LLVMGetParam(b->function, count + 1);
  b->regs = ARENA_ARRAY(arena, LValue, k->reg_count);
  b->vars = ARENA_ARRAY(arena, LValue, k->var_count);
  for (size_t r = 1; r < k->reg_count; r++) b->regs[r] = LLVMBuildAlloca(b->b, type_of_reg(b, (RegId)r), "");
  for (size_t v = 1; v < k->var_count; v++) b->vars[v] = LLVMBuildAlloca(b->b, b->i64, "");
  build_block(b, k->body);
  LLVMBuildRetVoid(b->b);
  return b->function;
}

/* void kN(ptr p, i32 slice, i32 slices) */
static void build_entry(Build *b, Arena *arena, size_t number, LValue body) {
  const unsigned count = (unsigned)b->k->param_count;
  LType types[] = {b->pointer, b->i32, b->i32};
  LValue *args = ARENA_ARRAY(arena, LValue, count + 2);
  start_function(b, arena_printf(arena, "k%zu", number),
                 LLVMFunctionType(LLVMVoidTypeInContext(b->context), types, 3, 0));
  LValue p = LLVMGetParam(b->function, 0);
  for (unsigned i = 0; i < count; i++) {
    LValue at = int_const(b, i);
    args[i] = LLVMBuildLoad2(b->b, b->pointer, LLVMBuildGEP2(b->b, b->pointer, p, &at, 1, ""), "");
  }
  for (unsigned i = 0; i < 2; i++) args[count + i] = LLVMBuildSExt(b->b, LLVMGetParam(b->function, 1 + i), b->i64, "");
  LLVMBuildCall2(b->b, LLVMGlobalGetValueType(body), body, args, count + 2, "");
  LLVMBuildRetVoid(b->b);
}

static void build_kernels(Build *b, Kernel *const *kernels, size_t count) {
  Arena *arena = arena_new();
  for (size_t i = 0; i < count; i++) {
    b->k = kernels[i];
    LValue body = build_body(b, arena, i);
    build_entry(b, arena, i, body);
  }
  arena_free(arena);
  char *message = NULL;
  if (LLVMVerifyModule(b->module, LLVMReturnStatusAction, &message)) die("LLVM refuses a kernel: %s", message);
  LLVMDisposeMessage(message);
}

static Build build_new(const Target *target) {
  Build b = {.context = LLVMContextCreate(), .target = target};
  b.module = LLVMModuleCreateWithNameInContext("nextc", b.context);
  b.b = LLVMCreateBuilderInContext(b.context);
  b.pointer = LLVMPointerTypeInContext(b.context, 0);
  b.i32 = b.scalar[REG_i32] = LLVMInt32TypeInContext(b.context);
  b.i64 = b.scalar[REG_i64] = LLVMInt64TypeInContext(b.context);
  b.scalar[REG_f32] = LLVMFloatTypeInContext(b.context);
  b.scalar[REG_f64] = LLVMDoubleTypeInContext(b.context);
  return b;
}

static void build_free(Build *b) {
  LLVMDisposeBuilder(b->b);
  LLVMDisposeModule(b->module);
  LLVMContextDispose(b->context);
}

/* ---- this machine ---- */

static void initialise(void) {
  LLVMInitializeNativeTarget();
  LLVMInitializeNativeAsmPrinter();
}

/* LLVM's registry of targets is the process's; filling it is no work for two threads at once. */
static void initialise_once(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, initialise);
}

typedef struct {
  LLVMTargetMachineRef machine;
  char *triple, *cpu, *features;
} Machine;

static void machine_free(Machine *m) {
  if (m->machine) LLVMDisposeTargetMachine(m->machine);
  LLVMDisposeMessage(m->triple);
  LLVMDisposeMessage(m->cpu);
  LLVMDisposeMessage(m->features);
}

/* Masks and registers that the row was not tuned for make longer code, not faster. */
static const char *unused_features(const Target *t) {
#if defined(__x86_64__)
  return t->features && strstr(t->features, "avx512") ? "" : ",-avx512f";
#else
  (void)t;
  return "";
#endif
}

/* For code of a target row; NULL: for none. */
static bool machine_new(Context *c, const Target *t, Machine *m) {
  initialise_once();
  LLVMTargetRef target = NULL;
  char *message = NULL;
  *m = (Machine){
      .triple = LLVMGetDefaultTargetTriple(), .cpu = LLVMGetHostCPUName(), .features = LLVMGetHostCPUFeatures()};
  if (t) {
    Arena *arena = arena_new();
    char *all = LLVMCreateMessage(arena_printf(arena, "%s%s", m->features, unused_features(t)));
    arena_free(arena);
    LLVMDisposeMessage(m->features);
    m->features = all;
  }
  if (!LLVMGetTargetFromTriple(m->triple, &target, &message))
    m->machine = LLVMCreateTargetMachine(target, m->triple, m->cpu, m->features, LLVMCodeGenLevelDefault, LLVMRelocPIC,
                                         LLVMCodeModelSmall);
  if (!m->machine) error_in(c, NULL, "LLVM makes no code for %s: %s", m->triple, message ? message : "no reason given");
  LLVMDisposeMessage(message);
  if (!m->machine) machine_free(m);
  return m->machine != NULL;
}

bool llvm_present(void) { return true; }

const char *llvm_machine(Context *c, Arena *arena) {
  Machine m;
  unsigned major, minor, patch;
  if (!machine_new(c, NULL, &m)) return NULL;
  LLVMGetVersion(&major, &minor, &patch);
  char *text = arena_printf(arena, "LLVM %u.%u.%u %s %s %s", major, minor, patch, m.triple, m.cpu, m.features);
  machine_free(&m);
  return text;
}

const char *llvm_features(Arena *arena) {
  char *features = LLVMGetHostCPUFeatures();
  const char *copy = arena_strdup(arena, features);
  LLVMDisposeMessage(features);
  return copy;
}

/* ---- compiling ---- */

static bool report(Context *c, LLVMErrorRef e, const char *what) {
  if (!e) return true;
  char *message = LLVMGetErrorMessage(e);
  error_in(c, NULL, "%s: %s", what, message);
  LLVMDisposeErrorMessage(message);
  return false;
}

/* The lowering has chosen tiles, vectors and unrolling: what is left is cleaning up. A whole -O2 takes twice as long
 * for code that is no faster, and its unrolling of k loops costs a third of the speed. */
static const char passes[] = "function(sroa,early-cse,simplifycfg,loop-mssa(loop-rotate,licm),"
                             "instcombine<no-verify-fixpoint>,early-cse,simplifycfg)";

static bool optimise(Context *c, const Build *b, const Machine *m) {
  LLVMTargetDataRef layout = LLVMCreateTargetDataLayout(m->machine);
  LLVMSetModuleDataLayout(b->module, layout);
  LLVMDisposeTargetData(layout);
  LLVMSetTarget(b->module, m->triple);
  LLVMPassBuilderOptionsRef o = LLVMCreatePassBuilderOptions();
  LLVMErrorRef e = LLVMRunPasses(b->module, passes, m->machine, o);
  LLVMDisposePassBuilderOptions(o);
  return report(c, e, "LLVM cannot optimise");
}

char *llvm_print(Context *c, Arena *arena, Kernel *const *kernels, size_t count, const Target *t, bool optimised) {
  Build b = build_new(t);
  Machine m;
  char *text = NULL;
  build_kernels(&b, kernels, count);
  if (!optimised || machine_new(c, t, &m)) {
    if (!optimised || optimise(c, &b, &m)) {
      char *printed = LLVMPrintModuleToString(b.module);
      text = arena_strdup(arena, printed);
      LLVMDisposeMessage(printed);
    }
    if (optimised) machine_free(&m);
  }
  build_free(&b);
  return text;
}

unsigned char *llvm_compile(Context *c, Kernel *const *kernels, size_t count, const Target *t, size_t *bytes) {
  Machine m;
  unsigned char *object = NULL;
  LLVMMemoryBufferRef buffer = NULL;
  char *message = NULL;
  if (!machine_new(c, t, &m)) return NULL;
  Build b = build_new(t);
  build_kernels(&b, kernels, count);
  if (optimise(c, &b, &m) &&
      LLVMTargetMachineEmitToMemoryBuffer(m.machine, b.module, LLVMObjectFile, &message, &buffer)) {
    error_in(c, NULL, "LLVM cannot generate code: %s", message);
    LLVMDisposeMessage(message);
  }
  if (buffer) {
    *bytes = LLVMGetBufferSize(buffer);
    object = malloc(*bytes + 1);
    if (object)
      memcpy(object, LLVMGetBufferStart(buffer), *bytes);
    else
      error_in(c, NULL, "no memory for %zu bytes of code", *bytes);
    LLVMDisposeMemoryBuffer(buffer);
  }
  build_free(&b);
  machine_free(&m);
  return object;
}

/* ---- linking ---- */

struct LlvmCode {
  LLVMOrcLLJITRef jit;
};

enum { MAX_FUNCTIONS = 128 };

static LLVMErrorRef bind_functions(LLVMOrcLLJITRef jit) {
  LLVMOrcCSymbolMapPair pairs[MAX_FUNCTIONS];
  const LLVMJITSymbolFlags flags = {LLVMJITSymbolGenericFlagsExported | LLVMJITSymbolGenericFlagsCallable, 0};
  HostFunction *function;
  size_t count = 0;
  for (const char *name; (name = jit_function(count, &function)); count++) {
    if (count == MAX_FUNCTIONS) die("more than %d functions of C", MAX_FUNCTIONS);
    pairs[count] = (LLVMOrcCSymbolMapPair){LLVMOrcLLJITMangleAndIntern(jit, name),
                                           {(LLVMOrcExecutorAddress)(uintptr_t)function, flags}};
  }
  return LLVMOrcJITDylibDefine(LLVMOrcLLJITGetMainJITDylib(jit), LLVMOrcAbsoluteSymbols(pairs, count));
}

LlvmCode *llvm_link(Context *c, const unsigned char *object, size_t bytes) {
  initialise_once();
  LLVMOrcLLJITRef jit = NULL;
  if (!report(c, LLVMOrcCreateLLJIT(&jit, NULL), "LLVM cannot link")) return NULL;
  LlvmCode *code = calloc(1, sizeof *code);
  bool good = code || error_in(c, NULL, "no memory to link code");
  if (good) good = report(c, bind_functions(jit), "LLVM cannot link");
  if (good) {
    LLVMMemoryBufferRef copy = LLVMCreateMemoryBufferWithMemoryRangeCopy((const char *)object, bytes, "kernels");
    good = report(c, LLVMOrcLLJITAddObjectFile(jit, LLVMOrcLLJITGetMainJITDylib(jit), copy), "LLVM cannot link");
  }
  if (good) {
    code->jit = jit;
    return code;
  }
  free(code);
  LLVMConsumeError(LLVMOrcDisposeLLJIT(jit));
  return NULL;
}

KernelCode *llvm_kernel(Context *c, LlvmCode *code, size_t index) {
  char name[32];
  LLVMOrcExecutorAddress address = 0;
  snprintf(name, sizeof name, "k%zu", index);
  if (!report(c, LLVMOrcLLJITLookup(code->jit, &address, name), "LLVM cannot link")) return NULL;
  return (KernelCode *)(uintptr_t)address;
}

void llvm_unlink(LlvmCode *code) {
  if (!code) return;
  LLVMConsumeError(LLVMOrcDisposeLLJIT(code->jit));
  free(code);
}
