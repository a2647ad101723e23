/* Running ops, constant expressions and whole graphs; see eval.h. Only what the result needs is run. Constants are
 * computed when something first needs them, and every value is freed after its last use, so that one weight at a time
 * is in memory. */
#include "ir/eval_util.h"
#include "ir/graph_edit.h"
#include <stdlib.h>
#include <string.h>

void eval_none(Eval *e) { (void)e; }

/* Literals; inputs and weights come from outside. */
void eval_leaf(Eval *e) {
  const Attrs *a = &e->op->attrs;
  Tensor *out = &e->out[0];
  if (e->op->kind != OP_const) die("evaluated an %s by itself", op_info[e->op->kind].name);
  for (int64_t i = 0, n = type_elements(&out->type); i < n; i++) {
    if (out->f)
      out->f[i] = a->floats.at[a->floats.count == 1 ? 0 : i];
    else
      out->i[i] = a->ints.at[a->ints.count == 1 ? 0 : i];
  }
}

void eval_op(const Graph *g, const Op *op, const Tensor *const *in, Tensor *out) {
  for (uint32_t r = 0; r < op->result_count; r++) out[r] = tensor_new(type_of(g, op->first_result + r));
  Eval e = {.graph = g, .op = op, .in = in, .out = out};
  op_info[op->kind].eval(&e);
}

/* A run of a whole graph holds its values by ValueId. A run of one constant expression holds those of the expression
 * alone, found by a hash of their ids, so that it costs what the expression costs, however large the graph is. */
typedef struct {
  const Graph *g;
  int64_t images; /* each value that is not constant has so many tensors */
  bool sparse;
  ValueId *keys; /* [capacity] of a sparse run: 0: free */
  size_t count, capacity;
  bool *needed;   /* [capacity] of the op whose first result it is; [0]: unused */
  uint32_t *left; /* [capacity] uses to come by needed ops, and as a result */
  Tensor **slots; /* [capacity] NULL, or [1] of a constant, [images] of others */
  OpId *stack;    /* for need and compute_constants */
  size_t stack_capacity;
  Observe observe;
  void *user;
} Run;

static void *zeroed(size_t count, size_t size) {
  void *p = calloc(count ? count : 1, size);
  if (!p) die_memory(count * size);
  return p;
}

static void run_alloc(Run *r, size_t capacity) {
  r->capacity = capacity;
  r->needed = zeroed(capacity, sizeof *r->needed);
  r->left = zeroed(capacity, sizeof *r->left);
  r->slots = zeroed(capacity, sizeof(Tensor *));
  if (r->sparse) r->keys = zeroed(capacity, sizeof *r->keys);
}

static Run run_new(const Graph *g, int64_t images, bool sparse) {
  Run r = {.g = g, .images = images, .sparse = sparse};
  run_alloc(&r, sparse ? 16 : g->value_count);
  return r;
}

static void run_release(Run *r) {
  free(r->needed);
  free(r->left);
  free(r->slots);
  free(r->keys);
}

/* Where a sparse run holds v, or would. */
static size_t probe(const Run *r, ValueId v) {
  size_t i = (size_t)(v * UINT32_C(2654435769)) & (r->capacity - 1);
  while (r->keys[i] && r->keys[i] != v) i = (i + 1) & (r->capacity - 1);
  return i;
}

/* Index of v in needed, left and slots. Must be there. */
static size_t at(const Run *r, ValueId v) { return r->sparse ? probe(r, v) : v; }

static void grow(Run *r) {
  Run larger = *r;
  run_alloc(&larger, 2 * r->capacity);
  for (size_t i = 0; i < r->capacity; i++) {
    if (!r->keys[i]) continue;
    size_t to = probe(&larger, r->keys[i]);
    larger.keys[to] = r->keys[i];
    larger.needed[to] = r->needed[i];
    larger.left[to] = r->left[i];
    larger.slots[to] = r->slots[i];
  }
  run_release(r);
  *r = larger;
}

/* The same; v is added where it is not there yet. */
static size_t add(Run *r, ValueId v) {
  if (!r->sparse) return v;
  size_t i = probe(r, v);
  if (r->keys[i]) return i;
  if (2 * ++r->count > r->capacity) {
    grow(r);
    i = probe(r, v);
  }
  r->keys[i] = v;
  return i;
}

static int64_t slot_count(const Run *r, ValueId v) { return value_at(r->g, v)->constant ? 1 : r->images; }

static void drop_at(Run *r, size_t i, int64_t count) {
  if (!r->slots[i]) return;
  for (int64_t k = 0; k < count; k++) tensor_free(&r->slots[i][k]);
  free(r->slots[i]);
  r->slots[i] = NULL;
}

static void drop(Run *r, ValueId v) { drop_at(r, at(r, v), slot_count(r, v)); }

