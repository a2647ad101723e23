/* Checkpoint folders as model hubs hold them. */
#ifndef NEXTC_CHECKPOINT_H
#define NEXTC_CHECKPOINT_H
#include "frontend/frontend.h"

/* folder: config.json of Hugging Face transformers or timm, and model.safetensors or model.safetensors.index.json.
 * Architecture, labels and preprocessing come from the JSON. weights_from: NULL: the folder's. NULL + diag. */
Graph *load_checkpoint(Context *, const char *folder, const DimPin *, size_t pin_count, const char *weights_from);
#endif
