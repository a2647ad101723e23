/* Typed values from nodes; see yaml_tree.h. */
#include "frontend/yaml_tree.h"
#include "ir/text.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool is_plain(const Node *n, const char *word) {
  return n->kind == NODE_SCALAR && !n->quoted && !strcmp(n->text, word);
}

bool node_is_null(const Node *n) { return !n || is_plain(n, "null") || is_plain(n, "~") || is_plain(n, ""); }

bool node_is(const Node *n, const char *word) { return n && n->kind == NODE_SCALAR && !strcmp(n->text, word); }

const char *node_kind_name(const Node *n) {
  if (n->kind == NODE_LIST) return "a list";
  if (n->kind == NODE_MAP) return "a map";
  return node_is_null(n) ? "null" : n->quoted ? "a text" : "a word or number";
}

const Node *node_get(const Node *map, const char *key) {
  if (!map || map->kind != NODE_MAP) return NULL;
  for (size_t i = 0; i < map->count; i++)
    if (!strcmp(map->keys[i]->text, key)) return map->items[i];
  return NULL;
}

static const char *hint(Context *ctx, const char *word, const char *const *names, size_t count) {
  const char *near = nearest_name(word, names, count);
  return near ? arena_printf(ctx->arena, " (did you mean '%s'?)", near) : "";
}

bool yaml_check_keys(Context *ctx, const Node *map, const char *what, const char *const *names, size_t count) {
  bool ok = true;
  if (map->kind != NODE_MAP) return yaml_error(ctx, map, "%s takes a map of keys, not %s", what, node_kind_name(map));
  for (size_t i = 0; i < map->count; i++) {
    const char *key = map->keys[i]->text;
    bool known = false;
    for (size_t j = 0; j < count && !known; j++) known = !strcmp(names[j], key);
    if (!known) ok = yaml_error(ctx, map->keys[i], "unknown key '%.100s'%s", key, hint(ctx, key, names, count));
  }
  return ok;
}

bool node_number(const Node *n, double *out) {
  if (!n || n->kind != NODE_SCALAR || n->quoted || !*n->text) return false;
  return read_double(n->text + (*n->text == '+'), strlen(n->text) - (*n->text == '+'), out) && isfinite(*out);
}

static const char *shown(Context *ctx, const Node *n) {
  return n->kind == NODE_SCALAR ? arena_printf(ctx->arena, "'%.60s'", n->text) : node_kind_name(n);
}

/* Digits alone are read exactly, 1e3 and 3.0 as doubles. */
static bool whole_number(const Node *n, int64_t *out) {
  double x;
  char *end;
  if (!node_number(n, &x) || x != floor(x)) return false;
  errno = 0;
  long long exact = strtoll(n->text, &end, 10);
  if (!*end && !errno) return *out = exact, true;
  return fabs(x) <= 9e15 ? (*out = (int64_t)x, true) : false;
}

bool yaml_int(Context *ctx, const Node *n, const char *what, int64_t low, int64_t high, int64_t *out) {
  int64_t x;
  if (!whole_number(n, &x)) return yaml_error(ctx, n, "%s must be a whole number, not %s", what, shown(ctx, n));
  if (x < low || x > high)
    return yaml_error(ctx, n, "%s must be from %lld to %lld, not %s", what, (long long)low, (long long)high,
                      shown(ctx, n));
  *out = x;
  return true;
}

bool yaml_double(Context *ctx, const Node *n, const char *what, double low, double high, double *out) {
  double x;
  if (!node_number(n, &x)) return yaml_error(ctx, n, "%s must be a number, not %s", what, shown(ctx, n));
  if (x < low || x > high)
    return yaml_error(ctx, n, "%s must be from %g to %g, not %s", what, low, high, shown(ctx, n));
  *out = x;
  return true;
}

bool yaml_bool(Context *ctx, const Node *n, const char *what, bool *out) {
  *out = is_plain(n, "true");
  return *out || is_plain(n, "false") || yaml_error(ctx, n, "%s must be true or false, not %s", what, shown(ctx, n));
}

