/* peel-batch: a graph over N images becomes the graph of one image inside a loop over N.
 *
 *   input : f32[N,3,64,64] ... output %y : f32[N,10]      =>   batch=N, input : f32[1,3,64,64] ... output : f32[1,10]
 *
 * N is the first dim of every graph input and output: a symbol, or a number > 1. The proof: each value is
 *   INVARIANT   the same for every image
 *   ROWS k      dim 0 is N k; rows n k .. n k + k - 1 belong to image n and depend on its rows of the operands alone
 *   INDEX k     integers, dim 0 is N; element [n, ...] is n k + element [0, ...], which is known to be low .. high
 * and every op keeps to one of these (the table at the end); graph inputs and outputs are ROWS 1. Then N := 1 gives the
 * graph of one image. Declines where an op mixes images (a reduction or softmax over axis 0, a constant with N rows,
 * another first dim): a number N stays a plain dim then; a symbolic N is an error that run_pipeline reports. */
#include "passes/peel_batch.h"
#include "passes/rewrite_log.h"
#include "ir/graph_edit.h"
#include "passes/rules.h"
#include <stdlib.h>
#include <string.h>

typedef enum { MIXED, INVARIANT, ROWS, INDEX } Kind;
typedef struct {
  Kind kind;
  int64_t k, low, high; /* low, high: of an INDEX */
} Status;

typedef struct {
  const Graph *g;
  Dim batch;
  Status *status; /* [value_count] */
} Peel;

static const Status mixed = {.kind = MIXED};

static Dim first_dim(const Graph *g, ValueId v) { return type_of(g, v)->rank ? type_of(g, v)->dim[0] : 1; }

/* Clauses of the proof. */
static bool asks(const Peel *p, Clause clause, bool condition) { return holds(p->g, clause, condition); }

static Status rows_if(bool condition) { return condition ? (Status){.kind = ROWS, .k = 1} : mixed; }

static bool same_status(Status a, Status b) { return a.kind == b.kind && a.k == b.k; }

/* Is dim 0 of v as its status says? */
static bool has_rows(const Peel *p, ValueId v, Status s) {
  Dim want;
  return s.kind == ROWS && dim_mul(p->batch, s.k, &want) && first_dim(p->g, v) == want;
}

/* First operand ROWS k, the others INVARIANT, and dim 0 of the result still N k: the result's status, else mixed. */
static Status keeps_rows(const Peel *p, const Op *op) {
  Status s = p->status[op->operands[0]];
  for (uint32_t i = 1; i < op->operand_count; i++)
    if (op->operands[i] && !asks(p, IF_others_invariant, p->status[op->operands[i]].kind == INVARIANT)) return mixed;
  return asks(p, IF_result_has_rows, has_rows(p, op->first_result, s)) ? s : mixed;
}

static Status keeps_rows_if(const Peel *p, const Op *op, bool condition) {
  return condition ? keeps_rows(p, op) : mixed;
}

static Status flow_gemm(const Peel *p, const Op *op) {
  return keeps_rows_if(p, op, asks(p, IF_gemm_of_rows, type_of(p->g, op->operands[0])->rank >= 2));
}

static bool has_axis_0(const Op *op) {
  for (int i = 0; i < op->attrs.axes.count; i++)
    if (op->attrs.axes.at[i] == 0) return true;
  return false;
}

static Status flow_axes(const Peel *p, const Op *op) {
  return keeps_rows_if(p, op, asks(p, IF_axes_of_one_image, !has_axis_0(op)));
}

static Status flow_axis(const Peel *p, const Op *op) {
  return keeps_rows_if(p, op, asks(p, IF_axis_of_one_image, op->attrs.axis != 0));
}

static Status flow_grn(const Peel *p, const Op *op) {
  return keeps_rows_if(p, op, asks(p, IF_grn_in_one_image, op->attrs.axis != 0 && !has_axis_0(op)));
}

static Status flow_transpose(const Peel *p, const Op *op) {
  return keeps_rows_if(p, op, asks(p, IF_transpose_keeps_images, op->attrs.perm.at[0] == 0));
}

/* An operand that broadcasts along dim 0 of the result. */
static bool broadcasts_rows(const Graph *g, ValueId v, int rank) {
  const Type *t = type_of(g, v);
  return t->rank < rank || t->rank == 0 || t->dim[0] == 1;
}

