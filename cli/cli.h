/* The command nextc: commands and their options are tables; this is what the rows are made of. */
#ifndef NEXTC_CLI_H
#define NEXTC_CLI_H
#include "backend/compile.h"
#include "frontend/frontend.h"
#include "ir/ir.h"
#include <stdio.h>

enum ExitStatus { STATUS_DONE = 0, STATUS_MODEL = 1, STATUS_USAGE = 2, STATUS_BUG = 3 };

/* argument: NULL: a flag; "FILE": any value; "text|json" (no capital letter): one of these words; in [] the value may
 * be left out and is then "". */
typedef struct {
  const char *name; /* "--format" or "-o" */
  const char *argument, *help;
} OptionInfo;

typedef struct Command Command;

typedef struct {
  const Command *command;
  struct {
    const OptionInfo *option;
    const char *value;
  } * given; /* in the order of the command line */
  size_t given_count, given_capacity;
  const char **operands;
  size_t operand_count, operand_capacity;
  bool help; /* --help or -h was given; nothing else was checked */
} Args;

struct Command {
  const char *name, *operands, *summary, *example;
  size_t min_operands, max_operands;
  const OptionInfo *options;
  size_t option_count;
  /* Returns an ExitStatus; errors are in the context, which main prints. */
  int (*run)(Context *, const Args *);
};
#define OPTION_TABLE(table) .options = (table), .option_count = sizeof(table) / sizeof *(table)

extern const Command command_bench, command_compile, command_export, command_inspect, command_opt, command_reduce,
    command_run, command_verify, command_zoo;

/* Options of every command that loads a model. */
#define DIM_OPTION                                                                                                     \
  { "--dim", "NAME=NUMBER", "gives the symbolic dimension NAME a value; may be repeated" }
#define WEIGHTS_FROM_OPTION                                                                                            \
  {                                                                                                                    \
    "--weights-from", "FILE|random:SEED",                                                                              \
        "weights for a description: .safetensors (or its .index.json), .npz,\n"                                        \
        "an .onnx file's, or random ones"                                                                              \
  }
#define LOAD_OPTIONS DIM_OPTION, WEIGHTS_FROM_OPTION

/* An option of every command that emits C. */
#define WEIGHTS_OPTION                                                                                                 \
  {                                                                                                                    \
    "--weights", "inline|file|object",                                                                                 \
        "in the .c, in a .weights file, or in a .S for the assembler;\n"                                               \
        "default: inline up to 1 MiB, else file"                                                                       \
  }

/* ---- args.c ---- */
/* Parses words (without program and command). Returns STATUS_DONE, or STATUS_USAGE with the error in the context. */
int args_parse(Context *, const Command *, int count, char *const *words, Args *out);
/* Value of an option of the command's table: NULL where it was not given, the last one where it was repeated. */
const char *args_value(const Args *, const char *name);
/* The same for a word of a fixed list: its index in the table's argument; `otherwise` where it was not given. */
int args_choice(const Args *, const char *name, int otherwise);
/* A number within [low, high]; *out is left alone where the option was not given. */
int args_number(Context *, const Args *, const char *name, double low, double high, double *out);
int args_count(Context *, const Args *, const char *name, double low, double high, double *out); /* a whole one */
/* "a,b,c" cut at the commas, in the context's arena; empty items are dropped. */
size_t split_list(Context *, const char *list, const char *const **out);
/* Adds "error: ..." and returns STATUS_USAGE. */
int usage_error(Context *, const Args *, const char *format, ...) PRINTF_LIKE(3, 4);
/* " (did you mean 'x'?)", or "". */
const char *did_you_mean(Context *, const char *word, const char *const *names, size_t count);
/* The --dim options. */
int args_pins(Context *, const Args *, DimPin **pins, size_t *count);
/* WEIGHTS_OPTION. */
void args_weights(const Args *, CompileOptions *);
/* load_model_from with LOAD_OPTIONS. */
int args_load(Context *, const Args *, const char *path, Graph **out);
/* The same with weights from elsewhere; NULL: none. */
int args_load_weights(Context *, const Args *, const char *path, const char *weights, Graph **out);

/* ---- help.c ---- */
void help_program(const Command *const *, size_t count);
void help_command(const Command *);

/* ---- report.c ---- */
void print_diagnostics(const Context *);
/* Text of JSON with quotes and escapes, '<' too, so that it may stand in a page's script element. */
void json_string(FILE *, const char *);
/* "f32[1,3,224,224]" with the graph's names for symbols. */
const char *graph_type_text(const Graph *, const Type *, Arena *);
/* A line on a terminal's standard error that the next one replaces; nothing elsewhere. */
void progress(const char *format, ...) PRINTF_LIKE(1, 2);
void progress_end(void);
#endif
