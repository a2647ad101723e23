/* Network descriptions in YAML; the language is docs/yaml.md. */
#ifndef NEXTC_YAML_MODEL_H
#define NEXTC_YAML_MODEL_H
#include "frontend/frontend.h"
#include "frontend/net.h"

enum { MAX_STAGES = 16, MAX_BLOCKS = 1000 };
/* Blocks of each stage: there are some, and not too many. False + diag. */
bool check_depths(Net *, const IntList *depths);

/* A family: key `family` of a description, its options, its network. */
typedef struct {
  const char *name;
  const Field *fields; /* of the options */
  size_t field_count, options_size;
  void (*defaults)(void *options);
  /* Checks the options (false + diag) and appends the network; returns its result. */
  ValueId (*build)(Net *, const void *options, ValueId image);
} Family;
extern const Family family_convnext, family_resnet;

/* The general language (yaml_steps.c): `model`, a list of steps; `blocks`, steps with names and parameters. */
ValueId build_steps(Net *, const Node *root, const ValueId *inputs, size_t input_count);
/* Keys of the top that build_steps reads. */
#define STEPS_KEYS "model", "blocks", "outputs", "params"

/* A description as a graph whose weights are those of no_weights. sizes: NULL, or gets the sizes. size > 0: image size
 * instead of the description's. learned: NULL, or gets the number of learned parameters. */
Graph *build_yaml(Context *, const Node *root, const char *graph_name, int64_t size, const DimPin *pins,
                  size_t pin_count, int64_t *learned);
/* Keys labels and preprocess into g->notes (yaml_notes.c). */
bool read_notes(Context *, const Node *root, Graph *);
/* The image sizes that a description lists, at least one. */
bool yaml_sizes(Context *, const Node *root, IntList *out);

/* The description of a network of the zoo, `base`s merged; NULL + diag with the nearest name. */
const Node *zoo_description(Context *, Arena *, const char *name);
/* `base: NAME` replaced by that network's keys; NULL + diag. */
const Node *yaml_with_base(Context *, Arena *, const Node *root);
#endif
