/* The text form of the tensor IR: print and parse are inverse, whatever bytes come. */
#include "ir/graph_edit.h"
#include "ir/path.h"
#include "ir/text.h"
#include "tests/fake_source.h"
#include "tests/test.h"
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

/* Parses, prints with base_dir, frees; the text lives in the context. NULL after an error. */
static char *reprint(Context *c, const char *file, const char *text, size_t length, const char *base_dir) {
  Graph *g = graph_parse(c, file, text, length, fake_open);
  if (!g) return NULL;
  CHECK(graph_verify(g));
  char *again = graph_print(g, c->arena, base_dir);
  graph_free(g);
  return again;
}

static void same(const char *text) {
  Context *c = context_new();
  CHECK_STR(reprint(c, "t.nir", text, strlen(text), ""), text);
  for (size_t i = 0; i < c->count; i++) printf("%s\n", c->list[i].text);
  context_free(c);
  CHECK(fake_open_count == 0);
}

static void becomes(const char *text, const char *want) {
  Context *c = context_new();
  CHECK_STR(reprint(c, "t.nir", text, strlen(text), ""), want);
  for (size_t i = 0; i < c->count; i++) printf("%s\n", c->list[i].text);
  context_free(c);
}

static char *read_file(const char *path, size_t *length) {
  FILE *f = fopen(path, "rb");
  if (!f) return NULL;
  char *text = calloc(1, 1 << 20);
  if (text) *length = fread(text, 1, (1 << 20) - 1, f);
  fclose(f);
  return text;
}

/* ---- every operator and every attribute ---- */

static void test_all_ops(const char *all) {
  TEST("every operator");
  same(all);
  for (int k = OP_none + 1; k < OP_COUNT; k++) {
    char word[64];
    snprintf(word, sizeof word, "%s%s ", k == OP_output ? "\n" : "= ", op_info[k].name);
    CHECK_HAS(all, word);
  }
  uint64_t taken = 0;
  for (int k = 0; k < OP_COUNT; k++) taken |= op_info[k].attrs;
  TEST("every attribute that an operator takes");
  for (int i = 0; i < ATTR_COUNT; i++) {
    char first[64], later[64];
    snprintf(first, sizeof first, "{%s=", attr_info[i].name);
    snprintf(later, sizeof later, " %s=", attr_info[i].name);
    if (taken >> i & 1) CHECK(strstr(all, first) || strstr(all, later));
  }
  TEST("every schedule attribute");
  CHECK_HAS(all, "@{kernel=");
  CHECK_HAS(all, " at=[");
  CHECK_HAS(all, " inplace=");
}

/* ---- single facts ---- */

#define HEAD   "nir 1\ngraph \"m\"\n"
#define INPUT  "%1 = input {name=\"x\"} : f32[2,3]\n"
#define OUTPUT "output %1 {name=\"y\"}\n"

