/* Scalar evaluator of the loop IR. The statement tree is first flattened into instructions with everything resolved
 * (functions, registers, memory), in the order of the text: a loop's body follows it, `after` leads past it. */
#include "ir/loop_internal.h"
#include <inttypes.h>
#include <string.h>

typedef struct Machine Machine;
typedef struct Instr Instr;
typedef void LoadFunction(LaneValues *d, const unsigned char *from, int lanes);
typedef void StoreFunction(unsigned char *to, const LaneValues *a, int lanes);

struct Instr {
  void (*run)(Machine *, const Instr *);
  const Instr *after;
  const Stmt *stmt;
  LaneFunction *lane;
  LaneValues *d;
  const LaneValues *a, *b, *c;
  int lanes; /* of the operation; of the reduction's source */
  LoadFunction *load;
  StoreFunction *store;
  LaneFunction *spread; /* loads: splat of the element */
  unsigned char *memory;
  int64_t last;            /* elements - lanes: largest legal element index of the access */
  size_t size;             /* bytes of an element in memory */
  const LaneValues *index; /* NULL: none */
  bool index_is_i64;
  const LibmInfo *libm;
};

struct Machine {
  const Kernel *k;
  int64_t *vars;     /* [var_count] */
  LaneValues *regs;  /* [reg_count] */
  Instr *code, *end; /* end: one past the last so far */
  void *const *pointers;
  bool fma;
  int slice, slices;
};

void slice_range(int64_t tasks, int slice, int slices, int64_t *first, int64_t *last) {
  /* tasks * i / slices without the product: tasks = q * slices + r gives q * i + r * i / slices */
  int64_t q = tasks / slices, r = tasks % slices;
  *first = q * slice + r * slice / slices;
  *last = q * (slice + 1) + r * (slice + 1) / slices;
}

/* ---- memory ---- */

typedef int32_t LANE_i32;
typedef int64_t LANE_i64;
#define LOAD(M, T, C)                                                                                                  \
  static void load_##M##_##T(LaneValues *d, const unsigned char *from, int lanes) {                                    \
    for (int l = 0; l < lanes; l++) {                                                                                  \
      C x;                                                                                                             \
      memcpy(&x, from + (size_t)l * sizeof x, sizeof x);                                                               \
      d->T[l] = (LANE_##T)x;                                                                                           \
    }                                                                                                                  \
  }
/* narrowing by way of the unsigned type U wraps */
#define STORE(M, T, U)                                                                                                 \
  static void store_##M##_##T(unsigned char *to, const LaneValues *a, int lanes) {                                     \
    for (int l = 0; l < lanes; l++) {                                                                                  \
      U x = (U)a->T[l];                                                                                                \
      memcpy(to + (size_t)l * sizeof x, &x, sizeof x);                                                                 \
    }                                                                                                                  \
  }
#define BOTH(M, T, C, U) LOAD(M, T, C) STORE(M, T, U)
BOTH(u8, i32, uint8_t, uint8_t)
BOTH(i8, i32, int8_t, uint8_t)
BOTH(u16, i32, uint16_t, uint16_t)
BOTH(i16, i32, int16_t, uint16_t)
BOTH(u8, i64, uint8_t, uint8_t)
BOTH(i8, i64, int8_t, uint8_t)
BOTH(u16, i64, uint16_t, uint16_t)
BOTH(i16, i64, int16_t, uint16_t)
BOTH(i32, i64, int32_t, uint32_t)
BOTH(u32, i64, uint32_t, uint32_t)

static void load_4(LaneValues *d, const unsigned char *from, int lanes) { memcpy(d, from, 4 * (size_t)lanes); }
static void load_8(LaneValues *d, const unsigned char *from, int lanes) { memcpy(d, from, 8 * (size_t)lanes); }
static void store_4(unsigned char *to, const LaneValues *a, int lanes) { memcpy(to, a, 4 * (size_t)lanes); }
static void store_8(unsigned char *to, const LaneValues *a, int lanes) { memcpy(to, a, 8 * (size_t)lanes); }

static const struct {
  LoadFunction *load;
  StoreFunction *store;
} memory_row[DT_LIMIT][REG_TYPE_COUNT] = {
#define ROW(M, T, name) [DT_##M][REG_##T] = {load_##name, store_##name}
    ROW(f32, f32, 4),       ROW(f64, f64, 8),       ROW(i32, i32, 4),       ROW(u32, i32, 4),
    ROW(i64, i64, 8),       ROW(u64, i64, 8),       ROW(u8, i32, u8_i32),   ROW(bool, i32, u8_i32),
    ROW(i8, i32, i8_i32),   ROW(u16, i32, u16_i32), ROW(i16, i32, i16_i32), ROW(u8, i64, u8_i64),
    ROW(bool, i64, u8_i64), ROW(i8, i64, i8_i64),   ROW(u16, i64, u16_i64), ROW(i16, i64, i16_i64),
    ROW(i32, i64, i32_i64), ROW(u32, i64, u32_i64)
#undef ROW
};

