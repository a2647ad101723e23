/* Loop nests, segments and register pools; see lower_nest.h. */
#include "backend/lower_nest.h"

enum { ENOUGH_TASKS = 8 };

int nest_add(Nest *n, const char *name, int64_t low, int64_t high, int64_t step) {
  if (n->count == MAX_NEST) die("a nest of more than %d loops", MAX_NEST);
  n->loop[n->count] = (NestLoop){.name = name, .low = low, .high = high, .step = step};
  return n->count++;
}

static int64_t trips(const NestLoop *l) { return (l->high - l->low + l->step - 1) / l->step; }

static int parallel_loop(const Nest *n) {
  int best = 0;
  for (int i = 0; i < n->count; i++) {
    if (trips(&n->loop[i]) >= ENOUGH_TASKS) return i;
    if (trips(&n->loop[i]) > trips(&n->loop[best])) best = i;
  }
  return best;
}

static void open_loop(Kernel *k, Nest *n, int i, LoopOp op) {
  NestLoop *l = &n->loop[i];
  if (op == LOP_for && trips(l) == 1) return;
  l->var = emit_for(k, op, l->name, l->low, l->high, l->step);
  n->open++;
}

void nest_open(Kernel *k, Nest *n) {
  if (!n->count) nest_add(n, "one", 0, 1, 1);
  int parallel = parallel_loop(n);
  open_loop(k, n, parallel, LOP_pfor);
  for (int i = 0; i < n->count; i++)
    if (i != parallel) open_loop(k, n, i, LOP_for);
}

void nest_close(Kernel *k, Nest *n) {
  for (; n->open; n->open--) emit_end(k);
}

Affine nest_at(const Nest *n, int loop, int64_t stride) {
  const NestLoop *l = &n->loop[loop];
  return trips(l) == 1 ? affine(l->low * stride) : affine_var(l->var, stride);
}

void nest_limited(Nest n, int loops, NestBody *body, void *user) {
  int real = 0, shortest = -1;
  for (int i = 0; i < n.count; i++) {
    if (trips(&n.loop[i]) == 1) continue;
    real++;
    if (shortest < 0 || trips(&n.loop[i]) < trips(&n.loop[shortest])) shortest = i;
  }
  if (real <= loops) {
    body(user, &n);
    return;
  }
  NestLoop whole = n.loop[shortest];
  for (int64_t v = whole.low; v < whole.high; v += whole.step) {
    n.loop[shortest].low = v;
    n.loop[shortest].high = v + whole.step;
    nest_limited(n, loops, body, user);
  }
}

int segments_of_rows(int64_t start, int64_t count, int block, Segment *out) {
  int n = 0;
  int64_t full = count / block * block;
  if (full) out[n++] = (Segment){start, full, block, 1};
  if (count > full) out[n++] = (Segment){start + full, count - full, (int)(count - full), 1};
  return n;
}

int segments_of_lanes(const Target *t, bool has_vectors, int64_t start, int64_t count, int vectors, Segment *out) {
  if (!has_vectors) return segments_of_rows(start, count, vectors, out);
  int n = 0, pieces[MAX_LANES * 16];
  int block = t->lanes * vectors;
  int64_t full = count / block * block;
  if (full) out[n++] = (Segment){start, full, block, t->lanes};
  start += full;
  int piece_count = lane_pieces(t, count - full, pieces);
  for (int i = 0; i < piece_count; i++) {
    if (n && out[n - 1].block == pieces[i])
      out[n - 1].count += pieces[i];
    else
      out[n++] = (Segment){start, pieces[i], pieces[i], pieces[i]};
    start += pieces[i];
  }
  return n;
}

RegPool pool_new(Kernel *k, RegType type, const char *letter) {
  return (RegPool){.kernel = k, .type = type, .letter = letter};
}

RegId pool_reg(RegPool *p, int lanes, int number) {
  int log = 0;
  while (1 << log < lanes) log++;
  RegId *r = &p->reg[log][number];
  if (!*r && lanes > 1) *r = kernel_reg(p->kernel, p->type, lanes, "%s%d_%d", p->letter, number, lanes);
  if (!*r) *r = kernel_reg(p->kernel, p->type, 1, "%s%d", p->letter, number);
  return *r;
}

void emit_multiply_add(Kernel *k, RegType type, RegId acc, RegId a, RegId b, RegId product) {
  if (type == REG_f32) {
    emit_op(k, LOP_fma, acc, a, b, acc);
    return;
  }
  emit_op(k, LOP_mul, product, a, b, 0);
  emit_op(k, LOP_add, acc, acc, product, 0);
}

void emit_spread(Kernel *k, RegId dst, int lanes, ParamId p, Affine at) {
  if (lanes > 1)
    emit_loads(k, dst, p, at);
  else
    emit_load(k, dst, p, at);
}
