/* See same_program.h. */
#include "passes/same_program.h"
#include "ir/nir.h"
#include <string.h>

typedef struct {
  const Graph *g;
  OpId next;        /* statement to look at */
  uint32_t *number; /* [value_count] of values computed at run time, in statement order; 0: not yet */
} Side;

static bool runs(const Graph *g, OpId id) {
  const Op *op = op_at(g, id);
  return op->kind == OP_output || op->kind == OP_input || !value_at(g, op->first_result)->constant;
}

static OpId advance(Side *s) {
  while (s->next && !runs(s->g, s->next)) s->next = op_at(s->g, s->next)->next;
  OpId id = s->next;
  if (id) s->next = op_at(s->g, id)->next;
  return id;
}

static const char *op_text(const Graph *g, OpId id, Arena *a) {
  Text t = {.arena = a};
  if (!id) return "the end";
  const Op *op = op_at(g, id);
  text_puts(&t, op_info[op->kind].name);
  if (op->result_count) {
    text_putc(&t, ' ');
    nir_type(&t, g, type_of(g, op->first_result));
  }
  if (op->loc) text_printf(&t, " (%s)", op->loc->node);
  return text_string(&t);
}

static bool same_type(const Side *x, const Side *y, ValueId a, ValueId b) {
  return type_equal(type_of(x->g, a), type_of(y->g, b));
}

static bool same_operand(const Side *x, const Side *y, ValueId a, ValueId b) {
  if (!a || !b) return a == b;
  return x->number[a] == y->number[b] && same_type(x, y, a, b);
}

/* Numbers are the same where they round to the same f32: an eps of 1e-6 is that in a description, and a literal of type
 * f32 in an export. */
static bool same_attr(const AttrInfo *info, const Attrs *p, const Attrs *q) {
  if (info->kind != KIND_FLOAT) return attr_equal(info, p, q);
  double a, b;
  memcpy(&a, (const char *)p + info->offset, sizeof a);
  memcpy(&b, (const char *)q + info->offset, sizeof b);
  return (float)a == (float)b;
}

static const char *op_difference(const Side *x, const Side *y, OpId a, OpId b) {
  const Op *p = op_at(x->g, a), *q = op_at(y->g, b);
  if (p->kind != q->kind) return "operator";
  for (int i = 0; i < ATTR_COUNT; i++)
    if (i != ATTR_name && i != ATTR_source && !same_attr(&attr_info[i], &p->attrs, &q->attrs)) return attr_info[i].name;
  if (p->operand_count != q->operand_count) return "operands";
  for (uint32_t i = 0; i < p->operand_count; i++)
    if (!same_operand(x, y, p->operands[i], q->operands[i])) return "operands";
  for (uint32_t r = 0; r < p->result_count; r++)
    if (!same_type(x, y, p->first_result + r, q->first_result + r)) return "type";
  return NULL;
}

const char *program_difference(const Graph *a, const Graph *b, Arena *arena) {
  Side x = {a, a->first, ARENA_ARRAY(arena, uint32_t, a->value_count)};
  Side y = {b, b->first, ARENA_ARRAY(arena, uint32_t, b->value_count)};
  for (uint32_t n = 1;; n++) {
    OpId p = advance(&x), q = advance(&y);
    if (!p && !q) return NULL;
    const char *what = p && q ? op_difference(&x, &y, p, q) : "length";
    if (what)
      return arena_printf(arena, "statement %u, %s: %s against %s", n, what, op_text(a, p, arena), op_text(b, q, arena));
    for (uint32_t r = 0; r < op_at(a, p)->result_count; r++) {
      x.number[op_at(a, p)->first_result + r] = n;
      y.number[op_at(b, q)->first_result + r] = n;
    }
  }
}
