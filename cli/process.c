/* Temporary folders and child processes; see process.h. */
#include "cli/process.h"
#include "ir/output_file.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

const char *temporary_folder(Context *c) {
  const char *parent = getenv("TMPDIR");
  if (!parent || !*parent) parent = "/tmp"; /* POSIX promises it */
  char *path = arena_printf(c->arena, "%s/nextc-XXXXXX", parent);
  if (mkdtemp(path)) return path;
  error_in(c, path, "cannot make a temporary folder: %s", strerror(errno));
  return NULL;
}

void remove_folder(const char *path) {
  DIR *folder = opendir(path);
  if (!folder) return;
  for (struct dirent *entry; (entry = readdir(folder));)
    if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..")) unlinkat(dirfd(folder), entry->d_name, 0);
  closedir(folder);
  rmdir(path);
}

int run_process(Context *c, const char *const *words, const char *log) {
  posix_spawn_file_actions_t actions;
  if (posix_spawn_file_actions_init(&actions)) die("no memory");
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  pid_t child;
  int error = posix_spawnp(&child, words[0], &actions, NULL, (char *const *)(uintptr_t)words, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error) {
    error_in(c, words[0], "cannot run it: %s", strerror(error));
    return -1;
  }
  int status;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) die("waitpid: %s", strerror(errno));
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

size_t append_words(Context *c, const char **words, size_t count, size_t room, const char *text) {
  for (const char *p = text + strspn(text, " "); *p && count < room; p += strspn(p, " ")) {
    size_t length = strcspn(p, " ");
    words[count++] = arena_strndup(c->arena, p, length);
    p += length;
  }
  return count;
}

char *read_file(Arena *arena, const char *path, size_t limit, size_t *size) {
  FILE *f = fopen(path, "rb");
  if (!f) return NULL;
  char *bytes = arena_alloc(arena, limit + 1);
  *size = fread(bytes, 1, limit, f);
  bool fine = !ferror(f);
  fclose(f);
  return fine ? bytes : NULL;
}

bool write_file(Context *c, const char *path, const void *bytes, size_t size) {
  FILE *f = fopen(path, "wb");
  bool fine = f && (!size || fwrite(bytes, 1, size, f) == size);
  int error = errno;
  if (f && fclose(f)) fine = false, error = errno;
  if (!fine) error_in(c, path, "cannot write: %s", strerror(error));
  return fine;
}

bool replace_file(Context *c, const char *path, const void *bytes, size_t size) {
  OutputFile o;
  if (!output_file_open(c, path, &o)) return false;
  fwrite(bytes, 1, size, o.file);
  const bool fine = output_file_close(c, &o) && output_file_keep(c, &o);
  if (!fine) output_file_drop(c, &o);
  return fine;
}
