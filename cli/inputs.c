/* Inputs from files; see inputs.h. */
#include "cli/inputs.h"
#include "frontend/npy.h"
#include "frontend/tensor_file.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
  Context *context;
  const Args *args;
  const Graph *graph;
  OpId ports[MAX_PORTS];
  size_t count;
  TensorView *views;
  const char **from; /* [count] file of each; NULL: not given */
} Inputs;

static const char *input_name(const Inputs *in, size_t i) {
  const char *name = op_at(in->graph, in->ports[i])->attrs.name;
  return name ? name : "";
}

static const Type *input_type(const Inputs *in, size_t i) {
  return type_of(in->graph, op_at(in->graph, in->ports[i])->first_result);
}

static bool find_input(const Inputs *in, const char *name, size_t length, size_t *out) {
  for (size_t i = 0; i < in->count; i++)
    if (strlen(input_name(in, i)) == length && !memcmp(input_name(in, i), name, length)) return *out = i, true;
  return false;
}

/* Does a tensor of this type fit, whatever the symbols are? */
static bool fits(const Type *declared, const Type *actual) {
  bool good = declared->dtype == actual->dtype && declared->rank == actual->rank;
  for (int a = 0; good && a < declared->rank; a++) {
    const Dim want = declared->dim[a];
    good = dim_is_number(want) ? want == actual->dim[a]
                               : actual->dim[a] >= 1 && actual->dim[a] % dim_coefficient(want) == 0;
  }
  return good;
}

static bool set_input(Inputs *in, size_t i, const char *path, const TensorView *view) {
  Arena *arena = in->context->arena;
  if (in->from[i]) return error_in(in->context, path, "input '%s' is given twice", input_name(in, i));
  if (!fits(input_type(in, i), &view->type))
    return error_in(in->context, path, "holds %s, but input '%s' is %s", graph_type_text(in->graph, &view->type, arena),
                    input_name(in, i), graph_type_text(in->graph, input_type(in, i), arena));
  in->from[i] = path;
  in->views[i] = *view;
  return true;
}

/* ---- raw elements ---- */

/* A symbolic leading dim takes what the file's size says. */
static bool read_raw(Inputs *in, size_t i, const char *path, TensorView *out) {
  Type t = *input_type(in, i);
  MappedFile file;
  const bool batch = t.rank && !dim_is_number(t.dim[0]);
  if (batch) t.dim[0] = 1;
  if (!type_is_static(&t)) return error_in(in->context, path, "raw elements need a shape without symbols: give --dim");
  if (!map_file(in->context, path, &file)) return false;
  const size_t one = type_bytes(&t), images = batch && one ? file.size / one : 1;
  const bool good = images >= 1 && file.size == one * images;
  if (!good)
    error_in(in->context, path, "has %zu bytes, but input '%s' takes %zu%s", file.size, input_name(in, i), one,
             batch ? " an image" : "");
  if (batch) t.dim[0] = (Dim)images;
  *out = (TensorView){.type = t, .bytes = file.size};
  if (good) out->data = arena_copy(in->context->arena, file.data, file.size);
  unmap_file(&file);
  return good;
}

/* ---- files ---- */

static bool ends_with(const char *path, const char *ending) {
  const size_t length = strlen(path), tail = strlen(ending);
  return length >= tail && !strcmp(path + length - tail, ending);
}

static bool take_arrays(Inputs *in, bool named, size_t number, const char *path, const TensorFile *f) {
  Context *c = in->context;
  if (!f->tensor_count) return error_in(c, path, "holds no array");
  if (named && f->tensor_count > 1) return error_in(c, path, "holds %zu arrays, not one", f->tensor_count);
  for (size_t t = 0; t < f->tensor_count; t++) {
    const char *name = f->tensors[t].name;
    TensorView view = f->tensors[t].view;
    size_t i;
    const bool known = !named && find_input(in, name, strlen(name), &i);
    if (!known && f->tensor_count > 1) return error_in(c, path, "the model has no input '%s'", name);
    view.data = arena_copy(c->arena, view.data, view.bytes);
    if (!set_input(in, known ? i : number, path, &view)) return false;
  }
  return true;
}

static bool read_npz(Inputs *in, bool named, size_t number, const char *path) {
  TensorFile *f = npz_open(in->context, path);
  const bool good = f && take_arrays(in, named, number, path, f);
  if (f) f->source.close(&f->source);
  return good;
}

/* NAME=FILE of which only FILE is there. */
static bool no_input(const Inputs *in, const char *text, const char *equals) {
  const char *name = arena_strndup(in->context->arena, text, (size_t)(equals - text)), *names[MAX_PORTS];
  for (size_t i = 0; i < in->count; i++) names[i] = input_name(in, i);
  return error_in(in->context, "--input", "the model has no input '%s'%s", name,
                  did_you_mean(in->context, name, names, in->count));
}

static bool read_input(Inputs *in, const char *text) {
  Context *c = in->context;
  const char *equals = strchr(text, '='), *path = text;
  size_t i = 0;
  const bool named = equals && find_input(in, text, (size_t)(equals - text), &i);
  if (named)
    path = equals + 1;
  else if (equals && access(path, F_OK) && !access(equals + 1, F_OK))
    return no_input(in, text, equals);
  while (!named && i < in->count && in->from[i]) i++;
  if (i == in->count) return error_in(c, path, "the model has only %zu inputs", in->count);
  TensorView view;
  if (ends_with(path, ".npz")) return read_npz(in, named, i, path);
  const bool good = ends_with(path, ".npy")  ? npy_read(c, c->arena, path, &view)
                    : ends_with(path, ".pb") ? read_tensor_pb(c, c->arena, path, &view)
                                             : read_raw(in, i, path, &view);
  return good && set_input(in, i, path, &view);
}

