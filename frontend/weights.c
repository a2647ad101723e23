/* Weights files and the binding of networks to them; see weights.h. */
#include "frontend/weights.h"
#include "ir/graph_edit.h"
#include "ir/nir.h"
#include <string.h>

enum { MAX_LISTED = 20 }; /* of each kind of fault */

/* ---- files ---- */

static bool ends_with(const char *s, const char *end) {
  size_t a = strlen(s), b = strlen(end);
  return a >= b && !strcmp(s + a - b, end);
}

typedef enum { FILE_ONNX, FILE_SAFETENSORS, FILE_INDEX, FILE_NPZ } FileKind;

/* The first bytes tell, but for safetensors, which begins with a length: '{' follows it. */
static bool kind_of(Context *ctx, const char *path, FileKind *out) {
  MappedFile f;
  if (ends_with(path, ".index.json")) return *out = FILE_INDEX, true;
  if (!map_file(ctx, path, &f)) return false;
  bool braced = f.size > 8 && f.data[8] == '{';
  *out = ends_with(path, ".safetensors") ? FILE_SAFETENSORS : FILE_ONNX;
  if (f.size >= 4 && !memcmp(f.data, "PK", 2) && f.data[2] <= 5)
    *out = FILE_NPZ;
  else if (braced && !f.data[6] && !f.data[7])
    *out = FILE_SAFETENSORS;
  else if (ends_with(path, ".npz"))
    *out = FILE_NPZ;
  unmap_file(&f);
  return true;
}

static bool open_onnx(Context *ctx, const char *path, WeightFile *w) {
  w->onnx = onnx_file_open(ctx, path);
  if (!w->onnx) return false;
  w->source = &w->onnx->source;
  w->count = w->onnx->tensor_count;
  w->names = ARENA_ARRAY(ctx->arena, const char *, w->count + 1);
  for (size_t i = 0; i < w->count; i++) w->names[i] = w->onnx->tensors[i].name;
  return true;
}

bool open_weights(Context *ctx, const char *path, WeightFile *w) {
  FileKind kind;
  *w = (WeightFile){0};
  if (!kind_of(ctx, path, &kind)) return false;
  if (kind == FILE_ONNX) return open_onnx(ctx, path, w);
  TensorFile *f = kind == FILE_INDEX         ? safetensors_index_open(ctx, path)
                  : kind == FILE_SAFETENSORS ? safetensors_open(ctx, path)
                                             : npz_open(ctx, path);
  if (!f) return false;
  w->source = &f->source;
  w->count = f->tensor_count;
  w->names = ARENA_ARRAY(ctx->arena, const char *, w->count + 1);
  for (size_t i = 0; i < w->count; i++) w->names[i] = f->tensors[i].name;
  return true;
}

Source *open_source(Context *ctx, const char *path) {
  WeightFile w;
  if (!strcmp(path, "none:")) return no_weights(ctx, "this text");
  if (!strncmp(path, "random:", 7)) return random_weights(ctx, path);
  return open_weights(ctx, path, &w) ? w.source : NULL;
}

/* ---- binding ---- */

typedef struct {
  Graph *g;
  Context *ctx;
  Arena *arena;
  WeightFile *file;
  NameMap index;      /* of file->names */
  bool *used;         /* [file->count] */
  OpId *ids;          /* [count] weight ops of the network */
  const char **names; /* [count] of the tensors that they should be; NULL: the scheme has none */
  ValueId *found;     /* [count] 0: not yet */
  size_t count, hits;
  size_t scheme;
  int missing, wrong, left;
} Binding;

static void list_parameters(Binding *b) {
  Graph *g = b->g;
  b->ids = ARENA_ARRAY(b->arena, OpId, g->op_count);
  FOR_EACH_OP(g, id)
  if (op_at(g, id)->kind == OP_weight && op_at(g, id)->attrs.source == 0) b->ids[b->count++] = id;
  b->names = ARENA_ARRAY(b->arena, const char *, b->count + 1);
  b->found = ARENA_ARRAY(b->arena, ValueId, b->count + 1);
}

static bool file_has(const Binding *b, const char *name, uint32_t *index) {
  return name && name_map_find(&b->index, name, index);
}

/* What all names of the file begin with, up to a dot: what held the network in the program that saved it. */
static const char *common_prefix(const Binding *b) {
  const char *first = b->file->count ? b->file->names[0] : "";
  size_t length = strlen(first);
  for (size_t i = 1; i < b->file->count; i++) {
    size_t same = 0;
    while (same < length && b->file->names[i][same] == first[same]) same++;
    length = same;
  }
  while (length && first[length - 1] != '.') length--;
  return arena_strndup(b->arena, first, length);
}

