/* Known contents of small integers: numbers through any integer op, symbolic dims through moves and dim arithmetic. */
#include "ir/known.h"
#include "tests/op_kit.h"

/* Steps of a chain from the shape of an input: an op takes the previous result as `_`, and literals. */
typedef struct {
  const char *op, *operands, *attrs;
} Step;

typedef struct {
  const char *input; /* type of the input whose shape starts the chain */
  Step step[4];
  const char *want; /* "{3*N,4}"; NULL: not known */
} Chain;

static const Chain chains[] = {
    {"f32[N,3,8]", {{NULL}}, "{N,3,8}"},
    {"f32[N,3,8]", {{"gather", "_ i64[2]{0,-1}", ""}}, "{N,8}"},
    {"f32[N,3,8]", {{"gather", "_ i64[]{0}", ""}, {"mul", "_ i64[]{6}", ""}, {"div", "_ i64[]{2}", ""}}, "{3*N}"},
    {"f32[N,3,8]", {{"slice", "_", "starts=[2] steps=[-1] shape=[3]"}}, "{8,3,N}"},
    {"f32[N,3,8]", {{"concat", "_ i64[1]{5}", ""}}, "{N,3,8,5}"},
    {"f32[N,3,8]", {{"reshape", "_", "shape=[3,1]"}, {"expand", "_", "shape=[3,2]"}}, "{N,N,3,3,8,8}"},
    {"f32[N,3,8]", {{"reshape", "_", "shape=[1,3]"}, {"transpose", "_", "perm=[1,0]"}}, "{N,3,8}"},
    {"f32[N,3,8]", {{"cast", "_", "to=i32"}}, "{N,3,8}"},
    {"f32[N,3,8]", {{"cast", "_", "to=i16"}}, NULL},
    {"f32[N,3,8]", {{"cast", "_", "to=f32"}}, NULL},
    {"f32[N,3,8]", {{"cast", "_", "to=bool"}}, NULL},
    {"f32[4294967297,3]", {{"cast", "_", "to=i32"}}, "{1,3}"},
    {"f32[N,4294967297]", {{"cast", "_", "to=i32"}}, NULL},
    {"f32[N,3,8]", {{"add", "_ _", ""}}, "{2*N,6,16}"},
    {"f32[N,3,8]", {{"add", "_ i64[]{0}", ""}}, "{N,3,8}"},
    {"f32[N,3,8]", {{"add", "_ i64[]{1}", ""}}, NULL},
    {"f32[N,3,8]", {{"mul", "_ _", ""}}, NULL},
    {"f32[3*N,3,8]", {{"sub", "_ _", ""}}, "{0,0,0}"},
    {"f32[3*N,3]", {{"div", "_ i64[]{3}", ""}}, "{N,1}"},
    {"f32[3*N,8]", {{"div", "_ i64[]{3}", ""}}, NULL},
    {"f32[3*N,8]", {{"mod", "_ i64[]{3}", ""}}, NULL},
    {"f32[N,3,8]", {{"equal", "_ i64[]{-1}", ""}}, "{0,0,0}"},
    {"f32[N,3,8]", {{"equal", "_ i64[]{3}", ""}}, NULL},
    {"f32[4*N,3,8]", {{"equal", "_ i64[]{3}", ""}}, "{0,1,0}"},
    {"f32[4*N,3,8]", {{"equal", "_ i64[]{4}", ""}}, NULL},
    {"f32[4*N,3,8]", {{"equal", "i64[]{4} _", ""}}, NULL},
    {"f32[N,3,8]", {{"equal", "_ _", ""}}, "{1,1,1}"},
    {"f32[N,3,8]", {{"where", "bool[3]{1,0,1} _ i64[]{7}", ""}}, "{N,7,8}"},
    {"f32[N,3,8]", {{"reduce_prod", "_", "axes=[0]"}}, "{24*N}"},
    {"f32[N,N]", {{"reduce_prod", "_", "axes=[0]"}}, NULL},
    {"f32[N,3,8]", {{"reduce_prod", "_", ""}}, NULL},
    {"f32[N,3,8]", {{"reduce_sum", "_", "axes=[0]"}}, NULL},
    {"f32[N,3,8]", {{"neg", "_", ""}}, NULL},
    {"f32[5,3,8]", {{"reduce_sum", "_", "axes=[0]"}}, "{16}"},
    {"f32[5,3,8]", {{"mod", "_ i64[]{3}", ""}}, "{2,0,2}"},
    {"f32[5,3,8]", {{"less", "_ i64[]{4}", ""}, {"not", "_", ""}}, "{1,0,1}"},
    {"f32[5,3,8]", {{"gather", "i64[9]{10,11,12,13,14,15,16,17,18} _", ""}}, "{15,13,18}"},
    {"f32[2,3]",
     {{"gather", "_ i64[]{1}", ""}, {"range", "i64[]{0} _ i64[]{1}", ""}, {"mul", "_ i64[]{5}", ""}},
     "{0,5,10}"},
    {"f32[N,3]", {{"gather", "i64[9]{1} _", ""}}, NULL},
    {"f32[5,3]", {{"expand", "_", "shape=[4096,2]"}}, NULL},           /* too many */
    {"f32[5,3]", {{"add", "_ i64[2]", ""}}, NULL},                     /* an input */
    {"f32[2,3]", {{"mul", "_ i64[]{4611686018427387904}", ""}}, NULL}, /* would read as a symbol */
};

