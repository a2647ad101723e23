/* Parser of the loop IR: statements, affine expressions, bounds. The grammar is in docs/loop_ir.md. */
#include "ir/loop_parse.h"
#include <math.h>
#include <string.h>

static const int64_t largest = (int64_t)1 << 62; /* of numbers in the text, so that sums of two don't overflow */

/* ---- affine expressions ---- */

typedef struct {
  Affine at;
  RegId index;
  int64_t index_coefficient;
} Sum;

static bool add_term(LoopParser *p, const Token *t, Sum *sum, Name name, int64_t coefficient) {
  int64_t *to = &sum->at.constant;
  int32_t i = 0;
  if (name.kind == NAME_REG) {
    if (sum->index && sum->index != name.id) return lex_error(&p->x, t, "a second register in an address");
    sum->index = (RegId)name.id;
    to = &sum->index_coefficient;
  } else if (name.kind == NAME_VAR) {
    while (i < sum->at.count && sum->at.term[i].var < name.id) i++;
    if (i == sum->at.count || sum->at.term[i].var != name.id) {
      if (sum->at.count == MAX_TERMS) return lex_error(&p->x, t, "more than %d variables", MAX_TERMS);
      memmove(&sum->at.term[i + 1], &sum->at.term[i], sizeof sum->at.term[0] * (size_t)(sum->at.count++ - i));
      sum->at.term[i].var = (VarId)name.id;
      sum->at.term[i].coefficient = 0;
    }
    to = &sum->at.term[i].coefficient;
  }
  if (coefficient > largest - 1 || coefficient < 1 - largest || *to + coefficient > largest ||
      *to + coefficient < -largest)
    return lex_error(&p->x, t, "the number is too large");
  *to += coefficient;
  if (*to) return true;
  if (name.kind == NAME_REG) sum->index = 0;
  if (name.kind == NAME_VAR)
    memmove(&sum->at.term[i], &sum->at.term[i + 1], sizeof sum->at.term[0] * (size_t)(--sum->at.count - i));
  return true;
}

/* A variable, or where allowed a register, at the current token or behind its first `skip` bytes. */
static bool find_term(LoopParser *p, size_t skip, bool registers, Name *out) {
  Token t = p->x.token;
  *out = name_find(&p->names, t.at + skip, t.length - skip);
  if (out->kind == NAME_VAR || (out->kind == NAME_REG && registers)) {
    lex_next(&p->x);
    return true;
  }
  t.at += skip, t.length -= skip, t.column += (int)skip;
  return lex_error(&p->x, &t, "'%s' is no loop variable%s", lex_text(&p->x, &t), registers ? " and no register" : "");
}

/* term = [number "*"] name | number. The lexer takes "-y" and "-3" for one token. */
static bool parse_term(LoopParser *p, bool registers, int64_t sign, Sum *sum) {
  Lexer *x = &p->x;
  const Token t = x->token;
  Name name = {0};
  int64_t n = 1;
  bool minus = t.kind == TOK_NUMBER && t.length > 1 && t.at[0] == '-' && (t.at[1] < '0' || t.at[1] > '9');
  if (minus) {
    if (!find_term(p, 1, registers, &name)) return false;
    n = -1;
  } else if (t.kind == TOK_WORD) {
    if (!find_term(p, 0, registers, &name)) return false;
  } else {
    if (!lex_integer(x, "a number or a variable", 1 - largest, largest - 1, &n)) return false;
    if (lex_accept(x, '*')) {
      if (x->token.kind != TOK_WORD) return lex_expected(x, "a variable");
      if (!find_term(p, 0, registers, &name)) return false;
    }
  }
  return add_term(p, &t, sum, name, sign * n);
}

static bool parse_sum(LoopParser *p, bool registers, Sum *sum) {
  Lexer *x = &p->x;
  *sum = (Sum){0};
  int64_t sign = lex_accept(x, '-') ? -1 : 1;
  for (;;) {
    if (!parse_term(p, registers, sign, sum)) return false;
    if (lex_accept(x, '+'))
      sign = 1;
    else if (lex_accept(x, '-'))
      sign = -1;
    else if (x->token.kind == TOK_NUMBER && *x->token.at == '-')
      sign = 1;
    else
      return true;
  }
}

