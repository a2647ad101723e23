/* nextc opt: the passes, one by one, as text. */
#include "backend/lower.h"
#include "backend/model_info.h"
#include "cli/cli.h"
#include "cli/explorer.h"
#include "cli/process.h"
#include "passes/passes.h"
#include <string.h>
#include <time.h>

static const OptionInfo options[] = {
    {"-o", "FILE.nir",
     "where the program goes after the last pass; -: standard output, and reports to\n"
     "standard error; default: standard output where no report is asked for"},
    {"--stop-after", "PASS", "runs the passes up to and with PASS"},
    {"--passes", "LIST", "only these passes, in the order of the pipeline; '-a,-b': all but these; empty: none"},
    {"--print-after", "all|changed|PASS",
     "report: the program after every pass, after those that changed it, after PASS"},
    {"--print-loops", "[TARGET]", "report: the loop programs of all targets, or of one"},
    {"--html", "FILE.html", "report: the explorer, one page that shows every pass and kernel"},
    {"--stats", "[json|text]", "report: time, rewrites and operators of each pass"},
    {"--verify-each", NULL, "checks the program after each pass"},
    {"--strict-fp", NULL, "no rewrite that changes rounding"},
    DIM_OPTION,
};

enum { MAX_PASSES = 64 };
typedef struct {
  const PassInfo *pass;
  double ms;
  int rewrites;
  int64_t ops[OP_COUNT];
} PassRecord;

typedef struct {
  Context *context;
  const Args *args;
  Graph *graph;
  FILE *reports;
  PassOptions pass_options;
  const char *stop_after, *print_after;
  bool selected[MAX_PASSES]; /* with --passes */
  PassRecord *records;       /* [MAX_PASSES] */
  int record_count;
  double started; /* ms */
  Explorer *explorer; /* NULL: without --html */
} Opt;

static double now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* ---- after each pass ---- */
static bool prints_after(const Opt *o, const PassInfo *pass, int rewrites) {
  if (!o->print_after) return false;
  if (!strcmp(o->print_after, "all")) return true;
  return !strcmp(o->print_after, "changed") ? rewrites > 0 : !strcmp(o->print_after, pass->name);
}

static void print_program(const Opt *o, FILE *f, const char *folder) {
  Arena *scratch = arena_new();
  fputs(graph_print(o->graph, scratch, folder), f);
  arena_free(scratch);
}

static void verify_or_die(const Opt *o, const PassInfo *pass) {
  if (graph_verify(o->graph)) return;
  print_diagnostics(o->context);
  die("pass %s left a program that is not valid", pass->name);
}

static void after_pass(void *user, const Graph *g, const PassInfo *pass, int rewrites) {
  Opt *o = user;
  PassRecord *r = &o->records[o->record_count++];
  *r = (PassRecord){.pass = pass, .ms = now_ms() - o->started, .rewrites = rewrites};
  count_ops(g, r->ops);
  if (prints_after(o, pass, rewrites)) {
    fprintf(o->reports, "// after %s: %d rewrites\n", pass->name, rewrites);
    print_program(o, o->reports, ".");
  }
  if (args_value(o->args, "--verify-each")) verify_or_die(o, pass);
  if (o->explorer) explorer_after(o->explorer, g, pass, rewrites, r->ms);
  o->started = now_ms();
}

/* ---- options ---- */
static int check_pass(Context *c, const Args *args, const char *option, const char *name) {
  if (pass_from_name(name) >= 0) return STATUS_DONE;
  const char *names[MAX_PASSES];
  for (int i = 0; i < pipeline_length; i++) names[i] = pipeline[i].name;
  return usage_error(c, args, "%s: unknown pass '%s'%s", option, name,
                     did_you_mean(c, name, names, (size_t)pipeline_length));
}

static int select_passes(Context *c, Opt *o, const char *list) {
  const char *const *names;
  size_t count = split_list(c, list, &names);
  for (int i = 0; i < pipeline_length; i++) o->selected[i] = count && names[0][0] == '-';
  for (size_t i = 0; i < count; i++) {
    bool without = names[i][0] == '-';
    int status = check_pass(c, o->args, "--passes", names[i] + without);
    if (status) return status;
    o->selected[pass_from_name(names[i] + without)] = !without;
  }
  return STATUS_DONE;
}

static int read_options(Context *c, Opt *o) {
  if (pipeline_length > MAX_PASSES) die("more than %d passes", MAX_PASSES);
  const char *passes = args_value(o->args, "--passes"), *loops = args_value(o->args, "--print-loops");
  const char *out = args_value(o->args, "-o");
  o->stop_after = args_value(o->args, "--stop-after");
  o->print_after = args_value(o->args, "--print-after");
  o->pass_options.strict_fp = args_value(o->args, "--strict-fp") != NULL;
  o->reports = out && !strcmp(out, "-") ? stderr : stdout;
  o->records = ARENA_ARRAY(c->arena, PassRecord, MAX_PASSES);
  int status = o->stop_after ? check_pass(c, o->args, "--stop-after", o->stop_after) : STATUS_DONE;
  if (!status && o->print_after && strcmp(o->print_after, "all") && strcmp(o->print_after, "changed"))
    status = check_pass(c, o->args, "--print-after", o->print_after);
  if (!status && passes) status = select_passes(c, o, passes);
  if (!status && passes && o->stop_after)
    status = usage_error(c, o->args, "--passes and --stop-after exclude each other");
  const char *whole = loops ? "--print-loops" : args_value(o->args, "--html") ? "--html" : NULL;
  if (!status && whole && (passes || o->stop_after)) status = usage_error(c, o->args, "%s needs all passes", whole);
  if (!status && loops && *loops && !target_by_name(loops))
    status = usage_error(c, o->args, "--print-loops: unknown target '%s'", loops);
  return status;
}

