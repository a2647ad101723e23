/* Parser of the loop IR: programs, kernels, declarations, steps. Line by line, every byte looked at once; an error in a
 * statement leaves the line out and goes on, an error in anything else ends the parse. */
#include "ir/loop_parse.h"
#include <string.h>

enum { MAX_PARSE_ERRORS = 20, MAX_IDS = UINT16_MAX - 1, MAX_PLACE_NUMBER = 1 << 20 };
static const int64_t largest_size = (int64_t)1 << 48;

/* ---- names ---- */

static size_t slot_of(const WordMap *m, const char *name, size_t length) {
  uint64_t h = UINT64_C(14695981039346656037); /* FNV-1a */
  for (size_t i = 0; i < length; i++) h = (h ^ (unsigned char)name[i]) * UINT64_C(1099511628211);
  size_t i = (size_t)(h ^ h >> 32) & (m->capacity - 1);
  while (m->slots[i].name && (m->slots[i].length != length || memcmp(m->slots[i].name, name, length) != 0))
    i = (i + 1) & (m->capacity - 1);
  return i;
}

Name name_find(const WordMap *m, const char *name, size_t length) {
  return m->capacity ? m->slots[slot_of(m, name, length)] : (Name){0};
}

static void name_add(WordMap *m, Name name) {
  if (m->count * 2 >= m->capacity) {
    WordMap larger = {.arena = m->arena, .count = m->count, .capacity = m->capacity ? m->capacity * 2 : 64};
    larger.slots = ARENA_ARRAY(m->arena, Name, larger.capacity);
    for (size_t i = 0; i < m->capacity; i++)
      if (m->slots[i].name) larger.slots[slot_of(&larger, m->slots[i].name, m->slots[i].length)] = m->slots[i];
    *m = larger;
  }
  m->slots[slot_of(m, name.name, name.length)] = name;
  m->count++;
}

static const char *const kind_name[] = {"name", "register", "loop variable", "parameter", "kernel"};

const char *add_new_name(LoopParser *p, Token t, NameKind kind, size_t id) {
  Lexer *x = &p->x;
  WordMap *map = kind == NAME_KERNEL ? &p->kernels : &p->names;
  if (!loop_name_ok(t.at, t.length)) return lex_error(x, &t, "'%s' can't be a name", lex_text(x, &t)), NULL;
  Name known = name_find(map, t.at, t.length);
  if (known.name) return lex_error(x, &t, "'%s' is already a %s", known.name, kind_name[known.kind]), NULL;
  if (id > MAX_IDS) return lex_error(x, &t, "more than %d names of a kind", MAX_IDS), NULL;
  const char *name = arena_strndup(p->program->arena, t.at, t.length);
  name_add(map, (Name){name, t.length, kind, id});
  return name;
}

/* The current token as a new name; steps over it. */
static const char *parse_new_name(LoopParser *p, NameKind kind, size_t id) {
  if (p->x.token.kind != TOK_WORD) return lex_expected(&p->x, "a name"), NULL;
  const char *name = add_new_name(p, p->x.token, kind, id);
  if (name) lex_next(&p->x);
  return name;
}

bool parse_name(LoopParser *p, NameKind kind, size_t *id) {
  Lexer *x = &p->x;
  const Token t = x->token;
  const WordMap *map = kind == NAME_KERNEL ? &p->kernels : &p->names;
  Name known = t.kind == TOK_WORD ? name_find(map, t.at, t.length) : (Name){0};
  if (t.kind != TOK_WORD)
    return lex_expected(x, kind == NAME_REG ? "a register" : kind == NAME_PARAM ? "a parameter" : "a kernel");
  if (known.kind != kind) return lex_error(x, &t, "'%s' is no %s", lex_text(x, &t), kind_name[kind]);
  *id = known.id;
  lex_next(x);
  return true;
}

/* ---- lines ---- */

static bool end_line(LoopParser *p) {
  Lexer *x = &p->x;
  return x->token.kind == TOK_LINE || x->token.kind == TOK_END || lex_expected(x, "the end of the line");
}

/* To the next line that has something on it. */
static void next_line(LoopParser *p) {
  do lex_next_line(&p->x);
  while (p->x.token.kind == TOK_LINE);
}

static bool expect_word(LoopParser *p, const char *word) {
  if (!lex_is_word(&p->x, word)) return lex_expected(&p->x, arena_printf(p->x.arena, "'%s'", word));
  lex_next(&p->x);
  return true;
}

static bool parse_size(LoopParser *p, const char *word, int64_t *out) {
  return expect_word(p, word) && lex_integer(&p->x, "a number of bytes", 0, largest_size, out);
}

