/* Build-time tool: writes docs/ops.md and docs/passes.md from the tables.
 *   write_reference FOLDER           writes them
 *   write_reference --check FOLDER   says whether those there are what it would write; exit status 1: they are not */
#include "ir/ir.h"
#include "ir/loop.h"
#include "ir/text.h"
#include "passes/facts.h"
#include "passes/passes.h"
#include "passes/rules.h"
#include <stdio.h>
#include <string.h>

static const char head[] =
    "<!-- Made from the tables by `cmake --build FOLDER --target reference`; a test compares. -->\n";

/* Text inside a cell of a Markdown table. */
static void put_cell(Text *t, const char *text) {
  text_puts(t, "| ");
  for (; *text; text++) {
    if (strchr("|*_<\\", *text)) text_putc(t, '\\');
    text_putc(t, *text);
  }
  text_putc(t, ' ');
}

/* The same for code, in which only the bar has a meaning. */
static void put_code(Text *t, const char *text) {
  text_puts(t, *text ? "| `" : "| ");
  for (; *text; text++) text_puts(t, *text == '|' ? "\\|" : (char[]){*text, 0});
  text_puts(t, t->at[t->len - 1] == ' ' ? "" : "` ");
}

static void put_row_end(Text *t) { text_puts(t, "|\n"); }

static void put_columns(Text *t, const char *const *names, int count) {
  for (int i = 0; i < count; i++) put_cell(t, names[i]);
  put_row_end(t);
  for (int i = 0; i < count; i++) text_puts(t, "|---");
  put_row_end(t);
}
#define COLUMNS(t, ...)                                                                                                \
  put_columns(t, (const char *const[]){__VA_ARGS__},                                                                   \
              (int)(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *)))

/* ---- ops.md ---- */
static const struct {
  unsigned trait;
  const char *word;
} traits[] = {{T_COMMUTATIVE, "commutative"}, {T_POINTWISE, "pointwise"}, {T_LEAF, "leaf"}, {T_REDUCE, "reduction"},
              {T_SPATIAL, "spatial"},         {T_INTEGER, "folds"},       {T_SINK, "sink"}};

static const char *range_text(Arena *a, int min, int max) {
  if (max == 255) return arena_printf(a, "%d or more", min);
  return min == max ? arena_printf(a, "%d", min) : arena_printf(a, "%d to %d", min, max);
}

static void put_op(Text *t, const OpInfo *op) {
  Text attrs = {.arena = t->arena}, words = {.arena = t->arena};
  for (int i = 0; i < ATTR_COUNT; i++)
    if (op->attrs >> i & 1) text_printf(&attrs, "%s%s", attrs.len ? " " : "", attr_info[i].name);
  for (size_t i = 0; i < sizeof traits / sizeof *traits; i++)
    if (op->traits & traits[i].trait) text_printf(&words, "%s%s", words.len ? ", " : "", traits[i].word);
  put_code(t, op->name);
  put_cell(t, range_text(t->arena, op->min_operands, op->max_operands));
  put_code(t, text_string(&attrs));
  put_code(t, op->family);
  put_cell(t, text_string(&words));
  put_cell(t, op->doc);
  put_row_end(t);
}

static void put_ops(Text *t) {
  text_puts(
      t,
      "\n## Operators of the tensor IR\n\n"
      "Each has one result but `output`, which has none. *Alone* is the family that makes loops of it where no pass "
      "put it\n"
      "into a kernel with others; an operator without one is never computed at run time. *folds*: inference knows its\n"
      "contents where those of its operands are known. The table is `ir/ops.def`.\n\n");
  COLUMNS(t, "operator", "operands", "attributes", "alone", "traits", "meaning");
  for (int k = 1; k < OP_COUNT; k++) put_op(t, &op_info[k]);
}

/* As the text of a program has it. */
static const char *kind_text(AttrKind kind) {
  static const char *const names[] = {
      [KIND_INT] = "integer", [KIND_FLOAT] = "decimal", [KIND_INTS] = "list of dims",
      [KIND_NAME] = "word",   [KIND_STRING] = "string", [KIND_FLOATS] = "list of decimals"};
  return names[kind];
}

static void put_default(Text *t, const AttrInfo *a) {
  Text number = {.arena = t->arena};
  if (a->kind == KIND_INT || a->kind == KIND_FLOAT) text_double(&number, a->default_number);
  put_cell(t, number.len ? text_string(&number) : "none");
}

static void put_attrs(Text *t) {
  text_puts(t, "\n## Attributes\n\nAn attribute equal to its default is not printed. The table is `ir/attr.def`.\n\n");
  COLUMNS(t, "attribute", "kind", "default", "meaning");
  for (int i = 0; i < ATTR_COUNT; i++) {
    put_code(t, attr_info[i].name);
    put_cell(t, kind_text(attr_info[i].kind));
    put_default(t, &attr_info[i]);
    put_cell(t, attr_info[i].doc);
    put_row_end(t);
  }
}

