/* Build-time tool: embed_runtime OUT.c FILE... cuts the files of runtime/ into chunks (convention: runtime/README.md)
 * and writes them as the table runtime_chunks of backend/c_runtime.h. Depends on nothing of nextc. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LINE = 400 };

typedef struct {
  FILE *out;
  const char *file; /* its path */
  int chunks;       /* of all files */
  bool open;        /* inside a chunk */
} Embed;

static void fail(const char *what, const char *about) {
  fprintf(stderr, "embed_runtime: %s: %s\n", about, what);
  exit(1);
}

static const char *base_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

static bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* The names in a comment that opens with "nx_a, NX_B:", separated by spaces; false where it is no such comment. */
static bool chunk_names(const char *line, char *names) {
  size_t n = 0;
  const char *p = line + 2;
  if (strncmp(line, "/* ", 3)) return false;
  do {
    p++;
    if (strncmp(p, "nx_", 3) && strncmp(p, "NX_", 3)) return false;
    while (is_name_char(*p)) names[n++] = *p++;
    names[n++] = ' ';
    p += *p == ',';
  } while (*p == ' ');
  names[n - 1] = 0;
  return *p == ':';
}

static void write_line(FILE *out, const char *line) {
  fputs("    \"", out);
  for (; *line; line++) {
    if (*line == '"' || *line == '\\') fputc('\\', out);
    fputc(*line, out);
  }
  fputs("\",\n", out);
}

static void close_chunk(Embed *e) {
  if (e->open) fputs("    NULL};\n", e->out);
  e->open = false;
}

/* Each chunk becomes an array of lines: one string could be longer than what C promises. */
static void embed_file(Embed *e, FILE *table) {
  FILE *in = fopen(e->file, "r");
  char line[MAX_LINE], names[MAX_LINE];
  int blanks = 1;
  if (!in) fail("cannot be opened", e->file);
  while (fgets(line, sizeof line, in)) {
    char *newline = strchr(line, '\n');
    if (!newline) fail("a line is too long, or the last has no newline", e->file);
    *newline = 0;
    if (!*line) {
      blanks++;
      continue;
    }
    const bool begins = blanks && chunk_names(line, names);
    if (begins || (blanks && !strncmp(line, "/* End", 6))) close_chunk(e);
    if (begins) {
      fprintf(e->out, "static const char *const chunk_%d[] = {\n", e->chunks);
      fprintf(table, "    {\"%s\", \"%s\", chunk_%d},\n", base_name(e->file), names, e->chunks++);
      e->open = true;
      blanks = 0;
    }
    for (; e->open && blanks; blanks--) write_line(e->out, "");
    blanks = 0;
    if (e->open) write_line(e->out, line);
  }
  close_chunk(e);
  fclose(in);
}

static void copy_all(FILE *from, FILE *to) {
  int c;
  rewind(from);
  while ((c = getc(from)) != EOF) putc(c, to);
}

int main(int argc, char **argv) {
  if (argc < 3) fail("usage: embed_runtime OUT.c FILE...", "arguments");
  Embed e = {.out = fopen(argv[1], "w")};
  FILE *table = tmpfile();
  if (!e.out || !table) fail("cannot be written", argv[1]);
  fputs("/* Made by embed_runtime from runtime/. */\n#include \"backend/c_runtime.h\"\n\n", e.out);
  for (int i = 2; i < argc; i++) {
    e.file = argv[i];
    embed_file(&e, table);
  }
  fputs("\nconst RuntimeChunk runtime_chunks[] = {\n", e.out);
  copy_all(table, e.out);
  fprintf(e.out, "};\nconst int runtime_chunk_count = %d;\n", e.chunks);
  fclose(table);
  if (fclose(e.out)) fail("cannot be written", argv[1]);
  return 0;
}
