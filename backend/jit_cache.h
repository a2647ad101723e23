/* Object code on disk, so that a model starts quickly the second time: $XDG_CACHE_HOME/nextc, else ~/.cache/nextc.
 * Nothing here fails: a cache that cannot be read or written is no cache. Processes may share it; an entry appears
 * whole, by a rename, and one that is damaged is as good as none. */
#ifndef NEXTC_JIT_CACHE_H
#define NEXTC_JIT_CACHE_H
#include "backend/target.h"
#include "ir/loop.h"

enum { CACHE_LIMIT = 256 << 20 /* bytes; the entries used longest ago go first */ };

/* 128 bits over the kernels' text, the target's row, the machine, nextc's version. */
typedef struct {
  uint64_t hash[2];
} CacheKey;
CacheKey cache_key(Kernel *const *kernels, size_t count, const Target *, const char *machine);

/* The bytes written under the key, malloc'ed; NULL: there are none. */
unsigned char *cache_read(const CacheKey *, size_t *bytes);
void cache_write(const CacheKey *, const unsigned char *, size_t bytes);

/* Removes entries until the folder holds at most `limit` bytes, and files that a process left when it died. */
void cache_trim(const char *folder, int64_t limit);
#endif
