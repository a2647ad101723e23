/* Command lines: words against a command's option table. */
#include "cli/cli.h"
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int usage_error(Context *c, const Args *args, const char *format, ...) {
  va_list list;
  va_start(list, format);
  const char *text = arena_vprintf(c->arena, format, list);
  va_end(list);
  error_in(c, arena_printf(c->arena, "nextc %s", args->command->name), "%s", text);
  return STATUS_USAGE;
}

const char *did_you_mean(Context *c, const char *word, const char *const *names, size_t count) {
  const char *name = nearest_name(word, names, count);
  return name ? arena_printf(c->arena, " (did you mean '%s'?)", name) : "";
}

static const char *suggest_option(Context *c, const Command *command, const char *word) {
  const char **names = ARENA_ARRAY(c->arena, const char *, command->option_count + 1);
  for (size_t i = 0; i < command->option_count; i++) names[i] = command->options[i].name;
  names[command->option_count] = "--help";
  return did_you_mean(c, word, names, command->option_count + 1);
}

static const OptionInfo *find_option(const Command *command, const char *name, size_t length) {
  for (size_t i = 0; i < command->option_count; i++) {
    const OptionInfo *o = &command->options[i];
    if (strlen(o->name) == length && !memcmp(o->name, name, length)) return o;
  }
  return NULL;
}

/* Index of word in "a|b|c" (perhaps in brackets); -1: not there; -2: the list has a capital letter, any word is right.
 */
static int choice_of(const char *argument, const char *word) {
  for (const char *p = argument; *p; p++)
    if (isupper((unsigned char)*p)) return -2;
  const char *p = argument + (*argument == '[');
  for (int i = 0;; i++) {
    size_t length = strcspn(p, "|]");
    if (strlen(word) == length && !memcmp(p, word, length)) return i;
    if (p[length] != '|') return -1;
    p += length + 1;
  }
}

static int add_option(Context *c, Args *args, const OptionInfo *o, const char *value) {
  bool left_out = o->argument && *o->argument == '[' && !*value;
  if (o->argument && !left_out && choice_of(o->argument, value) == -1)
    return usage_error(c, args, "option %s takes %s, not '%s'", o->name, o->argument, value);
  GROW(c->arena, args->given, args->given_count, args->given_capacity);
  args->given[args->given_count].option = o;
  args->given[args->given_count++].value = value;
  return STATUS_DONE;
}

/* One option at words[*at]; moves *at past a value that is a word of its own. */
static int parse_option(Context *c, Args *args, int count, char *const *words, int *at) {
  const char *word = words[*at], *value = NULL;
  size_t length = strlen(word);
  if (word[1] == '-') {
    length = strcspn(word, "=");
    if (word[length]) value = word + length + 1;
  } else if (length > 2) {
    value = word + 2;
    length = 2;
  }
  const OptionInfo *o = find_option(args->command, word, length);
  if (!o) {
    const char *name = word[1] == '-' ? arena_strndup(c->arena, word, length) : word;
    return usage_error(c, args, "unknown option '%s'%s", name, suggest_option(c, args->command, name));
  }
  if (!o->argument && value) return usage_error(c, args, "option %s takes no value", o->name);
  if (!o->argument || (*o->argument == '[' && !value)) value = "";
  if (!value && *at + 1 >= count) return usage_error(c, args, "option %s needs a value: %s", o->name, o->argument);
  if (!value) value = words[++*at];
  return add_option(c, args, o, value);
}

static bool asks_for_help(int count, char *const *words) {
  for (int i = 0; i < count && strcmp(words[i], "--"); i++)
    if (!strcmp(words[i], "--help") || !strcmp(words[i], "-h")) return true;
  return false;
}

