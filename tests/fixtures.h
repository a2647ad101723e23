/* Walking the model fixtures beside the checkout (../shared/fixtures/GROUP/CASE/model.onnx), and files. */
#ifndef NEXTC_TESTS_FIXTURES_H
#define NEXTC_TESTS_FIXTURES_H
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIXTURES SOURCE_DIR "/../shared/fixtures"

/* Calls visit(folder, case name) for each case of a group, in the order of names; returns how many. */
static inline int each_fixture(const char *group, void (*visit)(const char *folder, const char *name)) {
  char path[1024];
  snprintf(path, sizeof path, FIXTURES "/%s", group);
  struct dirent **list;
  int n = scandir(path, &list, NULL, alphasort), visited = 0;
  for (int i = 0; i < n; i++) {
    char model[2048], folder[1536];
    snprintf(folder, sizeof folder, "%s/%s", path, list[i]->d_name);
    snprintf(model, sizeof model, "%s/model.onnx", folder);
    FILE *f = list[i]->d_name[0] == '.' ? NULL : fopen(model, "rb");
    if (f) {
      fclose(f);
      visit(folder, list[i]->d_name);
      visited++;
    }
    free(list[i]);
  }
  if (n >= 0) free(list);
  return visited;
}

/* A whole file, with a NUL behind it; NULL: not readable. */
static inline char *read_whole(const char *path, size_t *size) {
  FILE *f = fopen(path, "rb");
  if (!f) return NULL;
  fseek(f, 0, SEEK_END);
  long n = ftell(f);
  rewind(f);
  char *data = calloc(1, (size_t)n + 1);
  *size = fread(data, 1, (size_t)n, f);
  fclose(f);
  return data;
}

static inline int same_files(const char *a, const char *b) {
  size_t na = 0, nb = 0;
  char *da = read_whole(a, &na), *db = read_whole(b, &nb);
  int same = da && db && na == nb && !memcmp(da, db, na);
  free(da);
  free(db);
  return same;
}
#endif
