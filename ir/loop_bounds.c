/* Ranges of affine expressions inside a nest of loops, for the proof that accesses stay inside their parameters. Three
 * ways, each tried where the one before does not prove:
 * - intervals: every variable alone between its least and its most;
 * - elimination: the innermost variable is replaced by one of its bounds, an expression in outer variables, and so on
 *   outwards; exact for ranges such as ky = max(0, 3 - y) .. min(7, 59 - y) in the address y + ky - 3;
 * - enumeration: every point of the loops that matter, as far as the budget goes.
 *
 * A loop that is empty at some point makes no demand there; only enumeration sees that. */
#include "ir/loop_internal.h"
#include <string.h>

static const int64_t limit = (int64_t)1 << 62;
enum { MAX_POINTS = 1 << 20, MAX_BRANCHES = 4096 };

/* *sum += a * b; false where a number leaves +-2^62. */
static bool add_product(int64_t *sum, int64_t a, int64_t b) {
  if (a > limit || a < -limit || b > limit || b < -limit) return false;
  if (a) {
    int64_t most = limit / (a < 0 ? -a : a);
    if (b > most || b < -most) return false;
  }
  int64_t p = a * b;
  if (p > 0 ? *sum > limit - p : *sum < -limit - p) return false;
  *sum += p;
  return true;
}

static int64_t floor_div(int64_t a, int64_t d) { return a / d - (a % d < 0); }

static bool to_dense(const Nest *n, const Affine *a, Dense *out) {
  *out = (Dense){.constant = a->constant};
  for (int32_t i = 0; i < a->count; i++) {
    int l = n->depth;
    while (l-- > 0 && n->level[l].var != a->term[i].var) {
    }
    if (l < 0) return false;
    out->at[l] = a->term[i].coefficient;
  }
  return true;
}

/* a += factor * b */
static bool add_scaled(Dense *a, const Dense *b, int64_t factor) {
  bool good = add_product(&a->constant, b->constant, factor);
  for (int l = 0; l < LOOP_MAX_DEPTH && good; l++) good = add_product(&a->at[l], b->at[l], factor);
  return good;
}

/* ---- intervals ---- */

static bool interval(const Nest *n, const Dense *a, bool want_most, int64_t *out) {
  int64_t sum = a->constant;
  for (int l = 0; l < n->depth; l++) {
    const Level *v = &n->level[l];
    if (a->at[l] && !add_product(&sum, a->at[l], (a->at[l] > 0) == want_most ? v->most : v->least)) return false;
  }
  *out = sum;
  return true;
}

/* ---- elimination ---- */

/* A loop with one bound on each side at a constant distance: the last value is low + this. -1: another kind of loop. */
static int64_t fixed_span(const Level *v) {
  if (v->low_divisor[1] || v->high_divisor[1] || v->low_divisor[0] != 1 || v->high_divisor[0] != 1) return -1;
  if (memcmp(v->low[0].at, v->high[0].at, sizeof v->low[0].at) != 0) return -1;
  int64_t count = v->high[0].constant - v->low[0].constant;
  return count < 1 ? -1 : (count - 1) / v->step * v->step;
}

/* Replaces variable l in a by its j-th upper (or lower) bound, so that the result is >= a (want_most) or <= a. */
static bool substitute(const Nest *n, Dense *a, int l, int j, bool upper) {
  const Level *v = &n->level[l];
  int64_t c = a->at[l], d = upper ? v->high_divisor[j] : v->low_divisor[j], span = fixed_span(v);
  const Dense *e = upper ? &v->high[j] : &v->low[j];
  a->at[l] = 0;
  if (upper && span >= 0) return add_scaled(a, &v->low[0], c) && add_product(&a->constant, span, c);
  if (c % d == 0) { /* floor(e/d) - 1 <= e/d - 1 and floor(e/d) >= (e - d + 1)/d */
    int64_t slack = upper ? -1 : 0;
    if (!add_scaled(a, e, c / d) || !add_product(&a->constant, c, slack)) return false;
    return upper || add_product(&a->constant, c / d, 1 - d);
  }
  return add_product(&a->constant, c, upper ? v->most : v->least);
}

