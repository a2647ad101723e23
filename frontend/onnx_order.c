/* Which name is what, and an order of the nodes in which operands come first. */
#include "frontend/onnx_import.h"

static bool define(Import *im, const char *name, Where w, Def def) {
  if (!name_map_add(&im->names, name, (uint32_t)im->def_count))
    return diag(im->graph->context, DIAG_ERROR, w, "value '%s' is defined twice", name);
  GROW(im->arena, im->defs, im->def_count, im->def_capacity);
  im->defs[im->def_count++] = def;
  return true;
}

/* Tensors first: an input that is also an initializer (ir_version < 4) is no input. */
bool import_definitions(Import *im) {
  OnnxFile *f = im->file;
  const Onnx__GraphProto *g = f->model->graph;
  bool ok = true;
  for (size_t i = 0; i < f->tensor_count; i++) {
    const OnnxTensor *t = &f->tensors[i];
    Where w = t->node ? onnx_where(f, t->node) : (Where){.file = f->store.path, .node = t->name};
    ok = define(im, t->name, w, (Def){.kind = DEF_TENSOR, .index = (uint32_t)i}) && ok;
  }
  for (size_t i = 0; i < g->n_input; i++) {
    const char *name = g->input[i]->name ? g->input[i]->name : "";
    uint32_t index;
    if (name_map_find(&im->names, name, &index) && im->defs[index].kind == DEF_TENSOR &&
        !f->tensors[im->defs[index].index].node)
      continue;
    Where w = {.file = f->store.path, .node = name};
    ok = define(im, name, w, (Def){.kind = DEF_INPUT, .index = (uint32_t)i}) && ok;
  }
  for (size_t i = 0; i < f->node_count; i++)
    for (size_t o = 0; o < f->nodes[i].out_count; o++) {
      const OnnxNode *n = &f->nodes[i];
      Def def = {.kind = DEF_NODE, .index = (uint32_t)i, .output = (uint32_t)o};
      uint32_t index;
      bool own_tensor = name_map_find(&im->names, n->out[o], &index) && im->defs[index].kind == DEF_TENSOR &&
                        f->tensors[im->defs[index].index].node == n;
      if (*n->out[o] && !own_tensor) ok = define(im, n->out[o], onnx_where(f, n), def) && ok;
    }
  return ok;
}

enum { WHITE, GREY, BLACK }; /* not seen, its operands are being placed, placed */

typedef struct {
  uint32_t node, next_input;
} Visit;

/* What the node waits for: its operands, then the conditions of the branches that it is in. NULL: that is all. */
static const char *dependency(const OnnxFile *f, const OnnxNode *n, size_t i) {
  if (i < n->in_count) return n->in[i];
  uint32_t g = n->guard;
  for (i -= n->in_count; g && i; i--) g = f->guards[g].outer;
  return g ? f->guards[g].condition : NULL;
}

/* The node that makes an operand; false: no node does. */
static bool maker(const Import *im, const char *name, uint32_t *node) {
  uint32_t index;
  if (!*name || !name_map_find(&im->names, name, &index) || im->defs[index].kind != DEF_NODE) return false;
  *node = im->defs[index].index;
  return true;
}

/* Depth first from every node in the order of the file, so that a file that is in order stays as it is. */
const uint32_t *import_order(Import *im) {
  const OnnxFile *f = im->file;
  uint32_t *order = ARENA_ARRAY(im->arena, uint32_t, f->node_count + 1);
  unsigned char *colour = ARENA_ARRAY(im->arena, unsigned char, f->node_count + 1);
  Visit *stack = ARENA_ARRAY(im->arena, Visit, f->node_count + 1);
  size_t placed = 0;
  for (uint32_t start = 0; start < f->node_count; start++) {
    size_t depth = 0;
    if (colour[start] == WHITE) stack[depth++] = (Visit){start, 0}, colour[start] = GREY;
    while (depth) {
      Visit *v = &stack[depth - 1];
      const OnnxNode *n = &f->nodes[v->node];
      const char *name = dependency(f, n, v->next_input++);
      uint32_t from;
      if (!name) {
        colour[v->node] = BLACK;
        order[placed++] = v->node;
        depth--;
      } else if (maker(im, name, &from) && colour[from] != BLACK) {
        if (colour[from] == GREY) {
          diag(im->graph->context, DIAG_ERROR, onnx_where(f, n), "the graph has a cycle through this node");
          return NULL;
        }
        colour[from] = GREY;
        stack[depth++] = (Visit){from, 0};
      }
    }
  }
  return order;
}
