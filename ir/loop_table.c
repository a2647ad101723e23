/* Tables of the loop IR: operators, types, roles, spaces, names, functions of math.h. */
#include "ir/loop_internal.h"
#include <math.h>
#include <string.h>

const LoopOpInfo loop_op_info[LOP_COUNT] = {
#define LOP(name, form, doc) {#name, doc, FORM_##form},
#include "ir/loop.def"
#undef LOP
};

const char *const loop_reg_type_name[REG_TYPE_COUNT] = {"f32", "f64", "i32", "i64"};
const char *const loop_role_name[ROLE_COUNT] = {"in", "weight", "out", "inout", "scratch"};
const char *const loop_space_name[SPACE_COUNT] = {"input", "output", "arena", "weights", "scratch"};

static bool same(const char *word, const char *name, size_t length) {
  return *word == *name && strlen(word) == length && !memcmp(word, name, length);
}

int loop_op_from_name(const char *name, size_t length) {
  for (int i = 0; i < LOP_COUNT; i++)
    if (same(loop_op_info[i].name, name, length)) return i;
  return -1;
}

size_t loop_reg_bytes(RegType t) { return t == REG_f32 || t == REG_i32 ? 4 : 8; }
bool loop_reg_is_float(RegType t) { return t == REG_f32 || t == REG_f64; }

bool loop_reg_holds(RegType t, DType d) {
  if (loop_reg_is_float(t)) return d == (t == REG_f32 ? DT_f32 : DT_f64);
  return !dtype_is_float(d) && dtype_bytes(d) <= loop_reg_bytes(t);
}

/* Words of C, and of the text form beside the operators' names. */
static const char *const reserved[] = {"auto",    "break",  "case",     "char",    "const",    "continue", "default",
                                       "do",      "double", "else",     "enum",    "extern",   "float",    "for",
                                       "goto",    "if",     "inline",   "int",     "long",     "register", "restrict",
                                       "return",  "short",  "signed",   "sizeof",  "static",   "struct",   "switch",
                                       "typedef", "union",  "unsigned", "void",    "volatile", "while",    "in",
                                       "weight",  "out",    "inout",    "scratch", "reg",      "step",     "ceil"};

bool loop_name_ok(const char *name, size_t length) {
  if (!length || (name[0] >= '0' && name[0] <= '9')) return false;
  for (size_t i = 0; i < length; i++) {
    char c = name[i];
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_')) return false;
  }
  for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
    if (same(reserved[i], name, length)) return false;
  return loop_op_from_name(name, length) < 0;
}

#define ONE(name)                                                                                                      \
  {#name, NULL, NULL, name, NULL}, { #name "f", name##f, NULL, NULL, NULL }
#define TWO(name)                                                                                                      \
  {#name, NULL, NULL, NULL, name}, { #name "f", NULL, name##f, NULL, NULL }
static const LibmInfo libm_rows[] = {ONE(exp),   ONE(log),   ONE(sin),  ONE(cos),  ONE(tan),   ONE(asin),
                                     ONE(acos),  ONE(atan),  ONE(sinh), ONE(cosh), ONE(tanh),  ONE(asinh),
                                     ONE(acosh), ONE(atanh), ONE(erf),  ONE(exp2), ONE(expm1), ONE(log1p),
                                     ONE(ceil),  ONE(floor), TWO(pow),  TWO(fmod), TWO(atan2)};
#undef ONE
#undef TWO

const LibmInfo *loop_libm(const char *name) {
  for (size_t i = 0; i < sizeof libm_rows / sizeof *libm_rows; i++)
    if (!strcmp(libm_rows[i].name, name)) return &libm_rows[i];
  return NULL;
}

size_t loop_libm_count(void) { return sizeof libm_rows / sizeof *libm_rows; }
const LibmInfo *loop_libm_row(size_t index) { return &libm_rows[index]; }
