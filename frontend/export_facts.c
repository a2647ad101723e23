/* See export_facts.h. Nothing here has to be right for every graph: what is built from it is compared. */
#include "frontend/export_facts.h"
#include "frontend/normal_form.h"
#include <string.h>

static bool runs(const Graph *g, ValueId v) { return v && !value_at(g, v)->constant; }

static const Type *result_type(const Graph *g, const Op *op) { return type_of(g, op->first_result); }

/* Over height and width. */
static bool is_pooling(const Op *op) {
  return (op->kind == OP_reduce_mean || op->kind == OP_reduce_max) && op->attrs.axes.count == 2;
}

static bool is_residual(const Graph *g, const Op *op) {
  return op->kind == OP_add && runs(g, op->operands[0]) && runs(g, op->operands[1]) && result_type(g, op)->rank == 4 &&
         !is_pooling(def_of(g, op->operands[0]));
}

/* Residuals one after the other with one type are a stage. */
static bool add_residual(const Graph *g, const Op *op, const Type **last, ExportFacts *f) {
  const Type *t = result_type(g, op);
  if (!*last || !type_equal(*last, t)) {
    if (f->stages == MAX_STAGES) return false;
    f->dims[f->stages++] = t->dim[3];
  }
  f->depths[f->stages - 1]++;
  f->tail = f->before_tail = 0;
  *last = t;
  return true;
}

static const char *activation_name(const Op *op) {
  static const struct {
    OpKind kind;
    const char *name;
  } rows[] = {{OP_relu, "relu"},
              {OP_silu, "silu"},
              {OP_leaky_relu, "leaky_relu"},
              {OP_elu, "elu"},
              {OP_hard_swish, "hard_swish"},
              {OP_hard_sigmoid, "hard_sigmoid"},
              {OP_sigmoid, "sigmoid"},
              {OP_tanh, "tanh"},
              {OP_softplus, "softplus"}};
  if (op->kind == OP_gelu) return op->attrs.mode ? "gelu_tanh" : "gelu";
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (rows[i].kind == op->kind) return rows[i].name;
  return NULL;
}

static bool is_scalar(const Graph *g, ValueId v) {
  return value_at(g, v)->constant && type_elements(type_of(g, v)) == 1;
}

/* An activation of several operators, or none at all, by who reads x; NULL: one operator. */
static const char *composed_activation(const Graph *g, ValueId x) {
  const Value *v = value_at(g, x);
  for (uint32_t i = 0; i < v->use_count; i++) {
    const Op *op = op_at(g, v->uses[i].op);
    const bool scalar = op->operand_count == 2 && is_scalar(g, op->operands[1]);
    const Value *y = op->result_count ? value_at(g, op->first_result) : NULL;
    const OpKind next = y && y->use_count ? op_at(g, y->uses[0].op)->kind : OP_none;
    if (op->kind == OP_softplus && next == OP_tanh) return "mish";
    if (op->kind == OP_elu && next == OP_mul) return "selu";
    if ((op->kind == OP_max || op->kind == OP_relu) && next == OP_min) return "relu6";
    if (op->kind == OP_mul && scalar && next == OP_sigmoid) return "quick_gelu";
    if (op->kind == OP_add && scalar) return "hard_mish";
    if (op->kind == OP_gemm || op->kind == OP_grn) return "none";
  }
  return NULL;
}

static void look_at_gemm(const Graph *g, const Op *op, ExportFacts *f) {
  const Type *x = type_of(g, op->operands[0]), *y = result_type(g, op);
  if (x->rank == 2) {
    f->head_hidden = f->classes;
    f->classes = y->dim[1];
  } else if (f->kernels[0] && !f->expand) { /* the first behind a depthwise conv */
    f->expand = y->dim[3] / x->dim[3];
    f->mlp_bias = op->operand_count > 2;
    f->act = composed_activation(g, op->first_result);
  }
  if (x->rank != 4) return;
  f->before_tail = f->tail;
  f->tail = y->dim[3];
}

