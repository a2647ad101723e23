/* Temporary folders and child processes. */
#ifndef NEXTC_PROCESS_H
#define NEXTC_PROCESS_H
#include "ir/diag.h"

/* A new folder for this run, in $TMPDIR; NULL + diag. Goes where nextc is ended from outside. */
const char *temporary_folder(Context *);
/* Removes it and the files in it (no folders below). */
void remove_folder(Context *, const char *path);
/* It stays. */
void keep_folder(Context *, const char *path);
/* Removes any folder and the files in it; false where it is still there. */
bool erase_folder(const char *path);

/* Runs words (NULL-terminated; words[0] searched in PATH) with nothing to read, and standard output and error in the
 * file `log`. Returns the exit status, 128 + signal where it was killed, -1 + diag where it cannot be started. */
int run_process(Context *, const char *const *words, const char *log);

/* Appends to words at [count] the words of text, cut at blanks; returns the new count (at most room). */
size_t append_words(Context *, const char **words, size_t count, size_t room, const char *text);

/* A file's bytes in the arena, 0-terminated; at most `limit` of them. NULL where it cannot be read. */
char *read_file(Arena *, const char *path, size_t limit, size_t *size);
/* False + diag. */
bool write_file(Context *, const char *path, const void *bytes, size_t size);
/* The same, but path has its old contents or all of the new ones, whatever happens (ir/output_file.h). */
bool replace_file(Context *, const char *path, const void *bytes, size_t size);
#endif
