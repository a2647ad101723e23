/* attr.def and ops.def as data, and the few functions that are loops over them. */
#include "ir/ir.h"
#include "ir/op_functions.h"
#include <stdio.h>
#include <string.h>

#define DEFAULT_INT(number)     number
#define DEFAULT_FLOAT(number)   number
#define DEFAULT_INTS(nothing)   0
#define DEFAULT_FLOATS(nothing) 0
#define DEFAULT_NAME(null)      0
#define DEFAULT_STRING(null)    0
const AttrInfo attr_info[ATTR_COUNT] = {
#define ATTR(name, kind, default_, doc) {#name, doc, KIND_##kind, offsetof(Attrs, name), DEFAULT_##kind(default_)},
#define SCHED(name, kind, default_, doc)
#include "ir/attr.def"
#undef ATTR
#undef SCHED
};

/* FAMILY(none) is "", FAMILY(gemm) is "gemm". */
#define FAMILY_none                 unused, ""
#define SECOND(...)                 SECOND_(__VA_ARGS__, )
#define SECOND_(first, second, ...) second
#define FAMILY(family)              SECOND(FAMILY_##family, #family)
#define A(name)                     (UINT64_C(1) << ATTR_##name)
enum { ANY = 255 };
const OpInfo op_info[OP_COUNT] = {
#define OP(name, min, max, results, attributes, infer_name, eval_name, family, traits, doc)                            \
  {#name, doc, min, max, results, attributes, infer_##infer_name, eval_##eval_name, FAMILY(family), traits},
#include "ir/ops.def"
#undef OP
};

OpKind op_from_name(const char *name, size_t length) {
  for (int k = 0; k < OP_COUNT; k++)
    if (strlen(op_info[k].name) == length && !memcmp(op_info[k].name, name, length)) return (OpKind)k;
  return OP_none;
}

Attrs attrs_default(void) {
  Attrs a;
  memset(&a, 0, sizeof a);
  for (int i = 0; i < ATTR_COUNT; i++) {
    void *member = (char *)&a + attr_info[i].offset;
    if (attr_info[i].kind == KIND_INT) *(int64_t *)member = (int64_t)attr_info[i].default_number;
    if (attr_info[i].kind == KIND_FLOAT) *(double *)member = attr_info[i].default_number;
  }
  return a;
}

Sched sched_default(void) { return (Sched){.kernel = -1, .inplace = -1, .pitch = -1}; }

static bool text_equal(const char *a, const char *b) { return a == b || (a && b && !strcmp(a, b)); }

static bool list_equal(const void *a, int32_t a_count, const void *b, int32_t b_count, size_t element) {
  return a_count == b_count && (!a_count || !memcmp(a, b, element * (size_t)a_count));
}

/* Numbers are compared bit by bit: a NaN equals itself, -0 is not 0, as in the text. */
bool attr_equal(const AttrInfo *info, const Attrs *x, const Attrs *y) {
  const void *a = (const char *)x + info->offset, *b = (const char *)y + info->offset;
  switch (info->kind) {
  case KIND_INT: return !memcmp(a, b, sizeof(int64_t));
  case KIND_FLOAT: return !memcmp(a, b, sizeof(double));
  case KIND_INTS: {
    const Ints *p = a, *q = b;
    return list_equal(p->at, p->count, q->at, q->count, sizeof(Dim));
  }
  case KIND_FLOATS: {
    const Floats *p = a, *q = b;
    return list_equal(p->at, p->count, q->at, q->count, sizeof(double));
  }
  case KIND_NAME:
  case KIND_STRING: return text_equal(*(const char *const *)a, *(const char *const *)b);
  }
  die("attribute %s of kind %d", info->name, (int)info->kind);
}

bool attr_is_default(const AttrInfo *info, const Attrs *attrs) {
  const void *at = (const char *)attrs + info->offset;
  switch (info->kind) {
  case KIND_INT: return *(const int64_t *)at == (int64_t)info->default_number;
  case KIND_FLOAT: return !memcmp(at, &info->default_number, sizeof info->default_number);
  case KIND_INTS: return !((const Ints *)at)->count;
  case KIND_FLOATS: return !((const Floats *)at)->count;
  case KIND_NAME:
  case KIND_STRING: return !*(const char *const *)at;
  }
  die("attribute %s", info->name);
}

const Type *infer_operand(const Infer *f, uint32_t index) {
  if (index >= f->op->operand_count) return NULL;
  if (index < sizeof f->in / sizeof f->in[0]) return f->in[index];
  ValueId v = f->op->operands[index];
  return v ? type_of(f->graph, v) : NULL;
}

bool infer_fail(Infer *f, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(f->error, sizeof f->error, format, args);
  va_end(args);
  return false;
}
