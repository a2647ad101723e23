/* Family pool: max and average over windows, channels last or at axis 1, any number of spatial axes.
 *
 * A result element is (plane, window, channel). nhwc: planes are images, channels go in vectors. NCHW: planes are
 * image x channel, there is one channel. Windows are cut at the borders by the bounds of the tap loops; an average over
 * cut windows counts the taps of each axis with a loop of its own. A NaN in a window is its largest element. */
#include "backend/lower_window.h"
#include <math.h>

enum { VECTORS = 4 }; /* channels at once: 4 accumulators hide the latency of one */

typedef struct {
  Lower *lower;
  ParamId x, y;
  DType dtype;
  RegType type;
  bool average, count_pad;
  int axes;
  Slide slide[MAX_SPATIAL];
  int64_t planes, channels;
  int64_t x_stride[MAX_SPATIAL], y_stride[MAX_SPATIAL], x_plane, y_plane;
  RegPool acc, tap, number, count;
  const Segment *segment; /* channels now */
} Pool;

/* Loop numbers in the nest of one segment. */
enum { LOOP_PLANE, LOOP_CHANNEL, LOOP_WINDOW };

/* How many taps does an axis have? A register counts them where windows differ; 0: all have `kernel`. */
static RegId count_taps(Pool *p, int axis, Affine o) {
  Kernel *k = p->lower->kernel;
  const Slide *s = &p->slide[axis];
  int64_t begin = p->count_pad ? s->w.begin : 0, end = p->count_pad ? s->w.end : 0;
  if (slide_complete(s, 0, s->out, begin, end)) return 0;
  RegId n = pool_reg(&p->count, 1, axis), one = pool_reg(&p->count, 1, MAX_SPATIAL);
  int open = 0;
  emit_const(k, n, 0);
  emit_const(k, one, 1);
  slide_taps(k, s, "t", o, 0, s->out, begin, end, &open);
  emit_op(k, LOP_add, n, n, one, 0);
  while (open--) emit_end(k);
  return n;
}

/* The divisor of an average in every lane. */
static RegId divisor(Pool *p, const Nest *nest) {
  Kernel *k = p->lower->kernel;
  double constant = 1;
  RegId product = pool_reg(&p->count, 1, MAX_SPATIAL + 1), counted[MAX_SPATIAL];
  int n = 0, lanes = p->segment->lanes;
  for (int a = 0; a < p->axes; a++) {
    counted[n] = count_taps(p, a, nest_at(nest, LOOP_WINDOW + a, 1));
    if (counted[n])
      n++;
    else
      constant *= (double)p->slide[a].w.kernel;
  }
  emit_const(k, product, constant);
  for (int i = 0; i < n; i++) emit_op(k, LOP_mul, product, product, counted[i], 0);
  if (lanes == 1) return product;
  RegId spread = pool_reg(&p->count, lanes, 0);
  emit_op(k, LOP_splat, spread, product, 0, 0);
  return spread;
}

/* The smallest value of an element's type; -2^63 is no exact literal of the loop IR. */
static void emit_smallest(Pool *p, RegId dst) {
  Kernel *k = p->lower->kernel;
  if (p->type == REG_f32 || p->type == REG_f64) {
    emit_const(k, dst, -(double)INFINITY);
  } else if (dtype_is_unsigned(p->dtype)) {
    emit_const(k, dst, 0);
  } else if (p->type == REG_i64) {
    RegId shift = pool_reg(&p->count, 1, 0);
    emit_const(k, dst, 1);
    emit_const(k, shift, 63);
    emit_op(k, LOP_shl, dst, dst, shift, 0);
  } else {
    emit_const(k, dst, -ldexp(1, (int)dtype_bytes(p->dtype) * 8 - 1));
  }
}

static void reduce_window(Pool *p, const Nest *nest, Affine x) {
  Kernel *k = p->lower->kernel;
  int lanes = p->segment->lanes, vectors = p->segment->block / lanes, open = 0;
  for (int a = 0; a < p->axes; a++) {
    static const char *const names[] = {"k0", "k1", "k2", "k3", "k4", "k5"};
    Affine o = nest_at(nest, LOOP_WINDOW + a, 1);
    Affine tap = slide_taps(k, &p->slide[a], names[a], o, 0, p->slide[a].out, 0, 0, &open);
    x = affine_add(x, affine_scale(slide_element(&p->slide[a], o, tap), p->x_stride[a]));
  }
  for (int v = 0; v < vectors; v++) {
    RegId acc = pool_reg(&p->acc, lanes, v), tap = pool_reg(&p->tap, lanes, 0);
    emit_load(k, tap, p->x, affine_plus(x, v * lanes));
    emit_op(k, p->average ? LOP_add : LOP_max, acc, tap, acc, 0);
    if (p->average || !dtype_is_float(p->dtype)) continue;
    RegId number = pool_reg(&p->number, lanes, 0); /* tap > acc keeps a NaN in acc; this lets one in */
    emit_op(k, LOP_eq, number, tap, tap, 0);
    emit_op(k, LOP_select, acc, number, acc, tap);
  }
  while (open--) emit_end(k);
}

