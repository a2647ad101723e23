/* Outputs; see outputs.h. */
#include "cli/outputs.h"
#include "cli/process.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN = 8, MAX_LABEL_BYTES = 1 << 24 };

static double element(const Tensor *t, int64_t i) { return t->f ? t->f[i] : (double)t->i[i]; }

/* ---- labels ---- */

typedef struct {
  const char **at;
  size_t count, capacity;
} Labels;

static int read_labels(Context *c, const Args *args, const Notes *notes, Labels *labels) {
  const char *path = args_value(args, "--labels");
  *labels = (Labels){.count = 0};
  for (int32_t i = 0; !path && i < notes->label_count; i++) {
    GROW(c->arena, labels->at, labels->count, labels->capacity);
    labels->at[labels->count++] = notes->labels[i];
  }
  if (!path) return STATUS_DONE;
  size_t size;
  char *text = read_file(c->arena, path, MAX_LABEL_BYTES, &size);
  if (!text) return error_in(c, path, "cannot be read"), STATUS_MODEL;
  for (char *line = text; *line;) {
    const size_t length = strcspn(line, "\r\n");
    GROW(c->arena, labels->at, labels->count, labels->capacity);
    labels->at[labels->count++] = arena_strndup(c->arena, line, length);
    line += length;
    line += *line == '\r';
    line += *line == '\n';
  }
  return STATUS_DONE;
}

static const char *label(Context *c, const Labels *labels, int64_t class) {
  if ((uint64_t) class < labels->count) return labels->at[class];
  return arena_printf(c->arena, "class %lld", (long long)class);
}

/* ---- text ---- */

/* Scores of one image: [classes] floats, of more than one class. */
static bool is_scores(const Tensor *t, int64_t *images, int64_t *classes) {
  const int rank = t->type.rank;
  *classes = rank ? t->type.dim[rank - 1] : 0;
  *images = rank == 2 ? t->type.dim[0] : 1;
  return t->f && (rank == 1 || rank == 2) && *classes > 1;
}

static bool is_distribution(const double *x, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; i++) {
    if (!(x[i] >= 0)) return false;
    sum += x[i];
  }
  return fabs(sum - 1) < 1e-3;
}

/* The class of rank `place` among those below (score, class): scores descend, equal ones by class. -1: none is left. */
static int64_t next_best(const double *x, int64_t count, double score, int64_t last) {
  int64_t best = -1;
  for (int64_t i = 0; i < count; i++) {
    const bool later = last < 0 || x[i] < score || (x[i] == score && i > last);
    if (later && x[i] == x[i] && (best < 0 || x[i] > x[best])) best = i;
  }
  return best;
}

static void print_scores(Context *c, const double *x, int64_t count, int top, const Labels *labels) {
  const bool already = is_distribution(x, count);
  const int64_t first = next_best(x, count, 0, -1);
  double sum = 0;
  for (int64_t i = 0; i < count && first >= 0; i++) sum += exp(x[i] - x[first]);
  int64_t last = -1;
  for (int place = 1; place <= top; place++) {
    last = next_best(x, count, last < 0 ? 0 : x[last], last);
    if (last < 0) break;
    const double probability = already ? x[last] : exp(x[last] - x[first]) / sum;
    printf("  %2d. %6.2f %%  %9.4f  %lld  %s\n", place, 100 * probability, x[last], (long long)last,
           label(c, labels, last));
  }
}

static void print_type(const NamedOutput *t) {
  printf("%s %s[", t->name, dtype_name((DType)t->value.type.dtype));
  for (int i = 0; i < t->value.type.rank; i++) printf("%s%lld", i ? "," : "", (long long)t->value.type.dim[i]);
  puts("]");
}

static void print_some(const NamedOutput *t) {
  const int64_t count = type_elements(&t->value.type);
  fputs(" ", stdout);
  for (int64_t i = 0; i < count && i < SHOWN; i++) printf(" %.9g", element(&t->value, i));
  puts(count > SHOWN ? " ..." : "");
}

static void print_text(Context *c, const NamedOutput *t, int top, const Labels *labels) {
  int64_t images, classes;
  print_type(t);
  if (!is_scores(&t->value, &images, &classes)) {
    print_some(t);
    return;
  }
  for (int64_t i = 0; i < images; i++) {
    if (images > 1) printf(" image %lld\n", (long long)i);
    print_scores(c, t->value.f + i * classes, classes, top, labels);
  }
}

/* ---- json ---- */

/* JSON has no NaN and no infinities: null. */
static void json_number(const Tensor *t, int64_t i) {
  if (!t->f)
    printf("%lld", (long long)t->i[i]);
  else if (!isfinite(t->f[i]))
    fputs("null", stdout);
  else
    printf(t->type.dtype == DT_f64 ? "%.17g" : "%.9g", t->f[i]);
}

