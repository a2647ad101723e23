/* Storage of values at run time; see storage.h. */
#include "backend/storage.h"

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

static int number_of(const Graph *g, OpId id, OpKind kind) {
  int n = 0;
  for (OpId o = g->first; o != id; o = op_at(g, o)->next) n += op_at(g, o)->kind == kind;
  return n;
}

int input_number(const Graph *g, OpId id) { return number_of(g, id, OP_input); }
int output_number(const Graph *g, OpId id) { return number_of(g, id, OP_output); }

/* The first output, in statement order, among the uses of v and of its views; 0: none. */
static OpId first_output_use(const Graph *g, ValueId v) {
  const Value *value = value_at(g, v);
  OpId best = 0;
  for (uint32_t i = 0; i < value->use_count; i++) {
    const Op *user = op_at(g, value->uses[i].op);
    OpId found = 0;
    if (user->kind == OP_output) found = value->uses[i].op;
    else if (user->kind == OP_reshape) found = first_output_use(g, user->first_result);
    if (found && (!best || output_number(g, found) < output_number(g, best))) best = found;
  }
  return best;
}

int root_output(const Graph *g, ValueId root) {
  if (!op_is_runtime(g, value_at(g, root)->def)) return -1;
  OpId use = first_output_use(g, root);
  return use ? output_number(g, use) : -1;
}

static bool is_slot_value(const WeightSlot *slots, size_t count, ValueId v, size_t *index) {
  for (size_t i = 0; i < count; i++)
    if (slots[i].value == v) return *index = i, true;
  return false;
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

Place value_place(const Graph *g, ValueId v, const WeightSlot *slots, size_t slot_count) {
  v = storage_root(g, v);
  size_t slot;
  OpId def = value_at(g, v)->def;
  const Op *op = op_at(g, def);
  if (op->kind == OP_input) return (Place){SPACE_INPUT, input_number(g, def), 0};
  if (!op_is_runtime(g, def)) {
    if (!is_slot_value(slots, slot_count, v, &slot)) die("constant value %u has no slot", v);
    return (Place){SPACE_WEIGHTS, 0, slots[slot].offset};
  }
  int output = root_output(g, v);
  if (output >= 0) return (Place){SPACE_OUTPUT, output, 0};
  uint32_t r = value_at(g, v)->result;
  if ((int32_t)r >= op->sched.at.count || op->sched.at.at[r] < 0) die("value %u has no place", v);
  return (Place){SPACE_ARENA, 0, op->sched.at.at[r]};
}