/* ---- pictures ---- */

/* "a,b,c" into numbers: one for all channels, or one each. */
static int read_numbers(Inputs *in, const char *option, int channels, double *out) {
  const char *const *items, *text = args_value(in->args, option);
  if (!text) return STATUS_DONE;
  const size_t count = split_list(in->context, text, &items);
  if (count != 1 && count != (size_t)channels)
    return usage_error(in->context, in->args, "option %s takes 1 or %d numbers, not '%s'", option, channels, text);
  for (int i = 0; i < channels; i++) {
    const char *item = items[count == 1 ? 0 : i];
    char *end;
    out[i] = strtod(item, &end);
    const bool good = *item && !*end && out[i] >= -1e6 && out[i] <= 1e6 && (strcmp(option, "--std") || out[i] > 0);
    if (!good) return usage_error(in->context, in->args, "option %s: '%s' is no number that fits", option, item);
  }
  return STATUS_DONE;
}

static int read_preprocess(Inputs *in, size_t i, Preprocess *p) {
  double resize = 0, side = 0;
  int status = args_count(in->context, in->args, "--resize", 1, 65536, &resize);
  if (!status) status = args_count(in->context, in->args, "--crop", 1, 32768, &side);
  if (!status && !preprocess_for(in->context, input_name(in, i), input_type(in, i), (int)side, p))
    status = STATUS_MODEL;
  if (status || !preprocess_as_noted(in->context, &in->graph->notes, p)) return status ? status : STATUS_MODEL;
  p->resize = (int)resize;
  p->filter = (Filter)args_choice(in->args, "--filter", (int)p->filter);
  status = read_numbers(in, "--mean", p->channels, p->mean);
  return status ? status : read_numbers(in, "--std", p->channels, p->std);
}

/* The input that a picture is for: the only one not given otherwise. */
static bool image_input(const Inputs *in, size_t *out) {
  size_t left = 0;
  for (size_t i = 0; i < in->count; i++)
    if (!in->from[i]) *out = i, left++;
  if (left == 1) return true;
  return error_in(in->context, "--image",
                  left ? "%zu inputs could take it: give the others with --input NAME=FILE" : "no input is left for it",
                  left);
}

static int read_images(Inputs *in, const char *const *paths, size_t count, TensorView *all, size_t *port) {
  Preprocess p;
  if (!image_input(in, port)) return STATUS_MODEL;
  const int status = read_preprocess(in, *port, &p);
  if (status) return status;
  Type t = *input_type(in, *port);
  t.dim[0] = (Dim)count;
  t.dim[p.channels_last ? 1 : 2] = p.height;
  t.dim[p.channels_last ? 2 : 3] = p.width;
  *all = (TensorView){.type = t, .bytes = type_bytes(&t)};
  unsigned char *bytes = arena_alloc(in->context->arena, all->bytes);
  all->data = bytes;
  for (size_t i = 0; i < count; i++)
    if (!preprocess_image(in->context, paths[i], &p, bytes + i * (all->bytes / count))) return STATUS_MODEL;
  return STATUS_DONE;
}

/* Cuts pictures into batches of the model's fixed size. */
static int cut(Inputs *in, const TensorView *all, size_t port, DataSet **sets, size_t *count) {
  const Dim declared = input_type(in, port)->dim[0];
  const int64_t images = all->type.dim[0], batch = dim_is_number(declared) ? declared : images;
  if (batch < 1 || images % batch) {
    error_in(in->context, "--image", "%lld images do not fill batches of %lld", (long long)images, (long long)batch);
    return STATUS_MODEL;
  }
  *count = (size_t)(images / batch);
  *sets = ARENA_ARRAY(in->context->arena, DataSet, *count);
  for (size_t s = 0; s < *count; s++) {
    TensorView *views = arena_copy(in->context->arena, in->views, in->count * sizeof *views);
    views[port] = *all;
    views[port].type.dim[0] = batch;
    views[port].bytes = all->bytes / *count;
    views[port].data = (const unsigned char *)all->data + s * views[port].bytes;
    (*sets)[s] = (DataSet){.name = "input", .inputs = views, .input_count = in->count};
  }
  return STATUS_DONE;
}

int inputs_read(Context *c, const Args *args, const Graph *declared, DataSet **sets, size_t *count) {
  Inputs in = {.context = c, .args = args, .graph = declared};
  const char **images = ARENA_ARRAY(c->arena, const char *, args->given_count + 1);
  size_t image_count = 0, port = 0;
  in.count = graph_ports(declared, OP_input, in.ports, MAX_PORTS);
  in.views = ARENA_ARRAY(c->arena, TensorView, in.count + 1);
  in.from = ARENA_ARRAY(c->arena, const char *, in.count + 1);
  for (size_t i = 0; i < args->given_count; i++) {
    if (!strcmp(args->given[i].option->name, "--image"))
      images[image_count++] = args->given[i].value;
    else if (!strcmp(args->given[i].option->name, "--input") && !read_input(&in, args->given[i].value))
      return STATUS_MODEL;
  }
  TensorView all = {.data = NULL};
  if (image_count) {
    const int status = read_images(&in, images, image_count, &all, &port);
    if (status) return status;
    in.from[port] = "--image";
  }
  for (size_t i = 0; i < in.count; i++)
    if (!in.from[i])
      return usage_error(c, args, "input '%s' %s is not given: --input FILE or --image FILE", input_name(&in, i),
                         graph_type_text(declared, input_type(&in, i), c->arena));
  if (image_count) return cut(&in, &all, port, sets, count);
  *sets = ARENA_ARRAY(c->arena, DataSet, 1);
  **sets = (DataSet){.name = "input", .inputs = in.views, .input_count = in.count};
  *count = 1;
  return STATUS_DONE;
}
