/* Descriptions of networks; see export_yaml.h. Options are read off the graph (export_facts.c), a description is
 * written from them, and what it builds must be the graph. For family resnet, whose options leave fewer traces, the
 * networks of the path are tried one by one. */
#include "frontend/export_yaml.h"
#include "frontend/export_facts.h"
#include "frontend/export_steps.h"
#include "frontend/normal_form.h"
#include "frontend/yaml_model.h"
#include "frontend/zoo.h"
#include "ir/graph_edit.h"
#include "ir/nir.h"
#include "passes/passes.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  Graph *g;
  Arena *arena;
  ExportFacts facts;
  double elements;   /* of all weights */
  const char *input; /* the lines on input and output */
  const char *notes;
  const char
      *folded; /* the graph as anonymous text, its scales and shifts in weights: these may be spelt in many ways */
} Export;

/* ---- pieces ---- */

static void put_list(Text *t, const char *key, const int64_t *list, size_t count, int64_t divisor) {
  text_printf(t, "%s: [", key);
  for (size_t i = 0; i < count; i++) text_printf(t, "%s%lld", i ? ", " : "", (long long)(list[i] / divisor));
  text_puts(t, "]\n");
}

/* The shortest decimal of the f32 nearest to x. */
static void put_float(Text *t, const char *key, double x) {
  char text[32];
  for (int digits = 1; digits <= 9; digits++) {
    snprintf(text, sizeof text, "%.*g", digits, (double)(float)x);
    if ((float)strtod(text, NULL) == (float)x) break;
  }
  text_printf(t, "%s: %s", key, text);
  text_putc(t, '\n');
}

static const char *dim_text(const Graph *g, Arena *a, Dim d) {
  Text t = {.arena = a};
  nir_dim(&t, g, d);
  return text_string(&t);
}

/* Lines on the one input and the one output; NULL: not one image in and one tensor out. */
static const char *port_lines(const Graph *g, Arena *a) {
  const Op *in = NULL, *out = NULL;
  Text t = {.arena = a};
  int count = 0;
  FOR_EACH_OP(g, id) {
    const Op *op = op_at(g, id);
    if (op->kind == OP_input) in = op, count++;
    if (op->kind == OP_output) out = op, count++;
  }
  const Type *x = in ? type_of(g, in->first_result) : NULL;
  if (count != 2 || !in || !out || x->rank != 4 || x->dtype != DT_f32) return NULL;
  text_printf(&t, "input: {name: %s, ", yaml_quoted(a, in->attrs.name));
  const Dim batch = g->batch_symbol >= 0 ? dim_symbol(g->batch_symbol, 1) : g->batch != 1 ? g->batch : x->dim[0];
  if (batch != 1) text_printf(&t, "batch: %s, ", dim_text(g, a, batch));
  text_printf(&t, "channels: %s, size: ", dim_text(g, a, x->dim[1]));
  if (x->dim[2] == x->dim[3])
    text_puts(&t, dim_text(g, a, x->dim[2]));
  else
    text_printf(&t, "[%s, %s]", dim_text(g, a, x->dim[2]), dim_text(g, a, x->dim[3]));
  text_printf(&t, "}\noutput: %s\n", yaml_quoted(a, out->attrs.name));
  return text_string(&t);
}

static void put_floats(Text *t, Floats list) {
  for (int i = 0; i < list.count; i++) {
    text_puts(t, i ? ", " : "[");
    text_double(t, list.at[i]);
  }
  text_putc(t, ']');
}

static const char *note_lines(const Graph *g, Arena *a) {
  const Notes *n = &g->notes;
  Text t = {.arena = a};
  if (n->preprocess) {
    text_puts(&t, "preprocess: {mean: ");
    put_floats(&t, n->mean);
    text_puts(&t, ", std: ");
    put_floats(&t, n->std);
    text_puts(&t, ", crop: ");
    text_double(&t, n->crop);
    text_printf(&t, "%s, interpolation: %s}\n", n->squash ? ", resize: squash" : "", n->interpolation);
  }
  for (int i = 0; i < n->label_count; i++)
    text_printf(&t, "%s  - %s\n", i ? "" : "labels:\n", yaml_quoted(a, n->labels[i]));
  return text_string(&t);
}

