/* Every diagnostic of the .nir parser, with its line and column. */
#include "ir/ir.h"
#include "tests/fake_source.h"
#include "tests/test.h"
#include <stdlib.h>

/* The texts of all diagnostics of parsing, one a line. The graph must not come back. */
static const char *errors_of(Context *c, const char *text, size_t length) {
  Graph *g = graph_parse(c, "t.nir", text, length, fake_open);
  CHECK(!g && c->errors > 0);
  graph_free(g);
  CHECK(fake_open_count == 0);
  const char *all = "";
  for (size_t i = 0; i < c->count; i++) all = arena_printf(c->arena, "%s%s\n", all, c->list[i].text);
  return all;
}

/* The whole text gives just this error. */
static void fails(const char *text, const char *where, const char *message) {
  Context *c = context_new();
  CHECK_STR(errors_of(c, text, strlen(text)), arena_printf(c->arena, "t.nir:%s: error: %s\n", where, message));
  context_free(c);
}

#define HEAD "nir 1\nsource 0 \"tensors\"\ngraph \"m\" symbols=N,\"a b\"\n%1 = input {name=\"x\"} : f32[2,3]\n"
#define TAIL "\noutput %1 {name=\"y\"}\n"

/* A statement on line 5 of an else good text gives just this error, in that line. */
static void refuses(const char *statement, int column, const char *message) {
  Context *c = context_new();
  const char *text = arena_printf(c->arena, "%s%s%s", HEAD, statement, TAIL);
  CHECK_STR(errors_of(c, text, strlen(text)), arena_printf(c->arena, "t.nir:5:%d: error: %s\n", column, message));
  context_free(c);
}

static void test_header(void) {
  TEST("header");
  fails("", "1:1", "expected 'nir 1' as the first line, found the end of the file");
  fails("\n// 1\n\n", "4:1", "expected 'nir 1' as the first line, found the end of the file");
  fails("graph \"m\"\n", "1:1", "expected 'nir 1' as the first line, found 'graph'");
  fails("\xff\n", "1:1", "expected 'nir 1' as the first line, found byte 0xff");
  fails("nir\n", "1:4", "expected a version number, found the end of the line");
  fails("nir 2\n", "1:5", "version 2 of the text form is unknown, this nextc reads version 1");
  fails("nir 1 1\n", "1:7", "expected the end of the line, found '1'");
  fails("nir 1\n", "2:1", "expected 'source' or 'graph', found the end of the file");
  fails("nir 1\n%1 = neg %1\n", "2:1", "expected 'source' or 'graph', found '%1'");
}

static void test_preprocess(void) {
  TEST("preprocess");
  refuses("preprocess mean=[1] std=[1] crop=0 interpolation=bicubic", 34, "crop must be from 0.01 to 1");
  refuses("preprocess mean=[1] std=[1] crop=nan interpolation=bicubic", 34, "crop must be from 0.01 to 1");
  refuses("preprocess mean=[1,2] std=[1] crop=1 interpolation=bicubic", 59, "2 means, but 1 standard deviations");
  refuses("preprocess mean=[1] std=[0] crop=1 interpolation=bicubic", 57, "a standard deviation must be above 0");
  refuses("preprocess mean=[1] std=[1] crop=1 resize=fit interpolation=bicubic", 43, "expected squash, found 'fit'");
}

