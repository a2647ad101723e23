/* Preloaded into a process, answers for the cpuid instructions that hide_avx512.py replaced by ud2 (both have two
 * bytes): what the CPU says, without AVX-512 and AMX.  cc -O2 -shared -fPIC. The bits: Intel's Architecture
 * Instruction Set Extensions reference, table of leaf 7. */
#define _GNU_SOURCE
#include <cpuid.h>
#include <signal.h>
#include <ucontext.h>

#define BIT(n) (1u << (n))

static void hide(unsigned leaf, unsigned subleaf, unsigned r[4]) {
  if (leaf != 7) return;
  if (subleaf == 0) {
    r[1] &=
        ~(BIT(16) | BIT(17) | BIT(21) | BIT(26) | BIT(27) | BIT(28) | BIT(30) | BIT(31)); /* f dq ifma pf er cd bw vl */
    r[2] &= ~(BIT(1) | BIT(6) | BIT(11) | BIT(12) | BIT(14)); /* vbmi vbmi2 vnni bitalg vpopcntdq */
    r[3] &= ~(BIT(2) | BIT(3) | BIT(8) | BIT(22) | BIT(23) | BIT(24) |
              BIT(25)); /* 4vnniw 4fmaps vp2intersect, amx and fp16 */
  }
  if (subleaf == 1) {
    r[0] &= ~(BIT(5) | BIT(21)); /* avx512_bf16 amx_fp16 */
    r[3] &= ~(BIT(8) | BIT(19)); /* amx_complex avx10 */
  }
}

static void answer(int number, siginfo_t *info, void *context) {
  greg_t *reg = ((ucontext_t *)context)->uc_mcontext.gregs;
  const unsigned char *at = (const unsigned char *)reg[REG_RIP]; /* NOLINT: an address is a number there */
  unsigned leaf = (unsigned)reg[REG_RAX], subleaf = (unsigned)reg[REG_RCX], r[4];
  (void)info;
  if (at[0] != 0x0f || at[1] != 0x0b) {
    signal(number, SIG_DFL); /* not ours: the instruction is tried again, and ends the process */
    return;
  }
  __cpuid_count(leaf, subleaf, r[0], r[1], r[2], r[3]);
  hide(leaf, subleaf, r);
  reg[REG_RAX] = r[0], reg[REG_RBX] = r[1], reg[REG_RCX] = r[2], reg[REG_RDX] = r[3];
  reg[REG_RIP] += 2;
}

__attribute__((constructor)) static void start(void) {
  struct sigaction action = {0};
  action.sa_sigaction = answer;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  sigaction(SIGILL, &action, NULL);
}
