/* One flat list of nodes. Every call of a local function (ModelProto.functions) becomes the function's nodes, their
 * values renamed to "<first output of the call>/<name>", attribute references replaced by the call's attributes or by
 * defaults. Nodes of an If's branches come before it, renamed likewise, with a guard. */
#include "frontend/onnx_file.h"
#include "frontend/onnx_slim.h"
#include <string.h>

enum {
  MAX_CALLS = 64, /* nested calls */
  /* Limits after inlining, because a few functions that call each other twice grow exponentially. */
  MAX_INLINED = 1 << 16, /* nodes, calls included */
  MAX_NAME_BYTES = 1 << 26,
  FIELD_DEFAULTS =
      11, /* FunctionProto.attribute_proto, FunctionProto.overload, NodeProto.overload: newer than the schema */
  FIELD_FUNCTION_OVERLOAD = 13,
  FIELD_NODE_OVERLOAD = 8
};

typedef struct {
  const Onnx__FunctionProto *proto;
  const OnnxAttr *defaults; /* attributes with a default value */
  size_t default_count;
} Function;

/* A call being inlined, or a branch, which has its own names beside those around it; NULL stands for the main graph. */
typedef struct Call {
  struct Call *parent;
  int depth;
  bool is_branch;
  uint32_t guard;
  const Function *function;  /* of a branch: that it is in, NULL: none */
  const char *prefix, *name; /* of values, of nodes: both end in '/' */
  const OnnxAttr *attrs;     /* of the calling node */
  size_t attr_count;
  NameMap names; /* of the function's values, to indices of renamed */
  const char **renamed;
  size_t renamed_count, renamed_capacity;
} Call;

typedef struct {
  OnnxFile *file;
  Arena *arena; /* the file's */
  Function *functions;
  NameMap function_names; /* keys made by function_key */
  NameMap taken;          /* value names in use */
  size_t inlined;         /* nodes of functions read, calls included */
  size_t name_bytes;      /* in names made */
  bool full;              /* a limit is reached, said once */
} Inliner;

static bool inline_nodes(Inliner *, Call *, Onnx__NodeProto *const *, size_t count);

static const char *plain(const char *domain) { return !domain || !strcmp(domain, "ai.onnx") ? "" : domain; }
static const char *some(const char *s) { return s ? s : ""; }

static bool too_large(Inliner *in, const char *what, int limit) {
  if (!in->full)
    error_in(in->file->store.ctx, in->file->store.path, "functions inlined make more than %d %s", limit, what);
  in->full = true;
  return false;
}

/* A made-up name; counted. */
static const char *join(Inliner *in, const char *prefix, const char *name) {
  in->name_bytes += strlen(prefix) + strlen(name);
  if (in->name_bytes > MAX_NAME_BYTES) too_large(in, "bytes of names", MAX_NAME_BYTES);
  return arena_printf(in->arena, "%s%s", prefix, name);
}

static const char *function_key(Inliner *in, const char *domain, const char *name, const ProtobufCMessage *m,
                                uint32_t overload_field) {
  const unsigned char *overload = NULL;
  size_t n = 0;
  unknown_bytes(m, overload_field, 0, &overload, &n);
  return arena_printf(in->arena, "%s:%s:%.*s", plain(domain), some(name), n < 1000 ? (int)n : 0,
                      n ? (const char *)overload : "");
}

static const char *spelled(Arena *a, const char *domain, const char *op) {
  return *domain ? arena_printf(a, "%s.%s", domain, op) : op;
}

static int64_t version_in(Onnx__OperatorSetIdProto *const *imports, size_t count, const char *domain) {
  int64_t version = 0;
  for (size_t i = 0; i < count; i++)
    if (!strcmp(plain(imports[i]->domain), domain) && imports[i]->version > version) version = imports[i]->version;
  return version > INT32_MAX ? INT32_MAX : version;
}

/* The function's own imports come first, then the model's. */
static int64_t opset_of(const Inliner *in, const Call *c, const char *domain) {
  int64_t v = 0;
  if (c && c->function) v = version_in(c->function->proto->opset_import, c->function->proto->n_opset_import, domain);
  return v ? v : version_in(in->file->model->opset_import, in->file->model->n_opset_import, domain);
}

/* ---- functions ---- */

