/* Constant expressions as stored elements; see eval.h. Most weights are tensors of a file that are moved (transpose,
 * reshape, pack) and scaled (mul, add, ...) elementwise. Such an expression is a tree of strided views; it is computed
 * tile by tile, in double as everywhere, and each element rounded once. What is no view is computed by eval_const and
 * becomes a leaf, so results are those of eval_const and tensor_store, bit for bit. */
#include "ir/eval_util.h"
#include "ir/strassen.h"
#include <stdlib.h>
#include <string.h>

enum {
  TILE = 1024,             /* elements */
  PIECE = 1 << 16,         /* elements handed on at once */
  PRODUCT_LIMIT = 1 << 12, /* smaller gemms aren't worth it */
};

/* One value of the expression, with its axes; all nodes of a tree are made to have the same. */
typedef struct Node Node;
struct Node {
  OpKind op; /* of two operands; OP_none: a leaf */
  Node *a, *b;
  const unsigned char *floats; /* leaf: little-endian f32 of a source, any alignment; or */
  const double *doubles;
  int64_t stride[MAX_RANK];
};

typedef struct {
  const Graph *graph;
  Arena *arena;
  Tensor *owned; /* doubles of leaves */
  size_t owned_count, owned_capacity;
  TensorView *seen; /* of sources, to be dropped */
  Source **seen_in;
  size_t seen_count, seen_capacity, in_capacity;
  bool failed;
} Builder;

/* Where the elements go: `room` for one piece, handed to `take` as it fills. */
typedef struct {
  unsigned char *room;
  ConstPiece *take;
  void *user;
} Pieces;

/* ---- tiles ---- */

static double read_float(const unsigned char *p) {
  float x;
  memcpy(&x, p, sizeof x);
  return (double)x;
}

static void fill_floats(const unsigned char *p, int64_t s0, int64_t s1, int64_t rows, int64_t cols, double *out) {
  if (s0 == 1 && s1 != 1) { /* transposed: along the memory */
    for (int64_t c = 0; c < cols; c++)
      for (int64_t r = 0; r < rows; r++) out[r * cols + c] = read_float(p + 4 * (c * s1 + r));
    return;
  }
  for (int64_t r = 0; r < rows; r++, p += 4 * s0, out += cols) {
    if (s1 == 1)
      for (int64_t c = 0; c < cols; c++) out[c] = read_float(p + 4 * c);
    else
      for (int64_t c = 0; c < cols; c++) out[c] = read_float(p + 4 * c * s1);
  }
}

static void fill_doubles(const double *p, int64_t s0, int64_t s1, int64_t rows, int64_t cols, double *out) {
  for (int64_t r = 0; r < rows; r++)
    for (int64_t c = 0; c < cols; c++) out[r * cols + c] = p[r * s0 + c * s1];
}

static void combine(OpKind op, int64_t count, double *restrict out, const double *restrict b) {
  switch (op) {
  case OP_add:
    for (int64_t i = 0; i < count; i++) out[i] += b[i];
    return;
  case OP_sub:
    for (int64_t i = 0; i < count; i++) out[i] -= b[i];
    return;
  case OP_mul:
    for (int64_t i = 0; i < count; i++) out[i] *= b[i];
    return;
  default:
    for (int64_t i = 0; i < count; i++) out[i] /= b[i];
  }
}

/* rows x cols elements of the last two axes, from the index. */
static void fill(const Node *n, int rank, const int64_t *index, int64_t rows, int64_t cols, double *out) {
  if (n->op != OP_none) {
    double right[TILE];
    fill(n->a, rank, index, rows, cols, out);
    fill(n->b, rank, index, rows, cols, right);
    combine(n->op, rows * cols, out, right);
    return;
  }
  int64_t at = 0;
  for (int i = 0; i < rank; i++) at += index[i] * n->stride[i];
  const int64_t s0 = n->stride[rank - 2], s1 = n->stride[rank - 1];
  if (n->floats)
    fill_floats(n->floats + 4 * at, s0, s1, rows, cols, out);
  else
    fill_doubles(n->doubles + at, s0, s1, rows, cols, out);
}

/* ---- views ---- */

static Node *new_node(Builder *b) { return ARENA_NEW(b->arena, Node); }

