/* Networks of the zoo by name; see zoo.h. */
#include "frontend/zoo.h"
#include "frontend/yaml_model.h"
#include <string.h>

const ZooEntry *zoo_find(const char *name) {
  for (size_t i = 0; i < zoo_count; i++)
    if (!strcmp(zoo[i].name, name)) return &zoo[i];
  return NULL;
}

const Node *zoo_description(Context *ctx, Arena *arena, const char *name) {
  const ZooEntry *e = zoo_find(name);
  const char *file = arena_printf(arena, "zoo:%s", name);
  if (!e) {
    const char **names = ARENA_ARRAY(arena, const char *, zoo_count);
    for (size_t i = 0; i < zoo_count; i++) names[i] = zoo[i].name;
    const char *near = nearest_name(name, names, zoo_count);
    error_in(ctx, file, "no such network in the zoo%s ('nextc zoo' lists them)",
             near ? arena_printf(arena, " (did you mean '%s'?)", near) : "");
    return NULL;
  }
  const Node *root = yaml_parse(ctx, arena, file, e->text, strlen(e->text));
  return root ? yaml_with_base(ctx, arena, root) : NULL;
}