static void json_best(Context *c, const Tensor *t, int top, const Labels *labels) {
  int64_t images, classes;
  if (!is_scores(t, &images, &classes)) return;
  fputs(", \"top\": [", stdout);
  for (int64_t n = 0; n < images; n++) {
    const double *x = t->f + n * classes;
    int64_t last = -1;
    fputs(n ? ", [" : "[", stdout);
    for (int place = 0; place < top; place++) {
      last = next_best(x, classes, last < 0 ? 0 : x[last], last);
      if (last < 0) break;
      printf("%s{\"class\": %lld, \"label\": ", place ? ", " : "", (long long)last);
      json_string(stdout, label(c, labels, last));
      printf(", \"score\": %.9g}", x[last]);
    }
    putchar(']');
  }
  putchar(']');
}

static void print_json(Context *c, const NamedOutput *all, size_t count, int top, const Labels *labels) {
  fputs("{\"outputs\": [", stdout);
  for (size_t i = 0; i < count; i++) {
    const Tensor *t = &all[i].value;
    fputs(i ? ",\n {\"name\": " : "{\"name\": ", stdout);
    json_string(stdout, all[i].name);
    printf(", \"dtype\": \"%s\", \"shape\": [", dtype_name((DType)t->type.dtype));
    for (int d = 0; d < t->type.rank; d++) printf("%s%lld", d ? ", " : "", (long long)t->type.dim[d]);
    putchar(']');
    json_best(c, t, top, labels);
    fputs(", \"data\": [", stdout);
    for (int64_t n = 0, elements = type_elements(&t->type); n < elements; n++) {
      if (n) fputs(", ", stdout);
      json_number(t, n);
    }
    fputs("]}", stdout);
  }
  puts("]}");
}

/* ---- .npy ---- */

static const char *npy_dtype(DType t) {
  static const char *const names[DT_LIMIT] = {
      [DT_f32] = "<f4", [DT_f64] = "<f8", [DT_f16] = "<f2", [DT_i8] = "|i1",  [DT_i16] = "<i2", [DT_i32] = "<i4",
      [DT_i64] = "<i8", [DT_u8] = "|u1",  [DT_u16] = "<u2", [DT_u32] = "<u4", [DT_u64] = "<u8", [DT_bool] = "|b1"};
  return names[t];
}

static bool write_npy(Context *c, const char *path, const Tensor *t) {
  if (!npy_dtype((DType)t->type.dtype)) return error_in(c, path, ".npy has no %s", dtype_name((DType)t->type.dtype));
  const char *shape = "";
  for (int i = 0; i < t->type.rank; i++) shape = arena_printf(c->arena, "%s%lld,", shape, (long long)t->type.dim[i]);
  const char *header = arena_printf(c->arena, "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }",
                                    npy_dtype((DType)t->type.dtype), shape);
  const size_t start = 10, length = (start + strlen(header) + 1 + 63) / 64 * 64 - start, data = type_bytes(&t->type);
  unsigned char *bytes = arena_alloc(c->arena, start + length + data);
  memcpy(bytes, "\x93NUMPY\1", 7);
  bytes[8] = (unsigned char)length;
  bytes[9] = (unsigned char)(length >> 8);
  memset(bytes + start, ' ', length);
  memcpy(bytes + start, header, strlen(header));
  bytes[start + length - 1] = '\n';
  tensor_store(t, bytes + start + length, false);
  return replace_file(c, path, bytes, start + length + data);
}

static int write_files(Context *c, const Args *args, const NamedOutput *all, size_t count, size_t *written) {
  *written = 0;
  for (size_t i = 0; i < args->given_count; i++) {
    if (strcmp(args->given[i].option->name, "-o")) continue;
    if (*written == count)
      return usage_error(c, args, "-o is given more often than the model has outputs (%zu)", count);
    if (!write_npy(c, args->given[i].value, &all[*written].value)) return STATUS_MODEL;
    ++*written;
  }
  return STATUS_DONE;
}

int outputs_write(Context *c, const Args *args, const Notes *notes, const NamedOutput *all, size_t count) {
  Labels labels;
  double top = 5;
  size_t written;
  int status = args_count(c, args, "--top", 1, 1e6, &top);
  if (!status) status = read_labels(c, args, notes, &labels);
  if (!status) status = write_files(c, args, all, count, &written);
  if (status) return status;
  progress_end();
  if (args_choice(args, "--format", 0))
    print_json(c, all, count, (int)top, &labels);
  else if (!written)
    for (size_t i = 0; i < count; i++) print_text(c, &all[i], (int)top, &labels);
  return STATUS_DONE;
}