static void test_graph_line(void) {
  TEST("graph line");
  fails("nir 1\ngraph m\n", "2:7", "expected the name of the graph in quotes, found 'm'");
  fails("nir 1\ngraph \"a-b\"\n", "2:7", "graph name \"a-b\" is no C identifier");
  fails("nir 1\ngraph \"m\" afer=\"x\"\n", "2:11", "unknown key 'afer' (did you mean 'after'?)");
  fails("nir 1\ngraph \"m\" after=\"x\" after=\"x\"\n", "2:21", "key 'after' is given twice");
  fails("nir 1\ngraph \"m\" after \"x\"\n", "2:17", "expected '=', found \"x\"");
  fails("nir 1\ngraph \"m\" after=x\n", "2:17", "expected the name of a pass in quotes, found 'x'");
  fails("nir 1\ngraph \"m\" batch=1\n", "2:17", "1 is out of range: 2 or more images, or a symbol");
  fails("nir 1\ngraph \"m\" batch=M symbols=N,K\n", "2:17",
        "unknown symbol 'M' (did you mean 'N'?); the graph line lists them: symbols=N");
  fails("nir 1\ngraph \"m\" batch=\n", "2:17", "expected a symbol, found the end of the line");
  fails("nir 1\ngraph \"m\" symbols=N,N\n", "2:21", "symbol 'N' is listed twice");
  fails("nir 1\ngraph \"m\" symbols=N,\n", "2:21", "expected a symbol, found the end of the line");
  fails("nir 1\ngraph \"m\" symbols=a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q\n", "2:51", "more than 16 symbols");
  fails("nir 1\ngraph \"m\" 7\n", "2:11", "expected after=, batch=, symbols= or the end of the line, found '7'");
  fails(HEAD "graph \"m\"" TAIL, "5:1", "a second graph line");
  fails("nir 1\ngraph \"m\"\n%1 = input {name=\"x\"} : f32[2]\n", "4:1", "the graph has no output");
}

static void test_sources(void) {
  TEST("source lines");
  fails("nir 1\nsource \"a\"\n", "2:8", "expected the number of the source, found \"a\"");
  fails("nir 1\nsource 1 \"a\"\n", "2:8", "source 1, but the next one is 0");
  fails("nir 1\nsource 0 a\n", "2:10", "expected the path of the source in quotes, found 'a'");
  fails("nir 1\nsource 0 \"a\" hash 7\n", "2:19", "expected '=', found '7'");
  fails("nir 1\nsource 0 \"a\" hash=7\n", "2:19", "expected a hash of 16 hex digits, found '7'");
  fails("nir 1\nsource 0 \"a\" hash=000000000000000G\n", "2:19",
        "expected a hash of 16 hex digits, found '000000000000000G'");
  fails("nir 1\nsource 0 \"a\" hash=1234567890123456\n", "2:19",
        "a has changed: its hash is 0000000000000001, the text says 1234567890123456");
  fails("nir 1\nsource 0 \"a\" 7\n", "2:14", "expected hash= or the end of the line, found '7'");
  fails(HEAD "source 1 \"a\"" TAIL, "5:1", "sources stand above the graph line");
}

/* What follows from a faulty line is not reported again. */
static void test_missing_source(void) {
  TEST("a source that cannot be opened: the opener's diagnostic and the line");
  const char *text = "nir 1\nsource 0 \"missing.onnx\" hash=0000000000000001\ngraph \"m\"\n"
                     "%1 = weight {name=\"w\"} : f32[2]\n%2 = neg %1 : f32[2]\noutput %2 {name=\"y\"}\n";
  Context *c = context_new();
  CHECK_STR(errors_of(c, text, strlen(text)),
            "missing.onnx: error: no such file\nt.nir:2:10: error: source 'missing.onnx' cannot be opened\n");
  context_free(c);
  TEST("no opener");
  c = context_new();
  CHECK(!graph_parse(c, "t.nir", text, strlen(text), NULL) && c->count == 1);
  CHECK_HAS(c->list[0].text, "t.nir:2:10: error: source 'missing.onnx' cannot be opened");
  context_free(c);
  TEST("too many sources");
  c = context_new();
  const char *many = "nir 1\n";
  for (int i = 0; i <= 256; i++) many = arena_printf(c->arena, "%ssource %d \"a\"\n", many, i);
  CHECK_HAS(errors_of(c, many, strlen(many)), "t.nir:258:8: error: more than 256 sources");
  context_free(c);
}