/* loops 1 / target v3 / arena N scratch N weights N */
static bool parse_head(LoopParser *p) {
  int64_t version;
  if (p->x.token.kind == TOK_LINE) next_line(p);
  if (!expect_word(p, "loops") || !lex_integer(&p->x, "version 1", 1, 1, &version) || !end_line(p)) return false;
  next_line(p);
  if (!expect_word(p, "target")) return false;
  if (p->x.token.kind != TOK_WORD) return lex_expected(&p->x, "a target's name");
  p->program->target = arena_strndup(p->program->arena, p->x.token.at, p->x.token.length);
  lex_next(&p->x);
  if (!end_line(p)) return false;
  next_line(p);
  return parse_size(p, "arena", &p->program->arena_bytes) && parse_size(p, "scratch", &p->program->scratch_bytes) &&
         parse_size(p, "weights", &p->program->weight_bytes) && end_line(p);
}

/* ---- kernels ---- */

/* role name type[elements] */
static bool parse_param(LoopParser *p, Role role) {
  Lexer *x = &p->x;
  DType dtype;
  int64_t elements;
  lex_next(x);
  const char *name = parse_new_name(p, NAME_PARAM, p->k->param_count);
  if (!name) return false;
  if (x->token.kind != TOK_WORD || !dtype_from_name(x->token.at, x->token.length, &dtype))
    return lex_expected(x, "a data type");
  lex_next(x);
  if (!lex_expect(x, '[') || !lex_integer(x, "a number of elements", 0, largest_size, &elements) || !lex_expect(x, ']'))
    return false;
  kernel_add_param(p->k, name, role, dtype, elements);
  return end_line(p);
}

/* f32, f32x8 */
static bool parse_reg_type(LoopParser *p, RegType *type, int *lanes) {
  const Token t = p->x.token;
  static const char *const suffix[] = {"", "x2", "x4", "x8", "x16"};
  for (int i = 0; i < REG_TYPE_COUNT; i++)
    for (int j = 0; j < 5; j++) {
      size_t n = strlen(loop_reg_type_name[i]), m = strlen(suffix[j]);
      if (t.kind != TOK_WORD || t.length != n + m || memcmp(t.at, loop_reg_type_name[i], n) != 0) continue;
      if (memcmp(t.at + n, suffix[j], m) != 0) continue;
      *type = (RegType)i;
      *lanes = 1 << j;
      lex_next(&p->x);
      return true;
    }
  return lex_expected(&p->x, "a register type (f32 f64 i32 i64, or of 2, 4, 8 or 16 lanes: f32x8)");
}

/* reg type name... */
static bool parse_regs(LoopParser *p) {
  RegType type = REG_f32;
  int lanes = 1;
  lex_next(&p->x);
  if (!parse_reg_type(p, &type, &lanes)) return false;
  do {
    const char *name = parse_new_name(p, NAME_REG, p->k->reg_count);
    if (!name) return false;
    kernel_add_reg(p->k, name, type, lanes);
  } while (p->x.token.kind == TOK_WORD);
  return end_line(p);
}

/* Declarations up to the first statement. */
static bool parse_declarations(LoopParser *p) {
  for (;; next_line(p)) {
    int role = 0;
    while (role < ROLE_COUNT && !lex_is_word(&p->x, loop_role_name[role])) role++;
    if (role < ROLE_COUNT) {
      if (!parse_param(p, (Role)role)) return false;
    } else if (!lex_is_word(&p->x, "reg")) {
      return true;
    } else if (!parse_regs(p)) {
      return false;
    }
  }
}

/* Statements up to the brace that closes the kernel. */
static bool parse_body(LoopParser *p) {
  Lexer *x = &p->x;
  for (;; next_line(p)) {
    ArenaMark mark = arena_mark(x->arena);
    bool fatal = false;
    if (x->token.kind == TOK_END) return lex_expected(x, "'}'");
    if (!lex_accept(x, '}')) {
      parse_stmt(p, &fatal);
    } else {
      if (!end_line(p)) return false;
      if (!p->k->depth) return true;
      emit_end(p->k);
    }
    if (fatal || x->errors >= MAX_PARSE_ERRORS) return false;
    arena_release(x->arena, mark);
  }
}

