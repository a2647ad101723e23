/* A kernel of the loop IR as a C function. Registers become local variables, each declared at its first assignment if
 * that stands in the innermost block around all its uses, else at the head of that block; addresses are spelled out. */
#include "backend/c_internal.h"
#include <inttypes.h>
#include <string.h>

typedef struct {
  Text *out;
  Arena *arena; /* scratch */
  const Kernel *k;
  const Target *target;
  const char *vector, *narrow;         /* prefixes of the vector layer: at target->lanes, below */
  const char **regs, **vars, **params; /* names in C */
  StmtId *parent;                      /* [stmt]: the LOOP or IF around it; 0: none */
  StmtId *home;                        /* [reg]: innermost block with all its uses */
  StmtId *first;                       /* [reg]: first live statement that names it; 0: none */
  uint32_t *reads;                     /* [reg]: by live statements */
  bool *dead;                          /* [stmt]: its result is never read */
  bool *param_used;
} Emit;

/* ---- names ---- */

static bool is_libm_name(const Kernel *k, const char *name) {
  for (size_t s = 1; s < k->stmt_count; s++)
    if (k->stmts[s].function && !strcmp(k->stmts[s].function, name)) return true;
  return false;
}

static bool is_kernel_name(const Kernel *k, const char *name) {
  for (size_t i = 1; i < k->reg_count; i++)
    if (!strcmp(k->regs[i].name, name)) return true;
  for (size_t i = 1; i < k->var_count; i++)
    if (!strcmp(k->vars[i], name)) return true;
  for (size_t i = 0; i < k->param_count; i++)
    if (!strcmp(k->params[i].name, name)) return true;
  return false;
}

static const char *local_name(const Emit *e, const char *name) {
  if (!c_name_reserved(name) && !is_libm_name(e->k, name)) return name;
  do name = arena_printf(e->arena, "%s_", name);
  while (c_name_reserved(name) || is_libm_name(e->k, name) || is_kernel_name(e->k, name));
  return name;
}

static void name_locals(Emit *e) {
  const Kernel *k = e->k;
  e->regs = ARENA_ARRAY(e->arena, const char *, k->reg_count);
  e->vars = ARENA_ARRAY(e->arena, const char *, k->var_count);
  e->params = ARENA_ARRAY(e->arena, const char *, k->param_count);
  for (size_t i = 1; i < k->reg_count; i++) e->regs[i] = local_name(e, k->regs[i].name);
  for (size_t i = 1; i < k->var_count; i++) e->vars[i] = local_name(e, k->vars[i]);
  for (size_t i = 0; i < k->param_count; i++) e->params[i] = local_name(e, k->params[i].name);
}

/* ---- who uses what ---- */

/* Calls visit for every register that the statement reads. */
static void each_read(Emit *e, StmtId id, void (*visit)(Emit *, StmtId, RegId)) {
  const Stmt *s = &e->k->stmts[id];
  for (int i = 0; i < 3; i++)
    if (s->src[i]) visit(e, id, s->src[i]);
  if (s->address.index) visit(e, id, s->address.index);
}

static void count_read(Emit *e, StmtId id, RegId r) { (void)id, e->reads[r]++; }
static void drop_read(Emit *e, StmtId id, RegId r) { (void)id, e->reads[r]--; }

/* Marks statements whose results nobody reads, until no more appear: compilers warn about such variables. */
static void find_dead(Emit *e) {
  const Kernel *k = e->k;
  for (size_t s = 1; s < k->stmt_count; s++) each_read(e, (StmtId)s, count_read);
  for (bool more = true; more;) {
    more = false;
    for (size_t s = 1; s < k->stmt_count; s++) {
      if (e->dead[s] || !k->stmts[s].dst || e->reads[k->stmts[s].dst]) continue;
      e->dead[s] = more = true;
      each_read(e, (StmtId)s, drop_read);
    }
  }
}

static int block_depth(const Emit *e, StmtId block) {
  int depth = 0;
  for (; block; block = e->parent[block]) depth++;
  return depth;
}

static StmtId common_block(const Emit *e, StmtId a, StmtId b) {
  int da = block_depth(e, a), db = block_depth(e, b);
  for (; da > db; da--) a = e->parent[a];
  for (; db > da; db--) b = e->parent[b];
  while (a != b) a = e->parent[a], b = e->parent[b];
  return a;
}

static void note_use(Emit *e, StmtId id, RegId r) {
  const StmtId block = e->parent[id];
  e->home[r] = e->first[r] ? common_block(e, e->home[r], block) : block;
  if (!e->first[r]) e->first[r] = id;
}

