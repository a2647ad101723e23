/* Building and running emitted C; see build.h. In the folder: m.c m.h m.weights m.S run.c run log in_N out_N. */
#include "cli/build.h"
#include "cli/embedded.h"
#include "cli/process.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_WORDS = MAX_PORTS * 2 + MAX_SYMBOLS + 64, RUNNER_WORDS = 32, LOG_BYTES = 2000 };

static const char *in_folder(const Build *b, const char *name) {
  return arena_printf(b->context->arena, "%s/%s", b->folder, name);
}

/* The first lines of what a program said, for a message. */
static const char *log_text(const Build *b) {
  size_t size;
  char *text = read_file(b->context->arena, in_folder(b, "log"), LOG_BYTES, &size);
  while (text && size && isspace((unsigned char)text[size - 1])) text[--size] = 0;
  return text && size ? text : "(it said nothing)";
}

bool build_emit(Build *b, Graph *g, CompileOptions options) {
  options.name = "m";
  options.out = in_folder(b, "m.c");
  if (!compile_graph(b->context, g, &options)) return false;
  b->object = !access(in_folder(b, "m.S"), R_OK) ? in_folder(b, "m.S") : NULL;
  b->weights_in_file = !b->object && !access(in_folder(b, "m.weights"), R_OK);
  return write_file(b->context, in_folder(b, "run.c"), driver_text, driver_text_bytes);
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
  size_t count = append_words(b->context, words, 0, MAX_WORDS - 16, b->cc);
  if (!count) {
    difference_fail(d, b->context->arena, "no C compiler");
    return false;
  }
  if (!names_level(words, count)) words[count++] = "-O2";
  if (path) words[count++] = path_macro(b, path);
  if (b->weights_in_file) words[count++] = "-DWEIGHTS_IN_FILE";
  const char *rest[] = {"-I", b->folder, "-o", in_folder(b, "run"), in_folder(b, "run.c"), in_folder(b, "m.c")};
  for (size_t i = 0; i < sizeof rest / sizeof *rest; i++) words[count++] = rest[i];
  if (b->object) words[count++] = b->object;
  words[count++] = "-lm";
  words[count] = NULL;
  int status = run_process(b->context, words, in_folder(b, "log"));
  if (status) difference_fail(d, b->context->arena, "%s failed with status %d: %s", words[0], status, log_text(b));
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
  const char *path = in_folder(b, arena_printf(b->context->arena, "out_%zu", i));
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
  words[count++] = in_folder(b, "run");
  words[count++] = in_folder(b, "m.weights");
  count = add_symbols(b, declared, &bindings, words, count);
  for (size_t i = 0; i < set->input_count; i++) {
    words[count++] = in_folder(b, arena_printf(arena, "in_%zu", i));
    if (!write_file(b->context, words[count - 1], set->inputs[i].data, set->inputs[i].bytes)) return false;
  }
  size_t declared_count = graph_ports(declared, OP_output, ports, MAX_PORTS);
  for (size_t i = 0; i < declared_count; i++) words[count++] = in_folder(b, arena_printf(arena, "out_%zu", i));
  words[count] = NULL;
  int status = run_process(b->context, words, in_folder(b, "log"));
  if (status) {
    difference_fail(d, arena, "%s: the program ended with status %d: %s", set->name, status, log_text(b));
    return false;
  }
  bool fine = true;
  for (size_t i = 0; i < output_count; i++) {
    Type type = type_bound(type_of(declared, op_at(declared, ports[i])->operands[0]), &bindings);
    fine &= read_output(b, i, &type, &outputs[i], d);
  }
  return fine;
}
