/* The data of the explorer's page and the page itself; see explorer.h. What the texts of the program say (operands,
 * types, nodes, groups) is not said again: the page reads the texts. */
#include "cli/explorer.h"
#include "backend/c_backend.h"
#include "backend/lower.h"
#include "backend/model_info.h"
#include "cli/cli.h"
#include "cli/embedded.h"
#include "cli/process.h"
#include "nextc.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The program at one time. */
typedef struct {
  const char *pass, *doc;
  const char *text;         /* NULL: as before */
  const PassRecord *record; /* NULL: no pass was run */
  int64_t ops[OP_COUNT];
} Snapshot;

struct Explorer {
  Context *context;
  Snapshot *list;
  size_t count, capacity;
  const char *last_text;
};

static const struct {
  const char *name, *doc;
} families[] = {
#define FAMILY(name, inplace, doc) {#name, doc},
#include "backend/families.def"
#undef FAMILY
};

/* ---- recording ---- */
/* The text without its graph line, which names the last pass, so that programs can be compared. */
static const char *statements_of(const char *text) {
  const char *graph = strstr(text, "\ngraph ");
  const char *end = graph ? strchr(graph + 1, '\n') : NULL;
  return end ? end : text;
}

static void record(Explorer *e, const Graph *g, Snapshot s) {
  const char *text = graph_print(g, e->context->arena, ".");
  bool same = e->last_text && !strcmp(statements_of(text), statements_of(e->last_text));
  s.text = same ? NULL : text;
  e->last_text = text;
  count_ops(g, s.ops);
  GROW(e->context->arena, e->list, e->count, e->capacity);
  e->list[e->count++] = s;
}

Explorer *explorer_new(Context *c, const Graph *g) {
  Explorer *e = ARENA_NEW(c->arena, Explorer);
  e->context = c;
  const char *pass = *g->last_pass ? g->last_pass : "import";
  record(e, g,
         (Snapshot){.pass = pass, .doc = *g->last_pass ? "the program as it was read" : "the model as it was read"});
  return e;
}

void explorer_after(Explorer *e, const Graph *g, const PassRecord *r) {
  record(e, g, (Snapshot){.pass = r->pass->name, .doc = r->pass->doc, .record = r});
}

/* ---- JSON ---- */
/* Lists: separator() gives "" before the first item and ",\n" before all others. */
static const char *separator(bool *first) {
  const char *s = *first ? "" : ",\n";
  *first = false;
  return s;
}

static void put_key(FILE *f, const char *key, const char *value) {
  fprintf(f, "\"%s\":", key);
  json_string(f, value);
}

static void put_rules(FILE *f, const RewriteLog *log) {
  fputs(",\"rules\":{", f);
  for (int i = 0; i < log->rule_count; i++)
    fprintf(f, "%s\"%s\":%" PRId64, i ? "," : "", log->rules[i].name, log->rules[i].count);
  fputc('}', f);
}

static void put_snapshot(FILE *f, const Snapshot *s) {
  const char *comma = "";
  fputc('{', f);
  put_key(f, "pass", s->pass);
  fputc(',', f);
  put_key(f, "doc", s->doc);
  if (s->record) {
    fprintf(f, ",\"rewrites\":%d,\"ms\":%.3f", s->record->rewrites, s->record->ms);
    put_rules(f, &s->record->log);
  }
  fputs(",\"ops\":{", f);
  for (int i = 0; i < OP_COUNT; i++) {
    if (!s->ops[i]) continue;
    fprintf(f, "%s\"%s\":%" PRId64, comma, op_info[i].name, s->ops[i]);
    comma = ",";
  }
  fputs("},\"text\":", f);
  if (s->text)
    json_string(f, s->text);
  else
    fputs("null", f);
  fputc('}', f);
}

static void put_place(FILE *f, Arena *scratch, Place place) {
  ArenaMark mark = arena_mark(scratch);
  Text t = {.arena = scratch};
  loop_put_place(&t, place);
  fprintf(f, "\"%s\"", text_string(&t));
  arena_release(scratch, mark);
}

/* Where the value of a computed op, an input or a constant is kept; false: in no memory of its own. */
static bool place_of(const Storage *s, OpId id, Place *place) {
  const Op *op = op_at(s->graph, id);
  ValueId v = op->first_result;
  bool placed = op->sched.at.count && op->sched.at.at[0] >= 0;
  bool kept =
      op->kind == OP_input || (op_is_runtime(s->graph, id) ? placed || s->output_of[v] >= 0 : s->weight_at[v] >= 0);
  if (kept) *place = value_place(s, v);
  return kept;
}

/* What the text does not say about the ops; id: the number of the first result in the text. */
static void put_ops(FILE *f, const Graph *g, Arena *scratch) {
  Storage storage = storage_new(g, scratch);
  uint32_t number = 1;
  bool first = true;
  FOR_EACH_OP(g, id) {
    const Op *op = op_at(g, id);
    if (!op->result_count) continue;
    Place place;
    OpTraffic t = op_traffic(g, id);
    bool constant = value_at(g, op->first_result)->constant, runtime = op_is_runtime(g, id);
    fprintf(f, "%s{\"id\":%u,\"bytes\":%zu", separator(&first), number, type_bytes(type_of(g, op->first_result)));
    if (constant) fputs(",\"constant\":1", f);
    if (runtime)
      fprintf(f, ",\"runtime\":1,\"macs\":%" PRId64 ",\"in\":%" PRId64 ",\"weights\":%" PRId64 ",\"out\":%" PRId64,
              op_macs(g, op), t.in, t.weights, t.out);
    if (place_of(&storage, id, &place)) {
      fputs(",\"place\":", f);
      put_place(f, scratch, place);
    }
    fputc('}', f);
    number += op->result_count;
  }
  storage_free(&storage);
}