static Node *leaf(Builder *b, const Type *t, const unsigned char *floats, const double *doubles) {
  Node *n = new_node(b);
  n->floats = floats;
  n->doubles = doubles;
  type_strides(t, n->stride);
  return n;
}

static Node *own(Builder *b, Tensor t) {
  GROW(b->arena, b->owned, b->owned_count, b->owned_capacity);
  b->owned[b->owned_count++] = t;
  return leaf(b, &t.type, NULL, t.f);
}

/* Whatever it is, by eval_const. NULL: failed. */
static Node *computed(Builder *b, ValueId v) {
  Tensor t = {0};
  if (!eval_const(b->graph, v, &t)) {
    b->failed = true;
    return NULL;
  }
  return own(b, t);
}

static Node *stored(Builder *b, ValueId v) {
  const Op *op = def_of(b->graph, v);
  Source *s = b->graph->sources[op->attrs.source];
  const Type *t = type_of(b->graph, v);
  TensorView view;
  if (t->dtype != DT_f32) return computed(b, v);
  const bool found = s->make ? s->make(s, op->attrs.name, t, &view) : s->find && s->find(s, op->attrs.name, &view);
  if (s->make && !found) return b->failed = true, NULL;
  if (!found || !type_equal(&view.type, t) || view.bytes != type_bytes(t))
    return computed(b, v); /* which says what is wrong */
  GROW(b->arena, b->seen, b->seen_count, b->seen_capacity);
  GROW(b->arena, b->seen_in, b->seen_count, b->in_capacity);
  b->seen[b->seen_count] = view;
  b->seen_in[b->seen_count++] = s;
  return leaf(b, t, view.data, NULL);
}

static void permute(Node *n, int rank, const Dim *perm) {
  int64_t old[MAX_RANK];
  if (n->op != OP_none) {
    permute(n->a, rank, perm);
    permute(n->b, rank, perm);
    return;
  }
  memcpy(old, n->stride, sizeof old);
  for (int i = 0; i < rank; i++) n->stride[i] = old[perm[i]];
}

/* The node as a broadcast operand of a result with more axes. */
static void spread(Node *n, const Type *from, const Type *to) {
  if (n->op != OP_none) {
    spread(n->a, from, to);
    spread(n->b, from, to);
    return;
  }
  const int shift = to->rank - from->rank;
  for (int i = to->rank; i-- > 0;) n->stride[i] = i < shift || from->dim[i - shift] == 1 ? 0 : n->stride[i - shift];
}

/* Strides of the same elements under another shape: runs of axes with equal products must be evenly strided. */
static bool restride(const Type *from, const int64_t *stride, const Type *to, int64_t *out) {
  int i = 0, j = 0;
  while (i < from->rank || j < to->rank) {
    const int i0 = i, j0 = j;
    int64_t a = i < from->rank ? from->dim[i++] : 1, b = j < to->rank ? to->dim[j++] : 1;
    while (a != b) {
      if (a < b) {
        if (i == from->rank) return false;
        a *= from->dim[i++];
      } else {
        if (j == to->rank) return false;
        b *= to->dim[j++];
      }
    }
    int64_t step = 0, reach = 1; /* of the run's innermost axis that is not 1; elements under it */
    for (int x = i; x-- > i0;) {
      if (from->dim[x] == 1) continue;
      if (reach == 1)
        step = stride[x];
      else if (stride[x] != step * reach)
        return false;
      reach *= from->dim[x];
    }
    for (int64_t y = j, under = 1; y-- > j0; under *= to->dim[y]) out[y] = step * under;
  }
  return true;
}

static bool can_reshape(const Node *n, const Type *from, const Type *to) {
  int64_t stride[MAX_RANK];
  if (n->op != OP_none) return can_reshape(n->a, from, to) && can_reshape(n->b, from, to);
  return restride(from, n->stride, to, stride);
}

static void reshape(Node *n, const Type *from, const Type *to) {
  int64_t stride[MAX_RANK] = {0};
  if (n->op != OP_none) {
    reshape(n->a, from, to);
    reshape(n->b, from, to);
    return;
  }
  restride(from, n->stride, to, stride);
  memcpy(n->stride, stride, sizeof stride);
}

static Node *build(Builder *b, ValueId v);

