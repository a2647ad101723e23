/* Tensor IR to .nir text; docs/ir.md has the grammar. One pass over the statements, linear in what is printed. */
#include "ir/eval.h"
#include "ir/hash.h"
#include "ir/nir.h"
#include "ir/path.h"
#include <stdlib.h>

typedef struct {
  const Graph *graph;
  Text text;
  uint32_t *number; /* by ValueId: its number in the text, 0: not printed yet */
  Attrs defaults;
  bool anonymous, hashes; /* of graph_print_anonymous */
  bool failed;            /* a constant could not be computed */
} Printer;

void nir_symbol(Text *t, const char *name) {
  if (is_identifier(name))
    text_puts(t, name);
  else
    text_quote(t, name);
}

void nir_dim(Text *t, const Graph *g, Dim d) {
  int symbol = dim_symbol_of(d);
  long long coefficient = (long long)dim_coefficient(d);
  if (symbol < 0) {
    text_printf(t, "%lld", coefficient);
    return;
  }
  if (coefficient != 1) text_printf(t, "%lld*", coefficient);
  nir_symbol(t, symbol < g->symbol_count ? g->symbols[symbol] : "?");
}

void nir_type(Text *t, const Graph *g, const Type *type) {
  text_puts(t, dtype_known(type->dtype) ? dtype_name(type->dtype) : "?");
  for (int i = 0; i < type->rank; i++) {
    text_putc(t, i ? ',' : '[');
    nir_dim(t, g, type->dim[i]);
  }
  text_puts(t, type->rank ? "]" : "[]");
}

/* How many entries from i on are numbers that ascend by one. */
static int32_t run_length(Ints list, int32_t i) {
  int32_t n = 1;
  while (i + n < list.count && dim_is_number(list.at[i]) && list.at[i + n - 1] < INT64_MAX &&
         list.at[i + n] == list.at[i + n - 1] + 1)
    n++;
  return n;
}

static void put_ints(Text *t, const Graph *g, Ints list) {
  enum { SHORTEST_RANGE = 4 };
  text_putc(t, '[');
  for (int32_t i = 0; i < list.count;) {
    int32_t run = run_length(list, i);
    if (i) text_putc(t, ',');
    nir_dim(t, g, list.at[i]);
    if (run >= SHORTEST_RANGE) {
      text_puts(t, "..");
      nir_dim(t, g, list.at[i + run - 1]);
    }
    i += run >= SHORTEST_RANGE ? run : 1;
  }
  text_putc(t, ']');
}

static void put_floats(Text *t, Floats list) {
  for (int32_t i = 0; i < list.count; i++) {
    text_putc(t, i ? ',' : '[');
    text_double(t, list.at[i]);
  }
  text_puts(t, list.count ? "]" : "[]");
}

static void put_attr(Printer *p, const AttrInfo *info, const Attrs *attrs) {
  const void *member = (const char *)attrs + info->offset;
  Text *t = &p->text;
  text_printf(t, "%s=", info->name);
  switch (info->kind) {
  case KIND_INT: text_printf(t, "%lld", (long long)*(const int64_t *)member); break;
  case KIND_FLOAT: text_double(t, *(const double *)member); break;
  case KIND_INTS: put_ints(t, p->graph, *(const Ints *)member); break;
  case KIND_FLOATS: put_floats(t, *(const Floats *)member); break;
  case KIND_NAME: text_puts(t, *(const char *const *)member); break;
  case KIND_STRING: text_quote(t, *(const char *const *)member); break;
  }
}

static void put_attrs(Printer *p, const Attrs *attrs) {
  const char *before = " {";
  for (int i = 0; i < ATTR_COUNT; i++) {
    if (attr_equal(&attr_info[i], attrs, &p->defaults)) continue;
    if (p->anonymous && (i == ATTR_name || i == ATTR_source)) continue;
    text_puts(&p->text, before);
    put_attr(p, &attr_info[i], attrs);
    before = " ";
  }
  if (before[1] != '{') text_putc(&p->text, '}');
}

/* v3.tile=6x16 v4.tile=7x48 */
static void put_tiles(Text *t, const char *before, const char *name, const Tiles *tiles) {
  for (int32_t i = 0; i < tiles->count; i++, before = " ")
    text_printf(t, "%s%s.%s=%dx%d", before, tiles->at[i].target, name, tiles->at[i].rows, tiles->at[i].columns);
}

static void put_sched(Printer *p, const Sched *s) {
  Text *t = &p->text;
  const char *before = " @{";
  for (int i = 0; i < SCHED_COUNT; i++) {
    const SchedInfo *info = &sched_info[i];
    if (sched_is_default(info, s)) continue;
    const void *member = (const char *)s + info->offset;
    if (info->kind == SCHED_TILES) {
      put_tiles(t, before, info->name, member);
      before = " ";
      continue;
    }
    text_printf(t, "%s%s=", before, info->name);
    before = " ";
    switch (info->kind) {
    case SCHED_GROUP: text_printf(t, "%d:%s", *(const int32_t *)member, s->family ? s->family : "?"); break;
    case SCHED_INTS: put_ints(t, p->graph, *(const Ints *)member); break;
    case SCHED_INT: text_printf(t, "%lld", (long long)*(const int64_t *)member); break;
    case SCHED_TILES: break;
    }
  }
  if (before[1] != '@') text_putc(t, '}');
}

static void put_locs(Printer *p, const Loc *loc) {
  Text *t = &p->text;
  for (const char *before = " !"; loc; loc = loc->next, before = ",") {
    text_puts(t, before);
    if (loc->source) text_printf(t, "%d:", loc->source);
    text_quote(t, loc->node ? loc->node : "");
    if (loc->op && *loc->op) {
      text_putc(t, ':');
      nir_symbol(t, loc->op);
    }
    if (loc->opset) text_printf(t, "@%d", loc->opset);
  }
}

