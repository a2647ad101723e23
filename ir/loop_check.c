/* Checker of the loop IR: forms and types by the rules below, scopes, definite assignment, placement of pfor and of
 * stores, and addresses (loop_bounds.c). A fault names the statement. One fault a statement; its blocks are checked all
 * the same. */
#include "ir/loop_internal.h"
#include <inttypes.h>
#include <math.h>
#include <string.h>

typedef struct {
  Context *context;
  const Kernel *k;
  Arena *arena;   /* scratch */
  bool *assigned; /* [reg_count] */
  bool *looped;   /* [var_count]: some loop has it */
  Nest nest;
  int blocks;              /* open blocks around the statement */
  bool in_pfor, unbounded; /* unbounded: some loop around is not in the nest, since its bounds are faulty */
  StmtId at;               /* the statement under check */
  bool good;
} Check;

static bool fault(Check *c, const char *format, ...) PRINTF_LIKE(2, 3);
static bool fault(Check *c, const char *format, ...) {
  ArenaMark mark = arena_mark(c->arena);
  va_list args;
  va_start(args, format);
  const char *message = arena_vprintf(c->arena, format, args);
  va_end(args);
  Where where = {.file = c->k->name, .node = c->at ? loop_print_stmt(c->k, c->at, c->arena) : NULL};
  c->good = diag(c->context, DIAG_ERROR, where, "%s", message);
  arena_release(c->arena, mark);
  return false;
}

static const Reg *reg_at(const Check *c, RegId r) { return &c->k->regs[r]; }

/* ---- registers ---- */

static bool exists(Check *c, RegId r) { return (r && r < c->k->reg_count) || fault(c, "no register %d", (int)r); }

static bool read_reg(Check *c, RegId r) {
  if (!exists(c, r)) return false;
  return c->assigned[r] || fault(c, "%s may be read before it is assigned", reg_at(c, r)->name);
}

/* f32, f32x8 */
static const char *type_text(Check *c, const Reg *g) {
  const char *name = loop_reg_type_name[g->type];
  return g->lanes == 1 ? name : arena_printf(c->arena, "%sx%d", name, g->lanes);
}

static bool scalar(Check *c, RegId r, RegType type) {
  const Reg *g = reg_at(c, r);
  if (g->type == type && g->lanes == 1) return true;
  return fault(c, "%s is %s, not a scalar %s", g->name, type_text(c, g), loop_reg_type_name[type]);
}

/* How the types of an operation's registers go together. */
typedef enum { RULE_SAME, RULE_MASK, RULE_SELECT, RULE_SPLAT, RULE_CVT, RULE_BITS, RULE_REDUCE } Rule;
static const Rule rules[LOP_COUNT] = {[LOP_lt] = RULE_MASK,       [LOP_le] = RULE_MASK,     [LOP_eq] = RULE_MASK,
                                      [LOP_select] = RULE_SELECT, [LOP_cvt] = RULE_CVT,     [LOP_bits] = RULE_BITS,
                                      [LOP_hsum] = RULE_REDUCE,   [LOP_hmax] = RULE_REDUCE, [LOP_splat] = RULE_SPLAT};

/* What register i of the statement must be, given the others: dst is 3, sources 0 to 2. lanes 0: any. */
static Reg wanted(Rule rule, const Reg *d, const Reg *a, int i) {
  switch (rule) {
  case RULE_SAME: return *d;
  case RULE_MASK: return i == 3 ? (Reg){.type = REG_i32, .lanes = a->lanes} : *a;
  case RULE_SELECT: return i == 0 ? (Reg){.type = REG_i32, .lanes = d->lanes} : *d;
  case RULE_SPLAT: return i == 0 ? (Reg){.type = d->type, .lanes = 1} : *d;
  case RULE_CVT:
  case RULE_BITS: return i == 0 ? (Reg){.type = a->type, .lanes = d->lanes} : *d;
  case RULE_REDUCE: return i == 3 ? (Reg){.type = a->type, .lanes = 1} : *a;
  }
  return *d;
}

