/* Loops over contiguous elements in vectors; see lower_rows.h. */
#include "backend/lower_rows.h"

void emit_vectors(Lower *lw, int64_t count, EmitVector emit, void *user) {
  int lanes = lw->target->lanes, pieces[MAX_LANES];
  int64_t whole = count / lanes * lanes;
  if (whole) {
    VarId c = emit_for(lw->kernel, LOP_for, "c", 0, whole, lanes);
    emit(user, affine_var(c, 1), lanes);
    emit_end(lw->kernel);
  }
  int left = lane_pieces(lw->target, count - whole, pieces);
  for (int i = 0; i < left; whole += pieces[i++]) emit(user, affine(whole), pieces[i]);
}
