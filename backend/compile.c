/* From a loaded graph to C files; see compile.h. */
#include "backend/compile.h"
#include "backend/lower.h"
#include "passes/passes.h"
#include <string.h>

bool is_c_name(const char *name) {
  Arena *scratch = arena_new();
  bool same = *name && !strcmp(c_identifier(scratch, name), name);
  arena_free(scratch);
  return same;
}

bool is_header_path(const char *path) {
  const char *slash = strrchr(path, '/');
  const char *name = slash ? slash + 1 : path;
  bool good = !strstr(name, "??"); /* a trigraph perhaps */
  for (const char *p = name; *p; p++) good = good && (unsigned char)*p >= ' ' && *p != '"' && *p != '\\';
  return good;
}

/* Is word one of the items of "a,b"? */
static bool list_has(const char *list, const char *word) {
  size_t length = strlen(word);
  for (const char *p = list; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL)
    if (strcspn(p, ",") == length && !memcmp(p, word, length)) return true;
  return false;
}

static const char *target_names(Arena *arena) {
  const char *text = "";
  for (int i = 0; i < target_count; i++) text = arena_printf(arena, "%s%s%s", text, i ? ", " : "", targets[i].name);
  return text;
}

bool targets_from_list(Context *c, const char *where, const char *list, CompileOptions *o) {
  o->target_count = 0;
  for (int i = 0; i < target_count; i++)
    if (list_has(list, targets[i].name)) o->targets[o->target_count++] = &targets[i];
  for (const char *p = list; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL) {
    const char *word = arena_strndup(c->arena, p, strcspn(p, ","));
    if (!target_by_name(word)) return error_in(c, where, "unknown target '%s' (of %s)", word, target_names(c->arena));
  }
  return true;
}

void targets_add(CompileOptions *o, const Target *more) {
  const bool usual = !o->target_count;
  if (target_count > MAX_TARGETS) die("more than %d targets", MAX_TARGETS);
  for (int i = 0; usual && i < target_count; i++)
    if (!targets[i].experiment) o->targets[o->target_count++] = &targets[i];
  for (int i = 0; more && i < o->target_count; i++)
    if (o->targets[i] == more) return;
  if (more) o->targets[o->target_count++] = more;
}

/* path without its ".c", with another ending. */
static const char *beside(Arena *arena, const char *path, const char *ending) {
  size_t length = strlen(path);
  if (length > 2 && !strcmp(path + length - 2, ".c")) length -= 2;
  return arena_printf(arena, "%.*s%s", (int)length, path, ending);
}

/* Paths and mode of what is written; false + diag where the weights have no place to go. */
static bool plan_files(Context *c, const CompileOptions *o, int64_t weight_bytes, COptions *files) {
  bool to_stdout = !strcmp(o->out, "-");
  if (!is_header_path(o->out)) return error_in(c, o->out, "no #include can name a header like this");
  *files = (COptions){
      .prefix = o->name,
      .c_path = to_stdout ? NULL : o->out,
      .h_path = to_stdout ? NULL : beside(c->arena, o->out, ".h"),
      .memory = o->memory,
      .weights = o->mode,
      .hex_floats = o->hex,
      .big_endian = o->big_endian,
  };
  if (!o->mode_given) files->weights = o->weights_out || weight_bytes > INLINE_LIMIT ? WEIGHTS_FILE : WEIGHTS_INLINE;
  if (files->weights == WEIGHTS_INLINE) return true;
  if (to_stdout && !o->weights_out)
    return error_in(c, NULL, "%lld bytes of weights have no place to go: give --weights-out=FILE or --weights=inline",
                    (long long)weight_bytes);
  files->weights_path = o->weights_out ? o->weights_out : beside(c->arena, o->out, ".weights");
  if (files->weights == WEIGHTS_OBJECT) files->asm_path = beside(c->arena, o->out, ".S");
  return true;
}

static void show(const CompileOptions *o, const char *step, int percent) {
  if (o->progress) o->progress(o->progress_user, step, percent);
}

static void show_weights(void *user, int64_t done, int64_t total) {
  show(user, "writing weights", total > 0 ? (int)(done * 100 / total) : 100);
}

static bool emit(Context *c, Arena *scratch, const Graph *g, const CompileOptions *o) {
  CProgram program = {.graph = g};
  CompileOptions with = *o;
  LoopProgram *lowered[MAX_TARGETS];
  COptions files;
  program.weights = collect_weights(g, scratch, &program.weight_count, &program.weight_bytes);
  if (!plan_files(c, o, program.weight_bytes, &files)) return false;
  targets_add(&with, NULL);
  for (int i = 0; i < with.target_count; i++) {
    show(o, "lowering", -1);
    lowered[i] = lower_graph(g, with.targets[i], scratch);
  }
  program.targets = with.targets;
  program.target_count = with.target_count;
  program.programs = lowered;
  files.progress = show_weights;
  files.progress_user = (void *)(uintptr_t)o;
  return emit_c_files(c, &program, &files);
}

bool compile_graph(Context *c, Graph *g, const CompileOptions *o) {
  PassOptions pass_options = {.strict_fp = o->strict_fp};
  show(o, "running passes", -1);
  if (!run_pipeline(g, &pass_options, NULL, NULL, NULL)) return false;
  if (!complete_schedule(g)) return false;
  Arena *scratch = arena_new();
  bool fine = emit(c, scratch, g, o);
  arena_free(scratch);
  return fine;
}