static bool before_blocks(const ExportFacts *f) { return !f->stages && f->kernels[0] == 0; }

static bool is_pooled(const Graph *g, ValueId v) {
  const Value *value = value_at(g, v);
  return value->use_count && is_pooling(op_at(g, value->uses[0].op));
}

static void look_at_norm(const Graph *g, const Op *op, ExportFacts *f) {
  const OpKind before = def_of(g, op->operands[0])->kind;
  if (f->eps < 0) f->eps = op->attrs.eps;
  f->head_eps = op->attrs.eps;
  if (before_blocks(f) && (before == OP_gemm || before == OP_conv)) f->stem_norm = true;
  f->head_norm_first = is_pooled(g, op->first_result);
}

/* sqrt (variance + eps), of a norm that is no layernorm: simplenorm takes a mean from x, rmsnorm doesn't. */
static void look_at_root(const Graph *g, const Op *op, ExportFacts *f) {
  const Op *sum = def_of(g, op->operands[0]);
  const Op *eps = sum->kind == OP_add ? def_of(g, sum->operands[1]) : sum;
  if (eps->kind != OP_const || eps->attrs.floats.count != 1) return;
  if (!f->norm) f->norm = def_of(g, sum->operands[0])->kind == OP_div ? "simplenorm" : "rmsnorm";
  if (f->eps < 0) f->eps = eps->attrs.floats.at[0];
  f->head_eps = eps->attrs.floats.at[0];
  if (before_blocks(f)) f->stem_norm = true;
}

/* Of the block that ends in the next residual. */
static void look_at_dwconv(const Graph *g, const Op *op, const Type *last, ExportFacts *f) {
  const Type *w = type_of(g, op->operands[1]);
  size_t stage = !last || !type_equal(last, result_type(g, op)) ? f->stages : f->stages - 1;
  if (stage < MAX_STAGES && !f->kernels[stage]) f->kernels[stage] = w->dim[0];
  f->bias = op->operand_count > 2;
  if (op->attrs.dilations.count && !f->first_dilated) f->first_dilated = stage;
}

static void look_at(const Graph *g, const Op *op, const Type *last, ExportFacts *f) {
  const char *act = activation_name(op);
  if (act && !f->act) f->act = act;
  if (is_pooling(op)) *(op->kind == OP_reduce_max ? &f->pool_max : &f->pool_mean) = true;
  switch (op->kind) {
  case OP_patches:
    if (f->kernels[0] || !op->attrs.kernel.count) break;
    if (f->patch)
      f->first_downsample = true;
    else
      f->patch = op->attrs.kernel.at[0];
    break;
  case OP_gemm: look_at_gemm(g, op, f); break;
  case OP_layernorm: look_at_norm(g, op, f); break;
  case OP_sqrt: look_at_root(g, op, f); break;
  case OP_dwconv: look_at_dwconv(g, op, last, f); break;
  case OP_grn:
    f->grn = true;
    f->grn_eps = op->attrs.eps;
    break;
  case OP_mul:
    if (runs(g, op->operands[0]) && def_of(g, op->operands[0])->kind == OP_gemm && !runs(g, op->operands[1]) &&
        !is_scalar(g, op->operands[1]))
      f->layer_scale = true;
    if (f->norm) f->head_norm_first = is_pooled(g, op->first_result);
    break;
  default: break;
  }
}

bool export_facts(const Graph *g, ExportFacts *f) {
  const Type *last = NULL;
  *f = (ExportFacts){.eps = -1, .head_eps = -1, .grn_eps = -1};
  for (OpId id = next_running(g, 0); id; id = next_running(g, id)) {
    const Op *op = op_at(g, id);
    if (!op->result_count) continue;
    if (is_residual(g, op)) {
      if (!add_residual(g, op, &last, f)) return false;
    } else {
      look_at(g, op, last, f);
    }
  }
  if (!f->pool_mean && !f->pool_max) {
    f->classes = f->tail;
    f->head_hidden = f->before_tail;
  }
  return f->stages > 0;
}