static void test_values(void) {
  TEST("values");
  refuses("%x = neg %1", 1, "expected a statement, found '%'");
  refuses("%2x = neg %1", 1, "expected a value like %1, found '%2x'");
  refuses("%2, 3 = neg %1", 5, "expected a value like %1, found '3'");
  refuses("%0 = neg %1", 1, "value numbers start at %1");
  refuses("%1048577 = neg %1", 1, "value numbers end at %1048576");
  refuses("%99999999999999999999 = neg %1", 1, "value numbers end at %1048576");
  refuses("%2 neg %1", 4, "expected '=', found 'neg'");
  refuses("%1 = neg %1", 1, "%1 is already defined");
  refuses("%2, %2 = neg %1", 5, "%2 is already defined");
  refuses("%2 = neg %2", 10, "%2 is an operand of its own definition");
  refuses("%2 = neg %3", 10, "%3 is not defined on a line above");
  refuses("%2 = neg %5000", 10, "%5000 is not defined on a line above");
  refuses("%2 = add %1, 1", 14, "expected an operand like %1, or _, found '1'");
  refuses("%2 = add %1,", 13, "expected an operand like %1, or _, found the end of the line");
}

static void test_operators(void) {
  TEST("operators");
  refuses("%2 =", 5, "expected an operator, found the end of the line");
  refuses("%2 = \"neg\" %1", 6, "expected an operator, found \"neg\"");
  refuses("{", 1, "expected a statement, found '{'");
  refuses("%2 = layrnorm %1", 6, "unknown operator 'layrnorm' (did you mean 'layernorm'?)");
  refuses("%2 = none", 6, "unknown operator 'none' (did you mean 'not'?)");
  refuses("%2 = quux %1", 6, "unknown operator 'quux'");
  refuses("neg %1", 1, "neg has 1 result, found 0");
  refuses("%2, %3 = neg %1", 10, "neg has 1 result, found 2");
  refuses("%2 = output %1 {name=\"z\"}", 6, "output has 0 results, found 1");
  refuses("%2 = neg", 6, "neg takes 1 operand, found 0");
  refuses("%2 = neg %1, %1", 6, "neg takes 1 operand, found 2");
  refuses("%2 = add %1", 6, "add takes 2 operands, found 1");
  refuses("%2 = gemm %1", 6, "gemm takes 2 to 3 operands, found 1");
  refuses("%2 = concat", 6, "concat takes 1 or more operands, found 0");
  refuses("%2 = add _, %1", 10, "operand 1 of add cannot be left out");
  refuses("%2 = concat %1, _", 17, "operand 2 of concat cannot be left out");
  refuses("%2 = neg %1 neg", 13, "expected '{', '@{', ':', '!' or the end of the line, found 'neg'");
  refuses("%2 = neg %1 : f32[2,3] {}", 24, "expected '!' or the end of the line, found '{'");
  refuses("%2 = neg %1 !\"a\" \"b\"", 18, "expected ',' or the end of the line, found \"b\"");
  TEST("what inference says");
  refuses("%2 = softmax %1 {axis=5}", 6, "softmax: axis 5 out of range for rank 2");
  refuses("%2 = const {ints=[2]} : bool[]", 6, "const: element 2 does not fit bool");
  refuses("%2 = weight {name=\"w\" source=1} : f32[2,3]", 6, "weight: source 1 does not exist");
}

static void test_leaves(void) {
  TEST("inputs, weights and outputs");
  refuses("%2 = input {name=\"z\"}", 22, "expected ':' and a type, found the end of the line");
  refuses("%2 = input : f32[2]", 6, "input needs a name: {name=\"x\"}");
  refuses("%2 = input {name=\"\"} : f32[2]", 6, "input needs a name: {name=\"x\"}");
  refuses("%2 = weight : f32[2]", 6, "weight: a weight needs a name");
  refuses("output %1", 1, "output needs a name: {name=\"x\"}");
  refuses("%2 = input {name=\"x\"} : f32[2]", 6, "a second input with the name 'x'");
  fails(HEAD "output %1 {name=\"y\"}" TAIL, "6:1", "a second output with the name 'y'");
  refuses("output %1 {name=\"z\"} : f32[2,3]", 24, "output has no result and so no type");
  refuses("%2 = weight {name=\"v\"} : f32[2,3]", 6, "source 0 has no tensor 'v'");
  refuses("%2 = weight {name=\"w\"} : f32[3,2]", 26, "type f32[3,2], but the tensor of the source is f32[2,3]");
}

