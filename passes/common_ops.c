/* Dead code and common subexpressions; see common_ops.h. */
#include "passes/common_ops.h"
#include "passes/rewrite_log.h"
#include <stdlib.h>
#include <string.h>

int remove_dead_ops(Graph *g) {
  int removed = 0;
  for (OpId id = g->last, previous; id; id = previous) {
    const Op *op = op_at(g, id);
    previous = op->prev;
    if (op->kind == OP_input || !op->result_count) continue;
    bool used = false;
    for (uint32_t r = 0; r < op->result_count; r++) used = used || value_at(g, op->first_result + r)->use_count;
    if (used) continue;
    graph_erase_op(g, id);
    removed++;
  }
  rewrite_note(g, "remove_dead_ops", removed);
  return removed;
}

static uint64_t mix(uint64_t h, uint64_t x) {
  h ^= x;
  h *= 0x9E3779B97F4A7C15u;
  return h ^ h >> 29;
}

static uint64_t mix_text(uint64_t h, const char *s) {
  for (; s && *s; s++) h = mix(h, (unsigned char)*s);
  return h;
}

static uint64_t mix_attr(uint64_t h, const AttrInfo *info, const Attrs *attrs) {
  const void *at = (const char *)attrs + info->offset;
  uint64_t bits;
  switch (info->kind) {
  case KIND_INT:
  case KIND_FLOAT: return memcpy(&bits, at, sizeof bits), mix(h, bits);
  case KIND_INTS:
    for (int i = 0; i < ((const Ints *)at)->count; i++) h = mix(h, (uint64_t)((const Ints *)at)->at[i]);
    return h;
  case KIND_FLOATS:
    for (int i = 0; i < ((const Floats *)at)->count; i++)
      h = mix(h, (memcpy(&bits, &((const Floats *)at)->at[i], sizeof bits), bits));
    return h;
  case KIND_NAME:
  case KIND_STRING: return mix_text(h, *(const char *const *)at);
  }
  return h;
}

/* A hash of what merging compares: literals too, of which there may be as many as ops. */
static uint64_t hash_op(const Graph *g, const Op *op) {
  uint64_t h = mix(op->kind, op->operand_count);
  for (uint32_t i = 0; i < op->operand_count; i++) h = mix(h, op->operands[i]);
  for (int a = 0; a < ATTR_COUNT; a++) {
    if (!(op_info[op->kind].attrs >> a & 1) || attr_is_default(&attr_info[a], &op->attrs)) continue;
    h = mix_attr(h, &attr_info[a], &op->attrs);
  }
  const Type *t = type_of(g, op->first_result);
  for (int i = 0; i < t->rank; i++) h = mix(h, (uint64_t)t->dim[i]);
  return mix(h, t->dtype);
}

static bool same_op(const Graph *g, const Op *a, const Op *b) {
  if (a->kind != b->kind || a->operand_count != b->operand_count) return false;
  for (uint32_t i = 0; i < a->operand_count; i++)
    if (a->operands[i] != b->operands[i]) return false;
  for (int i = 0; i < ATTR_COUNT; i++)
    if ((op_info[a->kind].attrs >> i & 1) && !attr_equal(&attr_info[i], &a->attrs, &b->attrs)) return false;
  for (uint32_t r = 0; r < a->result_count; r++)
    if (!type_equal(type_of(g, a->first_result + r), type_of(g, b->first_result + r))) return false;
  return true;
}

static void merge_into(Graph *g, OpId kept, OpId id) {
  op_at(g, kept)->loc = loc_union(g, op_at(g, kept)->loc, op_at(g, id)->loc);
  for (uint32_t r = 0; r < op_at(g, id)->result_count; r++)
    graph_replace_uses(g, op_at(g, id)->first_result + r, op_at(g, kept)->first_result + r);
  graph_erase_op(g, id);
}

int merge_equal_ops(Graph *g) {
  size_t size = 64;
  while (size < g->op_count * 2) size *= 2;
  OpId *table = calloc(size, sizeof *table);
  if (!table) die_memory(0);
  int merged = 0;
  FOR_EACH_OP(g, id) {
    const Op *op = op_at(g, id);
    if (!op->result_count || op->kind == OP_input) continue;
    size_t slot = hash_op(g, op) & (size - 1);
    while (table[slot] && !same_op(g, op_at(g, table[slot]), op)) slot = (slot + 1) & (size - 1);
    if (!table[slot])
      table[slot] = id;
    else if (rewrite_allowed(g)) {
      rewrite_done(g, "merge_equal_ops", where_op(g, id));
      merge_into(g, table[slot], id);
      merged++;
    }
  }
  free(table);
  return merged;
}