static void test_lines(void) {
  TEST("graph line");
  same(HEAD INPUT OUTPUT);
  same("nir 1\ngraph \"m\" batch=4\n" INPUT OUTPUT);
  same("nir 1\ngraph \"m\" after=\"a \\\"b\\\"\" batch=N symbols=H,N\n" INPUT OUTPUT);
  same("nir 1\ngraph \"m\" batch=\"a b\" symbols=_,\"a b\",\"\"\n" INPUT OUTPUT);
  becomes("nir 1\ngraph \"m\" symbols=N batch=N after=\"\"\n" INPUT OUTPUT,
          "nir 1\ngraph \"m\" batch=N symbols=N\n" INPUT OUTPUT);
  TEST("blanks, comments, commas, no newline at the end, CRLF");
  becomes("// head\n\nnir 1 // version\r\n\r\n  // nothing\ngraph   \"m\"\n" INPUT "\t%2=neg%1:f32[2,3]//c\n%3 = "
          "softmax %2 { axis = 1 , mode = log }\noutput %3 {name=\"y // no comment\"}",
          HEAD INPUT "%2 = neg %1 : f32[2,3]\n%3 = softmax %2 {axis=1 mode=log} : f32[2,3]\n"
                     "output %3 {name=\"y // no comment\"}\n");
  TEST("numbers are positions");
  becomes(HEAD "%70 = input {name=\"x\"} : f32[2,3]\n%5 = neg %70\n%1048576 = abs %5\noutput %1048576 {name=\"y\"}\n",
          HEAD INPUT "%2 = neg %1 : f32[2,3]\n%3 = abs %2 : f32[2,3]\noutput %3 {name=\"y\"}\n");
  TEST("attributes equal to their defaults are not printed, order is attr.def's");
  becomes(HEAD INPUT "%2 = argmax %1 {largest=1 keepdims=1 axis=0}\n" OUTPUT,
          HEAD INPUT "%2 = argmax %1 {keepdims=1} : i64[1,3]\n" OUTPUT);
  becomes(HEAD INPUT "%2 = neg %1 {} @{inplace=-1 at=[] }\n" OUTPUT, HEAD INPUT "%2 = neg %1 : f32[2,3]\n" OUTPUT);
  TEST("locations");
  same(HEAD "%1 = input {name=\"x\"} : f32[2,3] !\"a\":B@3,\"\",\"c\"@4,\"d\":\"x.y z\"\n" OUTPUT);
  becomes(HEAD "%1 = input {name=\"x\"} : f32[2,3] ! 0:\"a\" : \"B\" @ 0 , \"b\"\n" OUTPUT,
          HEAD "%1 = input {name=\"x\"} : f32[2,3] !\"a\":B,\"b\"\n" OUTPUT);
}

static void test_outputs(void) {
  TEST("many outputs");
  Arena *a = arena_new();
  Text t = {.arena = a};
  text_puts(&t, HEAD INPUT);
  for (int i = 0; i < 100; i++) text_printf(&t, "output %%1 {name=\"y%d\"}\n", i);
  same(text_string(&t));
  arena_free(a);
}

static void test_lists(void) {
  TEST("ranges from four numbers on");
  same(HEAD "%1 = const {ints=[0,1,2]} : i64[3]\n" OUTPUT);
  same(HEAD "%1 = const {ints=[0..3]} : i64[4]\n" OUTPUT);
  same(HEAD "%1 = const {ints=[5,-3..0,0..3,3]} : i64[10]\n" OUTPUT);
  becomes(HEAD "%1 = const {ints=[0,1,2,3,4,7..8,9..9]} : i64[8]\n" OUTPUT,
          HEAD "%1 = const {ints=[0..4,7,8,9]} : i64[8]\n" OUTPUT);
  same(HEAD "%1 = const {ints=[9223372036854775804..9223372036854775807]} : i64[4]\n" OUTPUT);
  same(HEAD "%1 = const : i64[0]\n" OUTPUT);
  TEST("symbols in lists and types");
  same(
      "nir 1\ngraph \"m\" symbols=N\n%1 = input {name=\"x\"} : f32[6*N]\n%2 = reshape %1 {shape=[2*N,3]} : f32[2*N,3]\n"
      "output %2 {name=\"y\"}\n");
  becomes("nir 1\ngraph \"m\" symbols=N\n%1 = input {name=\"x\"} : f32[1*N,\"N\"]\n" OUTPUT,
          "nir 1\ngraph \"m\" symbols=N\n%1 = input {name=\"x\"} : f32[N,N]\n" OUTPUT);
}

/* The text with two sources and their hashes. */
static const char *two_sources(Context *c, const char *first, const char *second) {
  return arena_printf(c->arena, "nir 1\nsource 0 \"%s\" hash=%016x\nsource 1 \"%s\" hash=%016x\ngraph \"m\"\n%s", first,
                      FAKE_HASH, second, FAKE_HASH, INPUT OUTPUT);
}

