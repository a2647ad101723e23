/* What printer, parser and verifier of the .nir text share. The grammar is in docs/ir.md. */
#ifndef NEXTC_NIR_H
#define NEXTC_NIR_H
#include "ir/ir.h"
#include "ir/lex.h"
#include "ir/text.h"

enum {
  NIR_VERSION = 1,
  MAX_ERRORS_A_FILE = 20,
  MAX_VALUE_NUMBER = 1 << 20, /* %1048576: the parser's table of values is indexed by it */
  MAX_TEXT_SOURCES = 256,
  MAX_LIST = 1 << 20,   /* entries of a list */
  MAX_RANGES = 1 << 22, /* entries that all ranges a..b of a file may stand for */
};

/* ---- text of dims and types (print.c) ---- */
/* N, or "batch size" where the name is no identifier. */
void nir_symbol(Text *, const char *name);
void nir_dim(Text *, const Graph *, Dim);
void nir_type(Text *, const Graph *, const Type *);

/* ---- attr.def's SCHED rows as data (sched_table.c) ---- */
typedef enum { SCHED_GROUP, SCHED_INTS, SCHED_INT, SCHED_TILES } SchedKind;
typedef struct {
  const char *name;
  SchedKind kind;
  size_t offset; /* in Sched; SCHED_GROUP's word is Sched.family */
} SchedInfo;
enum SchedIndex {
#define ATTR(name, kind, default_, doc)
#define SCHED(name, kind, default_, doc) SCHED_AT_##name,
#include "ir/attr.def"
#undef ATTR
#undef SCHED
  SCHED_COUNT
};
extern const SchedInfo sched_info[SCHED_COUNT];
bool sched_is_default(const SchedInfo *, const Sched *);
/* What is wrong with the schedule of an op, or NULL. In the arena. */
const char *sched_fault(Arena *, const Op *);

/* ---- sets of names (name_set.c) ---- */
typedef struct {
  Arena *arena;
  const char **slots; /* open addressing, a power of two of them; names are not copied */
  size_t count, capacity;
} NameSet;
bool name_set_add(NameSet *, const char *name); /* false: it is there */

/* ---- parser ---- */
typedef struct {
  Lexer x; /* x.arena holds what one line needs */
  Graph *graph;
  OpenSource open;
  ValueId *values; /* by number; 0: not defined, or one of the marks below. malloc'ed */
  size_t value_capacity;
  int64_t declared_sources;
  bool source_failed;
  bool graph_seen, fatal;
  NameSet inputs, outputs;
  NameSet kernels;       /* "7" and "7:gemm" */
  int64_t range_entries; /* used of MAX_RANGES */
} Parser;

/* parse_head.c: a line each, up to its end. */
bool parse_header(Parser *);
bool parse_source(Parser *);
bool parse_graph_line(Parser *);

/* notes.c: the lines that a graph's notes are; "labels" and "preprocess" begin them. */
void nir_notes(Text *, const Graph *);
bool parse_labels(Parser *);
bool parse_preprocess(Parser *);

/* parse_attrs.c: each reads its part at the current token, or reports what is wrong and returns false. */
bool parse_symbol(Parser *, int *out);
bool parse_type(Parser *, Type *);
bool parse_attrs(Parser *, OpKind, Attrs *); /* {...}; lists and strings are in the line's arena */
bool parse_sched(Parser *, Sched *);         /* @{...}; in the graph's arena */
bool parse_locs(Parser *, const Loc **);     /* !...; in the graph's arena */
/* " (did you mean 'x'?)", or "". */
const char *suggestion(Parser *, const char *word, const char *const *names, size_t count);
#endif