static void put_schedule(Text *t) {
  static const struct {
    const char *name, *doc;
  } rows[] = {
#define ATTR(name, kind, default_, doc)
#define SCHED(name, kind, default_, doc) {#name, doc},
#include "ir/attr.def"
#undef ATTR
#undef SCHED
  };
  text_puts(t, "\n## Schedule\n\nWhat `@{}` holds; a program without it means the same.\n\n");
  COLUMNS(t, "entry", "meaning");
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    put_code(t, rows[i].name);
    put_cell(t, rows[i].doc);
    put_row_end(t);
  }
}

static void put_families(Text *t) {
  static const struct {
    const char *name, *doc;
    bool inplace;
  } rows[] = {
#define FAMILY(name, inplace, doc) {#name, doc, inplace},
#include "backend/families.def"
#undef FAMILY
  };
  text_puts(t, "\n## Families of kernels\n\n"
               "What `kernel=7:gemm` names: who turns the operators of one kernel into loops. *In place*: its result "
               "may take over\n"
               "the buffer of an operand. The table is `backend/families.def`.\n\n");
  COLUMNS(t, "family", "in place", "operators");
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    put_code(t, rows[i].name);
    put_cell(t, rows[i].inplace ? "yes" : "");
    put_cell(t, rows[i].doc);
    put_row_end(t);
  }
}

static void put_dtypes(Text *t) {
  static const struct {
    const char *name;
    int number, bytes;
  } rows[] = {
#define DTYPE(name, number, bytes, kind) {#name, number, bytes},
#include "ir/dtype.def"
#undef DTYPE
  };
  text_puts(t, "\n## Data types\n\n");
  COLUMNS(t, "type", "ONNX's number", "bytes");
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    put_code(t, rows[i].name);
    text_printf(t, "| %d | %d ", rows[i].number, rows[i].bytes);
    put_row_end(t);
  }
}

static void put_onnx(Text *t) {
  enum { ANY = 255, NEWEST = 0 };
  static const struct {
    const char *name, *translate, *kind, *attrs;
    int since, last, min_in, max_in;
  } rows[] = {
#define ONNX(name, since, last, min_in, max_in, max_out, translate, kind, attrs)                                       \
  {#name, #translate, #kind, attrs, since, last, min_in, max_in},
#include "frontend/onnx_ops.def"
#undef ONNX
  };
  text_puts(t, "\n## Operators of ONNX that are read\n\n"
               "Attributes are `name:type=default`; `!` must be given. *by* is `onnx_<name>` in "
               "`frontend/onnx_translate_*.c`, with\n"
               "the operator that it makes where the table names one. The table is `frontend/onnx_ops.def`.\n\n");
  COLUMNS(t, "operator", "opsets", "inputs", "attributes", "by");
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const bool named = strcmp(rows[i].kind, "none") != 0;
    put_code(t, rows[i].name);
    put_cell(t, rows[i].last ? arena_printf(t->arena, "%d to %d", rows[i].since, rows[i].last)
                             : arena_printf(t->arena, "%d on", rows[i].since));
    put_cell(t, range_text(t->arena, rows[i].min_in, rows[i].max_in));
    put_code(t, rows[i].attrs);
    put_code(t, named ? arena_printf(t->arena, "%s %s", rows[i].translate, rows[i].kind) : rows[i].translate);
    put_row_end(t);
  }
}

static void put_loop_ops(Text *t) {
  static const char *const forms[] = {[FORM_LOOP] = "v = low .. high step s { }",
                                      [FORM_IF] = "a { }",
                                      [FORM_IMM] = "d = op number",
                                      [FORM_INDEX] = "d = op sum",
                                      [FORM_LOAD] = "d = op address",
                                      [FORM_STORE] = "op address a",
                                      [FORM_TOUCH] = "op address",
                                      [FORM_R1] = "d = op a",
                                      [FORM_R2] = "d = op a b",
                                      [FORM_R3] = "d = op a b c",
                                      [FORM_LIBM] = "d = op function a [b]"};
  text_puts(t, "\n## Operations of the loop IR\n\nSee [loop_ir.md](loop_ir.md). The table is `ir/loop.def`.\n\n");
  COLUMNS(t, "operation", "form", "meaning");
  for (int i = 0; i < LOP_COUNT; i++) {
    put_code(t, loop_op_info[i].name);
    put_code(t, forms[loop_op_info[i].form]);
    put_cell(t, loop_op_info[i].doc);
    put_row_end(t);
  }
}

static char *ops_page(Arena *a) {
  Text t = {.arena = a};
  text_printf(&t,
              "# Operators\n\n%s\nHow one is added: [adding_an_op.md](adding_an_op.md). The text they are written in: "
              "[ir.md](ir.md).\n",
              head);
  put_ops(&t);
  put_attrs(&t);
  put_schedule(&t);
  put_dtypes(&t);
  put_families(&t);
  put_onnx(&t);
  put_loop_ops(&t);
  return text_string(&t);
}