static bool read_defaults(Inliner *in, const Onnx__FunctionProto *p, Function *f) {
  OnnxFile *file = in->file;
  const unsigned char *at;
  size_t size, capacity = 0;
  OnnxAttr *list = NULL;
  while (unknown_bytes(&p->base, FIELD_DEFAULTS, f->default_count, &at, &size)) {
    Onnx__AttributeProto *a = onnx__attribute_proto__unpack(NULL, size, at);
    if (!a) return error_in(file->store.ctx, file->store.path, "function '%s' has a broken attribute", some(p->name));
    GROW(in->arena, file->defaults, file->default_count, file->default_capacity);
    file->defaults[file->default_count++] = a;
    GROW(in->arena, list, f->default_count, capacity);
    list[f->default_count++] = (OnnxAttr){some(a->name), a};
  }
  f->defaults = list;
  return true;
}

static bool read_functions(Inliner *in) {
  const Onnx__ModelProto *m = in->file->model;
  in->functions = ARENA_ARRAY(in->arena, Function, m->n_functions);
  for (size_t i = 0; i < m->n_functions; i++) {
    const Onnx__FunctionProto *p = m->functions[i];
    in->functions[i].proto = p;
    if (!read_defaults(in, p, &in->functions[i])) return false;
    const char *key = function_key(in, p->domain, p->name, &p->base, FIELD_FUNCTION_OVERLOAD);
    if (!name_map_add(&in->function_names, key, (uint32_t)i))
      return error_in(in->file->store.ctx, in->file->store.path, "function '%s' is defined twice", some(p->name));
  }
  return true;
}

static const Function *function_of(Inliner *in, const Onnx__NodeProto *n) {
  uint32_t index;
  if (!in->function_names.count) return NULL;
  const char *key = function_key(in, n->domain, n->op_type, &n->base, FIELD_NODE_OVERLOAD);
  return name_map_find(&in->function_names, key, &index) ? &in->functions[index] : NULL;
}

static bool declares(const Function *f, const char *attr) {
  for (size_t i = 0; i < f->proto->n_attribute; i++)
    if (!strcmp(f->proto->attribute[i], attr)) return true;
  for (size_t i = 0; i < f->default_count; i++)
    if (!strcmp(f->defaults[i].name, attr)) return true;
  return false;
}

/* ---- names ---- */

static void set_name(Inliner *in, Call *c, const char *local, const char *name) {
  GROW(in->arena, c->renamed, c->renamed_count, c->renamed_capacity);
  c->renamed[c->renamed_count] = name;
  if (name_map_add(&c->names, local, (uint32_t)c->renamed_count)) c->renamed_count++;
}

static const char *own_name(Inliner *in, Call *c, const char *local) {
  const char *name = join(in, c->prefix, local);
  while (!name_map_add(&in->taken, name, 0)) name = join(in, name, "_");
  set_name(in, c, local, name);
  return name;
}

static const char *renamed(Inliner *in, Call *c, const char *local) {
  uint32_t index;
  if (!c || !*local) return local;
  if (name_map_find(&c->names, local, &index)) return c->renamed[index];
  return c->is_branch ? renamed(in, c->parent, local) : own_name(in, c, local);
}

static const char *const *renamed_all(Inliner *in, Call *c, char *const *names, size_t count) {
  const char **out = ARENA_ARRAY(in->arena, const char *, count);
  for (size_t i = 0; i < count; i++) out[i] = renamed(in, c, names[i]);
  return out;
}

static const char *first_name(const char *const *names, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (*names[i]) return names[i];
  return NULL;
}

static void take_main_names(Inliner *in) {
  const Onnx__GraphProto *g = in->file->model->graph;
  for (size_t i = 0; i < g->n_input; i++) name_map_add(&in->taken, some(g->input[i]->name), 0);
  for (size_t i = 0; i < g->n_initializer; i++) name_map_add(&in->taken, some(g->initializer[i]->name), 0);
  for (size_t i = 0; i < g->n_node; i++)
    for (size_t o = 0; o < g->node[i]->n_output; o++) name_map_add(&in->taken, g->node[i]->output[o], 0);
}

/* ---- nodes ---- */

static const Onnx__AttributeProto *attr_named(const OnnxAttr *list, size_t count, const char *name) {
  for (size_t i = 0; i < count; i++)
    if (!strcmp(list[i].name, name)) return list[i].proto;
  return NULL;
}

/* A reference that neither the call nor a default gives is an attribute left out. */
static void resolve_attrs(Inliner *in, const Call *c, const Onnx__NodeProto *p, OnnxNode *n) {
  OnnxAttr *list = ARENA_ARRAY(in->arena, OnnxAttr, p->n_attribute);
  for (size_t i = 0; i < p->n_attribute; i++) {
    const Onnx__AttributeProto *a = p->attribute[i];
    const char *name = some(a->name);
    if (c && a->ref_attr_name && *a->ref_attr_name) {
      const char *wanted = a->ref_attr_name;
      a = attr_named(c->attrs, c->attr_count, wanted);
      if (!a && c->function) a = attr_named(c->function->defaults, c->function->default_count, wanted);
    }
    if (a) list[n->attr_count++] = (OnnxAttr){name, a};
  }
  n->attrs = list;
}

