/* What the explorer shows, in a headless Chromium, and what it does when it is used. */
#include "tests/explorer_kit.h"
#include "passes/passes.h"

/* A program whose passes and figures are known by heart. x [1,3,2], w [2,4]: 3 * 4 * 2 = 24 MACs; w packed is
 * [1,2,16] f32 = 128 bytes. */
static const char tiny[] = "nir 1\n"
                           "graph \"tiny\"\n"
                           "labels \"cat\", \"a \\\"dog\\\"\"\n"
                           "preprocess mean=[0.5] std=[0.25] crop=1 interpolation=bilinear\n"
                           "%1 = input {name=\"x\"} : f32[1,3,2]\n"
                           "%2 = neg %1 : f32[1,3,2] !\"first\":Neg@17\n"
                           "%3 = neg %1 : f32[1,3,2] !\"again\":Neg@17\n"
                           "%4 = add %2, %3 : f32[1,3,2] !\"sum\":Add@17\n"
                           "%5 = const {floats=[1,2,3,4,5,6,7,8]} : f32[2,4]\n"
                           "%6 = gemm %4, %5 : f32[1,3,4] !\"proj\":MatMul@17\n"
                           "%7 = gelu %6 : f32[1,3,4] !\"act\":Gelu@17\n"
                           "output %7 {name=\"y\"}\n";

static void make_page(const char *model, const char *page) {
  char arguments[1024];
  snprintf(arguments, sizeof arguments, "opt '%s' --html=%s", model, page);
  Result r = run_nextc(arguments);
  CHECK(r.status == 0);
  if (*r.err) printf("%s", r.err);
  result_free(&r);
}

/* "import|clean-import|...", and the number of passes. */
static const char *pass_names(char *out, size_t room) {
  int n = snprintf(out, room, "import");
  for (int i = 0; i < pipeline_length; i++) n += snprintf(out + n, room - (size_t)n, "|%s", pipeline[i].name);
  return out;
}

/* The timeline, and the lines that clean-import changed: of two equal neg one is left, which both nodes now name. */
static void passes(void) {
  static const char script[] =
      "say('names', texts('#timeline .name'));"
      "say('title', one('#diff h2').textContent);"
      "say('counts', texts('#timeline [data-pass=clean-import] .count'));"
      "for (const kind of ['same', 'changed', 'removed', 'added', 'moved']) say(kind, all('#diff .row.' + "
      "kind).length);"
      "say('gone', texts('#diff .row.removed code'));"
      "say('marked', texts('#diff .after .mark'));"
      "say('figures', texts('.pass-figures .figure'));"
      "say('sides', all('#diff .row.changed .line').map(e => Math.round(e.getBoundingClientRect().left) ).every("
      "  (x, i, list) => i % 2 ? x > list[i - 1] : true));"
      "say('view', shown('main > section').map(e => e.id).join());"
      "key('ArrowRight'); say('next', one('#diff h2').textContent); say('idle', one('#diff .notice').textContent);"
      "key('ArrowLeft'); key('ArrowLeft'); say('before', one('#diff h2').textContent);"
      "say('read', all('#diff .row').length); key('ArrowRight'); key('j');"
      "say('current', one('#diff .row.current').className);"
      "one('#diff .after .ir-args [data-value=\"2\"]').click(); say('lit', texts('#diff .lit'));"
      "say('address', location.hash);";
  char names[1024];
  TEST("passes");
  Result r = look("tiny.html", "pass=clean-import", 1280, 900, "", script);
  CHECK_SAID(r, "names", pass_names(names, sizeof names));
  CHECK_SAID(r, "title", "clean-import");
  CHECK_SAID(r, "counts", "−1|~2");
  CHECK_SAID(r, "same", "5");
  CHECK_SAID(r, "changed", "2");
  CHECK_SAID(r, "removed", "1");
  CHECK_SAID(r, "added", "0");
  CHECK_SAID(r, "moved", "0");
  CHECK_SAID(r, "gone", "%3 = neg %1 : f32[1,3,2] !\"again\":Neg@17");
  CHECK_SAID(r, "marked", "!\"first\":Neg@17,\"again\":Neg@17|%2, %2");
  CHECK_SAID(r, "figures", "neg 2 → 1|merge_equal_ops 1");
  CHECK_SAID(r, "sides", "true");
  CHECK_SAID(r, "view", "view-passes");
  CHECK_SAID(r, "next", "peel-batch");
  CHECK_SAID(r, "idle", "This pass changed nothing.");
  CHECK_SAID(r, "before", "as read");
  CHECK_SAID(r, "read", "8");
  CHECK_SAID(r, "current", "row removed current");
  CHECK_SAID(r, "lit", "%2|%2|%2");
  CHECK_SAID(r, "address", "#pass=clean-import");
  result_free(&r);
}

