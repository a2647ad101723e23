/* Tests of lowering families from .nir lines: the ops that have no @{kernel} become one group of the family, or the
 * passes make the groups. Lowered for every target, checked, run by the loop evaluator in 1, 2, 3 and 5 slices (equal
 * bits), every buffer of its exact size between canaries, and compared with the tensor evaluator. Weights of the lines
 * are random ones of source 0. */
#ifndef NEXTC_LOWER_TEST_H
#define NEXTC_LOWER_TEST_H
#include "backend/lower.h"
#include "backend/storage.h"
#include "backend/tiles.h"
#include "frontend/frontend.h"
#include "ir/eval.h"
#include "passes/passes.h"
#include "tests/test.h"
#include <math.h>
#include <stdlib.h>

enum { LT_MAX = 80, LT_CANARY = 64, LT_CANARY_BYTE = 0xA5 };

typedef struct {
  const char *family;
  double low, high;                  /* inputs are uniform on this; low == high: [-2, 2], integers [-100, 100] */
  double absolute, relative;         /* both 0: 1e-5 and 1e-4 */
  bool exact;                        /* floats must be equal */
  bool passes;                       /* the whole pipeline runs; the family must be among its groups */
  void (*fill)(Tensor *, int input); /* may be NULL; after the uniform numbers */
  int candidate; /* 0: tiles as they are; k: each group has the k-th of each target's tile_candidates, around again */
} LowerTest;

typedef struct {
  const LowerTest *test;
  Context *context;
  Graph *graph;
  Tensor in[LT_MAX], want[LT_MAX];
  size_t inputs, outputs;
} LowerRun;

typedef struct {
  unsigned char *at;
  size_t bytes;
} Buffer;

static inline Buffer lt_buffer(size_t bytes) {
  unsigned char *p = malloc(bytes + 2 * LT_CANARY);
  if (!p) die("out of memory");
  memset(p, LT_CANARY_BYTE, bytes + 2 * LT_CANARY);
  return (Buffer){p + LT_CANARY, bytes};
}

static inline void lt_release(Buffer b) {
  bool good = true;
  for (size_t i = 0; i < LT_CANARY; i++)
    good = good && b.at[i - LT_CANARY] == LT_CANARY_BYTE && b.at[b.bytes + i] == LT_CANARY_BYTE;
  CHECK(good);
  free(b.at - LT_CANARY);
}

static inline double lt_random(uint64_t *seed) {
  *seed = *seed * 6364136223846793005u + 1442695040888963407u;
  return (double)(*seed >> 11) * 0x1p-53;
}

static inline void lt_fill(LowerRun *r, Tensor *t, int input) {
  double low = r->test->low, high = r->test->high;
  uint64_t seed = 12345 + 1000 * (uint64_t)input;
  bool number = dtype_is_float((DType)t->type.dtype), is_unsigned = dtype_is_unsigned((DType)t->type.dtype);
  if (low == high) high = number ? 2 : 100, low = -high;
  if (is_unsigned && low < 0) low = 0;
  if (t->type.dtype == DT_bool) low = 0, high = 1;
  for (int64_t i = 0; i < type_elements(&t->type); i++) {
    double u = lt_random(&seed);
    if (t->type.dtype == DT_f32)
      t->f[i] = (double)(float)(low + u * (high - low));
    else if (number)
      t->f[i] = low + u * (high - low);
    else
      t->i[i] = (int64_t)floor(low + u * (high - low + 1));
  }
  if (r->test->fill) r->test->fill(t, input);
}

static inline void lt_tiles(LowerRun *r) {
  TileChoice all[MOST_TILES];
  int32_t last = -1;
  FOR_EACH_OP(r->graph, id) {
    const Sched *s = &op_at(r->graph, id)->sched;
    if (!op_is_runtime(r->graph, id) || s->kernel == last) continue;
    last = s->kernel;
    for (int t = 0; t < target_count; t++) {
      const int count = tile_candidates(&targets[t], s->family, all);
      if (count) tile_set(r->graph, id, &all[(r->test->candidate - 1) % count]);
    }
  }
}

/* Groups the ops, by hand or by the passes. */
static inline bool lt_schedule(LowerRun *r) {
  bool found = false;
  if (r->test->passes)
    CHECK(run_pipeline(r->graph, &(PassOptions){0}, NULL, NULL, NULL) && complete_schedule(r->graph));
  FOR_EACH_OP(r->graph, id) {
    Op *op = op_at(r->graph, id);
    if (!op_is_runtime(r->graph, id)) continue;
    if (op->sched.kernel < 0) op->sched.kernel = 0, op->sched.family = r->test->family;
    found = found || !strcmp(op->sched.family, r->test->family);
  }
  CHECK(found);
  if (r->test->candidate) lt_tiles(r);
  return found;
}

static inline bool lt_open(LowerRun *r, const char *lines) {
  r->context = context_new();
  char *text = arena_printf(r->context->arena, "nir 1\nsource 0 \"random:1\"\ngraph \"t\"\n%s", lines);
  r->graph = graph_parse(r->context, "t.nir", text, strlen(text), open_source);
  for (size_t i = 0; i < r->context->count; i++) printf("%s: %s\n", test_name, r->context->list[i].text);
  CHECK(r->graph != NULL);
  if (!r->graph) return false;
  FOR_EACH_OP(r->graph, id) {
    Op *op = op_at(r->graph, id);
    if (op->kind == OP_input) {
      r->in[r->inputs] = tensor_new(type_of(r->graph, op->first_result));
      lt_fill(r, &r->in[r->inputs], (int)r->inputs);
      r->inputs++;
    }
    r->outputs += op->kind == OP_output;
  }
  CHECK(eval_graph(r->graph, r->in, r->inputs, r->want, r->outputs, NULL, NULL));
  return lt_schedule(r);
}