static void run_free(Run *r) {
  for (size_t i = 0; i < r->capacity; i++)
    if (r->slots[i]) drop_at(r, i, slot_count(r, r->sparse ? r->keys[i] : (ValueId)i));
  run_release(r);
  free(r->stack);
}

static void push(Run *r, size_t *depth, OpId id) {
  if (*depth == r->stack_capacity) {
    r->stack_capacity = r->stack_capacity ? 2 * r->stack_capacity : 64;
    r->stack = realloc(r->stack, r->stack_capacity * sizeof *r->stack);
    if (!r->stack) die_memory(0);
  }
  r->stack[(*depth)++] = id;
}

/* Marks op, and pushes it where that is new. */
static void need_op(Run *r, size_t *depth, OpId id) {
  const Op *op = op_at(r->g, id);
  if (op->result_count) {
    size_t i = add(r, op->first_result);
    if (r->needed[i]) return;
    r->needed[i] = true;
    for (uint32_t k = 1; k < op->result_count; k++) add(r, op->first_result + k);
  }
  push(r, depth, id);
}

static bool is_needed(const Run *r, const Op *op) {
  return op->kind == OP_output || (op->result_count && r->needed[at(r, op->first_result)]);
}

/* Marks op and what it depends on, and counts uses. Once for each op without results. */
static void need(Run *r, OpId root) {
  size_t depth = 0;
  need_op(r, &depth, root);
  while (depth) {
    const Op *op = op_at(r->g, r->stack[--depth]);
    for (uint32_t i = 0; i < op->operand_count; i++) {
      ValueId v = op->operands[i];
      if (!v) continue;
      size_t at_v = add(r, v); /* may move left */
      r->left[at_v]++;
      need_op(r, &depth, value_at(r->g, v)->def);
    }
  }
}

static bool load_weight(const Graph *g, const Op *op, Tensor *out) {
  Source *s = g->sources[op->attrs.source];
  Where at = {.file = s->path};
  TensorView view;
  const Type *want = &out->type;
  if (s->make && !s->make(s, op->attrs.name, want, &view)) return false;
  if (!s->make && !s->find(s, op->attrs.name, &view))
    return diag(g->context, DIAG_ERROR, at, "no tensor '%s'", op->attrs.name);
  if (!type_equal(&view.type, want) || view.bytes != type_bytes(want))
    return diag(g->context, DIAG_ERROR, at, "tensor '%s' has another type than the program says", op->attrs.name);
  tensor_load(out, view.data);
  if (s->drop_pages) s->drop_pages(s, &view);
  return true;
}

static void release_operands(Run *r, const Op *op) {
  for (uint32_t i = 0; i < op->operand_count; i++)
    if (op->operands[i] && !--r->left[at(r, op->operands[i])]) drop(r, op->operands[i]);
}

/* A reshape whose operand dies with it takes over its memory. */
static bool take_over(Run *r, const Op *op) {
  ValueId from = op->operand_count ? op->operands[0] : 0, to = op->first_result;
  if (op->kind != OP_reshape || r->left[at(r, from)] != 1 || slot_count(r, from) != slot_count(r, to)) return false;
  Tensor **slot = &r->slots[at(r, to)];
  *slot = r->slots[at(r, from)];
  r->slots[at(r, from)] = NULL;
  for (int64_t i = 0; i < slot_count(r, to); i++) (*slot)[i].type = *type_of(r->g, to);
  return true;
}

/* One tensor set of the op's results: image number `image`. */
static bool compute_image(Run *r, const Op *op, int64_t image) {
  const Graph *g = r->g;
  const Tensor **in = zeroed(op->operand_count, sizeof(const Tensor *));
  Tensor out[8];
  for (uint32_t i = 0; i < op->operand_count; i++) {
    ValueId v = op->operands[i];
    if (v) in[i] = &r->slots[at(r, v)][value_at(g, v)->constant ? 0 : image];
  }
  bool ok = true;
  if (op->kind == OP_weight) {
    out[0] = tensor_new(type_of(g, op->first_result));
    ok = load_weight(g, op, &out[0]);
  } else
    eval_op(g, op, in, out);
  for (uint32_t k = 0; k < op->result_count; k++) r->slots[at(r, op->first_result + k)][image] = out[k];
  free(in);
  return ok;
}

