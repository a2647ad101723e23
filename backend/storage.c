/* Storage of values at run time; see storage.h. */
#include "backend/storage.h"
#include <stdlib.h>

static bool feeds_output(const Graph *g, ValueId v) {
  const Value *value = value_at(g, v);
  for (uint32_t i = 0; i < value->use_count; i++)
    if (op_at(g, value->uses[i].op)->kind == OP_output) return true;
  return false;
}

bool op_is_runtime(const Graph *g, OpId id) {
  const Op *op = op_at(g, id);
  if (!op->result_count || (op_info[op->kind].traits & T_LEAF)) return false;
  if (op->kind == OP_expand && feeds_output(g, op->first_result)) return true;
  return op->kind != OP_reshape && !value_at(g, op->first_result)->constant;
}

ValueId storage_root(const Graph *g, ValueId v) {
  while (!value_at(g, v)->constant && def_of(g, v)->kind == OP_reshape) v = def_of(g, v)->operands[0];
  return v;
}

int32_t *root_outputs(const Graph *g) {
  int32_t *output_of = malloc(g->value_count * sizeof *output_of), number = 0;
  if (!output_of) die_memory(0);
  for (size_t v = 0; v < g->value_count; v++) output_of[v] = -1;
  FOR_EACH_OP(g, id) {
    if (op_at(g, id)->kind != OP_output) continue;
    ValueId root = storage_root(g, op_at(g, id)->operands[0]);
    if (output_of[root] < 0 && op_is_runtime(g, value_at(g, root)->def)) output_of[root] = number;
    number++;
  }
  return output_of;
}

WeightSlot *collect_weights(const Graph *g, Arena *a, size_t *count, int64_t *total) {
  WeightSlot *slots = NULL;
  size_t n = 0, capacity = 0;
  int64_t offset = 0;
  unsigned char *seen = ARENA_ARRAY(a, unsigned char, g->value_count);
  FOR_EACH_OP(g, id) {
    if (!op_is_runtime(g, id)) continue;
    const Op *op = op_at(g, id);
    for (uint32_t i = 0; i < op->operand_count; i++) {
      ValueId v = op->operands[i];
      if (!v || seen[v] || !value_at(g, v)->constant) continue;
      seen[v] = 1;
      int64_t bytes = (int64_t)type_bytes(type_of(g, v));
      GROW(a, slots, n, capacity);
      slots[n++] = (WeightSlot){v, offset, bytes};
      offset += (bytes + 63) / 64 * 64;
    }
  }
  *count = n;
  *total = offset;
  return slots;
}

int64_t *live_ends(const Graph *g, Arena *a) {
  int64_t *ends = ARENA_ARRAY(a, int64_t, g->op_count);
  OpId *last = ARENA_ARRAY(a, OpId, g->value_count);
  FOR_EACH_OP(g, id) {
    const Op *op = op_at(g, id);
    for (uint32_t i = 0; i < op->operand_count; i++)
      if (op->operands[i]) last[storage_root(g, op->operands[i])] = id;
  }
  FOR_EACH_OP(g, id) {
    const Op *op = op_at(g, id);
    for (uint32_t r = 0; r < op->result_count && (int32_t)r < op->sched.at.count; r++) {
      const ValueId v = op->first_result + r;
      if (op->sched.at.at[r] < 0) continue;
      const int64_t end = op->sched.at.at[r] + (int64_t)type_bytes(type_of(g, v));
      for (OpId o = id; o; o = o == last[v] || !last[v] ? 0 : op_at(g, o)->next)
        if (end > ends[o]) ends[o] = end;
    }
  }
  return ends;
}

Storage storage_new(const Graph *g, Arena *a) {
  Storage s = {.graph = g, .output_of = root_outputs(g)};
  WeightSlot *slots = collect_weights(g, a, &s.slot_count, &s.weight_bytes);
  s.weight_at = malloc(g->value_count * sizeof *s.weight_at);
  s.input_of = malloc(g->op_count * sizeof *s.input_of);
  if (!s.weight_at || !s.input_of) die_memory(0);
  for (size_t v = 0; v < g->value_count; v++) s.weight_at[v] = -1;
  for (size_t i = 0; i < s.slot_count; i++) s.weight_at[slots[i].value] = slots[i].offset;
  int32_t number = 0;
  FOR_EACH_OP(g, id)
  if (op_at(g, id)->kind == OP_input) s.input_of[id] = number++;
  return s;
}

void storage_free(Storage *s) {
  free(s->output_of);
  free(s->weight_at);
  free(s->input_of);
}

Place value_place(const Storage *s, ValueId v) {
  const Graph *g = s->graph;
  v = storage_root(g, v);
  OpId def = value_at(g, v)->def;
  const Op *op = op_at(g, def);
  if (op->kind == OP_input) return (Place){SPACE_INPUT, s->input_of[def], 0};
  if (!op_is_runtime(g, def)) {
    if (s->weight_at[v] < 0) die("constant value %u has no slot", v);
    return (Place){SPACE_WEIGHTS, 0, s->weight_at[v]};
  }
  if (s->output_of[v] >= 0) return (Place){SPACE_OUTPUT, s->output_of[v], 0};
  uint32_t r = value_at(g, v)->result;
  if ((int32_t)r >= op->sched.at.count || op->sched.at.at[r] < 0) die("value %u has no place", v);
  return (Place){SPACE_ARENA, 0, op->sched.at.at[r]};
}
