/* canonicalise: one order for what may stand in many.
 *
 *   add %bias, (mul %x, %y)      =>   add (mul %x, %y), %bias
 *
 * Operands of commutative ops: computed before constant, then deeper before shallower, then by a hash of how they are
 * computed. Statements: depth first from the outputs, operands first to last; inputs first, in their order. */
#include "ir/graph_edit.h"
#include "passes/passes.h"
#include "passes/rewrite_log.h"
#include <stdlib.h>
#include <string.h>

typedef struct {
  Graph *g;
  uint64_t *hash; /* [value_count] of how a value is computed; sources and names do not count */
  int32_t *depth; /* [value_count] longest way from a leaf */
} Order;

static uint64_t mix(uint64_t h, uint64_t x) {
  h ^= x + 0x9E3779B97F4A7C15u + (h << 6) + (h >> 2);
  h *= 0xBF58476D1CE4E5B9u;
  return h ^ h >> 31;
}

static uint64_t hash_attrs(uint64_t h, const Op *op) {
  for (int a = 0; a < ATTR_COUNT; a++) {
    if (a == ATTR_name || a == ATTR_source || attr_is_default(&attr_info[a], &op->attrs)) continue;
    const char *at = (const char *)&op->attrs + attr_info[a].offset;
    if (attr_info[a].kind == KIND_INTS)
      for (int i = 0; i < ((const Ints *)(const void *)at)->count; i++)
        h = mix(h, (uint64_t)((const Ints *)(const void *)at)->at[i]);
    if (attr_info[a].kind == KIND_INT || attr_info[a].kind == KIND_FLOAT) {
      uint64_t bits;
      memcpy(&bits, at, sizeof bits);
      h = mix(h, bits);
    }
  }
  return h;
}

static void number_op(Order *o, OpId id) {
  Graph *g = o->g;
  const Op *op = op_at(g, id);
  int32_t depth = 0;
  uint64_t h = hash_attrs(op->kind, op);
  bool commutes = op_info[op->kind].traits & T_COMMUTATIVE;
  uint64_t sum = 0;
  for (uint32_t i = 0; i < op->operand_count; i++) {
    ValueId v = op->operands[i];
    if (v && o->depth[v] >= depth) depth = o->depth[v] + 1;
    if (commutes && i < 2)
      sum += mix(7, o->hash[v]);
    else
      h = mix(h, v ? o->hash[v] : 1);
  }
  h = mix(h, sum);
  for (uint32_t r = 0; r < op->result_count; r++) {
    const Type *t = type_of(g, op->first_result + r);
    uint64_t own = mix(h, r + ((uint64_t)t->dtype << 8));
    for (int i = 0; i < t->rank; i++) own = mix(own, (uint64_t)t->dim[i]);
    o->hash[op->first_result + r] = own;
    o->depth[op->first_result + r] = depth;
  }
}

static bool goes_before(const Order *o, ValueId a, ValueId b) {
  bool ca = value_at(o->g, a)->constant, cb = value_at(o->g, b)->constant;
  if (ca != cb) return cb;
  if (o->depth[a] != o->depth[b]) return o->depth[a] > o->depth[b];
  return o->hash[a] < o->hash[b];
}

static int order_operands(Order *o) {
  int swapped = 0;
  FOR_EACH_OP(o->g, id) {
    const Op *op = op_at(o->g, id);
    if (!(op_info[op->kind].traits & T_COMMUTATIVE)) continue;
    ValueId a = op->operands[0], b = op->operands[1];
    if (a == b || !goes_before(o, b, a) || !rewrite_allowed(o->g)) continue;
    rewrite_done(o->g, "swap_operands", where_op(o->g, id));
    graph_swap_operands(o->g, id);
    swapped++;
  }
  return swapped;
}

typedef struct {
  unsigned char *done; /* [op_count] it is in the list */
  uint32_t *seen;      /* [op_count] operands that are */
  OpId *stack, *list;
  size_t count; /* of the list */
} Walk;

/* Ops that `root` needs and the list lacks, operands first, appended. An explicit stack: chains can be long. */
static void append_needed(const Graph *g, OpId root, Walk *w) {
  size_t top = 0;
  w->stack[top++] = root;
  while (top) {
    OpId id = w->stack[top - 1];
    const Op *op = op_at(g, id);
    while (w->seen[id] < op->operand_count) {
      ValueId v = op->operands[w->seen[id]];
      if (v && !w->done[value_at(g, v)->def]) break;
      w->seen[id]++;
    }
    if (w->seen[id] < op->operand_count) {
      w->stack[top++] = value_at(g, op->operands[w->seen[id]])->def;
      continue;
    }
    top--;
    if (!w->done[id]) w->list[w->count++] = id;
    w->done[id] = 1;
  }
}

static int order_statements(Graph *g) {
  Walk w = {.done = calloc(g->op_count, 1),
            .seen = calloc(g->op_count, sizeof *w.seen),
            .stack = calloc(g->op_count, sizeof *w.stack),
            .list = calloc(g->op_count, sizeof *w.list)};
  if (!w.done || !w.seen || !w.stack || !w.list) die_memory(0);
  FOR_EACH_OP(g, id)
  if (op_at(g, id)->kind == OP_input) w.done[id] = 1, w.list[w.count++] = id;
  FOR_EACH_OP(g, id)
  if (op_at(g, id)->kind == OP_output) append_needed(g, id, &w);
  FOR_EACH_OP(g, id) append_needed(g, id, &w);
  int moved = 0;
  OpId at = g->first;
  for (size_t i = 0; i < w.count; i++) {
    if (w.list[i] == at) {
      at = op_at(g, at)->next;
      continue;
    }
    graph_move_op(g, w.list[i], at);
    moved++;
  }
  free(w.done);
  free(w.seen);
  free(w.stack);
  free(w.list);
  rewrite_note(g, "move_statement", moved);
  return moved;
}

int canonicalise(Graph *g, const PassOptions *options) {
  (void)options;
  Order o = {.g = g, .hash = calloc(g->value_count, sizeof *o.hash), .depth = calloc(g->value_count, sizeof *o.depth)};
  if (!o.hash || !o.depth) die_memory(0);
  FOR_EACH_OP(g, id) number_op(&o, id);
  int total = order_operands(&o);
  free(o.hash);
  free(o.depth);
  return total + order_statements(g);
}
