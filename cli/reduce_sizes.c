/* Smaller sizes: one number that dims of leaves have becomes a smaller one (a symbol: 1), in the whole program or in
 * its inputs only.
 *
 *   input : f32[1,96,56,56], const : f32[96,1,7,7], conv {kernel=[7,7] group=96}      96 => 48:
 *   input : f32[1,48,56,56], const : f32[48,1,7,7], conv {kernel=[7,7] group=48}
 *
 * Shapes and windows in attributes follow, and reshapes scale with their operand. Whether the program still is one,
 * inference says. */
#include "cli/reduce.h"
#include "ir/graph_edit.h"
#include <stdlib.h>

typedef struct {
  Dim old, made;
  bool inputs_only;
} Change;

static bool is_leaf(const Graph *g, OpId id) { return op_info[op_at(g, id)->kind].traits & T_LEAF; }

static bool has_size(const Dim *list, size_t count, Dim d) {
  for (size_t i = 0; i < count; i++)
    if (list[i] == d) return true;
  return false;
}

/* Symbols, and numbers above 1, that dims of leaves have, each once, in statement order. list: [room]. */
static size_t sizes_of(const Graph *g, Dim *list, size_t room) {
  size_t count = 0;
  FOR_EACH_OP(g, id)
  for (int i = 0; is_leaf(g, id) && i < type_of(g, op_at(g, id)->first_result)->rank; i++) {
    Dim d = type_of(g, op_at(g, id)->first_result)->dim[i];
    if ((!dim_is_number(d) || d > 1) && count < room && !has_size(list, count, d)) list[count++] = d;
  }
  return count;
}

enum { MAX_SIZES = 256 };

size_t count_sizes(const Graph *g) {
  Dim list[MAX_SIZES];
  return sizes_of(g, list, MAX_SIZES);
}

/* ---- the change ---- */
/* Of a symbol, its multiples too: with N = 1, 3*N is 3. */
static Dim change_dim(Dim d, Change c) {
  if (d == c.old) return c.made;
  bool multiple = !dim_is_number(d) && !dim_is_number(c.old) && dim_symbol_of(d) == dim_symbol_of(c.old);
  return multiple ? dim_coefficient(d) : d;
}

static Ints change_list(Graph *g, Ints list, Change c) {
  Dim *copy = arena_copy(g->arena, list.at, sizeof *copy * (size_t)list.count);
  for (int i = 0; i < list.count; i++) copy[i] = change_dim(copy[i], c);
  return (Ints){list.count, copy};
}

static void change_attrs(Graph *g, Op *op, Change c) {
  if (op->attrs.shape.count) op->attrs.shape = change_list(g, op->attrs.shape, c);
  if (c.inputs_only) return;
  if (op->attrs.kernel.count) op->attrs.kernel = change_list(g, op->attrs.kernel, c);
  if (op->attrs.group == c.old) op->attrs.group = c.made;
  if (op->attrs.cols == c.old) op->attrs.cols = c.made;
}

/* The leaf's elements fit its new type: fewer of them, or one for all. */
static void fit_elements(Graph *g, Op *op, const Type *t) {
  if (op->kind == OP_input) return;
  int64_t n = type_elements(t);
  if (op->kind == OP_const && op->attrs.floats.count > 1 && op->attrs.floats.count != n) op->attrs.floats.count = 1;
  if (op->kind == OP_const && op->attrs.ints.count > n) op->attrs.ints.count = (int32_t)n;
  if (op->kind != OP_weight) return;
  op->kind = OP_const;
  op->attrs = attrs_default();
  op->attrs.floats = (Floats){1, arena_copy(g->arena, (double[]){0.5}, sizeof(double))};
}

/* Returns whether its type is another now. */
static bool change_leaf(Graph *g, OpId id, Change c) {
  Op *op = op_at(g, id);
  Type t = *type_of(g, op->first_result);
  bool changed = false;
  for (int i = 0; i < t.rank; i++) {
    Dim made = change_dim(t.dim[i], c);
    changed = changed || made != t.dim[i];
    t.dim[i] = made;
  }
  if (!changed || (op->kind == OP_weight && !dtype_is_float(t.dtype))) return false;
  graph_set_leaf_type(g, id, &t);
  fit_elements(g, op, &t);
  return true;
}

/* A reshape whose operand has fewer elements: the first dim that can takes the difference. */
static bool scale_reshape(Graph *g, OpId id) {
  Op *op = op_at(g, id);
  if (op->kind != OP_reshape) return false;
  if (!type_is_static(type_of(g, op->operands[0]))) return false;
  int64_t have = 1, want = type_elements(type_of(g, op->operands[0]));
  for (int i = 0; i < op->attrs.shape.count; i++) {
    if (!dim_is_number(op->attrs.shape.at[i])) return false;
    have *= op->attrs.shape.at[i];
  }
  if (have < 1 || have == want) return false;
  for (int i = 0; i < op->attrs.shape.count; i++) {
    Dim d = op->attrs.shape.at[i], rest = have / d;
    if (want % rest || want / rest == d) continue;
    Dim *shape = arena_copy(g->arena, op->attrs.shape.at, sizeof *shape * (size_t)op->attrs.shape.count);
    shape[i] = want / rest;
    op->attrs.shape = (Ints){op->attrs.shape.count, shape};
    return true;
  }
  return false;
}

/* Each round mends one reshape, so no more rounds than there are. */
static bool fits(Graph *g) {
  char error[256];
  OpId bad = 0, last;
  do {
    last = bad;
    bad = graph_try_reinfer_all(g, error);
  } while (bad && bad != last && scale_reshape(g, bad));
  return !bad;
}

bool shrink_size(Graph *g, size_t at, int choice) {
  Dim list[MAX_SIZES];
  if (at >= sizes_of(g, list, MAX_SIZES)) return false;
  Dim old = list[at], made[SIZE_CHOICES / 2] = {1, old / 2, old - old / 4, old - 1};
  if (!dim_is_number(old)) old = dim_symbol(dim_symbol_of(old), 1), made[1] = made[2] = made[3] = 1;
  Change c = {.old = old, .made = made[choice / 2], .inputs_only = choice % 2};
  for (int i = 0; i < choice / 2; i++)
    if (made[i] == c.made) return false; /* tried already */
  bool any = false;
  FOR_EACH_OP(g, id) {
    if (is_leaf(g, id) && (!c.inputs_only || op_at(g, id)->kind == OP_input)) any = change_leaf(g, id, c) || any;
    change_attrs(g, op_at(g, id), c);
  }
  return any && (c.made < old || !dim_is_number(old)) && fits(g);
}
