/* The counter of rewrites; see rewrite_log.h. */
#include "passes/rewrite_log.h"
#include <string.h>

const char *const clause_names[CLAUSE_COUNT] = {
    "",
#define CLAUSE(pass, name, doc) #name,
#include "passes/clauses.def"
#undef CLAUSE
};

static void count(RewriteLog *log, const char *rule, int64_t more) {
  for (int i = 0; i < log->rule_count; i++)
    if (!strcmp(log->rules[i].name, rule)) {
      log->rules[i].count += more;
      return;
    }
  if (log->rule_count == MAX_COUNTED_RULES) die("more than %d rules in one pass", MAX_COUNTED_RULES);
  log->rules[log->rule_count].name = rule;
  log->rules[log->rule_count++].count = more;
}

void rewrite_log_clear(RewriteLog *log) { log->rule_count = 0; }

int64_t rewrite_log_sum(const RewriteLog *log) {
  int64_t sum = 0;
  for (int i = 0; i < log->rule_count; i++) sum += log->rules[i].count;
  return sum;
}

bool rewrite_allowed(const Graph *g) { return !g->log || g->log->limit < 0 || g->log->total < g->log->limit; }

void rewrite_done(Graph *g, const char *rule, Where at) {
  if (!g->log) return;
  count(g->log, rule, 1);
  g->log->total++;
  g->log->last = rule;
  g->log->last_at = at;
}

bool holds(const Graph *g, Clause clause, bool condition) {
  if (condition || !g->log) return condition;
  g->log->declined[clause]++;
  g->log->declines++;
  return g->log->waived == clause;
}

int64_t rewrite_declines(const Graph *g) { return g->log ? g->log->declines : 0; }

void rewrite_declined(const Graph *g, const char *what, int64_t declines) {
  if (g->log && g->log->declines == declines) g->log->silent = what;
}

void rewrite_note(Graph *g, const char *rule, int64_t more) {
  if (g->log && more) count(g->log, rule, more);
}
