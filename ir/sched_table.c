/* attr.def's SCHED rows as data; see nir.h. */
#include "ir/nir.h"
#include <string.h>

const SchedInfo sched_info[SCHED_COUNT] = {
#define ATTR(name, kind, default_, doc)
#define SCHED(name, kind, default_, doc) {#name, SCHED_##kind, offsetof(Sched, name)},
#include "ir/attr.def"
#undef ATTR
#undef SCHED
};

bool sched_is_default(const SchedInfo *info, const Sched *s) {
  const void *member = (const char *)s + info->offset;
  switch (info->kind) {
  case SCHED_GROUP: return *(const int32_t *)member == -1 && !s->family;
  case SCHED_INTS: return ((const Ints *)member)->count == 0;
  case SCHED_INT: return *(const int64_t *)member == -1;
  case SCHED_TILES: return ((const Tiles *)member)->count == 0;
  }
  die("schedule attribute %s", info->name);
}

const char *sched_fault(Arena *a, const Op *op) {
  const Sched *s = &op->sched;
  const char *name = op_info[op->kind].name;
  if (s->kernel < -1) return arena_printf(a, "kernel %d is negative", s->kernel);
  if ((s->kernel == -1) != !s->family) return s->family ? "family without a kernel" : "kernel without a family";
  if (s->family && !is_attr_name(s->family)) return arena_printf(a, "kernel family '%.40s' is no name", s->family);
  if (s->at.count && (uint32_t)s->at.count != op->result_count)
    return arena_printf(a, "at lists %d offsets, results of %s: %u", s->at.count, name, op->result_count);
  for (int32_t i = 0; i < s->at.count; i++)
    if (s->at.at[i] < -1) return arena_printf(a, "at: offset %d is neither -1 nor a number >= 0", i + 1);
  if (s->inplace < -1 || s->inplace >= (int64_t)op->operand_count)
    return arena_printf(a, "inplace=%lld, operands of %s: %u", (long long)s->inplace, name, op->operand_count);
  if (s->inplace >= 0 && !op->result_count) return arena_printf(a, "inplace on %s, which has no result", name);
  if (s->inplace >= 0 && !op->operands[s->inplace]) return "inplace names an operand that is left out";
  for (int32_t i = 0; i < s->tile.count; i++) {
    const TileChoice *t = &s->tile.at[i];
    if (!is_attr_name(t->target)) return arena_printf(a, "tile of target '%.40s', which is no name", t->target);
    if (t->rows < 1 || t->columns < 1 || t->rows > 999 || t->columns > 999)
      return arena_printf(a, "%s.tile=%dx%d is none of 1x1 to 999x999", t->target, t->rows, t->columns);
    for (int32_t j = 0; j < i; j++)
      if (!strcmp(s->tile.at[j].target, t->target)) return arena_printf(a, "%s.tile is given twice", t->target);
  }
  return NULL;
}
