/* What the c_*.c files share and nobody else needs. */
#ifndef NEXTC_C_INTERNAL_H
#define NEXTC_C_INTERNAL_H
#include "backend/c_backend.h"
#include "backend/c_runtime.h"
#include "ir/text.h"
#include <stdio.h>

/* A graph input or output as the ABI sees it. */
typedef struct {
  const char *name;       /* as the model has it */
  const char *identifier; /* parameter of <prefix>_run */
  Type type;              /* of one image */
  bool per_image;         /* dim 0 counts images */
} CTensor;

/* A file being emitted: the program and what follows from it. */
typedef struct {
  Context *context;
  Arena *arena;
  const CProgram *program;
  const COptions *options;
  const char *prefix, *upper;
  CTensor *inputs, *outputs;
  int input_count, output_count;
  const char *symbol;      /* the number of images; NULL: fixed_images */
  const char *symbol_name; /* the parameter for it */
  int64_t fixed_images;
  int64_t arena_bytes, scratch_bytes; /* multiples of 64; scratch: of one slice, largest of the targets */
  uint64_t model_hash;
} CFile;

/* c_facts.c */
CFile c_facts(Context *, Arena *, const CProgram *, const COptions *);
int64_t c_image_bytes(const CTensor *); /* by which a pointer advances from image to image */

/* c_text.c */
const char *c_type_name(DType);            /* of an element in memory: "float", "uint8_t" */
const char *c_reg_type_name(RegType);      /* "int32_t" */
void c_put_float(Text *, float, bool hex); /* literals */
void c_put_double(Text *, double, bool hex);
void c_put_int(Text *, int64_t, bool is_i64);
char *c_upper(Arena *, const char *name);      /* of the letters a-z */
void c_put_string(Text *, const char *);       /* a literal, any bytes */
void c_put_comment(Text *, const char *);      /* text safe inside a comment */
bool c_name_reserved(const char *);            /* words and macros of C, C++ and the system that a name must avoid */
char *c_parameter_name(Arena *, const char *); /* an identifier that is not reserved */
/* Writes text to the file with names in place of nx_ and NX_. */
void c_write(const CFile *, FILE *, const char *text);

/* c_emit.c */
/* The kernel as a C function; index: its number in the program. */
void c_emit_kernel(Text *, const Kernel *, int index, const Target *);
/* Its function's name: nx_k3_gemm_v3. */
char *c_kernel_name(Arena *, const Kernel *, int index, const Target *);

/* c_header.c, c_file.c, c_weights.c */
void c_put_run_signature(const CFile *, Text *);
void c_write_header(const CFile *, FILE *);
bool c_write_source(const CFile *, FILE *);
bool c_write_weights_file(const CFile *, FILE *); /* at its start */
bool c_write_weights_inline(const CFile *, FILE *);
void c_write_asm(const CFile *, FILE *);
/* Text that stands before everything else in a .c. */
extern const char c_feature_macros[];
#endif