/* Operands are ROWS of one k and of the result's rank, or INVARIANT and broadcast along dim 0. */
static Status broadcast_rows(const Peel *p, const Op *op, int rank) {
  Status all = mixed;
  for (uint32_t i = 0; i < op->operand_count; i++) {
    ValueId v = op->operands[i];
    Status s = p->status[v];
    if (s.kind != ROWS) {
      if (!asks(p, IF_one_for_all_images, s.kind == INVARIANT && broadcasts_rows(p->g, v, rank))) return mixed;
      continue;
    }
    if (!asks(p, IF_rows_of_full_rank, type_of(p->g, v)->rank == rank)) return mixed;
    all = s; /* the same for all that have rows: N k and N j do not broadcast */
  }
  return asks(p, IF_result_has_rows, has_rows(p, op->first_result, all)) ? all : mixed;
}

/* Smallest and largest element of a value whose contents are known numbers. */
static bool known_range(const Graph *g, ValueId id, int64_t *low, int64_t *high) {
  const Value *v = value_at(g, id);
  if (!v->known || !type_is_static(&v->type) || !type_elements(&v->type)) return false;
  *low = INT64_MAX;
  *high = INT64_MIN;
  for (int64_t i = 0; i < type_elements(&v->type); i++) {
    if (!dim_is_number(v->known[i])) return false;
    if (v->known[i] < *low) *low = v->known[i];
    if (v->known[i] > *high) *high = v->known[i];
  }
  return *low > -((int64_t)1 << 40) && *high < (int64_t)1 << 40;
}

/* Do indices among the operands have images as the result's first dim? */
static bool indices_lead(const Peel *p, const Op *op) {
  int rank = type_of(p->g, op->first_result)->rank;
  for (uint32_t i = 0; i < op->operand_count; i++)
    if (p->status[op->operands[i]].kind == INDEX && type_of(p->g, op->operands[i])->rank != rank) return false;
  return true;
}

/* n k + c: sums and differences with what is known, so the same for all images; products with one number. */
static Status flow_index(const Peel *p, const Op *op) {
  Status a = p->status[op->operands[0]], b = p->status[op->operands[1]];
  bool first = a.kind == INDEX;
  ValueId other = op->operands[first ? 1 : 0];
  Status index = first ? a : b;
  int64_t low = 0, high = 0;
  if (!asks(p, IF_index_of_full_rank, indices_lead(p, op))) return mixed;
  if (op->kind == OP_add && a.kind == INDEX && b.kind == INDEX)
    return (Status){INDEX, a.k + b.k, a.low + b.low, a.high + b.high};
  if (!asks(p, IF_index_with_known, known_range(p->g, other, &low, &high))) return mixed;
  if (op->kind == OP_add) return (Status){INDEX, index.k, index.low + low, index.high + high};
  if (op->kind == OP_sub && first) return (Status){INDEX, index.k, index.low - high, index.high - low};
  bool small = index.k < (int64_t)1 << 20 && index.low > -((int64_t)1 << 20) && index.high < (int64_t)1 << 20;
  if (op->kind != OP_mul) return asks(p, IF_index_stays_linear, false) ? index : mixed;
  if (!asks(p, IF_index_times_one_number, low == high && low >= 0 && small)) return mixed;
  return (Status){INDEX, index.k * low, index.low * low, index.high * low};
}

static Status flow_pointwise(const Peel *p, const Op *op) {
  int rank = type_of(p->g, op->first_result)->rank;
  for (uint32_t i = 0; i < op->operand_count; i++) {
    Status s = p->status[op->operands[i]];
    if (s.kind != INDEX) continue;
    if (op->operand_count == 2) return flow_index(p, op);
    return op->kind == OP_cast || asks(p, IF_index_stays_linear, false) ? s : mixed;
  }
  return broadcast_rows(p, op, rank);
}

static Status flow_reshape(const Peel *p, const Op *op) {
  Status s = p->status[op->operands[0]];
  Dim first = first_dim(p->g, op->first_result), k = 0;
  if (s.kind == INDEX) return asks(p, IF_index_keeps_images, first == p->batch) ? s : mixed;
  if (s.kind != ROWS || !asks(p, IF_reshape_to_rows, dim_div_exact(first, p->batch, &k) && dim_is_number(k)))
    return mixed;
  return (Status){.kind = ROWS, .k = k};
}

static Status flow_expand(const Peel *p, const Op *op) {
  ValueId x = op->operands[0];
  Status s = p->status[x];
  int rank = type_of(p->g, op->first_result)->rank;
  if (s.kind == ROWS) return keeps_rows_if(p, op, asks(p, IF_expand_keeps_rank, type_of(p->g, x)->rank == rank));
  if (!asks(p, IF_expand_copies_one, s.kind == INVARIANT && broadcasts_rows(p->g, x, rank))) return mixed;
  return rows_if(asks(p, IF_expand_to_images, first_dim(p->g, op->first_result) == p->batch));
}

