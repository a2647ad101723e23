/* Text form of the loop IR; the grammar is in docs/loop_ir.md. Every fact has one spelling, so that equal programs
 * print equally and what loop_parse reads prints as it was. */
#include "ir/loop_internal.h"
#include "ir/text.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct {
  const Kernel *k;
  Text *t;
} Out;

static const char *reg_name(const Kernel *k, RegId r) { return r && r < k->reg_count ? k->regs[r].name : "?"; }
static const char *var_name(const Kernel *k, VarId v) { return v && v < k->var_count ? k->vars[v] : "?"; }
static const char *param_name(const Kernel *k, ParamId p) { return p < k->param_count ? k->params[p].name : "?"; }

/* ---- numbers and affine expressions ---- */

/* Shortest decimal that reads back as the same float: what read_double gives, then rounded to float. */
static void print_f32(Text *t, float x) {
  char out[DECIMAL_SIZE], whole[DECIMAL_SIZE];
  for (int digits = 1; digits <= 9; digits++) {
    double back;
    int n = snprintf(out, sizeof out, "%.*g", digits, (double)x);
    for (int i = 0; i < n; i++)
      if (!strchr("0123456789+-e", out[i])) out[i] = '.';
    if (read_double(out, (size_t)n, &back) && (float)back == x) break;
  }
  if (fabsf(x) < 1e9f && x == floorf(x)) { /* 100, not 1e+02 */
    snprintf(whole, sizeof whole, "%.0f", (double)x);
    if (strlen(whole) <= strlen(out)) memcpy(out, whole, sizeof out);
  }
  text_puts(t, out);
}

static void print_number(const Out *o, const Stmt *s) {
  bool f32 = s->dst < o->k->reg_count && o->k->regs[s->dst].type == REG_f32;
  if (f32 && isfinite(s->number) && (double)(float)s->number == s->number)
    print_f32(o->t, (float)s->number);
  else
    text_double(o->t, s->number);
}

/* Terms by variable, then the index register, then the constant; the constant first where that saves a leading minus.
 */
static void print_affine(const Out *o, const Affine *a, RegId index, int64_t index_coefficient) {
  int64_t lead = a->count ? a->term[0].coefficient : index ? index_coefficient : 0;
  bool constant_first = a->constant > 0 && lead < 0, first = true;
  if (constant_first) text_term(o->t, true, a->constant, ""), first = false;
  for (int32_t i = 0; i < a->count; i++, first = false)
    text_term(o->t, first, a->term[i].coefficient, var_name(o->k, a->term[i].var));
  if (index) text_term(o->t, first, index_coefficient, reg_name(o->k, index)), first = false;
  if (!constant_first && (a->constant || first)) text_term(o->t, first, a->constant, "");
}

static void print_bound(const Out *o, const Bound *b) {
  if (b->divisor == 1) {
    print_affine(o, &b->value, 0, 0);
    return;
  }
  bool sum = b->value.count + (b->value.constant != 0) > 1;
  text_puts(o->t, sum ? "floor((" : "floor(");
  print_affine(o, &b->value, 0, 0);
  text_printf(o->t, "%s/%" PRId64 ")", sum ? ")" : "", b->divisor);
}

static void print_bounds(const Out *o, const char *function, const Bound b[2]) {
  if (!b[1].divisor) {
    print_bound(o, &b[0]);
    return;
  }
  text_printf(o->t, "%s(", function);
  print_bound(o, &b[0]);
  text_puts(o->t, ", ");
  print_bound(o, &b[1]);
  text_putc(o->t, ')');
}

static void print_address(const Out *o, const Address *a) {
  text_printf(o->t, "%s[", param_name(o->k, a->param));
  print_affine(o, &a->at, a->index, a->index_coefficient);
  text_putc(o->t, ']');
}

/* ---- statements, by form ---- */

static void print_loop(const Out *o, const Stmt *s) {
  text_printf(o->t, "%s %s = ", loop_op_info[s->op].name, var_name(o->k, s->var));
  print_bounds(o, "max", s->low);
  text_puts(o->t, " .. ");
  print_bounds(o, "min", s->high);
  if (s->step != 1) text_printf(o->t, " step %" PRId64, s->step);
}

static void print_if(const Out *o, const Stmt *s) { text_printf(o->t, "if %s", reg_name(o->k, s->src[0])); }

/* "d = name": the start of everything that writes a register. */
static void print_start(const Out *o, const Stmt *s) {
  text_printf(o->t, "%s = %s", reg_name(o->k, s->dst), loop_op_info[s->op].name);
}

static void print_const(const Out *o, const Stmt *s) {
  print_start(o, s);
  text_putc(o->t, ' ');
  print_number(o, s);
}

static void print_index(const Out *o, const Stmt *s) {
  print_start(o, s);
  text_putc(o->t, ' ');
  print_affine(o, &s->address.at, s->address.index, s->address.index_coefficient);
}

static void print_load(const Out *o, const Stmt *s) {
  print_start(o, s);
  text_putc(o->t, ' ');
  print_address(o, &s->address);
}

static void print_touch(const Out *o, const Stmt *s) {
  text_printf(o->t, "%s ", loop_op_info[s->op].name);
  print_address(o, &s->address);
}

