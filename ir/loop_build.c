/* Builder of the loop IR: names, affine expressions, bounds, statements appended to the innermost open block. */
#include "ir/loop_internal.h"
#include <stdlib.h>
#include <string.h>

Kernel *kernel_new(Arena *arena, const char *name, const char *family) {
  Kernel *k = ARENA_NEW(arena, Kernel);
  k->arena = k->names.arena = arena;
  k->name = arena_strdup(arena, name);
  k->family = arena_strdup(arena, family);
  GROW(arena, k->regs, 0, k->reg_capacity);
  GROW(arena, k->vars, 0, k->var_capacity);
  GROW(arena, k->stmts, 0, k->stmt_capacity);
  k->reg_count = k->var_count = k->stmt_count = 1;
  return k;
}

/* ---- names ---- */

enum { LARGEST_NUMBER = 999999999 };

/* The name is taken from now on, and as base_<n> counts for its base. */
static void take_name(Kernel *k, const char *name) {
  *name_map_at(&k->names, name) |= 1;
  const char *last = strrchr(name, '_');
  if (!last || !last[1] || last[1 + strspn(last + 1, "0123456789")]) return;
  const unsigned long n = strtoul(last + 1, NULL, 10);
  if (n > LARGEST_NUMBER) return;
  uint32_t *base = name_map_at(&k->names, arena_strndup(k->arena, name, (size_t)(last - name)));
  if (n > *base / 2) *base = (uint32_t)(2 * n) | (*base & 1);
}

/* `base` itself, or base_<n> with the next n where it is taken or reserved. */
static const char *unique_name(Kernel *k, const char *base) {
  uint32_t seen = 0;
  name_map_find(&k->names, base, &seen);
  if (!(seen & 1) && loop_name_ok(base, strlen(base))) return arena_strdup(k->arena, base);
  const char *name = arena_printf(k->arena, "%s_%u", base, (seen / 2 ? seen / 2 : 1) + 1);
  if (!loop_name_ok(name, strlen(name))) die("kernel %s: '%s' is no name", k->name, base);
  return name;
}

ParamId kernel_add_param(Kernel *k, const char *name, Role role, DType dtype, int64_t elements) {
  if (k->param_count >= UINT16_MAX) die("kernel %s: too many parameters", k->name);
  take_name(k, name);
  GROW(k->arena, k->params, k->param_count, k->param_capacity);
  k->params[k->param_count] = (Param){name, role, dtype, elements};
  return (ParamId)k->param_count++;
}

RegId kernel_add_reg(Kernel *k, const char *name, RegType type, int lanes) {
  if (k->reg_count >= UINT16_MAX) die("kernel %s: too many registers", k->name);
  take_name(k, name);
  GROW(k->arena, k->regs, k->reg_count, k->reg_capacity);
  k->regs[k->reg_count] = (Reg){name, type, (uint8_t)lanes};
  return (RegId)k->reg_count++;
}

VarId kernel_add_var(Kernel *k, const char *name) {
  if (k->var_count >= UINT16_MAX) die("kernel %s: too many loop variables", k->name);
  take_name(k, name);
  GROW(k->arena, k->vars, k->var_count, k->var_capacity);
  k->vars[k->var_count] = name;
  return (VarId)k->var_count++;
}

ParamId kernel_param(Kernel *k, const char *name, Role role, DType dtype, int64_t elements) {
  return kernel_add_param(k, unique_name(k, name), role, dtype, elements);
}

RegId kernel_reg(Kernel *k, RegType type, int lanes, const char *format, ...) {
  if (lanes < 1 || lanes > MAX_LANES || (lanes & (lanes - 1))) die("kernel %s: %d lanes", k->name, lanes);
  va_list args;
  va_start(args, format);
  char *base = arena_vprintf(k->arena, format, args);
  va_end(args);
  return kernel_add_reg(k, unique_name(k, base), type, lanes);
}

VarId kernel_var(Kernel *k, const char *format, ...) {
  va_list args;
  va_start(args, format);
  char *base = arena_vprintf(k->arena, format, args);
  va_end(args);
  return kernel_add_var(k, unique_name(k, base));
}

/* ---- affine expressions and bounds ---- */

Affine affine(int64_t constant) { return (Affine){.constant = constant}; }

Affine affine_var(VarId var, int64_t coefficient) {
  Affine a = {0};
  if (!var) die("affine expression of no variable");
  if (coefficient) a.term[0].var = var, a.term[0].coefficient = coefficient, a.count = 1;
  return a;
}

static int64_t sum(int64_t a, int64_t b) { return (int64_t)((uint64_t)a + (uint64_t)b); }