static Status flow_concat(const Peel *p, const Op *op) {
  Status s = p->status[op->operands[0]];
  for (uint32_t i = 0; i < op->operand_count; i++)
    if (!asks(p, IF_parts_have_rows, same_status(p->status[op->operands[i]], s))) return mixed;
  return s.kind == ROWS && asks(p, IF_concat_in_each_image, op->attrs.axis != 0) ? s : mixed;
}

static Status flow_slice(const Peel *p, const Op *op) {
  bool whole =
      op->attrs.starts.count && op->attrs.starts.at[0] == 0 && (!op->attrs.steps.count || op->attrs.steps.at[0] == 1);
  return keeps_rows_if(p, op, asks(p, IF_slice_keeps_images, whole));
}

static Status flow_pad(const Peel *p, const Op *op) {
  int rank = type_of(p->g, op->first_result)->rank;
  const Ints *pads = &op->attrs.pads;
  bool whole = pads->count == 2 * rank && pads->at[0] == 0 && pads->at[rank] == 0;
  return keeps_rows_if(p, op, asks(p, IF_pad_adds_no_images, whole));
}

/* gather along axis 0 of ROWS k by INDEX k reads rows of its own image only, if [0, ...] does. */
static Status flow_gather(const Peel *p, const Op *op) {
  Status data = p->status[op->operands[0]], index = p->status[op->operands[1]];
  if (op->attrs.axis != 0) return keeps_rows(p, op);
  return rows_if(asks(p, IF_gather_of_rows_by_index, data.kind == ROWS && index.kind == INDEX && data.k == index.k) &&
                 asks(p, IF_gather_in_own_image, index.low >= 0 && index.high < data.k));
}

static Status flow_matmul(const Peel *p, const Op *op) {
  int rank = type_of(p->g, op->first_result)->rank;
  return asks(p, IF_matmul_in_each_image, rank >= 3) ? broadcast_rows(p, op, rank) : mixed;
}

/* All operands have rows of their own: an index of one row for all would only touch the first image. */
static Status flow_elements(const Peel *p, const Op *op) {
  Status s = p->status[op->operands[0]];
  for (uint32_t i = 0; i < op->operand_count; i++)
    if (!asks(p, IF_index_for_each_image, same_status(p->status[op->operands[i]], s))) return mixed;
  bool in_image = asks(p, IF_elements_of_one_image, op->attrs.axis != 0);
  return in_image && asks(p, IF_result_has_rows, has_rows(p, op->first_result, s)) ? s : mixed;
}

/* range from 0 by 1 over N images */
static Status flow_range(const Peel *p, const Op *op) {
  double start, delta;
  bool counts = value_is_splat(p->g, op->operands[0], &start) && value_is_splat(p->g, op->operands[2], &delta) &&
                start == 0 && delta == 1 && first_dim(p->g, op->first_result) == p->batch;
  return counts ? (Status){.kind = INDEX, .k = 1} : mixed;
}

/* Shape data: invariant as far as it holds numbers; its users read Value.known anyway. */
static Status flow_shape(const Peel *p, const Op *op) {
  (void)p;
  (void)op;
  return (Status){.kind = INVARIANT};
}

static const struct {
  OpKind op;
  Status (*flow)(const Peel *, const Op *);
} table[] = {
    {OP_gemm, flow_gemm},
    {OP_conv, keeps_rows},
    {OP_dwconv, keeps_rows},
    {OP_max_pool, keeps_rows},
    {OP_avg_pool, keeps_rows},
    {OP_layernorm, flow_axes},
    {OP_grn, flow_grn},
    {OP_softmax, flow_axis},
    {OP_argmax, flow_axis},
    {OP_transpose, flow_transpose},
    {OP_reshape, flow_reshape},
    {OP_expand, flow_expand},
    {OP_concat, flow_concat},
    {OP_slice, flow_slice},
    {OP_pad, flow_pad},
    {OP_gather, flow_gather},
    {OP_matmul, flow_matmul},
    {OP_range, flow_range},
    {OP_shape, flow_shape},
    {OP_gather_elements, flow_elements},
    {OP_scatter_elements, flow_elements},
    {OP_topk, flow_axis},
    {OP_cumsum, flow_axis},
    {OP_resize, flow_axis},
    {OP_patches, keeps_rows},
};

