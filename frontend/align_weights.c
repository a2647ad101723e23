#include "frontend/weights.h"
void align_weights(Graph *g, WeightFile *f, const OpId *ids, size_t count, ValueId *exprs, bool *used) {
  (void)g,(void)f,(void)ids,(void)count,(void)exprs,(void)used;
}
