#!/bin/sh
# Tests of the Python package, and ONNX's own backend tests through it: scripts/test_python.sh BUILD-FOLDER
# Makes a virtual environment in BUILD-FOLDER/venv with numpy, onnx and nextc itself; what PyPI does not give is skipped (77).
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
build=$(cd "$1" && pwd)
venv=$build/venv
[ -e "$build/libnextc.so" ] || { echo "skipped: no libnextc.so in $build"; exit 77; }
if [ ! -x "$venv/bin/python" ]; then
  python3 -m venv "$venv" >"$build/venv.log" 2>&1 || { echo "skipped: python3 has no venv"; exit 77; }
fi
if ! "$venv/bin/python" -c 'import numpy, wheel' 2>/dev/null; then
  "$venv/bin/pip" install -q numpy setuptools wheel >>"$build/venv.log" 2>&1 || { echo "skipped: no numpy from PyPI"; exit 77; }
fi
"$venv/bin/python" -c 'import onnx' 2>/dev/null || "$venv/bin/pip" install -q onnx >>"$build/venv.log" 2>&1 || true
rm -rf "$build/python"
cp -r "$top/python" "$build/python"
NEXTC_LIBRARY=$build/libnextc.so "$venv/bin/pip" install -q --force-reinstall --no-deps --no-build-isolation "$build/python" \
  >>"$build/venv.log" 2>&1 || { cat "$build/venv.log"; exit 1; }
XDG_CACHE_HOME=$build/python/cache
export XDG_CACHE_HOME
cd "$build/python"
"$venv/bin/python" "$top/python/tests/test_nextc.py" -q
"$venv/bin/python" -W ignore "$top/python/tests/test_onnx_backend.py"
