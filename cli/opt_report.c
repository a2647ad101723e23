/* The reports of 'nextc opt': numbers, and the drawing. */
#include "backend/model_info.h"
#include "backend/storage.h"
#include "cli/cli.h"
#include "cli/opt.h"
#include <string.h>

/* ---- numbers ---- */
static void put_ops(FILE *f, const int64_t *ops, const char *format) {
  for (int i = 0, first = 1; i < OP_COUNT; i++) {
    if (!ops[i]) continue;
    if (!first) fputs(", ", f);
    fprintf(f, format, op_info[i].name, (long long)ops[i]);
    first = 0;
  }
}

static void put_rules(FILE *f, const RewriteLog *log, const char *format) {
  for (int i = 0; i < log->rule_count; i++) {
    if (i) fputs(", ", f);
    fprintf(f, format, log->rules[i].name, (long long)log->rules[i].count);
  }
}

/* Groups of each family. */
static void put_kernels(FILE *f, const Graph *g, const char *format) {
  static const char *const families[] = {
#define FAMILY(name, inplace, doc) #name,
#include "backend/families.def"
#undef FAMILY
  };
  const char *separator = "";
  for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
    long long count = 0;
    int32_t last = -1;
    FOR_EACH_OP(g, id) {
      const Sched *s = &op_at(g, id)->sched;
      if (s->kernel < 0 || s->kernel == last) continue;
      last = s->kernel;
      count += s->family && !strcmp(s->family, families[i]);
    }
    if (!count) continue;
    fputs(separator, f);
    fprintf(f, format, families[i], count);
    separator = ", ";
  }
}

void opt_stats_json(FILE *f, const Graph *g, const PassRecord *records, int count) {
  static const char format[] = "\"%s\": %lld";
  int64_t final[OP_COUNT];
  count_ops(g, final);
  fputs("{\"passes\": [", f);
  for (int i = 0; i < count; i++) {
    const PassRecord *r = &records[i];
    fprintf(f, "%s\n  {\"name\": \"%s\", \"ms\": %.3f, \"rewrites\": {", i ? "," : "", r->pass->name, r->ms);
    put_rules(f, &r->log, format);
    fputs("}, \"ops\": {", f);
    put_ops(f, r->ops, format);
    fputs("}}", f);
  }
  fputs("],\n \"final\": {", f);
  put_ops(f, final, format);
  fputs("},\n \"kernels\": {", f);
  put_kernels(f, g, format);
  fputs("}}\n", f);
}

void opt_stats_text(FILE *f, const Graph *g, const PassRecord *records, int count) {
  static const char format[] = "%s %lld";
  double ms = 0;
  fprintf(f, "%-16s %9s %9s  %s\n", "pass", "ms", "rewrites", "operators after it");
  for (int i = 0; i < count; i++) {
    const PassRecord *r = &records[i];
    ms += r->ms;
    fprintf(f, "%-16s %9.2f %9d  ", r->pass->name, r->ms, r->rewrites);
    put_ops(f, r->ops, format);
    if (r->log.rule_count) fprintf(f, "\n%38s", "by ");
    put_rules(f, &r->log, format);
    putc('\n', f);
  }
  fprintf(f, "%-16s %9.2f\nkernels: ", "all", ms);
  put_kernels(f, g, format);
  putc('\n', f);
}

/* ---- the drawing ---- */
static bool is_drawn(const Graph *g, OpId id) {
  const Op *op = op_at(g, id);
  return !op->result_count || !value_at(g, op->first_result)->constant || op_is_runtime(g, id);
}

/* "text" with the characters escaped that Graphviz takes for its own; at most 60 of them. */
static void put_label(FILE *f, const char *text) {
  for (int n = 0; *text && n < 60; text++, n++) {
    if (*text == '"' || *text == '\\') putc('\\', f);
    putc((unsigned char)*text < ' ' ? ' ' : *text, f);
  }
}

static void put_node(FILE *f, const Graph *g, OpId id, Arena *scratch) {
  const Op *op = op_at(g, id);
  fprintf(f, "    n%u [label=\"%s", id, op_info[op->kind].name);
  if (op->attrs.name) {
    putc(' ', f);
    put_label(f, op->attrs.name);
  }
  ValueId v = op->result_count ? op->first_result : op->operands[0];
  fputs("\\n", f);
  put_label(f, graph_type_text(g, type_of(g, v), scratch));
  if (op->loc) {
    fputs("\\n", f);
    put_label(f, op->loc->node);
  }
  fputs("\"];\n", f);
}

static void put_edges(FILE *f, const Graph *g, OpId id) {
  const Op *op = op_at(g, id);
  for (uint32_t i = 0; i < op->operand_count; i++) {
    OpId from = op->operands[i] ? value_at(g, op->operands[i])->def : 0;
    if (from && is_drawn(g, from)) fprintf(f, "  n%u -> n%u;\n", from, id);
  }
}

void opt_dot(FILE *f, const Graph *g) {
  Arena *scratch = arena_new();
  int32_t open = -1;
  fputs("digraph \"", f);
  put_label(f, g->name);
  fputs("\" {\n  rankdir=TB;\n  node [shape=box, fontname=\"sans-serif\", fontsize=10];\n", f);
  FOR_EACH_OP(g, id) {
    const Sched *s = &op_at(g, id)->sched;
    if (!is_drawn(g, id)) continue;
    if (open >= 0 && s->kernel != open) fputs("  }\n", f);
    if (s->kernel >= 0 && s->kernel != open)
      fprintf(f, "  subgraph cluster_%d {\n    label=\"%d %s\";\n", (int)s->kernel, (int)s->kernel,
              s->family ? s->family : "");
    open = s->kernel;
    put_node(f, g, id, scratch);
  }
  if (open >= 0) fputs("  }\n", f);
  FOR_EACH_OP(g, id)
  if (is_drawn(g, id)) put_edges(f, g, id);
  fputs("}\n", f);
  arena_free(scratch);
}
