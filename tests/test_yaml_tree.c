/* YAML and JSON as trees: what they hold, where it stands, and everything that is refused. */
#include "frontend/yaml_tree.h"
#include "tests/test.h"
#include "tests/yaml_kit.h"

static void trees(void) {
  TEST("trees");
  Context *c = context_new();
  const char *text = "a: &x [1, 2.5, '3']\nb:\n  <<: {k: 1, l: 2}\n  k: *x\nc: |\n  two\n  lines\n";
  const Node *n = yaml_parse(c, c->arena, "t.yaml", text, strlen(text));
  CHECK(n && n->kind == NODE_MAP && n->count == 3);
  const Node *a = node_get(n, "a"), *b = node_get(n, "b");
  double x;
  CHECK(a && a->kind == NODE_LIST && a->count == 3 && a->line == 1 && a->column == 4);
  CHECK(node_number(a->items[1], &x) && x == 2.5 && !node_number(a->items[2], &x));
  CHECK(node_get(b, "k") == a); /* an alias, and above what is merged */
  CHECK(node_is(node_get(b, "l"), "2"));
  CHECK(node_is(node_get(n, "c"), "two\nlines\n") && node_get(n, "c")->quoted);
  CHECK(!node_get(n, "d") && node_is_null(node_get(n, "d")));
  CHECK(!c->errors);
  context_free(c);
}

