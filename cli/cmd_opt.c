/* nextc opt: the passes, one by one, as text. */
#include "backend/lower.h"
#include "backend/model_info.h"
#include "cli/cli.h"
#include "cli/explorer.h"
#include "cli/opt.h"
#include "cli/process.h"
#include "cli/tune.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static const OptionInfo options[] = {
    {"-o", "FILE.nir",
     "where the program goes after the last pass; -: standard output, and reports to\n"
     "standard error; default: standard output where no report is asked for"},
    {"--passes", "LIST",
     "only these passes, in the order of the pipeline; a,b,-c: not c; '-a,-b': all but\n"
     "these; empty: none"},
    {"--start-from", "PASS", "starts with PASS; default: after the last pass that the program has gone through"},
    {"--stop-after", "PASS", "runs the passes up to and with PASS"},
    {"--rule-limit", "N", "no more than N rewrites, over all passes"},
    {"--strict-fp", NULL, "no rewrite that changes rounding"},
    {"--print-before", "all|PASS", "report: the program before every pass, or before PASS"},
    {"--print-after", "all|changed|PASS",
     "report: the program after every pass, after those that changed it, after PASS"},
    {"--dump-dir", "DIR", "writes the program as read and after each pass into files: DIR/001-clean-import.nir"},
    {"--anonymous", "[shapes]",
     "prints programs without locations, sources and names; constants by type and by a\n"
     "hash of their value (shapes: without the hash)"},
    {"--print-loops", "[TARGET]", "report: the loop programs of all targets, or of one"},
    {"--stats", "[json|text]", "report: time, rewrites by rule, and operators of each pass; kernels of the result"},
    {"--html", "FILE.html",
     "writes the explorer: one page that shows every pass, operator and C function; -: to\n"
     "standard output, and reports to standard error"},
    {"--dot", NULL, "report: the program as a drawing, for Graphviz"},
    {"--tune", "[TARGET]",
     "searches the register tiles of a target (default: the best path of this CPU) by\n"
     "running them on this machine, before the program is written"},
    {"--rounds", "N", "of --tune: turns of each program that is tried; default: 5"},
    {"--cc", "COMMAND", "of --tune: C compiler with flags (default $CC, else cc); -O2 where they name no level"},
    {"--verify-each", NULL, "checks the program after each pass"},
    LOAD_OPTIONS,
};

typedef struct {
  Context *context;
  const Args *args;
  Graph *graph;
  FILE *reports;
  PassOptions pass_options;
  const char *start_from, *stop_after, *print_before, *print_after, *dump_dir;
  bool selected[MAX_PASSES]; /* with --passes */
  RewriteLog log;
  PassRecord *records; /* [MAX_PASSES] */
  int record_count;
  double started;     /* ms */
  Explorer *explorer; /* NULL: without --html */
  TuneOptions tune;   /* with --tune */
} Opt;

static double now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* ---- programs as text ---- */
/* Folder of a path: "a/b.nir" gives "a", "b.nir" gives ".". */
static const char *folder_of(Arena *arena, const char *path) {
  const char *slash = strrchr(path, '/');
  if (!slash) return ".";
  return slash == path ? "/" : arena_strndup(arena, path, (size_t)(slash - path));
}

/* NULL + diag where a constant of an anonymous text cannot be computed. */
static const char *program_text(const Opt *o, Arena *scratch, const char *folder) {
  const char *anonymous = args_value(o->args, "--anonymous");
  return anonymous ? graph_print_anonymous(o->graph, scratch, !*anonymous) : graph_print(o->graph, scratch, folder);
}

static bool print_program(const Opt *o, FILE *f) {
  Arena *scratch = arena_new();
  const char *text = program_text(o, scratch, ".");
  if (text) fputs(text, f);
  arena_free(scratch);
  return text != NULL;
}

static bool write_program(const Opt *o, const char *out) {
  if (!strcmp(out, "-")) return print_program(o, stdout);
  Arena *scratch = arena_new();
  const char *text = program_text(o, scratch, folder_of(scratch, out));
  bool fine = text && replace_file(o->context, out, text, strlen(text));
  arena_free(scratch);
  return fine;
}

