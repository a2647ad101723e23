/* The .h of a model. */
#include "backend/c_internal.h"
#include <inttypes.h>
#include <string.h>

/* "float [N,3,224,224]" */
static void put_tensor(const CFile *f, Text *t, const CTensor *tensor) {
  text_printf(t, "%s [", dtype_name((DType)tensor->type.dtype));
  for (int d = 0; d < tensor->type.rank; d++) {
    if (d) text_putc(t, ',');
    if (d == 0 && tensor->per_image && f->symbol)
      c_put_comment(t, f->symbol);
    else
      text_printf(t, "%" PRId64, d == 0 && tensor->per_image ? f->fixed_images : tensor->type.dim[d]);
  }
  text_puts(t, "]");
}

static void put_tensor_lines(const CFile *f, Text *t, const char *what, const CTensor *tensors, int count) {
  for (int i = 0; i < count; i++) {
    text_printf(t, " *   %s %s: ", what, tensors[i].identifier);
    put_tensor(f, t, &tensors[i]);
    if (strcmp(tensors[i].identifier, tensors[i].name)) {
      text_puts(t, ", '");
      c_put_comment(t, tensors[i].name);
      text_putc(t, '\'');
    }
    text_putc(t, '\n');
  }
}

static void put_head(const CFile *f, Text *t) {
  static const char *const weights[] = {
      [WEIGHTS_INLINE] = " * The weights are part of the code: the model argument may be NULL.\n",
      [WEIGHTS_FILE] = " * The weights come from a file: nx_map_file(&model, path), or nx_load(&model, bytes, size).\n",
      [WEIGHTS_OBJECT] = " * The weights are linked from an object file: the model argument may be NULL.\n"};
  text_printf(t, "/* %s: a neural network, compiled to C by nextc.\n", f->prefix);
  put_tensor_lines(f, t, "input ", f->inputs, f->input_count);
  put_tensor_lines(f, t, "output", f->outputs, f->output_count);
  text_puts(t, weights[f->options->weights]);
  text_puts(t, " * Functions return NX_OK or what nx_error spells out. Any number of threads may use one model at\n"
               " * once, each with a workspace of its own: NX_WORKSPACE_BYTES(threads) bytes, 64-byte aligned. */\n");
}

/* int nx_run(const nx_model *model, int64_t n, const float *image, float *logits, void *workspace) */
void c_put_run_signature(const CFile *f, Text *t) {
  text_puts(t, "int nx_run(const nx_model *model");
  if (f->symbol) text_printf(t, ", int64_t %s", f->symbol_name);
  for (int i = 0; i < f->input_count; i++)
    text_printf(t, ", const %s *%s", c_type_name((DType)f->inputs[i].type.dtype), f->inputs[i].identifier);
  for (int i = 0; i < f->output_count; i++)
    text_printf(t, ", %s *%s", c_type_name((DType)f->outputs[i].type.dtype), f->outputs[i].identifier);
  text_puts(t, ", void *workspace)");
}

static void put_functions(const CFile *f, Text *t, RuntimeUse *use) {
  text_puts(t, "\nextern const int nx_input_count, nx_output_count, nx_symbol_count;\n"
               "extern const nextc_tensor nx_inputs[], nx_outputs[];\n"
               "extern const char *const nx_symbols[]; /* dims that are known only when the model runs */\n\n");
  text_printf(t,
              "#define NX_WORKSPACE_BYTES(threads) \\\n"
              "  ((size_t)%" PRId64 " + (size_t)((threads) > 1 ? (threads) : 1) * (size_t)%" PRId64 ")\n",
              f->arena_bytes, f->scratch_bytes);
  text_puts(t, "size_t nx_workspace_bytes(int threads);\n\n");
  if (f->options->weights == WEIGHTS_FILE) {
    runtime_print_chunk(use, t, "nx_load_declarations");
    runtime_print_chunk(use, t, "nx_map_declarations");
    text_putc(t, '\n');
  }
  text_puts(t, "/* Runs the model in the calling thread. */\n");
  c_put_run_signature(f, t);
  text_puts(t, ";\n\n/* The same for any model, and for more threads. Results don't depend on their number. */\n"
               "int nx_invoke(const nx_model *model, const nextc_call *call);\n\n");
  runtime_print_chunk(use, t, "nx_error_declarations");
  text_putc(t, '\n');
  runtime_print_chunk(use, t, "nx_path_declaration");
  text_putc(t, '\n');
  runtime_print_chunk(use, t, "nx_pool");
}

void c_write_header(const CFile *f, FILE *to) {
  static const char *const types[] = {"nx_abi", "NX_OK", "nx_model"};
  Text t = {.arena = f->arena};
  RuntimeUse use = runtime_use(f->arena);
  put_head(f, &t);
  text_puts(&t, "#ifndef NX_H\n#define NX_H\n#include <stddef.h>\n#include <stdint.h>\n");
  text_puts(&t, "#ifdef __cplusplus\nextern \"C\" {\n#endif\n");
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    text_putc(&t, '\n');
    runtime_print_chunk(&use, &t, types[i]);
  }
  put_functions(f, &t, &use);
  text_puts(&t, "\n#ifdef __cplusplus\n}\n#endif\n#endif\n");
  c_write(f, to, text_string(&t));
}
