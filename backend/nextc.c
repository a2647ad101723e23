/* The public C API (include/nextc.h) on top of the library's own functions. */
#include "nextc.h"
#include "backend/compile.h"
#include "backend/jit.h"
#include "backend/llvm_jit.h"
#include "backend/model_info.h"
#include "frontend/frontend.h"
#include "passes/passes.h"
#include <stdlib.h>

#ifndef NEXTC_VERSION
#error "the build defines NEXTC_VERSION"
#endif

struct nextc_context {
  Context *context;
};

struct nextc_model {
  Graph *graph;
  nextc_tensor *inputs, *outputs; /* as declared */
  size_t input_count, output_count;
  const char **symbols;
  size_t symbol_count;
};

/* nextc_program is JitModel under its public name. */
static JitModel *jit_of(const nextc_program *p) { return (JitModel *)(uintptr_t)p; }

const char *nextc_version(void) { return NEXTC_VERSION; }

const char *nextc_error(int status) {
  static const char *const text[] = {
      [NEXTC_OK] = "no error",
      [NEXTC_BAD_ARGUMENT] = "an argument is NULL that must not be",
      [NEXTC_MISALIGNED] = "the workspace is not 64-byte aligned",
      [NEXTC_BAD_SYMBOL] = "the value of a symbol is out of range",
      [NEXTC_BAD_THREADS] = "threads is negative, or above 1 without parallel_for",
  };
  if (status == NEXTC_NO_MEMORY) return "no memory for a workspace";
  return status >= 0 && (size_t)status < sizeof text / sizeof *text ? text[status] : "unknown status";
}

nextc_context *nextc_context_new(void) {
  Context *c = context_new();
  nextc_context *out = ARENA_NEW(c->arena, nextc_context);
  out->context = c;
  return out;
}

void nextc_context_free(nextc_context *c) {
  if (c) context_free(c->context);
}

size_t nextc_message_count(const nextc_context *c) { return c->context->count; }

const char *nextc_message(const nextc_context *c, size_t index) {
  return index < c->context->count ? c->context->list[index].text : NULL;
}

int nextc_error_count(const nextc_context *c) { return c->context->errors; }

/* ---- models ---- */

static nextc_tensor declared_tensor(const Graph *g, const char *name, const Type *t) {
  nextc_tensor out = {.name = name ? arena_strdup(g->arena, name) : "", .dtype = t->dtype, .rank = t->rank};
  uint64_t elements = 1;
  for (int i = 0; i < t->rank; i++) {
    const int64_t coefficient = dim_coefficient(t->dim[i]);
    out.dim[i] = t->dim[i];
    if (!dim_is_number(t->dim[i])) out.dim[i] = coefficient == 1 ? -dim_symbol_of(t->dim[i]) - 1 : INT64_MIN;
    elements *= (uint64_t)coefficient;
  }
  out.bytes = (size_t)elements * dtype_bytes((DType)t->dtype);
  return out;
}

static nextc_tensor *declared_tensors(const Graph *g, OpKind kind, size_t *count) {
  size_t n = 0;
  FOR_EACH_OP(g, id) n += op_at(g, id)->kind == kind;
  nextc_tensor *out = ARENA_ARRAY(g->arena, nextc_tensor, n + 1);
  *count = 0;
  FOR_EACH_OP(g, id) {
    const Op *op = op_at(g, id);
    if (op->kind != kind) continue;
    const ValueId v = kind == OP_input ? op->first_result : op->operands[0];
    out[(*count)++] = declared_tensor(g, op->attrs.name, type_of(g, v));
  }
  return out;
}

static nextc_model *model_of(Graph *g) {
  nextc_model *m = ARENA_NEW(g->arena, nextc_model);
  m->graph = g;
  m->inputs = declared_tensors(g, OP_input, &m->input_count);
  m->outputs = declared_tensors(g, OP_output, &m->output_count);
  m->symbol_count = (size_t)g->symbol_count;
  m->symbols = arena_copy(g->arena, g->symbols, sizeof g->symbols);
  return m;
}

const nextc_tensor *nextc_model_inputs(const nextc_model *m, size_t *count) {
  *count = m->input_count;
  return m->inputs;
}

const nextc_tensor *nextc_model_outputs(const nextc_model *m, size_t *count) {
  *count = m->output_count;
  return m->outputs;
}

const char *const *nextc_model_symbols(const nextc_model *m, size_t *count) {
  *count = m->symbol_count;
  return m->symbols;
}

const char *nextc_pass_name(size_t index) { return index < (size_t)pipeline_length ? pipeline[index].name : NULL; }
const char *nextc_target_name(size_t index) { return index < (size_t)target_count ? targets[index].name : NULL; }

nextc_model *nextc_load(nextc_context *c, const char *path, const nextc_dim *dims, size_t dim_count) {
  return nextc_load_from(c, path, dims, dim_count, NULL);
}

nextc_model *nextc_load_from(nextc_context *c, const char *path, const nextc_dim *dims, size_t dim_count,
                             const char *weights) {
  DimPin *pins = ARENA_ARRAY(c->context->arena, DimPin, dim_count + 1);
  for (size_t i = 0; i < dim_count; i++) {
    pins[i] = (DimPin){dims[i].name, dims[i].value};
    if (dims[i].value < 1 && !error_in(c->context, path, "dimension '%s' must be 1 or more", dims[i].name)) return NULL;
  }
  Graph *g = load_model_from(c->context, path, pins, dim_count, weights);
  if (!g) return NULL;
  return model_of(g);
}

