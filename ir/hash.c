/* 64-bit hash of bytes in four interleaved lanes, so that four multiplications are in flight: a few GB/s in plain C.
 * Words are little-endian by definition, hence the same value on every machine. Not cryptographic. */
#include "ir/hash.h"
#include <string.h>

static const uint64_t prime = 0x9E3779B185EBCA87u; /* odd, bits well mixed (2^64 / golden ratio, made prime) */

static uint64_t word_at(const unsigned char *p) {
  return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 | (uint64_t)p[4] << 32 |
         (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 | (uint64_t)p[7] << 56;
}

static uint64_t mix(uint64_t lane, uint64_t word) {
  lane = (lane ^ word) * prime;
  return lane ^ lane >> 32;
}

static void mix_block(uint64_t lane[4], const unsigned char *p) {
  for (int i = 0; i < 4; i++) lane[i] = mix(lane[i], word_at(p + 8 * i));
}

uint64_t hash_bytes(const void *bytes, size_t size, uint64_t seed) {
  const unsigned char *p = bytes;
  uint64_t lane[4] = {seed, seed + 1, seed + 2, seed + 3};
  size_t left = size;
  for (; left >= 32; left -= 32, p += 32) mix_block(lane, p);
  unsigned char tail[32] = {0};
  if (left) memcpy(tail, p, left);
  mix_block(lane, tail);
  uint64_t h = size;
  for (int i = 0; i < 4; i++) h = mix(h, lane[i]);
  return mix(h, seed);
}
