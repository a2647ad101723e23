/* ONNX import: every node is translated by its row of onnx_ops.def, shapes are inferred on the way, no pass is run. One
 * run lists everything that is wrong; nodes that depend on a node that failed are left out silently. */
#include "frontend/onnx_translate.h"
#include <ctype.h>
#include <string.h>

enum { ANY = 255, NEWEST = NEWEST_OPSET };

const OnnxOp onnx_ops[] = {
#define ONNX(name, since, last, min_in, max_in, max_out, translate, kind, attrs)                                       \
  {#name, since, last, min_in, max_in, max_out, onnx_##translate, OP_##kind, attrs},
#include "frontend/onnx_ops.def"
#undef ONNX
};
const size_t onnx_op_count = sizeof onnx_ops / sizeof *onnx_ops;

const char *graph_name_of(Arena *a, const char *path) {
  const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
  const char *dot = strrchr(base, '.');
  char *name = arena_strndup(a, base, dot && dot != base ? (size_t)(dot - base) : strlen(base));
  for (char *c = name; *c; c++)
    if (!isalnum((unsigned char)*c) || (unsigned char)*c > 126) *c = '_';
  return isdigit((unsigned char)*name) || !*name ? arena_printf(a, "m%s", name) : name;
}

static bool check_graph(Import *im) {
  const Onnx__GraphProto *g = im->file->model->graph;
  const char *path = im->file->store.path;
  Context *ctx = im->graph->context;
  if (!im->file->node_count) return error_in(ctx, path, "the graph is empty: it has no nodes");
  if (!g->n_output) return error_in(ctx, path, "the graph has no outputs");
  if (g->n_sparse_initializer) return error_in(ctx, path, "sparse_initializer is not supported");
  return true;
}

static void mark_results(Import *im, bool failed, bool skipped) {
  for (size_t i = 0; i < im->node->out_count; i++) {
    uint32_t index;
    if (!*im->node->out[i] || !name_map_find(&im->names, im->node->out[i], &index)) continue;
    im->defs[index].failed = failed;
    im->defs[index].skipped = skipped;
  }
}

/* Is the current node in a branch whose condition is known to be the other one? */
static bool is_skipped(Import *im) {
  for (uint32_t g = im->node->guard; g; g = im->file->guards[g].outer) {
    bool flag;
    if (import_known_flag(im, im->file->guards[g].condition, &flag) && flag != im->file->guards[g].value) return true;
  }
  return false;
}

/* Does any operand come from a node that failed? Undefined names are reported here, too. */
static void check_operands(Import *im) {
  for (size_t i = 0; i < im->node->in_count; i++) (void)node_arg(im, i);
}

static bool import_node(Import *im, const OnnxNode *n) {
  im->node = n;
  im->failed = false;
  if (is_skipped(im)) {
    mark_results(im, false, true);
    return true;
  }
  im->row = import_check_node(im);
  check_operands(im);
  if (im->row && !im->failed) {
    im->loc = import_loc(im, n);
    im->row->translate(im);
    if (!im->failed) import_check_results(im);
  }
  if (!im->row || im->failed) mark_results(im, true, false);
  return im->row && !im->failed;
}

static bool import_nodes(Import *im, const uint32_t *order) {
  bool ok = true;
  for (size_t i = 0; i < im->file->node_count; i++) {
    ArenaMark mark = arena_mark(im->arena);
    ok = import_node(im, &im->file->nodes[order[i]]) && ok;
    arena_release(im->arena, mark);
  }
  return ok;
}

static bool import_graph(Import *im) {
  if (!check_graph(im) || !import_definitions(im)) return false;
  const uint32_t *order = import_order(im);
  if (!order) return false;
  import_declarations(im);
  bool ok = import_inputs(im);
  ok = import_nodes(im, order) && ok;
  return import_outputs(im) && ok;
}

Graph *load_onnx(Context *ctx, const char *path, const DimPin *pins, size_t pin_count) {
  OnnxFile *file = onnx_file_open(ctx, path);
  if (!file) return NULL;
  Arena *scratch = arena_new();
  Graph *g = graph_new(ctx, graph_name_of(scratch, path));
  Import im = {.file = file, .graph = g, .arena = scratch, .pins = pins, .pin_count = pin_count};
  im.source = graph_add_source(g, &file->source);
  im.names.arena = scratch;
  bool ok = import_graph(&im);
  arena_free(scratch);
  if (ok) return g;
  graph_free(g);
  return NULL;
}