static ValueId run_step(Kit *k, const Step *s, ValueId last) {
  ValueId v[8];
  uint32_t count = 0;
  for (const char *p = s->operands; *p; p += strspn(p, " ")) {
    if (*p == '_')
      v[count++] = last, p++;
    else
      v[count++] = kit_operand(k, &p);
  }
  Attrs a = kit_attrs(k->graph, s->attrs);
  OpId id = graph_try_op(k->graph, op_from_name(s->op, strlen(s->op)), v, count, &a, NULL, 0, k->error);
  if (!id) printf("%s: %s\n", s->op, k->error);
  CHECK(id);
  return id ? op_at(k->graph, id)->first_result : last;
}

static void check_chain(const Chain *c) {
  Kit k = kit_new();
  const char *p = c->input;
  Type t = kit_type(k.graph, &p);
  Attrs a = attrs_default();
  OpId in = graph_try_leaf(k.graph, OP_input, &t, &a, NULL, 0, k.error);
  ValueId v = op_at(k.graph, in)->first_result;
  a.end = t.rank;
  v = op_at(k.graph, graph_try_op(k.graph, OP_shape, &v, 1, &a, NULL, 0, k.error))->first_result;
  for (int i = 0; i < 4 && c->step[i].op; i++) v = run_step(&k, &c->step[i], v);
  const Dim *known = value_at(k.graph, v)->known;
  Dim want[64];
  bool same = !known == !c->want;
  if (known && c->want) {
    p = c->want + 1;
    int n = kit_dims(k.graph, &p, '}', want);
    same = n == type_elements(type_of(k.graph, v)) && !memcmp(known, want, sizeof *want * (size_t)n);
  }
  if (!same)
    printf("shape of %s, %s ...: want %s\n", c->input, c->step[0].op ? c->step[0].op : "",
           c->want ? c->want : "unknown");
  CHECK(same);
  kit_free(&k);
}

static void literals(void) {
  TEST("literals");
  Kit k = kit_new();
  const char *p = "i32[2,2]{7}";
  const Dim *known = value_at(k.graph, kit_operand(&k, &p))->known;
  CHECK(known && known[0] == 7 && known[3] == 7);
  p = "f32[2]{7}";
  CHECK(!value_at(k.graph, kit_operand(&k, &p))->known);
  p = "i64[4097]{7}";
  CHECK(!value_at(k.graph, kit_operand(&k, &p))->known);
  p = "i64[0]{7}";
  CHECK(value_at(k.graph, kit_operand(&k, &p))->known);
  p = "i64[2]";
  CHECK(!value_at(k.graph, kit_operand(&k, &p))->known);
  kit_free(&k);
}

int main(void) {
  TEST("chains");
  for (size_t i = 0; i < sizeof chains / sizeof *chains; i++) check_chain(&chains[i]);
  literals();
  return test_result();
}
