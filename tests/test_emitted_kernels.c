/* The hot families as emitted C on every path that runs here: many small layers of odd sizes in one model, each between
 * an input and an output of its own, built and run by nextc verify: guard pages behind every buffer, the same bits
 * however the work is cut, the evaluator's numbers. (Bounds of more sizes are what test_lower_*.c sweeps.) */
#include "backend/target.h"
#include "ir/text.h"
#include "tests/c_kit.h"
#include <stdarg.h>

/* A layer's lines: # becomes the number that its values have in common, "%#1" is value 1 of it. */
static void layer(Text *model, int number, const char *format, ...) {
  char lines[2048];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(lines, sizeof lines, format, arguments);
  va_end(arguments);
  for (const char *p = lines; *p; p++) {
    if (*p == '#')
      text_printf(model, "%d", number);
    else
      text_putc(model, *p);
  }
}

static void put_gemm(Text *t, int n, int rows, int k, int columns) {
  layer(t, n,
        "%%#1 = input {name=\"x#\"} : f32[%d,%d]\n%%#2 = input {name=\"r#\"} : f32[%d,%d]\n"
        "%%#3 = weight {name=\"#.weight\"} : f32[%d,%d]\n%%#4 = weight {name=\"#.bias\"} : f32[%d]\n"
        "%%#5 = gemm %%#1, %%#3, %%#4\n%%#6 = gelu %%#5\n%%#7 = add %%#6, %%#2\noutput %%#7 {name=\"y#\"}\n",
        rows, k, rows, columns, k, columns, columns);
}

static void put_conv(Text *t, int n, int h, int w, int in, int out) {
  layer(t, n,
        "%%#1 = input {name=\"x#\"} : f32[1,%d,%d,%d]\n%%#2 = weight {name=\"#.weight\"} : f32[3,3,%d,%d]\n"
        "%%#3 = weight {name=\"#.bias\"} : f32[%d]\n"
        "%%#4 = conv %%#1, %%#2, %%#3 {layout=nhwc kernel=[3,3] strides=[2,1] pads=[1,1,1,1]}\noutput %%#4 "
        "{name=\"y#\"}\n",
        h, w, in, in, out, out);
}

static void put_dwconv(Text *t, int n, int h, int w, int c) {
  layer(t, n,
        "%%#1 = input {name=\"x#\"} : f32[1,%d,%d,%d]\n%%#2 = weight {name=\"#.weight\"} : f32[7,7,%d]\n"
        "%%#3 = dwconv %%#1, %%#2 {pads=[3,3,3,3]}\n%%#4 = layernorm %%#3 {axes=[3] eps=1e-06}\noutput %%#4 "
        "{name=\"y#\"}\n",
        h, w, c, c);
}

static void put_stem(Text *t, int n, int h, int w, int out) {
  layer(t, n,
        "%%#1 = input {name=\"x#\"} : f32[1,3,%d,%d]\n%%#2 = patches %%#1 {kernel=[4,4] strides=[4,4]}\n"
        "%%#3 = weight {name=\"#.weight\"} : f32[48,%d]\n%%#4 = gemm %%#2, %%#3\n"
        "%%#5 = layernorm %%#4 {axes=[3] eps=1e-06}\noutput %%#5 {name=\"y#\"}\n",
        h, w, out);
}

static void put_downsample(Text *t, int n, int h, int w, int in, int out) {
  layer(t, n,
        "%%#1 = input {name=\"x#\"} : f32[1,%d,%d,%d]\n%%#2 = layernorm %%#1 {axes=[3] eps=1e-06}\n"
        "%%#3 = patches %%#2 {layout=nhwc kernel=[2,2] strides=[2,2]}\n%%#4 = weight {name=\"#.weight\"} : f32[%d,%d]\n"
        "%%#5 = gemm %%#3, %%#4\noutput %%#5 {name=\"y#\"}\n",
        h, w, in, 4 * in, out);
}