/* A way to name all parameters. */
typedef struct {
  size_t scheme, prefix;
  const char *outer; /* stands before the scheme's prefix */
} Naming;

static const char *named(Binding *b, const Naming *n, size_t i) {
  const char *name = scheme_tensor(b->arena, n->scheme, n->prefix, op_at(b->g, b->ids[i])->attrs.name);
  return name && *n->outer ? arena_printf(b->arena, "%s%s", n->outer, name) : name;
}

static size_t count_hits(Binding *b, const Naming *n) {
  size_t hits = 0;
  uint32_t index;
  ArenaMark mark = arena_mark(b->arena);
  for (size_t i = 0; i < b->count; i++) hits += file_has(b, named(b, n, i), &index);
  arena_release(b->arena, mark);
  return hits;
}

/* The naming by which the file has most of the parameters. */
static void choose_scheme(Binding *b) {
  const char *const outers[] = {"", common_prefix(b)};
  Naming best = {0, 0, ""};
  for (size_t o = 0; o < (*outers[1] ? 2 : 1); o++)
    for (size_t s = 0; s < scheme_count; s++)
      for (size_t p = 0; p < SCHEME_PREFIXES && b->hits < b->count; p++) {
        const Naming n = {s, p, outers[o]};
        const size_t hits = count_hits(b, &n);
        if (hits <= b->hits) continue;
        b->hits = hits;
        best = n;
      }
  b->scheme = best.scheme;
  for (size_t i = 0; i < b->count; i++) b->names[i] = named(b, &best, i);
}

/* Equal but for axes of 1? */
static bool same_but_ones(const Type *a, const Type *b) {
  int i = 0, j = 0;
  for (;;) {
    while (i < a->rank && a->dim[i] == 1) i++;
    while (j < b->rank && b->dim[j] == 1) j++;
    if (i == a->rank || j == b->rank) return i == a->rank && j == b->rank;
    if (a->dim[i++] != b->dim[j++]) return false;
  }
}

static const char *type_text(Binding *b, const Type *t) {
  Text text = {.arena = b->arena};
  nir_type(&text, b->g, t);
  return text_string(&text);
}

/* The tensor as a value of the parameter's type: read, widened, its axes of 1 put right. */
static ValueId tensor_value(Graph *g, const char *name, const Type *stored, const Type *wanted, OpId before) {
  Attrs a = attrs_default();
  char error[256] = "";
  a.name = name;
  OpId id = graph_try_leaf(g, OP_weight, stored, &a, op_at(g, before)->loc, before, error);
  if (!id) die("a weight that the file has: %s", error);
  ValueId v = op_at(g, id)->first_result;
  Attrs cast = attrs_default(), reshape = attrs_default();
  cast.to = dtype_name((DType)wanted->dtype);
  reshape.shape = (Ints){wanted->rank, wanted->dim};
  if (stored->dtype != wanted->dtype) v = graph_new_op(g, OP_cast, &v, 1, &cast, NULL, before);
  if (!type_equal(type_of(g, v), wanted)) v = graph_new_op(g, OP_reshape, &v, 1, &reshape, NULL, before);
  return v;
}

static void bind_one(Binding *b, size_t i) {
  uint32_t index;
  TensorView view;
  Type wanted = *type_of(b->g, op_at(b->g, b->ids[i])->first_result);
  if (!file_has(b, b->names[i], &index) || !b->file->source->find(b->file->source, b->names[i], &view)) return;
  if (dtype_is_float((DType)view.type.dtype) && same_but_ones(&view.type, &wanted)) {
    b->used[index] = true;
    b->found[i] = tensor_value(b->g, b->names[i], &view.type, &wanted, b->ids[i]);
    return;
  }
  if (b->file->onnx) return; /* an exporter's own tensor may have a parameter's name: aligning finds what it is */
  b->used[index] = true;
  if (b->wrong++ < MAX_LISTED)
    error_in(b->ctx, b->file->source->path, "tensor '%.200s' is %s, the network needs %s for '%.200s'", b->names[i],
             type_text(b, &view.type), type_text(b, &wanted), op_at(b->g, b->ids[i])->attrs.name);
  b->found[i] = op_at(b->g, b->ids[i])->first_result; /* reported */
}

