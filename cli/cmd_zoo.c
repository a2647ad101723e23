/* nextc zoo: the networks of the papers that are built in, and what they cost. */
#include "frontend/zoo.h"
#include "backend/model_info.h"
#include "cli/cli.h"
#include "frontend/yaml_model.h"
#include <string.h>

static const OptionInfo options[] = {
    {"--table", NULL,
     "parameters and multiply-accumulates (convolutions and linear layers) at each\n"
     "image size that the papers report"},
    {"--format", "text|json", "default: text; json is always the table"},
};

typedef struct {
  Context *context;
  bool json, table;
  int rows;
} Zoo;

static int64_t count_macs(const Graph *g) {
  int64_t macs = 0;
  FOR_EACH_OP(g, id) {
    const Op *op = op_at(g, id);
    if (op->result_count && !value_at(g, op->first_result)->constant) macs += op_macs(g, op);
  }
  return macs;
}

static void print_row(Zoo *z, const char *name, int64_t size, int64_t params, int64_t macs) {
  if (z->json)
    printf("%s{\"name\": \"%s\", \"size\": %lld, \"params\": %lld, \"macs\": %lld}", z->rows ? ",\n " : "", name,
           (long long)size, (long long)params, (long long)macs);
  else
    printf("%-28s %4lld  %11lld  %8.3f\n", name, (long long)size, (long long)params, (double)macs / 1e9);
  z->rows++;
}

static bool table_rows(Zoo *z, const ZooEntry *e, Arena *arena) {
  IntList sizes;
  const Node *root = zoo_description(z->context, arena, e->name);
  if (!root || !yaml_sizes(z->context, root, &sizes)) return false;
  for (size_t i = 0; i < sizes.count; i++) {
    int64_t params;
    Graph *g = build_yaml(z->context, root, e->name, sizes.at[i], NULL, 0, &params);
    if (!g) return false;
    print_row(z, e->name, sizes.at[i], params, count_macs(g));
    graph_free(g);
  }
  return true;
}

/* The first comment of a description says what it is. */
static void list_row(const ZooEntry *e) {
  const char *text = e->text + strspn(e->text, "# ");
  printf("zoo:%-28s %.*s\n", e->name, (int)strcspn(text, "\n"), text);
}

static int run(Context *c, const Args *args) {
  Zoo z = {.context = c, .json = args_choice(args, "--format", 0) == 1};
  z.table = z.json || args_value(args, "--table");
  if (z.json)
    fputs("[", stdout);
  else if (z.table)
    printf("%-28s %4s  %11s  %8s\n", "network", "size", "parameters", "GMACs");
  for (size_t i = 0; i < zoo_count; i++) {
    Arena *arena = arena_new();
    bool ok = true;
    if (z.table)
      ok = table_rows(&z, &zoo[i], arena);
    else
      list_row(&zoo[i]);
    arena_free(arena);
    if (!ok) return STATUS_MODEL;
  }
  if (z.json) fputs("]\n", stdout);
  return STATUS_DONE;
}

const Command command_zoo = {
    .name = "zoo",
    .operands = "",
    .summary = "lists the networks that are built in, each a MODEL by the name zoo:NAME or zoo:NAME@IMAGESIZE",
    .example = "nextc zoo --table",
    .min_operands = 0,
    .max_operands = 0,
    OPTION_TABLE(options),
    .run = run,
};