bool yaml_string(Context *ctx, const Node *n, const char *what, const char **out) {
  if (n->kind != NODE_SCALAR || node_is_null(n))
    return yaml_error(ctx, n, "%s must be a text, not %s", what, node_kind_name(n));
  *out = n->text;
  return true;
}

bool yaml_word(Context *ctx, const Node *n, const char *what, const char *words, int *out) {
  const char *names[32];
  int count = 0;
  for (const char *p = words; count < 32; p += strcspn(p, "|") + 1) {
    names[count++] = arena_strndup(ctx->arena, p, strcspn(p, "|"));
    if (!p[strcspn(p, "|")]) break;
  }
  for (int i = 0; i < count; i++)
    if (node_is(n, names[i])) return *out = i, true;
  const char *near = n->kind == NODE_SCALAR ? hint(ctx, n->text, names, (size_t)count) : "";
  return yaml_error(ctx, n, "%s must be one of %s, not %s%s", what, words, shown(ctx, n), near);
}

bool yaml_ints(Context *ctx, const Node *n, const char *what, int64_t low, int64_t high, int64_t *out, size_t room,
               size_t *count) {
  bool list = n->kind == NODE_LIST;
  *count = list ? n->count : 1;
  if (*count > room) return yaml_error(ctx, n, "%s has %zu entries, at most %zu are supported", what, *count, room);
  for (size_t i = 0; i < *count; i++)
    if (!yaml_int(ctx, list ? n->items[i] : n, what, low, high, &out[i])) return false;
  return true;
}

static bool read_field(Context *ctx, const Node *n, const Field *f, void *out) {
  void *to = (char *)out + f->offset;
  int64_t low = (int64_t)f->low, high = (int64_t)f->high;
  IntList *list = to;
  switch (f->kind) {
  case FIELD_INT: return yaml_int(ctx, n, f->key, low, high, to);
  case FIELD_DOUBLE: return yaml_double(ctx, n, f->key, f->low, f->high, to);
  case FIELD_BOOL: return yaml_bool(ctx, n, f->key, to);
  case FIELD_STRING: return yaml_string(ctx, n, f->key, to);
  case FIELD_WORD: return yaml_word(ctx, n, f->key, f->words, to);
  case FIELD_INTS: return yaml_ints(ctx, n, f->key, low, high, list->at, MAX_INT_LIST, &list->count);
  case FIELD_NODE: *(const Node **)to = n; return true;
  case FIELD_IGNORE: return true;
  }
  return false;
}

bool yaml_read_fields(Context *ctx, const Node *map, const Field *fields, size_t count, void *out) {
  bool ok = true;
  for (size_t i = 0; i < count; i++) {
    const Node *n = node_get(map, fields[i].key);
    if (n && (!node_is_null(n) || fields[i].kind == FIELD_NODE)) ok = read_field(ctx, n, &fields[i], out) && ok;
  }
  return ok;
}

bool yaml_fields(Context *ctx, const Node *map, const char *what, const Field *fields, size_t count, void *out) {
  const char **names = ARENA_ARRAY(ctx->arena, const char *, count);
  for (size_t i = 0; i < count; i++) names[i] = fields[i].key;
  bool ok = yaml_check_keys(ctx, map, what, names, count);
  return map->kind == NODE_MAP && yaml_read_fields(ctx, map, fields, count, out) && ok;
}

const Node *yaml_merge(Arena *arena, const Node *base, const Node *over) {
  Node *n = arena_copy(arena, over, sizeof *over);
  n->keys = ARENA_ARRAY(arena, const Node *, base->count + over->count);
  n->items = ARENA_ARRAY(arena, const Node *, base->count + over->count);
  n->count = 0;
  for (size_t i = 0; i < base->count; i++) {
    const Node *own = node_get(over, base->keys[i]->text);
    n->keys[n->count] = base->keys[i];
    n->items[n->count++] = own ? own : base->items[i];
  }
  for (size_t i = 0; i < over->count; i++) {
    if (node_get(base, over->keys[i]->text)) continue;
    n->keys[n->count] = over->keys[i];
    n->items[n->count++] = over->items[i];
  }
  return n;
}
