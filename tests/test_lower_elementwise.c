/* Family elementwise and lower_pointwise against the tensor evaluator: every pointwise op on every type it takes,
 * special values, broadcasting, groups of ops, several outputs, in place. */
#include "tests/lower_test.h"

enum { FLOATS = 1, INTEGERS = 2, BOOLS = 4, NUMBERS = FLOATS | INTEGERS };

/* Every T_POINTWISE op is here; main checks it. attrs: variants, each a test. */
typedef struct {
  const char *op;
  int operands, takes;
  double low, high; /* of floats; equal: [-2, 2] */
  const char *attrs[2];
} OpRow;
static const OpRow ops[] = {
    {"neg", 1, NUMBERS, 0, 0, {""}},
    {"abs", 1, NUMBERS, 0, 0, {""}},
    {"sign", 1, NUMBERS, 0, 0, {""}},
    {"sqrt", 1, FLOATS, 0, 9, {""}},
    {"reciprocal", 1, FLOATS, 0.1, 9, {""}},
    {"exp", 1, FLOATS, -20, 20, {""}},
    {"log", 1, FLOATS, 0.01, 100, {""}},
    {"erf", 1, FLOATS, -5, 5, {""}},
    {"sin", 1, FLOATS, -9, 9, {""}},
    {"cos", 1, FLOATS, -9, 9, {""}},
    {"tanh", 1, FLOATS, -5, 5, {""}},
    {"sigmoid", 1, FLOATS, -20, 20, {""}},
    {"relu", 1, NUMBERS, 0, 0, {""}},
    {"gelu", 1, FLOATS, -6, 6, {"", "mode=tanh"}},
    {"silu", 1, FLOATS, -20, 20, {""}},
    {"leaky_relu", 1, FLOATS, 0, 0, {"alpha=0.01", "alpha=-2"}},
    {"elu", 1, FLOATS, -9, 9, {"", "alpha=1.5"}},
    {"hard_sigmoid", 1, FLOATS, -5, 5, {"alpha=0.2 beta=0.5", "alpha=-0.1 beta=0.3"}},
    {"hard_swish", 1, FLOATS, -5, 5, {""}},
    {"softplus", 1, FLOATS, -20, 20, {""}},
    {"floor", 1, FLOATS, -9, 9, {""}},
    {"ceil", 1, FLOATS, -9, 9, {""}},
    {"round", 1, FLOATS, -9, 9, {""}},
    {"not", 1, BOOLS, 0, 0, {""}},
    {"is_nan", 1, FLOATS, 0, 0, {""}},
    {"cast", 1, NUMBERS | BOOLS, -300, 300, {"to=i8", "to=bool"}},
    {"add", 2, NUMBERS, 0, 0, {""}},
    {"sub", 2, NUMBERS, 0, 0, {""}},
    {"mul", 2, NUMBERS, 0, 0, {""}},
    {"div", 2, NUMBERS, 0.5, 3, {""}},
    {"mod", 2, NUMBERS, -5, 5, {"", "mode=fmod"}},
    {"pow", 2, NUMBERS, 0.5, 4, {""}},
    {"min", 2, NUMBERS, 0, 0, {""}},
    {"max", 2, NUMBERS, 0, 0, {""}},
    {"equal", 2, NUMBERS | BOOLS, 0, 0, {""}},
    {"less", 2, NUMBERS | BOOLS, 0, 0, {""}},
    {"less_equal", 2, NUMBERS | BOOLS, 0, 0, {""}},
    {"and", 2, BOOLS, 0, 0, {""}},
    {"or", 2, BOOLS, 0, 0, {""}},
    {"xor", 2, BOOLS, 0, 0, {""}},
    {"where", 3, NUMBERS | BOOLS, 0, 0, {""}},
};
enum { OPS = sizeof ops / sizeof *ops };

static const char *const types[] = {"f32", "f64", "i32", "i64", "u8", "i8", "u16", "i16", "u32", "bool"};

static int kind_of(const char *type) { return *type == 'f' ? FLOATS : *type == 'b' ? BOOLS : INTEGERS; }

/* Equal elements and zeros among operands; the type's ends among integers. */
static void put_ends(Tensor *t, int input) {
  if (!t->i || t->type.dtype == DT_bool || type_elements(&t->type) < 8) return;
  int bits = 8 * (int)dtype_bytes((DType)t->type.dtype);
  bool is_unsigned = dtype_is_unsigned((DType)t->type.dtype);
  int64_t least = is_unsigned ? 0 : INT64_MIN >> (64 - bits), most = is_unsigned ? (INT64_C(1) << bits) - 1 : ~least;
  int64_t first[6] = {least, most, 0, 5, least, most}, second[6] = {-1, 7, 0, 5, 3, most};
  for (int i = 0; i < 6; i++) t->i[i] = input ? second[i] : first[i];
  if (is_unsigned && input) t->i[0] = 2;
}