static Status flow(const Peel *p, const Op *op) {
  unsigned traits = op_info[op->kind].traits;
  bool invariant = true;
  for (uint32_t i = 0; i < op->operand_count; i++)
    if (op->operands[i] && p->status[op->operands[i]].kind != INVARIANT) invariant = false;
  if (op->kind == OP_input)
    return rows_if(asks(p, IF_inputs_have_images, first_dim(p->g, op->first_result) == p->batch));
  if (invariant && type_is_static(type_of(p->g, op->first_result)) && op->kind != OP_expand)
    return (Status){.kind = INVARIANT};
  if (traits & T_POINTWISE) return flow_pointwise(p, op);
  if (traits & T_REDUCE) return flow_axes(p, op);
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (table[i].op == op->kind) return table[i].flow(p, op);
  return asks(p, IF_op_known_to_keep_images, false) ? keeps_rows(p, op) : mixed;
}

/* A symbolic value that only shape data read does no harm. */
static bool only_feeds_known(const Graph *g, const Op *op) {
  return op->result_count == 1 && value_at(g, op->first_result)->known;
}

static OpId prove(Peel *p) {
  const Graph *g = p->g;
  FOR_EACH_OP(g, id) {
    const Op *op = op_at(g, id);
    if (op->kind == OP_output) {
      if (!asks(p, IF_outputs_have_images, same_status(p->status[op->operands[0]], rows_if(true)))) return id;
      continue;
    }
    int64_t declines = rewrite_declines(g);
    Status s = flow(p, op);
    if (s.kind == MIXED && !only_feeds_known(g, op)) {
      rewrite_declined(g, op_info[op->kind].name, declines);
      return id;
    }
    for (uint32_t r = 0; r < op->result_count; r++) p->status[op->first_result + r] = s;
  }
  return 0;
}

/* N: the first dim of the first input; 1: there is none worth peeling. An image has a rank of 3 and more: a loop over
 * the elements of a vector or the rows of a matrix would be slower than the whole, so there only symbols are peeled. */
static Dim batch_dim(const Graph *g) {
  FOR_EACH_OP(g, id) {
    if (op_at(g, id)->kind != OP_input) continue;
    const Type *t = type_of(g, op_at(g, id)->first_result);
    return t->rank && holds(g, IF_batch_of_images, t->rank >= 3 || !dim_is_number(t->dim[0])) ? t->dim[0] : 1;
  }
  return 1;
}

static OpId obstacle(const Graph *g, Status *status) {
  Peel p = {.g = g, .batch = batch_dim(g), .status = status};
  return prove(&p);
}

OpId batch_obstacle(const Graph *g) {
  Status *status = calloc(g->value_count, sizeof *status);
  if (!status) die_memory(0);
  OpId found = obstacle(g, status);
  free(status);
  return found;
}

static Ints with_first(Graph *g, Ints list, Dim first) {
  Dim copy[MAX_RANK];
  memcpy(copy, list.at, sizeof *copy * (size_t)list.count);
  copy[0] = first;
  return ints_copy(g->arena, copy, list.count);
}

/* N is a number: the attributes and input types that spell it out. */
static void pin_number(Graph *g, const Status *status) {
  FOR_EACH_OP(g, id) {
    Op *op = op_at(g, id);
    if (!op->result_count) continue;
    Status s = status[op->first_result];
    if (op->kind == OP_input) {
      Type t = *type_of(g, op->first_result);
      t.dim[0] = 1;
      graph_set_leaf_type(g, id, &t);
    } else if (s.kind == ROWS && op->attrs.shape.count)
      op->attrs.shape = with_first(g, op->attrs.shape, s.k);
  }
  graph_reinfer_all(g);
}

/* Does every op take N = 1? No clause: none is known that the proof lets through and that does not. */
static bool fits_one_image(const Graph *g, Dim batch) {
  char error[256];
  Graph *one = graph_clone(g);
  bool fits = !graph_pin_symbol(one, dim_symbol_of(batch), 1, error);
  graph_free(one);
  return fits;
}

int peel_batch(Graph *g, const PassOptions *options) {
  Dim batch = batch_dim(g);
  if (batch == 0 || batch == 1) return 0;
  Status *status = calloc(g->value_count, sizeof *status);
  if (!status) die_memory(0);
  bool proven = rewrite_allowed(g) && !obstacle(g, status) && (dim_is_number(batch) || fits_one_image(g, batch));
  if (proven) rewrite_done(g, "peel_batch", where_op(g, g->first));
  if (proven && dim_is_number(batch)) {
    g->batch = batch;
    pin_number(g, status);
  } else if (proven) {
    g->batch_symbol = dim_symbol_of(batch);
    char error[256];
    if (graph_pin_symbol(g, g->batch_symbol, 1, error)) die("one image fits no longer: %s", error);
  }
  free(status);
  return proven ? 1 + clean_import(g, options) : 0;
}