static void test_types(void) {
  TEST("types");
  refuses("%2 = neg %1 : f23[2]", 15, "unknown data type 'f23' (did you mean 'f32'?)");
  refuses("%2 = neg %1 :", 14, "expected a type like f32[1,64], found the end of the line");
  refuses("%2 = neg %1 : f32", 18, "expected '[', found the end of the line");
  refuses("%2 = neg %1 : f32[2,3", 22, "expected ',' or ']', found the end of the line");
  refuses("%2 = neg %1 : f32[2,]", 21, "expected a dim, found ']'");
  refuses("%2 = neg %1 : f32[2,1.5]", 21, "expected a dim, found '1.5'");
  refuses("%2 = neg %1 : f32[2,-3]", 21, "dim -3 is negative");
  refuses("%2 = neg %1 : f32[2,9223372036854775808]", 21, "9223372036854775808 is out of range: a dim");
  refuses("%2 = input {name=\"z\"} : f32[1,1,1,1,1,1,1,1,1]", 45, "more than 8 dims");
  refuses("%2 = input {name=\"z\"} : f32[16777216,16777217]", 25, "a type of more than 2^48 elements");
  refuses("%2 = neg %1 : f32[M,3]", 19, "unknown symbol 'M' (did you mean 'N'?); the graph line lists them: symbols=N");
  refuses("%2 = neg %1 : f32[0*N,3]", 19, "0 is no factor of a symbol");
  refuses("%2 = neg %1 : f32[-1*N,3]", 19, "-1 is no factor of a symbol");
  refuses("%2 = neg %1 : f32[9223372036854775807*N,3]", 19, "9223372036854775807 is no factor of a symbol");
  refuses("%2 = neg %1 : f32[2*2,3]", 21, "expected a symbol, found '2'");
  refuses("%2 = neg %1 : f32[3]", 15, "type f32[3] printed, but neg gives f32[2,3]");
  refuses("%2 = neg %1 : f16[N,\"a b\"]", 15, "type f16[N,\"a b\"] printed, but neg gives f32[2,3]");
}

static void test_attributes(void) {
  TEST("attributes");
  refuses("%2 = erf %1 {axis=1}", 14, "erf has no attribute 'axis'");
  refuses("%2 = softmax %1 {axes=1}", 18, "softmax has no attribute 'axes' (did you mean 'axis'?)");
  refuses("%2 = softmax %1 {axis=1 axis=1}", 25, "attribute 'axis' is given twice");
  refuses("%2 = softmax %1 {axis 1}", 23, "expected '=', found '1'");
  refuses("%2 = softmax %1 {axis=1", 24, "expected an attribute or '}', found the end of the line");
  refuses("%2 = softmax %1 {1}", 18, "expected an attribute or '}', found '1'");
  refuses("%2 = softmax %1 {axis=x}", 23, "expected a whole number, found 'x'");
  refuses("%2 = softmax %1 {axis=1.5}", 23, "expected a whole number, found '1.5'");
  refuses("%2 = softmax %1 {axis=99999999999999999999}", 23, "99999999999999999999 is out of range: a whole number");
  refuses("%2 = softmax %1 {axis=1 mode=Log}", 30, "expected a word of a-z, 0-9 and _, found 'Log'");
  refuses("%2 = elu %1 {alpha=x}", 20, "expected a number, found 'x'");
  refuses("%2 = elu %1 {alpha=1e999}", 20, "1e999 is out of range: a number");
  refuses("%2 = elu %1 {alpha=-x}", 20, "expected a number, found '-x'");
  refuses("%2 = input {name=z} : f32[2]", 18, "expected a string, found 'z'");
  TEST("lists");
  refuses("%2 = transpose %1 {perm=1}", 25, "expected '[', found '1'");
  refuses("%2 = transpose %1 {perm=[1 0]}", 28, "expected ',' or ']', found '0'");
  refuses("%2 = transpose %1 {perm=[1,]}", 28, "expected a number or a symbol, found ']'");
  refuses("%2 = transpose %1 {perm=[-9223372036854775807]}", 26,
          "-9223372036854775807 is out of range: a number or a symbol");
  refuses("%2 = transpose %1 {perm=[1..0]}", 26, "a range ends before it starts");
  refuses("%2 = transpose %1 {perm=[1..N]}", 29, "expected the last number of a range, found 'N'");
  refuses("%2 = transpose %1 {perm=[N..1]}", 27, "expected ',' or ']', found '..'");
  refuses("%2 = transpose %1 {perm=[0..4194304]}", 26, "the ranges of this text stand for more than 4194304 entries");
  refuses("%2 = transpose %1 {perm=[-4611686018427387904..9223372036854775807]}", 26,
          "the ranges of this text stand for more than 4194304 entries");
  refuses("%2 = const {floats=[1 2]} : f32[2]", 23, "expected ',' or ']', found '2'");
  refuses("%2 = const {floats=1} : f32[2]", 20, "expected '[', found '1'");
  refuses("%2 = const {floats=[x]} : f32[2]", 21, "expected a number, found 'x'");
}

