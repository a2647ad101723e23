/* Timings of the emitted C: m.c and peak.c are built with cli/driver/bench_model.c, which is run and prints them. */
#include "cli/bench.h"
#include "backend/peak.h"
#include "cli/embedded.h"
#include "cli/process.h"
#include <stdlib.h>
#include <string.h>

enum { NO_PATH = 3 /* exit status of the program */, MOST_LOG = 1 << 26, MOST_SYMBOLS = 16 };

/* m.c, peak.c, run.c and the program made of them. */
static bool build_once(Bench *b) {
  if (b->build.folder) return true;
  Context *c = b->context;
  b->build.context = c;
  b->build.folder = temporary_folder(c);
  if (!b->build.folder) return false;
  b->build.driver = (const char *)bench_driver_text;
  b->build.driver_bytes = bench_driver_text_bytes;
  const char *peak = build_path(&b->build, "peak.c"), *peak_header = build_path(&b->build, "peak.h");
  CompileOptions o = b->options;
  if (b->path)
    o.targets[0] = b->path, o.target_count = 1;
  else
    targets_add(&o, NULL);
  const char *words[] = {"-DM_THREADS", "-DPEAK_THREADS", "-DM_PROFILE=bench_step", "-pthread", peak, "-DONLY_STEPS"};
  b->build.words = arena_copy(c->arena, words, sizeof words);
  b->build.word_count = sizeof words / sizeof *words - !b->only_steps;
  progress("compiling");
  if (!build_emit(&b->build, b->graph, o) || !peak_emit(c, "peak", o.targets, o.target_count, peak, peak_header))
    return false;
  progress("compiling with %s", b->build.cc);
  Difference d = difference_none();
  const int errors = c->errors;
  if (build_program(&b->build, NULL, &d)) return true;
  return c->errors > errors ? false : error_in(c, b->command, "%s", d.why); /* a compiler that isn't there was said */
}

/* ---- what the program prints ---- */
static void add(Context *c, double **list, size_t *count, size_t *capacity, double value) {
  GROW(c->arena, *list, *count, *capacity);
  (*list)[(*count)++] = value;
}

static bool read_lines(Bench *b, char *text, Timing *t) {
  size_t runs = 0, peaks = 0, steps = 0;
  Context *c = b->context;
  for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
    char path[32];
    double value;
    int number;
    if (sscanf(line, "path %31s", path) == 1)
      t->target = target_by_name(path);
    else if (sscanf(line, "threads %d", &number) == 1)
      t->threads = number;
    else if (sscanf(line, "run %lf", &value) == 1)
      add(c, &t->runs, &t->run_count, &runs, value);
    else if (sscanf(line, "peak %lf", &value) == 1)
      add(c, &t->peaks, &t->peak_count, &peaks, value);
    else if (sscanf(line, "step %d %lf", &number, &value) == 2)
      add(c, &t->steps, &t->step_count, &steps, value);
    else if (sscanf(line, "read %lf", &value) == 1)
      t->read = value;
  }
  return (t->target && t->run_count && (b->only_steps || t->peak_count)) ||
         error_in(c, b->command, "the program printed no timings: %s", build_log(&b->build));
}

bool bench_c(Bench *b, int threads, Timing *t) {
  Context *c = b->context;
  if (!build_once(b)) return false;
  *t = (Timing){.backend = "c", .compiler = b->build.cc};
  const char *words[8] = {build_path(&b->build, "run"), build_path(&b->build, "m.weights")};
  words[2] = arena_printf(c->arena, "%d", threads);
  words[3] = arena_printf(c->arena, "%d", b->repeat);
  const Graph *g = b->graph;
  if (g->batch_symbol >= 0)
    words[4] = arena_printf(c->arena, "%s=%lld", g->symbols[g->batch_symbol], (long long)b->images);
  progress("running with %d thread%s", threads, threads == 1 ? "" : "s");
  const int status = run_process(c, words, build_path(&b->build, "log"));
  if (status == NO_PATH) return error_in(c, b->command, "path %s does not run on this machine", b->path->name);
  if (status > 0) error_in(c, b->command, "the program ended with status %d: %s", status, build_log(&b->build));
  if (status) return false;
  size_t size;
  char *text = read_file(c->arena, build_path(&b->build, "log"), MOST_LOG, &size);
  return text ? read_lines(b, text, t) : error_in(c, b->command, "the program's output cannot be read");
}