/* ---- running ---- */
static bool run_passes(Opt *o) {
  if (args_value(o->args, "--html")) o->explorer = explorer_new(o->context, o->graph);
  o->started = now_ms();
  if (!args_value(o->args, "--passes")) return run_pipeline(o->graph, &o->pass_options, o->stop_after, after_pass, o);
  for (int i = 0; i < pipeline_length; i++) {
    if (!o->selected[i]) continue;
    int rewrites = pipeline[i].run(o->graph, &o->pass_options);
    o->graph->last_pass = pipeline[i].name;
    after_pass(o, o->graph, &pipeline[i], rewrites);
  }
  return true;
}

/* ---- reports ---- */
static void stats_ops(FILE *f, const int64_t *ops, const char *format) {
  for (int i = 0, first = 1; i < OP_COUNT; i++) {
    if (!ops[i]) continue;
    if (!first) fputs(", ", f);
    fprintf(f, format, op_info[i].name, (long long)ops[i]);
    first = 0;
  }
}

/* Groups of each family. */
static void stats_kernels(const Opt *o, const char *format) {
  static const char *const families[] = {
#define FAMILY(name, inplace, doc) #name,
#include "backend/families.def"
#undef FAMILY
  };
  const char *separator = "";
  for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
    long long count = 0;
    int32_t last = -1;
    FOR_EACH_OP(o->graph, id) {
      const Sched *s = &op_at(o->graph, id)->sched;
      if (s->kernel < 0 || s->kernel == last) continue;
      last = s->kernel;
      count += s->family && !strcmp(s->family, families[i]);
    }
    if (!count) continue;
    fputs(separator, o->reports);
    fprintf(o->reports, format, families[i], count);
    separator = ", ";
  }
}

static void stats_json(const Opt *o) {
  static const char format[] = "\"%s\": %lld";
  int64_t final[OP_COUNT];
  count_ops(o->graph, final);
  fputs("{\"passes\": [", o->reports);
  for (int i = 0; i < o->record_count; i++) {
    const PassRecord *r = &o->records[i];
    fprintf(o->reports, "%s\n  {\"name\": \"%s\", \"ms\": %.3f, \"rewrites\": {", i ? "," : "", r->pass->name, r->ms);
    if (r->rewrites) fprintf(o->reports, format, "total", (long long)r->rewrites);
    fputs("}, \"ops\": {", o->reports);
    stats_ops(o->reports, r->ops, format);
    fputs("}}", o->reports);
  }
  fputs("],\n \"final\": {", o->reports);
  stats_ops(o->reports, final, format);
  fputs("},\n \"kernels\": {", o->reports);
  stats_kernels(o, format);
  fputs("}}\n", o->reports);
}

static void stats_text(const Opt *o) {
  static const char format[] = "%s %lld";
  fprintf(o->reports, "%-16s %9s %9s  %s\n", "pass", "ms", "rewrites", "operators after it");
  for (int i = 0; i < o->record_count; i++) {
    const PassRecord *r = &o->records[i];
    fprintf(o->reports, "%-16s %9.2f %9d  ", r->pass->name, r->ms, r->rewrites);
    stats_ops(o->reports, r->ops, format);
    putc('\n', o->reports);
  }
  fputs("kernels: ", o->reports);
  stats_kernels(o, format);
  putc('\n', o->reports);
}

static void print_loops(const Opt *o, const char *target) {
  Arena *scratch = arena_new();
  complete_schedule(o->graph);
  for (int i = 0; i < target_count; i++)
    if (!*target || !strcmp(target, targets[i].name))
      fputs(loop_print(lower_graph(o->graph, &targets[i], scratch), scratch), o->reports);
  arena_free(scratch);
}

/* ---- the program ---- */
/* Folder of a path: "a/b.nir" gives "a", "b.nir" gives ".". */
static const char *folder_of(Arena *arena, const char *path) {
  const char *slash = strrchr(path, '/');
  if (!slash) return ".";
  return slash == path ? "/" : arena_strndup(arena, path, (size_t)(slash - path));
}

static bool write_program(const Opt *o, const char *out) {
  if (!strcmp(out, "-")) {
    print_program(o, stdout, ".");
    return true;
  }
  Arena *scratch = arena_new();
  const char *text = graph_print(o->graph, scratch, folder_of(scratch, out));
  bool fine = replace_file(o->context, out, text, strlen(text));
  arena_free(scratch);
  return fine;
}

static bool report_and_write(const Opt *o) {
  const char *out = args_value(o->args, "-o"), *loops = args_value(o->args, "--print-loops");
  const char *stats = args_value(o->args, "--stats"), *html = args_value(o->args, "--html");
  if (stats && !strcmp(stats, "json"))
    stats_json(o);
  else if (stats)
    stats_text(o);
  if (loops) print_loops(o, loops);
  if (html && !explorer_write(o->explorer, o->graph, html)) return false;
  if (out) return write_program(o, out);
  return stats || loops || html || o->print_after || write_program(o, "-");
}

static int run(Context *c, const Args *args) {
  Opt o = {.context = c, .args = args};
  int status = read_options(c, &o);
  if (!status) status = args_load(c, args, args->operands[0], &o.graph);
  if (status) return status;
  progress_end();
  if (!run_passes(&o) || !report_and_write(&o)) status = STATUS_MODEL;
  graph_free(o.graph);
  return status;
}

const Command command_opt = {
    .name = "opt",
    .operands = "MODEL",
    .summary = "runs the passes and prints the program as .nir text, or reports on them",
    .example = "nextc opt convnext_tiny.onnx --print-after=changed",
    .min_operands = 1,
    .max_operands = 1,
    OPTION_TABLE(options),
    .run = run,
};
