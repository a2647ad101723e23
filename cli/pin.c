/* CPU affinity; see pin.h. Linux only: elsewhere the system moves threads as it likes. */
#define _GNU_SOURCE
#include "cli/pin.h"
#if defined(__linux__)
#include <sched.h>
#include <string.h>

_Static_assert(sizeof(cpu_set_t) <= sizeof((CpuSet){.count = 0}.bits), "a CpuSet holds a cpu_set_t");

CpuSet cpus_allowed(void) {
  CpuSet out = {.count = 0};
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set)) return out;
  memcpy(out.bits, &set, sizeof set);
  out.count = CPU_COUNT(&set);
  return out;
}

int cpus_pin(const CpuSet *from, int count) {
  cpu_set_t all, some;
  int taken = 0;
  memcpy(&all, from->bits, sizeof all);
  CPU_ZERO(&some);
  for (size_t i = 0; i < CPU_SETSIZE && taken < count; i++)
    if (CPU_ISSET(i, &all)) {
      CPU_SET(i, &some);
      taken++;
    }
  return taken && !sched_setaffinity(0, sizeof some, &some) ? taken : 0;
}
#else
CpuSet cpus_allowed(void) { return (CpuSet){.count = 0}; }
int cpus_pin(const CpuSet *from, int count) { return (void)from, (void)count, 0; }
#endif
