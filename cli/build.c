/* Building and running emitted C; see build.h. In the folder: m.c m.h m.weights m.S run.c tensors.h run log in_N out_N.
 */
#include "cli/build.h"
#include "cli/embedded.h"
#include "cli/process.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_WORDS = MAX_PORTS * 2 + MAX_SYMBOLS + 64, RUNNER_WORDS = 32, LOG_BYTES = 2000 };

const char *build_path(const Build *b, const char *name) {
  return arena_printf(b->context->arena, "%s/%s", b->folder, name);
}

const char *build_log(const Build *b) {
  size_t size;
  char *text = read_file(b->context->arena, build_path(b, "log"), LOG_BYTES, &size);
  while (text && size && isspace((unsigned char)text[size - 1])) text[--size] = 0;
  return text && size ? text : "(it said nothing)";
}

bool build_emit(Build *b, Graph *g, CompileOptions options) {
  options.name = "m";
  options.out = build_path(b, "m.c");
  if (!compile_graph(b->context, g, &options)) return false;
  b->object = !access(build_path(b, "m.S"), R_OK) ? build_path(b, "m.S") : NULL;
  b->weights_in_file = !b->object && !access(build_path(b, "m.weights"), R_OK);
  if (!write_file(b->context, build_path(b, "tensors.h"), driver_tensors_text, driver_tensors_text_bytes)) return false;
  if (b->driver) return write_file(b->context, build_path(b, "run.c"), b->driver, b->driver_bytes);
  return write_file(b->context, build_path(b, "run.c"), driver_text, driver_text_bytes);
}

/* The macro that leaves one path in the emitted code. */
static const char *path_macro(Build *b, const char *path) {
  char *macro = arena_printf(b->context->arena, "-DM_ONLY_%s", path);
  for (char *p = macro + 2; *p; p++) *p = (char)toupper((unsigned char)*p);
  return macro;
}

static bool names_level(const char *const *words, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (!strncmp(words[i], "-O", 2)) return true;
  return false;
}

bool build_program(Build *b, const char *path, Difference *d) {
  const char *words[MAX_WORDS];
  size_t count = append_words(b->context, words, 0, MAX_WORDS - 16 - b->word_count, b->cc);
  if (!count) {
    difference_fail(d, b->context->arena, "no C compiler");
    return false;
  }
  if (!names_level(words, count)) words[count++] = "-O2";
  if (path) words[count++] = path_macro(b, path);
  if (b->weights_in_file) words[count++] = "-DWEIGHTS_IN_FILE";
  const char *rest[] = {"-I", b->folder, "-o", build_path(b, "run"), build_path(b, "run.c"), build_path(b, "m.c")};
  for (size_t i = 0; i < sizeof rest / sizeof *rest; i++) words[count++] = rest[i];
  for (size_t i = 0; i < b->word_count; i++) words[count++] = b->words[i];
  if (b->object) words[count++] = b->object;
  words[count++] = "-lm";
  words[count] = NULL;
  int status = run_process(b->context, words, build_path(b, "log"));
  if (status) difference_fail(d, b->context->arena, "%s failed with status %d: %s", words[0], status, build_log(b));
  return !status;
}

static size_t add_symbols(Build *b, const Graph *g, const Bindings *bindings, const char **words, size_t count) {
  for (int i = 0; i < g->symbol_count; i++)
    if (bindings->symbol[i])
      words[count++] = arena_printf(b->context->arena, "%s=%lld", g->symbols[i], (long long)bindings->symbol[i]);
  return count;
}

/* Reads output number i of type t; false where the file has another size. */
static bool read_output(Build *b, size_t i, const Type *t, Tensor *out, Difference *d) {
  size_t size, want = type_bytes(t);
  const char *path = build_path(b, arena_printf(b->context->arena, "out_%zu", i));
  ArenaMark mark = arena_mark(b->context->arena);
  const char *bytes = read_file(b->context->arena, path, want + 1, &size);
  bool fine = bytes && size == want;
  *out = tensor_new(t);
  if (fine) tensor_load(out, bytes);
  arena_release(b->context->arena, mark);
  if (!fine) difference_fail(d, b->context->arena, "output %zu does not have the %zu bytes of its type", i, want);
  return fine;
}

bool build_run(Build *b, const Graph *declared, const DataSet *set, Tensor *outputs, size_t output_count,
               Difference *d) {
  const char *words[MAX_WORDS];
  Bindings bindings;
  OpId ports[MAX_PORTS];
  Arena *arena = b->context->arena;
  memset(outputs, 0, sizeof *outputs * output_count);
  if (!bind_symbols(declared, set, &bindings)) return false;
  size_t count = 0;
  if (b->runner) count = append_words(b->context, words, 0, RUNNER_WORDS, b->runner);
  words[count++] = build_path(b, "run");
  words[count++] = build_path(b, "m.weights");
  count = add_symbols(b, declared, &bindings, words, count);
  for (size_t i = 0; i < set->input_count; i++) {
    words[count++] = build_path(b, arena_printf(arena, "in_%zu", i));
    if (!write_file(b->context, words[count - 1], set->inputs[i].data, set->inputs[i].bytes)) return false;
  }
  size_t declared_count = graph_ports(declared, OP_output, ports, MAX_PORTS);
  for (size_t i = 0; i < declared_count; i++) words[count++] = build_path(b, arena_printf(arena, "out_%zu", i));
  words[count] = NULL;
  int status = run_process(b->context, words, build_path(b, "log"));
  if (status) {
    difference_fail(d, arena, "%s: the program ended with status %d: %s", set->name, status, build_log(b));
    return false;
  }
  bool fine = true;
  for (size_t i = 0; i < output_count; i++) {
    Type type = type_bound(type_of(declared, op_at(declared, ports[i])->operands[0]), &bindings);
    fine &= read_output(b, i, &type, &outputs[i], d);
  }
  return fine;
}
