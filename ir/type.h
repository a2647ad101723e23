/* Tensor types: a data type and a shape whose dims are numbers or symbols. */
#ifndef NEXTC_TYPE_H
#define NEXTC_TYPE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
#define DTYPE(name, number, bytes, kind) DT_##name = number,
#include "ir/dtype.def"
#undef DTYPE
  DT_LIMIT = 17
} DType;

bool dtype_known(int number);  /* is it in dtype.def? */
const char *dtype_name(DType); /* "f32" */
bool dtype_from_name(const char *name, size_t length, DType *);
size_t dtype_bytes(DType); /* bytes per element */
bool dtype_is_float(DType);
bool dtype_is_half(DType);     /* f16, bf16: stored, never computed in */
bool dtype_is_unsigned(DType); /* u8 .. u64 and bool */

enum { MAX_RANK = 8 };

/* A dim is a number (also negative where it stands for data, see Value.known) or `coefficient * symbol`, coefficient >=
 * 1, encoded below INT64_MIN / 2. Types hold no negative numbers. */
typedef int64_t Dim;
enum { MAX_SYMBOLS = 16 };

bool dim_is_number(Dim);
Dim dim_symbol(int symbol, int64_t coefficient);
int dim_symbol_of(Dim);       /* index into Graph.symbols; -1 for a number */
int64_t dim_coefficient(Dim); /* the number itself for a number */
/* Arithmetic; false where the result is no single term (N + 1, N * N) or overflows. */
bool dim_mul(Dim, Dim, Dim *);
bool dim_div_exact(Dim, Dim, Dim *); /* false also where it does not divide */
bool dim_add(Dim, Dim, Dim *);

typedef struct {
  uint8_t dtype; /* DType */
  uint8_t rank;  /* 0..MAX_RANK */
  Dim dim[MAX_RANK];
} Type;

Type type_make(DType, int rank, const Dim *dims);
bool type_equal(const Type *, const Type *);
bool type_is_static(const Type *); /* no symbol in it */
/* Product of the dims; false where it is no single term or passes 2^48 elements. */
bool type_count(const Type *, Dim *);
int64_t type_elements(const Type *); /* of a static type; dies on a symbolic one */
size_t type_bytes(const Type *);     /* of a static type */
/* ONNX multidirectional broadcasting of two shapes; false where they do not fit. */
bool type_broadcast(const Type *, const Type *, Type *);
/* Row-major strides in elements of a static type. */
void type_strides(const Type *, int64_t *strides);
#endif
