/* JSON's grammar (RFC 8259), checked before libyaml reads the text: YAML reads more than JSON is, and reads two things
 * otherwise: surrogate pairs, which are joined here, and strings of more than one line, which are refused. */
#include "frontend/yaml_tree.h"
#include "ir/text.h"
#include <string.h>

typedef struct {
  Context *ctx;
  const char *file, *at, *end, *line_start;
  int line;
  Text out; /* the text so far, up to `copied` */
  const char *copied;
} Scan;

static bool fail(const Scan *s, const char *what) {
  return error_at(s->ctx, s->file, s->line, (int)(s->at - s->line_start) + 1, "not JSON: %s", what);
}

/* Tabs become blanks: YAML allows none at the start of a line. */
static void skip_blanks(Scan *s) {
  for (; s->at < s->end && (*s->at == ' ' || *s->at == '\t' || *s->at == '\r' || *s->at == '\n'); s->at++) {
    if (*s->at == '\n') {
      s->line++;
      s->line_start = s->at + 1;
    }
    if (*s->at != '\t') continue;
    text_append(&s->out, s->copied, (size_t)(s->at - s->copied));
    text_putc(&s->out, ' ');
    s->copied = s->at + 1;
  }
}

static bool accept(Scan *s, char c) {
  if (s->at >= s->end || *s->at != c) return false;
  s->at++;
  return true;
}

/* Four hexadecimal digits at p; -1: there are not so many. */
static int hex4(const Scan *s, const char *p) {
  int x = 0;
  if (s->end - p < 4) return -1;
  for (int i = 0; i < 4; i++) {
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *d = p[i] ? strchr(digits, p[i]) : NULL;
    if (!d) return -1;
    x = x << 4 | (int)((d - digits) & 15);
  }
  return x;
}

/* At the u of \uXXXX. A pair of surrogates becomes one \U escape. */
static bool scan_unicode(Scan *s) {
  int high = hex4(s, s->at + 1);
  if (high < 0) return fail(s, "\\u needs four hexadecimal digits");
  if (high < 0xD800 || high > 0xDFFF) return s->at += 5, true;
  bool pair = s->end - s->at >= 7 && s->at[5] == '\\' && s->at[6] == 'u';
  int low = pair ? hex4(s, s->at + 7) : -1;
  if (high > 0xDBFF || low < 0xDC00 || low > 0xDFFF) return fail(s, "half of a surrogate pair");
  text_append(&s->out, s->copied, (size_t)(s->at - s->copied));
  text_printf(&s->out, "U%08X", 0x10000 + ((unsigned)(high - 0xD800) << 10) + (unsigned)(low - 0xDC00));
  s->at += 11;
  s->copied = s->at;
  return true;
}

static bool scan_string(Scan *s) {
  if (!accept(s, '"')) return fail(s, "a string in double quotes should stand here");
  while (s->at < s->end) {
    unsigned char c = (unsigned char)*s->at;
    if (c < 0x20) return fail(s, "a control character in a string");
    s->at++;
    if (c == '"') return true;
    if (c != '\\') continue;
    if (s->at >= s->end || !*s->at || !strchr("\"\\/bfnrtu", *s->at)) return fail(s, "an unknown escape");
    if (*s->at != 'u')
      s->at++;
    else if (!scan_unicode(s))
      return false;
  }
  return fail(s, "a string does not end");
}

static bool digits(Scan *s) {
  const char *start = s->at;
  while (s->at < s->end && *s->at >= '0' && *s->at <= '9') s->at++;
  return s->at > start;
}

static bool scan_number(Scan *s) {
  accept(s, '-');
  if (!accept(s, '0') && !digits(s)) return fail(s, "a value should stand here");
  if (accept(s, '.') && !digits(s)) return fail(s, "digits should follow the point");
  if (accept(s, 'e') || accept(s, 'E')) {
    if (!accept(s, '+')) accept(s, '-');
    if (!digits(s)) return fail(s, "an exponent needs digits");
  }
  return true;
}

static bool scan_word(Scan *s) {
  static const char *const words[] = {"true", "false", "null"};
  for (size_t i = 0; i < 3; i++) {
    size_t n = strlen(words[i]);
    if ((size_t)(s->end - s->at) >= n && !memcmp(s->at, words[i], n)) return s->at += n, true;
  }
  return scan_number(s);
}

static bool scan_value(Scan *s, int depth);

/* Items of an object or array up to its closing bracket. */
static bool scan_items(Scan *s, char close, int depth) {
  skip_blanks(s);
  if (accept(s, close)) return true;
  for (;;) {
    skip_blanks(s);
    if (close == '}') {
      if (!scan_string(s)) return false;
      skip_blanks(s);
      if (!accept(s, ':')) return fail(s, "':' should follow a key");
    }
    if (!scan_value(s, depth + 1)) return false;
    skip_blanks(s);
    if (accept(s, close)) return true;
    if (!accept(s, ',')) return fail(s, close == '}' ? "',' or '}' should stand here" : "',' or ']' should stand here");
  }
}

static bool scan_value(Scan *s, int depth) {
  if (depth > YAML_MAX_DEPTH) return fail(s, "nested too deep");
  skip_blanks(s);
  if (accept(s, '{')) return scan_items(s, '}', depth);
  if (accept(s, '[')) return scan_items(s, ']', depth);
  return s->at < s->end && *s->at == '"' ? scan_string(s) : scan_word(s);
}

char *json_as_yaml(Context *ctx, Arena *arena, const char *file, const char *text, size_t length, size_t *out_length) {
  Scan s = {.ctx = ctx, .file = file, .at = text, .end = text + length, .line_start = text, .line = 1};
  s.out.arena = arena;
  s.copied = text;
  if (!scan_value(&s, 0)) return NULL;
  skip_blanks(&s);
  if (s.at < s.end) return fail(&s, "something follows the value"), NULL;
  text_append(&s.out, s.copied, (size_t)(s.end - s.copied));
  *out_length = s.out.len;
  return text_string(&s.out);
}