/* Where little was found: what the file seems to be. */
static void report_architecture(Binding *b) {
  const char *architecture = NULL;
  if (b->file->onnx || b->hits * 4 > b->count) return;
  for (size_t i = 0; i < b->file->count && !architecture; i++) {
    architecture = architecture_of(b->file->names[i]);
    if (architecture)
      error_in(
          b->ctx, b->file->source->path,
          "tensor '%.200s' is that of %s, which this network is not; supported are ConvNeXt and ConvNeXt V2 as timm, "
          "Hugging Face transformers, torchvision and the official repositories name them, and family resnet's "
          "networks",
          b->file->names[i], architecture);
  }
}

static void report_missing(Binding *b) {
  for (size_t i = 0; i < b->count; i++) {
    const Op *op = op_at(b->g, b->ids[i]);
    if (b->found[i] || b->missing++ >= MAX_LISTED) continue;
    const char *also = b->names[i] && strcmp(b->names[i], op->attrs.name)
                           ? arena_printf(b->arena, " (the network's '%.200s')", op->attrs.name)
                           : "";
    error_in(b->ctx, b->file->source->path, "tensor '%.200s' is missing%s: %s",
             b->names[i] ? b->names[i] : op->attrs.name, also, type_text(b, type_of(b->g, op->first_result)));
  }
}

/* BatchNorm counts its batches while it learns. */
static bool is_noise(const char *name) { return ends_with(name, "num_batches_tracked"); }

/* An ONNX file has constants of its own: only what looks like a parameter counts, and only as a warning. */
static void report_left(Binding *b) {
  for (size_t i = 0; i < b->file->count; i++) {
    TensorView v;
    if (b->used[i] || is_noise(b->file->names[i])) continue;
    if (b->file->onnx && (!b->file->source->find(b->file->source, b->file->names[i], &v) ||
                          !dtype_is_float((DType)v.type.dtype) || type_elements(&v.type) < 2))
      continue;
    if (b->left++ < MAX_LISTED)
      diag(b->ctx, b->file->onnx ? DIAG_WARNING : DIAG_ERROR, (Where){.file = b->file->source->path},
           "tensor '%.200s' is left over: the network has no place for it", b->file->names[i]);
  }
}

static bool summary(Binding *b) {
  int hidden = (b->missing > MAX_LISTED) + (b->wrong > MAX_LISTED) + (b->left > MAX_LISTED);
  bool ok = !b->missing && !b->wrong && (!b->left || b->file->onnx);
  if (!ok && (hidden || !b->hits))
    error_in(b->ctx, b->file->source->path,
             "%d tensors missing, %d left over, %d of a wrong shape; named as %s names them", b->missing, b->left,
             b->wrong, b->hits ? scheme_name(b->scheme) : "no scheme that nextc knows");
  return ok;
}

static void replace_weights(Binding *b) {
  for (size_t i = 0; i < b->count; i++) {
    graph_replace_uses(b->g, op_at(b->g, b->ids[i])->first_result, b->found[i]);
    graph_erase_op(b->g, b->ids[i]);
  }
}

static bool bind(Binding *b) {
  for (size_t i = 0; i < b->file->count; i++) name_map_add(&b->index, b->file->names[i], (uint32_t)i);
  list_parameters(b);
  choose_scheme(b);
  for (size_t i = 0; i < b->count; i++) bind_one(b, i);
  bool open = false;
  for (size_t i = 0; i < b->count; i++) open = open || !b->found[i];
  if (open && b->file->onnx) align_weights(b->g, b->file, b->ids, b->count, b->found, b->used);
  report_architecture(b);
  report_missing(b);
  report_left(b);
  return summary(b);
}

static bool bind_file(Graph *g, const char *from) {
  WeightFile file;
  if (!open_weights(g->context, from, &file)) return false;
  Arena *arena = arena_new();
  Binding b = {.g = g, .ctx = g->context, .arena = arena, .file = &file, .index.arena = arena};
  b.used = ARENA_ARRAY(arena, bool, file.count + 1);
  bool ok = bind(&b);
  g->sources[0] = file.source;
  if (ok) replace_weights(&b);
  arena_free(arena);
  return ok;
}

bool bind_weights(Graph *g, const char *from) {
  if (!g->source_count || !is_no_weights(g->sources[0]))
    return error_in(g->context, graph_file(g, 0), "has weights of its own; no others are needed");
  if (strncmp(from, "random:", 7)) return bind_file(g, from);
  Source *s = random_weights(g->context, from);
  if (s) g->sources[0] = s;
  return s != NULL;
}
