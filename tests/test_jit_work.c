/* Making a model in memory where something fails: a weight that cannot be had, in whichever thread asks for it, is one
 * message and no program, and what the other threads made is freed. */
#include "backend/jit.h"
#include "backend/llvm_jit.h"
#include "frontend/frontend.h"
#include "passes/passes.h"
#include "tests/test.h"
#include <sys/resource.h>
#include <unistd.h>

#define DIGITS SOURCE_DIR "/examples/digits/digits_convnext.onnx"

/* Stands before a source: call number `fails_at` and those after it find nothing. Calls are made under a lock. */
typedef struct {
  Source source, *behind;
  int calls, fails_at;
} Failing;

static bool find(Source *s, const char *name, TensorView *out) {
  Failing *f = s->impl;
  return ++f->calls < f->fails_at && f->behind->find(f->behind, name, out);
}

static void drop_pages(Source *s, const TensorView *v) {
  Failing *f = s->impl;
  if (f->behind->drop_pages) f->behind->drop_pages(f->behind, v);
}

/* How often the source was asked; *made: was there a program? */
static int make_with_failure(int fails_at, bool *made) {
  Context *c = context_new();
  Graph *g = load_model(c, DIGITS, NULL, 0);
  const PassOptions options = {.strict_fp = false};
  CHECK(g && run_pipeline(g, &options, NULL, NULL, NULL) && complete_schedule(g));
  CHECK(g->source_count == 1 && c->errors == 0);
  Source *before = g->sources[0];
  Failing f = {.behind = before, .fails_at = fails_at};
  f.source = (Source){.impl = &f, .path = before->path, .find = find, .drop_pages = drop_pages};
  g->sources[0] = &f.source;
  JitModel *m = jit_new(c, g, &(JitOptions){.no_cache = true});
  *made = m != NULL;
  CHECK(*made == (c->errors == 0));
  if (!*made) {
    CHECK(c->errors >= 1 && c->errors <= 4); /* of jobs that had begun */
    CHECK_HAS(c->list[0].text, "digits_convnext");
  }
  g->sources[0] = before;
  jit_free(m);
  graph_free(g);
  context_free(c);
  return f.calls;
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
/* Address space of this process, in bytes; 0: unknown. */
static rlim_t space_taken(void) {
  unsigned long pages = 0;
  FILE *f = fopen("/proc/self/statm", "r");
  if (f && fscanf(f, "%lu", &pages) != 1) pages = 0;
  if (f) fclose(f);
  return pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

static void little_memory(void) {
  TEST("too little memory for LLVM is a message, not the end of the process");
  Context *c = context_new();
  Graph *g = load_model(c, DIGITS, NULL, 0);
  const PassOptions options = {.strict_fp = false};
  CHECK(g && run_pipeline(g, &options, NULL, NULL, NULL) && complete_schedule(g));
  struct rlimit before, little;
  CHECK(!getrlimit(RLIMIT_AS, &before));
  little = before;
  little.rlim_cur = space_taken() + (16 << 20);
  if (little.rlim_cur > 16 << 20) {
    CHECK(!setrlimit(RLIMIT_AS, &little));
    JitModel *m = jit_new(c, g, &(JitOptions){.no_cache = true});
    CHECK(!setrlimit(RLIMIT_AS, &before));
    CHECK(!m && c->errors == 1);
    if (c->errors) CHECK_HAS(c->list[0].text, "no memory for code generation");
    jit_free(m);
  }
  graph_free(g);
  context_free(c);
}
#else
static void little_memory(void) {} /* a sanitizer takes all there is */
#endif

int main(void) {
  if (!llvm_present()) return SKIP("built without LLVM");
  bool made;
  TEST("nothing fails");
  const int calls = make_with_failure(1 << 30, &made);
  CHECK(made && calls > 4);
  TEST("the first, one in the middle, the last");
  const int at[] = {1, calls / 2, calls};
  for (int i = 0; i < 3; i++) {
    make_with_failure(at[i], &made);
    CHECK(!made);
  }
  little_memory();
  return test_result();
}
