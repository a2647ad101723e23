/* The register tile that gemm and conv share: rows x pieces accumulators over one panel of packed weights, then the
 * group's pointwise ops on each accumulator, then stores. */
#ifndef NEXTC_LOWER_TILE_H
#define NEXTC_LOWER_TILE_H
#include "backend/lower.h"

enum { MAX_TILE_ROWS = 8, MAX_TILE_PIECES = 16 };

/* What is the same for all tiles of a kernel. Open the kernel first. */
typedef struct {
  Lower *lw;
  const Op *anchor;        /* the gemm or conv */
  ParamId x, w, y, bias;
  bool has_bias;
  int64_t k_size, columns; /* K and N */
} TileKernel;
TileKernel tile_kernel(Lower *, const Op *anchor, ValueId x);

/* Columns [first, first + sum of pieces) of a panel, as vector pieces. */
typedef struct {
  int count;
  int lanes[MAX_TILE_PIECES];
  int offset[MAX_TILE_PIECES]; /* within the panel */
} TileColumns;

/* One tile being emitted. */
typedef struct {
  const TileKernel *tk;
  const TileColumns *columns;
  int rows;
  Affine panel;            /* element offset of the panel (and of the column group in it) in w */
  Affine column;           /* first column of the panel (and column group) in y */
  RegId acc[MAX_TILE_ROWS][MAX_TILE_PIECES];
} Tile;

void tile_begin(Tile *);                                            /* accumulators = bias or 0 */
/* acc += x[at + row * row_stride] * w[panel + 16 * k]; inside the loops over K, whose flat index is k. */
void tile_step(Tile *, Affine x_at, int64_t row_stride, Affine k);
/* Pointwise ops and stores to y[at + row * row_stride + column]. */
void tile_end(Tile *, Affine y_at, int64_t row_stride);

/* Calls emit once per column group: full panels inside a loop over panels (pfor if parallel), then what is left of the
 * last panel. `t` has panel, column and columns set. */
typedef void (*EmitTiles)(void *user, Tile *t);
void tile_each_panel(const TileKernel *, LoopOp loop, EmitTiles, void *user);

/* Rows cut into tiles of at most `most`, as even as possible: `count[0]` tiles of rows[0], then count[1] of rows[1]. */
typedef struct {
  int64_t count[2], start[2];
  int rows[2];
} RowTiles;
RowTiles row_tiles(int64_t rows, int most);
#endif
