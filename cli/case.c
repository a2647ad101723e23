/* Loading test cases; see case.h. */
#include "cli/case.h"
#include "frontend/npy.h"
#include "frontend/frontend.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool is_folder(const char *path) {
  struct stat s;
  return !stat(path, &s) && S_ISDIR(s.st_mode);
}

static bool is_file(const char *path) {
  struct stat s;
  return !stat(path, &s) && S_ISREG(s.st_mode);
}

/* Last part of a path, trailing slashes ignored. */
static const char *base_name(Arena *arena, const char *path) {
  size_t end = strlen(path);
  while (end > 1 && path[end - 1] == '/') end--;
  size_t start = end;
  while (start && path[start - 1] != '/') start--;
  return arena_strndup(arena, path + start, end - start);
}

static const struct {
  const char *extension;
  bool (*read)(Context *, Arena *, const char *path, TensorView *);
} formats[] = {{"pb", read_tensor_pb}, {"npy", npy_read}};

/* Path of SET/kind_N in whichever format there is; NULL: none. */
static const char *tensor_path(Arena *arena, const char *set, const char *kind, size_t number, size_t *format) {
  for (*format = 0; *format < sizeof formats / sizeof *formats; ++*format) {
    const char *path = arena_printf(arena, "%s/%s_%zu.%s", set, kind, number, formats[*format].extension);
    if (is_file(path)) return path;
  }
  return NULL;
}

/* SET/kind_0, kind_1, ... up to the first that is missing. */
static bool read_tensors(Context *c, const char *set, const char *kind, TensorView **views, size_t *count) {
  size_t capacity = 0, format;
  const char *path;
  for (*count = 0; (path = tensor_path(c->arena, set, kind, *count, &format)); ++*count) {
    GROW(c->arena, *views, *count, capacity);
    if (!formats[format].read(c, c->arena, path, &(*views)[*count])) return false;
  }
  return true;
}

static DataSet *add_set(Case *k, const char *name) {
  GROW(k->context->arena, k->sets, k->set_count, k->set_capacity);
  DataSet *set = &k->sets[k->set_count++];
  *set = (DataSet){.name = name};
  return set;
}

static bool load_set(Case *k, const char *folder, const char *name) {
  Context *c = k->context;
  const char *path = arena_printf(c->arena, "%s/%s", folder, name);
  DataSet *set = add_set(k, name);
  TensorView *outputs = NULL;
  size_t count;
  if (!read_tensors(c, path, "input", &set->inputs, &set->input_count)) return false;
  if (!read_tensors(c, path, "output", &outputs, &count)) return false;
  if (!count) return error_in(c, path, "no output_0.pb");
  set->outputs = ARENA_ARRAY(c->arena, Tensor, count);
  for (; set->output_count < count; set->output_count++) {
    Tensor *t = &set->outputs[set->output_count];
    *t = tensor_new(&outputs[set->output_count].type);
    tensor_load(t, outputs[set->output_count].data);
  }
  return true;
}

static const char *find_model(Context *c, const char *folder) {
  static const char *const names[] = {"model.onnx", "model.nir", "model.yaml"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const char *path = arena_printf(c->arena, "%s/%s", folder, names[i]);
    if (is_file(path)) return path;
  }
  if (is_file(arena_printf(c->arena, "%s/config.json", folder))) return folder; /* a checkpoint */
  error_in(c, folder, "no model.onnx, model.nir, model.yaml or config.json in it (or give --model)");
  return NULL;
}

bool case_load(Context *c, const char *folder, const char *model, Case *k) {
  *k = (Case){.context = c, .name = base_name(c->arena, folder), .model = model};
  if (is_file(folder) && !model) {
    k->model = folder;
    return true;
  }
  if (!is_folder(folder)) return error_in(c, folder, "no such folder");
  if (!model && !(k->model = find_model(c, folder))) return false;
  for (int i = 0;; i++) {
    const char *name = arena_printf(c->arena, "test_data_set_%d", i);
    if (!is_folder(arena_printf(c->arena, "%s/%s", folder, name))) return true;
    if (!load_set(k, folder, name)) return false;
  }
}

const char *case_file(Context *c, const char *folder, const char *path) {
  const char *inside = path ? arena_printf(c->arena, "%s/%s", folder, path) : NULL;
  return path && !is_file(path) && is_file(inside) ? inside : path;
}

void case_free(Case *k) {
  for (size_t i = 0; i < k->set_count; i++)
    for (size_t j = 0; j < k->sets[i].output_count; j++) tensor_free(&k->sets[i].outputs[j]);
}

size_t graph_ports(const Graph *g, OpKind kind, OpId *ports, size_t room) {
  size_t count = 0;
  FOR_EACH_OP(g, id) {
    if (op_at(g, id)->kind != kind) continue;
    if (count < room) ports[count] = id;
    count++;
  }
  return count < room ? count : room;
}

/* Matches one dim of an input; false where it does not fit. */
static bool bind_dim(Dim declared, int64_t actual, Bindings *b) {
  if (dim_is_number(declared)) return declared == actual;
  int64_t coefficient = dim_coefficient(declared), *value = &b->symbol[dim_symbol_of(declared)];
  if (actual % coefficient || (*value && *value != actual / coefficient)) return false;
  *value = actual / coefficient;
  return true;
}

/* Dim 0 of an input of a peeled graph: how many images. */
static bool bind_images(const Graph *g, int64_t actual, Bindings *b) {
  if (g->batch_symbol >= 0)
    b->symbol[g->batch_symbol] = b->images = b->images ? b->images : actual;
  else
    b->images = g->batch;
  return b->images == actual;
}

