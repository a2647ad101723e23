/* The .c of a model: tables, each target's kernels and steps, then the functions that run them. */
#include "backend/c_internal.h"
#include <inttypes.h>
#include <string.h>

const char c_feature_macros[] = "/* mmap is POSIX, not C99. */\n"
                                "#if !defined(_POSIX_C_SOURCE)\n"
                                "#define _POSIX_C_SOURCE 200809L\n"
                                "#endif\n\n";

/* ---- what stands in front ---- */

static void put_includes(const CFile *f, Text *t) {
  const char *h_path = f->options->h_path, *slash = h_path ? strrchr(h_path, '/') : NULL;
  if (h_path) text_printf(t, "#include \"%s\"\n", slash ? slash + 1 : h_path);
  text_puts(t, "#include <math.h>\n#include <string.h>\n");
  if (f->options->weights == WEIGHTS_FILE)
    text_puts(t, "#if defined(__unix__) || defined(__APPLE__)\n#include <fcntl.h>\n#include <sys/mman.h>\n"
                 "#include <sys/stat.h>\n#include <unistd.h>\n#endif\n");
  text_puts(t, "\n/* a * b + c stays two roundings, whatever the compiler's mode. */\n"
               "#if defined(__clang__)\n#pragma STDC FP_CONTRACT OFF\n"
               "#elif defined(__GNUC__) && !defined(__TINYC__)\n#pragma GCC optimize(\"fp-contract=off\")\n#endif\n");
}

/* Which paths this compiler can build. NX_ONLY_<TARGET> leaves the others out. */
static void put_path_macros(const CFile *f, Text *t) {
  const CProgram *p = f->program;
  text_puts(t, "\n/* The paths in this file; defining NX_ONLY_<PATH> leaves the others out. */\n");
  for (int i = 0; i < p->target_count; i++) {
    const Target *target = p->targets[i];
    text_puts(t, "#if 1");
    if (target->c_guard) text_printf(t, " && (%s)", target->c_guard);
    for (int other = 0; other < p->target_count; other++)
      if (other != i) text_printf(t, " && !defined(NX_ONLY_%s)", c_upper(f->arena, p->targets[other]->name));
    text_printf(t, "\n#define NX_HAVE_%s\n", c_upper(f->arena, target->name));
    if (target->c_include) text_printf(t, "#include <%s>\n", target->c_include);
    text_puts(t, "#endif\n");
  }
}

static int max_params(const CProgram *p) {
  size_t most = 1;
  for (int t = 0; t < p->target_count; t++)
    for (size_t k = 0; k < p->programs[t]->kernel_count; k++)
      if (p->programs[t]->kernels[k]->param_count > most) most = p->programs[t]->kernels[k]->param_count;
  return (int)most;
}

static int64_t largest_image(const CFile *f) {
  int64_t most = 1;
  for (int i = 0; i < f->input_count; i++)
    if (c_image_bytes(&f->inputs[i]) > most) most = c_image_bytes(&f->inputs[i]);
  for (int i = 0; i < f->output_count; i++)
    if (c_image_bytes(&f->outputs[i]) > most) most = c_image_bytes(&f->outputs[i]);
  return most;
}

static void put_constants(const CFile *f, Text *t) {
  const struct {
    const char *name;
    int64_t value;
  } rows[] = {{"INPUT_COUNT", f->input_count},
              {"OUTPUT_COUNT", f->output_count},
              {"SYMBOL_COUNT", f->symbol ? 1 : 0},
              {"FIXED_IMAGES", f->fixed_images},
              {"LARGEST_IMAGE", largest_image(f)},
              {"STEP_COUNT", (int64_t)f->program->programs[0]->step_count},
              {"MAX_PARAMS", max_params(f->program)},
              {"ARENA_BYTES", f->arena_bytes},
              {"SCRATCH_BYTES", f->scratch_bytes},
              {"WEIGHT_BYTES", f->program->weight_bytes},
              {"WEIGHT_COUNT", (int64_t)f->program->weight_count}};
  text_putc(t, '\n');
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    text_printf(t, "#define NX_%s %" PRId64 "\n", rows[i].name, rows[i].value);
  text_printf(t, "#define NX_MODEL_HASH UINT64_C(0x%016" PRIx64 ")\n", f->model_hash);
}

/* ---- tensors ---- */

