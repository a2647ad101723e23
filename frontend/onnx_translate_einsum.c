/* Einsum: operands are taken from left to right, two by two, as matrix products over the labels that end with them. */
#include "frontend/onnx_translate.h"
#include "ir/infer_util.h"
#include <ctype.h>
#include <string.h>

/* A label: 0 .. 51 for A .. Z a .. z; an axis under '...', counted from the right, comes after them. */
enum { LETTERS = 52, LABELS = LETTERS + MAX_RANK, MOST = 2 * MAX_RANK };

typedef struct {
  int count, at[LABELS + MOST];
} Labels;

typedef struct {
  ValueId v;
  Labels labels; /* of its axes */
} Term;

/* The labels of two operands: of both and needed further, of the left one, of both and summed, of the right one. */
typedef struct {
  Labels batch, left, inner, right;
} Split;

static int index_of(const Labels *l, int label) {
  for (int i = 0; i < l->count; i++)
    if (l->at[i] == label) return i;
  return -1;
}

static bool has(const Labels *l, int label) { return index_of(l, label) >= 0; }

static void append(Labels *l, int label) {
  if (l->count == LABELS + MOST) die("einsum: too many labels");
  l->at[l->count++] = label;
}

static Labels joined(const Labels *a, const Labels *b) {
  Labels l = *a;
  for (int i = 0; i < b->count; i++) append(&l, b->at[i]);
  return l;
}

/* ---- the equation ---- */

static bool is_letter(char c) { return isalpha((unsigned char)c) && (unsigned char)c < 128; }

static int letter(char c) { return c >= 'a' ? 26 + c - 'a' : c - 'A'; }

/* Reads labels up to ',', "->" or the end. hidden: axes under '...'. -1: as many as make `rank` axes. */
static bool read_labels(Import *im, const char **at, int rank, int hidden, Labels *l) {
  bool dots = false;
  int letters = 0;
  for (const char *s = *at; *s && *s != ',' && *s != '-'; s++) letters += is_letter(*s);
  if (hidden < 0) hidden = rank - letters;
  *l = (Labels){0};
  for (; **at && **at != ',' && **at != '-'; ++*at) {
    if (**at == ' ') continue;
    if (is_letter(**at) && l->count < MOST)
      append(l, letter(**at));
    else if (!strncmp(*at, "...", 3) && !dots && hidden >= 0 && l->count + hidden <= MOST) {
      for (int i = hidden; i-- > 0;) append(l, LETTERS + i);
      dots = true;
      *at += 2;
    } else {
      return node_error(im, "equation '%s' is not understood from '%s' on", node_string(im, "equation"), *at);
    }
  }
  return true;
}

static bool read_term(Import *im, const char **at, size_t i, Term *t) {
  t->v = node_arg(im, i);
  const int rank = node_arg_type(im, i)->rank;
  if (im->failed || !read_labels(im, at, rank, -1, &t->labels)) return false;
  if (t->labels.count == rank) return true;
  return node_error(im, "equation '%s' has %d labels for input %zu of rank %d", node_string(im, "equation"),
                    t->labels.count, i + 1, rank);
}

/* Without "->": what stands under '...', then the labels that stand once, in the order of the alphabet. */
static Labels implied(const Term *terms, size_t count) {
  int times[LABELS] = {0};
  Labels l = {0};
  for (size_t i = 0; i < count; i++)
    for (int k = 0; k < terms[i].labels.count; k++) times[terms[i].labels.at[k]]++;
  for (int i = LABELS; i-- > LETTERS;)
    if (times[i]) append(&l, i);
  for (int i = 0; i < LETTERS; i++)
    if (times[i] == 1) append(&l, i);
  return l;
}

static bool read_output(Import *im, const char *at, const Term *terms, size_t count, Labels *out) {
  int hidden = 0;
  Labels all = {0};
  for (size_t i = 0; i < count; i++)
    for (int k = 0; k < terms[i].labels.count; k++) {
      const int label = terms[i].labels.at[k];
      if (label - LETTERS >= hidden) hidden = label - LETTERS + 1;
    }
  while (*at == ' ') at++;
  if (!*at) {
    *out = implied(terms, count);
    return true;
  }
  const char *equation = node_string(im, "equation");
  if (strncmp(at, "->", 2)) return node_error(im, "equation '%s' is not understood from '%s' on", equation, at);
  at += 2;
  if (!read_labels(im, &at, 0, hidden, out)) return false;
  if (*at) return node_error(im, "equation '%s' is not understood from '%s' on", equation, at);
  for (int i = 0; i < out->count; i++) {
    bool known = false;
    for (size_t t = 0; t < count; t++) known = known || has(&terms[t].labels, out->at[i]);
    if (!known || has(&all, out->at[i]))
      return node_error(im, "equation '%s': each label of the result must be an operand's, and stand once", equation);
    append(&all, out->at[i]);
  }
  return true;
}