/* An operator by its address; then node to operator to C function and back. */
static void links(void) {
  static const char script[] =
      "const figure = name => { const d = all('#detail .figures div').find(e => e.firstChild.textContent === name);"
      "  return d ? d.lastChild.textContent : 'none'; };"
      "say('op', one('#detail h2').textContent); say('shape', one('#detail .shape').textContent);"
      "for (const f of ['MACs', 'read', 'weights', 'written', 'Arena slot']) say(f, figure(f));"
      "say('nodes', texts('#nodes .linked .main')); say('linked', texts('#ops .linked .main'));"
      "say('expression', texts('#detail .expression'));"
      "say('code', /^\\/\\* k1 \\*\\//.test(one('#detail .code').textContent));"
      "const target = one('#detail [data-target][aria-pressed=true]').dataset.target; say('target', target);"
      "say('places', texts('#detail .places td:nth-child(2)'));"
      "click('#nodes [data-node=\"0:act\"]'); say('node', one('#detail h2').textContent);"
      "say('its ops', texts('#detail .chip.op')); say('way', texts('#detail .way .chip').startsWith('import|'));"
      "click('#detail .chip.op'); say('to op', one('#detail h2').textContent); say('act written', figure('written'));"
      "say('act place', figure('Place'));"
      "click('#detail .chip.kernel'); say('to C', one('#detail h2').textContent); say('view', shown('main > "
      "section').map(e => e.id).join());"
      "say('selected', texts('#kernels .selected code'));"
      "click('#detail [data-target=generic]'); say('other', one('#detail h2').textContent);"
      "click('#detail .chip.node'); say('back', one('#detail h2').textContent);"
      "click('#detail .chip.op'); say('and op', location.hash);"
      "history.replaceState(null, '', '#view=graph&op=3'); window.dispatchEvent(new PopStateEvent('popstate'));"
      "say('boxes', texts('.box b')); say('chosen', texts('.box.selected b')); say('block', texts('.block h3'));"
      "click('[data-group=\"1\"]'); say('from box', one('#detail h2').textContent); say('arena', all('.arena "
      "rect').length);"
      "key('k'); say('box before', texts('.box.selected b'));"
      "click('#detail .arena .chosen'); say('from arena', location.hash);";
  TEST("links");
  Result r = look("tiny.html", "op=6", 1280, 900, "", script);
  CHECK_SAID(r, "op", "%6 gemm gemm");
  CHECK_SAID(r, "shape", "f32[1,3,4]");
  CHECK_SAID(r, "MACs", "24100.0 % of the model");
  CHECK_SAID(r, "read", "24 B");
  CHECK_SAID(r, "weights", "128 B");
  CHECK_SAID(r, "written", "0 B");
  CHECK_SAID(r, "Arena slot", "nonestays inside its kernel");
  CHECK_SAID(r, "nodes", "proj");
  CHECK_SAID(r, "linked", "%6 gemm");
  CHECK_SAID(r, "expression", "pack(floats=[1,2,3,4,5,6,7,8])");
  CHECK_SAID(r, "code", "true");
  CHECK_SAID(r, "target", "v3");
  CHECK_SAID(r, "places", "arena|output0|weights");
  CHECK_SAID(r, "node", "act");
  CHECK_SAID(r, "its ops", "%7 gelu");
  CHECK_SAID(r, "way", "true");
  CHECK_SAID(r, "to op", "%7 gelu gemm");
  CHECK_SAID(r, "act written", "48 B");
  CHECK_SAID(r, "act place", "output0 + 0");
  CHECK_SAID(r, "to C", "tiny_k1_gemm_v3");
  CHECK_SAID(r, "view", "view-code");
  CHECK_SAID(r, "selected", "tiny_k1_gemm_v3");
  CHECK_SAID(r, "other", "tiny_k1_gemm_generic");
  CHECK_SAID(r, "back", "proj");
  CHECK_SAID(r, "boxes", "elementwise|gemm");
  CHECK_SAID(r, "chosen", "elementwise");
  CHECK_SAID(r, "block", "block 1");
  CHECK_SAID(r, "from box", "%6 gemm gemm");
  CHECK_SAID(r, "box before", "elementwise");
  result_free(&r);
}

