/* Tests of the C backend: loop programs as text become a model, its C is compiled and run, and what it writes compared
 * with loop_eval on the same bytes. */
#ifndef NEXTC_TEST_C_KIT_H
#define NEXTC_TEST_C_KIT_H
#include "backend/c_backend.h"
#include "ir/graph_edit.h"
#include "tests/command.h"
#include "tests/test.h"
#include <math.h>
#include <stdint.h>

#define STRICT "-std=c99 -Wall -Wextra -Wpedantic -Wconversion -Werror"

enum { KIT_TARGETS = 6, KIT_WEIGHTS = 64 };

/* Its -march is part of the name: the path is there only with it. */
#define RISCV64_CLANG "clang-19 --target=riscv64-linux-gnu -march=rv64gcv"

typedef struct {
  const char *name;
  Context *context;
  Arena *arena;
  Graph *graph;
  LoopProgram *programs[KIT_TARGETS];
  const Target *targets[KIT_TARGETS];
  WeightSlot weights[KIT_WEIGHTS];
  CProgram program;
  COptions options;
  const char *broken_weight; /* not NULL: weights have no values, and why */
  const char *runner;        /* in front of the program's name: "qemu-aarch64 "; NULL: nothing */
} Kit;

/* Element i of every weight: i / 8 - 3, so that floats of all sizes are exact. */
static inline bool kit_weight_value(void *user, const Graph *g, ValueId v, Tensor *out) {
  Kit *k = user;
  if (k->broken_weight) return error_in(k->context, "weights", "%s", k->broken_weight);
  *out = tensor_new(type_of(g, v));
  for (int64_t i = 0; i < type_elements(&out->type); i++) {
    if (out->f)
      out->f[i] = (double)i / 8 - 3;
    else
      out->i[i] = out->type.dtype == DT_bool ? i % 2 : i;
  }
  return true;
}

static inline Kit *kit_new(const char *name) {
  Kit *k = calloc(1, sizeof *k);
  if (!k) exit(1);
  k->name = name;
  k->context = context_new();
  k->arena = arena_new();
  k->graph = graph_new(k->context, name);
  k->graph->batch = 1;
  k->graph->batch_symbol = -1;
  k->program = (CProgram){.graph = k->graph,
                          .programs = k->programs,
                          .targets = k->targets,
                          .weights = k->weights,
                          .weight_value = kit_weight_value,
                          .user = k};
  k->options.c_path = arena_printf(k->arena, "%s.c", name);
  k->options.h_path = arena_printf(k->arena, "%s.h", name);
  return k;
}

static inline void kit_free(Kit *k) {
  graph_free(k->graph);
  arena_free(k->arena);
  context_free(k->context);
  free(k);
}

static inline const char *kit_errors(const Kit *k) {
  char *all = arena_strdup(k->arena, "");
  for (size_t i = 0; i < k->context->count; i++) all = arena_printf(k->arena, "%s%s\n", all, k->context->list[i].text);
  return all;
}

static inline ValueId kit_leaf(Kit *k, OpKind kind, const char *name, DType type, int rank, const Dim *dims) {
  const Type t = type_make(type, rank, dims);
  const Dim zero = 0;
  const double zero_f = 0;
  Attrs attrs = attrs_default();
  char error[256] = "";
  if (kind == OP_input) attrs.name = name;
  if (kind == OP_const && dtype_is_float(type)) attrs.floats = (Floats){1, &zero_f};
  if (kind == OP_const && !dtype_is_float(type)) attrs.ints = (Ints){1, &zero};
  const OpId op = graph_try_leaf(k->graph, kind, &t, &attrs, NULL, 0, error);
  if (!op) die("kit_leaf: %s", error);
  return op_at(k->graph, op)->first_result;
}

static inline void kit_input(Kit *k, const char *name, DType type, int rank, const Dim *dims) {
  kit_leaf(k, OP_input, name, type, rank, dims);
}

/* An output; the literal behind it gives its type and is not looked at. */
static inline void kit_output(Kit *k, const char *name, DType type, int rank, const Dim *dims) {
  const ValueId value = kit_leaf(k, OP_const, NULL, type, rank, dims);
  Attrs attrs = attrs_default();
  char error[256] = "";
  attrs.name = name;
  if (!graph_try_op(k->graph, OP_output, &value, 1, &attrs, NULL, 0, error)) die("kit_output: %s", error);
}

/* A weight after all others; its values are kit_weight_value's. Returns its offset. */
static inline int64_t kit_weight(Kit *k, DType type, Dim count) {
  const ValueId value = kit_leaf(k, OP_const, NULL, type, 1, &count);
  const int64_t offset = k->program.weight_bytes, bytes = (int64_t)type_bytes(type_of(k->graph, value));
  k->weights[k->program.weight_count++] = (WeightSlot){value, offset, bytes};
  k->program.weight_bytes += (bytes + 63) / 64 * 64;
  return offset;
}

