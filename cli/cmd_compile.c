/* nextc compile: a model to C files. */
#include "backend/compile.h"
#include "cli/cli.h"
#include <string.h>

static const OptionInfo options[] = {
    {"-o", "FILE.c", "where the C goes; the header stands beside it; -: both on standard output"},
    {"--name", "NAME", "prefix of every name in the output; default: the model file's name"},
    {"--target", "LIST",
     "code paths, of generic, v3, v4, aarch64 and riscv64; default: all but riscv64, the best\n"
     "is picked at run time"},
    WEIGHTS_OPTION,
    {"--weights-out", "FILE", "where the .weights file goes; default: beside the .c"},
    {"--hex", NULL, "inline weights as hexadecimal floats"},
    {"--byte-order", "little|big", "byte order of the .weights file (also in an object); default: little"},
    {"--strict-fp", NULL, "no rewrite that changes rounding"},
    LOAD_OPTIONS,
};

static int read_options(Context *c, const Args *args, CompileOptions *o) {
  const char *list = args_value(args, "--target");
  *o = (CompileOptions){
      .name = args_value(args, "--name"),
      .out = args_value(args, "-o"),
      .weights_out = args_value(args, "--weights-out"),
      .hex = args_value(args, "--hex") != NULL,
      .big_endian = args_choice(args, "--byte-order", 0) == 1,
      .strict_fp = args_value(args, "--strict-fp") != NULL,
  };
  args_weights(args, o);
  if (!o->out || !*o->out) return usage_error(c, args, "needs -o FILE.c (or -o - for standard output)");
  size_t length = strlen(o->out);
  if (strcmp(o->out, "-") && (length < 3 || strcmp(o->out + length - 2, ".c")))
    return usage_error(c, args, "the file of -o must end in .c, not '%s'", o->out);
  if (!is_header_path(o->out))
    return usage_error(c, args, "no #include can name a header like that of -o '%s'", o->out);
  if (o->weights_out && !strcmp(o->weights_out, "-"))
    return usage_error(c, args, "--weights-out needs a file name: weights don't go to standard output");
  if (o->name && !is_c_name(o->name))
    return usage_error(c, args, "--name must be a C identifier that is no word of C or C++, not '%s'", o->name);
  if (o->weights_out && o->mode_given && o->mode == WEIGHTS_INLINE)
    return usage_error(c, args, "--weights=inline writes no file for --weights-out");
  if (args_value(args, "--byte-order") && o->mode_given && o->mode == WEIGHTS_INLINE)
    return usage_error(c, args, "--weights=inline writes no file that --byte-order could be for");
  if (!strcmp(o->out, "-") && o->mode == WEIGHTS_OBJECT)
    return usage_error(c, args, "--weights=object needs a file name for -o");
  if (!strcmp(o->out, "-") && o->mode == WEIGHTS_FILE && !o->weights_out)
    return usage_error(c, args, "-o - with --weights=file needs --weights-out=FILE");
  if (list && !targets_from_list(c, "nextc compile", list, o)) return STATUS_USAGE;
  return STATUS_DONE;
}

static void show_step(void *user, const char *step, int percent) {
  (void)user;
  if (percent < 0)
    progress("%s", step);
  else
    progress("%s %d%%", step, percent);
}

static int run(Context *c, const Args *args) {
  CompileOptions o;
  Graph *g;
  int status = read_options(c, args, &o);
  if (!status) status = args_load(c, args, args->operands[0], &g);
  if (status) return status;
  o.progress = show_step;
  if (!compile_graph(c, g, &o)) status = STATUS_MODEL;
  graph_free(g);
  return status;
}

const Command command_compile = {
    .name = "compile",
    .operands = "MODEL -o FILE.c",
    .summary = "writes a model as one C99 file with its header, and its weights",
    .example = "nextc compile convnext_tiny.onnx -o convnext_tiny.c\n"
               "  cc -O2 convnext_tiny.c app.c -lm",
    .min_operands = 1,
    .max_operands = 1,
    OPTION_TABLE(options),
    .run = run,
};