/* ---- does a description build the graph? ---- */

static const char *fold(Graph *g, Arena *a) {
  const PassOptions options = {0};
  fold_weights(g, &options);
  canonicalise(g, &options);
  return graph_print_anonymous(g, a, false);
}

static double weight_elements(const Graph *g) {
  double sum = 0;
  FOR_EACH_OP(g, id) {
    const Op *op = op_at(g, id);
    if (op->kind == OP_weight && dtype_is_float((DType)type_of(g, op->first_result)->dtype))
      sum += (double)type_elements(type_of(g, op->first_result));
  }
  return sum;
}

/* A description as a graph; NULL: it isn't one. */
static Graph *described(Context *quiet, const char *text) {
  const Node *root = yaml_parse(quiet, quiet->arena, "export", text, strlen(text));
  if (root) root = yaml_with_base(quiet, quiet->arena, root);
  return root ? build_yaml(quiet, root, "export", 0, NULL, 0, NULL) : NULL;
}

static bool same_program(const char *text, const char *wanted) {
  Context *quiet = context_new();
  Graph *g = described(quiet, text);
  bool same = g && !strcmp(graph_print_anonymous(g, quiet->arena, false), wanted);
  graph_free(g);
  context_free(quiet);
  return same;
}

/* Both folded, since scales and shifts may be spelt in many ways; but then a parameter that is folded must have a
 * place: the network has no more of them than the description. (It may have fewer, where exporters share what is
 * equal.) */
static bool builds(Export *e, const char *text) {
  Context *quiet = context_new();
  Graph *g = described(quiet, text);
  bool same = false;
  if (g) {
    normal_form(g);
    same = e->elements <= weight_elements(g);
    same = !strcmp(fold(g, quiet->arena), e->folded) && same;
  }
  graph_free(g);
  context_free(quiet);
  return same;
}

/* ---- family convnext ---- */

static const char *whole(Export *e, Text *options) {
  return arena_printf(e->arena, "name: %s\n%s%s%s", yaml_quoted(e->arena, e->g->name), text_string(options), e->input,
                      e->notes);
}

static void put_kernels(Text *t, const ExportFacts *f) {
  bool equal = true;
  for (size_t i = 1; i < f->stages; i++) equal = equal && f->kernels[i] == f->kernels[0];
  if (equal && f->kernels[0] != 7) text_printf(t, "kernel: %lld\n", (long long)f->kernels[0]);
  if (!equal) put_list(t, "kernel", f->kernels, f->stages, 1);
}

static const char *convnext(Export *e, const char *stem) {
  const ExportFacts *f = &e->facts;
  Text t = {.arena = e->arena};
  text_puts(&t, "family: convnext\n");
  put_list(&t, "depths", f->depths, f->stages, 1);
  put_list(&t, "dims", f->dims, f->stages, 1);
  put_kernels(&t, f);
  if (stem)
    text_printf(&t, "stem: %s\n", stem);
  else if (f->patch != 4)
    text_printf(&t, "patch: %lld\n", (long long)f->patch);
  if (f->norm) text_printf(&t, "norm: %s\n", f->norm);
  if (!f->stem_norm) text_puts(&t, "stem_norm: false\n");
  if (f->first_downsample) text_puts(&t, "first_downsample: true\n");
  if (f->first_dilated && f->first_dilated < 20)
    text_printf(&t, "output_stride: %lld\n",
                (long long)((stem ? 4 : f->patch) << (f->first_dilated - !f->first_downsample)));
  if (f->grn) text_puts(&t, "grn: true\n");
  if (f->layer_scale == f->grn) text_printf(&t, "layer_scale: %s\n", f->layer_scale ? "true" : "false");
  if (f->expand != 4) text_printf(&t, "expand: %lld\n", (long long)f->expand);
  if (f->act && strcmp(f->act, "gelu")) text_printf(&t, "act: %s\n", f->act);
  if (!f->bias) text_puts(&t, "bias: false\n");
  if (f->mlp_bias != f->bias) text_printf(&t, "mlp_bias: %s\n", f->mlp_bias ? "true" : "false");
  if ((float)f->eps != 1e-6F) put_float(&t, "eps", f->eps);
  if ((float)f->head_eps != (float)f->eps) put_float(&t, "head_eps", f->head_eps);
  if (f->grn && (float)f->grn_eps != 1e-6F) put_float(&t, "grn_eps", f->grn_eps);
  if (f->pool_max || !f->pool_mean)
    text_printf(&t, "pool: %s\n", !f->pool_max ? "none" : f->pool_mean ? "avgmax" : "max");
  if (f->head_norm_first) text_puts(&t, "head_norm_first: true\n");
  if (f->head_hidden) text_printf(&t, "head_hidden: %lld\n", (long long)f->head_hidden);
  if (f->classes != 1000) text_printf(&t, "classes: %lld\n", (long long)f->classes);
  return whole(e, &t);
}

