/* place-buffers: every computed value that leaves its kernel gets a place in one arena.
 *
 *   %7 = gemm ... @{kernel=3:gemm}      =>   %7 = gemm ... @{kernel=3:gemm at=[0]}
 *
 * A buffer lives from the kernel that writes it to the last kernel that reads it (through views). Largest first, each
 * at the lowest offset that is free for its whole life. A result takes over the buffer of an operand that dies there
 * (@{inplace}) where the family reads before it writes. Graph inputs and outputs are the caller's memory. */
#include "backend/storage.h"
#include "passes/passes.h"
#include "passes/rewrite_log.h"
#include <stdlib.h>
#include <string.h>

typedef struct {
  ValueId root;
  int64_t bytes, offset;
  int first, last; /* kernels, by position in statement order */
  int head;        /* first of the buffers that hand this place on, itself where it takes over none */
  bool taken;      /* another buffer takes over its place */
} Buffer;

typedef struct {
  Graph *g;
  int *position;  /* [op_count] of the op's kernel; -1: not run */
  int *buffer_of; /* [value_count] index + 1 into buffers, by root */
  Buffer *buffers;
  int count;
} Plan;

static const struct {
  const char *name;
  bool inplace;
} families[] = {
#define FAMILY(name, inplace, doc) {#name, inplace},
#include "backend/families.def"
#undef FAMILY
};

static bool family_may_overwrite(const char *name) {
  for (size_t i = 0; i < sizeof families / sizeof *families; i++)
    if (!strcmp(families[i].name, name)) return families[i].inplace;
  return false;
}

static void number_kernels(Plan *p) {
  Graph *g = p->g;
  int position = -1;
  int32_t kernel = -1;
  for (size_t i = 0; i < g->op_count; i++) p->position[i] = -1;
  FOR_EACH_OP(g, id) {
    if (!op_is_runtime(g, id)) continue;
    if (op_at(g, id)->sched.kernel != kernel) position++;
    kernel = op_at(g, id)->sched.kernel;
    p->position[id] = position;
  }
}

/* Last kernel that reads v or a view of it; -1: none. */
static int last_reader(const Plan *p, ValueId v) {
  const Value *value = value_at(p->g, v);
  int last = -1;
  for (uint32_t i = 0; i < value->use_count; i++) {
    OpId user = value->uses[i].op;
    int at = p->position[user];
    if (op_at(p->g, user)->kind == OP_reshape) at = last_reader(p, op_at(p->g, user)->first_result);
    if (at > last) last = at;
  }
  return last;
}

static bool used_outside(const Plan *p, ValueId v) { return last_reader(p, v) > p->position[value_at(p->g, v)->def]; }

static void find_buffers(Plan *p) {
  Graph *g = p->g;
  int32_t *output_of = root_outputs(g);
  FOR_EACH_OP(g, id) {
    if (!op_is_runtime(g, id)) continue;
    for (uint32_t r = 0; r < op_at(g, id)->result_count; r++) {
      ValueId v = op_at(g, id)->first_result + r;
      if (!used_outside(p, v) || output_of[v] >= 0) continue;
      p->buffers[p->count] = (Buffer){.root = v,
                                      .bytes = ((int64_t)type_bytes(type_of(g, v)) + 63) / 64 * 64,
                                      .offset = -1,
                                      .first = p->position[id],
                                      .last = last_reader(p, v),
                                      .head = p->count};
      p->buffer_of[v] = ++p->count;
    }
  }
  free(output_of);
}

/* Do all ops of v's last kernel read it element by element, as an operand of the result's own shape, none a view of it?
 */
static bool read_pointwise_only(const Plan *p, ValueId v, int kernel, const Type *result) {
  const Value *value = value_at(p->g, v);
  for (uint32_t i = 0; i < value->use_count; i++) {
    OpId user = value->uses[i].op;
    const Op *op = op_at(p->g, user);
    bool view = op->kind == OP_reshape && last_reader(p, op->first_result) >= kernel;
    if (!holds(p->g, IF_inplace_not_read_through_view, !view)) return false;
    if (p->position[user] != kernel) continue;
    if (!holds(p->g, IF_inplace_read_pointwise, op_info[op->kind].traits & T_POINTWISE)) return false;
    if (!holds(p->g, IF_inplace_of_results_shape, type_equal(&value->type, result))) return false;
  }
  return true;
}

static void take_over(Plan *p, Buffer *b) {
  Graph *g = p->g;
  Op *op = op_at(g, value_at(g, b->root)->def);
  if (!holds(g, IF_inplace_family_reads_first, family_may_overwrite(op->sched.family))) return;
  for (uint32_t i = 0; i < op->operand_count; i++) {
    ValueId v = storage_root(g, op->operands[i]);
    int from = p->buffer_of[v] - 1;
    if (from < 0 || p->buffers[from].taken) continue;
    if (!holds(g, IF_inplace_dies_here, p->buffers[from].last == b->first)) continue;
    if (!read_pointwise_only(p, v, b->first, type_of(g, b->root))) continue;
    b->head = p->buffers[from].head;
    p->buffers[from].taken = true;
    op->sched.inplace = i;
    return;
  }
}

