/* Running a model: the table of steps, its interpreter, and the checks before it. */
#include "runtime/public.h"
#include "runtime/sample.h"
#include "runtime/vec_generic.h"

/* nx_error: what went wrong */
const char *nx_error(int status) {
  static const char *const text[] = {
      "no error",
      "an argument is NULL that must not be",
      "the workspace is not 64-byte aligned, or the weights are not 8-byte aligned",
      "the value of a symbol is out of range",
      "threads is negative, or above 1 without parallel_for",
      "the model's weights are not loaded",
      "the weights file cannot be opened or mapped",
      "this is no weights file",
      "the weights file has an unknown version",
      "the weights file is for machines of the other byte order",
      "the weights file has the wrong size",
      "the weights file belongs to another model",
      "the weights file is damaged: its checksum is wrong",
      "this machine can run none of the paths that were compiled",
  };
  const unsigned code = (unsigned)status & 255;
  return code < sizeof text / sizeof *text ? text[code] : "unknown status";
}

/* nx_error_node: which node; no kernel of this model can fail */
const char *nx_error_node(int status) {
  (void)status;
  return NULL;
}

/* nx_run_slice: slice `slice` of a step: a pointer a parameter, then the kernel */
static void nx_run_slice(void *context, int slice) {
  const nx_job *job = (const nx_job *)context;
  void *p[NX_MAX_PARAMS];
  for (int i = 0; i < job->step->count; i++) {
    const nx_place *at = &nx_places[job->step->first + i];
    p[i] = job->base[at->base] + at->offset + (at->base == NX_SCRATCH ? slice * (int64_t)NX_SCRATCH_BYTES : 0);
  }
  job->step->kernel(p, slice, job->slices);
}

/* nx_run_step: a step in as many slices as there are threads, but no more than it has tasks */
static void nx_run_step(const nx_step *step, unsigned char *const *base, const nextc_call *call) {
  nx_job job;
  job.step = step;
  job.base = base;
  job.slices = call->threads < step->tasks ? call->threads : step->tasks;
  if (job.slices > 1) {
    call->parallel_for(call->parallel_user, job.slices, nx_run_slice, &job);
  } else {
    job.slices = 1;
    nx_run_slice(&job, 0);
  }
}

/* nx_images: how many times the steps run; 0: the symbol is out of range */
static int64_t nx_images(const nextc_call *call) {
#if NX_SYMBOL_COUNT > 0
  const int64_t images = call->symbols[0];
  return images >= 1 && images <= (int64_t)(PTRDIFF_MAX / NX_LARGEST_IMAGE) ? images : 0;
#else
  (void)call;
  return NX_FIXED_IMAGES;
#endif
}

/* nx_check_call: NX_OK, or what is wrong with the arguments */
static int nx_check_call(const nextc_call *call) {
  if (call == NULL || (NX_INPUT_COUNT > 0 && call->inputs == NULL)) return NX_BAD_ARGUMENT;
  if (NX_OUTPUT_COUNT > 0 && call->outputs == NULL) return NX_BAD_ARGUMENT;
  if (NX_SYMBOL_COUNT > 0 && call->symbols == NULL) return NX_BAD_ARGUMENT;
  for (int i = 0; i < NX_INPUT_COUNT; i++)
    if (call->inputs[i] == NULL && nx_inputs[i].bytes > 0) return NX_BAD_ARGUMENT;
  for (int i = 0; i < NX_OUTPUT_COUNT; i++)
    if (call->outputs[i] == NULL && nx_outputs[i].bytes > 0) return NX_BAD_ARGUMENT;
  if (call->workspace == NULL) return NX_BAD_ARGUMENT;
  if ((uintptr_t)call->workspace % 64 != 0) return NX_MISALIGNED;
  if (call->threads < 0 || (call->threads > 1 && call->parallel_for == NULL)) return NX_BAD_THREADS;
  return nx_images(call) == 0 ? NX_BAD_SYMBOL : NX_OK;
}

/* nx_fill_dims: the outputs' dims with the symbols' values */
static void nx_fill_dims(const nextc_call *call) {
  for (int i = 0; i < NX_OUTPUT_COUNT; i++)
    for (int d = 0; d < 8; d++) {
      const int64_t dim = nx_outputs[i].dim[d];
      call->output_dims[i][d] = dim < 0 ? call->symbols[-dim - 1] : dim;
    }
}

/* NX_STEP_DONE: nothing; where NX_PROFILE is defined as f, f(step), somebody else's, after each step of the table */
#if defined(NX_PROFILE)
void NX_PROFILE(int step);
#define NX_STEP_DONE(step) NX_PROFILE(step)
#else
#define NX_STEP_DONE(step) ((void)(step))
#endif

/* nx_path: the one that nx_invoke takes */
const char *nx_path(void) {
  const char *path = NULL;
  (void)nx_pick_steps(&path);
  return path;
}

/* nx_invoke: every step for every image. Kernels write outputs and workspace only, though all pointers look alike */
int nx_invoke(const nx_model *model, const nextc_call *call) {
  unsigned char *base[NX_BASES];
  const char *path = NULL;
  const nx_step *steps = nx_pick_steps(&path);
  int64_t images;
  int status = nx_check_call(call);
  if (status == NX_OK) status = nx_weights_status(model);
  if (status == NX_OK && steps == NULL) status = NX_NO_PATH;
  if (status != NX_OK) return status;
  base[NX_ARENA] = (unsigned char *)call->workspace;
  base[NX_SCRATCH] = base[NX_ARENA] + NX_ARENA_BYTES;
  base[NX_WEIGHTS] = (unsigned char *)(uintptr_t)nx_weights_of(model);
  for (int i = 0; i < NX_INPUT_COUNT; i++) base[NX_INPUT(i)] = (unsigned char *)(uintptr_t)call->inputs[i];
  for (int i = 0; i < NX_OUTPUT_COUNT; i++) base[NX_OUTPUT(i)] = (unsigned char *)call->outputs[i];
  images = nx_images(call);
  for (int64_t image = 0; image < images; image++) {
    for (int s = 0; s < NX_STEP_COUNT; s++) {
      nx_run_step(&steps[s], base, call);
      NX_STEP_DONE(s);
    }
    for (int i = 0; image + 1 < images && i < NX_INPUT_COUNT + NX_OUTPUT_COUNT; i++)
      base[NX_INPUT(i)] += nx_image_bytes[i];
  }
  if (call->output_dims != NULL) nx_fill_dims(call);
  return NX_OK;
}

/* nx_workspace_bytes: the macro as a function */
size_t nx_workspace_bytes(int threads) { return NX_WORKSPACE_BYTES(threads); }