/* ---- one operand ---- */

static Dim size_of(const Import *im, const Term *t, int label) {
  return build_type(im, t->v)->dim[index_of(&t->labels, label)];
}

/* Axes in the order of these labels, which are a permutation of the term's. */
static void reorder(Import *im, Term *t, const Labels *to) {
  Dim perm[MOST];
  bool moved = false;
  for (int i = 0; i < to->count; i++) {
    perm[i] = index_of(&t->labels, to->at[i]);
    moved = moved || perm[i] != i;
  }
  if (moved && !im->failed) t->v = build_transpose(im, t->v, perm);
  t->labels = *to;
}

static void sum_over(Import *im, Term *t, const Labels *kept) {
  Labels left = {0};
  Dim axes[MOST];
  int32_t count = 0;
  for (int i = 0; i < t->labels.count; i++)
    if (has(kept, t->labels.at[i]))
      append(&left, t->labels.at[i]);
    else
      axes[count++] = i;
  if (count && !im->failed) t->v = build_reduce(im, OP_reduce_sum, t->v, (Ints){count, axes}, false);
  t->labels = left;
}

/* Axes a < b with one label become one: of a [.., n, n] the elements n + 1 apart. */
static bool take_diagonal(Import *im, Term *t, int a, int b) {
  const Type type = *build_type(im, t->v);
  const Dim n = type.dim[a];
  if (n != type.dim[b] || !dim_is_number(n))
    return node_error(im, "equation '%s' takes the diagonal of two axes whose sizes are not one number",
                      node_string(im, "equation"));
  Dim perm[MAX_RANK], shape[MAX_RANK];
  int count = 0;
  Labels labels = {0};
  for (int i = 0; i < type.rank; i++)
    if (i != a && i != b) {
      append(&labels, t->labels.at[i]);
      shape[count] = type.dim[i];
      perm[count++] = i;
    }
  append(&labels, t->labels.at[a]);
  perm[count] = a;
  perm[count + 1] = b;
  shape[count] = n * n;
  t->v = build_reshape(im, build_transpose(im, t->v, perm), count + 1, shape);
  t->v = build_slice_axis(im, t->v, count, 0, n, n + 1);
  t->labels = labels;
  return !im->failed;
}

static bool take_diagonals(Import *im, Term *t) {
  for (int b = 1; b < t->labels.count; b++) {
    const int a = index_of(&t->labels, t->labels.at[b]);
    if (a == b) continue;
    if (!take_diagonal(im, t, a, b)) return false;
    b = 0;
  }
  return true;
}

/* ---- two operands ---- */

/* An axis of size 1 gets the size that its label has in the other operand. */
static bool stretch(Import *im, Term *t, const Term *other) {
  Type type = *build_type(im, t->v);
  bool changed = false;
  for (int i = 0; i < t->labels.count; i++) {
    const int label = t->labels.at[i];
    if (!has(&other->labels, label)) continue;
    const Dim n = size_of(im, other, label);
    if (type.dim[i] == n || n == 1) continue;
    if (type.dim[i] != 1)
      return node_error(im, "equation '%s': a label is %s in one operand and %s in another",
                        node_string(im, "equation"), dim_text(im->graph, type.dim[i]).s, dim_text(im->graph, n).s);
    type.dim[i] = n;
    changed = true;
  }
  if (changed) t->v = build_expand(im, t->v, type.rank, type.dim);
  return !im->failed;
}

static Split split(const Term *a, const Term *b, const Labels *needed) {
  Split s = {0};
  for (int i = 0; i < a->labels.count; i++) {
    const int label = a->labels.at[i];
    Labels *l = !has(&b->labels, label) ? &s.left : has(needed, label) ? &s.batch : &s.inner;
    append(l, label);
  }
  for (int i = 0; i < b->labels.count; i++)
    if (!has(&a->labels, b->labels.at[i])) append(&s.right, b->labels.at[i]);
  return s;
}

static void sizes(const Import *im, const Term *t, const Labels *l, Type *to) {
  for (int i = 0; i < l->count && to->rank < MAX_RANK; i++) to->dim[to->rank++] = size_of(im, t, l->at[i]);
}

/* The product of the sizes as one axis. */
static bool merged(Import *im, const Term *t, const Labels *l, Type *to) {
  Dim n = 1;
  for (int i = 0; i < l->count; i++)
    if (!dim_mul(n, size_of(im, t, l->at[i]), &n))
      return node_error(im, "equation '%s': no product of symbolic sizes", node_string(im, "equation"));
  to->dim[to->rank++] = n;
  return true;
}

