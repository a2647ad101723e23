/* Which folder may include what of which: ir <- frontend, passes <- backend <- cli. What goes against that order is a
 * row here with its header, so that a new one is a decision. */
#include "tests/test.h"
#include <dirent.h>
#include <stdbool.h>
#include <stdlib.h>

/* header: "folder/" for all of a folder */
static const struct {
  const char *folder, *header;
} allowed[] = {
    {"ir", "ir/"},
    {"frontend", "ir/"},
    {"frontend", "frontend/"},
    {"frontend", "passes/passes.h"}, /* an exported description is checked by what the passes make of it */
    {"passes", "ir/"},
    {"passes", "passes/"},
    {"passes", "backend/storage.h"}, /* what has a place at run time; what a schedule may say */
    {"passes", "backend/tiles.h"},
    {"passes", "backend/pitch.h"},
    {"passes", "backend/families.def"},
    {"backend", "ir/"},
    {"backend", "backend/"},
    {"backend", "passes/passes.h"},
    {"backend", "frontend/frontend.h"}, /* nextc.c: the whole road of a model */
    {"backend", "runtime/"},            /* what emitted code and nextc must have alike */
    {"backend", "nextc.h"},
    {"cli", "ir/"},
    {"cli", "frontend/"},
    {"cli", "passes/"},
    {"cli", "backend/"},
    {"cli", "cli/"},
    {"cli", "nextc.h"},
};
enum { ALLOWED = sizeof allowed / sizeof *allowed };
static bool used[ALLOWED];

static void check_include(const char *folder, const char *file, const char *header) {
  bool fine = false;
  for (int i = 0; i < ALLOWED; i++) {
    const char *may = allowed[i].header;
    const size_t length = strlen(may);
    const bool fits = may[length - 1] == '/' ? !strncmp(header, may, length) : !strcmp(header, may);
    if (strcmp(folder, allowed[i].folder) || !fits) continue;
    fine = used[i] = true;
  }
  CHECK(fine);
  if (!fine) printf("  %s/%s includes \"%s\"\n", folder, file, header);
}

static void check_file(const char *folder, const char *file) {
  char path[1024], line[1024], header[256];
  snprintf(path, sizeof path, SOURCE_DIR "/%s/%s", folder, file);
  FILE *f = fopen(path, "r");
  CHECK(f != NULL);
  while (f && fgets(line, sizeof line, f))
    if (sscanf(line, "#include \"%255[^\"]\"", header) == 1) check_include(folder, file, header);
  if (f) fclose(f);
}

static bool is_source(const char *name) {
  const char *end = strrchr(name, '.');
  return end && (!strcmp(end, ".c") || !strcmp(end, ".h") || !strcmp(end, ".def"));
}

int main(void) {
  static const char *const folders[] = {"ir", "frontend", "passes", "backend", "cli"};
  for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
    char path[1024];
    TEST(folders[i]);
    snprintf(path, sizeof path, SOURCE_DIR "/%s", folders[i]);
    DIR *folder = opendir(path);
    CHECK(folder != NULL);
    for (struct dirent *e; folder && (e = readdir(folder));)
      if (is_source(e->d_name)) check_file(folders[i], e->d_name);
    if (folder) closedir(folder);
  }
  TEST("no row without use");
  for (int i = 0; i < ALLOWED; i++) {
    CHECK(used[i]);
    if (!used[i]) printf("  %s: \"%s\"\n", allowed[i].folder, allowed[i].header);
  }
  return test_result();
}
