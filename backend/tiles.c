/* Register tiles; see tiles.h. */
#include "backend/tiles.h"
#include "backend/lower_tile.h"
#include <string.h>

typedef enum { NO_TILE, PRODUCT, WINDOW } TileKind;

static const struct {
  const char *family;
  TileKind kind;
} kinds[] = {
    {"gemm", PRODUCT},       {"conv", PRODUCT}, {"stem", PRODUCT},           {"downsample", PRODUCT},
    {"mlp", PRODUCT},        {"head", PRODUCT}, {"dwconv_layernorm", WINDOW},
};

static TileKind tile_kind(const char *family) {
  for (size_t i = 0; family && i < sizeof kinds / sizeof *kinds; i++)
    if (!strcmp(kinds[i].family, family)) return kinds[i].kind;
  return NO_TILE;
}

bool tile_of_target(const Target *t, const char *family, TileChoice *out) {
  TileKind kind = tile_kind(family);
  *out = (TileChoice){t->name, kind == WINDOW ? t->dwconv_columns : t->gemm_rows,
                      kind == WINDOW ? t->lanes : t->gemm_vectors * t->lanes};
  return kind != NO_TILE;
}

Target target_for_group(const Op *first, const Target *t) {
  Target out = *t;
  TileKind kind = tile_kind(first->sched.family);
  for (int32_t i = 0; i < first->sched.tile.count; i++) {
    const TileChoice *c = &first->sched.tile.at[i];
    if (strcmp(c->target, t->name)) continue;
    if (kind == WINDOW) out.dwconv_columns = c->rows;
    if (kind == PRODUCT) {
      out.gemm_rows = c->rows;
      out.gemm_vectors = c->columns / t->lanes;
    }
  }
  return out;
}

const char *tile_fault(const Op *first, const TileChoice *c) {
  enum { MOST_COLUMNS = 64, MOST_WINDOW = 16 };
  const Target *t = target_by_name(c->target);
  TileKind kind = tile_kind(first->sched.family);
  if (!t) return "names no target";
  if (kind == NO_TILE) return "is for a family that has no tile";
  if (kind == WINDOW)
    return c->rows > MOST_WINDOW ? "has more than 16 columns" : c->columns != t->lanes ? "needs one vector of channels" : NULL;
  if (c->rows > MAX_TILE_ROWS) return "has more than 8 rows";
  if (c->columns % t->lanes || c->columns / t->lanes > MAX_TILE_PIECES) return "has no whole number of vectors, 1 to 16";
  if (c->columns > MOST_COLUMNS || (c->columns < PANEL ? PANEL % c->columns : c->columns % PANEL))
    return "neither divides a panel of 16 columns nor is a multiple of it, up to 64";
  return NULL;
}