static void test_sources(void) {
  TEST("sources");
  static const struct {
    const char *file, *base, *first, *second;
  } rows[] = {
      {"t.nir", "", "a/m.onnx", "../b"},
      {"out/t.nir", "out", "a/m.onnx", "../b"},
      {"out/t.nir", "", "out/a/m.onnx", "b"},
      {"out/t.nir", NULL, "out/a/m.onnx", "out/../b"},
      {"/x/out/t.nir", "/x/other", "../out/a/m.onnx", "../b"},
  };
  Context *c = context_new();
  const char *text = two_sources(c, "a/m.onnx", "../b");
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    CHECK_STR(reprint(c, rows[i].file, text, strlen(text), rows[i].base),
              two_sources(c, rows[i].first, rows[i].second));
  TEST("a source without a hash is hashed by the printer");
  const char *bare = "nir 1\nsource 0 \"a\"\ngraph \"m\"\n" INPUT OUTPUT;
  CHECK_HAS(reprint(c, "t.nir", bare, strlen(bare), ""), "source 0 \"a\" hash=0000000000000001\n");
  CHECK(c->count == 0);
  context_free(c);
}

static void test_paths(void) {
  TEST("relative paths");
  static const struct {
    const char *base, *path, *want;
  } rows[] = {
      {NULL, "./a//b", "./a//b"},
      {"", "a/b", "a/b"},
      {".", "./a//b", "a/b"},
      {"a", "a/b", "b"},
      {"a/", "b", "../b"},
      {"a/b/c", "a/d", "../../d"},
      {"a", "../b", "../../b"},
      {"../a", "../b", "../b"},
      {"a/../b", "b/c", "c"},
      {"/a/b", "/a/c", "../c"},
      {"/", "/a/c", "a/c"},
      {"/a/b", "/c/d", "/c/d"},
      {"a", "a", "."},
      {"/a", "/../a/b", "b"},
      {"..", "../x", "x"},
  };
  Arena *a = arena_new();
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    CHECK_STR(path_relative(a, rows[i].base, rows[i].path), rows[i].want);
  char folder[4096];
  if (getcwd(folder, sizeof folder)) {
    const char *last = strrchr(folder, '/') + 1;
    CHECK_STR(path_relative(a, folder, "x/y"), "x/y");
    CHECK_STR(path_relative(a, "", arena_printf(a, "%s/x", folder)), "x");
    CHECK_STR(path_relative(a, "..", "x"), arena_printf(a, "%s/x", last));
  }
  TEST("resolved paths");
  CHECK_STR(path_resolve(a, "t.nir", "x"), "x");
  CHECK_STR(path_resolve(a, "d/t.nir", "../x"), "d/../x");
  CHECK_STR(path_resolve(a, "/t.nir", "x"), "/x");
  CHECK_STR(path_resolve(a, "d/t.nir", "/x"), "/x");
  arena_free(a);
}

/* ---- spellings ---- */

static const char *decimal(double x) {
  static char text[DECIMAL_SIZE];
  CHECK(format_double(x, text) == (int)strlen(text));
  return text;
}

static void test_decimals(void) {
  TEST("shortest decimals");
  CHECK_STR(decimal(0), "0");
  CHECK_STR(decimal(-0.0), "-0");
  CHECK_STR(decimal(0.5), "0.5");
  CHECK_STR(decimal(0.1), "0.1");
  CHECK_STR(decimal(1e-6), "1e-06");
  CHECK_STR(decimal(100), "100");
  CHECK_STR(decimal(224), "224");
  CHECK_STR(decimal(1e22), "1e+22");
  CHECK_STR(decimal(1.0 / 3), "0.3333333333333333");
  CHECK_STR(decimal((double)0.1f), "0.10000000149011612");
  CHECK_STR(decimal(DBL_MAX), "1.7976931348623157e+308");
  CHECK_STR(decimal(5e-324), "5e-324");
  CHECK_STR(decimal(INFINITY), "inf");
  CHECK_STR(decimal(-INFINITY), "-inf");
  CHECK_STR(decimal(NAN), "nan");
  uint64_t state = 1;
  for (int i = 0; i < 20000; i++) {
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    double x, back;
    memcpy(&x, &state, sizeof x);
    if (isnan(x)) continue;
    const char *text = decimal(x);
    CHECK(read_double(text, strlen(text), &back) && !memcmp(&x, &back, sizeof x));
  }
  TEST("what is no decimal");
  static const char *const bad[] = {"", "0x10", " 1", "1 ", "infinity", "1e999", "-1e999", "1..2", "--1", "e", "NAN"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    double x;
    CHECK(!read_double(bad[i], strlen(bad[i]), &x));
  }
  char longer[300] = "0.";
  memset(longer + 2, '3', 290);
  double x;
  CHECK(read_double(longer, strlen(longer), &x) && x == 1.0 / 3);
}