/* A file of --dump-dir; the number is the pass's place in the pipeline. */
static void dump(const Opt *o, int number, const char *pass) {
  if (!o->dump_dir) return;
  Arena *scratch = arena_new();
  const char *path = arena_printf(scratch, "%s/%03d-%s.nir", o->dump_dir, number, pass);
  const char *text = graph_print(o->graph, scratch, o->dump_dir);
  replace_file(o->context, path, text, strlen(text));
  arena_free(scratch);
}

/* ---- before and after each pass ---- */
static void before_pass(void *user, const Graph *g, const PassInfo *pass) {
  Opt *o = user;
  (void)g;
  if (o->print_before && (!strcmp(o->print_before, "all") || !strcmp(o->print_before, pass->name))) {
    fprintf(o->reports, "// before %s\n", pass->name);
    print_program(o, o->reports);
  }
  o->started = now_ms();
}

static bool prints_after(const Opt *o, const PassInfo *pass, int rewrites) {
  if (!o->print_after) return false;
  if (!strcmp(o->print_after, "all")) return true;
  return !strcmp(o->print_after, "changed") ? rewrites > 0 : !strcmp(o->print_after, pass->name);
}

static void verify_or_die(const Opt *o, const PassInfo *pass) {
  if (graph_verify(o->graph)) return;
  print_diagnostics(o->context);
  die("pass %s left a program that is not valid", pass->name);
}

