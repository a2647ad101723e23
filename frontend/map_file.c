/* Files mapped read-only; see frontend.h. */
#define _DEFAULT_SOURCE /* madvise */
#include "frontend/frontend.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static bool map_open(Context *ctx, const char *path, int fd, MappedFile *out) {
  struct stat st;
  if (fstat(fd, &st)) return error_in(ctx, path, "cannot read: %s", strerror(errno));
  if (S_ISDIR(st.st_mode)) return error_in(ctx, path, "is a folder, not a file");
  if (!S_ISREG(st.st_mode)) return error_in(ctx, path, "is not a regular file");
  if (st.st_size == 0) return true;
  if ((uintmax_t)st.st_size > SIZE_MAX) return error_in(ctx, path, "is too large to map");
  void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (p == MAP_FAILED) return error_in(ctx, path, "cannot map: %s", strerror(errno));
  out->data = out->mapping = p;
  out->size = (size_t)st.st_size;
  return true;
}

bool map_file(Context *ctx, const char *path, MappedFile *out) {
  *out = (MappedFile){.path = path};
  int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return error_in(ctx, path, "cannot open: %s", strerror(errno));
  bool ok = map_open(ctx, path, fd, out);
  close(fd);
  if (ok) context_add_read(ctx, path);
  return ok;
}

void unmap_file(MappedFile *f) {
  if (f->mapping) munmap(f->mapping, f->size);
  *f = (MappedFile){0};
}

void drop_mapped(const MappedFile *f, size_t from, size_t size) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE), start = from / page * page;
  if (f->mapping) (void)madvise((char *)f->mapping + start, from + size - start, MADV_DONTNEED);
}

/* In pieces whose pages are dropped, so that a file larger than memory stays cheap. */
uint64_t hash_mapped(const MappedFile *f, uint64_t h) {
  const size_t piece = (size_t)16 << 20;
  for (size_t at = 0; at < f->size; at += piece) {
    size_t n = f->size - at < piece ? f->size - at : piece;
    h = hash_bytes(f->data + at, n, h);
    drop_mapped(f, at, n);
  }
  return h;
}
