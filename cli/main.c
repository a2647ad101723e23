/* The command nextc. One row a command; see cli.h. */
#include "cli/cli.h"
#include "cli/interrupt.h"
#include "nextc.h"
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static const Command *const commands[] = {&command_compile, &command_run,    &command_inspect,
                                          &command_opt,     &command_verify, &command_bench,
                                          &command_reduce,  &command_export, &command_zoo};
enum { COMMAND_COUNT = sizeof commands / sizeof *commands };

/* die() ends in abort(): a bug of nextc has an exit status of its own. */
static void leave_on_abort(int signal_number) {
  (void)signal_number;
  _exit(STATUS_BUG);
}

static const Command *find_command(const char *name) {
  for (size_t i = 0; i < COMMAND_COUNT; i++)
    if (!strcmp(commands[i]->name, name)) return commands[i];
  return NULL;
}

static int unknown_command(Context *c, const char *word) {
  const char *names[COMMAND_COUNT];
  for (size_t i = 0; i < COMMAND_COUNT; i++) names[i] = commands[i]->name;
  const char *what = word[0] == '-' ? "option" : "command";
  error_in(c, "nextc", "unknown %s '%s'%s (see 'nextc --help')", what, word,
           did_you_mean(c, word, names, COMMAND_COUNT));
  return STATUS_USAGE;
}

/* What came out must have reached its place: a full disk is an error, not a success. */
static int close_output(Context *c, int status) {
  if (!fflush(stdout) && !ferror(stdout)) return status;
  error_in(c, "nextc", "cannot write standard output: %s", strerror(errno));
  return status ? status : STATUS_MODEL;
}

static int run_command(Context *c, const Command *command, int count, char *const *words) {
  Args args;
  int status = args_parse(c, command, count, words, &args);
  if (status) return status;
  if (args.help) {
    help_command(command);
    return STATUS_DONE;
  }
  status = command->run(c, &args);
  return status == STATUS_DONE && c->errors ? STATUS_MODEL : status;
}

static int dispatch(Context *c, int argc, char *const *argv) {
  if (argc < 2) {
    error_in(c, "nextc", "needs a command (see 'nextc --help')");
    return STATUS_USAGE;
  }
  const char *word = argv[1];
  if (!strcmp(word, "--help") || !strcmp(word, "-h")) {
    help_program(commands, COMMAND_COUNT);
    return STATUS_DONE;
  }
  if (!strcmp(word, "--version")) {
    printf("nextc %s\n", nextc_version());
    return STATUS_DONE;
  }
  const Command *command = find_command(word);
  return command ? run_command(c, command, argc - 2, argv + 2) : unknown_command(c, word);
}

int main(int argc, char **argv) {
  signal(SIGABRT, leave_on_abort);
  Context *c = context_new();
  interrupt_watch(c);
  int status = dispatch(c, argc, argv);
  status = close_output(c, status);
  print_diagnostics(c);
  context_free(c);
  return status;
}
