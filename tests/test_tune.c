/* nextc opt --tune: what it tries is possible everywhere, what it writes is the program with other tiles, and where it
 * fails nothing is written. Which tile wins is not looked at: other tests run at the same time. */
#include "tests/command.h"
#include "tests/lower_test.h"

#define FAMILY(name, inplace, doc) #name,
static const char *const families[] = {
#include "backend/families.def"
};
#undef FAMILY
enum { FAMILY_COUNT = sizeof families / sizeof *families };

static bool same(const TileChoice *a, const TileChoice *b) {
  return !strcmp(a->target, b->target) && a->rows == b->rows && a->columns == b->columns;
}

static void candidates(void) {
  TEST("candidates: legal, each once, in registers, the row's own among them");
  for (int t = 0; t < target_count; t++)
    for (int f = 0; f < FAMILY_COUNT; f++) {
      TileChoice all[MOST_TILES], own;
      const int count = tile_candidates(&targets[t], families[f], all);
      const Op first = {.sched = {.kernel = 0, .family = families[f]}};
      const bool has = tile_of_target(&targets[t], families[f], &own);
      int own_count = 0;
      CHECK(has ? count >= 4 && count < MOST_TILES : count == 0);
      for (int i = 0; i < count; i++) {
        CHECK(tile_fault(&first, &all[i]) == NULL);
        CHECK(all[i].rows * (all[i].columns / targets[t].lanes) + 2 <= targets[t].registers);
        own_count += same(&all[i], &own);
        for (int j = 0; j < i; j++) CHECK(!same(&all[i], &all[j]));
      }
      CHECK(own_count == has);
    }
}

/* Kernels with each candidate, by the loop evaluator on every target. */
static void kernels_of_candidates(void) {
  TEST("kernels_of_candidates");
  for (int k = 1; k <= 10; k++) {
    const LowerTest gemm = {.family = "gemm", .passes = true, .candidate = k};
    const LowerTest dwconv = {.family = "dwconv_layernorm", .passes = true, .candidate = k};
    const LowerTest mlp = {.family = "mlp", .passes = true, .candidate = k};
    lower_test(&gemm, "%1 = input {name=\"x\"} : f32[49,7]\n%2 = weight {name=\"w\"} : f32[7,97]\n%3 = weight "
                      "{name=\"b\"} : f32[97]\n"
                      "%4 = gemm %1, %2, %3\n%5 = gelu %4\noutput %5 {name=\"y\"}\n");
    lower_test(&dwconv,
               "%1 = input {name=\"x\"} : f32[1,3,19,20]\n%2 = weight {name=\"w\"} : f32[7,7,20]\n"
               "%3 = weight {name=\"b\"} : f32[20]\n%4 = dwconv %1, %2, %3 {pads=[3,3,3,3]}\noutput %4 {name=\"y\"}\n");
    lower_test(&mlp, "%1 = input {name=\"x\"} : f32[1,5,7,24]\n%2 = weight {name=\"w\"} : f32[24,96]\n%3 = weight "
                     "{name=\"b\"} : f32[96]\n"
                     "%4 = gemm %1, %2, %3\n%5 = gelu %4\n%6 = weight {name=\"v\"} : f32[96,24]\n"
                     "%7 = gemm %5, %6, _\n%8 = add %7, %1\noutput %8 {name=\"y\"}\n");
  }
}

/* ---- the command ---- */
static const char model[] = "nir 1\n"
                            "source 0 \"random:7\"\n"
                            "graph \"m\"\n"
                            "%1 = input {name=\"x\"} : f32[1,5,5,20]\n"
                            "%2 = weight {name=\"w\"} : f32[20,40]\n"
                            "%3 = weight {name=\"b\"} : f32[40]\n"
                            "%4 = gemm %1, %2, %3\n"
                            "%5 = weight {name=\"v\"} : f32[40,24]\n"
                            "%6 = gelu %4\n"
                            "%7 = gemm %6, %5, _\n"
                            "output %7 {name=\"y\"}\n";

/* `text` without the generic target's tiles, cut in place. */
static char *without_tiles(char *text) {
  for (char *at; (at = strstr(text, " generic.tile="));) {
    const char *end = at + 1 + strcspn(at + 1, " }");
    memmove(at, end, strlen(end) + 1);
  }
  return text;
}

