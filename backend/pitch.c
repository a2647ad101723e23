/* Pitches of what a dwconv reads; see pitch.h. */
#include "backend/pitch.h"
#include "backend/lower_taps.h"

enum { MOST_APART = 1024 }; /* elements between the channels of two positions */

static int64_t channels_of(const Graph *g, const Op *dwconv) { return type_of(g, dwconv->operands[1])->dim[2]; }

/* Would the lines under a tile push each other out of a first-level cache before the line's next vector reads them?
 * At a pitch that is a multiple of a large power of two they share few of its sets. A copy pays where it about fits the
 * second level. The same for all targets, which must have the same steps: a cache of 8 ways of 4 KiB, tiles of 8
 * columns, and 512 KiB stand for all. */
static bool copy_pays(const Taps *win, int64_t channels, int64_t apart) {
  enum { WAYS = 8, WAY_BYTES = 4096, LINE_BYTES = 4 * LINE_FLOATS, COLUMNS = 8, L2_BYTES = 512 << 10 };
  const int64_t bytes = 4 * channels;
  int64_t sets = WAY_BYTES / LINE_BYTES;
  for (int64_t step = LINE_BYTES; sets > 1 && bytes % (2 * step) == 0; step *= 2) sets /= 2;
  const int64_t columns = win->ow < COLUMNS ? win->ow : COLUMNS;
  const int64_t under = (columns - 1) * win->sx + (win->kw - 1) * win->dx + 1;
  const int64_t lines = win->kh * (under < win->w ? under : win->w);
  const int64_t copied = 4 * win->n * win->h * win->w * apart;
  return bytes % LINE_BYTES == 0 && 2 * WAYS * sets < lines && copied <= 2 * L2_BYTES;
}

int64_t pitch_of_shape(const Graph *g, const Op *dwconv) {
  const Type *w = type_of(g, dwconv->operands[1]);
  const Taps win = taps_describe(&dwconv->attrs, type_of(g, dwconv->operands[0]), type_of(g, dwconv->first_result),
                                 w->dim[0], w->dim[1], false);
  const int64_t channels = channels_of(g, dwconv);
  const int64_t apart = (channels + LINE_FLOATS - 1) / LINE_FLOATS * LINE_FLOATS + LINE_FLOATS;
  return w->dtype == DT_f32 && copy_pays(&win, channels, apart) ? apart : channels;
}

int64_t pitch_of_dwconv(const Graph *g, const Op *dwconv) {
  return dwconv->sched.pitch >= 0 ? dwconv->sched.pitch : pitch_of_shape(g, dwconv);
}

const char *pitch_fault(const Graph *g, const Op *first) {
  const int64_t pitch = first->sched.pitch;
  if (pitch < 0) return NULL;
  if (first->kind != OP_dwconv) return "is for a dwconv";
  if (type_of(g, first->first_result)->dtype != DT_f32) return "is for numbers of f32";
  const int64_t channels = channels_of(g, first);
  return pitch < channels                ? "is less than its channels"
         : pitch > channels + MOST_APART ? "is more than 1024 above its channels"
                                         : NULL;
}
