/* Compiled models in memory; see memory.h. */
#include "cli/memory.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The value of the compiled model's symbol, which is one of the declared graph's. */
static int64_t symbol_value(const JitModel *m, const Graph *declared, const Bindings *b) {
  size_t count;
  const char *const *names = jit_symbols(m, &count);
  for (int i = 0; count && i < declared->symbol_count; i++)
    if (!strcmp(declared->symbols[i], names[0])) return b->symbol[i];
  return 1;
}

static double now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static bool invoke(const JitModel *m, const Graph *declared, const DataSet *set, const Bindings *bindings,
                   nextc_pool *pool, void *const *outputs, double *ms) {
  const void *inputs[MAX_PORTS];
  const int64_t symbol = symbol_value(m, declared, bindings);
  const int threads = pool ? nextc_pool_threads(pool) : 1;
  const size_t bytes = jit_workspace_bytes(m, threads);
  void *workspace = ms ? NULL : aligned_alloc(64, bytes);
  if (!ms && !workspace) return error_in(declared->context, set->name, "no memory for a workspace of %zu bytes", bytes);
  if (workspace) memset(workspace, 0xFF, bytes);
  for (size_t i = 0; i < set->input_count; i++) inputs[i] = set->inputs[i].data;
  const nextc_call call = {.inputs = inputs,
                           .outputs = outputs,
                           .symbols = &symbol,
                           .workspace = workspace,
                           .threads = threads,
                           .parallel_for = pool ? nextc_pool_run : NULL,
                           .parallel_user = pool};
  const double start = now_ms();
  const int status = jit_invoke(m, &call);
  if (ms) *ms = now_ms() - start;
  free(workspace);
  return !status || error_in(declared->context, set->name, "%s", nextc_error(status));
}

bool memory_run(const JitModel *m, const Graph *declared, const DataSet *set, nextc_pool *pool, Tensor *outputs,
                size_t output_count, double *ms) {
  Bindings bindings;
  OpId ports[MAX_PORTS];
  void *bytes[MAX_PORTS] = {NULL};
  memset(outputs, 0, sizeof *outputs * output_count);
  if (!bind_symbols(declared, set, &bindings)) return false;
  const size_t count = graph_ports(declared, OP_output, ports, MAX_PORTS);
  bool good = true;
  for (size_t i = 0; i < count; i++) {
    const Type type = type_bound(type_of(declared, op_at(declared, ports[i])->operands[0]), &bindings);
    if (!(bytes[i] = malloc(type_bytes(&type) + 1))) good = error_in(declared->context, set->name, "no memory");
    if (i < output_count) outputs[i] = tensor_new(&type);
  }
  good = good && invoke(m, declared, set, &bindings, pool, bytes, ms);
  for (size_t i = 0; good && i < output_count; i++) tensor_load(&outputs[i], bytes[i]);
  for (size_t i = 0; i < count; i++) free(bytes[i]);
  return good;
}
