/* Tests of operators as rows of text: operands "f32[2,3]{1,2,3,4,5,6} i64[2]{0..1} f32[N,3] _", attributes
 * "axis=1 perm=[1,0]". An operand with contents is a literal, one without is an input, _ is left out. Contents:
 * numbers, a..b counts up; one number fills. A wanted result is a type, a type with contents, or "!part of the error
 * text". */
#ifndef NEXTC_OP_KIT_H
#define NEXTC_OP_KIT_H
#include "ir/eval.h"
#include "ir/graph_edit.h"
#include "ir/infer_util.h"
#include "tests/test.h"
#include <math.h>
#include <stdlib.h>

typedef struct {
  const char *op, *operands, *attrs, *want;
} OpCase;

typedef struct {
  Context *context;
  Graph *graph;
  char error[256];
} Kit;

static inline Kit kit_new(void) {
  Kit k = {.context = context_new()};
  k.graph = graph_new(k.context, "test");
  return k;
}

static inline void kit_free(Kit *k) {
  graph_free(k->graph);
  context_free(k->context);
}

/* A dim: 4, N, 2*N. Moves *p past it. */
static inline Dim kit_dim(Graph *g, const char **p) {
  char *end, name[32];
  long long c = strtoll(*p, &end, 10);
  bool number = end != *p;
  if (number && *end != '*') return *p = end, c;
  if (number) *p = end + 1;
  size_t n = strspn(*p, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
  snprintf(name, sizeof name, "%.*s", (int)n, *p);
  *p += n;
  return dim_symbol(graph_symbol(g, name), number ? c : 1);
}

/* "2,N,3]" up to and with the closing character. Returns how many. */
static inline int kit_dims(Graph *g, const char **p, char close, Dim *out) {
  int n = 0;
  while (**p != close) {
    out[n++] = kit_dim(g, p);
    if (**p == ',') ++*p;
  }
  ++*p;
  return n;
}

static inline Type kit_type(Graph *g, const char **p) {
  size_t n = strcspn(*p, "[");
  DType t = DT_f32;
  if (!dtype_from_name(*p, n, &t)) printf("bad data type in '%s'\n", *p);
  *p += n + 1;
  Dim dims[64];
  int rank = kit_dims(g, p, ']', dims);
  return type_make(t, rank, dims);
}

enum { KIT_NUMBERS = 4096 };

/* "{1,2,5..9}" */
static inline int kit_numbers(const char **p, double *out) {
  int n = 0;
  ++*p;
  while (**p != '}') {
    char *end;
    double x = strtod(*p, &end);
    if (end > *p && end[-1] == '.' && *end == '.') end--; /* "0..3" was read as "0." */
    *p = end;
    out[n++] = x;
    if (!strncmp(*p, "..", 2)) {
      *p += 2;
      double last = strtod(*p, &end);
      *p = end;
      while (x < last) out[n++] = x += 1;
    }
    if (**p == ',') ++*p;
  }
  ++*p;
  return n;
}

static inline ValueId kit_leaf(Kit *k, OpKind kind, const Type *t, const double *x, int n) {
  Attrs a = attrs_default();
  Dim *ints = ARENA_ARRAY(k->graph->arena, Dim, n + 1);
  for (int i = 0; i < n; i++) ints[i] = dtype_is_float(t->dtype) ? 0 : (Dim)x[i];
  if (dtype_is_float(t->dtype))
    a.floats = (Floats){n, x};
  else
    a.ints = (Ints){n, ints};
  OpId id = graph_try_leaf(k->graph, kind, t, &a, NULL, 0, k->error);
  return id ? op_at(k->graph, id)->first_result : 0;
}

/* One operand; 0 and k->error where the leaf is refused. */
static inline ValueId kit_operand(Kit *k, const char **p) {
  static double x[KIT_NUMBERS];
  Type t = kit_type(k->graph, p);
  if (**p != '{') return kit_leaf(k, OP_input, &t, NULL, 0);
  return kit_leaf(k, OP_const, &t, x, kit_numbers(p, x));
}

static inline void kit_attr(Graph *g, Attrs *a, const AttrInfo *info, const char **p) {
  void *to = (char *)a + info->offset;
  static double x[KIT_NUMBERS];
  static Dim d[KIT_NUMBERS];
  char *end;
  if (info->kind == KIND_INT) *(int64_t *)to = strtoll(*p, &end, 10), *p = end;
  if (info->kind == KIND_FLOAT) *(double *)to = strtod(*p, &end), *p = end;
  if (info->kind == KIND_INTS) {
    ++*p;
    int n = kit_dims(g, p, ']', d);
    *(Ints *)to = ints_copy(g->arena, d, n);
  }
  if (info->kind == KIND_FLOATS) {
    int n = kit_numbers(p, x);
    *(Floats *)to = floats_copy(g->arena, x, n);
  }
  if (info->kind == KIND_NAME || info->kind == KIND_STRING) {
    size_t n = strcspn(*p, " ");
    *(const char **)to = arena_strndup(g->arena, *p, n);
    *p += n;
  }
}

static inline Attrs kit_attrs(Graph *g, const char *p) {
  Attrs a = attrs_default();
  while (*p) {
    size_t n = strcspn(p, "=");
    bool found = false;
    for (int i = 0; i < ATTR_COUNT && !found; i++)
      if (strlen(attr_info[i].name) == n && !memcmp(attr_info[i].name, p, n)) {
        p += n + 1;
        kit_attr(g, &a, &attr_info[i], &p);
        found = true;
      }
    if (!found) return printf("bad attributes '%s'\n", p), a;
    p += strspn(p, " ");
  }
  return a;
}

/* The op of a row; 0 and k->error where it is refused. */
static inline OpId kit_op(Kit *k, const char *op, const char *operands, const char *attrs) {
  ValueId v[64];
  uint32_t count = 0;
  for (const char *p = operands; *p; p += strspn(p, " ")) {
    if (*p == '_')
      v[count++] = 0, p++;
    else if (!(v[count++] = kit_operand(k, &p)))
      return 0;
  }
  Attrs a = kit_attrs(k->graph, attrs);
  return graph_try_op(k->graph, op_from_name(op, strlen(op)), v, count, &a, NULL, 0, k->error);
}

static inline bool kit_near(double got, double want) {
  if (want != want || isinf(want)) return want != want ? got != got : got == want;
  return fabs(got - want) <= 1e-12 + 1e-9 * fabs(want);
}

static inline void kit_explain(const OpCase *c, const char *got) {
  test_failures++;
  printf("%s: %s(%s) {%s}: got %s, want %s\n", test_name, c->op, c->operands, c->attrs, got, c->want);
}

static inline void kit_contents(Kit *k, const OpCase *c, const char *p, ValueId v) {
  static double want[KIT_NUMBERS];
  int n = kit_numbers(&p, want);
  Tensor t;
  if (!eval_const(k->graph, v, &t)) {
    kit_explain(c, "no value");
    return;
  }
  int64_t count = type_elements(&t.type);
  bool same = count == n || n == 1;
  for (int64_t i = 0; i < count && same; i++) {
    double w = want[n == 1 ? 0 : i], got = t.f ? t.f[i] : (double)t.i[i];
    same = kit_near(got, w);
    if (!same) printf("element %lld is %.17g\n", (long long)i, got);
  }
  if (!same) kit_explain(c, "other contents");
  tensor_free(&t);
}

static inline void kit_check(const OpCase *c) {
  Kit k = kit_new();
  test_checks++;
  OpId id = kit_op(&k, c->op, c->operands, c->attrs);
  if (c->want[0] == '!') {
    if (id)
      kit_explain(c, "no error");
    else if (!strstr(k.error, c->want + 1))
      kit_explain(c, k.error);
  } else if (!id) {
    kit_explain(c, k.error);
  } else {
    const char *p = c->want;
    Type want = kit_type(k.graph, &p);
    ValueId v = op_at(k.graph, id)->first_result;
    if (!type_equal(type_of(k.graph, v), &want))
      kit_explain(c, type_text(k.graph, type_of(k.graph, v)).s);
    else if (*p == '{')
      kit_contents(&k, c, p, v);
  }
  kit_free(&k);
}

static inline void kit_check_all(const char *name, const OpCase *cases, size_t count) {
  TEST(name);
  for (size_t i = 0; i < count; i++) kit_check(&cases[i]);
}
#define KIT_CHECK(cases) kit_check_all(#cases, cases, sizeof cases / sizeof *cases)
#endif
