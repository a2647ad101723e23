/* A kernel from text, for the tests of the loop IR. */
#ifndef NEXTC_LOOP_ONE_H
#define NEXTC_LOOP_ONE_H
#include "ir/loop.h"
#include "tests/test.h"

typedef struct {
  Context *context;
  Arena *arena;
  LoopProgram *program;
} One;

/* A program whose kernel k0 has the given lines; program NULL where it does not parse. */
static inline One one_open(const char *lines) {
  One o = {context_new(), arena_new(), NULL};
  char *text =
      arena_printf(o.arena, "loops 1\ntarget generic\narena 0 scratch 0 weights 0\nkernel k0 test {\n%s\n}\n", lines);
  o.program = loop_parse(o.context, o.arena, "t.loops", text, strlen(text));
  return o;
}

static inline void one_close(One *o) {
  arena_free(o->arena);
  context_free(o->context);
}

static inline const char *one_errors(const One *o) {
  char *all = arena_strdup(o->arena, "");
  for (size_t i = 0; i < o->context->count; i++) all = arena_printf(o->arena, "%s%s\n", all, o->context->list[i].text);
  return all;
}

/* Parses, checks and runs a kernel over the pointers; false (and a message) where it is faulty. */
static inline bool one_run(const char *lines, void *const *pointers, bool fma) {
  One o = one_open(lines);
  bool good = o.program && loop_check(o.context, o.program->kernels[0]);
  if (good)
    loop_eval(o.program->kernels[0], pointers, fma, 0, 1);
  else
    printf("%s: %s\n%s", test_name, one_errors(&o), lines);
  one_close(&o);
  return good;
}
#endif