static void tuned(void) {
  TEST("tuned: the same program but for tiles of the target, each a candidate");
  put_file("model.nir", model, strlen(model));
  put_file("empty", "", 0);
  Result r = run_nextc("opt model.nir -o plain.nir && mkdir -p tmp && TMPDIR=tmp '" NEXTC_BINARY
                       "' opt model.nir --tune=generic --rounds 1 --verify-each -o tuned.nir");
  CHECK(r.status == 0);
  CHECK_STR(r.err, "");
  CHECK_HAS(r.out, "path generic: ");
  CHECK_HAS(r.out, "family ");
  CHECK(files_in("tmp") == 0);
  result_free(&r);
  char *plain = get_file("plain.nir", NULL), *text = get_file("tuned.nir", NULL), *again;
  TileChoice all[MOST_TILES], own;
  const Target *generic = target_by_name("generic");
  const int count = tile_candidates(generic, "mlp", all);
  int tiles = 0, known = 0;
  for (const char *at = text; (at = strstr(at, "generic.tile=")); tiles++) {
    at += strlen("generic.tile=");
    own = (TileChoice){"generic", 0, 0};
    CHECK(sscanf(at, "%dx%d", &own.rows, &own.columns) == 2);
    for (int i = 0; i < count; i++) known += same(&own, &all[i]);
  }
  CHECK(tiles > 0 && known == tiles);
  r = run_nextc("opt tuned.nir -o again.nir && '" NEXTC_BINARY "' compile tuned.nir -o m.c && cc -c m.c -o m.o");
  CHECK(r.status == 0);
  result_free(&r);
  again = get_file("again.nir", NULL);
  CHECK_STR(again, text);
  CHECK_STR(without_tiles(text), without_tiles(plain));
  free(plain);
  free(text);
  free(again);
}

static void failures(void) {
  static const struct {
    const char *arguments, *message;
    int status;
  } rows[] = {
    {"--tune=generic --cc=false -o old.nir", "nextc opt: error: false failed with status 1: (it said nothing)\n", 1},
    {"--tune=generic --cc=no-such-compiler -o old.nir",
     "no-such-compiler: error: cannot run it: No such file or directory\n", 1},
    {"--tune=generic --cc=' ' -o old.nir", "nextc opt: error: no C compiler\n", 1},
#if defined(__x86_64__)
    {"--tune=aarch64 -o old.nir", "nextc opt: error: path aarch64 does not run on this machine\n", 1},
#else
    {"--tune=v3 -o old.nir", "nextc opt: error: path v3 does not run on this machine\n", 1},
#endif
    {"--tune --stop-after=clean-import -o old.nir", NULL, 1},
    {"--tune", "nextc opt: error: --tune needs -o FILE.nir for what it finds\n", 2},
    {"--tune=v9 -o old.nir", "nextc opt: error: --tune: unknown target 'v9'\n", 2},
    {"--tune --rounds 0 -o old.nir", NULL, 2},
    {"--cc=gcc -o old.nir", "nextc opt: error: --cc and --rounds are for --tune\n", 2},
    {"--rounds=3 -o old.nir", "nextc opt: error: --cc and --rounds are for --tune\n", 2},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    TEST(rows[i].arguments);
    char line[512];
    put_file("old.nir", "as it was", 9);
    snprintf(line, sizeof line, "mkdir -p tmp && TMPDIR=tmp '%s' opt model.nir %s", NEXTC_BINARY, rows[i].arguments);
    Result r = run_shell(line);
    CHECK(r.status == rows[i].status);
    CHECK_STR(r.out, "");
    if (rows[i].message) CHECK_STR(r.err, rows[i].message);
    CHECK(strchr(r.err, '\n') == strrchr(r.err, '\n') && *r.err);
    result_free(&r);
    char *text = get_file("old.nir", NULL);
    CHECK_STR(text, "as it was");
    free(text);
    CHECK(files_in("tmp") == 0);
  }
}

int main(void) {
  candidates();
  kernels_of_candidates();
  open_folder();
  tuned();
  failures();
  close_folder();
  return test_result();
}
