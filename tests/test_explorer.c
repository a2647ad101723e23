/* opt --html: the page itself, its size, and command lines that are wrong. What it shows: test_explorer_page.c. */
#include "tests/command.h"
#include "tests/fixtures.h"
#include "tests/test.h"
#include "tests/tiny_onnx.h"

#define DIGITS SOURCE_DIR "/examples/digits/digits_convnext.onnx"

static void one_page(void) {
  static const char *const loads[] = {"src=",    "href=",          "@import", "url(", "fetch(",
                                      "import(", "XMLHttpRequest", "https:",  "@@"};
  TEST("one_page");
  Result r = run_nextc("opt " DIGITS " --html=page.html");
  CHECK(r.status == 0);
  CHECK_STR(r.out, "");
  CHECK_STR(r.err, "");
  CHECK(files_in(".") == 1);
  size_t size;
  char *page = get_file("page.html", &size);
  CHECK(!strncmp(page, "<!doctype html>", 15));
  CHECK(size > 100000 && strlen(page) == size);
  for (size_t i = 0; i < sizeof loads / sizeof *loads; i++) CHECK(!strstr(page, loads[i]));
  /* the only address is a name, that of SVG */
  for (char *p = page; (p = strstr(p, "http:")) != NULL; p++) CHECK(!strncmp(p, "http://www.w3.org/2000/svg'", 27));
  free(page);
  result_free(&r);
}

static void with_other_reports(void) {
  TEST("with_other_reports");
  Result r = run_nextc("opt " DIGITS " --html=page.html --stats -o out.nir");
  CHECK(r.status == 0);
  CHECK_HAS(r.out, "clean-import");
  CHECK(file_exists("out.nir"));
  unlink("out.nir");
  result_free(&r);
}

static void to_standard_output(void) {
  TEST("to_standard_output");
  int files = files_in(".");
  Result r = run_nextc("opt " DIGITS " --html=- --stats");
  CHECK(r.status == 0);
  CHECK(!strncmp(r.out, "<!doctype html>", 15));
  CHECK(!strstr(r.out + strlen(r.out) - 10, "ms"));
  CHECK_HAS(r.err, "clean-import");
  CHECK(files_in(".") == files);
  result_free(&r);
}

/* Names with markup in them stay text. */
static void markup_in_names(void) {
  static const char program[] = "nir 1\ngraph \"m\"\n%1 = input {name=\"</script><b>\"} : f32[1,2]\n"
                                "%2 = neg %1 : f32[1,2] !\"<!--<script>\":Neg@17\noutput %2 {name=\"y\"}\n";
  TEST("markup_in_names");
  put_file("m.nir", program, sizeof program - 1);
  Result r = run_nextc("opt m.nir --html=page.html");
  CHECK(r.status == 0);
  char *page = get_file("page.html", NULL);
  CHECK(!strstr(page, "</script><b>") && !strstr(page, "<!--<script>"));
  CHECK_HAS(page, "\\u003c/script>\\u003cb>");
  free(page);
  unlink("m.nir");
  result_free(&r);
}

static void wrong_command_lines(void) {
  static const struct {
    const char *arguments, *message;
    int status;
  } rows[] = {
      {"opt " DIGITS " --html", "option --html needs a value: FILE.html", 2},
      {"opt " DIGITS " --html=q.html --passes=clean-import", "pass pack-weights", 1},
      {"opt " DIGITS " --html=- -o -", "-o and --html cannot both be standard output", 2},
      {"opt " DIGITS " --html=no/such/folder/q.html", "error: cannot be created: No such file or directory", 1},
      {"opt absent.onnx --html=q.html", "absent.onnx: error:", 1},
  };
  TEST("wrong_command_lines");
  int before = files_in(".");
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    Result r = run_nextc(rows[i].arguments);
    CHECK(r.status == rows[i].status);
    CHECK_HAS(r.err, rows[i].message);
    result_free(&r);
  }
  CHECK(files_in(".") == before);
}

/* A real ConvNeXt-T's page. Its weights are zeros of a file without blocks: no pass reads them. */
static void convnext_tiny(void) {
  static const char model[] = FIXTURES "/full/convnext_tiny.dynamo20/model.onnx";
  TEST("convnext_tiny");
  if (!file_exists(model)) {
    printf("convnext_tiny skipped: no fixtures\n");
    return;
  }
  Result r =
      run_shell("mkdir full && cp '" FIXTURES "/full/convnext_tiny.dynamo20/model.onnx' full/ && "
                "truncate -s 120M full/model.onnx.data && '" NEXTC_BINARY "' opt full/model.onnx --html=tiny.html");
  CHECK(r.status == 0);
  CHECK_STR(r.err, "");
  size_t size;
  free(get_file("tiny.html", &size));
  CHECK(size > 500000 && size < 5000000);
  printf("convnext_tiny: %zu bytes\n", size);
  result_free(&r);
}

int main(void) {
  open_folder();
  one_page();
  with_other_reports();
  to_standard_output();
  markup_in_names();
  wrong_command_lines();
  convnext_tiny();
  close_folder();
  return test_result();
}