/* Computes an op whose operands are there; frees what has had its last use. */
static bool compute(Run *r, OpId id) {
  const Op *op = op_at(r->g, id);
  bool ok = true;
  if (!take_over(r, op)) {
    for (uint32_t k = 0; k < op->result_count; k++) {
      ValueId v = op->first_result + k;
      r->slots[at(r, v)] = zeroed((size_t)slot_count(r, v), sizeof(Tensor));
    }
    int64_t images = slot_count(r, op->first_result);
    for (int64_t image = 0; image < images && ok; image++) ok = compute_image(r, op, image);
  }
  release_operands(r, op);
  for (uint32_t k = 0; k < op->result_count; k++) {
    ValueId v = op->first_result + k;
    for (int64_t image = 0; r->observe && ok && image < slot_count(r, v); image++)
      r->observe(r->user, r->g, v, &r->slots[at(r, v)][image]);
    if (!r->left[at(r, v)]) drop(r, v);
  }
  return ok;
}

/* Operand of op that is a constant not yet computed; 0: none. */
static OpId missing_constant(const Run *r, const Op *op) {
  for (uint32_t i = 0; i < op->operand_count; i++) {
    ValueId v = op->operands[i];
    if (v && value_at(r->g, v)->constant && !r->slots[at(r, v)]) return value_at(r->g, v)->def;
  }
  return 0;
}

/* Computes the constants that op takes, depth first, without recursion. */
static bool compute_constants(Run *r, OpId id) {
  size_t depth = 0;
  for (;;) {
    const Op *op = op_at(r->g, depth ? r->stack[depth - 1] : id);
    OpId missing = missing_constant(r, op);
    if (missing)
      push(r, &depth, missing);
    else if (!depth)
      return true;
    else if (!compute(r, r->stack[--depth]))
      return false;
  }
}

bool eval_const(const Graph *g, ValueId v, Tensor *out) {
  if (!value_at(g, v)->constant) die("eval_const of a value that depends on an input");
  Run r = run_new(g, 1, true);
  OpId def = value_at(g, v)->def;
  need(&r, def);
  size_t i = at(&r, v);
  r.left[i]++;
  bool ok = compute_constants(&r, def) && compute(&r, def);
  if (ok) {
    *out = r.slots[i][0];
    free(r.slots[i]);
    r.slots[i] = NULL;
  }
  run_free(&r);
  return ok;
}

/* ---- whole graphs ---- */

static void list_ops(const Graph *g, OpKind kind, size_t *count, OpId *ids) {
  *count = 0;
  FOR_EACH_OP(g, id)
  if (op_at(g, id)->kind == kind) ids[(*count)++] = id;
}

static bool peeled(const Graph *g) { return g->batch_symbol >= 0 || g->batch > 1; }

/* Where a symbol's value comes from an input's dims: value[symbol], -1: not yet. */
static bool bind_dim(const Graph *g, OpId input, int axis, Dim want, int64_t got, int64_t *value) {
  Where at = where_op(g, input);
  int symbol = dim_symbol_of(want);
  int64_t c = dim_coefficient(want);
  if (symbol < 0 && got == want) return true;
  if (symbol < 0)
    return diag(g->context, DIAG_ERROR, at, "dim %d of the input is %lld, needs %lld", axis, (long long)got,
                (long long)want);
  if (got < c || got % c)
    return diag(g->context, DIAG_ERROR, at, "dim %d of the input is %lld, needs a multiple of %lld", axis,
                (long long)got, (long long)c);
  if (value[symbol] >= 0 && value[symbol] != got / c)
    return diag(g->context, DIAG_ERROR, at, "dim %d of the input makes %s %lld, another dim made it %lld", axis,
                g->symbols[symbol], (long long)(got / c), (long long)value[symbol]);
  value[symbol] = got / c;
  return true;
}

static bool bind_batch(const Graph *g, OpId input, int64_t got, int64_t *images) {
  Where at = where_op(g, input);
  if (g->batch_symbol < 0 && got != g->batch)
    return diag(g->context, DIAG_ERROR, at, "dim 0 of the input is %lld, needs %lld", (long long)got,
                (long long)g->batch);
  if (*images >= 0 && got != *images)
    return diag(g->context, DIAG_ERROR, at, "dim 0 of the input is %lld, of another input %lld", (long long)got,
                (long long)*images);
  *images = got;
  return true;
}

static bool bind_input(const Graph *g, OpId input, const Type *got, int64_t *value, int64_t *images) {
  const Type *want = type_of(g, op_at(g, input)->first_result);
  if (got->dtype != want->dtype || got->rank != want->rank)
    return diag(g->context, DIAG_ERROR, where_op(g, input), "the input is %s of rank %d, needs %s of rank %d",
                dtype_name(got->dtype), (int)got->rank, dtype_name(want->dtype), (int)want->rank);
  int first = 0;
  if (peeled(g) && want->rank) {
    if (!bind_batch(g, input, got->dim[0], images)) return false;
    first = 1;
  }
  for (int i = first; i < want->rank; i++)
    if (!bind_dim(g, input, i, want->dim[i], got->dim[i], value)) return false;
  return true;
}