static inline void lt_weights(const LowerRun *r, unsigned char *at) {
  Arena *arena = arena_new();
  size_t count;
  int64_t bytes;
  WeightSlot *slots = collect_weights(r->graph, arena, &count, &bytes);
  for (size_t i = 0; i < count; i++) {
    Tensor t;
    CHECK(eval_const(r->graph, slots[i].value, &t));
    tensor_store(&t, at + slots[i].offset, false);
    tensor_free(&t);
  }
  arena_free(arena);
}

/* Runs a program; the outputs' memory stays with the caller. */
static inline void lt_run(const LowerRun *r, const LoopProgram *p, const Target *target, int slices, Buffer *out) {
  Buffer in[LT_MAX], space[3] = {lt_buffer((size_t)p->arena_bytes), lt_buffer((size_t)p->weight_bytes),
                                 lt_buffer((size_t)p->scratch_bytes)};
  for (size_t i = 0; i < r->inputs; i++) {
    in[i] = lt_buffer(type_bytes(&r->in[i].type));
    tensor_store(&r->in[i], in[i].at, false);
  }
  lt_weights(r, space[1].at);
  for (size_t i = 0; i < r->outputs; i++) out[i] = lt_buffer(type_bytes(&r->want[i].type));
  for (size_t s = 0; s < p->step_count; s++) {
    const Kernel *k = p->kernels[p->steps[s].kernel];
    void *pointers[64];
    for (size_t i = 0; i < k->param_count; i++) {
      Place at = p->steps[s].places[i];
      unsigned char *base = at.space == SPACE_INPUT     ? in[at.number].at
                            : at.space == SPACE_OUTPUT  ? out[at.number].at
                            : at.space == SPACE_ARENA   ? space[0].at
                            : at.space == SPACE_WEIGHTS ? space[1].at
                                                        : space[2].at;
      pointers[i] = base + at.offset;
    }
    for (int slice = slices; slice-- > 0;) loop_eval(k, pointers, target->fma, slice, slices);
  }
  for (size_t i = 0; i < r->inputs; i++) lt_release(in[i]);
  for (int i = 0; i < 3; i++) lt_release(space[i]);
}

static inline bool lt_close(const LowerTest *t, double got, double want) {
  if (isnan(want) || isnan(got)) return isnan(want) && isnan(got);
  if (got == want) return true;
  if (t->exact) return false;
  if ((float)want == (float)got) return true;
  bool given = t->absolute != 0 || t->relative != 0;
  return fabs(got - want) <= (given ? t->absolute : 1e-5) + (given ? t->relative : 1e-4) * fabs(want);
}

static inline void lt_compare(const LowerRun *r, const Target *target, size_t output, const unsigned char *bytes) {
  const Tensor *want = &r->want[output];
  Tensor got = tensor_new(&want->type);
  tensor_load(&got, bytes);
  int64_t n = type_elements(&want->type), wrong = 0;
  for (int64_t i = 0; i < n; i++) {
    bool good = got.f ? lt_close(r->test, got.f[i], want->f[i]) : got.i[i] == want->i[i];
    if (!good && !wrong++)
      printf("%s: %s, %d lanes: output %zu [%lld] is %.9g, want %.9g\n", test_name, target->name, target->lanes, output,
             (long long)i, got.f ? got.f[i] : (double)got.i[i], want->f ? want->f[i] : (double)want->i[i]);
  }
  CHECK(wrong == 0);
  tensor_free(&got);
}

static inline void lt_on_target(LowerRun *r, const Target *target) {
  Arena *arena = arena_new();
  LoopProgram *p = lower_graph(r->graph, target, arena);
  bool good = true;
  for (size_t k = 0; k < p->kernel_count; k++) good = loop_check(r->context, p->kernels[k]) && good;
  for (size_t i = 0; i < r->context->count; i++) printf("%s: %s\n", test_name, r->context->list[i].text);
  CHECK(good);
  if (getenv("VERBOSE")) printf("%s\n", loop_print(p, arena));
  if (good) {
    Buffer one[LT_MAX], more[LT_MAX];
    static const int slices[] = {2, 3, 5};
    lt_run(r, p, target, 1, one);
    for (int s = 0; s < 3; s++) {
      lt_run(r, p, target, slices[s], more);
      for (size_t i = 0; i < r->outputs; i++) {
        CHECK(!memcmp(one[i].at, more[i].at, one[i].bytes));
        lt_release(more[i]);
      }
    }
    for (size_t i = 0; i < r->outputs; i++) {
      lt_compare(r, target, i, one[i].at);
      lt_release(one[i]);
    }
  }
  arena_free(arena);
}

static inline void lt_close_run(LowerRun *r) {
  for (size_t i = 0; i < r->inputs; i++) tensor_free(&r->in[i]);
  for (size_t i = 0; i < r->outputs; i++) tensor_free(&r->want[i]);
  if (r->graph) graph_free(r->graph);
  context_free(r->context);
}

static inline void lower_test(const LowerTest *test, const char *lines) {
  LowerRun r = {.test = test};
  if (lt_open(&r, lines))
    for (int t = 0; t < target_count; t++) lt_on_target(&r, &targets[t]);
  lt_close_run(&r);
}

/* The same with printf's format for the lines. */
#define LOWER_TEST(test, ...)                                                                                          \
  do {                                                                                                                 \
    char lines_[4096];                                                                                                 \
    snprintf(lines_, sizeof lines_, __VA_ARGS__);                                                                      \
    lower_test(test, lines_);                                                                                          \
  } while (0)
#endif
