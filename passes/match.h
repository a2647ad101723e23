/* Declarative rewrites: one line each, matched and applied by match.c.
 *
 *   RULE(name, class, pattern, guard, replacement)
 *
 * Pattern: an s-expression over ops of ops.def.
 *   (op a b ...)    that op with just these operands; either order of the first two where the op is commutative
 *   (op:n a ...)    the same; binds the op and its result to n
 *   ?x              any value; the same value wherever the name stands again (also of an op bound before)
 *   0.5             a literal whose elements all equal the number, to 1e-6 of it
 * Every op of a match but the root has uses inside the match only, so that a rewrite never doubles work and never
 * changes what an output sees; all are computed (no constant expressions) unless the set says otherwise.
 *
 * Guard: a function that looks at the match and may refuse; it may also fill attributes for the replacement. Each of
 * its conditions is a clause, holds(graph, IF_name, condition), so that a test can ask for a case of each.
 *
 * Replacement: an s-expression.
 *   (op:n a ...)    op with the attributes of the matched op n
 *   (op!0 a ...)    op with match->attrs[0], which the guard filled; !1, !2, !3 likewise
 *   (op a ...)      op with default attributes
 *   ?x              a bound value;  0.5  a literal of one element of the root's data type
 * New ops stand where the root stood and carry the locations of all matched ops.
 *
 * Class: EXACT rewrites give bit-identical results in real arithmetic of one rounding per op; REASSOC rewrites
 * regroup arithmetic and are off with --strict-fp. */
#ifndef NEXTC_MATCH_H
#define NEXTC_MATCH_H
#include "passes/passes.h"
#include "passes/rewrite_log.h"

typedef enum { EXACT, REASSOC } RuleClass;

enum { MAX_BINDINGS = 16 };
typedef struct {
  Graph *graph;
  OpId root;
  struct {
    const char *name; /* into the pattern text; ends at a non-letter */
    ValueId value;
  } bound[MAX_BINDINGS];
  int bound_count;
  Attrs attrs[4]; /* for op!0 .. op!3; defaults until the guard fills them */
} Match;

typedef struct {
  const char *name;
  RuleClass class_;
  const char *pattern;
  bool (*guard)(Match *); /* NULL: always */
  const char *replacement;
} Rule;

ValueId match_value(const Match *, const char *name);
const Op *match_op(const Match *, const char *name); /* the op that computes it */
const Type *match_type(const Match *, const char *name);

typedef struct {
  const Rule *rules;
  int count;
  bool on_constants; /* may rewrite constant expressions too */
} RuleSet;

/* Applies the rules to every op, in statement order, until none applies any more. Returns the number of rewrites. */
int apply_rules(Graph *, const RuleSet *, const PassOptions *);
#endif
