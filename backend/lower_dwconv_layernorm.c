/* dwconv_layernorm: depthwise conv, channels last, then perhaps layernorm over the channels.
 *
 * A task is one output row of all images. Channels go by vectors; for each, the row is cut into even tiles of at most
 * target->dwconv_columns columns. In a tile kx is unrolled: each input column under it is loaded once and meets every
 * accumulator whose window has it, so a 7x7 window over 8 columns takes 14 + 7 loads for 56 FMAs; accumulators, one row
 * of weights and the column fill 16 of 16 registers. Tiles at the edges are emitted apart, without the taps that fall
 * outside; ky is shortened at the top and bottom. With layernorm the row goes to scratch first, then its positions
 * are normalised. */
#include "backend/lower_layernorm.h"
#include "backend/lower_tile.h"
#include "backend/lower_taps.h"

enum { MAX_COLUMNS = 16, MAX_TAPS = 16 };

typedef struct {
  Lower *lw;
  ParamId x, w, bias, y;
  bool has_bias;
  Taps win;
  int64_t channels;
  Affine image, row;
  Affine y_row; /* element of y (or of the scratch row) at column 0, channel 0 */
} Dwconv;

/* A tile: columns ox .. ox + count - 1. fixed: ox as a number, at an edge; -1: all its taps are inside. */
typedef struct {
  Affine ox;
  int count;
  int64_t fixed;
  Affine channel;
  int lanes;
  RegId acc[MAX_COLUMNS], w[MAX_TAPS];
  bool hoisted; /* w holds the row of weights; else they are loaded at each use */
} DwTile;

static bool tap_inside(const Dwconv *d, const DwTile *t, int column, int64_t kx) {
  int64_t at = (t->fixed + column) * d->win.sx + kx * d->win.dx - d->win.left;
  return t->fixed < 0 || (at >= 0 && at < d->win.w);
}

static RegId tap_weight(Dwconv *d, DwTile *t, VarId ky, int64_t kx) {
  if (t->hoisted && t->w[kx]) return t->w[kx];
  RegId w = kernel_reg(d->lw->kernel, REG_f32, t->lanes, "w%d", (int)kx);
  Affine row = affine_plus(affine_var(ky, d->win.kw * d->channels), kx * d->channels);
  emit_load(d->lw->kernel, w, d->w, affine_add(row, t->channel));
  if (t->hoisted) t->w[kx] = w;
  return w;
}

/* Input column number j under the tile: one load, then every accumulator that it belongs to. */
static void emit_input_column(Dwconv *d, DwTile *t, VarId ky, Affine at, int64_t j) {
  Kernel *k = d->lw->kernel;
  RegId x = 0;
  for (int c = 0; c < t->count; c++) {
    int64_t left = j - c * d->win.sx, kx = left / d->win.dx;
    if (left < 0 || left % d->win.dx || kx >= d->win.kw || !tap_inside(d, t, c, kx)) continue;
    if (!x) {
      x = kernel_reg(k, REG_f32, t->lanes, "x%d", (int)j);
      emit_load(k, x, d->x, affine_plus(at, j * d->win.stride_x));
    }
    emit_op(k, LOP_fma, t->acc[c], x, tap_weight(d, t, ky, kx), t->acc[c]);
  }
}

static void emit_tile(Dwconv *d, DwTile *t) {
  Kernel *k = d->lw->kernel;
  for (int c = 0; c < t->count; c++) {
    t->acc[c] = kernel_reg(k, REG_f32, t->lanes, "acc%d", c);
    if (!d->has_bias)
      emit_const(k, t->acc[c], 0);
    else if (c == 0)
      emit_load(k, t->acc[c], d->bias, t->channel);
    else
      emit_op(k, LOP_mov, t->acc[c], t->acc[0], 0, 0);
  }
  VarId ky = taps_loop_y(k, &d->win, d->row);
  Affine at = affine_add(taps_address(&d->win, d->image, d->row, t->ox, ky, 0), t->channel);
  t->hoisted = d->win.kw <= MAX_TAPS && d->win.kw + t->count < d->lw->target->registers;
  for (int i = 0; i < MAX_TAPS; i++) t->w[i] = 0;
  for (int64_t j = 0; j <= (t->count - 1) * d->win.sx + (d->win.kw - 1) * d->win.dx; j++)
    emit_input_column(d, t, ky, at, j);
  emit_end(k);
  Affine y = affine_add(affine_add(d->y_row, affine_scale(t->ox, d->channels)), t->channel);
  for (int c = 0; c < t->count; c++) emit_store(k, d->y, affine_plus(y, c * d->channels), t->acc[c]);
}

/* The tiles of one size: tile number i covers columns start + i * count. Those at edges one by one, the rest in a loop.
 */
static void emit_tiles(Dwconv *d, int64_t start, int64_t tiles, int count, Affine channel, int lanes) {
  Kernel *k = d->lw->kernel;
  DwTile t = {.count = count, .channel = channel, .lanes = lanes};
  int64_t i = 0;
  for (; i < tiles; i++) {
    int64_t end = i; /* first tile from i on that is at an edge */
    while (end < tiles && start + end * count >= d->win.inner_first && start + (end + 1) * count <= d->win.inner_last)
      end++;
    if (end > i) {
      VarId tile = emit_for(k, LOP_for, "tile", 0, end - i, 1);
      t.ox = affine_plus(affine_var(tile, count), start + i * count);
      t.fixed = -1;
      emit_tile(d, &t);
      emit_end(k);
    }
    if (end == tiles) return;
    t.fixed = start + end * count;
    t.ox = affine(t.fixed);
    emit_tile(d, &t);
    i = end;
  }
}

static void emit_columns(Dwconv *d, Affine channel, int lanes) {
  RowTiles tiles = row_tiles(d->win.ow, d->lw->target->dwconv_columns);
  for (int s = 0; s < 2; s++)
    if (tiles.count[s]) emit_tiles(d, tiles.start[s], tiles.count[s], tiles.rows[s], channel, lanes);
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
  NormRows rows = {.x = d->y, .y = y, .x_at = affine(0), .y_at = y_at};
  rows.loop[0].count = d->win.ow;
  rows.loop[0].x_step = rows.loop[0].y_step = d->channels;
  emit_layernorm_rows(d->lw, norm, &rows);
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
