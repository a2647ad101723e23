/* Products y [M, N] = x [M, K] W as loops over row tiles and panels, for the families that contain one. */
#ifndef NEXTC_LOWER_PRODUCT_H
#define NEXTC_LOWER_PRODUCT_H
#include "backend/lower_tile.h"

/* Row tiles of one size: tiles low .. high - 1 of `rows` rows each; tile t begins at row first + t * rows. */
typedef struct {
  Bound low[2], high[2];
  int rows;
  int64_t first;
} RowSegment;

/* Rows and K range of a product. Row r, column k of x: x[x_at + r x_stride + k], k counted from k_first; row r, column
 * c of y: y[y_at + r y_stride + c]. */
typedef struct {
  TileKernel *tk;
  RowSegment segment[2];
  int segments;
  Affine x_at, y_at;
  int64_t x_stride, y_stride;
  Affine k_first;
  int64_t k_count;
} Product;

/* All of x and y: contiguous rows, every k. */
Product product_whole(TileKernel *);

/* Are there rows enough for a task to be a block of rows? Else a task is a group of columns over all rows. Depends on
 * the shape alone, since every target has the same steps. */
bool product_by_rows(int64_t rows);

/* Segment i as far as tile t's task goes through its rows, and the loop over the tiles in one. */
RowSegment product_segment(const Product *, int i, const Tile *t);
void emit_row_tiles(const Product *, const RowSegment *, Tile *);
/* The panels of the product, in loops of kind `loop`, each over the row segments. */
void emit_product(Product *, LoopOp loop);

/* What a task does with its block of rows, given as one segment; `number` counts blocks over both segments. */
typedef void (*BlockBody)(void *user, const RowSegment *, Affine number);
/* One pfor per segment of the `rows` rows, over its blocks. Returns how many blocks there are. */
int64_t emit_row_blocks(Lower *, int64_t rows, BlockBody, void *user);
/* The same in blocks of at most so many tiles, but for what makes equal shares. */
int64_t emit_row_blocks_of(Lower *, int64_t rows, int block_tiles, BlockBody, void *user);
/* Rows of the largest such block. */
int64_t most_block_rows(const Target *, int64_t rows, int block_tiles);
/* How many that would be. */
int64_t row_block_count(const Target *, int64_t rows, int block_tiles);
/* Into how many parts of so many tiles of rows each group of columns is cut, where tasks are of columns. */
int64_t row_parts(int64_t groups, int64_t tiles);

/* Both segments of all rows, for tasks of columns. */
void product_all_rows(Product *, int64_t rows);

/* A gemm, then pointwise ops, by Strassen's products. */
void lower_gemm_strassen(Lower *, int64_t rows);

/* Opens loops over the rows of a segment; the row's number. Closes with two emit_end. */
Affine emit_segment_rows(Kernel *, const RowSegment *);
#endif
