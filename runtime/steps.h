/* The table of steps that emitted code interprets. */
#ifndef NX_STEPS_H
#define NX_STEPS_H
#include <stdint.h>

/* nx_kernel: a loop nest over p[], one pointer a parameter; does slice `slice` of `slices` */
typedef void nx_kernel(void *const *p, int slice, int slices);

/* NX_ARENA, NX_SCRATCH, NX_WEIGHTS, NX_INPUT, NX_OUTPUT: memory that a parameter lies in */
enum { NX_ARENA, NX_SCRATCH, NX_WEIGHTS, NX_FIXED_BASES };
#define NX_INPUT(i)  (NX_FIXED_BASES + (i))
#define NX_OUTPUT(i) (NX_FIXED_BASES + NX_INPUT_COUNT + (i))
#define NX_BASES     (NX_FIXED_BASES + NX_INPUT_COUNT + NX_OUTPUT_COUNT)

/* nx_place: a parameter's memory and its offset there in bytes */
typedef struct {
  int32_t base;
  int64_t offset;
} nx_place;

/* nx_step: a kernel, its parameters nx_places[first .. first + count - 1], and into how many slices it can be cut */
typedef struct {
  nx_kernel *kernel;
  int32_t first, count, tasks;
} nx_step;

/* NX_ALIGNED: on cache lines, where the compiler can */
#if defined(__GNUC__) || defined(__TINYC__)
#define NX_ALIGNED __attribute__((aligned(64)))
#else
#define NX_ALIGNED
#endif

/* nx_job: a step while it runs */
typedef struct {
  const nx_step *step;
  unsigned char *const *base;
  int slices;
} nx_job;

/* End of the guard. */
#endif