static const char *quoted(Arena *a, const char *s) {
  Text t = {.arena = a};
  text_quote(&t, s);
  return text_string(&t);
}

static void test_text(void) {
  Arena *a = arena_new();
  TEST("quoted strings");
  CHECK_STR(quoted(a, ""), "\"\"");
  CHECK_STR(quoted(a, "a\"b\\c\n\t\r"), "\"a\\\"b\\\\c\\n\\t\\r\"");
  CHECK_STR(quoted(a, "\x01\x1f\x7f"), "\"\\x01\\x1f\\x7f\"");
  CHECK_STR(quoted(a, "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"), "\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\"");
  CHECK_STR(quoted(a, "\xc3"), "\"\\xc3\"");
  CHECK_STR(quoted(a, "\xc0\x80\xed\xa0\x80\xf4\x90\x80\x80"), "\"\\xc0\\x80\\xed\\xa0\\x80\\xf4\\x90\\x80\\x80\"");
  TEST("growing text");
  Text t = {.arena = a};
  CHECK_STR(text_string(&t), "");
  for (int i = 0; i < 1000; i++) text_printf(&t, "%d,", i);
  text_printf(&t, "%0999d", 7);
  CHECK(t.len == strlen(t.at) && t.len == 3890 + 999);
  CHECK(!strncmp(t.at, "0,1,2,", 6) && !strcmp(t.at + t.len - 3, "007"));
  arena_free(a);
  TEST("names");
  CHECK(is_identifier("a_B9") && is_identifier("_") && !is_identifier("") && !is_identifier("9a") &&
        !is_identifier("a-b"));
  CHECK(is_attr_name("2x_") && !is_attr_name("") && !is_attr_name("A") && !is_attr_name("a-b"));
}

/* ---- whatever bytes ---- */

/* Any text gives a graph that round-trips and verifies, or a diagnostic. */
static void survives(const char *text, size_t length) {
  Context *c = context_new();
  char *exact = malloc(length + 1); /* of its own, so that a sanitizer sees a read past the end */
  if (!exact) return;
  memcpy(exact, text, length);
  char *first = reprint(c, "t.nir", exact, length, "");
  free(exact);
  if (first) {
    char *second = reprint(c, "t.nir", first, strlen(first), "");
    CHECK_STR(second, first);
  } else {
    CHECK(c->errors > 0);
  }
  context_free(c);
}

static const char small[] =
    "nir 1\n"
    "source 0 \"model.onnx\" hash=0000000000000001\n"
    "graph \"m\" after=\"group\" batch=N symbols=N,\"a b\"\n"
    "%1 = input {name=\"x\"} : f32[N,4,4,\"a b\"]\n"
    "%2 = weight {name=\"w\\x01\"} : f32[3]\n"
    "%3 = const {floats=[0.5,-1e-06,inf]} : f32[3]\n"
    "%4 = const {ints=[0..5,-3]} : i64[7]\n"
    "%5 = reshape %1 {shape=[16*N,\"a b\"]} : f32[16*N,\"a b\"]\n"
    "%6 = add %2, %3 : f32[3] !\"n\":Add@17,\"b\":\"C.D\"\n"
    "%7 = layernorm %6, _, %2 {axes=[0] eps=1e-06} @{kernel=1:layernorm at=[0] inplace=0} : f32[3]\n"
    "output %7 {name=\"y\"} // end\n";

