/* nextc run: inputs in every format, what is said about those that don't fit, batches, outputs in every format. */
#include "cli/image.h"
#include "nextc.h"
#include "tests/image_cases.h"
#include "tests/test.h"
#include "tests/tiny_onnx.h"

#define RUN NEXTC_BINARY " run --no-cache "

static void npy(const char *path, const char *dtype, const char *order, const char *shape, const void *data,
                size_t bytes) {
  char file[4096] = "\x93NUMPY\1";
  char header[256];
  const int length =
      snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }\n", dtype, order, shape);
  file[8] = (char)length;
  memcpy(file + 10, header, (size_t)length);
  memcpy(file + 10 + length, data, bytes);
  put_file(path, file, 10 + (size_t)length + bytes);
}

/* A command that succeeds in silence and prints `want` somewhere. */
static void check_run(const char *words, const char *want) {
  Result r = run_shell(words);
  TEST(words);
  CHECK(r.status == 0);
  CHECK_STR(r.err, "");
  CHECK_HAS(r.out, want);
  result_free(&r);
}

/* A command that ends with the status and says one line that has `want`. */
static void check_error(const char *words, int status, const char *want) {
  Result r = run_shell(words);
  TEST(words);
  CHECK(r.status == status);
  CHECK_HAS(r.err, want);
  CHECK_STR(r.out, "");
  const char *end = strchr(r.err, '\n');
  CHECK(end && !end[1]);
  result_free(&r);
}

static const float x2[8] = {0, 1, 2, 3, 4, 5, 6, 7};

/* The tiny model's y = relu(x w) for x = 0 .. 7 in two rows. */
#define ANSWER "\"data\": [11, 0, 0, 27, 2.5, 11]"

static void write_files(void) {
  write_tiny_model("n.onnx", "Relu", "N", 1);
  write_tiny_model("one.onnx", "Relu", NULL, 1);
  write_tensor("x.pb", 2, 4, x2);
  put_file("x.raw", x2, sizeof x2);
  put_file("short.raw", x2, sizeof x2 - 1);
  put_file("x.npz", stored_npz, sizeof stored_npz);
  put_file("deflated.npz", deflated_npz, sizeof deflated_npz);
  npy("x.npy", "<f4", "False", "(2, 4)", x2, sizeof x2);
  npy("double.npy", "<f8", "False", "(1, 4)", x2, sizeof x2);
  npy("big.npy", ">f4", "False", "(2, 4)", x2, sizeof x2);
  npy("fortran.npy", "<f4", "True", "(2, 4)", x2, sizeof x2);
  npy("cut.npy", "<f4", "False", "(2, 4)", x2, sizeof x2 - 1);
  npy("wide.npy", "<f4", "False", "(1, 8)", x2, sizeof x2);
  npy("flat.npy", "<f4", "False", "(8,)", x2, sizeof x2);
}

static void formats(const char *json) {
  check_run(RUN "n.onnx --input x.npy --format=json", json);
  check_run(RUN "n.onnx --input x.pb --format=json", json);
  check_run(RUN "n.onnx --input x.raw --format=json", json);
  check_run(RUN "n.onnx --input x.npz --format=json", json);
  check_run(RUN "n.onnx --input x=x.npz --format=json", json);
  check_run(RUN "n.onnx --input x=x.npy --threads 3 --format=json", json);
  check_run(RUN "n.onnx --input x.npy --target generic --format=json", json);
}

static void refused(void) {
  check_error(RUN "n.onnx --input double.npy", 1, "double.npy: error: holds f64[1,4], but input 'x' is f32[N,4]");
  check_error(RUN "n.onnx --input wide.npy", 1, "wide.npy: error: holds f32[1,8], but input 'x' is f32[N,4]");
  check_error(RUN "n.onnx --input flat.npy", 1, "flat.npy: error: holds f32[8], but input 'x' is f32[N,4]");
  check_error(RUN "one.onnx --input x.npy", 1, "x.npy: error: holds f32[2,4], but input 'x' is f32[1,4]");
  check_error(RUN "n.onnx --input big.npy", 1, "big.npy: error: ");
#ifdef NEXTC_ZLIB
  check_run(RUN "n.onnx --input deflated.npz --format=json", ANSWER);
#else
  check_error(RUN "n.onnx --input deflated.npz", 1, "deflated.npz: error: 'x.npy' is compressed");
#endif
  check_error(RUN "n.onnx --input fortran.npy", 1, "fortran.npy: error: ");
  check_error(RUN "n.onnx --input cut.npy", 1, "cut.npy: error: the shape does not fit the 31 bytes of data");
  check_error(RUN "n.onnx --input short.raw", 1, "short.raw: error: has 31 bytes, but input 'x' takes 16 an image");
  check_error(RUN "n.onnx --input xx=x.npy", 1, "--input: error: the model has no input 'xx'");
  check_error(RUN "n.onnx --input x=absent.npy", 1, "absent.npy: error: ");
  check_error(RUN "n.onnx --input x.npy --input x.npy", 1, "the model has only 1 inputs");
  check_error(RUN "n.onnx --input x=x.npy --input x=x.npy", 1, "x.npy: error: input 'x' is given twice");
  check_error(RUN "n.onnx", 2, "input 'x' f32[N,4] is not given: --input FILE or --image FILE");
  check_error(RUN "n.onnx --input x.npy --image y.png", 1, "--image: error: no input is left for it");
  check_error(RUN "n.onnx --image y.png", 1, "x: error: the input has rank 2, but an image needs 4");
  check_error(RUN "n.onnx --input x.npy --target v9", 2, "unknown target 'v9'");
  check_error(RUN "n.onnx --input x.npy --threads 0", 2, "option --threads takes a number from 1 to 256");
  check_error(RUN "n.onnx --input x.npy --top 0", 2, "option --top takes a number");
  check_error(RUN "n.onnx --input x.npy --labels absent", 1, "absent: error: cannot be read");
  check_error(RUN "n.onnx --input x.npy -o a.npy -o b.npy", 2, "-o is given more often than the model has outputs (1)");
  check_error(RUN "absent.onnx", 1, "absent.onnx: error: ");
}