static bool check_registers(Check *c, const Stmt *s) {
  int count = (int)loop_op_info[s->op].form - (int)FORM_R1 + 1;
  for (int i = 0; i < count; i++)
    if (!read_reg(c, s->src[i])) return false;
  if (!exists(c, s->dst)) return false;
  for (int i = count; i < 3; i++)
    if (s->src[i]) return fault(c, "%s takes %d registers", loop_op_info[s->op].name, count);
  const Reg *d = reg_at(c, s->dst), *a = reg_at(c, s->src[0]), *typed = s->op == LOP_select ? d : a;
  if (!loop_lane_function(s->op, typed->type, d->type, false))
    return s->op == LOP_bits ? fault(c, "%s and %s differ in size", a->name, d->name)
                             : fault(c, "%s takes no %s", loop_op_info[s->op].name, loop_reg_type_name[typed->type]);
  for (int i = 0; i < 4; i++) {
    if (i >= count && i < 3) continue;
    const Reg *g = i == 3 ? d : reg_at(c, s->src[i]);
    Reg want = wanted(rules[s->op], d, a, i);
    if (g->type != want.type || g->lanes != want.lanes)
      return fault(c, "%s is %s, not %s", g->name, type_text(c, g), type_text(c, &want));
  }
  return true;
}

static bool check_libm(Check *c, const Stmt *s) {
  const LibmInfo *f = s->function ? loop_libm(s->function) : NULL;
  if (!f) return fault(c, "no such function of math.h");
  int count = f->f2 || f->d2 ? 2 : 1;
  RegType type = f->f1 || f->f2 ? REG_f32 : REG_f64;
  if ((s->src[1] != 0) != (count == 2) || s->src[2]) return fault(c, "%s takes %d registers", f->name, count);
  for (int i = 0; i < count; i++)
    if (!read_reg(c, s->src[i]) || !scalar(c, s->src[i], type)) return false;
  return exists(c, s->dst) && scalar(c, s->dst, type);
}

static bool check_const(Check *c, const Stmt *s) {
  if (!exists(c, s->dst)) return false;
  RegType type = reg_at(c, s->dst)->type;
  double x = s->number;
  if (type == REG_f32 && !isnan(x) && (double)(float)x != x) return fault(c, "the number is no f32");
  if (loop_reg_is_float(type)) return true;
  bool fits = type == REG_i32 ? x >= INT32_MIN && x <= INT32_MAX : fabs(x) <= (double)((int64_t)1 << LOOP_LARGEST);
  return (fits && x == floor(x)) || fault(c, "the number is no %s", loop_reg_type_name[type]);
}

/* ---- affine expressions and addresses ---- */

static bool moderate(Check *c, int64_t x) {
  int64_t most = (int64_t)1 << LOOP_LARGEST;
  return (x >= -most && x <= most) || fault(c, "the number %" PRId64 " is too large", x);
}

static bool check_affine(Check *c, const Affine *a) {
  if (a->count < 0 || a->count > MAX_TERMS) return fault(c, "an expression of %d terms", (int)a->count);
  if (!moderate(c, a->constant)) return false;
  for (int32_t i = 0; i < a->count; i++) {
    VarId v = a->term[i].var;
    if (!v || v >= c->k->var_count) return fault(c, "no variable %d", (int)v);
    if (i && v <= a->term[i - 1].var) return fault(c, "terms out of order");
    if (!a->term[i].coefficient) return fault(c, "coefficient 0");
    if (!moderate(c, a->term[i].coefficient)) return false;
    bool inside = c->unbounded;
    for (int l = 0; l < c->nest.depth; l++) inside = inside || c->nest.level[l].var == v;
    if (!inside) return fault(c, "%s is used outside its loop", c->k->vars[v]);
  }
  return true;
}

static bool check_index_term(Check *c, const Address *a) {
  if (!a->index) return !a->index_coefficient || fault(c, "a coefficient without a register");
  if (!a->index_coefficient) return fault(c, "coefficient 0");
  if (!moderate(c, a->index_coefficient) || !read_reg(c, a->index)) return false;
  const Reg *g = reg_at(c, a->index);
  return (g->lanes == 1 && !loop_reg_is_float(g->type)) || fault(c, "%s is no scalar integer", g->name);
}

