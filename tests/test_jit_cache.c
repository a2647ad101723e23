/* The cache of object code: what is written comes back, damage and unwritable folders do no harm, its size is bounded,
 * and twenty processes at once get right answers. */
#include "backend/jit_cache.h"
#include "backend/jit_work.h"
#include "backend/llvm_jit.h"
#include "tests/command.h"
#include "tests/test.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#define DIGITS SOURCE_DIR "/examples/digits/digits_convnext.onnx"

static const unsigned char object[] = "this stands for machine code, a few bytes of it";

static CacheKey key_of(const char *machine) { return cache_key(NULL, 0, target_by_name("generic"), machine); }

/* The only entry's path. */
static char *entry_of(const char *folder) {
  static char path[1024];
  DIR *d = opendir(folder);
  path[0] = 0;
  for (struct dirent *e; d && (e = readdir(d));)
    if (e->d_name[0] != '.') snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
  if (d) closedir(d);
  return path;
}

static bool reads_back(const CacheKey *key) {
  size_t bytes = 0;
  unsigned char *got = cache_read(key, &bytes);
  const bool same = got && bytes == sizeof object && !memcmp(got, object, bytes);
  free(got);
  return same;
}

static void keys(void) {
  TEST("keys");
  const CacheKey a = key_of("LLVM 19 x86 +avx2"), b = key_of("LLVM 19 x86 +avx"), c = key_of("LLVM 19 x86 +avx2");
  CHECK(memcmp(&a, &b, sizeof a) != 0);
  CHECK(!memcmp(&a, &c, sizeof a));
  const CacheKey v3 = cache_key(NULL, 0, target_by_name("v3"), "LLVM 19 x86 +avx2");
  CHECK(memcmp(&a, &v3, sizeof a) != 0);
}

static void comes_back(void) {
  TEST("comes_back");
  const CacheKey key = key_of("m"), other = key_of("n");
  CHECK(!reads_back(&key));
  cache_write(&key, object, sizeof object);
  CHECK(reads_back(&key));
  CHECK(!reads_back(&other));
  CHECK(files_in("cache/nextc") == 1);
}

/* Every byte of an entry, changed; every length, cut. */
static void damage(void) {
  TEST("damage");
  const CacheKey key = key_of("m");
  size_t size;
  const char *path = entry_of("cache/nextc");
  char *bytes = get_file(path, &size);
  CHECK(size > sizeof object);
  for (size_t i = 0; i < size; i++) {
    bytes[i] ^= 0x20;
    put_file(path, bytes, size);
    CHECK(!reads_back(&key));
    bytes[i] ^= 0x20;
    put_file(path, bytes, i);
    CHECK(!reads_back(&key));
  }
  cache_write(&key, object, sizeof object);
  CHECK(reads_back(&key));
  free(bytes);
}

static void trim(void) {
  TEST("trim");
  char name[16];
  for (int i = 0; i < 10; i++) {
    snprintf(name, sizeof name, "m%d", i);
    const CacheKey key = key_of(name);
    cache_write(&key, object, sizeof object);
  }
  put_file("cache/nextc/notes.txt", "mine", 4);
  const int before = files_in("cache/nextc");
  cache_trim("cache/nextc", 1 << 20);
  CHECK(files_in("cache/nextc") == before);
  cache_trim("cache/nextc", 300);
  CHECK(files_in("cache/nextc") < before && files_in("cache/nextc") > 1);
  cache_trim("cache/nextc", 0);
  CHECK(files_in("cache/nextc") == 1); /* what is not the cache's stays */
  cache_trim("no/such/folder", 0);
}

static void set_age(const char *path, int seconds) {
  const time_t then = time(NULL) - seconds;
  const struct timespec times[2] = {{.tv_sec = then}, {.tv_sec = then}};
  CHECK(!utimensat(AT_FDCWD, path, times, 0));
}

/* What a process leaves that is killed between mkstemp and rename. */
static void killed_writer(void) {
  TEST("killed_writer");
  const CacheKey key = key_of("m");
  static const char rubbish[1000];
  cache_write(&key, object, sizeof object);
  put_file("cache/nextc/.new-aaaaaa", rubbish, sizeof rubbish);
  put_file("cache/nextc/.new-bbbbbb", rubbish, sizeof rubbish);
  set_age("cache/nextc/.new-aaaaaa", 100);
  set_age("cache/nextc/.new-bbbbbb", 10);
  cache_trim("cache/nextc", 1 << 20);
  CHECK(!file_exists("cache/nextc/.new-aaaaaa"));
  CHECK(file_exists("cache/nextc/.new-bbbbbb")); /* somebody may be writing it */
  cache_trim("cache/nextc", 500);                /* but it counts, and is older than the entry */
  CHECK(!file_exists("cache/nextc/.new-bbbbbb"));
  CHECK(reads_back(&key));
  symlink("/nowhere", "cache/nextc/.new-cccccc");
  mkdir("cache/nextc/.new-dddddd", 0700);
  cache_trim("cache/nextc", 500);
  CHECK(reads_back(&key));
}

