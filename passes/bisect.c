/* Bisection over passes, then over rewrites; see bisect.h. A pass is looked for from the first on, since a later one
 * may hide what an earlier one did; a rewrite by halving, between a limit that is good and one that is bad. */
#include "passes/bisect.h"
#include "passes/rewrite_log.h"

typedef struct {
  const Bisection *job;
  Arena *arena;
  int pass;         /* the last to run */
  bool failed;      /* something could not run */
  int64_t total;    /* rewrites that were made */
  const char *rule; /* of the last one */
  Where at;
} Probe;

static const char *keep(Arena *a, const char *text) { return text ? arena_strdup(a, text) : NULL; }

static void keep_last(Probe *p, const RewriteLog *log) {
  p->total = log->total;
  p->rule = log->last;
  p->at = (Where){.file = keep(p->arena, log->last_at.file),
                  .node = keep(p->arena, log->last_at.node),
                  .op = keep(p->arena, log->last_at.op),
                  .opset = log->last_at.opset};
}

/* Is the program good after the passes up to p->pass with so many rewrites? */
static bool good_with(Probe *p, int64_t limit) {
  RewriteLog log = {.limit = limit};
  Graph *g = p->job->load(p->job->user);
  if (!g) return p->failed = true, false;
  g->log = &log;
  PassRun run = {.start_from = pipeline[0].name, .stop_after = pipeline[p->pass].name};
  bool ran = run_passes(g, &p->job->options, &run);
  g->log = NULL;
  bool good = ran && p->job->good(p->job->user, g);
  keep_last(p, &log);
  p->failed = p->failed || !ran;
  graph_free(g);
  return good;
}

/* The first rewrite within (low, high] after which the program is bad: low is good, high is bad. */
static bool find_rewrite(Probe *p, int64_t low, int64_t high, Culprit *out) {
  while (high - low > 1 && !p->failed) {
    int64_t middle = low + (high - low) / 2;
    if (good_with(p, middle))
      low = middle;
    else
      high = middle;
  }
  if (!p->failed) good_with(p, high);
  out->rewrite = high;
  out->rule = p->rule;
  out->at = p->at;
  return !p->failed;
}

bool bisect_passes(const Bisection *job, Arena *arena, Culprit *out) {
  Probe p = {.job = job, .arena = arena};
  int64_t before = 0;
  *out = (Culprit){0};
  for (; p.pass < pipeline_length; p.pass++) {
    bool good = good_with(&p, -1);
    if (p.failed) return false;
    if (!good) break;
    before = p.total;
  }
  if (p.pass == pipeline_length) return true;
  int64_t after = p.total;
  out->pass = pipeline[p.pass].name;
  if (before == after || !good_with(&p, before)) return !p.failed; /* no counted rewrite does it */
  return find_rewrite(&p, before, after, out);
}