static void search_and_keys(void) {
  static const char script[] =
      "say('system', light(document.documentElement));"
      "type('proj'); say('kinds', texts('#found h3')); say('hits', texts('#found .hit .main'));"
      "say('first', one('#found .hit').getAttribute('aria-selected'));"
      "key('ArrowDown', one('#search')); say('second', one('#found [aria-selected=true] .main').textContent.slice(0, "
      "9));"
      "key('ArrowUp', one('#search')); key('Enter', one('#search')); say('found', one('#detail h2').textContent);"
      "say('closed', one('#found').hidden);"
      "type('gemm f32[1,3,4]'); say('words', texts('#found .hit .main').split('|')[0]);"
      "type('nosuchthing'); say('nothing', one('#found').textContent); key('Escape', one('#search')); say('escape', "
      "one('#found').hidden);"
      "for (const n of [1, 2, 3, 4]) { key(String(n)); say('key ' + n, shown('main > section').map(e => e.id).join()); "
      "}"
      "key('j'); say('j', texts('#kernels .selected code')); key('j'); say('j again', texts('#kernels .selected "
      "code'));"
      "key('/'); say('focus', document.activeElement.id); document.activeElement.blur();"
      "key('?'); say('help', one('#keys').open); one('#keys').close();"
      "key('Escape'); say('nothing selected', all('.selected').length);"
      "key('t'); say('after t', light(document.documentElement)); key('t'); say('after tt', "
      "light(document.documentElement));"
      "key('1'); key('a'); say('all lines', one('[data-lines=all]').getAttribute('aria-pressed'));"
      "say('focusable', all('button').filter(b => b.tabIndex < 0 && b.getAttribute('role') !== 'tab').length);";
  static const char *const system[] = {"light", "dark"}, *const other[] = {"dark", "light"};
  for (int dark = 0; dark < 2; dark++) {
    TEST(dark ? "dark" : "light");
    const char *flags = dark ? "--blink-settings=preferredColorScheme=0" : "--blink-settings=preferredColorScheme=1";
    Result r = look("tiny.html", "", 1280, 900, flags, script);
    CHECK_SAID(r, "system", system[dark]);
    CHECK_SAID(r, "after t", other[dark]);
    CHECK_SAID(r, "after tt", system[dark]);
    CHECK_SAID(r, "kinds", "Nodes|Lines after clean-import");
    CHECK_SAID(r, "hits", "proj|%5 = gemm %3, %4 : f32[1,3,4] !\"proj\":MatMul@17");
    CHECK_SAID(r, "first", "true");
    CHECK_SAID(r, "second", "%5 = gemm");
    CHECK_SAID(r, "found", "proj");
    CHECK_SAID(r, "closed", "true");
    CHECK_SAID(r, "words", "%6 gemm");
    CHECK_SAID(r, "nothing", "Nothing found.");
    CHECK_SAID(r, "escape", "true");
    CHECK_SAID(r, "key 1", "view-passes");
    CHECK_SAID(r, "key 2", "view-graph");
    CHECK_SAID(r, "key 3", "view-ops");
    CHECK_SAID(r, "key 4", "view-code");
    CHECK_SAID(r, "j", "tiny_k0_elementwise_v3");
    CHECK_SAID(r, "j again", "tiny_k1_gemm_v3");
    CHECK_SAID(r, "focus", "search");
    CHECK_SAID(r, "help", "true");
    CHECK_SAID(r, "nothing selected", "0");
    CHECK_SAID(r, "all lines", "true");
    CHECK_SAID(r, "focusable", "0");
    result_free(&r);
  }
}

/* A ConvNeXt on a telephone: nothing is wider than the screen, lines stand one below the other, details are a sheet. */
static void telephone(void) {
  static const char script[] =
      "say('width', innerWidth);"
      "const wide = () => document.documentElement.scrollWidth - document.documentElement.clientWidth;"
      "say('passes', wide());"
      "say('stacked', all('#diff .row.changed').every(r => r.children[1].getBoundingClientRect().top >= "
      "r.children[0].getBoundingClientRect().bottom));"
      "say('once', shown('#diff .row.same .before').length);"
      "key('2'); say('graph', wide()); say('blocks', texts('.block h3')); say('boxes', all('.box').length === "
      "all('.box b').length);"
      "say('detail', shown('#detail').length);"
      "click('.box'); say('sheet', getComputedStyle(one('#detail')).position); say('graph with sheet', wide());"
      "click('#detail .close'); say('shut', shown('#detail').length);"
      "key('3'); say('operators', wide()); say('computed', one('#ops h2 span').textContent === String(all('#ops "
      ".item').length));"
      "key('4'); say('code', wide()); click('#kernels .item'); say('code with sheet', wide());"
      "say('font', parseFloat(getComputedStyle(one('#detail .code code')).fontSize) >= 11);";
  static const char *const zero[] = {"passes", "graph", "graph with sheet", "operators", "code", "code with sheet"};
  TEST("telephone");
  Result r = look("digits.html", "pass=channels-last", 390, 844, "", script);
  CHECK_SAID(r, "width", "390");
  for (size_t i = 0; i < sizeof zero / sizeof *zero; i++) CHECK_SAID(r, zero[i], "0");
  CHECK_SAID(r, "stacked", "true");
  CHECK_SAID(r, "once", "0");
  CHECK_SAID(r, "blocks",
             "stem|stages.0.downsample|stages.0.blocks.0|stages.1.downsample|stages.1.blocks.0|stages.2.downsample|"
             "stages.2.blocks.0|stages.2.blocks.1|stages.3.downsample|stages.3.blocks.0|head");
  CHECK_SAID(r, "detail", "0");
  CHECK_SAID(r, "sheet", "fixed");
  CHECK_SAID(r, "shut", "0");
  CHECK_SAID(r, "computed", "true");
  CHECK_SAID(r, "font", "true");
  result_free(&r);
}