/* Gives the run its inputs: image i is slice i of the caller's tensor. */
static void set_input(Run *r, OpId input, const Tensor *from) {
  ValueId v = op_at(r->g, input)->first_result;
  const Type *t = type_of(r->g, v);
  size_t bytes = 8 * (size_t)type_elements(t);
  r->slots[v] = zeroed((size_t)r->images, sizeof(Tensor));
  for (int64_t i = 0; i < r->images; i++) {
    r->slots[v][i] = tensor_new(t);
    if (bytes) memcpy(tensor_data(&r->slots[v][i]), (const char *)tensor_data(from) + (size_t)i * bytes, bytes);
    if (r->observe) r->observe(r->user, r->g, v, &r->slots[v][i]);
  }
  if (!r->left[v]) drop(r, v);
}

static Tensor take_output(const Run *r, OpId output) {
  ValueId v = op_at(r->g, output)->operands[0];
  Type t = *type_of(r->g, v);
  size_t bytes = 8 * (size_t)type_elements(&t);
  if (peeled(r->g) && t.rank) t.dim[0] *= r->images;
  Tensor out = tensor_new(&t);
  bool constant = value_at(r->g, v)->constant;
  for (int64_t i = 0; i < r->images && bytes; i++)
    memcpy((char *)tensor_data(&out) + (size_t)i * bytes, tensor_data(&r->slots[v][constant ? 0 : i]), bytes);
  return out;
}

static bool run_graph(Run *r, const OpId *outputs, size_t output_count, Tensor *out) {
  for (size_t i = 0; i < output_count; i++) out[i] = (Tensor){0};
  size_t done = 0;
  FOR_EACH_OP(r->g, id) {
    const Op *op = op_at(r->g, id);
    if (!is_needed(r, op) || op->kind == OP_input) continue;
    if (op->kind != OP_output && value_at(r->g, op->first_result)->constant) continue;
    if (!compute_constants(r, id)) return false;
    if (op->kind != OP_output) {
      if (!compute(r, id)) return false;
      continue;
    }
    if (done == output_count || outputs[done] != id) die("outputs out of order");
    out[done++] = take_output(r, id);
    release_operands(r, op);
  }
  return true;
}

static bool counts_ok(const Graph *g, size_t inputs, size_t input_count, size_t outputs, size_t output_count) {
  Where at = {.file = g->name};
  if (inputs != input_count)
    return diag(g->context, DIAG_ERROR, at, "%zu inputs given, the graph has %zu", input_count, inputs);
  if (outputs != output_count)
    return diag(g->context, DIAG_ERROR, at, "%zu outputs asked for, the graph has %zu", output_count, outputs);
  return true;
}

static bool eval_static(const Graph *g, const OpId *ids, const Tensor *inputs, size_t input_count, Tensor *outputs,
                        size_t output_count, int64_t images, Observe observe, void *user) {
  const OpId *in = ids, *out = ids + input_count;
  Run r = run_new(g, images, false);
  r.observe = observe;
  r.user = user;
  for (size_t i = 0; i < output_count; i++) need(&r, out[i]);
  for (size_t i = 0; i < input_count; i++) set_input(&r, in[i], &inputs[i]);
  bool ok = run_graph(&r, out, output_count, outputs);
  for (size_t i = 0; i < output_count && !ok; i++) tensor_free(&outputs[i]);
  run_free(&r);
  return ok;
}

bool eval_graph(const Graph *g, const Tensor *inputs, size_t input_count, Tensor *outputs, size_t output_count,
                Observe observe, void *user) {
  size_t in_count, out_count;
  OpId *ids = zeroed(g->op_count, sizeof *ids);
  list_ops(g, OP_input, &in_count, ids);
  list_ops(g, OP_output, &out_count, ids + in_count);
  int64_t value[MAX_SYMBOLS], images = -1;
  for (int i = 0; i < MAX_SYMBOLS; i++) value[i] = -1;
  bool ok = counts_ok(g, in_count, input_count, out_count, output_count);
  for (size_t i = 0; ok && i < in_count; i++) ok = bind_input(g, ids[i], &inputs[i].type, value, &images);
  Graph *pinned = NULL;
  for (int s = 0; ok && s < MAX_SYMBOLS; s++) {
    if (value[s] < 0) continue;
    if (!pinned) pinned = graph_clone(g);
    char error[256] = "";
    OpId bad = graph_pin_symbol(pinned, s, value[s], error);
    if (bad)
      ok = diag(g->context, DIAG_ERROR, where_op(g, bad), "%s = %lld does not fit: %s", g->symbols[s],
                (long long)value[s], error);
  }
  if (images < 0) images = 1;
  if (ok) ok = eval_static(pinned ? pinned : g, ids, inputs, in_count, outputs, out_count, images, observe, user);
  graph_free(pinned);
  free(ids);
  return ok;
}