static void print_store(const Out *o, const Stmt *s) {
  print_touch(o, s);
  text_printf(o->t, " %s", reg_name(o->k, s->src[0]));
}

static void print_registers(const Out *o, const Stmt *s) {
  print_start(o, s);
  int count = (int)loop_op_info[s->op].form - (int)FORM_R1 + 1;
  for (int i = 0; i < count; i++) text_printf(o->t, " %s", reg_name(o->k, s->src[i]));
}

static void print_libm(const Out *o, const Stmt *s) {
  print_start(o, s);
  text_printf(o->t, " %s %s", s->function, reg_name(o->k, s->src[0]));
  if (s->src[1]) text_printf(o->t, " %s", reg_name(o->k, s->src[1]));
}

static void (*const print_form[])(const Out *, const Stmt *) = {
    [FORM_LOOP] = print_loop,    [FORM_IF] = print_if,        [FORM_IMM] = print_const,   [FORM_INDEX] = print_index,
    [FORM_LOAD] = print_load,    [FORM_STORE] = print_store,  [FORM_TOUCH] = print_touch, [FORM_R1] = print_registers,
    [FORM_R2] = print_registers, [FORM_R3] = print_registers, [FORM_LIBM] = print_libm,
};

char *loop_print_stmt(const Kernel *k, StmtId id, Arena *arena) {
  Text text = {.arena = arena};
  const Stmt *s = &k->stmts[id];
  print_form[loop_op_info[s->op].form](&(Out){k, &text}, s);
  return text_string(&text);
}

static void print_block(const Out *o, StmtId id, int depth) {
  for (; id; id = o->k->stmts[id].next) {
    const Stmt *s = &o->k->stmts[id];
    LoopForm form = loop_op_info[s->op].form;
    text_printf(o->t, "%*s", 2 * depth, "");
    print_form[form](o, s);
    if (form == FORM_LOOP || form == FORM_IF) {
      text_puts(o->t, " {\n");
      print_block(o, s->body, depth + 1);
      text_printf(o->t, "%*s}", 2 * depth, "");
    }
    text_putc(o->t, '\n');
  }
}

/* ---- kernels and programs ---- */

/* One line for each run of registers of equal type and lanes, so that the order of declaration stays. */
static void print_declarations(const Kernel *k, Text *t) {
  for (size_t i = 1; i < k->reg_count; i++) {
    const Reg *r = &k->regs[i], *before = &k->regs[i - 1];
    if (i == 1 || r->type != before->type || r->lanes != before->lanes) {
      text_printf(t, "%s  reg %s", i == 1 ? "" : "\n", loop_reg_type_name[r->type]);
      if (r->lanes != 1) text_printf(t, "x%d", r->lanes);
    }
    text_printf(t, " %s", r->name);
  }
  if (k->reg_count > 1) text_putc(t, '\n');
}

static void print_kernel(const Kernel *k, Text *t, bool with_name) {
  text_printf(t, "kernel %s%s%s {\n", with_name ? k->name : "", with_name ? " " : "", k->family);
  for (size_t i = 0; i < k->param_count; i++) {
    const Param *p = &k->params[i];
    text_printf(t, "  %s %s %s[%" PRId64 "]\n", loop_role_name[p->role], p->name, dtype_name(p->dtype), p->elements);
  }
  print_declarations(k, t);
  print_block(&(Out){k, t}, k->body, 1);
  text_puts(t, "}\n");
}

void loop_put_place(Text *t, Place at) {
  text_puts(t, loop_space_name[at.space]);
  if (at.space == SPACE_INPUT || at.space == SPACE_OUTPUT) text_printf(t, "%d", (int)at.number);
  text_printf(t, "+%" PRId64, at.offset);
}

static void print_step(const LoopProgram *p, const Step *s, Text *t) {
  if (s->kernel < 0 || (size_t)s->kernel >= p->kernel_count) die("step of kernel %d", (int)s->kernel);
  const Kernel *k = p->kernels[s->kernel];
  text_printf(t, "step %s", k->name);
  if (s->group >= 0) text_printf(t, " @{kernel=%d}", (int)s->group);
  for (size_t i = 0; i < k->param_count; i++) {
    text_printf(t, " %s=", k->params[i].name);
    loop_put_place(t, s->places[i]);
  }
  if (s->note) {
    text_putc(t, ' ');
    text_quote(t, s->note);
  }
  text_putc(t, '\n');
}

char *loop_print_kernel(const Kernel *k, Arena *arena, bool with_name) {
  Text text = {.arena = arena};
  print_kernel(k, &text, with_name);
  return text_string(&text);
}

char *loop_print(const LoopProgram *p, Arena *arena) {
  Text text = {.arena = arena};
  text_printf(&text, "loops 1\ntarget %s\n", p->target);
  text_printf(&text, "arena %" PRId64 " scratch %" PRId64 " weights %" PRId64 "\n", p->arena_bytes, p->scratch_bytes,
              p->weight_bytes);
  for (size_t i = 0; i < p->kernel_count; i++) print_kernel(p->kernels[i], &text, true);
  for (size_t i = 0; i < p->step_count; i++) print_step(p, &p->steps[i], &text);
  return text_string(&text);
}