/* Wrapping arithmetic: a wild value ends in the range check, not in undefined behaviour. */
static int64_t value(const Machine *m, const Affine *a) {
  uint64_t v = (uint64_t)a->constant;
  for (int32_t i = 0; i < a->count; i++) v += (uint64_t)a->term[i].coefficient * (uint64_t)m->vars[a->term[i].var];
  return (int64_t)v;
}

static int64_t position(const Machine *m, const Instr *i) {
  const Address *a = &i->stmt->address;
  uint64_t v = (uint64_t)value(m, &a->at);
  if (i->index) {
    int64_t n = i->index_is_i64 ? i->index->i64[0] : i->index->i32[0];
    v += (uint64_t)a->index_coefficient * (uint64_t)n;
  }
  return (int64_t)v;
}

static _Noreturn void outside(const Machine *m, const Instr *i, int64_t at) {
  const Param *p = &m->k->params[i->stmt->address.param];
  Arena *arena = arena_new();
  die("kernel %s: '%s': elements %" PRId64 " .. %" PRId64 " outside %s[%" PRId64 "]", m->k->name,
      loop_print_stmt(m->k, (StmtId)(i->stmt - m->k->stmts), arena), at, at + (p->elements - 1 - i->last), p->name,
      p->elements);
}

static unsigned char *locate(const Machine *m, const Instr *i) {
  int64_t at = position(m, i);
  if (at < 0 || at > i->last) outside(m, i, at);
  return i->memory + (size_t)at * i->size;
}

/* ---- instructions ---- */

static void run_range(Machine *m, const Instr *from, const Instr *to) {
  for (const Instr *i = from; i != to; i = i->after) i->run(m, i);
}

static int64_t bound_value(const Machine *m, const Bound *b) {
  int64_t v = value(m, &b->value);
  return b->divisor == 1 ? v : v / b->divisor - (v % b->divisor < 0);
}

static void run_loop(Machine *m, const Instr *i) {
  const Stmt *s = i->stmt;
  int64_t low = bound_value(m, &s->low[0]), high = bound_value(m, &s->high[0]);
  if (s->low[1].divisor) {
    int64_t other = bound_value(m, &s->low[1]);
    if (other > low) low = other;
  }
  if (s->high[1].divisor) {
    int64_t other = bound_value(m, &s->high[1]);
    if (other < high) high = other;
  }
  if (low >= high) return;
  int64_t first = 0, last = (int64_t)(((uint64_t)high - (uint64_t)low - 1) / (uint64_t)s->step + 1);
  if (s->op == LOP_pfor) slice_range(last, m->slice, m->slices, &first, &last);
  for (int64_t n = first; n < last; n++) {
    m->vars[s->var] = low + n * s->step;
    run_range(m, i + 1, i->after);
  }
}

static void run_if(Machine *m, const Instr *i) {
  if (i->a->i32[0]) run_range(m, i + 1, i->after);
}

static void run_const(Machine *m, const Instr *i) {
  double x = i->stmt->number;
  RegType type = m->k->regs[i->stmt->dst].type;
  for (int l = 0; l < i->lanes; l++) {
    if (type == REG_f32) i->d->f32[l] = (float)x;
    if (type == REG_f64) i->d->f64[l] = x;
    if (type == REG_i32) i->d->i32[l] = (int32_t)x;
    if (type == REG_i64) i->d->i64[l] = (int64_t)x;
  }
}

static void run_index(Machine *m, const Instr *i) { i->d->i64[0] = position(m, i); }
static void run_load(Machine *m, const Instr *i) { i->load(i->d, locate(m, i), i->lanes); }

static void run_loads(Machine *m, const Instr *i) {
  i->load(i->d, locate(m, i), 1);
  i->spread(i->d, i->d, NULL, NULL, m->k->regs[i->stmt->dst].lanes);
}

static void run_store(Machine *m, const Instr *i) { i->store(locate(m, i), i->a, i->lanes); }
static void run_nothing(Machine *m, const Instr *i) { (void)m, (void)i; }

static void run_lanes(Machine *m, const Instr *i) {
  if (i->lane(i->d, i->a, i->b, i->c, i->lanes)) return;
  Arena *arena = arena_new();
  die("kernel %s: '%s': shift count out of range", m->k->name,
      loop_print_stmt(m->k, (StmtId)(i->stmt - m->k->stmts), arena));
}

