/* Iteration domains and task loops; see lower_domain.h. */
#include "backend/lower_domain.h"
#include "backend/lower_nest.h"

unsigned axes_mask(Ints axes) {
  unsigned mask = 0;
  for (int32_t i = 0; i < axes.count; i++) mask |= 1u << axes.at[i];
  return mask;
}

Domain domain_new(const Type *t, unsigned reduced) {
  Domain d = {.count = t->rank};
  for (int i = 0; i < t->rank; i++) d.axis[i] = (Axis){.size = t->dim[i], .reduced = reduced >> i & 1};
  return d;
}

int domain_add_strides(Domain *d, const int64_t *strides) {
  if (d->arrays == MAX_ARRAYS) die("a kernel with more than %d arrays", MAX_ARRAYS);
  for (int i = 0; i < d->count; i++) d->axis[i].stride[d->arrays] = strides[i];
  return d->arrays++;
}

int domain_add_broadcast(Domain *d, const Type *t) {
  int64_t own[MAX_RANK], strides[MAX_RANK] = {0};
  type_strides(t, own);
  for (int i = 0; i < t->rank; i++) strides[d->count - t->rank + i] = t->dim[i] == 1 ? 0 : own[i];
  return domain_add_strides(d, strides);
}

void part_strides(const Type *t, unsigned mask, int64_t *strides) {
  int64_t next = 1;
  for (int i = t->rank; i-- > 0;) {
    strides[i] = mask >> i & 1 ? next : 0;
    if (mask >> i & 1) next *= t->dim[i];
  }
}

int domain_add_part(Domain *d, bool reduced) {
  int64_t strides[MAX_RANK] = {0};
  Type t = {.rank = (uint8_t)d->count};
  unsigned mask = 0;
  for (int i = 0; i < d->count; i++) {
    t.dim[i] = d->axis[i].size;
    if (d->axis[i].reduced == reduced) mask |= 1u << i;
  }
  part_strides(&t, mask, strides);
  return domain_add_strides(d, strides);
}

static bool contiguous(const Domain *d, const Axis *a, const Axis *b) {
  bool good = a->reduced == b->reduced;
  for (int i = 0; i < d->arrays; i++) good = good && a->stride[i] == b->stride[i] * b->size;
  return good;
}

void domain_merge(Domain *d) {
  int n = 0;
  for (int i = 0; i < d->count; i++) {
    Axis a = d->axis[i];
    if (a.size == 1) continue;
    if (n && contiguous(d, &d->axis[n - 1], &a)) {
      a.size *= d->axis[n - 1].size;
      n--;
    }
    d->axis[n++] = a;
  }
  d->count = n;
}

int64_t domain_size(const Domain *d, bool reduced) {
  int64_t n = 1;
  for (int i = 0; i < d->count; i++)
    if (d->axis[i].reduced == reduced) n *= d->axis[i].size;
  return n;
}

Position position_start(void) { return (Position){0}; }

Position position_add(const Domain *d, Position p, int axis, Affine index) {
  for (int i = 0; i < d->arrays; i++) p.at[i] = affine_add(p.at[i], affine_scale(index, d->axis[axis].stride[i]));
  return p;
}

Task task_open(Kernel *k, const char *name, int64_t count, int64_t work) {
  int64_t items = work >= TASK_ELEMENTS ? 1 : (TASK_ELEMENTS + work - 1) / (work > 0 ? work : 1);
  if (items == 1) return (Task){affine_var(emit_for(k, LOP_pfor, name, 0, count, 1), 1), 1};
  int64_t tasks = (count + items - 1) / items;
  VarId task = emit_for(k, LOP_pfor, "task", 0, tasks, 1);
  if (tasks == 1) {
    Task inner = loop_open(k, name, count);
    inner.blocks++;
    return inner;
  }
  Affine first = affine_var(task, items);
  VarId item = emit_for_bounds(k, LOP_for, name, (Bound[2]){bound(first), bound_none()},
                               (Bound[2]){bound(affine_plus(first, items)), bound(affine(count))}, 1);
  return (Task){affine_var(item, 1), 2};
}

void task_close(Kernel *k, Task t) {
  for (int i = 0; i < t.blocks; i++) emit_end(k);
}

Task loop_open(Kernel *k, const char *name, int64_t count) {
  if (count == 1) return (Task){affine(0), 0};
  return (Task){affine_var(emit_for(k, LOP_for, name, 0, count, 1), 1), 1};
}

bool domain_has_rows(const Domain *d) { return !d->count || d->axis[d->count - 1].reduced; }

Position spot_vector(const Domain *d, const Spot *s, int v) {
  return v ? position_add(d, s->at, d->count - 1, affine((int64_t)v * s->lanes)) : s->at;
}

/* Loops over the axes that are neither reduced nor columns; the first of them is cut into tasks. */
static int open_outer(Kernel *k, const Domain *d, Task *open, Position *p) {
  int n = 0, count = d->count - !domain_has_rows(d);
  int64_t work = domain_size(d, false) * domain_size(d, true);
  for (int a = 0; a < count; a++) {
    if (d->axis[a].reduced) continue;
    int64_t size = d->axis[a].size;
    open[n] = n ? loop_open(k, "b", size) : task_open(k, "a", size, work / size);
    *p = position_add(d, *p, a, open[n++].item);
  }
  return n;
}

static void visit_row(Kernel *k, const Domain *d, Visit *visit, void *user) {
  Task open[MAX_RANK];
  Spot spot = {.at = position_start(), .lanes = 1, .vectors = 1, .row = true};
  int n = open_outer(k, d, open, &spot.at);
  if (!n) open[n++] = task_open(k, "a", 1, 1);
  visit(user, &spot);
  while (n--) task_close(k, open[n]);
}

static void visit_columns(Lower *lower, const Domain *d, bool has_vectors, int most, Visit *visit, void *user) {
  Kernel *k = lower->kernel;
  Task open[MAX_RANK];
  Position outer = position_start();
  Segment segments[MAX_SEGMENTS];
  int n = open_outer(k, d, open, &outer), last = d->count - 1;
  int count = segments_of_lanes(lower->target, has_vectors, 0, d->axis[last].size, most, segments);
  for (int i = 0; i < count; i++) {
    const Segment *s = &segments[i];
    int64_t items = s->count / s->block;
    Task t = n ? loop_open(k, "i", items) : task_open(k, "i", items, s->block * domain_size(d, true));
    Affine column = affine_plus(affine_scale(t.item, s->block), s->start);
    Spot spot = {position_add(d, outer, last, column), s->lanes, s->block / s->lanes, false};
    visit(user, &spot);
    task_close(k, t);
  }
  while (n--) task_close(k, open[n]);
}

void domain_visit(Lower *lower, const Domain *d, bool has_vectors, int most, Visit *visit, void *user) {
  if (domain_has_rows(d))
    visit_row(lower->kernel, d, visit, user);
  else
    visit_columns(lower, d, has_vectors, most, visit, user);
}
