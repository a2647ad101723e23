/* runtime/invoke.c with the sample model: images, slices, dims, and what is checked before. The statuses of whole
 * models are in test_c_files.c. */
#define NX_PROFILE step_done
#include "runtime/invoke.c"
#include "tests/test.h"
#include <stdlib.h>

enum { IMAGES = 3, LONGEST = 9 };

typedef struct {
  int calls, slices; /* of nextc_parallel_for */
} Seen;

static int steps_done;
void step_done(int step) { steps_done += step + 1; } /* the sample has step 0 only */

static void forwards(void *user, int slices, nextc_slice *run, void *context) {
  Seen *seen = user;
  seen->calls++;
  seen->slices = slices;
  for (int i = 0; i < slices; i++) run(context, i);
}

int main(void) {
  static const float w[16] = {0.5f, 1, 2, 4};
  const float x[4 * IMAGES] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  float y[4 * IMAGES];
  const void *in[] = {x};
  void *out[] = {y};
  const int64_t n = IMAGES;
  int64_t dims[1][8];
  Seen seen = {0};
  const nx_model model = {w, NULL, 0};
  unsigned char *space = aligned_alloc(64, NX_WORKSPACE_BYTES(LONGEST) + 64);
  if (!space) return 1;
  nextc_call call = {.inputs = in,
                     .outputs = out,
                     .symbols = &n,
                     .workspace = space,
                     .parallel_for = forwards,
                     .parallel_user = &seen,
                     .output_dims = dims};
  TEST("all images; no more slices than tasks; scratch is by slice");
  for (call.threads = 0; call.threads <= LONGEST; call.threads++) {
    memset(y, 0, sizeof y);
    seen.calls = 0;
    space[NX_WORKSPACE_BYTES(call.threads)] = 0xAB;
    CHECK(nx_invoke(&model, &call) == NX_OK);
    for (int i = 0; i < 4 * IMAGES; i++) CHECK(y[i] == x[i] + w[i % 4]);
    CHECK(seen.calls == (call.threads > 1 ? IMAGES : 0));
    CHECK(call.threads < 2 || seen.slices == (call.threads < 4 ? call.threads : 4));
    CHECK(dims[0][0] == IMAGES && dims[0][1] == 4 && dims[0][2] == 0);
    CHECK(space[nx_workspace_bytes(call.threads)] == 0xAB);
  }
  TEST("slice i has scratch i");
  call.threads = 4;
  CHECK(nx_invoke(&model, &call) == NX_OK);
  for (int i = 0; i < 4; i++) {
    float kept;
    memcpy(&kept, space + NX_ARENA_BYTES + i * NX_SCRATCH_BYTES + i * (int)sizeof kept, sizeof kept);
    CHECK(kept == x[4 * (IMAGES - 1) + i]);
  }
  TEST("NX_PROFILE's function after each step of each image; the path's name");
  CHECK(steps_done == (LONGEST + 2) * IMAGES);
  CHECK_STR(nx_path(), "generic");
  TEST("no parallel_for is needed for one thread, no dims when not wanted");
  call.threads = 1;
  call.parallel_for = NULL;
  call.output_dims = NULL;
  CHECK(nx_invoke(&model, &call) == NX_OK);
  TEST("statuses");
  CHECK(nx_invoke(NULL, &call) == NX_NOT_LOADED);
  in[0] = NULL;
  CHECK(nx_invoke(&model, &call) == NX_BAD_ARGUMENT);
  in[0] = x;
  out[0] = NULL;
  CHECK(nx_invoke(&model, &call) == NX_BAD_ARGUMENT);
  out[0] = y;
  call.workspace = space + 32;
  CHECK(nx_invoke(&model, &call) == NX_MISALIGNED);
  call.workspace = space;
  const int64_t bad[] = {0, -1, INT64_MIN, INT64_MAX, (int64_t)(PTRDIFF_MAX / 16) + 1};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    call.symbols = &bad[i];
    CHECK(nx_invoke(&model, &call) == NX_BAD_SYMBOL);
  }
  TEST("texts");
  for (int i = 0; i <= NX_NO_PATH; i++) CHECK(strcmp(nx_error(i), "unknown status"));
  CHECK_STR(nx_error(NX_NO_PATH + 1), "unknown status");
  CHECK_STR(nx_error(-1), "unknown status");
  CHECK_STR(nx_error(NX_BAD_SIZE + 256 * 7), "the weights file has the wrong size");
  CHECK(!nx_error_node(NX_OK));
  free(space);
  return test_result();
}
