/* See export_facts.h. Nothing here has to be right for every graph: what is built from it is compared. */
#include "frontend/export_facts.h"
#include "frontend/normal_form.h"
#include <string.h>

static bool runs(const Graph *g, ValueId v) { return v && !value_at(g, v)->constant; }

static const Type *result_type(const Graph *g, const Op *op) { return type_of(g, op->first_result); }

static bool is_residual(const Graph *g, const Op *op) {
  return op->kind == OP_add && runs(g, op->operands[0]) && runs(g, op->operands[1]) && result_type(g, op)->rank == 4;
}

/* Residuals one after the other with one type are a stage. */
static bool add_residual(const Graph *g, const Op *op, const Type **last, ExportFacts *f) {
  const Type *t = result_type(g, op);
  if (!*last || !type_equal(*last, t)) {
    if (f->stages == MAX_STAGES) return false;
    f->dims[f->stages++] = t->dim[3];
  }
  f->depths[f->stages - 1]++;
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

static void look_at_gemm(const Graph *g, const Op *op, ExportFacts *f) {
  const Type *x = type_of(g, op->operands[0]), *y = result_type(g, op);
  if (x->rank == 2) {
    f->head_hidden = f->classes;
    f->classes = y->dim[1];
  } else if (def_of(g, op->operands[0])->kind == OP_layernorm && !f->expand && y->dim[3] > x->dim[3] &&
             runs(g, def_of(g, op->operands[0])->operands[0]) &&
             def_of(g, def_of(g, op->operands[0])->operands[0])->kind == OP_dwconv) {
    f->expand = y->dim[3] / x->dim[3];
  }
}

static void look_at_norm(const Graph *g, const Op *op, ExportFacts *f) {
  const OpKind before = def_of(g, op->operands[0])->kind;
  if (f->eps < 0) f->eps = op->attrs.eps;
  f->head_eps = op->attrs.eps;
  if (!f->stages && f->kernels[0] == 0 && (before == OP_gemm || before == OP_conv)) f->stem_norm = true;
  const Value *v = value_at(g, op->first_result);
  f->head_norm_first = v->use_count && op_at(g, v->uses[0].op)->kind == OP_reduce_mean;
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
  case OP_dwconv: look_at_dwconv(g, op, last, f); break;
  case OP_grn:
    f->grn = true;
    f->grn_eps = op->attrs.eps;
    break;
  case OP_mul:
    if (runs(g, op->operands[0]) && def_of(g, op->operands[0])->kind == OP_gemm) f->layer_scale = true;
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
  return f->stages > 0;
}