static void run_libm(Machine *m, const Instr *i) {
  (void)m;
  const LibmInfo *f = i->libm;
  if (f->f1) i->d->f32[0] = f->f1(i->a->f32[0]);
  if (f->f2) i->d->f32[0] = f->f2(i->a->f32[0], i->b->f32[0]);
  if (f->d1) i->d->f64[0] = f->d1(i->a->f64[0]);
  if (f->d2) i->d->f64[0] = f->d2(i->a->f64[0], i->b->f64[0]);
}

static void (*const run_form[])(Machine *, const Instr *) = {
    [FORM_LOOP] = run_loop, [FORM_IF] = run_if,       [FORM_IMM] = run_const,     [FORM_INDEX] = run_index,
    [FORM_LOAD] = run_load, [FORM_STORE] = run_store, [FORM_TOUCH] = run_nothing, [FORM_R1] = run_lanes,
    [FORM_R2] = run_lanes,  [FORM_R3] = run_lanes,    [FORM_LIBM] = run_libm,
};

/* ---- flattening ---- */

static void resolve_memory(Machine *m, Instr *i, RegId reg) {
  const Address *a = &i->stmt->address;
  const Param *p = &m->k->params[a->param];
  RegType type = m->k->regs[reg].type;
  if (i->stmt->op == LOP_loads) {
    i->lanes = 1;
    i->spread = loop_lane_function(LOP_splat, type, type, false);
  } else {
    i->lanes = m->k->regs[reg].lanes;
  }
  i->load = memory_row[p->dtype][type].load;
  i->store = memory_row[p->dtype][type].store;
  if (!i->load) die("kernel %s: no access to %s through %s", m->k->name, p->name, m->k->regs[reg].name);
  i->memory = m->pointers[a->param];
  i->last = p->elements - i->lanes;
  i->size = dtype_bytes(p->dtype);
}

static void resolve_lanes(Machine *m, Instr *i) {
  const Stmt *s = i->stmt;
  const Reg *d = &m->k->regs[s->dst], *a = &m->k->regs[s->src[s->op == LOP_select ? 1 : 0]];
  i->lanes = s->op == LOP_hsum || s->op == LOP_hmax ? a->lanes : d->lanes;
  i->lane = loop_lane_function(s->op, a->type, d->type, m->fma);
  if (!i->lane) die("kernel %s: '%s' of %s", m->k->name, loop_op_info[s->op].name, loop_reg_type_name[a->type]);
}

static void resolve(Machine *m, Instr *i) {
  const Kernel *k = m->k;
  const Stmt *s = i->stmt;
  LoopForm form = loop_op_info[s->op].form;
  i->run = s->op == LOP_loads ? run_loads : run_form[form];
  i->d = &m->regs[s->dst];
  i->a = &m->regs[s->src[0]];
  i->b = &m->regs[s->src[1]];
  i->c = &m->regs[s->src[2]];
  i->lanes = k->regs[s->dst].lanes;
  if (s->address.index) {
    i->index = &m->regs[s->address.index];
    i->index_is_i64 = k->regs[s->address.index].type == REG_i64;
  }
  if (form == FORM_LOAD) resolve_memory(m, i, s->dst);
  if (form == FORM_STORE) resolve_memory(m, i, s->src[0]);
  if (form == FORM_R1 || form == FORM_R2 || form == FORM_R3) resolve_lanes(m, i);
  if (form == FORM_LIBM && !(i->libm = loop_libm(s->function)))
    die("kernel %s: libm has no '%s'", k->name, s->function);
}

static void flatten(Machine *m, StmtId id) {
  for (; id; id = m->k->stmts[id].next) {
    Instr *i = m->end++;
    i->stmt = &m->k->stmts[id];
    resolve(m, i);
    flatten(m, i->stmt->body);
    i->after = m->end;
  }
}

void loop_eval(const Kernel *k, void *const *pointers, bool fma, int slice, int slices) {
  Arena *arena = arena_new();
  Machine m = {.k = k, .pointers = pointers, .fma = fma, .slice = slice, .slices = slices};
  m.vars = ARENA_ARRAY(arena, int64_t, k->var_count);
  m.regs = ARENA_ARRAY(arena, LaneValues, k->reg_count);
  memset(m.regs, 0xAB, sizeof *m.regs * k->reg_count); /* a use before assignment shows */
  m.code = m.end = ARENA_ARRAY(arena, Instr, k->stmt_count);
  flatten(&m, k->body);
  run_range(&m, m.code, m.end);
  arena_free(arena);
}
