#!/bin/sh
# Configures and builds a folder: scripts/build.sh FOLDER [CMAKE-OPTION...]
set -eu
folder=$1
shift
top=$(cd "$(dirname "$0")/.." && pwd)
jobs=$(nproc 2>/dev/null || echo 1)
echo "build: $folder"
cmake -S "$top" -B "$folder" "$@" >"$folder.log" 2>&1 || { cat "$folder.log" >&2; exit 1; }
cmake --build "$folder" -j "$jobs" >>"$folder.log" 2>&1 || { tail -n 60 "$folder.log" >&2; exit 1; }
rm -f "$folder.log"