int args_parse(Context *c, const Command *command, int count, char *const *words, Args *args) {
  *args = (Args){.command = command, .help = asks_for_help(count, words)};
  if (args->help) return STATUS_DONE;
  bool only_operands = false;
  for (int i = 0; i < count; i++) {
    if (!only_operands && !strcmp(words[i], "--")) {
      only_operands = true;
    } else if (!only_operands && words[i][0] == '-' && words[i][1]) {
      int status = parse_option(c, args, count, words, &i);
      if (status) return status;
    } else {
      GROW(c->arena, args->operands, args->operand_count, args->operand_capacity);
      args->operands[args->operand_count++] = words[i];
    }
  }
  if (args->operand_count < command->min_operands)
    return usage_error(c, args, "needs %s (see 'nextc %s --help')", command->operands, command->name);
  if (args->operand_count > command->max_operands)
    return usage_error(c, args, "unexpected word '%s' (usage: nextc %s %s)", args->operands[command->max_operands],
                       command->name, command->operands);
  return STATUS_DONE;
}

const char *args_value(const Args *args, const char *name) {
  const OptionInfo *o = find_option(args->command, name, strlen(name));
  if (!o) die("command %s has no option %s", args->command->name, name);
  for (size_t i = args->given_count; i-- > 0;)
    if (args->given[i].option == o) return args->given[i].value;
  return NULL;
}

int args_choice(const Args *args, const char *name, int otherwise) {
  const char *value = args_value(args, name);
  if (!value) return otherwise;
  return choice_of(find_option(args->command, name, strlen(name))->argument, value);
}

int args_number(Context *c, const Args *args, const char *name, double low, double high, double *out) {
  const char *value = args_value(args, name);
  if (!value) return STATUS_DONE;
  char *end;
  double number = strtod(value, &end);
  if (end == value || *end || !(number >= low && number <= high))
    return usage_error(c, args, "option %s takes a number from %g to %g, not '%s'", name, low, high, value);
  *out = number;
  return STATUS_DONE;
}

int args_count(Context *c, const Args *args, const char *name, double low, double high, double *out) {
  double number = low;
  const int status = args_number(c, args, name, low, high, &number);
  if (status || !args_value(args, name)) return status;
  if (number > (double)(int64_t)number)
    return usage_error(c, args, "option %s takes a whole number, not '%s'", name, args_value(args, name));
  *out = number;
  return STATUS_DONE;
}

size_t split_list(Context *c, const char *list, const char *const **out) {
  const char **items = NULL;
  size_t count = 0, capacity = 0;
  for (const char *p = list; *p;) {
    size_t length = strcspn(p, ",");
    if (length) {
      GROW(c->arena, items, count, capacity);
      items[count++] = arena_strndup(c->arena, p, length);
    }
    p += length + (p[length] == ',');
  }
  *out = items;
  return count;
}

int args_pins(Context *c, const Args *args, DimPin **pins, size_t *count) {
  size_t capacity = 0;
  *pins = NULL;
  *count = 0;
  for (size_t i = 0; i < args->given_count; i++) {
    if (strcmp(args->given[i].option->name, "--dim")) continue;
    const char *text = args->given[i].value, *equals = strrchr(text, '=');
    char *end = NULL;
    errno = 0;
    long long value = equals ? strtoll(equals + 1, &end, 10) : 0;
    if (!equals || equals == text || *end || !isdigit((unsigned char)equals[1]) || errno || value < 1)
      return usage_error(c, args, "option --dim takes NAME=NUMBER with a number of 1 or more, not '%s'", text);
    GROW(c->arena, *pins, *count, capacity);
    (*pins)[(*count)++] = (DimPin){arena_strndup(c->arena, text, (size_t)(equals - text)), value};
  }
  return STATUS_DONE;
}

void args_weights(const Args *args, CompileOptions *o) {
  static const WeightsMode modes[] = {WEIGHTS_INLINE, WEIGHTS_FILE, WEIGHTS_OBJECT}; /* in the order of the words */
  int word = args_choice(args, "--weights", -1);
  o->mode_given = word >= 0;
  o->mode = word >= 0 ? modes[word] : WEIGHTS_INLINE;
}

int args_load_weights(Context *c, const Args *args, const char *path, const char *weights, Graph **out) {
  DimPin *pins;
  size_t count;
  int status = args_pins(c, args, &pins, &count);
  if (status) return status;
  progress("reading %s", path);
  *out = load_model_from(c, path, pins, count, weights);
  return *out ? STATUS_DONE : STATUS_MODEL;
}

int args_load(Context *c, const Args *args, const char *path, Graph **out) {
  return args_load_weights(c, args, path, args_value(args, "--weights-from"), out);
}
