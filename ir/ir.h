/* The tensor IR: graphs of operators on tensor values. Read this first, then ops.def.
 *
 * A Graph owns everything in one arena. Values and ops are 32-bit ids into its tables; id 0 is "none". Pointers into
 * the tables are for locals only (adding an op moves them). A graph is changed by the four mutators below and nothing
 * else, so use lists, types and constness are always exact. Graph inputs, weights and outputs are ops too. */
#ifndef NEXTC_IR_H
#define NEXTC_IR_H
#include "ir/arena.h"
#include "ir/diag.h"
#include "ir/type.h"

typedef uint32_t ValueId;
typedef uint32_t OpId;

typedef struct {
  int32_t count;
  const Dim *at; /* numbers, or symbolic dims where an attribute is a shape */
} Ints;

typedef struct {
  int32_t count;
  const double *at;
} Floats;

/* All attributes of all operators (attr.def): one fat struct, no union. */
typedef struct {
#define AT_INT(name)                    int64_t name;
#define AT_FLOAT(name)                  double name;
#define AT_INTS(name)                   Ints name;
#define AT_FLOATS(name)                 Floats name;
#define AT_NAME(name)                   const char *name;
#define AT_STRING(name)                 const char *name;
#define ATTR(name, kind, default_, doc) AT_##kind(name)
#define SCHED(name, kind, default_, doc)
#include "ir/attr.def"
#undef ATTR
#undef SCHED
} Attrs;

enum AttrIndex {
#define ATTR(name, kind, default_, doc) ATTR_##name,
#define SCHED(name, kind, default_, doc)
#include "ir/attr.def"
#undef ATTR
#undef SCHED
  ATTR_COUNT
};
_Static_assert(ATTR_COUNT <= 64, "OpInfo.attrs is a 64-bit mask");

typedef enum { KIND_INT, KIND_FLOAT, KIND_INTS, KIND_FLOATS, KIND_NAME, KIND_STRING } AttrKind;

/* Row of attr.def as data, so that printer, parser, comparison and docs are loops over it. */
typedef struct {
  const char *name, *doc;
  AttrKind kind;
  size_t offset;         /* of the member in Attrs */
  double default_number; /* KIND_INT and KIND_FLOAT */
} AttrInfo;
extern const AttrInfo attr_info[ATTR_COUNT];

Attrs attrs_default(void);
bool attr_equal(const AttrInfo *, const Attrs *, const Attrs *);
bool attr_is_default(const AttrInfo *, const Attrs *);

/* A register tile on one target. */
typedef struct {
  const char *target; /* row of backend/target.c */
  int32_t rows, columns;
} TileChoice;

typedef struct {
  int32_t count;
  const TileChoice *at; /* no target twice */
} Tiles;

/* Schedule of one op: @{} in the text. */
typedef struct {
  int32_t kernel;     /* group number >= 0; -1: not grouped */
  const char *family; /* lowering family of the group (backend/families.def); NULL: not grouped */
  Ints at;            /* byte offset of each result in the arena, -1: none; count 0: not placed */
  int64_t inplace;    /* operand index, -1: none */
  int64_t pitch;      /* of what a dwconv reads (backend/pitch.h), -1: its own choice */
  Tiles tile;         /* of a kernel's first op; targets that are not in it take their row's own */
} Sched;
Sched sched_default(void);

/* Where an op came from: a list of nodes of source files; rewrites unite the lists of what they replace. */
typedef struct Loc {
  int32_t source;        /* index into Graph.sources */
  int32_t opset;         /* 0: not said */
  const char *node, *op; /* node name; operator as the file spells it */
  const struct Loc *next;
} Loc;

typedef enum {
#define OP(name, ...) OP_##name,
#include "ir/ops.def"
#undef OP
  OP_COUNT
} OpKind;

typedef struct {
  OpId op;        /* 0 never occurs in an exact list */
  uint32_t index; /* operand number */
} Use;

typedef struct {
  Type type;
  OpId def;        /* the op whose result this is */
  uint32_t result; /* which one */
  bool constant;   /* a function of weights and literals alone */
  /* Contents of a small integer value, row-major, where they are known at compile time: numbers or symbolic dims.
   * NULL: not known. As many as the type has elements (<= MAX_KNOWN). */
  const Dim *known;
  Use *uses; /* exact, in no particular order */
  uint32_t use_count;
  size_t use_capacity;
} Value;
enum { MAX_KNOWN = 4096 };