static Node *build_binary(Builder *b, ValueId v, const Op *op) {
  Node *n = new_node(b);
  n->op = op->kind;
  if (!(n->a = build(b, op->operands[0])) || !(n->b = build(b, op->operands[1]))) return NULL;
  spread(n->a, type_of(b->graph, op->operands[0]), type_of(b->graph, v));
  spread(n->b, type_of(b->graph, op->operands[1]), type_of(b->graph, v));
  return n;
}

/* x [1, K] times w [K, N]: w is read where it lies. The sum runs over k ascending, as in eval_gemm. */
static Node *build_product(Builder *b, ValueId v, const Op *op) {
  const Type *wide = type_of(b->graph, op->operands[1]);
  const int64_t depth = wide->dim[0], cols = wide->dim[1];
  Node *x = build(b, op->operands[0]), *w = build(b, op->operands[1]);
  if (!x || !w) return NULL;
  Tensor out = tensor_new(type_of(b->graph, v));
  double tile[TILE], xs[TILE];
  for (int64_t k = 0; k < depth; k++) {
    const int64_t at_x[] = {0, k};
    if (k % TILE == 0) fill(x, 2, at_x, 1, depth - k < TILE ? depth - k : TILE, xs);
    for (int64_t j = 0; j < cols; j += TILE) {
      const int64_t at[] = {k, j}, count = cols - j < TILE ? cols - j : TILE;
      fill(w, 2, at, 1, count, tile);
      for (int64_t i = 0; i < count; i++) out.f[j + i] += xs[k % TILE] * tile[i];
    }
  }
  return own(b, out);
}

static bool is_row_product(const Graph *g, const Op *op) {
  const Type *x = type_of(g, op->operands[0]), *w = type_of(g, op->operands[1]);
  return op->operand_count == 2 && !op->attrs.cols && x->rank == 2 && x->dim[0] == 1 &&
         type_elements(w) >= PRODUCT_LIMIT;
}

/* NULL: failed. The tree is a fresh one: a value used twice has two. */
static Node *build(Builder *b, ValueId v) {
  const Op *op = def_of(b->graph, v);
  const Type *t = type_of(b->graph, v), *from = op->operand_count ? type_of(b->graph, op->operands[0]) : NULL;
  Node *n;
  if (t->dtype != DT_f32) return computed(b, v);
  switch (op->kind) {
  case OP_weight: return stored(b, v);
  case OP_add:
  case OP_sub:
  case OP_mul:
  case OP_div: return build_binary(b, v, op);
  case OP_transpose:
    if ((n = build(b, op->operands[0]))) permute(n, t->rank, op->attrs.perm.at);
    return n;
  case OP_reshape:
    if (!(n = build(b, op->operands[0]))) return NULL;
    if (!can_reshape(n, from, t)) return computed(b, v);
    reshape(n, from, t);
    return n;
  case OP_gemm: return is_row_product(b->graph, op) ? build_product(b, v, op) : computed(b, v);
  default: return computed(b, v);
  }
}

/* ---- sweeps ---- */

static void store_row(const double *from, int64_t count, unsigned char *to) {
  for (int64_t i = 0; i < count; i++) {
    const float x = (float)from[i];
    memcpy(to + 4 * i, &x, sizeof x);
  }
}

/* rows x cols elements of the last two axes from index on; a row begins every out_row elements. */
static void store_block(const Node *n, int rank, int64_t *index, int64_t rows, int64_t cols, unsigned char *out,
                        int64_t out_row) {
  double tile[TILE];
  const int64_t row0 = index[rank - 2], col0 = index[rank - 1];
  const int64_t width = cols < TILE ? cols : TILE, height = TILE / width;
  for (int64_t r = 0; r < rows; r += height)
    for (int64_t c = 0; c < cols; c += width) {
      const int64_t h = rows - r < height ? rows - r : height, w = cols - c < width ? cols - c : width;
      index[rank - 2] = row0 + r;
      index[rank - 1] = col0 + c;
      fill(n, rank, index, h, w, tile);
      for (int64_t y = 0; y < h; y++) store_row(tile + y * w, w, out + 4 * ((r + y) * out_row + c));
    }
  index[rank - 2] = row0;
  index[rank - 1] = col0;
}

static bool mergeable(const Node *n, int axis, int64_t inner) {
  if (n->op != OP_none) return mergeable(n->a, axis, inner) && mergeable(n->b, axis, inner);
  return n->stride[axis] == n->stride[axis + 1] * inner;
}