static const char *try_convnext(Export *e) {
  static const char *const stems[] = {"overlap", "overlap_tiered", "overlap_act", NULL};
  for (int folded_scale = 0; folded_scale < 2; folded_scale++) {
    for (size_t i = e->facts.patch ? 3 : 0; i < 4; i++) {
      const char *text = convnext(e, stems[i]);
      if ((stems[i] || e->facts.patch) && builds(e, text)) return text;
    }
    if (e->facts.layer_scale) return NULL;
    e->facts.layer_scale = true;
  }
  return NULL;
}

/* ---- family resnet ---- */

static const char *resnet(Export *e, const char *base, int64_t divisor) {
  const ExportFacts *f = &e->facts;
  Text t = {.arena = e->arena};
  text_printf(&t, "base: %s\n", base);
  put_list(&t, "depths", f->depths, f->stages, 1);
  put_list(&t, "dims", f->dims, f->stages, divisor);
  if (f->classes != 1000) text_printf(&t, "classes: %lld\n", (long long)f->classes);
  return whole(e, &t);
}

static const char *try_resnet(Export *e) {
  for (size_t i = 0; i < zoo_count; i++)
    for (int64_t divisor = 1; divisor <= 4 && !strncmp(zoo[i].name, "path_", 5); divisor += 3) {
      const char *text = resnet(e, zoo[i].name, divisor);
      if (builds(e, text)) return text;
    }
  return NULL;
}

/* ---- all ---- */

/* Passes after these pack weights and group operators. */
static bool as_good_as_read(const char *last_pass) {
  static const char *const harmless[] = {
      "", "clean-import", "peel-batch", "recover-ops", "channels-last", "fold-weights", "canonicalise"};
  for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++)
    if (!strcmp(last_pass, harmless[i])) return true;
  return false;
}

/* g is changed by passes. NULL: no network of a family. */
static const char *family_yaml(Graph *g, Arena *arena, const char *notes) {
  Export e = {.g = g, .arena = arena, .input = port_lines(g, arena), .notes = notes};
  if (!e.input || !as_good_as_read(g->last_pass)) return NULL;
  normal_form(g);
  if (!export_facts(g, &e.facts)) return NULL;
  e.elements = weight_elements(g);
  e.folded = fold(g, arena);
  const char *text = try_convnext(&e);
  return text ? text : try_resnet(&e);
}

/* The general language. What it builds must be the program, whatever of its schedule was planned. */
static const char *general_yaml(Graph *g, Arena *arena, const char *notes) {
  const char *why, *text = export_steps(g, arena, &why);
  if (!text)
    return error_in(g->context, graph_file(g, 0), "no network of a family, and a description cannot say it: %s", why),
           NULL;
  FOR_EACH_OP(g, id) op_at(g, id)->sched = sched_default();
  if (same_program(text, graph_print_anonymous(g, arena, false))) return arena_printf(arena, "%s%s", text, notes);
  return error_in(g->context, graph_file(g, 0), "no network of a family, and too large or strange for a description"),
         NULL;
}

const char *export_yaml(Graph *g, Arena *arena) {
  const char *notes = note_lines(g, arena);
  Graph *copy = graph_clone(g);
  const char *text = family_yaml(copy, arena, notes);
  graph_free(copy);
  return text ? text : general_yaml(g, arena, notes);
}