Affine affine_add(Affine a, Affine b) {
  Affine r = {.constant = sum(a.constant, b.constant)};
  for (int32_t i = 0, j = 0; i < a.count || j < b.count;) {
    VarId va = i < a.count ? a.term[i].var : UINT16_MAX, vb = j < b.count ? b.term[j].var : UINT16_MAX;
    VarId v = va < vb ? va : vb;
    int64_t c = 0;
    if (va == v) c = a.term[i++].coefficient;
    if (vb == v) c = sum(c, b.term[j++].coefficient);
    if (!c) continue;
    if (r.count == MAX_TERMS) die("affine expression with more than %d variables", MAX_TERMS);
    r.term[r.count].var = v;
    r.term[r.count++].coefficient = c;
  }
  return r;
}

Affine affine_plus(Affine a, int64_t constant) {
  a.constant = sum(a.constant, constant);
  return a;
}

Affine affine_scale(Affine a, int64_t factor) {
  if (!factor) return affine(0);
  a.constant = (int64_t)((uint64_t)a.constant * (uint64_t)factor);
  for (int32_t i = 0; i < a.count; i++)
    a.term[i].coefficient = (int64_t)((uint64_t)a.term[i].coefficient * (uint64_t)factor);
  return a;
}

bool affine_equal(const Affine *a, const Affine *b) {
  if (a->constant != b->constant || a->count != b->count) return false;
  for (int32_t i = 0; i < a->count; i++)
    if (a->term[i].var != b->term[i].var || a->term[i].coefficient != b->term[i].coefficient) return false;
  return true;
}

Bound bound(Affine value) { return (Bound){value, 1}; }
Bound bound_none(void) { return (Bound){.divisor = 0}; }

Bound bound_floor(Affine value, int64_t divisor) {
  if (divisor < 1) die("bound with divisor %lld", (long long)divisor);
  if (value.count) return (Bound){value, divisor};
  int64_t q = value.constant / divisor - (value.constant % divisor < 0);
  return bound(affine(q));
}

Bound bound_ceil(Affine value, int64_t divisor) { return bound_floor(affine_plus(value, divisor - 1), divisor); }

/* ---- statements ---- */

StmtId kernel_append(Kernel *k, const Stmt *stmt) {
  GROW(k->arena, k->stmts, k->stmt_count, k->stmt_capacity);
  StmtId id = (StmtId)k->stmt_count++;
  k->stmts[id] = *stmt;
  StmtId last = k->tail[k->depth];
  if (last)
    k->stmts[last].next = id;
  else if (k->depth)
    k->stmts[k->open[k->depth - 1]].body = id;
  else
    k->body = id;
  k->tail[k->depth] = id;
  LoopForm form = loop_op_info[stmt->op].form;
  if (form == FORM_LOOP || form == FORM_IF) {
    if (k->depth == LOOP_MAX_DEPTH) die("kernel %s: more than %d open blocks", k->name, LOOP_MAX_DEPTH);
    k->open[k->depth++] = id;
    k->tail[k->depth] = 0;
  }
  return id;
}

static void append_form(Kernel *k, LoopForm form, Stmt s) {
  if (loop_op_info[s.op].form != form) die("kernel %s: '%s' has another form", k->name, loop_op_info[s.op].name);
  kernel_append(k, &s);
}

VarId emit_for_bounds(Kernel *k, LoopOp op, const char *name, const Bound low[2], const Bound high[2], int64_t step) {
  VarId var = kernel_var(k, "%s", name);
  append_form(k, FORM_LOOP,
              (Stmt){.op = op,
                     .var = var,
                     .low = arena_copy(k->arena, low, 2 * sizeof *low),
                     .high = arena_copy(k->arena, high, 2 * sizeof *high),
                     .step = step});
  return var;
}

VarId emit_for(Kernel *k, LoopOp op, const char *name, int64_t low, int64_t high, int64_t step) {
  return emit_for_bounds(k, op, name, (Bound[2]){bound(affine(low)), bound_none()},
                         (Bound[2]){bound(affine(high)), bound_none()}, step);
}

void emit_if(Kernel *k, RegId mask) { append_form(k, FORM_IF, (Stmt){.op = LOP_if, .src = {mask}}); }

void emit_end(Kernel *k) {
  if (!k->depth) die("kernel %s: no open block to end", k->name);
  k->depth--;
}

void emit_const(Kernel *k, RegId dst, double number) {
  if (dst < k->reg_count && k->regs[dst].type == REG_f32) number = (double)(float)number;
  append_form(k, FORM_IMM, (Stmt){.op = LOP_const, .dst = dst, .number = number});
}

