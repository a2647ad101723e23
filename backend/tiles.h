/* Register tiles: what a group's family does with one, the target row's own choice, and what @{TARGET.tile=RxC} says.
 *
 * A product's tile is rows x columns of the result held in accumulators; a dwconv's is output columns x channels. */
#ifndef NEXTC_TILES_H
#define NEXTC_TILES_H
#include "backend/target.h"
#include "ir/ir.h"

/* The row's tile for a family; false: the family has none. */
bool tile_of_target(const Target *, const char *family, TileChoice *out);
/* The tile of the group that begins with op `first`: what its text says, else the row's. */
bool tile_of_group(const Op *first, const Target *, TileChoice *out);
/* The target with the tile of the group that begins with op `first`: what lowering reads. */
Target target_for_group(const Op *first, const Target *);
enum { MOST_TILES = 32 };
/* Tiles worth trying for a family on a target, in out[MOST_TILES]; returns how many, 0 where the family has none. */
int tile_candidates(const Target *, const char *family, TileChoice *out);
/* Gives the group that begins with op `first` this tile for the choice's target. */
void tile_set(Graph *, OpId first, const TileChoice *);
/* What is wrong with a choice in a text, or NULL: target unknown, family without tile, numbers that its loops can't
 * have. */
const char *tile_fault(const Op *first, const TileChoice *);
#endif
