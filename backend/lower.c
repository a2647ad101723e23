/* Walks the groups of a scheduled graph and has each lowered by its family; finds equal kernels. See lower.h. */
#include "backend/lower.h"
#include "backend/storage.h"
#include "backend/tiles.h"
#include "ir/hash.h"
#include <string.h>

enum { MAX_TEMPS = 8 };

/* A kernel's text without its name: equal texts, equal kernels. */
typedef struct {
  const char *text; /* NULL: a free slot */
  uint64_t hash;
  size_t kernel;
} KernelText;

struct LowerState {
  Arena *arena;
  Storage storage;
  int64_t *live_ends;             /* of the graph's ops: temporaries lie behind them */
  int64_t temp_offset[MAX_TEMPS]; /* of the group's temporaries; -1: not made */
  int64_t temp_end;               /* end of the group's temporaries */
  Place places[64];               /* of the open kernel's parameters */
  int scratch_number[64];         /* lower_scratch's number of a parameter; -1: none */
  int64_t scratch_end;
  ArenaMark kernel_mark; /* of the program's arena, before the open kernel */
  KernelText *texts;     /* [text_slots] of the program's kernels; open addressing */
  size_t text_slots;
};

static int64_t round_up_64(int64_t bytes) { return (bytes + 63) / 64 * 64; }

typedef void (*LowerFamily)(Lower *);
static const struct {
  const char *name;
  LowerFamily lower;
} families[] = {
#define FAMILY(name, inplace, doc) {#name, lower_##name},
#include "backend/families.def"
#undef FAMILY
};

static LowerFamily family_named(const char *name) {
  for (size_t i = 0; i < sizeof families / sizeof *families; i++)
    if (!strcmp(families[i].name, name)) return families[i].lower;
  die("no lowering family '%s'", name);
}

static const char *group_note(const Lower *lw) {
  const char *note = "";
  const Loc *all = NULL;
  for (uint32_t i = 0; i < lw->op_count; i++)
    for (const Loc *l = op_at(lw->graph, lw->ops[i])->loc; l; l = l->next) {
      if (strlen(note) > 200) return arena_printf(lw->state->arena, "%s ...", note);
      if (all && !strcmp(all->node, l->node)) continue;
      note = arena_printf(lw->state->arena, "%s%s%s", note, *note ? " " : "", l->node);
      all = l;
    }
  return note;
}

static KernelText *text_slot(const struct LowerState *s, uint64_t hash, const char *text) {
  size_t i = (size_t)hash & (s->text_slots - 1);
  while (s->texts[i].text && (s->texts[i].hash != hash || strcmp(s->texts[i].text, text)))
    i = (i + 1) & (s->text_slots - 1);
  return &s->texts[i];
}

/* Room for one more text, at most half of the slots in use. */
static void reserve_text(struct LowerState *s, size_t count) {
  if (2 * count < s->text_slots) return;
  struct LowerState larger = {.text_slots = s->text_slots ? 2 * s->text_slots : 64};
  larger.texts = ARENA_ARRAY(s->arena, KernelText, larger.text_slots);
  for (size_t i = 0; i < s->text_slots; i++)
    if (s->texts[i].text) *text_slot(&larger, s->texts[i].hash, s->texts[i].text) = s->texts[i];
  s->texts = larger.texts;
  s->text_slots = larger.text_slots;
}

/* Number of the program's kernel that equals k; k itself is added where there is none. Else its memory is free again:
 * of ten thousand equal layers one kernel stays. */
static size_t share_kernel(Lower *lw, Kernel *k) {
  struct LowerState *s = lw->state;
  LoopProgram *p = lw->program;
  reserve_text(s, p->kernel_count);
  ArenaMark mark = arena_mark(s->arena);
  const char *text = loop_print_kernel(k, s->arena, false);
  uint64_t hash = hash_bytes(text, strlen(text), 0);
  KernelText *slot = text_slot(s, hash, text);
  if (slot->text) {
    arena_release(s->arena, mark);
    arena_release(p->arena, s->kernel_mark);
    return slot->kernel;
  }
  *slot = (KernelText){text, hash, p->kernel_count};
  GROW(p->arena, p->kernels, p->kernel_count, p->kernel_capacity);
  p->kernels[p->kernel_count] = k;
  return p->kernel_count++;
}