static void put_tensors(const CFile *f, Text *t, const char *array, const CTensor *tensors, int count) {
  text_printf(t, "const nextc_tensor nx_%s[] = {\n", array);
  for (int i = 0; i < count; i++) {
    const CTensor *tensor = &tensors[i];
    const int64_t fixed = tensor->per_image && !f->symbol ? f->fixed_images : 1;
    text_puts(t, "    {");
    c_put_string(t, tensor->name);
    text_printf(t, ", %d, %d, {", tensor->type.dtype, tensor->type.rank);
    for (int d = 0; d < tensor->type.rank; d++) {
      const int64_t dim = d > 0 || !tensor->per_image ? tensor->type.dim[d] : f->symbol ? -1 : fixed;
      text_printf(t, "%s%" PRId64, d ? ", " : "", dim);
    }
    text_printf(t, "%s}, %" PRId64 "},\n", tensor->type.rank ? "" : "0", fixed * (int64_t)type_bytes(&tensor->type));
  }
  if (!count) text_puts(t, "    {\"\", 0, 0, {0}, 0},\n");
  text_puts(t, "};\n");
}

static void put_interface(const CFile *f, Text *t) {
  text_puts(t, "\nconst int nx_input_count = NX_INPUT_COUNT, nx_output_count = NX_OUTPUT_COUNT;\n"
               "const int nx_symbol_count = NX_SYMBOL_COUNT;\n");
  put_tensors(f, t, "inputs", f->inputs, f->input_count);
  put_tensors(f, t, "outputs", f->outputs, f->output_count);
  text_puts(t, "const char *const nx_symbols[] = {");
  if (f->symbol)
    c_put_string(t, f->symbol);
  else
    text_puts(t, "NULL");
  text_puts(t, "};\n/* by which each input, then each output, advances from image to image */\n"
               "static const int64_t nx_image_bytes[] = {");
  for (int i = 0; i < f->input_count; i++) text_printf(t, "%" PRId64 ", ", c_image_bytes(&f->inputs[i]));
  for (int i = 0; i < f->output_count; i++) text_printf(t, "%" PRId64 ", ", c_image_bytes(&f->outputs[i]));
  text_puts(t, "0};\n");
}

/* ---- places and steps ---- */

/* Lists of places, each stored once: steps of different targets share theirs. */
typedef struct {
  Place *at;
  size_t count, capacity;
} PlacePool;

static bool same_place(const Place *a, const Place *b) {
  return a->space == b->space && a->number == b->number && a->offset == b->offset;
}

static size_t pool_add(PlacePool *pool, Arena *arena, const Place *places, size_t count) {
  for (size_t i = 0; i + count <= pool->count; i++) {
    size_t same = 0;
    while (same < count && same_place(&pool->at[i + same], &places[same])) same++;
    if (same == count) return i;
  }
  for (size_t i = 0; i < count; i++) {
    GROW(arena, pool->at, pool->count, pool->capacity);
    pool->at[pool->count++] = places[i];
  }
  return pool->count - count;
}

static void put_place(Text *t, const Place *p) {
  static const char *const spaces[] = {[SPACE_INPUT] = "NX_INPUT",
                                       [SPACE_OUTPUT] = "NX_OUTPUT",
                                       [SPACE_ARENA] = "NX_ARENA",
                                       [SPACE_WEIGHTS] = "NX_WEIGHTS",
                                       [SPACE_SCRATCH] = "NX_SCRATCH"};
  text_printf(t, "{%s", spaces[p->space]);
  if (p->space == SPACE_INPUT || p->space == SPACE_OUTPUT) text_printf(t, "(%" PRId32 ")", p->number);
  text_printf(t, ", %" PRId64 "}", p->offset);
}

static void put_places(Text *t, const PlacePool *pool) {
  text_puts(t, "\n/* where the parameters of the steps lie */\nstatic const nx_place nx_places[] = {");
  for (size_t i = 0; i < pool->count; i++) {
    text_puts(t, i % 4 ? " " : "\n    ");
    put_place(t, &pool->at[i]);
    text_putc(t, ',');
  }
  if (!pool->count) text_puts(t, "{0, 0}");
  text_puts(t, "\n};\n");
}

