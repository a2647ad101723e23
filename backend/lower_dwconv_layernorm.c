/* dwconv_layernorm: depthwise conv, channels last, then perhaps layernorm over the channels.
 *
 * A task is one output row of all images. Channels go by vectors; for each, the row's columns are cut into even tiles of
 * at most target->dwconv_columns columns whose windows lie inside the image in x, and single columns at the edges with
 * shortened kx; ky is shortened at the top and bottom. With layernorm the row goes to scratch first, then each position
 * is normalised while it is in L1. */
#include "backend/lower_layernorm.h"
#include "backend/lower_tile.h"
#include "backend/lower_taps.h"

typedef struct {
  Lower *lw;
  ParamId x, w, bias, y;
  bool has_bias;
  Taps win;
  int64_t channels;
  Affine image, row;
  Affine y_row;          /* element of y (or of the scratch row) at column 0, channel 0 */
} Dwconv;

/* A tile of `columns` output columns from ox, channels c .. c + lanes - 1. */
static void emit_tile(Dwconv *d, Affine ox, int columns, Affine c, int lanes, bool edge) {
  Kernel *k = d->lw->kernel;
  RegId acc[32], w = kernel_reg(k, REG_f32, lanes, "w"), x = kernel_reg(k, REG_f32, lanes, "x");
  for (int t = 0; t < columns; t++) {
    acc[t] = kernel_reg(k, REG_f32, lanes, "acc%d", t);
    if (!d->has_bias) emit_const(k, acc[t], 0);
    else if (t == 0) emit_load(k, acc[t], d->bias, c);
    else emit_op(k, LOP_mov, acc[t], acc[0], 0, 0);
  }
  VarId ky = taps_loop_y(k, &d->win, d->row);
  VarId kx = taps_loop_x(k, &d->win, ox, edge);
  Affine at = affine_add(taps_address(&d->win, d->image, d->row, ox, ky, kx), c);
  Affine tap = affine_add(affine_var(ky, d->win.kw * d->channels), affine_var(kx, d->channels));
  emit_load(k, w, d->w, affine_add(tap, c));
  for (int t = 0; t < columns; t++) {
    emit_load(k, x, d->x, affine_plus(at, t * d->win.sx * d->win.stride_x));
    emit_op(k, LOP_fma, acc[t], x, w, acc[t]);
  }
  emit_end(k);
  emit_end(k);
  Affine y = affine_add(affine_add(d->y_row, affine_scale(ox, d->channels)), c);
  for (int t = 0; t < columns; t++) emit_store(k, d->y, affine_plus(y, t * d->channels), acc[t]);
}

static void emit_edge(Dwconv *d, int64_t first, int64_t last, Affine c, int lanes) {
  if (first >= last) return;
  VarId ox = emit_for(d->lw->kernel, LOP_for, "ox", first, last, 1);
  emit_tile(d, affine_var(ox, 1), 1, c, lanes, true);
  emit_end(d->lw->kernel);
}

static void emit_columns(Dwconv *d, Affine c, int lanes) {
  Kernel *k = d->lw->kernel;
  emit_edge(d, 0, d->win.inner_first, c, lanes);
  RowTiles tiles = row_tiles(d->win.inner_last - d->win.inner_first, d->lw->target->dwconv_columns);
  for (int s = 0; s < 2; s++) {
    if (!tiles.count[s]) continue;
    VarId tile = emit_for(k, LOP_for, "tile", 0, tiles.count[s], 1);
    Affine ox = affine_plus(affine_var(tile, tiles.rows[s]), d->win.inner_first + tiles.start[s]);
    emit_tile(d, ox, tiles.rows[s], c, lanes, false);
    emit_end(k);
  }
  emit_edge(d, d->win.inner_last, d->win.ow, c, lanes);
}

/* All channels: whole vectors in a loop, then what is left. */
static void emit_channels(Dwconv *d) {
  Kernel *k = d->lw->kernel;
  int lanes = d->lw->target->lanes, pieces[MAX_LANES];
  int64_t whole = d->channels / lanes * lanes;
  if (whole) {
    VarId c = emit_for(k, LOP_for, "c", 0, whole, lanes);
    emit_columns(d, affine_var(c, 1), lanes);
    emit_end(k);
  }
  int count = lane_pieces(d->lw->target, d->channels - whole, pieces);
  for (int i = 0; i < count; whole += pieces[i++]) emit_columns(d, affine(whole), pieces[i]);
}

static void emit_norm(Dwconv *d, const Op *norm, ParamId y, Affine y_at) {
  Kernel *k = d->lw->kernel;
  VarId ox = emit_for(k, LOP_for, "px", 0, d->win.ow, 1);
  Affine from = affine_var(ox, d->channels);
  emit_layernorm_row(d->lw, norm, d->y, from, y, affine_add(y_at, from));
  emit_end(k);
}

void lower_dwconv_layernorm(Lower *lw) {
  const Op *conv = op_at(lw->graph, lw->ops[0]);
  const Op *norm = lw->op_count > 1 ? op_at(lw->graph, lw->ops[1]) : NULL;
  const Type *in = type_of(lw->graph, conv->operands[0]), *out = type_of(lw->graph, conv->first_result);
  const Type *w = type_of(lw->graph, conv->operands[1]);
  Kernel *k = lower_kernel(lw);
  Dwconv d = {.lw = lw, .channels = in->dim[3]};
  d.win = taps_describe(&conv->attrs, in, out, w->dim[0], w->dim[1], false);
  d.x = lower_in(lw, conv->operands[0]);
  d.w = lower_in(lw, conv->operands[1]);
  d.has_bias = conv->operand_count > 2 && conv->operands[2];
  if (d.has_bias) d.bias = lower_in(lw, conv->operands[2]);
  ParamId y = lower_out(lw, (norm ? norm : conv)->first_result);
  d.y = norm ? lower_scratch(lw, 0, DT_f32, d.win.ow * d.channels) : y;
  d.row = affine_var(emit_for(k, LOP_pfor, "oy", 0, d.win.oh, 1), 1);
  d.image = affine_var(emit_for(k, LOP_for, "n", 0, d.win.n, 1), 1);
  Affine y_at = affine_scale(affine_add(affine_scale(d.image, d.win.oh), d.row), d.win.ow * d.channels);
  d.y_row = norm ? affine(0) : y_at;
  emit_channels(&d);
  if (norm) emit_norm(&d, norm, y, y_at);
  emit_end(k);
  emit_end(k);
}