/* Many small entries stay within the bound of bytes, but reading the folder takes longer and longer. */
static void many_entries(void) {
  TEST("many_entries");
  char name[64];
  for (int i = 0; i < 4100; i++) {
    snprintf(name, sizeof name, "cache/nextc/%032d.o.nextc", i);
    put_file(name, "x", 1);
    set_age(name, 10);
  }
  cache_trim("cache/nextc", 1 << 20);
  CHECK(files_in("cache/nextc") == 4096 + 1); /* and notes.txt */
  const CacheKey key = key_of("m");
  CHECK(reads_back(&key));
  cache_trim("cache/nextc", 0);
}

static void nowhere(void) {
  TEST("nowhere");
  const CacheKey key = key_of("m");
  setenv("XDG_CACHE_HOME", "/proc/no/such/place", 1);
  cache_write(&key, object, sizeof object);
  CHECK(!reads_back(&key));
  put_file("file", "", 0);
  char path[512];
  snprintf(path, sizeof path, "%s/file", test_folder);
  setenv("XDG_CACHE_HOME", path, 1);
  cache_write(&key, object, sizeof object);
  CHECK(!reads_back(&key));
  setenv("XDG_CACHE_HOME", "relative", 1); /* the specification says to ignore it */
  setenv("HOME", "", 1);
  cache_write(&key, object, sizeof object);
  CHECK(!file_exists("relative"));
}

/* What the command prints for zeros, whatever is in the cache. */
static void command(void) {
  TEST("command");
  char line[1024];
  put_file("x.raw", (char[4096]){0}, 4096);
  snprintf(line, sizeof line, "unset HOME; XDG_CACHE_HOME=$PWD/c2 " NEXTC_BINARY " run " DIGITS " --input x.raw");
  Result first = run_shell(line);
  CHECK(first.status == 0);
  const int entries = files_in("c2/nextc");
  CHECK(entries >= 1 && entries <= CODE_PARTS);
  const char *path = entry_of("c2/nextc");
  size_t size;
  char *bytes = get_file(path, &size);
  put_file(path, bytes, size / 2);
  Result second = run_shell(line);
  CHECK(second.status == 0);
  CHECK_STR(second.out, first.out);
  CHECK_STR(second.err, "");
  /* a whole entry whose object is rubbish: the checksum is right, the linker's complaint is not the user's */
  CacheKey key;
  memcpy(&key, bytes + 8, sizeof key);
  char cache[512], before[512];
  snprintf(before, sizeof before, "%s", getenv("XDG_CACHE_HOME"));
  snprintf(cache, sizeof cache, "%s/c2", test_folder);
  setenv("XDG_CACHE_HOME", cache, 1);
  cache_write(&key, object, sizeof object);
  CHECK(reads_back(&key));
  setenv("XDG_CACHE_HOME", before, 1);
  Result third = run_shell(line);
  CHECK(third.status == 0);
  CHECK_STR(third.out, first.out);
  CHECK_STR(third.err, "");
  CHECK(files_in("c2/nextc") == entries);
  free(bytes);
  result_free(&first);
  result_free(&second);
  result_free(&third);
}

static void races(void) {
  TEST("races");
  Result r = run_shell("unset HOME; export XDG_CACHE_HOME=$PWD/c3; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 "
                       "18 19 20; do " NEXTC_BINARY " run " DIGITS
                       " --input x.raw >out_$i 2>err_$i || touch failed_$i & done; wait; "
                       "cat err_*; ls failed_* 2>/dev/null; sort -u out_* | wc -l; wc -l <out_1");
  CHECK(r.status == 0);
  int different = 0, lines = 0;
  CHECK(sscanf(r.out, "%d %d", &different, &lines) == 2);
  CHECK(different == lines && lines > 1);
  CHECK(files_in("c3/nextc") == files_in("c2/nextc")); /* no temporary file is left */
  result_free(&r);
}

int main(void) {
  open_folder();
  char cache[512];
  snprintf(cache, sizeof cache, "%s/cache", test_folder);
  setenv("XDG_CACHE_HOME", cache, 1);
  keys();
  comes_back();
  damage();
  trim();
  killed_writer();
  many_entries();
  nowhere();
  if (llvm_present()) {
    command();
    races();
  }
  close_folder();
  return test_result();
}