/* Axis `axis` is gone: of size 1, or merged into the next. */
static void remove_axis(Node *n, int axis) {
  if (n->op != OP_none) {
    remove_axis(n->a, axis);
    remove_axis(n->b, axis);
    return;
  }
  memmove(n->stride + axis, n->stride + axis + 1, sizeof *n->stride * (size_t)(MAX_RANK - 1 - axis));
}

/* Puts axes of size 1 in front until there are two. */
static void widen(Node *n, int count) {
  if (n->op != OP_none) {
    widen(n->a, count);
    widen(n->b, count);
    return;
  }
  memmove(n->stride + count, n->stride, sizeof *n->stride * (size_t)(MAX_RANK - count));
  for (int i = 0; i < count; i++) n->stride[i] = 0;
}

static Type simplify(Node *n, Type t) {
  for (int i = t.rank; i-- > 0;) {
    const bool one = t.dim[i] == 1, merge = !one && i + 1 < t.rank && mergeable(n, i, t.dim[i + 1]);
    if (!one && !merge) continue;
    if (merge) t.dim[i + 1] *= t.dim[i];
    remove_axis(n, i);
    memmove(t.dim + i, t.dim + i + 1, sizeof *t.dim * (size_t)(MAX_RANK - 1 - i));
    t.rank--;
  }
  if (t.rank < 2) {
    const int more = 2 - t.rank;
    widen(n, more);
    memmove(t.dim + more, t.dim, sizeof *t.dim * t.rank);
    for (int i = 0; i < more; i++) t.dim[i] = 1;
    t.rank = 2;
  }
  return t;
}

/* rows x cols elements of the last two axes from index on, in row order; each row ends in out_row - cols zeros. */
static void store_rows(const Node *n, int rank, int64_t *index, int64_t rows, int64_t cols, int64_t out_row,
                       Pieces *p) {
  const int64_t row0 = index[rank - 2], col0 = index[rank - 1];
  const int64_t height = out_row < PIECE ? PIECE / out_row : 1, width = cols < PIECE ? cols : PIECE;
  for (int64_t r = 0; r < rows; r += height)
    for (int64_t c = 0; c < cols; c += width) {
      const int64_t h = rows - r < height ? rows - r : height, w = cols - c < width ? cols - c : width;
      const int64_t row = width < cols ? w : out_row; /* a row cut in pieces has no zeros */
      index[rank - 2] = row0 + r;
      index[rank - 1] = col0 + c;
      if (w < row) memset(p->room, 0, 4 * (size_t)(h * row));
      store_block(n, rank, index, h, w, p->room, row);
      p->take(p->user, p->room, 4 * (size_t)(h * row));
    }
  index[rank - 2] = row0;
  index[rank - 1] = col0;
}

static void store_all(Node *n, const Type *type, Pieces *p) {
  const Type t = simplify(n, *type);
  const int64_t rows = t.dim[t.rank - 2], cols = t.dim[t.rank - 1];
  Type outer = t;
  int64_t index[MAX_RANK] = {0};
  outer.rank = (uint8_t)(t.rank - 2);
  do store_rows(n, t.rank, index, rows, cols, cols, p);
  while (next_index(&outer, index));
}

/* [K, N] as [ceil(N / panel), K, panel], zeros behind column N. */
static void store_packed(const Node *n, const Type *t, int64_t panel, Pieces *p) {
  const int64_t depth = t->dim[0], cols = t->dim[1];
  for (int64_t first = 0; first < cols; first += panel) {
    int64_t index[MAX_RANK] = {0, first};
    store_rows(n, 2, index, depth, cols - first < panel ? cols - first : panel, panel, p);
  }
}

/* The same elements counted from row, col on. */
static Node *moved(Builder *b, const Node *from, int64_t row, int64_t col) {
  Node *n = new_node(b);
  *n = *from;
  if (n->op != OP_none) {
    n->a = moved(b, from->a, row, col);
    n->b = moved(b, from->b, row, col);
    return n;
  }
  const int64_t offset = row * n->stride[0] + col * n->stride[1];
  if (n->floats)
    n->floats += 4 * offset;
  else
    n->doubles += offset;
  return n;
}