/* 30 values, read again in reverse order: more lanes than a card has. */
static void write_crossings(const char *path) {
  FILE *f = fopen(path, "w");
  CHECK(f != NULL);
  if (!f) return;
  fputs("nir 1\ngraph \"t\"\n%1 = input {name=\"x\"} : f32[1,6,16]\n", f);
  for (int i = 1; i <= 30; i++) fprintf(f, "%%%d = softmax %%%d {axis=%d}\n", i + 1, i, 1 + i % 2);
  for (int i = 1; i <= 30; i++) fprintf(f, "%%%d = add %%%d, %%%d\n", 31 + i, 30 + i, 31 - i);
  fputs("output %61 {name=\"y\"}\n", f);
  fclose(f);
}

/* Values that wait for a far reader (a UPerNet's) hold no block together; boxes keep their width beside any number of
 * lanes, and what is drawn its card; outputs are named where they are made. */
static void skips_and_outputs(void) {
  static const char script[] =
      "say('blocks', texts('.block h3').split('|').slice(0, 3).join());"
      "say('longest', Math.max(...all('.block').map(b => b.querySelectorAll('.box').length)) <= 32);"
      "say('narrow', all('.box').filter(b => b.getBoundingClientRect().width < 150).length);"
      "say('outside', all('.block').filter(b => [...b.querySelectorAll('.type, .port, .box')].some("
      "  e => e.getBoundingClientRect().right > b.getBoundingClientRect().left + b.scrollWidth)).length);"
      "say('wide', document.documentElement.scrollWidth - document.documentElement.clientWidth);"
      "say('over', all('.port').filter(p => { const t = p.parentElement.querySelector('.type').getBoundingClientRect(),"
      "  r = p.getBoundingClientRect(); return r.top < t.bottom && t.top < r.bottom; }).length);"
      "say('outputs', all('.box .ops').map(e => e.textContent).filter(t => t.includes('\u2192')).join());";
  static const struct {
    const char *page;
    int width;
    const char *name, *value;
  } rows[] = {
      {"upernet.html", 1400, "blocks",
       "m.backbone.embeddings,m.backbone.encoder.stages.0.layers.0,m.backbone.encoder.stages.1.downsampling_layer"},
      {"upernet.html", 390, "longest", "true"},
      {"features.html", 1400, "outputs",
       "transpose → output0,transpose → output1,transpose → output2,transpose → output3"},
      {"crossings.html", 390, "outputs", "add · add · add → y"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    TEST(rows[i].page);
    Result r = look(rows[i].page, "view=graph", rows[i].width, 900, "", script);
    CHECK_SAID(r, "longest", "true");
    CHECK_SAID(r, "narrow", "0");
    CHECK_SAID(r, "outside", "0");
    CHECK_SAID(r, "wide", "0");
    CHECK_SAID(r, "over", "0");
    CHECK_SAID(r, rows[i].name, rows[i].value);
    result_free(&r);
  }
}

int main(void) {
  open_folder();
  if (!have_browser()) {
    close_folder();
    return SKIP("no chromium");
  }
  put_file("tiny.nir", tiny, sizeof tiny - 1);
  make_page("tiny.nir", "tiny.html");
  make_page(SOURCE_DIR "/examples/digits/digits_convnext.onnx", "digits.html");
  make_page(SOURCE_DIR "/../shared/fixtures/systems/upernet_convnext_dynamo20/model.onnx", "upernet.html");
  make_page(SOURCE_DIR "/../shared/fixtures/onnx/timm_features_dynamo20/model.onnx", "features.html");
  write_crossings("crossings.nir");
  make_page("crossings.nir", "crossings.html");
  passes();
  links();
  search_and_keys();
  telephone();
  skips_and_outputs();
  close_folder();
  return test_result();
}
