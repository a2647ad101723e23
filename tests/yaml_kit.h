/* Descriptions and other texts as tests write them, and what is said about them. */
#ifndef NEXTC_TESTS_YAML_KIT_H
#define NEXTC_TESTS_YAML_KIT_H
#include "frontend/frontend.h"
#include "tests/command.h"

typedef struct {
  Context *context;
  Graph *graph; /* NULL: refused */
} Loaded;

static inline void loaded_free(Loaded *l) {
  graph_free(l->graph);
  context_free(l->context);
}

static inline Loaded load_path(const char *path, const char *weights) {
  Loaded l = {.context = context_new()};
  l.graph = load_model_from(l.context, path, NULL, 0, weights);
  return l;
}

/* The text as m.yaml. */
static inline Loaded load_text(const char *text) {
  put_file("m.yaml", text, strlen(text));
  return load_path("m.yaml", NULL);
}

/* All diagnostics, a line each. */
static inline const char *said(const Context *c) {
  const char *all = "";
  for (size_t i = 0; i < c->count; i++) all = arena_printf(c->arena, "%s%s\n", all, c->list[i].text);
  return all;
}
#endif
