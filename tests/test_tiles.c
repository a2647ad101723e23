/* Register tiles edited in the text are what the C has, and give the same answers. */
#include "tests/command.h"
#include "tests/fixtures.h"
#include "tests/test.h"

/* `text` with every `from` replaced by `to`, into a file. */
static int replace_all(const char *text, const char *from, const char *to, const char *path) {
  FILE *f = fopen(path, "wb");
  int count = 0;
  for (const char *at; f && (at = strstr(text, from)); text = at + strlen(from), count++)
    fprintf(f, "%.*s%s", (int)(at - text), text, to);
  if (f) fputs(text, f), fclose(f);
  return count;
}

static void verify_with(const char *text, const char *from, const char *to, const char *path) {
  static char label[64];
  snprintf(label, sizeof label, "%s", to);
  TEST(label);
  CHECK(replace_all(text, from, to, "edited.nir") > 0);
  char arguments[2048];
  snprintf(arguments, sizeof arguments, "verify '%s' --model edited.nir --backends=c --paths=%s",
           FIXTURES "/trained/digits_convnextv2", path);
  Result r = run_nextc(arguments);
  CHECK(r.status == 0);
  if (r.status) printf("%s%s", r.out, r.err);
  result_free(&r);
}

int main(void) {
  if (access(FIXTURES "/trained/digits_convnextv2/model.onnx", R_OK)) return SKIP("no fixtures beside the checkout");
  open_folder();
  TEST("as chosen");
  Result r = run_nextc("opt '" FIXTURES "/trained/digits_convnextv2/model.onnx' -o model.nir");
  CHECK(r.status == 0);
  result_free(&r);
  char *text = get_file("model.nir", NULL);
  static const char *const generic[] = {"generic.tile=1x1", "generic.tile=3x16"};
  static const char *const v3[] = {"v3.tile=1x16", "v3.tile=4x8", "v3.tile=8x16", "v3.tile=3x32"};
  for (int i = 0; i < 2; i++) verify_with(text, "generic.tile=2x4", generic[i], "generic");
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    for (int i = 0; i < 4; i++) verify_with(text, "v3.tile=6x16", v3[i], "v3");
    verify_with(text, "v3.tile=8x8", "v3.tile=3x8", "v3");
  }
#endif
  (void)v3;
  free(text);
  close_folder();
  return test_result();
}