static bool is_peeled(const Graph *g) { return g->batch_symbol >= 0 || g->batch > 1; }

bool bind_symbols(const Graph *g, const DataSet *set, Bindings *b) {
  OpId ports[MAX_PORTS];
  size_t count = graph_ports(g, OP_input, ports, MAX_PORTS);
  *b = (Bindings){.images = 0};
  if (count != set->input_count)
    return error_in(g->context, set->name, "%zu inputs stored, but the model takes %zu", set->input_count, count);
  for (size_t i = 0; i < count; i++) {
    const Type *declared = type_of(g, op_at(g, ports[i])->first_result), *actual = &set->inputs[i].type;
    bool fits = declared->dtype == actual->dtype && declared->rank == actual->rank;
    for (int a = 0; fits && a < declared->rank; a++)
      fits = a == 0 && is_peeled(g) ? bind_images(g, actual->dim[0], b) : bind_dim(declared->dim[a], actual->dim[a], b);
    if (!fits) return error_in(g->context, set->name, "input %zu does not have the type that the model declares", i);
  }
  return true;
}

Type type_bound(const Type *t, const Bindings *b) {
  Type bound = *t;
  for (int i = 0; i < t->rank; i++)
    if (!dim_is_number(t->dim[i])) bound.dim[i] = dim_coefficient(t->dim[i]) * b->symbol[dim_symbol_of(t->dim[i])];
  if (b->images && t->rank && t->dim[0] == 1) bound.dim[0] = b->images;
  return bound;
}

/* Rounds each element to what its type holds. */
static void round_tensor(Tensor *t) {
  void *bytes = malloc(type_bytes(&t->type) + 1);
  if (!bytes) die_memory(0);
  tensor_store(t, bytes, false);
  tensor_load(t, bytes);
  free(bytes);
}

bool evaluate(const Graph *g, const DataSet *set, Tensor *outputs, size_t output_count) {
  Tensor *inputs = ARENA_ARRAY(g->context->arena, Tensor, set->input_count + 1);
  memset(outputs, 0, sizeof *outputs * output_count);
  for (size_t i = 0; i < set->input_count; i++) {
    inputs[i] = tensor_new(&set->inputs[i].type);
    tensor_load(&inputs[i], set->inputs[i].data);
  }
  bool fine = eval_graph(g, inputs, set->input_count, outputs, output_count, NULL, NULL);
  for (size_t i = 0; i < set->input_count; i++) tensor_free(&inputs[i]);
  for (size_t i = 0; fine && i < output_count; i++) round_tensor(&outputs[i]);
  return fine;
}

/* splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t next_random(uint64_t *state) {
  uint64_t z = *state += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

static double tensor_number(const Tensor *t, int64_t i) { return t->f ? t->f[i] : (double)t->i[i]; }

/* Range of input `number` in the first stored set; what the defaults are where there is none. */
static void input_range(const Case *k, size_t number, bool is_float, double *low, double *high) {
  *low = is_float ? -1 : 0;
  *high = 1;
  if (!k->set_count || k->sets[0].from_evaluator || number >= k->sets[0].input_count) return;
  const TensorView *view = &k->sets[0].inputs[number];
  Tensor t = tensor_new(&view->type);
  tensor_load(&t, view->data);
  int64_t count = type_elements(&view->type);
  bool any = false;
  for (int64_t i = 0; i < count; i++) {
    double x = tensor_number(&t, i);
    if (!(x >= -1e30 && x <= 1e30)) continue;
    if (!any || x < *low) *low = x;
    if (!any || x > *high) *high = x;
    any = true;
  }
  tensor_free(&t);
}

static TensorView random_view(const Case *k, size_t number, const Type *type, uint64_t *state) {
  Tensor t = tensor_new(type);
  double low, high;
  input_range(k, number, t.f != NULL, &low, &high);
  int64_t count = type_elements(type);
  for (int64_t i = 0; i < count; i++) {
    double unit = (double)(next_random(state) >> 11) / 9007199254740992.0; /* [0, 1) in steps of 2^-53 */
    if (t.f)
      t.f[i] = low + (high - low) * unit;
    else
      t.i[i] = (int64_t)(low + (high - low + 1) * unit);
  }
  TensorView view = {.type = *type, .bytes = type_bytes(type)};
  void *bytes = arena_alloc(k->context->arena, view.bytes);
  tensor_store(&t, bytes, false);
  view.data = bytes;
  tensor_free(&t);
  return view;
}

bool case_add_random(Case *k, const Graph *g, uint64_t seed, int64_t symbol_value) {
  OpId ports[MAX_PORTS];
  Bindings bindings = {.images = g->batch_symbol >= 0 ? symbol_value : g->batch > 1 ? g->batch : 0};
  for (int i = 0; i < MAX_SYMBOLS; i++) bindings.symbol[i] = symbol_value;
  Arena *arena = k->context->arena;
  DataSet set = {.name = arena_printf(arena, "random %llu", (unsigned long long)seed), .from_evaluator = true};
  set.input_count = graph_ports(g, OP_input, ports, MAX_PORTS);
  set.inputs = ARENA_ARRAY(arena, TensorView, set.input_count);
  for (size_t i = 0; i < set.input_count; i++) {
    Type type = type_bound(type_of(g, op_at(g, ports[i])->first_result), &bindings);
    set.inputs[i] = random_view(k, i, &type, &seed);
  }
  set.output_count = graph_ports(g, OP_output, ports, MAX_PORTS);
  set.outputs = ARENA_ARRAY(arena, Tensor, set.output_count);
  *add_set(k, set.name) = set;
  return evaluate(g, &set, set.outputs, set.output_count);
}
