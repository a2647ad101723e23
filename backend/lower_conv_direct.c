/* Family conv_direct: any convolution as plain loops: both layouts, groups, any number of spatial axes.
 *
 * nhwc: weights are [K..., I/group, O], so vectors run over output channels; each input element is spread.
 * NCHW: vectors run over the last spatial axis where its stride is 1 and all taps are inside; a tile is rows of output
 * channels x vectors of columns. Columns at the border are done one by one. Without vectors both tile with scalars.
 * A depthwise conv (one channel in and out of each group) is one group whose input channel moves with the output's.
 * Tap loops are cut at the borders by their bounds. */
#include "backend/lower_window.h"

enum {
  CHANNEL_VECTORS = 4, /* nhwc: accumulators of one window */
  COLUMN_ROWS = 4,     /* NCHW: 4 channels x 2 vectors = 8 accumulators + 2 inputs + 1 weight of 16 registers */
  COLUMN_VECTORS = 2,
};

typedef struct {
  Lower *lower;
  ParamId x, w, bias, y;
  RegType type;
  bool channels_last, has_bias, has_vectors, depthwise;
  int axes;
  Slide slide[MAX_SPATIAL];
  int64_t batch, groups, group_in, group_out;        /* channels of one group */
  int64_t x_image, x_channel, x_stride[MAX_SPATIAL]; /* strides */
  int64_t y_image, y_channel, y_stride[MAX_SPATIAL];
  int64_t w_out, w_in, w_tap[MAX_SPATIAL];
  RegPool acc, input, weight, product;
  const Segment *channels, *columns; /* of the tile now */
} Conv;

/* Loop numbers in the nest of one tile; windows behind. */
enum { LOOP_IMAGE, LOOP_GROUP, LOOP_CHANNEL, LOOP_WINDOW };

/* A tile's first element in each tensor, and its shape: rows of output channels x vectors of lanes. nhwc: one row, the
 * vectors are channels. NCHW: the vectors are columns. */
typedef struct {
  Affine x, w, bias, y;
  int rows, vectors, lanes;
} Tile;

static Tile tile_of(const Conv *c, const Nest *nest) {
  int64_t in = c->depthwise ? c->x_channel : 0;
  Affine channel = affine_add(nest_at(nest, LOOP_GROUP, c->group_out), nest_at(nest, LOOP_CHANNEL, 1));
  Tile t = {.x = affine_add(nest_at(nest, LOOP_GROUP, c->group_in * c->x_channel), nest_at(nest, LOOP_CHANNEL, in)),
            .w = affine_scale(channel, c->w_out),
            .bias = channel,
            .y = affine_scale(channel, c->y_channel)};
  t.x = affine_add(t.x, nest_at(nest, LOOP_IMAGE, c->x_image));
  t.y = affine_add(t.y, nest_at(nest, LOOP_IMAGE, c->y_image));
  for (int a = 0; a < c->axes; a++) t.y = affine_add(t.y, nest_at(nest, LOOP_WINDOW + a, c->y_stride[a]));
  const Segment *vectors = c->channels_last ? c->channels : c->columns;
  t.rows = c->channels_last ? 1 : c->channels->block;
  t.lanes = vectors->lanes;
  t.vectors = vectors->block / t.lanes;
  return t;
}

static void start_accumulators(Conv *c, const Tile *t) {
  Kernel *k = c->lower->kernel;
  for (int r = 0; r < t->rows; r++)
    for (int v = 0; v < t->vectors; v++) {
      RegId acc = pool_reg(&c->acc, t->lanes, r * t->vectors + v);
      if (!c->has_bias)
        emit_const(k, acc, 0);
      else if (c->channels_last)
        emit_load(k, acc, c->bias, affine_plus(t->bias, v * t->lanes));
      else if (v)
        emit_op(k, LOP_mov, acc, pool_reg(&c->acc, t->lanes, r * t->vectors), 0, 0);
      else
        emit_spread(k, acc, t->lanes, c->bias, affine_plus(t->bias, r));
    }
}

