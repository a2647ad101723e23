/* Dims, shapes and data types; see type.h. */
#include "ir/type.h"
#include "ir/diag.h"
#include <string.h>

typedef struct {
  const char *name;
  uint8_t bytes;
  char kind;
} DTypeRow;

static const DTypeRow rows[DT_LIMIT] = {
#define F                                'F'
#define I                                'I'
#define U                                'U'
#define B                                'B'
#define DTYPE(name, number, bytes, kind) [number] = {#name, bytes, kind},
#include "ir/dtype.def"
#undef DTYPE
#undef F
#undef I
#undef U
#undef B
};

static const DTypeRow *row(DType t) {
  if (!dtype_known((int)t)) die("data type %d", (int)t);
  return &rows[t];
}

bool dtype_known(int n) { return n > 0 && n < DT_LIMIT && rows[n].name; }
const char *dtype_name(DType t) { return row(t)->name; }
size_t dtype_bytes(DType t) { return row(t)->bytes; }
bool dtype_is_float(DType t) { return row(t)->kind == 'F'; }
bool dtype_is_half(DType t) { return dtype_is_float(t) && dtype_bytes(t) == 2; }
bool dtype_is_unsigned(DType t) { return row(t)->kind == 'U' || row(t)->kind == 'B'; }

bool dtype_from_name(const char *name, size_t length, DType *out) {
  for (int t = 0; t < DT_LIMIT; t++)
    if (rows[t].name && strlen(rows[t].name) == length && !memcmp(rows[t].name, name, length)) {
      *out = (DType)t;
      return true;
    }
  return false;
}

/* Encoding of coefficient * symbol: INT64_MIN + coefficient * MAX_SYMBOLS + symbol. */
static const int64_t largest_coefficient = INT64_MAX / 2 / MAX_SYMBOLS - 1;

bool dim_is_number(Dim d) { return d >= INT64_MIN / 2; }
int dim_symbol_of(Dim d) { return dim_is_number(d) ? -1 : (int)((d - INT64_MIN) % MAX_SYMBOLS); }
int64_t dim_coefficient(Dim d) { return dim_is_number(d) ? d : (d - INT64_MIN) / MAX_SYMBOLS; }

Dim dim_symbol(int symbol, int64_t coefficient) {
  if (symbol < 0 || symbol >= MAX_SYMBOLS || coefficient < 1 || coefficient > largest_coefficient)
    die("dim %lld * symbol %d", (long long)coefficient, symbol);
  return INT64_MIN + coefficient * MAX_SYMBOLS + symbol;
}

static bool term(int64_t coefficient, int symbol, Dim *out) {
  if (symbol < 0 || coefficient == 0) {
    *out = coefficient;
    return dim_is_number(coefficient);
  }
  if (coefficient < 0 || coefficient > largest_coefficient) return false;
  *out = dim_symbol(symbol, coefficient);
  return true;
}

bool dim_mul(Dim a, Dim b, Dim *out) {
  int sa = dim_symbol_of(a), sb = dim_symbol_of(b);
  int64_t ca = dim_coefficient(a), cb = dim_coefficient(b);
  if (sa >= 0 && sb >= 0) return false;
  if (ca && cb) {
    int64_t limit = INT64_MAX / 4 / (ca < 0 ? -ca : ca);
    if (cb > limit || cb < -limit) return false;
  }
  return term(ca * cb, sa >= 0 ? sa : sb, out);
}

bool dim_div_exact(Dim a, Dim b, Dim *out) {
  int sa = dim_symbol_of(a), sb = dim_symbol_of(b);
  int64_t ca = dim_coefficient(a), cb = dim_coefficient(b);
  if (!cb || ca % cb || (sb >= 0 && sa != sb)) return false;
  return term(ca / cb, sb >= 0 ? -1 : sa, out);
}

bool dim_add(Dim a, Dim b, Dim *out) {
  int sa = dim_symbol_of(a), sb = dim_symbol_of(b);
  int64_t ca = dim_coefficient(a), cb = dim_coefficient(b);
  if (ca == 0 && sa < 0) return *out = b, true;
  if (cb == 0 && sb < 0) return *out = a, true;
  if (sa != sb || ca > INT64_MAX / 4 || cb > INT64_MAX / 4 || ca < -INT64_MAX / 4 || cb < -INT64_MAX / 4) return false;
  return term(ca + cb, sa, out);
}

Type type_make(DType dtype, int rank, const Dim *dims) {
  if (rank < 0 || rank > MAX_RANK) die("rank %d", rank);
  Type t = {.dtype = (uint8_t)dtype, .rank = (uint8_t)rank};
  for (int i = 0; i < rank; i++) t.dim[i] = dims[i];
  return t;
}

bool type_equal(const Type *a, const Type *b) {
  if (a->dtype != b->dtype || a->rank != b->rank) return false;
  for (int i = 0; i < a->rank; i++)
    if (a->dim[i] != b->dim[i]) return false;
  return true;
}

bool type_is_static(const Type *t) {
  for (int i = 0; i < t->rank; i++)
    if (!dim_is_number(t->dim[i])) return false;
  return true;
}

bool type_count(const Type *t, Dim *out) {
  Dim n = 1;
  for (int i = 0; i < t->rank; i++)
    if (!dim_mul(n, t->dim[i], &n) || dim_coefficient(n) > (int64_t)1 << 48) return false;
  *out = n;
  return true;
}

int64_t type_elements(const Type *t) {
  Dim n;
  if (!type_count(t, &n) || !dim_is_number(n)) die("element count of a symbolic or oversized type");
  return n;
}

size_t type_bytes(const Type *t) { return (size_t)type_elements(t) * dtype_bytes(t->dtype); }

bool type_broadcast(const Type *a, const Type *b, Type *out) {
  int rank = a->rank > b->rank ? a->rank : b->rank;
  Type r = {.dtype = a->dtype, .rank = (uint8_t)rank};
  for (int i = 0; i < rank; i++) {
    int ia = i - (rank - a->rank), ib = i - (rank - b->rank);
    Dim da = ia < 0 ? 1 : a->dim[ia], db = ib < 0 ? 1 : b->dim[ib];
    if (da != db && da != 1 && db != 1) return false;
    r.dim[i] = da == 1 ? db : da;
  }
  *out = r;
  return true;
}

void type_strides(const Type *t, int64_t *strides) {
  int64_t s = 1;
  for (int i = t->rank; i-- > 0;) {
    strides[i] = s;
    s *= t->dim[i];
  }
}