/* Adds a target whose program is the text; false and a message where it has faults. */
static inline bool kit_program(Kit *k, const char *target, const char *text) {
  LoopProgram *p = loop_parse(k->context, k->arena, "kit.loops", text, strlen(text));
  for (size_t i = 0; p && i < p->kernel_count; i++) loop_check(k->context, p->kernels[i]);
  if (!p || k->context->errors) {
    printf("%s: %s\n%s\n", test_name, kit_errors(k), text);
    return false;
  }
  k->programs[k->program.target_count] = p;
  if (k->program.target_count == KIT_TARGETS) die("kit: too many targets");
  k->targets[k->program.target_count++] = target_by_name(target);
  return true;
}

static inline bool kit_emit(Kit *k) {
  const bool good = emit_c_files(k->context, &k->program, &k->options);
  if (!good) printf("%s: %s\n", test_name, kit_errors(k));
  return good;
}

/* ---- expected results ---- */

static inline size_t kit_bytes(const Kit *k, OpKind kind) {
  size_t bytes = 0;
  FOR_EACH_OP(k->graph, id) {
    const Op *op = op_at(k->graph, id);
    if (op->kind == kind) bytes += type_bytes(type_of(k->graph, kind == OP_input ? op->first_result : op->operands[0]));
  }
  return bytes;
}

static inline unsigned char *kit_tensor(const Kit *k, OpKind kind, int number, unsigned char *bytes) {
  FOR_EACH_OP(k->graph, id) {
    const Op *op = op_at(k->graph, id);
    if (op->kind != kind) continue;
    if (!number--) return bytes;
    bytes += type_bytes(type_of(k->graph, kind == OP_input ? op->first_result : op->operands[0]));
  }
  die("kit_tensor: no such tensor");
}

/* All weights as a file has them; to free. */
static inline unsigned char *kit_weight_memory(Kit *k) {
  unsigned char *memory = calloc(1, (size_t)k->program.weight_bytes + 1);
  for (size_t w = 0; w < k->program.weight_count; w++) {
    Tensor value;
    if (!kit_weight_value(k, k->graph, k->weights[w].value, &value)) die("kit_weight_memory");
    tensor_store(&value, memory + k->weights[w].offset, false);
    tensor_free(&value);
  }
  return memory;
}

/* Runs the program of one target over one image: all inputs in a row, all outputs in a row. */
static inline void kit_eval(Kit *k, int target, unsigned char *in, unsigned char *out) {
  const LoopProgram *p = k->programs[target];
  unsigned char *base[] = {[SPACE_ARENA] = calloc(1, (size_t)p->arena_bytes + 1),
                           [SPACE_WEIGHTS] = kit_weight_memory(k),
                           [SPACE_SCRATCH] = calloc(1, (size_t)p->scratch_bytes + 1)};
  for (size_t s = 0; s < p->step_count; s++) {
    const Kernel *kernel = p->kernels[p->steps[s].kernel];
    void *pointers[64];
    for (size_t i = 0; i < kernel->param_count; i++) {
      const Place *at = &p->steps[s].places[i];
      unsigned char *from = at->space == SPACE_INPUT    ? kit_tensor(k, OP_input, at->number, in)
                            : at->space == SPACE_OUTPUT ? kit_tensor(k, OP_output, at->number, out)
                                                        : base[at->space];
      pointers[i] = from + at->offset;
    }
    loop_eval(kernel, pointers, k->targets[target]->fma, 0, 1);
  }
  free(base[SPACE_ARENA]);
  free(base[SPACE_WEIGHTS]);
  free(base[SPACE_SCRATCH]);
}

/* ---- compiled results ---- */