static void test_bytes(const char *all, size_t all_length) {
  TEST("cut anywhere");
  for (size_t n = 0; n < all_length; n += 7) survives(all, n);
  size_t length = sizeof small - 1;
  for (size_t n = 0; n <= length; n++) survives(small, n);
  TEST("one byte changed, dropped, doubled");
  static const char bytes[] = {0,   '\n', ' ', '"', '\\', '0', '9', '-',       ',',
                               ']', '{',  '%', 'a', '_',  '/', '.', (char)0xff};
  char text[sizeof small + 1];
  for (size_t i = 0; i < length; i++) {
    memcpy(text, small, length);
    for (size_t b = 0; b < sizeof bytes; b++) {
      text[i] = bytes[b];
      survives(text, length);
    }
    memcpy(text, small, i);
    memcpy(text + i, small + i + 1, length - i - 1);
    survives(text, length - 1);
    memcpy(text, small, i + 1);
    memcpy(text + i + 1, small + i, length - i);
    survives(text, length + 1);
  }
  TEST("many bytes changed");
  uint32_t state = 1;
  for (int round = 0; round < 3000; round++) {
    memcpy(text, small, length);
    for (int k = 0; k < 4; k++) {
      state = state * 1664525u + 1013904223u;
      text[(state >> 8) % length] = bytes[(state >> 24) % sizeof bytes];
      size_t from = (state >> 4) % (length - 8), to = (state >> 12) % (length - 8);
      if (k == 3) memmove(text + to, small + from, 8);
    }
    survives(text, length);
  }
}

/* ---- size ---- */

static void test_long(void) {
  TEST("ten thousand operators, a long line, many operands");
  Arena *a = arena_new();
  Text t = {.arena = a};
  text_puts(&t, HEAD INPUT);
  for (int i = 2; i <= 10000; i++)
    text_printf(&t, "%%%d = add %%%d, %%1 : f32[2,3] !\"/blocks.%d/Add\":Add@17\n", i, i - 1, i);
  text_puts(&t, "%10001 = concat %1");
  for (int i = 2; i <= 10000; i++) text_printf(&t, ", %%%d", i);
  text_puts(&t, " : f32[20000,3]\noutput %10001 {name=\"y\"}\n");
  same(text_string(&t));
  TEST("a megabyte without a newline");
  char *noise = malloc(1 << 20);
  if (noise) {
    static const char *const repeated[] = {"%1,", "((((", "\"\"", "0..9", "nir 1 ", "!\"a\","};
    for (size_t k = 0; k < sizeof repeated / sizeof *repeated; k++) {
      size_t n = strlen(repeated[k]);
      for (size_t i = 0; i < 1 << 20; i++) noise[i] = repeated[k][i % n];
      memcpy(noise, HEAD INPUT, strlen(HEAD INPUT));
      survives(noise, 1 << 20);
      survives(noise + 100, (1 << 20) - 100);
    }
    free(noise);
  }
  arena_free(a);
}

/* The example in docs/ir.md is in the printer's spelling, but for its hash. */
static void test_docs(void) {
  TEST("docs/ir.md");
  size_t length = 0;
  char *docs = read_file(SOURCE_DIR "/docs/ir.md", &length);
  char *start = docs ? strstr(docs, "```nir\n") : NULL, *end = start ? strstr(start, "\n```\n") : NULL;
  CHECK(end);
  char *hash = end ? strstr(start, "0123456789abcdef") : NULL;
  CHECK(hash && hash < end);
  if (hash) {
    memcpy(hash, "0000000000000001", 16);
    end[1] = 0;
    same(start + strlen("```nir\n"));
  }
  free(docs);
}

int main(void) {
  size_t length = 0;
  char *all = read_file(SOURCE_DIR "/tests/nir/all_ops.nir", &length);
  TEST("tests/nir/all_ops.nir");
  CHECK(all);
  if (all) {
    test_all_ops(all);
    test_bytes(all, length);
  }
  free(all);
  test_lines();
  test_outputs();
  test_lists();
  test_sources();
  test_paths();
  test_decimals();
  test_text();
  test_long();
  test_docs();
  return test_result();
}