static bool eliminate(const Nest *n, Dense a, int l, bool want_most, int *branches, int64_t *out) {
  while (l >= 0 && !a.at[l]) l--;
  if (l < 0) return *out = a.constant, true;
  bool upper = (a.at[l] > 0) == want_most, found = false;
  const int64_t *divisor = upper ? n->level[l].high_divisor : n->level[l].low_divisor;
  for (int j = 0; j < 2 && divisor[j]; j++) {
    Dense next = a;
    int64_t value;
    if (--*branches < 0 || !substitute(n, &next, l, j, upper)) continue;
    if (!eliminate(n, next, l - 1, want_most, branches, &value)) continue;
    if (!found || (want_most ? value < *out : value > *out)) *out = value;
    found = true;
  }
  return found;
}

/* The better of both: *out is no less (no more) than any value of a. */
static bool extreme(const Nest *n, const Dense *a, bool want_most, int64_t *out) {
  int branches = MAX_BRANCHES;
  int64_t value;
  bool plain = interval(n, a, want_most, out), better = eliminate(n, *a, n->depth - 1, want_most, &branches, &value);
  if (better && (!plain || (want_most ? value < *out : value > *out))) *out = value;
  return plain || better;
}

/* ---- the nest ---- */

bool nest_enter(Nest *n, const Stmt *s) {
  if (n->depth == LOOP_MAX_DEPTH) return false;
  Level v = {.var = s->var, .step = s->step};
  bool have_least = false, have_most = false;
  for (int j = 0; j < 2; j++) {
    int64_t e;
    v.low_divisor[j] = s->low[j].divisor;
    v.high_divisor[j] = s->high[j].divisor;
    if (v.low_divisor[j]) {
      if (!to_dense(n, &s->low[j].value, &v.low[j]) || !extreme(n, &v.low[j], false, &e)) return false;
      e = floor_div(e, v.low_divisor[j]);
      if (!have_least || e > v.least) v.least = e;
      have_least = true;
    }
    if (v.high_divisor[j]) {
      if (!to_dense(n, &s->high[j].value, &v.high[j]) || !extreme(n, &v.high[j], true, &e)) return false;
      e = floor_div(e, v.high_divisor[j]) - 1;
      if (!have_most || e < v.most) v.most = e;
      have_most = true;
    }
  }
  n->level[n->depth++] = v;
  return true;
}

void nest_leave(Nest *n) { n->depth--; }

bool nest_runs(const Nest *n) {
  Nest outer = *n;
  const Level *v = &n->level[--outer.depth];
  for (int i = 0; i < 2 && v->high_divisor[i]; i++)
    for (int j = 0; j < 2 && v->low_divisor[j]; j++) {
      int64_t high, low;
      Dense count = v->high[i];
      bool exact = v->high_divisor[i] == 1 && v->low_divisor[j] == 1 && add_scaled(&count, &v->low[j], -1);
      if (exact && extreme(&outer, &count, false, &high) && high >= 1) continue;
      if (!extreme(&outer, &v->high[i], false, &high) || !extreme(&outer, &v->low[j], true, &low)) return false;
      if (floor_div(high, v->high_divisor[i]) <= floor_div(low, v->low_divisor[j])) return false;
    }
  return true;
}

/* ---- enumeration ---- */

typedef struct {
  Nest *n;
  Dense a;
  int64_t low, high, witness, points;
  unsigned relevant; /* bit l: level l is enumerated */
  int64_t var[LOOP_MAX_DEPTH];
} Search;

static bool has_variables(const Dense *a) { return memcmp(a->at, (int64_t[LOOP_MAX_DEPTH]){0}, sizeof a->at) != 0; }

