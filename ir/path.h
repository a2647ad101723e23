/* Paths of sources, as a text beside them names them. Purely lexical: nothing is looked up but the current folder. */
#ifndef NEXTC_PATH_H
#define NEXTC_PATH_H
#include "ir/arena.h"
#include <stdbool.h>

/* `path`, which a text in `file` names, as it can be opened: relative paths are relative to file's folder. */
const char *path_resolve(Arena *, const char *file, const char *path);

/* The inverse: how a text in the folder base_dir ("" or ".": the current one) names `path`. Goes up with ../ where it
 * must; absolute where the two have no folder in common. NULL base_dir: path as it is. */
const char *path_relative(Arena *, const char *base_dir, const char *path);
/* "random:7", "none:": sources that are no files. */
bool path_is_made_up(const char *path);
#endif