/* Do `count` elements from the address on lie inside the parameter, `beyond` more elements granted? */
static bool check_address(Check *c, const Address *a, int64_t count, int64_t beyond) {
  if (a->param >= c->k->param_count) return fault(c, "no parameter %d", (int)a->param);
  if (!check_affine(c, &a->at) || !check_index_term(c, a)) return false;
  if (a->index || c->unbounded) return true; /* loop_eval checks at run time */
  const Param *p = &c->k->params[a->param];
  int64_t witness = 0;
  Proof proof = nest_within(&c->nest, &a->at, 0, p->elements + beyond - count, &witness);
  if (proof == UNKNOWN)
    return fault(c, "can't prove that the address stays inside %s[%" PRId64 "]", p->name, p->elements);
  if (proof == INSIDE) return true;
  if (count <= 1) return fault(c, "element %" PRId64 " is outside %s[%" PRId64 "]", witness, p->name, p->elements);
  return fault(c, "elements %" PRId64 " .. %" PRId64 " are outside %s[%" PRId64 "]", witness, witness + count - 1,
               p->name, p->elements);
}

static bool check_access(Check *c, const Stmt *s, RegId r) {
  if (s->address.param >= c->k->param_count) return fault(c, "no parameter %d", (int)s->address.param);
  const Reg *g = reg_at(c, r);
  const Param *p = &c->k->params[s->address.param];
  if (!loop_reg_holds(g->type, p->dtype))
    return fault(c, "%s is %s, %s holds %s", g->name, loop_reg_type_name[g->type], p->name, dtype_name(p->dtype));
  if (g->lanes > 1 && dtype_bytes(p->dtype) != loop_reg_bytes(g->type))
    return fault(c, "no conversion on %d lanes: %s is %s, %s holds %s", g->lanes, g->name, loop_reg_type_name[g->type],
                 p->name, dtype_name(p->dtype));
  return check_address(c, &s->address, s->op == LOP_loads ? 1 : g->lanes, 0);
}

static bool check_load(Check *c, const Stmt *s) { return exists(c, s->dst) && check_access(c, s, s->dst); }

static bool check_store(Check *c, const Stmt *s) {
  if (!read_reg(c, s->src[0]) || !check_access(c, s, s->src[0])) return false;
  const Param *p = &c->k->params[s->address.param];
  if (p->role == ROLE_IN || p->role == ROLE_WEIGHT)
    return fault(c, "store to %s, which is %s", p->name, loop_role_name[p->role]);
  return c->in_pfor || p->role == ROLE_SCRATCH || fault(c, "store outside pfor: every slice would do it");
}

static bool check_touch(Check *c, const Stmt *s) {
  enum { BEYOND = 1 << 24 };
  if (s->address.param >= c->k->param_count) return fault(c, "no parameter %d", (int)s->address.param);
  return check_address(c, &s->address, 1, BEYOND / (int64_t)dtype_bytes(c->k->params[s->address.param].dtype));
}

static bool check_index(Check *c, const Stmt *s) {
  if (!exists(c, s->dst) || !scalar(c, s->dst, REG_i64)) return false;
  return check_affine(c, &s->address.at) && check_index_term(c, &s->address);
}

/* ---- blocks ---- */

static void check_block(Check *c, StmtId first);

static bool check_bounds(Check *c, const Bound b[2]) {
  for (int j = 0; j < 2; j++) {
    if (j && !b[j].divisor) continue;
    if (b[j].divisor < 1) return fault(c, "a bound with divisor %" PRId64, b[j].divisor);
    if (!moderate(c, b[j].divisor) || !check_affine(c, &b[j].value)) return false;
  }
  return true;
}

