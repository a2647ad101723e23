/* dwconv_layernorm: depthwise conv, channels last, then perhaps layernorm over the channels.
 *
 * A task is one output row of all images. Channels go by vectors; for each, the row is cut into even tiles of at most
 * target->dwconv_columns columns. In a tile kx is unrolled: each input column under it is loaded once and meets every
 * accumulator whose window has it, so a 7x7 window over 8 columns takes 14 + 7 loads for 56 FMAs; accumulators, one row
 * of weights and the column fill 16 of 16 registers. Tiles at the edges are emitted apart, without the taps that fall
 * outside; ky is shortened at the top and bottom. With layernorm the row goes to scratch first, then its positions
 * are normalised.
 *
 * The vectors of a cache line meet a tile one after the other, so that the line comes from the second-level cache once.
 * Where channels are so many that the lines under a tile share few sets of the first level, a kernel before copies
 * input and weights to rows of another pitch: ConvNeXt-B's 14x14x512 on v3 from 0.50 ms a call to 0.12. */
#include "backend/lower_layernorm.h"
#include "backend/lower_rows.h"
#include "backend/lower_tile.h"
#include "backend/lower_taps.h"
#include "backend/pitch.h"

enum { MAX_COLUMNS = 16, MAX_TAPS = 16 };

typedef struct {
  Lower *lw;
  ParamId x, w, bias, y;
  bool has_bias;
  RegType type;
  Taps win;
  int64_t channels;
  int64_t pitch; /* elements of x from a position to the next, of w from a tap to the next */
  Affine image, row;
  Affine y_row; /* element of y (or of the scratch row) at column 0, channel 0 */
} Dwconv;

/* A tile: columns ox .. ox + count - 1. fixed: ox as a number, at an edge; -1: all its taps are inside. */
typedef struct {
  Affine ox;
  int count;
  int64_t fixed;
  Affine channel;
  int vectors, lanes; /* so many vectors from this channel on */
  RegId acc[MAX_COLUMNS], w[MAX_TAPS];
  bool hoisted; /* w holds the row of weights; else they are loaded at each use */
} DwTile;

static bool tap_inside(const Dwconv *d, const DwTile *t, int column, int64_t kx) {
  int64_t at = (t->fixed + column) * d->win.sx + kx * d->win.dx - d->win.left;
  return t->fixed < 0 || (at >= 0 && at < d->win.w);
}

static RegId tap_weight(Dwconv *d, DwTile *t, VarId ky, int64_t kx) {
  if (t->hoisted && t->w[kx]) return t->w[kx];
  RegId w = kernel_reg(d->lw->kernel, d->type, t->lanes, "w%d", (int)kx);
  Affine row = affine_plus(affine_var(ky, d->win.kw * d->pitch), kx * d->pitch);
  emit_load(d->lw->kernel, w, d->w, affine_add(row, t->channel));
  if (t->hoisted) t->w[kx] = w;
  return w;
}

/* acc += x w; in f64 no target has an FMA. */
static void add_product(const Dwconv *d, RegId acc, RegId x, RegId w, int lanes) {
  Kernel *k = d->lw->kernel;
  if (d->type == REG_f32) {
    emit_op(k, LOP_fma, acc, x, w, acc);
    return;
  }
  RegId product = kernel_reg(k, d->type, lanes, "p");
  emit_op(k, LOP_mul, product, x, w, 0);
  emit_op(k, LOP_add, acc, acc, product, 0);
}

/* Input column number j under the tile: one load, then every accumulator that it belongs to. */
static void emit_input_column(Dwconv *d, DwTile *t, VarId ky, Affine at, int64_t j) {
  Kernel *k = d->lw->kernel;
  RegId x = 0;
  for (int c = 0; c < t->count; c++) {
    int64_t left = j - c * d->win.sx, kx = left / d->win.dx;
    if (left < 0 || left % d->win.dx || kx >= d->win.kw || !tap_inside(d, t, c, kx)) continue;
    if (!x) {
      x = kernel_reg(k, d->type, t->lanes, "x%d", (int)j);
      emit_load(k, x, d->x, affine_plus(at, j * d->win.stride_x));
    }
    add_product(d, t->acc[c], x, tap_weight(d, t, ky, kx), t->lanes);
  }
}