static OnnxNode read_node(Inliner *in, Call *c, const Onnx__NodeProto *p, size_t index) {
  OnnxNode n = {.op_type = some(p->op_type), .domain = plain(p->domain), .guard = c ? c->guard : 0};
  n.op = spelled(in->arena, n.domain, n.op_type);
  n.opset = opset_of(in, c, n.domain);
  n.in = renamed_all(in, c, p->input, n.in_count = p->n_input);
  n.out = renamed_all(in, c, p->output, n.out_count = p->n_output);
  const char *first = first_name(n.out, n.out_count);
  if (p->name && *p->name)
    n.name = c ? join(in, c->name, p->name) : p->name;
  else
    n.name = first ? first : arena_printf(in->arena, "%s%s_%zu", c ? c->name : "", n.op_type, index);
  resolve_attrs(in, c, p, &n);
  return n;
}

static bool push_node(Inliner *in, OnnxNode n) {
  OnnxFile *f = in->file;
  GROW(in->arena, f->nodes, f->node_count, f->node_capacity);
  f->nodes[f->node_count++] = n;
  return true;
}

/* A function's output that is also its input, or named twice: copied by an Identity. */
static bool push_identity(Inliner *in, const OnnxNode *call, const char *from, const char *to) {
  const char **ends = ARENA_ARRAY(in->arena, const char *, 2);
  ends[0] = from;
  ends[1] = to;
  OnnxNode n = {.name = call->name,
                .op = "Identity",
                .op_type = "Identity",
                .domain = "",
                .guard = call->guard,
                .opset = opset_of(in, NULL, ""),
                .in = ends,
                .in_count = 1,
                .out = ends + 1,
                .out_count = 1};
  return push_node(in, n);
}

static bool check_call(Inliner *in, const Call *c, const Function *f, const OnnxNode *n) {
  Context *ctx = in->file->store.ctx;
  Where w = onnx_where(in->file, n);
  bool ok = true;
  for (const Call *p = c; p; p = p->parent)
    if (p->function == f) return diag(ctx, DIAG_ERROR, w, "function '%s' calls itself", n->op);
  if (c && c->depth == MAX_CALLS) return diag(ctx, DIAG_ERROR, w, "functions are nested more than %d deep", MAX_CALLS);
  if (n->in_count > f->proto->n_input || n->out_count > f->proto->n_output)
    ok = diag(ctx, DIAG_ERROR, w, "function has %zu inputs and %zu outputs, the call %zu and %zu", f->proto->n_input,
              f->proto->n_output, n->in_count, n->out_count);
  for (size_t i = 0; i < n->attr_count; i++)
    if (!declares(f, n->attrs[i].name))
      ok = diag(ctx, DIAG_ERROR, w, "function has no attribute '%s'", n->attrs[i].name);
  return ok;
}

static bool inline_call(Inliner *in, Call *parent, const Function *f, const OnnxNode *n) {
  if (!check_call(in, parent, f, n)) return false;
  const char *first = first_name(n->out, n->out_count);
  Call c = {.parent = parent,
            .depth = parent ? parent->depth + 1 : 1,
            .guard = n->guard,
            .function = f,
            .prefix = join(in, first ? first : n->name, "/"),
            .name = join(in, n->name, "/"),
            .attrs = n->attrs,
            .attr_count = n->attr_count,
            .names = {.arena = in->arena}};
  for (size_t i = 0; i < f->proto->n_input; i++) set_name(in, &c, f->proto->input[i], i < n->in_count ? n->in[i] : "");
  bool ok = true;
  for (size_t i = 0; i < n->out_count; i++) {
    uint32_t index;
    const char *local = f->proto->output[i];
    if (!*n->out[i]) continue;
    if (!name_map_find(&c.names, local, &index))
      set_name(in, &c, local, n->out[i]);
    else
      ok = push_identity(in, n, c.renamed[index], n->out[i]) && ok;
  }
  return inline_nodes(in, &c, f->proto->node, f->proto->n_node) && ok;
}

/* ---- branches ---- */

