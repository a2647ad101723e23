/* nextc export: a network as its description in YAML. */
#include "cli/cli.h"
#include "cli/process.h"
#include "frontend/export_yaml.h"
#include <string.h>

static const OptionInfo options[] = {
    {"-o", "FILE.yaml", "where it goes; default and -: standard output"},
    LOAD_OPTIONS,
};

static int run(Context *c, const Args *args) {
  const char *out = args_value(args, "-o");
  Graph *g;
  int status = args_load(c, args, args->operands[0], &g);
  if (status) return status;
  const char *text = export_yaml(g, c->arena);
  progress_end();
  if (!text)
    status = STATUS_MODEL;
  else if (!out || !strcmp(out, "-"))
    fputs(text, stdout);
  else if (!replace_file(c, out, text, strlen(text)))
    status = STATUS_MODEL;
  graph_free(g);
  return status;
}

const Command command_export = {
    .name = "export",
    .operands = "MODEL",
    .summary = "writes a model's description in YAML (docs/yaml.md); weights are not in it",
    .example = "nextc export convnext_tiny.onnx -o convnext_tiny.yaml",
    .min_operands = 1,
    .max_operands = 1,
    OPTION_TABLE(options),
    .run = run,
};
