/* Help texts, made from the tables. */
#include "cli/cli.h"
#include <string.h>

void help_program(const Command *const *commands, size_t count) {
  puts("nextc: a compiler for models of the ConvNeXt family\n");
  puts("usage: nextc COMMAND ... [OPTION...]\n");
  for (size_t i = 0; i < count; i++) printf("  %-8s  %s\n", commands[i]->name, commands[i]->summary);
  puts("\nMODEL is a .onnx file, a description (.yaml, or zoo:NAME for one that is built in), a checkpoint folder\n"
       "(config.json and model.safetensors), or a .nir file (the text that 'nextc opt' prints).");
  puts("\n  nextc COMMAND --help   the command's options, with an example\n"
       "  nextc --version        the version\n\n"
       "exit status: 0 done; 1 the model or the data is wrong; 2 the command line is wrong; 3 a bug in nextc, or no "
       "memory");
}

/* "--format=text|json", "-o FILE", "--stats[=json|text]", "--hex" */
static int print_option_name(const OptionInfo *o) {
  if (!o->argument) return printf("  %s", o->name);
  if (*o->argument == '[') return printf("  %s[=%s", o->name, o->argument + 1);
  return printf("  %s%s%s", o->name, o->name[1] == '-' ? "=" : " ", o->argument);
}

/* Lines of a help text after the first stand in its column. */
static void print_help(const char *help, int column) {
  for (; *help; help++) {
    putchar(*help);
    if (*help == '\n') printf("%*s", column, "");
  }
  putchar('\n');
}

void help_command(const Command *c) {
  printf("usage: nextc %s %s [OPTION...]\n\n%s\n\n", c->name, c->operands, c->summary);
  enum { COLUMN = 32 };
  for (size_t i = 0; i < c->option_count; i++) {
    int width = print_option_name(&c->options[i]);
    if (width >= COLUMN) width = 0, putchar('\n');
    printf("%*s", COLUMN - width, "");
    print_help(c->options[i].help, COLUMN);
  }
  printf("%-*s%s\n", COLUMN, "  -h, --help", "this text");
  printf("\nexample:\n  %s\n", c->example);
}