static bool parse_address(LoopParser *p, Address *a) {
  size_t param;
  Sum sum;
  if (!parse_name(p, NAME_PARAM, &param) || !lex_expect(&p->x, '[') || !parse_sum(p, true, &sum)) return false;
  *a = (Address){(ParamId)param, sum.at, sum.index, sum.index_coefficient};
  return lex_expect(&p->x, ']');
}

/* ---- bounds ---- */

/* bound = sum | ("floor" | "ceil") "(" (term | "(" sum ")") "/" number ")" */
static bool parse_bound(LoopParser *p, Bound *out) {
  Lexer *x = &p->x;
  Sum sum;
  bool ceil = lex_is_word(x, "ceil");
  if (!ceil && !lex_is_word(x, "floor")) {
    if (!parse_sum(p, false, &sum)) return false;
    *out = bound(sum.at);
    return true;
  }
  lex_next(x);
  if (!lex_expect(x, '(')) return false;
  const Token start = x->token;
  bool inner = lex_accept(x, '(');
  int64_t divisor;
  if (!parse_sum(p, false, &sum) || (inner && !lex_expect(x, ')'))) return false;
  if (!inner && sum.at.count + (sum.at.constant != 0) > 1)
    return lex_error(x, &start, "a sum that is divided stands in parentheses");
  if (!lex_expect(x, '/') || !lex_integer(x, "a divisor of at least 1", 1, largest / 2, &divisor)) return false;
  if (ceil && sum.at.constant > largest / 2) return lex_error(x, &start, "the number is too large");
  *out = ceil ? bound_ceil(sum.at, divisor) : bound_floor(sum.at, divisor);
  return lex_expect(x, ')');
}

/* bound, or function "(" bound "," bound ")" */
static bool parse_bounds(LoopParser *p, const char *function, Bound out[2]) {
  Lexer *x = &p->x;
  out[1] = bound_none();
  if (!lex_is_word(x, function)) return parse_bound(p, &out[0]);
  lex_next(x);
  return lex_expect(x, '(') && parse_bound(p, &out[0]) && lex_expect(x, ',') && parse_bound(p, &out[1]) &&
         lex_expect(x, ')');
}

/* ---- statements, by form; the op's word and what stands before it are read ---- */

static bool parse_reg(LoopParser *p, RegId *out) {
  size_t id = 0;
  bool good = parse_name(p, NAME_REG, &id);
  *out = (RegId)id;
  return good;
}

static bool parse_loop(LoopParser *p, Stmt *s) {
  Lexer *x = &p->x;
  const Token name = x->token;
  s->var = (VarId)p->k->var_count;
  s->low = ARENA_ARRAY(p->k->arena, Bound, 2);
  s->high = ARENA_ARRAY(p->k->arena, Bound, 2);
  if (name.kind != TOK_WORD) return lex_expected(x, "a new loop variable");
  lex_next(x);
  if (!lex_expect(x, '=') || !parse_bounds(p, "max", s->low)) return false;
  if (x->token.kind != TOK_DOTS) return lex_expected(x, "'..'");
  lex_next(x);
  if (!parse_bounds(p, "min", s->high)) return false;
  s->step = 1;
  if (lex_is_word(x, "step")) {
    lex_next(x);
    if (!lex_integer(x, "a step of at least 1", 1, largest, &s->step)) return false;
  }
  const char *known = add_new_name(p, name, NAME_VAR, s->var); /* now: the bounds can't name the variable */
  if (!known) return false;
  kernel_add_var(p->k, known);
  return true;
}

static bool parse_if(LoopParser *p, Stmt *s) { return parse_reg(p, &s->src[0]); }

static bool parse_const(LoopParser *p, Stmt *s) {
  const Token t = p->x.token;
  if (!lex_decimal(&p->x, "a number", &s->number)) return false;
  if (p->k->regs[s->dst].type != REG_f32) return true;
  double wide = s->number;
  s->number = (double)(float)wide;
  return isfinite(s->number) == isfinite(wide) || lex_error(&p->x, &t, "the number is too large for f32");
}

static bool parse_index(LoopParser *p, Stmt *s) {
  Sum sum;
  if (!parse_sum(p, true, &sum)) return false;
  s->address = (Address){0, sum.at, sum.index, sum.index_coefficient};
  return true;
}

