#!/bin/sh
# Builds nextc twice and runs every test: first under AddressSanitizer and UndefinedBehaviorSanitizer (without the tests
# labelled slow), then all of them as built for users.
#   scripts/test.sh [--no-sanitizers]
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top"
# What only tests need, or what is optional; tests that miss one of these say so and are skipped.
# chromium: the explorer's page   python3-venv: comparisons with ONNX Runtime   llvm-19-dev: the JIT
# libpng, libjpeg: pictures for 'nextc run'   binutils: reading object code
# gcc-aarch64-linux-gnu, gcc-riscv64-linux-gnu, clang-19 (for RISC-V's vectors), qemu-user: other machines
# valgrind: counts of instructions
optional="chromium python3-venv llvm-19-dev libpng-dev libjpeg-dev zlib1g-dev binutils valgrind
  gcc-aarch64-linux-gnu libc6-dev-arm64-cross gcc-riscv64-linux-gnu libc6-dev-riscv64-cross clang-19 qemu-user"
# shellcheck disable=SC2086  # a list of words
scripts/install_deps.sh $optional || scripts/install_deps.sh
jobs=$(nproc 2>/dev/null || echo 1)
if [ "${1:-}" != --no-sanitizers ]; then
  scripts/build.sh build-sanitized all -DNEXTC_SANITIZE=ON
  ctest --test-dir build-sanitized --output-on-failure -j "$jobs" -LE slow
fi
scripts/build.sh build all
ctest --test-dir build --output-on-failure -j "$jobs"