static void after_pass(void *user, const Graph *g, const PassInfo *pass, int rewrites) {
  Opt *o = user;
  PassRecord *r = &o->records[o->record_count++];
  *r = (PassRecord){.pass = pass, .ms = now_ms() - o->started, .rewrites = rewrites, .log = o->log};
  count_ops(g, r->ops);
  if (prints_after(o, pass, rewrites)) {
    fprintf(o->reports, "// after %s: %d rewrites\n", pass->name, rewrites);
    print_program(o, o->reports);
  }
  dump(o, (int)(pass - pipeline) + 1, pass->name);
  if (o->explorer) explorer_after(o->explorer, g, r);
  if (args_value(o->args, "--verify-each")) verify_or_die(o, pass);
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

/* A pass by name, or one of some words; NULL is fine. */
static int check_pass_or(Context *c, const Args *args, const char *option, const char *word, const char *other) {
  const char *value = args_value(args, option);
  if (!value || (word && !strcmp(value, word)) || (other && !strcmp(value, other))) return STATUS_DONE;
  return check_pass(c, args, option, value);
}

static int read_range(Context *c, Opt *o) {
  const char *passes = args_value(o->args, "--passes");
  int status = check_pass_or(c, o->args, "--start-from", NULL, NULL);
  if (!status) status = check_pass_or(c, o->args, "--stop-after", NULL, NULL);
  if (!status && passes) status = select_passes(c, o, passes);
  if (status) return status;
  o->start_from = args_value(o->args, "--start-from");
  o->stop_after = args_value(o->args, "--stop-after");
  if (o->start_from && o->stop_after && pass_from_name(o->start_from) > pass_from_name(o->stop_after))
    return usage_error(c, o->args, "--start-from=%s comes after --stop-after=%s", o->start_from, o->stop_after);
  if (passes && *passes != '-' && !o->start_from) o->start_from = pipeline[0].name; /* those named, run or not */
  return STATUS_DONE;
}

static bool is_stdout(const Opt *o, const char *option) {
  const char *value = args_value(o->args, option);
  return value && !strcmp(value, "-");
}

static int read_reports(Context *c, Opt *o) {
  const char *loops = args_value(o->args, "--print-loops");
  o->print_before = args_value(o->args, "--print-before");
  o->print_after = args_value(o->args, "--print-after");
  o->dump_dir = args_value(o->args, "--dump-dir");
  if (is_stdout(o, "-o") && is_stdout(o, "--html"))
    return usage_error(c, o->args, "-o and --html cannot both be standard output");
  o->reports = is_stdout(o, "-o") || is_stdout(o, "--html") ? stderr : stdout;
  int status = check_pass_or(c, o->args, "--print-before", "all", NULL);
  if (!status) status = check_pass_or(c, o->args, "--print-after", "all", "changed");
  if (!status && loops && *loops && !target_by_name(loops))
    status = usage_error(c, o->args, "--print-loops: unknown target '%s'", loops);
  if (!status && o->dump_dir && !*o->dump_dir) status = usage_error(c, o->args, "--dump-dir needs a folder");
  return status;
}

static int read_tune(Context *c, Opt *o) {
  const char *target = args_value(o->args, "--tune"), *cc = args_value(o->args, "--cc");
  double rounds = 5;
  int status = args_count(c, o->args, "--rounds", 1, 1e4, &rounds);
  if (status) return status;
  if (!target && (cc || args_value(o->args, "--rounds")))
    return usage_error(c, o->args, "--cc and --rounds are for --tune");
  if (!target) return STATUS_DONE;
  if (!args_value(o->args, "-o")) return usage_error(c, o->args, "--tune needs -o FILE.nir for what it finds");
  if (!cc) cc = getenv("CC");
  o->tune = (TuneOptions){.cc = cc && *cc ? cc : "cc", .rounds = (int)rounds, .report = o->reports};
  o->tune.strict_fp = o->pass_options.strict_fp;
  if (*target && !(o->tune.target = target_by_name(target)))
    return usage_error(c, o->args, "--tune: unknown target '%s'", target);
  return STATUS_DONE;
}

static int read_options(Context *c, Opt *o) {
  if (pipeline_length > MAX_PASSES) die("more than %d passes", MAX_PASSES);
  double limit = -1;
  o->records = ARENA_ARRAY(c->arena, PassRecord, MAX_PASSES);
  o->pass_options.strict_fp = args_value(o->args, "--strict-fp") != NULL;
  int status = read_range(c, o);
  if (!status) status = read_reports(c, o);
  if (!status) status = args_count(c, o->args, "--rule-limit", 0, 1e15, &limit);
  if (!status) status = read_tune(c, o);
  o->log.limit = (int64_t)limit;
  return status;
}

/* ---- running ---- */
static bool open_dump_dir(const Opt *o) {
  if (!o->dump_dir || !mkdir(o->dump_dir, 0777) || errno == EEXIST) return true;
  return error_in(o->context, o->dump_dir, "cannot make the folder: %s", strerror(errno));
}

static bool run_selected(Opt *o) {
  PassRun run = {.start_from = o->start_from,
                 .stop_after = o->stop_after,
                 .selected = args_value(o->args, "--passes") ? o->selected : NULL,
                 .before = before_pass,
                 .after = after_pass,
                 .user = o};
  if (!open_dump_dir(o)) return false;
  dump(o, 0, "import");
  if (args_value(o->args, "--html")) o->explorer = explorer_new(o->context, o->graph);
  o->graph->log = &o->log;
  bool fine = run_passes(o->graph, &o->pass_options, &run);
  o->graph->log = NULL;
  return fine && !o->context->errors;
}

static bool tune(Opt *o) {
  return !args_value(o->args, "--tune") || (complete_schedule(o->graph) && tune_graph(o->context, o->graph, &o->tune));
}

static bool print_loops(const Opt *o, const char *target) {
  if (!complete_schedule(o->graph)) return false;
  Arena *scratch = arena_new();
  for (int i = 0; i < target_count; i++)
    if (!*target || !strcmp(target, targets[i].name))
      fputs(loop_print(lower_graph(o->graph, &targets[i], scratch), scratch), o->reports);
  arena_free(scratch);
  return true;
}

static bool report_and_write(const Opt *o) {
  const char *out = args_value(o->args, "-o"), *loops = args_value(o->args, "--print-loops");
  const char *stats = args_value(o->args, "--stats"), *html = args_value(o->args, "--html");
  bool dot = args_value(o->args, "--dot") != NULL;
  if (stats && !strcmp(stats, "json"))
    opt_stats_json(o->reports, o->graph, o->records, o->record_count);
  else if (stats)
    opt_stats_text(o->reports, o->graph, o->records, o->record_count);
  if (dot) opt_dot(o->reports, o->graph);
  if (loops && !print_loops(o, loops)) return false;
  if (html && !explorer_write(o->explorer, o->graph, html)) return false;
  if (out) return write_program(o, out);
  return stats || loops || html || dot || o->print_before || o->print_after || o->dump_dir || write_program(o, "-");
}

static int run(Context *c, const Args *args) {
  Opt o = {.context = c, .args = args};
  int status = read_options(c, &o);
  if (!status) status = args_load(c, args, args->operands[0], &o.graph);
  if (status) return status;
  progress_end();
  if (!run_selected(&o) || !tune(&o) || !report_and_write(&o)) status = STATUS_MODEL;
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
