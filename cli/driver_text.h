/* cli/driver/run_model.c as text; CMake makes the definitions from the file. */
#ifndef NEXTC_DRIVER_TEXT_H
#define NEXTC_DRIVER_TEXT_H
#include <stddef.h>
extern const unsigned char driver_text[];
extern const size_t driver_text_bytes;
#endif
