/* All stored outputs of checkpoints/ and modernize/, from descriptions and weights, without ONNX; exports' weights in
 * exported descriptions; each network of the zoo, narrow, evaluator against C. (slow) */
#include "frontend/zoo.h"
#include "tests/fixtures.h"
#include "tests/test.h"
#include "tests/yaml_kit.h"

/* nextc verify with these arguments passes `passed` times and never fails. */
static void verify(const char *name, const char *arguments, int passed) {
  char line[3000], end[64];
  TEST(name);
  snprintf(line, sizeof line, "verify %s", arguments);
  snprintf(end, sizeof end, "\n%d passed, 0 failed\n", passed);
  Result r = run_nextc(line);
  CHECK(r.status == 0);
  CHECK_HAS(r.out, end);
  if (r.status) printf("%s", r.err);
  result_free(&r);
}

static void checkpoints(void) {
  char line[3000] = "";
  static const char *const folders[] = {"hf_convnext", "hf_convnextv2", "timm_convnext", "timm_convnextv2",
                                        "timm_convnext_convmlp"};
  for (size_t i = 0; i < 5; i++) sprintf(line + strlen(line), " " FIXTURES "/checkpoints/%s", folders[i]);
  verify("checkpoints", line, 10);
  static const char torchvision[] =
      "{family: convnext, depths: [1, 1, 2, 1], dims: [16, 32, 48, 64], classes: 10, input: {size: 64}}";
  put_file("m.yaml", torchvision, strlen(torchvision));
  verify("torchvision", "--model=m.yaml --weights-from=model.safetensors " FIXTURES "/checkpoints/torchvision_convnext",
         2);
}

static void one_step(const char *folder, const char *name) {
  char text[512], line[2048];
  const char *dims = name[0] == '0' && name[1] < '4' ? "[8, 16, 32, 64]" : "[12, 24, 48, 96]";
  snprintf(text, sizeof text, "base: path_%s\ndepths: [1, 1, 2, 1]\ndims: %s\nclasses: 10\ninput: {size: 64}\n", name,
           dims);
  put_file("m.yaml", text, strlen(text));
  snprintf(line, sizeof line, "--model=m.yaml --weights-from=model.safetensors %s", folder);
  verify(name, line, 2);
}

/* An ONNX file's weights in the description that is exported of it: those that the exporter renamed, or folded a
 * BatchNorm into, are found by their places. */
static void own_weights(const char *folder, const char *name) {
  char line[2048];
  TEST(name);
  snprintf(line, sizeof line, "export '%s/model.onnx' -o e.yaml", folder);
  Result r = run_nextc(line);
  CHECK(r.status == 0);
  result_free(&r);
  snprintf(line, sizeof line, "--backends=eval --model=e.yaml --weights-from=model.onnx '%s'", folder);
  verify(name, line, 1);
}

/* Depths as they are. */
static void narrow_zoo(void) {
  for (size_t i = 0; i < zoo_count; i++) {
    char text[512];
    bool one_stage = strstr(zoo[i].name, "isotropic");
    snprintf(text, sizeof text, "base: %s\ndims: %s\nclasses: 7\ninput: {size: 32}\n", zoo[i].name,
             one_stage ? "[8]" : "[4, 8, 12, 16]");
    put_file("m.yaml", text, strlen(text));
    verify(zoo[i].name, "m.yaml --weights-from=random:3 --random=1", 2);
  }
}

int main(void) {
  if (access(FIXTURES "/checkpoints", F_OK)) return SKIP("no fixtures beside the checkout");
  open_folder();
  checkpoints();
  CHECK(each_fixture("modernize", one_step) == 16);
  CHECK(each_fixture("onnx", own_weights) == 38);
  CHECK(each_fixture("modernize", own_weights) == 16);
  own_weights(FIXTURES "/systems/swin_ts17", "swin_ts17"); /* of no family */
  own_weights(FIXTURES "/systems/upernet_convnextv2_dynamo20", "upernet_convnextv2_dynamo20");
  narrow_zoo();
  close_folder();
  return test_result();
}