/* One tap of one input channel, nhwc. */
static void channels_step(Conv *c, const Tile *t, Affine x, Affine w) {
  Kernel *k = c->lower->kernel;
  RegId input = pool_reg(&c->input, t->lanes, 0), weight = pool_reg(&c->weight, t->lanes, 0);
  if (!c->depthwise) emit_spread(k, input, t->lanes, c->x, x);
  for (int v = 0; v < t->vectors; v++) {
    if (c->depthwise) emit_load(k, input, c->x, affine_plus(x, v * t->lanes));
    emit_load(k, weight, c->w, affine_plus(w, v * t->lanes));
    emit_multiply_add(k, c->type, pool_reg(&c->acc, t->lanes, v), input, weight,
                      c->type == REG_f32 ? 0 : pool_reg(&c->product, t->lanes, 0));
  }
}

static void load_columns(Conv *c, const Tile *t, Affine x) {
  int64_t step = c->slide[c->axes - 1].w.stride * t->lanes; /* vectors of more than one lane have stride 1 */
  for (int v = 0; v < t->vectors; v++)
    emit_load(c->lower->kernel, pool_reg(&c->input, t->lanes, v), c->x, affine_plus(x, v * step));
}

/* One tap of one input channel, NCHW. */
static void columns_step(Conv *c, const Tile *t, Affine x, Affine w) {
  Kernel *k = c->lower->kernel;
  RegId weight = pool_reg(&c->weight, t->lanes, 0);
  for (int r = 0; r < t->rows; r++) {
    if (c->depthwise || !r) load_columns(c, t, affine_plus(x, r * (c->depthwise ? c->x_channel : 0)));
    emit_spread(k, weight, t->lanes, c->w, affine_plus(w, r * c->w_out));
    for (int v = 0; v < t->vectors; v++)
      emit_multiply_add(k, c->type, pool_reg(&c->acc, t->lanes, r * t->vectors + v), pool_reg(&c->input, t->lanes, v),
                        weight, c->type == REG_f32 ? 0 : pool_reg(&c->product, t->lanes, 0));
  }
}

/* Loops over the taps, then (nhwc) or around (NCHW) the input channels of the group. */
static void accumulate(Conv *c, const Tile *t, const Nest *nest) {
  static const char *const names[] = {"k0", "k1", "k2", "k3", "k4", "k5"};
  Kernel *k = c->lower->kernel;
  Affine x = t->x, w = t->w, in = affine(0);
  int open = 0;
  bool many = c->group_in != 1;
  if (many && !c->channels_last) in = affine_var(emit_for(k, LOP_for, "i", 0, c->group_in, 1), 1);
  for (int a = 0; a < c->axes; a++) {
    bool last = a == c->axes - 1 && !c->channels_last;
    int64_t low = last ? c->columns->start : 0, high = last ? low + c->columns->count : c->slide[a].out;
    Affine o = nest_at(nest, LOOP_WINDOW + a, 1);
    Affine tap = slide_taps(k, &c->slide[a], names[a], o, low, high, 0, 0, &open);
    x = affine_add(x, affine_scale(slide_element(&c->slide[a], o, tap), c->x_stride[a]));
    w = affine_add(w, affine_scale(tap, c->w_tap[a]));
  }
  if (many && c->channels_last) in = affine_var(emit_for(k, LOP_for, "i", 0, c->group_in, 1), 1);
  x = affine_add(x, affine_scale(in, c->x_channel));
  w = affine_add(w, affine_scale(in, c->w_in));
  if (c->channels_last)
    channels_step(c, t, x, w);
  else
    columns_step(c, t, x, w);
  for (open += many; open; open--) emit_end(k);
}

static void conv_tile(void *user, Nest *nest) {
  Conv *c = user;
  Kernel *k = c->lower->kernel;
  nest_open(k, nest);
  Tile t = tile_of(c, nest);
  start_accumulators(c, &t);
  accumulate(c, &t, nest);
  for (int r = 0; r < t.rows; r++)
    for (int v = 0; v < t.vectors; v++)
      emit_store(k, c->y, affine_plus(t.y, r * c->y_channel + v * t.lanes),
                 pool_reg(&c->acc, t.lanes, r * t.vectors + v));
  nest_close(k, nest);
}

static void conv_segments(Conv *c, const Segment *channels, const Segment *columns) {
  static const char *const names[] = {"o0", "o1", "o2", "o3", "o4", "o5"};
  Nest nest = {0};
  nest_add(&nest, "n", 0, c->batch, 1);
  nest_add(&nest, "g", 0, c->groups, 1);
  nest_add(&nest, "c", channels->start, channels->start + channels->count, channels->block);
  for (int a = 0; a < c->axes - 1; a++) nest_add(&nest, names[a], 0, c->slide[a].out, 1);
  nest_add(&nest, names[c->axes - 1], columns->start, columns->start + columns->count, columns->block);
  c->channels = channels;
  c->columns = columns;
  nest_limited(nest, MAX_TERMS - c->axes - (c->group_in != 1), conv_tile, c);
}

