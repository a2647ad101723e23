/* What the guards of several rule sets ask; see rules.h. */
#include "passes/rules.h"

bool match_is_constant(const Match *m, const char *name) { return value_at(m->graph, match_value(m, name))->constant; }

bool is_per_channel(const Match *m, const char *name, int rank, int axis, int64_t size) {
  const Type *t = match_type(m, name);
  if (!holds(m->graph, IF_channels_constant, match_is_constant(m, name))) return false;
  if (!holds(m->graph, IF_channels_of_small_rank, t->rank <= rank)) return false;
  for (int i = 0; i < t->rank; i++) {
    int at = i + rank - t->rank;
    if (!holds(m->graph, IF_only_channels_vary, t->dim[i] == 1 || at == axis)) return false;
  }
  int own = axis - (rank - t->rank);
  return holds(m->graph, IF_one_value_a_channel, own >= 0 && t->dim[own] == size);
}

bool ints_are(Ints list, int count, const Dim *want) {
  if (list.count != count) return false;
  for (int i = 0; i < count; i++)
    if (list.at[i] != want[i]) return false;
  return true;
}

void set_shape(Match *m, Attrs *attrs, int rank, const Dim *dims) {
  attrs->shape = ints_copy(m->graph->arena, dims, rank);
}