static void emit_vector(Dwconv *d, DwTile *t) {
  Kernel *k = d->lw->kernel;
  for (int c = 0; c < t->count; c++) {
    t->acc[c] = kernel_reg(k, d->type, t->lanes, "acc%d", c);
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

static void emit_tile(Dwconv *d, const DwTile *tile) {
  DwTile t = *tile;
  if (t.vectors == 1) {
    emit_vector(d, &t);
    return;
  }
  VarId v = emit_for(d->lw->kernel, LOP_for, "v", 0, t.vectors, 1);
  t.channel = affine_add(t.channel, affine_var(v, t.lanes));
  emit_vector(d, &t);
  emit_end(d->lw->kernel);
}

/* The tiles of one size: tile number i covers columns start + i * count. Those at edges one by one, the rest in a loop.
 */
static void emit_tiles(Dwconv *d, int64_t start, int64_t tiles, int count, Affine channel, int vectors, int lanes) {
  Kernel *k = d->lw->kernel;
  DwTile t = {.count = count, .channel = channel, .vectors = vectors, .lanes = lanes};
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

static void emit_columns(Dwconv *d, Affine channel, int vectors, int lanes) {
  RowTiles tiles = row_tiles(d->win.ow, d->lw->target->dwconv_columns);
  for (int s = 0; s < 2; s++)
    if (tiles.count[s]) emit_tiles(d, tiles.start[s], tiles.count[s], tiles.rows[s], channel, vectors, lanes);
}

/* From channel *done on, as many groups of so many vectors as there are, in a loop. */
static void emit_groups(Dwconv *d, int64_t *done, int vectors) {
  Kernel *k = d->lw->kernel;
  const int lanes = d->lw->target->lanes;
  const int64_t end = d->channels - (d->channels - *done) % (vectors * lanes);
  if (end == *done) return;
  VarId c = emit_for(k, LOP_for, "c", *done, end, vectors * lanes);
  emit_columns(d, affine_var(c, 1), vectors, lanes);
  emit_end(k);
  *done = end;
}

/* All channels: by cache lines, whose vectors meet each tile one after the other, then by vectors, then what is left.
 */
static void emit_channels(Dwconv *d) {
  int pieces[MAX_LANES];
  int64_t done = 0;
  emit_groups(d, &done, LINE_FLOATS / d->lw->target->lanes);
  emit_groups(d, &done, 1);
  const int count = lane_pieces(d->lw->target, d->channels - done, pieces);
  for (int i = 0; i < count; done += pieces[i++]) emit_columns(d, affine(done), 1, pieces[i]);
}

static void emit_norm(Dwconv *d, const Op *norm, ParamId y, Affine y_at) {
  NormRows rows = {.x = d->y, .y = y, .x_at = affine(0), .y_at = y_at};
  rows.loop[0].count = d->win.ow;
  rows.loop[0].x_step = rows.loop[0].y_step = d->channels;
  emit_layernorm_rows(d->lw, norm, &rows);
}

/* ---- spread rows ---- */

enum { SPREAD_X, SPREAD_W }; /* temporaries */

typedef struct {
  Kernel *kernel;
  ParamId from, to;
  Affine from_at, to_at;
} Copy;

static void copy_vector(void *user, Affine at, int lanes) {
  const Copy *c = user;
  RegId v = kernel_reg(c->kernel, REG_f32, lanes, "v");
  emit_load(c->kernel, v, c->from, affine_add(c->from_at, at));
  emit_store(c->kernel, c->to, affine_add(c->to_at, at), v);
}

/* rows x each positions of all channels */
static void emit_spread(const Dwconv *d, ParamId from, ParamId to, int64_t rows, int64_t each) {
  Kernel *k = d->lw->kernel;
  VarId row = emit_for(k, LOP_pfor, "row", 0, rows, 1);
  VarId i = emit_for(k, LOP_for, "i", 0, each, 1);
  Copy c = {.kernel = k, .from = from, .to = to};
  c.from_at = affine_add(affine_var(row, each * d->channels), affine_var(i, d->channels));
  c.to_at = affine_add(affine_var(row, each * d->pitch), affine_var(i, d->pitch));
  emit_vectors(d->lw, d->channels, copy_vector, &c);
  emit_end(k);
  emit_end(k);
}

/* A kernel that copies input and weights to temporaries with another pitch. */
static void spread_kernel(const Dwconv *d, const Op *conv) {
  Lower *lw = d->lw;
  const Taps *win = &d->win;
  lower_kernel(lw);
  ParamId x = lower_in(lw, conv->operands[0]), w = lower_in(lw, conv->operands[1]);
  ParamId to = lower_temp(lw, SPREAD_X, DT_f32, win->n * win->h * win->w * d->pitch);
  emit_spread(d, x, to, win->n * win->h, win->w);
  to = lower_temp(lw, SPREAD_W, DT_f32, win->kh * win->kw * d->pitch);
  emit_spread(d, w, to, win->kh, win->kw);
}

static void read_spread(Dwconv *d) {
  Taps *win = &d->win;
  win->stride_x = d->pitch;
  win->stride_y = win->w * win->stride_x;
  win->stride_n = win->h * win->stride_y;
  d->x = lower_temp(d->lw, SPREAD_X, DT_f32, win->n * win->stride_n);
  d->w = lower_temp(d->lw, SPREAD_W, DT_f32, win->kh * win->kw * d->pitch);
}

static void lower_on(Lower *lw) {
  const Op *conv = op_at(lw->graph, lw->ops[0]);
  const Op *norm = lw->op_count > 1 ? op_at(lw->graph, lw->ops[1]) : NULL;
  const Type *in = type_of(lw->graph, conv->operands[0]), *out = type_of(lw->graph, conv->first_result);
  const Type *w = type_of(lw->graph, conv->operands[1]);
  Dwconv d = {
      .lw = lw, .type = reg_type_of(in->dtype), .channels = in->dim[3], .pitch = pitch_of_dwconv(lw->graph, conv)};
  d.win = taps_describe(&conv->attrs, in, out, w->dim[0], w->dim[1], false);
  const bool spread = d.pitch != d.channels;
  if (spread) spread_kernel(&d, conv);
  Kernel *k = lower_kernel(lw);
  if (spread) {
    read_spread(&d);
  } else {
    d.x = lower_in(lw, conv->operands[0]);
    d.w = lower_in(lw, conv->operands[1]);
  }
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

void lower_dwconv_layernorm(Lower *lw) {
  const Target *target = lw->target;
  Target scalars = *target;
  scalars.lanes = 1;
  const DType dtype = type_of(lw->graph, op_at(lw->graph, lw->ops[0])->first_result)->dtype;
  if (!target_has_vectors(target, dtype)) lw->target = &scalars;
  lower_on(lw);
  lw->target = target;
}
