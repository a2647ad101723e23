/* What commands print beside their output: diagnostics, progress, JSON strings, types. */
#include "cli/cli.h"
#include "ir/nir.h"
#include <unistd.h>

void print_diagnostics(const Context *c) {
  progress_end();
  for (size_t i = 0; i < c->count; i++) fprintf(stderr, "%s\n", c->list[i].text);
}

void json_string(FILE *f, const char *text) {
  putc('"', f);
  for (const unsigned char *p = (const unsigned char *)text; *p;) {
    int length = utf8_length(p);
    if (!length)
      fputs("\\ufffd", f); /* not UTF-8 */
    else if (*p == '"' || *p == '\\')
      fprintf(f, "\\%c", *p);
    else if (*p < 0x20 || *p == 0x7f || *p == '<')
      fprintf(f, "\\u%04x", *p);
    else
      fwrite(p, 1, (size_t)length, f);
    p += length ? length : 1;
  }
  putc('"', f);
}

const char *graph_type_text(const Graph *g, const Type *t, Arena *a) {
  Text text = {.arena = a};
  nir_type(&text, g, t);
  return text_string(&text);
}

void progress(const char *format, ...) {
  if (!isatty(STDERR_FILENO)) return;
  va_list list;
  va_start(list, format);
  fputs("\r\033[K", stderr);
  vfprintf(stderr, format, list);
  fflush(stderr);
  va_end(list);
}

void progress_end(void) {
  if (isatty(STDERR_FILENO)) fputs("\r\033[K", stderr);
}