static void pool_windows(void *user, Nest *nest) {
  Pool *p = user;
  Kernel *k = p->lower->kernel;
  int lanes = p->segment->lanes, vectors = p->segment->block / lanes;
  nest_open(k, nest);
  Affine c = nest_at(nest, LOOP_CHANNEL, 1);
  Affine x = affine_add(c, nest_at(nest, LOOP_PLANE, p->x_plane));
  Affine y = affine_add(c, nest_at(nest, LOOP_PLANE, p->y_plane));
  for (int a = 0; a < p->axes; a++) y = affine_add(y, nest_at(nest, LOOP_WINDOW + a, p->y_stride[a]));
  RegId count = p->average ? divisor(p, nest) : 0;
  for (int v = 0; v < vectors; v++) {
    if (p->average)
      emit_const(k, pool_reg(&p->acc, lanes, v), 0);
    else
      emit_smallest(p, pool_reg(&p->acc, lanes, v));
  }
  reduce_window(p, nest, x);
  for (int v = 0; v < vectors; v++) {
    RegId acc = pool_reg(&p->acc, lanes, v);
    if (count) emit_op(k, LOP_div, acc, acc, count, 0);
    emit_store(k, p->y, affine_plus(y, v * lanes), acc);
  }
  nest_close(k, nest);
}

static void pool_segment(Pool *p, const Segment *s) {
  static const char *const names[] = {"o0", "o1", "o2", "o3", "o4", "o5"};
  Nest nest = {0};
  nest_add(&nest, "p", 0, p->planes, 1);
  nest_add(&nest, "c", s->start, s->start + s->count, s->block);
  for (int a = 0; a < p->axes; a++) nest_add(&nest, names[a], 0, p->slide[a].out, 1);
  p->segment = s;
  nest_limited(nest, MAX_TERMS - p->axes, pool_windows, p);
}

static Pool pool_of(Lower *lw, const Op *op) {
  const Type *x = type_of(lw->graph, op->operands[0]);
  bool last = op->attrs.layout != NULL;
  Pool p = {.lower = lw, .dtype = x->dtype, .type = reg_type_of(x->dtype)};
  p.average = op->kind == OP_avg_pool;
  p.count_pad = op->attrs.count_pad;
  p.axes = slides_of(lw->graph, op, last, p.slide);
  p.channels = last ? x->dim[x->rank - 1] : 1;
  p.planes = last ? x->dim[0] : x->dim[0] * x->dim[1];
  p.x_plane = p.y_plane = p.channels;
  for (int a = p.axes - 1; a >= 0; a--) {
    p.x_stride[a] = p.x_plane;
    p.y_stride[a] = p.y_plane;
    p.x_plane *= p.slide[a].in;
    p.y_plane *= p.slide[a].out;
  }
  p.x = lower_in(lw, op->operands[0]);
  p.y = lower_out(lw, op->first_result);
  p.acc = pool_new(lw->kernel, p.type, "acc");
  p.tap = pool_new(lw->kernel, p.type, "tap");
  p.number = pool_new(lw->kernel, REG_i32, "number");
  p.count = pool_new(lw->kernel, p.type, "n");
  return p;
}

void lower_pool(Lower *lw) {
  if (lw->op_count != 1) die("a pool group of %u ops", lw->op_count);
  const Op *op = op_at(lw->graph, lw->ops[0]);
  if (!type_elements(type_of(lw->graph, op->first_result))) return;
  lower_kernel(lw);
  Pool p = pool_of(lw, op);
  Segment s[MAX_SEGMENTS];
  int count = segments_of_lanes(lw->target, target_has_vectors(lw->target, p.dtype), 0, p.channels, VECTORS, s);
  for (int i = 0; i < count; i++) pool_segment(&p, &s[i]);
}
