#!/bin/sh
# Compares nextc with ONNX Runtime on models that Python builds: scripts/interop.sh [options and case names of tests/interop/run.py]
#   NEXTC   the command, else build/nextc is built
#   VENV    the folder of the virtual environment that is made, default build/interop-venv
# Exit status 77: no Python, or its packages cannot be had.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
venv=${VENV:-$top/build/interop-venv}
if [ -z "${NEXTC:-}" ]; then
  "$top/scripts/build.sh" "$top/build" nextc
  NEXTC=$top/build/nextc
fi

skip() {
  echo "interop: skipped: $*"
  exit 77
}

# The packages are installed once; the mark tells that it was done to the end.
if [ ! -e "$venv/done" ]; then
  python3 -m venv "$venv" 2>/dev/null || skip "python3 cannot make a virtual environment (python3-venv)"
  echo "interop: installing numpy, onnx and onnxruntime in $venv"
  "$venv/bin/pip" install -q --retries 1 --timeout 20 numpy onnx onnxruntime >"$venv/log" 2>&1 ||
    skip "PyPI cannot be reached, or has no packages for this Python ($venv/log)"
  for rewriter in onnxsim onnxscript onnxoptimizer; do
    "$venv/bin/pip" install -q --retries 1 --timeout 20 --only-binary :all: "$rewriter" >>"$venv/log" 2>&1 ||
      echo "interop: no $rewriter for this Python"
  done
  touch "$venv/done"
fi

# The emitted C by tcc where there is one: seconds instead of minutes. The same loops run through the JIT, as vectors.
if [ -z "${CC:-}" ] && command -v tcc >/dev/null 2>&1; then CC=tcc; fi
export CC="${CC:-cc -O1}" PYTHONDONTWRITEBYTECODE=1
exec "$venv/bin/python" "$top/tests/interop/run.py" "$NEXTC" "$@"
