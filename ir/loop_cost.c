/* What a kernel costs, counted by walking its loops: exact, for any bounds, since a loop whose variable decides how
 * often an inner one runs is walked step by step. */
#include "ir/loop_internal.h"

typedef struct {
  const Kernel *k;
  int64_t *value; /* of each loop variable */
  int slice, slices;
} Walk;

static int64_t affine_value(const Walk *w, const Affine *a) {
  int64_t sum = a->constant;
  for (int32_t i = 0; i < a->count; i++) sum += a->term[i].coefficient * w->value[a->term[i].var];
  return sum;
}

static int64_t bound_value(const Walk *w, const Bound *b) {
  const int64_t v = affine_value(w, &b->value);
  return v / b->divisor - (v % b->divisor < 0);
}

static bool bound_names(const Bound *b, VarId var) {
  for (int32_t i = 0; b->divisor && i < b->value.count; i++)
    if (b->value.term[i].var == var) return true;
  return false;
}

/* Does a loop among these statements, or below them, have a bound with var? */
static bool bounds_name(const Kernel *k, StmtId first, VarId var) {
  for (StmtId id = first; id; id = k->stmts[id].next) {
    const Stmt *s = &k->stmts[id];
    for (int i = 0; i < 2 && loop_op_info[s->op].form == FORM_LOOP; i++)
      if (bound_names(&s->low[i], var) || bound_names(&s->high[i], var)) return true;
    if (s->body && bounds_name(k, s->body, var)) return true;
  }
  return false;
}

static int64_t count_block(Walk *w, StmtId first);

static int64_t count_loop(Walk *w, const Stmt *s) {
  int64_t low = bound_value(w, &s->low[0]), high = bound_value(w, &s->high[0]), sum = 0;
  if (s->low[1].divisor && bound_value(w, &s->low[1]) > low) low = bound_value(w, &s->low[1]);
  if (s->high[1].divisor && bound_value(w, &s->high[1]) < high) high = bound_value(w, &s->high[1]);
  if (s->op == LOP_pfor) {
    int64_t first, last;
    slice_range((high - low + s->step - 1) / s->step, w->slice, w->slices, &first, &last);
    high = low + last * s->step;
    low += first * s->step;
  }
  if (high <= low) return 0;
  w->value[s->var] = low;
  if (!bounds_name(w->k, s->body, s->var)) return ((high - low - 1) / s->step + 1) * count_block(w, s->body);
  for (int64_t v = low; v < high; v += s->step) {
    w->value[s->var] = v;
    sum += count_block(w, s->body);
  }
  return sum;
}

/* acc = fma a b acc: a product added up. Polynomials have fma too, but into another operand. */
static int64_t products_of(const Kernel *k, const Stmt *s) {
  return s->op == LOP_fma && s->dst == s->src[2] ? k->regs[s->dst].lanes : 0;
}

static int64_t count_block(Walk *w, StmtId first) {
  int64_t sum = 0;
  for (StmtId id = first; id; id = w->k->stmts[id].next) {
    const Stmt *s = &w->k->stmts[id];
    if (loop_op_info[s->op].form == FORM_LOOP)
      sum += count_loop(w, s);
    else if (s->body)
      sum += count_block(w, s->body);
    else
      sum += products_of(w->k, s);
  }
  return sum;
}

int64_t kernel_products(const Kernel *k) { return slice_products(k, 0, 1); }

int64_t slice_products(const Kernel *k, int slice, int slices) {
  Arena *scratch = arena_new();
  Walk w = {k, ARENA_ARRAY(scratch, int64_t, k->var_count + 1), slice, slices};
  const int64_t products = count_block(&w, k->body);
  arena_free(scratch);
  return products;
}

int64_t kernel_bytes(const Kernel *k) {
  int64_t bytes = 0;
  for (size_t i = 0; i < k->param_count; i++) {
    const Param *p = &k->params[i];
    if (p->role == ROLE_SCRATCH) continue;
    bytes += p->elements * (int64_t)dtype_bytes(p->dtype) * (p->role == ROLE_INOUT ? 2 : 1);
  }
  return bytes;
}
