/* Register-tiled matrix product over packed weights: what gemm, conv and the fused families are made of.
 *
 * A TileKernel says where rows, weights and results are and what happens to a result before it is stored; a Tile is
 * rows x pieces accumulators over one group of columns. */
#ifndef NEXTC_LOWER_TILE_H
#define NEXTC_LOWER_TILE_H
#include "backend/lower.h"

enum { PANEL = 16, MAX_TILE_ROWS = 8, MAX_TILE_PIECES = 16 };

typedef enum { START_ZERO, START_BIAS, START_Y } TileStart; /* what accumulators begin with */

/* What is the same for all tiles of a product. Parameters belong to the open kernel. */
typedef struct {
  Lower *lw;
  ParamId x, w, bias, y;
  TileStart start;
  int64_t k_size, columns; /* K and N of the packed weight [ceil(N / 16), K, 16] */
  int64_t panel_stride;    /* elements from a panel to the next */
  const OpId *epilogue;    /* pointwise ops on the result, in order; the first reads `result` */
  uint32_t epilogue_count;
  ValueId result;
  Affine first_panel;     /* panels first_panel .. first_panel + panel_count - 1 are computed; count 0: all */
  int64_t panel_count;    /* whole panels */
  int64_t row_parts;      /* tasks of columns are cut into so many parts of the rows; 0, 1: they are not */
  bool prefetch;          /* next panel's weights, one line a step of k: those behind the tile's own, or */
  int64_t prefetch_ahead; /* so many elements ahead of each of them; 0: behind them */
  bool sums_squares;      /* adds the rows' squares, times 2^-24, per column to squares[squares_at + column] */
  ParamId squares;
  Affine squares_at;
} TileKernel;

/* x, w and bias of a gemm or conv, as parameters; start from its bias. The result goes to y. */
TileKernel tile_kernel(Lower *, const Op *, ParamId x, ParamId y);
/* The same with the packed weight elsewhere. */
TileKernel tile_kernel_with(Lower *, const Op *, ParamId x, ParamId w, ParamId y);

/* Columns of one tile, as vector pieces. */
typedef struct {
  int count;
  int lanes[MAX_TILE_PIECES];
  int64_t weight[MAX_TILE_PIECES]; /* offset from the tile's first panel, at k = 0 */
  int column[MAX_TILE_PIECES];     /* offset from the tile's first column */
} TileColumns;

/* One tile being emitted. */
typedef struct {
  const TileKernel *tk;
  const TileColumns *columns;
  int rows;
  Affine panel;    /* element offset of the first panel (and column group in it) in w */
  Affine column;   /* its first column */
  int64_t panels;  /* how many panels it spans (prefetch goes that far) */
  Affine row_part; /* which part of the rows, of tk->row_parts */
  RegId acc[MAX_TILE_ROWS][MAX_TILE_PIECES];
} Tile;

/* y_at: element of row 0, column 0 of the tile's rows in y; accumulators begin as tk->start says. */
void tile_begin(Tile *, Affine y_at, int64_t y_stride);
/* acc += x[x_at + row * x_stride] * w[panel + 16 * k]; inside the loops over K, whose flat index is k. */
void tile_step(Tile *, Affine x_at, int64_t x_stride, Affine k);
/* Epilogue, then stores to y. result_at: element of row 0, column 0 in tensors of the result's shape. */
void tile_end(Tile *, Affine y_at, int64_t y_stride, Affine result_at);

/* The epilogue of one vector; row_at: its row in tensors of the result's shape. */
RegId tile_epilogue(const Tile *, RegId, Affine row_at, Affine column, int lanes);

/* sum += the square of v times 2^-24 */
void tile_add_square(Kernel *, RegId sum, RegId v, int lanes);

/* Calls emit once per kind of column group, inside loops (`loop`: for or pfor) over the groups of panels
 * [first_panel, end_panel): as many panels as a tile holds, cut as rows are, then the last, partial panel. */
typedef void (*EmitTiles)(void *user, Tile *);
/* How many column groups there are, but for the last, partial panel. */
int64_t tile_groups(const TileKernel *);
int64_t panel_groups(const Target *, int64_t panels);
void tile_each_panel(const TileKernel *, LoopOp loop, EmitTiles, void *user);

/* Rows cut into tiles of at most `most`, as even as possible: count[0] tiles of rows[0] from row start[0], then the
 * same [1]. 49 = 4 * 6 + 5 * 5: never a thin remainder. */
typedef struct {
  int64_t count[2], start[2];
  int rows[2];
} RowTiles;
RowTiles row_tiles(int64_t rows, int most);

/* Tasks of at most so many tiles: a number of blocks that divides well between threads. Depends on the count alone. */
enum { BLOCK_TILES = 16 };
int64_t tile_blocks(int64_t tiles, int most);
/* Bounds of block `block` of `blocks` over `tiles` tiles: floor(tiles block / blocks) .. floor(tiles (block + 1) /
 * blocks). */
void block_bounds(int64_t tiles, int64_t blocks, Affine block, Bound low[2], Bound high[2]);
#endif