typedef struct {
  OpKind kind; /* OP_none (0): erased */
  uint32_t operand_count, result_count;
  ValueId *operands;    /* 0: optional operand left out */
  ValueId first_result; /* results are first_result .. first_result + result_count - 1 */
  Attrs attrs;
  Sched sched;
  const Loc *loc;
  OpId prev, next; /* statement order */
} Op;

/* A tensor as a source holds it. Data are little-endian elements, row-major, mapped: never freed by the reader. */
typedef struct {
  Type type;
  const void *data;
  size_t bytes;
} TensorView;

/* A file that weights come from. The frontend that opened it fills in the functions. */
typedef struct Source {
  const char *path; /* as opened; printed relative to the .nir */
  uint64_t hash;    /* of its contents, 0: not computed yet */
  void *impl;
  /* Finds a tensor by name; false: no such tensor. */
  bool (*find)(struct Source *, const char *name, TensorView *out);
  uint64_t (*compute_hash)(struct Source *); /* reads everything; external data too */
  void (*close)(struct Source *);
  void (*drop_pages)(struct Source *, const TensorView *); /* may be NULL: a view's pages are no longer needed */
  /* Where find is NULL: makes up the tensor of a name and type, which lives until drop_pages. False + diag. */
  bool (*make)(struct Source *, const char *name, const Type *, TensorView *out);
} Source;

/* What a user of the program needs to know beside its operators: how an image becomes its input, what its classes are
 * called. Nothing of it changes what is computed. (notes.c) */
typedef struct {
  const char *const *labels; /* [label_count] of the classes */
  int32_t label_count;
  bool preprocess;           /* the members below are said */
  Floats mean, std;          /* of each channel, of pixels in [0, 1] */
  double crop;               /* the centre crop's share of what is resized; 1: no crop */
  bool squash;               /* height and width are resized each, not the shorter side in proportion */
  const char *interpolation; /* nearest, bilinear, bicubic, lanczos */
} Notes;

typedef struct Graph {
  Arena *arena;
  Context *context;
  const char *name; /* model name, a C identifier */
  Op *ops;          /* [0] is none */
  size_t op_count, op_capacity;
  Value *values; /* [0] is none */
  size_t value_count, value_capacity;
  OpId first, last; /* statement order */
  Source **sources;
  size_t source_count, source_capacity;
  const char *symbols[MAX_SYMBOLS];
  int symbol_count;
  int batch_symbol; /* after peel-batch: symbols[] index of the number of images the program loops over; -1: none */
  int64_t batch;    /* after peel-batch of a number: how many images; 1: no loop */
  const char *last_pass;  /* name of the last pipeline pass that ran; "" after import */
  struct RewriteLog *log; /* counts rewrites (passes/rewrite_log.h); NULL: nobody does. Not the graph's own */
  Notes notes;
} Graph;

Graph *graph_new(Context *, const char *name);
void graph_free(Graph *); /* closes its sources */
int graph_add_source(Graph *, Source *);
int graph_symbol(Graph *, const char *name); /* finds or adds; -1: too many */

/* ---- operator table (ops.def as data) ---- */
typedef struct Infer Infer;
typedef struct Eval Eval;
enum OpTrait {
  T_COMMUTATIVE = 1, /* first two operands may be swapped */
  T_POINTWISE = 2,   /* result element i depends on element i of each (broadcast) operand only */
  T_LEAF = 4,        /* input, weight, const */
  T_REDUCE = 8,      /* reduces attrs.axes */
  T_SPATIAL = 16,    /* has attrs.layout: channels at axis 1, or last */
  T_INTEGER = 32,    /* inference may fold its contents (Value.known) */
  T_SINK = 64,       /* output: no results */
};
typedef struct {
  const char *name, *doc;
  uint8_t min_operands, max_operands; /* 255: any number */
  uint8_t results;
  uint64_t attrs; /* bit i: takes attr_info[i] */
  bool (*infer)(Infer *);
  void (*eval)(Eval *);
  const char *family; /* lowering family when no pass groups it otherwise; "" : never lowered */
  unsigned traits;
} OpInfo;
extern const OpInfo op_info[OP_COUNT];
OpKind op_from_name(const char *name, size_t length); /* OP_none where there is none */

