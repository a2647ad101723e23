/* Iteration domains: the axes that a family loops over, merged where every array allows it, with the stride that each
 * array has along each axis. And task loops: how a domain is cut for the threads. */
#ifndef NEXTC_LOWER_DOMAIN_H
#define NEXTC_LOWER_DOMAIN_H
#include "backend/lower.h"

enum { MAX_ARRAYS = 64, TASK_ELEMENTS = 4096 };

typedef struct {
  int64_t size;
  bool reduced;               /* for families that reduce; merged with its like only */
  int64_t stride[MAX_ARRAYS]; /* elements */
} Axis;

typedef struct {
  int count, arrays;
  Axis axis[MAX_RANK];
} Domain;

/* The axes of a static type; bit i of `reduced`: axis i is reduced. */
Domain domain_new(const Type *, unsigned reduced);
/* Adds an array by its strides along the type's axes; returns its number. */
int domain_add_strides(Domain *, const int64_t *strides);
/* Adds an array of a type that broadcasts to the domain's: axes of size 1 get stride 0. */
int domain_add_broadcast(Domain *, const Type *);
/* Adds an array, row-major, of those axes of the domain that are (are not) reduced. */
int domain_add_part(Domain *, bool reduced);
/* Strides along a type's axes of a row-major array of the axes in the mask; 0 along the others. */
void part_strides(const Type *, unsigned mask, int64_t *strides);
/* Drops axes of size 1 and merges neighbours that are contiguous in all arrays. No array is added after this. */
void domain_merge(Domain *);
/* Product of the sizes of the (not) reduced axes. */
int64_t domain_size(const Domain *, bool reduced);
unsigned axes_mask(Ints axes);

/* Where each array of a domain is: one affine an array. */
typedef struct {
  Affine at[MAX_ARRAYS];
} Position;
Position position_start(void);
Position position_add(const Domain *, Position, int axis, Affine index);

/* Opens pfor, and inside it a for over the task's part of 0 .. count - 1, where an item is `work` elements to touch: a
 * task is at least TASK_ELEMENTS of them. Returns the item's number; close with task_close. count >= 1. */
typedef struct {
  Affine item;
  int blocks;
} Task;
Task task_open(Kernel *, const char *name, int64_t count, int64_t work);
void task_close(Kernel *, Task);

/* Opens a for over 0 .. count - 1 and returns its variable; none where count is 1. */
Task loop_open(Kernel *, const char *name, int64_t count);

/* What a family does at one place of the axes that are not reduced. Columns: the innermost axis is not reduced, and the
 * place is `vectors` times `lanes` of its elements. Rows: it is reduced (or there is none); lanes and vectors are 1. */
typedef struct {
  Position at;
  int lanes, vectors;
  bool row;
} Spot;
typedef void Visit(void *user, const Spot *);
/* Opens loops over all spots, the outermost cut into tasks, and visits inside them; most: vectors at once. Without
 * has_vectors, lanes are 1. Nothing may be empty but reduced axes. */
void domain_visit(Lower *, const Domain *, bool has_vectors, int most, Visit *, void *user);
/* The v-th vector of a spot. */
Position spot_vector(const Domain *, const Spot *, int v);
bool domain_has_rows(const Domain *); /* else columns */
#endif