static void test_long_lists(void) {
  TEST("long lists");
  refuses("%2 = transpose %1 {perm=[0..1048575,1]}", 37, "a list of more than 1048576 entries");
  enum { ENTRIES = 1 << 20 };
  char *list = calloc(1, 2 * ENTRIES + 100);
  if (!list) return;
  strcpy(list, "%2 = const {floats=[");
  size_t start = strlen(list);
  for (int i = 0; i <= ENTRIES; i++) memcpy(list + start + 2 * i, "0,", 2);
  refuses(list, (int)start + 2 * ENTRIES + 1, "a list of more than 1048576 entries");
  free(list);
}

static void test_schedule(void) {
  TEST("schedule");
  refuses("%2 = neg %1 @ 1", 15, "expected '{', found '1'");
  refuses("%2 = neg %1 @{kernal=1:gemm}", 15, "unknown schedule attribute 'kernal' (did you mean 'kernel'?)");
  refuses("%2 = neg %1 @{1}", 15, "expected a schedule attribute or '}', found '1'");
  refuses("%2 = neg %1 @{at=[0] at=[0]}", 22, "schedule attribute 'at' is given twice");
  refuses("%2 = neg %1 @{v3.tale=6x16}", 18, "expected tile, found 'tale'");
  refuses("%2 = neg %1 @{v3.tile=6}", 23, "expected a tile such as 6x16, found '6'");
  refuses("%2 = neg %1 @{v3.tile=0x16}", 23, "expected a tile such as 6x16, found '0x16'");
  refuses("%2 = neg %1 @{v3.tile=6x16x2}", 23, "expected a tile such as 6x16, found '6x16x2'");
  refuses("%2 = neg %1 @{v3.tile=6x16 v3.tile=6x16}", 28, "the tile of 'v3' is given twice");
  refuses("%2 = neg %1 @{tile=6x16}", 15, "a tile is of a target: v3.tile=6x16");
  refuses("%2 = neg %1 @{at [0]}", 18, "expected '=', found '['");
  refuses("%2 = neg %1 @{at=0}", 18, "expected '[', found '0'");
  refuses("%2 = neg %1 @{kernel=gemm}", 22, "expected the number of a kernel, found 'gemm'");
  refuses("%2 = neg %1 @{kernel=-1:gemm}", 22, "-1 is out of range: the number of a kernel");
  refuses("%2 = neg %1 @{kernel=1}", 23, "expected ':', found '}'");
  refuses("%2 = neg %1 @{kernel=1:Gemm}", 24, "expected a word of a-z, 0-9 and _, found 'Gemm'");
  refuses("%2 = neg %1 @{at=[0,1]}", 13, "at lists 2 offsets, results of neg: 1");
  refuses("%2 = neg %1 @{at=[-2]}", 13, "at: offset 1 is neither -1 nor a number >= 0");
  refuses("%2 = neg %1 @{at=[N]}", 13, "at: offset 1 is neither -1 nor a number >= 0");
  refuses("%2 = neg %1 @{inplace=1}", 13, "inplace=1, operands of neg: 1");
  refuses("%2 = neg %1 @{inplace=-2}", 23, "-2 is out of range: a whole number");
  refuses("output %1 {name=\"z\"} @{inplace=0}", 22, "inplace on output, which has no result");
  refuses("%2 = layernorm %1, _ {axes=[1]} @{inplace=1}", 33, "inplace names an operand that is left out");
}