static void one_op(const OpRow *row, const LowerTest *t, const char *type, const char *attrs) {
  LOWER_TEST(t,
             "%%1 = input {name=\"a\"} : %s[5,13]\n%%2 = input {name=\"b\"} : %s[5,13]\n"
             "%%3 = input {name=\"c\"} : bool[5,13]\n%%4 = %s %s {%s}\noutput %%4 {name=\"y\"}\n",
             type, type, row->op,
             row->operands == 1   ? "%1"
             : row->operands == 2 ? "%1, %2"
                                  : "%3, %1, %2",
             attrs);
}

static void test_every_op(void) {
  for (int o = 0; o < OPS; o++)
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
      int kind = kind_of(types[i]);
      if (!(ops[o].takes & kind)) continue;
      LowerTest t = {.family = "elementwise", .fill = put_ends};
      if (kind == FLOATS) t.low = ops[o].low, t.high = ops[o].high;
      if (kind == INTEGERS && !strcmp(ops[o].op, "pow")) t.low = -3, t.high = 9, t.fill = NULL;
      TEST(ops[o].op);
      for (int a = 0; a < 2 && ops[o].attrs[a]; a++) one_op(&ops[o], &t, types[i], ops[o].attrs[a]);
    }
}

static void test_table(void) {
  TEST("every pointwise op of ops.def has a row");
  for (int k = 0; k < OP_COUNT; k++) {
    bool found = !(op_info[k].traits & T_POINTWISE);
    for (int o = 0; o < OPS; o++) found = found || !strcmp(ops[o].op, op_info[k].name);
    if (!found) printf("%s\n", op_info[k].name);
    CHECK(found);
  }
}

static void test_casts(void) {
  static const double lows[] = {-1e20, -70000, 0}, highs[] = {1e20, 70000, 300};
  for (size_t from = 0; from < 10; from++)
    for (size_t to = 0; to < 10; to++) {
      LowerTest t = {.family = "elementwise", .low = lows[(from + to) % 3], .high = highs[(from + to) % 3]};
      if (kind_of(types[from]) == INTEGERS) t.low = 0, t.high = 0, t.fill = put_ends;
      char attrs[20];
      TEST(types[from]);
      snprintf(attrs, sizeof attrs, "to=%s", types[to]);
      one_op(&(OpRow){.op = "cast", .operands = 1}, &t, types[from], attrs);
    }
}

/* ---- special values ---- */

static void put_special(Tensor *t, int input) {
  static const float list[] = {
      0,     -0.0f,      1e-45f,     -1e-45f,     1e-38f, -1e-38f,  3e38f,       -3e38f, 0.5f,    -0.5f, 1.5f, 2.5f,
      -2.5f, 8388607.5f, 4194304.5f, -4194305.5f, 1e9f,   -1e9f,    0.49999997f, 88.9f,  -103.5f, 100,   -100, 20,
      -20,   1,          -1,         9,           -9,     16777216, -16777216,   3,      -3,      6};
  enum { COUNT = sizeof list / sizeof *list };
  if (!t->f) return;
  int64_t n = type_elements(&t->type);
  for (int64_t i = 0; i < n; i++) t->f[i] = (double)list[(size_t)(i + (input ? i / COUNT : 0)) % COUNT];
  t->f[input ? 40 : 41] = (double)NAN;
  t->f[input ? 50 : 43] = (double)INFINITY;
  t->f[input ? 52 : 45] = -(double)INFINITY;
}

static void test_special_values(void) {
  LowerTest t = {.family = "elementwise", .fill = put_special};
  for (int o = 0; o < OPS; o++) {
    /* products and quotients that leave f32, remainders and powers of such: not what the evaluator's doubles give */
    if (!(ops[o].takes & FLOATS) || !strcmp(ops[o].op, "pow") || !strcmp(ops[o].op, "mod")) continue;
    TEST(ops[o].op);
    bool ends = !strcmp(ops[o].op, "gelu") || !strcmp(ops[o].op, "silu");
    if (!ends) one_op(&ops[o], &t, "f32", ops[o].attrs[0]);
  }
  t.relative = 1e-30;
  for (int o = 0; o < 3; o++) {
    static const char *const exact[] = {"floor", "ceil", "round"};
    TEST(exact[o]);
    one_op(&(OpRow){.op = exact[o], .operands = 1}, &t, "f32", "");
  }
}

/* Products of x and what vanishes: absolute precision for large negative x, 0 at -inf. */
static void test_limits(void) {
  static const char *const rows[][2] = {{"gelu", ""}, {"gelu", "mode=tanh"}, {"silu", ""}};
  LowerTest t = {.family = "elementwise", .fill = put_special, .absolute = 2.7e-7, .relative = 1e-4};
  for (int i = 0; i < 3; i++) {
    TEST(rows[i][0]);
    one_op(&(OpRow){.op = rows[i][0], .operands = 1}, &t, "f32", rows[i][1]);
  }
}

/* ---- shapes ---- */

static void broadcast(const char *a, const char *b) {
  LowerTest t = {.family = "elementwise"};
  TEST(b);
  LOWER_TEST(&t,
             "%%1 = input {name=\"a\"} : f32[%s]\n%%2 = input {name=\"b\"} : f32[%s]\n%%3 = sub %%1, %%2\n"
             "%%4 = max %%3, %%1\noutput %%4 {name=\"y\"}\n",
             a, b);
}