static bool parse_touch(LoopParser *p, Stmt *s) { return parse_address(p, &s->address); }
static bool parse_store(LoopParser *p, Stmt *s) { return parse_address(p, &s->address) && parse_reg(p, &s->src[0]); }

static bool parse_registers(LoopParser *p, Stmt *s) {
  int count = (int)loop_op_info[s->op].form - (int)FORM_R1 + 1;
  for (int i = 0; i < count; i++)
    if (!parse_reg(p, &s->src[i])) return false;
  return true;
}

static bool parse_function(LoopParser *p, Stmt *s) {
  const Token t = p->x.token;
  if (t.kind != TOK_WORD) return lex_expected(&p->x, "a function's name");
  s->function = arena_strndup(p->program->arena, t.at, t.length);
  lex_next(&p->x);
  return true;
}

static bool parse_libm(LoopParser *p, Stmt *s) {
  if (!parse_function(p, s) || !parse_reg(p, &s->src[0])) return false;
  return p->x.token.kind != TOK_WORD || parse_reg(p, &s->src[1]);
}

typedef struct {
  bool (*parse)(LoopParser *, Stmt *);
  bool writes; /* stands behind "d = " */
  bool opens;  /* ends with { */
} FormInfo;
static const FormInfo forms[] = {
    [FORM_LOOP] = {parse_loop, false, true},    [FORM_IF] = {parse_if, false, true},
    [FORM_IMM] = {parse_const, true, false},    [FORM_INDEX] = {parse_index, true, false},
    [FORM_LOAD] = {parse_touch, true, false},   [FORM_STORE] = {parse_store, false, false},
    [FORM_TOUCH] = {parse_touch, false, false}, [FORM_R1] = {parse_registers, true, false},
    [FORM_R2] = {parse_registers, true, false}, [FORM_R3] = {parse_registers, true, false},
    [FORM_LIBM] = {parse_libm, true, false},
};

/* The op's word: one that writes a register, or one that doesn't. */
static bool parse_op(LoopParser *p, bool writes, LoopOp *out) {
  Lexer *x = &p->x;
  if (x->token.kind != TOK_WORD) return lex_expected(x, writes ? "an operation" : "a statement");
  int op = loop_op_from_name(x->token.at, x->token.length);
  if (op >= 0 && forms[loop_op_info[op].form].writes == writes) {
    *out = (LoopOp)op;
    lex_next(x);
    return true;
  }
  const char *word = lex_text(x, &x->token), *names[LOP_COUNT];
  for (int i = 0; i < LOP_COUNT; i++) names[i] = loop_op_info[i].name;
  if (op >= 0)
    return lex_error(x, &x->token, writes ? "'%s' writes no register" : "'%s' needs a register to write", word);
  const char *near = nearest_name(word, names, LOP_COUNT);
  return lex_error(x, &x->token, "unknown operation '%s'%s%s%s", word, near ? " (did you mean '" : "", near ? near : "",
                   near ? "'?)" : "");
}

bool parse_stmt(LoopParser *p, bool *fatal) {
  Lexer *x = &p->x;
  Stmt s = {.op = LOP_COUNT};
  const Token start = x->token;
  Name first = start.kind == TOK_WORD ? name_find(&p->names, start.at, start.length) : (Name){0};
  bool writes = start.kind == TOK_WORD && loop_op_from_name(start.at, start.length) < 0;
  if (writes) {
    if (first.kind != NAME_REG)
      return lex_error(x, &start, "'%s' is no register and no statement", lex_text(x, &start));
    s.dst = (RegId)first.id;
    lex_next(x);
    if (!lex_expect(x, '=')) return false;
  }
  if (!parse_op(p, writes, &s.op)) return false;
  bool opens = forms[loop_op_info[s.op].form].opens;
  if (opens) *fatal = true; /* unless it goes well: the braces would not match */
  if (opens && p->k->depth == LOOP_MAX_DEPTH)
    return lex_error(x, &start, "blocks nested deeper than %d", LOOP_MAX_DEPTH);
  if (!forms[loop_op_info[s.op].form].parse(p, &s)) return false;
  if (opens && !lex_expect(x, '{')) return false;
  if (x->token.kind != TOK_LINE && x->token.kind != TOK_END) return lex_expected(x, "the end of the line");
  kernel_append(p->k, &s);
  *fatal = false;
  return true;
}