static void put_kernel(FILE *f, Arena *scratch, const Kernel *k, int index, const Target *target, const char *prefix) {
  CFunction function = c_kernel_function(scratch, k, index, target, prefix);
  fputc('{', f);
  put_key(f, "name", function.name);
  fputc(',', f);
  put_key(f, "family", k->family);
  fputc(',', f);
  put_key(f, "code", function.text + strspn(function.text, "\n"));
  fputs(",\"params\":[", f);
  for (size_t i = 0; i < k->param_count; i++) fprintf(f, "%s\"%s\"", i ? "," : "", k->params[i].name);
  fputs("]}", f);
}

static void put_step(FILE *f, Arena *scratch, const LoopProgram *p, const Step *s) {
  fprintf(f, "{\"kernel\":%d,\"group\":%d,\"places\":[", (int)s->kernel, (int)s->group);
  for (size_t i = 0; i < p->kernels[s->kernel]->param_count; i++) {
    if (i) fputc(',', f);
    put_place(f, scratch, s->places[i]);
  }
  fputs("]}", f);
}

static void put_targets(FILE *f, const Graph *g, Arena *scratch) {
  const char *prefix = c_identifier(scratch, g->name);
  for (int t = 0; t < target_count; t++) {
    const LoopProgram *p = lower_graph(g, &targets[t], scratch);
    fputs(t ? ",\n{" : "{", f);
    put_key(f, "name", targets[t].name);
    fputc(',', f);
    put_key(f, "doc", targets[t].doc);
    fprintf(f, ",\"arenaBytes\":%" PRId64 ",\"scratchBytes\":%" PRId64 ",\"kernels\":[\n", p->arena_bytes,
            p->scratch_bytes);
    bool first = true;
    for (size_t k = 0; k < p->kernel_count; k++) {
      fputs(separator(&first), f);
      put_kernel(f, scratch, p->kernels[k], (int)k, &targets[t], prefix);
    }
    fputs("],\"steps\":[\n", f);
    first = true;
    for (size_t s = 0; s < p->step_count; s++) {
      fputs(separator(&first), f);
      put_step(f, scratch, p, &p->steps[s]);
    }
    fputs("]}", f);
  }
}

static void put_docs(FILE *f) {
  fputs("\"opDocs\":{", f);
  for (int i = 1; i < OP_COUNT; i++) {
    if (i > 1) fputc(',', f);
    put_key(f, op_info[i].name, op_info[i].doc);
  }
  fputs("},\n\"familyDocs\":{", f);
  for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
    if (i) fputc(',', f);
    put_key(f, families[i].name, families[i].doc);
  }
  fputc('}', f);
}

static void put_data(FILE *f, const Explorer *e, const Graph *g) {
  Arena *scratch = arena_new();
  const ModelInfo info = model_info(g);
  fputc('{', f);
  put_key(f, "nextc", nextc_version());
  fputc(',', f);
  put_key(f, "name", g->name);
  fprintf(f,
          ",\"macs\":%" PRId64 ",\"params\":%" PRId64 ",\"weightBytes\":%" PRId64 ",\"workspaceBytes\":%" PRId64
          ",\n\"programs\":[\n",
          info.macs, info.params, info.weight_bytes, info.workspace_bytes);
  bool first = true;
  for (size_t i = 0; i < e->count; i++) {
    fputs(separator(&first), f);
    put_snapshot(f, &e->list[i]);
  }
  fputs("],\n\"ops\":[\n", f);
  put_ops(f, g, scratch);
  fputs("],\n\"targets\":[\n", f);
  put_targets(f, g, scratch);
  fputs("],\n", f);
  put_docs(f);
  fputs("}\n", f);
  arena_free(scratch);
}

/* ---- the page ---- */
static void put_part(FILE *f, const Explorer *e, const Graph *g, const char *name) {
  if (!strcmp(name, "style"))
    fwrite(explorer_style_text, 1, explorer_style_text_bytes, f);
  else if (!strcmp(name, "script"))
    fwrite(explorer_script_text, 1, explorer_script_text_bytes, f);
  else if (!strcmp(name, "data"))
    put_data(f, e, g);
  else
    die("page.html: no part '%s'", name);
}

/* page.html with each "@@name@@" replaced by that part. */
static void put_page(FILE *f, const Explorer *e, const Graph *g) {
  Arena *scratch = arena_new();
  const char *page = arena_strndup(scratch, (const char *)explorer_page_text, explorer_page_text_bytes);
  for (const char *mark; (mark = strstr(page, "@@")) != NULL;) {
    const char *end = strstr(mark + 2, "@@");
    if (!end) die("page.html: '@@' is not closed");
    fwrite(page, 1, (size_t)(mark - page), f);
    put_part(f, e, g, arena_strndup(scratch, mark + 2, (size_t)(end - mark - 2)));
    page = end + 2;
  }
  fputs(page, f);
  arena_free(scratch);
}

bool explorer_write(Explorer *e, Graph *g, const char *path) {
  char *bytes = NULL;
  size_t size = 0;
  if (!complete_schedule(g)) return false;
  record(e, g, (Snapshot){.pass = "schedule", .doc = "groups and places for what had none"});
  if (!e->list[e->count - 1].text) e->count--;
  FILE *f = open_memstream(&bytes, &size);
  if (!f) die_memory(0);
  put_page(f, e, g);
  if (fclose(f)) die_memory(0);
  bool fine = strcmp(path, "-") ? replace_file(e->context, path, bytes, size) : fwrite(bytes, 1, size, stdout) == size;
  free(bytes);
  return fine;
}