/* Every prefix of an archive, and every byte of it changed: a result or one line. */
static void archives(void) {
  TEST("archives");
  for (size_t i = 0; i < sizeof stored_npz; i += 7) {
    unsigned char copy[sizeof stored_npz];
    memcpy(copy, stored_npz, sizeof copy);
    put_file("part.npz", copy, i);
    check_error(RUN "n.onnx --input part.npz", 1, "part.npz");
    copy[i] ^= 0x41;
    put_file("part.npz", copy, sizeof copy);
    Result r = run_shell(RUN "n.onnx --input part.npz");
    CHECK(r.status == 0 || r.status == 1);
    result_free(&r);
  }
}

static void outputs(void) {
  TEST("outputs");
  put_file("labels", "ant\nbee\r\ncat", 12);
  check_run(RUN "n.onnx --input x.npy --top 2 --labels labels",
            " image 0\n   1. 100.00 %    11.0000  0  ant\n   2.   0.00 %     0.0000  1  bee\n"
            " image 1\n   1. 100.00 %    27.0000  0  ant\n   2.   0.00 %    11.0000  2  cat\n");
  check_run(RUN "n.onnx --input x.npy --top 1 --labels labels --format=json",
            "\"top\": [[{\"class\": 0, \"label\": \"ant\", \"score\": 11}], [{\"class\": 0, \"label\": \"ant\", ");
  Result r = run_shell(RUN "n.onnx --input x.npy -o y.npy");
  CHECK(r.status == 0);
  CHECK_STR(r.out, "");
  size_t size;
  char *bytes = get_file("y.npy", &size);
  const float want[] = {11, 0, 0, 27, 2.5f, 11};
  CHECK(size > sizeof want && (size - sizeof want) % 64 == 0 && !memcmp(bytes + size - sizeof want, want, sizeof want));
  CHECK_HAS(bytes + 10, "'descr': '<f4', 'fortran_order': False, 'shape': (2,3,)");
  free(bytes);
  result_free(&r);
  r = run_shell(RUN "n.onnx --input x.npy --repeat 3");
  CHECK(r.status == 0);
  CHECK_HAS(r.err, "3 runs with 1 threads");
  result_free(&r);
}

#define DIGITS SOURCE_DIR "/examples/digits/digits_convnext.onnx"
static void pictures(void) {
  TEST("pictures");
  put_file("p.png", picture_png, sizeof picture_png);
  put_file("p.jpg", smooth_jpeg, sizeof smooth_jpeg);
  Result r = run_shell(RUN DIGITS " --image p.png --image p.jpg");
  if (strstr(r.err, "built without libpng")) {
    result_free(&r);
    return;
  }
  CHECK(r.status == 0);
  CHECK_HAS(r.out, " image 0\n");
  CHECK_HAS(r.out, " image 1\n");
  result_free(&r);
  check_error(RUN DIGITS " --image labels", 1, "labels: error: neither a PNG nor a JPEG file");
  check_error(RUN DIGITS " --image p.png --mean 1,2", 2, "option --mean takes 1 or 1 numbers, not '1,2'");
  check_error(RUN DIGITS " --image p.png --std 0", 2, "option --std: '0' is no number that fits");
}

static void without_llvm(void) {
  TEST("without_llvm");
  check_error(RUN "n.onnx --input x.npy", 1,
              "this nextc was built without LLVM (CMake option -DNEXTC_LLVM=ON); "
              "--backend=c runs the model with a C compiler");
}

int main(void) {
  open_folder();
  write_files();
  check_run(RUN "n.onnx --input x.npy --backend=c --format=json", ANSWER);
  check_error("CC=./nothing " RUN "n.onnx --input x.npy --backend=c", 1,
              "./nothing: error: cannot run it: No such file");
  check_error("CC=false " RUN "n.onnx --input x.npy --backend=c", 1, "n.onnx: error: false failed with status 1");
  if (nextc_has_jit()) {
    formats(ANSWER);
    refused();
    archives();
    outputs();
    pictures();
  } else {
    without_llvm();
  }
  close_folder();
  return test_result();
}
