/* What the emitter defines for a model, here for y[i] = x[i] + w[i], 4 floats, N images: so that the other files
 * compile alone and can be tested. */
#ifndef NX_SAMPLE_H
#define NX_SAMPLE_H
#if !defined(_POSIX_C_SOURCE)
#define _POSIX_C_SOURCE 200809L
#endif
#include "runtime/public.h"
#include "runtime/steps.h"
#include "runtime/vec_generic.h"
#if defined(__unix__) || defined(__APPLE__)
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

#define NX_INPUT_COUNT   1
#define NX_OUTPUT_COUNT  1
#define NX_SYMBOL_COUNT  1  /* 0 or 1: the number of images */
#define NX_FIXED_IMAGES  1  /* where NX_SYMBOL_COUNT is 0 */
#define NX_LARGEST_IMAGE 16 /* bytes of the largest input or output */
#define NX_STEP_COUNT    1
#define NX_MAX_PARAMS    4
#define NX_ARENA_BYTES   64
#define NX_SCRATCH_BYTES 64 /* of one slice */
#define NX_MODEL_HASH    UINT64_C(0x1234)
#define NX_WEIGHT_BYTES  64
#define NX_WEIGHT_COUNT  1
#define NX_WORKSPACE_BYTES(threads)                                                                                    \
  ((size_t)NX_ARENA_BYTES + (size_t)((threads) > 1 ? (threads) : 1) * (size_t)NX_SCRATCH_BYTES)

static const nextc_tensor nx_inputs[] = {{"x", 1, 2, {-1, 4}, 16}};
static const nextc_tensor nx_outputs[] = {{"y", 1, 2, {-1, 4}, 16}};
static const int64_t nx_image_bytes[] = {16, 16};
static const nx_place nx_places[] = {{NX_INPUT(0), 0}, {NX_WEIGHTS, 0}, {NX_SCRATCH, 0}, {NX_OUTPUT(0), 0}};

NX_INLINE void nx_k0(void *const *p, int slice, int slices) {
  const float *x = (const float *)p[0], *w = (const float *)p[1];
  float *s = (float *)p[2], *y = (float *)p[3];
  int64_t first, last;
  nx_slice(4, slice, slices, &first, &last);
  for (int64_t i = first; i < last; i++) {
    s[i] = x[i];
    y[i] = s[i] + w[i];
  }
}

static const nx_step nx_steps_generic[] = {{nx_k0, 0, 4, 4}};
NX_INLINE const nx_step *nx_pick_steps(const char **path) {
  *path = "generic";
  return nx_steps_generic;
}
NX_INLINE int nx_weights_status(const nx_model *model) { return model && model->weights ? NX_OK : NX_NOT_LOADED; }
NX_INLINE const void *nx_weights_of(const nx_model *model) { return model ? model->weights : NULL; }
#endif
