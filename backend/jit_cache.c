/* The cache of object code; see jit_cache.h. An entry is a header (magic, key, size, checksum) and the object. */
#include "backend/jit_cache.h"
#include "frontend/frontend.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

typedef struct {
  char magic[8];
  CacheKey key;
  uint64_t bytes, checksum;
} Header;
static const char magic[8] = "nextcjit";
static const char suffix[] = ".o.nextc", temporary_start[] = ".new-";

static void mix(CacheKey *key, const char *text) {
  for (int i = 0; i < 2; i++) key->hash[i] = hash_bytes(text, strlen(text) + 1, key->hash[i]);
}

CacheKey cache_key(Kernel *const *kernels, size_t count, const Target *target, const char *machine) {
  CacheKey key = {{UINT64_C(0x6e65787463), UINT64_C(0x6a6974)}};
  Arena *arena = arena_new();
  mix(&key, NEXTC_VERSION);
  mix(&key, machine);
  mix(&key, target->name);
  for (size_t i = 0; i < count; i++) {
    const ArenaMark mark = arena_mark(arena);
    mix(&key, loop_print_kernel(kernels[i], arena, false));
    arena_release(arena, mark);
  }
  arena_free(arena);
  return key;
}

/* The folder, in the arena; NULL: there is no place for one. */
static const char *cache_folder(Arena *arena) {
  const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
  if (base && *base == '/') return arena_printf(arena, "%s/nextc", base);
  return home && *home == '/' ? arena_printf(arena, "%s/.cache/nextc", home) : NULL;
}

static const char *entry_path(Arena *arena, const char *folder, const CacheKey *key) {
  return arena_printf(arena, "%s/%016" PRIx64 "%016" PRIx64 "%s", folder, key->hash[0], key->hash[1], suffix);
}

/* Makes the folder and those above it. */
static void make_folders(Arena *arena, const char *folder) {
  char *path = arena_strdup(arena, folder);
  for (char *p = path + 1; *p; p++) {
    if (*p != '/') continue;
    *p = 0;
    mkdir(path, 0700);
    *p = '/';
  }
  mkdir(path, 0700);
}

/* ---- reading ---- */

static bool read_all(int file, void *to, size_t bytes) {
  for (size_t done = 0; done < bytes;) {
    const ssize_t got = read(file, (char *)to + done, bytes - done);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    done += (size_t)got;
  }
  return true;
}

static unsigned char *read_entry(int file, const CacheKey *key, size_t *bytes) {
  Header h;
  struct stat s;
  if (fstat(file, &s) || !read_all(file, &h, sizeof h)) return NULL;
  if (memcmp(h.magic, magic, sizeof magic) != 0 || memcmp(&h.key, key, sizeof *key) != 0) return NULL;
  if (h.bytes > CACHE_LIMIT || s.st_size != (off_t)(sizeof h + h.bytes)) return NULL;
  unsigned char *object = malloc(h.bytes + 1);
  *bytes = h.bytes;
  if (object && read_all(file, object, *bytes) && hash_bytes(object, *bytes, 0) == h.checksum) return object;
  free(object);
  return NULL;
}

unsigned char *cache_read(const CacheKey *key, size_t *bytes) {
  Arena *arena = arena_new();
  const char *folder = cache_folder(arena), *path = folder ? entry_path(arena, folder, key) : NULL;
  const int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  unsigned char *object = NULL;
  if (file >= 0) {
    object = read_entry(file, key, bytes);
    if (object) futimens(file, NULL); /* used now; where that is refused it only ages */
    close(file);
  }
  arena_free(arena);
  return object;
}

/* ---- writing ---- */

static bool write_all(int file, const void *from, size_t bytes) {
  for (size_t done = 0; done < bytes;) {
    const ssize_t put = write(file, (const char *)from + done, bytes - done);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    done += (size_t)put;
  }
  return true;
}

void cache_write(const CacheKey *key, const unsigned char *object, size_t bytes) {
  Arena *arena = arena_new();
  const char *folder = cache_folder(arena);
  Header h = {.key = *key, .bytes = bytes, .checksum = hash_bytes(object, bytes, 0)};
  memcpy(h.magic, magic, sizeof magic);
  if (folder) {
    make_folders(arena, folder);
    char *temporary = arena_printf(arena, "%s/%sXXXXXX", folder, temporary_start);
    const int file = mkstemp(temporary);
    if (file >= 0) {
      const bool written = write_all(file, &h, sizeof h) && write_all(file, object, bytes);
      if (close(file) || !written || rename(temporary, entry_path(arena, folder, key))) unlink(temporary);
      cache_trim(folder, CACHE_LIMIT);
    }
  }
  arena_free(arena);
}

/* ---- its size ---- */

enum {
  STALE_SECONDS = 60, /* a temporary file that old was left by a process that died: writing takes milliseconds */
  MAX_ENTRIES = 4096  /* reading the folder takes time, too */
};

typedef struct {
  char *path;
  int64_t bytes;
  struct timespec used;
} Entry;

static int compare_used(const void *left, const void *right) {
  const Entry *a = left, *b = right;
  if (a->used.tv_sec != b->used.tv_sec) return a->used.tv_sec < b->used.tv_sec ? -1 : 1;
  return (a->used.tv_nsec > b->used.tv_nsec) - (a->used.tv_nsec < b->used.tv_nsec);
}

static bool is_entry(const char *name) {
  const size_t length = strlen(name), tail = sizeof suffix - 1;
  return length > tail && !strcmp(name + length - tail, suffix);
}

/* What is the cache's in a folder. A temporary file counts like an entry: one taken away from a process that still
 * writes only costs it its entry. */
static Entry *list_entries(Arena *arena, const char *folder, size_t *count) {
  Entry *entries = NULL;
  size_t capacity = 0;
  DIR *d = opendir(folder);
  *count = 0;
  for (const struct dirent *e; d && (e = readdir(d));) {
    struct stat s;
    const bool temporary = !strncmp(e->d_name, temporary_start, sizeof temporary_start - 1);
    char *path = arena_printf(arena, "%s/%s", folder, e->d_name);
    if ((!temporary && !is_entry(e->d_name)) || lstat(path, &s) || !S_ISREG(s.st_mode)) continue;
    if (temporary && time(NULL) - s.st_mtim.tv_sec > STALE_SECONDS && !unlink(path)) continue;
    GROW(arena, entries, *count, capacity);
    entries[(*count)++] = (Entry){path, s.st_size, s.st_mtim};
  }
  if (d) closedir(d);
  return entries;
}

void cache_trim(const char *folder, int64_t limit) {
  Arena *arena = arena_new();
  int64_t total = 0;
  size_t count;
  Entry *entries = list_entries(arena, folder, &count);
  for (size_t i = 0; i < count; i++) total += entries[i].bytes;
  if (count) qsort(entries, count, sizeof *entries, compare_used);
  for (size_t i = 0; i < count && (total > limit || count - i > MAX_ENTRIES); i++) {
    unlink(entries[i].path);
    total -= entries[i].bytes;
  }
  arena_free(arena);
}
