/* Trees from libyaml's events; see yaml_tree.h. */
#include "frontend/yaml_tree.h"
#include "frontend/frontend.h"
#include "ir/name_map.h"
#include <string.h>
#include <yaml.h>

typedef struct {
  Context *ctx;
  Arena *arena;
  const char *file;
  const char *text;
  size_t length;
  bool json;
  yaml_parser_t parser;
  NameMap anchors; /* to indices of anchored */
  const Node **anchored;
  size_t anchor_count, anchor_capacity;
  size_t nodes, limit; /* made so far, and at most */
} Reader;

static int line_of(yaml_mark_t m) { return m.line < 1000000000 ? (int)m.line + 1 : 1000000000; }
static int column_of(yaml_mark_t m) { return m.column < 1000000000 ? (int)m.column + 1 : 1000000000; }

#define fail_at(r, mark, ...) error_at((r)->ctx, (r)->file, line_of(mark), column_of(mark), __VA_ARGS__)

/* Where a byte stands; columns count bytes. */
static bool fail_at_byte(Reader *r, size_t offset, const char *problem) {
  int line = 1, column = 1;
  for (size_t i = 0; i < offset && i < r->length; i++) {
    column++;
    if (r->text[i] == '\n') line++, column = 1;
  }
  return error_at(r->ctx, r->file, line, column, "%s", problem);
}

static bool next_event(Reader *r, yaml_event_t *e) {
  if (yaml_parser_parse(&r->parser, e)) return true;
  const yaml_parser_t *p = &r->parser;
  const char *problem = p->problem ? p->problem : "not readable";
  if (p->error == YAML_READER_ERROR) return fail_at_byte(r, p->problem_offset, problem);
  return fail_at(r, p->problem_mark, "%s%s%s", problem, p->context ? ", " : "", p->context ? p->context : "");
}

static Node *new_node(Reader *r, NodeKind kind, yaml_mark_t mark) {
  if (++r->nodes > r->limit) {
    fail_at(r, mark, "the text is too large: more than %zu values", r->limit);
    return NULL;
  }
  Node *n = ARENA_NEW(r->arena, Node);
  *n = (Node){.kind = kind, .file = r->file, .line = line_of(mark), .column = column_of(mark), .weight = 1};
  return n;
}

static const Node *read_node(Reader *r, yaml_event_t *e, int depth);

static const Node *read_scalar(Reader *r, const yaml_event_t *e) {
  Node *n = new_node(r, NODE_SCALAR, e->start_mark);
  if (!n) return NULL;
  size_t length = e->data.scalar.length;
  n->text = arena_strndup(r->arena, (const char *)e->data.scalar.value, length);
  n->quoted = e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
  if (strlen(n->text) == length) return n;
  fail_at(r, e->start_mark, "a NUL character in a text");
  return NULL;
}

/* Adds the weight of a part, which may be an alias. */
static bool add_weight(Reader *r, Node *n, const Node *part) {
  n->weight += part->weight;
  if (n->weight <= r->limit) return true;
  return yaml_error(r->ctx, n, "the text is too large with its aliases written out: more than %zu values", r->limit);
}

static const Node *read_list(Reader *r, const yaml_event_t *start, int depth) {
  Node *n = new_node(r, NODE_LIST, start->start_mark);
  size_t capacity = 0;
  for (bool ok = n != NULL; ok;) {
    yaml_event_t e;
    if (!next_event(r, &e)) return NULL;
    if (e.type == YAML_SEQUENCE_END_EVENT) {
      yaml_event_delete(&e);
      return n;
    }
    const Node *item = read_node(r, &e, depth + 1);
    yaml_event_delete(&e);
    ok = item && add_weight(r, n, item);
    if (!ok) break;
    GROW(r->arena, n->items, n->count, capacity);
    n->items[n->count++] = item;
  }
  return NULL;
}

typedef struct {
  NameMap names;
  size_t key_capacity, item_capacity;
} MapState;

static void add_pair(Reader *r, Node *n, MapState *s, const Node *key, const Node *value) {
  GROW(r->arena, n->keys, n->count, s->key_capacity);
  GROW(r->arena, n->items, n->count, s->item_capacity);
  n->keys[n->count] = key;
  n->items[n->count++] = value;
}

/* "<<: *base": the keys of base that the map does not have itself. */
static bool merge_into(Reader *r, Node *n, MapState *s, const Node *from) {
  if (from->kind == NODE_LIST) {
    for (size_t i = 0; i < from->count; i++)
      if (!merge_into(r, n, s, from->items[i])) return false;
    return true;
  }
  if (from->kind != NODE_MAP) return yaml_error(r->ctx, from, "'<<' takes a map or a list of maps");
  for (size_t i = 0; i < from->count; i++)
    if (name_map_add(&s->names, from->keys[i]->text, 0)) {
      add_pair(r, n, s, from->keys[i], from->items[i]);
      if (!add_weight(r, n, from->items[i])) return false;
    }
  return true;
}

static bool read_pair(Reader *r, yaml_event_t *key_event, Node *n, MapState *s, const Node **merge, int depth) {
  const Node *key = read_node(r, key_event, depth + 1);
  yaml_event_t e;
  if (!key) return false;
  if (key->kind != NODE_SCALAR) return yaml_error(r->ctx, key, "a key must be a word, not %s", node_kind_name(key));
  if (!next_event(r, &e)) return false;
  const Node *value = read_node(r, &e, depth + 1);
  yaml_event_delete(&e);
  if (!value) return false;
  if (!r->json && !key->quoted && !strcmp(key->text, "<<") && !*merge) return *merge = value, true;
  if (!name_map_add(&s->names, key->text, 0)) return yaml_error(r->ctx, key, "key '%.100s' stands twice", key->text);
  add_pair(r, n, s, key, value);
  return add_weight(r, n, value);
}

