/* Checksum of a weights file: four interleaved lanes of 64-bit words, in plain C as fast as memory. */
#ifndef NX_CHECKSUM_H
#define NX_CHECKSUM_H
#include "runtime/vec_generic.h"
#include <stddef.h>

/* nx_checksum_start: the lanes before the first word */
NX_INLINE void nx_checksum_start(uint64_t lane[4]) {
  for (int i = 0; i < 4; i++) lane[i] = UINT64_C(0x9e3779b97f4a7c15) * (uint64_t)(i + 1);
}

/* nx_checksum_add: adds bytes, a multiple of 32, as words of the machine's byte order. Each step is a bijection of the
 * word, so no change of one word goes unseen. */
NX_INLINE void nx_checksum_add(uint64_t lane[4], const void *data, size_t bytes) {
  const unsigned char *p = (const unsigned char *)data;
  uint64_t a = lane[0], b = lane[1], c = lane[2], d = lane[3], word[4];
  for (; bytes >= 32; bytes -= 32, p += 32) {
    memcpy(word, p, 32);
    a = (a ^ word[0]) * UINT64_C(0x9fb21c651e98df25);
    b = (b ^ word[1]) * UINT64_C(0x9fb21c651e98df25);
    c = (c ^ word[2]) * UINT64_C(0x9fb21c651e98df25);
    d = (d ^ word[3]) * UINT64_C(0x9fb21c651e98df25);
    a ^= a >> 32;
    b ^= b >> 32;
    c ^= c >> 32;
    d ^= d >> 32;
  }
  lane[0] = a;
  lane[1] = b;
  lane[2] = c;
  lane[3] = d;
}

/* nx_checksum_end: one number of the four */
NX_INLINE uint64_t nx_checksum_end(const uint64_t lane[4]) {
  uint64_t sum = 0;
  for (int i = 0; i < 4; i++) {
    sum = (sum ^ lane[i]) * UINT64_C(0xc2b2ae3d27d4eb4f);
    sum ^= sum >> 29;
  }
  return sum;
}

/* End of the guard. */
#endif