static int push_segment(Segment *s, int n, int64_t first, int64_t last) {
  if (first < last) s[n++] = (Segment){first, last - first, 1, 1};
  return n;
}

/* NCHW: border columns one by one, whole windows between them in vectors or groups of scalars. */
static int column_segments(const Conv *c, Segment *s) {
  const Slide *last = &c->slide[c->axes - 1];
  int64_t first, end;
  slide_interior(last, &first, &end);
  int n = push_segment(s, 0, 0, first);
  bool vectors = c->has_vectors && last->w.stride == 1;
  n += segments_of_lanes(c->lower->target, vectors, first, end - first, COLUMN_VECTORS, s + n);
  return push_segment(s, n, end, last->out);
}

static void set_geometry(Conv *c, const Type *x, const Type *w, const Type *y) {
  int64_t xs[MAX_RANK], ws[MAX_RANK], ys[MAX_RANK];
  bool last = c->channels_last;
  int channel = last ? x->rank - 1 : 1, spatial = last ? 1 : 2;
  type_strides(x, xs);
  type_strides(w, ws);
  type_strides(y, ys);
  c->x_image = xs[0];
  c->y_image = ys[0];
  c->x_channel = xs[channel];
  c->y_channel = ys[channel];
  c->w_out = ws[last ? w->rank - 1 : 0];
  c->w_in = ws[last ? w->rank - 2 : 1];
  for (int a = 0; a < c->axes; a++) {
    c->x_stride[a] = xs[spatial + a];
    c->y_stride[a] = ys[spatial + a];
    c->w_tap[a] = ws[last ? a : 2 + a];
  }
  c->batch = x->dim[0];
  c->group_in = x->dim[channel] / c->groups;
  c->group_out = y->dim[channel] / c->groups;
  c->depthwise = c->groups > 1 && c->group_in == 1 && c->group_out == 1;
  if (!c->depthwise) return;
  c->group_out = c->groups;
  c->groups = 1;
}

static Conv conv_of(Lower *lw, const Op *op) {
  const Graph *g = lw->graph;
  const Type *y = type_of(g, op->first_result);
  Conv c = {.lower = lw,
            .type = reg_type_of(y->dtype),
            .channels_last = op->attrs.layout != NULL,
            .has_bias = op->operand_count > 2 && op->operands[2],
            .has_vectors = target_has_vectors(lw->target, y->dtype),
            .groups = op->attrs.group};
  c.axes = slides_of(g, op, c.channels_last, c.slide);
  set_geometry(&c, type_of(g, op->operands[0]), type_of(g, op->operands[1]), y);
  c.x = lower_in(lw, op->operands[0]);
  c.w = lower_in(lw, op->operands[1]);
  if (c.has_bias) c.bias = lower_in(lw, op->operands[2]);
  c.y = lower_out(lw, op->first_result);
  c.acc = pool_new(lw->kernel, c.type, "acc");
  c.input = pool_new(lw->kernel, c.type, "in");
  c.weight = pool_new(lw->kernel, c.type, "weight");
  c.product = pool_new(lw->kernel, c.type, "product");
  return c;
}

void lower_conv_direct(Lower *lw) {
  if (lw->op_count != 1) die("a conv_direct group of %u ops", lw->op_count);
  const Op *op = op_at(lw->graph, lw->ops[0]);
  if (op->attrs.cols) die("conv_direct takes no packed weight");
  if (!type_elements(type_of(lw->graph, op->first_result))) return;
  lower_kernel(lw);
  Conv c = conv_of(lw, op);
  Segment channels[MAX_SEGMENTS], columns[MAX_SEGMENTS];
  int channel_count, column_count = 1;
  if (c.channels_last) {
    channel_count = segments_of_lanes(lw->target, c.has_vectors, 0, c.group_out, CHANNEL_VECTORS, channels);
    columns[0] = (Segment){0, c.slide[c.axes - 1].out, 1, 1};
  } else {
    channel_count = segments_of_rows(0, c.group_out, COLUMN_ROWS, channels);
    column_count = column_segments(&c, columns);
  }
  for (int i = 0; i < channel_count; i++)
    for (int j = 0; j < column_count; j++) conv_segments(&c, &channels[i], &columns[j]);
}
