/* nextc bench: how fast a model runs here, against what the machine could do. */
#include "cli/bench.h"
#include "backend/model_info.h"
#include "cli/pin.h"
#include "cli/process.h"
#include "passes/passes.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const OptionInfo options[] = {
    {"--threads", "LIST", "numbers of threads, each on as many CPUs; default: 1"},
    {"--backends", "LIST", "of c (the emitted C, built with --cc) and jit (compiled into memory); default: c"},
    {"--format", "text|json", "default: text"},
    {"--repeat", "N", "runs of each; default: as many as fit in two seconds, at least 5"},
    {"--path", "NAME", "the code path; default: the best one for this CPU"},
    {"--images", "N", "value of a symbolic batch; default: 1"},
    {"--cc", "COMMAND", "C compiler with flags (default $CC, else cc); -O2 where they name no level"},
    WEIGHTS_OPTION,
    {"--strict-fp", NULL, "no rewrite that changes rounding"},
    {"--keep", NULL, "keeps the folder with the emitted C and prints its name on standard error"},
    LOAD_OPTIONS,
};

enum { MOST_THREADS = 256, MOST_TIMINGS = 64 };

typedef struct {
  const char *name;
  bool (*time)(Bench *, int threads, Timing *);
} Backend;
static const Backend known[] = {{"c", bench_c}, {"jit", bench_jit}};

typedef struct {
  Bench bench;
  const Backend *backends[MOST_TIMINGS];
  int threads[MOST_TIMINGS];
  size_t backend_count, thread_count;
} Plan;

static int read_backends(Context *c, const Args *args, Plan *p) {
  const char *const *names, *list = args_value(args, "--backends");
  const size_t count = split_list(c, list ? list : "c", &names);
  if (!count || count > 8) return usage_error(c, args, "--backends takes 1 to 8 names, not '%s'", list);
  for (size_t i = 0; i < count; i++) {
    const Backend *b = known;
    while (b < known + sizeof known / sizeof *known && strcmp(b->name, names[i])) b++;
    if (b == known + sizeof known / sizeof *known)
      return usage_error(c, args, "unknown backend '%s' (of c, jit)", names[i]);
    p->backends[p->backend_count++] = b;
  }
  return STATUS_DONE;
}

static int read_threads(Context *c, const Args *args, Plan *p) {
  const char *const *words, *list = args_value(args, "--threads");
  const size_t count = split_list(c, list ? list : "1", &words);
  if (!count || count > 8) return usage_error(c, args, "--threads takes 1 to 8 numbers, not '%s'", list);
  for (size_t i = 0; i < count; i++) {
    char *end;
    const long n = strtol(words[i], &end, 10);
    if (!isdigit((unsigned char)words[i][0]) || *end || n < 1 || n > MOST_THREADS)
      return usage_error(c, args, "--threads takes numbers from 1 to %d, not '%s'", MOST_THREADS, words[i]);
    p->threads[p->thread_count++] = (int)n;
  }
  return STATUS_DONE;
}

static int read_options(Context *c, const Args *args, Plan *p) {
  const char *cc = args_value(args, "--cc"), *path = args_value(args, "--path");
  double repeat = 0, images = 1;
  if (!cc) cc = getenv("CC");
  p->bench = (Bench){.context = c, .command = "nextc bench", .build = {.cc = cc && *cc ? cc : "cc"}};
  p->bench.options.strict_fp = args_value(args, "--strict-fp") != NULL;
  args_weights(args, &p->bench.options);
  if (path && !(p->bench.path = target_by_name(path))) return usage_error(c, args, "unknown path '%s'", path);
  int status = args_count(c, args, "--repeat", 1, 1e6, &repeat);
  if (!status) status = args_count(c, args, "--images", 1, 1e6, &images);
  if (!status) status = read_backends(c, args, p);
  if (!status) status = read_threads(c, args, p);
  p->bench.repeat = (int)repeat;
  p->bench.images = (int64_t)images;
  return status;
}

static int prepare(Context *c, const Args *args, Bench *b) {
  const PassOptions pass_options = {.strict_fp = args_value(args, "--strict-fp") != NULL};
  int status = args_load(c, args, args->operands[0], &b->graph);
  if (!status && !run_pipeline(b->graph, &pass_options, NULL, NULL, NULL)) status = STATUS_MODEL;
  if (status) return status;
  complete_schedule(b->graph);
  b->name = args->operands[0];
  b->macs = model_info(b->graph).macs;
  if (b->graph->batch_symbol < 0 && args_value(args, "--images"))
    return usage_error(c, args, "--images needs a model with a symbolic batch");
  if (b->graph->batch > 1) b->images = b->graph->batch;
  return STATUS_DONE;
}

static bool time_all(Plan *p, Timing *timings, size_t *count) {
  const CpuSet cpus = cpus_allowed();
  for (size_t i = 0; i < p->backend_count; i++)
    for (size_t j = 0; j < p->thread_count; j++) {
      const int pinned = cpus_pin(&cpus, p->threads[j]);
      Timing *t = &timings[(*count)++];
      const bool fine = p->backends[i]->time(&p->bench, p->threads[j], t);
      t->cpus = pinned;
      cpus_pin(&cpus, cpus.count);
      if (!fine) return false;
    }
  return true;
}

static int run(Context *c, const Args *args) {
  Plan p = {.backend_count = 0};
  Timing timings[MOST_TIMINGS];
  size_t count = 0;
  int status = read_options(c, args, &p);
  if (!status) status = prepare(c, args, &p.bench);
  if (!status && !time_all(&p, timings, &count)) status = STATUS_MODEL;
  progress_end();
  if (!status && args_choice(args, "--format", 0))
    bench_print_json(&p.bench, timings, count);
  else if (!status)
    bench_print_text(&p.bench, timings, count);
  if (p.bench.build.folder && args_value(args, "--keep")) {
    keep_folder(c, p.bench.build.folder);
    fprintf(stderr, "kept %s\n", p.bench.build.folder);
  } else if (p.bench.build.folder) {
    remove_folder(c, p.bench.build.folder);
  }
  if (p.bench.graph) graph_free(p.bench.graph);
  return status;
}

const Command command_bench = {
    .name = "bench",
    .operands = "MODEL",
    .summary = "times a model here: ms, GFLOP/s, % of the machine's peak, each kernel",
    .example = "nextc bench convnext_tiny.onnx --threads 1,2",
    .min_operands = 1,
    .max_operands = 1,
    OPTION_TABLE(options),
    .run = run,
};
