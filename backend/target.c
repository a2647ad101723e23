/* The target table; see target.h. The last row that a CPU can run is the one used. */
#include "backend/target.h"
#include <string.h>

const Target targets[] = {
    {.name = "generic",
     .doc = "plain C99, scalars; runs everywhere",
     .lanes = 1,
     .registers = 16,
     .fma = false,
     .gemm_rows = 2, /* 2 x 4 accumulators + 4 weights + 2 inputs of 16 registers */
     .gemm_vectors = 4,
     .dwconv_columns = 4,
     .l1_bytes = 32 << 10,
     .l2_bytes = 256 << 10,
     .vector_file = "vec_generic.h"},
    {.name = "v3",
     .doc = "x86-64-v3: AVX2 and FMA",
     .lanes = 8,
     .registers = 16,
     .fma = true,
     .gemm_rows = 6, /* 6 x 2 accumulators + 2 weights + 1 input of 16 registers */
     .gemm_vectors = 2,
     .dwconv_columns = 8,
     .l1_bytes = 32 << 10,
     .l2_bytes = 512 << 10,
     .c_guard = "defined(__x86_64__) && defined(__GNUC__) && !defined(__TINYC__)",
     .c_attribute = "__attribute__((target(\"avx2,fma\")))",
     .c_include = "immintrin.h",
     .c_detect = "__builtin_cpu_supports(\"avx2\") && __builtin_cpu_supports(\"fma\")",
     .features = "+avx2,+fma",
     .vector_file = "vec_v3.h"},
    {.name = "v4",
     .doc = "x86-64-v4: AVX-512 F, VL, BW and DQ",
     .lanes = 16,
     .registers = 32,
     .fma = true,
     .gemm_rows = 7, /* 7 x 3 accumulators + 3 weights + 1 input of 32 registers: three panels at once */
     .gemm_vectors = 3,
     .dwconv_columns = 14,
     .l1_bytes = 32 << 10,
     .l2_bytes = 1 << 20,
     .c_guard = "defined(__x86_64__) && defined(__GNUC__) && !defined(__TINYC__)",
     .c_attribute = "__attribute__((target(\"avx2,fma,avx512f,avx512vl,avx512bw,avx512dq\")))",
     .c_include = "immintrin.h",
     .c_detect = "__builtin_cpu_supports(\"avx512f\") && __builtin_cpu_supports(\"avx512vl\") && "
                 "__builtin_cpu_supports(\"avx512bw\") && __builtin_cpu_supports(\"avx512dq\")",
     .features = "+avx2,+fma,+avx512f,+avx512vl,+avx512bw,+avx512dq",
     .vector_file = "vec_v4.h",
     .narrow = "v3"},
    {.name = "aarch64",
     .doc = "AArch64: NEON",
     .lanes = 4,
     .registers = 32,
     .fma = true,
     .gemm_rows = 5, /* 5 x 4 accumulators + 4 weights + 5 inputs of 32 registers, which gcc loads first: 6 spill */
     .gemm_vectors = 4,
     .dwconv_columns = 14,
     .l1_bytes = 32 << 10,
     .l2_bytes = 512 << 10,
     .c_guard = "defined(__aarch64__) && defined(__ARM_NEON) && !defined(__AARCH64EB__) && defined(__GNUC__)",
     .c_include = "arm_neon.h",
     .features = "+neon",
     .vector_file = "vec_aarch64.h"},
    {.name = "riscv64",
     .experiment = true,
     .doc = "RISC-V: the V extension, 128 bits of its registers",
     .lanes = 4,
     .registers = 32,
     .fma = true,
     .gemm_rows = 6, /* 6 x 4 accumulators + 4 weights of 32 registers; inputs are scalars (vfmacc.vf) */
     .gemm_vectors = 4,
     .dwconv_columns = 14,
     .l1_bytes = 32 << 10,
     .l2_bytes = 512 << 10,
     .c_guard = "defined(__riscv_v) && __riscv_v >= 1000000 && __riscv_xlen == 64 && defined(__clang__) && "
                "__clang_major__ >= 19",
     .features = "+v",
     .vector_file = "vec_riscv64.h"},
};
const int target_count = (int)(sizeof targets / sizeof *targets);

const Target *target_by_name(const char *name) {
  for (int i = 0; i < target_count; i++)
    if (!strcmp(targets[i].name, name)) return &targets[i];
  return NULL;
}
