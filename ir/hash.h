/* 64-bit hash of bytes, the same on every machine. */
#ifndef NEXTC_HASH_H
#define NEXTC_HASH_H
#include <stddef.h>
#include <stdint.h>

uint64_t hash_bytes(const void *, size_t, uint64_t seed);
#endif