void nextc_model_free(nextc_model *m) {
  if (m) graph_free(m->graph);
}

int nextc_optimize(nextc_model *m, const char *stop_after, int strict_fp) {
  PassOptions options = {.strict_fp = strict_fp != 0};
  if (stop_after && pass_from_name(stop_after) < 0)
    return error_in(m->graph->context, NULL, "unknown pass '%s'", stop_after);
  return run_pipeline(m->graph, &options, stop_after, NULL, NULL);
}

const char *nextc_text(nextc_model *m, const char *folder) { return graph_print(m->graph, m->graph->arena, folder); }

int nextc_inspect(nextc_model *m, nextc_info *out) {
  if (!nextc_optimize(m, NULL, 0)) return 0;
  if (!complete_schedule(m->graph)) return 0;
  ModelInfo info = model_info(m->graph);
  *out = (nextc_info){info.macs, info.params, info.weight_bytes, info.workspace_bytes};
  return 1;
}

/* ---- C ---- */

static bool take_options(Context *c, const char *out, const nextc_compile_options *options, CompileOptions *internal) {
  static const WeightsMode modes[] = {
      [NEXTC_WEIGHTS_INLINE] = WEIGHTS_INLINE,
      [NEXTC_WEIGHTS_FILE] = WEIGHTS_FILE,
      [NEXTC_WEIGHTS_OBJECT] = WEIGHTS_OBJECT,
  };
  nextc_compile_options o = {.name = NULL};
  if (options) o = *options;
  if (o.weights < 0 || o.weights > NEXTC_WEIGHTS_OBJECT)
    return error_in(c, out, "unknown way %d of weights", o.weights);
  if (o.name && !is_c_name(o.name)) return error_in(c, out, "'%s' cannot stand in front of C names", o.name);
  *internal = (CompileOptions){.name = o.name,
                               .out = out,
                               .weights_out = o.weights_out,
                               .mode_given = o.weights != NEXTC_WEIGHTS_AUTO,
                               .mode = modes[o.weights],
                               .hex = o.hex != 0,
                               .big_endian = o.big_endian != 0,
                               .strict_fp = o.strict_fp != 0};
  return !o.targets || targets_from_list(c, out, o.targets, internal);
}

int nextc_compile(nextc_model *m, const char *out, const nextc_compile_options *options) {
  CompileOptions o;
  return take_options(m->graph->context, out, options, &o) && compile_graph(m->graph->context, m->graph, &o);
}

int nextc_emit_c(nextc_model *m, const nextc_compile_options *options, nextc_sources *out) {
  Context *c = m->graph->context;
  CompileOptions o;
  CMemory memory = {.c = NULL};
  *out = (nextc_sources){.c = NULL};
  if (!take_options(c, NULL, options, &o)) return 0;
  if (o.mode_given && o.mode == WEIGHTS_OBJECT) return error_in(c, NULL, "weights as an object need files");
  o.out = arena_printf(c->arena, "%s.c", o.name ? o.name : m->graph->name);
  o.memory = &memory;
  const bool good = compile_graph(c, m->graph, &o);
  *out = (nextc_sources){memory.c,       memory.h,       (unsigned char *)memory.weights,
                         memory.c_bytes, memory.h_bytes, memory.weight_bytes};
  if (!good) nextc_sources_free(out);
  return good;
}

void nextc_sources_free(nextc_sources *s) {
  free(s->c);
  free(s->h);
  free(s->weights);
  *s = (nextc_sources){.c = NULL};
}

/* ---- programs ---- */

int nextc_has_jit(void) { return llvm_present(); }

nextc_program *nextc_jit(nextc_model *m, const nextc_jit_options *options) {
  Context *c = m->graph->context;
  nextc_jit_options o = {.target = NULL};
  if (options) o = *options;
  JitOptions internal = {.no_cache = o.no_cache != 0};
  if (o.target && !(internal.target = target_by_name(o.target))) {
    error_in(c, m->graph->name, "unknown target '%s'", o.target);
    return NULL;
  }
  if (!nextc_optimize(m, NULL, o.strict_fp)) return NULL;
  if (!complete_schedule(m->graph)) return NULL;
  return (nextc_program *)jit_new(c, m->graph, &internal);
}

void nextc_program_free(nextc_program *p) { jit_free(jit_of(p)); }
const nextc_tensor *nextc_program_inputs(const nextc_program *p, size_t *count) { return jit_inputs(jit_of(p), count); }
const nextc_tensor *nextc_program_outputs(const nextc_program *p, size_t *count) {
  return jit_outputs(jit_of(p), count);
}
const char *const *nextc_program_symbols(const nextc_program *p, size_t *count) {
  return jit_symbols(jit_of(p), count);
}
const char *nextc_program_target(const nextc_program *p) { return jit_target(jit_of(p))->name; }
size_t nextc_workspace_bytes(const nextc_program *p, int threads) { return jit_workspace_bytes(jit_of(p), threads); }
int nextc_invoke(const nextc_program *p, const nextc_call *call) {
  return p ? jit_invoke(jit_of(p), call) : NEXTC_BAD_ARGUMENT;
}
