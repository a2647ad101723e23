/* nextc reduce: the smallest program for which a command still succeeds. */
#include "cli/cli.h"
#include "cli/process.h"
#include "cli/reduce.h"
#include <string.h>

static const OptionInfo options[] = {
    {"--keep", "COMMAND",
     "a shell command; {} in it is the file of a program to try (without {}: its last\n"
     "word). Programs for which its exit status is 0 are kept"},
    {"-o", "FILE.nir", "where the smallest program goes; default: standard output"},
    LOAD_OPTIONS,
};

typedef struct {
  Context *context;
  const char *command, *folder, *candidate, *log;
  Reduction *reduction;
} Reduce;

/* The command with the file in it. */
static const char *command_for(Arena *a, const char *command, const char *file) {
  const char *text = "", *at;
  if (!strstr(command, "{}")) return arena_printf(a, "%s '%s'", command, file);
  for (; (at = strstr(command, "{}")); command = at + 2)
    text = arena_printf(a, "%s%.*s'%s'", text, (int)(at - command), command, file);
  return arena_printf(a, "%s%s", text, command);
}

static bool command_keeps(void *user, const Graph *g) {
  Reduce *r = user;
  progress("%d programs tried, %d kept", r->reduction->tried, r->reduction->kept);
  Arena *scratch = arena_new();
  const char *text = graph_print(g, scratch, r->folder);
  bool kept = write_file(r->context, r->candidate, text, strlen(text)) &&
              !run_process(r->context, (const char *const[]){"sh", "-c", r->command, NULL}, r->log);
  arena_free(scratch);
  return kept;
}

static bool write_result(Reduce *r, const char *text, const char *out) {
  if (!out || !strcmp(out, "-")) return fputs(text, stdout) >= 0;
  Graph *g = graph_parse(r->context, "reduced.nir", text, strlen(text), open_source);
  if (!g) return false;
  const char *slash = strrchr(out, '/');
  const char *folder = slash ? arena_strndup(g->arena, out, (size_t)(slash - out) + 1) : ".";
  const char *placed = graph_print(g, g->arena, folder); /* sources relative to the file */
  bool fine = replace_file(r->context, out, placed, strlen(placed));
  size_t statements = 0;
  FOR_EACH_OP(g, id) statements++;
  if (fine) printf("%zu statements, after %d programs tried\n", statements, r->reduction->tried);
  graph_free(g);
  return fine;
}

static bool reduce(Reduce *r, const char *text, const char *out) {
  Context *c = r->context;
  Graph *g = graph_parse(c, "model.nir", text, strlen(text), open_source);
  if (!g) return false;
  bool kept = command_keeps(r, g);
  graph_free(g);
  if (!kept && !c->errors)
    return error_in(c, "nextc reduce", "the command does not succeed for the model itself: %s", r->command);
  const char *smallest = kept ? reduce_program(r->reduction, text) : NULL;
  progress_end();
  return kept && write_result(r, smallest, out);
}

static int run(Context *c, const Args *args) {
  Graph *g = NULL;
  const char *command = args_value(args, "--keep");
  if (!command) return usage_error(c, args, "needs --keep=COMMAND");
  int status = args_load(c, args, args->operands[0], &g);
  if (status) return status;
  Reduction reduction = {.context = c, .keeps = command_keeps, .open = open_source};
  Reduce r = {.context = c, .folder = temporary_folder(c), .reduction = &reduction};
  const char *text = arena_strdup(c->arena, graph_print(g, g->arena, NULL));
  graph_free(g);
  if (!r.folder) return STATUS_MODEL;
  r.candidate = arena_printf(c->arena, "%s/candidate.nir", r.folder);
  r.log = arena_printf(c->arena, "%s/log", r.folder);
  r.command = command_for(c->arena, command, r.candidate);
  reduction.user = &r;
  status = reduce(&r, text, args_value(args, "-o")) ? STATUS_DONE : STATUS_MODEL;
  remove_folder(c, r.folder);
  return status;
}

const Command command_reduce = {
    .name = "reduce",
    .operands = "MODEL",
    .summary = "shrinks a model to the smallest .nir for which a command still succeeds",
    .example = "nextc reduce convnext_tiny.onnx --keep='nextc opt {} | grep -q gelu' -o small.nir",
    .min_operands = 1,
    .max_operands = 1,
    OPTION_TABLE(options),
    .run = run,
};
