/* What a network in normal form shows of itself: the options of the description that may build it. */
#ifndef NEXTC_EXPORT_FACTS_H
#define NEXTC_EXPORT_FACTS_H
#include "frontend/yaml_model.h"

typedef struct {
  size_t stages;
  int64_t depths[MAX_STAGES], dims[MAX_STAGES], kernels[MAX_STAGES]; /* dims: channels of the residuals */
  size_t first_dilated;                                              /* stage; 0: none */
  int64_t patch;                                                     /* of the stem; 0: it is no patch */
  int64_t classes, head_hidden, expand;
  const char *act, *norm; /* as descriptions call them; norm NULL: layernorm */
  bool grn, layer_scale, stem_norm, bias, mlp_bias, head_norm_first, first_downsample;
  bool pool_mean, pool_max;
  int64_t tail, before_tail; /* channels of the last two gemms on images behind the last residual; 0: there is none */
  double eps, head_eps, grn_eps; /* -1: there is no such op */
} ExportFacts;

/* False: no residuals, or too many stages. */
bool export_facts(const Graph *, ExportFacts *);
#endif
