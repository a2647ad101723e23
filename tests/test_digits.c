/* examples/digits, as its README says: compile both models, build, run; the answers are the trained models'. */
#include "tests/command.h"
#include "tests/test.h"

static void run(const char *command) {
  Result r = run_shell(command);
  CHECK(r.status == 0);
  CHECK_STR(r.err, "");
  result_free(&r);
}

int main(void) {
  open_folder();
  TEST("digits");
  run(NEXTC_BINARY " compile " SOURCE_DIR "/examples/digits/digits_convnext.onnx -o digits_convnext.c");
  run(NEXTC_BINARY " compile " SOURCE_DIR "/examples/digits/digits_convnextv2.onnx -o digits_convnextv2.c");
  run("cc -std=c99 -O2 -Wall -Wextra -Wpedantic -Werror -I. " SOURCE_DIR
      "/examples/digits/main.c digits_convnext.c digits_convnextv2.c -o digits -lm");
  Result r = run_shell("./digits " SOURCE_DIR "/examples/digits/test_images.npy " SOURCE_DIR
                       "/examples/digits/test_labels.npy");
  CHECK(r.status == 0);
  CHECK_HAS(r.out, "\nConvNeXt: 353 of 360 right\nConvNeXt V2: 350 of 360 right\n");
  CHECK_HAS(r.out, "image 0: the label is");
  result_free(&r);
  r = run_shell("./digits digits_convnext.c digits_convnext.c");
  CHECK(r.status == 1);
  CHECK_HAS(r.err, "cannot read digits_convnext.c");
  result_free(&r);
  close_folder();
  return test_result();
}
