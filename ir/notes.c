/* The lines of a .nir text that a graph's notes are:
 *   labels "cat", "dog"
 *   preprocess mean=[0.485,0.456,0.406] std=[0.229,0.224,0.225] crop=0.875 interpolation=bicubic
 *   preprocess mean=[0.5] std=[0.5] crop=1 resize=squash interpolation=bicubic */
#include "ir/nir.h"
#include <string.h>

enum { MAX_LABELS = 1 << 20, MAX_CHANNELS = 64 };
static const char *const interpolations[] = {"nearest", "bilinear", "bicubic", "lanczos"};

static void put_floats(Text *t, const char *key, Floats list) {
  text_printf(t, " %s=[", key);
  for (int i = 0; i < list.count; i++) {
    if (i) text_putc(t, ',');
    text_double(t, list.at[i]);
  }
  text_putc(t, ']');
}

void nir_notes(Text *t, const Graph *g) {
  const Notes *n = &g->notes;
  for (int i = 0; i < n->label_count; i++) {
    text_puts(t, i ? ", " : "labels ");
    text_quote(t, n->labels[i]);
  }
  if (n->label_count) text_putc(t, '\n');
  if (!n->preprocess) return;
  text_puts(t, "preprocess");
  put_floats(t, "mean", n->mean);
  put_floats(t, "std", n->std);
  text_puts(t, " crop=");
  text_double(t, n->crop);
  text_printf(t, "%s interpolation=%s\n", n->squash ? " resize=squash" : "", n->interpolation);
}

static bool end_of_line(Parser *p) {
  return p->x.token.kind == TOK_LINE || p->x.token.kind == TOK_END || lex_expected(&p->x, "the end of the line");
}

bool parse_labels(Parser *p) {
  Arena *a = p->graph->arena;
  Notes *n = &p->graph->notes;
  const char **labels = NULL;
  size_t count = 0, capacity = 0;
  if (n->label_count) return lex_error(&p->x, &p->x.token, "a second line of labels");
  lex_next(&p->x);
  do {
    const char *label;
    if (count == MAX_LABELS) return lex_error(&p->x, &p->x.token, "more than %d labels", MAX_LABELS);
    if (!lex_string(&p->x, "a label in quotes", &label)) return false;
    GROW(a, labels, count, capacity);
    labels[count++] = arena_strdup(a, label);
  } while (lex_accept(&p->x, ','));
  n->labels = labels;
  n->label_count = (int32_t)count;
  return end_of_line(p);
}

static bool parse_floats(Parser *p, Floats *out) {
  double list[MAX_CHANNELS];
  int32_t count = 0;
  if (!lex_expect(&p->x, '[')) return false;
  do {
    if (count == MAX_CHANNELS) return lex_error(&p->x, &p->x.token, "more than %d channels", MAX_CHANNELS);
    if (!lex_decimal(&p->x, "a number", &list[count++])) return false;
  } while (lex_accept(&p->x, ','));
  *out = floats_copy(p->graph->arena, list, count);
  return lex_expect(&p->x, ']');
}

static bool parse_interpolation(Parser *p, const char **out) {
  for (size_t i = 0; i < sizeof interpolations / sizeof *interpolations; i++)
    if (lex_is_word(&p->x, interpolations[i])) {
      *out = interpolations[i];
      lex_next(&p->x);
      return true;
    }
  return lex_expected(&p->x, "nearest, bilinear, bicubic or lanczos");
}

/* A share in (0, 1]. */
static bool parse_crop(Parser *p, double *out) {
  const Token at = p->x.token;
  if (!lex_decimal(&p->x, "a number", out)) return false;
  return (*out >= 0.01 && *out <= 1) || lex_error(&p->x, &at, "crop must be from 0.01 to 1");
}

/* "resize=squash", which may be left out. */
static bool parse_squash(Parser *p, bool *out) {
  *out = lex_is_word(&p->x, "resize");
  if (!*out) return true;
  lex_next(&p->x);
  if (!lex_expect(&p->x, '=')) return false;
  if (!lex_is_word(&p->x, "squash")) return lex_expected(&p->x, "squash");
  lex_next(&p->x);
  return true;
}

bool parse_preprocess(Parser *p) {
  static const char *const keys[] = {"mean", "std", "crop", "interpolation"};
  Lexer *x = &p->x;
  Notes *n = &p->graph->notes;
  if (n->preprocess) return lex_error(x, &x->token, "a second line of preprocessing");
  lex_next(x);
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
    if (i == 3 && !parse_squash(p, &n->squash)) return false;
    if (!lex_is_word(x, keys[i])) return lex_expected(x, keys[i]);
    lex_next(x);
    if (!lex_expect(x, '=')) return false;
    bool good = i == 0   ? parse_floats(p, &n->mean)
                : i == 1 ? parse_floats(p, &n->std)
                : i == 2 ? parse_crop(p, &n->crop)
                         : parse_interpolation(p, &n->interpolation);
    if (!good) return false;
  }
  for (int i = 0; i < n->std.count; i++)
    if (!(n->std.at[i] > 0)) return lex_error(x, &x->token, "a standard deviation must be above 0");
  if (n->mean.count != n->std.count)
    return lex_error(x, &x->token, "%d means, but %d standard deviations", (int)n->mean.count, (int)n->std.count);
  n->preprocess = true;
  return end_of_line(p);
}
