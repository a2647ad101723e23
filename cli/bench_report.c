/* How timings are told: lines and a table of kernels, or JSON. */
#include "cli/bench.h"
#include "backend/lower.h"
#include "backend/model_info.h"
#include "backend/peak.h"
#include <stdlib.h>
#include <string.h>

double timing_best(const double *seconds, size_t count) {
  double best = seconds[0];
  for (size_t i = 1; i < count; i++)
    if (seconds[i] < best) best = seconds[i];
  return best;
}

static int compare(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

double timing_median(Context *c, const double *seconds, size_t count) {
  double *sorted = arena_copy(c->arena, seconds, sizeof *sorted * count);
  qsort(sorted, count, sizeof *sorted, compare);
  return count % 2 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
}

/* ---- figures of all ---- */
typedef struct {
  double best, median; /* seconds of a call */
  double gflops, peak; /* GFLOP/s */
} Figures;

static Figures figures_of(const Bench *b, const Timing *t) {
  Figures f = {.best = timing_best(t->runs, t->run_count)};
  if (f.best < 1e-9) f.best = 1e-9; /* nothing to do, and a clock of coarser steps: JSON has no 0/0 */
  f.median = timing_median(b->context, t->runs, t->run_count);
  f.gflops = 2e-9 * (double)(b->macs * b->images) / f.best;
  f.peak = 1e-9 * peak_flops(t->target) / timing_best(t->peaks, t->peak_count);
  return f;
}

/* ---- figures of kernels ---- */
typedef struct {
  const Kernel *kernel;
  const char *result; /* type of what its first step's group ends in */
  int calls;          /* in a call of the model */
  double seconds, flops, bytes;
} Row;

/* Multiply-accumulates of the group's operators. */
static int64_t group_macs(const Graph *g, int32_t group) {
  int64_t macs = 0;
  FOR_EACH_OP(g, id) {
    const Op *op = op_at(g, id);
    if (op->sched.kernel == group && !value_at(g, op->first_result)->constant) macs += op_macs(g, op);
  }
  return macs;
}

static const char *group_result(const Graph *g, int32_t group, Arena *arena) {
  const char *text = "";
  FOR_EACH_OP(g, id) {
    const Op *op = op_at(g, id);
    if (op->sched.kernel == group && !value_at(g, op->first_result)->constant)
      text = graph_type_text(g, type_of(g, op->first_result), arena);
  }
  return text;
}

/* The group's work is shared among its steps as their kernels' products are. */
static double step_macs(const Graph *g, const LoopProgram *p, const int64_t *products, size_t step) {
  int64_t all = 0, own = products[p->steps[step].kernel];
  for (size_t i = 0; i < p->step_count; i++)
    if (p->steps[i].group == p->steps[step].group) all += products[p->steps[i].kernel];
  return all ? (double)group_macs(g, p->steps[step].group) * (double)own / (double)all : 0;
}

static int by_time(const void *a, const void *b) {
  const Row *x = a, *y = b;
  return (x->seconds < y->seconds) - (x->seconds > y->seconds);
}

/* One row a kernel, the slowest first; none where the steps were not timed. */
static Row *kernel_rows(const Bench *b, const Timing *t, size_t *count) {
  Arena *arena = b->context->arena;
  const LoopProgram *p = lower_graph(b->graph, t->target, arena);
  int64_t *products = ARENA_ARRAY(arena, int64_t, p->kernel_count + 1);
  Row *rows = ARENA_ARRAY(arena, Row, p->kernel_count + 1);
  *count = 0;
  if (t->step_count != p->step_count) return rows;
  for (size_t i = 0; i < p->kernel_count; i++) products[i] = kernel_products(p->kernels[i]);
  for (size_t i = 0; i < p->step_count; i++) {
    Row *row = &rows[p->steps[i].kernel];
    row->kernel = p->kernels[p->steps[i].kernel];
    if (!row->calls) row->result = group_result(b->graph, p->steps[i].group, arena);
    row->calls += (int)b->images;
    row->seconds += t->steps[i];
    row->flops += 2 * step_macs(b->graph, p, products, i) * (double)b->images;
    row->bytes += (double)(kernel_bytes(row->kernel) * b->images);
  }
  *count = p->kernel_count;
  qsort(rows, *count, sizeof *rows, by_time);
  return rows;
}

/* GFLOP/s that the roofline allows: the peak, or what memory can feed. 0: memory was not measured. */
static double roof_of(const Timing *t, const Figures *f, const Row *row) {
  if (!t->read || !row->bytes) return 0;
  const double fed = 1e-9 * t->read * row->flops / row->bytes;
  return fed < f->peak ? fed : f->peak;
}

/* ---- text ---- */
static void print_row(const Timing *t, const Figures *f, double total, const Row *row) {
  const double ms = 1e3 * row->seconds, rate = row->seconds > 0 ? 1e-9 * row->flops / row->seconds : 0;
  printf("  %-6s %-16s %-20s %5d %9.3f %5.1f %8.2f", row->kernel->name, row->kernel->family, row->result, row->calls,
         ms, 100 * row->seconds / total, 1e-6 * row->bytes);
  if (row->flops > 0) printf(" %7.2f %8.2f %6.1f", row->flops / row->bytes, rate, 100 * rate / f->peak);
  if (row->flops > 0 && roof_of(t, f, row) > 0) printf(" %6.1f", 100 * rate / roof_of(t, f, row));
  putchar('\n');
}

static void print_kernels(const Bench *b, const Timing *t, const Figures *f) {
  size_t count;
  const Row *rows = kernel_rows(b, t, &count);
  double sum = 0;
  for (size_t i = 0; i < count; i++) sum += rows[i].seconds;
  if (!count) return;
  printf("\n  %-6s %-16s %-20s %5s %9s %5s %8s %7s %8s %6s %6s\n", "kernel", "family", "result", "calls", "ms", "%",
         "MB", "FLOP/B", "GFLOP/s", "% peak", t->read > 0 ? "% roof" : "");
  for (size_t i = 0; i < count; i++) print_row(t, f, sum, &rows[i]);
  printf("  %-50s %9.3f   the fastest time of each step, added up\n\n", "sum", 1e3 * sum);
}

void bench_print_text(const Bench *b, const Timing *timings, size_t count) {
  printf("%s: %.4g GMACs an image, %lld image%s a call\n", b->name, (double)b->macs / 1e9, (long long)b->images,
         b->images == 1 ? "" : "s");
  for (size_t i = 0; i < count; i++) {
    const Timing *t = &timings[i];
    const Figures f = figures_of(b, t);
    printf("%s (%s), path %s, %d thread%s", t->backend, t->compiler, t->target->name, t->threads,
           t->threads == 1 ? "" : "s");
    if (t->cpus) printf(" on %d CPU%s", t->cpus, t->cpus == 1 ? "" : "s");
    printf(": %zu run%s\n  fastest %.3f ms, median %.3f ms, ", t->run_count, t->run_count == 1 ? "" : "s", 1e3 * f.best,
           1e3 * f.median);
    printf("%.2f GFLOP/s, %.1f %% of the peak of %.2f GFLOP/s", f.gflops, 100 * f.gflops / f.peak, f.peak);
    if (t->read > 0) printf(", memory reads %.1f GB/s", 1e-9 * t->read);
    putchar('\n');
    print_kernels(b, t, &f);
  }
}

/* ---- JSON ---- */
static void json_kernels(const Bench *b, const Timing *t, const Figures *f) {
  size_t count;
  const Row *rows = kernel_rows(b, t, &count);
  printf("\n  \"kernels\": [");
  for (size_t i = 0; i < count; i++) {
    const Row *r = &rows[i];
    printf("%s\n   {\"name\": \"%s\", ", i ? "," : "", r->kernel->name);
    printf("\"family\": \"%s\", \"result\": ", r->kernel->family);
    json_string(stdout, r->result);
    printf(", \"calls\": %d, \"ms\": %.6f, \"flops\": %.0f, \"bytes\": %.0f, \"roof_gflops\": %.3f}", r->calls,
           1e3 * r->seconds, r->flops, r->bytes, r->flops > 0 ? roof_of(t, f, r) : 0);
  }
  putchar(']');
}

void bench_print_json(const Bench *b, const Timing *timings, size_t count) {
  putchar('[');
  for (size_t i = 0; i < count; i++) {
    const Timing *t = &timings[i];
    const Figures f = figures_of(b, t);
    printf("%s\n {\"backend\": \"%s\", \"compiler\": ", i ? "," : "", t->backend);
    json_string(stdout, t->compiler);
    printf(", \"path\": \"%s\", \"threads\": %d, \"cpus\": %d, \"images\": %lld, \"runs\": %zu,\n", t->target->name,
           t->threads, t->cpus, (long long)b->images, t->run_count);
    printf("  \"min_ms\": %.6f, \"median_ms\": %.6f, \"gflops\": %.4f, \"peak_gflops\": %.4f, \"peak_flops\": %.0f, "
           "\"read_gb_s\": %.3f,",
           1e3 * f.best, 1e3 * f.median, f.gflops, f.peak, peak_flops(t->target), 1e-9 * t->read);
    json_kernels(b, t, &f);
    putchar('}');
  }
  printf("\n]\n");
}
