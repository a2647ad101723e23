/* Which CPUs this process, its threads and its children run on. */
#ifndef NEXTC_PIN_H
#define NEXTC_PIN_H

typedef struct {
  unsigned char bits[128];
  int count; /* 0: the system cannot say */
} CpuSet;

/* Those it may use now. */
CpuSet cpus_allowed(void);
/* Keeps it on the first `count` CPUs of the set (all, where it has fewer); returns how many those are, 0 where the
 * system cannot do it. */
int cpus_pin(const CpuSet *, int count);
#endif