static void put_mlp(Text *t, int n, int h, int w, int c, int hidden, bool grn) {
  layer(t, n,
        "%%#1 = input {name=\"x#\"} : f32[1,%d,%d,%d]\n%%#2 = input {name=\"r#\"} : f32[1,%d,%d,%d]\n"
        "%%#3 = weight {name=\"#a.weight\"} : f32[%d,%d]\n%%#4 = gemm %%#1, %%#3\n%%#5 = gelu %%#4\n"
        "%%#6 = weight {name=\"#g.weight\"} : f32[%d]\n%%#7 = grn %%#5, %%#6 {axis=3 axes=[1,2] eps=1e-06}\n"
        "%%#8 = weight {name=\"#b.weight\"} : f32[%d,%d]\n%%#9 = gemm %s, %%#8\n%%#10 = add %%#9, %%#2\n"
        "output %%#10 {name=\"y#\"}\n",
        h, w, c, h, w, c, c, hidden, hidden, hidden, c, grn ? "%#7" : "%#5");
}

static void put_head(Text *t, int n, int h, int w, int c, int classes) {
  layer(t, n,
        "%%#1 = input {name=\"x#\"} : f32[1,%d,%d,%d]\n%%#2 = reduce_mean %%#1 {axes=[1,2] keepdims=0}\n"
        "%%#3 = layernorm %%#2 {axes=[1] eps=1e-06}\n%%#4 = weight {name=\"#.weight\"} : f32[%d,%d]\n"
        "%%#5 = gemm %%#3, %%#4\noutput %%#5 {name=\"y#\"}\n",
        h, w, c, c, classes);
}

/* All families at c channels; the other sizes lie around edges of tiles. */
static void put_layers(Text *t, int first, int c, int index) {
  put_gemm(t, first, 13 + index, c, 33 + 5 * index);
  put_gemm(t, first + 1, 576 + index, 3, c);
  put_conv(t, first + 2, 5 + index, 8 - index, c, 7);
  put_conv(t, first + 3, 4, 15, 3, c);
  put_dwconv(t, first + 4, 3 + index, 13 + index, c);
  put_dwconv(t, first + 5, 2, 7 - index, c);
  put_stem(t, first + 6, 17 + index, 30, c);
  put_downsample(t, first + 7, 7 + index, 8 - index, c, 7 + 16 * index);
  put_mlp(t, first + 8, 7, 7 - index, c, 16 + 16 * index, false);
  put_mlp(t, first + 9, 24, 24 + index, c < 8 ? c : 5, 32, false);
  put_mlp(t, first + 10, 5, 4 + index, c, 32, true);
  put_mlp(t, first + 11, 24, 24 + index, c < 8 ? c : 4, 16, true);
  put_head(t, first + 12, 7 - index, 3 + index, c, 10 + 6 * index);
}

static void verify(const char *paths, const char *more) {
  char command[512];
  snprintf(command, sizeof command, "%s verify folder --model=t.nir --random=1 --backends=c --paths=%s %s",
           NEXTC_BINARY, paths, more);
  Result r = run_shell(command);
  CHECK(!r.status);
  if (r.status || getenv("VERBOSE")) printf("%s\n%s%s\n", command, r.out, r.err);
  result_free(&r);
}

int main(void) {
  static const int channels[] = {1, 7, 40, 96};
  open_folder();
  Arena *arena = arena_new();
  Text model = {.arena = arena};
  text_puts(&model, "nir 1\nsource 0 \"random:1\"\ngraph \"t\"\n");
  for (int i = 0; i < 4; i++) put_layers(&model, 10 + 20 * i, channels[i], i);
  put_dwconv(&model, 90, 3, 13, 512);
  put_file("t.nir", model.at, model.len);
  CHECK(!mkdir("folder", 0777));
  for (int t = 0; t < target_count; t++) {
    const char *runner;
    TEST(targets[t].name);
    if (!can_run(&targets[t], &runner)) continue;
    const Foreign *f = runner ? foreign_row(targets[t].name) : NULL;
    if (f && !have_compiler(f->compiler)) continue;
    verify(targets[t].name,
           f ? arena_printf(arena, "--cc='%s -static -O1' --runner='%s'", f->compiler, runner) : "--cc='cc -O1'");
  }
  arena_free(arena);
  close_folder();
  return test_result();
}
