/* Temporary folders and child processes; see process.h. */
#include "cli/process.h"
#include "cli/interrupt.h"
#include "ir/output_file.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
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
  context_hold(c, true);
  const bool made = mkdtemp(path) != NULL;
  if (made)
    context_temporary(c, path, true);
  else
    error_in(c, path, "cannot make a temporary folder: %s", strerror(errno));
  context_hold(c, false);
  return made ? path : NULL;
}

bool erase_folder(const char *path) {
  DIR *folder = opendir(path);
  if (!folder) return errno == ENOENT;
  for (struct dirent *entry; (entry = readdir(folder));)
    if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..")) unlinkat(dirfd(folder), entry->d_name, 0);
  closedir(folder);
  return !rmdir(path);
}

void remove_folder(Context *c, const char *path) {
  erase_folder(path);
  context_temporary(c, path, false);
}

void keep_folder(Context *c, const char *path) { context_temporary(c, path, false); }

static bool start(Context *c, const char *const *words, const char *log, pid_t *child) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  if (posix_spawn_file_actions_init(&actions) || posix_spawnattr_init(&attributes)) die_memory(0);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  interrupt_attributes(c, &attributes);
  context_hold(c, true);
  const int error = posix_spawnp(child, words[0], &actions, &attributes, (char *const *)(uintptr_t)words, environ);
  if (!error) interrupt_child(c, *child);
  context_hold(c, false);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return !error || error_in(c, words[0], "cannot run it: %s", strerror(error));
}

/* The child is reaped in a hold, so that its number is never another's when it is ended with nextc. */
static int finish(const Context *c, pid_t child) {
  int status;
  siginfo_t info;
  while (waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT) && errno == EINTR) continue;
  context_hold(c, true);
  if (waitpid(child, &status, 0) < 0) die("waitpid: %s", strerror(errno));
  interrupt_child(c, 0);
  context_hold(c, false);
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int run_process(Context *c, const char *const *words, const char *log) {
  pid_t child;
  return start(c, words, log, &child) ? finish(c, child) : -1;
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