static void test_broadcasting(void) {
  static const int channels[] = {1, 3, 7, 8, 9, 16, 40, 96}, rows[] = {1, 2, 6, 7};
  for (int c = 0; c < 8; c++)
    for (int r = 0; r < 4; r++) {
      char a[40], b[20];
      snprintf(a, sizeof a, "2,%d,%d", rows[r], channels[c]);
      snprintf(b, sizeof b, "%d", channels[c]);
      broadcast(a, a);
      broadcast(a, b);
      snprintf(b, sizeof b, "%d,1", rows[r]);
      broadcast(a, b);
      snprintf(b, sizeof b, "2,1,%d", channels[c]);
      broadcast(a, b);
    }
  broadcast("", "");
  broadcast("3,4", "");
  broadcast("1,1", "1");
  broadcast("0,4", "4");
  broadcast("5000", "1");
  broadcast("9000", "9000");
  broadcast("100,101", "100,1");
  broadcast("2,3,2,3,2,3,2,9", "3,1,3,1,3,1,9");
}

/* ---- groups ---- */

#define IN(n, type) "%" #n " = input {name=\"i" #n "\"} : " type "\n"
#define OUT(n)      "output %" #n " {name=\"o" #n "\"}\n"

static void test_groups(void) {
  LowerTest t = {.family = "elementwise"};
  TEST("a chain; literals; a value used twice");
  lower_test(&t, IN(1, "f32[3,21]")
                     IN(2, "f32[21]") "%3 = const {floats=[3]} : f32[]\n%4 = const {floats=[0.5,2]} : f32[2]\n"
                                      "%5 = mul %1, %2\n%6 = add %5, %3\n%7 = gelu %6\n%8 = mul %7, %6\n%9 = min %8, "
                                      "%3\n%10 = max %3, %9\n" OUT(10));
  TEST("a literal of several elements is read from the weights");
  lower_test(&t, IN(1, "f32[5,2]") "%2 = const {floats=[0.5,2]} : f32[2]\n%3 = mul %1, %2\n" OUT(3));
  TEST("large integers are read, not rounded");
  lower_test(&t, IN(1, "i64[5]") "%2 = const {ints=[9007199254740993]} : i64[]\n%3 = add %1, %2\n" OUT(3));
  TEST("compare and select stay in vectors");
  lower_test(
      &t,
      IN(1, "f32[37]")
          IN(2, "f32[37]") "%3 = less %1, %2\n%4 = not %3\n%5 = where %4, %1, %2\n"
                           "%6 = cast %3 {to=f32}\n%7 = add %5, %6\n%8 = is_nan %7\n%9 = where %8, %1, %7\n" OUT(9));
  TEST("a bool from outside, one going out");
  lower_test(&t, IN(1, "f32[2,37]") IN(2, "bool[37]") "%3 = where %2, %1, %1\n%4 = less_equal %3, %1\n" OUT(4));
  TEST("two outputs, one of them used inside");
  lower_test(&t, IN(1, "f32[4,37]") "%2 = exp %1\n%3 = tanh %2\n" OUT(2) OUT(3));
  TEST("squares need no pow");
  lower_test(&t, IN(1, "f32[37]") "%2 = const {floats=[2]} : f32[]\n%3 = pow %1, %2\n" OUT(3));
  TEST("a libm function keeps the group in scalars");
  lower_test(&t, IN(1, "f32[37]") "%2 = exp %1\n%3 = log %2\n" OUT(3));
}

static void test_wrapping(void) {
  static const char *const kinds[] = {"add", "sub", "mul"};
  LowerTest t = {.family = "elementwise", .fill = put_ends};
  for (size_t i = 2; i < 9; i++)
    for (int o = 0; o < 3; o++) {
      TEST(types[i]);
      LOWER_TEST(&t,
                 "%%1 = input {name=\"a\"} : %s[37]\n%%2 = input {name=\"b\"} : %s[37]\n%%3 = %s %%1, %%2\n%%4 = div "
                 "%%3, %%2\n%%5 = less %%4, %%3\n"
                 "%%6 = where %%5, %%4, %%3\noutput %%6 {name=\"y\"}\n",
                 types[i], types[i], kinds[o]);
    }
}

static void test_in_place(void) {
  LowerTest t = {.family = "elementwise"};
  TEST("in place");
  lower_test(&t, IN(1, "f32[9,19]") IN(2, "f32[9,19]")
                     IN(3, "f32[19]") "%4 = neg %1 @{kernel=0:elementwise at=[0]}\n"
                                      "%5 = add %4, %2 @{kernel=1:elementwise at=[0] inplace=0}\n"
                                      "%6 = mul %5, %3 @{kernel=2:elementwise at=[0] inplace=0}\n%7 = exp %6 "
                                      "@{kernel=3:elementwise}\n" OUT(7));
}

int main(void) {
  test_table();
  test_every_op();
  test_casts();
  test_special_values();
  test_limits();
  test_broadcasting();
  test_groups();
  test_wrapping();
  test_in_place();
  return test_result();
}