static void find_homes(Emit *e, StmtId id, StmtId block) {
  for (; id; id = e->k->stmts[id].next) {
    const Stmt *s = &e->k->stmts[id];
    const LoopForm form = loop_op_info[s->op].form;
    e->parent[id] = block;
    if (e->dead[id]) continue;
    each_read(e, id, note_use);
    if (s->dst) note_use(e, id, s->dst);
    if (form == FORM_LOAD || form == FORM_STORE || form == FORM_TOUCH) e->param_used[s->address.param] = true;
    find_homes(e, s->body, id);
  }
}

/* ---- expressions ---- */

static void put_affine(const Emit *e, Text *t, const Affine *a, RegId index, int64_t coefficient) {
  bool first = true;
  for (int32_t i = 0; i < a->count; i++, first = false)
    text_term(t, first, a->term[i].coefficient, e->vars[a->term[i].var]);
  if (index) {
    const bool wide = e->k->regs[index].type == REG_i64;
    text_term(t, first, coefficient, wide ? e->regs[index] : arena_printf(e->arena, "(int64_t)%s", e->regs[index]));
    first = false;
  }
  if (first || a->constant) text_term(t, first, a->constant, "");
}

static void put_memory(const Emit *e, Text *t, const Address *a) {
  text_puts(t, e->params[a->param]);
  text_putc(t, '[');
  put_affine(e, t, &a->at, a->index, a->index_coefficient);
  text_putc(t, ']');
}

static bool is_float(RegType type) { return type == REG_f32 || type == REG_f64; }

static void put_number(Text *t, RegType type, double x) {
  if (type == REG_f32)
    c_put_float(t, (float)x, false);
  else if (type == REG_f64)
    c_put_double(t, x, false);
  else
    c_put_int(t, (int64_t)x, type == REG_i64);
}

static void put_reg_suffix(Text *t, const Reg *r) {
  static const char *const names[REG_TYPE_COUNT] = {"f32", "f64", "i32", "i64"};
  text_puts(t, names[r->type]);
  if (r->lanes > 1) text_printf(t, "x%d", r->lanes);
}

static const char *vector_prefix(const Emit *e, int lanes) { return lanes < e->target->lanes ? e->narrow : e->vector; }

static void put_reg_type(const Emit *e, Text *t, const Reg *r) {
  if (r->lanes == 1) {
    text_puts(t, c_reg_type_name(r->type));
  } else {
    text_puts(t, vector_prefix(e, r->lanes));
    put_reg_suffix(t, r);
  }
}

/* ---- statements: the table ---- */

