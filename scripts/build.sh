#!/bin/sh
# Configures a folder and builds a target in it: scripts/build.sh FOLDER TARGET [CMAKE-OPTION...]
set -eu
folder=$1
target=$2
shift 2
top=$(cd "$(dirname "$0")/.." && pwd)
jobs=$(nproc 2>/dev/null || echo 1)
echo "build: $target in $folder"
cmake -S "$top" -B "$folder" "$@" >"$folder.log" 2>&1 || { cat "$folder.log" >&2; exit 1; }
cmake --build "$folder" --target "$target" -j "$jobs" >>"$folder.log" 2>&1 || { tail -n 60 "$folder.log" >&2; exit 1; }
rm -f "$folder.log"
