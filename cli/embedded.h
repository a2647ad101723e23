/* Files of cli/ as text; CMake makes the definitions from them (embed_text). */
#ifndef NEXTC_EMBEDDED_H
#define NEXTC_EMBEDDED_H
#include <stddef.h>

#define EMBEDDED(name)                                                                                                 \
  extern const unsigned char name[];                                                                                   \
  extern const size_t name##_bytes;
EMBEDDED(driver_text)
EMBEDDED(bench_driver_text)
EMBEDDED(driver_tensors_text)
EMBEDDED(explorer_page_text)
EMBEDDED(explorer_style_text)
EMBEDDED(explorer_script_text)
#undef EMBEDDED
#endif