typedef enum { COLUMN_FLOAT, COLUMN_INT, COLUMN_VECTOR_FLOAT, COLUMN_VECTOR_INT, COLUMN_COUNT } Column;
static const char *const templates[LOP_COUNT][COLUMN_COUNT] = {
#define COP(op, scalar_float, scalar_int, vector_float, vector_int)                                                    \
  [LOP_##op] = {scalar_float, scalar_int, vector_float, vector_int},
#include "backend/c_ops.def"
#undef COP
};

/* The register whose type chooses the column. */
static const Reg *typing_reg(const Emit *e, const Stmt *s) {
  const RegId source = s->op == LOP_select ? s->src[1] : s->src[0];
  return &e->k->regs[source ? source : s->dst];
}

/* Vector layers have f32 and i32. */
static bool has_vectors(const Reg *r) { return r->type == REG_f32 || r->type == REG_i32; }

static int widest(const Reg *a, const Reg *b) { return a->lanes > b->lanes ? a->lanes : b->lanes; }

static const char *template_of(const Emit *e, const Stmt *s) {
  const Reg *typed = typing_reg(e, s), *d = &e->k->regs[s->dst];
  if ((s->op == LOP_cvt || s->op == LOP_bits) && typed->type == d->type) return "$a";
  bool vector = typed->lanes > 1 || (s->dst && d->lanes > 1);
  if (s->op == LOP_fma && e->target->fma) vector = true;
  const Column column = is_float(typed->type) ? vector ? COLUMN_VECTOR_FLOAT : COLUMN_FLOAT
                        : vector              ? COLUMN_VECTOR_INT
                                              : COLUMN_INT;
  const char *template = templates[s->op][column];
  const int lanes = widest(typed, d);
  const bool has_type = lanes <= 1 || (lanes >= 4 && lanes <= e->target->lanes && has_vectors(typed) && has_vectors(d));
  if (!template || !has_type)
    die("kernel %s: C has no '%s' of %d lanes for target %s", e->k->name, loop_op_info[s->op].name, lanes,
        e->target->name);
  return template;
}

static void put_field(const Emit *e, const Stmt *s, char field) {
  Text *t = e->out;
  const Reg *d = &e->k->regs[s->dst];
  switch (field) {
  case 'a': text_puts(t, e->regs[s->src[0]]); break;
  case 'b': text_puts(t, e->regs[s->src[1]]); break;
  case 'c': text_puts(t, e->regs[s->src[2]]); break;
  case 'n': put_number(t, d->type, s->number); break;
  case 'x': put_memory(e, t, &s->address); break;
  case 'i': put_affine(e, t, &s->address.at, s->address.index, s->address.index_coefficient); break;
  case 'd': put_reg_suffix(t, d); break;
  case 's': put_reg_suffix(t, typing_reg(e, s)); break;
  case 'C': put_reg_type(e, t, d); break;
  case 'm': text_puts(t, dtype_name(e->k->params[s->address.param].dtype)); break;
  case 'M': text_puts(t, c_type_name(e->k->params[s->address.param].dtype)); break;
  case 'V': text_puts(t, vector_prefix(e, widest(typing_reg(e, s), d))); break;
  default: die("c_ops.def: unknown field $%c", field);
  }
}

static void put_template(const Emit *e, const Stmt *s, const char *at) {
  for (; *at; at++) {
    if (*at == '$')
      put_field(e, s, *++at);
    else
      text_putc(e->out, *at);
  }
}

static void put_indent(const Emit *e, int depth) { text_printf(e->out, "%*s", 2 * depth, ""); }

/* "d = ", with its type where this is its declaration. */
static void put_target(const Emit *e, StmtId id) {
  const RegId d = e->k->stmts[id].dst;
  if (!d) return;
  if (e->first[d] == id && e->home[d] == e->parent[id]) {
    put_reg_type(e, e->out, &e->k->regs[d]);
    text_putc(e->out, ' ');
  }
  text_printf(e->out, "%s = ", e->regs[d]);
}

static void put_libm(const Emit *e, const Stmt *s) {
  text_printf(e->out, "%s(%s", s->function, e->regs[s->src[0]]);
  if (s->src[1]) text_printf(e->out, ", %s", e->regs[s->src[1]]);
  text_putc(e->out, ')');
}

static void put_statement(const Emit *e, StmtId id, int depth) {
  const Stmt *s = &e->k->stmts[id];
  put_indent(e, depth);
  put_target(e, id);
  if (s->op == LOP_libm)
    put_libm(e, s);
  else
    put_template(e, s, template_of(e, s));
  text_puts(e->out, ";\n");
}

/* ---- blocks ---- */

static void put_block(const Emit *e, StmtId first, StmtId block, int depth);

static void put_bound(const Emit *e, const Bound *b) {
  if (b->divisor > 1) text_puts(e->out, "nx_floor_div(");
  put_affine(e, e->out, &b->value, 0, 0);
  if (b->divisor > 1) text_printf(e->out, ", %" PRId64 ")", b->divisor);
}

static void put_bounds(const Emit *e, const char *function, const Bound b[2]) {
  if (b[1].divisor) text_printf(e->out, "%s(", function);
  put_bound(e, &b[0]);
  if (!b[1].divisor) return;
  text_puts(e->out, ", ");
  put_bound(e, &b[1]);
  text_putc(e->out, ')');
}

static void put_step(const Emit *e, const char *var, int64_t step) {
  if (step == 1)
    text_printf(e->out, "%s++", var);
  else
    text_printf(e->out, "%s += %" PRId64, var, step);
}

static bool is_innermost(const Kernel *k, StmtId id) {
  for (; id; id = k->stmts[id].next)
    if (loop_op_info[k->stmts[id].op].form == FORM_LOOP || !is_innermost(k, k->stmts[id].body)) return false;
  return true;
}

static void put_for(const Emit *e, StmtId id, int depth) {
  const Stmt *s = &e->k->stmts[id];
  const char *var = e->vars[s->var];
  if (is_innermost(e->k, s->body)) {
    put_indent(e, depth);
    text_puts(e->out, "NX_NO_UNROLL\n");
  }
  put_indent(e, depth);
  text_printf(e->out, "for (int64_t %s = ", var);
  put_bounds(e, "nx_higher", s->low);
  text_printf(e->out, "; %s < ", var);
  put_bounds(e, "nx_lower", s->high);
  text_puts(e->out, "; ");
  put_step(e, var, s->step);
  text_puts(e->out, ") {\n");
  put_block(e, s->body, id, depth + 1);
  put_indent(e, depth);
  text_puts(e->out, "}\n");
}

/* "2*first + 8" */
static void put_pfor_bound(const Emit *e, const char *name, int64_t low, int64_t step) {
  text_term(e->out, true, step, name);
  if (low) text_term(e->out, false, low, "");
}

static void put_pfor(const Emit *e, StmtId id, int depth) {
  const Stmt *s = &e->k->stmts[id];
  const char *var = e->vars[s->var];
  int64_t low;
  const int64_t tasks = loop_tasks(e->k, s, &low);
  put_indent(e, depth);
  text_printf(e->out, "nx_slice(%" PRId64 ", slice, slices, &first, &last);\n", tasks);
  put_indent(e, depth);
  text_printf(e->out, "for (int64_t %s = ", var);
  put_pfor_bound(e, "first", low, s->step);
  text_printf(e->out, "; %s < ", var);
  put_pfor_bound(e, "last", low, s->step);
  text_puts(e->out, "; ");
  put_step(e, var, s->step);
  text_puts(e->out, ") {\n");
  put_block(e, s->body, id, depth + 1);
  put_indent(e, depth);
  text_puts(e->out, "}\n");
}

static void put_if(const Emit *e, StmtId id, int depth) {
  const Stmt *s = &e->k->stmts[id];
  put_indent(e, depth);
  text_printf(e->out, "if (%s) {\n", e->regs[s->src[0]]);
  put_block(e, s->body, id, depth + 1);
  put_indent(e, depth);
  text_puts(e->out, "}\n");
}

/* Declares what is not declared at its first assignment. It gets a value: compilers don't see that loops run. */
static void put_declarations(const Emit *e, StmtId block, int depth) {
  for (size_t r = 1; r < e->k->reg_count; r++) {
    if (!e->first[r] || e->home[r] != block || e->parent[e->first[r]] == block) continue;
    const Reg *reg = &e->k->regs[r];
    put_indent(e, depth);
    put_reg_type(e, e->out, reg);
    text_printf(e->out, " %s = %s;\n", e->regs[r], reg->lanes > 1 ? "{0}" : "0");
  }
}

static void put_block(const Emit *e, StmtId first, StmtId block, int depth) {
  put_declarations(e, block, depth);
  for (StmtId id = first; id; id = e->k->stmts[id].next) {
    if (e->dead[id]) continue;
    switch (e->k->stmts[id].op) {
    case LOP_pfor: put_pfor(e, id, depth); break;
    case LOP_for: put_for(e, id, depth); break;
    case LOP_if: put_if(e, id, depth); break;
    default: put_statement(e, id, depth);
    }
  }
}

/* ---- the function ---- */

static void put_params(const Emit *e) {
  static const char *const roles[] = {"in", "weight", "out", "inout", "scratch"};
  bool any = false;
  for (size_t i = 0; i < e->k->param_count; i++) {
    const Param *p = &e->k->params[i];
    if (!e->param_used[i]) continue;
    any = true;
    text_printf(e->out, "  %s%s *restrict %s = p[%zu]; /* %s %s[%" PRId64 "] */\n",
                p->role == ROLE_IN || p->role == ROLE_WEIGHT ? "const " : "", c_type_name(p->dtype), e->params[i], i,
                roles[p->role], dtype_name(p->dtype), p->elements);
  }
  if (!any) text_puts(e->out, "  (void)p;\n");
}

static void put_slices(const Emit *e) {
  for (StmtId id = e->k->body; id; id = e->k->stmts[id].next)
    if (e->k->stmts[id].op == LOP_pfor) {
      text_puts(e->out, "  int64_t first, last;\n");
      return;
    }
  text_puts(e->out, "  (void)slice;\n  (void)slices;\n");
}

char *c_kernel_name(Arena *arena, const Kernel *k, int index, const Target *target) {
  return arena_printf(arena, "nx_k%d_%s_%s", index, k->family ? k->family : k->name, target->name);
}

void c_emit_kernel(Text *out, const Kernel *k, int index, const Target *target) {
  Arena *arena = arena_new();
  Emit e = {.out = out, .arena = arena, .k = k, .target = target};
  e.vector = arena_printf(arena, "nx_%s_", target->name);
  e.narrow = target->narrow ? arena_printf(arena, "nx_%s_", target->narrow) : e.vector;
  e.parent = ARENA_ARRAY(arena, StmtId, k->stmt_count);
  e.home = ARENA_ARRAY(arena, StmtId, k->reg_count);
  e.first = ARENA_ARRAY(arena, StmtId, k->reg_count);
  e.reads = ARENA_ARRAY(arena, uint32_t, k->reg_count);
  e.dead = ARENA_ARRAY(arena, bool, k->stmt_count);
  e.param_used = ARENA_ARRAY(arena, bool, k->param_count);
  name_locals(&e);
  find_dead(&e);
  find_homes(&e, k->body, 0);
  text_printf(out, "\n/* %s */\n", k->name);
  if (target->c_attribute) text_printf(out, "%s ", target->c_attribute);
  text_printf(out, "static void %s(void *const *p, int slice, int slices) {\n", c_kernel_name(arena, k, index, target));
  put_params(&e);
  put_slices(&e);
  put_block(&e, k->body, 0, 1);
  text_puts(out, "}\n");
  arena_free(arena);
}