/* The levels that a depends on, those whose emptiness depends on others, and what their bounds depend on. */
static unsigned relevant_levels(const Nest *n, const Dense *a) {
  unsigned set = 0;
  for (int l = 0; l < n->depth; l++)
    if (a->at[l]) set |= 1u << l;
  for (int l = n->depth; l-- > 0;) {
    const Level *v = &n->level[l];
    bool varies = false;
    for (int j = 0; j < 2; j++) varies = varies || has_variables(&v->low[j]) || has_variables(&v->high[j]);
    if (varies) set |= 1u << l;
    for (int o = 0; o < l && (set >> l & 1); o++)
      for (int j = 0; j < 2; j++)
        if (v->low[j].at[o] || v->high[j].at[o]) set |= 1u << o;
  }
  return set;
}

static bool value_at(const Search *s, const Dense *a, int depth, int64_t *out) {
  *out = a->constant;
  for (int l = 0; l < depth; l++)
    if (a->at[l] && !add_product(out, a->at[l], s->var[l])) return false;
  return true;
}

/* The range [first, last] of level l at the current point of the levels around it; last < first: empty. */
static bool range_at(const Search *s, int l, int64_t *first, int64_t *last) {
  const Level *v = &s->n->level[l];
  for (int j = 0; j < 2; j++) {
    int64_t e;
    if (v->low_divisor[j]) {
      if (!value_at(s, &v->low[j], l, &e)) return false;
      e = floor_div(e, v->low_divisor[j]);
      if (!j || e > *first) *first = e;
    }
    if (v->high_divisor[j]) {
      if (!value_at(s, &v->high[j], l, &e)) return false;
      e = floor_div(e, v->high_divisor[j]) - 1;
      if (!j || e < *last) *last = e;
    }
  }
  if (*last >= *first) *last = *first + (*last - *first) / v->step * v->step;
  return true;
}

static Proof search(Search *s, int l);

static Proof try_value(Search *s, int l, int64_t value) {
  s->var[l] = value;
  return search(s, l + 1);
}

static Proof search(Search *s, int l) {
  while (l < s->n->depth && !(s->relevant >> l & 1)) l++;
  if (--s->points < 0) return UNKNOWN;
  if (l == s->n->depth) {
    if (!value_at(s, &s->a, l, &s->witness)) return UNKNOWN;
    return s->witness >= s->low && s->witness <= s->high ? INSIDE : OUTSIDE;
  }
  int64_t first = 0, last = 0;
  if (!range_at(s, l, &first, &last)) return UNKNOWN;
  if (last < first) return INSIDE;
  if (s->relevant >> l == 1) { /* the innermost: a is monotonic in it */
    Proof p = try_value(s, l, first);
    return p == INSIDE ? try_value(s, l, last) : p;
  }
  for (int64_t v = first; v <= last; v += s->n->level[l].step) {
    Proof p = try_value(s, l, v);
    if (p != INSIDE) return p;
  }
  return INSIDE;
}

Proof nest_within(Nest *n, const Affine *a, int64_t low, int64_t high, int64_t *witness) {
  Search s = {.n = n, .low = low, .high = high};
  int64_t least, most;
  for (int l = 0; l < n->depth; l++)
    if (n->level[l].least > n->level[l].most) return INSIDE; /* never runs */
  if (!to_dense(n, a, &s.a)) return UNKNOWN;
  if (interval(n, &s.a, false, &least) && interval(n, &s.a, true, &most) && least >= low && most <= high) return INSIDE;
  if (extreme(n, &s.a, false, &least) && extreme(n, &s.a, true, &most) && least >= low && most <= high) return INSIDE;
  s.relevant = relevant_levels(n, &s.a);
  s.points = n->points < MAX_POINTS ? n->points : MAX_POINTS;
  n->points -= s.points;
  Proof p = search(&s, 0);
  if (s.points > 0) n->points += s.points;
  *witness = s.witness;
  return p;
}