static void put_steps(const CFile *f, Text *t, int target, PlacePool *pool) {
  const LoopProgram *p = f->program->programs[target];
  text_printf(t, "\nstatic const nx_step nx_steps_%s[] = {\n", f->program->targets[target]->name);
  for (size_t s = 0; s < p->step_count; s++) {
    const Step *step = &p->steps[s];
    const Kernel *k = p->kernels[step->kernel];
    const char *name = c_kernel_name(f->arena, k, step->kernel, f->program->targets[target]);
    text_printf(t, "    {%s, %zu, %zu, %" PRId32 "},", name, pool_add(pool, f->arena, step->places, k->param_count),
                k->param_count, kernel_tasks(k));
    if (step->note && *step->note) {
      text_puts(t, " /* ");
      c_put_comment(t, step->note);
      text_puts(t, " */");
    }
    text_putc(t, '\n');
  }
  if (!p->step_count) text_puts(t, "    {NULL, 0, 0, 0},\n");
  text_puts(t, "};\n");
}

/* ---- paths ---- */

typedef struct {
  Text kernels, steps;
} Path;

static Path *make_paths(const CFile *f, PlacePool *pool) {
  const CProgram *p = f->program;
  Path *paths = ARENA_ARRAY(f->arena, Path, p->target_count);
  for (int t = 0; t < p->target_count; t++) {
    paths[t] = (Path){{.arena = f->arena}, {.arena = f->arena}};
    if (p->programs[t]->step_count != p->programs[0]->step_count)
      die("targets %s and %s have different steps", p->targets[0]->name, p->targets[t]->name);
    for (size_t k = 0; k < p->programs[t]->kernel_count; k++)
      c_emit_kernel(&paths[t].kernels, p->programs[t]->kernels[k], (int)k, p->targets[t]);
    put_steps(f, &paths[t].steps, t, pool);
  }
  return paths;
}

static bool uses_layer(const Target *user, const Target *row) {
  return !strcmp(user->name, row->name) || (user->narrow && !strcmp(user->narrow, row->name));
}

/* The vector layer of a row, for all paths that use it. */
static void put_layer(const CFile *f, Text *t, const Target *row, Path *paths, RuntimeUse *use) {
  Text layer = {.arena = f->arena};
  const char *condition = "";
  for (int i = 0; i < f->program->target_count; i++) {
    const Target *user = f->program->targets[i];
    if (!uses_layer(user, row)) continue;
    runtime_print_used(use, &layer, text_string(&paths[i].kernels), row->vector_file);
    condition = arena_printf(f->arena, "%s%sdefined(NX_HAVE_%s)", condition, *condition ? " || " : "",
                             c_upper(f->arena, user->name));
  }
  if (!layer.len) return;
  text_printf(t, "\n/* ---- vectors of %s ---- */\n#if %s\n", row->name, condition);
  text_puts(t, text_string(&layer));
  text_puts(t, "#endif\n");
}

static void put_path(const CFile *f, Text *t, int target, Path *path) {
  const Target *row = f->program->targets[target];
  text_printf(t, "\n/* ---- %s: %s ---- */\n#if defined(NX_HAVE_%s)\n", row->name, row->doc,
              c_upper(f->arena, row->name));
  text_puts(t, text_string(&path->kernels));
  text_puts(t, text_string((Text *)&path->steps));
  text_puts(t, "#endif\n");
}

static void put_pick(const CFile *f, Text *t) {
  text_puts(t, "\n/* The steps of the best path that this machine can run, and its name; NULL: none. */\n"
               "static const nx_step *nx_pick_steps(const char **path) {\n  const nx_step *steps = NULL;\n");
  for (int i = 0; i < f->program->target_count; i++) {
    const Target *target = f->program->targets[i];
    text_printf(t, "#if defined(NX_HAVE_%s)\n  if (%s) {\n", c_upper(f->arena, target->name),
                target->c_detect ? target->c_detect : "1");
    text_printf(t, "    *path = \"%s\";\n    steps = nx_steps_%s;\n  }\n#endif\n", target->name, target->name);
  }
  text_puts(t, "  return steps;\n}\n");
}

