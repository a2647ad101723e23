/* From a picture to a model's input: resize the shorter side, crop the centre, scale, as timm and torchvision do. */
#ifndef NEXTC_PREPROCESS_H
#define NEXTC_PREPROCESS_H
#include "cli/image.h"
#include "ir/ir.h"

typedef struct {
  int height, width, channels;
  bool channels_last;
  DType dtype;       /* f32, f16, bf16, or u8: pixels as they are */
  bool squash;       /* both sides are resized to the crop's / crop_ratio, whatever the image's proportions */
  int resize;        /* length of the shorter side; 0: the crop's / crop_ratio */
  double crop_ratio; /* of what is resized, the part that stays; default 0.875 */
  Filter filter;
  double mean[4], std[4]; /* of pixels in [0, 1] */
} Preprocess;

/* What an input of this type [N, C, H, W] or [N, H, W, C] takes, with ImageNet's mean and std for 3 channels. A
 * symbolic height or width becomes `side` (0: that is an error). False + diag (as `name`). */
bool preprocess_for(Context *, const char *name, const Type *, int side, Preprocess *out);
/* What the model itself says (a description's or checkpoint's preprocessing), where it does. False + diag where that is
 * for another number of channels. */
bool preprocess_as_noted(Context *, const Notes *, Preprocess *);
/* One image into [C, H, W] or [H, W, C] of p->dtype. False + diag. */
bool preprocess_image(Context *, const char *path, const Preprocess *, void *out);
#endif
