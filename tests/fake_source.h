/* Sources without files for tests of the .nir text. */
#ifndef NEXTC_FAKE_SOURCE_H
#define NEXTC_FAKE_SOURCE_H
#include "ir/ir.h"
#include <string.h>

enum { FAKE_HASH = 1 };
static int fake_open_count; /* sources that are open */

static uint64_t fake_hash(Source *s) { return (void)s, FAKE_HASH; }
static void fake_close(Source *s) { (void)s, fake_open_count--; }

/* A file with one tensor, "w" f32[2,3]. */
static bool fake_find(Source *s, const char *name, TensorView *out) {
  (void)s;
  if (strcmp(name, "w") != 0) return false;
  *out = (TensorView){.type = type_make(DT_f32, 2, (Dim[]){2, 3})};
  return true;
}

/* An OpenSource: every file is there but those with "missing" in their path; "tensors" in it: with fake_find. */
static inline Source *fake_open(Context *c, const char *path) {
  if (strstr(path, "missing")) {
    error_in(c, path, "no such file");
    return NULL;
  }
  Source *s = ARENA_NEW(c->arena, Source);
  s->path = arena_strdup(c->arena, path);
  s->compute_hash = fake_hash;
  s->close = fake_close;
  if (strstr(path, "tensors")) s->find = fake_find;
  fake_open_count++;
  return s;
}
#endif