static bool check_head(Check *c, const Stmt *s) {
  if (!s->var || s->var >= c->k->var_count) return fault(c, "no variable %d", (int)s->var);
  if (c->looped[s->var]) return fault(c, "%s is the variable of two loops", c->k->vars[s->var]);
  c->looped[s->var] = true;
  if (s->op == LOP_pfor && c->blocks) return fault(c, "pfor inside another block");
  if (s->step < 1) return fault(c, "step %" PRId64, s->step);
  return moderate(c, s->step) && check_bounds(c, s->low) && check_bounds(c, s->high);
}

/* Clears assigned[] for every register that some statement of the block writes. */
static void forget_written(Check *c, StmtId id) {
  for (; id; id = c->k->stmts[id].next) {
    const Stmt *s = &c->k->stmts[id];
    if (s->dst < c->k->reg_count) c->assigned[s->dst] = false;
    forget_written(c, s->body);
  }
}

/* Registers assigned in the body count afterwards where the body surely runs. Iterations of pfor know nothing of each
 * other: what they write is unassigned at their start and after the loop. */
static void check_body(Check *c, const Stmt *s, bool surely) {
  bool outer_pfor = c->in_pfor;
  c->in_pfor = c->in_pfor || s->op == LOP_pfor;
  if (s->op == LOP_pfor) forget_written(c, s->body);
  bool *before = arena_copy(c->arena, c->assigned, c->k->reg_count * sizeof(bool));
  c->blocks++;
  check_block(c, s->body);
  c->blocks--;
  if (!surely || s->op == LOP_pfor) memcpy(c->assigned, before, c->k->reg_count * sizeof(bool));
  c->in_pfor = outer_pfor;
}

static bool check_loop(Check *c, const Stmt *s) {
  bool outer = c->unbounded, good = check_head(c, s);
  if (good && !nest_enter(&c->nest, s)) good = fault(c, "can't bound the range of %s", c->k->vars[s->var]);
  c->unbounded = outer || !good; /* no further faults that follow from this one */
  check_body(c, s, good && nest_runs(&c->nest));
  c->unbounded = outer;
  if (good) nest_leave(&c->nest);
  return good;
}

static bool check_if(Check *c, const Stmt *s) {
  bool good = read_reg(c, s->src[0]) && scalar(c, s->src[0], REG_i32);
  check_body(c, s, false);
  return good;
}

static bool (*const check_form[])(Check *, const Stmt *) = {
    [FORM_LOOP] = check_loop,    [FORM_IF] = check_if,        [FORM_IMM] = check_const,   [FORM_INDEX] = check_index,
    [FORM_LOAD] = check_load,    [FORM_STORE] = check_store,  [FORM_TOUCH] = check_touch, [FORM_R1] = check_registers,
    [FORM_R2] = check_registers, [FORM_R3] = check_registers, [FORM_LIBM] = check_libm,
};

static void check_block(Check *c, StmtId id) {
  StmtId outer = c->at;
  for (; id; id = c->k->stmts[id].next) {
    const Stmt *s = &c->k->stmts[id];
    c->at = id;
    check_form[loop_op_info[s->op].form](c, s);
    if (s->dst && s->dst < c->k->reg_count) c->assigned[s->dst] = true; /* even after a fault: no faults that follow */
  }
  c->at = outer;
}

static void check_params(Check *c) {
  for (size_t i = 0; i < c->k->param_count; i++) {
    const Param *p = &c->k->params[i];
    if (p->elements < 0 || p->elements > (int64_t)1 << 48)
      fault(c, "%s has %" PRId64 " elements", p->name, p->elements);
  }
}

bool loop_check(Context *context, const Kernel *k) {
  Check c = {.context = context, .k = k, .arena = arena_new(), .good = true};
  c.assigned = ARENA_ARRAY(c.arena, bool, k->reg_count);
  c.looped = ARENA_ARRAY(c.arena, bool, k->var_count);
  c.nest.k = k;
  c.nest.points = (int64_t)1 << 25;
  if (k->depth) fault(&c, "%d blocks were left open", k->depth);
  check_params(&c);
  check_block(&c, k->body);
  arena_free(c.arena);
  return c.good;
}
