/* Strassen's products: weights packed for them in both evaluators; lowering over rows around tiles, blocks and halves,
 * odd numbers of rows, sizes around panels, whatever may stand behind; which gemms the pass takes, and which it leaves.
 */
#include "tests/lower_test.h"

static const LowerTest mlp_test = {.family = "mlp"}, gemm_test = {.family = "gemm"};

typedef enum { NOTHING, RESIDUAL, SCALED, WITHOUT_BIAS, GRN } Kind;

/* [1, 1, rows, c] through `hidden` to out. */
static void mlp(int rows, int c, int hidden, int out, Kind kind) {
  const char *behind = kind == RESIDUAL ? "%8 = add %7, %9\noutput %8 {name=\"y\"}\n"
                       : kind == SCALED ? "%8 = relu %7\n%12 = add %9, %8\noutput %12 {name=\"y\"}\n"
                                        : "output %7 {name=\"y\"}\n";
  char norm[200];
  snprintf(norm, sizeof norm, "%%13 = weight {name=\"g.weight\"} : f32[%d]\n%%14 = grn %%5, %%13 {axis=3 axes=[1,2]}\n",
           hidden);
  LOWER_TEST(&mlp_test,
             "%%1 = input {name=\"x\"} : f32[1,1,%d,%d]\n%%9 = input {name=\"r\"} : f32[1,1,%d,%d]\n"
             "%%2 = weight {name=\"a.weight\"} : f32[%d,%d]\n%%3 = weight {name=\"a.bias\"} : f32[%d]\n"
             "%%10 = pack %%2 {strassen=1}\n%%4 = gemm %%1, %%10%s {cols=%d strassen=1}\n%%5 = gelu %%4\n"
             "%s"
             "%%6 = weight {name=\"b.weight\"} : f32[%d,%d]\n%%11 = pack %%6 {strassen=1}\n"
             "%%7 = gemm %s, %%11 {cols=%d strassen=1}\n%s",
             rows, c, rows, out, c, hidden, hidden, kind == WITHOUT_BIAS ? "" : ", %3", hidden, kind == GRN ? norm : "",
             hidden, out, kind == GRN ? "%14" : "%5", out, behind);
}

static void sweep_mlp(void) {
  static const int rows[] = {1, 2, 3, 11, 12, 13, 14, 15, 27, 49, 98};
  TEST("rows");
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) mlp(rows[i], 6, 32, 32, RESIDUAL);
  TEST("channels");
  static const int channels[] = {2, 14, 40, 62};
  for (size_t i = 0; i < sizeof channels / sizeof *channels; i++) mlp(15, channels[i], 32, 32, NOTHING);
  TEST("columns");
  for (int panels = 2; panels < 6; panels++) mlp(9, 4, 32 * panels, 32 * (7 - panels), RESIDUAL);
  TEST("what stands behind");
  for (Kind kind = NOTHING; kind <= GRN; kind++) mlp(13, 4, 32, 32, kind);
  TEST("grn");
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) mlp(rows[i], 6, 64, 32, GRN);
  mlp(14, 8, 96, 160, GRN);
  mlp(576, 2, 32, 32, GRN);
  mlp(585, 4, 64, 32, GRN);
  TEST("blocks of rows");
  mlp(576, 2, 32, 32, RESIDUAL);
  mlp(577, 4, 32, 32, SCALED);
  mlp(1201, 2, 64, 32, WITHOUT_BIAS);
}

static void gemm(int rows, int c, int out, bool bias, bool behind) {
  LOWER_TEST(&gemm_test,
             "%%1 = input {name=\"x\"} : f32[%d,%d]\n%%9 = input {name=\"r\"} : f32[%d,%d]\n"
             "%%2 = weight {name=\"a.weight\"} : f32[%d,%d]\n%%3 = weight {name=\"a.bias\"} : f32[%d]\n"
             "%%10 = pack %%2 {strassen=1}\n%%4 = gemm %%1, %%10%s {cols=%d strassen=1}\n%s",
             rows, c, rows, out, c, out, out, bias ? ", %3" : "", out,
             behind ? "%5 = silu %4\n%6 = add %5, %9\noutput %6 {name=\"y\"}\n" : "output %4 {name=\"y\"}\n");
}

static void sweep_gemm(void) {
  TEST("a gemm alone");
  for (int rows = 1; rows < 60; rows += 13) gemm(rows, 8, 64, rows % 2, rows % 3);
  gemm(700, 2, 32, true, true);
  gemm(4, 50, 352, false, true);
}

/* ---- the pass ---- */

static const char block_lines[] =
    "nir 1\nsource 0 \"random:1\"\ngraph \"t\"\n"
    "%%1 = input {name=\"x\"} : f32[1,%d,1,%d]\n"
    "%%2 = weight {name=\"a.weight\"} : f32[%d,%d]\n%%3 = gemm %%1, %%2\n%%4 = gelu %%3\n%s"
    "%%5 = weight {name=\"b.weight\"} : f32[%d,%d]\n%%6 = gemm %s, %%5\n"
    "%%7 = add %%6, %%1\noutput %%7 {name=\"y\"}\n";

/* How many gemms of a block are by Strassen's products. */
static int taken(int rows, int channels, int hidden, bool grn, bool strict) {
  Context *c = context_new();
  char norm[200];
  snprintf(norm, sizeof norm, "%%8 = weight {name=\"g.weight\"} : f32[%d]\n%%9 = grn %%4, %%8 {axis=3 axes=[1,2]}\n",
           hidden);
  char *text = arena_printf(c->arena, block_lines, rows, channels, channels, hidden, grn ? norm : "", hidden, channels,
                            grn ? "%9" : "%4");
  Graph *g = graph_parse(c, "t.nir", text, strlen(text), open_source);
  CHECK(g && run_pipeline(g, &(PassOptions){.strict_fp = strict}, NULL, NULL, NULL) && complete_schedule(g));
  int count = 0;
  if (g) {
    FOR_EACH_OP(g, id) count += op_at(g, id)->kind == OP_gemm && op_at(g, id)->attrs.strassen;
    graph_free(g);
  }
  context_free(c);
  return count;
}

static void what_the_pass_takes(void) {
  TEST("blocks that are large enough");
  CHECK(taken(196, 96, 384, false, false) == 2);
  CHECK(taken(97, 160, 640, false, false) == 2);
  TEST("too few rows");
  CHECK(taken(95, 96, 384, false, false) == 0);
  TEST("too few channels");
  CHECK(taken(196, 64, 384, false, false) == 0);
  TEST("halves of channels in no whole panels");
  CHECK(taken(196, 112, 448, false, false) == 0);
  TEST("grn between the gemms");
  CHECK(taken(196, 96, 384, true, false) == 2);
  TEST("strict rounding");
  CHECK(taken(196, 96, 384, false, true) == 0);
}

int main(void) {
  sweep_mlp();
  sweep_gemm();
  what_the_pass_takes();
  return test_result();
}