/* A program that runs a model over a file of inputs: IN OUT IMAGES THREADS WEIGHTS (or -). Slices run last to first. */
static const char kit_driver[] =
    "#include MODEL_H\n"
    "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n"
    "#define PASTE(a, b) a##b\n#define NAME(a, b) PASTE(a, b)\n#define M(name) NAME(MODEL, name)\n"
    "static void backwards(void *user, int slices, nextc_slice *run, void *context) {\n"
    "  (void)user;\n  while (slices-- > 0) run(context, slices);\n}\n"
    "static void *room(size_t bytes) {\n"
    "  char *p = malloc(bytes + 128);\n"
    "  p += 64 - (size_t)p % 64;\n  memset(p, 0xAB, bytes + 1);\n  return p;\n}\n"
    "int main(int argc, char **argv) {\n"
    "  const void *in[16]; void *out[16]; nextc_call call; M(_model) model; int i, status = 0;\n"
    "  int64_t n = argc > 3 ? atoi(argv[3]) : 1;\n"
    "  size_t factor = M(_symbol_count) ? (size_t)n : 1, space;\n"
    "  FILE *f = fopen(argv[1], \"rb\");\n"
    "  memset(&call, 0, sizeof call); memset(&model, 0, sizeof model);\n"
    "  for (i = 0; i < M(_input_count); i++) {\n"
    "    void *p = room(M(_inputs)[i].bytes * factor);\n"
    "    if (fread(p, 1, M(_inputs)[i].bytes * factor, f) != M(_inputs)[i].bytes * factor) return 90;\n"
    "    in[i] = p;\n  }\n"
    "  for (i = 0; i < M(_output_count); i++) out[i] = room(M(_outputs)[i].bytes * factor);\n"
    "  call.inputs = in; call.outputs = out; call.symbols = &n; call.threads = atoi(argv[4]);\n"
    "  call.parallel_for = backwards;\n"
    "  space = M(_workspace_bytes)(call.threads);\n"
    "  call.workspace = room(space);\n"
    "#ifdef FROM_FILE\n"
    "  status = M(_map_file)(&model, argv[5]);\n"
    "  if (status) { printf(\"%s\\n\", M(_error)(status)); return status; }\n"
    "#endif\n"
    "  status = M(_invoke)(&model, &call);\n"
    "  if (status) { printf(\"%s\\n\", M(_error)(status)); return status; }\n"
    "  if (((unsigned char *)call.workspace)[space] != 0xAB) return 91;\n"
    "  f = fopen(argv[2], \"wb\");\n"
    "  for (i = 0; i < M(_output_count); i++) {\n"
    "    if (((unsigned char *)out[i])[M(_outputs)[i].bytes * factor] != 0xAB) return 92;\n"
    "    fwrite(out[i], 1, M(_outputs)[i].bytes * factor, f);\n  }\n"
    "#ifdef FROM_FILE\n  M(_unmap)(&model);\n#endif\n"
    "  return fclose(f) != 0;\n}\n";

static inline bool have_compiler(const char *compiler) {
  char command[256];
  snprintf(command, sizeof command, "%s -v >/dev/null 2>&1", compiler);
  const bool found = !system(command);
  if (!found) printf("%s: no %s here, left out\n", test_name, compiler);
  return found;
}

/* Rows of other machines: what runs their programs, what compiles them. */
typedef struct {
  const char *target, *runner, *compiler;
} Foreign;
static const Foreign foreign_rows[] = {
    {"aarch64", "qemu-aarch64 ", "aarch64-linux-gnu-gcc"},
    {"riscv64", "qemu-riscv64 -cpu rv64,v=true,vlen=128 ", RISCV64_CLANG},
};

static inline const Foreign *foreign_row(const char *target) {
  for (size_t i = 0; i < sizeof foreign_rows / sizeof *foreign_rows; i++)
    if (!strcmp(foreign_rows[i].target, target)) return &foreign_rows[i];
  return NULL;
}

/* Can this machine run the row's code? With *runner in front of the program; says why not. */
static inline bool can_run(const Target *row, const char **runner) {
  *runner = NULL;
  bool fine = row->lanes == 1;
#if defined(__x86_64__)
  fine = fine || (!strcmp(row->name, "v3") && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"));
  fine = fine || (!strcmp(row->name, "v4") && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                  __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq"));
#endif
  const Foreign *f = foreign_row(row->name);
  if (f) {
    char command[128];
    snprintf(command, sizeof command, "%s--version >/dev/null 2>&1", f->runner);
    fine = !system(command);
    *runner = f->runner;
#if defined(__aarch64__)
    if (!strcmp(row->name, "aarch64")) fine = true, *runner = NULL;
#endif
  }
  if (!fine) printf("%s: skipped: this machine cannot run %s\n", test_name, row->name);
  return fine;
}

/* Compiles the model's .c with `flags` and links the driver as ./<name>; false and the compiler's words if it fails. */
static inline bool kit_compile(const Kit *k, const char *compiler, const char *flags, const char *driver_flags) {
  char command[1024];
  put_file("driver.c", kit_driver, sizeof kit_driver - 1);
  snprintf(command, sizeof command,
           "%s %s -c %s.c -o %s.o && %s -DMODEL=%s -DMODEL_H='\"%s.h\"' %s driver.c %s.o -lm -o %s", compiler, flags,
           k->name, k->name, compiler, k->name, k->name, driver_flags, k->name, k->name);
  Result r = run_shell(command);
  if (r.status) printf("%s: %s: %s%s\n", test_name, command, r.out, r.err);
  const bool good = !r.status;
  result_free(&r);
  return good;
}

/* Runs ./<name>; its outputs, to free; NULL where it fails, with what it printed. */
static inline unsigned char *kit_run(const Kit *k, const void *in, size_t in_bytes, int images, int threads,
                                     const char *weights, size_t *out_bytes) {
  char command[512];
  put_file("in.bin", in, in_bytes);
  snprintf(command, sizeof command, "ASAN_OPTIONS=detect_leaks=0 %s./%s in.bin out.bin %d %d %s",
           k->runner ? k->runner : "", k->name, images, threads, weights);
  Result r = run_shell(command);
  if (r.status) printf("%s: %s: status %d: %s%s\n", test_name, command, r.status, r.out, r.err);
  unsigned char *out = r.status ? NULL : (unsigned char *)get_file("out.bin", out_bytes);
  result_free(&r);
  return out;
}
#endif