/* Ends the open kernel: shares an equal one, adds the step. */
static void close_kernel(Lower *lw) {
  Kernel *k = lw->kernel;
  if (!k) return;
  struct LowerState *s = lw->state;
  LoopProgram *p = lw->program;
  size_t param_count = k->param_count, found = share_kernel(lw, k); /* k may be gone */
  GROW(p->arena, p->steps, p->step_count, p->step_capacity);
  p->steps[p->step_count++] = (Step){.kernel = (int32_t)found,
                                     .group = op_at(lw->graph, lw->ops[0])->sched.kernel,
                                     .places = arena_copy(p->arena, s->places, sizeof(Place) * param_count),
                                     .note = arena_strdup(p->arena, group_note(lw))};
  if (round_up_64(s->scratch_end) > p->scratch_bytes) p->scratch_bytes = round_up_64(s->scratch_end);
  lw->kernel = NULL;
}

Kernel *lower_kernel(Lower *lw) {
  close_kernel(lw);
  lw->state->kernel_mark = arena_mark(lw->program->arena);
  const char *name = arena_printf(lw->program->arena, "k%zu", lw->program->kernel_count);
  lw->kernel = kernel_new(lw->program->arena, name, op_at(lw->graph, lw->ops[0])->sched.family);
  lw->state->scratch_end = 0;
  return lw->kernel;
}

static bool same_place(Place a, Place b) { return a.space == b.space && a.number == b.number && a.offset == b.offset; }

/* How an element lies in memory: a half as its bits. */
static DType memory_dtype(DType t) { return dtype_is_half(t) ? DT_u16 : t; }

static ParamId new_param(Lower *lw, Role role, DType dtype, int64_t elements, Place place, const char *letter) {
  int same = 0;
  for (size_t i = 0; i < lw->kernel->param_count; i++) same += lw->kernel->params[i].name[0] == letter[0];
  if (lw->kernel->param_count == 64) die("a kernel with more than 64 parameters");
  ParamId p = kernel_param(lw->kernel, arena_printf(lw->kernel->arena, "%s%d", letter, same), role, memory_dtype(dtype),
                           elements);
  lw->state->places[p] = place;
  lw->state->scratch_number[p] = -1;
  return p;
}

/* The parameter at `place`, or a new one; reading what is written makes it INOUT. */
static ParamId param_at(Lower *lw, Role role, DType dtype, int64_t elements, Place place, const char *letter) {
  Kernel *k = lw->kernel;
  for (size_t i = 0; i < k->param_count; i++)
    if (k->params[i].role != ROLE_SCRATCH && same_place(lw->state->places[i], place)) {
      Param *p = &k->params[i];
      if (p->role != role) p->role = ROLE_INOUT;
      if (elements > p->elements) p->elements = elements;
      return (ParamId)i;
    }
  return new_param(lw, role, dtype, elements, place, letter);
}

ParamId lower_in(Lower *lw, ValueId v) {
  const Type *t = type_of(lw->graph, v);
  Place place = value_place(&lw->state->storage, v);
  bool weight = place.space == SPACE_WEIGHTS;
  return param_at(lw, weight ? ROLE_WEIGHT : ROLE_IN, t->dtype, type_elements(t), place, weight ? "w" : "x");
}

ParamId lower_out(Lower *lw, ValueId v) {
  const Type *t = type_of(lw->graph, v);
  Place place = value_place(&lw->state->storage, v);
  return param_at(lw, ROLE_OUT, t->dtype, type_elements(t), place, "y");
}

void lower_reserve_temp(Lower *lw, int number, DType dtype, int64_t elements) {
  struct LowerState *s = lw->state;
  if (number < 0 || number >= MAX_TEMPS) die("temporary %d", number);
  if (s->temp_offset[number] >= 0) return;
  s->temp_offset[number] = s->temp_end;
  s->temp_end += round_up_64(elements * (int64_t)dtype_bytes(dtype));
  if (s->temp_end > lw->program->arena_bytes) lw->program->arena_bytes = s->temp_end;
}

ParamId lower_temp(Lower *lw, int number, DType dtype, int64_t elements) {
  lower_reserve_temp(lw, number, dtype, elements);
  Place place = {SPACE_ARENA, 0, lw->state->temp_offset[number]};
  return param_at(lw, ROLE_INOUT, dtype, elements, place, "t");
}

