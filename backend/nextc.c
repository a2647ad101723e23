/* The public C API (include/nextc.h) on top of the library's own functions. */
#include "nextc.h"
#include "backend/compile.h"
#include "backend/model_info.h"
#include "frontend/frontend.h"
#include "passes/passes.h"

#ifndef NEXTC_VERSION
#error "the build defines NEXTC_VERSION"
#endif

struct nextc_context {
  Context *context;
};

struct nextc_model {
  Graph *graph;
};

const char *nextc_version(void) { return NEXTC_VERSION; }

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

nextc_model *nextc_load(nextc_context *c, const char *path, const nextc_dim *dims, size_t dim_count) {
  DimPin *pins = ARENA_ARRAY(c->context->arena, DimPin, dim_count + 1);
  for (size_t i = 0; i < dim_count; i++) {
    pins[i] = (DimPin){dims[i].name, dims[i].value};
    if (dims[i].value < 1 && !error_in(c->context, path, "dimension '%s' must be 1 or more", dims[i].name)) return NULL;
  }
  Graph *g = load_model(c->context, path, pins, dim_count);
  if (!g) return NULL;
  nextc_model *m = ARENA_NEW(g->arena, nextc_model);
  m->graph = g;
  return m;
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
  complete_schedule(m->graph);
  ModelInfo info = model_info(m->graph);
  *out = (nextc_info){info.macs, info.params, info.weight_bytes, info.workspace_bytes};
  return 1;
}

int nextc_compile(nextc_model *m, const char *out, const nextc_compile_options *options) {
  static const WeightsMode modes[] = {
      [NEXTC_WEIGHTS_INLINE] = WEIGHTS_INLINE,
      [NEXTC_WEIGHTS_FILE] = WEIGHTS_FILE,
      [NEXTC_WEIGHTS_OBJECT] = WEIGHTS_OBJECT,
  };
  Context *c = m->graph->context;
  nextc_compile_options o = {.name = NULL};
  if (options) o = *options;
  if (o.weights < 0 || o.weights > NEXTC_WEIGHTS_OBJECT)
    return error_in(c, out, "unknown way %d of weights", o.weights);
  if (o.name && !is_c_name(o.name)) return error_in(c, out, "'%s' cannot stand in front of C names", o.name);
  CompileOptions internal = {.name = o.name,
                             .out = out,
                             .weights_out = o.weights_out,
                             .mode_given = o.weights != NEXTC_WEIGHTS_AUTO,
                             .mode = modes[o.weights],
                             .hex = o.hex != 0,
                             .big_endian = o.big_endian != 0,
                             .strict_fp = o.strict_fp != 0};
  if (o.targets && !targets_from_list(c, out, o.targets, &internal)) return 0;
  return compile_graph(c, m->graph, &internal);
}
