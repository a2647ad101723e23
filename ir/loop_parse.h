/* What the two files of the loop IR's parser share: loop_parse.c (programs, kernels, steps), loop_parse_stmt.c. */
#ifndef NEXTC_LOOP_PARSE_H
#define NEXTC_LOOP_PARSE_H
#include "ir/lex.h"
#include "ir/loop_internal.h"

typedef enum { NAME_NONE, NAME_REG, NAME_VAR, NAME_PARAM, NAME_KERNEL } NameKind;
typedef struct {
  const char *name; /* NULL: free slot */
  size_t length;
  NameKind kind;
  size_t id;
} Name;
/* Open addressing, a power of two of slots, at most half full. */
typedef struct {
  Arena *arena;
  Name *slots;
  size_t count, capacity;
} WordMap;

typedef struct {
  Lexer x; /* x.arena: one line's strings */
  LoopProgram *program;
  Kernel *k;     /* the open kernel */
  WordMap names; /* of its registers, variables and parameters */
  WordMap kernels;
} LoopParser;

/* Name{NULL} where there is none. */
Name name_find(const WordMap *, const char *name, size_t length);
/* The word as a new name, copied into the program's arena; NULL + error. */
const char *add_new_name(LoopParser *, Token word, NameKind, size_t id);
/* The current token as a known name of that kind; steps over it. */
bool parse_name(LoopParser *, NameKind, size_t *id);

/* One statement, from its first token to the end of its line; a loop's head opens its block. False + error; *fatal:
 * what follows can't be made sense of. */
bool parse_stmt(LoopParser *, bool *fatal);
#endif