ParamId lower_scratch(Lower *lw, int number, DType dtype, int64_t elements) {
  struct LowerState *s = lw->state;
  for (size_t i = 0; i < lw->kernel->param_count; i++)
    if (lw->kernel->params[i].role == ROLE_SCRATCH && s->scratch_number[i] == number) return (ParamId)i;
  Place place = {SPACE_SCRATCH, 0, s->scratch_end};
  s->scratch_end += round_up_64(elements * (int64_t)dtype_bytes(dtype));
  ParamId p = new_param(lw, ROLE_SCRATCH, dtype, elements, place, "s");
  s->scratch_number[p] = number;
  return p;
}

bool lower_is_inside(const Lower *lw, ValueId v) {
  for (uint32_t i = 0; i < lw->op_count; i++)
    if (value_at(lw->graph, v)->def == lw->ops[i]) return true;
  return false;
}

bool lower_is_output(const Lower *lw, ValueId v) {
  const Value *value = value_at(lw->graph, v);
  for (uint32_t u = 0; u < value->use_count; u++) {
    bool inside = false;
    for (uint32_t i = 0; i < lw->op_count; i++) inside = inside || lw->ops[i] == value->uses[u].op;
    if (!inside) return true;
  }
  return false;
}

RegType reg_type_of(DType t) {
  if (t == DT_f32) return REG_f32;
  if (t == DT_f64) return REG_f64;
  if (t == DT_i64 || t == DT_u64 || t == DT_u32) return REG_i64;
  return REG_i32;
}

bool target_has_vectors(const Target *t, DType dtype) { return t->lanes > 1 && dtype == DT_f32; }

int lane_pieces(const Target *t, int64_t count, int *pieces) {
  int n = 0;
  for (int lanes = t->lanes; count > 0; lanes = lanes > 4 ? lanes / 2 : 1)
    for (; count >= lanes; count -= lanes) pieces[n++] = lanes;
  return n;
}

/* Ops of the group that `id` opens: the following runtime ops with its number. */
static uint32_t gather_group(const Graph *g, OpId id, OpId *ops) {
  uint32_t n = 0;
  int32_t number = op_at(g, id)->sched.kernel;
  for (; id; id = op_at(g, id)->next) {
    if (!op_is_runtime(g, id)) continue;
    if (op_at(g, id)->sched.kernel != number) break;
    ops[n++] = id;
  }
  return n;
}

/* What exists while the group is computed lies below this. */
static int64_t group_end(const Lower *lw) {
  int64_t end = 0;
  for (uint32_t i = 0; i < lw->op_count; i++) {
    const int64_t e = lw->state->live_ends[lw->ops[i]];
    if (e > end) end = e;
  }
  return round_up_64(end);
}

LoopProgram *lower_graph(const Graph *g, const Target *target, Arena *arena) {
  struct LowerState state = {.arena = arena_new()};
  LoopProgram *p = ARENA_NEW(arena, LoopProgram);
  p->arena = arena;
  p->target = target->name;
  state.storage = storage_new(g, state.arena);
  p->weight_bytes = state.storage.weight_bytes;
  state.live_ends = live_ends(g, state.arena);
  OpId *ops = ARENA_ARRAY(state.arena, OpId, g->op_count);
  Lower lw = {.graph = g, .target = target, .program = p, .ops = ops, .state = &state};
  for (OpId id = g->first; id;) {
    if (!op_is_runtime(g, id)) {
      id = op_at(g, id)->next;
      continue;
    }
    if (op_at(g, id)->sched.kernel < 0) die("%s is in no group", op_info[op_at(g, id)->kind].name);
    lw.op_count = gather_group(g, id, ops);
    Target tiled = target_for_group(op_at(g, id), target);
    lw.target = &tiled;
    state.temp_end = group_end(&lw);
    if (state.temp_end > p->arena_bytes) p->arena_bytes = state.temp_end;
    for (int i = 0; i < MAX_TEMPS; i++) state.temp_offset[i] = -1;
    family_named(op_at(g, id)->sched.family)(&lw);
    close_kernel(&lw);
    id = op_at(g, ops[lw.op_count - 1])->next;
  }
  storage_free(&state.storage);
  arena_free(state.arena);
  return p;
}
