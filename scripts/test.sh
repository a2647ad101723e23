#!/bin/sh
# Builds nextc twice and runs every test: first under AddressSanitizer and UndefinedBehaviorSanitizer (without the tests
# labelled slow), then all of them as built for users.
#   scripts/test.sh [--no-sanitizers]
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top"
# chromium: what the tests of the explorer look with; they are skipped where it can't be had
scripts/install_deps.sh chromium || scripts/install_deps.sh
jobs=$(nproc 2>/dev/null || echo 1)
if [ "${1:-}" != --no-sanitizers ]; then
  scripts/build.sh build-sanitized all -DNEXTC_SANITIZE=ON
  ctest --test-dir build-sanitized --output-on-failure -j "$jobs" -LE slow
fi
scripts/build.sh build all
ctest --test-dir build --output-on-failure -j "$jobs"