/* Elements [batch, left, inner, right], the axes that an operand has not of size 1; then the sum over inner. */
static ValueId by_elements(Import *im, const Term *a, const Term *b, const Split *s) {
  Type ta = {0}, tb = {0};
  sizes(im, a, &s->batch, &ta);
  sizes(im, a, &s->left, &ta);
  sizes(im, a, &s->inner, &ta);
  sizes(im, b, &s->batch, &tb);
  for (int i = 0; i < s->left.count && tb.rank < MAX_RANK; i++) tb.dim[tb.rank++] = 1;
  sizes(im, b, &s->inner, &tb);
  sizes(im, b, &s->right, &tb);
  for (int i = 0; i < s->right.count && ta.rank < MAX_RANK; i++) ta.dim[ta.rank++] = 1;
  ValueId y = build_op2(im, OP_mul, build_reshape(im, a->v, ta.rank, ta.dim), build_reshape(im, b->v, tb.rank, tb.dim));
  Dim axes[MOST];
  for (int i = 0; i < s->inner.count; i++) axes[i] = s->batch.count + s->left.count + i;
  return s->inner.count && !im->failed ? build_reduce(im, OP_reduce_sum, y, (Ints){s->inner.count, axes}, false) : y;
}

/* [batch, M, K] x [batch, K, N]; without batch the left operand keeps its axes, and a constant right one is a gemm's.
 */
static ValueId by_matmul(Import *im, const Term *a, const Term *b, const Split *s) {
  Type ta = {0}, tb = {0}, ty = {0};
  sizes(im, a, &s->batch, &ta);
  sizes(im, b, &s->batch, &tb);
  bool ok = true;
  if (s->batch.count || !s->left.count)
    ok = merged(im, a, &s->left, &ta);
  else
    sizes(im, a, &s->left, &ta);
  ok = ok && merged(im, a, &s->inner, &ta) && merged(im, b, &s->inner, &tb) && merged(im, b, &s->right, &tb);
  sizes(im, a, &s->batch, &ty);
  sizes(im, a, &s->left, &ty);
  sizes(im, b, &s->right, &ty);
  if (!ok || im->failed) return 0;
  ValueId y =
      onnx_build_product(im, build_reshape(im, a->v, ta.rank, ta.dim), build_reshape(im, b->v, tb.rank, tb.dim));
  return build_reshape(im, y, ty.rank, ty.dim);
}

/* a times b; labels that are not needed are summed. */
static bool multiply(Import *im, Term *a, Term *b, const Labels *needed) {
  const Labels in_b = joined(&b->labels, needed), in_a = joined(&a->labels, needed);
  sum_over(im, a, &in_b);
  sum_over(im, b, &in_a);
  if (im->failed || !stretch(im, a, b) || !stretch(im, b, a)) return false;
  const Split s = split(a, b, needed);
  const bool products = s.inner.count && dtype_is_float(build_type(im, a->v)->dtype);
  Labels order = joined(&s.batch, &s.left), result = joined(&order, &s.right);
  if (result.count + (products ? 0 : s.inner.count) > MAX_RANK)
    return node_error(im, "equation '%s' makes more than %d axes", node_string(im, "equation"), MAX_RANK);
  order = joined(&order, &s.inner);
  reorder(im, a, &order);
  order = joined(&s.batch, &s.inner);
  order = joined(&order, &s.right);
  reorder(im, b, &order);
  if (im->failed) return false;
  a->v = products ? by_matmul(im, a, b, &s) : by_elements(im, a, b, &s);
  a->labels = result;
  return !im->failed;
}

void onnx_einsum(Import *im) {
  const size_t count = im->node->in_count;
  const char *at = node_string(im, "equation");
  Term *terms = ARENA_ARRAY(im->arena, Term, count);
  Labels out;
  for (size_t i = 0; i < count; i++) {
    if (!read_term(im, &at, i, &terms[i])) return;
    if (i + 1 < count && *at++ != ',') {
      node_error(im, "equation '%s' has %zu operands, the node %zu", node_string(im, "equation"), i + 1, count);
      return;
    }
  }
  if (!read_output(im, at, terms, count, &out)) return;
  for (size_t i = 0; i < count; i++)
    if (!take_diagonals(im, &terms[i])) return;
  for (size_t i = 1; i < count; i++) {
    Labels needed = out;
    for (size_t k = i + 1; k < count; k++)
      for (int l = 0; l < terms[k].labels.count; l++)
        if (!has(&needed, terms[k].labels.at[l])) append(&needed, terms[k].labels.at[l]);
    if (!multiply(im, &terms[0], &terms[i], &needed)) return;
  }
  sum_over(im, &terms[0], &out);
  if (im->failed) return;
  reorder(im, &terms[0], &out);
  node_result(im, 0, terms[0].v);
}