/* What an infer function sees and fills in. */
struct Infer {
  const Graph *graph;
  const Op *op;
  const Type *in[32]; /* operand types; NULL: left out (only the first 32; see operand_type) */
  Type *out;          /* [result_count] */
  char error[256];    /* set by infer_fail */
};
const Type *infer_operand(const Infer *, uint32_t index);
bool infer_fail(Infer *, const char *format, ...) PRINTF_LIKE(2, 3); /* returns false */

/* ---- the four mutators ---- */
/* Appends a new op before `before` (0: at the end); computes result types, constness and known contents. Returns 0 and
 * fills error[256] where inference refuses. operands and lists in attrs are copied into the graph's arena. */
OpId graph_try_op(Graph *, OpKind, const ValueId *operands, uint32_t count, const Attrs *, const Loc *, OpId before,
                  char *error);
/* The same for passes: a refusal is a bug and dies. Returns the first result. */
ValueId graph_new_op(Graph *, OpKind, const ValueId *operands, uint32_t count, const Attrs *, const Loc *, OpId before);
void graph_set_operand(Graph *, OpId, uint32_t index, ValueId);
/* Every use of `old` becomes a use of `new_`, which must have the same type. */
void graph_replace_uses(Graph *, ValueId old, ValueId new_);
void graph_erase_op(Graph *, OpId); /* its results must have no uses */

/* ---- reading ---- */
static inline Op *op_at(const Graph *g, OpId id) { return &g->ops[id]; }
static inline Value *value_at(const Graph *g, ValueId id) { return &g->values[id]; }
static inline const Type *type_of(const Graph *g, ValueId id) { return &g->values[id].type; }
static inline Op *def_of(const Graph *g, ValueId id) { return &g->ops[g->values[id].def]; }
OpId op_id(const Graph *, const Op *);
#define FOR_EACH_OP(g, id)                                                                                             \
  for (OpId id = (g)->first, id##_next = 0; id && (id##_next = (g)->ops[id].next, true); id = id##_next)

/* Union of two location lists, duplicates dropped; of lists that are longer than MAX_LOCS together, the first. */
enum { MAX_LOCS = 256 };
const Loc *loc_union(Graph *, const Loc *, const Loc *);
Where where_op(const Graph *, OpId); /* for diag */
/* A source's path for diag; the graph's name where it is no file. */
const char *graph_file(const Graph *, size_t source);
Ints ints_copy(Arena *, const Dim *, int32_t count);
Floats floats_copy(Arena *, const double *, int32_t count);
/* Literal of rank 0..n: integers when dtype is not a float. */
ValueId graph_const_ints(Graph *, DType, int rank, const Dim *dims, const Dim *values, const Loc *, OpId before);
ValueId graph_const_floats(Graph *, DType, int rank, const Dim *dims, const double *values, const Loc *, OpId before);
/* Is v a literal (or a weight of one element kept as one) whose elements all equal? Then *out is it. */
bool value_is_splat(const Graph *, ValueId, double *out);

/* ---- whole-graph functions of ir/ ---- */
/* Checks every invariant (types re-inferred, order, use lists, attributes); reports all faults. */
bool graph_verify(Graph *);
/* Text form; the whole program as one string in the arena. base_dir: source paths are printed relative to it. */
char *graph_print(const Graph *, Arena *, const char *base_dir);
/* The program without what tells one export of a network from another: no sources, locations and names, symbols by
 * number, and each maximal constant expression where it is read, as "const f32[96x384] #hash-of-its-value" (without the
 * hash unless `hashes`). Computes all weights for the hashes; NULL + diag where a source lacks one. */
char *graph_print_anonymous(const Graph *, Arena *, bool hashes);
/* open: how the parser opens the sources that the text names (frontend's open_source). */
typedef Source *(*OpenSource)(Context *, const char *path);
Graph *graph_parse(Context *, const char *file, const char *text, size_t length, OpenSource open);
#endif