static void test_kernels(void) {
  TEST("one family a kernel");
  const char *text = HEAD "%2 = neg %1 @{kernel=1:gemm}\n%3 = neg %2 @{kernel=1:gemm}\n%4 = neg %3 @{kernel=11:conv}\n"
                          "%5 = neg %4 @{kernel=1:conv}" TAIL;
  fails(text, "8:13", "kernel 1 has another family on a line above");
}

static void test_locations(void) {
  TEST("locations");
  refuses("%2 = neg %1 !a", 14, "expected the name of a node in quotes, found 'a'");
  refuses("%2 = neg %1 !\"a\":", 18, "expected an operator of the source, found the end of the line");
  refuses("%2 = neg %1 !\"a\"@x", 18, "expected an opset, found 'x'");
  refuses("%2 = neg %1 !\"a\"@-1", 18, "-1 is out of range: an opset");
  refuses("%2 = neg %1 !0\"a\"", 15, "expected ':', found \"a\"");
  refuses("%2 = neg %1 !1:\"a\"", 14, "source 1 is not declared");
  refuses("%2 = neg %1 !-1:\"a\"", 14, "-1 is out of range: the number of a source");
  refuses("%2 = neg %1 !\"a\",", 18, "expected the name of a node in quotes, found the end of the line");
}

static void test_strings(void) {
  TEST("strings");
  refuses("%2 = input {name=\"z} : f32[2]", 18, "the string that starts here does not end on its line");
  refuses("%2 = input {name=\"z\\", 18, "the string that starts here does not end on its line");
  refuses("%2 = input {name=\"z\\q\"} : f32[2]", 20,
          "unknown escape in a string (known: \\\" \\\\ \\n \\t \\r \\x01 to \\xff)");
  refuses("%2 = input {name=\"z\\x00\"} : f32[2]", 20,
          "unknown escape in a string (known: \\\" \\\\ \\n \\t \\r \\x01 to \\xff)");
  refuses("%2 = input {name=\"z\\x4\"} : f32[2]", 20,
          "unknown escape in a string (known: \\\" \\\\ \\n \\t \\r \\x01 to \\xff)");
  Context *c = context_new();
  static const char nul[] = HEAD "%2 = input {name=\"z\0\"} : f32[2]" TAIL;
  CHECK_STR(errors_of(c, nul, sizeof nul - 1), "t.nir:5:20: error: a string holds a NUL byte\n");
  context_free(c);
  TEST("the text ends inside a string");
  fails("nir 1\nsource 0 \"a", "2:10", "the string that starts here does not end on its line");
  TEST("long words are cut");
  refuses("%2 = xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx %1", 6,
          "unknown operator 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...'");
}

static void test_several(void) {
  TEST("one error a line, those that follow from others are not reported");
  const char *text = HEAD "%2 = nge %1, ?\n%3 = neg %2\n%4 = erf %1 {x=1, y=2}\n%5 = add %3, %4" TAIL;
  Context *c = context_new();
  CHECK_STR(errors_of(c, text, strlen(text)), "t.nir:5:6: error: unknown operator 'nge' (did you mean 'neg'?)\n"
                                              "t.nir:7:14: error: erf has no attribute 'x'\n");
  context_free(c);
  TEST("twenty are enough");
  c = context_new();
  const char *many = HEAD;
  for (int i = 0; i < 30; i++) many = arena_printf(c->arena, "%s?\n", many);
  errors_of(c, many, strlen(many));
  CHECK(c->count == 20);
  CHECK_STR(c->list[19].text, "t.nir:24:1: error: expected a statement, found '?'");
  context_free(c);
}

int main(void) {
  test_header();
  test_preprocess();
  test_graph_line();
  test_sources();
  test_missing_source();
  test_values();
  test_operators();
  test_leaves();
  test_types();
  test_attributes();
  test_long_lists();
  test_schedule();
  test_kernels();
  test_locations();
  test_strings();
  test_several();
  return test_result();
}
