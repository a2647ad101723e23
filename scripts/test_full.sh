#!/bin/sh
# Full-size models against ONNX Runtime's stored answers: weights and input are written by the fixtures' own script
# (reproducible numbers), then nextc verify compiles each to C and runs it. One model at a time; what was written is
# removed again.
#   scripts/test_full.sh [small | all | MODEL...] [NEXTC]
# small (default): those up to ConvNeXt-T, with the evaluator for the smallest; all: XL and V2-Huge too (3 GB of disk).
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
full=$top/../shared/fixtures/full
fill=$top/../shared/tools/fill_weights.py
small="convnext_atto.dynamo20 convnextv2_atto.dynamo20 convnextv2_atto.ts17 convnext_tiny.ts13 convnext_tiny.dynamo20"
large="convnext_tiny.ts17 convnextv2_tiny.dynamo20 convnext_base.dynamo20 convnext_xlarge.dynamo20 convnextv2_huge.dynamo20"

which=small nextc=$top/build/nextc models=
for argument; do
  case "$argument" in
    small | all) which=$argument ;;
    */nextc) nextc=$argument ;;
    *) models="$models $argument" ;;
  esac
done
if [ -z "$models" ]; then
  models=$small
  if [ "$which" = all ]; then models="$small $large"; fi
fi

if [ ! -d "$full" ] || [ ! -f "$fill" ]; then
  echo "skipped: no fixtures in $full"
  exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
python=python3
if ! $python -c 'import numpy' 2>/dev/null; then
  echo "test_full: numpy goes into a virtual environment"
  if ! { python3 -m venv "$work/venv" && "$work/venv/bin/pip" -q install numpy; }; then
    echo "skipped: no numpy"
    exit 77
  fi
  python=$work/venv/bin/python
fi

failed=
for model in $models; do
  echo "test_full: writing the weights of $model"
  $python "$fill" "$full/$model" "$work/$model"
  backends=c
  case "$model" in *atto*) backends=eval,c ;; esac
  "$nextc" verify --backends=$backends "$work/$model" || failed="$failed $model"
  rm -rf "${work:?}/$model"
done
if [ -n "$failed" ]; then
  echo "test_full: failed:$failed"
  exit 1
fi