/* Where the weights are, and whether they may be used: a file was checked when it was loaded, an object never yet. */
static void put_weights_of(const CFile *f, Text *t, RuntimeUse *use) {
  static const char *const rows[][2] = {
      [WEIGHTS_INLINE] = {"  (void)model;\n  return &nx_weights;\n", "  (void)model;\n  return NX_OK;\n"},
      [WEIGHTS_FILE] = {"  return model->weights;\n",
                        "  return model != NULL && model->weights != NULL ? NX_OK : NX_NOT_LOADED;\n"},
      [WEIGHTS_OBJECT] = {
          "  (void)model;\n  return nx_weights_object + NX_WEIGHTS_HEADER;\n",
          "  const uintptr_t first = (uintptr_t)nx_weights_object, end = (uintptr_t)nx_weights_object_end;\n"
          "  (void)model;\n  return nx_check_header(nx_weights_object, (size_t)(end - first));\n"}};
  const char *const *row = rows[f->options->weights];
  const bool none = f->options->weights == WEIGHTS_INLINE && !f->program->weight_bytes;
  if (f->options->weights == WEIGHTS_OBJECT) {
    runtime_print_used(use, t, "nx_check_header", NULL);
    text_puts(t, "\nextern const unsigned char nx_weights_object[], nx_weights_object_end[];\n");
  }
  text_printf(t, "\nstatic const void *nx_weights_of(const nx_model *model) {\n%s}\n",
              none ? "  (void)model;\n  return \"\";\n" : row[0]);
  text_printf(t, "\nstatic int nx_weights_status(const nx_model *model) {\n%s}\n", row[1]);
}

/* ---- the typed function ---- */

static void put_run(const CFile *f, Text *t) {
  text_putc(t, '\n');
  c_put_run_signature(f, t);
  text_puts(t, " {\n  nextc_call call;\n");
  if (f->input_count) text_puts(t, "  const void *inputs[NX_INPUT_COUNT];\n");
  if (f->output_count) text_puts(t, "  void *outputs[NX_OUTPUT_COUNT];\n");
  text_puts(t, "  memset(&call, 0, sizeof call);\n");
  for (int i = 0; i < f->input_count; i++) text_printf(t, "  inputs[%d] = %s;\n", i, f->inputs[i].identifier);
  for (int i = 0; i < f->output_count; i++) text_printf(t, "  outputs[%d] = %s;\n", i, f->outputs[i].identifier);
  if (f->input_count) text_puts(t, "  call.inputs = inputs;\n");
  if (f->output_count) text_puts(t, "  call.outputs = outputs;\n");
  if (f->symbol) text_printf(t, "  call.symbols = &%s;\n", f->symbol_name);
  text_puts(t, "  call.workspace = workspace;\n  return nx_invoke(model, &call);\n}\n");
}

/* ---- the whole file ---- */

bool c_write_source(const CFile *f, FILE *to) {
  Text head = {.arena = f->arena}, body = {.arena = f->arena};
  RuntimeUse use = runtime_use(f->arena);
  PlacePool pool = {0};
  Path *paths = make_paths(f, &pool);
  if (f->options->weights == WEIGHTS_FILE && f->options->h_path) text_puts(&head, c_feature_macros);
  text_printf(&head, "/* %s: compiled to C by nextc. What the functions mean is said in the header. */\n", f->prefix);
  put_includes(f, &head);
  put_path_macros(f, &head);
  put_constants(f, &head);
  put_interface(f, &head);
  runtime_print_used(&use, &head, "NX_ARENA nx_place nx_step NX_ALIGNED", NULL);
  for (int t = 0; t < f->program->target_count; t++)
    runtime_print_used(&use, &head, text_string(&paths[t].kernels), NULL);
  put_places(&head, &pool);
  c_write(f, to, text_string(&head));
  if (f->options->weights == WEIGHTS_INLINE && !c_write_weights_inline(f, to)) return false;
  for (int t = 0; t < target_count; t++)
    if (targets[t].lanes > 1) put_layer(f, &body, &targets[t], paths, &use);
  for (int t = 0; t < f->program->target_count; t++) put_path(f, &body, t, &paths[t]);
  put_pick(f, &body);
  put_weights_of(f, &body, &use);
  runtime_print_used(&use, &body, "nx_invoke nx_error nx_error_node nx_path nx_workspace_bytes nx_pool_start", NULL);
  if (f->options->weights == WEIGHTS_FILE) runtime_print_used(&use, &body, "nx_load nx_map_file", NULL);
  put_run(f, &body);
  c_write(f, to, text_string(&body));
  return true;
}
