/* Register tiles; see tiles.h. */
#include "backend/tiles.h"
#include "backend/lower_tile.h"
#include <string.h>

typedef enum { NO_TILE, PRODUCT, WINDOW } TileKind;

enum { MOST_COLUMNS = 64, MOST_WINDOW = 16 };

static const struct {
  const char *family;
  TileKind kind;
} kinds[] = {
    {"gemm", PRODUCT},
    {"conv", PRODUCT},
    {"stem", PRODUCT},
    {"downsample", PRODUCT},
    {"mlp", PRODUCT},
    {"head", PRODUCT},
    {"dwconv_layernorm", WINDOW},
};

static TileKind tile_kind(const char *family) {
  for (size_t i = 0; family && i < sizeof kinds / sizeof *kinds; i++)
    if (!strcmp(kinds[i].family, family)) return kinds[i].kind;
  return NO_TILE;
}

/* A product's columns lie in the panels of the packed weight. */
static bool columns_fit(const Target *t, int columns) {
  return columns % t->lanes == 0 && columns / t->lanes <= MAX_TILE_PIECES && columns <= MOST_COLUMNS &&
         (columns < PANEL ? PANEL % columns : columns % PANEL) == 0;
}

bool tile_of_target(const Target *t, const char *family, TileChoice *out) {
  TileKind kind = tile_kind(family);
  *out = (TileChoice){t->name, kind == WINDOW ? t->dwconv_columns : t->gemm_rows,
                      kind == WINDOW ? t->lanes : t->gemm_vectors * t->lanes};
  return kind != NO_TILE;
}

bool tile_of_group(const Op *first, const Target *t, TileChoice *out) {
  if (!tile_of_target(t, first->sched.family, out)) return false;
  for (int32_t i = 0; i < first->sched.tile.count; i++)
    if (!strcmp(first->sched.tile.at[i].target, t->name)) *out = first->sched.tile.at[i];
  return true;
}

Target target_for_group(const Op *first, const Target *t) {
  Target out = *t;
  TileChoice c;
  if (!tile_of_group(first, t, &c)) return out;
  if (tile_kind(first->sched.family) == WINDOW) {
    out.dwconv_columns = c.rows;
  } else {
    out.gemm_rows = c.rows;
    out.gemm_vectors = c.columns / t->lanes;
  }
  return out;
}

/* Accumulators, the weights of a step and one input fit into the registers, and there are chains enough to hide the
 * latency of an FMA: half the registers. */
static int product_candidates(const Target *t, TileChoice *out) {
  static const int vectors[] = {1, 2, 3, 4, 6, 8, 12, 16};
  int count = 0;
  for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
    const int v = vectors[i], columns = v * t->lanes;
    if (!columns_fit(t, columns)) continue;
    for (int rows = 1; rows <= MAX_TILE_ROWS; rows++)
      if (rows * v >= t->registers / 2 && rows * v + v + 1 <= t->registers && count < MOST_TILES)
        out[count++] = (TileChoice){t->name, rows, columns};
  }
  return count;
}

/* Accumulators, a weight and an input fit; columns are cut evenly, so that few numbers differ for a width. */
static int window_candidates(const Target *t, TileChoice *out) {
  static const int columns[] = {2, 4, 5, 6, 7, 8, 10, 12, 14, MOST_WINDOW};
  int count = 0;
  for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
    if (columns[i] + 2 <= t->registers) out[count++] = (TileChoice){t->name, columns[i], t->lanes};
  return count;
}

int tile_candidates(const Target *t, const char *family, TileChoice *out) {
  switch (tile_kind(family)) {
  case PRODUCT: return product_candidates(t, out);
  case WINDOW: return window_candidates(t, out);
  default: return 0;
  }
}

void tile_set(Graph *g, OpId first, const TileChoice *choice) {
  Sched *s = &op_at(g, first)->sched;
  TileChoice *all = ARENA_ARRAY(g->arena, TileChoice, s->tile.count + 1);
  int32_t count = s->tile.count, at = 0;
  for (int32_t i = 0; i < count; i++) all[i] = s->tile.at[i];
  while (at < count && strcmp(all[at].target, choice->target)) at++;
  all[at] = *choice;
  s->tile = (Tiles){at == count ? count + 1 : count, all};
}

const char *tile_fault(const Op *first, const TileChoice *c) {
  const Target *t = target_by_name(c->target);
  TileKind kind = tile_kind(first->sched.family);
  if (!t) return "names no target";
  if (kind == NO_TILE) return "is for a family that has no tile";
  if (kind == WINDOW)
    return c->rows > MOST_WINDOW    ? "has more than 16 columns"
           : c->columns != t->lanes ? "needs one vector of channels"
                                    : NULL;
  if (c->rows > MAX_TILE_ROWS) return "has more than 8 rows";
  if (c->columns % t->lanes || c->columns / t->lanes > MAX_TILE_PIECES)
    return "has no whole number of vectors, 1 to 16";
  if (!columns_fit(t, c->columns)) return "neither divides a panel of 16 columns nor is a multiple of it, up to 64";
  return NULL;
}
