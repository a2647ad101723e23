/* The explorer's page in a headless Chromium: a script of the test's own is put at the end of a copy of the page; what
 * it says with say(name, value) comes back as lines "name=value". */
#ifndef NEXTC_TESTS_EXPLORER_KIT_H
#define NEXTC_TESTS_EXPLORER_KIT_H
#include "tests/command.h"
#include "tests/test.h"

/* say: a line of the answer. click, key, type: what a user does. texts: of all elements that match. */
static const char probe_head[] =
    "<script>{const lines = [];"
    "const say = (name, value) => lines.push('#' + name + '=' + value + '#');"
    "const all = selector => [...document.querySelectorAll(selector)];"
    "const one = selector => document.querySelector(selector);"
    "const shown = selector => all(selector).filter(e => e.getClientRects().length > 0);"
    "const texts = selector => all(selector).map(e => e.textContent.trim()).join('|');"
    "const click = selector => { const e = one(selector); if (e) e.click(); else say('missing', selector); };"
    "const key = (name, at) => (at || document.body).dispatchEvent("
    "  new KeyboardEvent('keydown', {key: name, bubbles: true, cancelable: true}));"
    "const type = text => { const s = one('#search'); s.focus(); s.value = text; s.dispatchEvent(new Event('input')); "
    "};"
    "const go = hash => { location.hash = hash; window.dispatchEvent(new PopStateEvent('popstate')); };"
    "const light = e => { const c = getComputedStyle(e).backgroundColor.match(/[\\d.]+/g).map(Number);"
    "  return c[0] + c[1] + c[2] > 382 ? 'light' : 'dark'; };"
    "try {";
static const char probe_tail[] = "} catch (e) { say('exception', e.stack); }"
                                 "if (parent !== window) parent.postMessage(lines.join('\\n'), '*');"
                                 "const pre = document.createElement('pre'); pre.textContent = lines.join('\\n'); "
                                 "document.body.replaceChildren(pre);"
                                 "}</script></body>";
/* Chromium has no window of a telephone's width, but a frame may have it. */
static const char frame_page[] = "<!doctype html><pre></pre><script>onmessage = e => { "
                                 "document.querySelector('pre').textContent = e.data; };</script>"
                                 "<iframe src='probe.html#%s' style='width:%dpx;height:%dpx;border:0'></iframe>";

static inline bool have_browser(void) {
  Result r = run_shell("command -v chromium");
  bool have = r.status == 0;
  result_free(&r);
  return have;
}

/* A copy of page with the script; false: page has no end. */
static inline bool add_script(const char *page, const char *copy, const char *script) {
  size_t size;
  char *text = get_file(page, &size), *end = NULL;
  for (char *p = text; (p = strstr(p, "</body>")) != NULL; p++) end = p;
  FILE *f = end ? fopen(copy, "wb") : NULL;
  if (f) {
    fwrite(text, 1, (size_t)(end - text), f);
    fprintf(f, "%s%s%s</html>", probe_head, script, probe_tail);
    fclose(f);
  }
  free(text);
  return f != NULL;
}

/* What the script says of the page at that address in a window of that many pixels. flags: more of Chromium's own. */
static inline Result look(const char *page, const char *hash, int width, int height, const char *flags,
                          const char *script) {
  char command[2048];
  FILE *f = fopen("frame.html", "wb");
  CHECK(f && add_script(page, "probe.html", script));
  if (f) {
    fprintf(f, frame_page, hash, width, height);
    fclose(f);
  }
  snprintf(command, sizeof command,
           "rm -rf profile; timeout 120 chromium --headless=new --no-sandbox --disable-gpu --no-first-run "
           "--user-data-dir='%s/profile' --window-size=1600,1200 --virtual-time-budget=5000 %s --dump-dom "
           "'file://%s/frame.html'",
           test_folder, flags, test_folder);
  Result r = run_shell(command);
  CHECK(r.status == 0);
  return r;
}

/* Did the script say it? Markup is escaped in what comes back: no <, > or & in value. */
static inline bool said(const Result *r, const char *name, const char *value) {
  char line[1024];
  snprintf(line, sizeof line, "#%s=%s#", name, value);
  if (strstr(r->out, line)) return true;
  snprintf(line, sizeof line, "#%s=", name);
  const char *got = strstr(r->out, line);
  printf("%s: said %.*s, not %s\n", name, got ? (int)strcspn(got, "\n") : 7, got ? got : "nothing", value);
  return false;
}
#define CHECK_SAID(result, name, value) CHECK(said(&(result), name, value))
#endif