static int by_size(const void *a, const void *b) {
  const Buffer *x = *(Buffer *const *)a, *y = *(Buffer *const *)b;
  if (x->bytes != y->bytes) return x->bytes < y->bytes ? 1 : -1;
  return x < y ? -1 : 1; /* statement order: ids differ between a graph and its text */
}

/* What a place in the arena is taken by. All places are looked at for each buffer: they lie side by side in memory. */
typedef struct {
  int64_t offset, end;
  int first, last;
} Taken;

/* Lowest offset where b fits among the places that are taken at the same time; taken: by ascending offset, gets b's. */
static void place(Buffer *b, Taken *taken, int count) {
  int64_t offset = 0;
  for (int i = 0; i < count && taken[i].offset < offset + b->bytes; i++)
    if (taken[i].end > offset && b->first <= taken[i].last && taken[i].first <= b->last) offset = taken[i].end;
  b->offset = offset;
  int at = count;
  while (at > 0 && taken[at - 1].offset > offset) at--;
  memmove(taken + at + 1, taken + at, sizeof *taken * (size_t)(count - at));
  taken[at] = (Taken){offset, offset + b->bytes, b->first, b->last};
}

static void write_schedule(Plan *p) {
  for (int i = 0; i < p->count; i++) {
    Value *v = value_at(p->g, p->buffers[i].root);
    Op *op = op_at(p->g, v->def);
    Dim at[8];
    for (uint32_t r = 0; r < op->result_count; r++) at[r] = (int32_t)r < op->sched.at.count ? op->sched.at.at[r] : -1;
    at[v->result] = p->buffers[p->buffers[i].head].offset;
    op->sched.at = ints_copy(p->g->arena, at, (int32_t)op->result_count);
  }
}

/* Buffers that take over from each other are one: the first, living as long as them all. */
static void place_all(Plan *p) {
  Buffer **order = calloc((size_t)p->count + 1, sizeof *order);
  Taken *taken = calloc((size_t)p->count + 1, sizeof *taken);
  if (!order || !taken) die_memory(0);
  int heads = 0;
  for (int i = 0; i < p->count; i++) take_over(p, &p->buffers[i]);
  for (int i = 0; i < p->count; i++) {
    Buffer *head = &p->buffers[p->buffers[i].head];
    if (p->buffers[i].last > head->last) head->last = p->buffers[i].last;
    if (p->buffers[i].head == i) order[heads++] = head;
  }
  qsort(order, (size_t)heads, sizeof *order, by_size);
  for (int i = 0; i < heads; i++) place(order[i], taken, i);
  free(order);
  free(taken);
}

static Plan plan_new(Graph *g) {
  Plan p = {.g = g,
            .position = calloc(g->op_count, sizeof *p.position),
            .buffer_of = calloc(g->value_count, sizeof *p.buffer_of),
            .buffers = calloc(g->value_count, sizeof *p.buffers)};
  if (!p.position || !p.buffer_of || !p.buffers) die_memory(0);
  number_kernels(&p);
  return p;
}

static void plan_free(Plan *p) {
  free(p->position);
  free(p->buffer_of);
  free(p->buffers);
}

/* May b lie where a does although a still lives when b begins: because it takes over? */
static bool may_take_over(const Plan *p, const Buffer *a, const Buffer *b) {
  const Graph *g = p->g;
  const Op *op = op_at(g, value_at(g, b->root)->def);
  if (a->last != b->first || a->offset != b->offset || a->bytes != b->bytes) return false;
  if (!(op_info[op->kind].traits & T_POINTWISE) || !family_may_overwrite(op->sched.family)) return false;
  bool named = op->sched.inplace >= 0 && op->operands[op->sched.inplace] == a->root;
  return named && read_pointwise_only(p, a->root, b->first, type_of(g, b->root));
}

static bool collide(const Plan *p, const Buffer *a, const Buffer *b) {
  bool apart = a->offset + a->bytes <= b->offset || b->offset + b->bytes <= a->offset;
  bool together = a->first <= b->last && b->first <= a->last;
  return !apart && together && !may_take_over(p, a, b) && !may_take_over(p, b, a);
}

OpId misplaced_op(const Graph *graph) {
  enum { FURTHEST = 1 << 30 }; /* in 64 bytes: 64 GiB of arena */
  Graph *g = (Graph *)graph;   /* only read: the plan is the pass's own */
  Plan p = plan_new(g);
  OpId bad = 0;
  find_buffers(&p);
  for (int i = 0; i < p.count && !bad; i++) {
    Buffer *b = &p.buffers[i];
    OpId def = value_at(g, b->root)->def;
    b->offset = op_at(g, def)->sched.at.at[value_at(g, b->root)->result];
    if (b->offset % 64 || b->offset / 64 > FURTHEST) bad = def;
    for (int j = 0; j < i && !bad; j++)
      if (collide(&p, &p.buffers[j], b)) bad = def;
  }
  plan_free(&p);
  return bad;
}

int place_buffers(Graph *g, const PassOptions *options) {
  (void)options;
  Plan p = plan_new(g);
  FOR_EACH_OP(g, id) {
    op_at(g, id)->sched.at = (Ints){0};
    op_at(g, id)->sched.inplace = -1;
  }
  find_buffers(&p);
  place_all(&p);
  write_schedule(&p);
  int placed = p.count;
  plan_free(&p);
  return placed;
}
