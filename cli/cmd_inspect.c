/* nextc inspect: what a model is and costs. */
#include "backend/model_info.h"
#include "cli/cli.h"
#include "passes/passes.h"
#include <string.h>

static const OptionInfo options[] = {
    {"--format", "text|json", "default: text"},
    {"--strict-fp", NULL, "no rewrite that changes rounding"},
    LOAD_OPTIONS,
};

/* ---- json ---- */
static void json_type(const Graph *g, const Type *t) {
  printf(", \"dtype\": \"%s\", \"shape\": [", dtype_name((DType)t->dtype));
  for (int i = 0; i < t->rank; i++) {
    if (i) fputs(", ", stdout);
    if (dim_is_number(t->dim[i])) {
      printf("%lld", (long long)t->dim[i]);
    } else {
      const char *name = g->symbols[dim_symbol_of(t->dim[i])];
      int64_t coefficient = dim_coefficient(t->dim[i]);
      json_string(stdout, coefficient == 1 ? name : arena_printf(g->arena, "%lld*%s", (long long)coefficient, name));
    }
  }
  putchar(']');
}

/* An input's value is its result, an output's its operand. */
static const Type *port_type(const Graph *g, const Op *op) {
  return type_of(g, op->kind == OP_output ? op->operands[0] : op->first_result);
}

static void json_ports(const Graph *g, OpKind kind) {
  const char *separator = "";
  FOR_EACH_OP(g, id) {
    const Op *op = op_at(g, id);
    if (op->kind != kind) continue;
    printf("%s{\"name\": ", separator);
    json_string(stdout, op->attrs.name ? op->attrs.name : "");
    json_type(g, port_type(g, op));
    putchar('}');
    separator = ", ";
  }
}

static void json_ops(const int64_t *ops) {
  const char *separator = "";
  for (int i = 0; i < OP_COUNT; i++) {
    if (!ops[i]) continue;
    printf("%s\"%s\": %lld", separator, op_info[i].name, (long long)ops[i]);
    separator = ", ";
  }
}

static void print_json(const Graph *declared, const ModelInfo *info) {
  fputs("{\"name\": ", stdout);
  json_string(stdout, declared->name);
  fputs(",\n \"inputs\": [", stdout);
  json_ports(declared, OP_input);
  fputs("],\n \"outputs\": [", stdout);
  json_ports(declared, OP_output);
  fputs("],\n \"ops\": {", stdout);
  json_ops(info->ops);
  printf("},\n \"gmacs\": %.12g,\n \"params\": %lld,\n \"weight_bytes\": %lld,\n \"workspace_bytes\": %lld}\n",
         (double)info->macs / 1e9, (long long)info->params, (long long)info->weight_bytes,
         (long long)info->workspace_bytes);
}

/* ---- text ---- */
static void text_ports(const Graph *g, OpKind kind, const char *word) {
  FOR_EACH_OP(g, id) {
    const Op *op = op_at(g, id);
    if (op->kind == kind)
      printf("  %-10s %s %s\n", word, graph_type_text(g, port_type(g, op), g->arena),
             op->attrs.name ? op->attrs.name : "");
  }
}

/* A line of the layer table: the ops of one group, made one after the other. */
typedef struct {
  const char *family, *ops, *node;
  const Type *type; /* of the last op */
  int64_t macs, params;
} Layer;

static void print_layer(const Graph *g, const Layer *l) {
  if (!l->family) return;
  printf("  %-17s %-20s %10.3f %10lld  %-34s %s\n", l->family, graph_type_text(g, l->type, g->arena),
         (double)l->macs / 1e6, (long long)l->params, l->ops, l->node);
}

static void add_to_layer(const Graph *g, Layer *l, const Op *op) {
  l->ops = l->ops ? arena_printf(g->arena, "%s %s", l->ops, op_info[op->kind].name) : op_info[op->kind].name;
  if (!*l->node && op->loc && op->loc->node) l->node = op->loc->node;
  l->type = type_of(g, op->first_result);
  l->macs += op_macs(g, op);
  for (uint32_t i = 0; i < op->operand_count; i++)
    if (op->operands[i] && value_at(g, op->operands[i])->constant) l->params += constant_params(g, op->operands[i]);
}

static void text_layers(const Graph *g) {
  printf("\n  %-17s %-20s %10s %10s  %-34s %s\n", "layer", "result", "MMAC", "params", "operators", "first node");
  Layer layer = {.node = ""};
  int32_t group = -1;
  FOR_EACH_OP(g, id) {
    const Op *op = op_at(g, id);
    if (op->sched.kernel < 0 || !op->sched.family) continue;
    if (op->sched.kernel != group) {
      print_layer(g, &layer);
      layer = (Layer){.family = op->sched.family, .node = ""};
      group = op->sched.kernel;
    }
    add_to_layer(g, &layer, op);
  }
  print_layer(g, &layer);
}

static void print_text(const Graph *declared, const Graph *g, const ModelInfo *info) {
  printf("%s\n", declared->name);
  text_ports(declared, OP_input, "input");
  text_ports(declared, OP_output, "output");
  bool images = g->batch_symbol >= 0 || g->batch > 1;
  printf("  %-10s %.4g%s\n", "GMACs", (double)info->macs / 1e9, images ? " (of one image)" : "");
  printf("  %-10s %lld\n", "parameters", (long long)info->params);
  printf("  %-10s %lld bytes\n", "weights", (long long)info->weight_bytes);
  printf("  %-10s %lld bytes with one thread\n", "workspace", (long long)info->workspace_bytes);
  text_layers(g);
}

/* Loads twice: inputs and outputs are told as the model declares them, the rest as it is compiled. */
static int run(Context *c, const Args *args) {
  Graph *declared = NULL, *g = NULL;
  int status = args_load(c, args, args->operands[0], &declared);
  if (!status) status = args_load(c, args, args->operands[0], &g);
  PassOptions pass_options = {.strict_fp = args_value(args, "--strict-fp") != NULL};
  if (!status && !(run_pipeline(g, &pass_options, NULL, NULL, NULL) && complete_schedule(g))) status = STATUS_MODEL;
  if (!status) {
    progress_end();
    ModelInfo info = model_info(g);
    if (args_choice(args, "--format", 0))
      print_json(declared, &info);
    else
      print_text(declared, g, &info);
  }
  if (declared) graph_free(declared);
  if (g) graph_free(g);
  return status;
}

const Command command_inspect = {
    .name = "inspect",
    .operands = "MODEL",
    .summary = "prints inputs, outputs, layers, GMACs, parameters, sizes",
    .example = "nextc inspect convnext_tiny.onnx --format=json",
    .min_operands = 1,
    .max_operands = 1,
    OPTION_TABLE(options),
    .run = run,
};