/* kernel name family { ... } */
static bool parse_kernel(LoopParser *p) {
  LoopProgram *l = p->program;
  Lexer *x = &p->x;
  lex_next(x);
  const char *name = parse_new_name(p, NAME_KERNEL, l->kernel_count);
  if (!name) return false;
  if (x->token.kind != TOK_WORD) return lex_expected(x, "a family");
  p->k = kernel_new(l->arena, name, arena_strndup(x->arena, x->token.at, x->token.length));
  lex_next(x);
  if (!lex_expect(x, '{') || !end_line(p)) return false;
  ArenaMark mark = arena_mark(p->names.arena);
  next_line(p);
  if (!parse_declarations(p) || !parse_body(p)) return false;
  p->names = (WordMap){.arena = p->names.arena};
  arena_release(p->names.arena, mark);
  GROW(l->arena, l->kernels, l->kernel_count, l->kernel_capacity);
  l->kernels[l->kernel_count++] = p->k;
  return true;
}

/* ---- steps ---- */

/* input3, output0, arena, weights, scratch */
static bool parse_space(LoopParser *p, Place *out) {
  const Token t = p->x.token;
  for (int i = 0; t.kind == TOK_WORD && i < SPACE_COUNT; i++) {
    size_t n = strlen(loop_space_name[i]), m = n;
    bool numbered = i == SPACE_INPUT || i == SPACE_OUTPUT;
    if (t.length < n || memcmp(t.at, loop_space_name[i], n) != 0) continue;
    int32_t number = 0;
    while (m < t.length && t.at[m] >= '0' && t.at[m] <= '9' && number < MAX_PLACE_NUMBER)
      number = number * 10 + (t.at[m++] - '0');
    if (m != t.length || numbered != (m > n) || number >= MAX_PLACE_NUMBER) continue;
    out->space = (Space)i;
    out->number = number;
    lex_next(&p->x);
    return true;
  }
  return lex_expected(&p->x, "a place (input0, output0, arena, weights, scratch)");
}

/* @{kernel=7}, or nothing. */
static bool parse_step_group(LoopParser *p, int32_t *group) {
  Lexer *x = &p->x;
  int64_t number;
  if (!lex_accept(x, '@')) return true;
  if (!lex_expect(x, '{') || !expect_word(p, "kernel") || !lex_expect(x, '=')) return false;
  if (!lex_integer(x, "the number of a kernel", 0, INT32_MAX, &number)) return false;
  *group = (int32_t)number;
  return lex_expect(x, '}');
}

/* step kernel @{kernel=7} param=place+offset... "note" */
static bool parse_step(LoopParser *p) {
  LoopProgram *l = p->program;
  Lexer *x = &p->x;
  size_t kernel = 0;
  Step s = {.group = -1};
  lex_next(x);
  if (!parse_name(p, NAME_KERNEL, &kernel) || !parse_step_group(p, &s.group)) return false;
  const Kernel *k = l->kernels[kernel];
  s.kernel = (int32_t)kernel;
  s.places = ARENA_ARRAY(l->arena, Place, k->param_count);
  for (size_t i = 0; i < k->param_count; i++) {
    if (!expect_word(p, k->params[i].name) || !lex_expect(x, '=') || !parse_space(p, &s.places[i])) return false;
    if (!lex_expect(x, '+') || !lex_integer(x, "an offset in bytes", 0, largest_size, &s.places[i].offset))
      return false;
  }
  const char *note;
  if (x->token.kind == TOK_STRING && lex_string(x, "a note", &note)) s.note = arena_strdup(l->arena, note);
  if (!end_line(p)) return false;
  GROW(l->arena, l->steps, l->step_count, l->step_capacity);
  l->steps[l->step_count++] = s;
  return true;
}

static bool parse_program(LoopParser *p) {
  Lexer *x = &p->x;
  if (!parse_head(p)) return false;
  for (next_line(p); x->token.kind != TOK_END; next_line(p)) {
    if (lex_is_word(x, "kernel")) {
      if (!parse_kernel(p)) return false;
    } else if (lex_is_word(x, "step")) {
      ArenaMark mark = arena_mark(x->arena);
      if (!parse_step(p)) return false;
      arena_release(x->arena, mark);
    } else {
      return lex_expected(x, "'kernel' or 'step'");
    }
  }
  return x->errors == 0;
}

LoopProgram *loop_parse(Context *context, Arena *arena, const char *file, const char *text, size_t length) {
  LoopParser p = {.program = ARENA_NEW(arena, LoopProgram)};
  Arena *line = arena_new();
  p.program->arena = arena;
  p.names.arena = arena_new();
  p.kernels.arena = arena_new();
  lex_start(&p.x, context, line, file, text, length);
  bool good = parse_program(&p);
  arena_free(p.kernels.arena);
  arena_free(p.names.arena);
  arena_free(line);
  return good ? p.program : NULL;
}