/* Hash of the elements as they are written into weights. */
static bool hash_constant(const Graph *g, ValueId v, uint64_t *hash) {
  Tensor value;
  if (!eval_const(g, v, &value)) return false;
  size_t bytes = type_bytes(&value.type);
  void *stored = malloc(bytes ? bytes : 1);
  if (!stored) die_memory(bytes);
  tensor_store(&value, stored, false);
  *hash = hash_bytes(stored, bytes, 0);
  free(stored);
  tensor_free(&value);
  return true;
}

/* const f32[96x384] #0123456789abcdef */
static void put_constant(Printer *p, ValueId v) {
  Text *t = &p->text;
  const Type *type = type_of(p->graph, v);
  text_printf(t, "const %s", dtype_name(type->dtype));
  for (int i = 0; i < type->rank; i++) {
    text_putc(t, i ? 'x' : '[');
    nir_dim(t, p->graph, type->dim[i]);
  }
  text_puts(t, type->rank ? "]" : "[]");
  uint64_t hash;
  if (!p->hashes) return;
  if (hash_constant(p->graph, v, &hash))
    text_printf(t, " #%016llx", (unsigned long long)hash);
  else
    p->failed = true;
}

static void put_operand(Printer *p, ValueId v) {
  if (!v)
    text_putc(&p->text, '_');
  else if (p->anonymous && value_at(p->graph, v)->constant)
    put_constant(p, v);
  else
    text_printf(&p->text, "%%%u", p->number[v]);
}

static void put_op(Printer *p, const Op *op, uint32_t *last_number) {
  Text *t = &p->text;
  for (uint32_t r = 0; r < op->result_count; r++) {
    p->number[op->first_result + r] = ++*last_number;
    text_printf(t, "%s%%%u", r ? ", " : "", *last_number);
  }
  text_printf(t, "%s%s", op->result_count ? " = " : "", op_info[op->kind].name);
  for (uint32_t i = 0; i < op->operand_count; i++) {
    text_puts(t, i ? ", " : " ");
    put_operand(p, op->operands[i]);
  }
  put_attrs(p, &op->attrs);
  put_sched(p, &op->sched);
  for (uint32_t r = 0; r < op->result_count; r++) {
    text_puts(t, r ? ", " : " : ");
    nir_type(t, p->graph, type_of(p->graph, op->first_result + r));
  }
  if (!p->anonymous) put_locs(p, op->loc);
  text_putc(t, '\n');
}

static void put_source(Printer *p, Arena *a, size_t index, const char *base_dir) {
  Source *s = p->graph->sources[index];
  if (!s->hash && s->compute_hash) s->hash = s->compute_hash(s);
  text_printf(&p->text, "source %zu ", index);
  text_quote(&p->text, path_relative(a, base_dir, s->path));
  if (s->hash) text_printf(&p->text, " hash=%016llx", (unsigned long long)s->hash);
  text_putc(&p->text, '\n');
}

static void put_graph_line(Printer *p) {
  const Graph *g = p->graph;
  Text *t = &p->text;
  text_puts(t, "graph ");
  text_quote(t, g->name);
  if (g->last_pass && *g->last_pass) {
    text_puts(t, " after=");
    text_quote(t, g->last_pass);
  }
  if (g->batch_symbol >= 0) {
    text_puts(t, " batch=");
    nir_symbol(t, g->symbols[g->batch_symbol]);
  } else if (g->batch != 1) {
    text_printf(t, " batch=%lld", (long long)g->batch);
  }
  for (int i = 0; i < g->symbol_count; i++) {
    text_puts(t, i ? "," : " symbols=");
    nir_symbol(t, g->symbols[i]);
  }
  text_putc(t, '\n');
}

char *graph_print(const Graph *g, Arena *a, const char *base_dir) {
  Printer p = {.graph = g,
               .text = {.arena = a},
               .number = ARENA_ARRAY(a, uint32_t, g->value_count),
               .defaults = attrs_default()};
  text_printf(&p.text, "nir %d\n", NIR_VERSION);
  for (size_t i = 0; i < g->source_count; i++) put_source(&p, a, i, base_dir);
  put_graph_line(&p);
  nir_notes(&p.text, g);
  uint32_t last_number = 0;
  FOR_EACH_OP(g, id) put_op(&p, op_at(g, id), &last_number);
  return text_string(&p.text);
}

/* Constant expressions are printed where they are read. */
static bool is_printed(const Printer *p, const Op *op) {
  return !op->result_count || !value_at(p->graph, op->first_result)->constant;
}

char *graph_print_anonymous(const Graph *g, Arena *a, bool hashes) {
  Graph nameless = *g;
  for (int i = 0; i < g->symbol_count; i++) nameless.symbols[i] = arena_printf(a, "s%d", i);
  Printer p = {.graph = &nameless,
               .text = {.arena = a},
               .number = ARENA_ARRAY(a, uint32_t, g->value_count),
               .defaults = attrs_default(),
               .anonymous = true,
               .hashes = hashes};
  if (g->batch_symbol >= 0)
    text_puts(&p.text, "batch\n");
  else if (g->batch != 1)
    text_printf(&p.text, "batch %lld\n", (long long)g->batch);
  uint32_t last_number = 0;
  FOR_EACH_OP(g, id)
  if (is_printed(&p, op_at(g, id))) put_op(&p, op_at(g, id), &last_number);
  return p.failed ? NULL : text_string(&p.text);
}
