/* Strided copies as loop nests: axes are merged where both strides allow; then a contiguous inner axis goes in vectors,
 * a transposed one in strips of 8, anything else element by element. See lower_copy.h. */
#include "backend/lower_copy.h"

enum {
  TASK_ELEMENTS = 4096, /* of a copy of one axis: tasks of 16 KiB */
  STRIP = 8,            /* rows of a transpose written side by side: half a cache line is read at once */
  UNROLL = 4,           /* at most so many equal steps are written out instead of looped */
};

void copy_axis(Copy *c, int64_t size, int64_t from_stride, int64_t to_stride) {
  if (c->rank == MAX_COPY_AXES) die("a copy of more than %d axes", MAX_COPY_AXES);
  c->size[c->rank] = size;
  c->from[c->rank] = from_stride;
  c->to[c->rank++] = to_stride;
}

Copier copier_new(Lower *lw, ParamId to, ParamId from, DType dtype) {
  return (Copier){.lower = lw,
                  .to = to,
                  .from = from,
                  .vectors = target_has_vectors(lw->target, dtype),
                  .pool = pool_new(lw->kernel, reg_type_of(dtype), "v")};
}

/* Drops axes of size 1 and merges neighbours that step as one axis. */
static Copy merge_axes(const Copy *c, bool fill) {
  Copy m = {.from_at = c->from_at, .to_at = c->to_at};
  for (int i = 0; i < c->rank; i++) {
    if (c->size[i] == 1) continue;
    int last = m.rank - 1;
    bool joins = last >= 0 && m.to[last] == c->to[i] * c->size[i] && (fill || m.from[last] == c->from[i] * c->size[i]);
    if (!joins)
      copy_axis(&m, c->size[i], c->from[i], c->to[i]);
    else {
      m.size[last] *= c->size[i];
      m.from[last] = c->from[i];
      m.to[last] = c->to[i];
    }
  }
  if (!m.rank) copy_axis(&m, 1, 1, 1);
  return m;
}

/* Opens loops over the first `axes` axes but `skip`; returns the two base addresses. */
static void open_axes(Copier *p, const Copy *c, int axes, int skip, Nest *nest, Affine *from, Affine *to) {
  static const char *const names[] = {"i0", "i1", "i2", "i3", "i4", "i5", "i6", "i7"};
  int loop[MAX_RANK];
  for (int i = 0; i < axes; i++)
    if (i != skip) loop[i] = nest_add(nest, names[i], 0, c->size[i], 1);
  nest_open(p->lower->kernel, nest);
  *from = affine(c->from_at);
  *to = affine(c->to_at);
  for (int i = 0; i < axes; i++) {
    if (i == skip) continue;
    *from = affine_add(*from, nest_at(nest, loop[i], c->from[i]));
    *to = affine_add(*to, nest_at(nest, loop[i], c->to[i]));
  }
}

/* A register with the same value in every lane: the fill value, or the one element that the row repeats. */
static RegId constant_lanes(Copier *p, int lanes, Affine from) {
  RegId r = pool_reg(&p->pool, lanes, 0);
  if (p->fill)
    emit_const(p->lower->kernel, r, p->value);
  else
    emit_spread(p->lower->kernel, r, lanes, p->from, from);
  return r;
}

static void copy_piece(Copier *p, int lanes, RegId constant, Affine from, Affine to) {
  RegId r = constant ? constant : pool_reg(&p->pool, lanes, 0);
  if (!constant) emit_load(p->lower->kernel, r, p->from, from);
  emit_store(p->lower->kernel, p->to, to, r);
}

/* One contiguous row of `to`; from_stride 0 or 1. */
static void copy_row(Copier *p, int64_t size, int64_t from_stride, Affine from, Affine to) {
  Kernel *k = p->lower->kernel;
  Segment s[MAX_SEGMENTS];
  bool repeats = p->fill || !from_stride;
  int count = segments_of_lanes(p->lower->target, p->vectors, 0, size, 1, s);
  for (int i = 0; i < count; i++) {
    RegId constant = repeats ? constant_lanes(p, s[i].lanes, from) : 0;
    if (s[i].count / s[i].block > UNROLL) {
      VarId j = emit_for(k, LOP_for, "j", s[i].start, s[i].start + s[i].count, s[i].block);
      copy_piece(p, s[i].lanes, constant, affine_add(from, affine_var(j, 1)), affine_add(to, affine_var(j, 1)));
      emit_end(k);
      continue;
    }
    for (int64_t j = s[i].start; j < s[i].start + s[i].count; j += s[i].block)
      copy_piece(p, s[i].lanes, constant, affine_plus(from, j), affine_plus(to, j));
  }
}

