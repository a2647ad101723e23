/* Tests of the command nextc: a folder of their own, commands run through the shell, small files written and read. */
#ifndef NEXTC_TEST_COMMAND_H
#define NEXTC_TEST_COMMAND_H
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char test_folder[256]; /* made by open_folder; commands run in it */

/* Makes the folder and goes there. */
static inline void open_folder(void) {
  const char *parent = getenv("TMPDIR");
  snprintf(test_folder, sizeof test_folder, "%s/nextc-test-XXXXXX", parent && *parent ? parent : "/tmp");
  if (!mkdtemp(test_folder) || chdir(test_folder)) {
    perror(test_folder);
    exit(1);
  }
}

static inline void close_folder(void) {
  char command[320];
  snprintf(command, sizeof command, "rm -rf '%s'", test_folder);
  if (chdir("/") || system(command)) perror(test_folder);
}

static inline void put_file(const char *path, const void *bytes, size_t size) {
  FILE *f = fopen(path, "wb");
  if (!f || fwrite(bytes, 1, size, f) != size || fclose(f)) {
    perror(path);
    exit(1);
  }
}

/* A whole file as a string to free; "" where there is none. */
static inline char *get_file(const char *path, size_t *size) {
  enum { LIMIT = 1 << 24 };
  char *text = calloc(1, LIMIT);
  FILE *f = fopen(path, "rb");
  size_t count = f && text ? fread(text, 1, LIMIT - 1, f) : 0;
  if (f) fclose(f);
  if (size) *size = count;
  return text;
}

static inline bool file_exists(const char *path) { return !access(path, F_OK); }

static inline int files_in(const char *path) {
  DIR *folder = opendir(path);
  int count = 0;
  for (struct dirent *e; folder && (e = readdir(folder));) count += e->d_name[0] != '.';
  if (folder) closedir(folder);
  return count;
}

typedef struct {
  int status;      /* 128 + signal where it was killed */
  char *out, *err; /* what it printed */
} Result;

static inline void result_free(Result *r) {
  free(r->out);
  free(r->err);
}

/* A shell command in the folder. */
static inline Result run_shell(const char *command) {
  char line[8192];
  snprintf(line, sizeof line, "( %s\nexit $? ) >.stdout 2>.stderr </dev/null", command);
  int status = system(line);
  Result r = {.status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status)};
  r.out = get_file(".stdout", NULL);
  r.err = get_file(".stderr", NULL);
  return r;
}

/* nextc with arguments. */
static inline Result run_nextc(const char *arguments) {
  char line[4096];
  snprintf(line, sizeof line, "'%s' %s", NEXTC_BINARY, arguments);
  return run_shell(line);
}
#endif