static bool add_branch_tensors(Inliner *in, Call *c, const Onnx__GraphProto *g) {
  OnnxFile *f = in->file;
  bool ok = true;
  for (size_t i = 0; i < g->n_initializer; i++) {
    const Onnx__TensorProto *t = g->initializer[i];
    uint32_t index;
    if (!*some(t->name))
      ok = error_in(f->store.ctx, f->store.path, "initializer %zu of %s has no name", i + 1, c->name);
    else if (name_map_find(&c->names, t->name, &index))
      ok = diag(f->store.ctx, DIAG_ERROR, (Where){.file = f->store.path, .node = c->renamed[index]},
                "two initializers have this name");
    else
      onnx_add_tensor(f, (OnnxTensor){.name = own_name(in, c, t->name), .proto = t});
  }
  return ok;
}

/* The nodes of one branch; results: as many value names as the If has outputs. */
static bool inline_branch(Inliner *in, Call *parent, const OnnxNode *n, const char *which, bool value,
                          const char **results) {
  OnnxFile *f = in->file;
  const Onnx__AttributeProto *a = attr_named(n->attrs, n->attr_count, which);
  const Onnx__GraphProto *g = a ? a->g : NULL;
  if (!g) return diag(f->store.ctx, DIAG_ERROR, onnx_where(f, n), "attribute '%s' is no graph", which);
  if (g->n_output != n->out_count)
    return diag(f->store.ctx, DIAG_ERROR, onnx_where(f, n), "has %zu outputs, its %s %zu", n->out_count, which,
                g->n_output);
  const char *first = first_name(n->out, n->out_count), *tail = arena_printf(in->arena, "/%s/", which);
  Call c = {.parent = parent,
            .depth = parent ? parent->depth + 1 : 1,
            .is_branch = true,
            .guard = (uint32_t)f->guard_count,
            .function = parent ? parent->function : NULL,
            .prefix = join(in, first ? first : n->name, tail),
            .name = join(in, n->name, tail),
            .attrs = parent ? parent->attrs : NULL,
            .attr_count = parent ? parent->attr_count : 0,
            .names = {.arena = in->arena}};
  if (c.depth > MAX_CALLS)
    return diag(f->store.ctx, DIAG_ERROR, onnx_where(f, n), "branches are nested more than %d deep", MAX_CALLS);
  GROW(in->arena, f->guards, f->guard_count, f->guard_capacity);
  f->guards[f->guard_count++] = (OnnxGuard){n->in[0], value, n->guard};
  bool ok = add_branch_tensors(in, &c, g);
  for (size_t i = 0; i < g->n_node; i++)
    for (size_t o = 0; o < g->node[i]->n_output; o++)
      if (*g->node[i]->output[o]) own_name(in, &c, g->node[i]->output[o]);
  ok = inline_nodes(in, &c, g->node, g->n_node) && ok;
  for (size_t i = 0; i < g->n_output; i++) results[i] = renamed(in, &c, some(g->output[i]->name));
  return ok;
}

static bool inline_if(Inliner *in, Call *c, OnnxNode *n) {
  const char **ends = ARENA_ARRAY(in->arena, const char *, 1 + 2 * n->out_count);
  if (n->in_count != 1 || !*n->in[0])
    return diag(in->file->store.ctx, DIAG_ERROR, onnx_where(in->file, n), "has %zu inputs, not one condition",
                n->in_count);
  ends[0] = n->in[0];
  bool ok = inline_branch(in, c, n, "then_branch", true, ends + 1);
  ok = inline_branch(in, c, n, "else_branch", false, ends + 1 + n->out_count) && ok;
  n->in = ends;
  n->in_count += 2 * n->out_count;
  n->attr_count = 0;
  return push_node(in, *n) && ok;
}

static bool inline_nodes(Inliner *in, Call *c, Onnx__NodeProto *const *nodes, size_t count) {
  bool ok = true;
  for (size_t i = 0; i < count && !in->full; i++) {
    if (c && ++in->inlined > MAX_INLINED) return too_large(in, "nodes", MAX_INLINED);
    OnnxNode n = read_node(in, c, nodes[i], i);
    const Function *f = function_of(in, nodes[i]);
    const bool is_if = !f && !strcmp(n.op, "If");
    ok = (f ? inline_call(in, c, f, &n) : is_if ? inline_if(in, c, &n) : push_node(in, n)) && ok;
  }
  return ok;
}

bool onnx_inline(OnnxFile *f) {
  Inliner in = {.file = f, .arena = f->store.arena};
  in.function_names.arena = in.taken.arena = in.arena;
  GROW(in.arena, f->guards, f->guard_count, f->guard_capacity);
  f->guards[f->guard_count++] = (OnnxGuard){0};
  if (!read_functions(&in)) return false;
  take_main_names(&in);
  return inline_nodes(&in, NULL, f->model->graph->node, f->model->graph->n_node) && !in.full;
}