static void copy_rows(Copier *p, const Copy *c) {
  Nest nest = {0};
  Affine from, to;
  open_axes(p, c, c->rank - 1, -1, &nest, &from, &to);
  copy_row(p, c->size[c->rank - 1], c->from[c->rank - 1], from, to);
  nest_close(p->lower->kernel, &nest);
}

/* The last axis is contiguous in `to`, axis `column` in `from`: strips of up to 8 columns, so that what is read
 * together is used together and 8 rows are written side by side. */
static void copy_strips(Copier *p, const Copy *c, int column) {
  Kernel *k = p->lower->kernel;
  int last = c->rank - 1;
  Segment s[2];
  int count = segments_of_rows(0, c->size[column], STRIP, s);
  for (int i = 0; i < count; i++) {
    Nest nest = {0};
    Affine from, to;
    int strip = nest_add(&nest, "c", s[i].start, s[i].start + s[i].count, s[i].block);
    open_axes(p, c, last, column, &nest, &from, &to);
    from = affine_add(from, nest_at(&nest, strip, c->from[column]));
    to = affine_add(to, nest_at(&nest, strip, c->to[column]));
    VarId j = emit_for(k, LOP_for, "j", 0, c->size[last], 1);
    from = affine_add(from, affine_var(j, c->from[last]));
    to = affine_add(to, affine_var(j, c->to[last]));
    for (int r = 0; r < s[i].block; r++)
      emit_load(k, pool_reg(&p->pool, 1, r), p->from, affine_plus(from, r * c->from[column]));
    for (int r = 0; r < s[i].block; r++)
      emit_store(k, p->to, affine_plus(to, r * c->to[column]), pool_reg(&p->pool, 1, r));
    emit_end(k);
    nest_close(k, &nest);
  }
}

static void copy_elements(Copier *p, const Copy *c) {
  Nest nest = {0};
  Affine from, to;
  open_axes(p, c, c->rank, -1, &nest, &from, &to);
  copy_piece(p, 1, p->fill ? constant_lanes(p, 1, from) : 0, from, to);
  nest_close(p->lower->kernel, &nest);
}

/* Splits the longest axis-1 copy into tasks. */
static void copy_tasks(Copier *p, const Copy *c) {
  int64_t full = c->size[0] / TASK_ELEMENTS, rest = c->size[0] % TASK_ELEMENTS;
  Copy tasks = {.from_at = c->from_at, .to_at = c->to_at};
  copy_axis(&tasks, full, TASK_ELEMENTS * c->from[0], TASK_ELEMENTS);
  copy_axis(&tasks, TASK_ELEMENTS, c->from[0], 1);
  copy_rows(p, &tasks);
  if (!rest) return;
  Copy tail = {.from_at = c->from_at + full * TASK_ELEMENTS * c->from[0], .to_at = c->to_at + full * TASK_ELEMENTS};
  copy_axis(&tail, rest, c->from[0], 1);
  copy_rows(p, &tail);
}

/* An address has MAX_TERMS terms at most: the shortest axis is written out. */
static void copy_unrolled(Copier *p, const Copy *c) {
  int shortest = 0;
  for (int i = 1; i < c->rank; i++)
    if (c->size[i] < c->size[shortest]) shortest = i;
  for (int64_t i = 0; i < c->size[shortest]; i++) {
    Copy part = *c;
    part.size[shortest] = 1;
    part.from_at += i * c->from[shortest];
    part.to_at += i * c->to[shortest];
    emit_copy(p, part);
  }
}

static int contiguous_column(const Copy *c) {
  for (int i = 0; i < c->rank - 1; i++)
    if (c->from[i] == 1 && c->size[i] >= STRIP / 2) return i;
  return -1;
}

void emit_copy(Copier *p, Copy wanted) {
  for (int i = 0; i < wanted.rank; i++)
    if (!wanted.size[i]) return;
  Copy c = merge_axes(&wanted, p->fill);
  int last = c.rank - 1;
  if (c.rank > MAX_TERMS) {
    copy_unrolled(p, &c);
  } else if (c.to[last] == 1 && (p->fill || c.from[last] == 0 || c.from[last] == 1)) {
    if (last == 0 && c.size[0] >= 2 * TASK_ELEMENTS)
      copy_tasks(p, &c);
    else
      copy_rows(p, &c);
  } else {
    int column = p->fill ? -1 : contiguous_column(&c);
    if (column >= 0)
      copy_strips(p, &c, column);
    else
      copy_elements(p, &c);
  }
}