/* The sum of quarters [rows, cols] of n by these coefficients: one, or two of which one is not negative. */
static Node *quarter_sum(Builder *b, const Node *n, const signed char *coefficient, int64_t rows, int64_t cols) {
  Node *sum = NULL;
  for (int sign = 1; sign >= -1; sign -= 2)
    for (int q = 0; q < 4; q++) {
      if (coefficient[q] != sign) continue;
      Node *quarter = moved(b, n, q / 2 * rows, q % 2 * cols), *left = sum;
      sum = left ? new_node(b) : quarter;
      if (left) *sum = (Node){.op = sign < 0 ? OP_sub : OP_add, .a = left, .b = quarter};
    }
  return sum;
}

/* [K, N] as [N / 2 / panel, 7, K / 2, panel] */
static void store_strassen(Builder *b, const Node *n, const Type *t, int64_t panel, Pieces *p) {
  const int64_t rows = t->dim[0] / 2, cols = t->dim[1] / 2;
  Node *sums[STRASSEN_PRODUCTS];
  for (int i = 0; i < STRASSEN_PRODUCTS; i++) sums[i] = quarter_sum(b, n, strassen_products[i].w, rows, cols);
  for (int64_t first = 0; first < cols; first += panel)
    for (int i = 0; i < STRASSEN_PRODUCTS; i++) {
      int64_t index[MAX_RANK] = {0, first};
      store_rows(sums[i], 2, index, rows, panel, panel, p);
    }
}

static bool sweep(Builder *b, ValueId v, Pieces *p) {
  const Op *op = def_of(b->graph, v);
  const bool packed = op->kind == OP_pack;
  const ValueId root = packed ? op->operands[0] : v;
  Node *n = build(b, root);
  if (n && packed && op->attrs.strassen)
    store_strassen(b, n, type_of(b->graph, root), op->attrs.panel, p);
  else if (n && packed)
    store_packed(n, type_of(b->graph, root), op->attrs.panel, p);
  else if (n)
    store_all(n, type_of(b->graph, root), p);
  for (size_t i = 0; i < b->owned_count; i++) tensor_free(&b->owned[i]);
  for (size_t i = 0; i < b->seen_count; i++)
    if (b->seen_in[i]->drop_pages) b->seen_in[i]->drop_pages(b->seen_in[i], &b->seen[i]);
  return !b->failed;
}

static bool host_is_little_endian(void) {
  const uint16_t one = 1;
  unsigned char first;
  memcpy(&first, &one, 1);
  return first == 1;
}

/* Ops of v's expression as a tree, where a value used twice counts twice: what a sweep repeats for each. At most
 * `left` + 1 are looked at. */
static int tree_size(const Graph *g, ValueId v, int left) {
  const Op *op = def_of(g, v);
  int size = 1;
  for (uint32_t i = 0; i < op->operand_count && size <= left; i++)
    if (op->operands[i]) size += tree_size(g, op->operands[i], left - size);
  return size;
}

bool eval_const_pieces(const Graph *g, ValueId v, bool big_endian, ConstPiece *take, void *user) {
  enum { SWEEP_LIMIT = 64 };
  const Type *t = type_of(g, v);
  const bool swept = t->dtype == DT_f32 && !big_endian && host_is_little_endian() && type_elements(t) > 0 &&
                     tree_size(g, v, SWEEP_LIMIT) <= SWEEP_LIMIT;
  Pieces p = {malloc(swept ? 4 * (size_t)PIECE : type_bytes(t) + 1), take, user};
  Tensor value = {0};
  bool good;
  if (!p.room) die_memory(type_bytes(t));
  if (swept) {
    Builder b = {.graph = g, .arena = arena_new()};
    good = sweep(&b, v, &p);
    arena_free(b.arena);
  } else if ((good = eval_const(g, v, &value))) {
    tensor_store(&value, p.room, big_endian);
    tensor_free(&value);
    take(user, p.room, type_bytes(t));
  }
  free(p.room);
  return good;
}

static void append(void *user, const unsigned char *bytes, size_t count) {
  unsigned char **at = user;
  memcpy(*at, bytes, count);
  *at += count;
}

bool eval_const_store(const Graph *g, ValueId v, void *bytes, bool big_endian) {
  unsigned char *at = bytes;
  return eval_const_pieces(g, v, big_endian, append, &at);
}