void emit_index(Kernel *k, RegId dst, Affine value) {
  append_form(k, FORM_INDEX, (Stmt){.op = LOP_index, .dst = dst, .address = {.at = value}});
}

void emit_load(Kernel *k, RegId dst, ParamId param, Affine at) { emit_load_at(k, LOP_load, dst, param, at, 0, 0); }
void emit_loads(Kernel *k, RegId dst, ParamId param, Affine at) { emit_load_at(k, LOP_loads, dst, param, at, 0, 0); }

static Address address(ParamId param, Affine at, RegId index, int64_t coefficient) {
  if (!coefficient) index = 0;
  return (Address){param, at, index, index ? coefficient : 0};
}

void emit_load_at(Kernel *k, LoopOp op, RegId dst, ParamId param, Affine at, RegId index, int64_t coefficient) {
  append_form(k, FORM_LOAD, (Stmt){.op = op, .dst = dst, .address = address(param, at, index, coefficient)});
}

void emit_store(Kernel *k, ParamId param, Affine at, RegId src) { emit_store_at(k, param, at, 0, 0, src); }

void emit_store_at(Kernel *k, ParamId param, Affine at, RegId index, int64_t coefficient, RegId src) {
  append_form(k, FORM_STORE, (Stmt){.op = LOP_store, .src = {src}, .address = address(param, at, index, coefficient)});
}

void emit_prefetch(Kernel *k, ParamId param, Affine at) {
  append_form(k, FORM_TOUCH, (Stmt){.op = LOP_prefetch, .address = address(param, at, 0, 0)});
}

void emit_op(Kernel *k, LoopOp op, RegId dst, RegId a, RegId b, RegId c) {
  LoopForm form = loop_op_info[op].form;
  if (form != FORM_R1 && form != FORM_R2 && form != FORM_R3)
    die("kernel %s: '%s' is no operation on registers", k->name, loop_op_info[op].name);
  kernel_append(k, &(Stmt){.op = op, .dst = dst, .src = {a, b, c}});
}

void emit_libm(Kernel *k, RegId dst, const char *function, RegId a, RegId b) {
  append_form(k, FORM_LIBM,
              (Stmt){.op = LOP_libm, .dst = dst, .src = {a, b}, .function = arena_strdup(k->arena, function)});
}

/* ---- tasks ---- */

/* floor(value / divisor) of a constant bound: pfor has no loop around it. */
static int64_t constant_bound(const Kernel *k, const Bound *b) {
  if (b->value.count) die("kernel %s: a pfor whose bounds vary", k->name);
  const int64_t v = b->value.constant;
  return v / b->divisor - (v % b->divisor < 0);
}

int64_t loop_tasks(const Kernel *k, const Stmt *s, int64_t *low) {
  int64_t high = constant_bound(k, &s->high[0]);
  *low = constant_bound(k, &s->low[0]);
  if (s->low[1].divisor && constant_bound(k, &s->low[1]) > *low) *low = constant_bound(k, &s->low[1]);
  if (s->high[1].divisor && constant_bound(k, &s->high[1]) < high) high = constant_bound(k, &s->high[1]);
  return high > *low ? (high - *low - 1) / s->step + 1 : 0;
}

int32_t kernel_tasks(const Kernel *k) {
  int64_t most = 1, low;
  for (StmtId id = k->body; id; id = k->stmts[id].next)
    if (k->stmts[id].op == LOP_pfor && loop_tasks(k, &k->stmts[id], &low) > most)
      most = loop_tasks(k, &k->stmts[id], &low);
  return most > INT32_MAX ? INT32_MAX : (int32_t)most;
}

StmtId kernel_next(const Kernel *k) { return (StmtId)k->stmt_count; }

void kernel_interleave(Kernel *k, const StmtId *starts, int count) {
  enum { MOST = 16 };
  StmtId at[MOST] = {0}, end[MOST] = {0}, last = 0;
  if (count > MOST) die("kernel %s: %d sequences interleaved", k->name, count);
  for (int i = 0; i < count; i++) {
    at[i] = starts[i];
    end[i] = i + 1 < count ? starts[i + 1] : kernel_next(k);
  }
  for (int i = 0; at[i] < end[i]; i = (i + 1) % count) {
    bool constant;
    do {
      if (k->stmts[at[i]].body || at[i] == end[i]) die("kernel %s: sequences of unequal work", k->name);
      constant = k->stmts[at[i]].op == LOP_const;
      if (last) k->stmts[last].next = at[i];
      last = at[i]++;
    } while (constant);
  }
  for (int i = 0; i < count; i++)
    if (at[i] != end[i]) die("kernel %s: sequences of unequal work", k->name);
  if (!last) return;
  k->stmts[last].next = 0;
  k->tail[k->depth] = last;
}
