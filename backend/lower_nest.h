/* Loop nests as lists: which loops, in which order, and which of them becomes the pfor. Shared by the families that run
 * one body over the points of a box. */
#ifndef NEXTC_LOWER_NEST_H
#define NEXTC_LOWER_NEST_H
#include "backend/lower.h"

enum { MAX_NEST = 20 };

typedef struct {
  const char *name;
  int64_t low, high, step;
  VarId var; /* set by nest_open; 0: left out, it has one iteration */
} NestLoop;

typedef struct {
  NestLoop loop[MAX_NEST];
  int count;
  int open; /* blocks to close */
} Nest;

/* Appends a loop; returns its number. */
int nest_add(Nest *, const char *name, int64_t low, int64_t high, int64_t step);
/* Opens all loops in list order, but for the one that becomes the pfor: the first of at least 8 iterations, else the
 * one of most. So the task grid depends on extents alone. No loop may be empty. */
void nest_open(Kernel *, Nest *);
void nest_close(Kernel *, Nest *);
/* The loop's variable times stride; a number where the loop has one iteration. */
Affine nest_at(const Nest *, int loop, int64_t stride);

/* Calls body with at most `loops` loops of more than one iteration: where there are more, the shortest are written out,
 * one call for each of their values. Addresses have MAX_TERMS terms at most. */
typedef void NestBody(void *user, Nest *);
void nest_limited(Nest, int loops, NestBody *body, void *user);

/* Part of an axis that is done in blocks: elements [start, start + count), `block` at a time, as block / lanes
 * registers of `lanes`. count is a multiple of block. */
typedef struct {
  int64_t start, count;
  int block, lanes;
} Segment;

enum { MAX_SEGMENTS = 24 };
/* Cuts [start, start + count) into blocks of block elements, then one block of the rest. Returns how many segments. */
int segments_of_rows(int64_t start, int64_t count, int block, Segment *);
/* Cuts [start, start + count) into blocks of `vectors` full vectors of the target, then single pieces (lane_pieces).
 * Without vectors: into blocks of `vectors` scalars and the rest. */
int segments_of_lanes(const Target *, bool has_vectors, int64_t start, int64_t count, int vectors, Segment *);

/* Registers by number and lanes, made when first asked for: the tiles of one kernel share them. */
typedef struct {
  Kernel *kernel;
  RegType type;
  const char *letter;
  RegId reg[5][64]; /* [log2 of lanes][number] */
} RegPool;
RegPool pool_new(Kernel *, RegType, const char *letter);
RegId pool_reg(RegPool *, int lanes, int number);

/* acc += a b: fma for f32, two ops for other types (product is a register for the second of them). */
void emit_multiply_add(Kernel *, RegType, RegId acc, RegId a, RegId b, RegId product);
/* Element at `at` into every lane: a plain load for one lane. */
void emit_spread(Kernel *, RegId dst, int lanes, ParamId, Affine at);
#endif
