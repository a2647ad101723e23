/* Reductions over the reduced axes of a domain, in loops of the loop IR. */
#ifndef NEXTC_LOWER_FOLD_H
#define NEXTC_LOWER_FOLD_H
#include "backend/lower_domain.h"
#include "backend/lower_expr.h"

typedef enum { FOLD_SUM, FOLD_PROD, FOLD_MAX, FOLD_MIN } FoldOp;

enum { FOLD_VECTORS = 4 }; /* accumulators at once: as many additions are under way */

/* One register for each vector of a spot. Rows: [0] is the scalar, wide the same in the target's lanes (0: not made).
 */
typedef struct {
  RegId reg[FOLD_VECTORS], wide;
  bool row;
} Stat;

typedef struct Fold Fold;
struct Fold {
  Lower *lower;
  const Domain *domain;
  FoldOp op;
  RegType type;
  bool has_vectors; /* rows: `lanes` elements at once; not for products */
  bool keep_nan;    /* FOLD_MAX, FOLD_MIN: a NaN wins. Otherwise it may be lost. */
  double first;     /* of nothing */
  const char *tag;
  /* Emits the value at a position, `lanes` wide; v: which vector of the spot. May store. */
  RegId (*leaf)(Fold *, const Position *, int lanes, int v);
  void *user;
};

/* Sums are built in blocks of 32 terms, blocks of 32 blocks and so on, each nested loop by itself: the error grows with
 * 32 log32(n), not with n. */
Stat fold(Fold *, const Spot *);

/* Register for `lanes` lanes of vector v: of a row's statistic, the scalar or the wide one. */
RegId stat_at(const Stat *, int lanes, int v);
/* Makes .wide where the spot is a row and will be read by vectors. */
void stat_widen(Lower *, bool has_vectors, const Spot *, Stat *);
/* Applies a function to every register of a statistic (before it is widened). */
typedef RegId StatMap(Expr, void *user, RegId);
Stat stat_map(Kernel *, const Spot *, const Stat *, const char *tag, StatMap *, void *user);

/* Loops over all elements of a spot: the reduced axes, and in rows vectors of the innermost. */
typedef void Each(void *user, const Position *, int lanes, int v);
void fold_each(Lower *, const Domain *, bool has_vectors, const Spot *, Each *, void *user);
#endif
