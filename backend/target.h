/* Targets: one row each. A target is a C dialect (attributes, vector layer) plus the numbers that schedules come from.
 */
#ifndef NEXTC_TARGET_H
#define NEXTC_TARGET_H
#include <stdbool.h>

enum { LINE_FLOATS = 16 }; /* floats of a cache line */

typedef struct {
  const char *name; /* "generic", "v3": also the suffix of its functions in C */
  bool experiment;  /* emitted only where it is named */
  const char *doc;
  int lanes;     /* f32 lanes of a full vector; 1: scalar C99 only */
  int registers; /* vector registers */
  bool fma;      /* fma rounds once */
  int gemm_rows; /* register tile: gemm_rows x gemm_vectors vectors */
  int gemm_vectors;
  int dwconv_columns; /* output columns x 1 vector held in registers by dwconv */
  int l1_bytes, l2_bytes;
  const char *c_guard;     /* preprocessor condition under which its code may be compiled; NULL: always */
  const char *c_attribute; /* on each of its functions; NULL: none */
  const char *c_include;   /* header of the ISA's intrinsics; NULL: none */
  const char *c_detect;    /* C expression, true where this CPU runs it; NULL: always */
  const char *features;    /* what LLVM calls the CPU features it needs: "+avx2,+fma"; NULL: none */
  const char *vector_file; /* runtime/ file with its vector layer */
  const char *narrow;      /* row whose layer has the vectors of fewer lanes and scalar fma; NULL: its own */
} Target;
extern const Target targets[];
extern const int target_count;
const Target *target_by_name(const char *name); /* NULL where there is none */
#endif