/* ---- passes.md ---- */
static void put_facts(Text *t, unsigned facts) {
  Text names = {.arena = t->arena};
  for (unsigned bit = 1; bit <= facts; bit <<= 1)
    if (facts & bit) text_printf(&names, "%s%s", names.len ? ", " : "", fact_text((enum Fact)bit));
  put_cell(t, text_string(&names));
}

static void put_pipeline(Text *t) {
  text_puts(t, "\n## The pipeline\n\n"
               "In this order. Each pass runs alone as `nextc opt MODEL --passes=NAME`. A pass whose needs do not hold "
               "says which\n"
               "pass gives them. The table is `passes/pipeline.c`.\n\n");
  COLUMNS(t, "pass", "what it does", "needs", "gives");
  for (int i = 0; i < pipeline_length; i++) {
    put_code(t, pipeline[i].name);
    put_cell(t, pipeline[i].doc);
    put_facts(t, pipeline[i].needs);
    put_facts(t, pipeline[i].gives);
    put_row_end(t);
  }
}

static void put_rules(Text *t, const RuleSet *set, const char *name, const char *doc) {
  text_printf(t, "\n### %s\n\n%s%s\n\n```\n", name, doc,
              set->on_constants ? " Constant expressions are rewritten too." : "");
  for (int i = 0; i < set->count; i++) {
    const Rule *r = &set->rules[i];
    text_printf(t, "%s%s%s%s\n  %s\n  => %s\n", i ? "\n" : "", r->name, r->class_ == REASSOC ? "  REASSOC" : "",
                r->guard ? "  guarded" : "", r->pattern, r->replacement);
  }
  text_puts(t, "```\n");
}

static void put_clauses(Text *t) {
  static const struct {
    const char *where, *name, *doc;
  } clauses[] = {
#define CLAUSE(where, name, doc) {#where, #name, doc},
#include "passes/clauses.def"
#undef CLAUSE
  };
  text_puts(
      t,
      "\n## Clauses\n\n"
      "What guards ask before a rewrite, one by one: the table is `passes/clauses.def`. For each there is a case in\n"
      "`tests/nir` that it alone declines.\n\n");
  COLUMNS(t, "where", "clause", "what must hold");
  for (size_t i = 0; i < sizeof clauses / sizeof *clauses; i++) {
    put_code(t, clauses[i].where);
    put_code(t, clauses[i].name);
    put_cell(t, clauses[i].doc);
    put_row_end(t);
  }
}

static char *passes_page(Arena *a) {
  Text t = {.arena = a};
  text_printf(&t,
              "# Passes\n\n%s\nHow one is added: [adding_a_pass.md](adding_a_pass.md). How they are watched: "
              "[usage.md](usage.md#opt).\n",
              head);
  put_pipeline(&t);
  text_puts(&t, "\n## Rules\n\n"
                "Rewrites that are one line each; `passes/match.h` says what the line means. REASSOC rules change "
                "rounding and are off\n"
                "with `--strict-fp`. A guarded rule looks at shapes and attributes before it fires. Names are those "
                "that `--stats` counts.\n");
#define ROW(set, doc) put_rules(&t, &set, #set, doc);
  EACH_RULE_SET(ROW)
#undef ROW
  put_clauses(&t);
  return text_string(&t);
}

/* ---- files ---- */
static char *path_in(Arena *a, const char *folder, const char *name) { return arena_printf(a, "%s/%s", folder, name); }

static bool write_page(const char *path, const char *text) {
  FILE *f = fopen(path, "wb");
  bool fine = f && fputs(text, f) >= 0;
  if (f && fclose(f)) fine = false;
  if (!fine) perror(path);
  return fine;
}

/* Says the first line that differs. */
static bool check_page(Arena *a, const char *path, const char *text) {
  FILE *f = fopen(path, "rb");
  size_t room = strlen(text) + 1;
  char *old = arena_alloc(a, room + 1);
  if (f) {
    old[fread(old, 1, room, f)] = 0;
    fclose(f);
  }
  if (!strcmp(old, text)) return true;
  int line = 1;
  for (const char *p = text, *q = old; *p && *p == *q; p++, q++) line += *p == '\n';
  fprintf(stderr, "%s:%d: not what the tables say; make it anew with: cmake --build FOLDER --target reference\n", path,
          line);
  return false;
}

int main(int argc, char **argv) {
  bool check = argc == 3 && !strcmp(argv[1], "--check");
  if (argc != 2 + check) {
    fputs("usage: write_reference [--check] FOLDER\n", stderr);
    return 2;
  }
  const struct {
    const char *name;
    char *(*make)(Arena *);
  } pages[] = {{"ops.md", ops_page}, {"passes.md", passes_page}};
  Arena *a = arena_new();
  bool fine = true;
  for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
    const char *path = path_in(a, argv[argc - 1], pages[i].name), *text = pages[i].make(a);
    fine = (check ? check_page(a, path, text) : write_page(path, text)) && fine;
  }
  arena_free(a);
  return !fine;
}