static const Node *read_map(Reader *r, const yaml_event_t *start, int depth) {
  Node *n = new_node(r, NODE_MAP, start->start_mark);
  MapState s = {.names.arena = r->arena};
  const Node *merge = NULL;
  for (bool ok = n != NULL; ok;) {
    yaml_event_t e;
    if (!next_event(r, &e)) return NULL;
    if (e.type == YAML_MAPPING_END_EVENT) {
      yaml_event_delete(&e);
      return !merge || merge_into(r, n, &s, merge) ? n : NULL;
    }
    ok = read_pair(r, &e, n, &s, &merge, depth);
    yaml_event_delete(&e);
  }
  return NULL;
}

static const Node *read_alias(Reader *r, const yaml_event_t *e) {
  uint32_t index;
  const char *name = (const char *)e->data.alias.anchor;
  if (name_map_find(&r->anchors, name, &index)) return r->anchored[index];
  fail_at(r, e->start_mark, "no anchor '&%.100s' ends above this alias", name);
  return NULL;
}

/* YAML lets an anchor be defined again: the alias means the last one. */
static void add_anchor(Reader *r, const char *name, const Node *n) {
  uint32_t index;
  if (name_map_find(&r->anchors, name, &index)) {
    r->anchored[index] = n;
    return;
  }
  GROW(r->arena, r->anchored, r->anchor_count, r->anchor_capacity);
  name_map_add(&r->anchors, arena_strdup(r->arena, name), (uint32_t)r->anchor_count);
  r->anchored[r->anchor_count++] = n;
}

static const Node *read_node(Reader *r, yaml_event_t *e, int depth) {
  const yaml_char_t *tag = NULL, *anchor = NULL;
  if (depth > YAML_MAX_DEPTH) {
    fail_at(r, e->start_mark, "nested deeper than %d", YAML_MAX_DEPTH);
    return NULL;
  }
  switch (e->type) {
  case YAML_ALIAS_EVENT: return read_alias(r, e);
  case YAML_SCALAR_EVENT: tag = e->data.scalar.tag, anchor = e->data.scalar.anchor; break;
  case YAML_SEQUENCE_START_EVENT: tag = e->data.sequence_start.tag, anchor = e->data.sequence_start.anchor; break;
  case YAML_MAPPING_START_EVENT: tag = e->data.mapping_start.tag, anchor = e->data.mapping_start.anchor; break;
  default: fail_at(r, e->start_mark, "a value is missing"); return NULL;
  }
  if (tag) {
    fail_at(r, e->start_mark, "tags ('%.60s') are not supported", (const char *)tag);
    return NULL;
  }
  const Node *n = e->type == YAML_SCALAR_EVENT           ? read_scalar(r, e)
                  : e->type == YAML_SEQUENCE_START_EVENT ? read_list(r, e, depth)
                                                         : read_map(r, e, depth);
  if (n && anchor) add_anchor(r, (const char *)anchor, n);
  return n;
}

static bool skip_event(Reader *r, yaml_event_type_t type) {
  yaml_event_t e;
  if (!next_event(r, &e)) return false;
  bool ok = e.type == type;
  if (!ok) {
    const char *what = e.type == YAML_STREAM_END_EVENT ? "the text is empty" : "a second document";
    fail_at(r, e.start_mark, "%s", what);
  }
  yaml_event_delete(&e);
  return ok;
}

static const Node *read_document(Reader *r) {
  yaml_event_t e;
  if (!skip_event(r, YAML_STREAM_START_EVENT) || !skip_event(r, YAML_DOCUMENT_START_EVENT)) return NULL;
  if (!next_event(r, &e)) return NULL;
  const Node *n = read_node(r, &e, 0);
  yaml_event_delete(&e);
  if (!n || !skip_event(r, YAML_DOCUMENT_END_EVENT) || !skip_event(r, YAML_STREAM_END_EVENT)) return NULL;
  return n;
}

static const Node *parse(Reader *r, const char *text, size_t length) {
  r->text = text;
  r->length = length;
  if (!yaml_parser_initialize(&r->parser)) die_memory(0);
  yaml_parser_set_encoding(&r->parser, YAML_UTF8_ENCODING);
  yaml_parser_set_input_string(&r->parser, (const unsigned char *)text, length);
  const Node *n = read_document(r);
  yaml_parser_delete(&r->parser);
  return n;
}

const Node *yaml_parse(Context *ctx, Arena *arena, const char *file, const char *text, size_t length) {
  Reader r = {.ctx = ctx, .arena = arena, .file = file, .anchors.arena = arena, .limit = YAML_MAX_NODES};
  return parse(&r, text, length);
}

const Node *json_parse(Context *ctx, Arena *arena, const char *file, const char *text, size_t length) {
  size_t yaml_length;
  char *yaml = json_as_yaml(ctx, arena, file, text, length, &yaml_length);
  Reader r = {.ctx = ctx, .arena = arena, .file = file, .json = true, .anchors.arena = arena, .limit = SIZE_MAX / 2};
  return yaml ? parse(&r, yaml, yaml_length) : NULL;
}

const Node *json_parse_file(Context *ctx, Arena *arena, const char *path) {
  MappedFile f;
  if (!map_file(ctx, path, &f)) return NULL;
  const Node *n = json_parse(ctx, arena, arena_strdup(arena, path), f.data ? (const char *)f.data : "", f.size);
  unmap_file(&f);
  return n;
}
