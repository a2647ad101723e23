#!/bin/sh
# From nothing to digits read: installs what is missing, builds nextc, compiles two ConvNeXts to C, builds and runs them.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top"
scripts/install_deps.sh
scripts/build.sh build nextc

run() {
  echo "\$ $*"
  "$@"
}
out=build/demo
mkdir -p "$out"
for model in digits_convnext digits_convnextv2; do
  run build/nextc compile "examples/digits/$model.onnx" -o "$out/$model.c"
done
run "${CC:-cc}" -O2 -I"$out" examples/digits/main.c "$out/digits_convnext.c" "$out/digits_convnextv2.c" -o "$out/digits" -lm
run "$out/digits" examples/digits/test_images.npy examples/digits/test_labels.npy