static void json_texts(void) {
  TEST("json_texts");
  static const struct {
    const char *json, *key, *value;
  } rows[] = {
      {"{\"a\":1}", "a", "1"},
      {"{\"a\" : -0.5e+3 , \"b\":[1,2,{}]}", "a", "-0.5e+3"},
      {"{\"a\": \"x\\ty\\/\\\"\\\\\"}", "a", "x\ty/\"\\"},
      {"{\"a\": \"\\u00e9\\ud83d\\ude00!\"}", "a", "\xc3\xa9\xf0\x9f\x98\x80!"},
      {"{\"a\\u0062\": true}\n", "ab", "true"},
      {"\t{\r\n\"a\":\n\tnull}", "a", "null"},
      {"{\"a: b # c\": \"- *x &y !z\"}", "a: b # c", "- *x &y !z"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    Context *c = context_new();
    const Node *n = json_parse(c, c->arena, "t.json", rows[i].json, strlen(rows[i].json));
    CHECK(n && node_is(node_get(n, rows[i].key), rows[i].value));
    if (c->errors) printf("  %s: %s\n", rows[i].json, said(c));
    context_free(c);
  }
}

typedef const Node *(*Parse)(Context *, Arena *, const char *, const char *, size_t);

static void refuse(Parse parse, const char *text, size_t length, const char *message) {
  Context *c = context_new();
  CHECK(!parse(c, c->arena, "t", text, length) && c->errors == 1);
  CHECK_HAS(said(c), message);
  context_free(c);
}

static void not_json(void) {
  TEST("not_json");
  static const char *const rows[][2] = {
      {"", "t:1:1: error: not JSON: a value should stand here"},
      {"{\"a\":1,}", "t:1:8: error: not JSON: a string in double quotes should stand here"},
      {"[1 2]", "t:1:4: error: not JSON: ',' or ']' should stand here"},
      {"{\"a\" 1}", "not JSON: ':' should follow a key"},
      {"{a: 1}", "a string in double quotes should stand here"},
      {"{\"a\": 1 # no\n}", "',' or '}' should stand here"},
      {"{\"a\": &x 1}", "a value should stand here"},
      {"{\"a\": !t 1}", "a value should stand here"},
      {"{\"a\": b\n c}", "a value should stand here"},
      {"{\"a\": 'b'}", "a value should stand here"},
      {"{\"a\": 01}", "',' or '}' should stand here"},
      {"{\"a\": 1.}", "digits should follow the point"},
      {"{\"a\": 1e}", "an exponent needs digits"},
      {"{\"a\": .5}", "a value should stand here"},
      {"{\"a\": NaN}", "a value should stand here"},
      {"{\"a\": tru}", "a value should stand here"},
      {"{\"a\": \"b", "a string does not end"},
      {"{\"a\": \"b\nc\"}", "a control character in a string"},
      {"{\"a\": \"\\x41\"}", "an unknown escape"},
      {"{\"a\": \"\\u12\"}", "\\u needs four hexadecimal digits"},
      {"{\"a\": \"\\ud83d\"}", "half of a surrogate pair"},
      {"{\"a\": \"\\ude00\\ud83d\"}", "half of a surrogate pair"},
      {"{\"a\": 1} x", "something follows the value"},
      {"{\"a\": 1, \"a\": 2}", "key 'a' stands twice"},
      {"{\"a\": \"\\u0000\"}", "a NUL character in a text"},
      {"- a\n- b", "a value should stand here"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    refuse(json_parse, rows[i][0], strlen(rows[i][0]), rows[i][1]);
  char deep[1000];
  memset(deep, '[', sizeof deep);
  refuse(json_parse, deep, sizeof deep, "nested too deep");
}

static void not_yaml(void) {
  TEST("not_yaml");
  static const char *const rows[][2] = {
      {"", "the text is empty"},
      {"a: 1\n---\nb: 2\n", "t:2:1: error: a second document"},
      {"a: 1\na: 2\n", "t:2:1: error: key 'a' stands twice"},
      {"a: *b\n", "t:1:4: error: no anchor '&b' ends above this alias"},
      {"a: &a [*a]\n", "no anchor '&a' ends above this alias"},
      {"a: !!str 1\n", "t:1:4: error: tags"},
      {"[1, 2]: 3\n", "a key must be a word, not a list"},
      {"a: [1, 2\n", "error:"},
      {"a: \"\\0\"\n", "a NUL character in a text"},
      {"<<: 1\n", "'<<' takes a map"},
      {"\t- a", "error:"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    refuse(yaml_parse, rows[i][0], strlen(rows[i][0]), rows[i][1]);
  refuse(yaml_parse, "a: \xff\n", 5, "t:1:4: error: invalid leading UTF-8 octet");
}

/* Texts that are small and mean much. */
static void bombs(void) {
  TEST("bombs");
  char text[4096] = "a: &a [x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 12; i++) {
    char line[128], *p = line;
    p += sprintf(p, "%c: &%c [", 'a' + i, 'a' + i);
    for (int j = 0; j < 9; j++) p += sprintf(p, "%s*%c", j ? "," : "", 'a' + i - 1);
    sprintf(p, "]\n");
    strcat(text, line);
  }
  refuse(yaml_parse, text, strlen(text), "too large with its aliases written out");
  char deep[1000];
  memset(deep, '[', sizeof deep);
  refuse(yaml_parse, deep, sizeof deep, "t:1:66: error: nested deeper than 64");
  size_t count = 300000;
  char *large = malloc(2 * count + 3), *p = large;
  *p++ = '[';
  for (size_t i = 0; i < count; i++) *p++ = '1', *p++ = ',';
  *p++ = ']';
  refuse(yaml_parse, large, (size_t)(p - large), "the text is too large");
  free(large);
}

static void typed_reads(void) {
  TEST("typed_reads");
  Context *c = context_new();
  const char *text = "{i: 3, f: 2.5, t: 'x', b: true, n: null, l: [1, 2], w: gelu}";
  const Node *n = yaml_parse(c, c->arena, "t", text, strlen(text));
  int64_t i, list[2];
  double x;
  bool b;
  int word;
  size_t count;
  const char *s;
  CHECK(yaml_int(c, node_get(n, "i"), "i", 0, 9, &i) && i == 3);
  CHECK(yaml_double(c, node_get(n, "f"), "f", 0, 9, &x) && x == 2.5);
  CHECK(yaml_bool(c, node_get(n, "b"), "b", &b) && b);
  CHECK(yaml_string(c, node_get(n, "t"), "t", &s) && !strcmp(s, "x"));
  CHECK(yaml_word(c, node_get(n, "w"), "w", "relu|gelu", &word) && word == 1);
  CHECK(yaml_ints(c, node_get(n, "l"), "l", 0, 9, list, 2, &count) && count == 2 && list[1] == 2);
  CHECK(!c->errors);
  CHECK(!yaml_int(c, node_get(n, "f"), "f", 0, 9, &i) && !yaml_int(c, node_get(n, "i"), "i", 4, 9, &i));
  CHECK(!yaml_double(c, node_get(n, "t"), "t", 0, 9, &x) && !yaml_double(c, node_get(n, "f"), "f", 3, 9, &x));
  CHECK(!yaml_bool(c, node_get(n, "i"), "b", &b) && !yaml_string(c, node_get(n, "n"), "s", &s));
  CHECK(!yaml_word(c, node_get(n, "w"), "w", "relu|gelo", &word));
  CHECK(!yaml_ints(c, node_get(n, "l"), "l", 0, 9, list, 1, &count));
  static const char *const messages[] = {"f must be a whole number, not '2.5'",
                                         "i must be from 4 to 9, not '3'",
                                         "t must be a number, not 'x'",
                                         "f must be from 3 to 9, not '2.5'",
                                         "b must be true or false, not '3'",
                                         "s must be a text, not null",
                                         "w must be one of relu|gelo, not 'gelu' (did you mean 'relu'?)",
                                         "l has 2 entries, at most 1"};
  for (size_t m = 0; m < sizeof messages / sizeof *messages; m++) CHECK_HAS(said(c), messages[m]);
  context_free(c);
}

int main(void) {
  trees();
  json_texts();
  not_json();
  not_yaml();
  bombs();
  typed_reads();
  return test_result();
}
