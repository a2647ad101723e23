/* YAML and JSON texts as trees whose nodes know where they stand. Everything that reads a description, a config or a
 * header of a weights file goes through here, so that limits and messages are the same everywhere. */
#ifndef NEXTC_YAML_TREE_H
#define NEXTC_YAML_TREE_H
#include "ir/diag.h"
#include <stdint.h>

typedef enum { NODE_SCALAR, NODE_LIST, NODE_MAP } NodeKind;

/* Aliases share nodes: the tree is a graph without cycles. */
typedef struct Node Node;
struct Node {
  NodeKind kind;
  bool quoted;      /* a scalar in quotes, or a block of text: never a number, bool or null */
  int line, column; /* from 1 */
  const char *file;
  const char *text;   /* of a scalar */
  const Node **items; /* [count] of a list; values of a map */
  const Node **keys;  /* [count] of a map: scalars, none twice */
  size_t count;
  size_t weight; /* nodes of its expansion, aliases counted as often as they stand */
};

enum {
  YAML_MAX_DEPTH = 64,
  YAML_MAX_NODES = 200000, /* of a whole expansion; a longer text is refused */
};

/* A YAML text: one document without tags. NULL + diag with line and column: syntax, two equal keys in a map, an alias
 * without its anchor, too deep, too large. */
const Node *yaml_parse(Context *, Arena *, const char *file, const char *text, size_t length);
/* A JSON text, exactly as RFC 8259 has it. Limits: the same depth; any size. */
const Node *json_parse(Context *, Arena *, const char *file, const char *text, size_t length);
/* A whole file; "" is an error. */
const Node *json_parse_file(Context *, Arena *, const char *path);

/* Is text JSON? Returns it with surrogate pairs joined to \UXXXXXXXX, which YAML reads, in the arena; NULL + diag.
 * (json_text.c) */
char *json_as_yaml(Context *, Arena *, const char *file, const char *text, size_t length, size_t *out_length);

/* ---- reading nodes (yaml_read.c). Every function that returns bool: false + diag at the node. ---- */
#define yaml_error(ctx, node, ...) error_at(ctx, (node)->file, (node)->line, (node)->column, __VA_ARGS__)

const char *node_kind_name(const Node *);               /* "a list", "a map", "null", "'text'" */
bool node_is_null(const Node *);                        /* NULL too */
bool node_is(const Node *, const char *word);           /* this plain or quoted scalar? */
const Node *node_get(const Node *map, const char *key); /* NULL: no such key, or no map */
/* Every key of map must be one of names, else an error with the nearest one. what: "the model", "conv". */
bool yaml_check_keys(Context *, const Node *map, const char *what, const char *const *names, size_t count);
bool yaml_int(Context *, const Node *, const char *what, int64_t low, int64_t high, int64_t *out);
bool yaml_double(Context *, const Node *, const char *what, double low, double high, double *out);
bool yaml_bool(Context *, const Node *, const char *what, bool *out);
bool yaml_string(Context *, const Node *, const char *what, const char **out);
/* One of "a|b|c": its index. */
bool yaml_word(Context *, const Node *, const char *what, const char *words, int *out);
/* A list of numbers, or one number for a list of one; at most room of them. */
bool yaml_ints(Context *, const Node *, const char *what, int64_t low, int64_t high, int64_t *out, size_t room,
               size_t *count);
/* Is it a scalar that reads as a number? */
bool node_number(const Node *, double *out);

/* A map read into a struct by a table. */
typedef enum {
  FIELD_INT,
  FIELD_DOUBLE,
  FIELD_BOOL,
  FIELD_STRING,
  FIELD_WORD,
  FIELD_INTS,
  FIELD_NODE,
  FIELD_IGNORE
} FieldKind;
typedef struct {
  const char *key;
  FieldKind kind;
  size_t offset;     /* of the member: int64_t, double, bool, const char *, int, IntList, const Node * */
  double low, high;  /* of numbers */
  const char *words; /* of FIELD_WORD */
} Field;
enum { MAX_INT_LIST = 64 };
typedef struct {
  size_t count;
  int64_t at[MAX_INT_LIST];
} IntList;
/* Members whose key is absent or null are left alone. Reports unknown keys and wrong values, all of them. */
bool yaml_fields(Context *, const Node *map, const char *what, const Field *, size_t count, void *out);

/* The same without looking for unknown keys. */
bool yaml_read_fields(Context *, const Node *map, const Field *, size_t count, void *out);

/* base with the keys of over added or replaced, in the arena. */
const Node *yaml_merge(Arena *, const Node *base, const Node *over);
#endif
